//! From a log's bytes to its state: read, hash, link, decode, evolve.
//!
//! This is how a ledger opens its own log. It checks hashes, links and rules; signatures are
//! checked where records come from someone else ([`crate::verify`], pulling), and always that of
//! the last record, which a power cut may have left without its end. Hashing and decoding run in
//! parallel, links and rules in order.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of records that were read: no disk holds 2^64"
)]

use std::ops::Range;

use rayon::prelude::*;

use crate::chain;
use crate::chain::StoredRecord;
use crate::event::Fact;
use crate::evolve::apply;
use crate::evolve::judge;
use crate::evolve::sums_of;
use crate::state::State;
use crate::store::Batch;
use crate::store::Ending;
use crate::store::Reader;
use crate::store::SegmentSource;
use crate::store::ending::Tail;
use crate::store::ending::torn_record;
use crate::store::reader::FrameAt;
use crate::usage::UsageSums;
use crate::vocab::Code;
use crate::vocab::LedgerId;
use crate::vocab::PeriodLength;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::to_u64;

/// A log, replayed.
#[derive(Debug)]
pub struct Replayed {
    /// The state after its last record.
    pub state: State,
    /// Bytes behind that record that belong to an append that was never finished.
    pub unfinished: Option<Tail>,
}

/// Which checks a replay makes besides hashes, links and rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signatures {
    /// Signatures were checked when the records came in; only the last one is checked.
    Trusted,
    /// Every signature is checked.
    Checked,
}

/// Replays a log, up to and including the record `last` if one is given. `on_fact` sees every fact
/// that was applied, with the state after it and its place. Errors: everything that makes a log
/// unreadable, with the first bad record as its place.
pub fn replay(
    source: &dyn SegmentSource,
    last: Option<u64>,
    signatures: Signatures,
    on_fact: &mut dyn FnMut(&State, &Fact, FrameAt),
) -> Result<Replayed, Problem> {
    go_through(source, Start::default(), (last, signatures), &mut |state, fact, at, _| {
        on_fact(state, fact, at);
    })
}

/// Replays somebody else's log: every signature is checked. `on_record` sees every fact that was
/// applied, with its place and its signature, which the record's hash does not cover. Errors: those
/// of [`replay`].
pub fn replay_signed(
    source: &dyn SegmentSource,
    on_record: &mut dyn FnMut(&Fact, FrameAt, &[u8; 64]),
) -> Result<Replayed, Problem> {
    replay_from(source, Start::default(), Signatures::Checked, on_record)
}

/// Where a replay starts; by default before record 0.
#[derive(Debug, Default)]
pub struct Start {
    /// The state there.
    pub state: State,
    /// Where the record behind it begins, or will.
    pub place: Option<(u32, u64)>,
}

/// Replays what follows on a start, and shows every fact with its place and its signature, which
/// the record's hash does not cover. Errors: those of [`replay`].
pub fn replay_from(
    source: &dyn SegmentSource,
    start: Start,
    signatures: Signatures,
    on_record: &mut dyn FnMut(&Fact, FrameAt, &[u8; 64]),
) -> Result<Replayed, Problem> {
    go_through(source, start, (None, signatures), &mut |_, fact, at, signature| {
        on_record(fact, at, signature);
    })
}

