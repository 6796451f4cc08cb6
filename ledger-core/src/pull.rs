//! Fast-forward from another copy on the same machine, after full checks.
//!
//! The other folder may be somebody else's, who can write to it at any time, and it is read several
//! times: compared, checked, and copied. So what is copied is held against what was checked, and
//! what was checked against what is here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::chain::StoredRecord;
use crate::chain::frame::FrameHeader;
use crate::decide::admit_clock;
use crate::diff::Diff;
use crate::diff::diff;
use crate::diff::other_ledger;
use crate::event::Fact;
use crate::event::Kind;
use crate::evolve::statement_size::is_too_long;
use crate::ledger::Ledger;
use crate::ledger::Mode;
use crate::ledger::not_a_ledger;
use crate::machine::Machine;
use crate::replay::nothing_recorded;
use crate::replay::replay_signed;
use crate::state::Agreement;
use crate::state::EvidenceRecord;
use crate::store::Batch;
use crate::store::DiskLog;
use crate::store::Ending;
use crate::store::Files;
use crate::store::Reader;
use crate::store::disk::NOTHING_RECORDED;
use crate::store::files::system;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;
use crate::vocab::digest::Domain;
use crate::vocab::text::shell_word;

/// Bytes that are made durable at once.
const GROUP_LEN: usize = 32 << 20;

/// What a pull did (or would do).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pulled {
    /// Records that both copies had.
    pub common: u64,
    /// Records that were taken over.
    pub new: u64,
    /// Records that only this copy has.
    pub ahead: u64,
    /// The head afterwards.
    pub head: (u64, RecordHash),
    /// The commitments to evidence on the log as it is afterwards.
    pub evidence: BTreeMap<Digest, EvidenceRecord>,
}

/// Takes over what another copy has more: its whole log is checked (hashes, links, signatures,
/// rules, arithmetic) before anything becomes part of this one, and what becomes part of it is what
/// was checked, whoever writes to the other folder meanwhile. Into a folder that is no ledger yet,
/// it takes a first copy. Errors: [`Code::Diverged`], [`Code::Equivocation`],
/// [`Code::OtherLedger`], [`Code::FromTheFuture`], [`Code::StatementSize`] for what leaves no room
/// for the next statement, [`Code::DiskRead`] where the other copy is not the same each time it is
/// read, and whatever is wrong with either log.
pub fn pull(
    folder: &Path,
    machine: &Machine,
    from: &Path,
    now: Timestamp,
    mode: Mode,
) -> Result<Pulled, Problem> {
    pull_on((&system(), GROUP_LEN), (folder, machine), from, now, mode)
}

/// Pulls likewise, also where the next statement may be longer than a record can be.
pub fn pull_oversized(
    folder: &Path,
    machine: &Machine,
    from: &Path,
    now: Timestamp,
    mode: Mode,
) -> Result<Pulled, Problem> {
    pull_with((&system(), GROUP_LEN), (folder, machine), from, now, (mode, Oversize::Allowed))
}

/// Likewise, on other files than the system's, with so many bytes at least made durable at once.
pub fn pull_on(
    (files, group_len): (&Arc<dyn Files>, usize),
    (folder, machine): (&Path, &Machine),
    from: &Path,
    now: Timestamp,
    mode: Mode,
) -> Result<Pulled, Problem> {
    pull_with((files, group_len), (folder, machine), from, now, (mode, Oversize::Refused))
}

/// Whether records are taken after which the next statement may not fit one record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Oversize {
    Refused,
    Allowed,
}

