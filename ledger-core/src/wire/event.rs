//! Events as payloads (`schemas/log-format.md`, "Kinds"), and the digests over them.

use serde::Deserialize;
use serde::Serialize;

use crate::event::Acceptance;
use crate::event::Acknowledgement;
use crate::event::Amendment;
use crate::event::Author;
use crate::event::ContributionClaim;
use crate::event::ContributionEnd;
use crate::event::ConversionRate;
use crate::event::Event;
use crate::event::Kind;
use crate::event::Lines;
use crate::event::PartsIndex;
use crate::event::PayoutReceipt;
use crate::event::PayoutReturn;
use crate::event::ProposalClosing;
use crate::event::TermsVersion;
use crate::event::UsageCorrection;
use crate::event::UsagePart;
use crate::event::UsageReport;
use crate::payout::Advance;
use crate::payout::Payout;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::ContentDigest;
use crate::vocab::Currency;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::LedgerId;
use crate::vocab::Level;
use crate::vocab::PeriodLength;
use crate::vocab::Problem;
use crate::vocab::RecordHash;
use crate::vocab::StateRoot;
use crate::vocab::digest::Domain;
use crate::vocab::to_u64;
use crate::wire::block;
use crate::wire::codec::decode;
use crate::wire::codec::encode;
use crate::wire::codec::malformed;
use crate::wire::dispute;
use crate::wire::statement;
use crate::wire::statement::strictly_sorted;
use crate::wire::terms;
use crate::wire::words;
use crate::wire::words::DecimalWire;
use crate::wire::words::HashWire;
use crate::wire::words::PeriodWire;

/// The level at which a version of a kind is written; `None` for a version that no release wrote.
/// Most kinds have version 1 alone, at every level.
fn level_of(kind: Kind, version: u16) -> Option<Level> {
    let has_levels = matches!(kind, Kind::LedgerOpened | Kind::StatementIssued | Kind::PayoutSent);
    Level::from_number(version).filter(|level| has_levels || *level == Level::One)
}

/// An event as bytes, with the digests that name it.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// What it says.
    pub event: Event,
    /// Its payload.
    pub payload: Vec<u8>,
    /// Digest of the payload.
    pub payload_digest: Digest,
    /// Digest of what it says, without the nonce.
    pub content: ContentDigest,
    /// Its id.
    pub id: EventId,
    /// What makes the id unique.
    pub nonce: [u8; 16],
}

#[derive(Serialize, Deserialize)]
struct AcceptedWire(HashWire, HashWire);

#[derive(Serialize, Deserialize)]
struct PartWire<'a> {
    index: u32,
    #[serde(with = "serde_bytes")]
    block: &'a [u8],
}

#[derive(Serialize, Deserialize)]
pub(in crate::wire) struct BytesWire<'a>(
    #[serde(borrow, with = "serde_bytes")] pub(in crate::wire) &'a [u8],
);

#[derive(Serialize, Deserialize)]
enum LinesWire<'a> {
    Nil,
    Inline(#[serde(borrow)] BytesWire<'a>),
    Parts(Vec<HashWire>, u64, HashWire, Vec<([u8; 3], DecimalWire)>),
}

#[derive(Serialize, Deserialize)]
struct ReportWire<'a> {
    period: PeriodWire,
    supplement: bool,
    #[serde(borrow)]
    lines: LinesWire<'a>,
}

#[derive(Serialize, Deserialize)]
struct CorrectionWire<'a> {
    corrects: HashWire,
    reason: &'a str,
    #[serde(borrow)]
    lines: LinesWire<'a>,
}

#[derive(Serialize, Deserialize)]
struct PayoutWire2<'a> {
    to: &'a str,
    amount: DecimalWire,
    on_account: DecimalWire,
    withheld: DecimalWire,
    grossed_up: bool,
    sent_on: i32,
    reference: &'a str,
}

#[derive(Serialize, Deserialize)]
struct AmendmentWire<'a>(#[serde(borrow)] BytesWire<'a>, i32, &'a str);

#[derive(Serialize, Deserialize)]
struct ClosingWire<'a>(HashWire, &'a str);

#[derive(Serialize, Deserialize)]
struct RateWire<'a>([u8; 3], DecimalWire, PeriodWire, &'a str);

#[derive(Serialize, Deserialize)]
struct ClaimWire<'a>(&'a str, i32, Option<i32>, Option<HashWire>, &'a str);

