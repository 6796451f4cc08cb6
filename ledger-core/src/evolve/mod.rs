//! The fold: [`judge`] says whether a fact may follow and computes everything that it changes;
//! [`apply`] changes it, and cannot fail.
//!
//! This judges a stranger's log: a log can be chained and signed correctly and still lie. It never
//! panics and trusts nothing but the state before the fact. Each kind has one guard, shared with
//! [`crate::decide`]: guards in a straight list, then the sums.

pub mod bounds;
pub mod usage;
pub mod proposal;
pub mod amendment;
pub mod fx;
pub mod contribution;
pub mod opening;
pub mod statement;
pub mod statement_size;
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
use crate::state::Change;
use crate::state::EvidenceRecord;
use crate::state::ProposalStatus;
use crate::state::Proposed;
use crate::state::State;
use crate::statement::Statement;
use crate::terms::Role;
use crate::usage::UsageSums;
use crate::vocab::Code;
use crate::vocab::ContentDigest;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Level;
use crate::vocab::Problem;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;

/// Why a fact is not admissible.
pub type Violation = Problem;

/// Judged fact: its place on the log, and every value that it changes. There is no other way into a
/// state than [`apply`].
#[derive(Clone, Debug)]
#[must_use = "a judged fact changes nothing until it is applied"]
pub struct Judged {
    place: LogPlace,
    change: Change,
    /// Commitments to evidence that it names.
    evidence: Option<(Vec<Digest>, EvidenceRecord)>,
}

/// What a fact leaves behind, whatever it says.
#[derive(Clone, Debug)]
struct LogPlace {
    seq: u64,
    hash: RecordHash,
    recorded_at: Timestamp,
    party: Id,
    id: EventId,
    content: ContentDigest,
    kind: Kind,
}

impl Judged {
    fn new(fact: &Fact, change: Change) -> Judged {
        Judged { evidence: evidence::named(fact), ..Judged::without_effect(fact, change) }
    }

    fn without_effect(fact: &Fact, change: Change) -> Judged {
        let place = LogPlace {
            seq: fact.seq,
            hash: fact.hash,
            recorded_at: fact.recorded_at,
            party: fact.author.party.clone(),
            id: fact.id,
            content: fact.content,
            kind: fact.event.kind(),
        };
        Judged { place, change, evidence: None }
    }

    /// A fact that takes its place and changes nothing: one that was refused, so that `verify` and a
    /// what-if can go on behind it.
    pub fn refused(fact: &Fact) -> Judged {
        Judged::without_effect(fact, Change::Nothing)
    }
}

/// Judges a fact: whether it follows the last record, whether it may be said here and now, and what
/// it changes. `sums` is what [`sums_of`] gives for its event, where that is there already.
pub fn judge(state: &State, fact: &Fact, sums: Option<UsageSums>) -> Result<Judged, Violation> {
    admit_place(state, fact)?;
    admit_level(state, fact)?;
    judge_event(state, fact, sums)
}

/// Judges a statement, and lists everything in which it differs from what the log determines. With
/// such findings it is not admissible; what it changes as it was issued is what `verify` goes on
/// with.
pub fn judge_statement(
    state: &State,
    fact: &Fact,
    issued: &Statement,
) -> Result<(Vec<Problem>, Judged), Violation> {
    admit_place(state, fact)?;
    admit_level(state, fact)?;
    let (findings, change) = statement::judge(state, fact, issued)?;
    let judged = match findings.is_empty() {
        true => Judged::new(fact, change),
        false => Judged::without_effect(fact, change),
    };
    Ok((findings, judged))
}

/// Judges what a fact says, wherever it stands on the log.
pub(crate) fn judge_event(
    state: &State,
    fact: &Fact,
    sums: Option<UsageSums>,
) -> Result<Judged, Violation> {
    let (author, at) = (&fact.author, fact.recorded_at);
    let change = match &fact.event {
        Event::LedgerOpened(version) => opening::judge(fact, version)?,
        Event::Accepted(acceptance) => opening::judge_acceptance(state, fact, acceptance)?,
        Event::UsagePart(part) => {
            usage::admit_part(state, author, part)?;
            usage::part(fact, part, sums)
        }
        Event::UsageReported(report) => {
            usage::judge(state, fact, usage::Head::of_report(report), (&report.lines, sums))?
        }
        Event::UsageCorrected(correction) => {
            let head = usage::Head::of_correction(correction);
            usage::judge(state, fact, head, (&correction.lines, sums))?
        }
        Event::UsageMissing(period) => {
            usage::admit_missing(state, author, at, *period)?;
            Change::Missing(*period, fact.id)
        }
        Event::StatementIssued(issued) => match statement::judge(state, fact, issued)? {
            (findings, change) if findings.is_empty() => change,
            (findings, _) => return Err(first(findings)),
        },
        Event::StatementAccepted(id) => statement::judge_acceptance(state, author, id)?,
        Event::PayoutSent(payout) => money::judge_payout(state, fact, payout)?,
        Event::PayoutConfirmed(receipt) => money::judge_receipt(state, fact, receipt)?,
        Event::PayoutReturned(returned) => money::judge_return(state, fact, returned)?,
        Event::Acknowledged(said) => acknowledgement::judge(state, fact, said)?,
        Event::AmendmentProposed(amendment) => {
            amendment::admit(state, author, amendment)?;
            proposal::judge(state, fact, Proposed::Amendment(amendment.clone()))?
        }
        Event::ProposalRejected(closing) => {
            proposal::admit_rejection(state, author, at, closing)?;
            let (seq, by, reason) = (fact.seq, author.party.clone(), closing.reason.clone());
            let status = ProposalStatus::Rejected { seq, by, reason };
            Change::CloseProposal(closing.proposal, status)
        }
        Event::ProposalWithdrawn(closing) => {
            proposal::admit_withdrawal(state, author, at, closing)?;
            let (seq, reason) = (fact.seq, closing.reason.clone());
            Change::CloseProposal(closing.proposal, ProposalStatus::Withdrawn { seq, reason })
        }
        Event::RateProposed(rate) => {
            fx::admit(state, author, rate)?;
            proposal::judge(state, fact, Proposed::Rate(rate.clone()))?
        }
        Event::ContributionClaimed(claim) => {
            contribution::admit_claim(state, author, claim)?;
            proposal::judge(state, fact, Proposed::Contribution(claim.clone()))?
        }
        Event::ContributionEnded(end) => contribution::judge_end(state, fact, end)?,
        Event::AdvancePaid(advance) => money::judge_advance(state, fact, advance)?,
        Event::DisputeOpened(_)
        | Event::DisputeResponded(_)
        | Event::DisputeAccepted(_)
        | Event::DisputeSettled(_)
        | Event::DisputeEscalated(_)
        | Event::DisputeDetermined(_)
        | Event::DisputeWithdrawn(_) => {
            let ruling = dispute::judge(state, author, at, &fact.event)?;
            dispute::change(state, fact, ruling)?
        }
        Event::EvidenceAttached(said) => {
            evidence::admit_attachment(state, author, said)?;
            Change::Nothing
        }
        Event::EvidenceErased(said) => {
            evidence::admit_erasure(state, author, said)?;
            Change::EraseEvidence(said.commitment, fact.seq, said.reason.clone())
        }
    };
    Ok(Judged::new(fact, change))
}

