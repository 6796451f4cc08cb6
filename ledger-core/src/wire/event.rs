//! Events as payloads (`schemas/log-format.md`, "Kinds"), and the digests over them.

use serde::Deserialize;
use serde::Serialize;

use crate::event::Acceptance;
use crate::event::Acknowledgement;
use crate::event::Author;
use crate::event::Event;
use crate::event::Kind;
use crate::event::Lines;
use crate::event::PartsIndex;
use crate::event::PayoutReceipt;
use crate::event::PayoutReturn;
use crate::event::TermsVersion;
use crate::event::UsageCorrection;
use crate::event::UsagePart;
use crate::event::UsageReport;
use crate::payout::Payout;
use crate::statement::Entry;
use crate::statement::Statement;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::ContentDigest;
use crate::vocab::Currency;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::LedgerId;
use crate::vocab::PeriodLength;
use crate::vocab::Problem;
use crate::vocab::RecordHash;
use crate::vocab::StateRoot;
use crate::vocab::digest::Domain;
use crate::wire::block;
use crate::wire::codec::decode;
use crate::wire::codec::encode;
use crate::wire::codec::malformed;
use crate::wire::terms;
use crate::wire::words;
use crate::wire::words::DecimalWire;
use crate::wire::words::HashWire;
use crate::wire::words::PeriodWire;

/// The version of every kind that this release writes.
pub const KIND_VERSION: u16 = 1;

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
struct BytesWire<'a>(#[serde(borrow, with = "serde_bytes")] &'a [u8]);

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
struct EntryWire<'a> {
    period: PeriodWire,
    base: DecimalWire,
    #[serde(borrow)]
    shares: Vec<(&'a str, DecimalWire)>,
    causes: Vec<HashWire>,
}

#[derive(Serialize, Deserialize)]
struct StatementWire<'a> {
    period: PeriodWire,
    terms: HashWire,
    calculation: u16,
    #[serde(borrow)]
    entries: Vec<EntryWire<'a>>,
    root_version: u16,
    state_root: HashWire,
}

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
    let payload = encode_payload(&event)?;
    let payload_digest = Domain::Payload.digest(&payload);
    let content = content_digest(ledger, author, &event, payload_digest)?;
    let id = event_id(ledger, author, event.kind(), payload_digest, nonce);
    Ok(Sealed { event, payload, payload_digest, content, id, nonce })
}

fn named(domain: Domain, ledger: LedgerId, author: &Author, kind: Kind) -> blake3::Hasher {
    let party = author.party.as_str().as_bytes();
    let mut hasher = domain.hasher();
    hasher.update(ledger.bytes());
    hasher.update(&(party.len() as u64).to_le_bytes());
    hasher.update(party);
    hasher.update(&(kind as u16).to_le_bytes());
    hasher.update(&KIND_VERSION.to_le_bytes());
    hasher
}

/// The id of an event: independent of its place.
pub fn event_id(
    ledger: LedgerId,
    author: &Author,
    kind: Kind,
    payload: Digest,
    nonce: [u8; 16],
) -> EventId {
    let mut hasher = named(Domain::Event, ledger, author, kind);
    hasher.update(&payload.0);
    hasher.update(&nonce);
    EventId::from_bytes(*hasher.finalize().as_bytes())
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
    let mut hasher = named(Domain::Content, ledger, author, event.kind());
    hasher.update(&said.0);
    Ok(ContentDigest::from_bytes(*hasher.finalize().as_bytes()))
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
        Event::LedgerOpened(version) => terms::encode_terms(&version.terms),
        Event::Accepted(said) => encode(&AcceptedWire(*said.event.bytes(), *said.content.bytes())),
        Event::UsagePart(part) => {
            encode(&PartWire { index: part.index, block: &block::encode(&part.block) })
        }
        Event::UsageReported(report) => encode(&ReportWire {
            period: report.period.into(),
            supplement: report.supplement,
            lines: lines_wire(&report.lines, &inline_bytes(&report.lines)),
        }),
        Event::UsageCorrected(correction) => encode(&CorrectionWire {
            corrects: *correction.corrects.bytes(),
            reason: correction.reason.as_str(),
            lines: lines_wire(&correction.lines, &inline_bytes(&correction.lines)),
        }),
        Event::UsageMissing(period) => encode(&PeriodWire::from(*period)),
        Event::StatementIssued(statement) => encode(&StatementWire {
            period: statement.period.into(),
            terms: statement.terms.0,
            calculation: statement.calculation,
            entries: statement.entries.iter().map(entry_wire).collect(),
            root_version: statement.root_version,
            state_root: *statement.state_root.bytes(),
        }),
        Event::StatementAccepted(id) => encode(id.bytes()),
        Event::PayoutSent(payout) => encode(&PayoutWire {
            to: payout.to.as_str(),
            amount: (&payout.amount).into(),
            on_account: (&payout.on_account).into(),
            sent_on: payout.sent_on.days(),
            reference: payout.reference.as_str(),
        }),
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
    }
}

