//! Input files. What is named on the command line may be a device, a pipe that nobody writes to, or
//! a file of terabytes without content: each is refused at once, or read up to a bound.

use std::fs::File;
use std::fs::Metadata;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use revshare_core::limits::EVIDENCE_LEN_MAX;
use revshare_core::limits::FILE_LEN_MAX;
use revshare_core::vocab::Code;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use revshare_core::vocab::to_u64;
use rustix::fs::OFlags;
use rustix::fs::fcntl_getfl;
use rustix::fs::fcntl_setfl;
use zeroize::Zeroizing;

use crate::render::text::shell_path;

/// Longest file that holds a secret (a key, a passphrase), in bytes.
const SECRET_LEN_MAX: usize = 64 << 10;

/// Opened file or pipe.
pub struct Input {
    file: File,
    metadata: Metadata,
    /// What was read of a pipe, to see whether somebody writes to it.
    first: Option<u8>,
}

/// Opens a file or a pipe to read. Errors: those of the system; [`io::ErrorKind::InvalidInput`]
/// for a folder, a device, a socket, or a pipe that nobody writes to.
pub fn open(path: &Path) -> io::Result<Input> {
    // Opening a device may already set something off.
    admit_kind(&std::fs::metadata(path)?)?;
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let mut file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    admit_kind(&metadata)?;
    let mut first = None;
    if metadata.file_type().is_fifo() {
        // Opening did not wait for a writer; reading waits for what the writer writes.
        let mut byte = [0];
        match file.read(&mut byte) {
            Ok(0) => return Err(not_a_file("a pipe that nobody writes to")),
            Ok(_) => first = Some(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    fcntl_setfl(&file, fcntl_getfl(&file)?.difference(OFlags::NONBLOCK))?;
    Ok(Input { file, metadata, first })
}

fn not_a_file(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a file"))
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match (buffer.first_mut(), self.first) {
            (Some(room), Some(first)) => {
                *room = first;
                self.first = None;
                Ok(1)
            }
            _ => self.file.read(buffer),
        }
    }
}

fn admit_kind(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let what = if kind.is_dir() {
        "a folder"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else if kind.is_socket() {
        "a socket"
    } else {
        return Ok(());
    };
    Err(not_a_file(what))
}

/// Opens a file of evidence. Errors: as above; [`io::ErrorKind::FileTooLarge`].
pub fn open_evidence(path: &Path) -> io::Result<io::Take<Input>> {
    let input = open(path)?;
    match input.metadata.len() > EVIDENCE_LEN_MAX {
        true => Err(too_long(EVIDENCE_LEN_MAX)),
        false => Ok(input.take(EVIDENCE_LEN_MAX)),
    }
}

/// Reads an input file as a whole. Errors: [`Code::FileRead`].
pub fn read_file(path: &Path) -> Result<Vec<u8>, Problem> {
    read_bounded(path).map_err(|error| unreadable(path, &error))
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    let mut is_too_long = file.metadata.len() > to_u64(FILE_LEN_MAX);
    if !is_too_long {
        file.take(to_u64(FILE_LEN_MAX).saturating_add(1)).read_to_end(&mut bytes)?;
        is_too_long = bytes.len() > FILE_LEN_MAX;
    }
    if is_too_long { Err(too_long(to_u64(FILE_LEN_MAX))) } else { Ok(bytes) }
}

fn too_long(len_max: u64) -> io::Error {
    let what = format!("it has more than {len_max} bytes");
    io::Error::new(io::ErrorKind::FileTooLarge, what)
}

/// Secret that was read from a file.
pub struct Secret {
    /// The bytes, in memory that is wiped and was never moved.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The refusal of a file that is open to other users, as ssh refuses it.
    pub exposed: Option<Problem>,
}

/// Reads a file that holds a secret.
pub fn read_secret(path: &Path) -> io::Result<Secret> {
    let mut file = open(path)?;
    let exposed = exposed(path, &file.metadata);
    let mut bytes = Zeroizing::new(vec![0; SECRET_LEN_MAX + 1]);
    let mut len = 0;
    while let Some(room) = bytes.get_mut(len..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(read) => len = len.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if len > SECRET_LEN_MAX {
        return Err(too_long(to_u64(SECRET_LEN_MAX)));
    }
    bytes.truncate(len);
    Ok(Secret { bytes, exposed })
}

/// A file of this user that others may read or write. One of another user's is for that one to
/// change.
fn exposed(path: &Path, metadata: &Metadata) -> Option<Problem> {
    let is_own = metadata.uid() == rustix::process::getuid().as_raw();
    let mode = metadata.mode() & 0o777;
    if !metadata.is_file() || !is_own || mode & 0o077 == 0 {
        return None;
    }
    let what = format!("other users of this machine can get at the file (mode {mode:04o})");
    let hint = format!("keep it to yourself: `chmod 600 {}`", shell_path(path));
    let place = Place::Path(path.display().to_string());
    Some(Problem::new(Code::KeyExposed, what).at(place).hint(hint))
}

/// An input file that cannot be read.
pub fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let hint = match error.kind() {
        io::ErrorKind::FileTooLarge => "is it the file you mean?",
        io::ErrorKind::InvalidInput => "name a file",
        _ => "check the path and its permissions",
    };
    Problem::new(Code::FileRead, format!("the file cannot be read: {error}"))
        .at(Place::Path(path.display().to_string()))
        .hint(hint)
}

/// Overwrites what earlier calls left on the stack: moving a secret leaves a copy behind.
#[inline(never)]
pub fn wipe_stack() {
    let mut stack = Zeroizing::new([0u8; 256 << 10]);
    std::hint::black_box(&mut stack);
}
