//! How far this process has gone through a log, and when that is worth a checkpoint.

use crate::checkpoint::Checkpoint;
use crate::checkpoint::CheckpointLevel;
use crate::checkpoint::Fingerprints;
use crate::checkpoint::VerifiedAt;
use crate::machine::CacheDir;
use crate::replay::ledger_id;
use crate::snapshot::Snapshot;
use crate::state::State;
use crate::store::Segment;
use crate::store::reader::FrameAt;
use crate::store::segment::SEGMENT_HEADER_LEN;
use crate::vocab::RecordHash;
use crate::vocab::to_u64;

/// Bytes of the log behind the last checkpoint from which on another one is worth its writing.
const UNSAVED_MIN: u64 = 256 << 10;

/// A snapshot is written again when the log has grown by this part of its length: each of its bytes
/// is then written a bounded number of times.
const UNSAVED_SHARE: u64 = 4;

/// Progress of this process through a log.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) fingerprints: Fingerprints,
    pub(super) level: CheckpointLevel,
    /// Bytes of records behind the last checkpoint.
    unsaved: u64,
    /// Length of the last snapshot.
    snapshot_len: u64,
}

/// A record as it was written to the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct WrittenRecord {
    pub(super) previous: RecordHash,
    pub(super) hash: RecordHash,
    pub(super) signature: [u8; 64],
    /// Length of its frame.
    pub(super) len: usize,
}

impl Progress {
    /// Before record 0.
    pub(super) fn new() -> Progress {
        Progress {
            fingerprints: Fingerprints::default(),
            level: CheckpointLevel::Replayed,
            unsaved: 0,
            snapshot_len: 0,
        }
    }

    /// At a checkpoint.
    pub(super) fn at(snapshot: &Snapshot) -> Progress {
        Progress {
            fingerprints: Fingerprints::behind(&snapshot.checkpoint),
            level: snapshot.checkpoint.level,
            unsaved: 0,
            snapshot_len: snapshot.len(),
        }
    }

    /// Adds a record that was read.
    pub(super) fn add(&mut self, at: FrameAt, hash: &RecordHash, signature: &[u8; 64]) {
        self.fingerprints.add(at, hash, signature);
        self.unsaved = self.unsaved.saturating_add(to_u64(at.len));
    }

    /// Adds records that this process has appended; the last of them ends at this segment and offset.
    pub(super) fn add_written(&mut self, written: &[WrittenRecord], (segment, end): (u32, u64)) {
        let len: u64 = written.iter().map(|record| to_u64(record.len)).sum();
        let mut offset = end.saturating_sub(len);
        for record in written {
            let at = FrameAt { segment, offset, start: 0, len: record.len };
            self.add(at, &record.hash, &record.signature);
            offset = at.end();
        }
    }

    /// Everything up to here was verified.
    pub(super) fn verified(&mut self, at: VerifiedAt) {
        self.level = CheckpointLevel::Verified(at);
        self.unsaved = u64::MAX;
    }

    /// The checkpoint here; `None` if records were passed over. `segments` are as they were before
    /// they were read.
    pub(super) fn checkpoint(&self, state: &State, segments: &[Segment]) -> Option<Checkpoint> {
        let position = match self.fingerprints.position() {
            (0, 0) => (0, to_u64(SEGMENT_HEADER_LEN)),
            position => position,
        };
        Some(Checkpoint {
            ledger: ledger_id(state),
            records: state.next_seq(),
            head: state.head(),
            position,
            level: self.level,
            segments: self.fingerprints.finish(segments)?,
        })
    }

    /// Whether so much lies behind the last checkpoint that another one is worth its writing.
    pub(super) fn is_worth_saving(&self) -> bool {
        self.unsaved >= UNSAVED_MIN.max(self.snapshot_len / UNSAVED_SHARE)
    }

    /// Writes a checkpoint if it is worth it.
    pub(super) fn save(&mut self, cache: Option<&CacheDir>, state: &State, segments: &[Segment]) {
        let Some(cache) = cache.filter(|_| self.is_worth_saving()) else { return };
        let Some(checkpoint) = self.checkpoint(state, segments) else { return };
        if let Some(len) = Snapshot::write(cache, &checkpoint, state) {
            (self.unsaved, self.snapshot_len) = (0, len);
        }
    }
}
