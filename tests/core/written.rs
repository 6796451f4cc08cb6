//! Files that are written by a test and compared by it: golden vectors, tables in the documents.

use std::fs;
use std::path::Path;

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the core lies in the project")
}

/// Whether files are to be written instead of compared (`REVSHARE_WRITE=1`).
pub fn is_writing() -> bool {
    std::env::var_os("REVSHARE_WRITE").is_some()
}

/// A file of the project holds exactly these bytes; with `REVSHARE_WRITE=1` it is written.
#[track_caller]
pub fn holds_bytes(path: &str, bytes: &[u8]) {
    let file = root().join(path);
    if is_writing() {
        let folder = file.parent().expect("a file lies in a folder");
        fs::create_dir_all(folder).expect("the folder of the file");
        fs::write(&file, bytes).expect("the file");
        return;
    }
    let found = fs::read(&file).unwrap_or_default();
    assert!(
        found == bytes,
        "{path} is not what this test writes: look at what changed, and if it is meant to, run \
         `REVSHARE_WRITE=1 cargo test -p ledger-core --test core`"
    );
}
