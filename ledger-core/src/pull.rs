//! Fast-forward from another copy on the same machine, after full checks.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::chain::StoredRecord;
use crate::decide::admit_clock;
use crate::diff::Diff;
use crate::diff::diff;
use crate::diff::other_ledger;
use crate::event::Kind;
use crate::ledger::Ledger;
use crate::ledger::Mode;
use crate::ledger::not_a_ledger;
use crate::replay::Signatures;
use crate::replay::replay;
use crate::state::EvidenceRecord;
use crate::store::Batch;
use crate::store::DiskLog;
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
/// rules, arithmetic) before anything becomes part of this one. Into a folder that is no ledger
/// yet, it takes a first copy. Errors: [`Code::Diverged`], [`Code::Equivocation`],
/// [`Code::OtherLedger`], [`Code::FromTheFuture`], and whatever is wrong with either log.
pub fn pull(
    folder: &Path,
    state_folder: Option<&Path>,
    from: &Path,
    now: Timestamp,
    mode: Mode,
) -> Result<Pulled, Problem> {
    pull_on((&system(), GROUP_LEN), (folder, state_folder), from, now, mode)
}

/// Likewise, on other files than the system's, with so many bytes at least made durable at once.
pub fn pull_on(
    (files, group_len): (&Arc<dyn Files>, usize),
    (folder, state_folder): (&Path, Option<&Path>),
    from: &Path,
    now: Timestamp,
    mode: Mode,
) -> Result<Pulled, Problem> {
    let theirs = DiskLog::open_on(files.clone(), from);
    if !theirs.has_segments()? {
        return Err(not_a_ledger(from));
    }
    let exists = DiskLog::open_on(files.clone(), folder).has_segments()?;
    let ours = match (exists, mode) {
        (true, Mode::Record) => Some(Ledger::open_for_writing_on(files, folder, state_folder)?),
        (true, Mode::DryRun) => Some(Ledger::open_on(files, folder, state_folder)?),
        (false, _) => None,
    };
    let (common, ahead) = match &ours {
        Some(ours) => relate(ours, &theirs, folder, from)?,
        None => (0, 0),
    };
    let mut problem = None;
    let checked = replay(&theirs, None, Signatures::Checked, &mut |_, fact, _| {
        if fact.seq >= common && problem.is_none() {
            let late = admit_clock(fact.recorded_at, now).err();
            problem = late.map(|problem| problem.at(Place::Record { seq: fact.seq }));
        }
    });
    let checked = checked.map_err(|problem| in_copy(problem, from))?;
    if let Some(problem) = problem {
        return Err(in_copy(problem, from));
    }
    if checked.state.agreement().is_none() {
        return Err(not_a_ledger(from));
    }
    let their_next = checked.state.next_seq();
    let new = their_next.saturating_sub(common);
    let head = match &ours {
        Some(ours) if new == 0 => (ours.state().next_seq().saturating_sub(1), ours.state().head()),
        _ => (their_next.saturating_sub(1), checked.state.head()),
    };
    let longer = match &ours {
        Some(ours) if new == 0 => ours.state(),
        _ => &checked.state,
    };
    let evidence = longer.agreement().map(|known| known.evidence().clone()).unwrap_or_default();
    let pulled = Pulled { common, new, ahead, head, evidence };
    if new == 0 || mode == Mode::DryRun {
        return Ok(pulled);
    }
    let mut ours = match ours {
        Some(ours) => ours,
        None => Ledger::create_on(files, folder, state_folder)?,
    };
    theirs.confirm().map_err(|problem| in_copy(problem, from))?;
    append(&mut ours, &theirs, (common, their_next), group_len)?;
    ours.become_state(checked.state);
    Ok(pulled)
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
                .hint(format!("look at it with `revshare verify {}`", from.display())));
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
                folder.display(),
                from.display()
            )))
        }
    }
}

/// Appends the records from `common` up to `next` as they are. Groups end with whole reports; each of
/// them is durable before the next begins.
fn append(
    ours: &mut Ledger,
    theirs: &DiskLog,
    (common, next): (u64, u64),
    group_len: usize,
) -> Result<(), Problem> {
    let mut reader = Reader::new(theirs)?;
    let mut batch = Batch::default();
    let mut group: Vec<Vec<u8>> = Vec::new();
    let (mut first, mut len) = (common, 0);
    while reader.next_batch(&mut batch).map_err(|problem| behind(problem, common, first))? {
        for (_, frame) in batch.frames() {
            let record = StoredRecord::read(frame)?;
            let seq = record.place.seq;
            if seq < common || seq >= next {
                continue;
            }
            group.push(frame.to_vec());
            len += frame.len();
            let is_part = record.kind.0 == Kind::UsagePart as u16;
            if !is_part && (len >= group_len || seq + 1 == next) {
                let appended = ours.append_foreign(first, &group);
                appended.map_err(|problem| behind(problem, common, first))?;
                group.clear();
                (first, len) = (seq + 1, 0);
            }
        }
    }
    match first == next {
        true => Ok(()),
        // Whoever writes to it took something away since it was checked.
        false => Err(behind(became_shorter(first), common, first)),
    }
}

fn became_shorter(seq: u64) -> Problem {
    let message = format!("the other copy became shorter while it was read; {NOTHING_RECORDED}");
    Problem::new(Code::DiskRead, message)
        .at(Place::Record { seq })
        .hint("look at it with `revshare verify`, and pull again")
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
