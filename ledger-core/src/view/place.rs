//! Finding a record by what people have in hand: a number, the beginning of a hash or id, a time.

use crate::state::State;
use crate::view::record::Record;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// Fewest hexadecimal digits of a prefix.
pub const PREFIX_LEN_MIN: usize = 6;

/// Where a record stands, and by what it can be found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Located {
    /// Sequence number.
    pub seq: u64,
    /// Hash of the record.
    pub hash: Digest,
    /// The event's id.
    pub id: EventId,
    /// Recorded time.
    pub recorded_at: Timestamp,
}

/// The beginning of a hash or an event id: at least six hexadecimal digits, in lower case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prefix(String);

impl Located {
    /// The place of a record.
    pub fn of(record: &Record) -> Located {
        let Record { seq, hash, id, recorded_at, .. } = record;
        Located { seq: *seq, hash: hash.0, id: *id, recorded_at: *recorded_at }
    }
}

impl Prefix {
    /// Reads a prefix; `None` if it is none.
    pub fn parse(text: &str) -> Option<Prefix> {
        let fits = (PREFIX_LEN_MIN..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Prefix(text.to_ascii_lowercase()))
    }

    /// Whether a digest begins with it.
    pub fn fits(&self, digest: &Digest) -> bool {
        digest.to_string().starts_with(&self.0)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The record whose hash or event id begins with a prefix. Errors: [`Code::UnknownEvent`],
/// [`Code::AmbiguousEvent`].
pub fn by_prefix(places: &[Located], prefix: &Prefix) -> Result<u64, Problem> {
    let fits = |place: &&Located| prefix.fits(&place.hash) || prefix.fits(&place.id.0);
    let found: Vec<u64> = places.iter().filter(fits).map(|place| place.seq).collect();
    match found[..] {
        [seq] => Ok(seq),
        [] => Err(unknown(format!("no hash or event id begins with {}", prefix.as_str()))),
        _ => {
            let records: Vec<String> = found.iter().take(5).map(u64::to_string).collect();
            Err(Problem::new(
                Code::AmbiguousEvent,
                format!(
                    "{} records begin with {}: {}",
                    found.len(),
                    prefix.as_str(),
                    records.join(", ")
                ),
            )
            .hint("give more digits, or the record number"))
        }
    }
}

/// The last record whose recorded time is not after a time. Errors: [`Code::UnknownEvent`].
pub fn at_time(places: &[Located], at: Timestamp) -> Result<u64, Problem> {
    let until = places.partition_point(|place| place.recorded_at <= at);
    match until.checked_sub(1).and_then(|last| places.get(last)) {
        Some(place) => Ok(place.seq),
        None => {
            let first = places.first().map_or("never".to_owned(), |p| p.recorded_at.to_string());
            Err(unknown(format!("nothing was recorded until {at}; the ledger was opened {first}")))
        }
    }
}

/// A record by its number. Errors: [`Code::UnknownEvent`].
pub fn by_number(state: &State, seq: u64) -> Result<u64, Problem> {
    if seq < state.next_seq() {
        return Ok(seq);
    }
    let last = state.next_seq().saturating_sub(1);
    Err(unknown(format!("there is no record {seq}; the last one is {last}")))
}

/// The event of a record. Errors: [`Code::UnknownEvent`].
pub fn event_of(state: &State, seq: u64) -> Result<EventId, Problem> {
    let found = state.event_at(seq).map(|row| row.id);
    found.ok_or_else(|| unknown(format!("there is no record {seq}")))
}

fn unknown(message: String) -> Problem {
    Problem::new(Code::UnknownEvent, message).hint("`revshare history` lists the records")
}
