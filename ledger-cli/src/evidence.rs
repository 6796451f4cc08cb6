//! Files that lie beside the log: the log has a commitment to each, and nobody can tell from it
//! what the file says.
//!
//! A commitment is the keyed BLAKE3 hash of the file's bytes, with 32 random bytes as the key. The
//! copy of the file and the key lie in `evidence/<commitment>/` of the ledger's folder, as `content`
//! and `salt`: `b3sum --keyed content < salt` gives the commitment again. The folder is named after
//! the commitment and nothing else, so no name from outside ever becomes a path.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::ledger::Mode;
use revshare_core::vocab::Code;
use revshare_core::vocab::Digest;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;

use crate::context::random;
use crate::error::Failure;
use crate::files;
use crate::files::unreadable;

/// A file that is about to be named on the log.
pub struct Evidence {
    /// What the log gets.
    pub commitment: Digest,
    /// Where the copy lies; `None` if nothing was written.
    pub folder: Option<PathBuf>,
}

/// Commits to a file, and copies it into the ledger's folder unless nothing is to be recorded.
/// Errors: [`Code::FileRead`], [`Code::DiskWrite`], [`Code::DiskFull`].
pub fn attach(ledger: &Path, file: &Path, mode: Mode) -> Result<Evidence, Failure> {
    let salt = random::<32>()?;
    let source = files::open_evidence(file).map_err(|error| unreadable(file, &error))?;
    let mut hasher = blake3::Hasher::new_keyed(&salt);
    if mode == Mode::DryRun {
        copy(source, file, &mut |bytes| {
            hasher.update(bytes);
            Ok(())
        })?;
        return Ok(Evidence { commitment: finished(&hasher), folder: None });
    }
    // The commitment, which names the folder, is known only when the file has been read.
    let all = ledger.join("evidence");
    let fresh = all.join(format!("new-{}", Digest(*salt).short()));
    fs::create_dir_all(&fresh).map_err(|error| unwritable(&fresh, &error))?;
    let written = write_copy(source, file, (&fresh, &salt[..]), &mut hasher).and_then(|()| {
        let commitment = finished(&hasher);
        let folder = all.join(commitment.to_string());
        fs::rename(&fresh, &folder).map_err(|error| unwritable(&folder, &error))?;
        settle(&folder);
        Ok(Evidence { commitment, folder: Some(folder) })
    });
    if written.is_err() {
        discard(&fresh);
    }
    written
}

impl Evidence {
    /// Removes the copy of a file that was not named on the log after all.
    pub fn withdraw(&self) {
        if let Some(folder) = &self.folder {
            discard(folder);
        }
    }
}

/// Makes the entries of a folder of evidence last through a power cut, as far as the file system
/// knows how: the event that names the file is recorded only after it.
pub fn settle(folder: &Path) {
    let above = folder.ancestors().take(3);
    above.for_each(|folder| drop(File::open(folder).and_then(|folder| folder.sync_all())));
}

/// Removes a folder of evidence, and the folder of all evidence if it was the only one.
fn discard(folder: &Path) {
    // What cannot be removed is named by nothing and does no harm.
    let _ = fs::remove_dir_all(folder);
    if let Some(all) = folder.parent() {
        let _ = fs::remove_dir(all);
    }
}

fn finished(hasher: &blake3::Hasher) -> Digest {
    Digest(*hasher.finalize().as_bytes())
}

fn write_copy(
    source: impl Read,
    file: &Path,
    (folder, salt): (&Path, &[u8]),
    hasher: &mut blake3::Hasher,
) -> Result<(), Failure> {
    let (content, key) = (folder.join("content"), folder.join("salt"));
    let create = |path: &Path| File::create_new(path).map_err(|error| unwritable(path, &error));
    let mut target = create(&content)?;
    copy(source, file, &mut |bytes| {
        hasher.update(bytes);
        target.write_all(bytes).map_err(|error| unwritable(&content, &error))
    })?;
    target.sync_all().map_err(|error| unwritable(&content, &error))?;
    let mut target = create(&key)?;
    let written = target.write_all(salt).and_then(|()| target.sync_all());
    Ok(written.map_err(|error| unwritable(&key, &error))?)
}

/// Shows a file's bytes, piece by piece.
fn copy(
    mut source: impl Read,
    file: &Path,
    see: &mut dyn FnMut(&[u8]) -> Result<(), Problem>,
) -> Result<(), Failure> {
    let mut piece = vec![0; 1 << 16];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(len) => see(piece.get(..len).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(file, &error).into()),
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    let (code, hint) = match error.kind() {
        io::ErrorKind::StorageFull => (Code::DiskFull, "free some space, then try again"),
        _ => (Code::DiskWrite, "check the folder and its permissions"),
    };
    Problem::new(code, format!("the evidence cannot be copied: {error}"))
        .at(Place::Path(path.display().to_string()))
        .hint(hint)
}
