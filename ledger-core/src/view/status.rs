//! Whose turn it is.

use std::collections::BTreeSet;

use crate::event::Kind;
use crate::evolve::proposal::lapses_on;
use crate::state::Agreement;
use crate::state::Dispute;
use crate::state::PayoutStatus;
use crate::state::Proposal;
use crate::state::ProposalStatus;
use crate::state::State;
use crate::view::balances::balances;
use crate::view::record::Named;
use crate::view::turn::Turn;
use crate::view::turn::turns;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::OutOfBounds;
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
    /// A proposal waits for a party's acceptance.
    AcceptProposal {
        /// The proposal.
        proposal: Named,
        /// Its kind.
        kind: Kind,
        /// The last day on which it can be decided.
        until: Option<Date>,
    },
    /// A period has usage in a currency that has no agreed conversion rate.
    AgreeRate {
        /// The period.
        period: Period,
        /// The currency.
        currency: Currency,
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
    /// A payout or an advance is in transit.
    ConfirmPayout {
        /// The payout.
        payout: Named,
        /// How much.
        amount: Amount,
        /// When it was sent.
        sent_on: Date,
    },
    /// A dispute waits for a party.
    Dispute {
        /// The dispute.
        dispute: Named,
        /// What the party can do.
        turn: Turn,
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

/// Proposals that can still be decided on a day, for each party whose acceptance is missing, in
/// the order of the log.
pub fn proposals(agreement: &Agreement, today: Date) -> Vec<Matter> {
    let mut pending: Vec<&Proposal> = agreement.proposals().values().collect();
    pending.retain(|proposal| proposal.status == ProposalStatus::Pending);
    pending.sort_by_key(|proposal| proposal.seq);
    let mut matters = Vec::new();
    for proposal in pending {
        let until = lapses_on(agreement, proposal);
        if until.is_some_and(|until| until < today) {
            continue;
        }
        for party in proposal.needed.difference(&proposal.accepted_by) {
            matters.push(Matter {
                who: party.clone(),
                what: What::AcceptProposal {
                    proposal: Named { id: proposal.id, seq: Some(proposal.seq) },
                    kind: proposal.kind(),
                    until,
                },
                since: proposal.recorded_at.date(),
            });
        }
    }
    matters
}

/// Periods with usage in a currency without an agreed rate: the collector proposes one.
fn rates(agreement: &Agreement) -> Vec<Matter> {
    let settlement = agreement.terms().currency;
    let mut matters = Vec::new();
    for period in agreement.reported_periods() {
        let used: BTreeSet<Currency> =
            agreement.groups(period).keys().map(|key| key.currency).collect();
        for currency in used.into_iter().filter(|currency| *currency != settlement) {
            let is_agreed = agreement.rates().contains_key(&(period, currency));
            if let (false, Some(who)) = (is_agreed, agreement.versions().collector()) {
                matters.push(Matter {
                    who: who.clone(),
                    what: What::AgreeRate { period, currency },
                    since: period.last_day().plus_days(1),
                });
            }
        }
    }
    matters
}

/// The status on a day. `opened_on` is the recorded day of record 0. Errors: [`OutOfBounds`].
pub fn status(state: &State, opened_on: Date, today: Date) -> Result<Status, OutOfBounds> {
    let head = state.next_seq().saturating_sub(1);
    let Some(agreement) = state.agreement() else {
        return Ok(Status { today, head, matters: Vec::new(), acknowledged: Vec::new() });
    };
    let mut matters = awaiting(agreement, opened_on);
    if agreement.is_in_force() {
        matters.extend(proposals(agreement, today));
        matters.extend(reports(state, agreement, today));
        matters.extend(rates(agreement));
        matters.extend(statements(agreement));
        matters.extend(payouts(agreement));
        matters.extend(payable(agreement, today)?);
        matters.extend(disputes(agreement, today));
        matters.extend(acknowledgements(state, agreement));
    }
    let parties = agreement.versions().listed_parties().into_iter();
    let acknowledged = parties.map(|party| {
        let last = agreement.acknowledged().get(&party.id);
        (party.id.clone(), last.map(|acknowledged| acknowledged.head_seq))
    });
    Ok(Status { today, head, matters, acknowledged: acknowledged.collect() })
}

/// Periods that are over and not reported.
fn reports(state: &State, agreement: &Agreement, today: Date) -> Vec<Matter> {
    let versions = agreement.versions();
    let Some(collector) = versions.collector() else {
        return Vec::new();
    };
    let mut matters = Vec::new();
    let mut next = Some(versions.first_period());
    while let Some(period) = next.filter(|period| period.last_day() < today) {
        if versions.last_period().is_some_and(|last| period > last) {
            break;
        }
        if !agreement.is_reported(period) {
            let due_on = versions.of(period).report_due_on(period);
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
    let versions = agreement.versions();
    let mut matters = Vec::new();
    let mut next = agreement.next_to_state();
    // Only periods that can be stated one after another, without a gap.
    while let Some(period) = next.filter(|period| agreement.is_reported(*period)) {
        let reported = agreement.in_effect(period).into_iter().map(|report| report.recorded_at);
        if let Some(party) = versions.collector() {
            matters.push(Matter {
                who: party.clone(),
                what: What::State { period },
                since: reported.clone().min().map_or(period.last_day(), |at| at.date()),
            });
        }
        next = period.next();
    }
    for record in agreement.statements().values() {
        for party in versions.beneficiaries() {
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
    let mut matters = Vec::new();
    for record in agreement.payouts().in_transit() {
        let (payout, status) = (&record.payout, &record.status);
        let sent = (&payout.to, payout.amount, payout.sent_on);
        matters.extend(in_transit((record.id, record.seq), sent, status));
    }
    for record in agreement.advances().values() {
        let (advance, status) = (&record.advance, &record.status);
        let sent = (&advance.to, advance.amount, advance.paid_on);
        matters.extend(in_transit((record.id, record.seq), sent, status));
    }
    matters.sort_by_key(|(seq, _)| *seq);
    matters.into_iter().map(|(_, matter)| matter).collect()
}

fn in_transit(
    (id, seq): (EventId, u64),
    (to, amount, sent_on): (&Id, Amount, Date),
    status: &PayoutStatus,
) -> Option<(u64, Matter)> {
    let payout = Named { id, seq: Some(seq) };
    let what = What::ConfirmPayout { payout, amount, sent_on };
    let matter = Matter { who: to.clone(), what, since: sent_on };
    (*status == PayoutStatus::InTransit).then_some((seq, matter))
}

/// Disputes that go on, in the order of the log.
fn disputes(agreement: &Agreement, today: Date) -> Vec<Matter> {
    let mut open: Vec<&Dispute> =
        agreement.disputes().values().filter(|dispute| dispute.is_open()).collect();
    open.sort_by_key(|dispute| dispute.seq);
    let mut matters = Vec::new();
    for one in open {
        let dispute = Named { id: one.id, seq: Some(one.seq) };
        let since = one.recorded_at.date();
        let turns = turns(agreement, one, today).into_iter();
        let matter = |(who, turn)| Matter { who, what: What::Dispute { dispute, turn }, since };
        matters.extend(turns.map(matter));
    }
    matters
}

fn payable(agreement: &Agreement, today: Date) -> Result<Vec<Matter>, OutOfBounds> {
    let versions = agreement.versions();
    let Some(collector) = versions.collector() else {
        return Ok(Vec::new());
    };
    let ended = versions.ends_on().is_some_and(|end| today >= end);
    let minimum = versions.on(versions.clipped(today)).minimum_payout;
    let mut matters = Vec::new();
    for balance in balances(agreement)?.beneficiaries {
        let oldest = balance.periods.iter().find(|period| period.open > period.held);
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
                below_minimum: balance.payable < minimum && !ended,
            },
            since: oldest.period.last_day().plus_days(1),
        });
    }
    Ok(matters)
}

/// Money parties that have not acknowledged everything that counts. An acknowledgement is no
/// news: records behind the acknowledged head count only if one of them is something else.
fn acknowledgements(state: &State, agreement: &Agreement) -> Vec<Matter> {
    let heads: Vec<u64> = agreement.acknowledged().values().map(|last| last.seq).collect();
    let is_news = |seq: &u64| !heads.contains(seq);
    let mut matters = Vec::new();
    let parties = agreement.versions().listed_parties().into_iter();
    for party in parties.filter(|party| party.role.is_money_party()) {
        let last = agreement.acknowledged().get(&party.id).map(|last| last.head_seq);
        let behind = last.map_or(0, |last| last.saturating_add(1));
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
