//! What a terms file or a log says, before anyone judged it.
//!
//! Values are typed where they could be read; every one remembers where it stands, so that a
//! refusal can point at it.

use std::ops::Range;

use crate::terms::body::AuditBase;
use crate::terms::body::BaseFrom;
use crate::terms::body::OnSilence;
use crate::terms::body::Role;
use crate::terms::body::TierKind;
use crate::terms::body::Window;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::PeriodLength;
use crate::vocab::PublicKey;
use crate::vocab::Rate;
use crate::vocab::Rounding;
use crate::vocab::Text;
use crate::vocab::Value;

/// Where something stands in the terms.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct At {
    /// Its bytes in the source; `None` if it was not read from a text.
    pub span: Option<Range<usize>>,
    /// Its path, such as `rule[2].steps[0].share.meta`; list places count from 0.
    pub path: String,
}

/// A value of the terms as far as it is known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Field<T> {
    /// It is not there.
    #[default]
    Missing,
    /// It is there and could not be read; the reader has reported that already.
    Bad,
    /// It was read.
    Given(T, At),
}

/// A key with its value, as in `share = { meta = "0.15" }`. The key is never [`Field::Missing`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry<K, V> {
    /// The key.
    pub key: Field<K>,
    /// What it stands for.
    pub value: Field<V>,
}

/// One value per party.
pub type PerParty<T> = Field<Vec<Entry<Id, T>>>;

/// Several texts per attribute: patterns of a condition, or allowed values.
pub type PerAttribute = Field<Vec<Entry<Name, Vec<Field<Value>>>>>;

/// The terms as they were said. Tables that are absent have all their fields missing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftTerms {
    /// The place of the agreement's own table.
    pub at: At,
    /// What the agreement is called. Required.
    pub title: Field<Text>,
    /// Settlement currency. Required.
    pub currency: Field<Currency>,
    /// Length of an accounting period; a month if missing.
    pub period_length: Field<PeriodLength>,
    /// First day. Required.
    pub starts_on: Field<Date>,
    /// First day after the agreement.
    pub ends_on: Field<Date>,
    /// Version of the calculation. Required.
    pub calculation: Field<u16>,
    /// Rounding; half to even if missing.
    pub rounding: Field<Rounding>,
    /// Whether rounding is carried; no if missing.
    pub carry: Field<bool>,
    /// Declared meters; none if missing.
    pub meters: Field<Vec<Field<Name>>>,
    /// Parties. Required.
    pub parties: Field<Vec<DraftParty>>,
    /// Kinds of deduction; none if missing.
    pub deductions: Field<Vec<DraftDeduction>>,
    /// Rules. Required.
    pub rules: Field<Vec<DraftRule>>,
    /// Lowest rate.
    pub rate_floor: Field<Rate>,
    /// Highest rate.
    pub rate_ceiling: Field<Rate>,
    /// Days until an amount is due; 30 if missing.
    pub due_days: Field<u16>,
    /// Least payout; 0 if missing.
    pub minimum_payout: Field<Amount>,
    /// Days until a report is due; 15 if missing.
    pub report_due_days: Field<u16>,
    /// Allowed values per attribute; any if missing.
    pub attributes: PerAttribute,
    /// What a share is a share of; gross if missing.
    pub base_from: Field<BaseFrom>,
    /// How far a reported gross may be from the price list; 0 if missing.
    pub price_tolerance: Field<Rate>,
    /// The price list; none if missing.
    pub prices: Field<Vec<DraftPrice>>,
    /// Exclusivities; none if missing.
    pub exclusivities: Field<Vec<DraftExclusivity>>,
    /// Contributions; none if missing.
    pub contributions: Field<Vec<DraftContribution>>,
    /// Guarantees; none if missing.
    pub minimums: Field<Vec<DraftBounded>>,
    /// Caps; none if missing.
    pub caps: Field<Vec<DraftBounded>>,
    /// Pools that are divided again; none if missing.
    pub splits: Field<Vec<DraftSplit>>,
    /// The parties that may get advances; none if missing.
    pub advances: Field<Vec<DraftAdvance>>,
    /// Tax withheld from payouts, per party; none if missing.
    pub withholding: PerParty<DraftWithholding>,
    /// Late interest by the day from which it holds; none if missing.
    pub late_interest: Field<Vec<DraftInterest>>,
    /// Days in which a statement may be disputed; 90 if missing.
    pub objection_days: Field<u16>,
    /// Days after which a proposal lapses; 90 if missing.
    pub proposal_lapse_days: Field<u16>,
    /// Deadlines of disputes; none if missing.
    pub dispute: Field<DraftDispute>,
    /// What an audit looks back on; nothing is said if missing.
    pub audit: Field<DraftAudit>,
}

/// A party as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftParty {
    /// Its place.
    pub at: At,
    /// Its id. Required.
    pub id: Field<Id>,
    /// Its role. Required.
    pub role: Field<Role>,
    /// The key that signs its events. Required.
    pub key: Field<PublicKey>,
    /// Its recovery key.
    pub recovery_key: Field<PublicKey>,
}

/// A kind of deduction as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftDeduction {
    /// Its place.
    pub at: At,
    /// Its kind. Required.
    pub kind: Field<Name>,
    /// Its cap, as a part of gross.
    pub cap: Field<Rate>,
}

