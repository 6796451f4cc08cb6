//! Frames: how a record lies in a segment. The short header has a checksum of its own, so that a
//! reader knows where a record ends before it trusts anything in it.

#![expect(clippy::arithmetic_side_effects, reason = "a body is at most `FRAME_LEN_MAX` bytes")]

use crate::limits::FRAME_LEN_MAX;
use crate::vocab::digest::Domain;
use crate::vocab::to_usize;

/// Length, sequence number, checksum.
pub const FRAME_HEADER_LEN: usize = 16;
/// Record hash and signature.
pub const FRAME_TRAILER_LEN: usize = 96;

/// The header of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// Length of the body in bytes.
    pub body_len: usize,
    /// Sequence number of the record.
    pub seq: u64,
}

impl FrameHeader {
    /// The header's bytes.
    pub fn bytes(self) -> [u8; FRAME_HEADER_LEN] {
        // A length that does not fit is more than any reader takes.
        let len = u32::try_from(self.body_len).unwrap_or(u32::MAX);
        let mut bytes = [0; FRAME_HEADER_LEN];
        bytes[..4].copy_from_slice(&len.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.seq.to_le_bytes());
        let checksum = Domain::Header.digest(&bytes[..12]);
        bytes[12..].copy_from_slice(&checksum.0[..4]);
        bytes
    }

    /// Reads a header; `None` if its checksum or length is wrong.
    pub fn read(bytes: &[u8]) -> Option<FrameHeader> {
        let header = FrameHeader::found(bytes)?;
        (header.bytes()[..] == *bytes.get(..FRAME_HEADER_LEN)?).then_some(header)
    }

    /// Reads a header whose checksum was found right before; `None` if its length is wrong.
    pub fn found(bytes: &[u8]) -> Option<FrameHeader> {
        let bytes: &[u8; FRAME_HEADER_LEN] = bytes.first_chunk()?;
        let body_len = to_usize(u32::from_le_bytes(*bytes.first_chunk()?));
        if body_len > FRAME_LEN_MAX {
            return None;
        }
        let seq = u64::from_le_bytes(*bytes[4..].first_chunk()?);
        Some(FrameHeader { body_len, seq })
    }

    /// The length of the whole frame.
    pub fn frame_len(self) -> usize {
        FRAME_HEADER_LEN + self.body_len + FRAME_TRAILER_LEN
    }
}

/// The length of the frame that starts with these bytes; `None` if no sound header does.
pub fn frame_len(bytes: &[u8]) -> Option<usize> {
    FrameHeader::read(bytes).map(FrameHeader::frame_len)
}
