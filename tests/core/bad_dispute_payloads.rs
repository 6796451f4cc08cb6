//! Payloads of disputes and evidence that break one rule of the format each, built byte by byte from
//! its document.

use ledger_core::event::Kind;
use ledger_core::vocab::PeriodLength;
use ledger_core::wire::event::decode_payload;

use crate::bad_payloads::Bad;
use crate::bad_payloads::Bytes;

const DISPUTE: [u8; 32] = [7; 32];

fn list(entries: &[Bytes]) -> Bytes {
    let bytes = Bytes::default().u64(entries.len() as u64);
    entries.iter().fold(bytes, |bytes, entry| bytes.raw(&entry.0))
}

fn hash(byte: u8) -> Bytes {
    Bytes::default().raw(&[byte; 32])
}

fn hashes(bytes: &[u8]) -> Bytes {
    list(&bytes.iter().map(|byte| hash(*byte)).collect::<Vec<_>>())
}

fn figure(party: &[u8], mantissa: i128, scale: u8) -> Bytes {
    Bytes::default().text(party).decimal(mantissa, scale)
}

/// A claim of figures.
fn figures(entries: &[Bytes]) -> Bytes {
    Bytes::default().u32(0).raw(&list(entries).0)
}

fn one_figure() -> Bytes {
    figures(&[figure(b"meta", 700, 0)])
}

/// A dispute-opened, field by field.
struct Opened {
    target: Bytes,
    claim: Bytes,
    basis: Vec<u8>,
    evidence: Bytes,
    ground: u8,
    reopens: Bytes,
}

impl Default for Opened {
    fn default() -> Opened {
        Opened {
            target: Bytes::default().u32(0).raw(&DISPUTE),
            claim: one_figure(),
            basis: b"it is wrong".to_vec(),
            evidence: hashes(&[1, 2]),
            ground: 0,
            reopens: Bytes::default().u8(0),
        }
    }
}

impl Opened {
    fn bytes(&self) -> Vec<u8> {
        let bytes = Bytes::default().raw(&self.target.0).raw(&self.claim.0).text(&self.basis);
        bytes.raw(&self.evidence.0).u8(self.ground).raw(&self.reopens.0).0
    }
}

fn bad(name: &'static str, what: &'static str, kind: Kind, payload: Vec<u8>) -> (u16, Bad) {
    (1, Bad { name, what, kind, payload })
}

fn opened(name: &'static str, what: &'static str, payload: &Opened) -> (u16, Bad) {
    bad(name, what, Kind::DisputeOpened, payload.bytes())
}

/// What the bad ones are made from decodes.
fn samples_are_good() {
    let samples = [
        (Kind::DisputeOpened, Opened::default().bytes()),
        (Kind::DisputeSettled, settled(&one_figure_outcome(), &[signature(b"meta")])),
        (Kind::DisputeDetermined, determined(&Bytes::default().u32(0), &hashes(&[1]))),
        (Kind::DisputeResponded, responded(&hashes(&[1]))),
        (Kind::DisputeAccepted, Bytes::default().raw(&DISPUTE).u8(1).0),
    ];
    for (kind, payload) in samples {
        let read = decode_payload((kind as u16, 1), PeriodLength::Month, &payload);
        assert!(read.is_ok(), "{}: {read:?}", kind.as_str());
    }
}

fn one_figure_outcome() -> Bytes {
    Bytes::default().u32(2).raw(&one_figure().0)
}

fn signature(party: &[u8]) -> Bytes {
    Bytes::default().text(party).raw(&[1; 32]).raw(&[2; 32])
}

fn settled(outcome: &Bytes, signatures: &[Bytes]) -> Vec<u8> {
    let bytes = Bytes::default().raw(&DISPUTE).raw(&outcome.0).text(b"agreed");
    bytes.raw(&list(signatures).0).0
}

fn determined(outcome: &Bytes, evidence: &Bytes) -> Vec<u8> {
    let bytes = Bytes::default().raw(&DISPUTE).raw(&outcome.0).text(b"so it is");
    bytes.raw(&evidence.0).0
}

