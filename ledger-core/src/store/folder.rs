//! Folders by handle.
//!
//! What lies in a ledger's folder may have come from somebody else. Every entry is opened relative
//! to the handle of the folder that holds it, one name at a time, never through a link, without
//! waiting for a peer, and only if it is a regular file or a folder.

use std::error::Error;
use std::ffi::CStr;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::AtFlags;
use rustix::fs::Dir;
use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Stat;
use rustix::io::Errno;

use crate::store::files::Files;
use crate::store::files::How;
use crate::store::files::Known;
use crate::store::files::OpenFile;
use crate::store::files::SystemFiles;

/// Folders inside folders that [`Folder::remove_tree`] goes into.
const TREE_DEPTH_MAX: usize = 32;

/// An entry of a folder that is not what would be opened there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Something else than a regular file.
    NotAFile(EntryKind),
    /// Something else than a folder.
    NotAFolder(EntryKind),
    /// A regular file with other names, so many in all: who writes to it changes a file that may
    /// lie anywhere.
    Linked(u64),
}

/// What an entry of a folder is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO.
    Fifo,
    /// A socket.
    Socket,
    /// A device, or something that this system alone has.
    Device,
}

/// An entry of a folder, as the file system describes it; a link is not followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Its length in bytes.
    pub len: u64,
    stamp: String,
}

/// Who may use what is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Whoever the process's umask admits.
    Umask,
    /// The user alone.
    Private,
}

/// An open folder.
#[derive(Debug)]
pub struct Folder(OwnedFd);

impl Refusal {
    /// The refusal that an error carries.
    pub fn of(error: &io::Error) -> Option<Refusal> {
        error.get_ref()?.downcast_ref().copied()
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Refusal::NotAFile(_) => {
                "a ledger's folder holds regular files: remove this entry, or take the file from \
                 another copy"
            }
            Refusal::NotAFolder(_) => {
                "`log` and `evidence` are folders of their own: put the folder itself in this place"
            }
            Refusal::Linked(_) => {
                "give the file one name: copy it, and rename the copy to its name"
            }
        }
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EntryKind::File => "regular file",
            EntryKind::Folder => "folder",
            EntryKind::Link => "symbolic link",
            EntryKind::Fifo => "FIFO",
            EntryKind::Socket => "socket",
            EntryKind::Device => "device",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotAFile(kind) => write!(f, "this is a {kind}, not a regular file"),
            Refusal::NotAFolder(kind) => write!(f, "this is a {kind}, not a folder"),
            Refusal::Linked(names) => write!(
                f,
                "this file has {names} names (hard links): writing to it would change a file \
                 elsewhere"
            ),
        }
    }
}

impl Error for Refusal {}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> io::Error {
        io::Error::other(refusal)
    }
}

impl Entry {
    fn of(stat: &Stat) -> Entry {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Folder,
            FileType::Symlink => EntryKind::Link,
            FileType::Fifo => EntryKind::Fifo,
            FileType::Socket => EntryKind::Socket,
            _ => EntryKind::Device,
        };
        let len = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        let modified = format!("{}.{}", stat.st_mtime, stat.st_mtime_nsec);
        let changed = format!("{}.{}", stat.st_ctime, stat.st_ctime_nsec);
        let stamp = format!("{}:{len}:{modified}:{changed}", stat.st_ino);
        Entry { kind, len, stamp }
    }
}

impl Access {
    fn of_files(self) -> Mode {
        Mode::from_raw_mode(match self {
            Access::Umask => 0o666,
            Access::Private => 0o600,
        })
    }

    fn of_folders(self) -> Mode {
        Mode::from_raw_mode(match self {
            Access::Umask => 0o777,
            Access::Private => 0o700,
        })
    }
}

