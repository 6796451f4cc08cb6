//! A state as bytes. The snapshot goes through the same words as the log (payloads of terms,
//! statements and payouts), and is restored through the state's own records.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::event::Event;
use crate::event::Kind;
use crate::event::TermsVersion;
use crate::state::Acknowledged;
use crate::state::Agreement;
use crate::state::PayoutRecord;
use crate::state::PayoutStatus;
use crate::state::Report;
use crate::state::State;
use crate::state::StatementRecord;
use crate::usage::LineKey;
use crate::usage::LineSums;
use crate::usage::UsageSums;
use crate::vocab::ContentDigest;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::LedgerId;
use crate::vocab::Name;
use crate::vocab::Period;
use crate::vocab::RecordHash;
use crate::vocab::StateRoot;
use crate::vocab::Text;
use crate::vocab::Timestamp;
use crate::vocab::Value;
use crate::vocab::exact::Sum;
use crate::wire::codec;
const KIND_VERSION: u16 = 1;
use crate::wire::event::decode_payload;
use crate::wire::event::encode_payload;
use crate::wire::terms;

type Hash = [u8; 32];

/// Most distinct usage keys that a snapshot holds; beyond that the log is as fast to read.
const KEYS_MAX: usize = 200_000;

#[derive(Serialize, Deserialize)]
struct Snapshot {
    head: Hash,
    recorded_at: i64,
    /// Id, content and kind of every record's event, in order.
    events: Vec<(Hash, Hash, u16)>,
    ledger: Hash,
    opening: (Hash, Hash),
    terms: Vec<u8>,
    terms_digest: Hash,
    accepted: Vec<String>,
    reports: Vec<ReportRow>,
    money: u128,
    missing: Vec<(String, Hash)>,
    statements: Vec<StatementRow>,
    payouts: Vec<PayoutRow>,
    acknowledged: Vec<(String, Hash, u64, u64, Hash)>,
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
    by_rule: Vec<(u64, SumsRow)>,
}

#[derive(Serialize, Deserialize)]
struct KeyRow(i32, String, Vec<(String, String)>);

#[derive(Serialize, Deserialize)]
struct SumsRow(u64, i128, Vec<(String, i128)>, Vec<(String, i128)>);

#[derive(Serialize, Deserialize)]
struct StatementRow {
    id: Hash,
    seq: u64,
    recorded_at: i64,
    payload: Vec<u8>,
    accepted_by: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct PayoutRow {
    id: Hash,
    seq: u64,
    recorded_at: i64,
    payload: Vec<u8>,
    confirmed: Option<(u64, i32)>,
    returned: Option<(u64, String)>,
}

/// The bytes of a state; `None` for a state that is not worth a snapshot (unopened, or with very
/// many distinct usage keys).
pub fn write(state: &State) -> Option<Vec<u8>> {
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
    let (opening, opening_content) = agreement.opening();
    let texts = |ids: &BTreeSet<Id>| ids.iter().map(|id| id.as_str().to_owned()).collect();
    let snapshot = Snapshot {
        head: *state.head().bytes(),
        recorded_at: state.recorded_at().micros(),
        events,
        ledger: *agreement.ledger().bytes(),
        opening: (*opening.bytes(), *opening_content.bytes()),
        terms: terms::encode_terms(agreement.terms(), crate::vocab::Level::One).ok()?,
        terms_digest: agreement.terms_digest().0,
        accepted: texts(agreement.accepted()),
        reports: reports.into_iter().map(report_row).collect(),
        money: agreement.money(),
        missing: agreement.missing().iter().map(|(p, id)| (p.to_string(), *id.bytes())).collect(),
        statements: agreement
            .statements()
            .values()
            .map(|record| {
                Some(StatementRow {
                    id: *record.id.bytes(),
                    seq: record.seq,
                    recorded_at: record.recorded_at.micros(),
                    payload: encode_payload(&Event::StatementIssued(record.statement.clone()))
                        .ok()?,
                    accepted_by: texts(&record.accepted_by),
                })
            })
            .collect::<Option<_>>()?,
        payouts: agreement.payouts().values().map(payout_row).collect::<Option<_>>()?,
        acknowledged: agreement
            .acknowledged()
            .iter()
            .map(|(party, one)| {
                let (id, root) = (*one.id.bytes(), *one.state_root.bytes());
                (party.as_str().to_owned(), id, one.seq, one.head_seq, root)
            })
            .collect(),
    };
    codec::encode(&snapshot).ok()
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
        by_rule: report.by_rule.iter().map(|(rule, s)| (*rule as u64, sums_row(s))).collect(),
    }
}