/// A fact with what it changes, for a what-if, which judges other content than the fact has.
pub(crate) fn judged(fact: &Fact, change: Change) -> Judged {
    Judged::new(fact, change)
}

fn first(findings: Vec<Problem>) -> Problem {
    let none = || Problem::new(Code::Internal, "a statement was refused without a finding");
    findings.into_iter().next().unwrap_or_else(none)
}

/// Applies what was judged in this state.
pub fn apply(state: &mut State, judged: Judged) {
    let Judged { place, change, evidence } = judged;
    state.change(change);
    state.change_beside_root(|agreement| {
        if let Some((commitments, record)) = evidence {
            agreement.name_evidence(commitments, &record);
        }
        // Whatever a party signs, it has seen everything before it.
        agreement.note_signature(&place.party, place.recorded_at)
    });
    state
        .advance((place.seq, place.hash, place.recorded_at), (place.id, place.content, place.kind));
}

/// Judges a fact and applies it. On `Err` the state is as it was.
pub fn evolve(state: &mut State, fact: &Fact) -> Result<(), Violation> {
    let judged = judge(state, fact, None)?;
    apply(state, judged);
    Ok(())
}

/// The exact sums of the lines that an event holds itself; `None` if it is of a kind without lines,
/// or its lines are in parts. They follow from the event alone, so that they can be added up for
/// many events at once.
pub fn sums_of(event: &Event) -> Option<UsageSums> {
    let block = match event {
        Event::UsagePart(part) => &part.block,
        Event::UsageReported(UsageReport { lines: Lines::Inline(block), .. })
        | Event::UsageCorrected(UsageCorrection { lines: Lines::Inline(block), .. }) => block,
        Event::UsageReported(_)
        | Event::UsageCorrected(_)
        | Event::LedgerOpened(_)
        | Event::Accepted(_)
        | Event::UsageMissing(_)
        | Event::StatementIssued(_)
        | Event::StatementAccepted(_)
        | Event::PayoutSent(_)
        | Event::PayoutConfirmed(_)
        | Event::PayoutReturned(_)
        | Event::Acknowledged(_)
        | Event::AmendmentProposed(_)
        | Event::ProposalRejected(_)
        | Event::ProposalWithdrawn(_)
        | Event::RateProposed(_)
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
        | Event::EvidenceErased(_) => return None,
    };
    Some(block.sums())
}

/// Whether an event may be said here and now, kind by kind: the guards that [`judge`] begins with,
/// for [`crate::decide`]. Reports are admitted with the sums of their lines.
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
        Event::StatementIssued(issued) => statement::admit(state, author, issued.period),
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
        Event::DisputeOpened(_)
        | Event::DisputeResponded(_)
        | Event::DisputeAccepted(_)
        | Event::DisputeSettled(_)
        | Event::DisputeEscalated(_)
        | Event::DisputeDetermined(_)
        | Event::DisputeWithdrawn(_) => dispute::judge(state, author, at, event).map(|_| ()),
        Event::EvidenceAttached(said) => evidence::admit_attachment(state, author, said),
        Event::EvidenceErased(said) => evidence::admit_erasure(state, author, said),
    }
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
        Event::LedgerOpened(_)
        | Event::Accepted(_)
        | Event::UsagePart(_)
        | Event::UsageReported(_)
        | Event::UsageCorrected(_)
        | Event::UsageMissing(_)
        | Event::StatementAccepted(_)
        | Event::PayoutConfirmed(_)
        | Event::PayoutReturned(_)
        | Event::Acknowledged(_)
        | Event::AmendmentProposed(_)
        | Event::ProposalRejected(_)
        | Event::ProposalWithdrawn(_) => true,
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
pub(crate) fn unknown_event(state: &State, id: &EventId, wanted: &str) -> Problem {
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
