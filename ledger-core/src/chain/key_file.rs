//! Private keys as OpenSSH writes them.

use ssh_key::Kdf;
use ssh_key::PrivateKey;

use crate::chain::sign::Signer;
use crate::limits::KEY_ROUNDS_MAX;
use crate::vocab::Code;
use crate::vocab::Problem;
use crate::vocab::PublicKey;

const WANTED: &str = "a key is an OpenSSH Ed25519 private key: `ssh-keygen -t ed25519`";

/// A private key file that was read; its secret may still be locked.
pub struct KeyFile(PrivateKey);

fn refused(message: impl Into<String>) -> Problem {
    Problem::new(Code::KeyFile, message).hint(WANTED)
}

impl KeyFile {
    /// Reads a file. Errors: [`Code::KeyFile`].
    pub fn read(source: &[u8]) -> Result<KeyFile, Problem> {
        let key = PrivateKey::from_openssh(source);
        key.map(KeyFile).map_err(|_| refused("the file is no private key"))
    }

    /// Whether it takes a passphrase to get at the secret.
    pub fn is_locked(&self) -> bool {
        self.0.is_encrypted()
    }

    /// The public half; no passphrase is needed. Errors: [`Code::KeyFile`], [`Code::KeyWeak`].
    pub fn public(&self) -> Result<PublicKey, Problem> {
        let public = self.0.public_key().key_data().ed25519();
        PublicKey::from_bytes(public.ok_or_else(|| refused("the key is of another kind"))?.0)
    }

    /// Opens a locked key. Errors: [`Code::KeyLocked`]; [`Code::KeyFile`] if trying a passphrase
    /// would take minutes.
    pub fn unlocked(&self, passphrase: &[u8]) -> Result<KeyFile, Problem> {
        if let Kdf::Bcrypt { rounds, .. } = self.0.kdf()
            && *rounds > KEY_ROUNDS_MAX
        {
            let message = format!("the key's passphrase is stretched by {rounds} rounds");
            return Err(Problem::new(Code::KeyFile, message).hint(format!(
                "at most {KEY_ROUNDS_MAX}: write it again with `ssh-keygen -p -a 100`"
            )));
        }
        let open = self.0.decrypt(passphrase).map_err(|_| {
            Problem::new(Code::KeyLocked, "the passphrase does not open the key")
                .hint("check the passphrase")
        });
        Ok(KeyFile(open?))
    }

    /// The key that signs, of a key that is not locked. Errors: [`Code::KeyFile`],
    /// [`Code::KeyWeak`].
    pub fn signer(&self) -> Result<Signer, Problem> {
        let pair = self.0.key_data().ed25519();
        let pair = pair.ok_or_else(|| refused("the key is of another kind"))?;
        Signer::from_secret(pair.private.as_ref())
    }
}
