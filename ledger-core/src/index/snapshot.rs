//! A state as bytes: what was said, as the log has it, and reports as their sums. It is restored
//! by applying both in the order of the log, without judging again what was judged before.
//!
//! The bytes are a head, and sections that are taken as they lie: what follows from reports is
//! kept with them, and the sums of a report are read only when they are asked for.

use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use num_bigint::BigInt;
use num_bigint::Sign;
use rayon::prelude::*;
use serde::Deserialize;
use serde::Serialize;

use crate::event::Author;
use crate::event::Event;
use crate::event::Fact;
use crate::event::Kind;
use crate::evolve::apply;
use crate::rating::PeriodGroups;
use crate::rating::group::GroupKey;
use crate::rating::group::GroupSums;
use crate::replay::period_length;
use crate::state::Agreement;
use crate::state::Derived;
use crate::state::Effect;
use crate::state::EventRow;
use crate::state::Events;
use crate::state::Exposure;
use crate::state::Reach;
use crate::state::Report;
use crate::state::State;
use crate::state::stored::ReportSums;
use crate::state::stored::RowsWriter;
use crate::state::stored::StoredSums;
use crate::state::stored::Words;
use crate::usage::LineSums;
use crate::vocab::ContentDigest;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Exact;
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
const KEYS_MAX: usize = 1_000_000;
/// Bytes of an event: id, content, kind.
const EVENT_LEN: usize = 66;
/// With so many events, other cores are asked for help.
const PARALLEL_FROM: usize = 10_000;
/// Events that are decoded at once, while those before them are applied.
const SHARE: usize = 4_096;

#[derive(Serialize, Deserialize)]
struct Head<'s> {
    head: Hash,
    ledger: Hash,
    recorded_at: i64,
    authors: Vec<(String, Hash)>,
    /// Reports and corrections, in the order of the log.
    reports: Vec<ReportRow>,
    #[serde(borrow)]
    names: Vec<&'s str>,
    values: Vec<&'s str>,
    currencies: Vec<&'s str>,
    groups: Vec<GroupRow<'s>>,
    exposure: ExposureRow<'s>,
    /// Number, event, and what it moves: a period, what follows on a day, or everything.
    effects: Vec<(u64, Hash, Option<String>, Option<i32>)>,
    /// When respondents saw disputes: it follows from who signed what, which is not kept here.
    seen: Vec<(Hash, String, i64)>,
    /// Lengths of the sections: events, what was said, sums.
    sections: [u64; 3],
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
    /// Where its sums lie in their section.
    sums: (u64, u64),
}

#[derive(Serialize, Deserialize)]
struct GroupRow<'s> {
    period: String,
    #[serde(borrow)]
    groups: Vec<(GroupKeyRow<'s>, SumsRow<'s>, Option<FractionRow>)>,
}

/// Stretch, rule, currency, modifiers.
#[derive(Serialize, Deserialize)]
struct GroupKeyRow<'s>(u64, u64, &'s str, #[serde(borrow)] Vec<&'s str>);

#[derive(Serialize, Deserialize)]
struct FractionRow(Vec<u8>, Vec<u8>);

/// Lines, gross, meters, deductions.
#[derive(Serialize, Deserialize)]
struct SumsRow<'s>(u64, i128, #[serde(borrow)] NamedRows<'s>, NamedRows<'s>);

type NamedRows<'s> = Vec<(&'s str, i128)>;

/// Lines, money, quantities, rates.
#[derive(Serialize, Deserialize)]
struct ExposureRow<'s>(u64, #[serde(borrow)] BoundRows<'s>, BoundRows<'s>, BoundRows<'s>);

type BoundRows<'s> = Vec<(&'s str, u128)>;

/// What records said, as the log has it, in order; reports are kept as their sums instead.
#[derive(Clone, Debug, Default)]
pub struct SaidLog {
    authors: Vec<(String, Hash)>,
    bytes: Vec<u8>,
}

/// One thing that was said.
struct Said<'a> {
    seq: u64,
    recorded_at: i64,
    author: u32,
    version: u16,
    payload: &'a [u8],
}

