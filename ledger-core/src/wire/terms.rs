//! Terms on the wire: the payload of `ledger-opened`, and what the terms digest covers.

use serde::Deserialize;
use serde::Serialize;

use crate::terms::Terms;
use crate::terms::body::Measure;
use crate::terms::body::Pay;
use crate::terms::body::Role;
use crate::terms::body::Rule;
use crate::terms::body::Step;
use crate::terms::body::TierKind;
use crate::terms::body::Window;
use crate::terms::check::admit;
use crate::terms::draft::At;
use crate::terms::draft::DraftDeduction;
use crate::terms::draft::DraftMeasure;
use crate::terms::draft::DraftParty;
use crate::terms::draft::DraftRule;
use crate::terms::draft::DraftStep;
use crate::terms::draft::DraftTerms;
use crate::terms::draft::DraftTiers;
use crate::terms::draft::Entry;
use crate::terms::draft::Field;
use crate::terms::draft::PerAttribute;
use crate::terms::draft::PerParty;
use crate::vocab::Digest;
use crate::vocab::Id;
use crate::vocab::Level;
use crate::vocab::PeriodLength;
use crate::vocab::Problem;
use crate::vocab::Rounding;
use crate::vocab::digest::Domain;
use crate::wire::codec;
use crate::wire::codec::malformed;
use crate::wire::words;
use crate::wire::words::DecimalWire;
use crate::wire::words::HashWire;
use crate::wire::words::TextWire;

/// The canonical bytes of terms. Errors: [`crate::vocab::Code::ReportTooLarge`] past the largest
/// payload.
pub fn encode_terms(terms: &Terms, level: Level) -> Result<Vec<u8>, Problem> {
    let _ = level;
    codec::encode(&TermsWire::from(terms))
}

/// Reads terms that fill `bytes` exactly, and judges them.
///
/// Errors: [`crate::vocab::Code::PayloadMalformed`] for bytes that are not the one encoding of
/// some terms; otherwise the first code of the checks. The place is the field.
pub fn decode_terms(bytes: &[u8], level: Level) -> Result<Terms, Problem> {
    let _ = level;
    codec::decode::<TermsWire>(bytes)?.terms()
}

/// The terms digest. Errors: as [`encode_terms`].
pub fn terms_digest(terms: &Terms, level: Level) -> Result<Digest, Problem> {
    Ok(Domain::Terms.digest(&encode_terms(terms, level)?))
}

/// The terms as they stand in a payload.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct TermsWire<'a> {
    #[serde(borrow)]
    title: TextWire<'a>,
    currency: [u8; 3],
    period_length: u8,
    starts_on: i32,
    ends_on: Option<i32>,
    calculation: u16,
    rounding: u8,
    carry: bool,
    meters: Vec<TextWire<'a>>,
    parties: Vec<PartyWire<'a>>,
    deductions: Vec<(TextWire<'a>, Option<DecimalWire>)>,
    rules: Vec<RuleWire<'a>>,
    rate_floor: Option<DecimalWire>,
    rate_ceiling: Option<DecimalWire>,
    due_days: u16,
    minimum_payout: DecimalWire,
    report_due_days: u16,
    attributes: TextsWire<'a>,
}

/// Texts per name, strictly sorted by name.
type TextsWire<'a> = Vec<(TextWire<'a>, Vec<TextWire<'a>>)>;

/// Decimals per party, strictly sorted by id.
type PerPartyWire<'a> = Vec<(TextWire<'a>, DecimalWire)>;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct PartyWire<'a> {
    #[serde(borrow)]
    id: TextWire<'a>,
    role: u8,
    key: HashWire,
    recovery_key: Option<HashWire>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct RuleWire<'a> {
    #[serde(borrow)]
    id: TextWire<'a>,
    when: TextsWire<'a>,
    pay: PayWire<'a>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
