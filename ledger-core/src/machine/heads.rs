//! The last head of each copy that was recorded or pulled on this machine: it tells a rollback
//! from a short log, and a finished record from an unfinished one.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::machine::Machine;
use crate::machine::copy_name;
use crate::store::Files;
use crate::store::disk::io_problem;
use crate::store::files::make_folders;
use crate::store::files::read_whole;
use crate::store::files::replace;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::LedgerId;
use crate::vocab::Problem;
use crate::vocab::RecordHash;

/// Remembered head: the last record that this machine was told is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RememberedHead {
    /// The ledger.
    pub ledger: LedgerId,
    /// Its sequence number.
    pub seq: u64,
    /// Its hash.
    pub hash: RecordHash,
}

/// Head store of one copy; without a state folder it remembers nothing.
#[derive(Clone, Debug)]
pub struct HeadStore {
    files: Arc<dyn Files>,
    path: Option<PathBuf>,
}

impl HeadStore {
    /// The head store for the copy of a ledger in a folder.
    pub fn new(files: &Arc<dyn Files>, machine: &Machine, ledger: &Path) -> HeadStore {
        let name = copy_name(files, ledger);
        let path = machine.state.as_ref().map(|state| state.join("heads").join(name));
        HeadStore { files: files.private(), path }
    }

    /// The remembered head; `None` if there is none, or if a power cut left nothing of it that can
    /// be understood. Errors: [`Code::DiskRead`]; a log is not judged without a head that is there.
    pub fn head(&self) -> Result<Option<RememberedHead>, Problem> {
        let Some(path) = &self.path else { return Ok(None) };
        let bytes = match read_whole(&*self.files, path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                let what = "the remembered head of this copy cannot be read";
                return Err(io_problem(Code::DiskRead, what, path, &error));
            }
        };
        let parse = || {
            let mut words = std::str::from_utf8(&bytes).ok()?.split_whitespace();
            Some(RememberedHead {
                ledger: LedgerId(Digest::parse(words.next()?).ok()?),
                seq: words.next()?.parse().ok()?,
                hash: RecordHash(Digest::parse(words.next()?).ok()?),
            })
        };
        Ok(parse())
    }

    /// Remembers a head, by atomic replacement.
    pub fn set(&self, head: RememberedHead) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        make_folders(&*self.files, path.parent().unwrap_or(path))?;
        let line = format!("{} {} {}\n", head.ledger, head.seq, head.hash);
        replace(&*self.files, path, &[line.as_bytes()])
    }

    /// Forgets the head: a new ledger begins in the folder.
    pub fn clear(&self) {
        if let Some(path) = &self.path {
            let _ = self.files.remove(path);
        }
    }
}
