//! How far a log is known to this machine, and whether it still begins so.
//!
//! A record's hash covers its bytes and the hash of the record before it, so that one hash stands for
//! a whole beginning: if the records up to a place link to it, their bytes are those that were judged
//! when it was remembered. Signatures stand behind the hash; they are held against a digest of their
//! own. The segment to which more may come will have been touched: of that one a digest of all bytes is
//! remembered, with which many small records are held several times faster than one by one.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use crate::chain::StoredRecord;
use crate::chain::frame::FrameHeader;
use crate::replay::is_at_end;
use crate::store::Batch;
use crate::store::Ending;
use crate::store::Reader;
use crate::store::Segment;
use crate::store::SegmentHeader;
use crate::store::SegmentSource;
use crate::store::reader::FrameAt;
use crate::store::segment::SEGMENT_HEADER_LEN;
use crate::vocab::Digest;
use crate::vocab::LedgerId;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;
use crate::vocab::digest::Domain;

/// Frames that a thread takes at once at least: hashing a small one takes half a microsecond.
const SHARE_MIN: usize = 512;

/// Bytes of a segment that are read at once: so many stay in the cache until they are hashed.
const PIECE_LEN: usize = 256 << 10;

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
    /// What was seen of it as far as its records are known; none where signatures were not checked.
    pub seen: Option<Seen>,
}

/// What tells that records of a segment are those that were checked, with their signatures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// Digest of their signatures; everything else is covered by their hashes.
    Signatures(Digest),
    /// Digest of the segment's bytes, and how the records in it link to others.
    Bytes(Digest, Links),
}

/// How the records of a segment, which link to each other, link to those before and behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Links {
    /// What the first of them names as the hash before it.
    pub previous: RecordHash,
    /// Number of the last.
    pub last_seq: u64,
    /// Hash of the last.
    pub head: RecordHash,
}

/// Which bytes are read again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Again {
    /// All.
    All,
    /// From the first segment on that was touched since, as the file system says.
    Touched,
}

/// What is seen of records while they are read, segment by segment.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    segments: Vec<SegmentSight>,
    /// Something was passed over.
    has_gap: bool,
}

#[derive(Clone, Debug)]
struct SegmentSight {
    segment: u32,
    /// What is hashed of it.
    of: Of,
    hasher: blake3::Hasher,
    /// Where the next record begins.
    end: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Of {
    /// The signatures of its records.
    Signatures,
    /// All its bytes; of records, once there are some.
    Bytes(Option<Links>),
}

impl SegmentSight {
    fn of_signatures(segment: u32) -> SegmentSight {
        let hasher = Domain::Index.hasher();
        SegmentSight { segment, of: Of::Signatures, hasher, end: SEGMENT_HEADER_LEN as u64 }
    }

    fn of_bytes(header: SegmentHeader) -> SegmentSight {
        let mut hasher = Domain::Index.hasher();
        hasher.update(&header.bytes());
        let (segment, end) = (header.number, SEGMENT_HEADER_LEN as u64);
        SegmentSight { segment, of: Of::Bytes(None), hasher, end }
    }

    /// Adds frames of a batch, which follow on those before; `None` if they do not, or if one of them is
    /// no record.
    fn add(&mut self, batch: &Batch, frames: Range<usize>) -> Option<()> {
        let (at, first) = batch.frame(frames.start)?;
        if at.offset != self.end {
            return None;
        }
        match &mut self.of {
            Of::Signatures => frames.into_iter().try_for_each(|at| {
                let (at, frame) = batch.frame(at)?;
                self.add_signature(at, StoredRecord::read_found(frame).ok()?.signature);
                Some(())
            }),
            Of::Bytes(links) => {
                let (at, last) = batch.frame(frames.end.checked_sub(1)?)?;
                let StoredRecord { place, hash, .. } = StoredRecord::read_found(last).ok()?;
                let previous = match links {
                    Some(links) => links.previous,
                    None => StoredRecord::read_found(first).ok()?.place.previous,
                };
                *links = Some(Links { previous, last_seq: place.seq, head: hash });
                self.hasher.update_rayon(batch.bytes(frames)?);
                self.end = at.end();
                Some(())
            }
        }
    }

    fn add_signature(&mut self, at: FrameAt, signature: &[u8; 64]) {
        self.hasher.update(signature);
        self.end = at.end();
    }