impl SaidLog {
    /// Adds what a fact said; nothing for lines, which the state keeps as sums.
    pub fn add(&mut self, fact: &Fact) {
        // What was read, or is about to be written, can be encoded.
        if keeps(&fact.event)
            && let Ok(payload) = encode_payload(&fact.event)
        {
            self.add_encoded(fact, &payload);
        }
    }

    /// Likewise, of a fact whose payload is known.
    pub fn add_encoded(&mut self, fact: &Fact, payload: &[u8]) {
        if !keeps(&fact.event) {
            return;
        }
        let (party, key) = (fact.author.party.as_str(), fact.author.key.bytes());
        let known = self.authors.iter().position(|(id, known)| id == party && known == key);
        let author = known.unwrap_or_else(|| {
            self.authors.push((party.to_owned(), *key));
            self.authors.len() - 1
        });
        let bytes = &mut self.bytes;
        bytes.extend_from_slice(&fact.seq.to_le_bytes());
        bytes.extend_from_slice(&fact.recorded_at.micros().to_le_bytes());
        bytes.extend_from_slice(&(author as u32).to_le_bytes());
        bytes.extend_from_slice(&fact.event.version().to_le_bytes());
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(payload);
    }
}

/// Whether a snapshot has what an event says as the log has it.
pub fn keeps(event: &Event) -> bool {
    !matches!(event, Event::UsagePart(_) | Event::UsageReported(_) | Event::UsageCorrected(_))
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(taken)
}

fn next_said<'a>(rest: &mut &'a [u8]) -> Option<Said<'a>> {
    let seq = u64::from_le_bytes(*take(rest)?);
    let recorded_at = i64::from_le_bytes(*take(rest)?);
    let author = u32::from_le_bytes(*take(rest)?);
    let version = u16::from_le_bytes(*take(rest)?);
    let len = u32::from_le_bytes(*take(rest)?) as usize;
    let (payload, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(Said { seq, recorded_at, author, version, payload })
}

/// The bytes of a snapshot, in the parts that they are made of: there may be hundreds of megabytes.
#[derive(Debug)]
pub struct Parts<'s> {
    head: Vec<u8>,
    events: Vec<u8>,
    said: &'s [u8],
    sums: Vec<u8>,
    head_len: [u8; 8],
}

impl Parts<'_> {
    /// One after another.
    pub fn all(&self) -> [&[u8]; 5] {
        [&self.head, &self.events, self.said, &self.sums, &self.head_len]
    }
}

/// The bytes of a state and of what was said on the way to it; `None` for a state that is not
/// worth a snapshot (unopened, in the middle of a report, or with very many distinct usage keys).
pub fn write<'s>(state: &State, said: &'s SaidLog) -> Option<Parts<'s>> {
    let agreement = state.agreement()?;
    let keys = agreement.reports().map(|report| report.usage.keys()).sum::<usize>();
    if keys > KEYS_MAX || !state.open_parts().is_empty() {
        return None;
    }
    let mut events = vec![0; usize::try_from(state.next_seq()).ok()?.checked_mul(EVENT_LEN)?];
    for event in state.events() {
        let at = usize::try_from(event.seq).ok()? * EVENT_LEN;
        let row = events.get_mut(at..at + EVENT_LEN)?;
        row[..32].copy_from_slice(event.id.bytes());
        row[32..64].copy_from_slice(event.content.bytes());
        row[64..].copy_from_slice(&(event.kind as u16).to_le_bytes());
    }
    let mut reports: Vec<&Report> = agreement.reports().collect();
    reports.sort_by_key(|report| report.seq);
    let taken = reports.iter().find_map(|report| report.usage.stored());
    let mut rows = RowsWriter::with(taken.map(StoredSums::words));
    let reports = reports.into_iter().map(|report| report_row(report, &mut rows)).collect();
    let (words, sums) = rows.finish();
    let head = Head {
        head: *state.head().bytes(),
        ledger: *agreement.ledger().bytes(),
        recorded_at: state.recorded_at().micros(),
        authors: said.authors.clone(),
        reports,
        names: words.names.iter().map(Name::as_str).collect(),
        values: words.values.iter().map(Value::as_str).collect(),
        currencies: words.currencies.iter().map(Currency::code).collect(),
        groups: agreement.all_groups().map(group_row).collect(),
        exposure: exposure_row(agreement.exposure()),
        effects: agreement.effects().iter().map(effect_row).collect(),
        seen: seen(agreement),
        sections: [events.len() as u64, said.bytes.len() as u64, sums.len() as u64],
    };
    let head = codec::encode_cache(&head)?;
    let head_len = (head.len() as u64).to_le_bytes();
    Some(Parts { head, events, said: &said.bytes, sums, head_len })
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

