//! What checked terms consist of.

use std::ops::Deref;

use serde::Deserialize;
use serde::Serialize;

use crate::terms::clause_index::ClauseIndex;
use crate::terms::clause_index::IndexCell;
use crate::terms::glob;
use crate::usage::LineKey;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Period;
use crate::vocab::PeriodLength;
use crate::vocab::PublicKey;
use crate::vocab::Rate;
use crate::vocab::Rounding;
use crate::vocab::Text;
use crate::vocab::Value;

/// Terms that passed every check. Only [`crate::terms::check`] makes them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms(pub(in crate::terms) TermsBody, pub(in crate::terms) IndexCell);

/// The clauses of the terms. Public to read; it becomes [`Terms`] only through the checks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TermsBody {
    /// What the agreement is called.
    pub title: Text,
    /// Settlement currency.
    pub currency: Currency,
    /// Length of an accounting period.
    pub period_length: PeriodLength,
    /// First day of the agreement.
    pub starts_on: Date,
    /// First day after the agreement.
    pub ends_on: Option<Date>,
    /// Version of the calculation.
    pub calculation: u16,
    /// How earned amounts are rounded to the minor unit.
    pub rounding: Rounding,
    /// Whether the rounding difference is carried from period to period.
    pub carry: bool,
    /// Declared meters, as listed.
    pub meters: Vec<Name>,
    /// Parties, as listed.
    pub parties: Vec<Party>,
    /// Deductions from gross, as listed.
    pub deductions: Vec<Deduction>,
    /// Rules, as listed: the first that matches a line rates it.
    pub rules: Vec<Rule>,
    /// Lowest rate after points.
    pub rate_floor: Option<Rate>,
    /// Highest rate after points.
    pub rate_ceiling: Option<Rate>,
    /// Days from the last day of a period until its amount is due.
    pub due_days: u16,
    /// Least amount that is paid out.
    pub minimum_payout: Amount,
    /// Days from the last day of a period until its report is due.
    pub report_due_days: u16,
    /// Allowed values per attribute, sorted by attribute; an attribute not listed accepts any.
    pub attributes: Vec<AllowedValues>,
    /// What a share is a share of.
    pub base_from: BaseFrom,
    /// How far a reported gross may be from the price list before it is a finding, as a part of
    /// the priced gross.
    pub price_tolerance: Rate,
    /// The price list, as listed.
    pub prices: Vec<Price>,
    /// Points on the rate while an interval covers the usage day, as listed.
    pub exclusivities: Vec<Exclusivity>,
    /// Points on the rate while an accepted contribution is open, as listed.
    pub contributions: Vec<ContributionClause>,
    /// Guarantees, as listed; at most one per party and window.
    pub minimums: Vec<Bounded>,
    /// Caps, as listed; at most one per party and window.
    pub caps: Vec<Bounded>,
    /// Pools that are divided again, as listed; at most one per party.
    pub splits: Vec<Split>,
    /// The parties that may get recoupable advances, sorted.
    pub advances: Vec<Id>,
    /// Tax withheld from payouts, sorted by party.
    pub withholding: Vec<(Id, Withholding)>,
    /// Yearly rates of late interest by the day from which they hold, sorted; none before the
    /// first.
    pub late_interest: Vec<(Date, Rate)>,
    /// Days after a statement in which it may be disputed.
    pub objection_days: u16,
    /// Days of recorded time after which a proposal lapses.
    pub proposal_lapse_days: u16,
    /// Deadlines of disputes, if the terms set any.
    pub dispute: Option<DisputeWindows>,
    /// What an audit looks back on, if the terms say.
    pub audit: Option<AuditClause>,
}

/// What a share is a share of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BaseFrom {
    /// The reported gross.
    Gross,
    /// Quantities times the price list.
    Priced,
}

/// An entry of the price list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Price {
    /// The meter that it prices.
    pub meter: Name,
    /// Conditions, sorted by attribute; all must hold.
    pub when: Vec<Condition>,
    /// How many of the meter the price is for; positive.
    pub unit: Amount,
    /// The price of one unit, in `currency`.
    pub price: Amount,
    /// The currency of the price; it prices lines in this currency only.
    pub currency: Currency,
    /// The first day on which it holds.
    pub from: Date,
}

