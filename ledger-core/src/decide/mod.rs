//! `(state, command, context) -> Result<decision, Rejection>`: makes of a wish the fact that would
//! follow, or says why not. What it decides, [`crate::evolve`] accepts: both use the same guards.

use crate::command::Command;
use crate::event::Acceptance;
use crate::event::Amendment;
use crate::event::Author;
use crate::event::Event;
use crate::event::PayoutReceipt;
use crate::event::PayoutReturn;
use crate::event::ProposalClosing;
use crate::evolve;
use crate::evolve::acknowledgement;
use crate::evolve::money;
use crate::evolve::opening::nothing_to_accept;
use crate::evolve::proposal::lapses_on;
use crate::evolve::statement;
use crate::evolve::usage;
use crate::limits::CLOCK_AHEAD_MICROS_MAX;
use crate::state::DisputeStatus;
use crate::state::ProposalStatus;
use crate::state::Proposed;
use crate::state::State;
use crate::usage::LineBlock;
use crate::usage::UsageSums;
use crate::vocab::Code;
use crate::vocab::EventId;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Text;
use crate::vocab::Timestamp;

/// Why a wish is refused.
pub type Rejection = Problem;

/// Who wants it, and when. The core has no clock: both times come in here.
#[derive(Clone, Debug)]
pub struct Context {
    /// The author.
    pub author: Author,
    /// The recorded time that the author claims.
    pub recorded_at: Timestamp,
    /// The local clock.
    pub now: Timestamp,
}

/// What will be recorded.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one is made per command and taken apart at once")]
pub enum Decision {
    /// One event.
    Event(Event),
    /// A usage report or correction; large ones are written in parts.
    Report {
        /// What it says besides its lines.
        head: ReportHead,
        /// The lines; none for a nil report.
        blocks: Vec<LineBlock>,
    },
}

/// What a report or correction says besides its lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReportHead {
    /// A report.
    Report {
        /// The period.
        period: Period,
        /// Whether it adds to earlier ones.
        supplement: bool,
    },
    /// A correction.
    Correction {
        /// The report or correction that it replaces.
        corrects: EventId,
        /// Why.
        reason: Text,
    },
}

/// Decides a command: what would be said, if it may be said.
pub fn decide(state: &State, command: Command, context: &Context) -> Result<Decision, Rejection> {
    let decision = propose(state, command, &context.author)?;
    admit(state, &decision, context)?;
    Ok(decision)
}

/// What the author would say. Not yet admitted: whether it is a repeat is asked before whether it
/// may be said, so that a repeat is named as one.
pub fn propose(state: &State, command: Command, author: &Author) -> Result<Decision, Rejection> {
    let event = match command {
        Command::OpenLedger(version) => Event::LedgerOpened(version),
        Command::Accept(event) => Event::Accepted(acceptance(state, event)?),
        Command::ReportUsage { period, supplement, blocks } => {
            let head = ReportHead::Report { period, supplement };
            return Ok(Decision::Report { head, blocks });
        }
        Command::CorrectUsage { corrects, reason, blocks } => {
            let head = ReportHead::Correction { corrects, reason };
            return Ok(Decision::Report { head, blocks });
        }
        Command::NoteMissing(period) => Event::UsageMissing(period),
        Command::IssueStatement(period) => {
            statement::admit(state, author, period)?;
            Event::StatementIssued(statement::compose(state, period)?)
        }
        Command::AcceptStatement(id) => Event::StatementAccepted(id),
        Command::SendPayout { to, amount, on_account, sent_on, reference } => Event::PayoutSent(
            money::compose(state, (to, amount, on_account), (sent_on, reference))?,
        ),
        Command::ConfirmPayout { payout, received_on } => {
            Event::PayoutConfirmed(PayoutReceipt { payout, received_on })
        }
        Command::ReturnPayout { payout, reason } => {
            Event::PayoutReturned(PayoutReturn { payout, reason })
        }
        Command::Acknowledge => Event::Acknowledged(acknowledgement::compose(state)?),
        Command::ProposeAmendment { version, effective_from, reason } => {
            let version = *version;
            Event::AmendmentProposed(Box::new(Amendment { version, effective_from, reason }))
        }
        Command::RejectProposal { proposal, reason } => {
            Event::ProposalRejected(ProposalClosing { proposal, reason })
        }
        Command::WithdrawProposal { proposal, reason } => {
            Event::ProposalWithdrawn(ProposalClosing { proposal, reason })
        }
        Command::ProposeRate(rate) => Event::RateProposed(rate),
        Command::ClaimContribution(claim) => Event::ContributionClaimed(claim),
        Command::EndContribution(end) => Event::ContributionEnded(end),
        Command::PayAdvance(advance) => Event::AdvancePaid(advance),
        Command::OpenDispute(opening) => Event::DisputeOpened(opening),
        Command::RespondToDispute(response) => Event::DisputeResponded(response),
        Command::AcceptClaim(acceptance) => Event::DisputeAccepted(acceptance),
        Command::SettleDispute(settlement) => Event::DisputeSettled(settlement),
        Command::EscalateDispute(step) => Event::DisputeEscalated(step),
        Command::DetermineDispute(determination) => Event::DisputeDetermined(determination),
        Command::WithdrawDispute(step) => Event::DisputeWithdrawn(step),
        Command::AttachEvidence(attachment) => Event::EvidenceAttached(attachment),
        Command::EraseEvidence(erasure) => Event::EvidenceErased(erasure),
    };
    Ok(Decision::Event(event))
}