/// A name as one step of a path, and nothing else.
fn step(name: &OsStr) -> io::Result<&OsStr> {
    let mut steps = Path::new(name).components();
    match (steps.next(), steps.next()) {
        (Some(Component::Normal(step)), None) if step == name => Ok(name),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

impl Folder {
    /// Opens a folder by its path, as the user named it: that may lead through links.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Folder(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// Opens a folder in it. Errors: [`Refusal::NotAFolder`], among those of the system.
    pub fn folder(&self, name: impl AsRef<OsStr>) -> io::Result<Folder> {
        let name = step(name.as_ref())?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.0, name, flags, Mode::empty()) {
            Ok(folder) => Ok(Folder(folder)),
            Err(error) => match self.entry(name) {
                Ok(Some(Entry { kind, .. })) if kind != EntryKind::Folder => {
                    Err(Refusal::NotAFolder(kind).into())
                }
                _ => Err(error.into()),
            },
        }
    }

    /// Describes an entry; `None` if there is none of this name.
    pub fn entry(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Entry>> {
        let name = step(name.as_ref())?;
        match rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Entry::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a regular file. [`How::Create`] makes it, in the place of what has the name; that is
    /// never opened. Errors: [`Refusal`], among those of the system.
    pub fn file(&self, name: impl AsRef<OsStr>, how: How, access: Access) -> io::Result<File> {
        let name = step(name.as_ref())?;
        if how != How::Create {
            self.admit_file(name)?;
        } else if self.entry(name)?.is_some() {
            self.remove(name)?;
        }
        let flags = match how {
            How::Read => OFlags::RDONLY,
            How::Write => OFlags::RDWR,
            How::Append => OFlags::WRONLY | OFlags::APPEND,
            How::AppendOrCreate => OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE,
            How::Create => OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL,
            How::Lock => OFlags::RDWR | OFlags::CREATE,
        };
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.0, name, flags, access.of_files()) {
            Ok(file) => file,
            // Something else may have come into its place.
            Err(error) => return Err(self.admit_file(name).err().unwrap_or(error.into())),
        };
        let kind = Entry::of(&rustix::fs::fstat(&file)?).kind;
        if kind != EntryKind::File {
            return Err(Refusal::NotAFile(kind).into());
        }
        let file = File::from(file);
        if !matches!(how, How::Read | How::Create) {
            let names = file.metadata()?.nlink();
            if names > 1 {
                return Err(Refusal::Linked(names).into());
            }
        }
        Ok(file)
    }

    /// Errors: [`Refusal::NotAFile`] if there is something of this name that is not a regular file:
    /// it is not opened even to see what it is, since a device may act on that.
    fn admit_file(&self, name: &OsStr) -> io::Result<()> {
        match self.entry(name)? {
            None | Some(Entry { kind: EntryKind::File, .. }) => Ok(()),
            Some(Entry { kind, .. }) => Err(Refusal::NotAFile(kind).into()),
        }
    }

    /// The names in it, in any order.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = CStr::to_bytes(entry.file_name());
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// Makes a folder in it; one may be there already.
    pub fn make_folder(&self, name: impl AsRef<OsStr>, access: Access) -> io::Result<()> {
        let name = step(name.as_ref())?;
        match rustix::fs::mkdirat(&self.0, name, access.of_folders()) {
            Err(Errno::EXIST) => match self.entry(name)? {
                Some(Entry { kind: EntryKind::Folder, .. }) => Ok(()),
                Some(Entry { kind, .. }) => Err(Refusal::NotAFolder(kind).into()),
                None => Err(Errno::EXIST.into()),
            },
            made => Ok(made?),
        }
    }

    /// Gives an entry another name, in the place of what has it.
    pub fn rename(&self, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> io::Result<()> {
        let (from, to) = (step(from.as_ref())?, step(to.as_ref())?);
        Ok(rustix::fs::renameat(&self.0, from, &self.0, to)?)
    }

    /// Removes what is not a folder: a file, or a link itself. Errors: [`Refusal::NotAFile`], among
    /// those of the system.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = step(name.as_ref())?;
        match rustix::fs::unlinkat(&self.0, name, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) if self.folder(name).is_ok() => {
                Err(Refusal::NotAFile(EntryKind::Folder).into())
            }
            removed => Ok(removed?),
        }
    }

    /// Removes an empty folder.
    pub fn remove_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = step(name.as_ref())?;
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    /// Removes an entry, and what lies in it if it is a folder; links are removed, not followed.
    /// Whether there was one.
    pub fn remove_tree(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        self.remove_to_depth(name.as_ref(), TREE_DEPTH_MAX)
    }

    fn remove_to_depth(&self, name: &OsStr, depth: usize) -> io::Result<bool> {
        match self.entry(name)? {
            None => return Ok(false),
            Some(Entry { kind: EntryKind::Folder, .. }) => {}
            Some(_) => return self.remove(name).map(|()| true),
        }
        let Some(depth) = depth.checked_sub(1) else {
            return Err(io::Error::other("it holds folders inside folders, too many to follow"));
        };
        let inner = self.folder(name)?;
        for name in inner.names()? {
            inner.remove_to_depth(&name, depth)?;
        }
        self.remove_folder(name).map(|()| true)
    }

    /// The folder as a file, to be locked; the lock goes with the file.
    pub fn to_file(&self) -> io::Result<File> {
        Ok(File::from(self.0.try_clone()?))
    }

    /// Whether it still has a name.
    pub fn is_there(&self) -> io::Result<bool> {
        Ok(rustix::fs::fstat(&self.0)?.st_nlink > 0)
    }

    /// Makes the names in it durable.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.0)?)
    }
}