enum PayWire<'a> {
    #[serde(borrow)]
    Flat(PerPartyWire<'a>),
    Tiered(TiersWire<'a>),
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct TiersWire<'a> {
    #[serde(borrow)]
    meter: Option<TextWire<'a>>,
    window: u8,
    kind: u8,
    steps: Vec<StepWire<'a>>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct StepWire<'a> {
    bound: Option<(DecimalWire, bool)>,
    #[serde(borrow)]
    share: PerPartyWire<'a>,
    per_unit: PerPartyWire<'a>,
    flat: PerPartyWire<'a>,
}

const PERIOD_LENGTHS: [PeriodLength; 2] = [PeriodLength::Month, PeriodLength::Quarter];
const ROUNDINGS: [Rounding; 3] = [Rounding::HalfEven, Rounding::HalfUp, Rounding::Down];
const ROLES: [Role; 5] =
    [Role::Owner, Role::Collector, Role::Beneficiary, Role::Arbiter, Role::Auditor];
const WINDOWS: [Window; 3] = [Window::Period, Window::Year, Window::Lifetime];
const KINDS: [TierKind; 2] = [TierKind::Marginal, TierKind::Whole];

/// The number of a word: its position in the list of the format.
fn number<T: PartialEq>(words: &[T], word: &T) -> u8 {
    let position = words.iter().position(|known| known == word);
    position.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
}

fn texts_wire<'a, N: 'a, V: 'a>(
    entries: impl Iterator<Item = (&'a N, &'a Vec<V>)>,
    name: fn(&N) -> &str,
    text: fn(&V) -> &str,
) -> TextsWire<'a> {
    entries.map(|(key, values)| (name(key), values.iter().map(text).collect())).collect()
}

fn per_party_wire<'a, T>(list: &'a [(Id, T)]) -> PerPartyWire<'a>
where
    DecimalWire: From<&'a T>,
{
    list.iter().map(|(party, value)| (party.as_str(), DecimalWire::from(value))).collect()
}

impl<'a> From<&'a Terms> for TermsWire<'a> {
    fn from(terms: &'a Terms) -> TermsWire<'a> {
        let parties = terms.parties.iter().map(|party| PartyWire {
            id: party.id.as_str(),
            role: number(&ROLES, &party.role),
            key: *party.key.bytes(),
            recovery_key: party.recovery_key.map(|key| *key.bytes()),
        });
        let deductions = terms.deductions.iter();
        TermsWire {
            title: terms.title.as_str(),
            currency: terms.currency.bytes(),
            period_length: number(&PERIOD_LENGTHS, &terms.period_length),
            starts_on: terms.starts_on.days(),
            ends_on: terms.ends_on.map(|day| day.days()),
            calculation: terms.calculation,
            rounding: number(&ROUNDINGS, &terms.rounding),
            carry: terms.carry,
            meters: terms.meters.iter().map(|meter| meter.as_str()).collect(),
            parties: parties.collect(),
            deductions: deductions
                .map(|one| (one.kind.as_str(), one.cap.as_ref().map(DecimalWire::from)))
                .collect(),
            rules: terms.rules.iter().map(RuleWire::from).collect(),
            rate_floor: terms.rate_floor.as_ref().map(DecimalWire::from),
            rate_ceiling: terms.rate_ceiling.as_ref().map(DecimalWire::from),
            due_days: terms.due_days,
            minimum_payout: DecimalWire::from(&terms.minimum_payout),
            report_due_days: terms.report_due_days,
            attributes: texts_wire(
                terms.attributes.iter().map(|one| (&one.attribute, &one.values)),
                |name| name.as_str(),
                |value| value.as_str(),
            ),
        }
    }
}

impl<'a> From<&'a Rule> for RuleWire<'a> {
    fn from(rule: &'a Rule) -> RuleWire<'a> {
        RuleWire {
            id: rule.id.as_str(),
            when: texts_wire(
                rule.when.iter().map(|one| (&one.attribute, &one.patterns)),
                |name| name.as_str(),
                |pattern| pattern.as_str(),
            ),
            pay: match &rule.pay {
                Pay::Flat(share) => PayWire::Flat(per_party_wire(share)),
                Pay::Tiered(tiers) => PayWire::Tiered(TiersWire {
                    meter: match &tiers.by {
                        Measure::Revenue => None,
                        Measure::Meter(meter) => Some(meter.as_str()),
                    },
                    window: number(&WINDOWS, &tiers.over),
                    kind: number(&KINDS, &tiers.kind),
                    steps: tiers.steps.iter().map(StepWire::from).collect(),
                }),
            },
        }
    }
}

impl<'a> From<&'a Step> for StepWire<'a> {
    fn from(step: &'a Step) -> StepWire<'a> {
        let bound = step.bound.as_ref();
        StepWire {
            bound: bound.map(|bound| (DecimalWire::from(&bound.at), bound.inclusive)),
            share: per_party_wire(&step.share),
            per_unit: per_party_wire(&step.per_unit),
            flat: per_party_wire(&step.flat),
        }
    }
}

