//! What can be said of one record by itself: in parallel, for every record.

use std::ops::Range;

use rayon::prelude::*;

use crate::chain::Place;
use crate::chain::StoredRecord;
use crate::chain::frame::FrameHeader;
use crate::event::Fact;
use crate::evolve::sums_of;
use crate::replay::is_at_end;
use crate::store::Batch;
use crate::store::ending::torn_record;
use crate::store::reader::FrameAt;
use crate::usage::UsageSums;
use crate::vocab::PeriodLength;
use crate::vocab::Problem;
use crate::vocab::RecordHash;

/// A record, examined by itself.
pub struct Examined {
    /// The number that its frame header gives.
    pub seq: u64,
    /// Where it says that it stands.
    pub place: Option<Place>,
    /// The hash that is stored with it: what the next record must name.
    pub stored_hash: Option<RecordHash>,
    /// What is wrong with its bytes.
    pub chain: Vec<Problem>,
    /// What is wrong with its signature.
    pub authors: Vec<Problem>,
    /// What it says.
    pub said: Option<SaidInRecord>,
    /// Whether it is the last one, and can be what an unfinished append left.
    pub is_torn: bool,
    /// Where its frame lies.
    pub at: Option<FrameAt>,
}

/// What a record says.
pub struct SaidInRecord {
    /// The fact.
    pub fact: Fact,
    /// The exact sums of its lines.
    pub sums: Option<UsageSums>,
}

/// Frames that a thread takes at once.
const SHARE_MAX: usize = 16;

/// Examines frames of a batch, in parallel. `length` is that of the terms' periods, `end` where the
/// log ends.
pub fn examine_all(
    batch: &Batch,
    frames: Range<usize>,
    length: PeriodLength,
    end: Option<(u32, u64)>,
) -> Vec<Option<Examined>> {
    let examined = frames.into_par_iter().with_max_len(SHARE_MAX).map(|at| {
        let (place, frame) = batch.frame(at)?;
        let mut examined = examine(frame, length);
        examined.is_torn = is_at_end(place, end) && torn_record(frame, place.offset).is_some();
        examined.at = Some(place);
        Some(examined)
    });
    examined.collect()
}

/// Examines the record in a frame.
fn examine(frame: &[u8], length: PeriodLength) -> Examined {
    let mut examined = Examined {
        seq: 0,
        place: None,
        stored_hash: None,
        chain: Vec::new(),
        authors: Vec::new(),
        said: None,
        is_torn: false,
        at: None,
    };
    let stored = match StoredRecord::read_found(frame) {
        Ok(stored) => stored,
        Err(problem) => {
            examined.seq = FrameHeader::found(frame).map_or(0, |header| header.seq);
            examined.chain.push(problem.at_record(examined.seq));
            return examined;
        }
    };
    // The frame's header gives the same number.
    examined.seq = stored.place.seq;
    examined.stored_hash = Some(stored.hash);
    let checked = match stored.check_hash() {
        Ok(checked) => checked,
        Err(problem) => {
            examined.chain.push(problem);
            return examined;
        }
    };
    examined.place = Some(stored.place);
    if let Err(problem) = checked.check_signature() {
        examined.authors.push(problem);
    }
    match checked.fact(length) {
        Ok(fact) => {
            let sums = sums_of(&fact.event);
            examined.said = Some(SaidInRecord { fact, sums });
        }
        Err(problem) => examined.chain.push(problem),
    }
    examined
}