/// A rule as it was said: either `share`, or `tiers` and `steps`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftRule {
    /// Its place.
    pub at: At,
    /// Its id. Required.
    pub id: Field<Id>,
    /// Its conditions; it matches everything if missing.
    pub when: PerAttribute,
    /// Shares of the base.
    pub share: PerParty<Rate>,
    /// What its steps count.
    pub tiers: Field<DraftTiers>,
    /// Its steps.
    pub steps: Field<Vec<DraftStep>>,
}

/// What a tiered rule counts, as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftTiers {
    /// Its place.
    pub at: At,
    /// What the position counts. Required.
    pub by: Field<DraftMeasure>,
    /// What it counts over. Required.
    pub over: Field<Window>,
    /// How the steps apply. Required.
    pub kind: Field<TierKind>,
}

/// What a tier's position counts, as it was said: a meter need not be declared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DraftMeasure {
    /// The converted base.
    Revenue,
    /// A meter.
    Meter(Name),
}

/// A step as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftStep {
    /// Its place.
    pub at: At,
    /// Its end, which belongs to it.
    pub up_to: Field<Amount>,
    /// Its end, which does not belong to it.
    pub below: Field<Amount>,
    /// Shares of the base.
    pub share: PerParty<Rate>,
    /// Amounts per unit of the tier's meter.
    pub per_unit: PerParty<Amount>,
    /// Flat amounts.
    pub flat: PerParty<Amount>,
}

/// An entry of the price list as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftPrice {
    /// Its place.
    pub at: At,
    /// The meter that it prices. Required.
    pub meter: Field<Name>,
    /// Its conditions; it prices every line if missing.
    pub when: PerAttribute,
    /// How many of the meter the price is for. Required.
    pub unit: Field<Amount>,
    /// The price of one unit. Required.
    pub price: Field<Amount>,
    /// Its currency; the settlement currency if missing.
    pub currency: Field<Currency>,
    /// The first day on which it holds. Required.
    pub from: Field<Date>,
}

/// An exclusivity as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftExclusivity {
    /// Its place.
    pub at: At,
    /// Its id. Required.
    pub id: Field<Id>,
    /// Its conditions; it covers everything if missing.
    pub when: PerAttribute,
    /// First day. Required.
    pub from: Field<Date>,
    /// First day after it; it has no end if missing.
    pub to: Field<Date>,
    /// Points per party. Required.
    pub add: PerParty<Rate>,
}

/// A contribution clause as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftContribution {
    /// Its place.
    pub at: At,
    /// Its id. Required.
    pub id: Field<Id>,
    /// The party that contributes. Required.
    pub by: Field<Id>,
    /// Its conditions; it covers everything if missing.
    pub when: PerAttribute,
    /// Points per party. Required.
    pub add: PerParty<Rate>,
}

/// A cap or a minimum as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftBounded {
    /// Its place.
    pub at: At,
    /// The party. Required.
    pub to: Field<Id>,
    /// The bound. Required.
    pub amount: Field<Amount>,
    /// What it counts over. Required.
    pub over: Field<Window>,
}

/// A pool that is divided again, as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftSplit {
    /// Its place.
    pub at: At,
    /// The party whose amount is divided. Required.
    pub of: Field<Id>,
    /// Its parts. Required.
    pub parts: Field<Vec<DraftPart>>,
}

/// A part of a divided pool, as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftPart {
    /// Its place.
    pub at: At,
    /// Who gets it. Required.
    pub to: Field<Id>,
    /// Its weight. Required.
    pub weight: Field<Amount>,
}

/// The permission of advances, as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftAdvance {
    /// Its place.
    pub at: At,
    /// The party that may get them. Required.
    pub to: Field<Id>,
}

/// Tax withheld from payouts to a party, as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftWithholding {
    /// Its place.
    pub at: At,
    /// The part that is withheld. Required.
    pub rate: Field<Rate>,
    /// Whether the collector pays the tax on top; no if missing.
    pub gross_up: Field<bool>,
}

/// A row of the table of late interest, as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftInterest {
    /// Its place.
    pub at: At,
    /// The day from which it holds. Required.
    pub from: Field<Date>,
    /// The yearly rate. Required.
    pub rate: Field<Rate>,
}

/// Deadlines of disputes, as they were said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftDispute {
    /// Their place.
    pub at: At,
    /// Days to respond. Required.
    pub response_days: Field<u16>,
    /// What silence means. Required.
    pub on_silence: Field<OnSilence>,
    /// Days until the arbiter. Required.
    pub escalate_after_days: Field<u16>,
}

/// What an audit looks back on, as it was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DraftAudit {
    /// Its place.
    pub at: At,
    /// Months that it may look back. Required.
    pub lookback_months: Field<u16>,
    /// The shortfall from which the collector bears the cost. Required.
    pub cost_shift: Field<Rate>,
    /// What the shortfall is a part of. Required.
    pub of: Field<AuditBase>,
}

impl At {
    /// A place that is known by its path only.
    pub fn path(path: impl Into<String>) -> At {
        At { span: None, path: path.into() }
    }
}

impl<T> Field<T> {
    /// The value, if it was given and read.
    pub fn value(&self) -> Option<&T> {
        match self {
            Field::Given(value, _) => Some(value),
            Field::Missing | Field::Bad => None,
        }
    }

    /// Where it stands, if it was given and read.
    pub fn place(&self) -> Option<&At> {
        match self {
            Field::Given(_, at) => Some(at),
            Field::Missing | Field::Bad => None,
        }
    }

    /// Whether it is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Field::Missing)
    }

    /// Whether it is there and could not be read.
    pub fn is_bad(&self) -> bool {
        matches!(self, Field::Bad)
    }
}