fn sums_row(sums: &LineSums) -> SumsRow {
    let named = |sums: &[(Name, Sum)]| {
        sums.iter().map(|(name, sum)| (name.as_str().to_owned(), sum.0)).collect()
    };
    SumsRow(sums.lines, sums.gross.0, named(&sums.meters), named(&sums.deductions))
}

fn payout_row(record: &PayoutRecord) -> Option<PayoutRow> {
    let (confirmed, returned) = match &record.status {
        PayoutStatus::InTransit => (None, None),
        PayoutStatus::Confirmed { seq, received_on } => (Some((*seq, received_on.days())), None),
        PayoutStatus::Returned { seq, reason } => (None, Some((*seq, reason.as_str().to_owned()))),
    };
    Some(PayoutRow {
        id: *record.id.bytes(),
        seq: record.seq,
        recorded_at: record.recorded_at.micros(),
        payload: encode_payload(&Event::PayoutSent(record.payout.clone())).ok()?,
        confirmed,
        returned,
    })
}

/// The state that a snapshot's bytes hold; `None` if they hold none.
pub fn read(bytes: &[u8]) -> Option<State> {
    let snapshot: Snapshot = codec::decode(bytes).ok()?;
    let mut state = State::default();
    let event = EventId::from_bytes;
    let content = ContentDigest::from_bytes;
    let time = Timestamp::from_micros;
    let terms = terms::decode_terms(&snapshot.terms, crate::vocab::Level::One).ok()?;
    let version = TermsVersion { terms, digest: crate::vocab::Digest(snapshot.terms_digest), level: crate::vocab::Level::One };
    let mut accepted = snapshot.accepted.iter().map(|id| Id::parse(id).ok());
    let (head, recorded_at) = (RecordHash::from_bytes(snapshot.head), time(snapshot.recorded_at)?);
    for (seq, (id, said, kind)) in (0u64..).zip(&snapshot.events) {
        let kind = Kind::from_number(*kind)?;
        state.advance((seq, head, recorded_at), (event(*id), content(*said), kind));
    }
    let (opening, opening_content) = snapshot.opening;
    let length = version.terms.period_length;
    let mut agreement = Agreement::new(
        LedgerId::from_bytes(snapshot.ledger),
        (event(opening), content(opening_content)),
        (version.terms, version.digest),
        accepted.next()??,
    );
    for party in accepted {
        agreement.accept(party?);
    }
    let mut money = snapshot.money;
    for row in snapshot.reports {
        agreement.add_report(report(row)?, std::mem::take(&mut money));
    }
    for (period, id) in snapshot.missing {
        agreement.add_missing(Period::parse(&period).ok()?, event(id));
    }
    for row in snapshot.statements {
        let kind = (Kind::StatementIssued as u16, KIND_VERSION);
        let Event::StatementIssued(statement) = decode_payload(kind, length, &row.payload).ok()?
        else {
            return None;
        };
        let ids = row.accepted_by.iter().map(|id| Id::parse(id).ok());
        agreement.add_statement(StatementRecord {
            id: event(row.id),
            seq: row.seq,
            recorded_at: time(row.recorded_at)?,
            statement,
            accepted_by: ids.collect::<Option<_>>()?,
        });
    }
    for row in snapshot.payouts {
        let kind = (Kind::PayoutSent as u16, KIND_VERSION);
        let Event::PayoutSent(payout) = decode_payload(kind, length, &row.payload).ok()? else {
            return None;
        };
        let status = match (row.confirmed, row.returned) {
            (None, None) => PayoutStatus::InTransit,
            (Some((seq, day)), None) => {
                PayoutStatus::Confirmed { seq, received_on: Date::from_days(day)? }
            }
            (None, Some((seq, reason))) => {
                PayoutStatus::Returned { seq, reason: Text::parse(&reason).ok()? }
            }
            _ => return None,
        };
        let (id, recorded_at) = (event(row.id), time(row.recorded_at)?);
        agreement.add_payout(PayoutRecord { id, seq: row.seq, recorded_at, payout, status });
    }
    for (party, id, seq, head_seq, root) in snapshot.acknowledged {
        let state_root = StateRoot::from_bytes(root);
        let acknowledged = Acknowledged { id: event(id), seq, head_seq, state_root };
        agreement.acknowledge(Id::parse(&party).ok()?, acknowledged);
    }
    state.open(agreement);
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
    let by_rule = row.by_rule.into_iter();
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
        by_rule: by_rule
            .map(|(rule, sums)| Some((usize::try_from(rule).ok()?, line_sums(sums)?)))
            .collect::<Option<_>>()?,
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
