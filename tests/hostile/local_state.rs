//! The local state of a machine: whatever lies in its files is understood or taken as nothing, and
//! what is written over it is read again.
//!
//! ```text
//! file u8: 0 the head, 1 what was signed, 2 what was signed last; bytes of the file
//! ```

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use ledger_core::machine::HeadStore;
use ledger_core::machine::Machine;
use ledger_core::machine::RememberedHead;
use ledger_core::machine::SignatureLog;
use ledger_core::store::files::system;
use ledger_core::vocab::Digest;
use ledger_core::vocab::LedgerId;
use ledger_core::vocab::PublicKey;
use ledger_core::vocab::RecordHash;

use crate::entries::signer;
use crate::input::Input;

/// The local state of a copy, and what is in it at first.
struct LocalState {
    heads: HeadStore,
    signatures: SignatureLog,
    /// The files, in the order in which inputs number them.
    files: [PathBuf; 3],
    head: RememberedHead,
    key: PublicKey,
}

const LEDGER: LedgerId = LedgerId(Digest([3; 32]));

fn only_file(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder).expect("a folder of the local state").flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.find(|path| path.extension().is_none()).expect("a file")
}

fn hash(byte: u8) -> RecordHash {
    RecordHash::from_bytes([byte; 32])
}

static STATE: LazyLock<LocalState> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("revshare-hostile-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let machine = Machine { state: Some(folder.clone()), cache: None };
    let ledger = Path::new("/nowhere/acme");
    let heads = HeadStore::new(&system(), &machine, ledger);
    let signatures = SignatureLog::new(&system(), &machine, ledger);
    let head = RememberedHead { ledger: LEDGER, seq: 7, hash: hash(7) };
    let key = signer("meta").public().expect("a sound key");
    heads.set(head).expect("it can be written");
    let signed = signatures.sign(LEDGER, &key, &[(hash(1), hash(2))], false);
    assert_eq!(signed, Ok(None));
    let files = ["heads", "signatures", "pending"].map(|kind| only_file(&folder.join(kind)));
    LocalState { heads, signatures, files, head, key }
});

/// Makes the folder that all inputs share.
pub fn load() {
    LazyLock::force(&STATE);
}

/// See the module.
pub fn run(input: &[u8]) {
    let LocalState { heads, signatures, files, head, key } = &*STATE;
    let mut input = Input(input);
    let which = usize::from(input.u8()) % 3;
    fs::write(&files[which], input.0).expect("a file");
    let (previous, own) = (hash(1), hash(2));
    let sign = |own| signatures.sign(LEDGER, key, &[(previous, own)], false);
    match which {
        0 => {
            if let Some(read) = heads.head().expect("the file can be read") {
                heads.set(read).expect("it can be written");
                assert_eq!(heads.head(), Ok(Some(read)));
            }
            heads.set(*head).expect("it can be written");
            assert_eq!(heads.head(), Ok(Some(*head)));
        }
        1 => {
            let entries = input.0.chunks_exact(64);
            let on_previous = |entry: &&[u8]| entry.starts_with(previous.bytes());
            let others = entries.filter(on_previous).filter(|entry| !entry.ends_with(own.bytes()));
            let first = others.map(|entry| entry.last_chunk().copied().expect("64 bytes")).next();
            assert_eq!(sign(own), Ok(first.map(RecordHash::from_bytes)));
            if first.is_none() {
                assert_eq!(sign(hash(9)), Ok(Some(own)), "what a key signed is remembered");
            }
        }
        _ => {
            fs::write(&files[1], [[1; 32], [2; 32]].concat()).expect("a file");
            signatures.release_pending(previous).expect("it can be written");
            let whose = [*LEDGER.bytes(), *key.bytes()].concat();
            let pending = input.0.strip_prefix(&whose[..]).unwrap_or_default();
            let mut entries = pending.chunks_exact(64);
            let on_head = pending.first_chunk() == Some(&[1; 32]) && pending.len() >= 64;
            let released = on_head && entries.any(|entry| entry == [[1; 32], [2; 32]].concat());
            let expected = if released { None } else { Some(own) };
            assert_eq!(sign(hash(9)), Ok(expected), "only what is pending on the head is released");
        }
    }
}