    /// `None` if there was no record.
    fn seen(&self) -> Option<Seen> {
        let digest = Digest(*self.hasher.finalize().as_bytes());
        match self.of {
            Of::Signatures => Some(Seen::Signatures(digest)),
            Of::Bytes(links) => links.map(|links| Seen::Bytes(digest, links)),
        }
    }
}

impl Sight {
    /// Adds frames of a batch; `growing` is the segment to which more records may come.
    pub fn add(&mut self, batch: &Batch, frames: Range<usize>, growing: Option<u32>) {
        let Some((first, frame)) = batch.frame(frames.start).filter(|_| !frames.is_empty()) else {
            return;
        };
        let number = first.segment;
        if self.segments.last().is_none_or(|last| last.segment != number) {
            // A segment's header says what the number of its first record is.
            let first_seq = FrameHeader::found(frame).map(|header| header.seq);
            self.segments.push(match first_seq.filter(|_| growing == Some(number)) {
                Some(first_seq) => SegmentSight::of_bytes(SegmentHeader { number, first_seq }),
                None => SegmentSight::of_signatures(number),
            });
        }
        let added = self.segments.last_mut().and_then(|last| last.add(batch, frames));
        self.has_gap |= added.is_none();
    }

    /// What was seen of a segment; `None` if nothing was.
    pub fn of(&self, segment: u32) -> Option<Seen> {
        self.segments.iter().find(|one| one.segment == segment)?.seen()
    }

    /// Whether everything was seen, and nothing else, from the start of a segment on up to a place;
    /// also if nothing was.
    pub fn is_whole_up_to(&self, place: (u32, u64)) -> bool {
        let is_there = |last: &SegmentSight| (last.segment, last.end) == place;
        !self.has_gap && self.segments.last().is_none_or(is_there)
    }
}

/// Whether a log begins as it is known: `None` if not, or if that cannot be told. What was read
/// again for that is returned. Segments are read in parallel.
pub fn holds(
    source: &dyn SegmentSource,
    known: &Known,
    again: Again,
    wanted: Option<u64>,
) -> Option<ReadAgain> {
    let segments = source.segments().ok()?;
    let needed = segments.get(..=known.place.0 as usize)?;
    let in_order = (0u32..).zip(needed).all(|(number, segment)| segment.number == number);
    if !in_order || needed.last()?.len < known.place.1 {
        return None;
    }
    let untouched = |(segment, known): (&Segment, &KnownSegment)| {
        again == Again::Touched && segment.stamp == known.stamp && !segment.stamp.is_empty()
    };
    let first = needed.iter().zip(&known.segments).take_while(|both| untouched(*both)).count();
    let end = segments.last().map(|last| (last.number, last.len));
    let batches = Mutex::new(Vec::new());
    let stretches = needed[first..].par_iter().map(|segment| {
        let len = match segment.number == known.place.0 {
            true => known.place.1,
            false => segment.len,
        };
        let segment = Segment { len, ..segment.clone() };
        if let Some(Seen::Bytes(digest, links)) = known.segments.get(segment.number as usize)?.seen
        {
            return Stretch::of_bytes(source, segment, (digest, links, wanted));
        }
        let mut batch: Batch = batches.lock().ok()?.pop().unwrap_or_default();
        let reader = Reader::of_segment(source, segment);
        let stretch = Stretch::of_records(reader, &mut batch, (known.ledger, wanted, end));
        batches.lock().ok()?.push(batch);
        stretch
    });
    let stretches = stretches.collect::<Option<Vec<Stretch>>>()?;
    let mut read = ReadAgain::default();
    // The hash of the record before the first is known by the one that names it.
    let mut last = None;
    for stretch in stretches {
        let Stretch { first_seq, links, sight, wanted } = stretch;
        let follows = match last {
            Some((seq, _)) => u64::checked_add(seq, 1) == Some(first_seq),
            None => (first == 0) == (first_seq == 0),
        };
        // A segment in which nothing stands yet links to nothing.
        let Some(Links { previous, last_seq, head }) = links else {
            if follows { continue } else { return None }
        };
        if !follows || last.is_some_and(|(_, hash)| previous != hash) {
            return None;
        }
        last = Some((last_seq, head));
        read.wanted = read.wanted.or(wanted);
        read.sight.segments.push(sight);
    }
    let same = match last {
        Some((seq, head)) => seq.checked_add(1) == Some(known.records) && head == known.head,
        None => first == needed.len(),
    };
    let seen = (0u32..)
        .zip(&known.segments)
        .skip(first)
        .all(|(number, segment)| segment.seen.is_none() || segment.seen == read.sight.of(number));
    (same && seen).then_some(read)
}

/// What was read again of a beginning that holds.
#[derive(Debug, Default)]
pub struct ReadAgain {
    /// What was seen of it, segment by segment.
    pub sight: Sight,
    /// Hash and place of the record that was asked for, if it was among what was read.
    pub wanted: Option<(RecordHash, FrameAt)>,
}

/// The records of a segment, which link to each other.
struct Stretch {
    first_seq: u64,
    links: Option<Links>,
    sight: SegmentSight,
    wanted: Option<(RecordHash, FrameAt)>,
}

impl Stretch {
    /// Reads a segment and hashes each record; `None` if it is not whole, or not of this ledger. The
    /// signature of the last record of a log, which ends at `end`, is checked: a power cut may have
    /// left it without its end.
    fn of_records(
        mut reader: Reader<'_>,
        batch: &mut Batch,
        (ledger, wanted, end): (LedgerId, Option<u64>, Option<(u32, u64)>),
    ) -> Option<Stretch> {
        let (segment, _) = reader.place();
        let mut sight = SegmentSight::of_signatures(segment);
        let (mut links, mut found): (Option<Links>, _) = (None, None);
        while reader.next_batch(batch).ok()? {
            let frames = (0..batch.len()).into_par_iter().with_min_len(SHARE_MIN);
            let hashed = frames.map(|number| {
                let (at, frame) = batch.frame(number)?;
                let record = StoredRecord::read_found(frame).ok()?.check_hash().ok()?;
                if is_at_end(at, end) {
                    record.check_signature().ok()?;
                }
                Some((at, record.stored))
            });
            for hashed in hashed.collect::<Vec<Option<(FrameAt, StoredRecord<'_>)>>>() {
                let (at, StoredRecord { place, hash, signature, .. }) = hashed?;
                let follows = match &links {
                    Some(Links { last_seq, head, .. }) => {
                        last_seq.checked_add(1) == Some(place.seq) && place.previous == *head
                    }
                    None => reader.first_seq() == Some(place.seq),
                };
                // Record 0 names no ledger: its hash is the ledger's id.
                let names =
                    if place.seq == 0 { hash.0 == ledger.0 } else { place.ledger == ledger };
                if !follows || !names {
                    return None;
                }
                sight.add_signature(at, signature);
                if wanted == Some(place.seq) {
                    found = Some((hash, at));
                }
                let previous = links.map_or(place.previous, |links| links.previous);
                links = Some(Links { previous, last_seq: place.seq, head: hash });
            }
        }
        let first_seq = reader.first_seq()?;
        let is_whole = *reader.ending()? == Ending::Clean;
        is_whole.then_some(Stretch { first_seq, links, sight, wanted: found })
    }

