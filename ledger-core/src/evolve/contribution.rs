//! Ongoing contributions are claimed and ended.

use crate::event::Author;
use crate::event::ContributionClaim;
use crate::event::ContributionEnd;
use crate::event::Fact;
use crate::evolve::Violation;
use crate::evolve::entitled;
use crate::evolve::in_force;
use crate::evolve::proposal::admit_proposer;
use crate::evolve::unknown_event;
use crate::state::Agreement;
use crate::state::Change;
use crate::state::ContributionEnding;
use crate::state::Proposal;
use crate::state::ProposalStatus;
use crate::state::Proposed;
use crate::state::State;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::Problem;

/// A claim: under a clause of the terms in force on its first day, by the party that the clause
/// names, for days inside the agreement.
pub fn admit_claim(
    state: &State,
    author: &Author,
    claim: &ContributionClaim,
) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    admit_proposer(agreement, author)?;
    let start = agreement.versions().starts_on();
    if claim.from < start {
        return Err(dates(format!(
            "the contribution begins on {}, before the agreement on {start}",
            claim.from
        )));
    }
    if let Some(to) = claim.to.filter(|to| *to <= claim.from) {
        return Err(dates(format!("it ends on {to}, which is not after {}", claim.from)));
    }
    let terms = agreement.versions().on(claim.from);
    let clause = terms.contributions.iter().find(|clause| clause.id == claim.clause);
    let Some(clause) = clause else {
        let known: Vec<&str> = terms.contributions.iter().map(|one| one.id.as_str()).collect();
        return Err(Problem::new(
            Code::ContributionUnknown,
            format!("the terms in force on {} have no contribution `{}`", claim.from, claim.clause),
        )
        .hint(match known.is_empty() {
            true => "they have no [[contribution]] at all".to_owned(),
            false => format!("they have {}", known.join(", ")),
        }));
    };
    if clause.by != author.party {
        return Err(Problem::new(
            Code::NotEntitled,
            format!("`{}` is contributed by {}, not by {}", clause.id, clause.by, author.party),
        )
        .hint("the contributor claims it; the others accept or reject the claim"));
    }
    Ok(())
}

fn dates(message: String) -> Problem {
    Problem::new(Code::ContributionDates, message)
        .hint("days are half-open: the end is the first day on which it does not count")
}

/// The claim that an end names, accepted.
fn accepted<'a>(
    state: &'a State,
    agreement: &'a Agreement,
    end: &ContributionEnd,
) -> Result<(&'a Proposal, &'a ContributionClaim), Violation> {
    let proposal = agreement.proposals().get(&end.claim);
    let claim = proposal.and_then(|proposal| match &proposal.what {
        Proposed::Contribution(claim) => Some((proposal, claim)),
        Proposed::Amendment(_) | Proposed::Rate(_) => None,
    });
    let Some((proposal, claim)) = claim else {
        return Err(unknown_event(state, &end.claim, "a claim of a contribution"));
    };
    if !matches!(proposal.status, ProposalStatus::Accepted { .. }) {
        return Err(Problem::new(
            Code::ContributionNotOpen,
            format!("the claim in record {} was not accepted by everybody", proposal.seq),
        )
        .hint("a claim that nobody accepted counts for nothing; withdraw it instead")
        .at_record(proposal.seq));
    }
    Ok((proposal, claim))
}

/// The end of a contribution: by its contributor, inside its days.
pub fn admit_end(state: &State, author: &Author, end: &ContributionEnd) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, |role| role.is_money_party(), "the contributor")?;
    let (proposal, claim) = accepted(state, agreement, end)?;
    if proposal.proposer != author.party {
        return Err(Problem::new(
            Code::NotEntitled,
            format!("{} contributes; only it may end this", proposal.proposer),
        )
        .hint("use the contributor's key (--key)")
        .at_record(proposal.seq));
    }
    let ended = agreement.endings().get(&proposal.id).map(|ending| ending.on);
    let to: Option<Date> = ended.or(claim.to);
    if end.on < claim.from || to.is_some_and(|to| end.on >= to) {
        let until = to.map_or("without an end".to_owned(), |to| format!("to {to}"));
        return Err(dates(format!(
            "the contribution in record {} runs from {} {until}; it cannot end on {}",
            proposal.seq, claim.from, end.on
        ))
        .at_record(proposal.seq));
    }
    Ok(())
}

/// Judges an end.
pub(crate) fn judge_end(
    state: &State,
    fact: &Fact,
    end: &ContributionEnd,
) -> Result<Change, Violation> {
    admit_end(state, &fact.author, end)?;
    let reason = end.reason.clone();
    let ending = ContributionEnding { id: fact.id, seq: fact.seq, on: end.on, reason };
    let ended = in_force(state)?.ended_contribution(end.claim, ending)?;
    Ok(Change::EndContribution(Box::new(ended)))
}
