//! Input files.

use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;

use revshare_core::limits::FILE_LEN_MAX;
use revshare_core::vocab::Code;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;

/// An input file as a whole. Errors: [`Code::FileRead`].
pub fn read_file(path: &Path) -> Result<Vec<u8>, Problem> {
    read_whole(path).map_err(|error| unreadable(path, &error))
}

/// The bytes of a file, if it is none that never ends.
pub fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_LEN_MAX as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() > FILE_LEN_MAX {
        true => {
            let what = format!("it has more than {FILE_LEN_MAX} bytes");
            Err(io::Error::new(io::ErrorKind::FileTooLarge, what))
        }
        false => Ok(bytes),
    }
}

/// An input file that cannot be read.
pub fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let hint = match error.kind() {
        io::ErrorKind::FileTooLarge => "only usage files may be longer: is it the file you mean?",
        _ => "check the path and its permissions",
    };
    Problem::new(Code::FileRead, format!("the file cannot be read: {error}"))
        .at(Place::Path(path.display().to_string()))
        .hint(hint)
}
