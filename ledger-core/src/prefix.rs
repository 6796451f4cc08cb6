//! How far a log is known to this machine, and whether it still begins so.
//!
//! A record's hash covers its bytes and the hash of the record before it, so that one hash stands for
//! a whole beginning: if the records up to a place link to it, their bytes are those that were judged
//! when it was remembered. Signatures stand behind the hash; they are held against a digest of their
//! own.

use rayon::prelude::*;

use crate::chain::StoredRecord;
use crate::replay::is_at_end;
use crate::store::Batch;
use crate::store::Reader;
use crate::store::SegmentSource;
use crate::store::reader::FrameAt;
use crate::vocab::Digest;
use crate::vocab::LedgerId;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;
use crate::vocab::digest::Domain;

/// How far a log is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// The ledger.
    pub ledger: LedgerId,
    /// How many records are known.
    pub records: u64,
    /// Hash of the last of them.
    pub head: RecordHash,
    /// Where the record behind it begins, or will: segment and offset.
    pub place: (u32, u64),
    /// When it was remembered.
    pub at: Timestamp,
    /// Up to which record, and when, everything was last gone through at once.
    pub complete: (u64, Timestamp),
    /// The segments up to there, in order.
    pub segments: Vec<KnownSegment>,
    /// Digest of the snapshot of the state behind the last of these records.
    pub snapshot: Digest,
}

/// A segment, as it was when it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KnownSegment {
    /// What the file system said about it.
    pub stamp: String,
    /// Digest of its signatures, as far as its records are known; none where signatures were not
    /// checked.
    pub signatures: Option<Digest>,
}

/// Which bytes are read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Again {
    /// All.
    All,
    /// From the first segment on that was touched since, as the file system says.
    Touched,
}

/// Signatures of records, segment by segment.
#[derive(Clone, Debug, Default)]
pub struct SignatureDigests(Vec<(u32, blake3::Hasher)>);

impl SignatureDigests {
    /// Adds the signature of the next record.
    pub fn add(&mut self, segment: u32, signature: &[u8; 64]) {
        match self.0.last_mut().filter(|(last, _)| *last == segment) {
            Some((_, hasher)) => {
                hasher.update(signature);
            }
            None => {
                let mut hasher = Domain::Index.hasher();
                hasher.update(signature);
                self.0.push((segment, hasher));
            }
        }
    }

    /// The digest of a segment's; `None` if none was added.
    pub fn of(&self, segment: u32) -> Option<Digest> {
        let found = self.0.iter().find(|(number, _)| *number == segment);
        found.map(|(_, hasher)| Digest(*hasher.finalize().as_bytes()))
    }
}

/// What links a record to others.
struct Link {
    at: FrameAt,
    seq: u64,
    ledger: LedgerId,
    previous: RecordHash,
    hash: RecordHash,
    signature: [u8; 64],
}

/// Whether a log begins as it is known: `None` if not, or if that cannot be told. `see` gets number,
/// hash and place of every record that was read again. Returns the signatures of these.
pub fn holds(
    source: &dyn SegmentSource,
    known: &Known,
    again: Again,
    see: &mut dyn FnMut(u64, RecordHash, FrameAt),
) -> Option<SignatureDigests> {
    let segments = source.segments().ok()?;
    let needed = segments.get(..=known.place.0 as usize)?;
    let in_order = (0u32..).zip(needed).all(|(number, segment)| segment.number == number);
    if !in_order || needed.last()?.len < known.place.1 {
        return None;
    }
    let untouched = |(segment, known): (&crate::store::Segment, &KnownSegment)| {
        again == Again::Touched && segment.stamp == known.stamp && !segment.stamp.is_empty()
    };
    let first = needed.iter().zip(&known.segments).take_while(|both| untouched(*both)).count();
    let mut signatures = SignatureDigests::default();
    if first == needed.len() {
        return Some(signatures);
    }
    let end = segments.last().map(|last| (last.number, last.len));
    let next = if first == 0 { Some(0) } else { None };
    let mut reader = Reader::from_place(source, (first as u32, 0), next).ok()?;
    let (mut batch, mut following) = (Batch::default(), Batch::default());
    let mut last: Option<(u64, RecordHash)> = if first == 0 { None } else { Some((0, known.head)) };
    let mut is_first = true;
    let mut more = reader.next_batch(&mut batch).ok()?;
    while more {
        let (links, read) =
            rayon::join(|| links(&batch, end), || reader.next_batch(&mut following));
        for link in links {
            let Link { at, seq, ledger, previous, hash, signature } = link?;
            let follows = match (last, is_first) {
                // The hash of the record before is known by the one that names it.
                (Some(_), true) => seq > 0 && ledger == known.ledger,
                (Some((before, hash)), false) => {
                    before.checked_add(1) == Some(seq) && previous == hash && ledger == known.ledger
                }
                (None, _) => seq == 0 && hash.0 == known.ledger.0,
            };
            if !follows || seq >= known.records {
                return None;
            }
            signatures.add(at.segment, &signature);
            see(seq, hash, at);
            if seq.checked_add(1) == Some(known.records) {
                let place = (at.segment, at.offset + at.len as u64);
                let same = hash == known.head && place == known.place;
                let signed = (0u32..).zip(&known.segments).skip(first).all(|(number, segment)| {
                    segment.signatures.is_none() || segment.signatures == signatures.of(number)
                });
                return (same && signed).then_some(signatures);
            }
            last = Some((seq, hash));
            is_first = false;
        }
        more = read.ok()?;
        std::mem::swap(&mut batch, &mut following);
    }
    None
}

/// Reads and hashes frames of a batch, in parallel. The signature of the last record of a log is
/// checked: a power cut may have left it without its end.
fn links(batch: &Batch, end: Option<(u32, u64)>) -> Vec<Option<Link>> {
    let link = |(at, frame): (FrameAt, &[u8])| {
        let record = StoredRecord::read_found(frame).ok()?.check_hash().ok()?;
        if is_at_end(at, end) {
            record.check_signature().ok()?;
        }
        let StoredRecord { place, hash, signature, .. } = record.stored;
        let (seq, ledger, previous) = (place.seq, place.ledger, place.previous);
        Some(Link { at, seq, ledger, previous, hash, signature: *signature })
    };
    (0..batch.len()).into_par_iter().map(|at| batch.frame(at).and_then(link)).collect()
}