fn responded(evidence: &Bytes) -> Vec<u8> {
    Bytes::default().raw(&DISPUTE).text(b"it is right").raw(&evidence.0).0
}

/// See the module.
pub fn bad_dispute_payloads() -> Vec<(u16, Bad)> {
    samples_are_good();
    let mut all = openings();
    all.extend(steps());
    all
}

fn openings() -> Vec<(u16, Bad)> {
    let default = Opened::default;
    let claim = |claim: Bytes| Opened { claim, ..default() };
    let of = |entries: &[Bytes]| claim(figures(entries));
    let many: Vec<u8> = (0..65).collect();
    let day = 20_454i32.to_le_bytes();
    vec![
        opened("dispute-figures-none", "a claim of figures has none", &of(&[])),
        opened(
            "dispute-figures-unsorted",
            "figures are not sorted by party",
            &of(&[figure(b"meta", 1, 0), figure(b"a-lab", 1, 0)]),
        ),
        opened(
            "dispute-figures-twice",
            "two figures are of the same party",
            &of(&[figure(b"meta", 1, 0), figure(b"meta", 2, 0)]),
        ),
        opened(
            "dispute-figure-zeros",
            "a figure has a zero at the end of its fraction",
            &of(&[figure(b"meta", 7000, 1)]),
        ),
        opened(
            "dispute-figure-large",
            "a figure has 16 digits before the point",
            &of(&[figure(b"meta", 1_000_000_000_000_000, 0)]),
        ),
        opened(
            "dispute-figure-fine",
            "a figure has 13 digits after the point",
            &of(&[figure(b"meta", 1, 13)]),
        ),
        opened("dispute-figure-party", "a figure is of no id", &of(&[figure(b"Meta", 1, 0)])),
        opened(
            "dispute-claim-unknown",
            "there is no claim 3",
            &claim(Bytes::default().u32(3).raw(&list(&[figure(b"meta", 1, 0)]).0)),
        ),
        opened(
            "dispute-claim-option",
            "whether there are lines is neither no nor yes",
            &claim(Bytes::default().u32(1).raw(&DISPUTE).u8(2).u64(0)),
        ),
        opened(
            "dispute-claim-block",
            "claimed lines are no block",
            &claim(Bytes::default().u32(1).raw(&DISPUTE).u8(1).u64(3).raw(&[1, 2, 3])),
        ),
        opened(
            "dispute-claim-terms",
            "claimed terms are no terms",
            &claim(Bytes::default().u32(2).u64(3).raw(&[1, 2, 3]).raw(&day)),
        ),
        opened(
            "dispute-target-unknown",
            "there is no target 4",
            &Opened { target: Bytes::default().u32(4).raw(&DISPUTE), ..default() },
        ),
        opened(
            "dispute-target-clause",
            "the clause that is disputed is no id",
            &Opened {
                target: Bytes::default().u32(3).text(b"Every thing").u16(2026).u8(1),
                ..default()
            },
        ),
        opened(
            "dispute-target-period",
            "the period that is disputed is no month",
            &Opened {
                target: Bytes::default().u32(3).text(b"everything").u16(2026).u8(13),
                ..default()
            },
        ),
        opened("dispute-ground", "there is no ground 3", &Opened { ground: 3, ..default() }),
        opened(
            "dispute-evidence-unsorted",
            "evidence is not sorted",
            &Opened { evidence: hashes(&[2, 1]), ..default() },
        ),
        opened(
            "dispute-evidence-twice",
            "a commitment is named twice",
            &Opened { evidence: hashes(&[1, 1]), ..default() },
        ),
        opened(
            "dispute-evidence-many",
            "there are 65 commitments",
            &Opened { evidence: hashes(&many), ..default() },
        ),
        opened(
            "dispute-basis-long",
            "the basis has 1,025 bytes",
            &Opened { basis: vec![b'a'; 1_025], ..default() },
        ),
        opened(
            "dispute-basis-text",
            "the basis is no UTF-8",
            &Opened { basis: vec![0xff], ..default() },
        ),
        opened(
            "dispute-reopens",
            "whether something is reopened is neither no nor yes",
            &Opened { reopens: Bytes::default().u8(2).raw(&DISPUTE), ..default() },
        ),
        opened(
            "dispute-bytes-behind",
            "a byte stands behind a dispute",
            &Opened { reopens: Bytes::default().u8(0).u8(0), ..default() },
        ),
        opened(
            "dispute-cut",
            "a dispute is cut off",
            &Opened { reopens: Bytes::default().u8(1).raw(&[7; 31]), ..default() },
        ),
    ]
}

