//! From usage to what is owed: `rate(contract, facts) -> what every party gets, with its
//! derivation`.
//!
//! Version 1 of the calculation (`docs/calculation.md`). Reads terms, contributions, conversion
//! rates and usage, nothing else, so a distribution can be computed again from these alone.
//! Everything is exact until [`Rounding::round`](crate::vocab::Rounding::round), which happens
//! once per party and period (and once per guarantee that is prorated).

pub mod group;
pub mod tier;
pub mod settle;
pub mod derivation;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use derivation::PartyRating;
pub use derivation::PeriodRating;
pub use derivation::RuleRating;
pub use group::PeriodGroups;

use crate::rating::group::Group;
use crate::rating::group::GroupSums;
use crate::rating::settle::Trackers;
use crate::rating::tier::Span;
use crate::rating::tier::Standing;
use crate::terms::Pay;
use crate::terms::Terms;
use crate::terms::Tiers;
use crate::terms::Versions;
use crate::terms::Window;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::exact;

/// The conversion rates that hold: units of the settlement currency for one foreign unit.
pub type ConversionRates = BTreeMap<(Period, Currency), Amount>;

/// What holds between the parties.
#[derive(Clone, Copy, Debug)]
pub struct Contract<'a> {
    /// Every version of the terms.
    pub versions: &'a Versions,
    /// Agreed conversion rates.
    pub rates: &'a ConversionRates,
}

/// The facts of one period.
#[derive(Clone, Copy, Debug)]
pub struct PeriodFacts<'a> {
    /// The period.
    pub period: Period,
    /// Its lines, summed into groups under the versions and contributions of the contract.
    pub groups: &'a PeriodGroups,
    /// Figures that disputes adopted: what a party gets, in the place of what is computed.
    pub adopted: &'a BTreeMap<Id, Amount>,
}

/// No adopted figure.
pub static NOTHING_ADOPTED: BTreeMap<Id, Amount> = BTreeMap::new();

/// Why periods cannot be rated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unratable {
    /// An amount left the bounds of an amount (15 integer digits).
    OutOfBounds {
        /// The period in which it did.
        period: Period,
    },
    /// A foreign currency has no agreed rate.
    NoRate {
        /// The period.
        period: Period,
        /// The currency.
        currency: Currency,
    },
}

impl Unratable {
    /// The first period that cannot be rated.
    pub fn period(&self) -> Period {
        match self {
            Unratable::OutOfBounds { period } | Unratable::NoRate { period, .. } => *period,
        }
    }
}

/// A version of the calculation. Terms name it; every version that was ever released stays here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Calculation {
    /// `docs/calculation.md`.
    V1,
}

impl Calculation {
    /// The calculation with a number.
    pub fn from_number(number: u16) -> Option<Calculation> {
        match number {
            1 => Some(Calculation::V1),
            _ => None,
        }
    }
}

/// What rating carries from period to period.
#[derive(Clone, Debug, Default)]
struct Running {
    standings: BTreeMap<Id, Standing>,
    trackers: BTreeMap<Id, Trackers>,
    carried: BTreeMap<Id, (Exact, Exact)>,
}

/// Periods from the first of an agreement on, rated, so that later ones can be rated without them.
#[derive(Clone, Default)]
pub struct Rated(Arc<Vec<(PeriodRating, Running)>>);

/// Periods that were rated on others, with what rating carries from each to the next.
#[derive(Clone, Default)]
pub struct RatedPeriods {
    /// How many periods are before them.
    behind: usize,
    periods: Vec<(PeriodRating, Running)>,
}

impl RatedPeriods {
    /// The ratings, in the order of their periods.
    pub fn ratings(&self) -> impl Iterator<Item = &PeriodRating> {
        self.periods.iter().map(|(rating, _)| rating)
    }
}

impl fmt::Debug for RatedPeriods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ratings()).finish()
    }
}

/// It follows from everything else.
impl fmt::Debug for Rated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rated")
    }
}

impl Rated {
    /// The periods that are rated, in order.
    pub fn ratings(&self) -> impl Iterator<Item = &PeriodRating> {
        self.0.iter().map(|(rating, _)| rating)
    }

    /// How many periods are rated.
    pub fn periods(&self) -> usize {
        self.0.len()
    }

