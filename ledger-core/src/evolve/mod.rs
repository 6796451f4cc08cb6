//! `(state, fact) -> Result<(), Violation>`: what may follow, and what it changes.
//!
//! This judges a stranger's log: a log can be chained and signed correctly and still lie. It never
//! panics and trusts nothing but the state before the fact. Each kind has one guard, shared with
//! [`crate::decide`]: guards in a straight list, then "from here on it succeeds".

pub mod bounds;
pub mod usage;
pub mod proposal;
pub mod amendment;
pub mod fx;
pub mod contribution;
pub mod opening;
pub mod statement;
pub mod money;
pub mod dispute;
pub mod evidence;
pub mod acknowledgement;

use crate::event::Author;
use crate::event::Event;
use crate::event::Fact;
use crate::event::Kind;
use crate::event::Lines;
use crate::event::UsageCorrection;
use crate::event::UsageReport;
use crate::state::Agreement;
use crate::state::OpenPart;
use crate::state::ProposalStatus;
use crate::state::Proposed;
use crate::state::State;
use crate::terms::Role;
use crate::usage::UsageSums;
use crate::vocab::Code;
use crate::vocab::Level;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// Why a fact is not admissible.
pub type Violation = Problem;

/// Applies a fact. On `Err` the state is as it was.
pub fn evolve(state: &mut State, fact: &Fact) -> Result<(), Violation> {
    admit_record(state, fact)?;
    admit(state, &fact.author, fact.recorded_at, &fact.event)?;
    apply(state, fact)?;
    advance(state, fact);
    Ok(())
}

/// The exact sums of the lines that an event holds itself; `None` if it is of a kind without lines,
/// or its lines are in parts. They follow from the event alone, so that they can be added up for
/// many events at once ([`evolve_summed`]).
pub fn sums_of(event: &Event) -> Option<UsageSums> {
    let block = match event {
        Event::UsagePart(part) => &part.block,
        Event::UsageReported(UsageReport { lines: Lines::Inline(block), .. })
        | Event::UsageCorrected(UsageCorrection { lines: Lines::Inline(block), .. }) => block,
        _ => return None,
    };
    let mut sums = UsageSums::default();
    block.add_to(&mut sums);
    Some(sums)
}

/// Applies a fact. `sums` is what [`sums_of`] gives for its event. On `Err` the state is as it was.
pub(crate) fn evolve_summed(
    state: &mut State,
    fact: &Fact,
    sums: Option<UsageSums>,
) -> Result<(), Violation> {
    admit_record(state, fact)?;
    rate_before(state, &fact.event);
    admit(state, &fact.author, fact.recorded_at, &fact.event)?;
    match (&fact.event, sums) {
        (Event::UsagePart(part), Some(sums)) => state.add_part(OpenPart::of(fact, part), sums),
        (Event::UsageReported(report), Some(sums)) => {
            usage::record_sums(state, fact, usage::Head::of_report(report), (sums, 0))?;
        }
        (Event::UsageCorrected(correction), Some(sums)) => {
            usage::record_sums(state, fact, usage::Head::of_correction(correction), (sums, 0))?;
        }
        _ => apply(state, fact)?,
    }
    advance(state, fact);
    Ok(())
}

/// Rates the periods that are stated, unless that was done.
pub(crate) fn rate_stated(state: &mut State) {
    if let Some(agreement) = state.agreement_mut() {
        agreement.rate_stated();
    }
}

/// Rates the periods that are stated before another statement is judged, unless that was done: of a
/// state that was restored they are not, and judging and keeping would each rate all of them.
pub(crate) fn rate_before(state: &mut State, event: &Event) {
    if let Event::StatementIssued(_) = event {
        rate_stated(state);
    }
}

/// Whether a fact has its place: it follows the last record, at the ledger's format level. What it
/// says is judged apart from that.
pub fn admit_record(state: &State, fact: &Fact) -> Result<(), Violation> {
    admit_place(state, fact)?;
    admit_level(state, fact)
}

/// Applies a fact that was judged already, so that it is not judged twice: what `verify` does with
/// a statement that it found right.
pub fn apply_judged(state: &mut State, fact: &Fact) -> Result<(), Violation> {
    apply(state, fact)?;
    advance(state, fact);
    Ok(())
}

