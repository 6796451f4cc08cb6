//! A group of records on its way to becoming a segment.

use std::path::PathBuf;
use std::sync::Arc;

use crate::store::disk::cannot_write;
use crate::store::files::Files;
use crate::store::files::OpenFile;
use crate::store::files::write_all;
use crate::vocab::Problem;
use crate::vocab::to_u64;

/// A group of records that is being written, under a name that no reader looks for. It is removed
/// unless it is published.
#[derive(Debug)]
pub struct Draft {
    pub(super) files: Arc<dyn Files>,
    /// The segment that it is to be.
    pub(super) path: PathBuf,
    pub(super) draft: PathBuf,
    pub(super) file: Box<dyn OpenFile>,
    /// The number of the segment.
    pub(super) number: u32,
    /// Bytes that it begins with.
    pub(super) begin_len: u64,
    /// Bytes of the records that were added.
    pub(super) written: u64,
    pub(super) named: bool,
}

impl Draft {
    /// Adds a record. Errors: [`crate::vocab::Code::DiskFull`],
    /// [`crate::vocab::Code::DiskWrite`].
    pub fn push(&mut self, frame: &[u8]) -> Result<(), Problem> {
        write_all(&*self.file, frame).map_err(|error| cannot_write(&self.path, &error))?;
        self.written = self.written.saturating_add(to_u64(frame.len()));
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.named {
            // Should that fail, the next writer removes it.
            let _ = self.files.remove(&self.draft);
        }
    }
}