    /// Rates the periods that follow on these. Errors: [`Unratable`].
    pub fn rate_on(
        &self,
        contract: Contract<'_>,
        facts: &[PeriodFacts<'_>],
    ) -> Result<RatedPeriods, Unratable> {
        let mut running = self.0.last().map(|(_, running)| running.clone()).unwrap_or_default();
        let mut after = Vec::with_capacity(facts.len());
        let ratings =
            rate_with(&mut running, contract, facts, &mut |running| after.push(running.clone()))?;
        let periods = ratings.into_iter().zip(after).collect();
        Ok(RatedPeriods { behind: self.periods(), periods })
    }

    /// Keeps periods that were rated on these.
    pub(crate) fn append(&mut self, more: RatedPeriods) {
        if more.behind == self.periods() && !more.periods.is_empty() {
            Arc::make_mut(&mut self.0).extend(more.periods);
        }
    }

    /// Forgets a period and all later ones.
    pub(crate) fn forget_from(&mut self, period: Period) {
        let at = self.0.partition_point(|(rating, _)| rating.period < period);
        if at < self.0.len() {
            Arc::make_mut(&mut self.0).truncate(at);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.0 = Arc::default();
    }
}

/// Rates consecutive periods, the first of which is the first of the agreement: a tier's position
/// in a period depends on all periods before it. Errors: [`Unratable`].
pub fn rate(
    contract: Contract<'_>,
    facts: &[PeriodFacts<'_>],
) -> Result<Vec<PeriodRating>, Unratable> {
    rate_with(&mut Running::default(), contract, facts, &mut |_| {})
}

fn rate_with(
    running: &mut Running,
    contract: Contract<'_>,
    facts: &[PeriodFacts<'_>],
    after: &mut dyn FnMut(&Running),
) -> Result<Vec<PeriodRating>, Unratable> {
    let beneficiaries = contract.versions.beneficiaries();
    let mut ratings = Vec::with_capacity(facts.len());
    for facts in facts {
        // Checked terms name a calculation that there is; there is one so far.
        let terms = contract.versions.of(facts.period);
        ratings.push(match Calculation::from_number(terms.calculation) {
            Some(Calculation::V1) | None => {
                running.period(contract, &beneficiaries, *facts, terms)?
            }
        });
        after(running);
    }
    Ok(ratings)
}

impl Running {
    fn period(
        &mut self,
        contract: Contract<'_>,
        beneficiaries: &[&Id],
        facts: PeriodFacts<'_>,
        terms: &Terms,
    ) -> Result<PeriodRating, Unratable> {
        let period = facts.period;
        let rules = self.rules(contract, facts)?;
        let digits = terms.currency.minor_digits();
        let groups = rules.iter().flat_map(|rule| &rule.groups);
        let base = groups.fold(Exact::zero(), |sum, group| sum + &group.converted);
        let out_of_bounds = Unratable::OutOfBounds { period };
        let base_rounded = terms.rounding.round(&base, digits).ok_or(out_of_bounds)?;
        let mut shares = Vec::with_capacity(beneficiaries.len());
        for party in beneficiaries {
            let share = self.party(contract.versions, (terms, period), party, &rules);
            shares.push(share.ok_or(out_of_bounds)?);
        }
        let own = shares.iter().map(|share: &PartyRating| (&share.party, share.own)).collect();
        let mut gets = settle::distribute(terms, &own).ok_or(out_of_bounds)?;
        for share in &mut shares {
            if let Some((split, parts, amount)) = gets.remove(&share.party) {
                (share.split, share.parts, share.amount) = (split, parts, amount);
            }
            if let Some(figure) = facts.adopted.get(&share.party) {
                share.computed = Some(share.amount);
                share.amount = *figure;
            }
        }
        let version = contract.versions.number_of(period);
        Ok(PeriodRating { period, version, base, base_rounded, shares, rules })
    }

    /// Every rule of every stretch of the period, in order. After the agreement's last day there
    /// is no stretch: nothing is earned, no flat amount falls.
    fn rules(
        &mut self,
        contract: Contract<'_>,
        facts: PeriodFacts<'_>,
    ) -> Result<Vec<RuleRating>, Unratable> {
        let (versions, period) = (contract.versions, facts.period);
        let mut of_rule: BTreeMap<(usize, usize), Vec<Group>> = BTreeMap::new();
        let stretches = versions.stretches(period);
        for (key, sums) in facts.groups {
            let Some(stretch) = stretches.get(key.stretch) else { continue };
            let terms = &versions.get(stretch.version).terms;
            let group = converted(contract, (terms, period), (key.currency, &key.modifiers), sums)?;
            of_rule.entry((key.stretch, key.rule)).or_default().push(group);
        }
        let mut rules = Vec::new();
        for (at, stretch) in stretches.iter().enumerate() {
            let terms = &versions.get(stretch.version).terms;
            for (place, rule) in terms.rules.iter().enumerate() {
                let groups = of_rule.remove(&(at, place)).unwrap_or_default();
                let span = Span { versions, version: stretch.version, period };
                let standing = of(&mut self.standings, &rule.id, Standing::default);
                let rated = standing.rate(&span, rule, &groups);
                rules.push(RuleRating {
                    stretch: at,
                    days: (stretch.from, stretch.to),
                    version: stretch.version,
                    rule: rule.id.clone(),
                    groups,
                    tier: rated.tier,
                    operands: rated.operands,
                });
            }
        }
        Ok(rules)
    }

    /// Earned, carried, rounded, capped and guaranteed. `None` past the bounds of an amount.
    fn party(
        &mut self,
        versions: &Versions,
        (terms, period): (&Terms, Period),
        party: &Id,
        rules: &[RuleRating],
    ) -> Option<PartyRating> {
        let digits = terms.currency.minor_digits();
        let earned = rules.iter().fold(Exact::zero(), |sum, rule| sum + rule.earned(party));
        let zero = || (Exact::zero(), Exact::zero());
        let (earned_before, rounded_before) = of(&mut self.carried, party, zero);
        let carry_in = match terms.carry {
            true => &*earned_before - &*rounded_before,
            false => Exact::zero(),
        };
        // R(Σ earned up to p) − Σ rounded before. Σ rounded before is a whole number of minor
        // units, but it may not be taken out of R: half_even looks at the parity of the sum.
        let rounded = if terms.carry {
            let sum = terms.rounding.round(&(&*earned_before + &earned), digits)?;
            sum.checked_sub(terms.rounding.round(rounded_before, digits)?)?
        } else {
            terms.rounding.round(&earned, digits)?
        };
        *earned_before += &earned;
        *rounded_before += exact::of_amount(&rounded);
        let trackers = of(&mut self.trackers, party, Trackers::default);
        let settled = trackers.settle(versions, (terms, period), party, rounded)?;
        Some(PartyRating {
            party: party.clone(),
            earned,
            carry_in,
            rounded,
            caps: settled.caps,
            top_ups: settled.top_ups,
            own: settled.amount,
            split: Vec::new(),
            parts: Vec::new(),
            computed: None,
            amount: settled.amount,
        })
    }
}

/// What is carried of an id; made if it is not there.
fn of<'m, T>(map: &'m mut BTreeMap<Id, T>, id: &Id, new: impl FnOnce() -> T) -> &'m mut T {
    map.entry(id.clone()).or_insert_with(new)
}

fn converted(
    contract: Contract<'_>,
    (terms, period): (&Terms, Period),
    (currency, modifiers): (Currency, &[Id]),
    sums: &GroupSums,
) -> Result<Group, Unratable> {
    let rate = match currency == terms.currency {
        true => None,
        false => {
            let known = contract.rates.get(&(period, currency)).copied();
            Some(known.ok_or(Unratable::NoRate { period, currency })?)
        }
    };
    Ok(Group::new(terms, (currency, modifiers), sums, rate))
}

/// The widest window that any part of any version of the terms counts over: how far a change in
/// one period can reach into later ones.
pub fn widest_window(versions: &Versions) -> Window {
    let of_terms = |terms: &Terms| {
        let tiers = terms.rules.iter().filter_map(|rule| match &rule.pay {
            Pay::Flat(_) => None,
            Pay::Tiered(Tiers { over, .. }) => Some(*over),
        });
        let bounds = terms.caps.iter().chain(&terms.minimums).map(|bound| bound.over);
        let widest = tiers.chain(bounds).max().unwrap_or(Window::Period);
        if terms.carry { Window::Lifetime } else { widest }
    };
    versions.iter().map(|version| of_terms(&version.terms)).max().unwrap_or(Window::Period)
}
