//! What can be said of one record by itself: in parallel, for every record.

use crate::chain::Place;
use crate::chain::StoredRecord;
use crate::chain::frame::FrameHeader;
use crate::event::Fact;
use crate::store::reader::has_unwritten_end;
use crate::store::reader::has_unwritten_sector;
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
    pub fact: Option<Fact>,
}

/// Examines the record in a frame. `length` is that of the terms' periods.
pub fn examine(frame: &[u8], length: PeriodLength) -> Examined {
    let seq = FrameHeader::read(frame).map_or(0, |header| header.seq);
    let mut examined = Examined {
        seq,
        place: None,
        stored_hash: None,
        chain: Vec::new(),
        authors: Vec::new(),
        fact: None,
    };
    let stored = match StoredRecord::read(frame) {
        Ok(stored) => stored,
        Err(problem) => {
            examined.chain.push(problem.at_record(seq));
            return examined;
        }
    };
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
        Ok(fact) => examined.fact = Some(fact),
        Err(problem) => examined.chain.push(problem),
    }
    examined
}

/// Whether a frame may be one that was never written whole: something is wrong with its record, and
/// a sector of it, or the end of its signature, reads as zeros.
pub fn is_torn(examined: &Examined, frame: &[u8], offset: u64) -> bool {
    match (examined.chain.is_empty(), examined.authors.is_empty()) {
        (false, _) => has_unwritten_sector(frame, offset),
        (true, false) => has_unwritten_end(frame, offset),
        (true, true) => false,
    }
}
