//! The evidence folder of a ledger: `evidence/<commitment>/{content,salt}`.
//!
//! Whoever may write to the folder can put anything into it, and a folder that was received may
//! hold anything. Nothing in it is believed: a file counts if it hashes to its commitment. Nothing
//! in it is reached through a link, and only regular files are opened ([`Folder`]). Only names that
//! are commitments, and drafts of a writer that died, are ever used.

use std::collections::BTreeMap;
use std::fs::File;
use std::fs::TryLockError;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::ledger::Mode;
use revshare_core::state::EvidenceRecord;
use revshare_core::store::Folder;
use revshare_core::store::disk::io_problem;
use revshare_core::store::files::How;
use revshare_core::store::folder::Access;
use revshare_core::store::folder::EntryKind;
use revshare_core::vocab::Code;
use revshare_core::vocab::Digest;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;

use crate::context::random;
use crate::error::Failure;

/// The largest file that is copied from another copy of the ledger.
pub const COPIED_LEN_MAX: u64 = 1 << 30;
/// Most bytes that one pull copies without a question.
pub const PULL_LEN_MAX: u64 = 100 << 20;
/// Most files that one pull copies without a question.
pub const PULL_FILES_MAX: usize = 1000;

const EVIDENCE: &str = "evidence";
const CONTENT: &str = "content";
const SALT: &str = "salt";
/// How the name of a folder begins that is to become one of evidence.
const DRAFT: &str = "new-";
/// How often the folder may vanish while it is opened to be written to.
const ATTEMPTS: usize = 8;

/// What a copy of the ledger has of a commitment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EvidenceStatus {
    /// Nothing.
    Missing,
    /// The file and its salt, and they give the commitment.
    Matches,
    /// Something else than what was committed to.
    Changed,
    /// The file without its salt: nobody can tell whether it is the one.
    SaltMissing,
    /// The salt without its file.
    ContentMissing,
}

/// What another copy of the ledger has of a file that is missing here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Offer {
    /// Nothing, or not all of it.
    Nothing,
    /// A file and a salt. Whether they give the commitment shows when they are read.
    File(OfferedFile),
    /// Something that is not copied, because of this.
    Refused(String),
}

/// A file that another copy of the ledger has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OfferedFile {
    /// Its length. No more of it is ever read.
    pub len: u64,
    salt: [u8; 32],
}

/// How copying a file of evidence ended.
#[derive(Debug)]
pub enum Copied {
    /// It is there (or would be), under this commitment.
    Done(Digest),
    /// It is not the file that was committed to.
    Mismatch,
    /// Its source could not be read.
    Unread(io::Error),
    /// It could not be written.
    Unwritten(Problem),
}

/// The evidence folder of a ledger, to be read.
#[derive(Debug)]
pub struct EvidenceStore {
    path: PathBuf,
    /// `None` if there is none.
    folder: Option<Folder>,
}

/// The evidence folder of a ledger, to be written to by one writer at a time.
#[derive(Debug)]
pub struct EvidenceWriter {
    path: PathBuf,
    ledger: Folder,
    folder: Folder,
    /// The folder itself is locked, where the file system can.
    _lock: File,
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    io_problem(Code::FileRead, "the evidence cannot be read", path, error)
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    io_problem(Code::DiskWrite, "the evidence cannot be copied", path, error)
}