#[derive(Serialize, Deserialize)]
struct ContributionEndWire<'a>(HashWire, i32, &'a str);

#[derive(Serialize, Deserialize)]
struct AdvanceWire<'a>(&'a str, DecimalWire, i32, &'a str);

#[derive(Serialize, Deserialize)]
struct PayoutWire<'a> {
    to: &'a str,
    amount: DecimalWire,
    on_account: DecimalWire,
    sent_on: i32,
    reference: &'a str,
}

#[derive(Serialize, Deserialize)]
struct ReceiptWire(HashWire, i32);

#[derive(Serialize, Deserialize)]
struct ReturnWire<'a>(HashWire, &'a str);

#[derive(Serialize, Deserialize)]
struct AcknowledgedWire(u64, HashWire, u16, HashWire);

/// Seals an event: encodes it and computes its digests. Errors: [`Code::ReportTooLarge`].
pub fn seal(
    ledger: LedgerId,
    author: &Author,
    nonce: [u8; 16],
    event: Event,
) -> Result<Sealed, Problem> {
    seal_encoded(ledger, author, nonce, event, None)
}

/// Likewise, of an event whose block of lines was encoded already: `block` are its bytes.
pub fn seal_encoded(
    ledger: LedgerId,
    author: &Author,
    nonce: [u8; 16],
    event: Event,
    block: Option<&[u8]>,
) -> Result<Sealed, Problem> {
    let payload = match block {
        Some(block) => encode_around(&event, block),
        None => encode_payload(&event),
    }?;
    let payload_digest = Domain::Payload.digest(&payload);
    let content = content_digest(ledger, author, &event, payload_digest)?;
    let kind = (event.kind(), event.version());
    let id = event_id(ledger, author, kind, payload_digest, nonce);
    Ok(Sealed { event, payload, payload_digest, content, id, nonce })
}

fn named(
    domain: Domain,
    ledger: LedgerId,
    author: &Author,
    (kind, version): (Kind, u16),
    rest: &[&[u8]],
) -> Digest {
    let party = author.party.as_str().as_bytes();
    domain.digest_of(|hasher| {
        hasher.update(ledger.bytes());
        hasher.update(&to_u64(party.len()).to_le_bytes());
        hasher.update(party);
        hasher.update(&kind.number().to_le_bytes());
        hasher.update(&version.to_le_bytes());
        for bytes in rest {
            hasher.update(bytes);
        }
    })
}

/// The id of an event: independent of its place.
pub fn event_id(
    ledger: LedgerId,
    author: &Author,
    kind: (Kind, u16),
    payload: Digest,
    nonce: [u8; 16],
) -> EventId {
    EventId(named(Domain::Event, ledger, author, kind, &[&payload.0, &nonce]))
}

/// The digest of what an event says: equal for a repeat. For a report in parts it is taken with
/// the list of part ids empty, since ids hold nonces.
pub fn content_digest(
    ledger: LedgerId,
    author: &Author,
    event: &Event,
    payload: Digest,
) -> Result<ContentDigest, Problem> {
    let without_parts = |lines: &Lines| match lines {
        Lines::Parts(index) => {
            Some(Lines::Parts(PartsIndex { parts: Vec::new(), ..index.clone() }))
        }
        _ => None,
    };
    let stripped = match event {
        Event::UsageReported(report) => without_parts(&report.lines)
            .map(|lines| Event::UsageReported(UsageReport { lines, ..report.clone() })),
        Event::UsageCorrected(correction) => without_parts(&correction.lines)
            .map(|lines| Event::UsageCorrected(UsageCorrection { lines, ..correction.clone() })),
        _ => None,
    };
    let said = match stripped {
        Some(event) => Domain::Payload.digest(&encode_payload(&event)?),
        None => payload,
    };
    let kind = (event.kind(), event.version());
    Ok(ContentDigest(named(Domain::Content, ledger, author, kind, &[&said.0])))
}

fn lines_wire<'a>(lines: &Lines, block: &'a [u8]) -> LinesWire<'a> {
    match lines {
        Lines::Nil => LinesWire::Nil,
        Lines::Inline(_) => LinesWire::Inline(BytesWire(block)),
        Lines::Parts(index) => LinesWire::Parts(
            index.parts.iter().map(|id| *id.bytes()).collect(),
            index.lines,
            index.digest.0,
            index.gross.iter().map(|(code, sum)| (code.bytes(), sum.into())).collect(),
        ),
    }
}

