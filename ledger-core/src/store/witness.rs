//! Two memories of this machine that lie outside the ledger: the last recorded head of each copy,
//! and what each key signed on which previous hash.
//!
//! They tell a rollback from a short log, a finished record from an unfinished one, and keep a key
//! from signing twice on one previous record. They are written without a sync of their own: after
//! a power cut they may be a record behind, which only weakens a warning.

use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::store::disk::io_problem;
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
    folder: Option<PathBuf>,
    /// The copy's own path, made absolute.
    copy: PathBuf,
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

impl Witness {
    /// The memories for the copy of a ledger in a folder.
    pub fn new(state_folder: Option<&Path>, ledger_folder: &Path) -> Witness {
        let copy = fs::canonicalize(ledger_folder).unwrap_or_else(|_| ledger_folder.to_owned());
        Witness { folder: state_folder.map(Path::to_owned), copy }
    }

    /// Whether there is a memory at all.
    pub fn exists(&self) -> bool {
        self.folder.is_some()
    }

    fn head_path(&self) -> Option<PathBuf> {
        let copy = Domain::Index.digest(self.copy.as_os_str().as_encoded_bytes());
        Some(self.folder.as_ref()?.join("heads").join(copy.to_string()))
    }

    fn signed_path(&self, ledger: LedgerId, key: &PublicKey) -> Option<PathBuf> {
        let mut hasher = Domain::Index.hasher();
        hasher.update(ledger.bytes()).update(key.bytes());
        let name = Digest(*hasher.finalize().as_bytes());
        Some(self.folder.as_ref()?.join("signed").join(name.to_string()))
    }

    /// The last head that this copy was said to have; `None` if none is remembered.
    pub fn head(&self) -> Option<RememberedHead> {
        let text = fs::read_to_string(self.head_path()?).ok()?;
        let mut words = text.split_whitespace();
        Some(RememberedHead {
            ledger: LedgerId(Digest::parse(words.next()?).ok()?),
            seq: words.next()?.parse().ok()?,
            hash: RecordHash(Digest::parse(words.next()?).ok()?),
        })
    }

    /// Remembers a head, by atomic replacement.
    pub fn remember_head(&self, head: RememberedHead) -> io::Result<()> {
        let Some(path) = self.head_path() else {
            return Ok(());
        };
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder)?;
        let draft = path.with_extension("new");
        fs::write(&draft, format!("{} {} {}\n", head.ledger, head.seq, head.hash))?;
        fs::rename(&draft, &path)
    }

    /// Forgets the head of this copy: a new ledger begins in its folder.
    pub fn forget_head(&self) {
        if let Some(path) = self.head_path() {
            let _ = fs::remove_file(path);
        }
    }

    /// Every record that a key is remembered to have signed on a previous hash.
    pub fn signed_on(
        &self,
        ledger: LedgerId,
        key: &PublicKey,
        previous: RecordHash,
    ) -> Result<Vec<RecordHash>, Problem> {
        let Some(path) = self.signed_path(ledger, key) else {
            return Ok(Vec::new());
        };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let what = "the memory of what this key signed cannot be read";
                return Err(io_problem(Code::DiskRead, what, &path, &error));
            }
        };
        let entries = bytes.as_chunks::<SIGNED_LEN>().0.iter();
        let on_previous = entries.filter(|entry| entry[..32] == previous.bytes()[..]);
        Ok(on_previous
            .filter_map(|entry| entry[32..].first_chunk().copied())
            .map(RecordHash::from_bytes)
            .collect())
    }

    /// Remembers what a key is about to sign: pairs of previous hash and record hash.
    pub fn remember_signed(
        &self,
        ledger: LedgerId,
        key: &PublicKey,
        signed: &[(RecordHash, RecordHash)],
    ) -> io::Result<()> {
        let Some(path) = self.signed_path(ledger, key) else {
            return Ok(());
        };
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        let mut bytes = Vec::with_capacity(signed.len() * SIGNED_LEN);
        for (previous, hash) in signed {
            bytes.extend_from_slice(previous.bytes());
            bytes.extend_from_slice(hash.bytes());
        }
        OpenOptions::new().create(true).append(true).open(&path)?.write_all(&bytes)
    }

    /// Releases records that were signed and never left this machine: an append that failed or
    /// was cut.
    pub fn release_signed(
        &self,
        ledger: LedgerId,
        key: &PublicKey,
        is_released: impl Fn(RecordHash, RecordHash) -> bool,
    ) -> io::Result<()> {
        let Some(path) = self.signed_path(ledger, key) else {
            return Ok(());
        };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let hash = |part: &[u8]| part.first_chunk().copied().map(RecordHash::from_bytes);
        let mut kept = Vec::with_capacity(bytes.len());
        for entry in bytes.as_chunks::<SIGNED_LEN>().0 {
            let released = hash(&entry[..32]).zip(hash(&entry[32..]));
            if !released.is_some_and(|(previous, own)| is_released(previous, own)) {
                kept.extend_from_slice(entry);
            }
        }
        let draft = path.with_extension("new");
        fs::write(&draft, kept)?;
        fs::rename(&draft, &path)
    }
}
