//! The cache folder of one copy. Everything in it was computed by this user's own processes from
//! bytes that they hashed, and may be deleted at any time.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::machine::Machine;
use crate::machine::copy_name;
use crate::store::Files;
use crate::store::files::How;
use crate::store::files::make_folders;
use crate::store::files::read_whole;
use crate::store::files::write_all;

/// Cache folder of the copy of a ledger.
#[derive(Clone, Debug)]
pub struct CacheDir {
    files: Arc<dyn Files>,
    folder: PathBuf,
}

impl CacheDir {
    /// The cache folder for the copy of a ledger in a folder; `None` on a machine without a cache.
    pub fn new(files: &Arc<dyn Files>, machine: &Machine, ledger: &Path) -> Option<CacheDir> {
        let folder = machine.cache.as_ref()?.join(copy_name(files, ledger));
        Some(CacheDir { files: files.private(), folder })
    }

    /// The bytes of a file; `None` if it cannot be read.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        read_whole(&*self.files, &self.folder.join(name)).ok()
    }

    /// Writes a file in the place of what was there: all of it, or nothing.
    pub fn replace(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        make_folders(&*self.files, &self.folder)?;
        // Several readers may write at once.
        let draft = self.folder.join(format!("{name}.{}.new", std::process::id()));
        let write = || {
            let file = self.files.open(&draft, How::Create)?;
            parts.iter().try_for_each(|part| write_all(&*file, part))?;
            self.files.rename(&draft, &self.folder.join(name))
        };
        write().inspect_err(|_| drop(self.files.remove(&draft)))
    }

    /// Removes a file, if it is there.
    pub fn remove(&self, name: &str) {
        let _ = self.files.remove(&self.folder.join(name));
    }

    /// The folder of the look-ups. sled makes it; the folder above it is made here, so that others
    /// cannot read it. Errors: those of the file system.
    pub fn lookup_folder(&self) -> io::Result<PathBuf> {
        make_folders(&*self.files, &self.folder)?;
        Ok(self.folder.join("db"))
    }
}
