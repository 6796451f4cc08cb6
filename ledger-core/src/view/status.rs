//! Whose turn it is.

use crate::state::Agreement;
use crate::state::PayoutStatus;
use crate::state::State;
use crate::view::balances::balances;
use crate::view::record::Named;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;

/// Something that waits for somebody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Matter {
    /// Who can do something about it.
    pub who: Id,
    /// What it is.
    pub what: What,
    /// Since when, or from when on.
    pub since: Date,
}

/// What waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// The ledger waits for a money party's acceptance.
    AcceptLedger {
        /// Record 0.
        opening: EventId,
    },
    /// A period that has begun has no report; due on a day.
    Report {
        /// The period.
        period: Period,
        /// The last day on which it is in time.
        due_on: Date,
        /// Whether that day has passed.
        overdue: bool,
        /// The record that says that it is missing.
        noted: Option<u64>,
    },
    /// A reported period can be stated.
    State {
        /// The period.
        period: Period,
    },
    /// A statement was not accepted.
    AcceptStatement {
        /// Its period.
        period: Period,
        /// Its record.
        seq: u64,
    },
    /// Money is payable.
    Pay {
        /// To whom.
        to: Id,
        /// How much.
        amount: Amount,
        /// The oldest due date that it settles.
        due_on: Date,
        /// Whether that day has passed.
        overdue: bool,
        /// Whether it is below the minimum payout and therefore carried.
        below_minimum: bool,
    },
    /// A payout is in transit.
    ConfirmPayout {
        /// The payout.
        payout: Named,
        /// How much.
        amount: Amount,
        /// When it was sent.
        sent_on: Date,
    },
    /// A party has not acknowledged what was recorded since its last acknowledgement.
    Acknowledge {
        /// The last head that it acknowledged.
        acknowledged: Option<u64>,
    },
}

/// The status of a ledger on a day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// The day.
    pub today: Date,
    /// The last record.
    pub head: u64,
    /// Everything that waits, most urgent kinds first.
    pub matters: Vec<Matter>,
    /// Who acknowledged up to which record.
    pub acknowledged: Vec<(Id, Option<u64>)>,
}

/// What waits for an acceptance, by party; statements have a row of their own.
pub fn awaiting(agreement: &Agreement, opened_on: Date) -> Vec<Matter> {
    let (opening, _) = agreement.opening();
    let matter = |id: &&Id| Matter {
        who: (*id).clone(),
        what: What::AcceptLedger { opening },
        since: opened_on,
    };
    agreement.awaited().iter().map(matter).collect()
}

/// The status on a day. `opened_on` is the recorded day of record 0.
pub fn status(state: &State, opened_on: Date, today: Date) -> Status {
    let head = state.next_seq().saturating_sub(1);
    let Some(agreement) = state.agreement() else {
        return Status { today, head, matters: Vec::new(), acknowledged: Vec::new() };
    };
    let mut matters = awaiting(agreement, opened_on);
    if agreement.is_in_force() {
        matters.extend(reports(state, agreement, today));
        matters.extend(statements(agreement));
        matters.extend(payouts(agreement));
        matters.extend(payable(agreement, today));
        matters.extend(acknowledgements(state, agreement));
    }
    let acknowledged = agreement.terms().parties.iter().map(|party| {
        let last = agreement.acknowledged().get(&party.id);
        (party.id.clone(), last.map(|acknowledged| acknowledged.head_seq))
    });
    Status { today, head, matters, acknowledged: acknowledged.collect() }
}

/// Periods that are over and not reported.
fn reports(state: &State, agreement: &Agreement, today: Date) -> Vec<Matter> {
    let terms = agreement.terms();
    let Some(collector) = terms.collector() else {
        return Vec::new();
    };
    let mut matters = Vec::new();
    let mut next = Some(terms.first_period());
    while let Some(period) = next.filter(|period| period.last_day() < today) {
        if terms.last_period().is_some_and(|last| period > last) {
            break;
        }
        if !agreement.is_reported(period) {
            let due_on = terms.report_due_on(period);
            let noted = agreement.missing().get(&period).and_then(|id| state.event(id));
            matters.push(Matter {
                who: collector.clone(),
                what: What::Report {
                    period,
                    due_on,
                    overdue: today > due_on,
                    noted: noted.map(|(seq, _)| seq),
                },
                since: period.last_day().plus_days(1),
            });
        }
        next = period.next();
    }
    matters
}