/// Whether a proposal may be said here and now, by the guards that `evolve` uses.
pub fn admit(state: &State, decision: &Decision, context: &Context) -> Result<(), Rejection> {
    admit_time(state, context)?;
    let author = &context.author;
    let event = match decision {
        Decision::Report { head, blocks } => {
            let mut sums = UsageSums::default();
            blocks.iter().for_each(|block| block.add_to(&mut sums));
            return usage::admit_report(state, author, head.as_guard(), &sums).map(|_| ());
        }
        Decision::Event(event) => event,
    };
    match event {
        Event::LedgerOpened(_) if state.agreement().is_some() => Err(evolve::not_opened(true)),
        // Reports are decided as `Decision::Report`; their parts are made when they are written.
        Event::UsagePart(_) | Event::UsageReported(_) | Event::UsageCorrected(_) => {
            Err(Problem::new(Code::PartsBroken, "a report is decided with its lines")
                .hint("submit the command that reports usage"))
        }
        _ => {
            if let Some(agreement) = state.agreement() {
                evolve::admit_event_level(agreement.level(), event)?;
            }
            evolve::admit(state, author, context.recorded_at, event)
        }
    }
}

/// Recorded time does not run backwards, and neither it nor the log is ahead of the local clock.
pub(crate) fn admit_time(state: &State, context: &Context) -> Result<(), Rejection> {
    if context.recorded_at < state.recorded_at() {
        return Err(evolve::time_backwards(state, context.recorded_at));
    }
    admit_clock(context.recorded_at, context.now)
}

/// A record is at most 10 minutes ahead of the local clock. Errors: [`Code::FromTheFuture`].
pub fn admit_clock(recorded_at: Timestamp, now: Timestamp) -> Result<(), Rejection> {
    if recorded_at.micros() <= now.micros().saturating_add(CLOCK_AHEAD_MICROS_MAX) {
        return Ok(());
    }
    Err(Problem::new(
        Code::FromTheFuture,
        format!(
            "the recorded time {recorded_at} is more than 10 minutes ahead of this clock, {now}"
        ),
    )
    .hint("check the clock of this machine, or the --recorded-time"))
}

/// Whether an event with some content stands in the way of another one with the same: everything
/// does but a proposal that is neither pending nor in force any more, and a dispute that was taken
/// back. They may be made again, word for word.
pub fn is_repeated(state: &State, id: &EventId, at: Timestamp) -> bool {
    let dispute = state.agreement().and_then(|known| known.disputes().get(id));
    if dispute.is_some_and(|one| matches!(one.status, DisputeStatus::Withdrawn { .. })) {
        return false;
    }
    let proposal = state.agreement().and_then(|known| Some((known, known.proposals().get(id)?)));
    let Some((agreement, proposal)) = proposal else { return true };
    match (&proposal.status, &proposal.what) {
        (ProposalStatus::Pending, _) => {
            lapses_on(agreement, proposal).is_none_or(|last| at.date() <= last)
        }
        (ProposalStatus::Accepted { .. }, Proposed::Amendment(_)) => {
            agreement.versions().last().event == *id
        }
        (ProposalStatus::Accepted { .. }, Proposed::Rate(rate)) => {
            agreement.rate_source(rate.period, rate.currency) == Some(*id)
        }
        (ProposalStatus::Accepted { .. }, Proposed::Contribution(_)) => {
            !agreement.endings().contains_key(id)
        }
        _ => false,
    }
}

/// The refusal of content that is on the log already.
pub fn repeat(seq: u64, id: EventId) -> Rejection {
    Problem::new(
        Code::Repeat,
        format!("record {seq} (event {}) says the same already", id.0.short()),
    )
    .hint("nothing was recorded; if it is meant to count twice, tell the two apart, for example by their reference")
    .at_record(seq)
}

fn acceptance(state: &State, event: EventId) -> Result<Acceptance, Rejection> {
    let agreement = evolve::opened(state)?;
    let (opening, content) = agreement.opening();
    if event == opening {
        return Ok(Acceptance { event, content });
    }
    match agreement.proposals().get(&event) {
        Some(proposal) => Ok(Acceptance { event, content: proposal.content }),
        None => Err(nothing_to_accept(state, &event)),
    }
}

impl ReportHead {
    /// As the guards take it.
    pub(crate) fn as_guard(&self) -> usage::Head<'_> {
        match self {
            ReportHead::Report { period, supplement } => {
                usage::Head::Report { period: *period, supplement: *supplement }
            }
            ReportHead::Correction { corrects, reason } => {
                usage::Head::Correction { corrects: *corrects, reason }
            }
        }
    }
}
