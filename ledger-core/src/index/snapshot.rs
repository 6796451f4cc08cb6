//! A state as bytes: what was said, as the log has it, and reports as their sums. It is restored
//! by applying both in the order of the log, without judging again what was judged before.

use serde::Deserialize;
use serde::Serialize;

use crate::event::Author;
use crate::event::Event;
use crate::event::Fact;
use crate::event::Kind;
use crate::evolve::apply;
use crate::state::Agreement;
use crate::state::Report;
use crate::state::State;
use crate::usage::LineKey;
use crate::usage::LineSums;
use crate::usage::UsageSums;
use crate::vocab::ContentDigest;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Level;
use crate::vocab::Name;
use crate::vocab::Period;
use crate::vocab::PeriodLength;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::vocab::Text;
use crate::vocab::Timestamp;
use crate::vocab::Value;
use crate::vocab::exact::Sum;
use crate::wire::codec;
use crate::wire::event::decode_payload;
use crate::wire::event::encode_payload;

type Hash = [u8; 32];

/// Most distinct usage keys that a snapshot holds; beyond that the log is as fast to read.
const KEYS_MAX: usize = 200_000;

#[derive(Serialize, Deserialize)]
struct Snapshot {
    head: Hash,
    ledger: Hash,
    recorded_at: i64,
    /// Id, content and kind of every record's event, in order.
    events: Vec<(Hash, Hash, u16)>,
    /// Reports and corrections, in the order of the log.
    reports: Vec<ReportRow>,
    /// Everything else that changed the state, in the order of the log.
    said: Vec<Said>,
    /// When respondents saw disputes: it follows from who signed what, which is not kept here.
    seen: Vec<(Hash, String, i64)>,
}

/// What a record said, as the log has it; reports are kept as their sums instead.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Said {
    seq: u64,
    recorded_at: i64,
    party: String,
    key: Hash,
    version: u16,
    payload: Vec<u8>,
}