/// A given field, or the problem with its path.
fn given<T>(path: impl Into<String>, value: Result<T, Problem>) -> Result<Field<T>, Problem> {
    let path = path.into();
    match value {
        Ok(value) => Ok(Field::Given(value, At::path(path))),
        Err(problem) => Err(problem.at_field(path)),
    }
}

/// As [`given`], missing where the wire has none.
fn option<S, T>(
    path: &str,
    value: Option<S>,
    read: impl FnOnce(S) -> Result<T, Problem>,
) -> Result<Field<T>, Problem> {
    match value {
        Some(value) => given(path, read(value)),
        None => Ok(Field::Missing),
    }
}

/// The word with a number.
fn word<T: Copy>(words: &[T], number: u8) -> Result<T, Problem> {
    let word = words.get(usize::from(number)).copied();
    word.ok_or_else(|| malformed(format!("there is no alternative {number}")))
}

/// A list, item by item; each item gets its path.
fn list<S, T>(
    path: &str,
    items: impl IntoIterator<Item = S>,
    read: impl Fn(S, String) -> Result<T, Problem>,
) -> Result<Field<Vec<T>>, Problem> {
    let items = items.into_iter().enumerate();
    let items: Result<Vec<T>, Problem> =
        items.map(|(place, item)| read(item, format!("{path}[{place}]"))).collect();
    given(path, items)
}

fn strictly_sorted<'a>(
    path: &str,
    texts: impl Iterator<Item = TextWire<'a>> + Clone,
) -> Result<(), Problem> {
    if texts.clone().zip(texts.skip(1)).all(|(one, next)| one < next) {
        return Ok(());
    }
    Err(malformed(format!("`{path}` is not strictly sorted")).at_field(path))
}

fn per_attribute(path: &str, entries: &TextsWire, sorted: bool) -> Result<PerAttribute, Problem> {
    strictly_sorted(path, entries.iter().map(|(name, _)| *name))?;
    list(path, entries, |(name, values), _| {
        let path = format!("{path}.{}", name.escape_debug());
        if sorted {
            strictly_sorted(&path, values.iter().copied())?;
        }
        Ok(Entry {
            key: given(path.as_str(), words::name(name))?,
            value: list(&path, values, |text, path| given(path, words::value(text)))?,
        })
    })
}

fn per_party<T>(
    path: &str,
    entries: &PerPartyWire,
    read: impl Fn(DecimalWire) -> Result<T, Problem>,
) -> Result<PerParty<T>, Problem> {
    strictly_sorted(path, entries.iter().map(|(party, _)| *party))?;
    list(path, entries, |(party, value), _| {
        let path = format!("{path}.{}", party.escape_debug());
        Ok(Entry {
            key: given(path.as_str(), words::id(party))?,
            value: given(path, read(*value))?,
        })
    })
}

/// An absent list of a step says the same as an empty one; only what is there is judged.
fn unless_empty<T>(field: PerParty<T>) -> PerParty<T> {
    match field.value() {
        Some(entries) if entries.is_empty() => Field::Missing,
        _ => field,
    }
}

impl TermsWire<'_> {
    /// Reads every word, and judges the terms.
    ///
    /// Errors: [`crate::vocab::Code::PayloadMalformed`] for what cannot be said in this form, and
    /// the first code of the checks for what can; with the field as its place.
    pub fn terms(&self) -> Result<Terms, Problem> {
        let draft = self.draft()?;
        let terms = admit(&draft).map_err(|problems| match problems.into_iter().next() {
            Some(first) => first.problem,
            None => malformed("the terms cannot be read"),
        })?;
        // One value, one encoding: whatever the checks put in order was in order.
        if TermsWire::from(&terms) != *self {
            return Err(malformed("the terms are not in their canonical order"));
        }
        Ok(terms)
    }

    fn draft(&self) -> Result<DraftTerms, Problem> {
        Ok(DraftTerms {
            at: At::default(),
            title: given("title", words::text(self.title))?,
            currency: given("currency", words::currency(self.currency))?,
            period_length: given("period", word(&PERIOD_LENGTHS, self.period_length))?,
            starts_on: given("starts_on", words::day(self.starts_on))?,
            ends_on: option("ends_on", self.ends_on, words::day)?,
            calculation: given("calculation", Ok(self.calculation))?,
            rounding: given("rounding.mode", word(&ROUNDINGS, self.rounding))?,
            carry: given("rounding.carry", Ok(self.carry))?,
            meters: list("meters", &self.meters, |name, path| given(path, words::name(name)))?,
            parties: list("party", &self.parties, PartyWire::draft)?,
            deductions: list("base.deductions", &self.deductions, |(kind, cap), path| {
                Ok(DraftDeduction {
                    kind: given(format!("{path}.kind"), words::name(kind))?,
                    cap: option(&format!("{path}.cap"), *cap, DecimalWire::rate)?,
                    at: At::path(path),
                })
            })?,
            rules: list("rule", &self.rules, RuleWire::draft)?,
            rate_floor: option("limits.rate_floor", self.rate_floor, DecimalWire::rate)?,
            rate_ceiling: option("limits.rate_ceiling", self.rate_ceiling, DecimalWire::rate)?,
            due_days: given("payment.due_days", Ok(self.due_days))?,
            minimum_payout: given("payment.minimum_payout", self.minimum_payout.amount())?,
            report_due_days: given("windows.report_due_days", Ok(self.report_due_days))?,
            attributes: per_attribute("attributes", &self.attributes, true)?,
        })
    }
}

