//! What a terms file or a log says, before anyone judged it.
//!
//! Values are typed where they could be read; every one remembers where it stands, so that a
//! refusal can point at it.

use std::ops::Range;

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
