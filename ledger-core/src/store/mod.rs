//! Where records lie: append-only segment files. The store keeps bytes in order and knows no
//! events.

pub mod files;
pub mod folder;
pub mod disk;
pub mod draft;
pub mod memory;
pub mod ending;
pub mod private;
pub mod reader;
pub mod segment;

pub use disk::DiskLog;
pub use ending::Ending;
pub use files::Files;
pub use folder::Folder;
pub use memory::MemoryLog;
pub use reader::Batch;
pub use reader::Reader;
pub use segment::SegmentHeader;

use crate::vocab::Problem;

/// A segment, as it lies in a store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Its number.
    pub number: u32,
    /// Its file, for messages.
    pub name: String,
    /// Its length in bytes.
    pub len: u64,
    /// What tells cheaply that the file was touched: times and inode as the file system gives
    /// them; empty where there is no file system. Never reaches a result, only decides whether
    /// bytes are read again.
    pub stamp: String,
}

/// Segments that can be read.
pub trait SegmentSource: Sync {
    /// The segments, in order of their numbers.
    fn segments(&self) -> Result<Vec<Segment>, Problem>;

    /// Fills `buffer` from a place in a segment. Errors: [`crate::vocab::Code::DiskRead`], also
    /// when the segment ends before.
    fn read_at(&self, segment: u32, offset: u64, buffer: &mut [u8]) -> Result<(), Problem>;
}
