//! What this machine knows of a copy, and how that saves going through it again.
//!
//! Two memories in the user's state folder: how far a copy was verified, and how far a writer
//! replayed it, each with a snapshot of the state there. The ledger's own folder has a third one
//! with the index: the other party may have handed it over, so that only answers are taken from it.

use std::path::Path;
use std::sync::Arc;

use crate::index::known;
use crate::index::known::KnownFile;
use crate::index::known::Trust;
use crate::prefix;
use crate::prefix::Again;
use crate::prefix::Known;
use crate::prefix::KnownSegment;
use crate::replay::Start;
use crate::replay::ledger_id;
use crate::state::State;
use crate::store::DiskLog;
use crate::store::Files;
use crate::store::Segment;
use crate::store::SegmentSource;
use crate::store::Witness;
use crate::store::files::system;
use crate::store::reader::FrameAt;
use crate::store::witness::Memory;
use crate::store::witness::RememberedHead;
use crate::verify::Kept;
use crate::verify::Options;
use crate::verify::Since;
use crate::verify::SinceVerified;
use crate::verify::Verdict;
use crate::verify::verify_since;
use crate::vocab::Digest;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;

/// A writer remembers how far it has replayed when that was at least so many bytes of the log.
const WORTH_REMEMBERING: u64 = 256 << 10;

/// Where a ledger is loaded from: its beginning, if it is known, and the record that this machine
/// remembers as the head, if it stands in that.
#[derive(Default)]
pub(super) struct Beginning {
    pub(super) start: Start,
    pub(super) remembered_at: Option<(RecordHash, FrameAt)>,
}

impl Beginning {
    /// A beginning that a writer may build on: known to this machine by a memory of its own, read
    /// and hashed again from the first byte. What is saved is decoding and judging it again.
    pub(super) fn for_writing(
        log: &DiskLog,
        witness: &Witness,
        remembered: Option<RememberedHead>,
    ) -> Beginning {
        let memories = [Memory::Verified, Memory::Replayed];
        let shelves = memories.into_iter().filter_map(|memory| witness.shelf(memory));
        let furthest =
            shelves.max_by_key(|shelf| known::how_far(shelf).map_or(0, |known| known.records));
        let file = furthest.and_then(known::read);
        let Some(file) = file else { return Beginning::default() };
        let wanted = remembered.map(|head| head.seq);
        let (read, restored) = rayon::join(
            || prefix::holds(log, &file.known, Again::All, wanted),
            || file.state(Trust::Digest),
        );
        let Some((read, state)) = read.zip(restored) else { return Beginning::default() };
        let place = Some(file.known.place);
        Beginning { start: Start { state, place }, remembered_at: read.wanted }
    }

    /// A beginning for a reader: the index knows it, and files that were not touched since are not
    /// read.
    pub(super) fn for_reading(log: &DiskLog, file: &KnownFile) -> Option<Beginning> {
        let holds = || prefix::holds(log, &file.known, Again::Touched, None);
        let (read, restored) = rayon::join(holds, || file.state(Trust::Untouched));
        let (_, state) = read.zip(restored)?;
        let place = Some(file.known.place);
        Some(Beginning { start: Start { state, place }, remembered_at: None })
    }

    /// How much of the log lies behind it.
    pub(super) fn bytes_behind(&self, segments: &[Segment]) -> u64 {
        let (segment, offset) = self.start.place.unwrap_or_default();
        let behind = segments.iter().filter(|one| one.number >= segment);
        behind.map(|one| one.len).sum::<u64>().saturating_sub(offset)
    }
}

/// What is known of a log up to a state. `segments` are as they were before they were read.
pub(super) fn knowledge(
    state: &State,
    place: (u32, u64),
    segments: Vec<KnownSegment>,
    (at, complete): (Timestamp, Option<(u64, Timestamp)>),
) -> Known {
    Known {
        ledger: ledger_id(state),
        records: state.next_seq(),
        head: state.head(),
        place,
        at,
        complete: complete.unwrap_or((state.next_seq(), at)),
        segments,
        // Set when it is kept.
        snapshot: Digest::default(),
    }
}

/// The segments up to a place, as the file system describes them.
pub(super) fn stamped(segments: &[Segment], place: (u32, u64)) -> Vec<KnownSegment> {
    let known = segments.iter().filter(|segment| segment.number <= place.0);
    known.map(|one| KnownSegment { stamp: one.stamp.clone(), seen: None }).collect()
}

/// Remembers how far a writer has replayed a log, if that saves the next one something.
pub(super) fn remember_replayed(
    witness: &Witness,
    log: &DiskLog,
    state: &State,
    (place, replayed): ((u32, u64), u64),
) {
    let Some(shelf) = witness.shelf(Memory::Replayed) else { return };
    if replayed < WORTH_REMEMBERING {
        return;
    }
    let Ok(segments) = log.segments() else { return };
    let stamped = stamped(&segments, place);
    let known = knowledge(state, place, stamped, (state.recorded_at(), None));
    // It saves time and nothing else.
    known::keep(&shelf, &known, state);
}

/// Remembers a log that a writer has just made so much longer: what it wrote was judged before.
pub(super) fn remember_written(witness: &Witness, log: &DiskLog, state: &State, written: u64) {
    if !witness.exists() || written < WORTH_REMEMBERING {
        return;
    }
    let end = log.segments().ok().and_then(|segments| segments.last().map(|s| (s.number, s.len)));
    if let Some(place) = end {
        remember_replayed(witness, log, state, (place, written));
    }
}