fn report_row(report: &Report, rows: &mut RowsWriter) -> ReportRow {
    let sums = rows.add(&report.usage);
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
        sums: (sums.start as u64, sums.end as u64),
    }
}

fn group_row((period, groups): (Period, &PeriodGroups)) -> GroupRow<'_> {
    let groups = groups.iter().map(|(key, sums)| {
        let (stretch, rule) = (key.stretch as u64, key.rule as u64);
        let modifiers = key.modifiers.iter().map(Id::as_str).collect();
        let key = GroupKeyRow(stretch, rule, key.currency.code(), modifiers);
        (key, sums_row(&sums.lines), sums.priced.as_ref().map(fraction_row))
    });
    GroupRow { period: period.to_string(), groups: groups.collect() }
}

fn fraction_row(number: &Exact) -> FractionRow {
    FractionRow(number.numer().to_signed_bytes_le(), number.denom().to_signed_bytes_le())
}

fn sums_row(sums: &LineSums) -> SumsRow<'_> {
    let meters = sums.meters.iter().map(|(name, sum)| (name.as_str(), sum.0));
    let deductions = sums.deductions.iter().map(|(name, sum)| (name.as_str(), sum.0));
    SumsRow(sums.lines, sums.gross.0, meters.collect(), deductions.collect())
}

fn exposure_row(exposure: &Exposure) -> ExposureRow<'_> {
    let money = exposure.money.iter().map(|(one, sum)| (one.code(), *sum));
    let quantities = exposure.quantities.iter().map(|(one, sum)| (one.as_str(), *sum));
    let rates = exposure.rates.iter().map(|(one, rate)| (one.code(), *rate));
    ExposureRow(exposure.lines, money.collect(), quantities.collect(), rates.collect())
}

fn effect_row(effect: &Effect) -> (u64, Hash, Option<String>, Option<i32>) {
    let (period, day) = match effect.reach {
        Reach::Period(period) => (Some(period.to_string()), None),
        Reach::From(day) => (None, Some(day.days())),
        Reach::Everything => (None, None),
    };
    (effect.seq, *effect.event.bytes(), period, day)
}

/// The state that a snapshot's bytes hold from an offset to their end, and what was said on the way
/// to it; `None` if they hold none.
pub fn read(bytes: &Arc<Vec<u8>>, from: usize) -> Option<(State, SaidLog)> {
    let all = bytes.get(from..)?;
    let (rest, len) = all.split_last_chunk::<8>()?;
    let head_len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let (head, sections) = rest.split_at_checked(head_len)?;
    let head: Head<'_> = codec::decode_cache(head)?;
    let [events_len, said_len, sums_len] = head.sections.map(|len| usize::try_from(len).ok());
    let (events, rest) = sections.split_at_checked(events_len?)?;
    let (said, rest) = rest.split_at_checked(said_len?)?;
    if rest.len() != sums_len? {
        return None;
    }
    let sums_from = from + head_len + events.len() + said.len();
    let words = Arc::new(Words {
        names: head.names.iter().map(|text| Name::parse(text).ok()).collect::<Option<_>>()?,
        values: head.values.iter().map(|text| Value::parse(text).ok()).collect::<Option<_>>()?,
        currencies: currencies(&head.currencies)?,
    });
    let sums = |(from, to): (u64, u64)| -> Option<ReportSums> {
        let place = |at: u64| sums_from.checked_add(usize::try_from(at).ok()?);
        Some(StoredSums::of(bytes, place(from)?..place(to)?, &words)?.into())
    };
    let reports = head.reports.into_iter().map(|row| report(row, sums));
    let authors = head.authors.iter().map(|(party, key)| {
        Some(Author { party: Id::parse(party).ok()?, key: PublicKey::from_bytes(*key).ok()? })
    });
    let authors = authors.collect::<Option<Vec<Author>>>()?;
    let events = events.as_chunks::<EVENT_LEN>().0;
    // What a claim comes to depends on reports, so that both are applied in order. Else reports come
    // last, with what followed from them.
    let is_disputed = events.iter().any(|event| kind_of(event) == Kind::DisputeOpened as u16);
    let (last, ledger) = (RecordHash::from_bytes(head.head), RecordHash::from_bytes(head.ledger));
    let decoding = Decoding { events, authors: &authors, last, ledger };
    let reports = reports.collect::<Option<Vec<Report>>>()?.into_iter().peekable();
    let mut restoring =
        Restoring { state: State::default(), reports, is_disputed, seen: &head.seen };
    // The table of events is asked for nothing on the way, and made beside it.
    let mut restore = || restoring.run(&decoding, said);
    let (restored, table) = match events.len() >= PARALLEL_FROM {
        true => rayon::join(restore, || decoding.table()),
        false => (restore(), decoding.table()),
    };
    let (table, ()) = table.zip(restored)?;
    let Restoring { mut state, reports, .. } = restoring;
    let agreement = state.agreement_mut()?;
    if is_disputed {
        reports.for_each(|report| agreement.add_report(report));
    } else {
        let derived = Derived {
            groups: head.groups.into_iter().map(groups).collect::<Option<_>>()?,
            exposure: exposure(head.exposure)?,
            effects: head.effects.into_iter().map(effect).collect::<Option<_>>()?,
        };
        agreement.restore_reports(reports.collect(), derived);
    }
    let recorded_at = Timestamp::from_micros(head.recorded_at)?;
    state.restore_events(table, (events.len() as u64, last, recorded_at));
    Some((state, SaidLog { authors: head.authors, bytes: said.to_vec() }))
}

