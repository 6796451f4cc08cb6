//! What one party proposes and others accept, reject or let lapse: amendments, conversion rates,
//! contributions.

use std::collections::BTreeSet;

use crate::event::Acceptance;
use crate::event::Author;
use crate::event::Fact;
use crate::event::ProposalClosing;
use crate::evolve::Violation;
use crate::evolve::amendment;
use crate::evolve::entitled;
use crate::evolve::in_force;
use crate::evolve::unknown_event;
use crate::state::Agreement;
use crate::state::Change;
use crate::state::Proposal;
use crate::state::ProposalStatus;
use crate::state::Proposed;
use crate::state::State;
use crate::terms::Terms;
use crate::vocab::Code;
use crate::vocab::Id;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// The money parties of terms.
pub(crate) fn money_parties(terms: &Terms) -> impl Iterator<Item = &Id> {
    terms.parties.iter().filter(|party| party.role.is_money_party()).map(|party| &party.id)
}

/// The parties whose acceptance a proposal needs: every money party whose money it touches.
pub(crate) fn needed(agreement: &Agreement, what: &Proposed) -> BTreeSet<Id> {
    let now = money_parties(agreement.terms());
    match what {
        Proposed::Amendment(amendment) => {
            now.chain(money_parties(&amendment.version.terms)).cloned().collect()
        }
        Proposed::Rate(_) | Proposed::Contribution(_) => now.cloned().collect(),
    }
}

/// A money party of the terms accepted last.
pub(crate) fn admit_proposer(agreement: &Agreement, author: &Author) -> Result<(), Violation> {
    entitled(agreement, author, |role| role.is_money_party(), "a money party")?;
    if money_parties(agreement.terms()).any(|party| *party == author.party) {
        return Ok(());
    }
    Err(Problem::new(
        Code::NotEntitled,
        format!("{} is no money party of the terms accepted last", author.party),
    )
    .hint("a party of those terms proposes it"))
}

/// Judges a proposal that was admitted: proposing counts as the proposer's acceptance.
pub(crate) fn judge(state: &State, fact: &Fact, what: Proposed) -> Result<Change, Violation> {
    let agreement = in_force(state)?;
    let proposal = Proposal {
        id: fact.id,
        seq: fact.seq,
        recorded_at: fact.recorded_at,
        content: fact.content,
        proposer: fact.author.party.clone(),
        needed: needed(agreement, &what),
        what,
        accepted_by: BTreeSet::from([fact.author.party.clone()]),
        status: ProposalStatus::Pending,
    };
    let effective = match proposal.accepted_by.is_superset(&proposal.needed) {
        true => Some(agreement.effective(&proposal, fact.seq)?),
        false => None,
    };
    Ok(Change::Propose(Box::new((proposal, effective))))
}

/// A proposal that is pending, and not too old at a time. Errors: [`Code::ProposalClosed`],
/// [`Code::ProposalLapsed`].
fn open<'a>(
    agreement: &'a Agreement,
    proposal: &'a Proposal,
    at: Timestamp,
) -> Result<&'a Proposal, Violation> {
    let closed = match &proposal.status {
        ProposalStatus::Pending => None,
        ProposalStatus::Accepted { seq } => {
            Some(format!("accepted by everybody with record {seq}"))
        }
        ProposalStatus::Rejected { seq, by, .. } => {
            Some(format!("rejected by {by} in record {seq}"))
        }
        ProposalStatus::Withdrawn { seq, .. } => Some(format!("withdrawn in record {seq}")),
        ProposalStatus::Overtaken { seq } => {
            Some(format!("overtaken by other terms, accepted with record {seq}"))
        }
    };
    if let Some(how) = closed {
        return Err(Problem::new(
            Code::ProposalClosed,
            format!("the proposal in record {} was {how}", proposal.seq),
        )
        .hint("propose it again if it is still meant")
        .at_record(proposal.seq));
    }
    if let Some(lapsed_on) = lapses_on(agreement, proposal).filter(|last| at.date() > *last) {
        return Err(Problem::new(
            Code::ProposalLapsed,
            format!("the proposal in record {} could be decided until {lapsed_on}", proposal.seq),
        )
        .hint("propose it again if it is still meant")
        .at_record(proposal.seq));
    }
    Ok(proposal)
}

/// The last day of recorded time on which a pending proposal can be decided.
pub fn lapses_on(agreement: &Agreement, proposal: &Proposal) -> Option<crate::vocab::Date> {
    let days = i32::from(agreement.terms().proposal_lapse_days);
    let pending = proposal.status == ProposalStatus::Pending;
    pending.then(|| proposal.recorded_at.date().plus_days(days))
}

