//! How a log ends: what one append can leave unfinished, and what is damage
//! (`schemas/log-format.md`, "How a log ends").

#![expect(
    clippy::arithmetic_side_effects,
    reason = "places inside sectors, and lengths of frames in memory"
)]

use crate::chain::FRAME_HEADER_LEN;
use crate::chain::FRAME_TRAILER_LEN;
use crate::chain::StoredRecord;
use crate::chain::frame::FrameHeader;
use crate::limits::FRAME_LEN_MAX;
use crate::vocab::Code;
use crate::vocab::Problem;
use crate::vocab::to_u64;

/// What a disk writes at once: a sector that was never written reads as zeros.
const SECTOR_LEN: usize = 512;
/// Bytes of the longest frame.
pub const WHOLE_FRAME_LEN_MAX: u64 = to_u64(FRAME_HEADER_LEN + FRAME_LEN_MAX + FRAME_TRAILER_LEN);
/// Bytes from the start of a frame that tell whether one append can have left them: its header,
/// and every sector that holds a part of it.
pub const START_LEN: usize = 2 * SECTOR_LEN;

/// How a log ends, once every whole frame was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// With a whole frame.
    Clean,
    /// With bytes that one append may have left that was never finished. It was not said to be
    /// recorded.
    Unfinished(Tail),
    /// With damage.
    Damaged {
        /// What is wrong, and where.
        problem: Box<Problem>,
        /// Where a whole record follows, if one does.
        resume: Option<(u32, u64)>,
    },
}

/// The bytes behind the last whole record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tail {
    /// The segment that holds them.
    pub segment: u32,
    /// Where they begin.
    pub offset: u64,
    /// How many they are.
    pub len: u64,
}

/// Whether bytes are there and all zero.
pub fn is_zero(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0)
}

/// Whether the bytes from the end of the last whole frame to the end of the file, which hold no
/// whole frame, begin as the frame of record `next_seq` does (of any record for `None`) that was
/// cut off or lacks sectors. `start` are the first [`START_LEN`] of them, or all.
pub fn begins_as_one_frame(start: &[u8], offset: u64, next_seq: Option<u64>) -> bool {
    if start.len() < FRAME_HEADER_LEN {
        return true;
    }
    if let Some(header) = FrameHeader::read(start) {
        return next_seq.is_none_or(|seq| seq == header.seq);
    }
    let (first, rest) = start.split_at(start.len().min(to_border(offset)));
    let second = rest.get(..SECTOR_LEN).unwrap_or(rest);
    is_zero(first) || (first.len() < FRAME_HEADER_LEN && is_zero(second))
}

/// Whether one append can have left the last frame of a log, of which `code` says what is wrong.
fn is_torn(code: Code, frame: &[u8], offset: u64) -> bool {
    match code {
        Code::RecordHash | Code::FrameBroken => has_unwritten_sector(frame, offset),
        // The hash may lie in a sector before.
        Code::SignatureWrong => is_zero(last_piece(frame, offset)),
        // The bytes are what was written; it is what they say that this release cannot read.
        _ => false,
    }
}

/// The number of the record that a frame at the end of a log, with a right header, is what an
/// unfinished append left of; `None` if its record is whole, or one append leaves something else.
pub fn torn_record(frame: &[u8], offset: u64) -> Option<u64> {
    let checked = StoredRecord::read_found(frame)
        .and_then(StoredRecord::check_hash)
        .and_then(|checked| checked.check_signature());
    let is_torn = checked.is_err_and(|problem| is_torn(problem.code, frame, offset));
    FrameHeader::found(frame).filter(|_| is_torn).map(|header| header.seq)
}

/// Bytes from the border of a sector to an offset in it.
#[expect(clippy::as_conversions, reason = "fewer than a sector has")]
fn in_sector(offset: u64) -> usize {
    (offset % to_u64(SECTOR_LEN)) as usize
}

/// Bytes from an offset of a file to the next border of a sector.
fn to_border(offset: u64) -> usize {
    SECTOR_LEN - in_sector(offset)
}

/// What the last sector of the file holds of a frame that ends there.
fn last_piece(frame: &[u8], offset: u64) -> &[u8] {
    let end = (in_sector(offset) + frame.len()) % SECTOR_LEN;
    let len = if end == 0 { SECTOR_LEN } else { end };
    frame.get(frame.len().saturating_sub(len)..).unwrap_or(frame)
}

/// Whether a frame at an offset of its file holds a sector that was never written.
fn has_unwritten_sector(frame: &[u8], offset: u64) -> bool {
    let lead = to_border(offset) % SECTOR_LEN;
    let whole = frame.get(lead..).unwrap_or_default().chunks_exact(SECTOR_LEN);
    let end = whole.remainder();
    // The last sector is written in part: its end, hash and signature, must be zeros.
    let end_unwritten = end.len() >= 64 && is_zero(end);
    whole.into_iter().any(is_zero) || end_unwritten
}
