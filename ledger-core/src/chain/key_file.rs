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
pub struct KeyFile(Box<PrivateKey>);

fn refused(message: impl Into<String>) -> Problem {
    Problem::new(Code::KeyFile, message).hint(WANTED)
}

impl KeyFile {
    /// Reads a file. Errors: [`Code::KeyFile`].
    pub fn read(source: &[u8]) -> Result<KeyFile, Problem> {
        let key = PrivateKey::from_openssh(source);
        key.map(|key| KeyFile(Box::new(key))).map_err(|_| refused("the file is no private key"))
    }

    /// Whether it takes a passphrase to get at the secret.
    pub fn is_locked(&self) -> bool {
        self.0.is_encrypted()
    }

    /// By how many rounds the passphrase is stretched.
    pub fn rounds(&self) -> u32 {
        match self.0.kdf() {
            Kdf::Bcrypt { rounds, .. } => *rounds,
            _ => 0,
        }
    }

    /// The public half; no passphrase is needed. Errors: [`Code::KeyFile`], [`Code::KeyWeak`].
    pub fn public(&self) -> Result<PublicKey, Problem> {
        let public = self.0.public_key().key_data().ed25519();
        PublicKey::from_bytes(public.ok_or_else(|| refused("the key is of another kind"))?.0)
    }

    /// Opens a locked key. Errors: [`Code::KeyLocked`]; [`Code::KeyFile`] if trying a passphrase
    /// would take minutes.
    pub fn unlocked(&self, passphrase: &[u8]) -> Result<KeyFile, Problem> {
        if self.rounds() > KEY_ROUNDS_MAX {
            let message = format!("the passphrase is stretched by {} rounds", self.rounds());
            return Err(Problem::new(Code::KeyFile, message).hint(format!(
                "at most {KEY_ROUNDS_MAX}: write it again with `ssh-keygen -p -a 100`"
            )));
        }
        let open = self.0.decrypt(passphrase).map_err(|_| {
            Problem::new(Code::KeyLocked, "the passphrase does not open the key")
                .hint("check the passphrase")
        });
        Ok(KeyFile(Box::new(open?)))
    }

    /// The key that signs, of a key that is not locked. Errors: [`Code::KeyFile`],
    /// [`Code::KeyWeak`].
    pub fn signer(&self) -> Result<Signer, Problem> {
        let pair = self.0.key_data().ed25519();
        let pair = pair.ok_or_else(|| refused("the key is of another kind"))?;
        Signer::from_secret(pair.private.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use ssh_key::Cipher;
    use ssh_key::LineEnding;
    use ssh_key::private::Ed25519Keypair;

    use super::*;

    fn locked() -> PrivateKey {
        let kdf = Kdf::Bcrypt { salt: vec![7; 16], rounds: 1 };
        let key = PrivateKey::from(Ed25519Keypair::from_seed(&[1; 32]));
        key.encrypt_with(Cipher::Aes256Ctr, kdf, 1, "open sesame").expect("a key")
    }

    fn file(key: &PrivateKey) -> KeyFile {
        KeyFile::read(key.to_openssh(LineEnding::LF).expect("a key").as_bytes()).expect("a key")
    }

    #[test]
    fn a_locked_key_opens_with_its_passphrase() {
        let key = file(&locked());
        assert!(key.is_locked());
        let open = key.unlocked(b"open sesame").expect("the passphrase");
        let signer = open.signer().expect("a sound key");
        assert_eq!(signer.public(), key.public());
        assert_eq!(key.unlocked(b"sesame").err().map(|one| one.code), Some(Code::KeyLocked));
    }

    #[test]
    fn a_passphrase_that_would_take_hours_is_not_tried() {
        let mut bytes = locked().to_bytes().expect("a key").to_vec();
        let salt = bytes.windows(16).position(|window| window == [7; 16]).expect("the salt");
        bytes[salt + 16..salt + 20].copy_from_slice(&100_000_000u32.to_be_bytes());
        let key = file(&PrivateKey::from_bytes(&bytes).expect("a key"));
        let refused = key.unlocked(b"open sesame").err().expect("refused");
        assert_eq!(refused.code, Code::KeyFile);
        assert!(refused.message.contains("100000000 rounds"), "{refused}");
    }
}
