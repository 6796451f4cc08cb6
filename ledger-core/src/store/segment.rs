//! The header of a segment file.

use crate::vocab::digest::Domain;

/// Bytes of a segment header.
pub const SEGMENT_HEADER_LEN: usize = 64;
const MAGIC: &[u8; 16] = b"revshare segment";
const VERSION: u32 = 1;

/// The header of a segment file (`schemas/log-format.md`, "Segments").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SegmentHeader {
    /// Its number.
    pub number: u32,
    /// Sequence number of its first record.
    pub first_seq: u64,
}

impl SegmentHeader {
    /// The header's bytes.
    pub fn bytes(self) -> [u8; SEGMENT_HEADER_LEN] {
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        bytes[..16].copy_from_slice(MAGIC);
        bytes[16..20].copy_from_slice(&VERSION.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_seq.to_le_bytes());
        let checksum = Domain::Header.digest(&bytes[..48]);
        bytes[48..].copy_from_slice(&checksum.0[..16]);
        bytes
    }

    /// Reads a header; `None` if it is not one of this version.
    pub fn read(bytes: &[u8; SEGMENT_HEADER_LEN]) -> Option<SegmentHeader> {
        let header = SegmentHeader {
            number: u32::from_le_bytes(*bytes[20..].first_chunk()?),
            first_seq: u64::from_le_bytes(*bytes[24..].first_chunk()?),
        };
        (header.bytes() == *bytes).then_some(header)
    }

    /// The name of a segment file.
    pub fn file_name(number: u32) -> String {
        format!("{number:08}.seg")
    }

    /// The number in the name of a segment file.
    pub fn number_in(name: &str) -> Option<u32> {
        let digits = name.strip_suffix(".seg")?;
        let plain = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plain { digits.parse().ok() } else { None }
    }
}