fn entry_wire(entry: &Entry) -> EntryWire<'_> {
    EntryWire {
        period: entry.period.into(),
        base: (&entry.base).into(),
        shares: entry.shares.iter().map(|(id, amount)| (id.as_str(), amount.into())).collect(),
        causes: entry.causes.iter().map(|id| *id.bytes()).collect(),
    }
}

/// Reads a payload. `length` is that of the terms' periods. Errors: [`Code::KindUnknown`],
/// [`Code::PayloadMalformed`].
pub fn decode_payload(
    (kind, version): (u16, u16),
    length: PeriodLength,
    payload: &[u8],
) -> Result<Event, Problem> {
    let known = Kind::from_number(kind).filter(|_| version == KIND_VERSION);
    let kind = known.ok_or_else(|| {
        Problem::new(Code::KindUnknown, format!("kind {kind} version {version} is not known"))
            .hint("the record was written by a newer release: update revshare to read further")
    })?;
    Ok(match kind {
        Kind::LedgerOpened => {
            let terms = terms::decode_terms(payload)?;
            let digest = Domain::Terms.digest(payload);
            Event::LedgerOpened(Box::new(TermsVersion { terms, digest }))
        }
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
        Kind::StatementIssued => read_statement(decode(payload)?, length)?,
        Kind::StatementAccepted => Event::StatementAccepted(EventId::from_bytes(decode(payload)?)),
        Kind::PayoutSent => {
            let payout: PayoutWire<'_> = decode(payload)?;
            Event::PayoutSent(Payout {
                to: words::id(payout.to)?,
                amount: payout.amount.amount()?,
                on_account: payout.on_account.amount()?,
                sent_on: words::day(payout.sent_on)?,
                reference: words::text(payout.reference)?,
            })
        }
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
    })
}

fn strictly_sorted<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1])
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

fn read_statement(wire: StatementWire<'_>, length: PeriodLength) -> Result<Event, Problem> {
    let mut entries = Vec::with_capacity(wire.entries.len());
    for entry in wire.entries {
        let shares: Vec<(Id, Amount)> = entry
            .shares
            .into_iter()
            .map(|(id, amount)| Ok((words::id(id)?, amount.amount()?)))
            .collect::<Result<_, Problem>>()?;
        let parties: Vec<&Id> = shares.iter().map(|(id, _)| id).collect();
        if !strictly_sorted(&parties) {
            return Err(malformed("the shares of a statement are not sorted by party"));
        }
        entries.push(Entry {
            period: entry.period.period(length)?,
            base: entry.base.amount()?,
            shares,
            causes: entry.causes.into_iter().map(EventId::from_bytes).collect(),
        });
    }
    let periods: Vec<_> = entries.iter().map(|entry| entry.period).collect();
    let period = wire.period.period(length)?;
    if !strictly_sorted(&periods) || periods.last() != Some(&period) {
        return Err(malformed("the entries of a statement are not sorted, or its own is not last"));
    }
    Ok(Event::StatementIssued(Statement {
        period,
        terms: Digest(wire.terms),
        calculation: wire.calculation,
        entries,
        root_version: wire.root_version,
        state_root: StateRoot::from_bytes(wire.state_root),
    }))
}
