//! Which events an amount comes from: the one that changed it last, and the chain before it.

use crate::event::Fact;
use crate::event::Kind;
use crate::evolve::statement::rate_until;
use crate::replay::Signatures;
use crate::replay::replay;
use crate::state::Agreement;
use crate::state::Proposal;
use crate::state::ProposalStatus;
use crate::store::SegmentSource;
use crate::view::explain::Posting;
use crate::view::explain::explain;
use crate::view::record::Named;
use crate::vocab::Amount;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// Where a period's amount for a party comes from.
#[derive(Clone, Debug)]
pub struct Blame {
    /// The period.
    pub period: Period,
    /// The party.
    pub party: Id,
    /// The amount, from the facts known at the end of the replay, in the settlement currency.
    pub amount: Amount,
    /// Every event that changed it, in the order of the log; the last one is to blame.
    pub changes: Vec<Change>,
    /// How statements booked it, in the order of the log.
    pub postings: Vec<Posting>,
    /// All postings together.
    pub booked: Amount,
    /// What the next statement will post as a true-up; the whole amount if the period is not
    /// stated yet.
    pub pending: Amount,
}

/// An event that changed the amount.
#[derive(Clone, Debug)]
pub struct Change {
    /// The event.
    pub event: Named,
    /// Its kind.
    pub kind: Kind,
    /// Who said it.
    pub author: Id,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// For the acceptance with which a proposal took effect: the proposal, and its kind. For the
    /// resolution of a dispute: the dispute.
    pub of: Option<(Named, Kind)>,
    /// The amount before it; `None` if it could not be rated.
    pub before: Option<Amount>,
    /// The amount after it; `None` if it could not be rated.
    pub after: Option<Amount>,
}

/// Replays a log up to a record (to its end if none is named), and rates the period after each
/// event that can move it. Errors: those of [`explain`], and a log that cannot be read.
pub fn blame(
    source: &dyn SegmentSource,
    last: Option<u64>,
    (period, party): (Period, &Id),
) -> Result<Blame, Problem> {
    let (mut changes, mut before) = (Vec::new(), Some(Amount::ZERO));
    let replayed = replay(source, last, Signatures::Trusted, &mut |state, fact, _| {
        let Some(agreement) = state.agreement().filter(|known| can_move(known, fact, period))
        else {
            return;
        };
        let after = amount(agreement, period, party);
        if after == before {
            return;
        }
        changes.push(Change {
            event: Named { id: fact.id, seq: Some(fact.seq) },
            kind: fact.event.kind(),
            author: fact.author.party.clone(),
            recorded_at: fact.recorded_at,
            of: completed(agreement, fact.seq)
                .filter(|proposal| proposal.id != fact.id)
                .map(|proposal| (Named::of(state, proposal.id), proposal.kind()))
                .or_else(|| {
                    let dispute = fact.event.of_dispute()?;
                    Some((Named::of(state, dispute), Kind::DisputeOpened))
                }),
            before,
            after,
        });
        before = after;
    })?;
    let explanation = explain(&replayed.state, period, party)?;
    Ok(Blame {
        period,
        party: party.clone(),
        amount: explanation.rating.amount,
        changes,
        postings: explanation.postings,
        booked: explanation.booked,
        pending: explanation.pending,
    })
}

/// Whether an event can have moved a period's amounts.
fn can_move(agreement: &Agreement, fact: &Fact, period: Period) -> bool {
    match fact.event.kind() {
        Kind::ContributionEnded
        | Kind::DisputeAccepted
        | Kind::DisputeSettled
        | Kind::DisputeDetermined => true,
        // A tier's position and what is carried come from earlier periods, never from later ones.
        Kind::UsageReported | Kind::UsageCorrected => {
            agreement.report(&fact.id).is_some_and(|report| report.period <= period)
        }
        Kind::LedgerOpened
        | Kind::Accepted
        | Kind::UsagePart
        | Kind::UsageMissing
        | Kind::StatementIssued
        | Kind::StatementAccepted
        | Kind::PayoutSent
        | Kind::PayoutConfirmed
        | Kind::PayoutReturned
        | Kind::Acknowledged
        | Kind::AmendmentProposed
        | Kind::ProposalRejected
        | Kind::ProposalWithdrawn
        | Kind::RateProposed
        | Kind::ContributionClaimed
        | Kind::AdvancePaid
        | Kind::DisputeOpened
        | Kind::DisputeResponded
        | Kind::DisputeEscalated
        | Kind::DisputeWithdrawn
        | Kind::EvidenceAttached
        | Kind::EvidenceErased => completed(agreement, fact.seq).is_some(),
    }
}

/// The proposal that took effect with a record.
fn completed(agreement: &Agreement, seq: u64) -> Option<&Proposal> {
    let mut proposals = agreement.proposals().values();
    proposals.find(|proposal| proposal.status == ProposalStatus::Accepted { seq })
}

/// The amount of a period for a party, nothing before the period or a later one is reported or
/// stated; `None` if the period cannot be rated.
fn amount(agreement: &Agreement, period: Period, party: &Id) -> Option<Amount> {
    let reported = agreement.reported_periods().next_back();
    let last = reported.max(agreement.statements().keys().next_back().copied());
    let has_length = period.length() == agreement.terms().period_length;
    if !has_length || last.is_none_or(|last| period > last) {
        return Some(Amount::ZERO);
    }
    let rated = rate_until(agreement, period).ok()?.pop();
    let share = rated.and_then(|rated| rated.share(party).map(|share| share.amount));
    Some(share.unwrap_or(Amount::ZERO))
}
