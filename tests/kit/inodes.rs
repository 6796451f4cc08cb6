//! Files and names of a disk in memory: as processes see them, and as a power cut would leave them.

use std::collections::BTreeMap;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::path::Path;
use std::path::PathBuf;

use ledger_core::store::files::Known;

/// A change of a file's bytes.
#[derive(Clone, Hash, Debug)]
pub(crate) enum Change {
    Write(usize, Vec<u8>),
    SetLen(usize),
}

impl Change {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write(at, written) => {
                let end = at + written.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(written);
            }
            Change::SetLen(len) => bytes.resize(*len, 0),
        }
    }
}

/// A file: what processes see, and what a power cut leaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inode {
    pub(crate) seen: Vec<u8>,
    pub(crate) durable: Vec<u8>,
    pub(crate) pending: Vec<Change>,
    pub(crate) locked: bool,
    /// Its greatest length since the last plan.
    pub(crate) longest: usize,
}

/// A change of names.
#[derive(Clone, Hash, Debug)]
pub(crate) enum Naming {
    Set(PathBuf, Name),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl Naming {
    pub(crate) fn apply(&self, names: &mut BTreeMap<PathBuf, Name>) {
        match self {
            Naming::Set(path, name) => {
                names.insert(path.clone(), *name);
            }
            Naming::Rename(from, to) => {
                if let Some(name) = names.remove(from) {
                    names.insert(to.clone(), name);
                }
            }
            Naming::Remove(path) => {
                names.remove(path);
            }
        }
    }

    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Naming::Set(path, _) | Naming::Rename(_, path) | Naming::Remove(path) => path.parent(),
        }
    }
}

/// What has a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Name {
    Folder,
    File(usize),
}

impl Inode {
    /// What the file system says about it: another stamp once it is another file, or has other bytes.
    pub(crate) fn known(&self, number: usize) -> Known {
        let mut hasher = DefaultHasher::new();
        (number, &self.seen).hash(&mut hasher);
        Known { len: self.seen.len() as u64, stamp: format!("{:016x}", hasher.finish()) }
    }
}
