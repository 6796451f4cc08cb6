//! Checkpoints: how much of a log this machine has processed, and whether that prefix is unchanged.
//!
//! A checkpoint is bound to the log by content. Of each segment it has a fingerprint: a digest over
//! the hashes and signatures of its records. A record's hash covers everything in it but the
//! signature, so that a prefix with the same fingerprints is, byte for byte, the one that was
//! processed. Segments that the file system says were not touched since need not be read for that,
//! where the caller may rely on it.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of records that were read: no disk holds 2^64"
)]

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;
use serde::Deserialize;
use serde::Serialize;

use crate::chain::StoredRecord;
use crate::chain::frame::FrameHeader;
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
use crate::vocab::to_u64;

/// Frames that a thread takes at once at least: hashing a small one takes half a microsecond.
const SHARE_MIN: usize = 512;

/// Checkpoint: how much of a log was processed, and how thoroughly.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The ledger.
    pub ledger: LedgerId,
    /// How many records were processed.
    pub records: u64,
    /// Hash of the last of them.
    pub head: RecordHash,
    /// Where the record behind it begins, or will: segment and offset.
    pub position: (u32, u64),
    /// How thoroughly.
    pub level: CheckpointLevel,
    /// The segments up to there, in order.
    pub segments: Vec<SegmentFingerprint>,
}

/// How thoroughly the records before a checkpoint were processed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CheckpointLevel {
    /// Hashes, links and rules were checked; signatures were not.
    Replayed,
    /// Everything was checked that `verify` checks.
    Verified(VerifiedAt),
}

/// When a log was last verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VerifiedAt {
    /// When `verify` last found the log valid.
    pub at: Timestamp,
    /// How many records were verified at once when everything last was.
    pub complete_records: u64,
    /// When that was.
    pub complete_at: Timestamp,
}

/// Fingerprint of the processed records of one segment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SegmentFingerprint {
    /// What the file system said about the file before it was read; empty if nothing.
    pub stamp: String,
    /// Chained digest over hash and signature of each record, in order.
    pub digest: Digest,
}

/// Which segments are read to compare a log with a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PrefixCheck {
    /// All of them: every byte is hashed.
    Content,
    /// Those that were touched since, as the file system says.
    Stamps,
}

impl Checkpoint {
    /// Whether a log begins with the records before this checkpoint; false also if that cannot be
    /// told. Segments are read in parallel.
    pub fn matches(&self, source: &dyn SegmentSource, check: PrefixCheck) -> bool {
        let Ok(segments) = source.segments() else { return false };
        self.matches_segments(source, &segments, check).is_some()
    }

    fn matches_segments(
        &self,
        source: &dyn SegmentSource,
        segments: &[Segment],
        check: PrefixCheck,
    ) -> Option<()> {
        let (last, offset) = self.position;
        let prefix = segments.get(..self.segments.len())?;
        let in_order = (0u32..).zip(prefix).all(|(number, segment)| segment.number == number);
        let ends_there = prefix.last()?.number == last && prefix.last()?.len >= offset;
        if !in_order || !ends_there {
            return None;
        }
        let batches = Mutex::new(Vec::new());
        let compared = prefix.par_iter().zip(&self.segments).map(|(segment, expected)| {
            let is_untouched = !segment.stamp.is_empty() && segment.stamp == expected.stamp;
            if check == PrefixCheck::Stamps && is_untouched {
                return Some(None);
            }
            let len = if segment.number == last { offset } else { segment.len };
            let segment = Segment { len, ..segment.clone() };
            let mut batch: Batch = batches.lock().ok()?.pop().unwrap_or_default();
            let content = Content::read(Reader::of_segment(source, segment), &mut batch);
            batches.lock().ok()?.push(batch);
            content.filter(|content| content.digest == expected.digest).map(Some)
        });
        let compared = compared.collect::<Option<Vec<Option<Content>>>>()?;
        // A header counts the records before it; where all of them were read, it is compared.
        let mut next = Some(0);
        for content in compared {
            next = match (next, content) {
                (Some(next), Some(content)) if content.first_seq != next => return None,
                (Some(next), Some(content)) => next.checked_add(content.records),
                _ => None,
            };
        }
        Some(())
    }

    /// Whether the file system says that no segment was touched since, and that there is no other.
    pub fn is_current(&self, segments: &[Segment]) -> bool {
        let is_same = |(segment, expected): (&Segment, &SegmentFingerprint)| {
            !segment.stamp.is_empty() && segment.stamp == expected.stamp
        };
        segments.len() == self.segments.len()
            && segments.iter().zip(&self.segments).all(is_same)
            && segments.last().is_some_and(|last| (last.number, last.len) == self.position)
    }
}

/// Content of a segment.
struct Content {
    /// Chained digest of its records.
    digest: Digest,
    /// What its header gives as the number of its first record.
    first_seq: u64,
    /// How many records it has.
    records: u64,
}

