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

/// A file that a released format fixes: it is written once, if it is not there, and never again.
#[track_caller]
pub fn holds_bytes_for_ever(path: &str, bytes: &[u8]) {
    let file = root().join(path);
    if is_writing() && !file.exists() {
        holds_bytes(path, bytes);
        return;
    }
    let found = fs::read(&file).unwrap_or_default();
    assert!(
        found == bytes,
        "{path} is not what this test writes. The format of a release never changes: take the \
         change back, or give the format a new version beside this one"
    );
}

/// The bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal digits.
pub fn unhex(text: &str) -> Vec<u8> {
    let digit = |digit: u8| (digit as char).to_digit(16).expect("a hexadecimal digit") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) * 16 + digit(pair[1])).collect()
}

/// JSON as it lies in a file: with a newline at its end.
pub fn json_text(value: &serde_json::Value) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("a JSON value has a text");
    text.push(b'\n');
    text
}
