//! Amendments, conversion rates and contributions: what was proposed, and what became of it.

use crate::event::Kind;
use crate::evolve::proposal::lapses_on;
use crate::evolve::proposal::needed;
use crate::state::Agreement;
use crate::state::ContributionEnding;
use crate::state::Proposal;
use crate::state::ProposalStatus;
use crate::state::Proposed;
use crate::vocab::Date;
use crate::vocab::Id;

/// A proposal as a reader sees it on a day.
#[derive(Clone, Debug)]
pub struct ProposalView<'a> {
    /// The proposal.
    pub proposal: &'a Proposal,
    /// The parties whose acceptance is missing, sorted; none once it is decided.
    pub waits_for: Vec<&'a Id>,
    /// For one that is pending: the last day on which it can be decided.
    pub until: Option<Date>,
    /// Whether that day has passed.
    pub lapsed: bool,
    /// For a contribution: its end, if it was ended.
    pub ending: Option<&'a ContributionEnding>,
}

/// The proposals of a kind, in the order of the log, as they stand on a day.
pub fn proposals(agreement: &Agreement, kind: Kind, today: Date) -> Vec<ProposalView<'_>> {
    let mut all: Vec<&Proposal> =
        agreement.proposals().values().filter(|proposal| proposal.kind() == kind).collect();
    all.sort_by_key(|proposal| proposal.seq);
    let view = |proposal| {
        let until = lapses_on(agreement, proposal);
        let lapsed = until.is_some_and(|until| until < today);
        let pending = proposal.status == ProposalStatus::Pending && !lapsed;
        let waits_for = proposal.needed.difference(&proposal.accepted_by);
        let waits_for = waits_for.filter(|_| pending).collect();
        let ending = agreement.endings().get(&proposal.id);
        ProposalView { proposal, waits_for, until, lapsed, ending }
    };
    all.into_iter().map(view).collect()
}

/// What a proposal waits for if it is made on a day: the parties other than its proposer whose
/// acceptance it needs, sorted, and the last day on which it can be decided.
pub fn would_wait(
    agreement: &Agreement,
    what: &Proposed,
    (proposer, today): (&Id, Date),
) -> (Vec<Id>, Date) {
    let mut parties: Vec<Id> = needed(agreement, what).into_iter().collect();
    parties.retain(|party| party != proposer);
    let days = i32::from(agreement.terms().proposal_lapse_days);
    (parties, today.plus_days(days))
}