/// Points on the rate for an interval of usage days.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exclusivity {
    /// Its id.
    pub id: Id,
    /// Conditions, sorted by attribute; all must hold.
    pub when: Vec<Condition>,
    /// First day.
    pub from: Date,
    /// First day after it, if it ends.
    pub to: Option<Date>,
    /// Points per party, sorted by party; they may be negative.
    pub add: Vec<(Id, Rate)>,
}

/// Points on the rate while an accepted contribution is open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContributionClause {
    /// Its id, which claims name.
    pub id: Id,
    /// The party that contributes, and claims it.
    pub by: Id,
    /// Conditions, sorted by attribute; all must hold.
    pub when: Vec<Condition>,
    /// Points per party, sorted by party; they may be negative.
    pub add: Vec<(Id, Rate)>,
}

/// An amount that bounds what a party gets in a window: a cap, or a guaranteed minimum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounded {
    /// The party.
    pub to: Id,
    /// The bound, in minor units of the settlement currency.
    pub amount: Amount,
    /// What it counts over.
    pub over: Window,
}

/// A pool that is divided again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Split {
    /// The party whose amount is divided.
    pub of: Id,
    /// Parts, as listed: ties of the largest remainder go to the earlier one.
    pub parts: Vec<SplitPart>,
}

/// A part of a divided pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SplitPart {
    /// Who gets it.
    pub to: Id,
    /// Its weight; positive.
    pub weight: Amount,
}

/// Tax withheld from payouts to a party.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Withholding {
    /// The part that is withheld, from 0 to below 1.
    pub rate: Rate,
    /// Whether the collector pays the tax on top.
    pub gross_up: bool,
}

/// Deadlines of disputes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DisputeWindows {
    /// Days to respond.
    pub response_days: u16,
    /// What silence means after them.
    pub on_silence: OnSilence,
    /// Days after which either side may go to the arbiter.
    pub escalate_after_days: u16,
}

/// What silence means in a dispute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum OnSilence {
    /// The claim counts as accepted.
    Accept,
    /// The claim goes to the arbiter.
    Escalate,
}

/// What an audit looks back on, and when its cost shifts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuditClause {
    /// Months that an audit may look back.
    pub lookback_months: u16,
    /// The shortfall from which the collector bears the cost, as a part of `of`.
    pub cost_shift: Rate,
    /// What the shortfall is a part of.
    pub of: AuditBase,
}

/// What an audit's shortfall is a part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditBase {
    /// What was due.
    Due,
    /// What was reported.
    Reported,
}

/// The allowed values of an attribute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllowedValues {
    /// The attribute.
    pub attribute: Name,
    /// Its allowed values, sorted; the empty (absent) value is always allowed.
    pub values: Vec<Value>,
}

/// A party of the agreement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Party {
    /// Its id.
    pub id: Id,
    /// Its role.
    pub role: Role,
    /// The key that signs its events.
    pub key: PublicKey,
    /// The key that may revoke the other one, if the party named one.
    pub recovery_key: Option<PublicKey>,
}

/// What a party is in the agreement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Licenses the model; a share is owed to it.
    Owner,
    /// Earns revenue from customers and reports it. Exactly one.
    Collector,
    /// A share is owed to it.
    Beneficiary,
    /// Decides disputes.
    Arbiter,
    /// Only reads.
    Auditor,
}

/// A kind of deduction from gross.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deduction {
    /// Its name; the column is `deduction.<kind>`.
    pub kind: Name,
    /// At most this part of the group's gross, by absolute value; none means no bound.
    pub cap: Option<Rate>,
}

/// Which usage, whose share, how much.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Its id: tier positions belong to it.
    pub id: Id,
    /// Conditions, sorted by attribute; all must hold.
    pub when: Vec<Condition>,
    /// What is owed.
    pub pay: Pay,
}

/// A condition on one attribute: any of the patterns matches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// The attribute; an absent one is the empty string.
    pub attribute: Name,
    /// Patterns, as listed.
    pub patterns: Vec<Value>,
}