fn pull_with(
    (files, group_len): (&Arc<dyn Files>, usize),
    (folder, machine): (&Path, &Machine),
    from: &Path,
    now: Timestamp,
    (mode, oversize): (Mode, Oversize),
) -> Result<Pulled, Problem> {
    let theirs = DiskLog::open_on(files.clone(), from);
    if !theirs.has_segments()? {
        return Err(not_a_ledger(from));
    }
    let exists = DiskLog::open_on(files.clone(), folder).has_segments()?;
    let ours = match (exists, mode) {
        (true, Mode::Record) => Some(Ledger::open_for_writing_on(files, folder, machine)?),
        (true, Mode::DryRun) => Some(Ledger::open_hashed_on(files, folder, machine)?),
        (false, _) => None,
    };
    let (common, ahead) = match &ours {
        Some(ours) => relate(ours, &theirs, folder, from)?,
        None => (0, 0),
    };
    let mut problem = None;
    let mut seen = Seen::new(common, group_len);
    let checked = replay_signed(&theirs, &mut |fact, at, signature| {
        if fact.seq >= common && problem.is_none() {
            let late = admit_clock(fact.recorded_at, now).err();
            problem = late.map(|problem| problem.at(Place::Record { seq: fact.seq }));
        }
        seen.add(fact, at.len, signature);
    });
    let checked = checked.map_err(|problem| in_copy(problem, from))?;
    if let Some(problem) = problem {
        return Err(in_copy(problem, from));
    }
    if checked.state.agreement().is_none() {
        let bytes = checked.unfinished.map_or(0, |tail| tail.len);
        return Err(in_copy(nothing_recorded(bytes), from));
    }
    let their_next = checked.state.next_seq();
    let new = their_next.saturating_sub(common);
    // Where the log ends with parts of a report, the state before them comes from another reading.
    if new > 0 && seen.end() != Some((their_next, checked.state.head())) {
        return Err(changed(common, from));
    }
    let head = match &ours {
        Some(ours) if new == 0 => (ours.state().next_seq().saturating_sub(1), ours.state().head()),
        _ => (their_next.saturating_sub(1), checked.state.head()),
    };
    let longer = match &ours {
        Some(ours) if new == 0 => ours.state(),
        _ => &checked.state,
    };
    let evidence = longer.agreement().map(|known| known.evidence().clone()).unwrap_or_default();
    if let Some(agreement) = checked.state.agreement()
        && new > 0
        && oversize == Oversize::Refused
        && is_too_long(agreement)
    {
        return Err(oversized(agreement, from));
    }
    let pulled = Pulled { common, new, ahead, head, evidence };
    if new == 0 || mode == Mode::DryRun {
        return Ok(pulled);
    }
    // What was compared need not be what was checked: that must follow on our last record.
    let our_end = ours.as_ref().map(|ours| (ours.state().next_seq(), ours.state().head()));
    if (common, seen.previous) != our_end.unwrap_or_default() {
        return Err(changed(common, from));
    }
    let mut ours = match ours {
        Some(ours) => ours,
        None => Ledger::create_on(files, folder, machine)?,
    };
    theirs.confirm().map_err(|problem| in_copy(problem, from))?;
    append(&mut ours, (&theirs, from), &seen)?;
    ours.become_state(checked.state);
    Ok(pulled)
}

/// The refusal of records after which the next statement may be longer than a record can be.
fn oversized(agreement: &Agreement, from: &Path) -> Problem {
    let message = format!(
        "with the records of the other copy, the next statement could name {} events for {} stated \
         periods: more than one record holds",
        agreement.effects().len(),
        agreement.statements().len()
    );
    Problem::new(Code::StatementSize, message).at(Place::Path(from.display().to_string())).hint(
        format!(
            "ask the other party for the reason; to take them all the same: \
         `revshare pull --allow-oversized-statement {}`",
            shell_word(from.as_os_str())
        ),
    )
}

/// The copy that a problem was found in, where its place does not say so.
fn in_copy(mut problem: Problem, from: &Path) -> Problem {
    problem.message = format!("in {}: {}", from.display(), problem.message);
    problem
}

/// Records in common, and those that only ours has.
fn relate(
    ours: &Ledger,
    theirs: &DiskLog,
    folder: &Path,
    from: &Path,
) -> Result<(u64, u64), Problem> {
    let relation = diff(ours.source(), theirs)?;
    match &relation {
        Diff::Same { records } => Ok((*records, 0)),
        Diff::Ahead { first: true, common, more } => Ok((*common, *more)),
        Diff::Ahead { first: false, common, .. } => Ok((*common, 0)),
        Diff::OtherLedger => Err(other_ledger().at(Place::Path(from.display().to_string()))),
        Diff::Diverged { common, first, second } => {
            if !second.sound {
                return Err(Problem::new(
                    Code::Diverged,
                    format!("record {common} of the other copy is damaged or changed"),
                )
                .at(Place::Record { seq: *common })
                .hint(format!(
                    "look at it with `revshare verify {}`",
                    shell_word(from.as_os_str())
                )));
            }
            if relation.is_equivocation() {
                return Err(Problem::new(
                    Code::Equivocation,
                    format!(
                        "{} signed two different records {common} on one previous record",
                        first.party
                    ),
                )
                .at(Place::Record { seq: *common })
                .hint("keep both copies: together they prove double dealing to anyone"));
            }
            Err(Problem::new(
                Code::Diverged,
                format!("the copies diverged: record {common} differs"),
            )
            .at(Place::Record { seq: *common })
            .hint(format!(
                "see `revshare diff {} {}`; one side submits its records again on top of the other's",
                shell_word(folder.as_os_str()),
                shell_word(from.as_os_str())
            )))
        }
    }
}

/// Records that are made durable at once, as they were checked. They end with a whole report.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// The number of the record behind them.
    next: u64,
    /// The length of their frames.
    len: usize,
    /// Over every record from the first that is copied to the last of these.
    digest: Digest,
}

impl Group {
    fn add(&mut self, (seq, hash): (u64, RecordHash), len: usize, signature: &[u8; 64]) {
        let before = self.digest;
        // The hash covers everything in a frame but the signature.
        self.digest = Domain::Index.digest_of(|hasher| {
            hasher.update(&before.0);
            hasher.update(hash.bytes());
            hasher.update(signature);
        });
        self.next = seq.saturating_add(1);
        self.len = self.len.saturating_add(len);
    }
}