/// Whether a fact may be said here and now, kind by kind. Reports are admitted with the sums of
/// their lines when they are applied, so that these are computed once.
pub(crate) fn admit(
    state: &State,
    author: &Author,
    at: Timestamp,
    event: &Event,
) -> Result<(), Violation> {
    match event {
        Event::LedgerOpened(version) => opening::admit_opening(author, &version.terms),
        Event::Accepted(acceptance) => {
            opening::admit_acceptance(state, author, at, acceptance).map(|_| ())
        }
        Event::UsagePart(part) => usage::admit_part(state, author, part),
        Event::UsageReported(_) | Event::UsageCorrected(_) => Ok(()),
        Event::UsageMissing(period) => usage::admit_missing(state, author, at, *period),
        Event::StatementIssued(issued) => {
            match statement::findings(state, author, issued)?.into_iter().next() {
                Some(first) => Err(first),
                None => Ok(()),
            }
        }
        Event::StatementAccepted(id) => statement::admit_acceptance(state, author, id),
        Event::PayoutSent(payout) => money::admit_payout(state, author, at, payout),
        Event::PayoutConfirmed(receipt) => money::admit_receipt(state, author, receipt),
        Event::PayoutReturned(returned) => money::admit_return(state, author, returned),
        Event::Acknowledged(said) => acknowledgement::admit(state, author, said),
        Event::AmendmentProposed(amendment) => amendment::admit(state, author, amendment),
        Event::ProposalRejected(closing) => proposal::admit_rejection(state, author, at, closing),
        Event::ProposalWithdrawn(closing) => proposal::admit_withdrawal(state, author, at, closing),
        Event::RateProposed(rate) => fx::admit(state, author, rate),
        Event::ContributionClaimed(claim) => contribution::admit_claim(state, author, claim),
        Event::ContributionEnded(end) => contribution::admit_end(state, author, end),
        Event::AdvancePaid(advance) => money::admit_advance(state, author, advance),
        // Judged when they are applied, so that what a claim comes to is computed once.
        Event::DisputeOpened(_)
        | Event::DisputeResponded(_)
        | Event::DisputeAccepted(_)
        | Event::DisputeSettled(_)
        | Event::DisputeEscalated(_)
        | Event::DisputeDetermined(_)
        | Event::DisputeWithdrawn(_) => Ok(()),
        Event::EvidenceAttached(said) => evidence::admit_attachment(state, author, said),
        Event::EvidenceErased(said) => evidence::admit_erasure(state, author, said),
    }
}

/// What an admitted fact changes.
pub(crate) fn apply(state: &mut State, fact: &Fact) -> Result<(), Violation> {
    match &fact.event {
        Event::LedgerOpened(version) => opening::open(state, fact, version),
        Event::Accepted(acceptance) => {
            opening::accept(state, fact, (fact.author.party.clone(), acceptance))
        }
        Event::UsagePart(part) => {
            let mut sums = UsageSums::default();
            part.block.add_to(&mut sums);
            state.add_part(OpenPart::of(fact, part), sums);
            Ok(())
        }
        Event::UsageReported(report) => {
            usage::record(state, fact, usage::Head::of_report(report), &report.lines)
        }
        Event::UsageCorrected(correction) => {
            let head = usage::Head::of_correction(correction);
            usage::record(state, fact, head, &correction.lines)
        }
        Event::UsageMissing(period) => {
            opened_mut(state)?.add_missing(*period, fact.id);
            Ok(())
        }
        Event::StatementIssued(issued) => statement::record(state, fact, issued),
        Event::StatementAccepted(id) => {
            opened_mut(state)?.accept_statement(id, fact.author.party.clone());
            Ok(())
        }
        Event::PayoutSent(payout) => money::record(state, fact, payout),
        Event::PayoutConfirmed(receipt) => money::confirm(state, fact, receipt),
        Event::PayoutReturned(returned) => money::give_back(state, fact, returned),
        Event::Acknowledged(said) => acknowledgement::record(state, fact, said),
        Event::AmendmentProposed(amendment) => {
            proposal::record(state, fact, Proposed::Amendment(amendment.clone()))
        }
        Event::ProposalRejected(closing) => {
            let (seq, by, reason) = (fact.seq, fact.author.party.clone(), closing.reason.clone());
            let status = ProposalStatus::Rejected { seq, by, reason };
            proposal::close(state, &closing.proposal, status)
        }
        Event::ProposalWithdrawn(closing) => {
            let (seq, reason) = (fact.seq, closing.reason.clone());
            let status = ProposalStatus::Withdrawn { seq, reason };
            proposal::close(state, &closing.proposal, status)
        }
        Event::RateProposed(rate) => proposal::record(state, fact, Proposed::Rate(rate.clone())),
        Event::ContributionClaimed(claim) => {
            proposal::record(state, fact, Proposed::Contribution(claim.clone()))
        }
        Event::ContributionEnded(end) => contribution::record_end(state, fact, end),
        Event::AdvancePaid(advance) => money::record_advance(state, fact, advance),
        Event::DisputeOpened(_)
        | Event::DisputeResponded(_)
        | Event::DisputeAccepted(_)
        | Event::DisputeSettled(_)
        | Event::DisputeEscalated(_)
        | Event::DisputeDetermined(_)
        | Event::DisputeWithdrawn(_) => {
            let ruling = dispute::judge(state, &fact.author, fact.recorded_at, &fact.event)?;
            dispute::record(state, fact, ruling)
        }
        Event::EvidenceAttached(_) => Ok(()),
        Event::EvidenceErased(said) => evidence::record_erasure(state, fact, said),
    }?;
    evidence::record_named(state, fact);
    Ok(())
}

