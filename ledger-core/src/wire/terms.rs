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
use crate::terms::draft::Field;
use crate::terms::draft::PerParty;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::Level;
use crate::vocab::PeriodLength;
use crate::vocab::Problem;
use crate::vocab::Rounding;
use crate::vocab::digest::Domain;
use crate::wire::clauses::WholeWire;
use crate::wire::codec;
use crate::wire::codec::malformed;
use crate::wire::fields::PerPartyWire;
use crate::wire::fields::TextsWire;
use crate::wire::fields::given;
use crate::wire::fields::list;
use crate::wire::fields::number;
use crate::wire::fields::option;
use crate::wire::fields::per_attribute;
use crate::wire::fields::per_party;
use crate::wire::fields::per_party_wire;
use crate::wire::fields::texts_wire;
use crate::wire::fields::word;
use crate::wire::words;
use crate::wire::words::DecimalWire;
use crate::wire::words::HashWire;
use crate::wire::words::TextWire;

/// The canonical bytes of terms at a format level. Errors: [`Code::FormatLevel`] for clauses that
/// the level has no bytes for, [`Code::ReportTooLarge`] past the largest payload.
pub fn encode_terms(terms: &Terms, level: Level) -> Result<Vec<u8>, Problem> {
    match level {
        Level::One if terms.needs_level_two() => Err(Problem::new(
            Code::FormatLevel,
            "the terms have clauses that format level 1 has no bytes for",
        )
        .hint("write them at level 2, or leave those clauses out")),
        Level::One => codec::encode(&TermsWire::from(terms)),
        Level::Two => codec::encode(&WholeWire::from(terms)),
    }
}

/// Reads terms that fill `bytes` exactly, and judges them.
///
/// Errors: [`crate::vocab::Code::PayloadMalformed`] for bytes that are not the one encoding of
/// some terms; otherwise the first code of the checks. The place is the field.
pub fn decode_terms(bytes: &[u8], level: Level) -> Result<Terms, Problem> {
    match level {
        Level::One => codec::decode::<TermsWire>(bytes)?.terms(),
        Level::Two => codec::decode::<WholeWire>(bytes)?.terms(),
    }
}

/// The terms digest. Errors: as [`encode_terms`].
pub fn terms_digest(terms: &Terms, level: Level) -> Result<Digest, Problem> {
    Ok(Domain::Terms.digest(&encode_terms(terms, level)?))
}

/// The terms as they stand in a payload of format level 1, and at the beginning of one of level 2.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct TermsWire<'a> {
    #[serde(borrow)]
    pub(in crate::wire) title: TextWire<'a>,
    pub(in crate::wire) currency: [u8; 3],
    pub(in crate::wire) period_length: u8,
    pub(in crate::wire) starts_on: i32,
    pub(in crate::wire) ends_on: Option<i32>,
    pub(in crate::wire) calculation: u16,
    pub(in crate::wire) rounding: u8,
    pub(in crate::wire) carry: bool,
    pub(in crate::wire) meters: Vec<TextWire<'a>>,
    pub(in crate::wire) parties: Vec<PartyWire<'a>>,
    pub(in crate::wire) deductions: Vec<(TextWire<'a>, Option<DecimalWire>)>,
    pub(in crate::wire) rules: Vec<RuleWire<'a>>,
    pub(in crate::wire) rate_floor: Option<DecimalWire>,
    pub(in crate::wire) rate_ceiling: Option<DecimalWire>,
    pub(in crate::wire) due_days: u16,
    pub(in crate::wire) minimum_payout: DecimalWire,
    pub(in crate::wire) report_due_days: u16,
    pub(in crate::wire) attributes: TextsWire<'a>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) struct PartyWire<'a> {
    #[serde(borrow)]
    pub(in crate::wire) id: TextWire<'a>,
    pub(in crate::wire) role: u8,
    pub(in crate::wire) key: HashWire,
    pub(in crate::wire) recovery_key: Option<HashWire>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) struct RuleWire<'a> {
    #[serde(borrow)]
    pub(in crate::wire) id: TextWire<'a>,
    pub(in crate::wire) when: TextsWire<'a>,
    pub(in crate::wire) pay: PayWire<'a>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) enum PayWire<'a> {
    #[serde(borrow)]
    Flat(PerPartyWire<'a>),
    Tiered(TiersWire<'a>),
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) struct TiersWire<'a> {
    #[serde(borrow)]
    pub(in crate::wire) meter: Option<TextWire<'a>>,
    pub(in crate::wire) window: u8,
    pub(in crate::wire) kind: u8,
    pub(in crate::wire) steps: Vec<StepWire<'a>>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::wire) struct StepWire<'a> {
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
/// The windows, in the order of their numbers.
pub(in crate::wire) const WINDOWS: [Window; 3] = [Window::Period, Window::Year, Window::Lifetime];
const KINDS: [TierKind; 2] = [TierKind::Marginal, TierKind::Whole];

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

/// An absent list of a step says the same as an empty one; only what is there is judged.
fn unless_empty<T>(field: PerParty<T>) -> PerParty<T> {
    match field.value() {
        Some(entries) if entries.is_empty() => Field::Missing,
        _ => field,
    }
}

/// Judges what was read. Errors: the first problem.
pub(in crate::wire) fn admitted(draft: &DraftTerms) -> Result<Terms, Problem> {
    admit(draft).map_err(|problems| match problems.into_iter().next() {
        Some(first) => first.problem,
        None => malformed("the terms cannot be read"),
    })
}

impl TermsWire<'_> {
    /// Reads every word, and judges the terms.
    ///
    /// Errors: [`crate::vocab::Code::PayloadMalformed`] for what cannot be said in this form, and
    /// the first code of the checks for what can; with the field as its place.
    pub fn terms(&self) -> Result<Terms, Problem> {
        let terms = admitted(&self.draft()?)?;
        // One value, one encoding: whatever the checks put in order was in order.
        if TermsWire::from(&terms) != *self {
            return Err(malformed("the terms are not in their canonical order"));
        }
        Ok(terms)
    }

    /// Reads every word.
    pub(in crate::wire) fn draft(&self) -> Result<DraftTerms, Problem> {
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
            ..DraftTerms::default()
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
