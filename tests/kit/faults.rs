//! What may go wrong with a disk, and random numbers to choose from it.

use std::path::Path;
use std::path::PathBuf;

/// How an operation fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It does nothing and reports EIO.
    Broken,
    /// Likewise, and so does everything after it: the disk has gone, or the process has died.
    Gone,
    /// There is no room: it reports ENOSPC. A write has written half before.
    Full,
    /// A write writes half and reports that; nothing is wrong.
    Short,
    /// A sync reports EIO, and the system forgets that the bytes are not on the disk.
    Unsynced,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Fault; 5] =
        [Fault::Broken, Fault::Gone, Fault::Full, Fault::Short, Fault::Unsynced];
}

/// What an operation does, as far as faults tell them apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Operation {
    /// A file is opened to be read.
    Open,
    /// A file is opened to be written, or made.
    OpenToWrite,
    /// A folder is listed, or a file described.
    Look,
    /// Bytes are read.
    Read,
    /// Bytes are written.
    Write,
    /// A file gets another length.
    SetLen,
    /// A file is synced.
    Sync,
    /// A folder is synced.
    SyncFolder,
    /// A folder is made or removed.
    Folder,
    /// A file gets another name.
    Rename,
    /// A file is removed.
    Remove,
    /// A lock is taken.
    Lock,
}

/// A file and its bytes; without, it is removed.
pub type Put = (PathBuf, Option<Vec<u8>>);

/// What another process does to files.
#[derive(Clone, Debug)]
pub struct Meanwhile {
    /// Operations on what lies in this folder are counted, and on the folder.
    pub folder: PathBuf,
    /// It happens right before one of them, counted from 1 from now on.
    pub number: usize,
    /// What it does, all at once.
    pub puts: Vec<Put>,
}

impl Meanwhile {
    /// Whether it happens before an operation that comes now.
    pub(crate) fn is_due(&mut self, path: &Path) -> bool {
        self.number -= usize::from(path.starts_with(&self.folder));
        self.number == 0
    }
}

/// Random numbers that a seed gives.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    /// A number below another.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mixed = (self.0 >> 32) ^ (self.0 >> 11);
        mixed as usize % bound.max(1)
    }
}
