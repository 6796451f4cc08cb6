//! Public keys that a user knows from elsewhere, in the format of OpenSSH's `allowed_signers`.

use crate::intake::place::in_line;
use crate::vocab::Code;
use crate::vocab::Id;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::to_u64;

/// Reads lines of `principals [options] keytype base64 [comment]`. A principal is a party's id;
/// several are separated by commas. `path` is how messages name the file. Errors: [`Code::Key`],
/// [`Code::KeyWeak`], [`Code::Id`].
pub fn read_signers(path: &str, source: &[u8]) -> Result<Vec<(Id, PublicKey)>, Problem> {
    let text = String::from_utf8_lossy(source);
    let mut keys = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        let placed = |problem: Problem| {
            problem.at(in_line(path, to_u64(at).saturating_add(1), line.as_bytes(), 0))
        };
        let refused = |what: &str| {
            placed(
                Problem::new(Code::Key, what.to_owned())
                    .hint("write lines like: meta ssh-ed25519 AAAA…"),
            )
        };
        let (principals, rest) = line
            .trim()
            .split_once([' ', '\t'])
            .ok_or_else(|| refused("the line is no principal and key"))?;
        // Options may stand between the two; they are about other uses of the key.
        let start = rest.find("ssh-ed25519 ").ok_or_else(|| refused("there is no Ed25519 key"))?;
        let key = PublicKey::parse(rest.get(start..).unwrap_or_default()).map_err(placed)?;
        for principal in principals.trim_matches('"').split(',') {
            keys.push((Id::parse(principal).map_err(placed)?, key));
        }
    }
    if keys.is_empty() {
        return Err(Problem::new(Code::Key, "the file names no key")
            .at(Place::Path(path.to_owned()))
            .hint("write lines like: meta ssh-ed25519 AAAA…"));
    }
    Ok(keys)
}