fn kind_of(event: &[u8; EVENT_LEN]) -> u16 {
    u16::from_le_bytes([event[64], event[65]])
}

/// What it takes to make facts of what was said.
struct Decoding<'a> {
    events: &'a [[u8; EVENT_LEN]],
    authors: &'a [Author],
    last: RecordHash,
    ledger: RecordHash,
}

impl Decoding<'_> {
    fn row(&self, seq: u64) -> Option<EventRow> {
        let event = self.events.get(usize::try_from(seq).ok()?)?;
        Some(EventRow {
            id: EventId::from_bytes(*event.first_chunk()?),
            content: ContentDigest::from_bytes(*event[32..].first_chunk()?),
            seq,
            kind: Kind::from_number(kind_of(event))?,
        })
    }

    fn table(&self) -> Option<Events> {
        Events::of(self.events.len(), (0..self.events.len() as u64).map(|seq| self.row(seq)))
    }

    fn fact(&self, said: &Said<'_>, length: PeriodLength) -> Option<Fact> {
        let EventRow { id, content, seq, kind } = self.row(said.seq)?;
        Some(Fact {
            seq,
            previous: self.last,
            // Record 0's hash is the ledger's id; of the others none is asked for here.
            hash: self.ledger,
            recorded_at: Timestamp::from_micros(said.recorded_at)?,
            level: Level::LATEST,
            author: self.authors.get(said.author as usize)?.clone(),
            id,
            content,
            payload: Digest::default(),
            event: decode_payload((kind as u16, said.version), length, said.payload).ok()?,
        })
    }
}

/// A state on its way.
struct Restoring<'a> {
    state: State,
    reports: Peekable<IntoIter<Report>>,
    is_disputed: bool,
    seen: &'a [(Hash, String, i64)],
}

