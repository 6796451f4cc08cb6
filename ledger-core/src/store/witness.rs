//! The memories of this machine that lie outside the ledger: the last recorded head of each copy,
//! what each key signed on which previous hash, and how far each copy is known.
//!
//! They tell a rollback from a short log, a finished record from an unfinished one, and keep a key
//! from signing twice on one previous record. They are written without a sync of their own, but
//! for archives of what is known: after a power cut they may be behind, which only weakens a warning.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use crate::store::Shelf;
use crate::store::disk::io_problem;
use crate::store::files::Files;
use crate::store::files::How;
use crate::store::files::make_folders;
use crate::store::files::read_exact_at;
use crate::store::files::read_whole;
use crate::store::files::replace;
use crate::store::files::system;
use crate::store::files::write_all;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::LedgerId;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::vocab::digest::Domain;

/// Bytes of one entry of the signing memory: previous hash and record hash.
const SIGNED_LEN: usize = 64;

/// The memories in the user's state folder; without a folder, none.
#[derive(Clone, Debug)]
pub struct Witness {
    files: Arc<dyn Files>,
    folder: Option<PathBuf>,
    /// The copy's own path, made absolute.
    copy: PathBuf,
    /// What this process noted last in the memory of a key.
    noted: Arc<Mutex<Option<Noted>>>,
}

/// The last entry that this process made in the memory of what a key signed. A record that follows
/// on it can only have been signed later: entries on its hash stand behind it.
#[derive(Clone, Debug)]
struct Noted {
    path: PathBuf,
    entry: [u8; SIGNED_LEN],
    /// Where the entry stands.
    at: u64,
}

/// What this machine knows of a copy, with a snapshot of its state; the content is the ledger's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Memory {
    /// It was verified, signatures included.
    Verified,
    /// It was replayed by a writer: everything but signatures.
    Replayed,
}

impl Memory {
    fn folder(self) -> &'static str {
        match self {
            Memory::Verified => "verified",
            Memory::Replayed => "replayed",
        }
    }
}

/// A remembered head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RememberedHead {
    /// The ledger.
    pub ledger: LedgerId,
    /// Sequence number of the last record that was said to be recorded.
    pub seq: u64,
    /// Its hash.
    pub hash: RecordHash,
}

/// A previous hash, and the hash of the record that a key signed on it.
pub type Signed = (RecordHash, RecordHash);

fn entry(first: &[u8; 32], second: &[u8; 32]) -> Vec<u8> {
    [&first[..], &second[..]].concat()
}

fn entries<'a>(signed: impl Iterator<Item = &'a Signed>) -> Vec<u8> {
    signed.flat_map(|(previous, hash)| entry(previous.bytes(), hash.bytes())).collect()
}

fn halves(entry: &[u8; SIGNED_LEN]) -> Option<([u8; 32], [u8; 32])> {
    Some((*entry.first_chunk()?, *entry.last_chunk()?))
}

fn signed_in(bytes: &[u8]) -> impl Iterator<Item = Signed> {
    let entries = bytes.as_chunks::<SIGNED_LEN>().0.iter();
    let hash = RecordHash::from_bytes;
    entries.filter_map(halves).map(move |(previous, own)| (hash(previous), hash(own)))
}

fn unwritten(path: &Path, error: &io::Error) -> Problem {
    let what = "the memory of what this key signed cannot be written; nothing was recorded";
    io_problem(Code::DiskWrite, what, path, error)
}

fn unread(path: &Path, error: &io::Error) -> Problem {
    io_problem(Code::DiskRead, "the memory of this machine cannot be read", path, error)
}

impl Witness {
    /// The memories for the copy of a ledger in a folder.
    pub fn new(state_folder: Option<&Path>, ledger_folder: &Path) -> Witness {
        Witness::new_on(system(), state_folder, ledger_folder)
    }

    /// Likewise, on other files than the system's.
    pub fn new_on(
        files: Arc<dyn Files>,
        state_folder: Option<&Path>,
        ledger_folder: &Path,
    ) -> Witness {
        let copy = files.canonical(ledger_folder).unwrap_or_else(|_| ledger_folder.to_owned());
        Witness { files, folder: state_folder.map(Path::to_owned), copy, noted: Arc::default() }
    }

