//! What amendments, conversion rates and contributions have in common: they are proposed, wait for
//! the others, and are accepted (`revshare accept`), rejected or withdrawn.

use std::io::Write;

use revshare_core::command::Command;
use revshare_core::event::Kind;
use revshare_core::ledger::Outcome;
use revshare_core::state::Proposal;
use revshare_core::state::ProposalStatus;
use revshare_core::state::Proposed;
use revshare_core::state::State;
use revshare_core::view::proposals;
use revshare_core::view::proposals::ProposalView;
use revshare_core::vocab::Code;
use revshare_core::vocab::EventId;
use revshare_core::vocab::Problem;

use crate::commands::Beside;
use crate::commands::Writing;
use crate::commands::free_text;
use crate::commands::say_recorded;
use crate::commands::say_recorded_with;
use crate::context::Desk;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::point;
use crate::render::json::proposals::ProposedDocument;
use crate::render::table::wrap;
use crate::render::text::escape;

/// How a proposal is ended without the others.
#[derive(clap::Args, Debug)]
pub struct Closing {
    /// The proposal: a record number, or a prefix of its hash or id
    event: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    writing: Writing,
}

/// By whom it is ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// By a party whose acceptance is needed.
    Reject,
    /// By the proposer.
    Withdraw,
}

/// The word for a kind of proposal, with its article, and the command that lists it.
fn words(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::RateProposed => ("a conversion rate", "fx list"),
        Kind::ContributionClaimed => ("a claim of a contribution", "contribution list"),
        _ => ("an amendment", "amend list"),
    }
}

/// The proposal of a kind that an argument names. Errors: [`Code::UnknownEvent`].
pub fn named<'a>(
    state: &'a State,
    (seq, id): (u64, &EventId),
    kind: Kind,
) -> Result<&'a Proposal, Problem> {
    let found = state.agreement().and_then(|known| known.proposals().get(id));
    let (what, list) = words(kind);
    found.filter(|proposal| proposal.kind() == kind).ok_or_else(|| {
        let is = state.event(id).map_or("nothing", |(_, kind)| kind.as_str());
        Problem::new(Code::UnknownEvent, format!("record {seq} is {is}, not {what}"))
            .at_field("EVENT")
            .hint(format!("`revshare {list}` lists them"))
    })
}

/// Rejects or withdraws a proposal of a kind.
pub fn close(
    session: &mut Session,
    closing: &Closing,
    kind: Kind,
    end: End,
) -> Result<Answer, Failure> {
    let reason = free_text("--reason", &closing.reason)?;
    let mut desk = session.write(&closing.writing)?;
    let (seq, proposal) = point::event(&desk.ledger, &closing.event)?;
    named(desk.ledger.state(), (seq, &proposal), kind)?;
    let command = match end {
        End::Reject => Command::RejectProposal { proposal, reason },
        End::Withdraw => Command::WithdrawProposal { proposal, reason },
    };
    let outcome = desk.submit(command)?;
    finish(session, &desk, &outcome, words(kind).1)
}

/// Says what was recorded, and what comes next.
pub fn finish(
    session: &mut Session,
    desk: &Desk,
    outcome: &Outcome,
    next: &str,
) -> Result<Answer, Failure> {
    if let Some(agreement) = desk.ledger.state().agreement() {
        let currency = agreement.terms().currency;
        say_recorded(session, desk.ledger.state(), currency, outcome, desk.mode)?;
        session.next(next)?;
    }
    Ok(Answer::Yes)
}

/// What a proposal waits for once it is made, before it is made.
pub fn waiting(desk: &Desk, what: &Proposed) -> Option<ProposedDocument> {
    let agreement = desk.ledger.state().agreement()?;
    let (author, today) = (&desk.context.author.party, desk.context.recorded_at.date());
    let (parties, until) = proposals::would_wait(agreement, what, (author, today));
    Some(ProposedDocument {
        waits_for: parties.iter().map(ToString::to_string).collect(),
        until: until.to_string(),
        changes: Vec::new(),
        warnings: Vec::new(),
        terms_warnings: Vec::new(),
    })
}

/// Says what was proposed, and whom it waits for.
pub fn proposed(
    session: &mut Session,
    desk: &Desk,
    outcome: &Outcome,
    proposal: Option<ProposedDocument>,
) -> Result<Answer, Failure> {
    let Some(agreement) = desk.ledger.state().agreement() else {
        return Ok(Answer::Yes);
    };
    let currency = agreement.terms().currency;
    let waits = proposal.as_ref().map(|one| (one.waits_for.clone(), one.until.clone()));
    let is_json = session.globals.json;
    let beside = Beside { proposal, ..Beside::default() };
    let state = (desk.ledger.state(), currency);
    say_recorded_with(session, state, (outcome, desk.mode), beside)?;
    let Some((parties, until)) = waits.filter(|_| !is_json) else {
        return Ok(Answer::Yes);
    };
    match parties.first() {
        None => writeln!(session.out, "nobody else has to accept it")?,
        Some(_) => writeln!(
            session.out,
            "waits for the acceptance of {}, until {until}",
            parties.join(", ")
        )?,
    }
    if let (Some(first), Some(record)) = (parties.first(), outcome.records.last()) {
        session.next(&format!("accept {} (by {first})", record.seq))?;
    }
    Ok(Answer::Yes)
}

/// What became of a proposal, for people.
pub fn status_text(view: &ProposalView<'_>) -> String {
    let proposer = &view.proposal.proposer;
    let names: Vec<&str> = view.waits_for.iter().map(|id| id.as_str()).collect();
    match (&view.proposal.status, view.until) {
        (ProposalStatus::Pending, Some(until)) if view.lapsed => {
            format!("by {proposer}; lapsed, it could be decided until {until}")
        }
        (ProposalStatus::Pending, until) => {
            let until = until.map_or(String::new(), |until| format!(", until {until}"));
            format!("by {proposer}; waits for {}{until}", names.join(", "))
        }
        (ProposalStatus::Accepted { seq }, _) => format!("by {proposer}; accepted, record {seq}"),
        (ProposalStatus::Rejected { seq, by, reason }, _) => {
            format!("by {proposer}; rejected by {by}, record {seq}: {reason}")
        }
        (ProposalStatus::Withdrawn { seq, reason }, _) => {
            format!("by {proposer}; withdrawn, record {seq}: {reason}")
        }
        (ProposalStatus::Overtaken { seq }, _) => {
            format!("by {proposer}; overtaken by other terms, record {seq}")
        }
    }
}

/// What comes after a list: the first proposal that waits is accepted.
pub fn next_of(session: &mut Session, views: &[ProposalView<'_>]) -> Result<(), Failure> {
    let waits = views.iter().find_map(|view| Some((view.proposal.seq, view.waits_for.first()?)));
    match waits {
        Some((seq, party)) => session.next(&format!("accept {seq} (by {party})")),
        None => Ok(()),
    }
}

/// Prints warnings to a person.
pub fn warn(session: &mut Session, warnings: &[String]) -> Result<(), Failure> {
    for warning in warnings {
        for (at, line) in wrap(&escape(warning), 70).iter().enumerate() {
            let start = if at == 0 { "warning: " } else { "         " };
            session.say(&format!("{start}{line}"))?;
        }
    }
    Ok(())
}