fn statements(agreement: &Agreement) -> Vec<Matter> {
    let terms = agreement.terms();
    let mut matters = Vec::new();
    let mut next = agreement.next_to_state();
    // Only periods that can be stated one after another, without a gap.
    while let Some(period) = next.filter(|period| agreement.is_reported(*period)) {
        let reported = agreement.in_effect(period).into_iter().map(|report| report.recorded_at);
        for party in terms.parties.iter().filter(|party| Some(&party.id) == terms.collector()) {
            matters.push(Matter {
                who: party.id.clone(),
                what: What::State { period },
                since: reported.clone().min().map_or(period.last_day(), |at| at.date()),
            });
        }
        next = period.next();
    }
    for record in agreement.statements().values() {
        for party in terms.beneficiaries() {
            if !record.accepted_by.contains(party) {
                let (period, seq) = (record.statement.period, record.seq);
                matters.push(Matter {
                    who: party.clone(),
                    what: What::AcceptStatement { period, seq },
                    since: record.recorded_at.date(),
                });
            }
        }
    }
    matters
}

fn payouts(agreement: &Agreement) -> Vec<Matter> {
    let mut in_transit: Vec<_> = agreement
        .payouts()
        .values()
        .filter(|record| record.status == PayoutStatus::InTransit)
        .collect();
    in_transit.sort_by_key(|record| record.seq);
    let matter = |record: &&crate::state::PayoutRecord| Matter {
        who: record.payout.to.clone(),
        what: What::ConfirmPayout {
            payout: Named { id: record.id, seq: Some(record.seq) },
            amount: record.payout.amount,
            sent_on: record.payout.sent_on,
        },
        since: record.payout.sent_on,
    };
    in_transit.iter().map(matter).collect()
}

fn payable(agreement: &Agreement, today: Date) -> Vec<Matter> {
    let terms = agreement.terms();
    let Some(collector) = terms.collector() else {
        return Vec::new();
    };
    let ended = terms.ends_on.is_some_and(|end| today >= end);
    let mut matters = Vec::new();
    for balance in balances(agreement).beneficiaries {
        let oldest = balance.periods.iter().find(|period| !period.open.is_zero());
        let Some(oldest) = oldest.filter(|_| !balance.payable.at_least_zero().is_zero()) else {
            continue;
        };
        matters.push(Matter {
            who: collector.clone(),
            what: What::Pay {
                to: balance.party.clone(),
                amount: balance.payable,
                due_on: oldest.due_on,
                overdue: today > oldest.due_on,
                below_minimum: balance.payable < terms.minimum_payout && !ended,
            },
            since: oldest.period.last_day().plus_days(1),
        });
    }
    matters
}

/// Money parties that have not acknowledged everything that counts. An acknowledgement is no
/// news: records behind the acknowledged head count only if one of them is something else.
fn acknowledgements(state: &State, agreement: &Agreement) -> Vec<Matter> {
    let heads: Vec<u64> = agreement.acknowledged().values().map(|last| last.seq).collect();
    let is_news = |seq: &u64| !heads.contains(seq);
    let mut matters = Vec::new();
    for party in agreement.terms().parties.iter().filter(|party| party.role.is_money_party()) {
        let last = agreement.acknowledged().get(&party.id).map(|last| last.head_seq);
        let behind = last.map_or(0, |last| last + 1);
        if (behind..state.next_seq()).any(|seq| is_news(&seq)) {
            matters.push(Matter {
                who: party.id.clone(),
                what: What::Acknowledge { acknowledged: last },
                since: state.recorded_at().date(),
            });
        }
    }
    matters
}