/// Takes the fact's place on the log without judging or applying what it says: what `verify` does
/// with a record that it found wanting, so that it can go on.
pub fn skip(state: &mut State, fact: &Fact) {
    advance(state, fact);
}

/// Takes the place of a report or correction and lets go of its parts, without applying it.
pub(crate) fn leave_out(state: &mut State, fact: &Fact) {
    if fact.event.kind() != Kind::UsagePart {
        state.close_parts();
    }
    advance(state, fact);
}

fn advance(state: &mut State, fact: &Fact) {
    // Whatever a party signs, it has seen everything before it.
    if let Some(agreement) = state.agreement_mut() {
        agreement.note_signature(&fact.author.party, fact.recorded_at);
        if let Event::StatementIssued(issued) = &fact.event {
            let known = agreement.statements().get(&issued.period);
            // Not one that was refused: its period may be any.
            if known.is_some_and(|known| known.id == fact.id) {
                agreement.keep_rated(issued.period);
            }
        }
    }
    state.advance(
        (fact.seq, fact.hash, fact.recorded_at),
        (fact.id, fact.content, fact.event.kind()),
    );
}

/// A record names the format level that the ledger was opened with, and says nothing that the
/// level in force does not know. Errors: [`Code::FormatLevel`].
fn admit_level(state: &State, fact: &Fact) -> Result<(), Violation> {
    let (opened, level) = match (&fact.event, state.agreement()) {
        (Event::LedgerOpened(version), _) => (version.level, version.level),
        (_, Some(agreement)) => (agreement.opened_at(), agreement.level()),
        (_, None) => return Err(not_opened(false)),
    };
    if fact.level != opened {
        return Err(Problem::new(
            Code::FormatLevel,
            format!(
                "the record names format level {}, its ledger was opened with {}",
                fact.level.number(),
                opened.number()
            ),
        )
        .hint("every record of a ledger names the level that it was opened with"));
    }
    admit_event_level(level, &fact.event)
}

/// Whether an event may be said at a format level, in its version. Errors: [`Code::FormatLevel`].
pub(crate) fn admit_event_level(level: Level, event: &Event) -> Result<(), Violation> {
    let fits = match event {
        Event::StatementIssued(statement) => statement.level == level,
        Event::PayoutSent(payout) => payout.level == level,
        Event::RateProposed(_)
        | Event::ContributionClaimed(_)
        | Event::ContributionEnded(_)
        | Event::AdvancePaid(_)
        | Event::DisputeOpened(_)
        | Event::DisputeResponded(_)
        | Event::DisputeAccepted(_)
        | Event::DisputeSettled(_)
        | Event::DisputeEscalated(_)
        | Event::DisputeDetermined(_)
        | Event::DisputeWithdrawn(_)
        | Event::EvidenceAttached(_)
        | Event::EvidenceErased(_) => level >= Level::Two,
        _ => true,
    };
    if fits {
        return Ok(());
    }
    Err(Problem::new(
        Code::FormatLevel,
        format!(
            "{} version {} is not said on a ledger of format level {}",
            event.kind().as_str(),
            event.version(),
            level.number()
        ),
    )
    .hint("a ledger rises to level 2 when every money party has accepted amended terms"))
}