    /// Whether there is a memory at all.
    pub fn exists(&self) -> bool {
        self.folder.is_some()
    }

    fn copy_path(&self, kind: &str) -> Option<PathBuf> {
        let copy = Domain::Index.digest(self.copy.as_os_str().as_encoded_bytes());
        Some(self.folder.as_ref()?.join(kind).join(copy.to_string()))
    }

    fn signed_path(&self, ledger: LedgerId, key: &PublicKey) -> Option<PathBuf> {
        let mut hasher = Domain::Index.hasher();
        hasher.update(ledger.bytes()).update(key.bytes());
        let name = Digest(*hasher.finalize().as_bytes());
        Some(self.folder.as_ref()?.join("signed").join(name.to_string()))
    }

    /// The bytes of a memory; none if there is none.
    fn read(&self, path: &Path) -> Result<Vec<u8>, Problem> {
        match read_whole(&*self.files, path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(unread(path, &error)),
        }
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        make_folders(&*self.files, path.parent().unwrap_or(path))?;
        replace(&*self.files, path, &[bytes])
    }

    /// The last head that this copy was said to have; `None` if none is remembered, or if a power
    /// cut left nothing of it that can be understood. Errors: [`Code::DiskRead`]; a log is not
    /// judged without a memory that is there.
    pub fn head(&self) -> Result<Option<RememberedHead>, Problem> {
        let Some(path) = self.copy_path("heads") else { return Ok(None) };
        let bytes = self.read(&path)?;
        let understood = || {
            let mut words = std::str::from_utf8(&bytes).ok()?.split_whitespace();
            Some(RememberedHead {
                ledger: LedgerId(Digest::parse(words.next()?).ok()?),
                seq: words.next()?.parse().ok()?,
                hash: RecordHash(Digest::parse(words.next()?).ok()?),
            })
        };
        Ok(understood())
    }

    /// Remembers a head, by atomic replacement.
    pub fn remember_head(&self, head: RememberedHead) -> io::Result<()> {
        let Some(path) = self.copy_path("heads") else { return Ok(()) };
        self.write(&path, format!("{} {} {}\n", head.ledger, head.seq, head.hash).as_bytes())
    }

    /// Forgets the head of this copy: a new ledger begins in its folder.
    pub fn forget_head(&self) {
        if let Some(path) = self.copy_path("heads") {
            let _ = self.files.remove(&path);
        }
    }

    /// The folder of what this machine's readers computed from this copy; none without a state
    /// folder. The ledger's own folder may have come from somebody else.
    pub fn index_folder(&self) -> Option<PathBuf> {
        self.copy_path("index")
    }

    /// Where it is kept how far this copy is known; none without a state folder.
    pub fn shelf(&self, memory: Memory) -> Option<Shelf> {
        let memories = [Memory::Verified, Memory::Replayed].map(|one| self.copy_path(one.folder()));
        let [Some(verified), Some(replayed)] = memories else { return None };
        let archives = self.copy_path("archives")?;
        let [verified, replayed] = Shelf::pair(&self.files, [verified, replayed], &archives, "new");
        Some(match memory {
            Memory::Verified => verified,
            Memory::Replayed => replayed,
        })
    }

    /// Every record that a key is remembered to have signed on a previous hash. Errors:
    /// [`Code::DiskRead`].
    pub fn signed_on(
        &self,
        ledger: LedgerId,
        key: &PublicKey,
        previous: RecordHash,
    ) -> Result<Vec<RecordHash>, Problem> {
        let Some(path) = self.signed_path(ledger, key) else { return Ok(Vec::new()) };
        let bytes = match self.behind_noted(&path, previous)? {
            Some(bytes) => bytes,
            None => self.read(&path)?,
        };
        let on_previous = signed_in(&bytes).filter(|(known, _)| *known == previous);
        Ok(on_previous.map(|(_, hash)| hash).collect())
    }

