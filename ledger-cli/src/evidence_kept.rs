//! What lies beside the log of the files that it names: looked at, taken over from another copy,
//! deleted. A folder of evidence belongs to whoever may write it, so nothing in it is believed: a
//! file counts if it hashes to its commitment, and for nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::io;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::ledger::Mode;
use revshare_core::state::EvidenceRecord;
use revshare_core::vocab::Code;
use revshare_core::vocab::Digest;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;

use crate::context::random;
use crate::error::Failure;
use crate::evidence::settle;
use crate::files::unreadable;

/// The largest file that is taken over from another copy.
pub const TAKEN_LEN_MAX: u64 = 1 << 30;

/// What a copy has of a commitment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// The file and its salt, and they give the commitment.
    Whole,
    /// Something else than what was committed to.
    Changed,
    /// The file without its salt: nobody can tell whether it is the one.
    NoSalt,
    /// The salt without its file.
    NoContent,
}

/// What became of a file that another copy may have.
#[derive(Debug)]
pub enum Taken {
    /// It was taken over (or would be).
    Whole,
    /// The other copy does not have it.
    Nothing,
    /// It is not taken over, because of this.
    Not(String),
    /// It could not be written here.
    Failed(Problem),
}

/// The folder of a commitment.
pub fn folder(ledger: &Path, commitment: &Digest) -> PathBuf {
    ledger.join("evidence").join(commitment.to_string())
}

/// Looks at what a copy has of a commitment. Errors: [`Code::FileRead`].
pub fn look(ledger: &Path, commitment: &Digest) -> Result<Kept, Problem> {
    let folder = folder(ledger, commitment);
    let Some(found) = metadata(&folder)? else { return Ok(Kept::Nothing) };
    if !found.is_dir() {
        return Ok(Kept::Changed);
    }
    let (content, salt) = (folder.join("content"), folder.join("salt"));
    match (metadata(&content)?, metadata(&salt)?) {
        (None, None) => Ok(Kept::Nothing),
        (None, Some(_)) => Ok(Kept::NoContent),
        (Some(_), None) => Ok(Kept::NoSalt),
        (Some(file), Some(key)) => {
            let Some(key) = read_salt(&salt, &key)?.filter(|_| file.is_file()) else {
                return Ok(Kept::Changed);
            };
            let mut hasher = blake3::Hasher::new_keyed(&key);
            let source = File::open(&content).map_err(|error| unreadable(&content, &error))?;
            read_all(source, &mut |bytes| {
                hasher.update(bytes);
                Ok(())
            })
            .map_err(|error| unreadable(&content, &error))?;
            let is_whole = hasher.finalize().as_bytes() == &commitment.0;
            Ok(if is_whole { Kept::Whole } else { Kept::Changed })
        }
    }
}

/// What lies in the folder of evidence and is named by nothing on the log, sorted. Errors:
/// [`Code::FileRead`].
pub fn unnamed(
    ledger: &Path,
    known: &BTreeMap<Digest, EvidenceRecord>,
) -> Result<Vec<String>, Problem> {
    let all = ledger.join("evidence");
    if metadata(&all)?.is_none() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    let entries = fs::read_dir(&all).map_err(|error| unreadable(&all, &error))?;
    for entry in entries {
        let name = entry.map_err(|error| unreadable(&all, &error))?.file_name();
        let name = name.to_string_lossy().into_owned();
        // Names are written in one way, in lower case.
        let digest = Digest::parse(&name).ok().filter(|digest| digest.to_string() == name);
        if digest.is_none_or(|digest| !known.contains_key(&digest)) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Deletes what a copy has of a commitment, the salt first: without it the rest says nothing.
/// Returns whether there was something. Errors: [`Code::DiskWrite`].
pub fn delete(ledger: &Path, commitment: &Digest) -> Result<bool, Problem> {
    let folder = folder(ledger, commitment);
    let failed = |path: &Path, error: &io::Error| {
        Problem::new(Code::DiskWrite, format!("the evidence cannot be deleted: {error}"))
            .at(Place::Path(path.display().to_string()))
    };
    let found = fs::symlink_metadata(&folder);
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failed(&folder, &error)),
        Ok(found) if !found.is_dir() => {
            fs::remove_file(&folder).map_err(|error| failed(&folder, &error))?;
        }
        Ok(_) => {
            let salt = folder.join("salt");
            match fs::remove_file(&salt) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed(&salt, &error));
                }
                _ => fs::remove_dir_all(&folder).map_err(|error| failed(&folder, &error))?,
            }
        }
    }
    if let Some(all) = folder.parent() {
        // What is deleted stays so after a power cut; another machine's disk may not know how.
        let _ = File::open(all).and_then(|all| all.sync_all());
        // It stays if it holds anything else.
        let _ = fs::remove_dir(all);
    }
    Ok(true)
}

