//! What each key signed on which previous hash: it keeps a key from signing two records on one
//! previous record. Read and written under a lock, since two copies may be written at once.

#![expect(clippy::arithmetic_side_effects, reason = "lengths inside one file")]

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use crate::machine::Machine;
use crate::machine::copy_name;
use crate::store::Files;
use crate::store::disk::io_problem;
use crate::store::files::How;
use crate::store::files::OpenFile;
use crate::store::files::make_folders;
use crate::store::files::read_exact_at;
use crate::store::files::read_whole;
use crate::store::files::replace;
use crate::store::files::write_all;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::LedgerId;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::vocab::digest::Domain;
use crate::vocab::to_u64;

/// Bytes of one entry: previous hash and record hash.
const SIGNED_LEN: usize = 64;

/// Signature log, seen from one copy; without a state folder it holds nothing.
#[derive(Clone, Debug)]
pub struct SignatureLog {
    files: Arc<dyn Files>,
    folder: Option<PathBuf>,
    /// The name of the copy.
    copy: String,
    /// The entry that this process added last.
    last: Arc<Mutex<Option<LastEntry>>>,
}

/// The last entry that this process added to a signature log. A record that follows on it can only
/// have been signed later: entries on its hash stand behind it.
#[derive(Clone, Debug)]
struct LastEntry {
    path: PathBuf,
    entry: [u8; SIGNED_LEN],
    /// Where the entry stands.
    at: u64,
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
    let what = "the signature log of this key cannot be written; nothing was recorded";
    io_problem(Code::DiskWrite, what, path, error)
}

fn unread(path: &Path, error: &io::Error) -> Problem {
    io_problem(Code::DiskRead, "the signature log of this key cannot be read", path, error)
}

/// Lock on a signature log. It is given back when this goes.
struct Locked(Box<dyn OpenFile>);

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file gives the lock back anyway.
        let _ = self.0.unlock();
    }
}

impl SignatureLog {
    /// The signature log for the copy of a ledger in a folder.
    pub fn new(files: &Arc<dyn Files>, machine: &Machine, ledger: &Path) -> SignatureLog {
        SignatureLog {
            files: files.private(),
            folder: machine.state.clone(),
            copy: copy_name(files, ledger),
            last: Arc::default(),
        }
    }