fn inline_bytes(lines: &Lines) -> Vec<u8> {
    match lines {
        Lines::Inline(block) => block::encode(block),
        Lines::Nil | Lines::Parts(_) => Vec::new(),
    }
}

/// The canonical payload of an event. Errors: [`Code::ReportTooLarge`].
pub fn encode_payload(event: &Event) -> Result<Vec<u8>, Problem> {
    match event {
        Event::UsagePart(part) => encode_around(event, &block::encode(&part.block)),
        Event::UsageReported(UsageReport { lines, .. })
        | Event::UsageCorrected(UsageCorrection { lines, .. }) => {
            encode_around(event, &inline_bytes(lines))
        }
        _ => encode_around(event, &[]),
    }
}

/// The canonical payload of an event; `block` are the bytes of its block of lines, if it has one.
fn encode_around(event: &Event, block: &[u8]) -> Result<Vec<u8>, Problem> {
    match event {
        Event::LedgerOpened(version) => terms::encode_terms(&version.terms, version.level),
        Event::Accepted(said) => encode(&AcceptedWire(*said.event.bytes(), *said.content.bytes())),
        Event::UsagePart(part) => encode(&PartWire { index: part.index, block }),
        Event::UsageReported(report) => encode(&ReportWire {
            period: report.period.into(),
            supplement: report.supplement,
            lines: lines_wire(&report.lines, block),
        }),
        Event::UsageCorrected(correction) => encode(&CorrectionWire {
            corrects: *correction.corrects.bytes(),
            reason: correction.reason.as_str(),
            lines: lines_wire(&correction.lines, block),
        }),
        Event::UsageMissing(period) => encode(&PeriodWire::from(*period)),
        Event::StatementIssued(statement) => statement::encode_statement(statement),
        Event::StatementAccepted(id) => encode(id.bytes()),
        Event::PayoutSent(payout) => encode_payout(payout),
        Event::PayoutConfirmed(receipt) => {
            encode(&ReceiptWire(*receipt.payout.bytes(), receipt.received_on.days()))
        }
        Event::PayoutReturned(returned) => {
            encode(&ReturnWire(*returned.payout.bytes(), returned.reason.as_str()))
        }
        Event::Acknowledged(said) => encode(&AcknowledgedWire(
            said.seq,
            *said.head.bytes(),
            said.root_version,
            *said.state_root.bytes(),
        )),
        Event::AmendmentProposed(amendment) => encode(&AmendmentWire(
            BytesWire(&terms::encode_terms(&amendment.version.terms, amendment.version.level)?),
            amendment.effective_from.days(),
            amendment.reason.as_str(),
        )),
        Event::ProposalRejected(closing) | Event::ProposalWithdrawn(closing) => {
            encode(&ClosingWire(*closing.proposal.bytes(), closing.reason.as_str()))
        }
        Event::RateProposed(rate) => encode(&RateWire(
            rate.currency.bytes(),
            (&rate.rate).into(),
            rate.period.into(),
            rate.source.as_str(),
        )),
        Event::ContributionClaimed(claim) => encode(&ClaimWire(
            claim.clause.as_str(),
            claim.from.days(),
            claim.to.map(|day| day.days()),
            claim.evidence.map(|digest| digest.0),
            claim.note.as_str(),
        )),
        Event::ContributionEnded(end) => {
            encode(&ContributionEndWire(*end.claim.bytes(), end.on.days(), end.reason.as_str()))
        }
        Event::AdvancePaid(advance) => encode(&AdvanceWire(
            advance.to.as_str(),
            (&advance.amount).into(),
            advance.paid_on.days(),
            advance.reference.as_str(),
        )),
        Event::DisputeOpened(said) => dispute::encode_opening(said),
        Event::DisputeResponded(said) => dispute::encode_response(said),
        Event::DisputeAccepted(said) => dispute::encode_acceptance(said),
        Event::DisputeSettled(said) => dispute::encode_settlement(said),
        Event::DisputeEscalated(said) | Event::DisputeWithdrawn(said) => dispute::encode_step(said),
        Event::DisputeDetermined(said) => dispute::encode_determination(said),
        Event::EvidenceAttached(said) => dispute::encode_attachment(said),
        Event::EvidenceErased(said) => dispute::encode_erasure(said),
    }
}

