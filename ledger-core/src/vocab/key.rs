//! Public keys: Ed25519, written as in OpenSSH.

use std::fmt;

use crate::vocab::problem::Code;
use crate::vocab::problem::Problem;

/// An Ed25519 public key (RFC 8032), 32 bytes, a point that is not weak.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// From 32 bytes. Errors: [`Code::KeyWeak`] for bytes that are no point of the curve, or a
    /// point of small order: a trivial signature passes under such a key for any message.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<PublicKey, Problem> {
        let sound = ed25519_dalek::VerifyingKey::from_bytes(&bytes)
            .is_ok_and(|key| !key.is_weak() && key.to_bytes() == bytes);
        if sound {
            return Ok(PublicKey(bytes));
        }
        Err(Problem::new(Code::KeyWeak, "the public key is weak or no point of the curve")
            .hint("make a key with `revshare keygen` or `ssh-keygen -t ed25519`"))
    }

    /// Reads `ssh-ed25519 AAAA… [comment]`. Errors: [`Code::Key`], [`Code::KeyWeak`].
    pub fn parse(text: &str) -> Result<PublicKey, Problem> {
        let problem = |why: &str| {
            Problem::new(Code::Key, format!("not an OpenSSH Ed25519 public key: {why}"))
                .hint("paste the line of the .pub file: ssh-ed25519 AAAA…")
        };
        let key = ssh_key::PublicKey::from_openssh(text.trim())
            .map_err(|error| problem(&error.to_string()))?;
        let bytes = key.key_data().ed25519().ok_or_else(|| problem("another kind of key"))?.0;
        PublicKey::from_bytes(bytes)
    }

    /// The 32 bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether a signature over a message is valid, strictly: canonical, and under this key.
    pub fn has_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        ed25519_dalek::VerifyingKey::from_bytes(&self.0)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }

    /// The fingerprint that `ssh-keygen -l` prints: `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        self.openssh_key().fingerprint(ssh_key::HashAlg::Sha256).to_string()
    }

    fn openssh_key(&self) -> ssh_key::PublicKey {
        ssh_key::PublicKey::from(ssh_key::public::Ed25519PublicKey(self.0))
    }
}

/// As in OpenSSH, without a comment: `ssh-ed25519 AAAA…`.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.openssh_key().to_openssh().map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
