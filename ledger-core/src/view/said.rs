//! What events name, as a reader sees it: other events by their record number, lines in total.

use crate::dispute::Claim;
use crate::dispute::Outcome;
use crate::dispute::Target;
use crate::event::Lines;
use crate::state::ClaimFacts;
use crate::state::State;
use crate::usage::LineBlock;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::exact::Sum;

/// An event that another one names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// Its id.
    pub id: EventId,
    /// Its record, if it is on the log.
    pub seq: Option<u64>,
}

/// The lines of a report, in total.
#[derive(Clone, Debug)]
pub struct LinesTotal {
    /// How many; 0 for a nil report.
    pub lines: u64,
    /// In how many parts they were written; 0 if they are in the event itself.
    pub parts: usize,
    /// Gross per currency.
    pub gross: Vec<(Currency, Sum)>,
}

/// What a dispute is about, with the places of what it names.
#[derive(Clone, Debug)]
pub enum DisputedTarget {
    /// A statement, and its period.
    Statement(Named, Option<Period>),
    /// A report, and its period.
    Report(Named, Option<Period>),
    /// A payout.
    Payout(Named),
    /// A clause in a period.
    Clause(Id, Period),
}

impl DisputedTarget {
    /// The target of a dispute; `state` is any state that knows what it names.
    pub fn of(state: &State, target: &Target) -> DisputedTarget {
        let agreement = state.agreement();
        match target {
            Target::Statement(id) => {
                let statement = agreement.and_then(|known| known.statement_of(id));
                let period = statement.map(|record| record.statement.period);
                DisputedTarget::Statement(Named::of(state, *id), period)
            }
            Target::Report(id) => {
                let period = agreement.and_then(|known| known.report(id)).map(|one| one.period);
                DisputedTarget::Report(Named::of(state, *id), period)
            }
            Target::Payout(id) => DisputedTarget::Payout(Named::of(state, *id)),
            Target::Clause { clause, period } => DisputedTarget::Clause(clause.clone(), *period),
        }
    }
}

/// A claim, its lines in total.
#[derive(Clone, Debug)]
pub enum ClaimTotal {
    /// A figure per party.
    Figures(Vec<(Id, Amount)>),
    /// Other lines for a report.
    Report {
        /// The report.
        replaces: Named,
        /// The lines.
        total: LinesTotal,
    },
    /// Other terms.
    Terms {
        /// Their digest.
        digest: Digest,
        /// The first day that they rate.
        from: Date,
    },
}

impl ClaimTotal {
    /// Of a claim; `state` is any state that knows what it names.
    pub fn of(state: &State, claim: &Claim) -> ClaimTotal {
        match claim {
            Claim::Figures(figures) => ClaimTotal::Figures(figures.clone()),
            Claim::Report { replaces, lines } => ClaimTotal::Report {
                replaces: Named::of(state, *replaces),
                total: lines.as_ref().map_or_else(LinesTotal::nil, LinesTotal::of_block),
            },
            Claim::Terms(terms) => {
                ClaimTotal::Terms { digest: terms.version.digest, from: terms.from }
            }
        }
    }
}

impl ClaimTotal {
    /// Of a claim as the state keeps it.
    pub fn of_facts(state: &State, claim: &ClaimFacts) -> ClaimTotal {
        match claim {
            ClaimFacts::Figures(figures) => ClaimTotal::Figures(figures.clone()),
            ClaimFacts::Report { replaces, usage } => ClaimTotal::Report {
                replaces: Named::of(state, *replaces),
                total: LinesTotal {
                    lines: usage.lines(),
                    parts: 0,
                    gross: gross_by_currency(usage),
                },
            },
            ClaimFacts::Terms(terms) => {
                ClaimTotal::Terms { digest: terms.version.digest, from: terms.from }
            }
        }
    }
}

/// An outcome, its lines in total.
#[derive(Clone, Debug)]
pub enum OutcomeTotal {
    /// The recorded figures stand.
    Stands,
    /// The claim is right.
    AsClaimed,
    /// Something else is right.
    Other(ClaimTotal),
}

impl OutcomeTotal {
    /// Of an outcome.
    pub fn of(state: &State, outcome: &Outcome) -> OutcomeTotal {
        match outcome {
            Outcome::Stands => OutcomeTotal::Stands,
            Outcome::AsClaimed => OutcomeTotal::AsClaimed,
            Outcome::Other(claim) => OutcomeTotal::Other(ClaimTotal::of(state, claim)),
        }
    }
}

impl Named {
    /// An event, with its record if the state knows it.
    pub fn of(state: &State, id: EventId) -> Named {
        Named { id, seq: state.event(&id).map(|(seq, _)| seq) }
    }
}

impl LinesTotal {
    /// Of the lines of a report.
    pub fn of(lines: &Lines) -> LinesTotal {
        match lines {
            Lines::Nil => LinesTotal::nil(),
            Lines::Inline(block) => LinesTotal::of_block(block),
            Lines::Parts(index) => LinesTotal {
                lines: index.lines,
                parts: index.parts.len(),
                gross: index
                    .gross
                    .iter()
                    .map(|(currency, amount)| (*currency, Sum::of(amount)))
                    .collect(),
            },
        }
    }

    /// No lines.
    pub fn nil() -> LinesTotal {
        LinesTotal { lines: 0, parts: 0, gross: Vec::new() }
    }

    /// Of a block.
    pub fn of_block(block: &LineBlock) -> LinesTotal {
        let mut sums = UsageSums::default();
        block.add_to(&mut sums);
        LinesTotal { lines: sums.lines(), parts: 0, gross: gross_by_currency(&sums) }
    }
}

/// Gross per currency, sorted by currency.
pub fn gross_by_currency(sums: &UsageSums) -> Vec<(Currency, Sum)> {
    sums.by_currency().iter().map(|(currency, (sums, _))| (*currency, sums.gross)).collect()
}
