//! Keys from names: every party of a test has a key that follows from what it is called.

use ledger_core::chain::Signer;
use ledger_core::vocab::PublicKey;
use ledger_core::vocab::digest::Domain;

/// The secret of a name: 32 bytes that follow from it. For tests only.
pub fn secret(name: &str) -> [u8; 32] {
    Domain::Index.digest(format!("the test key of {name}").as_bytes()).0
}

/// The private key of a name.
pub fn signer(name: &str) -> Signer {
    Signer::from_secret(&secret(name)).expect("a key from a digest is not weak")
}

/// The public key of a name.
pub fn public_key(name: &str) -> PublicKey {
    signer(name).public().expect("a key from a digest is not weak")
}
