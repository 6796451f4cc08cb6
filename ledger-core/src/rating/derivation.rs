//! What rating keeps: every number on the way from lines to an amount.

use crate::rating::group::Group;
use crate::terms::TierKind;
use crate::terms::Window;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Rate;

/// A period, rated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeriodRating {
    /// The period.
    pub period: Period,
    /// The number of the version of the terms that settles it.
    pub version: usize,
    /// Its base in the settlement currency, exact.
    pub base: Exact,
    /// Its base in minor units: the collector's own figure.
    pub base_rounded: Amount,
    /// What each beneficiary of the ledger earned and gets, sorted by party.
    pub shares: Vec<PartyRating>,
    /// How, by stretch and rule.
    pub rules: Vec<RuleRating>,
}

/// What a beneficiary earned in a period, and what it gets.
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
    /// What caps did to it, narrowest window first.
    pub caps: Vec<Capped>,
    /// What guarantees added, narrowest window first.
    pub top_ups: Vec<TopUp>,
    /// Rounded, after caps and guarantees: the party's own amount, or the pool that is divided.
    pub own: Amount,
    /// For a pool: how it was divided.
    pub split: Vec<Part>,
    /// Parts of other parties' pools, and of its own if it has one.
    pub parts: Vec<Part>,
    /// What the steps above come to, where a figure that a dispute adopted stands in its place.
    pub computed: Option<Amount>,
    /// What the party gets for the period.
    pub amount: Amount,
}

/// What a cap did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Capped {
    /// The window it counts over.
    pub over: Window,
    /// The cap; none if only what an earlier cap cut is taken back first.
    pub cap: Option<Amount>,
    /// What the window kept before.
    pub kept: Amount,
    /// What went in.
    pub before: Amount,
    /// What came out.
    pub after: Amount,
}

/// What a guarantee added in the last period of its window.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopUp {
    /// The window it counts over.
    pub over: Window,
    /// The guarantee as the terms have it.
    pub amount: Amount,
    /// Days of the agreement in the window, and days of the window.
    pub days: (i32, i32),
    /// The guarantee for those days, in minor units.
    pub guarantee: Amount,
    /// What the party got in the window without it.
    pub got: Amount,
    /// The party's amount of the period without it.
    pub before: Amount,
    /// What is added.
    pub added: Amount,
}

/// A part of a divided pool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// The party whose amount is divided.
    pub of: Id,
    /// Who gets the part.
    pub to: Id,
    /// Its weight.
    pub weight: Amount,
    /// All weights together.
    pub weights: Exact,
    /// What it comes to, in minor units.
    pub amount: Amount,
}

/// What a rule came to in a stretch of a period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleRating {
    /// The stretch of the period, from 0.
    pub stretch: usize,
    /// Its first day, and the first day after it.
    pub days: (Date, Date),
    /// The number of the version in force.
    pub version: usize,
    /// The rule's id.
    pub rule: Id,
    /// The lines that it rates, in the order in which they entered.
    pub groups: Vec<Group>,
    /// For tiers: where the position stood and stands.
    pub tier: Option<TierRating>,
    /// What it earned for each party, in the order of the operands.
    pub operands: Vec<Operand>,
}

/// A tier's position over a stretch.
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
    /// The group that is rated, by its position in [`RuleRating::groups`]; none for flat amounts
    /// and for what a whole tier's window comes to.
    pub group: Option<usize>,
    /// What is multiplied with what.
    pub what: Operation,
    /// The exact product.
    pub earned: Exact,
}

/// A rate with the points that it is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PointedRate {
    /// The share that the rule or step names.
    pub share: Rate,
    /// Points by exclusivity or contribution, in the order of the terms.
    pub points: Vec<(Id, Exact)>,
    /// share + Σ points, between floor and ceiling.
    pub rate: Exact,
}

/// The kinds of operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// A part of the base × a rate.
    Share {
        /// The part of the base.
        base: Exact,
        /// The rate.
        rate: PointedRate,
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
    /// A whole tier: what the lines since the rule's text last changed came to, up to where this
    /// stretch begins, taken off.
    WindowBefore,
    /// A whole tier: what the lines since the rule's text last changed come to now, before taking
    /// off what they came to.
    WindowShare {
        /// The version of the terms whose points and limits hold for these lines.
        version: usize,
        /// The modifiers of these lines.
        modifiers: Vec<Id>,
        /// Their base.
        base: Exact,
        /// The rate.
        rate: PointedRate,
    },
}

impl RuleRating {
    /// What the rule earned for a party, exactly.
    pub fn earned(&self, party: &Id) -> Exact {
        let own = self.operands.iter().filter(|operand| operand.party == *party);
        own.fold(Exact::zero(), |sum, operand| sum + &operand.earned)
    }

    /// The base of all its lines in the settlement currency, exactly.
    pub fn base(&self) -> Exact {
        self.groups.iter().fold(Exact::zero(), |sum, group| sum + &group.converted)
    }

    /// The steps that were used, sorted; none for a rule without steps.
    pub fn steps(&self) -> Vec<usize> {
        let steps = self.operands.iter().map(|operand| operand.step).filter(|step| *step > 0);
        let mut steps: Vec<usize> = steps.collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// How many lines it rates.
    pub fn lines(&self) -> u64 {
        self.groups.iter().fold(0, |lines, group| lines.saturating_add(group.lines))
    }
}

impl PartyRating {
    /// A party that got nothing.
    pub fn nothing(party: Id) -> PartyRating {
        PartyRating {
            party,
            earned: Exact::zero(),
            carry_in: Exact::zero(),
            rounded: Amount::ZERO,
            caps: Vec::new(),
            top_ups: Vec::new(),
            own: Amount::ZERO,
            split: Vec::new(),
            parts: Vec::new(),
            computed: None,
            amount: Amount::ZERO,
        }
    }
}

impl PeriodRating {
    /// What a beneficiary earned.
    pub fn share(&self, party: &Id) -> Option<&PartyRating> {
        self.shares.iter().find(|share| share.party == *party)
    }
}
