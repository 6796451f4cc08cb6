//! The random ledgers of these tests have every kind of dispute: what other tests hold of them is
//! never held of nothing.

use std::collections::BTreeMap;

use ledger_core::dispute::Target;
use ledger_core::event::Event;
use ledger_core::state::Agreement;
use ledger_core::state::ClaimFacts;
use ledger_core::state::Dispute;
use ledger_core::state::DisputeStatus;
use ledger_core::state::PayoutStatus;
use ledger_core::state::Stance;
use ledger_core::vocab::Amount;
use revshare_kit::World;
use revshare_kit::disputes::status_of;
use revshare_kit::random::dispute_plan;
use revshare_kit::random::facts;
use revshare_kit::random::opened;
use revshare_kit::random::wish;

use crate::runs::holds;

/// What must be seen.
const HISTORIES: &[&str] = &[
    "dispute-opened",
    "dispute-responded",
    "dispute-accepted",
    "dispute-settled",
    "dispute-escalated",
    "dispute-determined",
    "dispute-withdrawn",
    "evidence-attached",
    "evidence-erased",
    "about a statement",
    "about a report",
    "about a payout",
    "about a clause",
    "claims figures",
    "claims lines",
    "claims terms",
    "open",
    "escalated",
    "withdrawn",
    "accepted",
    "by default",
    "settled",
    "determined",
    "nothing adopted",
    "figures adopted",
    "lines adopted",
    "payout adopted",
    "payout of nothing adopted",
    "several respondents",
    "a respondent is silent and has seen it",
    "a respondent answered",
    "one respondent of several accepted",
    "reopened",
    "held",
    "held of several periods",
    "held for a payout",
    "held of what is adopted and not posted",
    "held and in transit",
    "balance above payable",
    "credit below zero",
    "true-up by a dispute",
];

/// Refusals that random disputes must run into.
const REFUSALS: &[&str] = &[
    "dispute-target",
    "dispute-claim",
    "dispute-not-affected",
    "dispute-window",
    "dispute-twice",
    "dispute-final",
    "dispute-closed",
    "dispute-side",
    "dispute-late",
    "dispute-early",
    "settlement-unsigned",
    "evidence-unknown",
    "evidence-twice",
    "minor-unit",
];

type Seen = BTreeMap<String, u32>;

fn note(seen: &mut Seen, is_seen: bool, what: &str) {
    if is_seen {
        *seen.entry(what.to_owned()).or_default() += 1;
    }
}

/// See the lists above.
#[test]
fn random_disputes_have_every_kind_of_history() {
    let seen = std::cell::RefCell::new(Seen::new());
    holds(300, dispute_plan(10..40), |plan| {
        let seen = &mut *seen.borrow_mut();
        let mut world = opened(&plan.terms);
        for step in &plan.moves {
            if let Some((party, command)) = wish(&mut world, step) {
                if let Err(problem) = world.submit(&party, command) {
                    note(seen, true, problem.code.as_str());
                }
                note_accounts(seen, world.agreement());
            }
        }
        note_events(seen, &world);
        for dispute in world.agreement().disputes().values() {
            note_dispute(seen, dispute);
        }
    });
    let seen = seen.into_inner();
    let all = HISTORIES.iter().chain(REFUSALS);
    let never: Vec<_> = all.filter(|what| !seen.contains_key(**what)).collect();
    assert!(never.is_empty(), "never seen: {never:?}; seen: {seen:#?}");
}

fn note_accounts(seen: &mut Seen, agreement: &Agreement) {
    for id in agreement.versions().beneficiaries() {
        let account = agreement.account(id);
        let (by_period, held) = agreement.held(id).expect("in bounds");
        let periods: Amount =
            by_period.values().fold(Amount::ZERO, |sum, one| sum.checked_add(*one).expect("a sum"));
        let holding = by_period.values().filter(|held| !held.is_zero()).count();
        note(seen, !held.is_zero(), "held");
        note(seen, holding > 1, "held of several periods");
        note(seen, held > periods, "held for a payout");
        let in_transit = !account.in_transit.is_zero();
        note(seen, !held.is_zero() && in_transit, "held and in transit");
        let payable = agreement.payable(id).expect("in bounds");
        note(seen, account.balance() > payable, "balance above payable");
        let credit = agreement.queue(id).map(|queue| queue.credit());
        note(seen, credit.is_some_and(|credit| credit.is_negative()), "credit below zero");
        let holds = agreement.disputes().values().any(|one| {
            let holding = one.period.and_then(|period| by_period.get(&period));
            !one.is_open() && one.holds() && holding.is_some_and(|held| !held.is_zero())
        });
        note(seen, holds, "held of what is adopted and not posted");
    }
}

fn note_events(seen: &mut Seen, world: &World) {
    for fact in facts(world) {
        note(seen, true, fact.event.kind().as_str());
        if let Event::StatementIssued(statement) = &fact.event {
            let causes = statement.entries.iter().flat_map(|entry| &entry.causes);
            for cause in causes {
                let (_, kind) = world.state().event(cause).expect("causes are on the log");
                let by_dispute = kind.as_str().starts_with("dispute-");
                note(seen, by_dispute, "true-up by a dispute");
            }
        }
    }
    for record in world.agreement().payouts().all().values() {
        if let PayoutStatus::Determined { figure, .. } = record.status {
            note(seen, figure.is_zero(), "payout of nothing adopted");
        }
    }
}

fn note_dispute(seen: &mut Seen, dispute: &Dispute) {
    note(seen, true, status_of(dispute));
    note(
        seen,
        true,
        match dispute.target {
            Target::Statement(_) => "about a statement",
            Target::Report(_) => "about a report",
            Target::Payout(_) => "about a payout",
            Target::Clause { .. } => "about a clause",
        },
    );
    note(
        seen,
        true,
        match dispute.claim {
            ClaimFacts::Figures(_) => "claims figures",
            ClaimFacts::Report { .. } => "claims lines",
            ClaimFacts::Terms(_) => "claims terms",
        },
    );
    if let DisputeStatus::Resolved(resolved) = &dispute.status {
        let what = format!("{:?} adopted", resolved.adopted).to_lowercase();
        note(seen, true, &what);
    }
    let over = dispute.before.lines.as_ref().is_some_and(|(_, before)| before.is_some());
    note(seen, over, "lines adopted over adopted ones");
    note(seen, dispute.reopens.is_some(), "reopened");
    let respondents: Vec<_> = dispute.respondents.values().collect();
    note(seen, respondents.len() > 1, "several respondents");
    let silent = respondents.iter().any(|one| one.stance == Stance::Silent && one.seen.is_some());
    note(seen, silent, "a respondent is silent and has seen it");
    let answered = respondents.iter().any(|one| one.stance == Stance::Responded);
    note(seen, answered, "a respondent answered");
    let accepted = respondents.iter().filter(|one| one.stance == Stance::Accepted).count();
    note(seen, 0 < accepted && accepted < respondents.len(), "one respondent of several accepted");
}