impl Content {
    /// Reads a segment and hashes each record; `None` if it does not consist of records.
    fn read(mut reader: Reader<'_>, batch: &mut Batch) -> Option<Content> {
        let (mut digest, mut records) = (Digest::default(), 0);
        while reader.next_batch(batch).ok()? {
            let frames = (0..batch.len()).into_par_iter().with_min_len(SHARE_MIN);
            let hashed = frames.map(|number| {
                let (_, frame) = batch.frame(number)?;
                Some(StoredRecord::read_found(frame).ok()?.check_hash().ok()?.stored)
            });
            for record in hashed.collect::<Vec<Option<StoredRecord<'_>>>>() {
                let record = record?;
                digest = extended(digest, &record.hash, record.signature);
                records += 1;
            }
        }
        let first_seq = reader.first_seq()?;
        let is_read = *reader.ending()? == Ending::Clean;
        is_read.then_some(Content { digest, first_seq, records })
    }
}

/// A chained digest with one more record.
fn extended(before: Digest, hash: &RecordHash, signature: &[u8; 64]) -> Digest {
    Domain::Index.digest_of(|hasher| {
        hasher.update(&before.0);
        hasher.update(hash.bytes());
        hasher.update(signature);
    })
}

/// Fingerprints of a log's segments, computed while their records are processed one after another.
#[derive(Clone, Debug, Default)]
pub struct Fingerprints {
    digests: BTreeMap<u32, Digest>,
    /// Where the next record must begin.
    position: (u32, u64),
    /// Records were passed over, or do not follow on each other.
    has_gap: bool,
}

impl Fingerprints {
    /// Goes on behind a checkpoint.
    pub fn behind(checkpoint: &Checkpoint) -> Fingerprints {
        let digests = checkpoint.segments.iter().map(|segment| segment.digest);
        Fingerprints {
            digests: (0u32..).zip(digests).collect(),
            position: checkpoint.position,
            has_gap: false,
        }
    }

    /// Adds a record.
    pub fn add(&mut self, at: FrameAt, hash: &RecordHash, signature: &[u8; 64]) {
        let (segment, offset) = self.position;
        let header = to_u64(SEGMENT_HEADER_LEN);
        let begins_segment = at.offset == header && at.segment >= segment;
        self.has_gap |= !begins_segment && (at.segment, at.offset) != (segment, offset);
        self.position = (at.segment, at.end());
        let digest = self.digests.entry(at.segment).or_default();
        *digest = extended(*digest, hash, signature);
    }

    /// Adds the records of frames whose hashes are checked elsewhere.
    pub fn add_frames(&mut self, batch: &Batch, frames: Range<usize>) {
        for number in frames {
            let record = batch.frame(number).and_then(|(at, frame)| {
                let record = StoredRecord::read_found(frame).ok()?;
                Some((at, record.hash, record.signature))
            });
            match record {
                Some((at, hash, signature)) => self.add(at, &hash, signature),
                None => self.has_gap = true,
            }
        }
    }

    /// Where the record behind the last one begins, or will.
    pub fn position(&self) -> (u32, u64) {
        self.position
    }

    /// The fingerprints of the segments up to the last record, with the stamps that the segments
    /// had before they were read; `None` if records were passed over on the way.
    pub fn finish(&self, segments: &[Segment]) -> Option<Vec<SegmentFingerprint>> {
        if self.has_gap {
            return None;
        }
        let needed = (0..=self.position.0).zip(segments);
        let of = |(number, segment): (u32, &Segment)| {
            let digest = self.digests.get(&number).copied().unwrap_or_default();
            let stamp = segment.stamp.clone();
            (segment.number == number).then_some(SegmentFingerprint { stamp, digest })
        };
        let all: Option<Vec<SegmentFingerprint>> = needed.map(of).collect();
        all.filter(|all| to_u64(all.len()) == u64::from(self.position.0) + 1)
    }
}

/// Hash and place of the record with a number, read from the segment that holds it; `None` if the
/// log has none, or if it cannot be read.
pub fn find_record(source: &dyn SegmentSource, seq: u64) -> Option<(RecordHash, FrameAt)> {
    let first_of = |segment: &Segment| {
        let mut header = [0; SEGMENT_HEADER_LEN];
        source.read_at(segment.number, 0, &mut header).ok()?;
        Some(SegmentHeader::read(&header)?.first_seq)
    };
    let segments = source.segments().ok()?;
    let begins_before = |segment: &Segment| first_of(segment).is_some_and(|first| first <= seq);
    let segment = segments.into_iter().rev().find(begins_before)?;
    let mut reader = Reader::of_segment(source, segment);
    let mut batch = Batch::default();
    while reader.next_batch(&mut batch).ok()? {
        for (at, frame) in batch.frames() {
            if FrameHeader::found(frame).is_some_and(|header| header.seq == seq) {
                let record = StoredRecord::read_found(frame).ok()?.check_hash().ok()?;
                return Some((record.stored.hash, at));
            }
        }
    }
    None
}
