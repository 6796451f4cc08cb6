//! What rating keeps: every number on the way from lines to a rounded amount.

use num_traits::Zero;

use crate::rating::group::Group;
use crate::terms::TierKind;
use crate::vocab::Amount;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Rate;

/// A period, rated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeriodRating {
    /// The period.
    pub period: Period,
    /// Its base, exact.
    pub base: Exact,
    /// Its base in minor units: the collector's own figure.
    pub base_rounded: Amount,
    /// What each beneficiary earned, sorted by party.
    pub shares: Vec<PartyRating>,
    /// How, by rule, in the order of the terms.
    pub rules: Vec<RuleRating>,
}

/// What a beneficiary earned in a period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartyRating {
    /// The beneficiary.
    pub party: Id,
    /// Exactly.
    pub earned: Exact,
    /// Earned before and not yet rounded to a unit (`carry = true`; otherwise zero).
    pub carry_in: Exact,
    /// In minor units.
    pub rounded: Amount,
}

/// What a rule came to in a period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleRating {
    /// The rule's id.
    pub rule: Id,
    /// The lines that it rates.
    pub group: Group,
    /// For tiers: where the position stood and stands.
    pub tier: Option<TierRating>,
    /// What it earned for each party, in the order of the operands.
    pub operands: Vec<Operand>,
}

/// A tier's position over a period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TierRating {
    /// Marginal or whole.
    pub kind: TierKind,
    /// The position on entering.
    pub before: Exact,
    /// The position on leaving.
    pub after: Exact,
}

/// One operation: `earned = factor × rate`, for one party.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operand {
    /// The party.
    pub party: Id,
    /// The step, from 1; 0 for a rule without steps.
    pub step: usize,
    /// What is multiplied with what.
    pub what: Operation,
    /// The exact product.
    pub earned: Exact,
}

/// The kinds of operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// A part of the base × a rate.
    Share {
        /// The part of the base.
        base: Exact,
        /// The share that the step names.
        share: Rate,
        /// The rate after floor and ceiling.
        rate: Exact,
        /// For a marginal tier: the stretch of positions, from and to.
        stretch: Option<(Exact, Exact)>,
    },
    /// Units × an amount per unit.
    PerUnit {
        /// The units.
        units: Exact,
        /// The amount per unit.
        price: Amount,
    },
    /// A flat amount, entered (+1), given back (−1).
    Flat {
        /// The amount.
        amount: Amount,
        /// Whether it is given back.
        back: bool,
    },
    /// A whole tier: what the window came to, up to the end of the period before, taken off.
    WindowBefore,
    /// A whole tier: what the window comes to now, before taking off what it came to.
    WindowShare {
        /// The base of the whole window.
        base: Exact,
        /// The share that the step names.
        share: Rate,
        /// The rate after floor and ceiling.
        rate: Exact,
    },
}

impl RuleRating {
    /// What the rule earned for a party, exactly.
    pub fn earned(&self, party: &Id) -> Exact {
        let own = self.operands.iter().filter(|operand| operand.party == *party);
        own.fold(Exact::zero(), |sum, operand| sum + &operand.earned)
    }
}

impl PeriodRating {
    /// What a beneficiary earned.
    pub fn share(&self, party: &Id) -> Option<&PartyRating> {
        self.shares.iter().find(|share| share.party == *party)
    }
}