/// Takes a file and its salt over from another copy, if they give the commitment. Errors: no
/// random bytes.
pub fn take(
    (ledger, from): (&Path, &Path),
    commitment: &Digest,
    mode: Mode,
) -> Result<Taken, Failure> {
    let theirs = folder(from, commitment);
    let salt = match offered(&theirs) {
        Ok(Some(salt)) => salt,
        Ok(None) => return Ok(Taken::Nothing),
        Err(why) => return Ok(Taken::Not(why)),
    };
    let content = theirs.join("content");
    let source = match File::open(&content) {
        // A file that grows while it is read is none that was committed to.
        Ok(source) => source.take(TAKEN_LEN_MAX + 1),
        Err(error) => return Ok(Taken::Not(unreadable(&content, &error).message)),
    };
    let mut hasher = blake3::Hasher::new_keyed(&salt);
    if mode == Mode::DryRun {
        let read = read_all(source, &mut |bytes| {
            hasher.update(bytes);
            Ok(())
        });
        return Ok(match read {
            Err(error) => Taken::Not(unreadable(&content, &error).message),
            Ok(()) if hasher.finalize().as_bytes() != &commitment.0 => mismatch(),
            Ok(()) => Taken::Whole,
        });
    }
    let all = ledger.join("evidence");
    let fresh = all.join(format!("new-{}", Digest(*random::<32>()?).short()));
    let copied = copy(source, (&fresh, &salt), &mut hasher);
    let taken = match copied {
        Err(problem) => Taken::Failed(problem),
        Ok(()) if hasher.finalize().as_bytes() != &commitment.0 => mismatch(),
        Ok(()) => match fs::rename(&fresh, folder(ledger, commitment)) {
            Ok(()) => {
                settle(&folder(ledger, commitment));
                return Ok(Taken::Whole);
            }
            Err(error) => Taken::Failed(unwritable(&all, &error)),
        },
    };
    // What cannot be removed is named by nothing: `evidence check` lists it.
    let _ = fs::remove_dir_all(&fresh);
    let _ = fs::remove_dir(&all);
    Ok(taken)
}

fn mismatch() -> Taken {
    Taken::Not("the other copy's file is not the one that was committed to".to_owned())
}

/// The salt of a file that another copy offers, if it has both. `Err` says why it is not taken.
fn offered(theirs: &Path) -> Result<Option<[u8; 32]>, String> {
    let look = |path: PathBuf| metadata(&path).map_err(|problem| problem.message);
    let Some(found) = look(theirs.to_owned())? else { return Ok(None) };
    let (content, salt) = match found.is_dir() {
        true => (look(theirs.join("content"))?, look(theirs.join("salt"))?),
        false => return Err("the other copy has no folder in its place".to_owned()),
    };
    let (Some(content), Some(salt)) = (content, salt) else { return Ok(None) };
    if !content.is_file() {
        return Err("the other copy has no plain file in its place".to_owned());
    }
    if content.len() > TAKEN_LEN_MAX {
        return Err("it is larger than 1 GiB: copy its folder by hand".to_owned());
    }
    let salt = read_salt(&theirs.join("salt"), &salt).map_err(|problem| problem.message)?;
    salt.map(Some).ok_or_else(|| "the other copy's salt is not 32 bytes".to_owned())
}

/// The salt, if it is one.
fn read_salt(path: &Path, found: &Metadata) -> Result<Option<[u8; 32]>, Problem> {
    if !found.is_file() || found.len() != 32 {
        return Ok(None);
    }
    let mut salt = [0; 32];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut salt));
    match read {
        Ok(()) => Ok(Some(salt)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// What is at a path, links not followed; `None` if nothing is.
fn metadata(path: &Path) -> Result<Option<Metadata>, Problem> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn copy(
    source: impl Read,
    (fresh, salt): (&Path, &[u8]),
    hasher: &mut blake3::Hasher,
) -> Result<(), Problem> {
    let failed = |error: &io::Error| unwritable(fresh, error);
    fs::create_dir_all(fresh).map_err(|error| failed(&error))?;
    let mut target = File::create_new(fresh.join("content")).map_err(|error| failed(&error))?;
    read_all(source, &mut |bytes| {
        hasher.update(bytes);
        target.write_all(bytes)
    })
    .and_then(|()| target.sync_all())
    .map_err(|error| failed(&error))?;
    let mut target = File::create_new(fresh.join("salt")).map_err(|error| failed(&error))?;
    target.write_all(salt).and_then(|()| target.sync_all()).map_err(|error| failed(&error))
}

/// Shows what is read, piece by piece.
fn read_all(mut source: impl Read, see: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut piece = vec![0; 1 << 16];
    loop {
        match source.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(len) => see(piece.get(..len).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::StorageFull => Code::DiskFull,
        _ => Code::DiskWrite,
    };
    Problem::new(code, format!("the evidence cannot be copied: {error}"))
        .at(Place::Path(path.display().to_string()))
        .hint("what was recorded stands; check the folder and its room, then pull again")
}
