//! Public keys: Ed25519, written as in OpenSSH.

use std::cell::Cell;
use std::fmt;
use std::sync::LazyLock;

use curve25519_dalek::constants::EIGHT_TORSION;
use ed25519_dalek::Verifier as _;
use ed25519_dalek::VerifyingKey;

use crate::vocab::problem::Code;
use crate::vocab::problem::Problem;

/// An Ed25519 public key (RFC 8032), 32 bytes: a point that is not weak, in its one encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// From 32 bytes. Errors: [`Code::KeyWeak`] for bytes that are not the one encoding of a point of
    /// the curve, or are that of a point of small order: a trivial signature passes under such a key
    /// for any message.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<PublicKey, Problem> {
        if point(&bytes).is_some_and(|point| point.is_canonical && !point.is_weak) {
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
        is_signed(&self.0, message, signature)
    }

    /// The fingerprint that `ssh-keygen -l` prints: `SHA256:…`.
    pub fn fingerprint(&self) -> String {
        self.openssh_key().fingerprint(ssh_key::HashAlg::Sha256).to_string()
    }

    fn openssh_key(&self) -> ssh_key::PublicKey {
        ssh_key::PublicKey::from(ssh_key::public::Ed25519PublicKey(self.0))
    }
}

/// A key's point on the curve.
#[derive(Clone, Copy)]
struct Point {
    key: VerifyingKey,
    /// It is of small order.
    is_weak: bool,
    /// The bytes are its one encoding.
    is_canonical: bool,
}

/// How many keys a thread keeps: more than the parties of nearly all ledgers.
const KEPT_MAX: usize = 16;

thread_local! {
    /// The points of the keys seen last. Finding a point costs a tenth of checking a signature, and
    /// a ledger has few keys and many records.
    static KEPT: Cell<Vec<([u8; 32], Option<Point>)>> = const { Cell::new(Vec::new()) };
}

/// The point that a key's bytes name, if they name one.
fn point(bytes: &[u8; 32]) -> Option<Point> {
    let mut kept = KEPT.take();
    let known = kept.iter().find(|(known, _)| known == bytes).map(|(_, point)| *point);
    let point = known.unwrap_or_else(|| {
        let key = VerifyingKey::from_bytes(bytes).ok();
        let point = key.map(|key| {
            let is_canonical = key.to_edwards().compress().to_bytes() == *bytes;
            Point { key, is_weak: key.is_weak(), is_canonical }
        });
        if kept.len() == KEPT_MAX {
            kept.remove(0);
        }
        kept.push((*bytes, point));
        point
    });
    KEPT.set(kept);
    point
}

/// Whether a signature over a message is valid, strictly: canonical, and under a key that is not
/// weak. It accepts what `VerifyingKey::verify_strict` accepts, without its square root for `R`: that
/// `R` is a point in its one encoding follows from its bytes being those of the point computed, and
/// then it is of small order only if it is one of eight encodings (decision 38).
pub(crate) fn is_signed(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Some((r, _)) = signature.split_first_chunk() else { return false };
    let is_small = SMALL_ORDER.iter().any(|small| small == r);
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    let holds = |key: VerifyingKey| key.verify(message, &signature).is_ok();
    !is_small && point(key).is_some_and(|point| !point.is_weak && holds(point.key))
}

/// The encodings of the points of small order.
static SMALL_ORDER: LazyLock<[[u8; 32]; 8]> =
    LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().to_bytes()));

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