/// A party of the ledger, or one that an amendment would make a party, with its key.
fn admit_party(agreement: &Agreement, author: &Author, what: &Proposed) -> Result<(), Violation> {
    if let Proposed::Amendment(amendment) = what
        && agreement.versions().party(&author.party).is_none()
        && amendment.version.terms.party(&author.party).is_some_and(|p| p.key == author.key)
    {
        return Ok(());
    }
    entitled(agreement, author, |role| role.is_money_party(), "a money party")
}

fn not_needed(proposal: &Proposal, author: &Author) -> Problem {
    let names: Vec<&str> = proposal.needed.iter().map(|id| id.as_str()).collect();
    Problem::new(
        Code::NotEntitled,
        format!(
            "the acceptance of {} is not needed for the proposal in record {}",
            author.party, proposal.seq
        ),
    )
    .hint(format!("{} decide it", names.join(", ")))
    .at_record(proposal.seq)
}

/// Acceptance of a proposal: by a party whose acceptance is needed and that has not accepted it,
/// while it is pending. With the last acceptance, an amendment must still be complete.
pub(crate) fn admit_acceptance(
    agreement: &Agreement,
    author: &Author,
    at: Timestamp,
    (proposal, acceptance): (&Proposal, &Acceptance),
) -> Result<(), Violation> {
    admit_party(agreement, author, &proposal.what)?;
    let proposal = open(agreement, proposal, at)?;
    if acceptance.content != proposal.content {
        return Err(Problem::new(
            Code::DigestMismatch,
            format!(
                "the digest in the acceptance is not that of the proposal in record {}",
                proposal.seq
            ),
        )
        .hint("look at the proposal with `revshare show` before accepting it"));
    }
    if proposal.accepted_by.contains(&author.party) {
        return Err(Problem::new(
            Code::AlreadyAccepted,
            format!("{} has accepted the proposal in record {}", author.party, proposal.seq),
        )
        .hint("nothing is to be done; proposing counts as acceptance")
        .at_record(proposal.seq));
    }
    if !proposal.needed.contains(&author.party) {
        return Err(not_needed(proposal, author));
    }
    let is_last = proposal
        .needed
        .iter()
        .all(|party| *party == author.party || proposal.accepted_by.contains(party));
    match &proposal.what {
        Proposed::Amendment(amendment) if is_last => amendment::admit_content(agreement, amendment),
        _ => Ok(()),
    }
}

fn known<'a>(
    state: &'a State,
    closing: &ProposalClosing,
) -> Result<(&'a Agreement, &'a Proposal), Violation> {
    let agreement = in_force(state)?;
    match agreement.proposals().get(&closing.proposal) {
        Some(proposal) => Ok((agreement, proposal)),
        None => Err(unknown_event(state, &closing.proposal, "a proposal")),
    }
}

/// Rejection: by a party whose acceptance is needed, other than the proposer, while it is pending.
pub fn admit_rejection(
    state: &State,
    author: &Author,
    at: Timestamp,
    closing: &ProposalClosing,
) -> Result<(), Violation> {
    let (agreement, proposal) = known(state, closing)?;
    admit_party(agreement, author, &proposal.what)?;
    let proposal = open(agreement, proposal, at)?;
    if proposal.proposer == author.party {
        return Err(Problem::new(
            Code::NotEntitled,
            format!("{} made the proposal in record {} itself", author.party, proposal.seq),
        )
        .hint("the proposer withdraws a proposal, others reject it")
        .at_record(proposal.seq));
    }
    match proposal.needed.contains(&author.party) {
        true => Ok(()),
        false => Err(not_needed(proposal, author)),
    }
}

/// Withdrawal: by the proposer, while it is pending.
pub fn admit_withdrawal(
    state: &State,
    author: &Author,
    at: Timestamp,
    closing: &ProposalClosing,
) -> Result<(), Violation> {
    let (agreement, proposal) = known(state, closing)?;
    entitled(agreement, author, |role| role.is_money_party(), "the proposer")?;
    let proposal = open(agreement, proposal, at)?;
    if proposal.proposer == author.party {
        return Ok(());
    }
    Err(Problem::new(
        Code::NotEntitled,
        format!("{} made the proposal in record {}", proposal.proposer, proposal.seq),
    )
    .hint("the proposer withdraws a proposal, others reject it")
    .at_record(proposal.seq))
}
