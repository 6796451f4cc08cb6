//! The file operations that the store needs, and nothing more: one trait, so that a test can let
//! any one of them fail, fall short or be the last before a power cut.

#![expect(clippy::arithmetic_side_effects, reason = "places in a file")]

use std::fmt;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::store::folder;
use crate::store::private::PrivateFiles;
use crate::vocab::to_u64;

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// To be read.
    Read,
    /// To be changed in place.
    Write,
    /// To be added to at its end.
    Append,
    /// Likewise, and made if it is not there.
    AppendOrCreate,
    /// Made, or emptied. Inside a folder ([`Files::inside`]): made in the place of what was there.
    Create,
    /// To be locked: made if it is not there.
    Lock,
}

/// What a file system says about a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// Its length.
    pub len: u64,
    /// What tells cheaply that it was touched ([`crate::store::Segment`]).
    pub stamp: String,
}

/// A file system.
pub trait Files: fmt::Debug + Send + Sync {
    /// The files inside a folder that somebody else may have made: nothing there is reached
    /// through a link below the folder itself, and only regular files are opened. Where the folder
    /// cannot be opened, every operation says so.
    fn inside(&self, folder: &Path) -> Arc<dyn Files>;

    /// The same files, made so that only their owner can read them.
    fn private(&self) -> Arc<dyn Files>;

    /// Whether what a path leads to belongs to the user of this process; so does what is not there.
    fn is_own(&self, path: &Path) -> bool;

    /// Opens a file.
    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn OpenFile>>;

    /// The names in a folder, in any order.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// What is known of a file.
    fn known(&self, path: &Path) -> io::Result<Known>;

    /// Whether there is a folder with this path.
    fn is_folder(&self, path: &Path) -> bool;

    /// Makes one folder; it may be there already.
    fn make_folder(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Gives a file a name, in the place of what has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// The path without links, from the root.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf>;
}

/// A file that is read.
pub trait ReadFile: fmt::Debug + Send + Sync {
    /// Reads from an offset; how many bytes were read, 0 at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Its length.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// An open file. Closing it releases its lock.
pub trait OpenFile: ReadFile {
    /// Writes at the end, or behind what was written before; how many bytes were written.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Writes at an offset; how many bytes were written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts or extends it.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes bytes and length durable.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes everything about it durable.
    fn sync_all(&self) -> io::Result<()>;

    /// Takes the lock, if nobody has it.
    fn try_lock(&self) -> Result<(), TryLockError>;

    /// Takes the lock, and waits until nobody else has it.
    fn lock(&self) -> io::Result<()>;

    /// Gives the lock back at once. Closing does that, too, but only when every process that has
    /// inherited the file has closed it.
    fn unlock(&self) -> io::Result<()>;
}

/// The operating system's files.
#[derive(Clone, Copy, Debug)]
pub struct SystemFiles;

/// The operating system's files.
pub fn system() -> Arc<dyn Files> {
    Arc::new(SystemFiles)
}

impl Files for SystemFiles {
    fn inside(&self, folder: &Path) -> Arc<dyn Files> {
        folder::inside(folder)
    }

    fn private(&self) -> Arc<dyn Files> {
        Arc::new(PrivateFiles)
    }

    fn is_own(&self, path: &Path) -> bool {
        let owner = fs::metadata(path).map(|known| known.uid());
        owner.is_ok_and(|owner| owner == rustix::process::geteuid().as_raw()) || !path.exists()
    }

    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn OpenFile>> {
        let mut options = OpenOptions::new();
        match how {
            How::Read => options.read(true),
            How::Write => options.read(true).write(true),
            How::Append => options.append(true),
            How::AppendOrCreate => options.append(true).create(true),
            How::Create => options.write(true).create(true).truncate(true),
            How::Lock => options.read(true).write(true).create(true).truncate(false),
        };
        Ok(Box::new(options.open(path)?))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            // A name that is no text is none of the store's.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn known(&self, path: &Path) -> io::Result<Known> {
        let known = fs::metadata(path)?;
        let (modified, changed) = (
            format!("{}.{}", known.mtime(), known.mtime_nsec()),
            format!("{}.{}", known.ctime(), known.ctime_nsec()),
        );
        let stamp = format!("{}:{}:{modified}:{changed}", known.ino(), known.len());
        Ok(Known { len: known.len(), stamp })
    }

    fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            made => made,
        }
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }
}

impl ReadFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl OpenFile for File {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = self;
        io::Write::write(&mut file, bytes)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_all(&self) -> io::Result<()> {
        File::sync_all(self)
    }

    fn try_lock(&self) -> Result<(), TryLockError> {
        File::try_lock(self)
    }

    fn lock(&self) -> io::Result<()> {
        File::lock(self)
    }

    fn unlock(&self) -> io::Result<()> {
        File::unlock(self)
    }
}

/// Goes on until all bytes are written, however few a call writes.
fn until_written(
    mut bytes: &[u8],
    mut write: impl FnMut(&[u8]) -> io::Result<usize>,
) -> io::Result<()> {
    while !bytes.is_empty() {
        match write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes all bytes at the end.
pub fn write_all(file: &dyn OpenFile, bytes: &[u8]) -> io::Result<()> {
    until_written(bytes, |rest| file.write(rest))
}

/// Writes all bytes at an offset.
pub fn write_all_at(file: &dyn OpenFile, bytes: &[u8], mut offset: u64) -> io::Result<()> {
    until_written(bytes, |rest| {
        let written = file.write_at(rest, offset)?;
        offset += to_u64(written);
        Ok(written)
    })
}

/// Fills a buffer from an offset.
pub fn read_exact_at(
    file: &dyn ReadFile,
    mut buffer: &mut [u8],
    mut offset: u64,
) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.read_at(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = buffer.get_mut(read..).unwrap_or_default();
                offset += to_u64(read);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The bytes of a small file.
pub fn read_whole(files: &dyn Files, path: &Path) -> io::Result<Vec<u8>> {
    let file = files.open(path, How::Read)?;
    let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
    read_exact_at(&*file, &mut bytes, 0)?;
    Ok(bytes)
}

/// Writes a small file, of so many parts, in the place of what was there: whole, or not at all.
pub fn replace(files: &dyn Files, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let file = files.open(&draft, How::Create)?;
    parts.iter().try_for_each(|part| write_all(&*file, part))?;
    files.rename(&draft, path)
}

/// Makes a folder and those above it that are missing; not durably.
pub fn make_folders(files: &dyn Files, path: &Path) -> io::Result<()> {
    if files.is_folder(path) {
        return Ok(());
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        make_folders(files, above)?;
    }
    files.make_folder(path)
}