    /// Reads a segment of which a digest of all bytes is known, and hashes it while what follows is
    /// read; `None` if it is another one.
    fn of_bytes(
        source: &dyn SegmentSource,
        segment: Segment,
        (digest, links, wanted): (Digest, Links, Option<u64>),
    ) -> Option<Stretch> {
        let (number, len) = (segment.number, segment.len);
        let read = |piece: &mut Vec<u8>, at: u64| {
            let left = usize::try_from(len - at).unwrap_or(usize::MAX);
            piece.resize(left.min(PIECE_LEN), 0);
            source.read_at(number, at, piece).ok()
        };
        let (mut piece, mut next) = (Vec::new(), Vec::new());
        read(&mut piece, 0)?;
        let header = SegmentHeader::read(piece.first_chunk()?)?;
        let mut hasher = Domain::Index.hasher();
        let mut at = 0;
        while at < len {
            at += piece.len() as u64;
            let (_, read) = rayon::join(|| hasher.update(&piece), || read(&mut next, at));
            read?;
            std::mem::swap(&mut piece, &mut next);
        }
        if Digest(*hasher.finalize().as_bytes()) != digest {
            return None;
        }
        let wanted = match wanted.filter(|seq| (header.first_seq..=links.last_seq).contains(seq)) {
            Some(seq) => Some(find(Reader::of_segment(source, segment), seq)?),
            None => None,
        };
        let sight = SegmentSight { segment: number, of: Of::Bytes(Some(links)), hasher, end: len };
        Some(Stretch { first_seq: header.first_seq, links: Some(links), sight, wanted })
    }
}

/// Hash and place of the record with a number, in a segment.
fn find(mut reader: Reader<'_>, seq: u64) -> Option<(RecordHash, FrameAt)> {
    let mut batch = Batch::default();
    while reader.next_batch(&mut batch).ok()? {
        for (at, frame) in batch.frames() {
            if FrameHeader::found(frame)?.seq == seq {
                return Some((StoredRecord::read_found(frame).ok()?.hash, at));
            }
        }
    }
    None
}
