//! Clause index: which clauses of terms hold for a line, asked about all of them at once.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "places of clauses of one version of the terms, of which there are a few hundred"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use crate::terms::body::Condition;
use crate::terms::body::Price;
use crate::terms::body::TermsBody;
use crate::terms::patterns::PatternSet;
use crate::terms::patterns::Scratch;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Name;
use crate::vocab::Value;

/// The clauses of terms that have conditions, numbered: rules, prices, exclusivities,
/// contributions.
#[derive(Debug)]
pub(crate) struct ClauseIndex {
    rules: Range<usize>,
    /// Positions in the terms, in the order of numbers: by meter and currency, and of these the
    /// latest first day first, of the same day the first listed.
    prices: Vec<usize>,
    first_price: usize,
    lists: Vec<PriceList>,
    exclusivities: Range<usize>,
    contributions: Range<usize>,
    attributes: Vec<AttributeIndex>,
}

/// The prices of a meter in a currency.
#[derive(Debug)]
struct PriceList {
    meter: Name,
    currency: Currency,
    /// Places in [`ClauseIndex::prices`].
    at: Range<usize>,
}

/// The conditions on one attribute.
#[derive(Debug)]
struct AttributeIndex {
    name: Name,
    /// The clauses without a condition on it.
    open: Clauses,
    patterns: PatternSet,
    /// The clauses that hold for a line without the attribute.
    absent: Clauses,
}

/// A set of clauses: a bit for each number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Clauses(Box<[u64]>);

/// What was found about values of attributes, so that each is matched once.
#[derive(Clone, Debug, Default)]
pub(crate) struct ValueMemo {
    by_value: BTreeMap<(usize, Value), Clauses>,
    scratch: Vec<Scratch>,
}

impl ValueMemo {
    /// How many steps matching has taken.
    #[cfg(test)]
    pub(in crate::terms) fn steps(&self) -> u64 {
        self.scratch.iter().map(Scratch::steps).sum()
    }
}

/// The index of terms, made when it is asked for first. Clones of the terms share it.
#[derive(Clone, Default)]
pub(in crate::terms) struct IndexCell(Arc<OnceLock<ClauseIndex>>);

/// Whether it was made already is of no interest.
impl fmt::Debug for IndexCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexCell")
    }
}

impl IndexCell {
    pub(in crate::terms) fn of(&self, terms: &TermsBody) -> &ClauseIndex {
        self.0.get_or_init(|| ClauseIndex::new(terms))
    }
}

/// Equal terms have equal indexes.
impl PartialEq for IndexCell {
    fn eq(&self, _: &IndexCell) -> bool {
        true
    }
}

impl Eq for IndexCell {}

impl Clauses {
    fn all(clauses: usize) -> Clauses {
        Clauses(vec![u64::MAX; clauses.div_ceil(64)].into())
    }

    fn insert(&mut self, clause: usize) {
        if let Some(word) = self.0.get_mut(clause / 64) {
            *word |= 1 << (clause % 64);
        }
    }

    fn remove(&mut self, clause: usize) {
        if let Some(word) = self.0.get_mut(clause / 64) {
            *word &= !(1 << (clause % 64));
        }
    }

    fn and(&mut self, other: &Clauses) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    /// The clauses of a range of numbers, rising.
    fn within(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        let words = range.start / 64..range.end.div_ceil(64);
        let words = words.map(|at| (at, self.0.get(at).copied().unwrap_or(0)));
        let clauses = words.flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros();
                word &= word.checked_sub(1)?;
                Some(at * 64 + bit as usize)
            })
        });
        clauses.filter(move |clause| range.contains(clause))
    }
}

