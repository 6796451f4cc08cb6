//! Disputes and evidence on the wire (`schemas/log-format.md`, "Disputes").

use serde::Deserialize;
use serde::Serialize;

use crate::dispute::Attachment;
use crate::dispute::Claim;
use crate::dispute::ClaimAcceptance;
use crate::dispute::ClaimedTerms;
use crate::dispute::Determination;
use crate::dispute::DisputeStep;
use crate::dispute::Erasure;
use crate::dispute::Ground;
use crate::dispute::Opening;
use crate::dispute::Outcome;
use crate::dispute::PartySignature;
use crate::dispute::Response;
use crate::dispute::Settlement;
use crate::dispute::Target;
use crate::limits::EVIDENCE_MAX;
use crate::vocab::Amount;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Level;
use crate::vocab::PeriodLength;
use crate::vocab::Problem;
use crate::vocab::Text;
use crate::vocab::digest::Domain;
use crate::wire::block;
use crate::wire::codec::decode;
use crate::wire::codec::encode;
use crate::wire::codec::malformed;
use crate::wire::event::BytesWire;
use crate::wire::event::read_terms;
use crate::wire::statement::strictly_sorted;
use crate::wire::terms;
use crate::wire::words;
use crate::wire::words::DecimalWire;
use crate::wire::words::HashWire;
use crate::wire::words::PeriodWire;

#[derive(Serialize, Deserialize)]
enum TargetWire<'a> {
    Statement(HashWire),
    Report(HashWire),
    Payout(HashWire),
    Clause(&'a str, PeriodWire),
}

#[derive(Serialize, Deserialize)]
enum ClaimWire<'a> {
    Figures(#[serde(borrow)] Vec<(&'a str, DecimalWire)>),
    Report(HashWire, #[serde(borrow)] Option<BytesWire<'a>>),
    Terms(#[serde(borrow)] BytesWire<'a>, i32),
}

#[derive(Serialize, Deserialize)]
enum OutcomeWire<'a> {
    Stands,
    AsClaimed,
    Other(#[serde(borrow)] ClaimWire<'a>),
}

#[derive(Serialize, Deserialize)]
struct OpeningWire<'a> {
    #[serde(borrow)]
    target: TargetWire<'a>,
    #[serde(borrow)]
    claim: ClaimWire<'a>,
    basis: &'a str,
    evidence: Vec<HashWire>,
    ground: u8,
    reopens: Option<HashWire>,
}

#[derive(Serialize, Deserialize)]
struct ResponseWire<'a>(HashWire, &'a str, Vec<HashWire>);

#[derive(Serialize, Deserialize)]
struct AcceptanceWire(HashWire, bool);

#[derive(Serialize, Deserialize)]
struct SettlementWire<'a> {
    dispute: HashWire,
    #[serde(borrow)]
    outcome: OutcomeWire<'a>,
    note: &'a str,
    signatures: Vec<(&'a str, HashWire, HashWire)>,
}

#[derive(Serialize, Deserialize)]
struct AgreedWire<'a>(#[serde(borrow)] OutcomeWire<'a>, &'a str);

#[derive(Serialize, Deserialize)]
struct DeterminationWire<'a> {
    dispute: HashWire,
    #[serde(borrow)]
    outcome: OutcomeWire<'a>,
    reasons: &'a str,
    evidence: Vec<HashWire>,
}

#[derive(Serialize, Deserialize)]
struct StepWire<'a>(HashWire, &'a str);

#[derive(Serialize, Deserialize)]
struct AttachmentWire<'a>(HashWire, HashWire, &'a str);

/// What a claim holds as bytes: a block, or terms.
fn claim_bytes(claim: &Claim) -> Result<Vec<u8>, Problem> {
    match claim {
        Claim::Figures(_) | Claim::Report { lines: None, .. } => Ok(Vec::new()),
        Claim::Report { lines: Some(lines), .. } => Ok(block::encode(lines)),
        Claim::Terms(claimed) => terms::encode_terms(&claimed.version.terms, claimed.version.level),
    }
}