/// Verifies the copy in a folder, with this machine's memory of it beside what `options` gives.
/// What is found valid is remembered.
pub fn verify_folder(folder: &Path, state_folder: Option<&Path>, options: Options) -> Verdict {
    verify_copy(&system(), (folder, state_folder), options, false)
}

/// Likewise, but only what is new since this machine verified the copy last, if that can be told.
/// The verdict says which records that were.
pub fn verify_new(folder: &Path, state_folder: Option<&Path>, options: Options) -> Verdict {
    verify_copy(&system(), (folder, state_folder), options, true)
}

/// Both, on other files than the system's.
pub fn verify_copy(
    files: &Arc<dyn Files>,
    (folder, state_folder): (&Path, Option<&Path>),
    mut options: Options,
    only_new: bool,
) -> Verdict {
    let log = DiskLog::open_on(files.clone(), folder);
    let witness = Witness::new_on(files.clone(), state_folder, folder);
    // A memory that cannot be read is one that was not given; the verdict says so.
    options.remembered = witness.head().ok().flatten();
    // Before anything is read: a segment that is written to meanwhile counts as touched.
    let segments = log.segments().unwrap_or_default();
    let shelf = witness.shelf(Memory::Verified);
    let file = only_new.then(|| shelf.clone().and_then(known::read));
    let before = file.as_ref().map(|file| behind_known(&log, file.as_ref(), &mut options));
    let (since, mut why) = match before {
        None => (None, None),
        Some(Err(why)) => (None, Some(why)),
        Some(Ok(since)) => (Some(since), None),
    };
    let mut known = since.as_ref().map(|since| since.known.clone());
    let (mut verdict, mut state, mut kept) = verify_since(&log, &options, since);
    if !state.is_whole() {
        // Nothing that was found behind it counts.
        (known, why) = (None, Some(damaged()));
        (verdict, state, kept) = verify_since(&log, &options, None);
    }
    if let Some(why) = why {
        verdict.since = SinceVerified::Everything(why);
    }
    // Where nothing is new and nothing was touched, what is known goes on to be.
    let is_same = known.as_ref().is_some_and(|known| {
        let stamps = stamped(&segments, known.place);
        let same = stamps.iter().map(|one| &one.stamp).eq(known.segments.iter().map(|o| &o.stamp));
        same && kept.is_some() && state.next_seq() == known.records
    });
    // Without a clock nothing can be said of when.
    if !is_same
        && let Some((kept, now)) = kept.zip(options.now)
        && let Some(shelf) = shelf
        && let Some(known) = verified(&state, &kept, &segments, known.as_ref(), now)
    {
        known::keep(&shelf, &known, &state);
    }
    // Letting go of a million payouts takes as long as writing what is known of them, and nobody
    // waits for it.
    rayon::spawn(move || drop(state));
    verdict
}

fn damaged() -> String {
    "what this machine remembers of the copy is damaged, or not what it remembered".to_owned()
}

/// What was verified before, as the beginning of a verification; `Err` says why everything is to be
/// verified.
fn behind_known(
    log: &DiskLog,
    file: Option<&KnownFile>,
    options: &mut Options,
) -> Result<Since, String> {
    let none = "this machine does not remember to have verified this copy";
    let file = file.ok_or_else(|| none.to_owned())?;
    let known = &file.known;
    let last = known.records.saturating_sub(1);
    let elsewhere = || {
        format!(
            "the log does not begin with the {} records that this machine verified here before",
            known.records
        )
    };
    let remembered = options.remembered.filter(|head| head.ledger == known.ledger);
    let holds = || prefix::holds(log, known, Again::Touched, None);
    let (read, restored) = rayon::join(holds, || file.state(Trust::Untouched));
    let sight = match read {
        Some(read) => read.sight,
        None => {
            // What was verified here was here: a log without it is an older one, or another.
            if remembered.is_none_or(|head| head.seq < last) {
                let (ledger, hash) = (known.ledger, known.head);
                options.remembered = Some(RememberedHead { ledger, seq: last, hash });
            }
            return Err(elsewhere());
        }
    };
    if remembered.is_some_and(|head| head.seq < last) {
        return Err(
            "this machine remembers an earlier record as the last one that was recorded here"
                .to_owned(),
        );
    }
    if let Some(signed) = options.against.iter().find(|signed| signed.said.seq < last) {
        return Err(format!(
            "the acknowledgement of {} names record {}, before those that are new",
            signed.author.party, signed.said.seq
        ));
    }
    let state = restored.ok_or_else(damaged)?;
    Ok(Since { known: known.clone(), state, sight })
}

/// What is remembered of a log that was found valid.
fn verified(
    state: &State,
    kept: &Kept,
    segments: &[Segment],
    before: Option<&Known>,
    now: Timestamp,
) -> Option<Known> {
    let before_at = |number| before.and_then(|known| known.segments.get(number as usize)?.seen);
    let seen = |number: u32| kept.sight.of(number).or_else(|| before_at(number));
    let mut stamped = stamped(segments, kept.place);
    for (number, one) in (0u32..).zip(&mut stamped) {
        // Without its signatures nothing is known of a segment.
        one.seen = Some(seen(number)?);
    }
    let complete = before.map(|known| known.complete);
    Some(knowledge(state, kept.place, stamped, (now, complete)))
}
