//! From a log's bytes to its state: read, hash, link, decode, evolve.
//!
//! This is how a ledger opens its own log. It checks hashes, links and rules; signatures are
//! checked where records come from someone else ([`crate::verify`], pulling), and always that of
//! the last record, which a power cut may have left without its end. Hashing and decoding run in
//! parallel, links and rules in order.

use rayon::prelude::*;

use crate::chain;
use crate::chain::StoredRecord;
use crate::event::Fact;
use crate::evolve::evolve;
use crate::state::State;
use crate::store::Batch;
use crate::store::Ending;
use crate::store::Reader;
use crate::store::SegmentSource;
use crate::store::reader::FrameAt;
use crate::store::reader::Tail;
use crate::store::reader::has_unwritten_end;
use crate::store::reader::has_unwritten_sector;
use crate::vocab::Code;
use crate::vocab::LedgerId;
use crate::vocab::PeriodLength;
use crate::vocab::Place;
use crate::vocab::Problem;

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
    let mut state = State::default();
    let mut reader = Reader::new(source)?;
    let mut batch = Batch::default();
    let end = source.segments()?.pop().map(|last| (last.number, last.len));
    // Where the parts of a report began that no event has closed yet.
    let mut group: Option<(u64, FrameAt)> = None;
    while reader.next_batch(&mut batch)? {
        let mut from = 0;
        while from < batch.len() {
            // Record 0 says how long periods are; whatever follows it is decoded in parallel.
            let to = if state.agreement().is_none() { from + 1 } else { batch.len() };
            let length = period_length(&state);
            let decoded: Vec<Result<(chain::Place, Fact), Problem>> = (from..to)
                .into_par_iter()
                .map(|at| {
                    let place = batch.frame(at).map(|(place, _)| place);
                    let is_last = place.is_some_and(|place| is_at_end(place, end));
                    let checked = is_last || signatures == Signatures::Checked;
                    decode(&batch, at, length, checked)
                })
                .collect();
            for (at, fact) in (from..to).zip(decoded) {
                let Some((place, frame)) = batch.frame(at) else {
                    continue;
                };
                if last.is_some_and(|last| state.next_seq() > last) {
                    return Ok(Replayed { state, unfinished: None });
                }
                let (stands, fact) = match fact {
                    Ok(decoded) => decoded,
                    Err(problem) if is_at_end(place, end) && is_torn(&problem, place, frame) => {
                        let (segment, offset) = (place.segment, place.offset);
                        let tail = Tail { segment, offset, len: frame.len() as u64 };
                        return finish(source, state, group, Some(tail));
                    }
                    Err(problem) => return Err(placed(problem, &state)),
                };
                stands.check_follows(ledger_id(&state), state.next_seq(), state.head())?;
                evolve(&mut state, &fact).map_err(|violation| refused(violation, fact.seq))?;
                group = match state.open_parts().is_empty() {
                    true => None,
                    false => group.or(Some((fact.seq, place))),
                };
                on_fact(&state, &fact, place);
            }
            from = to;
        }
    }
    match reader.ending().cloned() {
        Some(Ending::Damaged { problem, .. }) => Err(at_next(*problem, &state)),
        Some(Ending::Unfinished(tail)) => finish(source, state, group, Some(tail)),
        _ => finish(source, state, group, None),
    }
}

/// The length of periods that the terms set; any, before there are terms.
pub fn period_length(state: &State) -> PeriodLength {
    state.agreement().map_or(PeriodLength::Month, |known| known.terms().period_length)
}

fn decode(
    batch: &Batch,
    at: usize,
    length: PeriodLength,
    check_signature: bool,
) -> Result<(chain::Place, Fact), Problem> {
    let (_, frame) = batch.frame(at).ok_or_else(|| Problem::new(Code::FrameBroken, "no frame"))?;
    let record = StoredRecord::read(frame)?.check_hash()?;
    if check_signature {
        record.check_signature()?;
    }
    Ok((record.stored.place, record.fact(length)?))
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

/// The ledger id that the next record names.
pub fn ledger_id(state: &State) -> LedgerId {
    state.agreement().map_or(LedgerId::default(), |known| known.ledger())
}

/// Whether a frame is the last thing in a log that ends in this segment at this length.
fn is_at_end(place: FrameAt, end: Option<(u32, u64)>) -> bool {
    end == Some((place.segment, place.offset + place.len as u64))
}

/// Whether a last record that cannot be read was never written whole.
fn is_torn(problem: &Problem, place: FrameAt, frame: &[u8]) -> bool {
    match problem.code {
        Code::RecordHash | Code::FrameBroken => has_unwritten_sector(frame, place.offset),
        Code::SignatureWrong => has_unwritten_end(frame, place.offset),
        // The bytes are what was written; it is what they say that this release cannot read.
        _ => false,
    }
}

/// The end of a log. Parts without the event that closes them are part of an unfinished append:
/// the state is that before them.
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