fn claim_wire<'a>(claim: &'a Claim, bytes: &'a [u8]) -> ClaimWire<'a> {
    match claim {
        Claim::Figures(figures) => ClaimWire::Figures(
            figures.iter().map(|(party, amount)| (party.as_str(), amount.into())).collect(),
        ),
        Claim::Report { replaces, lines } => {
            ClaimWire::Report(*replaces.bytes(), lines.as_ref().map(|_| BytesWire(bytes)))
        }
        Claim::Terms(claimed) => ClaimWire::Terms(BytesWire(bytes), claimed.from.days()),
    }
}

fn outcome_bytes(outcome: &Outcome) -> Result<Vec<u8>, Problem> {
    match outcome {
        Outcome::Stands | Outcome::AsClaimed => Ok(Vec::new()),
        Outcome::Other(claim) => claim_bytes(claim),
    }
}

fn outcome_wire<'a>(outcome: &'a Outcome, bytes: &'a [u8]) -> OutcomeWire<'a> {
    match outcome {
        Outcome::Stands => OutcomeWire::Stands,
        Outcome::AsClaimed => OutcomeWire::AsClaimed,
        Outcome::Other(claim) => OutcomeWire::Other(claim_wire(claim, bytes)),
    }
}

fn hashes(digests: &[Digest]) -> Vec<HashWire> {
    digests.iter().map(|digest| digest.0).collect()
}

/// The payload of a dispute-opened. Errors: [`crate::vocab::Code::ReportTooLarge`].
pub(in crate::wire) fn encode_opening(said: &Opening) -> Result<Vec<u8>, Problem> {
    let target = match &said.target {
        Target::Statement(id) => TargetWire::Statement(*id.bytes()),
        Target::Report(id) => TargetWire::Report(*id.bytes()),
        Target::Payout(id) => TargetWire::Payout(*id.bytes()),
        Target::Clause { clause, period } => TargetWire::Clause(clause.as_str(), (*period).into()),
    };
    let grounds = (0u8..).zip(Ground::ALL);
    let ground = grounds.into_iter().find(|(_, ground)| Some(*ground) == said.ground);
    let ground = ground.map(|(at, _)| at);
    encode(&OpeningWire {
        target,
        claim: claim_wire(&said.claim, &claim_bytes(&said.claim)?),
        basis: said.basis.as_str(),
        evidence: hashes(&said.evidence),
        ground: ground.map_or(0, |at| at.saturating_add(1)),
        reopens: said.reopens.map(|id| *id.bytes()),
    })
}

/// The payload of a dispute-responded.
pub(in crate::wire) fn encode_response(said: &Response) -> Result<Vec<u8>, Problem> {
    let evidence = hashes(&said.evidence);
    encode(&ResponseWire(*said.dispute.bytes(), said.text.as_str(), evidence))
}

/// The payload of a dispute-accepted.
pub(in crate::wire) fn encode_acceptance(said: &ClaimAcceptance) -> Result<Vec<u8>, Problem> {
    encode(&AcceptanceWire(*said.dispute.bytes(), said.by_default))
}

/// The payload of a dispute-settled.
pub(in crate::wire) fn encode_settlement(said: &Settlement) -> Result<Vec<u8>, Problem> {
    let halves = |one: &PartySignature| {
        let (mut left, mut right) = ([0; 32], [0; 32]);
        left.copy_from_slice(&one.signature[..32]);
        right.copy_from_slice(&one.signature[32..]);
        (left, right)
    };
    let halves: Vec<_> = said.signatures.iter().map(|one| (&one.party, halves(one))).collect();
    let signatures = halves.iter().map(|(party, (left, right))| (party.as_str(), *left, *right));
    encode(&SettlementWire {
        dispute: *said.dispute.bytes(),
        outcome: outcome_wire(&said.outcome, &outcome_bytes(&said.outcome)?),
        note: said.note.as_str(),
        signatures: signatures.collect(),
    })
}

/// The bytes of an outcome and a note: what a settlement's signatures are over, by digest. Errors:
/// [`crate::vocab::Code::ReportTooLarge`].
pub fn agreed_bytes(outcome: &Outcome, note: &Text) -> Result<Vec<u8>, Problem> {
    encode(&AgreedWire(outcome_wire(outcome, &outcome_bytes(outcome)?), note.as_str()))
}