impl EvidenceStore {
    /// Opens the evidence folder of a ledger. Errors: [`Code::FolderEntry`], [`Code::FileRead`].
    pub fn open(ledger: &Path) -> Result<EvidenceStore, Problem> {
        let path = ledger.join(EVIDENCE);
        match Folder::open(ledger).and_then(|ledger| ledger.folder(EVIDENCE)) {
            Ok(folder) => Ok(EvidenceStore { path, folder: Some(folder) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(EvidenceStore { path, folder: None })
            }
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    /// Whether anything is here of a commitment; no file is read. Errors: [`Code::FileRead`].
    pub fn has(&self, commitment: &Digest) -> Result<bool, Problem> {
        match self.of(commitment)? {
            None => Ok(false),
            Some(Err(_)) => Ok(true),
            Some(Ok(folder)) => {
                let path = || self.path.join(commitment.to_string());
                let has = |name: &str| {
                    let found = folder.entry(name).map_err(|error| unreadable(&path(), &error));
                    found.map(|found| found.is_some())
                };
                Ok(has(CONTENT)? || has(SALT)?)
            }
        }
    }

    /// Reads what is here of a commitment. Errors: [`Code::FileRead`].
    pub fn status(&self, commitment: &Digest) -> Result<EvidenceStatus, Problem> {
        let folder = match self.of(commitment)? {
            None => return Ok(EvidenceStatus::Missing),
            Some(Err(_)) => return Ok(EvidenceStatus::Changed),
            Some(Ok(folder)) => folder,
        };
        let path = self.path.join(commitment.to_string());
        let read = || -> io::Result<EvidenceStatus> {
            let (content, salt) = match (folder.entry(CONTENT)?, folder.entry(SALT)?) {
                (None, None) => return Ok(EvidenceStatus::Missing),
                (None, Some(_)) => return Ok(EvidenceStatus::ContentMissing),
                (Some(_), None) => return Ok(EvidenceStatus::SaltMissing),
                (Some(content), Some(salt)) => (content, salt),
            };
            let are_files = content.kind == EntryKind::File && salt.kind == EntryKind::File;
            if !are_files || salt.len != 32 {
                return Ok(EvidenceStatus::Changed);
            }
            let mut hasher = blake3::Hasher::new_keyed(&salt_of(&folder)?);
            let mut source = folder.file(CONTENT, How::Read, Access::Private)?.take(content.len);
            each_piece(&mut source, |piece| {
                hasher.update(piece);
            })?;
            Ok(match finished(&hasher) == *commitment {
                true => EvidenceStatus::Matches,
                false => EvidenceStatus::Changed,
            })
        };
        read().map_err(|error| unreadable(&path, &error))
    }

    /// The names in the folder that the log does not name, sorted. Errors: [`Code::FileRead`].
    pub fn unnamed(
        &self,
        known: &BTreeMap<Digest, EvidenceRecord>,
    ) -> Result<Vec<String>, Problem> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        let names = folder.names().map_err(|error| unreadable(&self.path, &error))?;
        let names = names.into_iter().map(|name| name.to_string_lossy().into_owned());
        let is_named = |name: &String| {
            // Names are written in one way, in lower case.
            let digest = Digest::parse(name).ok().filter(|digest| digest.to_string() == *name);
            digest.is_some_and(|digest| known.contains_key(&digest))
        };
        let mut names: Vec<String> = names.filter(|name| !is_named(name)).collect();
        names.sort();
        Ok(names)
    }

    /// What this copy offers of a commitment to another one; the file is not read.
    pub fn offer(&self, commitment: &Digest) -> Offer {
        let folder = match self.of(commitment) {
            Ok(None) => return Offer::Nothing,
            Ok(Some(Ok(folder))) => folder,
            Ok(Some(Err(kind))) => {
                return Offer::Refused(format!("the other copy has a {kind} in its place"));
            }
            Err(problem) => return Offer::Refused(problem.message),
        };
        let offer = || -> io::Result<Offer> {
            let (content, salt) = match (folder.entry(CONTENT)?, folder.entry(SALT)?) {
                (Some(content), Some(salt)) => (content, salt),
                _ => return Ok(Offer::Nothing),
            };
            let refused = |why: String| Ok(Offer::Refused(why));
            if content.kind != EntryKind::File {
                return refused(format!("the other copy has a {} in its place", content.kind));
            }
            if content.len > COPIED_LEN_MAX {
                return refused("it is larger than 1 GiB: copy its folder by hand".to_owned());
            }
            if salt.kind != EntryKind::File || salt.len != 32 {
                return refused("the other copy's salt is not a file of 32 bytes".to_owned());
            }
            let salt = salt_of(&folder)?;
            Ok(Offer::File(OfferedFile { len: content.len, salt }))
        };
        offer().unwrap_or_else(|error| Offer::Refused(format!("it cannot be read: {error}")))
    }

    /// Copies an offered file to another copy; without a writer, it is only checked. Errors: no
    /// random bytes.
    pub fn copy(
        &self,
        (commitment, offered): (&Digest, &OfferedFile),
        to: Option<&EvidenceWriter>,
    ) -> Result<Copied, Failure> {
        let content = match self.of(commitment) {
            Ok(Some(Ok(folder))) => folder.file(CONTENT, How::Read, Access::Private),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        let mut content = match content {
            Ok(content) => content.take(offered.len),
            Err(error) => return Ok(Copied::Unread(error)),
        };
        if let Some(to) = to {
            return to.put(&mut content, &offered.salt, Some(commitment));
        }
        let mut hasher = blake3::Hasher::new_keyed(&offered.salt);
        let read = each_piece(&mut content, |piece| {
            hasher.update(piece);
        });
        Ok(match read {
            Err(error) => Copied::Unread(error),
            Ok(()) if finished(&hasher) == *commitment => Copied::Done(*commitment),
            Ok(()) => Copied::Mismatch,
        })
    }

    /// The folder of a commitment, or what lies in its place.
    fn of(&self, commitment: &Digest) -> Result<Option<Result<Folder, EntryKind>>, Problem> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let name = commitment.to_string();
        let find = || -> io::Result<Option<Result<Folder, EntryKind>>> {
            match folder.entry(&name)?.map(|found| found.kind) {
                None => Ok(None),
                Some(EntryKind::Folder) => Ok(Some(Ok(folder.folder(&name)?))),
                Some(kind) => Ok(Some(Err(kind))),
            }
        };
        find().map_err(|error| unreadable(&self.path.join(&name), &error))
    }
}

impl EvidenceWriter {
    /// Opens the evidence folder of a ledger to write to it, and makes it if it is not there. What a
    /// writer left that was killed is removed. Errors: [`Code::FolderEntry`], [`Code::Locked`],
    /// [`Code::DiskWrite`].
    pub fn open(ledger: &Path) -> Result<EvidenceWriter, Problem> {
        let path = ledger.join(EVIDENCE);
        let failed = |error: io::Error| unwritable(&path, &error);
        let ledger = Folder::open(ledger).map_err(failed)?;
        for _ in 0..ATTEMPTS {
            ledger.make_folder(EVIDENCE, Access::Private).map_err(failed)?;
            let folder = match ledger.folder(EVIDENCE) {
                // The last writer has removed it: it was empty.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                folder => folder.map_err(failed)?,
            };
            let lock = folder.to_file().map_err(failed)?;
            let is_locked = match lock.try_lock() {
                Ok(()) => true,
                // Some network file systems lock no folders. Writers then do without, and leave
                // alone what another may be writing.
                Err(TryLockError::Error(_)) => false,
                Err(TryLockError::WouldBlock) => {
                    return Err(Problem::new(
                        Code::Locked,
                        "another command is writing to the evidence of this ledger",
                    )
                    .at(Place::Path(path.display().to_string()))
                    .hint("wait until it has finished and run the command again"));
                }
            };
            if !folder.is_there().map_err(failed)? {
                continue;
            }
            let writer = EvidenceWriter { path, ledger, folder, _lock: lock };
            if is_locked {
                writer.remove_drafts();
            }
            return Ok(writer);
        }
        Err(unwritable(&path, &io::ErrorKind::NotFound.into()))
    }

    fn remove_drafts(&self) {
        // What cannot be removed is named by nothing: `evidence check` lists it.
        let names = self.folder.names().unwrap_or_default();
        let drafts =
            names.iter().filter(|name| name.as_encoded_bytes().starts_with(DRAFT.as_bytes()));
        drafts.for_each(|draft| drop(self.folder.remove_tree(draft)));
    }

    /// Where the files of a commitment lie.
    pub fn path_of(&self, commitment: &Digest) -> PathBuf {
        self.path.join(commitment.to_string())
    }

    /// Copies a file under a salt: durably, or not at all; only if it gives the commitment, where
    /// one is expected. Errors: no random bytes.
    pub fn put(
        &self,
        source: &mut dyn Read,
        salt: &[u8; 32],
        expected: Option<&Digest>,
    ) -> Result<Copied, Failure> {
        // The commitment, which names the folder, is known only when the file has been read.
        let draft = format!("{DRAFT}{}", Digest(*random::<32>()?).short());
        let put = self.write(&draft, source, salt, expected);
        let copied = put.unwrap_or_else(|error| Copied::Unwritten(unwritable(&self.path, &error)));
        if !matches!(copied, Copied::Done(_)) {
            let _ = self.folder.remove_tree(&draft);
        }
        Ok(copied)
    }

    fn write(
        &self,
        draft: &str,
        source: &mut dyn Read,
        salt: &[u8; 32],
        expected: Option<&Digest>,
    ) -> io::Result<Copied> {
        self.folder.make_folder(draft, Access::Private)?;
        let folder = self.folder.folder(draft)?;
        let mut hasher = blake3::Hasher::new_keyed(salt);
        let mut content = folder.file(CONTENT, How::Create, Access::Private)?;
        let mut written = Ok(());
        let read = each_piece(source, |piece| {
            if written.is_ok() {
                hasher.update(piece);
                written = content.write_all(piece);
            }
        });
        written?;
        if let Err(error) = read {
            return Ok(Copied::Unread(error));
        }
        content.sync_all()?;
        let commitment = finished(&hasher);
        if expected.is_some_and(|expected| *expected != commitment) {
            return Ok(Copied::Mismatch);
        }
        let mut key = folder.file(SALT, How::Create, Access::Private)?;
        key.write_all(salt)?;
        key.sync_all()?;
        self.folder.rename(draft, commitment.to_string())?;
        // The entries last through a power cut, as far as the file system knows how: the event that
        // names the file is recorded only afterwards.
        for folder in [&folder, &self.folder, &self.ledger] {
            let _ = folder.sync();
        }
        Ok(Copied::Done(commitment))
    }

    /// Removes what is here of a commitment, the salt first: without it the rest says nothing.
    /// Whether there was something. Errors: [`Code::DiskWrite`].
    pub fn delete(&self, commitment: &Digest) -> Result<bool, Problem> {
        let name = commitment.to_string();
        let delete = || -> io::Result<bool> {
            match self.folder.entry(&name)? {
                None => return Ok(false),
                Some(found) if found.kind == EntryKind::Folder => {
                    match self.folder.folder(&name)?.remove(SALT) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                        _ => self.folder.remove_tree(&name)?,
                    }
                }
                Some(_) => self.folder.remove_tree(&name)?,
            };
            // What is deleted stays so after a power cut; another machine's disk may not know how.
            let _ = self.folder.sync();
            Ok(true)
        };
        delete().map_err(|error| {
            Problem::new(Code::DiskWrite, format!("the evidence cannot be deleted: {error}"))
                .at(Place::Path(self.path_of(commitment).display().to_string()))
        })
    }
}

impl Drop for EvidenceWriter {
    fn drop(&mut self) {
        // It stays if it holds anything.
        let _ = self.ledger.remove_folder(EVIDENCE);
    }
}

/// Removes what a copy of a ledger has of a commitment, or says whether it has something. Errors:
/// [`Code::DiskWrite`], [`Code::Locked`], [`Code::FolderEntry`], [`Code::FileRead`].
pub fn delete(ledger: &Path, commitment: &Digest, mode: Mode) -> Result<bool, Problem> {
    let store = EvidenceStore::open(ledger)?;
    match (store.of(commitment)?, mode) {
        (None, _) => Ok(false),
        (Some(_), Mode::Record) => EvidenceWriter::open(ledger)?.delete(commitment),
        (Some(_), Mode::DryRun) => store.has(commitment),
    }
}

fn salt_of(folder: &Folder) -> io::Result<[u8; 32]> {
    let mut salt = [0; 32];
    folder.file(SALT, How::Read, Access::Private)?.read_exact(&mut salt)?;
    Ok(salt)
}

fn finished(hasher: &blake3::Hasher) -> Digest {
    Digest(*hasher.finalize().as_bytes())
}

/// Shows what is read, piece by piece.
pub fn each_piece(source: &mut dyn Read, mut see: impl FnMut(&[u8])) -> io::Result<()> {
    let mut piece = vec![0; 1 << 16];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(len) => see(piece.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