fn encode_payout(payout: &Payout) -> Result<Vec<u8>, Problem> {
    let (to, reference) = (payout.to.as_str(), payout.reference.as_str());
    let (amount, on_account) = ((&payout.amount).into(), (&payout.on_account).into());
    let sent_on = payout.sent_on.days();
    match payout.level {
        Level::One => encode(&PayoutWire { to, amount, on_account, sent_on, reference }),
        Level::Two => encode(&PayoutWire2 {
            to,
            amount,
            on_account,
            withheld: (&payout.withheld).into(),
            grossed_up: payout.grossed_up,
            sent_on,
            reference,
        }),
    }
}

/// Reads a payload. `length` is that of the terms' periods. Errors: [`Code::KindUnknown`],
/// [`Code::PayloadMalformed`].
pub fn decode_payload(
    (kind, version): (u16, u16),
    length: PeriodLength,
    payload: &[u8],
) -> Result<Event, Problem> {
    let known = Kind::from_number(kind).and_then(|kind| Some((kind, level_of(kind, version)?)));
    let (kind, level) = known.ok_or_else(|| {
        Problem::new(Code::KindUnknown, format!("kind {kind} version {version} is not known"))
            .hint("the record was written by a newer release: update revshare to read further")
    })?;
    Ok(match kind {
        Kind::LedgerOpened => Event::LedgerOpened(Box::new(read_terms(payload, level)?)),
        Kind::Accepted => {
            let AcceptedWire(event, content) = decode(payload)?;
            Event::Accepted(Acceptance {
                event: EventId::from_bytes(event),
                content: ContentDigest::from_bytes(content),
            })
        }
        Kind::UsagePart => {
            let part: PartWire<'_> = decode(payload)?;
            Event::UsagePart(UsagePart { index: part.index, block: block::decode(part.block)? })
        }
        Kind::UsageReported => {
            let report: ReportWire<'_> = decode(payload)?;
            Event::UsageReported(UsageReport {
                period: report.period.period(length)?,
                supplement: report.supplement,
                lines: read_lines(report.lines)?,
            })
        }
        Kind::UsageCorrected => {
            let correction: CorrectionWire<'_> = decode(payload)?;
            Event::UsageCorrected(UsageCorrection {
                corrects: EventId::from_bytes(correction.corrects),
                reason: words::text(correction.reason)?,
                lines: read_lines(correction.lines)?,
            })
        }
        Kind::UsageMissing => Event::UsageMissing(decode::<PeriodWire>(payload)?.period(length)?),
        Kind::StatementIssued => {
            Event::StatementIssued(statement::decode_statement(payload, level, length)?)
        }
        Kind::StatementAccepted => Event::StatementAccepted(EventId::from_bytes(decode(payload)?)),
        Kind::PayoutSent => Event::PayoutSent(read_payout(level, payload)?),
        Kind::PayoutConfirmed => {
            let ReceiptWire(payout, received_on) = decode(payload)?;
            Event::PayoutConfirmed(PayoutReceipt {
                payout: EventId::from_bytes(payout),
                received_on: words::day(received_on)?,
            })
        }
        Kind::PayoutReturned => {
            let ReturnWire(payout, reason) = decode(payload)?;
            Event::PayoutReturned(PayoutReturn {
                payout: EventId::from_bytes(payout),
                reason: words::text(reason)?,
            })
        }
        Kind::Acknowledged => {
            let AcknowledgedWire(seq, head, root_version, state_root) = decode(payload)?;
            Event::Acknowledged(Acknowledgement {
                seq,
                head: RecordHash::from_bytes(head),
                root_version,
                state_root: StateRoot::from_bytes(state_root),
            })
        }
        Kind::AmendmentProposed => {
            let AmendmentWire(BytesWire(bytes), effective_from, reason) = decode(payload)?;
            Event::AmendmentProposed(Box::new(Amendment {
                version: read_terms(bytes, Level::Two)?,
                effective_from: words::day(effective_from)?,
                reason: words::text(reason)?,
            }))
        }
        Kind::ProposalRejected => Event::ProposalRejected(read_closing(payload)?),
        Kind::ProposalWithdrawn => Event::ProposalWithdrawn(read_closing(payload)?),
        Kind::RateProposed => {
            let RateWire(currency, rate, period, source) = decode(payload)?;
            Event::RateProposed(ConversionRate {
                currency: words::currency(currency)?,
                rate: rate.amount()?,
                period: period.period(length)?,
                source: words::text(source)?,
            })
        }
        Kind::ContributionClaimed => {
            let ClaimWire(clause, from, to, evidence, note) = decode(payload)?;
            Event::ContributionClaimed(ContributionClaim {
                clause: words::id(clause)?,
                from: words::day(from)?,
                to: to.map(words::day).transpose()?,
                evidence: evidence.map(Digest),
                note: words::text(note)?,
            })
        }
        Kind::ContributionEnded => {
            let ContributionEndWire(claim, on, reason) = decode(payload)?;
            Event::ContributionEnded(ContributionEnd {
                claim: EventId::from_bytes(claim),
                on: words::day(on)?,
                reason: words::text(reason)?,
            })
        }
        Kind::AdvancePaid => {
            let AdvanceWire(to, amount, paid_on, reference) = decode(payload)?;
            Event::AdvancePaid(Advance {
                to: words::id(to)?,
                amount: amount.amount()?,
                paid_on: words::day(paid_on)?,
                reference: words::text(reference)?,
            })
        }
        Kind::DisputeOpened => {
            Event::DisputeOpened(Box::new(dispute::read_opening(payload, length)?))
        }
        Kind::DisputeResponded => Event::DisputeResponded(dispute::read_response(payload)?),
        Kind::DisputeAccepted => Event::DisputeAccepted(dispute::read_acceptance(payload)?),
        Kind::DisputeSettled => Event::DisputeSettled(Box::new(dispute::read_settlement(payload)?)),
        Kind::DisputeEscalated => Event::DisputeEscalated(dispute::read_step(payload)?),
        Kind::DisputeDetermined => {
            Event::DisputeDetermined(Box::new(dispute::read_determination(payload)?))
        }
        Kind::DisputeWithdrawn => Event::DisputeWithdrawn(dispute::read_step(payload)?),
        Kind::EvidenceAttached => Event::EvidenceAttached(dispute::read_attachment(payload)?),
        Kind::EvidenceErased => Event::EvidenceErased(dispute::read_erasure(payload)?),
    })
}