/// Reads what [`agreed_bytes`] wrote. Errors: [`crate::vocab::Code::PayloadMalformed`].
pub fn read_agreed(bytes: &[u8]) -> Result<(Outcome, Text), Problem> {
    let AgreedWire(outcome, note) = decode(bytes)?;
    Ok((read_outcome(outcome)?, words::text(note)?))
}

/// A settlement without signatures. Errors: [`crate::vocab::Code::ReportTooLarge`].
pub fn unsigned_settlement(
    dispute: EventId,
    outcome: Outcome,
    note: Text,
) -> Result<Settlement, Problem> {
    let digest = Domain::Outcome.digest(&agreed_bytes(&outcome, &note)?);
    Ok(Settlement { dispute, outcome, note, digest, signatures: Vec::new() })
}

/// The payload of a dispute-determined.
pub(in crate::wire) fn encode_determination(said: &Determination) -> Result<Vec<u8>, Problem> {
    encode(&DeterminationWire {
        dispute: *said.dispute.bytes(),
        outcome: outcome_wire(&said.outcome, &outcome_bytes(&said.outcome)?),
        reasons: said.reasons.as_str(),
        evidence: hashes(&said.evidence),
    })
}

/// The payload of a dispute-escalated or -withdrawn.
pub(in crate::wire) fn encode_step(said: &DisputeStep) -> Result<Vec<u8>, Problem> {
    encode(&StepWire(*said.dispute.bytes(), said.reason.as_str()))
}

/// The payload of an evidence-attached.
pub(in crate::wire) fn encode_attachment(said: &Attachment) -> Result<Vec<u8>, Problem> {
    encode(&AttachmentWire(*said.about.bytes(), said.commitment.0, said.note.as_str()))
}

/// The payload of an evidence-erased.
pub(in crate::wire) fn encode_erasure(said: &Erasure) -> Result<Vec<u8>, Problem> {
    encode(&StepWire(said.commitment.0, said.reason.as_str()))
}

fn read_claim(wire: ClaimWire<'_>) -> Result<Claim, Problem> {
    Ok(match wire {
        ClaimWire::Figures(figures) => {
            let figures: Vec<(Id, Amount)> = figures
                .into_iter()
                .map(|(party, amount)| Ok((words::id(party)?, amount.amount()?)))
                .collect::<Result<_, Problem>>()?;
            let parties: Vec<&Id> = figures.iter().map(|(party, _)| party).collect();
            if parties.is_empty() || !strictly_sorted(&parties) {
                return Err(malformed("the figures of a claim are none, or not sorted by party"));
            }
            Claim::Figures(figures)
        }
        ClaimWire::Report(replaces, lines) => Claim::Report {
            replaces: EventId::from_bytes(replaces),
            lines: lines.map(|BytesWire(bytes)| block::decode(bytes)).transpose()?,
        },
        ClaimWire::Terms(BytesWire(bytes), from) => {
            let version = read_terms(bytes, Level::Two)?;
            Claim::Terms(Box::new(ClaimedTerms { version, from: words::day(from)? }))
        }
    })
}

fn read_outcome(wire: OutcomeWire<'_>) -> Result<Outcome, Problem> {
    Ok(match wire {
        OutcomeWire::Stands => Outcome::Stands,
        OutcomeWire::AsClaimed => Outcome::AsClaimed,
        OutcomeWire::Other(claim) => Outcome::Other(read_claim(claim)?),
    })
}

fn read_evidence(hashes: Vec<HashWire>) -> Result<Vec<Digest>, Problem> {
    if hashes.len() > EVIDENCE_MAX || !strictly_sorted(&hashes) {
        return Err(malformed("the evidence is too much, or not sorted"));
    }
    Ok(hashes.into_iter().map(Digest).collect())
}