    fn pending_path(&self) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join("pending").join(&self.copy))
    }

    /// The file of a key. One that an earlier release has written is taken over.
    fn path(&self, ledger: LedgerId, key: &PublicKey) -> Option<PathBuf> {
        let mut hasher = Domain::Index.hasher();
        hasher.update(ledger.bytes()).update(key.bytes());
        let name = Digest(*hasher.finalize().as_bytes()).to_string();
        Some(self.folder.as_ref()?.join("signatures").join(name))
    }

    /// Takes the lock of a key's file, and takes over what an earlier release has written.
    fn lock(&self, path: &Path) -> io::Result<Locked> {
        let folder = path.parent().unwrap_or(path);
        make_folders(&*self.files, folder)?;
        let file = self.files.open(&path.with_extension("lock"), How::Lock)?;
        file.lock()?;
        let locked = Locked(file);
        let is_missing = match self.files.known(path) {
            Ok(_) => false,
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(error),
        };
        let earlier = self.folder.as_ref().zip(path.file_name()).filter(|_| is_missing);
        if let Some(earlier) = earlier.map(|(state, name)| state.join("signed").join(name)) {
            match self.files.rename(&earlier, path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(locked)
    }

    /// The bytes of a file; none if there is none.
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

    /// Notes what a key is about to sign in this copy, before anybody can read it, unless it has
    /// signed another record on the same previous one: then that record's hash is returned, and
    /// nothing is noted. Both are done under one lock. `is_first` says that no record can stand
    /// before it, so that there is nothing to compare. Errors: [`Code::DiskRead`],
    /// [`Code::DiskWrite`], [`Code::DiskFull`].
    pub fn sign(
        &self,
        ledger: LedgerId,
        key: &PublicKey,
        signed: &[Signed],
        is_first: bool,
    ) -> Result<Option<RecordHash>, Problem> {
        let paths = self.pending_path().zip(self.path(ledger, key));
        let (Some((pending_path, path)), Some((previous, hash))) = (paths, signed.first()) else {
            return Ok(None);
        };
        let _locked = self.lock(&path).map_err(|error| unwritten(&path, &error))?;
        let others = self.signed_on(&path, *previous)?;
        if let Some(other) = others.into_iter().find(|other| other != hash && !is_first) {
            return Ok(Some(other));
        }
        let entries = entries(signed.iter());
        let mut pending = entry(ledger.bytes(), key.bytes());
        pending.extend_from_slice(&entries);
        self.write(&pending_path, &pending).map_err(|error| unwritten(&pending_path, &error))?;
        let append = || -> io::Result<u64> {
            let file = self.files.open(&path, How::AppendOrCreate)?;
            // What was written in part before (a full disk, a power cut) would shift what follows.
            let len = file.len()?;
            let complete = len - len % to_u64(SIGNED_LEN);
            if len != complete {
                file.set_len(complete)?;
            }
            write_all(&*file, &entries)?;
            Ok(complete + to_u64(entries.len()))
        };
        let end = append().map_err(|error| unwritten(&path, &error))?;
        let last = entries.last_chunk().map(|entry| LastEntry {
            path: path.clone(),
            entry: *entry,
            at: end.saturating_sub(to_u64(SIGNED_LEN)),
        });
        if let Ok(mut noted) = self.last.lock() {
            *noted = last;
        }
        Ok(None)
    }

    /// Every record that a key has signed on a previous hash.
    fn signed_on(&self, path: &Path, previous: RecordHash) -> Result<Vec<RecordHash>, Problem> {
        let bytes = match self.behind_last(path, previous)? {
            Some(bytes) => bytes,
            None => self.read(path)?,
        };
        let on_previous = signed_in(&bytes).filter(|(known, _)| *known == previous);
        Ok(on_previous.map(|(_, hash)| hash).collect())
    }

    /// What stands in a file behind the entry of the record with this hash, if this process added
    /// it and it stands where it did: so that a process that signs a million records does not read
    /// all of them again for each.
    fn behind_last(&self, path: &Path, hash: RecordHash) -> Result<Option<Vec<u8>>, Problem> {
        let last = self.last.lock().ok().and_then(|last| last.clone());
        let fits = |last: &LastEntry| last.path == path && last.entry.ends_with(hash.bytes());
        let Some(last) = last.filter(fits) else { return Ok(None) };
        let read = || -> io::Result<Option<Vec<u8>>> {
            let file = self.files.open(path, How::Read)?;
            let Some(len) = file.len()?.checked_sub(last.at) else { return Ok(None) };
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
            read_exact_at(&*file, &mut bytes, last.at)?;
            // What was released meanwhile would have moved it.
            Ok(bytes.strip_prefix(&last.entry).map(<[u8]>::to_vec))
        };
        match read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map_err(|error| unread(path, &error)),
        }
    }

    /// Releases records that were signed and that nobody could read: an append that failed.
    /// Errors: [`Code::DiskRead`], [`Code::DiskWrite`].
    pub fn release(
        &self,
        ledger: LedgerId,
        key: &PublicKey,
        is_released: impl Fn(&Signed) -> bool,
    ) -> Result<(), Problem> {
        let Some(path) = self.path(ledger, key) else { return Ok(()) };
        let _locked = self.lock(&path).map_err(|error| unwritten(&path, &error))?;
        let bytes = self.read(&path)?;
        let all: Vec<Signed> = signed_in(&bytes).collect();
        if !all.iter().any(&is_released) {
            return Ok(());
        }
        let left = entries(all.iter().filter(|signed| !is_released(signed)));
        self.write(&path, &left).map_err(|error| unwritten(&path, &error))
    }

    /// What was signed last in this copy is never released.
    pub fn clear_pending(&self) {
        if let Some(path) = self.pending_path() {
            let _ = self.files.remove(&path);
        }
    }

    /// Releases what was signed last in this copy, if that was on its head and is there no more: an
    /// append that a power cut left unfinished. What another copy holds is not released. Errors:
    /// [`Code::DiskRead`], [`Code::DiskWrite`].
    pub fn release_pending(&self, head: RecordHash) -> Result<(), Problem> {
        let Some(path) = self.pending_path() else { return Ok(()) };
        let bytes = self.read(&path)?;
        let Some((whose, entries)) = bytes.split_first_chunk::<SIGNED_LEN>() else {
            return Ok(());
        };
        let pending: Vec<Signed> = signed_in(entries).collect();
        let is_on_head = pending.first().is_some_and(|(previous, _)| *previous == head);
        let Some((ledger, key)) = halves(whose).filter(|_| is_on_head) else { return Ok(()) };
        // A file that a power cut has left without its bytes names no key.
        let Ok(key) = PublicKey::from_bytes(key) else { return Ok(()) };
        let ledger = LedgerId(Digest(ledger));
        self.release(ledger, &key, |signed| pending.contains(signed))
    }
}