fn steps() -> Vec<(u16, Bad)> {
    let stands = || Bytes::default().u32(0);
    let meta = || signature(b"meta");
    let cut = || Bytes::default().raw(&DISPUTE);
    vec![
        bad(
            "response-evidence-unsorted",
            "evidence of an answer is not sorted",
            Kind::DisputeResponded,
            responded(&hashes(&[2, 1])),
        ),
        bad(
            "response-bytes-behind",
            "a byte stands behind an answer",
            Kind::DisputeResponded,
            Bytes::default().raw(&responded(&hashes(&[1]))).u8(0).0,
        ),
        bad(
            "acceptance-default",
            "whether silence accepted is neither no nor yes",
            Kind::DisputeAccepted,
            cut().u8(2).0,
        ),
        bad("acceptance-cut", "an acceptance is cut off", Kind::DisputeAccepted, cut().0),
        bad(
            "settlement-signatures-unsorted",
            "signatures are not sorted by party",
            Kind::DisputeSettled,
            settled(&stands(), &[meta(), signature(b"a-lab")]),
        ),
        bad(
            "settlement-signatures-twice",
            "a party signs twice",
            Kind::DisputeSettled,
            settled(&stands(), &[meta(), meta()]),
        ),
        bad(
            "settlement-signature-cut",
            "a signature has 63 bytes",
            Kind::DisputeSettled,
            settled(&stands(), &[Bytes::default().text(b"meta").raw(&[1; 63])]),
        ),
        bad(
            "settlement-signature-party",
            "a signature is of no id",
            Kind::DisputeSettled,
            settled(&stands(), &[signature(b"")]),
        ),
        bad(
            "settlement-outcome-unknown",
            "there is no outcome 3",
            Kind::DisputeSettled,
            settled(&Bytes::default().u32(3), &[meta()]),
        ),
        bad(
            "settlement-outcome-empty",
            "an outcome has figures of nobody",
            Kind::DisputeSettled,
            settled(&Bytes::default().u32(2).raw(&figures(&[]).0), &[meta()]),
        ),
        bad("escalation-reason", "an escalation has no reason", Kind::DisputeEscalated, cut().0),
        bad(
            "determination-outcome-unknown",
            "there is no outcome 9",
            Kind::DisputeDetermined,
            determined(&Bytes::default().u32(9), &hashes(&[])),
        ),
        bad(
            "determination-evidence-twice",
            "a commitment is named twice",
            Kind::DisputeDetermined,
            determined(&stands(), &hashes(&[1, 1])),
        ),
        bad(
            "withdrawal-bytes-behind",
            "a byte stands behind a withdrawal",
            Kind::DisputeWithdrawn,
            cut().text(b"a mistake").u8(0).0,
        ),
        bad(
            "attachment-cut",
            "a commitment has 31 bytes",
            Kind::EvidenceAttached,
            cut().raw(&[1; 31]).0,
        ),
        bad(
            "attachment-note-long",
            "the note on a file has 1,025 bytes",
            Kind::EvidenceAttached,
            cut().raw(&[1; 32]).text(&[b'a'; 1_025]).0,
        ),
        bad("erasure-reason", "an erasure has no reason", Kind::EvidenceErased, cut().0),
    ]
}