/// Reads the payload of a dispute-opened. Errors, here and below:
/// [`crate::vocab::Code::PayloadMalformed`].
pub(in crate::wire) fn read_opening(
    payload: &[u8],
    length: PeriodLength,
) -> Result<Opening, Problem> {
    let wire: OpeningWire<'_> = decode(payload)?;
    let target = match wire.target {
        TargetWire::Statement(id) => Target::Statement(EventId::from_bytes(id)),
        TargetWire::Report(id) => Target::Report(EventId::from_bytes(id)),
        TargetWire::Payout(id) => Target::Payout(EventId::from_bytes(id)),
        TargetWire::Clause(clause, period) => {
            Target::Clause { clause: words::id(clause)?, period: period.period(length)? }
        }
    };
    let ground = match wire.ground {
        0 => None,
        number => {
            let ground = number.checked_sub(1).and_then(|at| Ground::ALL.get(usize::from(at)));
            Some(*ground.ok_or_else(|| malformed(format!("there is no ground {number}")))?)
        }
    };
    Ok(Opening {
        target,
        claim: read_claim(wire.claim)?,
        basis: words::text(wire.basis)?,
        evidence: read_evidence(wire.evidence)?,
        ground,
        reopens: wire.reopens.map(EventId::from_bytes),
    })
}

/// Reads the payload of a dispute-responded.
pub(in crate::wire) fn read_response(payload: &[u8]) -> Result<Response, Problem> {
    let ResponseWire(dispute, text, evidence) = decode(payload)?;
    Ok(Response {
        dispute: EventId::from_bytes(dispute),
        text: words::text(text)?,
        evidence: read_evidence(evidence)?,
    })
}

/// Reads the payload of a dispute-accepted.
pub(in crate::wire) fn read_acceptance(payload: &[u8]) -> Result<ClaimAcceptance, Problem> {
    let AcceptanceWire(dispute, by_default) = decode(payload)?;
    Ok(ClaimAcceptance { dispute: EventId::from_bytes(dispute), by_default })
}

/// Reads the payload of a dispute-settled.
pub(in crate::wire) fn read_settlement(payload: &[u8]) -> Result<Settlement, Problem> {
    let wire: SettlementWire<'_> = decode(payload)?;
    let mut signatures = Vec::with_capacity(wire.signatures.len());
    for (party, left, right) in wire.signatures {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&left);
        signature[32..].copy_from_slice(&right);
        signatures.push(PartySignature { party: words::id(party)?, signature });
    }
    let parties: Vec<&Id> = signatures.iter().map(|one| &one.party).collect();
    if !strictly_sorted(&parties) {
        return Err(malformed("the signatures of a settlement are not sorted by party"));
    }
    let (outcome, note) = (read_outcome(wire.outcome)?, words::text(wire.note)?);
    let unsigned = unsigned_settlement(EventId::from_bytes(wire.dispute), outcome, note)?;
    Ok(Settlement { signatures, ..unsigned })
}

/// Reads the payload of a dispute-determined.
pub(in crate::wire) fn read_determination(payload: &[u8]) -> Result<Determination, Problem> {
    let wire: DeterminationWire<'_> = decode(payload)?;
    Ok(Determination {
        dispute: EventId::from_bytes(wire.dispute),
        outcome: read_outcome(wire.outcome)?,
        reasons: words::text(wire.reasons)?,
        evidence: read_evidence(wire.evidence)?,
    })
}

/// Reads the payload of a dispute-escalated or -withdrawn.
pub(in crate::wire) fn read_step(payload: &[u8]) -> Result<DisputeStep, Problem> {
    let StepWire(dispute, reason) = decode(payload)?;
    Ok(DisputeStep { dispute: EventId::from_bytes(dispute), reason: words::text(reason)? })
}

/// Reads the payload of an evidence-attached.
pub(in crate::wire) fn read_attachment(payload: &[u8]) -> Result<Attachment, Problem> {
    let AttachmentWire(about, commitment, note) = decode(payload)?;
    Ok(Attachment {
        about: EventId::from_bytes(about),
        commitment: Digest(commitment),
        note: words::text(note)?,
    })
}

/// Reads the payload of an evidence-erased.
pub(in crate::wire) fn read_erasure(payload: &[u8]) -> Result<Erasure, Problem> {
    let StepWire(commitment, reason) = decode(payload)?;
    Ok(Erasure { commitment: Digest(commitment), reason: words::text(reason)? })
}
