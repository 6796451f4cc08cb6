//! What exclusivities and contributions can add to the rates of a rule.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "rates and points are below 10^15 each, and terms hold a few hundred"
)]

use std::collections::BTreeMap;

use crate::limits::MODIFIERS_MAX;
use crate::terms::body::Condition;
use crate::terms::draft::DraftTerms;
use crate::terms::draft::PerAttribute;
use crate::terms::draft::PerParty;
use crate::terms::rules::scaled;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Rate;

/// The exclusivities and contributions of a draft, by what they can hold together with. Those that
/// could not be read are left out.
///
/// An index over patterns, so that the longest terms that a stranger can write are judged in one
/// pass over them, and not by comparing every pattern of a rule with every one of a modifier.
#[derive(Default)]
pub(in crate::terms) struct Points<'a> {
    /// Points per party, by modifier.
    modifiers: Vec<Vec<(&'a Id, i128)>>,
    attributes: BTreeMap<&'a Name, Literals<'a>>,
}

/// Which modifiers need which values of an attribute.
struct Literals<'a> {
    /// The modifiers that any rule can hold together with: without a condition on the attribute,
    /// or with a pattern that has a star.
    open: Modifiers,
    /// The others, by pattern.
    needing: BTreeMap<&'a str, Modifiers>,
}

const WORDS: usize = MODIFIERS_MAX.div_ceil(64);

/// A set of modifiers: a bit for each.
#[derive(Clone, Copy)]
struct Modifiers([u64; WORDS]);

/// The most that points can add to a party's rate under a rule, and take from it, in units of
/// 10^-12.
#[derive(Default)]
pub(in crate::terms) struct PartyPoints<'a>(BTreeMap<&'a Id, (i128, i128)>);

impl Modifiers {
    const NONE: Modifiers = Modifiers([0; WORDS]);
    const ALL: Modifiers = Modifiers([u64::MAX; WORDS]);

    fn set(&mut self, modifier: usize, is_in: bool) {
        if let Some(word) = self.0.get_mut(modifier / 64) {
            let bit = 1 << (modifier % 64);
            *word = if is_in { *word | bit } else { *word & !bit };
        }
    }

    fn has(&self, modifier: usize) -> bool {
        self.0.get(modifier / 64).is_some_and(|word| word >> (modifier % 64) & 1 == 1)
    }

    fn or(&mut self, other: &Modifiers) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    fn and(&mut self, other: &Modifiers) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
    }
}

fn has_star(pattern: &str) -> bool {
    pattern.contains('*')
}

impl<'a> Points<'a> {
    /// Those of a draft, as far as they were read.
    pub(in crate::terms) fn of(draft: &'a DraftTerms) -> Points<'a> {
        let exclusivities = draft.exclusivities.value().into_iter().flatten();
        let contributions = draft.contributions.value().into_iter().flatten();
        let modifiers = exclusivities
            .map(|one| (&one.when, &one.add))
            .chain(contributions.map(|one| (&one.when, &one.add)));
        let mut points = Points::default();
        // Whatever is beyond the bound is refused for that.
        for (when, add) in modifiers.take(MODIFIERS_MAX) {
            points.push(when, add);
        }
        points
    }

    fn push(&mut self, when: &'a PerAttribute, add: &'a PerParty<Rate>) -> Option<()> {
        let mut literals = Vec::new();
        if !when.is_missing() {
            for entry in when.value()? {
                let patterns = entry.value.value()?.iter();
                let patterns: Option<Vec<&str>> =
                    patterns.map(|pattern| Some(pattern.value()?.as_str())).collect();
                let patterns = patterns?;
                if !patterns.iter().any(|pattern| has_star(pattern)) {
                    literals.push((entry.key.value()?, patterns));
                }
            }
        }
        let rates = add.value()?.iter();
        let rates = rates.map(|entry| Some((entry.key.value()?, scaled(*entry.value.value()?))));
        let modifier = self.modifiers.len();
        self.modifiers.push(rates.collect::<Option<_>>()?);
        for (name, patterns) in literals {
            let literals = self
                .attributes
                .entry(name)
                .or_insert_with(|| Literals { open: Modifiers::ALL, needing: BTreeMap::new() });
            literals.open.set(modifier, false);
            for pattern in patterns {
                let needing = literals.needing.entry(pattern).or_insert(Modifiers::NONE);
                needing.set(modifier, true);
            }
        }
        Some(())
    }

    /// What can be added under a rule with these conditions: by all modifiers but those that no
    /// line can meet together with the rule. That is so where both name values of an attribute,
    /// without a star, and no value in common.
    pub(in crate::terms) fn on(&self, when: &[Condition]) -> PartyPoints<'a> {
        let mut together = Modifiers::ALL;
        for condition in when {
            let Some(literals) = self.attributes.get(&condition.attribute) else {
                continue;
            };
            if condition.patterns.iter().any(|pattern| has_star(pattern.as_str())) {
                continue;
            }
            let mut reached = literals.open;
            for pattern in &condition.patterns {
                if let Some(needing) = literals.needing.get(pattern.as_str()) {
                    reached.or(needing);
                }
            }
            together.and(&reached);
        }
        let mut points = PartyPoints::default();
        for (modifier, add) in self.modifiers.iter().enumerate() {
            for (party, rate) in add.iter().filter(|_| together.has(modifier)) {
                let (up, down) = points.0.entry(party).or_default();
                *up += *rate.max(&0);
                *down += *rate.min(&0);
            }
        }
        points
    }
}

impl PartyPoints<'_> {
    /// The sum of all positive points of a party.
    pub(in crate::terms) fn up(&self, party: &Id) -> i128 {
        self.0.get(party).map_or(0, |(up, _)| *up)
    }

    /// The sum of all negative points of a party.
    pub(in crate::terms) fn down(&self, party: &Id) -> i128 {
        self.0.get(party).map_or(0, |(_, down)| *down)
    }
}
