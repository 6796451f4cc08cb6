//! Segment files in a folder.
//!
//! Write path: append, `fdatasync`, and only then is a group recorded. A write that fails is taken
//! back. Sealed segments never change; a new file is made known by a sync of its folder.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use crate::limits::SEGMENT_LEN_TARGET;
use crate::store::Segment;
use crate::store::SegmentHeader;
use crate::store::SegmentSource;
use crate::vocab::Code;
use crate::vocab::Place;
use crate::vocab::Problem;

/// The folder of the segments, inside the ledger's.
pub const LOG_FOLDER: &str = "log";
/// The file that a writer locks.
const LOCK_FILE: &str = "lock";

/// The log of a ledger on disk.
#[derive(Debug)]
pub struct DiskLog {
    folder: PathBuf,
    /// Held by a writer for as long as it lives.
    lock: Option<File>,
    /// The last segment, open to be appended to: opening it for each record costs as much as a
    /// fourth of the sync. Nobody else writes to it while the lock is held.
    last: Option<LastSegment>,
}

/// The segment that a writer appends to.
#[derive(Debug)]
struct LastSegment {
    number: u32,
    len: u64,
    file: File,
}

/// The refusal of the operating system, in the ledger's words.
pub fn io_problem(code: Code, what: &str, path: &Path, error: &io::Error) -> Problem {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    let (code, hint) = match (full, code) {
        (true, _) => {
            (Code::DiskFull, "free some space (or raise the limit) and run the command again")
        }
        (_, Code::DiskWrite) => (code, "check that the folder exists and that you may write to it"),
        _ => (code, "check that the file exists and that you may read it"),
    };
    Problem::new(code, format!("{what}: {error}"))
        .at(Place::Path(path.display().to_string()))
        .hint(hint)
}