/// The files inside a folder, by its handle. Paths begin with that of the folder.
#[derive(Debug)]
struct FolderFiles {
    path: PathBuf,
    /// What opening the folder said.
    folder: Result<Folder, Errno>,
}

/// The files inside a folder, which the user named.
pub(super) fn inside(path: &Path) -> Arc<dyn Files> {
    let folder = Folder::open(path);
    let folder = folder.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO));
    Arc::new(FolderFiles { path: path.to_owned(), folder })
}

impl FolderFiles {
    /// Does something with the folder at a path.
    fn in_folder<T>(
        &self,
        path: &Path,
        act: impl FnOnce(&Folder) -> io::Result<T>,
    ) -> io::Result<T> {
        let root = self.folder.as_ref().map_err(|error| io::Error::from(*error))?;
        let below = path.strip_prefix(&self.path).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut inner: Option<Folder> = None;
        for name in below.iter() {
            inner = Some(inner.as_ref().unwrap_or(root).folder(name)?);
        }
        act(inner.as_ref().unwrap_or(root))
    }

    /// Does something with an entry: its folder, and its name there.
    fn at<T>(
        &self,
        path: &Path,
        act: impl FnOnce(&Folder, &OsStr) -> io::Result<T>,
    ) -> io::Result<T> {
        match (path.parent(), path.file_name()) {
            (Some(above), Some(name)) => self.in_folder(above, |folder| act(folder, name)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

impl Files for FolderFiles {
    fn private(&self) -> Arc<dyn Files> {
        SystemFiles.private()
    }

    fn is_own(&self, path: &Path) -> bool {
        SystemFiles.is_own(path)
    }

    fn inside(&self, folder: &Path) -> Arc<dyn Files> {
        let errno = |error: io::Error| Errno::from_io_error(&error).unwrap_or(Errno::NOTDIR);
        let inner = self.in_folder(folder, |folder| folder.0.try_clone());
        let inner = inner.map(Folder).map_err(errno);
        Arc::new(FolderFiles { path: folder.to_owned(), folder: inner })
    }

    fn open(&self, path: &Path, how: How) -> io::Result<Box<dyn OpenFile>> {
        let file = self.at(path, |folder, name| folder.file(name, how, Access::Umask))?;
        Ok(Box::new(file))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let names = self.in_folder(folder, Folder::names)?;
        // A name that is not a text is none of the store's.
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    fn known(&self, path: &Path) -> io::Result<Known> {
        match self.at(path, |folder, name| folder.entry(name))? {
            Some(Entry { kind: EntryKind::File, len, stamp }) => Ok(Known { len, stamp }),
            Some(Entry { kind, .. }) => Err(Refusal::NotAFile(kind).into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn is_folder(&self, path: &Path) -> bool {
        self.in_folder(path, |_| Ok(())).is_ok()
    }

    fn make_folder(&self, path: &Path) -> io::Result<()> {
        self.at(path, |folder, name| folder.make_folder(name, Access::Umask))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.at(path, |folder, name| folder.remove_folder(name))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        match (from.parent() == to.parent(), from.file_name()) {
            (true, Some(from)) => self.at(to, |folder, to| folder.rename(from, to)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.at(path, |folder, name| folder.remove(name))
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.in_folder(path, Folder::sync)
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }
}