impl PartyWire<'_> {
    fn draft(&self, path: String) -> Result<DraftParty, Problem> {
        Ok(DraftParty {
            id: given(format!("{path}.id"), words::id(self.id))?,
            role: given(format!("{path}.role"), word(&ROLES, self.role))?,
            key: given(format!("{path}.key"), words::key(self.key))?,
            recovery_key: option(&format!("{path}.recovery_key"), self.recovery_key, words::key)?,
            at: At::path(path),
        })
    }
}

impl RuleWire<'_> {
    fn draft(&self, path: String) -> Result<DraftRule, Problem> {
        let mut draft = DraftRule {
            at: At::path(path.as_str()),
            id: given(format!("{path}.id"), words::id(self.id))?,
            when: per_attribute(&format!("{path}.when"), &self.when, false)?,
            ..DraftRule::default()
        };
        match &self.pay {
            PayWire::Flat(share) => {
                draft.share = per_party(&format!("{path}.share"), share, DecimalWire::rate)?;
            }
            PayWire::Tiered(tiers) => {
                let at = At::path(format!("{path}.tiers"));
                draft.tiers = Field::Given(tiers.draft(at.clone())?, at);
                draft.steps = list(&format!("{path}.steps"), &tiers.steps, StepWire::draft)?;
            }
        }
        Ok(draft)
    }
}

impl TiersWire<'_> {
    fn draft(&self, at: At) -> Result<DraftTiers, Problem> {
        let by = match self.meter {
            None => Ok(DraftMeasure::Revenue),
            Some(meter) => words::name(meter).map(DraftMeasure::Meter),
        };
        Ok(DraftTiers {
            by: given(format!("{}.by", at.path), by)?,
            over: given(format!("{}.over", at.path), word(&WINDOWS, self.window))?,
            kind: given(format!("{}.kind", at.path), word(&KINDS, self.kind))?,
            at,
        })
    }
}

