//! Keys: a public one, a list of them, a private key file.
//!
//! ```text
//! mode u8: 0 public key, 1 allowed_signers, 2 private key file; text
//! ```

use ledger_core::chain::KeyFile;
use ledger_core::intake::read_signers;
use ledger_core::limits::KEY_ROUNDS_MAX;
use ledger_core::vocab::Code;
use ledger_core::vocab::PublicKey;

use crate::input::Input;
use crate::terms::is_placed;

/// Most rounds that are tried here.
const ROUNDS_MAX: u32 = 16;

/// See the module.
pub fn run(input: &[u8]) {
    let mut input = Input(input);
    match input.u8() % 3 {
        0 => {
            let Ok(text) = std::str::from_utf8(input.0) else { return };
            let Ok(key) = PublicKey::parse(text) else { return };
            assert_eq!(PublicKey::parse(&key.to_string()), Ok(key));
            assert_eq!(PublicKey::from_bytes(*key.bytes()), Ok(key));
            let _ = key.fingerprint();
        }
        1 => match read_signers("signers", input.0) {
            Ok(keys) => {
                let written: Vec<String> =
                    keys.iter().map(|(party, key)| format!("{party} {key}\n")).collect();
                assert_eq!(read_signers("signers", written.concat().as_bytes()), Ok(keys));
            }
            Err(problem) => is_placed(&problem, String::from_utf8_lossy(input.0).as_bytes()),
        },
        _ => {
            let Ok(file) = KeyFile::read(input.0) else { return };
            let _ = file.public();
            if file.is_locked() {
                // Each round takes milliseconds, and a file that asks for too many is refused.
                if (ROUNDS_MAX..=KEY_ROUNDS_MAX).contains(&file.rounds()) {
                    return;
                }
                match file.unlocked(b"open sesame") {
                    Ok(open) => assert!(!open.is_locked()),
                    Err(problem) => {
                        assert!([Code::KeyLocked, Code::KeyFile].contains(&problem.code))
                    }
                }
            } else if let Ok(signer) = file.signer() {
                assert!(signer.public().is_ok());
            }
        }
    }
}
