//! The system's files, made so that only their owner can read them: folders 0700, files 0600.

use std::fs::DirBuilder;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::store::Files;
use crate::store::files::How;
use crate::store::files::Known;
use crate::store::files::OpenFile;
use crate::store::files::SystemFiles;

/// The operating system's files, for their owner alone.
#[derive(Clone, Copy, Debug)]
pub struct PrivateFiles;

impl Files for PrivateFiles {
    fn inside(&self, folder: &Path) -> Arc<dyn Files> {
        SystemFiles.inside(folder)
    }

    fn private(&self) -> Arc<dyn Files> {
        Arc::new(PrivateFiles)
    }

    fn is_own(&self, path: &Path) -> bool {
        SystemFiles.is_own(path)
    }

    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn OpenFile>> {
        let mut options = OpenOptions::new();
        options.mode(0o600);
        match how {
            How::Create => options.write(true).create(true).truncate(true),
            How::AppendOrCreate => options.append(true).create(true),
            How::Lock => options.read(true).write(true).create(true).truncate(false),
            How::Read | How::Write | How::Append => return SystemFiles.open(path, how),
        };
        Ok(Box::new(options.open(path)?))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        SystemFiles.list(folder)
    }

    fn known(&self, path: &Path) -> io::Result<Known> {
        SystemFiles.known(path)
    }

    fn is_folder(&self, path: &Path) -> bool {
        SystemFiles.is_folder(path)
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            made => made,
        }
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        SystemFiles.remove_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        SystemFiles.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        SystemFiles.remove(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        SystemFiles.sync_folder(path)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        SystemFiles.canonical(path)
    }
}