impl StepWire<'_> {
    fn draft(&self, path: String) -> Result<DraftStep, Problem> {
        let mut draft = DraftStep {
            share: per_party(&format!("{path}.share"), &self.share, DecimalWire::rate)?,
            per_unit: unless_empty(per_party(
                &format!("{path}.per_unit"),
                &self.per_unit,
                DecimalWire::amount,
            )?),
            flat: per_party(&format!("{path}.flat"), &self.flat, DecimalWire::amount)?,
            ..DraftStep::default()
        };
        match self.bound {
            None => {}
            Some((at, true)) => draft.up_to = given(format!("{path}.up_to"), at.amount())?,
            Some((at, false)) => draft.below = given(format!("{path}.below"), at.amount())?,
        }
        draft.at = At::path(path);
        Ok(draft)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::proptest;

    use super::*;
    use crate::intake::testing::random;
    use crate::intake::testing::sound_terms;
    use crate::vocab::Code;
    use crate::vocab::Place;

    /// That terms changed on the wire are refused with this code, at this field.
    #[track_caller]
    fn refused(change: impl FnOnce(&mut TermsWire), code: Code, field: &str) {
        let terms = sound_terms();
        let mut wire = TermsWire::from(&terms);
        change(&mut wire);
        let bytes = codec::encode(&wire).expect("encodes");
        let problem = decode_terms(&bytes).expect_err("is refused");
        assert_eq!((problem.code, &problem.place), (code, &Some(Place::Field(field.to_owned()))));
        assert!(problem.hint.is_some());
    }

    #[test]
    fn terms_survive_the_wire() {
        let terms = sound_terms();
        let bytes = encode_terms(&terms).expect("encodes");
        assert_eq!(decode_terms(&bytes).expect("decodes"), terms);
        assert_eq!(terms_digest(&terms).expect("digests"), Domain::Terms.digest(&bytes));
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let terms = sound_terms();
        let bytes = encode_terms(&terms).expect("encodes");
        let mut start = 13u64.to_le_bytes().to_vec();
        start.extend(b"Llama hosting");
        start.extend(b"USD");
        start.push(0);
        start.extend(20_468i32.to_le_bytes());
        start.push(1);
        start.extend(21_550i32.to_le_bytes());
        start.extend(1u16.to_le_bytes());
        start.extend([1, 1]);
        start.extend(2u64.to_le_bytes());
        assert_eq!(bytes[..start.len()], start);
        // Report due days, then one attribute with three values.
        let mut end = 10u16.to_le_bytes().to_vec();
        end.extend(1u64.to_le_bytes());
        for text in ["application", "", "content_moderation", "customer_service", "search"] {
            match text {
                "" => end.extend(3u64.to_le_bytes()),
                _ => {
                    end.extend((text.len() as u64).to_le_bytes());
                    end.extend(text.as_bytes());
                }
            }
        }
        assert!(bytes.ends_with(&end));
    }

    #[test]
    fn what_the_checks_refuse_in_a_file_they_refuse_on_the_wire() {
        refused(|wire| wire.calculation = 2, Code::TermsCalculation, "calculation");
        refused(|wire| wire.ends_on = Some(wire.starts_on), Code::TermsDates, "ends_on");
        refused(|wire| wire.parties[0].role = 1, Code::TermsRoles, "party[1].role");
        refused(|wire| wire.parties[2].key = [0; 32], Code::KeyWeak, "party[2].key");
        refused(|wire| wire.due_days = 4000, Code::TermsLimits, "payment.due_days");
        refused(|wire| wire.rules.clear(), Code::TermsMissing, "rule");
        refused(|wire| wire.rules[1].id = "moderation", Code::TermsDuplicate, "rule[1].id");
        refused(
            |wire| match &mut wire.rules[1].pay {
                PayWire::Tiered(tiers) => tiers.meter = None,
                PayWire::Flat(_) => {}
            },
            Code::TermsReference,
            "rule[1].steps[0].per_unit",
        );
    }

    #[test]
    fn what_has_no_word_is_malformed() {
        let malformed = Code::PayloadMalformed;
        refused(|wire| wire.rounding = 3, malformed, "rounding.mode");
        refused(|wire| wire.period_length = 2, malformed, "period");
        refused(|wire| wire.parties[1].role = 5, malformed, "party[1].role");
        refused(|wire| wire.parties[1].id = "Acme", malformed, "party[1].id");
        refused(|wire| wire.title = "a\u{202e}", malformed, "title");
        refused(|wire| wire.currency = *b"XXQ", malformed, "currency");
        refused(|wire| wire.starts_on = -1, malformed, "starts_on");
    }

    #[test]
    fn lists_that_are_sorted_are_sorted_strictly() {
        let malformed = Code::PayloadMalformed;
        refused(|wire| wire.rules[0].when.swap(0, 1), malformed, "rule[0].when");
        refused(|wire| wire.attributes[0].1.swap(0, 1), malformed, "attributes.application");
        let twice = |wire: &mut TermsWire| match &mut wire.rules[0].pay {
            PayWire::Flat(share) => share.push(share[1]),
            PayWire::Tiered(_) => {}
        };
        refused(twice, malformed, "rule[0].share");
    }

    proptest! {
        #[test]
        fn any_terms_survive_the_wire(seed in any::<u64>()) {
            let terms = random::terms(seed);
            let bytes = encode_terms(&terms).expect("encodes");
            assert_eq!(decode_terms(&bytes).expect("decodes"), terms);
        }

        #[test]
        fn no_other_bytes_say_the_same(
            seed in any::<u64>(),
            at in any::<proptest::sample::Index>(),
            change in 0u8..4,
            byte in 1u8..=255,
        ) {
            let terms = random::terms(seed);
            let mut bytes = encode_terms(&terms).expect("encodes");
            let at = at.index(bytes.len());
            match change {
                0 => bytes[at] ^= byte,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
            if let Ok(other) = decode_terms(&bytes) {
                assert_eq!(encode_terms(&other).expect("encodes"), bytes);
                // Removing or inserting an equal neighbour may leave the bytes as they were.
                assert_eq!(other == terms, bytes == encode_terms(&terms).expect("encodes"));
            }
        }
    }
}