/// What was checked of the records that are copied.
#[derive(Debug, Default)]
struct Seen {
    /// The first of them.
    common: u64,
    group_len: usize,
    /// What the first of them names as the hash of the record before it.
    previous: RecordHash,
    /// Hash of the last one that no report is open behind.
    head: RecordHash,
    /// Groups that are long enough.
    full: Vec<Group>,
    /// The one behind them, if the log ends here.
    last: Option<Group>,
    /// Likewise, with the parts of a report that is not whole yet.
    open: Group,
}

impl Seen {
    fn new(common: u64, group_len: usize) -> Seen {
        Seen { common, group_len, ..Seen::default() }
    }

    fn add(&mut self, fact: &Fact, len: usize, signature: &[u8; 64]) {
        if fact.seq < self.common {
            return;
        }
        if fact.seq == self.common {
            self.previous = fact.previous;
        }
        self.open.add((fact.seq, fact.hash), len, signature);
        if fact.event.kind() == Kind::UsagePart {
            return;
        }
        self.head = fact.hash;
        self.last = Some(self.open);
        if self.open.len >= self.group_len {
            self.full.extend(self.last.take());
            self.open.len = 0;
        }
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.full.iter().chain(&self.last)
    }

    /// The number behind the last record of the last group, and the hash of that record.
    fn end(&self) -> Option<(u64, RecordHash)> {
        self.groups().last().map(|group| (group.next, self.head))
    }
}

/// Appends the groups that were checked, as they are; each is durable before the next begins.
fn append(ours: &mut Ledger, theirs: (&DiskLog, &Path), seen: &Seen) -> Result<(), Problem> {
    let mut first = seen.common;
    let copied = copy(ours, theirs, seen, &mut first);
    copied.map_err(|problem| behind(problem, seen.common, first))
}

/// `first` is the first record of the group that is being copied.
fn copy(
    ours: &mut Ledger,
    (theirs, from): (&DiskLog, &Path),
    seen: &Seen,
    first: &mut u64,
) -> Result<(), Problem> {
    let mut groups = seen.groups();
    let Some(mut expected) = groups.next() else { return Ok(()) };
    let mut reader = Reader::new(theirs)?;
    let mut batch = Batch::default();
    let (mut frames, mut found) = (Vec::new(), Group::default());
    while reader.next_batch(&mut batch)? {
        for (_, frame) in batch.frames() {
            if FrameHeader::found(frame).is_none_or(|header| header.seq < seen.common) {
                continue;
            }
            let record = StoredRecord::read_found(frame).and_then(StoredRecord::check_hash);
            let stored = record.map_err(|_| changed(*first, from))?.stored;
            found.add((stored.place.seq, stored.hash), frame.len(), stored.signature);
            // What was checked fits into memory; what is there now need not.
            if found.len > expected.len {
                return Err(changed(*first, from));
            }
            frames.push(frame.to_vec());
            if found.next < expected.next {
                continue;
            }
            if found.digest != expected.digest {
                return Err(changed(*first, from));
            }
            ours.append_foreign(*first, &frames)?;
            frames.clear();
            found.len = 0;
            *first = expected.next;
            match groups.next() {
                Some(next) => expected = next,
                None => return Ok(()),
            }
        }
    }
    match reader.ending() {
        Some(Ending::Damaged { .. }) => Err(changed(*first, from)),
        _ => Err(became_shorter(*first, from)),
    }
}

/// What is read from a record on is not what was read before.
fn changed(seq: u64, from: &Path) -> Problem {
    touched("was changed while it was read, and cannot be relied on from here on", seq, from)
}

/// What was checked from a record on is not there any more.
fn became_shorter(seq: u64, from: &Path) -> Problem {
    touched("became shorter while it was read", seq, from)
}

fn touched(what: &str, seq: u64, from: &Path) -> Problem {
    let hint = format!(
        "see that nobody changes it, look at it with `revshare verify {}`, and pull again",
        shell_word(from.as_os_str())
    );
    Problem::new(Code::DiskRead, format!("the other copy {what}; {NOTHING_RECORDED}"))
        .at(Place::Record { seq })
        .hint(hint)
}

/// What went wrong behind groups that are durable already: those stay.
fn behind(mut problem: Problem, common: u64, first: u64) -> Problem {
    let Some(last) = first.checked_sub(1).filter(|_| first > common) else { return problem };
    let stays = format!("records {common} to {last} were taken over and stay");
    problem.message = match problem.message.contains(NOTHING_RECORDED) {
        true => problem.message.replace(NOTHING_RECORDED, &stays),
        false => format!("{} ({stays})", problem.message),
    };
    problem
}
