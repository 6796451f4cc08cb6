//! The ledger is opened and accepted.

use crate::event::Acceptance;
use crate::event::Author;
use crate::event::Fact;
use crate::event::TermsVersion;
use crate::evolve::Violation;
use crate::evolve::entitled;
use crate::evolve::in_force;
use crate::evolve::opened;
use crate::evolve::proposal;
use crate::evolve::unknown_event;
use crate::state::Agreement;
use crate::state::Change;
use crate::state::State;
use crate::terms::Role;
use crate::terms::Terms;
use crate::vocab::Code;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::LedgerId;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// Opening: by a money party of the terms, with its key.
pub fn admit_opening(author: &Author, terms: &Terms) -> Result<(), Violation> {
    let Some(party) = terms.party_of_key(&author.key).filter(|party| party.id == author.party)
    else {
        return Err(Problem::new(
            Code::NotAParty,
            format!("the key {} is not that of a party of the terms", author.key.fingerprint()),
        )
        .hint("put the public half of your key into the terms, or use the key that is there"));
    };
    if !party.role.is_money_party() {
        return Err(Problem::new(
            Code::NotEntitled,
            format!(
                "{} is {}; only a money party may open a ledger",
                party.id,
                party.role.as_str()
            ),
        )
        .hint("the collector, the owner or a beneficiary opens the ledger"));
    }
    Ok(())
}

/// Judges the opening.
pub(crate) fn judge(fact: &Fact, version: &TermsVersion) -> Result<Change, Violation> {
    admit_opening(&fact.author, &version.terms)?;
    Ok(Change::Open(Box::new(Agreement::new(
        LedgerId(fact.hash.0),
        (fact.id, fact.content),
        version.clone(),
        fact.author.party.clone(),
    ))))
}

/// Acceptance of what waits for the author: the ledger, or a proposal. Returns the party.
pub fn admit_acceptance(
    state: &State,
    author: &Author,
    at: Timestamp,
    acceptance: &Acceptance,
) -> Result<Id, Violation> {
    let agreement = opened(state)?;
    let (opening, content) = agreement.opening();
    if let Some(proposal) = agreement.proposals().get(&acceptance.event) {
        in_force(state)?;
        proposal::admit_acceptance(agreement, author, at, (proposal, acceptance))?;
        return Ok(author.party.clone());
    }
    entitled(agreement, author, Role::is_money_party, "a money party")?;
    if acceptance.event != opening {
        return Err(nothing_to_accept(state, &acceptance.event));
    }
    if acceptance.content != content {
        return Err(Problem::new(
            Code::DigestMismatch,
            "the digest in the acceptance is not that of the terms on this ledger",
        )
        .hint("look at the terms with `revshare terms show` before accepting them"));
    }
    if agreement.accepted().contains(&author.party) {
        return Err(Problem::new(
            Code::AlreadyAccepted,
            format!("{} has accepted the ledger already", author.party),
        )
        .hint("nothing is to be done; opening counts as acceptance")
        .at_record(state.event(&opening).map_or(0, |(seq, _)| seq)));
    }
    Ok(author.party.clone())
}

/// The refusal of an event that waits for no acceptance.
pub(crate) fn nothing_to_accept(state: &State, event: &EventId) -> Problem {
    match state.event(event) {
        Some((seq, kind)) => Problem::new(
            Code::NothingToAccept,
            format!("record {seq} ({}) waits for no acceptance", kind.as_str()),
        )
        .hint("`revshare accept` lists what waits for you; statements have `statement accept`")
        .at_record(seq),
        None => unknown_event(state, event, "one that waits for an acceptance"),
    }
}

/// Judges an acceptance.
pub(crate) fn judge_acceptance(
    state: &State,
    fact: &Fact,
    acceptance: &Acceptance,
) -> Result<Change, Violation> {
    let party = admit_acceptance(state, &fact.author, fact.recorded_at, acceptance)?;
    let agreement = opened(state)?;
    let Some(proposal) = agreement.proposals().get(&acceptance.event) else {
        return Ok(Change::Accept(party));
    };
    let mut others = proposal.needed.difference(&proposal.accepted_by);
    let effective = match others.all(|other| *other == party) {
        true => Some(Box::new(agreement.effective(proposal, fact.seq)?)),
        false => None,
    };
    Ok(Change::AcceptProposal(proposal.id, party, effective))
}