fn go_through(
    source: &dyn SegmentSource,
    start: Start,
    (last, signatures): (Option<u64>, Signatures),
    on_record: &mut OnRecord<'_>,
) -> Result<Replayed, Problem> {
    let mut reader = match start.place {
        Some(place) => Reader::from_place(source, place, Some(start.state.next_seq()))?,
        None => Reader::new(source)?,
    };
    let end = reader.end();
    let mut run = Run { state: start.state, last, group: None, at: None, on_record };
    let (mut batch, mut next) = (Batch::default(), Batch::default());
    let mut waiting = Vec::new();
    let mut more = reader.next_batch(&mut batch)?;
    while more {
        let mut from = 0;
        let mut read = Ok(false);
        while from < batch.len() {
            if waiting.is_empty() && last.is_some_and(|last| run.state.next_seq() > last) {
                return run.stopped(source, Stop::Reached);
            }
            // Record 0 says how long periods are; whatever follows it is decoded in parallel, while
            // what stands before it is applied in order.
            let is_known = run.state.agreement().is_some();
            let to = if is_known { batch.end_of_share(from) } else { from + 1 };
            let length = period_length(&run.state);
            let mut decoded = Vec::new();
            let applied = rayon::in_place_scope(|scope| {
                scope.spawn(|_| {
                    decoded = decode_all(&batch, from..to, (length, signatures), end);
                    if to == batch.len() {
                        read = reader.next_batch(&mut next);
                    }
                });
                run.apply_all(std::mem::take(&mut waiting))
            });
            waiting = decoded;
            let stop = match (applied?, is_known) {
                (None, false) => run.apply_all(std::mem::take(&mut waiting))?,
                (stop, _) => stop,
            };
            if let Some(stop) = stop {
                // What was read ahead was not needed; that it could not be read is said all the same.
                read?;
                return run.stopped(source, stop);
            }
            from = to;
        }
        std::mem::swap(&mut batch, &mut next);
        more = match read {
            Ok(more) => more,
            Err(problem) => {
                run.apply_all(waiting)?;
                return Err(problem);
            }
        };
    }
    if let Some(stop) = run.apply_all(waiting)? {
        return run.stopped(source, stop);
    }
    match reader.ending().cloned() {
        Some(Ending::Damaged { problem, .. }) => Err(at_next(*problem, &run.state)),
        Some(Ending::Unfinished(tail)) => run.stopped(source, Stop::Torn(tail)),
        _ => finish(source, run.state, run.group, None),
    }
}

/// Sees what was applied, with the state after it, its place and its signature.
type OnRecord<'f> = dyn FnMut(&State, &Fact, FrameAt, &[u8; 64]) + 'f;

/// What a sound record says.
struct Said {
    stands: chain::Place,
    fact: Fact,
    sums: Option<UsageSums>,
    signature: [u8; 64],
}

/// A record, decoded and not yet applied.
struct Decoded {
    place: FrameAt,
    said: Result<Said, Problem>,
    /// The number of the record that it is what an unfinished append left of, if it is the last
    /// one and can be.
    torn: Option<u64>,
}

/// Why a replay ends before the log does.
enum Stop {
    /// The record that was asked for was applied.
    Reached,
    /// What follows is what an unfinished append left.
    Torn(Tail),
}

/// A replay on its way.
struct Run<'f> {
    state: State,
    last: Option<u64>,
    /// Where the parts of a report began that no event has closed yet.
    group: Option<(u64, FrameAt)>,
    /// Where the record lies that was applied last.
    at: Option<FrameAt>,
    on_record: &'f mut OnRecord<'f>,
}

impl Run<'_> {
    fn apply_all(&mut self, decoded: Vec<Decoded>) -> Result<Option<Stop>, Problem> {
        for one in decoded {
            if self.last.is_some_and(|last| self.state.next_seq() > last) {
                return Ok(Some(Stop::Reached));
            }
            let place = one.place;
            let Said { stands, fact, sums, signature } = match one.said {
                Ok(decoded) => decoded,
                Err(_) if one.torn == Some(self.state.next_seq()) => {
                    let (segment, offset) = (place.segment, place.offset);
                    return Ok(Some(Stop::Torn(Tail { segment, offset, len: to_u64(place.len) })));
                }
                Err(problem) => return Err(placed(problem, &self.state)),
            };
            let state = &mut self.state;
            stands.check_follows(ledger_id(state), state.next_seq(), state.head())?;
            let judged = judge(state, &fact, sums);
            apply(state, judged.map_err(|violation| refused(violation, fact.seq))?);
            self.group = match state.open_parts().is_empty() {
                true => None,
                false => self.group.or(Some((fact.seq, place))),
            };
            self.at = Some(place);
            (self.on_record)(&self.state, &fact, place, &signature);
        }
        Ok(None)
    }

    fn stopped(self, source: &dyn SegmentSource, stop: Stop) -> Result<Replayed, Problem> {
        match stop {
            Stop::Reached => Ok(Replayed { state: self.state, unfinished: None }),
            Stop::Torn(tail) => {
                check_last(source, self.at)?;
                finish(source, self.state, self.group, Some(tail))
            }
        }
    }
}