    /// What stands in the memory of a key behind the entry of the record with this hash, if this
    /// process made it and it stands where it did: so that a process that signs a million records
    /// does not read all of them again for each.
    fn behind_noted(&self, path: &Path, hash: RecordHash) -> Result<Option<Vec<u8>>, Problem> {
        let noted = self.noted.lock().ok().and_then(|noted| noted.clone());
        let fits = |noted: &Noted| noted.path == path && noted.entry.ends_with(hash.bytes());
        let Some(noted) = noted.filter(fits) else { return Ok(None) };
        let read = || -> io::Result<Option<Vec<u8>>> {
            let file = self.files.open(path, How::Read)?;
            let Some(len) = file.len()?.checked_sub(noted.at) else { return Ok(None) };
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
            read_exact_at(&*file, &mut bytes, noted.at)?;
            // What was released meanwhile would have moved it.
            Ok(bytes.strip_prefix(&noted.entry).map(<[u8]>::to_vec))
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map_err(|error| unread(path, &error)),
        }
    }

    /// Remembers what a key is about to sign in this copy, before anybody can read it. Errors:
    /// [`Code::DiskWrite`], [`Code::DiskFull`].
    pub fn remember_signed(
        &self,
        ledger: LedgerId,
        key: &PublicKey,
        signed: &[Signed],
    ) -> Result<(), Problem> {
        let paths = self.copy_path("pending").zip(self.signed_path(ledger, key));
        let Some((pending_path, path)) = paths else { return Ok(()) };
        let entries = entries(signed.iter());
        let mut pending = entry(ledger.bytes(), key.bytes());
        pending.extend_from_slice(&entries);
        self.write(&pending_path, &pending).map_err(|error| unwritten(&pending_path, &error))?;
        let append = || -> io::Result<u64> {
            make_folders(&*self.files, path.parent().unwrap_or(&path))?;
            let file = self.files.open(&path, How::AppendOrCreate)?;
            // What was written in part before (a full disk, a power cut) would shift what follows.
            let len = file.len()?;
            let whole = len - len % SIGNED_LEN as u64;
            if len != whole {
                file.set_len(whole)?;
            }
            write_all(&*file, &entries)?;
            Ok(whole + entries.len() as u64)
        };
        let end = append().map_err(|error| unwritten(&path, &error))?;
        let noted = entries.last_chunk().map(|entry| Noted {
            path: path.clone(),
            entry: *entry,
            at: end.saturating_sub(SIGNED_LEN as u64),
        });
        if let Ok(mut known) = self.noted.lock() {
            *known = noted;
        }
        Ok(())
    }

    /// Releases records that were signed and that nobody could read: an append that failed.
    pub fn release_signed(
        &self,
        ledger: LedgerId,
        key: &PublicKey,
        is_released: impl Fn(&Signed) -> bool,
    ) -> Result<(), Problem> {
        let Some(path) = self.signed_path(ledger, key) else { return Ok(()) };
        let bytes = self.read(&path)?;
        let known: Vec<Signed> = signed_in(&bytes).collect();
        if !known.iter().any(&is_released) {
            return Ok(());
        }
        let kept = entries(known.iter().filter(|signed| !is_released(signed)));
        self.write(&path, &kept).map_err(|error| unwritten(&path, &error))
    }

    /// What was signed last in this copy is never released.
    pub fn forget_pending(&self) {
        if let Some(path) = self.copy_path("pending") {
            let _ = self.files.remove(&path);
        }
    }

    /// Releases what was signed last in this copy, if that was on its head and is there no more: an
    /// append that a power cut left unfinished. What another copy holds is not released.
    pub fn release_pending(&self, head: RecordHash) -> Result<(), Problem> {
        let Some(path) = self.copy_path("pending") else { return Ok(()) };
        let bytes = self.read(&path)?;
        let Some((whose, entries)) = bytes.split_first_chunk::<SIGNED_LEN>() else {
            return Ok(());
        };
        let pending: Vec<Signed> = signed_in(entries).collect();
        let is_on_head = pending.first().is_some_and(|(previous, _)| *previous == head);
        let Some((ledger, key)) = halves(whose).filter(|_| is_on_head) else { return Ok(()) };
        // A memory that a power cut has left without its bytes names no key.
        let Ok(key) = PublicKey::from_bytes(key) else { return Ok(()) };
        let ledger = LedgerId(Digest(ledger));
        self.release_signed(ledger, &key, |signed| pending.contains(signed))
    }
}
