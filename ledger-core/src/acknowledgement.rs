//! An acknowledgement off the log: a small text file that says which head and state root a party
//! got by its own replay, signed with its key (`schemas/acknowledgement.md`).
//!
//! ```text
//! revshare acknowledgement v1
//! ledger 5c1f…
//! party meta
//! key ssh-ed25519 AAAA…
//! head 41 9f3a…
//! state-root 1 77b0…
//!
//! signature 3f0c…
//! ```

use crate::chain::Signer;
use crate::chain::sign;
use crate::event::Acknowledgement;
use crate::event::Author;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::Id;
use crate::vocab::LedgerId;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::vocab::StateRoot;

const TITLE: &str = "revshare acknowledgement v1";

/// An acknowledgement whose signature was checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedAcknowledgement {
    /// The ledger.
    pub ledger: LedgerId,
    /// Who acknowledges, with which key.
    pub author: Author,
    /// What is acknowledged.
    pub said: Acknowledgement,
}

fn text(ledger: LedgerId, author: &Author, said: &Acknowledgement) -> String {
    format!(
        "{TITLE}\nledger {ledger}\nparty {}\nkey {}\nhead {} {}\nstate-root {} {}\n\n",
        author.party, author.key, said.seq, said.head, said.root_version, said.state_root
    )
}

/// Signs an acknowledgement: the text of the file.
pub fn write(ledger: LedgerId, author: &Author, said: &Acknowledgement, signer: &Signer) -> String {
    let mut text = text(ledger, author, said);
    let signature = signer.sign_text(&text);
    text.push_str(&format!("signature {}\n", hex(&signature)));
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn malformed(what: &str) -> Problem {
    Problem::new(Code::AckFile, format!("not an acknowledgement: {what}"))
        .hint("such a file is written by `revshare acknowledge --out FILE`")
}

/// Reads an acknowledgement and checks its signature. The text is canonical: written again, it
/// is the same. Errors: [`Code::AckFile`], [`Code::SignatureWrong`].
pub fn read(source: &str) -> Result<SignedAcknowledgement, Problem> {
    let mut lines = source.lines();
    let mut field = |name: &'static str| {
        let line = lines.next().ok_or_else(|| malformed("it is cut off"))?;
        let value = line.strip_prefix(name).map(str::trim_start);
        value.ok_or_else(|| malformed(&format!("a line `{name}` is missing")))
    };
    field(TITLE)?;
    let ledger = LedgerId(Digest::parse(field("ledger")?)?);
    let party = Id::parse(field("party")?)?;
    let key = PublicKey::parse(field("key")?)?;
    let pair = |value: &'static str, words: &str| {
        let (number, hash) = words.split_once(' ').ok_or_else(|| malformed(value))?;
        let number: u64 = number.parse().map_err(|_| malformed(value))?;
        Ok::<_, Problem>((number, Digest::parse(hash)?))
    };
    let (seq, head) = pair("the head is not a number and a hash", field("head")?)?;
    let (version, root) = pair("the state root is not a version and a hash", field("state-root")?)?;
    field("")?;
    let signature = hex_64(field("signature")?).ok_or_else(|| malformed("no signature"))?;
    let author = Author { party, key };
    let said = Acknowledgement {
        seq,
        head: RecordHash(head),
        root_version: u16::try_from(version).map_err(|_| malformed("no such root version"))?,
        state_root: StateRoot(root),
    };
    let signed = text(ledger, &author, &said);
    if source != format!("{signed}signature {}\n", hex(&signature)) {
        return Err(malformed("it is not written in its one canonical form"));
    }
    if !sign::is_valid_text(author.key.bytes(), &signed, &signature) {
        return Err(Problem::new(
            Code::SignatureWrong,
            format!(
                "the acknowledgement is not signed by the key that it names for {}",
                author.party
            ),
        )
        .hint("ask for the file again; do not rely on this one"));
    }
    Ok(SignedAcknowledgement { ledger, author, said })
}

fn hex_64(text: &str) -> Option<[u8; 64]> {
    let (left, right) = text.split_at_checked(64)?;
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&Digest::parse(left).ok()?.0);
    bytes[32..].copy_from_slice(&Digest::parse(right).ok()?.0);
    Some(bytes)
}
