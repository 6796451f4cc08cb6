//! Ed25519 over record hashes (RFC 8032).

use ed25519_dalek::Signer as _;
use ed25519_dalek::SigningKey;

use crate::vocab::Digest;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::vocab::key::is_signed;

/// What stands before the record hash in a signed message.
const CONTEXT: &[u8; 19] = b"revshare record v1\0";

/// A private key that signs records. The secret is wiped from memory when it is dropped.
/// It stays where it is: a secret that is moved leaves a copy behind.
pub struct Signer(Box<SigningKey>);

impl Signer {
    /// From the 32 secret bytes. Errors: [`crate::vocab::Code::KeyWeak`].
    pub fn from_secret(secret: &[u8; 32]) -> Result<Signer, Problem> {
        let signer = Signer(Box::new(SigningKey::from_bytes(secret)));
        PublicKey::from_bytes(signer.0.verifying_key().to_bytes())?;
        Ok(signer)
    }

    /// The public half.
    pub fn public(&self) -> Result<PublicKey, Problem> {
        PublicKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs a record hash.
    pub fn sign(&self, hash: RecordHash) -> [u8; 64] {
        self.0.sign(&message(hash.0)).to_bytes()
    }
}

impl Signer {
    /// Signs a text that begins with its own title, so that it can be taken for nothing else.
    pub(crate) fn sign_text(&self, text: &str) -> [u8; 64] {
        self.0.sign(text.as_bytes()).to_bytes()
    }
}

/// Whether a signature over a text is valid, strictly.
pub(crate) fn is_valid_text(key: &[u8; 32], text: &str, signature: &[u8; 64]) -> bool {
    is_signed(key, text.as_bytes(), signature)
}

fn message(hash: Digest) -> [u8; 51] {
    let mut message = [0; 51];
    message[..19].copy_from_slice(CONTEXT);
    message[19..].copy_from_slice(&hash.0);
    message
}

/// Whether a signature over a record hash is valid, strictly: canonical, and under a key that is
/// not weak.
pub fn is_valid(key: &[u8; 32], hash: RecordHash, signature: &[u8; 64]) -> bool {
    is_signed(key, &message(hash.0), signature)
}