/// What holds for every fact, whatever it says.
fn admit_place(state: &State, fact: &Fact) -> Result<(), Violation> {
    if fact.seq != state.next_seq() || fact.previous != state.head() {
        return Err(Problem::new(
            Code::RecordLink,
            format!(
                "record {} does not follow record {}",
                fact.seq,
                state.next_seq().wrapping_sub(1)
            ),
        )
        .hint("a record was removed, inserted or replaced; compare with the other party's copy"));
    }
    if fact.recorded_at < state.recorded_at() {
        return Err(time_backwards(state, fact.recorded_at));
    }
    if let Some((seq, _)) = state.event(&fact.id) {
        return Err(Problem::new(Code::EventTwice, format!("the same event is in record {seq}"))
            .hint("an event stands on a log once"));
    }
    let joins_parts = matches!(
        fact.event,
        Event::UsagePart(_)
            | Event::UsageReported(UsageReport { lines: Lines::Parts(_), .. })
            | Event::UsageCorrected(UsageCorrection { lines: Lines::Parts(_), .. })
    );
    if !state.open_parts().is_empty() && !joins_parts {
        return Err(Problem::new(
            Code::PartsBroken,
            format!(
                "{} parts of a report stand before an event that does not close them",
                state.open_parts().len()
            ),
        )
        .hint("parts and the event that closes them are written as one group"));
    }
    let is_opening = fact.event.kind() == Kind::LedgerOpened;
    if is_opening != state.agreement().is_none() {
        return Err(not_opened(is_opening));
    }
    Ok(())
}

/// The refusal of a time before that of the last record.
pub fn time_backwards(state: &State, at: Timestamp) -> Problem {
    time_before(state.recorded_at(), at)
}

/// The refusal of a time before an earlier record's.
pub fn time_before(last: Timestamp, at: Timestamp) -> Problem {
    Problem::new(
        Code::TimeBackwards,
        format!("the recorded time {at} is before {last}, that of the record before"),
    )
    .hint("recorded time only moves forward; leave --recorded-time out to take the present")
}

pub(crate) fn not_opened(is_opening: bool) -> Problem {
    match is_opening {
        true => Problem::new(Code::NotOpened, "the ledger is open already")
            .hint("a ledger is opened once; open another one in another folder"),
        false => Problem::new(Code::NotOpened, "the ledger is not open yet")
            .hint("the first record opens the ledger"),
    }
}

/// The agreement, once the ledger is opened.
pub(crate) fn opened(state: &State) -> Result<&Agreement, Violation> {
    state.agreement().ok_or_else(|| not_opened(false))
}

pub(crate) fn opened_mut(state: &mut State) -> Result<&mut Agreement, Violation> {
    state.agreement_mut().ok_or_else(|| not_opened(false))
}

/// The agreement, in force.
pub(crate) fn in_force(state: &State) -> Result<&Agreement, Violation> {
    let agreement = opened(state)?;
    let awaited = agreement.awaited();
    if awaited.is_empty() {
        return Ok(agreement);
    }
    let names: Vec<&str> = awaited.iter().map(|id| id.as_str()).collect();
    Err(Problem::new(
        Code::NotAccepted,
        format!("the ledger is not in force: {} did not accept it yet", names.join(", ")),
    )
    .hint("each money party accepts record 0 first: `revshare accept 0`"))
}

/// Checks that the author's key belongs to the party that it names, in one of the roles that may
/// say such a thing.
pub(crate) fn entitled(
    agreement: &Agreement,
    author: &Author,
    may: impl Fn(Role) -> bool,
    who: &str,
) -> Result<(), Violation> {
    let known = agreement.versions().party(&author.party);
    let party = known.filter(|party| party.key == author.key);
    let Some(party) = party else {
        return Err(Problem::new(
            Code::NotAParty,
            format!(
                "the key {} is not that of a party called {}",
                author.key.fingerprint(),
                author.party
            ),
        )
        .hint("`revshare terms show` lists the parties and their keys"));
    };
    if !may(party.role) {
        return Err(Problem::new(
            Code::NotEntitled,
            format!("{} is {}; only {who} may say this", party.id, a_role(party.role)),
        )
        .hint("use the key of the party that is entitled (--key)"));
    }
    Ok(())
}

fn a_role(role: Role) -> &'static str {
    match role {
        Role::Owner => "an owner",
        Role::Collector => "the collector",
        Role::Beneficiary => "a beneficiary",
        Role::Arbiter => "an arbiter",
        Role::Auditor => "an auditor",
    }
}

/// An event that is named but is not there, or of another kind.
pub(crate) fn unknown_event(state: &State, id: &crate::vocab::EventId, wanted: &str) -> Problem {
    let message = match state.event(id) {
        Some((seq, kind)) => {
            format!("event {} (record {seq}) is {}, not {wanted}", id.0.short(), kind.as_str())
        }
        None => format!("there is no event {} on this ledger; {wanted} was expected", id.0.short()),
    };
    let problem =
        Problem::new(Code::UnknownEvent, message).hint("`revshare history` lists the events");
    match state.event(id) {
        Some((seq, _)) => problem.at_record(seq),
        None => problem,
    }
}
