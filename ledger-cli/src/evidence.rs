//! Files that lie beside the log: the log has a commitment to each, and nobody can tell from it
//! what the file says.
//!
//! A commitment is the keyed BLAKE3 hash of the file's bytes, with 32 random bytes as the key. The
//! copy of the file and the key lie in `evidence/<commitment>/` of the ledger's folder, as `content`
//! and `salt`: `b3sum --keyed content < salt` gives the commitment again. The folder is named after
//! the commitment and nothing else, so no name from outside ever becomes a path.

use std::path::Path;
use std::path::PathBuf;

use revshare_core::ledger::Mode;
use revshare_core::vocab::Digest;

use crate::context::random;
use crate::error::Failure;
use crate::evidence_store::Copied;
use crate::evidence_store::EvidenceWriter;
use crate::evidence_store::delete;
use crate::evidence_store::each_piece;
use crate::files::open_evidence;
use crate::files::unreadable;

/// A file that is about to be named on the log.
pub struct Evidence {
    /// What the log gets.
    pub commitment: Digest,
    /// Where the copy lies; `None` if nothing was written.
    pub folder: Option<PathBuf>,
    ledger: PathBuf,
}

/// Commits to a file, and copies it into the ledger's folder unless nothing is to be recorded.
/// Errors: [`Code::FileRead`], [`Code::DiskWrite`], [`Code::DiskFull`], [`Code::FolderEntry`],
/// [`Code::Locked`].
///
/// [`Code::FileRead`]: revshare_core::vocab::Code::FileRead
/// [`Code::DiskWrite`]: revshare_core::vocab::Code::DiskWrite
/// [`Code::DiskFull`]: revshare_core::vocab::Code::DiskFull
/// [`Code::FolderEntry`]: revshare_core::vocab::Code::FolderEntry
/// [`Code::Locked`]: revshare_core::vocab::Code::Locked
pub fn attach(ledger: &Path, file: &Path, mode: Mode) -> Result<Evidence, Failure> {
    let salt = random::<32>()?;
    let mut source = open_evidence(file).map_err(|error| unreadable(file, &error))?;
    if mode == Mode::DryRun {
        let mut hasher = blake3::Hasher::new_keyed(&salt);
        let read = each_piece(&mut source, |piece| {
            hasher.update(piece);
        });
        read.map_err(|error| unreadable(file, &error))?;
        let commitment = Digest(*hasher.finalize().as_bytes());
        return Ok(Evidence { commitment, folder: None, ledger: ledger.to_owned() });
    }
    let writer = EvidenceWriter::open(ledger)?;
    match writer.put(&mut source, &salt, None)? {
        Copied::Done(commitment) => {
            let folder = Some(writer.path_of(&commitment));
            Ok(Evidence { commitment, folder, ledger: ledger.to_owned() })
        }
        Copied::Unwritten(problem) => Err(problem.into()),
        Copied::Unread(error) => Err(unreadable(file, &error).into()),
        // Nothing was expected that it could differ from.
        Copied::Mismatch => Err(unreadable(file, &std::io::ErrorKind::InvalidData.into()).into()),
    }
}

impl Evidence {
    /// Removes the copy of a file that was not named on the log after all.
    pub fn withdraw(&self) {
        if self.folder.is_some() {
            // What cannot be removed is named by nothing and does no harm.
            let _ = delete(&self.ledger, &self.commitment, Mode::Record);
        }
    }
}