impl Restoring<'_> {
    /// Applies what was said, in order; what follows is decoded meanwhile, if there is much of it.
    fn run(&mut self, decoding: &Decoding<'_>, mut rest: &[u8]) -> Option<()> {
        let is_large = decoding.events.len() >= PARALLEL_FROM;
        let mut waiting = Vec::new();
        // The opening says how long periods are.
        let mut count = 1;
        while !rest.is_empty() || !waiting.is_empty() {
            let mut share = Vec::new();
            while share.len() < count && !rest.is_empty() {
                share.push(next_said(&mut rest)?);
            }
            let length = period_length(&self.state);
            let decode = |said: &Said<'_>| decoding.fact(said, length);
            let mut apply = || self.apply_all(std::mem::take(&mut waiting));
            let (applied, decoded) = match is_large && count > 1 {
                true => rayon::join(apply, || share.par_iter().map(decode).collect()),
                false => (apply(), share.iter().map(decode).collect::<Option<Vec<Fact>>>()),
            };
            applied?;
            waiting = decoded?;
            if count == 1 {
                self.apply_all(std::mem::take(&mut waiting))?;
                count = SHARE;
            }
        }
        Some(())
    }

    fn apply_all(&mut self, facts: Vec<Fact>) -> Option<()> {
        for fact in facts {
            while let Some(report) =
                self.reports.next_if(|row| self.is_disputed && row.seq < fact.seq)
            {
                self.state.agreement_mut()?.add_report(report);
            }
            apply(&mut self.state, &fact).ok()?;
            if fact.event.kind() == Kind::DisputeOpened {
                let own = self.seen.iter().filter(|(dispute, ..)| dispute == fact.id.bytes());
                for (_, party, at) in own {
                    let (party, at) = (Id::parse(party).ok()?, Timestamp::from_micros(*at)?);
                    self.state.agreement_mut()?.restore_seen(&fact.id, &party, at);
                }
            }
        }
        Some(())
    }
}

fn currencies(codes: &[&str]) -> Option<Vec<Currency>> {
    codes.iter().map(|code| Currency::parse(code).ok()).collect()
}

fn report(row: ReportRow, sums: impl Fn((u64, u64)) -> Option<ReportSums>) -> Option<Report> {
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
        usage: sums(row.sums)?,
    })
}

fn groups(row: GroupRow<'_>) -> Option<(Period, PeriodGroups)> {
    let mut groups = PeriodGroups::new();
    for (GroupKeyRow(stretch, rule, currency, modifiers), lines, priced) in row.groups {
        let key = GroupKey {
            stretch: usize::try_from(stretch).ok()?,
            rule: usize::try_from(rule).ok()?,
            currency: Currency::parse(currency).ok()?,
            modifiers: modifiers.iter().map(|id| Id::parse(id).ok()).collect::<Option<_>>()?,
        };
        let priced = match priced {
            Some(FractionRow(above, below)) => Some(fraction(&above, &below)?),
            None => None,
        };
        groups.insert(key, GroupSums { lines: line_sums(lines)?, priced });
    }
    Some((Period::parse(&row.period).ok()?, groups))
}

/// A fraction in lowest terms, as it was.
fn fraction(above: &[u8], below: &[u8]) -> Option<Exact> {
    let (above, below) = (BigInt::from_signed_bytes_le(above), BigInt::from_signed_bytes_le(below));
    (below.sign() == Sign::Plus).then(|| Exact::reduced(above, below))
}

fn line_sums(SumsRow(lines, gross, meters, deductions): SumsRow<'_>) -> Option<LineSums> {
    let named = |rows: NamedRows<'_>| -> Option<Vec<(Name, Sum)>> {
        rows.into_iter().map(|(name, sum)| Some((Name::parse(name).ok()?, Sum(sum)))).collect()
    };
    let (meters, deductions) = (named(meters)?, named(deductions)?);
    Some(LineSums { lines, gross: Sum(gross), meters, deductions })
}

fn exposure(ExposureRow(lines, money, quantities, rates): ExposureRow<'_>) -> Option<Exposure> {
    let by_currency = |(code, sum): (&str, u128)| Some((Currency::parse(code).ok()?, sum));
    let by_name = |(name, sum): (&str, u128)| Some((Name::parse(name).ok()?, sum));
    Some(Exposure {
        lines,
        money: money.into_iter().map(by_currency).collect::<Option<_>>()?,
        quantities: quantities.into_iter().map(by_name).collect::<Option<_>>()?,
        rates: rates.into_iter().map(by_currency).collect::<Option<_>>()?,
    })
}

fn effect(row: (u64, Hash, Option<String>, Option<i32>)) -> Option<Effect> {
    let (seq, event, period, day) = row;
    let reach = match (period, day) {
        (Some(period), _) => Reach::Period(Period::parse(&period).ok()?),
        (None, Some(day)) => Reach::From(Date::from_days(day)?),
        (None, None) => Reach::Everything,
    };
    Some(Effect { seq, event: EventId::from_bytes(event), reach })
}