fn cannot_write(path: &Path, error: &io::Error) -> Problem {
    io_problem(Code::DiskWrite, "the ledger cannot be written; nothing was recorded", path, error)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl DiskLog {
    /// Opens the log of the ledger in a folder for reading. No lock is taken: readers are never
    /// blocked, and see whole records only.
    pub fn open(ledger: &Path) -> DiskLog {
        DiskLog { folder: ledger.join(LOG_FOLDER), lock: None, last: None }
    }

    /// Opens the segments that lie directly in a folder, for reading.
    pub fn open_segments(folder: &Path) -> DiskLog {
        DiskLog { folder: folder.to_owned(), lock: None, last: None }
    }

    /// Whether a folder holds a log with at least one segment.
    pub fn exists(ledger: &Path) -> bool {
        DiskLog::open(ledger).segments().is_ok_and(|segments| !segments.is_empty())
    }

    /// Opens the log for writing. Errors: [`Code::Locked`] if another writer has it,
    /// [`Code::DiskWrite`].
    pub fn open_for_writing(ledger: &Path) -> Result<DiskLog, Problem> {
        let folder = ledger.join(LOG_FOLDER);
        let path = folder.join(LOCK_FILE);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| cannot_write(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(DiskLog { folder, lock: Some(lock), last: None }),
            Err(TryLockError::WouldBlock) => {
                Err(Problem::new(Code::Locked, "another command is writing to this ledger")
                    .at(Place::Path(path.display().to_string()))
                    .hint("wait until it has finished and run the command again"))
            }
            Err(TryLockError::Error(error)) => Err(cannot_write(&path, &error)),
        }
    }

    /// Makes the folder of a new log and opens it for writing; it has no segment yet. Errors:
    /// [`Code::AlreadyALedger`], [`Code::DiskWrite`], [`Code::Locked`].
    pub fn create(ledger: &Path) -> Result<DiskLog, Problem> {
        let folder = ledger.join(LOG_FOLDER);
        fs::create_dir_all(&folder).map_err(|error| cannot_write(&folder, &error))?;
        let log = DiskLog::open_for_writing(ledger)?;
        if log.segments()?.is_empty() {
            return Ok(log);
        }
        Err(Problem::new(Code::AlreadyALedger, "the folder is a ledger already")
            .at(Place::Path(ledger.display().to_string()))
            .hint("open the ledger in another folder"))
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(SegmentHeader::file_name(number))
    }

    /// Appends a group of frames and makes it durable: on `Ok` it is recorded, on `Err` the log is
    /// as it was. `first_seq` is the sequence number of the first frame; `written` runs once all
    /// bytes are written and before they are synced. Errors: [`Code::DiskFull`],
    /// [`Code::DiskWrite`].
    pub fn append(
        &mut self,
        first_seq: u64,
        frames: &[Vec<u8>],
        written: &mut dyn FnMut() -> io::Result<()>,
    ) -> Result<(), Problem> {
        debug_assert!(self.lock.is_some(), "only a writer appends");
        let last = match self.last.take() {
            Some(last) => Some(last),
            None => self.open_last()?,
        };
        match last {
            Some(mut last) if last.len < SEGMENT_LEN_TARGET => {
                self.append_to(&mut last, frames, written)?;
                self.last = Some(last);
                Ok(())
            }
            last => {
                let number = last.map_or(0, |last| last.number + 1);
                self.append_new(SegmentHeader { number, first_seq }, frames, written)
            }
        }
    }

    fn open_last(&self) -> Result<Option<LastSegment>, Problem> {
        let Some(Segment { number, len, .. }) = self.segments()?.pop() else { return Ok(None) };
        let path = self.path(number);
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(|error| cannot_write(&path, &error))?;
        Ok(Some(LastSegment { number, len, file }))
    }

    fn append_to(
        &self,
        last: &mut LastSegment,
        frames: &[Vec<u8>],
        written: &mut dyn FnMut() -> io::Result<()>,
    ) -> Result<(), Problem> {
        let appended = frames
            .iter()
            .try_for_each(|frame| last.file.write_all(frame))
            .and_then(|()| written())
            .and_then(|()| last.file.sync_data());
        if let Err(error) = appended {
            // Take back what was written. Should that fail too, the next writer finds an
            // unfinished append and cuts it.
            let _ = last.file.set_len(last.len).and_then(|()| last.file.sync_data());
            return Err(cannot_write(&self.path(last.number), &error));
        }
        last.len += frames.iter().map(|frame| frame.len() as u64).sum::<u64>();
        Ok(())
    }

    /// A new segment gets its name only when it is whole, so that no reader meets half a header.
    fn append_new(
        &self,
        header: SegmentHeader,
        frames: &[Vec<u8>],
        written: &mut dyn FnMut() -> io::Result<()>,
    ) -> Result<(), Problem> {
        let path = self.path(header.number);
        let draft = path.with_extension("new");
        let mut write = || -> io::Result<()> {
            let mut file = File::create(&draft)?;
            file.write_all(&header.bytes())?;
            frames.iter().try_for_each(|frame| file.write_all(frame))?;
            written()?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            sync_folder(&self.folder)?;
            if header.number == 0 {
                // The folders themselves are new.
                let ledger = self.folder.parent().unwrap_or(&self.folder);
                sync_folder(ledger)?;
                let above = ledger.parent().filter(|above| !above.as_os_str().is_empty());
                sync_folder(above.unwrap_or(Path::new(".")))?;
            }
            Ok(())
        };
        write().map_err(|error| {
            let _ = fs::remove_file(&draft);
            let _ = fs::remove_file(&path);
            cannot_write(&path, &error)
        })
    }

    /// Cuts an unfinished append off: what stands behind the last whole record. Errors:
    /// [`Code::DiskWrite`].
    pub fn cut(&mut self, segment: u32, offset: u64) -> Result<(), Problem> {
        debug_assert!(self.lock.is_some(), "only a writer cuts");
        self.last = None;
        let path = self.path(segment);
        let cut = || -> io::Result<()> {
            if offset == 0 {
                fs::remove_file(&path)?;
                return sync_folder(&self.folder);
            }
            let file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(offset)?;
            file.sync_all()
        };
        cut().map_err(|error| cannot_write(&path, &error))
    }
}

impl SegmentSource for DiskLog {
    fn segments(&self) -> Result<Vec<Segment>, Problem> {
        let unreadable = |error: io::Error| {
            io_problem(Code::DiskRead, "the ledger cannot be read", &self.folder, &error)
        };
        let mut segments = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let Some(number) = name.to_str().and_then(SegmentHeader::number_in) else {
                continue;
            };
            let path = entry.path();
            let known = fs::metadata(&path).map_err(unreadable)?;
            segments.push(Segment {
                number,
                name: path.display().to_string(),
                len: known.len(),
                stamp: format!(
                    "{}:{}:{}.{}:{}.{}",
                    known.ino(),
                    known.len(),
                    known.mtime(),
                    known.mtime_nsec(),
                    known.ctime(),
                    known.ctime_nsec()
                ),
            });
        }
        segments.sort_by_key(|segment| segment.number);
        Ok(segments)
    }

    fn read_at(&self, segment: u32, offset: u64, buffer: &mut [u8]) -> Result<(), Problem> {
        let path = self.path(segment);
        let read = || File::open(&path)?.read_exact_at(buffer, offset);
        let mut read = read;
        read()
            .map_err(|error| io_problem(Code::DiskRead, "the ledger cannot be read", &path, &error))
    }
}