impl ClauseIndex {
    fn new(terms: &TermsBody) -> ClauseIndex {
        let mut prices: Vec<usize> = (0..terms.prices.len()).collect();
        let order = |at: &usize| terms.prices.get(*at).map(|one| (&one.meter, one.currency));
        let from = |at: &usize| terms.prices.get(*at).map(|one| one.from);
        prices.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| from(b).cmp(&from(a))));
        let mut lists = Vec::new();
        let mut next = 0;
        for alike in prices.chunk_by(|a, b| order(a) == order(b)) {
            let at = next..next + alike.len();
            next = at.end;
            if let Some((meter, currency)) = alike.first().and_then(order) {
                lists.push(PriceList { meter: meter.clone(), currency, at });
            }
        }
        let rules = 0..terms.rules.len();
        let first_price = rules.end;
        let begin = first_price + prices.len();
        let exclusivities = begin..begin + terms.exclusivities.len();
        let contributions = exclusivities.end..exclusivities.end + terms.contributions.len();
        let priced = prices.iter().filter_map(|at| terms.prices.get(*at)).map(|one| &one.when);
        let conditions: Vec<&Vec<Condition>> = (terms.rules.iter().map(|one| &one.when))
            .chain(priced)
            .chain(terms.exclusivities.iter().map(|one| &one.when))
            .chain(terms.contributions.iter().map(|one| &one.when))
            .collect();
        let attributes = attributes(&conditions, contributions.end);
        ClauseIndex { rules, prices, first_price, lists, exclusivities, contributions, attributes }
    }

    /// The clauses that hold for a line with these attributes, sorted by name.
    pub(crate) fn holding(&self, attributes: &[(Name, Value)], memo: &mut ValueMemo) -> Clauses {
        let mut holding = Clauses::all(self.contributions.end);
        memo.scratch.resize_with(self.attributes.len(), Scratch::default);
        for (number, index) in self.attributes.iter().enumerate() {
            let found = attributes.binary_search_by(|(name, _)| name.cmp(&index.name));
            let Some((_, value)) = found.ok().and_then(|at| attributes.get(at)) else {
                holding.and(&index.absent);
                continue;
            };
            let Some(scratch) = memo.scratch.get_mut(number) else { continue };
            if !index.patterns.is_large() {
                holding.and(&index.on(value.as_str(), scratch));
                continue;
            }
            let known = memo.by_value.entry((number, value.clone()));
            holding.and(known.or_insert_with(|| index.on(value.as_str(), scratch)));
        }
        holding
    }

    /// Writes which clauses hold as far as a value of an attribute is concerned; `None` if no clause
    /// has a condition on it.
    pub(in crate::terms) fn marker<'s>(
        &'s self,
        attribute: &Name,
    ) -> Option<impl FnMut(&str, &mut Vec<u64>) + use<'s>> {
        let at = self.attributes.binary_search_by(|index| index.name.cmp(attribute)).ok()?;
        let index = self.attributes.get(at)?;
        let mut scratch = Scratch::default();
        Some(move |value: &str, marks: &mut Vec<u64>| {
            let start = marks.len();
            marks.extend(&index.open.0);
            index.patterns.matching(value, &mut scratch, |clause| {
                if let Some(word) = marks.get_mut(start + clause as usize / 64) {
                    *word |= 1 << (clause % 64);
                }
            });
        })
    }

    /// The position of the first rule that holds.
    pub(crate) fn rule(&self, holding: &Clauses) -> Option<usize> {
        holding.within(self.rules.clone()).next()
    }

    /// The positions of the exclusivities that hold.
    pub(crate) fn exclusivities(&self, holding: &Clauses) -> impl Iterator<Item = usize> {
        let first = self.exclusivities.start;
        holding.within(self.exclusivities.clone()).map(move |clause| clause - first)
    }

    /// The positions of the contribution clauses that hold.
    pub(crate) fn contributions(&self, holding: &Clauses) -> impl Iterator<Item = usize> {
        let first = self.contributions.start;
        holding.within(self.contributions.clone()).map(move |clause| clause - first)
    }

    /// Whether the price list has a price of a meter, for any line.
    pub(crate) fn is_priced(&self, meter: &Name) -> bool {
        self.lists.binary_search_by(|list| list.meter.cmp(meter)).is_ok()
    }

    /// The price of a meter that holds for a line of a day in a currency: see
    /// [`TermsBody::price_for`].
    pub(crate) fn price<'a>(
        &self,
        terms: &'a TermsBody,
        (meter, currency, day): (&Name, Currency, Date),
        holding: &Clauses,
    ) -> Option<&'a Price> {
        let order = |list: &PriceList| list.meter.cmp(meter).then(list.currency.cmp(&currency));
        let list = self.lists.binary_search_by(order).ok().and_then(|at| self.lists.get(at))?;
        let price = |at: &usize| terms.prices.get(*at);
        let later = self.prices.get(list.at.clone())?;
        let later = later.partition_point(|at| price(at).is_some_and(|one| one.from > day));
        let begun = self.first_price + list.at.start + later..self.first_price + list.at.end;
        let clause = holding.within(begun).next()?;
        price(self.prices.get(clause.checked_sub(self.first_price)?)?)
    }
}

/// The conditions of clauses, by attribute.
fn attributes(conditions: &[&Vec<Condition>], clauses: usize) -> Vec<AttributeIndex> {
    let all = conditions.iter().flat_map(|when| when.iter());
    let mut names: Vec<&Name> = all.map(|condition| &condition.attribute).collect();
    names.sort_unstable();
    names.dedup();
    let mut attributes = Vec::with_capacity(names.len());
    for name in names {
        let mut open = Clauses::all(clauses);
        let mut patterns = Vec::new();
        for (number, when) in conditions.iter().enumerate() {
            for condition in when.iter().filter(|condition| condition.attribute == *name) {
                open.remove(number);
                patterns.extend(condition.patterns.iter().map(|one| (one, number as u32)));
            }
        }
        let patterns = PatternSet::new(patterns);
        let absent = open.clone();
        let mut index = AttributeIndex { name: name.clone(), open, patterns, absent };
        index.absent = index.on("", &mut Scratch::default());
        attributes.push(index);
    }
    attributes
}

impl AttributeIndex {
    /// The clauses that hold as far as this attribute is concerned.
    fn on(&self, value: &str, scratch: &mut Scratch) -> Clauses {
        let mut clauses = self.open.clone();
        self.patterns.matching(value, scratch, |clause| clauses.insert(clause as usize));
        clauses
    }
}
