//! Segment files in a folder.
//!
//! Write path: append, `fdatasync`, and only then is a group recorded. A write that fails before
//! the group is whole is taken back. Once it is whole somebody may have read it: from there on
//! nothing is taken back, and if the disk then does not confirm it, this process records nothing
//! more. Sealed segments never change; a new file is made known by a sync of its folder.

#![expect(clippy::arithmetic_side_effects, reason = "lengths of files, and places in them")]

use std::fs::TryLockError;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::limits::SEGMENT_COPY_MAX;
use crate::limits::SEGMENT_LEN_TARGET;
use crate::store::Segment;
use crate::store::SegmentHeader;
use crate::store::SegmentSource;
pub use crate::store::draft::Draft;
use crate::store::files::Files;
use crate::store::files::How;
use crate::store::files::OpenFile;
use crate::store::files::read_exact_at;
use crate::store::files::system;
use crate::store::files::write_all;
use crate::store::files::write_all_at;
use crate::store::folder::Refusal;
use crate::vocab::Code;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::to_u64;

/// The folder of the segments, inside the ledger's.
pub const LOG_FOLDER: &str = "log";
/// The file that a writer locks. Its one byte is a mark for as long as it appends; the byte is
/// changed in its place, which is cheaper than emptying the file.
const LOCK_FILE: &str = "lock";
const APPENDING: [u8; 1] = *b"1";
const APPENDED: [u8; 1] = *b"0";
/// What messages say where it is so.
pub(crate) const NOTHING_RECORDED: &str = "nothing was recorded";
/// How the name of a file ends that is to become a segment.
const DRAFT: &str = ".new";
/// Bytes that are written again at once.
const CHUNK_LEN: usize = 1 << 20;

/// The log of a ledger on disk.
#[derive(Debug)]
pub struct DiskLog {
    files: Arc<dyn Files>,
    /// Those inside the ledger's folder, which may have come from somebody else.
    inside: Arc<dyn Files>,
    folder: PathBuf,
    /// Held by a writer for as long as it lives.
    lock: Option<Lock>,
    /// The last segment, open to be appended to: opening it for each record costs as much as a
    /// fourth of the sync. Nobody else writes to it while the lock is held.
    last: Option<LastSegment>,
    /// Where the last append of this process ended: segment and offset.
    end: Option<(u32, u64)>,
    /// The disk did not confirm something: what this process would see of it need not be there.
    in_doubt: bool,
    /// The writer before this one died in the middle of an append.
    interrupted: bool,
}

/// A lock that is held. It is given back when this goes, even if a child process of somebody who
/// embeds the ledger has inherited the open file.
#[derive(Debug)]
struct Lock(Box<dyn OpenFile>);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file gives the lock back anyway, a little later.
        let _ = self.0.unlock();
    }
}

/// The segment that a writer appends to.
#[derive(Debug)]
struct LastSegment {
    number: u32,
    len: u64,
    file: Box<dyn OpenFile>,
}

/// Why an append did not succeed.
enum Failure {
    /// Nothing of it is left.
    TakenBack(Problem),
    /// It may be on the disk, or not.
    InDoubt(PathBuf, io::Error),
}