pub(in crate::wire) fn read_terms(bytes: &[u8], level: Level) -> Result<TermsVersion, Problem> {
    let terms = terms::decode_terms(bytes, level)?;
    Ok(TermsVersion { terms, digest: Domain::Terms.digest(bytes), level })
}

fn read_closing(payload: &[u8]) -> Result<ProposalClosing, Problem> {
    let ClosingWire(proposal, reason) = decode(payload)?;
    Ok(ProposalClosing { proposal: EventId::from_bytes(proposal), reason: words::text(reason)? })
}

fn read_payout(level: Level, payload: &[u8]) -> Result<Payout, Problem> {
    let wire = match level {
        Level::One => {
            let PayoutWire { to, amount, on_account, sent_on, reference } = decode(payload)?;
            let withheld = (&Amount::ZERO).into();
            let grossed_up = false;
            PayoutWire2 { to, amount, on_account, withheld, grossed_up, sent_on, reference }
        }
        Level::Two => decode(payload)?,
    };
    Ok(Payout {
        to: words::id(wire.to)?,
        amount: wire.amount.amount()?,
        on_account: wire.on_account.amount()?,
        withheld: wire.withheld.amount()?,
        grossed_up: wire.grossed_up,
        sent_on: words::day(wire.sent_on)?,
        reference: words::text(wire.reference)?,
        level,
    })
}

fn read_lines(lines: LinesWire<'_>) -> Result<Lines, Problem> {
    Ok(match lines {
        LinesWire::Nil => Lines::Nil,
        LinesWire::Inline(BytesWire(bytes)) => Lines::Inline(block::decode(bytes)?),
        LinesWire::Parts(parts, lines, digest, gross) => {
            let gross: Vec<(Currency, Amount)> = gross
                .into_iter()
                .map(|(code, sum)| Ok((words::currency(code)?, sum.amount()?)))
                .collect::<Result<_, Problem>>()?;
            let currencies: Vec<Currency> = gross.iter().map(|(code, _)| *code).collect();
            if !strictly_sorted(&currencies) {
                return Err(malformed("the gross totals are not sorted by currency"));
            }
            Lines::Parts(PartsIndex {
                parts: parts.into_iter().map(EventId::from_bytes).collect(),
                lines,
                digest: Digest(digest),
                gross,
            })
        }
    })
}