impl Said {
    /// What a fact said; `None` for lines, which the state keeps as sums.
    pub fn of(fact: &Fact) -> Option<Said> {
        let lines = matches!(
            fact.event,
            Event::UsagePart(_) | Event::UsageReported(_) | Event::UsageCorrected(_)
        );
        if lines {
            return None;
        }
        Some(Said {
            seq: fact.seq,
            recorded_at: fact.recorded_at.micros(),
            party: fact.author.party.as_str().to_owned(),
            key: *fact.author.key.bytes(),
            version: fact.event.version(),
            payload: encode_payload(&fact.event).ok()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct ReportRow {
    id: Hash,
    seq: u64,
    recorded_at: i64,
    period: String,
    supplement: bool,
    corrects: Option<Hash>,
    reason: Option<String>,
    lines: u64,
    parts: u64,
    usage: Vec<(KeyRow, SumsRow)>,
}

#[derive(Serialize, Deserialize)]
struct KeyRow(i32, String, Vec<(String, String)>);

#[derive(Serialize, Deserialize)]
struct SumsRow(u64, i128, Vec<(String, i128)>, Vec<(String, i128)>);

/// The bytes of a state and of what was said on the way to it; `None` for a state that is not
/// worth a snapshot (unopened, or with very many distinct usage keys).
pub fn write(state: &State, said: Vec<Said>) -> Option<Vec<u8>> {
    let agreement = state.agreement()?;
    if agreement.reports().map(|report| report.usage.keys()).sum::<usize>() > KEYS_MAX {
        return None;
    }
    let mut events = vec![([0; 32], [0; 32], 0); usize::try_from(state.next_seq()).ok()?];
    for (id, seq, kind, content) in state.events_with_contents() {
        *events.get_mut(usize::try_from(seq).ok()?)? = (*id.bytes(), *content.bytes(), kind as u16);
    }
    let mut reports: Vec<&Report> = agreement.reports().collect();
    reports.sort_by_key(|report| report.seq);
    let snapshot = Snapshot {
        head: *state.head().bytes(),
        ledger: *agreement.ledger().bytes(),
        recorded_at: state.recorded_at().micros(),
        events,
        reports: reports.into_iter().map(report_row).collect(),
        said,
        seen: seen(agreement),
    };
    codec::encode(&snapshot).ok()
}

fn seen(agreement: &Agreement) -> Vec<(Hash, String, i64)> {
    let mut seen = Vec::new();
    for dispute in agreement.disputes().values() {
        for (party, respondent) in &dispute.respondents {
            if let Some(at) = respondent.seen {
                seen.push((*dispute.id.bytes(), party.as_str().to_owned(), at.micros()));
            }
        }
    }
    seen
}

fn report_row(report: &Report) -> ReportRow {
    let key = |key: &LineKey| {
        let attributes = key.attributes.iter();
        let attributes = attributes.map(|(n, v)| (n.as_str().to_owned(), v.as_str().to_owned()));
        KeyRow(key.day.days(), key.currency.code().to_owned(), attributes.collect())
    };
    ReportRow {
        id: *report.id.bytes(),
        seq: report.seq,
        recorded_at: report.recorded_at.micros(),
        period: report.period.to_string(),
        supplement: report.supplement,
        corrects: report.corrects.map(|id| *id.bytes()),
        reason: report.reason.as_ref().map(|text| text.as_str().to_owned()),
        lines: report.lines,
        parts: report.parts as u64,
        usage: report.usage.iter().map(|(k, sums)| (key(k), sums_row(sums))).collect(),
    }
}

fn sums_row(sums: &LineSums) -> SumsRow {
    let named = |sums: &[(Name, Sum)]| {
        sums.iter().map(|(name, sum)| (name.as_str().to_owned(), sum.0)).collect()
    };
    SumsRow(sums.lines, sums.gross.0, named(&sums.meters), named(&sums.deductions))
}

/// The state that a snapshot's bytes hold; `None` if they hold none.
pub fn read(bytes: &[u8]) -> Option<State> {
    let snapshot: Snapshot = codec::decode(bytes).ok()?;
    let mut state = State::default();
    let (head, ledger) = (RecordHash::from_bytes(snapshot.head), snapshot.ledger);
    let mut reports = snapshot.reports.into_iter().peekable();
    let mut length = PeriodLength::Month;
    for said in snapshot.said {
        while let Some(row) = reports.next_if(|row| row.seq < said.seq) {
            state.agreement_mut()?.add_report(report(row)?);
        }
        let (id, content, kind) = snapshot.events.get(usize::try_from(said.seq).ok()?)?;
        let event = decode_payload((*kind, said.version), length, &said.payload).ok()?;
        if let Event::LedgerOpened(version) = &event {
            length = version.terms.period_length;
        }
        let fact = Fact {
            seq: said.seq,
            previous: head,
            // Record 0's hash is the ledger's id; of the others none is asked for here.
            hash: RecordHash::from_bytes(ledger),
            recorded_at: Timestamp::from_micros(said.recorded_at)?,
            level: Level::LATEST,
            author: Author {
                party: Id::parse(&said.party).ok()?,
                key: PublicKey::from_bytes(said.key).ok()?,
            },
            id: EventId::from_bytes(*id),
            content: ContentDigest::from_bytes(*content),
            payload: Digest::default(),
            event,
        };
        apply(&mut state, &fact).ok()?;
        if fact.event.kind() == Kind::DisputeOpened {
            let own = snapshot.seen.iter().filter(|(dispute, ..)| dispute == fact.id.bytes());
            for (_, party, at) in own {
                let (party, at) = (Id::parse(party).ok()?, Timestamp::from_micros(*at)?);
                state.agreement_mut()?.restore_seen(&fact.id, &party, at);
            }
        }
    }
    for row in reports {
        state.agreement_mut()?.add_report(report(row)?);
    }
    let recorded_at = Timestamp::from_micros(snapshot.recorded_at)?;
    for (seq, (id, said, kind)) in (0u64..).zip(&snapshot.events) {
        let known = (EventId::from_bytes(*id), ContentDigest::from_bytes(*said));
        let kind = Kind::from_number(*kind)?;
        state.advance((seq, head, recorded_at), (known.0, known.1, kind));
    }
    Some(state)
}

fn report(row: ReportRow) -> Option<Report> {
    let mut usage = UsageSums::default();
    for (KeyRow(day, currency, attributes), sums) in row.usage {
        let attribute =
            |(n, v): &(String, String)| Some((Name::parse(n).ok()?, Value::parse(v).ok()?));
        let key = LineKey {
            day: Date::from_days(day)?,
            currency: Currency::parse(&currency).ok()?,
            attributes: attributes.iter().map(attribute).collect::<Option<_>>()?,
        };
        *usage.entry(key) = line_sums(sums)?;
    }
    Some(Report {
        id: EventId::from_bytes(row.id),
        seq: row.seq,
        recorded_at: Timestamp::from_micros(row.recorded_at)?,
        period: Period::parse(&row.period).ok()?,
        supplement: row.supplement,
        corrects: row.corrects.map(EventId::from_bytes),
        reason: row.reason.map(|reason| Text::parse(&reason)).transpose().ok()?,
        // Set again by the correction that follows.
        corrected_by: None,
        lines: row.lines,
        parts: usize::try_from(row.parts).ok()?,
        usage,
    })
}

fn line_sums(SumsRow(lines, gross, meters, deductions): SumsRow) -> Option<LineSums> {
    let named = |rows: Vec<(String, i128)>| -> Option<Vec<(Name, Sum)>> {
        rows.into_iter().map(|(name, sum)| Some((Name::parse(&name).ok()?, Sum(sum)))).collect()
    };
    Some(LineSums {
        lines,
        gross: Sum(gross),
        meters: named(meters)?,
        deductions: named(deductions)?,
    })
}