/// How much a rule pays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pay {
    /// A share of the base, per party, sorted by party.
    Flat(Vec<(Id, Rate)>),
    /// Steps over a position.
    Tiered(Tiers),
}

/// Tiers of a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tiers {
    /// What the position counts.
    pub by: Measure,
    /// What the position counts over.
    pub over: Window,
    /// How steps apply.
    pub kind: TierKind,
    /// The steps, bounds rising; the first reaches down to minus infinity.
    pub steps: Vec<Step>,
}

/// What a tier's position counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Measure {
    /// The converted base.
    Revenue,
    /// A meter.
    Meter(Name),
}

/// What a tier counts over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Window {
    /// One period.
    Period,
    /// One contract year: 12 months from the first day of the period that holds `starts_on`.
    Year,
    /// The whole agreement.
    Lifetime,
}

/// How the steps of a tier apply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TierKind {
    /// Each step to the part of the position that lies in it.
    Marginal,
    /// The step that the position stands in to everything.
    Whole,
}

/// One step of a tier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Where the step ends; the last step has no end.
    pub bound: Option<Bound>,
    /// Shares of the base, per party, sorted by party.
    pub share: Vec<(Id, Rate)>,
    /// Amounts per unit of the tier's meter, per party, sorted by party.
    pub per_unit: Vec<(Id, Amount)>,
    /// Flat amounts, per party, sorted by party.
    pub flat: Vec<(Id, Amount)>,
}

/// The end of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    /// The position.
    pub at: Amount,
    /// `up_to` (true): the position itself belongs to the step; `below` (false): it does not.
    pub inclusive: bool,
}

impl Deref for Terms {
    type Target = TermsBody;

    fn deref(&self) -> &TermsBody {
        &self.0
    }
}

impl Terms {
    /// Which clauses hold for a line, about all of them at once.
    pub(crate) fn clauses(&self) -> &ClauseIndex {
        self.1.of(&self.0)
    }
}

impl Role {
    /// The word that terms use.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Collector => "collector",
            Role::Beneficiary => "beneficiary",
            Role::Arbiter => "arbiter",
            Role::Auditor => "auditor",
        }
    }

    /// Owner or beneficiary: a share may be owed to it.
    pub fn is_beneficiary(self) -> bool {
        matches!(self, Role::Owner | Role::Beneficiary)
    }

    /// Collector, owner or beneficiary.
    pub fn is_money_party(self) -> bool {
        self == Role::Collector || self.is_beneficiary()
    }
}

impl Window {
    /// The word that terms use.
    pub fn as_str(self) -> &'static str {
        match self {
            Window::Period => "period",
            Window::Year => "year",
            Window::Lifetime => "lifetime",
        }
    }
}

impl BaseFrom {
    /// The word that terms use.
    pub fn as_str(self) -> &'static str {
        match self {
            BaseFrom::Gross => "gross",
            BaseFrom::Priced => "priced",
        }
    }
}

impl OnSilence {
    /// The word that terms use.
    pub fn as_str(self) -> &'static str {
        match self {
            OnSilence::Accept => "accept",
            OnSilence::Escalate => "escalate",
        }
    }
}

impl AuditBase {
    /// The word that terms use.
    pub fn as_str(self) -> &'static str {
        match self {
            AuditBase::Due => "due",
            AuditBase::Reported => "reported",
        }
    }
}

impl TierKind {
    /// The word that terms use.
    pub fn as_str(self) -> &'static str {
        match self {
            TierKind::Marginal => "marginal",
            TierKind::Whole => "whole",
        }
    }
}

impl Measure {
    /// The word that terms use.
    pub fn as_str(&self) -> &str {
        match self {
            Measure::Revenue => "revenue",
            Measure::Meter(meter) => meter.as_str(),
        }
    }
}

impl TermsBody {
    /// The party with an id.
    pub fn party(&self, id: &Id) -> Option<&Party> {
        self.parties.iter().find(|party| party.id == *id)
    }