/// The refusal of the operating system, in the ledger's words.
pub fn io_problem(code: Code, what: &str, path: &Path, error: &io::Error) -> Problem {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    if let Some(refusal) = Refusal::of(error) {
        return Problem::new(Code::FolderEntry, format!("{what}: {refusal}"))
            .at(Place::Path(path.display().to_string()))
            .hint(refusal.hint());
    }
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

pub(super) fn cannot_write(path: &Path, error: &io::Error) -> Problem {
    let what = format!("the ledger cannot be written; {NOTHING_RECORDED}");
    io_problem(Code::DiskWrite, &what, path, error)
}

fn cannot_read(path: &Path, error: &io::Error) -> Problem {
    io_problem(Code::DiskRead, "the ledger cannot be read", path, error)
}

fn is_not_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn unconfirmed(path: &Path, error: &io::Error) -> Problem {
    let message = format!(
        "the disk did not confirm that the record is on it ({error}); whether it is recorded shows when the ledger is opened again"
    );
    Problem::new(Code::Reopen, message).at(Place::Path(path.display().to_string())).hint(
        "check the disk, then run the command again: if it was recorded, it is refused as a repeat",
    )
}

/// The folder that a path names an entry of.
fn above(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl DiskLog {
    /// Opens the log of the ledger in a folder for reading. No lock is taken: readers are never
    /// blocked, and see whole records only.
    pub fn open(ledger: &Path) -> DiskLog {
        DiskLog::open_on(system(), ledger)
    }

    /// Likewise, on other files than the system's.
    pub fn open_on(files: Arc<dyn Files>, ledger: &Path) -> DiskLog {
        let (inside, folder) = (files.inside(ledger), ledger.join(LOG_FOLDER));
        let (lock, last) = (None, None);
        DiskLog {
            files,
            inside,
            folder,
            lock,
            last,
            end: None,
            in_doubt: false,
            interrupted: false,
        }
    }

    /// Whether a folder holds a log with at least one segment.
    pub fn exists(ledger: &Path) -> bool {
        DiskLog::open(ledger).has_segments().unwrap_or(false)
    }

    /// Whether there is a log with at least one segment. Errors: [`Code::DiskRead`], if that cannot
    /// be told.
    pub fn has_segments(&self) -> Result<bool, Problem> {
        match self.inside.list(&self.folder) {
            Ok(names) => Ok(names.iter().any(|name| SegmentHeader::number_in(name).is_some())),
            Err(error) if is_not_there(&error) => Ok(false),
            Err(error) => Err(cannot_read(&self.folder, &error)),
        }
    }

    /// Opens the log for writing. Errors: [`Code::Locked`] if another writer has it,
    /// [`Code::DiskWrite`].
    pub fn open_for_writing(ledger: &Path) -> Result<DiskLog, Problem> {
        DiskLog::open_for_writing_on(system(), ledger)
    }

    /// Likewise, on other files than the system's.
    pub fn open_for_writing_on(files: Arc<dyn Files>, ledger: &Path) -> Result<DiskLog, Problem> {
        let log = DiskLog::open_on(files, ledger);
        let path = log.folder.join(LOCK_FILE);
        let lock =
            log.inside.open(&path, How::Lock).map_err(|error| cannot_write(&path, &error))?;
        match lock.try_lock() {
            Ok(()) => {
                let mut mark = [0];
                let read =
                    lock.read_at(&mut mark, 0).map_err(|error| cannot_read(&path, &error))?;
                let interrupted = read > 0 && mark != APPENDED;
                Ok(DiskLog { lock: Some(Lock(lock)), interrupted, ..log })
            }
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
        DiskLog::create_on(system(), ledger)
    }

    /// Likewise, on other files than the system's.
    pub fn create_on(files: Arc<dyn Files>, ledger: &Path) -> Result<DiskLog, Problem> {
        let folder = ledger.join(LOG_FOLDER);
        // The ledger's own folder may be new, too.
        make_durable_folders(&*files, ledger)
            .and_then(|()| make_durable_folders(&*files.inside(ledger), &folder))
            .map_err(|error| cannot_write(&folder, &error))?;
        let log = DiskLog::open_for_writing_on(files, ledger)?;
        if log.segments()?.is_empty() {
            return Ok(log);
        }
        Err(Problem::new(Code::AlreadyALedger, "the folder is a ledger already")
            .at(Place::Path(ledger.display().to_string()))
            .hint("open the ledger in another folder"))
    }

    /// Where the last append of this process ended: segment and offset; `None` before the first.
    pub fn end_of_append(&self) -> Option<(u32, u64)> {
        self.end
    }

    /// The files that it lies in.
    pub fn files(&self) -> &Arc<dyn Files> {
        &self.files
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(SegmentHeader::file_name(number))
    }

    /// Nothing more is recorded through this log.
    pub fn doubt(&mut self) {
        self.in_doubt = true;
    }

    /// Errors: [`Code::Reopen`] once the disk did not confirm something.
    pub fn admit_certain(&self) -> Result<(), Problem> {
        if !self.in_doubt {
            return Ok(());
        }
        Err(Problem::new(
            Code::Reopen,
            format!("something failed before, and what is on the disk is not certain; {NOTHING_RECORDED}"),
        )
        .at(Place::Path(self.folder.display().to_string()))
        .hint("open the ledger again: that says what is recorded"))
    }

    /// Appends a group of frames and makes it durable: on `Ok` it is recorded; on `Err` the log is
    /// as it was, but for [`Code::Reopen`]: then it is not known whether the group is recorded, and
    /// nothing more is recorded through this log. `first_seq` is the sequence number of the first
    /// frame; `signing` runs before the group can be read whole by anybody. Errors:
    /// [`Code::DiskFull`], [`Code::DiskWrite`], [`Code::Reopen`].
    pub fn append(
        &mut self,
        first_seq: u64,
        frames: &[Vec<u8>],
        signing: &mut dyn FnMut() -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        debug_assert!(self.lock.is_some(), "only a writer appends");
        self.admit_certain()?;
        let last = self.take_last()?;
        match (last, frames) {
            (Some(last), [frame]) if last.len < SEGMENT_LEN_TARGET => {
                self.marked(|log| log.append_to(last, frame, signing))
            }
            (last, _) => {
                let mut draft = self.draft_behind(last, first_seq)?;
                frames.iter().try_for_each(|frame| draft.push(frame))?;
                self.publish(draft, signing)
            }
        }
    }

    /// Begins a group of records that is written as it comes: nobody reads it before
    /// [`DiskLog::publish`], and it leaves nothing if it does not come to that. `first_seq` is the
    /// sequence number of its first record. Errors: [`Code::DiskFull`], [`Code::DiskWrite`],
    /// [`Code::Reopen`].
    pub fn draft(&mut self, first_seq: u64) -> Result<Draft, Problem> {
        debug_assert!(self.lock.is_some(), "only a writer appends");
        self.admit_certain()?;
        let last = self.take_last()?;
        self.draft_behind(last, first_seq)
    }

    /// Makes a group durable and known, all of it or nothing, as [`DiskLog::append`] does.
    pub fn publish(
        &mut self,
        draft: Draft,
        signing: &mut dyn FnMut() -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        self.admit_certain()?;
        self.marked(|log| log.publish_marked(draft, signing))
    }

    /// Appends under a mark that tells the next writer of it, should this one die.
    fn marked(
        &mut self,
        append: impl FnOnce(&mut DiskLog) -> Result<(), Failure>,
    ) -> Result<(), Problem> {
        self.mark()?;
        let appended = append(self).map_err(|failure| match failure {
            Failure::TakenBack(problem) => problem,
            Failure::InDoubt(path, error) => {
                self.in_doubt = true;
                unconfirmed(&path, &error)
            }
        });
        // The mark stays for the next writer, who then syncs what this process could not.
        if !self.in_doubt {
            self.unmark();
        }
        appended
    }

    /// Whether the writer before this one died in the middle of an append, and what it signed then
    /// was not dealt with yet.
    pub fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// What the writer before this one left was dealt with.
    pub fn resume(&mut self) {
        self.interrupted = false;
        self.unmark();
    }

    fn mark(&self) -> Result<(), Problem> {
        let Some(Lock(lock)) = &self.lock else { return Ok(()) };
        let marked = write_all_at(&**lock, &APPENDING, 0);
        marked.map_err(|error| cannot_write(&self.folder.join(LOCK_FILE), &error))
    }

    fn unmark(&self) {
        // A mark that stays says less than nothing to the next writer: the log is past it.
        let _ = self.lock.as_ref().map(|Lock(lock)| write_all_at(&**lock, &APPENDED, 0));
    }

    /// The last segment, if there is one. It is put back by whoever goes on appending to it.
    fn take_last(&mut self) -> Result<Option<LastSegment>, Problem> {
        match self.last.take() {
            Some(last) => Ok(Some(last)),
            None => self.open_last(),
        }
    }

    fn open_last(&self) -> Result<Option<LastSegment>, Problem> {
        let Some(Segment { number, len, .. }) = self.segments()?.pop() else { return Ok(None) };
        let path = self.path(number);
        let file = self.inside.open(&path, How::Append);
        let file = file.map_err(|error| cannot_write(&path, &error))?;
        Ok(Some(LastSegment { number, len, file }))
    }

    /// One record is added to the last segment.
    fn append_to(
        &mut self,
        mut last: LastSegment,
        frame: &[u8],
        signing: &mut dyn FnMut() -> Result<(), Problem>,
    ) -> Result<(), Failure> {
        let path = self.path(last.number);
        signing().map_err(Failure::TakenBack)?;
        if let Err(error) = write_all(&*last.file, frame) {
            // Should taking it back fail, the next writer finds an unfinished append and cuts it.
            let taken_back = last.file.set_len(last.len).and_then(|()| last.file.sync_data());
            self.in_doubt |= taken_back.is_err();
            return Err(Failure::TakenBack(cannot_write(&path, &error)));
        }
        last.file.sync_data().map_err(|error| Failure::InDoubt(path, error))?;
        last.len += to_u64(frame.len());
        self.end = Some((last.number, last.len));
        self.last = Some(last);
        Ok(())
    }

    /// A group goes to a new segment, or, if the last one is short, to a copy of it.
    fn draft_behind(&self, last: Option<LastSegment>, first_seq: u64) -> Result<Draft, Problem> {
        let copied = last.as_ref().filter(|last| last.len < SEGMENT_COPY_MAX);
        let number = match (copied, &last) {
            (Some(last), _) => last.number,
            (None, last) => last.as_ref().map_or(0, |last| last.number + 1),
        };
        let path = self.path(number);
        let create = || -> io::Result<Draft> {
            let begin = match copied {
                Some(last) => {
                    let mut before = vec![0; usize::try_from(last.len).unwrap_or(0)];
                    read_exact_at(&*self.inside.open(&path, How::Read)?, &mut before, 0)?;
                    before
                }
                None => SegmentHeader { number, first_seq }.bytes().to_vec(),
            };
            let draft = path.with_extension("new");
            let file = self.inside.open(&draft, How::Create)?;
            let draft = Draft {
                files: self.inside.clone(),
                path: path.clone(),
                draft,
                file,
                number,
                begin_len: to_u64(begin.len()),
                written: 0,
                named: false,
            };
            write_all(&*draft.file, &begin)?;
            Ok(draft)
        };
        create().map_err(|error| cannot_write(&path, &error))
    }

    /// The draft gets its name: its records are there at once, all or none.
    fn publish_marked(
        &mut self,
        mut draft: Draft,
        signing: &mut dyn FnMut() -> Result<(), Problem>,
    ) -> Result<(), Failure> {
        let synced = draft.file.sync_all().map_err(|error| cannot_write(&draft.path, &error));
        self.in_doubt |= synced.is_err();
        synced.and_then(|()| signing()).map_err(Failure::TakenBack)?;
        let named = self.inside.rename(&draft.draft, &draft.path);
        named.map_err(|error| Failure::TakenBack(cannot_write(&draft.path, &error)))?;
        draft.named = true;
        self.end = Some((draft.number, draft.begin_len + draft.written));
        let synced = self.inside.sync_folder(&self.folder);
        synced.map_err(|error| Failure::InDoubt(self.folder.clone(), error))
    }

    /// Cuts an unfinished append off: what stands behind the last whole record. Errors:
    /// [`Code::DiskWrite`].
    pub fn cut(&mut self, segment: u32, offset: u64) -> Result<(), Problem> {
        debug_assert!(self.lock.is_some(), "only a writer cuts");
        self.admit_certain()?;
        // Until it is confirmed and dealt with: what was cut may come back with a power cut.
        self.mark()?;
        self.last = None;
        let path = self.path(segment);
        let last = self.segments()?.pop().map_or(segment, |last| last.number);
        let cut = || -> io::Result<()> {
            // From the end, so that no gap is left if this is interrupted.
            for number in (segment..=last).rev() {
                if number > segment || offset == 0 {
                    self.inside.remove(&self.path(number))?;
                    self.inside.sync_folder(&self.folder)?;
                }
            }
            if offset == 0 {
                return Ok(());
            }
            let file = self.inside.open(&path, How::Write)?;
            file.set_len(offset)?;
            file.sync_all()
        };
        let done = cut().map_err(|error| cannot_write(&path, &error));
        self.in_doubt |= done.is_err();
        done
    }

    /// Removes what an append left that never got its name; whether there was any. Errors:
    /// [`Code::DiskRead`], [`Code::DiskWrite`].
    pub fn remove_drafts(&mut self) -> Result<bool, Problem> {
        debug_assert!(self.lock.is_some(), "only a writer removes drafts");
        let names = self.inside.list(&self.folder).map_err(|e| cannot_read(&self.folder, &e))?;
        let drafts = names.iter().filter(|name| {
            let segment = name.strip_suffix(DRAFT).map(|stem| format!("{stem}.seg"));
            segment.is_some_and(|name| SegmentHeader::number_in(&name).is_some())
        });
        let mut any = false;
        for draft in drafts {
            let path = self.folder.join(draft);
            self.inside.remove(&path).map_err(|error| cannot_write(&path, &error))?;
            any = true;
        }
        Ok(any)
    }

    /// Writes again what stands in the last segment behind a place, and syncs it. A process that
    /// was killed before its sync, or whose sync failed, may have left bytes that are read and are
    /// not on the disk; nothing may follow them before they are. Errors: [`Code::DiskWrite`],
    /// [`Code::DiskFull`], [`Code::DiskRead`].
    pub fn settle(&mut self, (segment, offset): (u32, u64)) -> Result<(), Problem> {
        debug_assert!(self.lock.is_some(), "only a writer settles");
        let Some(last) = self.segments()?.pop() else { return Ok(()) };
        let path = self.path(last.number);
        let settle = || -> io::Result<()> {
            let mut at = if last.number == segment { offset } else { 0 };
            let file = self.inside.open(&path, How::Write)?;
            let mut chunk = Vec::new();
            while at < last.len {
                let len = usize::try_from(last.len - at).unwrap_or(CHUNK_LEN).min(CHUNK_LEN);
                chunk.resize(len, 0);
                read_exact_at(&*file, &mut chunk, at)?;
                write_all_at(&*file, &chunk, at)?;
                at += to_u64(len);
            }
            // What was cut behind it, too, if that was not confirmed.
            file.set_len(last.len)?;
            file.sync_all()?;
            self.inside.sync_folder(&self.folder)
        };
        let done = settle().map_err(|error| cannot_write(&path, &error));
        self.in_doubt |= done.is_err();
        done
    }

    /// Makes durable what a reader is about to carry elsewhere: another copy must not hold a record
    /// that this one can still lose. Errors: [`Code::DiskWrite`].
    pub fn confirm(&self) -> Result<(), Problem> {
        let Some(last) = self.segments()?.pop() else { return Ok(()) };
        let path = self.path(last.number);
        let synced = self.inside.open(&path, How::Read).and_then(|file| {
            file.sync_data()?;
            self.inside.sync_folder(&self.folder)
        });
        match synced {
            Err(error) if !cannot_be_synced(&error) => {
                let what = "the disk does not confirm that the log is on it; nothing was recorded";
                Err(io_problem(Code::DiskWrite, what, &path, &error))
            }
            _ => Ok(()),
        }
    }
}

/// Media that nobody can write to have nothing to sync.
fn cannot_be_synced(error: &io::Error) -> bool {
    use io::ErrorKind::InvalidInput;
    use io::ErrorKind::ReadOnlyFilesystem;
    use io::ErrorKind::Unsupported;
    matches!(error.kind(), InvalidInput | ReadOnlyFilesystem | Unsupported)
}

/// Makes a folder, and every one above it that is missing, so that all of them survive a power
/// cut. What was made is removed again if that fails, so that the next attempt syncs it.
fn make_durable_folders(files: &dyn Files, path: &Path) -> io::Result<()> {
    let was_there = files.is_folder(path);
    if !was_there && files.is_folder(above(path)) {
        files.make_folder(path)?;
    } else if !was_there {
        make_durable_folders(files, above(path))?;
        files.make_folder(path)?;
    }
    files.sync_folder(above(path)).inspect_err(|_| {
        if !was_there {
            let _ = files.remove_folder(path);
        }
    })
}

impl SegmentSource for DiskLog {
    fn segments(&self) -> Result<Vec<Segment>, Problem> {
        let unreadable = |error: io::Error| cannot_read(&self.folder, &error);
        let mut segments = Vec::new();
        for name in self.inside.list(&self.folder).map_err(unreadable)? {
            let Some(number) = SegmentHeader::number_in(&name) else { continue };
            let path = self.folder.join(name);
            let known = self.inside.known(&path).map_err(|error| cannot_read(&path, &error))?;
            let name = path.display().to_string();
            segments.push(Segment { number, name, len: known.len, stamp: known.stamp });
        }
        segments.sort_by_key(|segment| segment.number);
        Ok(segments)
    }

    fn read_at(&self, segment: u32, offset: u64, buffer: &mut [u8]) -> Result<(), Problem> {
        let path = self.path(segment);
        let file = self.inside.open(&path, How::Read);
        file.and_then(|file| read_exact_at(&*file, buffer, offset))
            .map_err(|error| cannot_read(&path, &error))
    }
}