/// Decodes frames of a batch, in parallel. The signature of the record at the end of the log is
/// always checked.
fn decode_all(
    batch: &Batch,
    frames: Range<usize>,
    (length, signatures): (PeriodLength, Signatures),
    end: Option<(u32, u64)>,
) -> Vec<Decoded> {
    let decoded = frames.into_par_iter().filter_map(|at| batch.frame(at)).map(|(place, frame)| {
        let is_last = is_at_end(place, end);
        let said = decode(frame, length, is_last || signatures == Signatures::Checked);
        let torn = match &said {
            Err(_) if is_last => torn_record(frame, place.offset),
            _ => None,
        };
        Decoded { place, said, torn }
    });
    decoded.collect()
}

/// The length of periods that the terms set; any, before there are terms.
pub fn period_length(state: &State) -> PeriodLength {
    state.agreement().map_or(PeriodLength::Month, |known| known.terms().period_length)
}

fn decode(frame: &[u8], length: PeriodLength, check_signature: bool) -> Result<Said, Problem> {
    let record = StoredRecord::read_found(frame)?.check_hash()?;
    if check_signature {
        record.check_signature()?;
    }
    let fact = record.fact(length)?;
    let sums = sums_of(&fact.event);
    let StoredRecord { place: stands, signature, .. } = record.stored;
    Ok(Said { stands, fact, sums, signature: *signature })
}

/// The record that a problem without a place is about is the next one.
fn placed(problem: Problem, state: &State) -> Problem {
    problem.at_record(state.next_seq())
}

/// Names the record that damage hits beside the place in the file.
fn at_next(mut problem: Problem, state: &State) -> Problem {
    problem.message = format!("record {}: {}", state.next_seq(), problem.message);
    problem
}

fn refused(violation: Problem, seq: u64) -> Problem {
    Problem::new(
        Code::EventRefused,
        format!("the event is not admissible: {} [{}]", violation.message, violation.code.as_str()),
    )
    .hint("the log breaks the ledger's rules: see `revshare verify`, and compare with another copy")
    .at(Place::Record { seq })
}

/// The refusal of a log without a record, but for what an unfinished append left.
pub fn nothing_recorded(bytes: u64) -> Problem {
    let what = match bytes {
        0 => "the log has no record".to_owned(),
        bytes => format!("the log has no record, only {bytes} bytes of an unfinished append"),
    };
    Problem::new(Code::Truncated, format!("nothing is recorded here: {what}"))
        .at(Place::Record { seq: 0 })
        .hint("restore it from another copy, or open the ledger again in an empty folder")
}

/// The ledger id that the next record names.
pub fn ledger_id(state: &State) -> LedgerId {
    state.agreement().map_or(LedgerId::default(), |known| known.ledger())
}

/// Whether a frame is the last thing in a log that ends in this segment at this length.
pub(crate) fn is_at_end(place: FrameAt, end: Option<(u32, u64)>) -> bool {
    end == Some((place.segment, place.end()))
}

/// Checks the signature of the record before an unfinished append: a missing sector may hold the
/// end of it, and then it is not that append alone that lacks something.
fn check_last(source: &dyn SegmentSource, at: Option<FrameAt>) -> Result<(), Problem> {
    let Some(at) = at else { return Ok(()) };
    let mut frame = vec![0; at.len];
    source.read_at(at.segment, at.offset, &mut frame)?;
    StoredRecord::read_found(&frame)?.check_hash()?.check_signature()
}

/// The end of a log. Parts without the event that closes them are part of an unfinished append:
/// the state is that before them, for which the log is read again.
fn finish(
    source: &dyn SegmentSource,
    state: State,
    group: Option<(u64, FrameAt)>,
    tail: Option<Tail>,
) -> Result<Replayed, Problem> {
    let Some((seq, place)) = group else {
        return Ok(Replayed { state, unfinished: tail });
    };
    let segments = source.segments()?;
    let len = segments
        .iter()
        .filter(|segment| segment.number >= place.segment)
        .map(|segment| segment.len)
        .sum::<u64>()
        .saturating_sub(place.offset);
    let unfinished = Some(Tail { segment: place.segment, offset: place.offset, len });
    // A group never begins with record 0.
    let before =
        replay(source, Some(seq.saturating_sub(1)), Signatures::Trusted, &mut |_, _, _| {})?;
    Ok(Replayed { unfinished, ..before })
}
