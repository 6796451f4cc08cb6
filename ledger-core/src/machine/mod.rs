//! What a user's machine stores outside the ledgers: the local state, which must not be lost, and a
//! cache, which may be deleted at any time. Nothing that somebody else wrote is in either.
//!
//! ```text
//! STATE/                            correctness
//!   heads/<copy>                    the last head that was recorded or pulled here
//!   signatures/<ledger and key>     what a key signed on which previous hash
//!   pending/<copy>                  what was signed last in a copy
//! CACHE/<copy>/                     speed
//!   checkpoint                      how much of the log was processed, and the state there
//!   db/                             sled: look-ups
//! ```
//!
//! A copy is named by the digest of its path, so that the copies of two parties may share a
//! machine. Nothing here is synced: after a power cut the local state may be behind, which only
//! weakens a warning.

pub mod cache;
pub mod heads;
pub mod signatures;

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::store::Files;
use crate::vocab::Code;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::digest::Domain;

pub use cache::CacheDir;
pub use heads::HeadStore;
pub use heads::RememberedHead;
pub use signatures::SignatureLog;

/// Machine: the folders of one user for what is stored outside the ledgers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Machine {
    /// Folder of the local state; a writer needs one.
    pub state: Option<PathBuf>,
    /// Folder of the cache.
    pub cache: Option<PathBuf>,
}

/// A folder of a machine, as it is named to people.
const STATE: (&str, &str) = ("state", "REVSHARE_STATE_DIR");
const CACHE: (&str, &str) = ("cache", "REVSHARE_CACHE_DIR");

impl Machine {
    /// A machine with its folders `state` and `cache` in one folder.
    pub fn in_folder(folder: &Path) -> Machine {
        Machine { state: Some(folder.join("state")), cache: Some(folder.join("cache")) }
    }

    /// A machine that stores nothing.
    pub fn without_folders() -> Machine {
        Machine::default()
    }

    /// Refuses folders that another party could write to, or that depend on where a command is
    /// run. Errors: [`Code::LocalFolder`].
    pub fn admit(&self, files: &dyn Files, ledger: &Path) -> Result<(), Problem> {
        let folders = [(&self.state, STATE), (&self.cache, CACHE)];
        for (folder, (name, variable)) in folders {
            let Some(folder) = folder else { continue };
            let refused = |why: &str| {
                Problem::new(Code::LocalFolder, format!("the {name} folder {why}"))
                    .at(Place::Path(folder.display().to_string()))
                    .hint(format!("name another folder of your own in {variable}"))
            };
            if !folder.is_absolute() {
                return Err(refused("is not an absolute path"));
            }
            if is_inside(files, folder, ledger) {
                return Err(refused("lies inside the ledger's folder"));
            }
            if !files.is_own(folder) {
                return Err(refused("belongs to another user"));
            }
        }
        Ok(())
    }

    /// Removes what earlier releases cached for a copy among the local state.
    pub(crate) fn remove_earlier_caches(&self, files: &Arc<dyn Files>, ledger: &Path) {
        let Some(state) = &self.state else { return };
        let name = copy_name(files, ledger);
        for folder in ["verified", "replayed"] {
            let _ = files.remove(&state.join(folder).join(&name));
        }
        let archives = state.join("archives");
        for archive in files.list(&archives).unwrap_or_default() {
            if archive.starts_with(&name) {
                let _ = files.remove(&archives.join(archive));
            }
        }
    }

    /// Refuses a machine without local state: its writer could sign twice. Errors:
    /// [`Code::LocalFolder`].
    pub fn admit_writer(&self) -> Result<(), Problem> {
        match self.state {
            Some(_) => Ok(()),
            None => Err(Problem::new(
                Code::LocalFolder,
                "there is no state folder to note what your key signs",
            )
            .at(Place::Field(STATE.1.to_owned()))
            .hint("name a folder of your own: REVSHARE_STATE_DIR=/path/to/folder, or set HOME")),
        }
    }
}

/// Whether a path, as far as it exists, leads into a folder.
fn is_inside(files: &dyn Files, path: &Path, folder: &Path) -> bool {
    let Ok(folder) = files.canonical(folder) else { return false };
    let mut existing = path.ancestors();
    let real = existing.find_map(|above| files.canonical(above).ok());
    real.is_some_and(|real| real.starts_with(&folder)) || path.starts_with(folder)
}

/// The name of what is stored for the copy of a ledger in a folder.
pub(in crate::machine) fn copy_name(files: &Arc<dyn Files>, ledger: &Path) -> String {
    let path = files.canonical(ledger).unwrap_or_else(|_| ledger.to_owned());
    Domain::Index.digest(path.as_os_str().as_encoded_bytes()).to_string()
}
