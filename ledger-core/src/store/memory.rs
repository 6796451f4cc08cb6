//! A log in memory: for tests, and for reading bytes that came from elsewhere.

use crate::store::Segment;
use crate::store::SegmentSource;
use crate::vocab::Code;
use crate::vocab::Problem;
use crate::vocab::to_u64;
use crate::vocab::to_usize;

/// Segments in memory, by number from 0.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog {
    /// The bytes of each segment.
    pub segments: Vec<Vec<u8>>,
}

impl SegmentSource for MemoryLog {
    fn segments(&self) -> Result<Vec<Segment>, Problem> {
        let segment = |(number, bytes): (u32, &Vec<u8>)| Segment {
            number,
            name: crate::store::SegmentHeader::file_name(number),
            len: to_u64(bytes.len()),
            stamp: String::new(),
        };
        Ok((0..).zip(&self.segments).map(segment).collect())
    }

    fn read_at(&self, segment: u32, offset: u64, buffer: &mut [u8]) -> Result<(), Problem> {
        let bytes = self.segments.get(to_usize(segment));
        let from = usize::try_from(offset).ok();
        let found = bytes
            .zip(from)
            .and_then(|(bytes, from)| bytes.get(from..from.checked_add(buffer.len())?));
        match found {
            Some(found) => {
                buffer.copy_from_slice(found);
                Ok(())
            }
            None => Err(Problem::new(Code::DiskRead, format!("segment {segment} is shorter"))),
        }
    }
}