    /// The party that a key belongs to.
    pub fn party_of_key(&self, key: &PublicKey) -> Option<&Party> {
        self.parties.iter().find(|party| party.key == *key)
    }

    /// The beneficiaries' ids, sorted.
    pub fn beneficiaries(&self) -> Vec<&Id> {
        let mut ids: Vec<&Id> = self
            .parties
            .iter()
            .filter(|party| party.role.is_beneficiary())
            .map(|party| &party.id)
            .collect();
        ids.sort();
        ids
    }

    /// The collector's id. Checked terms have exactly one.
    pub fn collector(&self) -> Option<&Id> {
        self.parties.iter().find(|party| party.role == Role::Collector).map(|party| &party.id)
    }

    /// The first period of the agreement; it may be a stub.
    pub fn first_period(&self) -> Period {
        Period::holding(self.period_length, self.starts_on)
    }

    /// The last period of the agreement, if it ends.
    pub fn last_period(&self) -> Option<Period> {
        Some(Period::holding(self.period_length, self.ends_on?.plus_days(-1)))
    }

    /// Whether the agreement covers a day.
    pub fn covers(&self, day: Date) -> bool {
        self.starts_on <= day && self.ends_on.is_none_or(|end| day < end)
    }

    /// The attributes that the terms know: those of any rule, those with allowed values, and
    /// `application`, `model`, `territory`. Sorted.
    pub fn known_attributes(&self) -> Vec<Name> {
        let standard = ["application", "model", "territory"];
        let mut names: Vec<Name> = standard
            .iter()
            .filter_map(|name| Name::parse(name).ok())
            .chain(self.attributes.iter().map(|allowed| allowed.attribute.clone()))
            .chain(self.conditions().map(|condition| condition.attribute.clone()))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Every condition of any clause.
    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let rules = self.rules.iter().flat_map(|rule| &rule.when);
        let prices = self.prices.iter().flat_map(|price| &price.when);
        let exclusivities = self.exclusivities.iter().flat_map(|one| &one.when);
        let contributions = self.contributions.iter().flat_map(|one| &one.when);
        rules.chain(prices).chain(exclusivities).chain(contributions)
    }

    /// Whether the terms allow a value of an attribute.
    pub fn allows(&self, attribute: &Name, value: &Value) -> bool {
        value.as_str().is_empty()
            || self
                .attributes
                .iter()
                .find(|allowed| allowed.attribute == *attribute)
                .is_none_or(|allowed| allowed.values.binary_search(value).is_ok())
    }

    /// The position in [`TermsBody::rules`] of the first rule that matches.
    pub fn rule_for(&self, key: &LineKey) -> Option<usize> {
        self.rules.iter().position(|rule| rule.matches(key))
    }

    /// The first period of a tier window that holds `period`.
    pub fn window_start(&self, window: Window, period: Period) -> Period {
        let first = self.first_period();
        match window {
            Window::Period => period,
            Window::Year => {
                let years = period.ordinal().saturating_sub(first.ordinal());
                let back = years.rem_euclid(self.period_length.per_year());
                (0..back).fold(period, |period, _| period.previous().unwrap_or(period))
            }
            Window::Lifetime => first.min(period),
        }
    }

    /// The day on which a period's amount is due.
    pub fn due_on(&self, period: Period) -> Date {
        period.last_day().plus_days(i32::from(self.due_days))
    }

    /// The day until which a period's report is due.
    pub fn report_due_on(&self, period: Period) -> Date {
        period.last_day().plus_days(i32::from(self.report_due_days))
    }
}

impl Rule {
    /// Whether every condition holds for a line.
    pub fn matches(&self, key: &LineKey) -> bool {
        all_hold(&self.when, &key.attributes)
    }
}

/// Whether every condition holds for a line with these attributes, sorted by name.
pub fn all_hold(when: &[Condition], attributes: &[(Name, Value)]) -> bool {
    when.iter().all(|condition| {
        let found = attributes.iter().find(|(name, _)| *name == condition.attribute);
        let value = found.map_or("", |(_, value)| value.as_str());
        condition.patterns.iter().any(|pattern| glob::matches(pattern.as_str(), value))
    })
}
