//! The memories of a machine: whatever lies in their files is understood or taken as nothing, and
//! what is written over it is read again.
//!
//! ```text
//! file u8: 0 the head, 1 what was signed, 2 what was signed last; bytes of the file
//! ```

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use ledger_core::store::Witness;
use ledger_core::store::witness::RememberedHead;
use ledger_core::vocab::Digest;
use ledger_core::vocab::LedgerId;
use ledger_core::vocab::PublicKey;
use ledger_core::vocab::RecordHash;

use crate::entries::signer;
use crate::input::Input;

/// A machine with its memories, and what is remembered in them at first.
struct Machine {
    witness: Witness,
    /// The files, in the order in which inputs number them.
    files: [PathBuf; 3],
    head: RememberedHead,
    key: PublicKey,
}

const LEDGER: LedgerId = LedgerId(Digest([3; 32]));

fn only_file(folder: &Path) -> PathBuf {
    let mut entries = fs::read_dir(folder).expect("a folder of the memories");
    entries.next().expect("a file").expect("that can be listed").path()
}

static MACHINE: LazyLock<Machine> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("revshare-hostile-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let witness = Witness::new(Some(&folder), Path::new("/nowhere/acme"));
    let hash = RecordHash::from_bytes;
    let head = RememberedHead { ledger: LEDGER, seq: 7, hash: hash([7; 32]) };
    let key = signer("meta").public().expect("a sound key");
    witness.remember_head(head).expect("a memory");
    witness.remember_signed(LEDGER, &key, &[(hash([1; 32]), hash([2; 32]))]).expect("a memory");
    let files = ["heads", "signed", "pending"].map(|kind| only_file(&folder.join(kind)));
    Machine { witness, files, head, key }
});

/// Makes the folder that all inputs share.
pub fn load() {
    LazyLock::force(&MACHINE);
}

/// See the module.
pub fn run(input: &[u8]) {
    let Machine { witness, files, head, key } = &*MACHINE;
    let mut input = Input(input);
    let which = usize::from(input.u8()) % 3;
    fs::write(&files[which], input.0).expect("a memory");
    let hash = RecordHash::from_bytes;
    let (previous, own) = (hash([1; 32]), hash([2; 32]));
    match which {
        0 => {
            if let Some(read) = witness.head().expect("the file can be read") {
                witness.remember_head(read).expect("it can be written");
                assert_eq!(witness.head(), Ok(Some(read)));
            }
            witness.remember_head(*head).expect("it can be written");
            assert_eq!(witness.head(), Ok(Some(*head)));
        }
        1 => {
            let before = witness.signed_on(LEDGER, key, previous).expect("it can be read");
            assert!(before.len() <= input.0.len() / 64);
            witness.remember_signed(LEDGER, key, &[(previous, own)]).expect("it can be written");
            let after = witness.signed_on(LEDGER, key, previous).expect("it can be read");
            assert_eq!(after.len(), before.len() + 1, "what a key signed is remembered");
            assert_eq!((&after[..before.len()], after.last()), (&before[..], Some(&own)));
        }
        _ => {
            fs::write(&files[1], [[1; 32], [2; 32]].concat()).expect("a memory");
            witness.release_pending(previous).expect("it can be written");
            let left = witness.signed_on(LEDGER, key, previous).expect("it can be read");
            let whose = [*LEDGER.bytes(), *key.bytes()].concat();
            let pending = input.0.strip_prefix(&whose[..]).unwrap_or_default();
            let mut entries = pending.chunks_exact(64);
            let on_head = pending.first_chunk() == Some(&[1; 32]) && pending.len() >= 64;
            let released = on_head && entries.any(|entry| entry == [[1; 32], [2; 32]].concat());
            assert_eq!(left.is_empty(), released, "only what is pending on the head is released");
        }
    }
}
