//! A settlement on its way between the parties: a small text file that says what ends a dispute,
//! and collects signatures until the last party records it (`schemas/settlement.md`).
//!
//! What is offered in such a file is on nobody's ledger until every party of the dispute has signed
//! it.
//!
//! ```text
//! revshare settlement v1
//! ledger 5c1f…
//! dispute 9f3a…
//! outcome 77b0…
//!
//! agreed 0200…
//! signature meta 3f0c…
//! ```

use crate::chain::Signer;
use crate::dispute::Outcome;
use crate::dispute::PartySignature;
use crate::dispute::Settlement;
use crate::dispute::settlement_text;
use crate::limits::PAYLOAD_LEN_MAX;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::LedgerId;
use crate::vocab::Problem;
use crate::vocab::Text;
use crate::vocab::digest::hex_byte;
use crate::wire::dispute::agreed_bytes;
use crate::wire::dispute::read_agreed;
use crate::wire::dispute::unsigned_settlement;

/// A settlement file that was read: in its canonical form, with the digest of what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Offer {
    /// The ledger.
    pub ledger: LedgerId,
    /// The settlement, with the signatures that it has so far. They were not checked: whose keys
    /// they have to be, the ledger says.
    pub settlement: Settlement,
}

impl Offer {
    /// An offer that nobody has signed. Errors: [`Code::ReportTooLarge`].
    pub fn new(
        ledger: LedgerId,
        dispute: EventId,
        (outcome, note): (Outcome, Text),
    ) -> Result<Offer, Problem> {
        Ok(Offer { ledger, settlement: unsigned_settlement(dispute, outcome, note)? })
    }

    /// Adds a party's signature, in the place of one that it has.
    pub fn sign(&mut self, party: &Id, signer: &Signer) {
        let signature = signer.sign_text(&self.text());
        let signatures = &mut self.settlement.signatures;
        signatures.retain(|one| one.party != *party);
        signatures.push(PartySignature { party: party.clone(), signature });
        signatures.sort_by(|one, other| one.party.cmp(&other.party));
    }

    /// As the author of the record: its own signature is that of the record.
    pub fn recorded_by(mut self, author: &Id) -> Settlement {
        self.settlement.signatures.retain(|one| one.party != *author);
        self.settlement
    }

    fn text(&self) -> String {
        settlement_text(self.ledger, self.settlement.dispute, self.settlement.digest)
    }

    /// The text of the file. Errors: [`Code::ReportTooLarge`].
    pub fn write(&self) -> Result<String, Problem> {
        let agreed = agreed_bytes(&self.settlement.outcome, &self.settlement.note)?;
        let mut text = format!("{}\nagreed {}\n", self.text(), hex(&agreed));
        for one in &self.settlement.signatures {
            text.push_str(&format!("signature {} {}\n", one.party, hex(&one.signature)));
        }
        Ok(text)
    }

    /// Reads a file. The text is canonical: written again, it is the same. Errors:
    /// [`Code::SettlementFile`].
    pub fn read(source: &str) -> Result<Offer, Problem> {
        let mut lines = source.lines();
        let mut field = |name: &'static str| {
            let line = lines.next().ok_or_else(|| malformed("it is cut off"))?;
            let value = line.strip_prefix(name).map(str::trim_start);
            value.ok_or_else(|| malformed(format!("a line `{name}` is missing")))
        };
        field("revshare settlement v1")?;
        let digest = |text: &str| Digest::parse(text).map_err(|problem| malformed(problem.message));
        let ledger = LedgerId(digest(field("ledger")?)?);
        let dispute = EventId(digest(field("dispute")?)?);
        let outcome = digest(field("outcome")?)?;
        field("")?;
        let agreed = bytes(field("agreed")?).ok_or_else(|| malformed("the outcome is no bytes"))?;
        let agreed = read_agreed(&agreed).map_err(|problem| malformed(problem.message))?;
        let mut offer = Offer::new(ledger, dispute, agreed)?;
        for line in lines {
            let signature = line.strip_prefix("signature ").and_then(|rest| {
                let (party, signature) = rest.split_once(' ')?;
                Some((Id::parse(party).ok()?, <[u8; 64]>::try_from(bytes(signature)?).ok()?))
            });
            let (party, signature) =
                signature.ok_or_else(|| malformed("a line is no signature"))?;
            offer.settlement.signatures.push(PartySignature { party, signature });
        }
        if offer.settlement.digest != outcome {
            return Err(malformed("the outcome is not the one whose digest it names"));
        }
        let sorted = offer.settlement.signatures.is_sorted_by(|a, b| a.party < b.party);
        if !sorted || offer.write()? != source {
            return Err(malformed("it is not written in its one canonical form"));
        }
        Ok(offer)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 2 * PAYLOAD_LEN_MAX {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(hex_byte).collect()
}

fn malformed(what: impl Into<String>) -> Problem {
    let what: String = what.into();
    Problem::new(Code::SettlementFile, format!("not a settlement: {what}"))
        .hint("such a file is written by `revshare dispute settle --out FILE`")
}
