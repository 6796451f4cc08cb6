//! A second witness: from the bytes of a log to its balances and its state root.
//!
//! This file was written from the documents alone: `schemas/log-format.md` (every byte),
//! `schemas/state-root.md` (the one hash over all balances) and `docs/calculation.md` (the
//! arithmetic). It shares no code with `ledger-core`, and it is written to be held against those
//! documents, not to be fast: every number is an exact fraction, every statement is computed again
//! from all reports, and nothing is kept that could be derived. It reads both levels of the format:
//! a ledger of level 1 has one version of its terms until an amendment brings it to level 2.
//!
//! It reads the file in this order:
//!
//! 1. what it returns, and [`replay`];
//! 2. bounds, hashes, currencies, days and periods;
//! 3. the cursor and the words (`log-format.md`, "Conventions");
//! 4. terms (`log-format.md`, "Terms"), and what terms must satisfy;
//! 5. usage blocks (`log-format.md`, "Block");
//! 6. segments, frames and bodies (`log-format.md`, "Segments" to "Hashes");
//! 7. events (`log-format.md`, "Kinds");
//! 8. the facts, and what follows from them: versions of the terms, stretches, groups;
//! 9. the arithmetic (`docs/calculation.md`): from groups to what a period comes to;
//! 10. accounts: advances, open items, late interest, withholding;
//! 11. the ledger: which event is admissible when, and what it changes;
//! 12. disputes and evidence: what may follow in a dispute, what is adopted, what is held;
//! 13. the state root (`state-root.md`).
//!
//! Examples that were worked out by hand lie beside this file: `worked_rating.rs`,
//! `worked_accounts.rs`, `worked_logs.rs` and `worked_disputes.rs`.
//!
//! Hashes, signatures and the tables of Unicode are taken from the same crates as there.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use unicode_normalization::UnicodeNormalization;

// ------------------------------------------------------------------------------------------------
// 1. What is returned
// ------------------------------------------------------------------------------------------------

/// What a log amounts to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The ledger's id: the record hash of record 0.
    pub ledger_id: [u8; 32],
    /// The level of the format that the ledger is at: 1, or 2.
    pub level: u16,
    /// How many records count. An unfinished group of parts at the end does not.
    pub records: u64,
    /// The record hash of the last record that counts.
    pub head: [u8; 32],
    /// The state root after that record.
    pub state_root: [u8; 32],
    /// One balance per owner and beneficiary, sorted by id.
    pub balances: Vec<Balance>,
    /// Every stated period, in order.
    pub stated: Vec<StatedPeriod>,
    /// Reports in effect whose gross is not what the prices of the terms come to.
    pub price_findings: Vec<PriceFinding>,
    /// Every dispute, sorted by its event id.
    pub disputes: Vec<DisputeStands>,
}

/// Where one owner or beneficiary stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Balance {
    /// The party's id.
    pub party: String,
    /// What statements booked.
    pub booked: BigRational,
    /// Late interest that statements posted.
    pub interest: BigRational,
    /// What statements recouped of advances, less what they gave back.
    pub recouped: BigRational,
    /// Confirmed advances.
    pub advanced: BigRational,
    /// Tax that was withheld on confirmed payouts; it moves nothing else.
    pub withheld: BigRational,
    /// Confirmed payouts, without their parts on account.
    pub paid: BigRational,
    /// Payouts sent and neither confirmed nor returned, with their parts on account.
    pub in_transit: BigRational,
    /// The parts on account of confirmed payouts.
    pub on_account: BigRational,
    /// What disputes hold back.
    pub held: BigRational,
    /// Booked and interest, less recouped, paid, on account, in transit and held.
    pub payable: BigRational,
}

impl Balance {
    /// What is payable and what is held, together.
    fn balance(&self) -> Exact {
        &self.payable + &self.held
    }
}

/// How a dispute stands. Statuses are the numbers of the state root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisputeStands {
    /// The event id of its dispute-opened.
    pub dispute: [u8; 32],
    /// Who opened it.
    pub claimant: String,
    /// Year and number of its period; none if it is about a payout.
    pub period: Option<(u16, u8)>,
    /// 0 open, 1 escalated, 2 resolved and not posted, 3 resolved and posted, 4 withdrawn.
    pub status: u8,
    /// Sorted by id: 0 silent, 1 responded, 2 accepted; and the recorded time of the record with
    /// which the respondent has seen the dispute.
    pub respondents: Vec<(String, u8, Option<i64>)>,
    /// What is claimed, or was adopted, per beneficiary among its parties, sorted by id; empty once
    /// it is posted or withdrawn.
    pub figures: Vec<(String, BigRational)>,
}

/// What all statements together booked for one period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatedPeriod {
    /// The year of the period.
    pub year: u16,
    /// The month or quarter.
    pub number: u8,
    /// The collector's figure: the period's base.
    pub base: BigRational,
    /// The share of every owner and beneficiary, sorted by id.
    pub shares: Vec<(String, BigRational)>,
}

/// A report whose gross in a currency is further from the priced gross than the terms tolerate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PriceFinding {
    /// The event id of the report.
    pub report: [u8; 32],
    /// The code of the currency.
    pub currency: [u8; 3],
    /// The gross as reported, of the lines that are priced.
    pub reported: BigRational,
    /// Their quantities at the prices of the terms.
    pub priced: BigRational,
}

/// The first problem of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The sequence number of the record that is wrong, or that should stand where the bytes are.
    pub seq: u64,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}: {}", self.seq, self.what)
    }
}

impl std::error::Error for Fault {}

/// Replays a log from its first byte. `segments` are the bytes of the segment files, in order.
///
/// Every byte is checked against the format, every hash and signature against the bytes, every
/// event against the state before it, and every amount and state root that the log names against
/// the computation below. What one append left that was never finished does not count: parts of a
/// report without a closing event, a frame that was cut off or lacks sectors.
pub fn replay(segments: &[Vec<u8>]) -> Result<Report, Fault> {
    let (ledger, seq) = read_log(segments)?;
    ledger.report().map_err(|what| Fault { seq, what })
}

/// What the state root is after every record of a log, in order: sequence number, record hash, version
/// of the state root, state root. The records end as in [`replay`].
pub fn replay_roots(
    segments: &[Vec<u8>],
    after: &mut dyn FnMut(u64, [u8; 32], u16, [u8; 32]),
) -> Result<(), Fault> {
    let mut frames = Frames::of(segments);
    let mut ledger: Option<Ledger> = None;
    let mut seq = 0;
    loop {
        let fault = |what| Fault { seq, what };
        match replay_next(&mut frames, &mut ledger, seq) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(_) if frames.one_append(seq) => return Ok(()),
            Err(what) => return Err(fault(what)),
        }
        if let Some(ledger) = &ledger {
            after(seq, ledger.head, ledger.level(), ledger.state_root().map_err(fault)?);
        }
        seq += 1;
    }
}

/// Reads a payload of a kind and version by itself. The error says what is wrong with it.
pub fn read_payload(kind: u16, version: u16, payload: &[u8]) -> Result<(), String> {
    match kind {
        1 => read_terms(payload, version).map(|_| ()),
        _ => read_event(kind, version, payload).map(|_| ()),
    }
}

/// The state after the records of a log, and how many there are.
fn read_log(segments: &[Vec<u8>]) -> Result<(Ledger, u64), Fault> {
    let mut frames = Frames::of(segments);
    let mut ledger: Option<Ledger> = None;
    let mut seq = 0;
    loop {
        match replay_next(&mut frames, &mut ledger, seq) {
            Ok(true) => seq += 1,
            Ok(false) => break,
            Err(_) if frames.one_append(seq) => break,
            Err(what) => return Err(Fault { seq, what }),
        }
    }
    match ledger {
        Some(ledger) => Ok((ledger, seq)),
        None => Err(Fault { seq, what: "the log holds no record".into() }),
    }
}

/// Reads and applies one record; `false` at the end of the log.
fn replay_next(frames: &mut Frames<'_>, ledger: &mut Option<Ledger>, seq: u64) -> Check<bool> {
    let Some(frame) = frames.next(seq)? else {
        return Ok(false);
    };
    let record = read_record(&frame)?;
    match ledger {
        None => *ledger = Some(Ledger::open(&record)?),
        Some(ledger) => ledger.append(&record)?,
    }
    Ok(true)
}

/// A result of a check: what is wrong, in words.
type Check<T> = Result<T, String>;

/// Refuses with `what` unless `holds`.
fn ensure(holds: bool, what: &str) -> Check<()> {
    if holds { Ok(()) } else { Err(what.to_string()) }
}

// ------------------------------------------------------------------------------------------------
// 2. Bounds, hashes, currencies, days and periods
// ------------------------------------------------------------------------------------------------

/// Most bytes of a frame's body.
const BODY_LEN_MAX: u32 = 50_331_648 + 4_096;
/// Most digits before the decimal point.
const INTEGER_DIGITS_MAX: u32 = 15;
/// Most digits after it.
const SCALE_MAX: u8 = 12;
/// Most bytes of a text.
const TEXT_LEN_MAX: usize = 1_024;
/// Most bytes of an attribute's value.
const VALUE_LEN_MAX: usize = 256;
/// Most lines of one block.
const BLOCK_LINES_MAX: u32 = 65_536;
/// Most parts of one report.
const PARTS_MAX: usize = 1 << 20;
/// Most lines on one ledger.
const LEDGER_LINES_MAX: u64 = 10_000_000_000;
/// Most money on one ledger, and most money in payouts to one party, as a power of ten.
const LEDGER_MONEY_DIGITS: u32 = 14;
/// Largest amount per unit and largest flat amount of a step, as a power of ten.
const STEP_AMOUNT_DIGITS: u32 = 9;
/// The last day that may stand on a ledger: 2999-12-31.
const DAY_MAX: i32 = 376_199;
/// Microseconds of a day.
const DAY_MICROS: i64 = 86_400_000_000;

// Bounds of the terms: counts of parties, meters, deductions, known attributes, values of an
// attribute, rules, steps and patterns, and days of a deadline.
const PARTIES_MAX: usize = 64;
const METERS_MAX: usize = 32;
const DEDUCTIONS_MAX: usize = 16;
const ATTRIBUTES_MAX: usize = 32;
const ATTRIBUTE_VALUES_MAX: usize = 4_096;
const RULES_MAX: usize = 1_024;
const STEPS_MAX: usize = 64;
const PATTERNS_MAX: usize = 1_024;
const DEADLINE_DAYS_MAX: u16 = 3_650;
// Bounds of the clauses of level 2: prices; exclusivities and contributions together; caps, minimums
// and splits, each; rows of the late interest.
const PRICES_MAX: usize = 4_096;
const MODIFIERS_MAX: usize = 256;
const CLAUSES_MAX: usize = 256;
const INTEREST_STEPS_MAX: usize = 1_024;
/// Most months that an audit looks back.
const LOOKBACK_MONTHS_MAX: u16 = 1_200;
/// Largest amount of a minimum, as a power of ten.
const MINIMUM_DIGITS: u32 = 10;
/// Largest conversion rate.
const FX_RATE_MAX: u32 = 1_000_000;
/// Days after which a proposal lapses, and in which a statement may be disputed, where terms do not
/// say.
const WINDOW_DAYS_DEFAULT: u16 = 90;
/// Most commitments to evidence that one event names.
const EVIDENCE_MAX: usize = 64;

/// A hash of 32 bytes.
type Hash = [u8; 32];
/// Every number between input and posting (`docs/calculation.md`, "Arithmetic").
type Exact = BigRational;
/// A number per party.
type PerParty = BTreeMap<String, Exact>;
/// A number per period.
type PerPeriod = BTreeMap<Period, Exact>;

/// `H(context, x)`, where x is the concatenation of `pieces` (`log-format.md`, "Conventions").
fn derive(context: &str, pieces: &[&[u8]]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for piece in pieces {
        hasher.update(piece);
    }
    *hasher.finalize().as_bytes()
}

/// The checksum of a segment header or a frame header, before it is cut to its length.
fn header_checksum(header: &[u8]) -> Hash {
    derive("revshare 2026-11-23 frame header v1", &[header])
}

/// The list of currencies, with the digits of their minor units (`schemas/currencies.csv`).
const CURRENCIES: &str = include_str!("../../schemas/currencies.csv");

/// The digits of the minor unit of a currency, or `None` for a code that is not on the list.
fn minor_digits(code: &[u8; 3]) -> Option<u32> {
    let mut rows = CURRENCIES.lines().skip(1).filter_map(|row| row.split_once(','));
    let (_, digits) = rows.find(|(listed, _)| listed.as_bytes() == code)?;
    digits.parse().ok()
}

/// The days of a month of the Gregorian calendar.
fn days_of_month(year: i32, month: i32) -> i32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The day number of the first day of a month, by counting from 1970-01-01, which is day 0.
fn first_of_month(year: i32, month: i32) -> i32 {
    let years: i32 = (1970..year).flat_map(|y| (1..=12).map(move |m| days_of_month(y, m))).sum();
    let months: i32 = (1..month).map(|m| days_of_month(year, m)).sum();
    years + months
}

/// The year and month that hold a day, which is not negative.
fn month_holding(day: i32) -> (i32, i32) {
    let (mut year, mut month, mut left) = (1970, 1, day);
    while left >= days_of_month(year, month) {
        left -= days_of_month(year, month);
        month += 1;
        if month == 13 {
            (year, month) = (year + 1, 1);
        }
    }
    (year, month)
}

/// A month or a quarter; which one, the terms say. The order is the order of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Period {
    year: u16,
    number: u8,
}

/// The length of periods (`docs/calculation.md`, "Time").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Length {
    Month,
    Quarter,
}

impl Length {
    /// How many periods a year has.
    fn per_year(self) -> i32 {
        match self {
            Length::Month => 12,
            Length::Quarter => 4,
        }
    }

    /// How many months a period has.
    fn months(self) -> i32 {
        12 / self.per_year()
    }

    /// Whether the period is one of this length, and its days may stand on a ledger.
    fn has(self, period: Period) -> bool {
        (1970..=2999).contains(&period.year)
            && (1..=self.per_year()).contains(&i32::from(period.number))
    }

    /// The period that holds a day.
    fn holding(self, day: i32) -> Period {
        let (year, month) = month_holding(day);
        let number = (month - 1) / self.months() + 1;
        Period { year: year as u16, number: number as u8 }
    }

    /// The first day of a period.
    fn first_day(self, period: Period) -> i32 {
        let month = (i32::from(period.number) - 1) * self.months() + 1;
        first_of_month(i32::from(period.year), month)
    }

    /// The period after this one.
    fn next(self, period: Period) -> Period {
        if i32::from(period.number) == self.per_year() {
            Period { year: period.year + 1, number: 1 }
        } else {
            Period { year: period.year, number: period.number + 1 }
        }
    }

    /// The last day of a period.
    fn last_day(self, period: Period) -> i32 {
        self.first_day(self.next(period)) - 1
    }

    /// How many periods lie from `first` to `period`.
    fn distance(self, first: Period, period: Period) -> i32 {
        let count = |p: Period| i32::from(p.year) * self.per_year() + i32::from(p.number);
        count(period) - count(first)
    }
}

// ------------------------------------------------------------------------------------------------
// 3. The cursor and the words (`log-format.md`, "Conventions")
// ------------------------------------------------------------------------------------------------

/// Reads bytes from front to back, and refuses to read past the end.
struct Cursor<'a> {
    left: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Check<&'a [u8]> {
        let (taken, left) =
            self.left.split_at_checked(count).ok_or("the bytes end inside a field")?;
        self.left = left;
        Ok(taken)
    }

    /// Everything is read: bytes left over after the last field are refused.
    fn end(&self) -> Check<()> {
        ensure(self.left.is_empty(), "bytes are left over after the last field")
    }

    fn array<const N: usize>(&mut self) -> Check<[u8; N]> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| "the bytes end inside a field".to_string())
    }

    fn u8(&mut self) -> Check<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u16(&mut self) -> Check<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Check<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Check<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn i32(&mut self) -> Check<i32> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    fn i64(&mut self) -> Check<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    fn i128(&mut self) -> Check<i128> {
        Ok(i128::from_le_bytes(self.array()?))
    }

    fn bool(&mut self) -> Check<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err("a boolean or option tag is neither 0 nor 1".into()),
        }
    }

    fn hash(&mut self) -> Check<Hash> {
        self.array()
    }

    /// The count of a string, a blob or a list. Every item has at least one byte.
    fn count(&mut self) -> Check<usize> {
        let count = self.u64()?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.left.len())
            .ok_or_else(|| "a count is larger than the bytes left".to_string())
    }

    fn blob(&mut self) -> Check<&'a [u8]> {
        let count = self.count()?;
        self.take(count)
    }

    fn string(&mut self) -> Check<String> {
        utf8(self.blob()?)
    }

    fn option<T>(&mut self, value: impl Fn(&mut Self) -> Check<T>) -> Check<Option<T>> {
        if self.bool()? { value(self).map(Some) } else { Ok(None) }
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Check<T>) -> Check<Vec<T>> {
        let count = self.count()?;
        (0..count).map(|_| item(self)).collect()
    }

    /// value = mantissa × 10^-scale, in the one form that each value has.
    fn decimal(&mut self) -> Check<Exact> {
        let (mantissa, scale) = (self.i128()?, self.u8()?);
        ensure(scale <= SCALE_MAX, "a decimal has more than 12 fraction digits")?;
        ensure(scale == 0 || mantissa % 10 != 0, "a decimal has a trailing zero")?;
        ensure(
            fits_integer_digits(mantissa, u32::from(scale)),
            "a decimal has more than 15 digits before the point",
        )?;
        Ok(Exact::new(mantissa.into(), ten_to(u32::from(scale))))
    }

    fn rate(&mut self) -> Check<Exact> {
        let rate = self.decimal()?;
        ensure(rate.abs() <= Exact::one(), "a rate is above 1 or below -1")?;
        Ok(rate)
    }

    fn id(&mut self) -> Check<String> {
        let id = self.string()?;
        ensure(is_id(&id), "an id is not 1 to 64 characters from a-z, 0-9 and -")?;
        Ok(id)
    }

    fn name(&mut self) -> Check<String> {
        let name = self.string()?;
        ensure(is_name(&name), "a name is not 1 to 64 characters from a-z, 0-9, _ and -")?;
        Ok(name)
    }

    fn text(&mut self) -> Check<String> {
        let text = self.string()?;
        ensure(is_text(&text, TEXT_LEN_MAX), "a text is too long or holds a forbidden character")?;
        Ok(text)
    }

    fn value(&mut self) -> Check<String> {
        let value = self.string()?;
        ensure(
            is_text(&value, VALUE_LEN_MAX),
            "a value is too long or holds a forbidden character",
        )?;
        Ok(value)
    }

    fn currency(&mut self) -> Check<[u8; 3]> {
        let code = self.array()?;
        ensure(minor_digits(&code).is_some(), "a currency is no code of ISO 4217")?;
        Ok(code)
    }

    fn day(&mut self) -> Check<i32> {
        let day = self.i32()?;
        ensure((0..=DAY_MAX).contains(&day), "a day is outside 1970 to 2999")?;
        Ok(day)
    }

    /// Year and number; whether they fit the length of periods is checked against the terms.
    fn period(&mut self) -> Check<Period> {
        Ok(Period { year: self.u16()?, number: self.u8()? })
    }

    fn key(&mut self) -> Check<[u8; 32]> {
        let bytes = self.array()?;
        let key = VerifyingKey::from_bytes(&bytes);
        let key = key.map_err(|_| "a key is no point of the curve")?;
        ensure(!key.is_weak(), "a key is weak")?;
        ensure(key.to_edwards().compress().0 == bytes, "a key is not in its one encoding")?;
        Ok(bytes)
    }

    /// A list of (id, number), strictly sorted by id.
    fn per_party(&mut self, number: impl Fn(&mut Self) -> Check<Exact>) -> Check<PerParty> {
        let list = self.list(|c| Ok((c.id()?, number(c)?)))?;
        strictly_rising(list.iter().map(|(id, _)| id))?;
        Ok(list.into_iter().collect())
    }
}

fn utf8(bytes: &[u8]) -> Check<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "text is not UTF-8".to_string())
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
}

/// The bounds of a text. Normalized to NFC, it is what it was.
fn is_text(text: &str, longest: usize) -> bool {
    text.len() <= longest && !text.chars().any(is_forbidden) && text.nfc().eq(text.chars())
}

/// Characters that no text holds (`log-format.md`, "Conventions"): control characters, and those that
/// cannot be seen.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Refuses a list that is not strictly sorted.
fn strictly_rising<T: Ord>(items: impl Iterator<Item = T>) -> Check<()> {
    let mut before: Option<T> = None;
    for item in items {
        ensure(before.is_none_or(|before| before < item), "a list is not strictly sorted")?;
        before = Some(item);
    }
    Ok(())
}

/// Refuses a list that names something twice.
fn unique<T: Ord>(mut items: impl Iterator<Item = T>, what: &str) -> Check<()> {
    let mut seen = BTreeSet::new();
    ensure(items.all(|item| seen.insert(item)), what)
}

fn ten_to(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

/// Whether mantissa × 10^-scale has at most 15 digits before the point. The scale is at most 12.
fn fits_integer_digits(mantissa: i128, scale: u32) -> bool {
    mantissa.unsigned_abs() < 10u128.pow(INTEGER_DIGITS_MAX + scale)
}

// ------------------------------------------------------------------------------------------------
// 4. Terms (`log-format.md`, "Terms")
// ------------------------------------------------------------------------------------------------

#[derive(Clone)]
struct Terms {
    currency: [u8; 3],
    /// Digits of the minor unit of the currency.
    minor_digits: u32,
    length: Length,
    starts_on: i32,
    /// Exclusive.
    ends_on: Option<i32>,
    rounding: Rounding,
    carry: bool,
    meters: Vec<String>,
    parties: Vec<Party>,
    /// Kinds of deductions and their caps.
    deductions: Vec<(String, Option<Exact>)>,
    rules: Vec<Rule>,
    limits: Limits,
    due_days: u16,
    minimum_payout: Exact,
    report_due_days: u16,
    /// Attributes whose values are listed, and those values.
    attributes: BTreeMap<String, BTreeSet<String>>,
    /// The clauses that only terms of level 2 have.
    clauses: Clauses,
}

/// What terms of level 2 say besides. Terms of level 1 have none of it.
#[derive(Clone)]
struct Clauses {
    /// Whether gross is quantities at prices, and not what is reported.
    priced: bool,
    price_tolerance: Exact,
    prices: Vec<Price>,
    exclusivities: Vec<Exclusivity>,
    contributions: Vec<Contribution>,
    minimums: Vec<Clause>,
    caps: Vec<Clause>,
    splits: Vec<Split>,
    /// Parties to which advances may be paid.
    advances: BTreeSet<String>,
    /// Per party: the rate of the tax, and whether the collector bears it on top.
    withholding: BTreeMap<String, (Exact, bool)>,
    /// Yearly rates, each from a day on.
    late_interest: BTreeMap<i32, Exact>,
    objection_days: u16,
    proposal_lapse_days: u16,
    dispute: Option<DisputeWindows>,
}

/// How long an answer to a dispute may take, and what silence means.
#[derive(Clone, Copy)]
struct DisputeWindows {
    response_days: u16,
    /// Silence means accept, or else escalate.
    silence_accepts: bool,
    escalate_after_days: u16,
}

/// The price of so many units of a meter, from a day on.
#[derive(Clone, PartialEq, Eq)]
struct Price {
    meter: String,
    conditions: Conditions,
    unit: Exact,
    price: Exact,
    currency: [u8; 3],
    from: i32,
}

/// Points on the rate while the interval covers the day.
#[derive(Clone)]
struct Exclusivity {
    id: String,
    conditions: Conditions,
    from: i32,
    /// Exclusive.
    to: Option<i32>,
    add: PerParty,
}

/// Points on the rate while an accepted claim of this clause covers the day.
#[derive(Clone)]
struct Contribution {
    id: String,
    by: String,
    conditions: Conditions,
    add: PerParty,
}

/// A cap or a minimum.
#[derive(Clone)]
struct Clause {
    to: String,
    amount: Exact,
    window: Window,
}

/// How the amount of one party is divided.
#[derive(Clone)]
struct Split {
    of: String,
    /// As listed: the order decides ties.
    parts: Vec<(String, Exact)>,
}

/// Attributes, and the patterns of which one must match. All must hold.
type Conditions = Vec<(String, Vec<String>)>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rounding {
    HalfEven,
    HalfUp,
    Down,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    Owner,
    Collector,
    Beneficiary,
    Arbiter,
    Auditor,
}

#[derive(Clone)]
struct Party {
    id: String,
    role: Role,
    key: [u8; 32],
    recovery_key: Option<[u8; 32]>,
}

impl Party {
    /// The parties whose acceptance opens a ledger, and who issue statements.
    fn is_money_party(&self) -> bool {
        self.role == Role::Collector || self.is_paid()
    }

    /// The parties that have shares and accounts.
    fn is_paid(&self) -> bool {
        matches!(self.role, Role::Owner | Role::Beneficiary)
    }
}

/// Floor and ceiling of a rate.
#[derive(Clone)]
struct Limits {
    floor: Option<Exact>,
    ceiling: Option<Exact>,
}

/// Two rules are equal if they read the same.
#[derive(Clone, PartialEq, Eq)]
struct Rule {
    id: String,
    conditions: Conditions,
    pay: Pay,
}

#[derive(Clone, PartialEq, Eq)]
enum Pay {
    Flat(PerParty),
    Tiered(Tiers),
}

#[derive(Clone, PartialEq, Eq)]
struct Tiers {
    /// What the tier counts; `None` counts revenue, which is the base.
    meter: Option<String>,
    window: Window,
    /// Whole tiers, or else marginal ones.
    whole: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Window {
    Period,
    Year,
    Lifetime,
}

#[derive(Clone, PartialEq, Eq)]
struct Step {
    /// The end of the step; the last has none.
    bound: Option<Bound>,
    share: PerParty,
    per_unit: PerParty,
    flat: PerParty,
}

#[derive(Clone, PartialEq, Eq)]
struct Bound {
    at: Exact,
    /// Whether the bound itself still stands in the step (`up_to`) or not (`below`).
    inclusive: bool,
}

/// Terms of a level: those of level 2 go on where those of level 1 end.
fn read_terms(payload: &[u8], level: u16) -> Check<Terms> {
    let mut c = Cursor { left: payload };
    c.text()?;
    let currency = c.currency()?;
    let minor_digits = minor_digits(&currency).ok_or("a currency is no code of ISO 4217")?;
    let length = match c.u8()? {
        0 => Length::Month,
        1 => Length::Quarter,
        _ => return Err("an unknown length of periods".into()),
    };
    let starts_on = c.day()?;
    let ends_on = c.option(Cursor::day)?;
    let calculation = c.u16()?;
    let rounding = match c.u8()? {
        0 => Rounding::HalfEven,
        1 => Rounding::HalfUp,
        2 => Rounding::Down,
        _ => return Err("an unknown rounding".into()),
    };
    let carry = c.bool()?;
    let meters = c.list(Cursor::name)?;
    let parties = c.list(read_party)?;
    let deductions = c.list(|c| Ok((c.name()?, c.option(Cursor::rate)?)))?;
    let rules = c.list(read_rule)?;
    let limits = Limits { floor: c.option(Cursor::rate)?, ceiling: c.option(Cursor::rate)? };
    let due_days = c.u16()?;
    let minimum_payout = c.decimal()?;
    let report_due_days = c.u16()?;
    let attributes = c.list(|c| Ok((c.name()?, c.list(Cursor::value)?)))?;
    let clauses = if level == 1 { Clauses::none() } else { read_clauses(&mut c)? };
    c.end()?;

    strictly_rising(attributes.iter().map(|(name, _)| name))?;
    for (_, values) in &attributes {
        strictly_rising(values.iter())?;
        ensure(!values.is_empty(), "an attribute has no allowed value")?;
        ensure(values.len() <= ATTRIBUTE_VALUES_MAX, "an attribute has too many values")?;
    }
    ensure(calculation == 1, "the terms name an unknown calculation version")?;
    ensure(
        due_days <= DEADLINE_DAYS_MAX && report_due_days <= DEADLINE_DAYS_MAX,
        "a deadline is longer than 3650 days",
    )?;
    let terms = Terms {
        currency,
        minor_digits,
        length,
        starts_on,
        ends_on,
        rounding,
        carry,
        meters,
        parties,
        deductions,
        rules,
        limits,
        due_days,
        minimum_payout,
        report_due_days,
        attributes: attributes
            .into_iter()
            .map(|(name, values)| (name, values.into_iter().collect()))
            .collect(),
        clauses,
    };
    check_terms(&terms)?;
    Ok(terms)
}

fn read_party(c: &mut Cursor<'_>) -> Check<Party> {
    let id = c.id()?;
    let role = match c.u8()? {
        0 => Role::Owner,
        1 => Role::Collector,
        2 => Role::Beneficiary,
        3 => Role::Arbiter,
        4 => Role::Auditor,
        _ => return Err("an unknown role".into()),
    };
    Ok(Party { id, role, key: c.key()?, recovery_key: c.option(Cursor::key)? })
}

fn read_rule(c: &mut Cursor<'_>) -> Check<Rule> {
    let id = c.id()?;
    let conditions = read_conditions(c)?;
    let pay = match c.u32()? {
        0 => Pay::Flat(c.per_party(Cursor::rate)?),
        1 => Pay::Tiered(read_tiers(c)?),
        _ => return Err("an unknown alternative of a rule".into()),
    };
    Ok(Rule { id, conditions, pay })
}

fn read_conditions(c: &mut Cursor<'_>) -> Check<Conditions> {
    let conditions = c.list(|c| Ok((c.name()?, c.list(Cursor::value)?)))?;
    strictly_rising(conditions.iter().map(|(attribute, _)| attribute))?;
    for (_, patterns) in &conditions {
        ensure(!patterns.is_empty(), "a condition has no pattern")?;
        ensure(patterns.len() <= PATTERNS_MAX, "a condition has too many patterns")?;
    }
    Ok(conditions)
}

fn read_window(c: &mut Cursor<'_>) -> Check<Window> {
    match c.u8()? {
        0 => Ok(Window::Period),
        1 => Ok(Window::Year),
        2 => Ok(Window::Lifetime),
        _ => Err("an unknown window".into()),
    }
}

/// The fields of level 2.
fn read_clauses(c: &mut Cursor<'_>) -> Check<Clauses> {
    let priced = match c.u8()? {
        0 => false,
        1 => true,
        _ => return Err("an unknown base".into()),
    };
    let price_tolerance = c.rate()?;
    let prices = c.list(|c| {
        Ok(Price {
            meter: c.name()?,
            conditions: read_conditions(c)?,
            unit: c.decimal()?,
            price: c.decimal()?,
            currency: c.currency()?,
            from: c.day()?,
        })
    })?;
    let exclusivities = c.list(|c| {
        Ok(Exclusivity {
            id: c.id()?,
            conditions: read_conditions(c)?,
            from: c.day()?,
            to: c.option(Cursor::day)?,
            add: c.per_party(Cursor::rate)?,
        })
    })?;
    let contributions = c.list(|c| {
        Ok(Contribution {
            id: c.id()?,
            by: c.id()?,
            conditions: read_conditions(c)?,
            add: c.per_party(Cursor::rate)?,
        })
    })?;
    let clause = |c: &mut Cursor<'_>| {
        Ok(Clause { to: c.id()?, amount: c.decimal()?, window: read_window(c)? })
    };
    let minimums = c.list(clause)?;
    let caps = c.list(clause)?;
    let splits =
        c.list(|c| Ok(Split { of: c.id()?, parts: c.list(|c| Ok((c.id()?, c.decimal()?)))? }))?;
    let advances = c.list(Cursor::id)?;
    strictly_rising(advances.iter())?;
    let withholding = c.list(|c| Ok((c.id()?, (c.rate()?, c.bool()?))))?;
    strictly_rising(withholding.iter().map(|(to, _)| to))?;
    let late_interest = c.list(|c| Ok((c.day()?, c.rate()?)))?;
    strictly_rising(late_interest.iter().map(|(from, _)| from))?;
    let (objection_days, proposal_lapse_days) = (c.u16()?, c.u16()?);
    let dispute = c.option(|c| {
        let response_days = c.u16()?;
        let silence_accepts = match c.u8()? {
            0 => true,
            1 => false,
            _ => return Err("an unknown consequence of silence".into()),
        };
        Ok(DisputeWindows { response_days, silence_accepts, escalate_after_days: c.u16()? })
    })?;
    let mut deadlines = vec![objection_days, proposal_lapse_days];
    deadlines.extend(dispute.iter().flat_map(|one| [one.response_days, one.escalate_after_days]));
    ensure(
        deadlines.iter().all(|days| *days <= DEADLINE_DAYS_MAX),
        "a deadline is longer than 3650 days",
    )?;
    if c.bool()? {
        ensure(c.u16()? <= LOOKBACK_MONTHS_MAX, "an audit looks back for more than 1200 months")?;
        ensure(!c.rate()?.is_negative(), "the shift of the cost of an audit is not 0 to 1")?;
        ensure(c.u8()? <= 1, "an unknown measure of an audit")?;
    }
    Ok(Clauses {
        priced,
        price_tolerance,
        prices,
        exclusivities,
        contributions,
        minimums,
        caps,
        splits,
        advances: advances.into_iter().collect(),
        withholding: withholding.into_iter().collect(),
        late_interest: late_interest.into_iter().collect(),
        objection_days,
        proposal_lapse_days,
        dispute,
    })
}

impl Clauses {
    /// What terms of level 1 say of it: nothing.
    fn none() -> Clauses {
        Clauses {
            priced: false,
            price_tolerance: Exact::zero(),
            prices: Vec::new(),
            exclusivities: Vec::new(),
            contributions: Vec::new(),
            minimums: Vec::new(),
            caps: Vec::new(),
            splits: Vec::new(),
            advances: BTreeSet::new(),
            withholding: BTreeMap::new(),
            late_interest: BTreeMap::new(),
            objection_days: WINDOW_DAYS_DEFAULT,
            proposal_lapse_days: WINDOW_DAYS_DEFAULT,
            dispute: None,
        }
    }
}

fn read_tiers(c: &mut Cursor<'_>) -> Check<Tiers> {
    let meter = c.option(Cursor::name)?;
    let window = read_window(c)?;
    let whole = match c.u8()? {
        0 => false,
        1 => true,
        _ => return Err("an unknown kind of tiers".into()),
    };
    Ok(Tiers { meter, window, whole, steps: c.list(read_step)? })
}

fn read_step(c: &mut Cursor<'_>) -> Check<Step> {
    Ok(Step {
        bound: c.option(|c| Ok(Bound { at: c.decimal()?, inclusive: c.bool()? }))?,
        share: c.per_party(Cursor::rate)?,
        per_unit: c.per_party(Cursor::decimal)?,
        flat: c.per_party(Cursor::decimal)?,
    })
}

/// What terms must satisfy (`docs/calculation.md`, "Terms").
fn check_terms(terms: &Terms) -> Check<()> {
    ensure(
        terms.ends_on.is_none_or(|ends_on| ends_on > terms.starts_on),
        "the agreement ends before it starts",
    )?;
    ensure(!terms.minimum_payout.is_negative(), "the minimum payout is negative")?;
    ensure(
        (&terms.minimum_payout * ten_to(terms.minor_digits)).is_integer(),
        "the minimum payout has a fraction of the minor unit",
    )?;

    let parties = &terms.parties;
    ensure(parties.len() <= PARTIES_MAX, "the terms have too many parties")?;
    unique(parties.iter().map(|party| &party.id), "a party id stands twice")?;
    let keys = parties.iter().flat_map(|p| [Some(p.key), p.recovery_key]).flatten();
    unique(keys, "a key stands twice")?;
    ensure(
        parties.iter().filter(|party| party.role == Role::Collector).count() == 1,
        "there is not exactly one collector",
    )?;
    ensure(parties.iter().any(Party::is_paid), "there is no owner or beneficiary")?;

    ensure(terms.meters.len() <= METERS_MAX, "the terms have too many meters")?;
    unique(terms.meters.iter(), "a meter stands twice")?;
    ensure(terms.deductions.len() <= DEDUCTIONS_MAX, "the terms have too many deductions")?;
    unique(terms.deductions.iter().map(|(kind, _)| kind), "a deduction stands twice")?;
    ensure(
        terms.deductions.iter().flat_map(|(_, cap)| cap).all(|cap| !cap.is_negative()),
        "the cap of a deduction is negative",
    )?;
    ensure(terms.known_attributes().len() <= ATTRIBUTES_MAX, "the terms know too many attributes")?;
    let columns = ["day", "currency", "gross"];
    let not_meters = ["revenue", "application", "model", "territory"];
    ensure(
        terms.meters.iter().all(|meter| {
            !columns.contains(&meter.as_str()) && !not_meters.contains(&meter.as_str())
        }),
        "a meter has the name of something else",
    )?;
    ensure(
        terms.known_attributes().iter().all(|attribute| {
            !columns.contains(attribute) && !terms.meters.iter().any(|meter| meter == attribute)
        }),
        "an attribute has the name of something else",
    )?;

    let Limits { floor, ceiling } = &terms.limits;
    ensure(
        [floor, ceiling].into_iter().flatten().all(|limit| !limit.is_negative()),
        "the rate floor or the rate ceiling is negative",
    )?;
    if let (Some(floor), Some(ceiling)) = (floor, ceiling) {
        ensure(floor <= ceiling, "the rate floor is above the rate ceiling")?;
    }

    ensure(!terms.rules.is_empty(), "the terms have no rule")?;
    ensure(terms.rules.len() <= RULES_MAX, "the terms have too many rules")?;
    let clauses = &terms.clauses;
    let ids = terms.rules.iter().map(|rule| &rule.id);
    let ids = ids.chain(clauses.exclusivities.iter().map(|one| &one.id));
    let ids = ids.chain(clauses.contributions.iter().map(|one| &one.id));
    unique(ids, "the id of a rule, an exclusivity or a contribution stands twice")?;
    check_clauses(terms)?;
    for rule in &terms.rules {
        match &rule.pay {
            Pay::Flat(shares) => check_shares(terms, rule, shares)?,
            Pay::Tiered(tiers) => check_tiers(terms, rule, tiers)?,
        }
    }
    Ok(())
}

/// What the clauses of level 2 must satisfy.
fn check_clauses(terms: &Terms) -> Check<()> {
    let clauses = &terms.clauses;
    let is_paid = |id: &String| terms.party(id).is_some_and(Party::is_paid);
    let is_minor = |amount: &Exact| (amount * ten_to(terms.minor_digits)).is_integer();

    ensure(clauses.prices.len() <= PRICES_MAX, "the terms have too many prices")?;
    for (place, price) in clauses.prices.iter().enumerate() {
        ensure(terms.meters.contains(&price.meter), "a price is for a meter not declared")?;
        ensure(price.unit.is_positive(), "the unit of a price is not positive")?;
        ensure(!price.price.is_negative(), "a price is negative")?;
        let twice = clauses.prices[..place].iter().any(|other| {
            other.meter == price.meter
                && other.currency == price.currency
                && other.from == price.from
                && other.conditions == price.conditions
        });
        ensure(!twice, "a price stands twice")?;
    }
    ensure(!clauses.priced || !clauses.prices.is_empty(), "the base is priced without a price")?;
    ensure(!clauses.price_tolerance.is_negative(), "the tolerance of prices is negative")?;
    ensure(
        clauses.priced || clauses.price_tolerance.is_zero(),
        "a tolerance of prices is given and the base is not priced",
    )?;

    let modifiers = clauses.exclusivities.len() + clauses.contributions.len();
    ensure(modifiers <= MODIFIERS_MAX, "there are too many exclusivities and contributions")?;
    for exclusivity in &clauses.exclusivities {
        ensure(
            exclusivity.to.is_none_or(|to| exclusivity.from < to),
            "an exclusivity ends before it begins",
        )?;
        ensure(exclusivity.add.keys().all(is_paid), "points are for a party that is not paid")?;
    }
    for contribution in &clauses.contributions {
        ensure(
            terms.party(&contribution.by).is_some_and(Party::is_money_party),
            "a contribution is by a party that is no money party",
        )?;
        ensure(contribution.add.keys().all(is_paid), "points are for a party that is not paid")?;
    }

    for (list, name) in [(&clauses.caps, "cap"), (&clauses.minimums, "minimum")] {
        ensure(list.len() <= CLAUSES_MAX, &format!("there are too many of: {name}"))?;
        let places = list.iter().map(|clause| (&clause.to, clause.window));
        unique(places, &format!("a party has twice in one window: {name}"))?;
        for clause in list {
            ensure(is_paid(&clause.to), &format!("to a party that is not paid: {name}"))?;
            ensure(!clause.amount.is_negative(), &format!("a negative amount: {name}"))?;
            ensure(is_minor(&clause.amount), &format!("a fraction of the minor unit: {name}"))?;
        }
    }
    let most = Exact::from(ten_to(MINIMUM_DIGITS));
    ensure(clauses.minimums.iter().all(|one| one.amount <= most), "a minimum is too large")?;
    let over_lifetime = clauses.minimums.iter().any(|one| one.window == Window::Lifetime);
    ensure(
        !over_lifetime || terms.ends_on.is_some(),
        "a minimum over the lifetime of an agreement without end",
    )?;

    ensure(clauses.splits.len() <= CLAUSES_MAX, "there are too many splits")?;
    unique(clauses.splits.iter().map(|split| &split.of), "a party is split twice")?;
    for split in &clauses.splits {
        ensure(is_paid(&split.of), "a split of a party that is not paid")?;
        ensure(!split.parts.is_empty(), "a split has no part")?;
        unique(split.parts.iter().map(|(to, _)| to), "a split names a party twice")?;
        for (to, weight) in &split.parts {
            ensure(is_paid(to), "a part of a split is for a party that is not paid")?;
            ensure(weight.is_positive(), "the weight of a part is not positive")?;
            let split_again =
                clauses.splits.iter().any(|other| other.of == *to && other.of != split.of);
            ensure(!split_again, "a part of a split would be split again")?;
        }
    }

    ensure(clauses.advances.iter().all(is_paid), "advances to a party that is not paid")?;
    for (to, (rate, _)) in &clauses.withholding {
        ensure(is_paid(to), "tax of a party that is not paid")?;
        ensure(
            !rate.is_negative() && *rate < Exact::one(),
            "a withholding rate is not 0 to below 1",
        )?;
    }
    ensure(
        clauses.late_interest.len() <= INTEREST_STEPS_MAX,
        "the late interest has too many rows",
    )?;
    ensure(
        !clauses.late_interest.values().any(Exact::is_negative),
        "a rate of late interest is negative",
    )
}

/// Shares are not negative, and together at most 1 after the points that can be added to them, and
/// floor and ceiling.
fn check_shares(terms: &Terms, rule: &Rule, shares: &PerParty) -> Check<()> {
    check_amounts(terms, shares)?;
    let mut together = Exact::zero();
    for (party, share) in shares {
        let mut highest = share.clone();
        for (conditions, add) in terms.modifiers_listed() {
            let points = add.get(party).cloned().unwrap_or_default();
            if points.is_positive() && !exclude_each_other(conditions, &rule.conditions) {
                highest += points;
            }
        }
        together += terms.limits.clamp(&highest);
    }
    ensure(together <= Exact::one(), "shares are together above 1")
}

/// Whether conditions can be seen not to hold together: they name an attribute for which both have
/// plain values only, and none in common.
fn exclude_each_other(one: &Conditions, other: &Conditions) -> bool {
    let is_plain = |patterns: &[String]| !patterns.iter().any(|pattern| pattern.contains('*'));
    one.iter().any(|(attribute, patterns)| {
        other.iter().any(|(other_attribute, other_patterns)| {
            attribute == other_attribute
                && is_plain(patterns)
                && is_plain(other_patterns)
                && !patterns.iter().any(|pattern| other_patterns.contains(pattern))
        })
    })
}

/// Numbers per party are not negative, and the parties are owners or beneficiaries.
fn check_amounts(terms: &Terms, amounts: &PerParty) -> Check<()> {
    ensure(
        amounts.keys().all(|id| terms.party(id).is_some_and(Party::is_paid)),
        "a rule pays a party that is neither owner nor beneficiary",
    )?;
    ensure(!amounts.values().any(Exact::is_negative), "a share or amount of a rule is negative")
}

/// Bounds are positive and strictly rising, and only the last step has none.
fn check_tiers(terms: &Terms, rule: &Rule, tiers: &Tiers) -> Check<()> {
    ensure(
        tiers.meter.as_ref().is_none_or(|meter| terms.meters.contains(meter)),
        "a tier counts a meter that is not declared",
    )?;
    ensure(tiers.steps.len() <= STEPS_MAX, "a rule has too many steps")?;
    let (last, others) = tiers.steps.split_last().ok_or("a tiered rule has no step")?;
    ensure(last.bound.is_none(), "the last step has a bound")?;
    let mut before = Exact::zero();
    for step in others {
        let bound = step.bound.as_ref().ok_or("a step that is not the last has no bound")?;
        ensure(bound.at > before, "the bounds of steps are not positive and strictly rising")?;
        before = bound.at.clone();
    }
    for step in &tiers.steps {
        check_shares(terms, rule, &step.share)?;
        check_amounts(terms, &step.per_unit)?;
        check_amounts(terms, &step.flat)?;
        let most = Exact::from(ten_to(STEP_AMOUNT_DIGITS));
        let mut amounts = step.per_unit.values().chain(step.flat.values());
        ensure(amounts.all(|amount| *amount <= most), "an amount of a step is too large")?;
        ensure(
            tiers.meter.is_some() || step.per_unit.is_empty(),
            "an amount per unit stands in tiers that count revenue",
        )?;
    }
    Ok(())
}

impl Limits {
    /// A rate between floor and ceiling (`docs/calculation.md`, step 6).
    fn clamp(&self, share: &Exact) -> Exact {
        let mut rate = share.clone();
        if let Some(floor) = &self.floor {
            rate = rate.max(floor.clone());
        }
        if let Some(ceiling) = &self.ceiling {
            rate = rate.min(ceiling.clone());
        }
        rate
    }
}

impl Terms {
    fn party(&self, id: &str) -> Option<&Party> {
        self.parties.iter().find(|party| party.id == id)
    }

    /// Conditions and points of every exclusivity and every contribution.
    fn modifiers_listed(&self) -> impl Iterator<Item = (&Conditions, &PerParty)> {
        let exclusivities = self.clauses.exclusivities.iter();
        let contributions = self.clauses.contributions.iter();
        exclusivities
            .map(|one| (&one.conditions, &one.add))
            .chain(contributions.map(|one| (&one.conditions, &one.add)))
    }

    /// Every attribute that a line may have.
    fn known_attributes(&self) -> BTreeSet<&str> {
        let rules = self.rules.iter().map(|rule| &rule.conditions);
        let prices = self.clauses.prices.iter().map(|price| &price.conditions);
        let modifiers = self.modifiers_listed().map(|(conditions, _)| conditions);
        let named = rules.chain(prices).chain(modifiers).flatten().map(|(name, _)| name);
        named
            .chain(self.attributes.keys())
            .map(String::as_str)
            .chain(["application", "model", "territory"])
            .collect()
    }

    /// The parties whose money the terms touch.
    fn money_parties(&self) -> BTreeSet<String> {
        let parties = self.parties.iter().filter(|party| party.is_money_party());
        parties.map(|party| party.id.clone()).collect()
    }

    fn is_money_party(&self, id: &str) -> bool {
        self.party(id).is_some_and(Party::is_money_party)
    }

    fn collector(&self) -> Option<&str> {
        let collector = self.parties.iter().find(|party| party.role == Role::Collector);
        collector.map(|party| party.id.as_str())
    }

    /// The rule with an id.
    fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// The position of the rule that rates a line: the first whose conditions all hold
    /// (`docs/calculation.md`, "Terms").
    fn rule_for(&self, key: &UsageKey) -> Option<usize> {
        self.rules.iter().position(|rule| conditions_hold(&rule.conditions, key))
    }

    /// The price of a meter for a line: of those from its day or before, in its currency, whose
    /// conditions hold, the one with the latest day; the first listed of several.
    fn price_for(&self, meter: &str, key: &UsageKey) -> Option<&Price> {
        let mut latest: Option<&Price> = None;
        for price in &self.clauses.prices {
            let matches = price.meter == meter
                && price.currency == key.currency
                && price.from <= key.day
                && conditions_hold(&price.conditions, key);
            if matches && latest.is_none_or(|latest| price.from > latest.from) {
                latest = Some(price);
            }
        }
        latest
    }

    /// Whether quantities of a meter need a price.
    fn is_priced(&self, meter: &str) -> bool {
        self.clauses.priced && self.clauses.prices.iter().any(|price| price.meter == meter)
    }

    /// The quantities of lines at the prices of the terms.
    fn priced_gross(&self, key: &UsageKey, meters: &PerName) -> Check<Exact> {
        let mut gross = Exact::zero();
        for (meter, quantity) in meters {
            if self.is_priced(meter) && !quantity.is_zero() {
                let price = self.price_for(meter, key).ok_or("a line has no price")?;
                gross += quantity / &price.unit * &price.price;
            }
        }
        Ok(gross)
    }

    /// The largest amount per unit of a meter in any step that counts it, rounded up.
    fn largest_per_unit(&self, counted: &str) -> Exact {
        let tiers = self.rules.iter().filter_map(|rule| match &rule.pay {
            Pay::Tiered(tiers) => {
                tiers.meter.as_ref().is_some_and(|m| m == counted).then_some(tiers)
            }
            Pay::Flat(_) => None,
        });
        let amounts = tiers.flat_map(|tiers| &tiers.steps).flat_map(|step| step.per_unit.values());
        amounts.max().map_or_else(Exact::zero, Exact::ceil)
    }

    /// The largest price of one unit of a meter in a currency, rounded up.
    fn largest_price(&self, meter: &str, currency: &[u8; 3]) -> Exact {
        let prices = self.clauses.prices.iter();
        let prices = prices.filter(|price| price.meter == meter && price.currency == *currency);
        let of_unit = prices.map(|price| (&price.price / &price.unit).ceil());
        of_unit.max().unwrap_or_default()
    }

    /// Whether lines with a key in common may stand on the ledger under these terms
    /// (`docs/calculation.md`, step 1), but for their day. A sum of zero needs nothing.
    fn check_usage(&self, key: &UsageKey, sums: &Sums) -> Check<()> {
        let known = self.known_attributes();
        for (name, value) in &key.attributes {
            ensure(
                known.contains(name.as_str()),
                "a line has an attribute that the terms do not know",
            )?;
            ensure(
                self.attributes.get(name).is_none_or(|allowed| allowed.contains(value)),
                "a line has a value that the terms do not allow",
            )?;
        }
        for (name, _) in sums.deductions.iter().filter(|(_, sum)| !sum.is_zero()) {
            ensure(self.declares_deduction(name), "a line has a deduction that is not declared")?;
        }
        for (meter, _) in sums.meters.iter().filter(|(_, sum)| !sum.is_zero()) {
            ensure(self.meters.contains(meter), "a line has a meter that is not declared")?;
            ensure(
                !self.is_priced(meter) || self.price_for(meter, key).is_some(),
                "a line has a quantity without a price",
            )?;
        }
        ensure(self.rule_for(key).is_some(), "a line matches no rule")
    }

    fn declares_deduction(&self, name: &str) -> bool {
        self.deductions.iter().any(|(kind, _)| kind == name)
    }

    /// The tax withheld on a payout, and whether it is on top of it.
    fn withheld(&self, to: &str, amount: &Exact) -> (Exact, bool) {
        match self.clauses.withholding.get(to) {
            None => (Exact::zero(), false),
            Some((rate, false)) => (self.round(&(rate * amount)), false),
            Some((rate, true)) => (self.round(&(amount / (Exact::one() - rate))) - amount, true),
        }
    }

    /// The yearly rate of late interest for what was due on a day.
    fn late_interest(&self, due: i32) -> Exact {
        let row = self.clauses.late_interest.range(..=due).next_back();
        row.map(|(_, rate)| rate.clone()).unwrap_or_default()
    }

    /// Rounds to the minor unit of the currency, symmetric about zero.
    fn round(&self, amount: &Exact) -> Exact {
        round(amount, self.minor_digits, self.rounding)
    }
}

/// Whether all conditions hold for a line. An absent attribute is the empty string.
fn conditions_hold(conditions: &Conditions, key: &UsageKey) -> bool {
    conditions.iter().all(|(attribute, patterns)| {
        let value = key.value_of(attribute);
        patterns.iter().any(|pattern| pattern_matches(pattern, value))
    })
}

/// `*` stands for any characters, also none; everything else for itself; over the whole string.
fn pattern_matches(pattern: &str, value: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or("");
    let Some(mut rest) = value.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pieces.next_back() else {
        return rest.is_empty(); // no `*`
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

// ------------------------------------------------------------------------------------------------
// 5. Usage blocks (`log-format.md`, "Block")
// ------------------------------------------------------------------------------------------------

/// The lines of one block, in columns.
#[derive(Clone)]
struct Block {
    attributes: Vec<String>,
    meters: Vec<String>,
    deductions: Vec<String>,
    values: Vec<String>,
    keys: Vec<LineKey>,
    /// Per line, the position of its key.
    line_keys: Vec<usize>,
    gross: Column,
    meter_columns: Vec<Column>,
    deduction_columns: Vec<Column>,
}

/// What lines have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LineKey {
    day: i32,
    currency: [u8; 3],
    /// Per attribute, the position of its value.
    positions: Vec<usize>,
}

/// One number per line: integer × 10^-scale.
#[derive(Clone)]
struct Column {
    scale: u32,
    integers: Vec<i128>,
}

/// Reads a block, and refuses any but the canonical layout.
fn read_block(bytes: &[u8]) -> Check<Block> {
    let mut c = Cursor { left: bytes };
    let lines = c.u32()?;
    ensure((1..=BLOCK_LINES_MAX).contains(&lines), "a block has no line or too many")?;
    let lines = lines as usize;
    let attributes = read_names(&mut c)?;
    let meters = read_names(&mut c)?;
    let deductions = read_names(&mut c)?;
    let columns =
        [(&attributes, ATTRIBUTES_MAX), (&meters, METERS_MAX), (&deductions, DEDUCTIONS_MAX)];
    ensure(
        columns.iter().all(|(names, most)| names.len() <= *most),
        "a block has more columns than terms may have",
    )?;

    let mut values = Vec::new();
    for _ in 0..c.u32()? {
        let len = c.u16()?;
        let value = utf8(c.take(usize::from(len))?)?;
        ensure(is_text(&value, VALUE_LEN_MAX), "a value of a block is not allowed")?;
        values.push(value);
    }
    strictly_rising(values.iter().map(String::as_bytes))?;

    let mut keys = Vec::new();
    for _ in 0..c.u32()? {
        let (day, currency) = (c.day()?, c.currency()?);
        let mut positions = Vec::new();
        for _ in &attributes {
            positions.push(c.u32()? as usize);
        }
        keys.push(LineKey { day, currency, positions });
    }
    strictly_rising(keys.iter())?;
    let used: BTreeSet<usize> = keys.iter().flat_map(|key| &key.positions).copied().collect();
    ensure(
        used.iter().copied().eq(0..values.len()),
        "a value of a block is not there or not used",
    )?;
    for place in 0..attributes.len() {
        ensure(
            keys.iter().any(|key| !values[key.positions[place]].is_empty()),
            "an attribute column of a block is empty",
        )?;
    }

    let mut line_keys = Vec::new();
    for _ in 0..lines {
        let position = if keys.len() <= 256 { u16::from(c.u8()?) } else { c.u16()? };
        line_keys.push(usize::from(position));
    }
    let used: BTreeSet<usize> = line_keys.iter().copied().collect();
    ensure(used.iter().copied().eq(0..keys.len()), "a key of a block is not there or not used")?;

    let gross = read_column(&mut c, lines)?;
    let mut amounts = |names: &[String]| -> Check<Vec<Column>> {
        let columns: Check<Vec<Column>> =
            names.iter().map(|_| read_column(&mut c, lines)).collect();
        let columns = columns?;
        let all_used = columns.iter().all(|column| column.integers.iter().any(|n| *n != 0));
        ensure(all_used, "a meter or deduction column of a block holds only zeros")?;
        Ok(columns)
    };
    let meter_columns = amounts(&meters)?;
    let deduction_columns = amounts(&deductions)?;
    c.end()?;
    Ok(Block {
        attributes,
        meters,
        deductions,
        values,
        keys,
        line_keys,
        gross,
        meter_columns,
        deduction_columns,
    })
}

fn read_names(c: &mut Cursor<'_>) -> Check<Vec<String>> {
    let mut names = Vec::new();
    for _ in 0..c.u8()? {
        let len = c.u8()?;
        let name = utf8(c.take(usize::from(len))?)?;
        ensure(is_name(&name), "a name of a block is not allowed")?;
        names.push(name);
    }
    strictly_rising(names.iter())?;
    Ok(names)
}

fn read_column(c: &mut Cursor<'_>, lines: usize) -> Check<Column> {
    let (scale, width) = (c.u8()?, c.u8()?);
    ensure(scale <= SCALE_MAX, "a column has more than 12 fraction digits")?;
    ensure(matches!(width, 1 | 2 | 4 | 8 | 16), "a column has an unknown width")?;
    let mut integers = Vec::new();
    for _ in 0..lines {
        integers.push(signed(c.take(usize::from(width))?));
    }
    ensure(
        scale == 0 || integers.iter().any(|integer| integer % 10 != 0),
        "the scale of a column is not the smallest",
    )?;
    ensure(
        integers.iter().map(|integer| width_of(*integer)).max() == Some(width),
        "the width of a column is not the smallest",
    )?;
    let scale = u32::from(scale);
    ensure(
        integers.iter().all(|integer| fits_integer_digits(*integer, scale)),
        "a number of a column has more than 15 digits before the point",
    )?;
    Ok(Column { scale, integers })
}

/// A signed integer of at most 16 bytes, little-endian.
fn signed(bytes: &[u8]) -> i128 {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = if negative { [0xff; 16] } else { [0; 16] };
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    i128::from_le_bytes(wide)
}

/// The smallest width that holds an integer.
fn width_of(integer: i128) -> u8 {
    if i8::try_from(integer).is_ok() {
        1
    } else if i16::try_from(integer).is_ok() {
        2
    } else if i32::try_from(integer).is_ok() {
        4
    } else if i64::try_from(integer).is_ok() {
        8
    } else {
        16
    }
}

/// What lines add up to.
#[derive(Clone, Default, Debug)]
struct Sums {
    gross: Exact,
    meters: PerName,
    deductions: PerName,
}

/// A number per meter or per kind of deduction; absent means zero.
type PerName = BTreeMap<String, Exact>;

/// What lines have in common, in a report.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct UsageKey {
    day: i32,
    currency: [u8; 3],
    /// Names and values of the attributes that are not empty, sorted.
    attributes: Vec<(String, String)>,
}

impl UsageKey {
    /// The value of an attribute; an absent one is empty.
    fn value_of(&self, attribute: &str) -> &str {
        let found = self.attributes.iter().find(|(name, _)| name == attribute);
        found.map_or("", |(_, value)| value)
    }
}

/// The lines of a report that have a key in common.
#[derive(Clone, Default, Debug)]
struct Usage {
    sums: Sums,
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.gross += &other.gross;
        for (name, sum) in &other.meters {
            *self.meters.entry(name.clone()).or_default() += sum;
        }
        for (name, sum) in &other.deductions {
            *self.deductions.entry(name.clone()).or_default() += sum;
        }
    }
}

impl Column {
    /// The sum of the column per key of its block.
    fn add_up(&self, block: &Block) -> Vec<Exact> {
        let mut sums = vec![BigInt::zero(); block.keys.len()];
        for (key, integer) in block.line_keys.iter().zip(&self.integers) {
            sums[*key] += *integer;
        }
        sums.into_iter().map(|sum| Exact::new(sum, ten_to(self.scale))).collect()
    }
}

impl Block {
    /// Adds the lines up by what they have in common.
    fn add_per_key(&self, usage: &mut BTreeMap<UsageKey, Usage>) {
        let keys: Vec<UsageKey> = self.keys.iter().map(|key| self.usage_key(key)).collect();
        for (key, sum) in keys.iter().zip(self.gross.add_up(self)) {
            let usage = usage.entry(key.clone()).or_default();
            usage.sums.gross += sum;
        }
        for (name, column) in self.meters.iter().zip(&self.meter_columns) {
            for (key, sum) in keys.iter().zip(column.add_up(self)) {
                let usage = usage.entry(key.clone()).or_default();
                *usage.sums.meters.entry(name.clone()).or_default() += sum;
            }
        }
        for (name, column) in self.deductions.iter().zip(&self.deduction_columns) {
            for (key, sum) in keys.iter().zip(column.add_up(self)) {
                let usage = usage.entry(key.clone()).or_default();
                *usage.sums.deductions.entry(name.clone()).or_default() += sum;
            }
        }
    }

    fn usage_key(&self, key: &LineKey) -> UsageKey {
        let values = key.positions.iter().map(|position| self.values[*position].clone());
        let attributes = self.attributes.iter().cloned().zip(values);
        let attributes = attributes.filter(|(_, value)| !value.is_empty()).collect();
        UsageKey { day: key.day, currency: key.currency, attributes }
    }

    fn line_count(&self) -> u64 {
        self.line_keys.len() as u64
    }

    /// The gross of all lines per currency.
    fn gross_per_currency(&self) -> BTreeMap<[u8; 3], Exact> {
        let mut gross: BTreeMap<[u8; 3], BigInt> = BTreeMap::new();
        for (key, integer) in self.line_keys.iter().zip(&self.gross.integers) {
            *gross.entry(self.keys[*key].currency).or_default() += *integer;
        }
        let scale = self.gross.scale;
        gross.into_iter().map(|(code, sum)| (code, Exact::new(sum, ten_to(scale)))).collect()
    }
}

// ------------------------------------------------------------------------------------------------
// 6. Segments, frames and bodies (`log-format.md`, "Segments" to "Hashes")
// ------------------------------------------------------------------------------------------------

/// Walks over the frames of all segments.
struct Frames<'a> {
    segments: &'a [Vec<u8>],
    segment: usize,
    offset: usize,
    /// Where the header or the frame begins that was read last, or could not be read.
    begun: usize,
}

/// One frame, with its header checked.
struct Frame<'a> {
    seq: u64,
    body: &'a [u8],
    record_hash: Hash,
    signature: [u8; 64],
}

impl<'a> Frames<'a> {
    fn of(segments: &'a [Vec<u8>]) -> Frames<'a> {
        Frames { segments, segment: 0, offset: 0, begun: 0 }
    }

    /// The frame of record `seq`, or `None` at the end of the last segment.
    fn next(&mut self, seq: u64) -> Check<Option<Frame<'a>>> {
        loop {
            let Some(segment) = self.segments.get(self.segment) else {
                return Ok(None);
            };
            let mut c = Cursor { left: segment };
            c.take(self.offset)?;
            self.begun = self.offset;
            if self.offset == 0 {
                read_segment_header(&mut c, self.segment, seq)?;
                self.begun = 64;
            }
            if c.left.is_empty() {
                self.segment += 1;
                self.offset = 0;
                continue;
            }
            let frame = read_frame(&mut c, seq)?;
            self.offset = segment.len() - c.left.len();
            return Ok(Some(frame));
        }
    }
}

/// Most bytes of a frame.
const FRAME_LEN_MAX: usize = BODY_LEN_MAX as usize + 112;
/// What a disk writes at once.
const SECTOR_LEN: usize = 512;

// How a log ends (`log-format.md`, "How a log ends").
impl Frames<'_> {
    /// Whether the bytes that are left, where record `r` is to stand, can be what one append left.
    fn one_append(&self, r: u64) -> bool {
        if self.segment + 1 != self.segments.len() {
            return false;
        }
        let (file, x) = (&self.segments[self.segment], self.begun);
        let t = &file[x..];
        if x == 0 {
            return t.len() < 64 || (t.len() <= 64 + FRAME_LEN_MAX && zero(t));
        }
        if t.len() > FRAME_LEN_MAX {
            return false;
        }
        if t.len() < 16 {
            return true;
        }
        if let Some((n, seq)) = frame_header(t) {
            if seq != r || t.len() > n + 112 {
                return false;
            }
            if t.len() == n + 112 {
                return unwritten(t, x, r);
            }
        } else {
            let first = &t[..t.len().min(SECTOR_LEN - x % SECTOR_LEN)];
            let second = &t[first.len()..t.len().min(first.len() + SECTOR_LEN)];
            if !(zero(first) || first.len() < 16 && zero(second)) {
                return false;
            }
        }
        // Most places are ruled out before anything is hashed.
        let later = |at: usize| {
            t[at..].get(9..12) == Some(&[0; 3])
                && frame_header(&t[at..]).is_some_and(|(n, _)| n > 0)
        };
        !(1..t.len()).any(later)
    }
}

/// Whether bytes are there and all zero.
fn zero(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| *byte == 0)
}

/// Length of the body and sequence number, if these bytes begin with a frame header.
fn frame_header(bytes: &[u8]) -> Option<(usize, u64)> {
    let mut c = Cursor { left: bytes };
    let header = c.take(12).ok()?;
    let checksum = c.take(4).ok()?;
    let mut h = Cursor { left: header };
    let (n, seq) = (h.u32().ok()?, h.u64().ok()?);
    (n <= BODY_LEN_MAX && header_checksum(header)[..4] == *checksum).then_some((n as usize, seq))
}

/// Whether a frame at `x` that is as long as it says and ends the file lacks a sector that explains
/// what is wrong with it.
fn unwritten(frame: &[u8], x: usize, r: u64) -> bool {
    let end = x + frame.len();
    let last = x.max((end - 1) / SECTOR_LEN * SECTOR_LEN);
    let last_piece = &frame[last - x..];
    let (body, trailer) = frame[16..].split_at(frame.len() - 112);
    let (hash, signature) = trailer.split_at(32);
    match envelope(body, r) {
        Err(Body::Newer) => return false,
        Ok(found) if found.1 == *hash => {
            let signature: [u8; 64] = signature.try_into().expect("64 bytes are left");
            let is_wrong = check_signature(&found.0, &found.1, &signature).is_err();
            return is_wrong && zero(last_piece);
        }
        Ok(_) | Err(Body::Unreadable) => {}
    }
    let first_whole = x.next_multiple_of(SECTOR_LEN);
    let mut sectors = (first_whole..end).step_by(SECTOR_LEN).filter(|at| at + SECTOR_LEN <= end);
    sectors.any(|at| zero(&frame[at - x..at - x + SECTOR_LEN]))
        || (last > x && last_piece.len() >= 64 && zero(last_piece))
}

/// Why a body has no record hash.
enum Body {
    /// It names a format version or level above those that are defined.
    Newer,
    /// Its fields do not fill it, or are none.
    Unreadable,
}

/// The author's key and the record hash of a body, whatever its payload says.
fn envelope(body: &[u8], r: u64) -> Result<([u8; 32], Hash), Body> {
    let versions = [body.get(..2), body.get(2..4)];
    let [Some(version), Some(level)] = versions.map(|two| two.map(|b| [b[0], b[1]])) else {
        return Err(Body::Unreadable);
    };
    if u16::from_le_bytes(version) > 1 || u16::from_le_bytes(level) > 2 {
        return Err(Body::Newer);
    }
    let read = || -> Check<([u8; 32], Hash)> {
        let mut c = Cursor { left: body };
        ensure(c.u16()? == 1 && c.u16()? > 0, "a version of 0")?;
        c.hash()?;
        ensure(c.u64()? == r, "a body has the wrong sequence number")?;
        c.hash()?;
        let time_end = (i64::from(DAY_MAX) + 1) * DAY_MICROS;
        ensure((0..time_end).contains(&c.i64()?), "a recorded time is outside 1970 to 2999")?;
        let key = c.array()?;
        c.take(2 + 2 + 16)?;
        let party_len = c.u8()?;
        utf8(c.take(usize::from(party_len))?)?;
        let payload_len = c.u32()? as usize;
        let (envelope, payload) = body.split_at(body.len() - c.left.len());
        ensure(payload.len() == payload_len, "a payload does not fill its body")?;
        let digest = derive("revshare 2026-11-23 payload v1", &[payload]);
        let len = (body.len() as u64).to_le_bytes();
        Ok((key, derive("revshare 2026-11-23 record v1", &[&len, envelope, &digest])))
    };
    read().map_err(|_| Body::Unreadable)
}

fn read_segment_header(c: &mut Cursor<'_>, number: usize, first: u64) -> Check<()> {
    let header = c.take(48)?;
    let checksum = c.take(16)?;
    ensure(
        header_checksum(header)[..16] == *checksum,
        "the checksum of a segment header does not fit",
    )?;
    let mut c = Cursor { left: header };
    ensure(c.take(16)? == b"revshare segment", "a segment does not start as one")?;
    ensure(c.u32()? == 1, "a segment has an unknown format version")?;
    ensure(c.u32()? as usize == number, "a segment has the wrong number")?;
    ensure(c.u64()? == first, "a segment does not start with the next record")?;
    ensure(c.array()? == [0u8; 16], "the reserved bytes of a segment header are not zero")
}

fn read_frame<'a>(c: &mut Cursor<'a>, seq: u64) -> Check<Frame<'a>> {
    let header = c.take(12)?;
    let checksum = c.take(4)?;
    ensure(
        header_checksum(header)[..4] == *checksum,
        "the checksum of a frame header does not fit",
    )?;
    let mut h = Cursor { left: header };
    let len = h.u32()?;
    ensure(len <= BODY_LEN_MAX, "a body is too long")?;
    ensure(h.u64()? == seq, "a frame has the wrong sequence number")?;
    Ok(Frame { seq, body: c.take(len as usize)?, record_hash: c.array()?, signature: c.array()? })
}

/// One record, with its bytes, its hashes and its signature checked against each other.
struct Record<'a> {
    ledger_id: Hash,
    seq: u64,
    /// Record hash of the record before.
    before: Hash,
    /// Microseconds since 1970.
    time: i64,
    key: [u8; 32],
    party: String,
    /// The level of the format that the ledger was opened at.
    level: u16,
    kind: u16,
    /// The version of that kind.
    version: u16,
    payload: &'a [u8],
    payload_digest: Hash,
    event_id: Hash,
    /// Record hash.
    hash: Hash,
}

fn read_record<'a>(frame: &Frame<'a>) -> Check<Record<'a>> {
    let body = frame.body;
    let mut c = Cursor { left: body };
    ensure(c.u16()? == 1, "a record has an unknown format version")?;
    let level = c.u16()?;
    ensure((1..=2).contains(&level), "the ledger has an unknown format level")?;
    let ledger_id = c.hash()?;
    let seq = c.u64()?;
    ensure(seq == frame.seq, "a body has the wrong sequence number")?;
    let before = c.hash()?;
    let time = c.i64()?;
    let time_end = (i64::from(DAY_MAX) + 1) * DAY_MICROS;
    ensure((0..time_end).contains(&time), "a recorded time is outside 1970 to 2999")?;
    let key = c.array()?;
    let kind = c.u16()?;
    ensure((1..=28).contains(&kind), "an event has an unknown kind")?;
    let version = c.u16()?;
    // The opening, statements and payouts read otherwise at level 2.
    let versions = if matches!(kind, 1 | 7 | 9) { 1..=2 } else { 1..=1 };
    ensure(versions.contains(&version), "an event has an unknown version")?;
    let nonce: [u8; 16] = c.array()?;
    let party_len = c.u8()?;
    let party = utf8(c.take(usize::from(party_len))?)?;
    ensure(is_id(&party), "the author's party id is none")?;
    let payload_len = c.u32()? as usize;
    let envelope = &body[..body.len() - c.left.len()];
    let payload = c.take(payload_len)?;
    c.end()?;

    let payload_digest = derive("revshare 2026-11-23 payload v1", &[payload]);
    let event_id = derive(
        "revshare 2026-11-23 event id v1",
        &[
            &ledger_id,
            &(party.len() as u64).to_le_bytes(),
            party.as_bytes(),
            &kind.to_le_bytes(),
            &version.to_le_bytes(),
            &payload_digest,
            &nonce,
        ],
    );
    let hash = derive(
        "revshare 2026-11-23 record v1",
        &[&(body.len() as u64).to_le_bytes(), envelope, &payload_digest],
    );
    ensure(hash == frame.record_hash, "the record hash is not the hash of the record")?;
    check_signature(&key, &hash, &frame.signature)?;
    Ok(Record {
        ledger_id,
        seq,
        before,
        time,
        key,
        party,
        level,
        kind,
        version,
        payload,
        payload_digest,
        event_id,
        hash,
    })
}

fn check_signature(key: &[u8; 32], record_hash: &Hash, signature: &[u8; 64]) -> Check<()> {
    let message = [b"revshare record v1\0".as_slice(), record_hash].concat();
    ensure(
        is_signed(key, &message, signature),
        "the signature is not one of the author's key over this record",
    )
}

fn is_signed(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(key)
        .and_then(|key| key.verify_strict(message, &Signature::from_bytes(signature)))
        .is_ok()
}

impl Record<'_> {
    /// The content digest, for events whose content payload digest is their payload digest.
    fn content_digest(&self) -> Hash {
        derive(
            "revshare 2026-11-23 content v1",
            &[
                &self.ledger_id,
                &(self.party.len() as u64).to_le_bytes(),
                self.party.as_bytes(),
                &self.kind.to_le_bytes(),
                &self.version.to_le_bytes(),
                &self.payload_digest,
            ],
        )
    }

    /// The day of the recorded time, in UTC.
    fn day(&self) -> i64 {
        self.time / DAY_MICROS
    }
}

// ------------------------------------------------------------------------------------------------
// 7. Events (`log-format.md`, "Kinds")
// ------------------------------------------------------------------------------------------------

/// What a record after the first says.
enum Event {
    Accepted { event: Hash, content: Hash },
    UsagePart { index: u32, block: Block },
    UsageReported { period: Period, supplement: bool, lines: Lines },
    UsageCorrected { replaced: Hash, lines: Lines },
    UsageMissing { period: Period },
    StatementIssued(Statement),
    StatementAccepted { statement: Hash },
    PayoutSent(Payout),
    PaymentConfirmed { payment: Hash, received: i32 },
    PaymentReturned { payment: Hash },
    Acknowledged { seq: u64, head: Hash, root_version: u16, root: Hash },
    AmendmentProposed(Box<Amendment>),
    ProposalRejected { proposal: Hash },
    ProposalWithdrawn { proposal: Hash },
    RateProposed(ConversionRate),
    ContributionClaimed { clause: String, from: i32, to: Option<i32>, evidence: Option<Hash> },
    ContributionEnded { claim: Hash, on: i32 },
    AdvancePaid { to: String, amount: Exact, paid: i32 },
    DisputeOpened(Box<DisputeOpened>),
    DisputeResponded { dispute: Hash, evidence: Vec<Hash> },
    DisputeAccepted { dispute: Hash, by_default: bool },
    DisputeSettled { dispute: Hash, settlement: Box<Settlement> },
    DisputeEscalated { dispute: Hash },
    DisputeDetermined { dispute: Hash, outcome: Box<Outcome>, evidence: Vec<Hash> },
    DisputeWithdrawn { dispute: Hash },
    EvidenceAttached { about: Hash, commitment: Hash },
    EvidenceErased { commitment: Hash },
}

/// The lines of a report or a correction.
enum Lines {
    Nil,
    Inline(Block),
    Parts { ids: Vec<Hash>, lines: u64, digest: Hash, gross: Vec<([u8; 3], Exact)> },
}

struct Statement {
    period: Period,
    terms: Hash,
    calculation: u16,
    entries: Vec<Entry>,
    /// What is recouped of advances per party, or given back.
    recoupments: Vec<(String, Exact)>,
    interest: Vec<InterestLine>,
    root_version: u16,
    root: Hash,
}

/// What a statement books for one period.
#[derive(PartialEq, Eq, Debug)]
struct Entry {
    period: Period,
    base: Exact,
    shares: PerParty,
    causes: Vec<Hash>,
    /// The conversion rates used, with the events that proposed them.
    rates: Vec<([u8; 3], Exact, Hash)>,
}

/// Late interest on what a payout settled.
#[derive(Clone, PartialEq, Eq, Debug)]
struct InterestLine {
    to: String,
    payout: Hash,
    period: Period,
    principal: Exact,
    /// The day from which interest runs, exclusive.
    due: i32,
    /// The day to which it runs, inclusive.
    received: i32,
    rate: Exact,
    amount: Exact,
}

#[derive(Clone)]
struct Payout {
    to: String,
    amount: Exact,
    on_account: Exact,
    withheld: Exact,
    grossed_up: bool,
    sent: i32,
}

/// Other terms, from a day on.
#[derive(Clone)]
struct Amendment {
    terms: Terms,
    digest: Hash,
    effective_from: i32,
}

/// Units of the settlement currency for one unit of a foreign one, in a period.
#[derive(Clone)]
struct ConversionRate {
    currency: [u8; 3],
    rate: Exact,
    period: Period,
}

struct DisputeOpened {
    target: Target,
    claim: DisputeClaim,
    evidence: Vec<Hash>,
    /// Fraud or manifest error.
    has_ground: bool,
    reopens: Option<Hash>,
}

/// What a dispute is about.
#[derive(Clone)]
enum Target {
    Statement(Hash),
    Report(Hash),
    Payout(Hash),
    Clause { id: String, period: Period },
}

/// What is claimed in a dispute, or adopted by an outcome.
#[derive(Clone)]
enum DisputeClaim {
    Figures(PerParty),
    /// Other lines in the place of a report's; no block is nil.
    Report {
        replaced: Hash,
        blocks: Vec<Block>,
    },
    Terms(Box<Amendment>),
}

enum Outcome {
    Stands,
    AsClaimed,
    Other(DisputeClaim),
}

struct Settlement {
    outcome: Outcome,
    /// The hash of the outcome and the note, as they stand in the payload.
    digest: Hash,
    signatures: Vec<(String, [u8; 64])>,
}

fn terms_digest(bytes: &[u8]) -> Hash {
    derive("revshare 2026-11-23 terms v1", &[bytes])
}

fn read_event(kind: u16, version: u16, payload: &[u8]) -> Check<Event> {
    let mut c = Cursor { left: payload };
    let event = match kind {
        1 => return Err("a ledger is opened by its first record only".into()),
        2 => Event::Accepted { event: c.hash()?, content: c.hash()? },
        3 => Event::UsagePart { index: c.u32()?, block: read_block(c.blob()?)? },
        4 => Event::UsageReported {
            period: c.period()?,
            supplement: c.bool()?,
            lines: read_lines(&mut c)?,
        },
        5 => {
            let replaced = c.hash()?;
            c.text()?; // the reason
            Event::UsageCorrected { replaced, lines: read_lines(&mut c)? }
        }
        6 => Event::UsageMissing { period: c.period()? },
        7 => Event::StatementIssued(read_statement(&mut c, version)?),
        8 => Event::StatementAccepted { statement: c.hash()? },
        9 => Event::PayoutSent(read_payout(&mut c, version)?),
        10 => Event::PaymentConfirmed { payment: c.hash()?, received: c.day()? },
        11 => {
            let payment = c.hash()?;
            c.text()?; // the reason
            Event::PaymentReturned { payment }
        }
        12 => Event::Acknowledged {
            seq: c.u64()?,
            head: c.hash()?,
            root_version: c.u16()?,
            root: c.hash()?,
        },
        13 => {
            let bytes = c.blob()?;
            let effective_from = c.day()?;
            c.text()?; // the reason
            let (terms, digest) = (read_terms(bytes, 2)?, terms_digest(bytes));
            Event::AmendmentProposed(Box::new(Amendment { terms, digest, effective_from }))
        }
        14 | 15 => {
            let proposal = c.hash()?;
            c.text()?; // the reason
            match kind {
                14 => Event::ProposalRejected { proposal },
                _ => Event::ProposalWithdrawn { proposal },
            }
        }
        16 => {
            let (currency, rate, period) = (c.currency()?, c.decimal()?, c.period()?);
            c.text()?; // the source
            Event::RateProposed(ConversionRate { currency, rate, period })
        }
        17 => {
            let (clause, from, to) = (c.id()?, c.day()?, c.option(Cursor::day)?);
            let evidence = c.option(Cursor::hash)?;
            c.text()?; // the note
            Event::ContributionClaimed { clause, from, to, evidence }
        }
        18 => {
            let (claim, on) = (c.hash()?, c.day()?);
            c.text()?; // the reason
            Event::ContributionEnded { claim, on }
        }
        19 => {
            let (to, amount, paid) = (c.id()?, c.decimal()?, c.day()?);
            c.text()?; // the reference
            Event::AdvancePaid { to, amount, paid }
        }
        20 => Event::DisputeOpened(Box::new(read_dispute(&mut c)?)),
        21 => {
            let dispute = c.hash()?;
            c.text()?; // the response
            Event::DisputeResponded { dispute, evidence: read_evidence(&mut c)? }
        }
        22 => Event::DisputeAccepted { dispute: c.hash()?, by_default: c.bool()? },
        23 => {
            let dispute = c.hash()?;
            Event::DisputeSettled { dispute, settlement: Box::new(read_settlement(&mut c)?) }
        }
        24 | 26 => {
            let dispute = c.hash()?;
            c.text()?; // the reason
            match kind {
                24 => Event::DisputeEscalated { dispute },
                _ => Event::DisputeWithdrawn { dispute },
            }
        }
        25 => {
            let (dispute, outcome) = (c.hash()?, Box::new(read_outcome(&mut c)?));
            c.text()?; // the reasons
            Event::DisputeDetermined { dispute, outcome, evidence: read_evidence(&mut c)? }
        }
        27 => {
            let (about, commitment) = (c.hash()?, c.hash()?);
            c.text()?; // the note
            Event::EvidenceAttached { about, commitment }
        }
        28 => {
            let commitment = c.hash()?;
            c.text()?; // the reason
            Event::EvidenceErased { commitment }
        }
        _ => return Err("an event has an unknown kind".into()),
    };
    c.end()?;
    Ok(event)
}

fn read_dispute(c: &mut Cursor<'_>) -> Check<DisputeOpened> {
    let target = match c.u32()? {
        0 => Target::Statement(c.hash()?),
        1 => Target::Report(c.hash()?),
        2 => Target::Payout(c.hash()?),
        3 => Target::Clause { id: c.id()?, period: c.period()? },
        _ => return Err("an unknown alternative of a target".into()),
    };
    let claim = read_claim(c)?;
    c.text()?; // the basis
    let evidence = read_evidence(c)?;
    let has_ground = match c.u8()? {
        0 => false,
        1 | 2 => true,
        _ => return Err("an unknown ground of a dispute".into()),
    };
    Ok(DisputeOpened { target, claim, evidence, has_ground, reopens: c.option(Cursor::hash)? })
}

fn read_claim(c: &mut Cursor<'_>) -> Check<DisputeClaim> {
    match c.u32()? {
        0 => {
            let figures = c.per_party(Cursor::decimal)?;
            ensure(!figures.is_empty(), "a claim has no figure")?;
            Ok(DisputeClaim::Figures(figures))
        }
        1 => Ok(DisputeClaim::Report {
            replaced: c.hash()?,
            blocks: c.option(|c| read_block(c.blob()?))?.into_iter().collect(),
        }),
        2 => {
            let bytes = c.blob()?;
            let (terms, digest) = (read_terms(bytes, 2)?, terms_digest(bytes));
            let effective_from = c.day()?;
            Ok(DisputeClaim::Terms(Box::new(Amendment { terms, digest, effective_from })))
        }
        _ => Err("an unknown alternative of a claim".into()),
    }
}

fn read_outcome(c: &mut Cursor<'_>) -> Check<Outcome> {
    match c.u32()? {
        0 => Ok(Outcome::Stands),
        1 => Ok(Outcome::AsClaimed),
        2 => Ok(Outcome::Other(read_claim(c)?)),
        _ => Err("an unknown alternative of an outcome".into()),
    }
}

fn read_settlement(c: &mut Cursor<'_>) -> Check<Settlement> {
    let before = c.left;
    let outcome = read_outcome(c)?;
    c.text()?; // the note
    let said = &before[..before.len() - c.left.len()];
    let digest = derive("revshare 2026-11-25 outcome v1", &[said]);
    let signatures = c.list(|c| Ok((c.id()?, c.array()?)))?;
    strictly_rising(signatures.iter().map(|(party, _)| party))?;
    Ok(Settlement { outcome, digest, signatures })
}

/// Commitments to evidence.
fn read_evidence(c: &mut Cursor<'_>) -> Check<Vec<Hash>> {
    let evidence = c.list(Cursor::hash)?;
    ensure(evidence.len() <= EVIDENCE_MAX, "an event names more evidence than 64 commitments")?;
    strictly_rising(evidence.iter())?;
    Ok(evidence)
}

fn read_lines(c: &mut Cursor<'_>) -> Check<Lines> {
    match c.u32()? {
        0 => Ok(Lines::Nil),
        1 => Ok(Lines::Inline(read_block(c.blob()?)?)),
        2 => {
            let (ids, lines, digest) = (c.list(Cursor::hash)?, c.u64()?, c.hash()?);
            let gross = c.list(|c| Ok((c.currency()?, c.decimal()?)))?;
            strictly_rising(gross.iter().map(|(code, _)| code))?;
            Ok(Lines::Parts { ids, lines, digest, gross })
        }
        _ => Err("an unknown alternative of lines".into()),
    }
}

/// A statement. Version 1 has no rates, no recoupments and no interest.
fn read_statement(c: &mut Cursor<'_>, version: u16) -> Check<Statement> {
    let (period, terms, calculation) = (c.period()?, c.hash()?, c.u16()?);
    let entries = c.list(|c| {
        let (period, base) = (c.period()?, c.decimal()?);
        let (shares, causes) = (c.per_party(Cursor::decimal)?, c.list(Cursor::hash)?);
        let mut rates = Vec::new();
        if version == 2 {
            rates = c.list(|c| Ok((c.currency()?, c.decimal()?, c.hash()?)))?;
            strictly_rising(rates.iter().map(|(code, _, _)| code))?;
        }
        Ok(Entry { period, base, shares, causes, rates })
    })?;
    let (mut recoupments, mut interest) = (Vec::new(), Vec::new());
    if version == 2 {
        recoupments = c.list(|c| Ok((c.id()?, c.decimal()?)))?;
        strictly_rising(recoupments.iter().map(|(party, _)| party))?;
        interest = c.list(|c| {
            Ok(InterestLine {
                to: c.id()?,
                payout: c.hash()?,
                period: c.period()?,
                principal: c.decimal()?,
                due: c.day()?,
                received: c.day()?,
                rate: c.rate()?,
                amount: c.decimal()?,
            })
        })?;
    }
    let (root_version, root) = (c.u16()?, c.hash()?);
    strictly_rising(entries.iter().map(|entry| entry.period))?;
    ensure(
        entries.last().is_some_and(|own| own.period == period),
        "the last entry of a statement is not its own period",
    )?;
    Ok(Statement { period, terms, calculation, entries, recoupments, interest, root_version, root })
}

/// A payout. Version 1 knows no tax.
fn read_payout(c: &mut Cursor<'_>, version: u16) -> Check<Payout> {
    let (to, amount, on_account) = (c.id()?, c.decimal()?, c.decimal()?);
    let (withheld, grossed_up) = match version {
        1 => (Exact::zero(), false),
        _ => (c.decimal()?, c.bool()?),
    };
    let sent = c.day()?;
    c.text()?; // the reference
    Ok(Payout { to, amount, on_account, withheld, grossed_up, sent })
}

// ------------------------------------------------------------------------------------------------
// 8. The facts, and what follows from them: versions of the terms, stretches, groups
// ------------------------------------------------------------------------------------------------

/// What rating reads: facts on the log as they stand now, and no posting.
#[derive(Clone)]
struct Facts {
    /// The versions of the terms, in the order in which they came into force. The first is the
    /// opening.
    versions: Vec<Version>,
    /// The reports in effect: the current end of each chain of corrections.
    reports: BTreeMap<Hash, UsageReport>,
    /// The accepted claims of contributions.
    claims: BTreeMap<Hash, Claim>,
    /// The accepted conversion rates, with the events that proposed them.
    rates: BTreeMap<(Period, [u8; 3]), (Exact, Hash)>,
    /// The figures that disputes adopted (step 14).
    figures: BTreeMap<(Period, String), Exact>,
}

#[derive(Clone)]
struct Version {
    event: Hash,
    effective_from: i32,
    terms: Terms,
    digest: Hash,
}

/// A report or correction in effect.
#[derive(Clone)]
struct UsageReport {
    period: Period,
    lines: u64,
    usage: BTreeMap<UsageKey, Usage>,
    /// The dispute that adopted these lines, where they are not the report's own.
    adopted_by: Option<Hash>,
}

impl UsageReport {
    fn of(period: Period, blocks: &[Block]) -> UsageReport {
        let mut usage = BTreeMap::new();
        blocks.iter().for_each(|block| block.add_per_key(&mut usage));
        let lines = blocks.iter().map(Block::line_count).sum();
        UsageReport { period, lines, usage, adopted_by: None }
    }
}

/// An interval in which a party contributes, by a clause of the terms.
#[derive(Clone)]
struct Claim {
    clause: String,
    by: String,
    from: i32,
    /// Exclusive.
    to: Option<i32>,
}

/// Days of a period under one version, without a gap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stretch {
    version: usize,
    first: i32,
    /// Inclusive.
    last: i32,
}

/// What one rule rates in one stretch, in one currency, under the same modifiers (step 3).
#[derive(Clone, Debug)]
struct Group {
    /// The number of the stretch in its period, from 0.
    stretch: usize,
    /// The position of the rule in the terms of the stretch.
    rule: usize,
    currency: [u8; 3],
    /// The ids of the exclusivities, then the contributions, that add points.
    modifiers: Vec<String>,
    /// The gross is priced where the terms say so.
    sums: Sums,
    /// Gross less clamped deductions, in the currency of the group.
    base: Exact,
}

/// base = gross − Σ clamp(deduction, −cap × |gross|, +cap × |gross|), over the sums of a group.
fn base_of(terms: &Terms, sums: &Sums) -> Exact {
    let mut base = sums.gross.clone();
    for (kind, cap) in &terms.deductions {
        let mut deduction = sums.deductions.get(kind).cloned().unwrap_or_default();
        if let Some(cap) = cap {
            let most = cap * sums.gross.abs();
            deduction = deduction.max(-most.clone()).min(most);
        }
        base -= deduction;
    }
    base
}

impl Facts {
    /// The terms of the opening. Currency, length of periods, start and collector stay for ever.
    fn opening(&self) -> &Terms {
        &self.versions[0].terms
    }

    /// The version with the highest number.
    fn last(&self) -> &Version {
        &self.versions[self.versions.len() - 1]
    }

    fn length(&self) -> Length {
        self.opening().length
    }

    fn starts_on(&self) -> i32 {
        self.opening().starts_on
    }

    /// The end of the agreement, exclusive: that of the last version.
    fn ends_on(&self) -> Option<i32> {
        self.last().terms.ends_on
    }

    fn covers_day(&self, day: i32) -> bool {
        day >= self.starts_on() && self.ends_on().is_none_or(|end| day < end)
    }

    /// A day of the agreement: the nearest one to any day.
    fn clipped(&self, day: i32) -> i32 {
        let day = day.max(self.starts_on());
        self.ends_on().map_or(day, |end| day.min(end - 1))
    }

    /// The number of the version in force on a day: of those effective by then, the highest.
    fn in_force(&self, day: i32) -> usize {
        let effective = self.versions.iter().rposition(|version| version.effective_from <= day);
        effective.unwrap_or(0)
    }

    /// The terms in force on a day, clipped to the agreement.
    fn terms_on(&self, day: i32) -> &Terms {
        &self.versions[self.in_force(self.clipped(day))].terms
    }

    /// The version that gives the settings of a period: that in force on its last day, on the last
    /// day of the agreement for its last period, and the last version for periods after that.
    fn version_of(&self, period: Period) -> &Version {
        if self.is_after_end(period) {
            return self.last();
        }
        &self.versions[self.in_force(self.clipped(self.length().last_day(period)))]
    }

    fn terms_of(&self, period: Period) -> &Terms {
        &self.version_of(period).terms
    }

    /// The first period: the one that holds the day on which the agreement starts.
    fn first_period(&self) -> Period {
        self.length().holding(self.starts_on())
    }

    /// The last period of an agreement that has an end.
    fn last_period(&self) -> Option<Period> {
        self.ends_on().map(|end| self.length().holding(end - 1))
    }

    fn is_after_end(&self, period: Period) -> bool {
        self.last_period().is_some_and(|last| period > last)
    }

    /// Whether the agreement has at least a day in the period.
    fn covers(&self, period: Period) -> bool {
        period >= self.first_period() && !self.is_after_end(period)
    }

    /// Refuses a period that is none, or that lies outside the agreement.
    fn check_period(&self, period: Period) -> Check<()> {
        ensure(self.length().has(period), "a period does not have the length of the terms")?;
        ensure(self.covers(period), "a period lies outside the agreement")
    }

    /// The place of a period, from 0 for the first period of the agreement.
    fn place(&self, period: Period) -> i32 {
        self.length().distance(self.first_period(), period)
    }

    /// The place of the first period of the window that holds the period at `place`
    /// (`docs/calculation.md`, "Time": windows consist of whole periods, and contract years have
    /// 12 months from the first day of the first period).
    fn window_start(&self, window: Window, place: i32) -> i32 {
        match window {
            Window::Period => place,
            Window::Year => place - place % self.length().per_year(),
            Window::Lifetime => 0,
        }
    }

    /// The parties of the ledger: those of all versions. A party never changes.
    fn parties(&self) -> BTreeMap<&str, &Party> {
        let mut parties = BTreeMap::new();
        for party in self.versions.iter().flat_map(|version| &version.terms.parties) {
            parties.entry(party.id.as_str()).or_insert(party);
        }
        parties
    }

    /// The owners and beneficiaries of the ledger, sorted.
    fn beneficiaries(&self) -> BTreeSet<String> {
        let parties = self.parties();
        let paid = parties.values().filter(|party| party.is_paid());
        paid.map(|party| party.id.clone()).collect()
    }

    /// The stretches of a period: its days within the agreement, cut where the version changes.
    fn stretches(&self, period: Period) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for day in self.length().first_day(period)..=self.length().last_day(period) {
            if !self.covers_day(day) {
                continue;
            }
            let version = self.in_force(day);
            match stretches.last_mut() {
                Some(stretch) if stretch.version == version => stretch.last = day,
                _ => stretches.push(Stretch { version, first: day, last: day }),
            }
        }
        stretches
    }

    /// The modifiers of a line under the terms of its day.
    fn modifiers(&self, terms: &Terms, key: &UsageKey) -> Vec<String> {
        let covers =
            |from: i32, to: Option<i32>| from <= key.day && to.is_none_or(|to| key.day < to);
        let mut modifiers = Vec::new();
        for one in &terms.clauses.exclusivities {
            if covers(one.from, one.to) && conditions_hold(&one.conditions, key) {
                modifiers.push(one.id.clone());
            }
        }
        for one in &terms.clauses.contributions {
            let mut claims = self.claims.values().filter(|claim| claim.clause == one.id);
            if claims.any(|claim| covers(claim.from, claim.to))
                && conditions_hold(&one.conditions, key)
            {
                modifiers.push(one.id.clone());
            }
        }
        modifiers
    }

    /// The groups of a period in the order in which they are processed: by stretch, position of the
    /// rule, currency and modifiers.
    fn groups(&self, period: Period) -> Check<Vec<Group>> {
        let stretches = self.stretches(period);
        let mut sums: BTreeMap<(usize, usize, [u8; 3], Vec<String>), Sums> = BTreeMap::new();
        let reports = self.reports.values().filter(|report| report.period == period);
        for (key, usage) in reports.flat_map(|report| &report.usage) {
            let stretch = stretches
                .iter()
                .position(|stretch| (stretch.first..=stretch.last).contains(&key.day))
                .ok_or("a line's day lies outside the agreement")?;
            let terms = &self.versions[stretches[stretch].version].terms;
            let rule = terms.rule_for(key).ok_or("a line matches no rule")?;
            let mut more = usage.sums.clone();
            if terms.clauses.priced {
                more.gross = terms.priced_gross(key, &usage.sums.meters)?;
            }
            let modifiers = self.modifiers(terms, key);
            sums.entry((stretch, rule, key.currency, modifiers)).or_default().add(&more);
        }
        let mut groups = Vec::new();
        for ((stretch, rule, currency, modifiers), sums) in sums {
            let base = base_of(&self.versions[stretches[stretch].version].terms, &sums);
            groups.push(Group { stretch, rule, currency, modifiers, sums, base });
        }
        Ok(groups)
    }

    /// The rate of a currency in a period: 1 for the settlement currency.
    fn conversion(&self, period: Period, currency: [u8; 3]) -> Check<Exact> {
        if currency == self.opening().currency {
            return Ok(Exact::one());
        }
        match self.rates.get(&(period, currency)) {
            Some((rate, _)) => Ok(rate.clone()),
            None => Err(format!(
                "there is no conversion rate of {} for period {}/{}",
                String::from_utf8_lossy(&currency),
                period.year,
                period.number,
            )),
        }
    }

    /// The conversion rates that the groups of a period use, sorted by currency.
    fn rates_used(&self, period: Period) -> Check<Vec<([u8; 3], Exact, Hash)>> {
        let used: BTreeSet<[u8; 3]> =
            self.groups(period)?.iter().map(|group| group.currency).collect();
        let rates = used.into_iter().filter_map(|currency| {
            let (rate, event) = self.rates.get(&(period, currency))?;
            Some((currency, rate.clone(), *event))
        });
        Ok(rates.collect())
    }

    /// Refuses a statement for `last` while a line up to it has no conversion rate.
    fn check_conversion(&self, last: Period) -> Check<()> {
        for report in self.reports.values().filter(|report| report.period <= last) {
            for key in report.usage.keys() {
                self.conversion(report.period, key.currency)?;
            }
        }
        Ok(())
    }

    /// Reports in effect whose gross is further from the priced one than the terms tolerate.
    fn price_findings(&self) -> Check<Vec<PriceFinding>> {
        let mut findings = Vec::new();
        for (event, report) in &self.reports {
            // Per currency: whether some gross was reported, what, the priced gross, the tolerance.
            let mut sums: BTreeMap<[u8; 3], (bool, Exact, Exact, Exact)> = BTreeMap::new();
            for (key, usage) in &report.usage {
                let terms = self.terms_on(key.day);
                if terms.clauses.priced {
                    let priced = terms.priced_gross(key, &usage.sums.meters)?;
                    let sum = sums.entry(key.currency).or_default();
                    sum.0 |= !usage.sums.gross.is_zero();
                    sum.1 += &usage.sums.gross;
                    sum.2 += priced;
                    // One tolerance: the largest of the days that are priced.
                    let tolerance = &terms.clauses.price_tolerance;
                    sum.3 = sum.3.clone().max(tolerance.clone());
                }
            }
            for (currency, (some, reported, priced, tolerance)) in sums {
                if some && (&reported - &priced).abs() > tolerance * priced.abs() {
                    findings.push(PriceFinding { report: *event, currency, reported, priced });
                }
            }
        }
        Ok(findings)
    }
}

// ------------------------------------------------------------------------------------------------
// 9. The arithmetic (`docs/calculation.md`): from groups to what a period comes to
// ------------------------------------------------------------------------------------------------

/// One stretch with its groups, ready to be rated.
struct Ride<'f> {
    /// The place of its period.
    place: i32,
    terms: &'f Terms,
    groups: Vec<Rated<'f>>,
}

/// A group with its base in the settlement currency.
struct Rated<'f> {
    rule: &'f Rule,
    converted: Exact,
    meters: PerName,
    modifiers: Vec<String>,
}

impl Rated<'_> {
    /// What tiers count of the group: its meter, or the converted base.
    fn measure(&self, tiers: &Tiers) -> Exact {
        match &tiers.meter {
            Some(meter) => self.meters.get(meter).cloned().unwrap_or_default(),
            None => self.converted.clone(),
        }
    }
}

impl Ride<'_> {
    /// The groups that one rule rates.
    fn groups_of(&self, rule: &str) -> impl Iterator<Item = &Rated<'_>> {
        self.groups.iter().filter(move |group| group.rule.id == rule)
    }

    /// The rate of a party for a group of this stretch (step 6): the share and the points of the
    /// group's modifiers, between floor and ceiling.
    fn rate(&self, group: &Rated<'_>, party: &str, share: &Exact) -> Exact {
        let clauses = &self.terms.clauses;
        let mut rate = share.clone();
        for id in &group.modifiers {
            let exclusivities = clauses.exclusivities.iter();
            let exclusivities = exclusivities.filter(|one| one.id == *id).map(|one| &one.add);
            let contributions = clauses.contributions.iter();
            let contributions = contributions.filter(|one| one.id == *id).map(|one| &one.add);
            for add in exclusivities.chain(contributions) {
                rate += add.get(party).cloned().unwrap_or_default();
            }
        }
        self.terms.limits.clamp(&rate)
    }
}

/// Adds an amount to what a party has.
fn add_to(amounts: &mut PerParty, party: &str, amount: Exact) {
    *amounts.entry(party.to_string()).or_default() += amount;
}

/// Stretches of one rule, one after another, in which it reads the same, in one window: what whole
/// tiers rate by one step. The numbers are positions in the history.
struct Segment<'f> {
    tiers: &'f Tiers,
    rides: Vec<usize>,
}

/// All stretches of an agreement up to a period, in order. Everything about tiers is computed
/// from its beginning.
struct History<'f> {
    facts: &'f Facts,
    rides: Vec<Ride<'f>>,
}

impl<'f> History<'f> {
    fn new(facts: &'f Facts, last: Period) -> Check<History<'f>> {
        let mut rides = Vec::new();
        let mut period = facts.first_period();
        while period <= last && facts.covers(period) {
            let groups = facts.groups(period)?;
            for (number, stretch) in facts.stretches(period).iter().enumerate() {
                let terms = &facts.versions[stretch.version].terms;
                let mut rated = Vec::new();
                for group in groups.iter().filter(|group| group.stretch == number) {
                    rated.push(Rated {
                        rule: &terms.rules[group.rule],
                        converted: &group.base * facts.conversion(period, group.currency)?,
                        meters: group.sums.meters.clone(),
                        modifiers: group.modifiers.clone(),
                    });
                }
                rides.push(Ride { place: facts.place(period), terms, groups: rated });
            }
            period = facts.length().next(period);
        }
        Ok(History { facts, rides })
    }

    /// Whether a stretch lies in the window of a rule now in force at `place`, or after it.
    fn is_in_window(&self, ride: &Ride<'_>, tiers: &Tiers, place: i32) -> bool {
        ride.place >= self.facts.window_start(tiers.window, place)
    }

    /// The position of a rule (step 5), in what `tiers` count and over their window, which holds the
    /// period at `place`: over all stretches before `ride`, and the first `groups` groups of the
    /// rule in it.
    fn position(&self, rule: &str, tiers: &Tiers, place: i32, ride: usize, groups: usize) -> Exact {
        let mut position = Exact::zero();
        for earlier in &self.rides[..ride] {
            if self.is_in_window(earlier, tiers, place) {
                for group in earlier.groups_of(rule) {
                    position += group.measure(tiers);
                }
            }
        }
        if let Some(now) = self.rides.get(ride) {
            for group in now.groups_of(rule).take(groups) {
                position += group.measure(tiers);
            }
        }
        position
    }

    /// Whether a rule was in force before a stretch, in the window of the tiers now in force.
    fn was_in_force(&self, rule: &str, tiers: &Tiers, ride: usize) -> bool {
        let place = self.rides[ride].place;
        self.rides[..ride].iter().any(|earlier| {
            self.is_in_window(earlier, tiers, place) && earlier.terms.rule(rule).is_some()
        })
    }

    /// What every party earns in the period at `place`, exactly (steps 5 to 7).
    fn earned(&self, place: i32) -> PerParty {
        let mut earned = PerParty::new();
        let mut whole: BTreeSet<&str> = BTreeSet::new();
        for (at, ride) in self.rides.iter().enumerate().filter(|(_, ride)| ride.place == place) {
            for rule in &ride.terms.rules {
                match &rule.pay {
                    Pay::Flat(shares) => {
                        for group in ride.groups_of(&rule.id) {
                            for (party, share) in shares {
                                let rate = ride.rate(group, party, share);
                                add_to(&mut earned, party, rate * &group.converted);
                            }
                        }
                    }
                    Pay::Tiered(tiers) if tiers.whole => {
                        whole.insert(&rule.id);
                    }
                    Pay::Tiered(tiers) => self.marginal(&mut earned, &rule.id, tiers, at),
                }
            }
        }
        // Whole tiers: what the window comes to at the end of the period, less what it came to at
        // the end of the one before.
        for rule in whole {
            for segment in self.segments(rule) {
                if segment.rides.iter().any(|at| self.rides[*at].place == place) {
                    for (party, amount) in self.whole(rule, &segment, place) {
                        add_to(&mut earned, &party, amount);
                    }
                    for (party, amount) in self.whole(rule, &segment, place - 1) {
                        add_to(&mut earned, &party, -amount);
                    }
                }
            }
        }
        earned
    }

    /// Marginal tiers, in one stretch. Per group: base/q × the integral of the step rates from the
    /// position to the position + q; for q = 0 the base times the rate of the step that the
    /// position stands in. Then the flats of the steps entered in the stretch.
    fn marginal(&self, earned: &mut PerParty, rule: &str, tiers: &Tiers, at: usize) {
        let ride = &self.rides[at];
        for (number, group) in ride.groups_of(rule).enumerate() {
            let from = self.position(rule, tiers, ride.place, at, number);
            let measure = group.measure(tiers);
            let to = &from + &measure;
            let stands_from = standing(&tiers.steps, &from);
            let mut step_start: Option<&Exact> = None; // none: the first step has no lower end
            for (index, step) in tiers.steps.iter().enumerate() {
                let step_end = step.bound.as_ref().map(|bound| &bound.at);
                let units = units_within(&from, &to, step_start, step_end);
                let base_here = if !measure.is_zero() {
                    &group.converted / &measure * &units
                } else if index == stands_from {
                    group.converted.clone()
                } else {
                    Exact::zero()
                };
                for (party, share) in &step.share {
                    add_to(earned, party, ride.rate(group, party, share) * &base_here);
                }
                for (party, per_unit) in &step.per_unit {
                    add_to(earned, party, per_unit * &units);
                }
                step_start = step_end;
            }
        }
        // Every step from the first to the one that a position stands in is entered. Before the
        // rule is in force in the window none is, so its first stretch has the first step's flat.
        let before = self.position(rule, tiers, ride.place, at, 0);
        let after = self.position(rule, tiers, ride.place, at + 1, 0);
        let entered_before = match self.was_in_force(rule, tiers, at) {
            true => standing(&tiers.steps, &before) + 1,
            false => 0,
        };
        let entered_after = standing(&tiers.steps, &after) + 1;
        for (index, step) in tiers.steps.iter().enumerate() {
            for (party, flat) in &step.flat {
                if index < entered_after {
                    add_to(earned, party, flat.clone());
                }
                if index < entered_before {
                    add_to(earned, party, -flat.clone());
                }
            }
        }
    }

    /// The segments of a rule with whole tiers. A stretch without the rule is passed over.
    fn segments(&self, rule: &str) -> Vec<Segment<'f>> {
        let mut segments: Vec<Segment<'f>> = Vec::new();
        let mut before: Option<(&Rule, i32)> = None;
        for (at, ride) in self.rides.iter().enumerate() {
            let Some(text) = ride.terms.rule(rule) else {
                continue;
            };
            if let Pay::Tiered(tiers) = &text.pay
                && tiers.whole
            {
                let start = |place| self.facts.window_start(tiers.window, place);
                let continues = before.is_some_and(|(text_before, place_before)| {
                    text == text_before && start(ride.place) == start(place_before)
                });
                match segments.last_mut() {
                    Some(segment) if continues => segment.rides.push(at),
                    _ => segments.push(Segment { tiers, rides: vec![at] }),
                }
            }
            before = Some((text, ride.place));
        }
        segments
    }

    /// W: what a segment comes to at the end of the period at `place`, all of its groups rated by
    /// the step that the position stands in there (or where the segment was closed, if that was
    /// before); nothing if it has not begun.
    fn whole(&self, rule: &str, segment: &Segment<'_>, place: i32) -> PerParty {
        let tiers = segment.tiers;
        let rides: Vec<usize> =
            segment.rides.iter().copied().filter(|at| self.rides[*at].place <= place).collect();
        let mut earned = PerParty::new();
        let (Some(first), Some(last)) = (rides.first(), rides.last()) else {
            return earned;
        };
        let place = self.rides[*first].place; // of the window that holds the segment
        let position = self.position(rule, tiers, place, last + 1, 0);
        let step = &tiers.steps[standing(&tiers.steps, &position)];
        for at in &rides {
            let ride = &self.rides[*at];
            for group in ride.groups_of(rule) {
                for (party, share) in &step.share {
                    add_to(&mut earned, party, ride.rate(group, party, share) * &group.converted);
                }
                for (party, per_unit) in &step.per_unit {
                    add_to(&mut earned, party, per_unit * group.measure(tiers));
                }
            }
        }
        for (party, flat) in &step.flat {
            add_to(&mut earned, party, flat.clone());
        }
        // A change of the text does not charge the flat again that an earlier text charged.
        if self.was_in_force(rule, tiers, *first) {
            let begun = self.position(rule, tiers, place, *first, 0);
            for (party, flat) in &tiers.steps[standing(&tiers.steps, &begun)].flat {
                add_to(&mut earned, party, -flat.clone());
            }
        }
        earned
    }
}

/// How much of the way from `from` to `to` lies in a step; negative where the way leads down.
fn units_within(from: &Exact, to: &Exact, start: Option<&Exact>, end: Option<&Exact>) -> Exact {
    let into_step = |position: &Exact| {
        let mut inside = position.clone();
        if let Some(start) = start {
            inside = inside.max(start.clone());
        }
        if let Some(end) = end {
            inside = inside.min(end.clone());
        }
        inside
    };
    into_step(to) - into_step(from)
}

/// The step that a position stands in: the first whose bound holds it, or else the last.
fn standing(steps: &[Step], position: &Exact) -> usize {
    steps
        .iter()
        .position(|step| match &step.bound {
            Some(bound) if bound.inclusive => *position <= bound.at,
            Some(bound) => *position < bound.at,
            None => true,
        })
        .unwrap_or(steps.len().saturating_sub(1))
}

/// Rounds to so many fraction digits, symmetric about zero.
fn round(amount: &Exact, digits: u32, rounding: Rounding) -> Exact {
    let units = amount.abs() * ten_to(digits);
    let mut whole = units.floor().to_integer();
    let rest_doubled = (&units - &whole) * BigInt::from(2);
    let one = Exact::one();
    let up = match rounding {
        Rounding::Down => false,
        Rounding::HalfUp => rest_doubled >= one,
        Rounding::HalfEven => {
            let even = (&whole % BigInt::from(2)).is_zero();
            rest_doubled > one || (rest_doubled == one && !even)
        }
    };
    if up {
        whole += 1;
    }
    let rounded = Exact::new(whole, ten_to(digits));
    if amount.is_negative() { -rounded } else { rounded }
}

/// What went past a cap in its window so far, and what did not (step 8).
#[derive(Clone, Default, Debug)]
struct Tracker {
    kept: Exact,
    cut: Exact,
}

impl Tracker {
    /// What the cap leaves of an amount. Without a cap everything is left, and counted.
    fn pass(&mut self, amount: &Exact, cap: Option<&Exact>) -> Exact {
        let out = if amount.is_negative() {
            let from_cut = self.cut.clone().min(-amount);
            self.cut -= &from_cut;
            amount + from_cut
        } else {
            let room = cap.map(|cap| (cap - &self.kept).max(Exact::zero()));
            let out = room.map_or(amount.clone(), |room| room.min(amount.clone()));
            self.cut += amount - &out;
            out
        };
        self.kept += &out;
        out
    }
}

/// Divides an amount of so many fraction digits by weights: each part gets the whole minor units
/// of its share of the absolute value, and the units left go to the largest remainders, ties in the
/// order of the parts (step 9).
fn divide(amount: &Exact, digits: u32, parts: &[(String, Exact)]) -> Vec<(String, Exact)> {
    let units = amount.abs() * ten_to(digits);
    let weights: Exact = parts.iter().map(|(_, weight)| weight).sum();
    let exact: Vec<Exact> = parts.iter().map(|(_, weight)| &units * weight / &weights).collect();
    let mut whole: Vec<Exact> = exact.iter().map(Exact::floor).collect();
    let mut left = &units - whole.iter().sum::<Exact>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    // A stable sort: equal remainders stay in the order of the parts.
    order.sort_by_key(|part| std::cmp::Reverse(exact[*part].fract()));
    for part in order {
        if left.is_positive() {
            whole[part] += Exact::one();
            left -= Exact::one();
        }
    }
    let sign = if amount.is_negative() { -Exact::one() } else { Exact::one() };
    let amounts = whole.into_iter().map(|units| units * &sign / ten_to(digits));
    parts.iter().map(|(to, _)| to.clone()).zip(amounts).collect()
}

/// What a period amounts to, from the facts known now: base and shares in minor units.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Computed {
    period: Period,
    base: Exact,
    /// Every owner and beneficiary.
    shares: PerParty,
}

/// The windows, from the narrowest to the widest: caps and minimums go through them in this order.
const WINDOWS: [Window; 3] = [Window::Period, Window::Year, Window::Lifetime];

/// What one party came to in one period, before splits.
#[derive(Clone, Default, Debug)]
struct Guaranteed {
    after_caps: Exact,
    /// One per window.
    top_ups: [Exact; 3],
}

/// What runs from period to period for one party.
#[derive(Default)]
struct Running {
    earned: Exact,
    rounded: Exact,
    /// One per window.
    trackers: [Tracker; 3],
    /// One per period so far.
    periods: Vec<Guaranteed>,
}

impl Facts {
    /// Every period from the first of the agreement up to `last`, computed from scratch.
    ///
    /// Bases are rounded each for itself, also where shares are carried. In a period after the
    /// last of the agreement no rule is in force: it earns nothing, and no flat falls in it.
    fn compute(&self, last: Period) -> Check<Vec<Computed>> {
        let history = History::new(self, last)?;
        let mut running: BTreeMap<String, Running> = BTreeMap::new();
        let mut computed = Vec::new();
        let mut period = self.first_period();
        while period <= last {
            let (place, terms) = (self.place(period), self.terms_of(period));
            let rides = history.rides.iter().filter(|ride| ride.place == place);
            let base: Exact =
                rides.flat_map(|ride| &ride.groups).map(|group| &group.converted).sum();
            let mut earned = history.earned(place);
            let mut shares = PerParty::new();
            for party in self.beneficiaries() {
                let earned = earned.remove(&party).unwrap_or_default();
                let running = running.entry(party.clone()).or_default();
                let amount = self.guaranteed(&party, period, earned, running);
                shares.insert(party, amount);
            }
            let mut shares = split(terms, shares);
            // An adopted figure says what the party gets, and moves nothing else (step 14).
            for (party, share) in &mut shares {
                if let Some(figure) = self.figures.get(&(period, party.clone())) {
                    *share = figure.clone();
                }
            }
            computed.push(Computed { period, base: terms.round(&base), shares });
            period = self.length().next(period);
        }
        Ok(computed)
    }

    /// Rounds what a party earned in a period, and takes it through its caps and minimums.
    fn guaranteed(
        &self,
        party: &str,
        period: Period,
        earned: Exact,
        running: &mut Running,
    ) -> Exact {
        let (place, terms) = (self.place(period), self.terms_of(period));
        running.earned += &earned;
        let rounded = match terms.carry {
            // R(Σ earned up to p) − Σ rounded(before p)
            true => terms.round(&running.earned) - &running.rounded,
            false => terms.round(&earned),
        };
        running.rounded += &rounded;

        let mut now = Guaranteed { after_caps: rounded, ..Guaranteed::default() };
        for (window, tracker) in WINDOWS.into_iter().zip(&mut running.trackers) {
            if self.window_start(window, place) == place {
                *tracker = Tracker::default();
            }
            let cap = terms.clauses.caps.iter();
            let cap = cap.filter(|cap| cap.to == party && cap.window == window);
            let cap = cap.map(|cap| &cap.amount).next();
            now.after_caps = tracker.pass(&now.after_caps, cap);
        }
        running.periods.push(now);
        for (number, window) in WINDOWS.into_iter().enumerate() {
            let minimums = terms.clauses.minimums.iter();
            for minimum in minimums.filter(|one| one.to == party && one.window == window) {
                let Some(guarantee) = self.guarantee(minimum, period) else {
                    continue;
                };
                let mut got = Exact::zero();
                let first = self.window_start(window, place) as usize;
                for before in &running.periods[first..] {
                    got += &before.after_caps;
                    got += before.top_ups[..number].iter().sum::<Exact>();
                }
                let top_up = (guarantee - got).max(Exact::zero());
                if let Some(now) = running.periods.last_mut() {
                    now.top_ups[number] = top_up;
                }
            }
        }
        let now = running.periods.last().cloned().unwrap_or_default();
        now.after_caps + now.top_ups.iter().sum::<Exact>()
    }

    /// The guarantee that falls due in a period: in the last of its window, or of the agreement.
    fn guarantee(&self, minimum: &Clause, period: Period) -> Option<Exact> {
        let (length, place) = (self.length(), self.place(period));
        if self.is_after_end(period) {
            return None;
        }
        let is_last = self.last_period() == Some(period);
        if minimum.window == Window::Lifetime {
            return is_last.then(|| minimum.amount.clone());
        }
        let start = self.window_start(minimum.window, place);
        if self.window_start(minimum.window, place + 1) == start && !is_last {
            return None;
        }
        // The days of the window: whole periods, also where the agreement does not cover them.
        let mut first = self.first_period();
        for _ in 0..start {
            first = length.next(first);
        }
        let periods = if minimum.window == Window::Year { length.per_year() } else { 1 };
        let mut days = 0;
        let mut covered = 0;
        let mut of_window = first;
        for _ in 0..periods {
            for day in length.first_day(of_window)..=length.last_day(of_window) {
                days += 1;
                covered += i32::from(self.covers_day(day));
            }
            of_window = length.next(of_window);
        }
        let exact = &minimum.amount * Exact::new(covered.into(), days.into());
        Some(self.terms_of(period).round(&exact))
    }
}

/// What every party has once the amounts of some are divided again (step 9).
fn split(terms: &Terms, amounts: PerParty) -> PerParty {
    let splits = &terms.clauses.splits;
    let mut shares = PerParty::new();
    for (party, amount) in &amounts {
        match splits.iter().find(|split| split.of == *party) {
            None => add_to(&mut shares, party, amount.clone()),
            Some(split) => {
                add_to(&mut shares, party, Exact::zero());
                for (to, part) in divide(amount, terms.minor_digits, &split.parts) {
                    add_to(&mut shares, &to, part);
                }
            }
        }
    }
    shares
}

// ------------------------------------------------------------------------------------------------
// 10. Accounts: advances, open items, late interest, withholding
// ------------------------------------------------------------------------------------------------

/// What is kept per owner and beneficiary besides what was booked.
#[derive(Clone, Default, Debug)]
struct Account {
    /// Posted late interest.
    interest: Exact,
    recouped: Exact,
    /// Confirmed advances.
    advanced: Exact,
    /// Confirmed payouts, without their parts on account.
    paid: Exact,
    /// Parts on account of confirmed payouts.
    on_account: Exact,
    /// Tax withheld on confirmed payouts.
    withheld: Exact,
    queue: Queue,
}

/// What a statement recoups of advances for a party, or gives back (step 11). `net` is all that the
/// statement books for the party, `balance` what the balance was before it.
fn recoupment(account: &Account, net: &Exact, balance: &Exact) -> Exact {
    if net.is_negative() {
        return -(account.recouped.clone().min(-net));
    }
    let open = &account.advanced - &account.recouped;
    open.min(net.clone()).min((balance + net).max(Exact::zero()))
}

/// What is open and since when, and what of payments and debits was not used up yet.
#[derive(Clone, Default, Debug)]
struct Queue {
    /// Sorted by due day, period and kind; equal ones in the order in which they came.
    items: Vec<Item>,
    credit: Exact,
}

/// An amount that is owed.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Item {
    period: Period,
    /// Late interest, or else a share.
    is_interest: bool,
    /// The nominal due day.
    due: i32,
    /// The day after which interest runs, if it does.
    interest_from: Option<i32>,
    open: Exact,
    /// Whether the statement at hand adds it.
    is_new: bool,
}

/// A part of an item that a payout settled.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Settled {
    period: Period,
    is_interest: bool,
    due: i32,
    interest_from: Option<i32>,
    amount: Exact,
}

impl Queue {
    /// Adds an item behind those that sort alike.
    fn add(&mut self, period: Period, is_interest: bool, due: i32, amount: Exact) {
        self.push(Item {
            period,
            is_interest,
            due,
            interest_from: None,
            open: amount,
            is_new: true,
        });
    }

    fn push(&mut self, item: Item) {
        self.items.push(item);
        // A stable sort: equal items stay in the order in which they came.
        self.items.sort_by_key(|item| (item.due, item.period, item.is_interest));
    }

    /// Uses the credit up against the items, oldest first, in two rounds: the first leaves of the
    /// shares of a period open what disputes hold of it, the second settles what the first left.
    fn use_credit(&mut self, held: &PerPeriod) -> Vec<Settled> {
        let mut settled = Vec::new();
        let mut free = self.open_shares();
        for (period, open) in &mut free {
            let held = held.get(period).cloned().unwrap_or_default();
            *open -= held.min(open.clone());
        }
        for leaves_held in [true, false] {
            for item in &mut self.items {
                let mut amount = self.credit.clone().min(item.open.clone());
                if leaves_held && !item.is_interest {
                    let free = free.entry(item.period).or_default();
                    amount = amount.min(free.clone());
                    *free -= amount.clone().max(Exact::zero());
                }
                if amount.is_positive() {
                    item.open -= &amount;
                    self.credit -= &amount;
                    settled.push(Settled {
                        period: item.period,
                        is_interest: item.is_interest,
                        due: item.due,
                        interest_from: item.interest_from,
                        amount,
                    });
                }
            }
        }
        self.items.retain(|item| !item.open.is_zero());
        settled
    }

    /// What is open of the shares of each period.
    fn open_shares(&self) -> PerPeriod {
        let mut open = PerPeriod::new();
        for item in self.items.iter().filter(|item| !item.is_interest) {
            *open.entry(item.period).or_default() += &item.open;
        }
        open
    }

    /// Takes an amount back: first from the credit, then from what a payout settled, the last piece
    /// first; what is still missing makes the credit negative. What opens again bears interest, if
    /// it did, from the day that the payout counts for, or later.
    fn take_back(&mut self, amount: Exact, pieces: &mut Vec<Settled>, day: i32) {
        let mut missing = amount;
        let of_credit = self.credit.clone().max(Exact::zero()).min(missing.clone());
        self.credit -= &of_credit;
        missing -= of_credit;
        while missing.is_positive() {
            let Some(mut piece) = pieces.pop() else {
                break;
            };
            let amount = piece.amount.clone().min(missing.clone());
            missing -= &amount;
            piece.amount -= &amount;
            self.push(Item {
                period: piece.period,
                is_interest: piece.is_interest,
                due: piece.due,
                interest_from: piece.interest_from.map(|from| from.max(day)),
                open: amount,
                is_new: false,
            });
            if piece.amount.is_positive() {
                pieces.push(piece);
            }
        }
        self.credit -= missing;
    }

    /// What is open becomes payable with a statement whose amount is due on `due`: interest runs on
    /// shares from their due day; on what was carried until now, not before `due`.
    fn become_payable(&mut self, due: i32) {
        for item in &mut self.items {
            if !item.is_interest && item.interest_from.is_none() {
                item.interest_from = Some(if item.is_new { item.due } else { item.due.max(due) });
            }
        }
    }

    /// The statement is posted.
    fn close_statement(&mut self) {
        self.items.iter_mut().for_each(|item| item.is_new = false);
    }
}

impl Facts {
    /// Late interest on what a payout settled: amount × rate × days / 365, if it came late.
    fn interest_on(
        &self,
        to: &str,
        payout: Hash,
        settled: Settled,
        received: i32,
    ) -> Option<InterestLine> {
        let Settled { period, interest_from, amount: principal, .. } = settled;
        let due = interest_from.filter(|due| *due < received)?;
        let terms = self.terms_on(due);
        let rate = terms.late_interest(due);
        let days = Exact::new((received - due).into(), 365.into());
        let amount = terms.round(&(&principal * &rate * days));
        let to = to.to_string();
        amount.is_positive().then_some(InterestLine {
            to,
            payout,
            period,
            principal,
            due,
            received,
            rate,
            amount,
        })
    }

    /// The day on which the amount of a period is due.
    fn due_day(&self, period: Period) -> i32 {
        self.length().last_day(period) + i32::from(self.terms_of(period).due_days)
    }
}

// ------------------------------------------------------------------------------------------------
// 11. The ledger: which event is admissible when, and what it changes
// ------------------------------------------------------------------------------------------------

/// The state after the records read so far.
struct Ledger {
    id: Hash,
    /// The level of the format that the ledger was opened at.
    opened_at: u16,
    facts: Facts,
    opening_content: Hash,
    /// Parties that accepted the opening, the opener included.
    accepted: BTreeSet<String>,
    /// Every amendment, conversion rate and contribution that was proposed, by its event.
    proposals: BTreeMap<Hash, Proposal>,

    /// How many records there are, the recorded time of the last, and its hash.
    records: u64,
    time: i64,
    head: Hash,
    /// Ids of all events.
    events: BTreeSet<Hash>,
    /// Parts whose closing event has not come yet: they have no effect so far.
    group: Vec<Part>,
    /// The record hash before that group.
    head_before_group: Hash,

    /// Periods whose report was recorded as missing.
    missing: BTreeSet<Period>,
    /// Lines of all reports, replaced ones included.
    lines: u64,
    /// What all reports, replaced ones included, hold of money and quantities.
    exposure: Exposure,
    /// What took effect since the last statement and can move a period, in that order.
    since_statement: Vec<Moved>,

    /// Every stated period. Its first is the first of the agreement, and there are no gaps.
    stated: BTreeMap<Period, Stated>,
    accounts: BTreeMap<String, Account>,
    /// Late interest that the next statement posts.
    pending_interest: Vec<InterestLine>,
    /// Payouts and advances neither confirmed nor returned.
    in_transit: BTreeMap<Hash, Transit>,
    /// Every payout that was ever sent.
    payouts: BTreeMap<Hash, SentPayout>,

    /// Corrections, by what they replaced.
    corrections: BTreeMap<Hash, Hash>,
    /// Every dispute, by its dispute-opened.
    disputes: BTreeMap<Hash, Dispute>,
    /// Every commitment to evidence.
    evidence: BTreeMap<Hash, Evidence>,
}

/// A part that waits for its closing event.
struct Part {
    event: Hash,
    /// Its recorded time.
    time: i64,
    payload_digest: Hash,
    author: String,
    block: Block,
}

/// What needs the acceptance of others.
struct Proposal {
    author: String,
    seq: u64,
    /// The day of its recorded time.
    day: i64,
    content: Hash,
    /// The parties whose acceptance it needs: the money parties of the version that was the last one
    /// when it was proposed, and of the terms that it proposes.
    needed: BTreeSet<String>,
    /// The proposer included.
    accepted: BTreeSet<String>,
    status: Status,
    what: Proposed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Status {
    Pending,
    Accepted,
    Rejected,
    Withdrawn,
    Lapsed,
}

enum Proposed {
    Amendment(Box<Amendment>),
    Rate(ConversionRate),
    Claim(Claim),
}

/// What all reports together hold, as absolute values per key (`log-format.md`, "Bounds").
#[derive(Clone, Default)]
struct Exposure {
    /// Gross and deductions.
    money: BTreeMap<[u8; 3], Exact>,
    quantities: PerName,
    /// The largest conversion rate that was ever proposed.
    rates: BTreeMap<[u8; 3], Exact>,
}

/// What took effect, and so can have moved a period.
struct Moved {
    /// The sequence number of the event.
    seq: u64,
    event: Hash,
    by: MovedBy,
}

enum MovedBy {
    /// A report, a correction or a conversion rate, of a period; the resolution of a dispute about
    /// it that adopted something.
    Period(Period),
    Amendment {
        effective_from: i32,
        changes_end: bool,
    },
    /// A contribution, or its end, with the first day of its interval.
    Contribution {
        from: i32,
    },
}

/// What all statements together say about a period.
struct Stated {
    /// The statement whose own period it is.
    statement: Hash,
    base: Exact,
    shares: PerParty,
    /// Parties that accepted that statement.
    accepted: BTreeSet<String>,
    /// The recorded day of the last statement that has an entry of the period.
    day: i64,
}

/// A payout or an advance on its way.
enum Transit {
    Payout(Payout),
    Advance { to: String, amount: Exact, paid: i32 },
}

impl Transit {
    fn to(&self) -> &str {
        match self {
            Transit::Payout(payout) => &payout.to,
            Transit::Advance { to, .. } => to,
        }
    }
}

impl Exposure {
    /// Adds what a report holds.
    fn add(&mut self, usage: &BTreeMap<UsageKey, Usage>) {
        for (key, Usage { sums, .. }) in usage {
            let money = self.money.entry(key.currency).or_default();
            *money += sums.gross.abs();
            *money += sums.deductions.values().map(Exact::abs).sum::<Exact>();
            for (meter, quantity) in &sums.meters {
                *self.quantities.entry(meter.clone()).or_default() += quantity.abs();
            }
        }
    }

    /// Remembers a conversion rate that was proposed.
    fn propose(&mut self, rate: &ConversionRate) {
        let largest = self.rates.entry(rate.currency).or_default();
        *largest = largest.clone().max(rate.rate.clone());
    }

    /// The money that a unit of a currency can come to in the settlement currency.
    fn factor(&self, currency: &[u8; 3], settlement: &[u8; 3]) -> Exact {
        if currency == settlement {
            return Exact::one();
        }
        let largest = self.rates.get(currency).map(Exact::ceil).unwrap_or_default();
        largest.max(Exact::one())
    }

    /// Refuses more money than a ledger may hold under all of these terms.
    fn check(&self, versions: &[&Terms]) -> Check<()> {
        let settlement = &versions[0].currency;
        let mut money = Exact::zero();
        for (currency, amount) in &self.money {
            money += amount * self.factor(currency, settlement);
        }
        let prices = versions.iter().flat_map(|terms| &terms.clauses.prices);
        let currencies: BTreeSet<&[u8; 3]> = prices.map(|price| &price.currency).collect();
        for (meter, quantity) in &self.quantities {
            let largest = |of: &dyn Fn(&Terms) -> Exact| {
                versions.iter().map(|terms| of(terms)).max().unwrap_or_default()
            };
            let mut of_unit = largest(&|terms| terms.largest_per_unit(meter));
            for currency in &currencies {
                of_unit += largest(&|terms| terms.largest_price(meter, currency))
                    * self.factor(currency, settlement);
            }
            money += quantity * of_unit;
        }
        let most = Exact::from(ten_to(LEDGER_MONEY_DIGITS));
        ensure(money <= most, "the ledger has too much money")
    }
}

/// Refuses an amount that is not positive or has a fraction of the minor unit.
fn check_payment(terms: &Terms, amount: &Exact) -> Check<()> {
    ensure(amount.is_positive(), "a payout or an advance is not a positive amount")?;
    ensure(
        (amount * ten_to(terms.minor_digits)).is_integer(),
        "a payout or an advance has a fraction of the minor unit",
    )
}

/// Refuses more payouts or more advances to a party than a ledger may hold.
fn check_payments(sum: &Exact) -> Check<()> {
    let most = Exact::from(ten_to(LEDGER_MONEY_DIGITS));
    ensure(*sum <= most, "the payouts or advances to a party come to too much")
}

impl Ledger {
    /// Record 0.
    fn open(record: &Record<'_>) -> Check<Ledger> {
        ensure(record.ledger_id == [0; 32], "record 0 names a ledger id")?;
        ensure(record.before == [0; 32], "record 0 names a record before it")?;
        ensure(record.kind == 1, "the first record does not open the ledger")?;
        ensure(record.version == record.level, "the terms do not have the level of the ledger")?;
        let terms = read_terms(record.payload, record.level)?;
        let author = terms.party(&record.party).ok_or("the author is no party of the agreement")?;
        check_key(author, record)?;
        ensure(author.is_money_party(), "only a money party opens a ledger")?;
        let opening = Version {
            event: record.event_id,
            effective_from: terms.starts_on,
            digest: terms_digest(record.payload),
            terms,
        };
        Ok(Ledger {
            id: record.hash,
            opened_at: record.level,
            facts: Facts {
                versions: vec![opening],
                reports: BTreeMap::new(),
                claims: BTreeMap::new(),
                rates: BTreeMap::new(),
                figures: BTreeMap::new(),
            },
            opening_content: record.content_digest(),
            accepted: BTreeSet::from([record.party.clone()]),
            proposals: BTreeMap::new(),
            records: 1,
            time: record.time,
            head: record.hash,
            events: BTreeSet::from([record.event_id]),
            group: Vec::new(),
            head_before_group: record.hash,
            missing: BTreeSet::new(),
            lines: 0,
            exposure: Exposure::default(),
            since_statement: Vec::new(),
            stated: BTreeMap::new(),
            accounts: BTreeMap::new(),
            pending_interest: Vec::new(),
            in_transit: BTreeMap::new(),
            payouts: BTreeMap::new(),
            corrections: BTreeMap::new(),
            disputes: BTreeMap::new(),
            evidence: BTreeMap::new(),
        })
    }

    /// The current level: an amendment in force brings a ledger to level 2.
    fn level(&self) -> u16 {
        if self.opened_at == 2 || self.facts.versions.len() > 1 { 2 } else { 1 }
    }

    /// Any later record: its place on the log, its author, its event.
    fn append(&mut self, record: &Record<'_>) -> Check<()> {
        ensure(record.ledger_id == self.id, "a record belongs to another ledger")?;
        ensure(record.level == self.opened_at, "a record has another level than its ledger")?;
        ensure(record.seq == self.records, "a record has the wrong sequence number")?;
        ensure(record.before == self.head, "a record does not name the record before it")?;
        ensure(record.time >= self.time, "recorded time runs backwards")?;
        ensure(self.events.insert(record.event_id), "an event stands on the log twice")?;
        let event = read_event(record.kind, record.version, record.payload)?;
        let role = self.author(record, &event)?;
        self.check_level(record)?;
        let first = self.group.first().map_or(record.time, |part| part.time);
        self.admit(record, role, event)?;
        self.see_disputes(record, first);
        self.records += 1;
        self.time = record.time;
        self.head = record.hash;
        if self.group.is_empty() {
            self.head_before_group = record.hash;
        }
        Ok(())
    }

    /// The role of the author, who signs with its key: a party of the ledger, or a party of the
    /// terms that it accepts or rejects, which has no role yet.
    fn author(&self, record: &Record<'_>, event: &Event) -> Check<Option<Role>> {
        if let Some(party) = self.facts.parties().get(record.party.as_str()) {
            check_key(party, record)?;
            return Ok(Some(party.role));
        }
        let proposal = match event {
            Event::Accepted { event: proposal, .. } | Event::ProposalRejected { proposal } => {
                self.proposals.get(proposal)
            }
            _ => None,
        };
        let party = match proposal.map(|proposal| &proposal.what) {
            Some(Proposed::Amendment(amendment)) => amendment.terms.party(&record.party),
            _ => None,
        };
        check_key(party.ok_or("the author is no party of the agreement")?, record)?;
        Ok(None)
    }

    /// Whether the level that the ledger is at has the kind and version of an event.
    fn check_level(&self, record: &Record<'_>) -> Check<()> {
        let level = self.level();
        ensure(level == 2 || record.kind <= 15, "the ledger's level does not have this kind")?;
        ensure(
            !matches!(record.kind, 7 | 9) || record.version == level,
            "the ledger's level has another version of this kind",
        )
    }

    /// Whether the event is admissible, and what it changes.
    fn admit(&mut self, record: &Record<'_>, role: Option<Role>, event: Event) -> Check<()> {
        let is_collector = role == Some(Role::Collector);
        let is_paid = matches!(role, Some(Role::Owner | Role::Beneficiary));
        ensure(
            self.group.is_empty() || matches!(record.kind, 3..=5),
            "between the parts of a report and their closing event stands something else",
        )?;
        ensure(
            self.all_accepted() || matches!(event, Event::Accepted { .. }),
            "before every money party has accepted, only acceptance is admissible",
        )?;
        match event {
            Event::Accepted { event, content } if !self.all_accepted() => {
                ensure(is_collector || is_paid, "only a money party accepts a ledger")?;
                ensure(
                    event == self.facts.versions[0].event,
                    "what is accepted is not the opening",
                )?;
                ensure(content == self.opening_content, "what is accepted has another content")?;
                ensure(self.accepted.insert(record.party.clone()), "a party accepts twice")
            }
            Event::Accepted { event, content } => self.accept(record, event, content),
            Event::UsagePart { index, block } => {
                ensure(is_collector, "only the collector reports usage")?;
                ensure(index as usize == self.group.len(), "a part has the wrong index")?;
                self.group.push(Part {
                    event: record.event_id,
                    time: record.time,
                    payload_digest: record.payload_digest,
                    author: record.party.clone(),
                    block,
                });
                Ok(())
            }
            Event::UsageReported { period, supplement, lines } => {
                ensure(is_collector, "only the collector reports usage")?;
                self.facts.check_period(period)?;
                match (self.has_report(period), supplement) {
                    (true, false) => Err("a period has a report already")?,
                    (false, true) => Err("a supplement without an earlier report")?,
                    _ => self.take_report(record, period, lines),
                }
            }
            Event::UsageCorrected { replaced: replaced_id, lines } => {
                ensure(is_collector, "only the collector corrects usage")?;
                let replaced = self
                    .facts
                    .reports
                    .remove(&replaced_id)
                    .ok_or("a correction does not name the current end of a report's chain")?;
                ensure(
                    replaced.adopted_by.is_none(),
                    "a correction of a report that has adopted lines",
                )?;
                self.corrections.insert(replaced_id, record.event_id);
                self.take_report(record, replaced.period, lines)
            }
            Event::UsageMissing { period } => self.record_missing(record, role, period),
            Event::StatementIssued(statement) => {
                ensure(is_collector || is_paid, "only a money party issues statements")?;
                self.issue(record, &statement)
            }
            Event::StatementAccepted { statement } => {
                ensure(is_paid, "only an owner or beneficiary accepts statements")?;
                let stated = self
                    .stated
                    .values_mut()
                    .find(|stated| stated.statement == statement)
                    .ok_or("a statement that is accepted does not exist")?;
                ensure(stated.accepted.insert(record.party.clone()), "a party accepts twice")
            }
            Event::PayoutSent(payout) => {
                ensure(is_collector, "only the collector sends payouts")?;
                self.send(record, payout)
            }
            Event::AdvancePaid { to, amount, paid } => {
                ensure(is_collector, "only the collector pays advances")?;
                self.advance(record, to, amount, paid)
            }
            Event::PaymentConfirmed { payment, received } => {
                self.confirm(record, payment, received)
            }
            Event::PaymentReturned { payment } => {
                self.settle(record, &payment)?;
                if let Some(sent) = self.payouts.get_mut(&payment) {
                    sent.day = record.day();
                    sent.is_returned = true;
                }
                Ok(())
            }
            Event::Acknowledged { seq, head, root_version, root } => {
                ensure(
                    seq.checked_add(1) == Some(self.records) && head == self.head,
                    "an acknowledgement does not name the record before it",
                )?;
                self.check_root(root_version, &root)
            }
            Event::AmendmentProposed(amendment) => {
                ensure(
                    self.facts.last().terms.is_money_party(&record.party),
                    "an amendment by a party that is no money party of the terms",
                )?;
                self.check_amendment(&amendment)?;
                self.propose(record, Proposed::Amendment(amendment));
                Ok(())
            }
            Event::ProposalRejected { proposal } => {
                let open = self.pending(record, &proposal)?;
                ensure(
                    open.needed.contains(&record.party) && open.author != record.party,
                    "the rejection of a party that is not asked",
                )?;
                self.close(&proposal, Status::Rejected);
                Ok(())
            }
            Event::ProposalWithdrawn { proposal } => {
                let open = self.pending(record, &proposal)?;
                ensure(open.author == record.party, "only the proposer withdraws a proposal")?;
                self.close(&proposal, Status::Withdrawn);
                Ok(())
            }
            Event::RateProposed(rate) => {
                self.check_rate(record, &rate)?;
                self.exposure.propose(&rate);
                self.check_money(None)?;
                self.propose(record, Proposed::Rate(rate));
                Ok(())
            }
            Event::ContributionClaimed { clause, from, to, evidence } => {
                let claim = Claim { clause, by: record.party.clone(), from, to };
                self.check_claim(&claim)?;
                self.name_evidence(record, evidence);
                self.propose(record, Proposed::Claim(claim));
                Ok(())
            }
            Event::ContributionEnded { claim, on } => self.end_contribution(record, claim, on),
            Event::DisputeOpened(opened) => {
                ensure(is_collector || is_paid, "only a money party opens a dispute")?;
                self.open_dispute(record, *opened)
            }
            Event::DisputeResponded { dispute, evidence } => {
                self.respond(record, &dispute)?;
                self.name_evidence(record, evidence);
                Ok(())
            }
            Event::DisputeAccepted { dispute, by_default: false } => {
                self.accept_dispute(record, dispute)
            }
            Event::DisputeAccepted { dispute, by_default: true } => {
                self.accept_by_default(record, dispute)
            }
            Event::DisputeSettled { dispute, settlement } => {
                self.settle_dispute(record, dispute, *settlement)
            }
            Event::DisputeEscalated { dispute } => self.escalate(record, &dispute),
            Event::DisputeDetermined { dispute, outcome, evidence } => {
                ensure(role == Some(Role::Arbiter), "only an arbiter determines a dispute")?;
                let found = self.contested(&dispute)?;
                ensure(
                    found.status == DisputeStatus::Escalated,
                    "a dispute is determined that was not escalated",
                )?;
                self.name_evidence(record, evidence);
                self.resolve(record, dispute, *outcome)
            }
            Event::DisputeWithdrawn { dispute } => {
                let found = self.contested(&dispute)?;
                ensure(found.claimant == record.party, "only the claimant withdraws a dispute")?;
                self.end_dispute(&dispute, DisputeStatus::Withdrawn, PerParty::new());
                Ok(())
            }
            Event::EvidenceAttached { about, commitment } => {
                ensure(role != Some(Role::Auditor), "an auditor attaches evidence")?;
                ensure(
                    about != record.event_id && self.events.contains(&about),
                    "evidence is about an event that is not on the log",
                )?;
                ensure(
                    !self.evidence.contains_key(&commitment),
                    "a commitment that is attached is on the log already",
                )?;
                self.name_evidence(record, [commitment]);
                Ok(())
            }
            Event::EvidenceErased { commitment } => {
                let evidence = self
                    .evidence
                    .get_mut(&commitment)
                    .ok_or("evidence that is erased is not on the log")?;
                ensure(
                    evidence.named_by == record.party,
                    "evidence is erased by another party than the one that named it first",
                )?;
                ensure(!evidence.is_erased, "evidence is erased twice")?;
                evidence.is_erased = true;
                Ok(())
            }
        }
    }

    /// Whether every money party has accepted the opening.
    fn all_accepted(&self) -> bool {
        self.facts.opening().money_parties().is_subset(&self.accepted)
    }

    fn has_report(&self, period: Period) -> bool {
        self.facts.reports.values().any(|report| report.period == period)
    }

    // Proposals ---------------------------------------------------------------------------------

    fn propose(&mut self, record: &Record<'_>, what: Proposed) {
        let mut needed = self.facts.last().terms.money_parties();
        if let Proposed::Amendment(amendment) = &what {
            needed.extend(amendment.terms.money_parties());
        }
        self.proposals.insert(
            record.event_id,
            Proposal {
                author: record.party.clone(),
                seq: record.seq,
                day: record.day(),
                content: record.content_digest(),
                needed,
                accepted: BTreeSet::from([record.party.clone()]),
                status: Status::Pending,
                what,
            },
        );
    }

    /// A proposal that is neither closed nor too old on the day of a record.
    fn pending(&self, record: &Record<'_>, proposal: &Hash) -> Check<&Proposal> {
        let open = self.proposals.get(proposal).ok_or("there is no such proposal")?;
        match open.status {
            Status::Pending => {}
            Status::Accepted => return Err("the proposal was accepted".into()),
            Status::Rejected => return Err("the proposal was rejected".into()),
            Status::Withdrawn => return Err("the proposal was withdrawn".into()),
            Status::Lapsed => return Err("the proposal lapsed: other terms were accepted".into()),
        }
        let days = self.facts.last().terms.clauses.proposal_lapse_days;
        ensure(record.day() - open.day <= i64::from(days), "the proposal lapsed: it is too old")?;
        Ok(open)
    }

    fn close(&mut self, proposal: &Hash, status: Status) {
        if let Some(proposal) = self.proposals.get_mut(proposal) {
            proposal.status = status;
        }
    }

    /// A party accepts a proposal; if it is the last one, the proposal comes into force.
    fn accept(&mut self, record: &Record<'_>, id: Hash, content: Hash) -> Check<()> {
        let proposal = self.pending(record, &id)?;
        ensure(content == proposal.content, "what is accepted has another content")?;
        ensure(
            proposal.needed.contains(&record.party),
            "the acceptance of a party that is not asked",
        )?;
        ensure(!proposal.accepted.contains(&record.party), "a party accepts twice")?;
        let mut accepted = proposal.accepted.clone();
        accepted.insert(record.party.clone());
        let is_last = proposal.needed.is_subset(&accepted);
        if let Some(proposal) = self.proposals.get_mut(&id) {
            proposal.accepted = accepted;
        }
        if is_last {
            self.bring_into_force(id)?;
        }
        Ok(())
    }

    fn bring_into_force(&mut self, id: Hash) -> Check<()> {
        let proposal = self.proposals.get(&id).ok_or("there is no such proposal")?;
        let seq = proposal.seq;
        let by = match &proposal.what {
            Proposed::Amendment(amendment) => {
                self.check_completeness(amendment)?;
                self.check_money(Some(&amendment.terms))?;
                let effective_from = amendment.effective_from;
                let changes_end = amendment.terms.ends_on != self.facts.ends_on();
                self.facts.versions.push(Version {
                    event: id,
                    effective_from,
                    terms: amendment.terms.clone(),
                    digest: amendment.digest,
                });
                for other in self.proposals.values_mut() {
                    if other.status == Status::Pending
                        && matches!(other.what, Proposed::Amendment(_))
                    {
                        other.status = Status::Lapsed;
                    }
                }
                MovedBy::Amendment { effective_from, changes_end }
            }
            Proposed::Rate(ConversionRate { currency, rate, period }) => {
                self.facts.rates.insert((*period, *currency), (rate.clone(), id));
                MovedBy::Period(*period)
            }
            Proposed::Claim(claim) => {
                self.facts.claims.insert(id, claim.clone());
                MovedBy::Contribution { from: claim.from }
            }
        };
        self.close(&id, Status::Accepted);
        self.since_statement.push(Moved { seq, event: id, by });
        Ok(())
    }

    /// Whether other terms may be proposed, or claimed.
    fn check_amendment(&self, amendment: &Amendment) -> Check<()> {
        let (facts, last) = (&self.facts, self.facts.last());
        let Amendment { terms, digest, effective_from } = amendment;
        ensure(
            terms.starts_on == last.terms.starts_on
                && terms.currency == last.terms.currency
                && terms.length == last.terms.length
                && terms.collector() == last.terms.collector(),
            "an amendment changes start, currency, length of periods or collector",
        )?;
        let known = facts.parties();
        let keys = |party: &Party| [Some(party.key), party.recovery_key].into_iter().flatten();
        let known_keys: BTreeSet<[u8; 32]> = known.values().flat_map(|party| keys(party)).collect();
        for party in &terms.parties {
            match known.get(party.id.as_str()) {
                Some(before) => ensure(
                    before.key == party.key
                        && before.recovery_key == party.recovery_key
                        && before.role == party.role,
                    "an amendment changes the key or role of a party",
                )?,
                None => ensure(
                    !keys(party).any(|key| known_keys.contains(&key)),
                    "an amendment gives a key of the ledger to a new party",
                )?,
            }
        }
        ensure(
            *effective_from >= facts.starts_on()
                && facts.ends_on().is_none_or(|end| *effective_from <= end)
                && terms.ends_on.is_none_or(|end| end > *effective_from),
            "an amendment is effective before the start or after the end of the agreement",
        )?;
        let before = &facts.versions[facts.in_force(*effective_from)].terms;
        let first_of_period = facts.length().first_day(facts.length().holding(*effective_from));
        ensure(
            (terms.rounding == before.rounding && terms.carry == before.carry)
                || *effective_from == first_of_period
                || *effective_from == facts.starts_on(),
            "an amendment changes the rounding within a period",
        )?;
        ensure(
            *digest != last.digest || *effective_from < last.effective_from,
            "an amendment changes nothing",
        )?;
        self.check_completeness(amendment)?;
        self.check_money(Some(terms))
    }

    /// Whether every line in effect can be rated under terms that would come into force.
    fn check_completeness(&self, amendment: &Amendment) -> Check<()> {
        let Amendment { terms, effective_from, .. } = amendment;
        for (key, usage) in self.facts.reports.values().flat_map(|report| &report.usage) {
            if key.day < *effective_from {
                continue;
            }
            ensure(
                terms.ends_on.is_none_or(|end| key.day < end),
                "an amendment is incomplete: it does not cover the day of a line",
            )?;
            terms
                .check_usage(key, &usage.sums)
                .map_err(|what| format!("an amendment is incomplete: {what}"))?;
        }
        Ok(())
    }

    /// Refuses more money than a ledger may hold, under all versions and proposed terms.
    fn check_money(&self, proposed: Option<&Terms>) -> Check<()> {
        let versions = self.facts.versions.iter().map(|version| &version.terms);
        let versions: Vec<&Terms> = versions.chain(proposed).collect();
        self.exposure.check(&versions)
    }

    fn check_rate(&self, record: &Record<'_>, rate: &ConversionRate) -> Check<()> {
        let last = &self.facts.last().terms;
        ensure(
            last.is_money_party(&record.party),
            "a conversion rate by a party that is no money party of the terms",
        )?;
        ensure(rate.currency != last.currency, "a conversion rate of the settlement currency")?;
        ensure(
            rate.rate.is_positive() && rate.rate <= Exact::from(BigInt::from(FX_RATE_MAX)),
            "a conversion rate is not above 0 and at most 1000000",
        )?;
        self.facts.check_period(rate.period)
    }

    fn check_claim(&self, claim: &Claim) -> Check<()> {
        ensure(
            claim.from >= self.facts.starts_on() && claim.to.is_none_or(|to| claim.from < to),
            "a contribution begins before the agreement, or ends before it begins",
        )?;
        let terms = &self.facts.versions[self.facts.in_force(claim.from)].terms;
        let mut clauses = terms.clauses.contributions.iter();
        let clause = clauses
            .find(|clause| clause.id == claim.clause)
            .ok_or("the terms have no such contribution")?;
        ensure(clause.by == claim.by, "a contribution is claimed by another party")
    }

    fn end_contribution(&mut self, record: &Record<'_>, id: Hash, on: i32) -> Check<()> {
        let claim = self.facts.claims.get_mut(&id).ok_or("no contribution is open")?;
        ensure(claim.by == record.party, "only the claimant ends a contribution")?;
        ensure(
            claim.from <= on && claim.to.is_none_or(|to| on < to),
            "a contribution ends outside its interval",
        )?;
        claim.to = Some(on);
        let by = MovedBy::Contribution { from: claim.from };
        self.since_statement.push(Moved { seq: record.seq, event: record.event_id, by });
        Ok(())
    }

    // Usage -------------------------------------------------------------------------------------

    /// Takes the lines of a report or a correction into effect.
    fn take_report(&mut self, record: &Record<'_>, period: Period, lines: Lines) -> Check<()> {
        let parts = std::mem::take(&mut self.group);
        ensure(
            parts.is_empty() || matches!(lines, Lines::Parts { .. }),
            "a report does not name the parts that stand before it",
        )?;
        let blocks: Vec<Block> = match lines {
            Lines::Nil => Vec::new(),
            Lines::Inline(block) => vec![block],
            Lines::Parts { ids, lines, digest, gross } => {
                ensure(!ids.is_empty(), "a report in parts names no part")?;
                ensure(ids.len() <= PARTS_MAX, "a report has too many parts")?;
                ensure(
                    ids.iter().eq(parts.iter().map(|part| &part.event)),
                    "a report does not name the parts that stand before it",
                )?;
                ensure(
                    parts.iter().all(|part| part.author == record.party),
                    "a part has another author than its report",
                )?;
                let digests: Vec<&[u8]> =
                    parts.iter().map(|part| part.payload_digest.as_slice()).collect();
                ensure(
                    digest == derive("revshare 2026-11-23 report lines v1", &digests),
                    "the digest of a report is not that of its parts",
                )?;
                let blocks: Vec<Block> = parts.into_iter().map(|part| part.block).collect();
                ensure(
                    lines == blocks.iter().map(Block::line_count).sum::<u64>(),
                    "a report does not have the lines of its parts",
                )?;
                let mut sum: BTreeMap<[u8; 3], Exact> = BTreeMap::new();
                for (code, amount) in blocks.iter().flat_map(Block::gross_per_currency) {
                    *sum.entry(code).or_default() += amount;
                }
                ensure(sum.into_iter().eq(gross), "a report does not have the gross of its parts")?;
                blocks
            }
        };
        let report = self.admissible(period, &blocks)?;
        self.hold_lines(&report)?;
        self.facts.reports.insert(record.event_id, report);
        let by = MovedBy::Period(period);
        self.since_statement.push(Moved { seq: record.seq, event: record.event_id, by });
        Ok(())
    }

    /// The lines of blocks, which are admissible for a period.
    fn admissible(&self, period: Period, blocks: &[Block]) -> Check<UsageReport> {
        let report = UsageReport::of(period, blocks);
        self.check_columns(period, blocks)?;
        for (key, usage) in &report.usage {
            self.check_usage(period, key, &usage.sums)?;
        }
        Ok(report)
    }

    /// Counts lines that come onto the ledger, and what they hold of money.
    fn hold_lines(&mut self, report: &UsageReport) -> Check<()> {
        self.lines += report.lines;
        ensure(self.lines <= LEDGER_LINES_MAX, "the ledger has too many lines")?;
        self.exposure.add(&report.usage);
        self.check_money(None)
    }

    /// Whether the columns of a report are declared by some terms in force in its period.
    fn check_columns(&self, period: Period, blocks: &[Block]) -> Check<()> {
        let stretches = self.facts.stretches(period);
        let versions = stretches.iter().map(|stretch| &self.facts.versions[stretch.version]);
        let in_force: Vec<&Terms> = versions.map(|version| &version.terms).collect();
        for block in blocks {
            for name in &block.meters {
                ensure(
                    in_force.iter().any(|terms| terms.meters.contains(name)),
                    "a report has a meter that is not declared",
                )?;
            }
            for name in &block.deductions {
                ensure(
                    in_force.iter().any(|terms| terms.declares_deduction(name)),
                    "a report has a deduction that is not declared",
                )?;
            }
        }
        Ok(())
    }

    /// Whether lines may stand in a report of a period, under the terms of their day.
    fn check_usage(&self, period: Period, key: &UsageKey, sums: &Sums) -> Check<()> {
        let length = self.facts.length();
        let days = length.first_day(period)..=length.last_day(period);
        ensure(days.contains(&key.day), "a line's day lies outside its period")?;
        ensure(self.facts.covers_day(key.day), "a line's day lies outside the agreement")?;
        ensure(
            self.level() == 2 || key.currency == self.facts.opening().currency,
            "a line is not in the settlement currency",
        )?;
        self.facts.terms_on(key.day).check_usage(key, sums)
    }

    fn record_missing(
        &mut self,
        record: &Record<'_>,
        role: Option<Role>,
        period: Period,
    ) -> Check<()> {
        ensure(role == Some(Role::Owner), "only an owner records that a report is missing")?;
        self.facts.check_period(period)?;
        ensure(!self.has_report(period), "a report that is there is not missing")?;
        let days = i32::from(self.facts.terms_of(period).report_due_days);
        let due = self.facts.length().last_day(period) + days;
        ensure(record.day() > i64::from(due), "a report is not missing before its due day")?;
        ensure(self.missing.insert(period), "a missing report is recorded twice")
    }

    // Statements --------------------------------------------------------------------------------

    /// A statement: its content must be, in full, what the terms and the log amount to.
    fn issue(&mut self, record: &Record<'_>, statement: &Statement) -> Check<()> {
        let facts = &self.facts;
        let next = match self.stated.last_key_value() {
            None => facts.first_period(),
            Some((last, _)) => facts.length().next(*last),
        };
        ensure(
            statement.period == next && facts.length().has(next),
            "a statement is not for the next period",
        )?;
        ensure(
            self.has_report(next) || !facts.covers(next),
            "a statement is for a period without a report",
        )?;
        facts.check_conversion(next)?;
        ensure(statement.terms == facts.version_of(next).digest, "a statement names other terms")?;
        ensure(statement.calculation == 1, "a statement names another calculation")?;
        ensure(
            statement.entries == self.entries(next)?,
            "a statement does not say what the terms and the log amount to",
        )?;
        let recoupments = self.recoupments(&statement.entries);
        ensure(
            statement.recoupments == recoupments,
            "a statement does not recoup what the advances come to",
        )?;
        ensure(
            statement.interest == self.pending_interest,
            "a statement does not post the late interest since the one before",
        )?;
        self.check_root(statement.root_version, &statement.root)?;
        self.post(record, statement);
        Ok(())
    }

    /// The entries of the statement for `own` (`docs/calculation.md`, step 10): every earlier
    /// stated period is computed again, and has an entry if an amount of it changed.
    fn entries(&self, own: Period) -> Check<Vec<Entry>> {
        let mut entries = Vec::new();
        for computed in self.facts.compute(own)? {
            let Computed { period, mut base, mut shares } = computed;
            if let Some(stated) = self.stated.get(&period) {
                base -= &stated.base;
                for (party, booked) in &stated.shares {
                    add_to(&mut shares, party, -booked.clone());
                }
            }
            let moved = !base.is_zero() || shares.values().any(|share| !share.is_zero());
            if period == own || moved {
                let causes = if period == own { Vec::new() } else { self.causes(period) };
                let rates = self.facts.rates_used(period)?;
                entries.push(Entry { period, base, shares, causes, rates });
            }
        }
        Ok(entries)
    }

    /// The events that took effect since the last statement and can have moved a period, in the
    /// order of the log.
    fn causes(&self, period: Period) -> Vec<Hash> {
        let facts = &self.facts;
        let first = facts.window_start(self.widest_window(), facts.place(period));
        let last_day = facts.length().last_day(period);
        let mut causes: Vec<(u64, Hash)> = Vec::new();
        for moved in &self.since_statement {
            let can_move = match moved.by {
                MovedBy::Period(other) => facts.place(other) >= first && other <= period,
                MovedBy::Amendment { effective_from, changes_end } => {
                    effective_from <= last_day || changes_end
                }
                MovedBy::Contribution { from } => from <= last_day,
            };
            if can_move {
                causes.push((moved.seq, moved.event));
            }
        }
        causes.sort();
        causes.into_iter().map(|(_, event)| event).collect()
    }

    /// The widest window of all versions: of tiers, caps and minimums, or the lifetime if rounding
    /// is carried.
    fn widest_window(&self) -> Window {
        let mut widest = Window::Period;
        for terms in self.facts.versions.iter().map(|version| &version.terms) {
            let tiers = terms.rules.iter().filter_map(|rule| match &rule.pay {
                Pay::Tiered(tiers) => Some(tiers.window),
                Pay::Flat(_) => None,
            });
            let clauses = terms.clauses.caps.iter().chain(&terms.clauses.minimums);
            let windows = tiers.chain(clauses.map(|clause| clause.window));
            widest = windows.fold(widest, Window::max);
            if terms.carry {
                widest = Window::Lifetime;
            }
        }
        widest
    }

    /// What a statement with these entries recoups per party; parties with nothing are left out.
    fn recoupments(&self, entries: &[Entry]) -> Vec<(String, Exact)> {
        let mut recoupments = Vec::new();
        for party in self.facts.beneficiaries() {
            let shares = entries.iter().filter_map(|entry| entry.shares.get(&party));
            let net: Exact = shares.sum();
            let account = self.accounts.get(&party).cloned().unwrap_or_default();
            let amount = recoupment(&account, &net, &self.balance(&party).balance());
            if !amount.is_zero() {
                recoupments.push((party, amount));
            }
        }
        recoupments
    }

    /// Books a statement.
    fn post(&mut self, record: &Record<'_>, statement: &Statement) {
        for entry in &statement.entries {
            let stated = self.stated.entry(entry.period).or_insert_with(|| Stated {
                statement: record.event_id,
                base: Exact::zero(),
                shares: PerParty::new(),
                accepted: BTreeSet::new(),
                day: record.day(),
            });
            stated.day = record.day();
            stated.base += &entry.base;
            for (party, share) in &entry.shares {
                add_to(&mut stated.shares, party, share.clone());
            }
        }
        for (party, amount) in &statement.recoupments {
            self.accounts.entry(party.clone()).or_default().recouped += amount;
        }
        for line in std::mem::take(&mut self.pending_interest) {
            self.accounts.entry(line.to).or_default().interest += line.amount;
        }
        // The entries are booked: what disputes hold from here on is what settling leaves.
        self.post_disputes();
        for party in self.facts.beneficiaries() {
            self.queue_up(&party, statement);
        }
        self.since_statement.clear();
    }

    /// What a statement that was booked changes in the open items of a party.
    fn queue_up(&mut self, party: &str, statement: &Statement) {
        let facts = &self.facts;
        let own = statement.period;
        let mut queue = self.accounts.get(party).cloned().unwrap_or_default().queue;
        for entry in &statement.entries {
            let share = entry.shares.get(party).cloned().unwrap_or_default();
            if share.is_positive() {
                queue.add(entry.period, false, facts.due_day(entry.period), share);
            } else {
                queue.credit -= share;
            }
        }
        let interest = statement.interest.iter().filter(|line| line.to == party);
        let interest: Exact = interest.map(|line| &line.amount).sum();
        if interest.is_positive() {
            queue.add(own, true, facts.due_day(own), interest);
        }
        for (_, amount) in statement.recoupments.iter().filter(|(to, _)| to == party) {
            queue.credit += amount;
        }
        queue.use_credit(&self.held_back(party));
        let no_minimum = facts.last_period().is_some_and(|last| own >= last);
        let balance = self.balance(party).balance();
        if no_minimum && !balance.is_negative() || balance >= facts.terms_of(own).minimum_payout {
            queue.become_payable(facts.due_day(own));
        }
        queue.close_statement();
        self.accounts.entry(party.to_string()).or_default().queue = queue;
    }

    // Payments ----------------------------------------------------------------------------------

    /// A payout: at most what is payable, but for the part that it says is on account.
    fn send(&mut self, record: &Record<'_>, payout: Payout) -> Check<()> {
        let facts = &self.facts;
        let terms = facts.terms_on(payout.sent);
        ensure(
            facts.beneficiaries().contains(&payout.to),
            "a payout goes to a party that is neither owner nor beneficiary",
        )?;
        check_payment(terms, &payout.amount)?;
        let Balance { paid, on_account, in_transit, payable, .. } = self.balance(&payout.to);
        check_payments(&(paid + on_account + in_transit + &payout.amount))?;
        let covered = payable.clone().max(Exact::zero());
        let excess = (&payout.amount - covered).max(Exact::zero());
        ensure(payout.on_account == excess, "the part of a payout on account is wrong")?;
        let ended = facts.ends_on().is_some_and(|end| record.day() >= i64::from(end));
        ensure(
            payable >= terms.minimum_payout || !excess.is_zero() || ended,
            "a payout is below the minimum payout",
        )?;
        let (withheld, grossed_up) = terms.withheld(&payout.to, &payout.amount);
        ensure(
            payout.withheld == withheld && payout.grossed_up == grossed_up,
            "the tax withheld on a payout is wrong",
        )?;
        self.payouts.insert(
            record.event_id,
            SentPayout {
                payout: payout.clone(),
                day: record.day(),
                received: None,
                is_returned: false,
                adopted: None,
                pieces: Vec::new(),
            },
        );
        self.in_transit.insert(record.event_id, Transit::Payout(payout));
        Ok(())
    }

    /// An advance that the terms permit.
    fn advance(&mut self, record: &Record<'_>, to: String, amount: Exact, paid: i32) -> Check<()> {
        let terms = &self.facts.last().terms;
        ensure(terms.clauses.advances.contains(&to), "the terms do not permit an advance")?;
        check_payment(terms, &amount)?;
        let mut sum = self.accounts.get(&to).cloned().unwrap_or_default().advanced + &amount;
        for transit in self.in_transit.values() {
            match transit {
                Transit::Advance { to: other, amount, .. } if *other == to => sum += amount,
                _ => {}
            }
        }
        check_payments(&sum)?;
        self.in_transit.insert(record.event_id, Transit::Advance { to, amount, paid });
        Ok(())
    }

    /// The receiver has got a payout or an advance.
    fn confirm(&mut self, record: &Record<'_>, payment: Hash, received: i32) -> Check<()> {
        match self.settle(record, &payment)? {
            Transit::Payout(payout) => {
                ensure(received >= payout.sent, "a payout is received before it was sent")?;
                let sent = self.payouts.get_mut(&payment).ok_or("a payout was not sent")?;
                sent.day = record.day();
                sent.received = Some(received);
                let account = self.accounts.entry(payout.to.clone()).or_default();
                account.paid += &payout.amount - &payout.on_account;
                account.on_account += payout.on_account;
                account.withheld += payout.withheld;
                self.settle_items(payment, &payout.to, payout.amount, received)?;
            }
            Transit::Advance { to, amount, paid } => {
                ensure(received >= paid, "an advance is received before it was paid")?;
                self.accounts.entry(to).or_default().advanced += amount;
            }
        }
        Ok(())
    }

    /// Takes a payout or an advance out of transit, for its receiver.
    fn settle(&mut self, record: &Record<'_>, payment: &Hash) -> Check<Transit> {
        let transit = self.in_transit.remove(payment).ok_or("a payment is not in transit")?;
        ensure(
            transit.to() == record.party,
            "only the receiver confirms or returns a payout or an advance",
        )?;
        Ok(transit)
    }

    /// Settles open items with an amount of a payout that counts as received on a day.
    fn settle_items(&mut self, payment: Hash, to: &str, amount: Exact, received: i32) -> Check<()> {
        let held = self.held_back(to);
        let queue = &mut self.accounts.entry(to.to_string()).or_default().queue;
        queue.credit += amount;
        let pieces = queue.use_credit(&held);
        let mut sum = Exact::zero();
        for piece in &pieces {
            let line = self.facts.interest_on(to, payment, piece.clone(), received);
            sum += line.as_ref().map(|line| line.amount.clone()).unwrap_or_default();
            self.pending_interest.extend(line);
        }
        ensure(
            sum < Exact::from(ten_to(INTEGER_DIGITS_MAX)),
            "the interest on a payout has more than 15 digits before the point",
        )?;
        if let Some(sent) = self.payouts.get_mut(&payment) {
            sent.pieces.extend(pieces);
        }
        Ok(())
    }

    fn balance(&self, party: &str) -> Balance {
        let shares = self.stated.values().filter_map(|stated| stated.shares.get(party));
        let booked: Exact = shares.sum();
        let payouts = self.in_transit.values().filter_map(|transit| match transit {
            Transit::Payout(payout) if payout.to == party => Some(&payout.amount),
            _ => None,
        });
        let in_transit: Exact = payouts.sum();
        let account = self.accounts.get(party).cloned().unwrap_or_default();
        let Account { interest, recouped, advanced, paid, on_account, withheld, .. } = account;
        let balance = &booked + &interest - &recouped - &paid - &on_account - &in_transit;
        let held = self.held(party, &in_transit);
        let payable = balance - &held;
        Balance {
            party: party.to_string(),
            booked,
            interest,
            recouped,
            advanced,
            withheld,
            paid,
            in_transit,
            on_account,
            held,
            payable,
        }
    }

    /// Refuses a state root that is not the own one. The event that names it has not had its
    /// effect yet, so this is the root after the record before it.
    fn check_root(&self, version: u16, root: &Hash) -> Check<()> {
        ensure(version == self.level(), "a state root does not have the version of the level")?;
        ensure(*root == self.state_root()?, "a state root is not that of the record before")
    }

    fn report(&self) -> Check<Report> {
        let beneficiaries = self.facts.beneficiaries();
        Ok(Report {
            ledger_id: self.id,
            level: self.level(),
            records: self.records - self.group.len() as u64,
            head: self.head_before_group,
            state_root: self.state_root()?,
            balances: beneficiaries.iter().map(|id| self.balance(id)).collect(),
            stated: self
                .stated
                .iter()
                .map(|(period, stated)| StatedPeriod {
                    year: period.year,
                    number: period.number,
                    base: stated.base.clone(),
                    shares: self.booked(stated).into_iter().collect(),
                })
                .collect(),
            price_findings: self.facts.price_findings()?,
            disputes: self.disputes.iter().map(|(id, dispute)| dispute.stands(id)).collect(),
        })
    }

    /// What was booked for a period to every owner and beneficiary, also to those that came later.
    fn booked(&self, stated: &Stated) -> PerParty {
        let mut booked = stated.shares.clone();
        for party in self.facts.beneficiaries() {
            add_to(&mut booked, &party, Exact::zero());
        }
        booked
    }
}

/// The author signs with the key of the party that the record names.
fn check_key(party: &Party, record: &Record<'_>) -> Check<()> {
    ensure(party.key == record.key, "the author's key does not belong to its party")
}

// ------------------------------------------------------------------------------------------------
// 12. Disputes and evidence (`log-format.md`, "What may follow in a dispute"; steps 14 and 15)
// ------------------------------------------------------------------------------------------------

/// What two parties or more do not agree on.
struct Dispute {
    seq: u64,
    /// The day of its recorded time.
    day: i64,
    claimant: String,
    about: About,
    target: Target,
    claim: DisputeClaim,
    /// The dispute that it reopens.
    reopens: Option<Hash>,
    /// Those of the terms of its period, or of its payout, as they were when it was opened.
    windows: Option<DisputeWindows>,
    respondents: BTreeMap<String, Respondent>,
    /// What is claimed, or was adopted, per beneficiary among its parties.
    figures: PerParty,
    status: DisputeStatus,
}

/// A period, or a payout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum About {
    Period(Period),
    Payout(Hash),
}

/// The numbers are those of the state root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum DisputeStatus {
    Open = 0,
    Escalated = 1,
    Resolved = 2,
    Posted = 3,
    Withdrawn = 4,
}

struct Respondent {
    stance: Stance,
    /// The recorded time of its first record after the dispute was opened.
    seen: Option<i64>,
}

/// The numbers are those of the state root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stance {
    Silent = 0,
    Responded = 1,
    Accepted = 2,
}

/// A payout, whatever became of it.
struct SentPayout {
    payout: Payout,
    /// The recorded day of the last event that said what it counts.
    day: i64,
    /// The day received, if it was confirmed.
    received: Option<i32>,
    is_returned: bool,
    /// The figure adopted last.
    adopted: Option<Exact>,
    /// What it settled and still settles, in that order.
    pieces: Vec<Settled>,
}

struct Evidence {
    /// The party that named the commitment first.
    named_by: String,
    is_erased: bool,
}

impl About {
    fn period(self) -> Option<Period> {
        match self {
            About::Period(period) => Some(period),
            About::Payout(_) => None,
        }
    }
}

impl SentPayout {
    /// What it counts: nothing while it is in transit.
    fn counts(&self) -> Option<Exact> {
        let confirmed = self.received.map(|_| self.payout.amount.clone());
        self.adopted.clone().or(confirmed)
    }

    /// What counting a figure adds to paid, on account and withheld.
    fn contributes(&self, figure: Option<&Exact>) -> [Exact; 3] {
        let Some(figure) = figure else {
            return [Exact::zero(), Exact::zero(), Exact::zero()];
        };
        // What does not count comes off the part on account first.
        let on_account = &self.payout.on_account - (&self.payout.amount - figure);
        let on_account = on_account.max(Exact::zero());
        let withheld = match figure.is_zero() {
            true => Exact::zero(),
            false => self.payout.withheld.clone(),
        };
        [figure - &on_account, on_account, withheld]
    }
}

impl Dispute {
    fn is_contested(&self) -> bool {
        matches!(self.status, DisputeStatus::Open | DisputeStatus::Escalated)
    }

    fn is_resolved(&self) -> bool {
        matches!(self.status, DisputeStatus::Resolved | DisputeStatus::Posted)
    }

    fn is_party(&self, party: &str) -> bool {
        self.claimant == party || self.respondents.contains_key(party)
    }

    /// Whether a respondent is silent past its deadline at a record.
    fn is_late(&self, record: &Record<'_>, one: &Respondent) -> bool {
        let (Some(windows), Some(seen)) = (self.windows, one.seen) else {
            return false;
        };
        let deadline = seen / DAY_MICROS + i64::from(windows.response_days);
        one.stance == Stance::Silent && record.day() > deadline
    }

    fn silence_accepts(&self) -> bool {
        self.windows.is_some_and(|windows| windows.silence_accepts)
    }

    fn parties(&self) -> BTreeSet<String> {
        let mut parties: BTreeSet<String> = self.respondents.keys().cloned().collect();
        parties.insert(self.claimant.clone());
        parties
    }

    fn stands(&self, id: &Hash) -> DisputeStands {
        let respondents = self.respondents.iter();
        DisputeStands {
            dispute: *id,
            claimant: self.claimant.clone(),
            period: self.about.period().map(|period| (period.year, period.number)),
            status: self.status as u8,
            respondents: respondents
                .map(|(party, one)| (party.clone(), one.stance as u8, one.seen))
                .collect(),
            figures: self.figures.clone().into_iter().collect(),
        }
    }
}

/// The text that the parties of a settlement sign (`log-format.md`, "Disputes").
fn settlement_text(ledger: &Hash, dispute: &Hash, outcome: &Hash) -> String {
    let hex = |hash: &Hash| hash.map(|byte| format!("{byte:02x}")).concat();
    format!(
        "revshare settlement v1\nledger {}\ndispute {}\noutcome {}\n",
        hex(ledger),
        hex(dispute),
        hex(outcome),
    )
}

impl Facts {
    /// What every party gets for a period (steps 1 to 9 and 14).
    fn amounts(&self, period: Period) -> Check<PerParty> {
        let last = self.compute(period)?.pop();
        Ok(last.map(|computed| computed.shares).unwrap_or_default())
    }

    /// Lets the adopted figures of a period count no more for some parties.
    fn drop_figures(&mut self, period: Period, parties: &BTreeSet<String>) {
        self.figures.retain(|(of, party), _| *of != period || !parties.contains(party));
    }
}

impl Ledger {
    // What disputes are about ---------------------------------------------------------------------

    /// The event that stands at the end of the chain of corrections of a report.
    fn end_of_chain(&self, report: &Hash) -> Hash {
        let mut end = *report;
        while let Some(correction) = self.corrections.get(&end) {
            end = *correction;
        }
        end
    }

    /// The period or the payout that a target is about.
    fn about(&self, target: &Target) -> Check<About> {
        let period = match target {
            Target::Payout(payout) => {
                ensure(self.payouts.contains_key(payout), "a dispute about a payout not sent")?;
                return Ok(About::Payout(*payout));
            }
            Target::Statement(statement) => {
                let mut stated = self.stated.iter();
                let found = stated.find(|(_, stated)| stated.statement == *statement);
                *found.ok_or("a dispute about a statement that does not exist")?.0
            }
            Target::Report(report) => {
                let found = self.facts.reports.get(report);
                found.ok_or("a dispute about a report that is not in effect")?.period
            }
            Target::Clause { id, period } => {
                ensure(
                    self.facts.length().has(*period),
                    "a period does not have the length of the terms",
                )?;
                let is_clause = self.facts.stretches(*period).iter().any(|stretch| {
                    let terms = &self.facts.versions[stretch.version].terms;
                    terms.rule(id).is_some()
                        || terms.clauses.exclusivities.iter().any(|one| one.id == *id)
                        || terms.clauses.contributions.iter().any(|one| one.id == *id)
                });
                ensure(is_clause, "a dispute about a clause that is not in force in the period")?;
                *period
            }
        };
        ensure(self.stated.contains_key(&period), "a dispute about a period that is not stated")?;
        Ok(About::Period(period))
    }

    /// The terms of the period, or of the payout, that a dispute is about.
    fn terms_about(&self, about: About) -> Check<&Terms> {
        match about {
            About::Period(period) => Ok(self.facts.terms_of(period)),
            About::Payout(payout) => Ok(self.facts.terms_on(self.sent(&payout)?.payout.sent)),
        }
    }

    fn sent(&self, payout: &Hash) -> Check<&SentPayout> {
        self.payouts.get(payout).ok_or_else(|| "a payout that was not sent".to_string())
    }

    /// What was booked to a party for a period.
    fn booked_for(&self, period: Period, party: &str) -> Exact {
        let stated = self.stated.get(&period);
        stated.and_then(|stated| stated.shares.get(party)).cloned().unwrap_or_default()
    }

    /// What is recorded for a party and a period: what was adopted and is not posted yet, of several
    /// disputes by the one with the highest number, otherwise what is booked.
    fn recorded_for(&self, period: Period, party: &str) -> Exact {
        let waiting = self.disputes.values().filter(|one| {
            one.status == DisputeStatus::Resolved && one.about == About::Period(period)
        });
        let figures = waiting.filter_map(|one| Some((one.seq, one.figures.get(party)?)));
        let last = figures.max_by_key(|(seq, _)| *seq);
        last.map_or_else(|| self.booked_for(period, party), |(_, figure)| figure.clone())
    }

    /// Whether a claim fits what a dispute is about, but for whether anything would differ, whether
    /// it can be rated, and whether the money on the ledger stays within its bound.
    fn check_fits(
        &self,
        (about, target): (About, &Target),
        claim: &DisputeClaim,
        reopens: Option<Hash>,
    ) -> Check<()> {
        let digits = self.facts.opening().minor_digits;
        let is_minor = |figure: &Exact| (figure * ten_to(digits)).is_integer();
        match (about, claim) {
            (About::Payout(payout), DisputeClaim::Figures(figures)) => {
                let payout = &self.sent(&payout)?.payout;
                ensure(
                    figures.len() == 1 && figures.contains_key(&payout.to),
                    "a figure of a payout for another party than its receiver",
                )?;
                ensure(
                    figures.values().all(|figure| {
                        is_minor(figure) && !figure.is_negative() && *figure <= payout.amount
                    }),
                    "a figure of a payout is not 0 to its amount, in minor units",
                )
            }
            (About::Payout(_), _) => Err("lines or terms are claimed for a payout".into()),
            (About::Period(_), DisputeClaim::Figures(figures)) => {
                let beneficiaries = self.facts.beneficiaries();
                ensure(
                    figures.keys().all(|party| beneficiaries.contains(party)),
                    "a figure is for a party that is neither owner nor beneficiary",
                )?;
                ensure(figures.values().all(is_minor), "a figure has a fraction of the minor unit")
            }
            (About::Period(period), DisputeClaim::Report { replaced, blocks }) => {
                let report = self.facts.reports.get(replaced);
                let report = report.filter(|report| report.period == period);
                let report =
                    report.ok_or("the report to be replaced is none in effect of the period")?;
                if let Target::Report(report) = target {
                    ensure(
                        self.end_of_chain(report) == *replaced,
                        "another report is to be replaced than the one in dispute",
                    )?;
                }
                let mut reopened = reopens;
                while reopened.is_some() && reopened != report.adopted_by {
                    reopened = reopened.and_then(|id| self.disputes.get(&id)?.reopens);
                }
                ensure(
                    report.adopted_by.is_none() || report.adopted_by == reopened,
                    "adopted lines are replaced without reopening the dispute that adopted them",
                )?;
                self.admissible(period, blocks).map(|_| ())
            }
            (About::Period(_), DisputeClaim::Terms(amendment)) => self.check_amendment(amendment),
        }
    }

    /// Counts the money of what is adopted for a period: lines as those of a correction, figures,
    /// also those that terms come to, as gross in the settlement currency.
    fn hold_adopted(
        &mut self,
        period: Period,
        claim: &DisputeClaim,
        figures: &PerParty,
    ) -> Check<()> {
        if let DisputeClaim::Report { blocks, .. } = claim {
            return self.hold_lines(&UsageReport::of(period, blocks));
        }
        let money = self.exposure.money.entry(self.facts.opening().currency).or_default();
        *money += figures.values().map(Exact::abs).sum::<Exact>();
        self.check_money(None)
    }

    /// What every beneficiary of the ledger would get for a period with lines or terms adopted,
    /// where the adopted figures of some parties count no more. That is not possible while a line up
    /// to the period lies outside the agreement, matches no rule, or has no price or conversion rate.
    fn with_claim(
        &self,
        period: Period,
        claim: &DisputeClaim,
        without: &BTreeSet<String>,
    ) -> Check<PerParty> {
        let mut facts = self.facts.clone();
        facts.drop_figures(period, without);
        match claim {
            DisputeClaim::Figures(_) => {}
            DisputeClaim::Report { replaced, blocks } => {
                let lines = UsageReport::of(period, blocks);
                facts.reports.insert(self.end_of_chain(replaced), lines);
            }
            DisputeClaim::Terms(amendment) => {
                facts.versions.push(Version {
                    event: [0; 32],
                    effective_from: amendment.effective_from,
                    terms: amendment.terms.clone(),
                    digest: amendment.digest,
                });
            }
        }
        let mut amounts = facts.amounts(period)?;
        let beneficiaries = self.facts.beneficiaries();
        amounts.retain(|party, _| beneficiaries.contains(party));
        Ok(amounts)
    }

    /// The beneficiaries of the ledger that would get another amount for a period with lines or terms
    /// adopted than they get now, with that amount.
    fn moved(
        &self,
        period: Period,
        claim: &DisputeClaim,
        without: &BTreeSet<String>,
    ) -> Check<PerParty> {
        let now = self.facts.amounts(period)?;
        let mut moved = self.with_claim(period, claim, without)?;
        moved.retain(|party, amount| now.get(party).cloned().unwrap_or_default() != *amount);
        Ok(moved)
    }

    /// The figures of a claim, and so the beneficiaries among the parties of the dispute, where
    /// something differs. Of a dispute that is reopened, what was adopted for its parties counts no
    /// more.
    fn figures_claimed(
        &self,
        about: About,
        claim: &DisputeClaim,
        reopens: Option<Hash>,
    ) -> Check<PerParty> {
        match (about, claim) {
            (About::Payout(payout), DisputeClaim::Figures(figures)) => {
                let sent = self.sent(&payout)?;
                let returned = sent.is_returned.then(Exact::zero);
                let counts = sent.counts().or(returned);
                ensure(
                    figures.values().all(|figure| Some(figure) != counts.as_ref()),
                    "a claim that differs in nothing",
                )?;
                Ok(figures.clone())
            }
            (About::Period(period), DisputeClaim::Figures(figures)) => {
                ensure(
                    figures
                        .iter()
                        .all(|(party, figure)| *figure != self.recorded_for(period, party)),
                    "a claim that differs in nothing",
                )?;
                Ok(figures.clone())
            }
            (About::Payout(_), _) => Err("lines or terms are claimed for a payout".into()),
            (About::Period(period), _) => {
                let reopened = reopens.and_then(|id| self.disputes.get(&id));
                let reopened = reopened.filter(|one| one.is_resolved() && one.about == about);
                let without = reopened.map(Dispute::parties).unwrap_or_default();
                let figures = self.moved(period, claim, &without)?;
                ensure(!figures.is_empty(), "a claim that differs in nothing")?;
                Ok(figures)
            }
        }
    }

    // What may follow -----------------------------------------------------------------------------

    fn open_dispute(&mut self, record: &Record<'_>, opened: DisputeOpened) -> Check<()> {
        let DisputeOpened { target, claim, evidence, has_ground, reopens } = opened;
        let about = self.about(&target)?;
        self.check_fits((about, &target), &claim, reopens)?;
        let figures = self.figures_claimed(about, &claim, reopens)?;
        if let About::Period(period) = about {
            // The bound would hold with it; what is claimed and not adopted does not count.
            let before = (self.lines, self.exposure.clone());
            self.hold_adopted(period, &claim, &figures)?;
            (self.lines, self.exposure) = before;
        }
        let collector = self.facts.opening().collector().unwrap_or_default().to_string();
        let is_affected = match &claim {
            DisputeClaim::Figures(_) => figures.keys().eq([&record.party]),
            _ => figures.contains_key(&record.party),
        };
        ensure(
            record.party == collector || is_affected,
            "a dispute about the money of other parties",
        )?;
        ensure(has_ground || record.day() <= self.window(about)?, "a dispute after its window")?;
        // Its lines: the period or the payout with each beneficiary among its parties. The earlier
        // ones are those of the parties, too.
        let of_its_lines = |other: &Dispute| {
            other.about == about && figures.keys().any(|party| other.is_party(party))
        };
        ensure(
            !self.disputes.values().any(|other| other.is_contested() && of_its_lines(other)),
            "a dispute about a line that is in dispute already",
        )?;
        let resolved = self.disputes.iter();
        let resolved = resolved.filter(|(_, other)| other.is_resolved() && of_its_lines(other));
        let last = resolved.max_by_key(|(_, other)| other.seq).map(|(id, _)| *id);
        ensure(reopens == last, "a dispute does not reopen the last one about its lines")?;
        ensure(last.is_none() || has_ground, "a dispute is reopened without a ground")?;

        let mut respondents: BTreeSet<String> = figures.keys().cloned().collect();
        respondents.insert(collector);
        respondents.remove(&record.party);
        let silent = |party| (party, Respondent { stance: Stance::Silent, seen: None });
        self.name_evidence(record, evidence);
        let windows = self.terms_about(about)?.clauses.dispute;
        self.disputes.insert(
            record.event_id,
            Dispute {
                seq: record.seq,
                day: record.day(),
                claimant: record.party.clone(),
                about,
                target,
                claim,
                reopens,
                windows,
                respondents: respondents.into_iter().map(silent).collect(),
                figures,
                status: DisputeStatus::Open,
            },
        );
        Ok(())
    }

    /// The last day on which a dispute needs no ground.
    fn window(&self, about: About) -> Check<i64> {
        let since = match about {
            About::Period(period) => {
                self.stated.get(&period).ok_or("a dispute about a period that is not stated")?.day
            }
            About::Payout(payout) => self.sent(&payout)?.day,
        };
        Ok(since + i64::from(self.terms_about(about)?.clauses.objection_days))
    }

    /// The author of a record has seen every dispute that was opened before it. Parts of a report
    /// count with the event that closes them, by the time of the first.
    fn see_disputes(&mut self, record: &Record<'_>, time: i64) {
        if record.kind == 3 {
            return;
        }
        for dispute in self.disputes.values_mut() {
            if let Some(respondent) = dispute.respondents.get_mut(&record.party) {
                respondent.seen.get_or_insert(time);
            }
        }
    }

    /// A dispute that is open or escalated.
    fn contested(&self, id: &Hash) -> Check<&Dispute> {
        let dispute = self.disputes.get(id).ok_or("there is no such dispute")?;
        ensure(dispute.is_contested(), "the dispute is over")?;
        Ok(dispute)
    }

    fn respond(&mut self, record: &Record<'_>, id: &Hash) -> Check<()> {
        let dispute = self.contested(id)?;
        let one = dispute.respondents.get(&record.party).ok_or("only a respondent responds")?;
        ensure(
            !dispute.silence_accepts() || !dispute.is_late(record, one),
            "a response after its deadline, where silence means accept",
        )?;
        if one.stance == Stance::Silent {
            self.take_stance(id, &record.party, Stance::Responded);
        }
        Ok(())
    }

    fn take_stance(&mut self, id: &Hash, party: &str, stance: Stance) {
        let respondents = self.disputes.get_mut(id).map(|dispute| &mut dispute.respondents);
        if let Some(respondent) = respondents.and_then(|all| all.get_mut(party)) {
            respondent.stance = stance;
        }
    }

    /// A respondent accepts; if it is the last one, the dispute is resolved as claimed.
    fn accept_dispute(&mut self, record: &Record<'_>, id: Hash) -> Check<()> {
        let dispute = self.contested(&id)?;
        let one = dispute.respondents.get(&record.party);
        let one = one.ok_or("only a respondent accepts what is claimed")?;
        ensure(one.stance != Stance::Accepted, "a respondent accepts twice")?;
        self.take_stance(&id, &record.party, Stance::Accepted);
        let mut respondents = self.contested(&id)?.respondents.values();
        if respondents.all(|one| one.stance == Stance::Accepted) {
            self.resolve(record, id, Outcome::AsClaimed)?;
        }
        Ok(())
    }

    fn accept_by_default(&mut self, record: &Record<'_>, id: Hash) -> Check<()> {
        let dispute = self.contested(&id)?;
        ensure(dispute.claimant == record.party, "only the claimant says that silence accepts")?;
        ensure(
            dispute.status == DisputeStatus::Open,
            "silence accepts nothing in a dispute that was escalated",
        )?;
        ensure(dispute.silence_accepts(), "silence does not mean accept")?;
        let mut any_late = false;
        for one in dispute.respondents.values() {
            let is_late = dispute.is_late(record, one);
            any_late |= is_late;
            ensure(
                is_late || one.stance == Stance::Accepted,
                "a respondent is not silent past its deadline",
            )?;
        }
        ensure(any_late, "no respondent is silent past its deadline")?;
        self.resolve(record, id, Outcome::AsClaimed)
    }

    /// A settlement that every party signed: the author by its record, the others by their
    /// signatures over what it says.
    fn settle_dispute(
        &mut self,
        record: &Record<'_>,
        id: Hash,
        settlement: Settlement,
    ) -> Check<()> {
        let dispute = self.contested(&id)?;
        ensure(dispute.is_party(&record.party), "only a party of a dispute settles it")?;
        let mut others = dispute.parties();
        others.remove(&record.party);
        ensure(
            settlement.signatures.iter().map(|(party, _)| party).eq(&others),
            "a settlement is not signed by exactly the other parties of the dispute",
        )?;
        let text = settlement_text(&self.id, &id, &settlement.digest);
        let parties = self.facts.parties();
        for (party, signature) in &settlement.signatures {
            let key = parties.get(party.as_str()).map(|party| &party.key);
            ensure(
                key.is_some_and(|key| is_signed(key, text.as_bytes(), signature)),
                "a signature of a settlement is not one of the party's key over it",
            )?;
        }
        self.resolve(record, id, settlement.outcome)
    }

    fn escalate(&mut self, record: &Record<'_>, id: &Hash) -> Check<()> {
        let dispute = self.contested(id)?;
        ensure(dispute.is_party(&record.party), "only a party of a dispute escalates it")?;
        ensure(dispute.status == DisputeStatus::Open, "a dispute is escalated twice")?;
        ensure(
            self.facts.parties().values().any(|party| party.role == Role::Arbiter),
            "a dispute is escalated where there is no arbiter",
        )?;
        if let Some(windows) = dispute.windows {
            let waited = record.day() > dispute.day + i64::from(windows.escalate_after_days);
            let any_late = dispute.respondents.values().any(|one| dispute.is_late(record, one));
            ensure(
                waited || (!windows.silence_accepts && any_late),
                "a dispute is escalated too early",
            )?;
        }
        if let Some(dispute) = self.disputes.get_mut(id) {
            dispute.status = DisputeStatus::Escalated;
        }
        Ok(())
    }

    fn end_dispute(&mut self, id: &Hash, status: DisputeStatus, figures: PerParty) {
        if let Some(dispute) = self.disputes.get_mut(id) {
            dispute.status = status;
            dispute.figures = figures;
        }
    }

    /// Commitments that an event names are on the log, in the name of the first who named them.
    fn name_evidence(&mut self, record: &Record<'_>, named: impl IntoIterator<Item = Hash>) {
        for commitment in named {
            let first = Evidence { named_by: record.party.clone(), is_erased: false };
            self.evidence.entry(commitment).or_insert(first);
        }
    }

    // What is adopted -----------------------------------------------------------------------------

    /// A dispute is resolved: its outcome is adopted.
    fn resolve(&mut self, record: &Record<'_>, id: Hash, outcome: Outcome) -> Check<()> {
        let dispute = self.contested(&id)?;
        let (about, target, reopens) = (dispute.about, dispute.target.clone(), dispute.reopens);
        let beneficiaries: BTreeSet<String> = dispute.figures.keys().cloned().collect();
        let adopted = match outcome {
            Outcome::Stands => None,
            Outcome::AsClaimed => Some(dispute.claim.clone()),
            Outcome::Other(claim) => {
                if let DisputeClaim::Figures(figures) = &claim {
                    ensure(
                        figures.keys().all(|party| beneficiaries.contains(party)),
                        "a figure is for a party that is none of the dispute",
                    )?;
                }
                self.check_fits((about, &target), &claim, reopens)?;
                Some(claim)
            }
        };
        let figures = match (about, &adopted) {
            (About::Payout(payout), Some(DisputeClaim::Figures(figures))) => {
                for figure in figures.values() {
                    self.adopt_payout(&payout, figure.clone())?;
                }
                figures.clone()
            }
            (About::Period(period), Some(claim)) => {
                self.adopt(id, period, claim, &beneficiaries)?;
                let by = MovedBy::Period(period);
                self.since_statement.push(Moved { seq: record.seq, event: record.event_id, by });
                self.figures_adopted(period, &beneficiaries)
            }
            _ => PerParty::new(),
        };
        if let About::Payout(payout) = about
            && let Some(sent) = self.payouts.get_mut(&payout)
        {
            sent.day = record.day();
        }
        self.end_dispute(&id, DisputeStatus::Resolved, figures);
        Ok(())
    }

    /// A claim about a period becomes a fact that rating reads, and counts as money on the ledger.
    fn adopt(
        &mut self,
        id: Hash,
        period: Period,
        claim: &DisputeClaim,
        parties: &BTreeSet<String>,
    ) -> Check<()> {
        let figures = match claim {
            DisputeClaim::Figures(figures) => figures.clone(),
            DisputeClaim::Report { replaced, blocks } => {
                // Other terms or facts may have come since the lines were claimed: they must fit now.
                let mut lines = self.admissible(period, blocks)?;
                let moved = self.moved(period, claim, parties)?;
                ensure(
                    moved.keys().all(|party| parties.contains(party)),
                    "adopted lines move the money of a party that is none of the dispute",
                )?;
                lines.adopted_by = Some(id);
                self.facts.reports.insert(self.end_of_chain(replaced), lines);
                PerParty::new()
            }
            DisputeClaim::Terms(amendment) => {
                self.check_amendment(amendment)?;
                let mut figures = self.with_claim(period, claim, parties)?;
                figures.retain(|party, _| parties.contains(party));
                figures
            }
        };
        self.hold_adopted(period, claim, &figures)?;
        self.facts.drop_figures(period, parties);
        for (party, figure) in figures {
            self.facts.figures.insert((period, party), figure);
        }
        Ok(())
    }

    /// What the beneficiaries among the parties of a resolved dispute get for its period. While the
    /// period cannot be rated (a conversion rate is missing), only those with an adopted figure have
    /// one.
    fn figures_adopted(&self, period: Period, parties: &BTreeSet<String>) -> PerParty {
        let mut figures = match self.facts.amounts(period) {
            Ok(amounts) => amounts,
            Err(_) => {
                let adopted = self.facts.figures.iter().filter(|((of, _), _)| *of == period);
                adopted.map(|((_, party), figure)| (party.clone(), figure.clone())).collect()
            }
        };
        figures.retain(|party, _| parties.contains(party));
        figures
    }

    /// From now on a payout counts as received with a figure.
    fn adopt_payout(&mut self, id: &Hash, figure: Exact) -> Check<()> {
        self.in_transit.remove(id);
        let sent = self.payouts.get_mut(id).ok_or("a payout that was not sent")?;
        let before = sent.counts();
        let day = sent.received.unwrap_or(sent.payout.sent);
        let to = sent.payout.to.clone();
        let was = sent.contributes(before.as_ref());
        let is = sent.contributes(Some(&figure));
        sent.adopted = Some(figure.clone());
        let more = figure - before.unwrap_or_default();
        let account = self.accounts.entry(to.clone()).or_default();
        account.paid += &is[0] - &was[0];
        account.on_account += &is[1] - &was[1];
        account.withheld += &is[2] - &was[2];
        if more.is_negative() {
            account.queue.take_back(-more, &mut sent.pieces, day);
            return Ok(());
        }
        let Balance { paid, on_account, in_transit, .. } = self.balance(&to);
        check_payments(&(paid + on_account + in_transit))?;
        self.settle_items(*id, &to, more, day)
    }

    /// A statement was booked: what resolved disputes adopted is booked now, and the figures of the
    /// others are computed again where that is possible.
    fn post_disputes(&mut self) {
        let mut computed = Vec::new();
        for (id, dispute) in &self.disputes {
            match (dispute.status, dispute.about) {
                (DisputeStatus::Resolved, _) => {
                    computed.push((*id, DisputeStatus::Posted, PerParty::new()));
                }
                (DisputeStatus::Open | DisputeStatus::Escalated, About::Period(period))
                    if !matches!(dispute.claim, DisputeClaim::Figures(_)) =>
                {
                    let parties: BTreeSet<String> = dispute.figures.keys().cloned().collect();
                    if let Ok(mut amounts) = self.with_claim(period, &dispute.claim, &parties) {
                        amounts.retain(|party, _| parties.contains(party));
                        computed.push((*id, dispute.status, amounts));
                    }
                }
                _ => {}
            }
        }
        for (id, status, figures) in computed {
            self.end_dispute(&id, status, figures);
        }
    }

    // What is held --------------------------------------------------------------------------------

    /// H per period: what is booked to a party above the figure of the dispute that holds, of
    /// several the one with the highest number.
    fn held_back(&self, party: &str) -> PerPeriod {
        let mut last: BTreeMap<Period, (u64, Exact)> = BTreeMap::new();
        for dispute in self.disputes.values() {
            let (Some(period), Some(figure)) = (dispute.about.period(), dispute.figures.get(party))
            else {
                continue; // it is posted or withdrawn, nothing was adopted, or it is about others
            };
            if last.get(&period).is_none_or(|(seq, _)| *seq < dispute.seq) {
                let more = self.booked_for(period, party) - figure;
                last.insert(period, (dispute.seq, more.max(Exact::zero())));
            }
        }
        last.into_iter().map(|(period, (_, held))| (period, held)).collect()
    }

    /// What disputes about payouts say that was received and does not count yet.
    fn claimed_of_payouts(&self, party: &str) -> Exact {
        let mut claimed = Exact::zero();
        for dispute in self.disputes.values().filter(|dispute| dispute.is_contested()) {
            if let About::Payout(payout) = dispute.about
                && let (Some(figure), Some(sent)) =
                    (dispute.figures.get(party), self.payouts.get(&payout))
            {
                let counts = match self.in_transit.contains_key(&payout) {
                    true => sent.payout.amount.clone(),
                    false => sent.counts().unwrap_or_default(),
                };
                claimed += (figure - counts).max(Exact::zero());
            }
        }
        claimed
    }

    /// What disputes hold of what is owed to a party (step 15).
    fn held(&self, party: &str, in_transit: &Exact) -> Exact {
        let (held_back, claimed) = (self.held_back(party), self.claimed_of_payouts(party));
        if held_back.values().all(Exact::is_zero) && claimed.is_zero() {
            return Exact::zero();
        }
        // What is in transit would settle as one credit.
        let mut queue = self.accounts.get(party).cloned().unwrap_or_default().queue;
        queue.credit += in_transit;
        queue.use_credit(&held_back);
        let mut held = Exact::zero();
        for (period, open) in queue.open_shares() {
            held += held_back.get(&period).cloned().unwrap_or_default().min(open);
        }
        let unpaid: Exact = queue.items.iter().map(|item| &item.open).sum();
        &held + claimed.min(unpaid - &held)
    }
}

// ------------------------------------------------------------------------------------------------
// 13. The state root (`state-root.md`)
// ------------------------------------------------------------------------------------------------

/// Bytes in the encoding of `log-format.md`.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn hash(&mut self, hash: &Hash) {
        self.0.extend(hash);
    }

    fn number(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn bool(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }

    fn day(&mut self, day: i32) {
        self.0.extend(day.to_le_bytes());
    }

    fn option_day(&mut self, day: Option<i32>) {
        self.bool(day.is_some());
        if let Some(day) = day {
            self.day(day);
        }
    }

    fn option_time(&mut self, time: Option<i64>) {
        self.bool(time.is_some());
        if let Some(time) = time {
            self.bytes(&time.to_le_bytes());
        }
    }

    fn string(&mut self, string: &str) {
        self.count(string.len());
        self.0.extend(string.as_bytes());
    }

    fn period(&mut self, period: Period) {
        self.0.extend(period.year.to_le_bytes());
        self.0.push(period.number);
    }

    /// The reduced fraction `n/d`.
    fn fraction(&mut self, number: &Exact) {
        self.string(&format!("{}/{}", number.numer(), number.denom()));
    }

    /// Mantissa and smallest scale.
    fn decimal(&mut self, number: &Exact) -> Check<()> {
        let (scale, mantissa) = (0..=SCALE_MAX)
            .map(|scale| (scale, number * ten_to(u32::from(scale))))
            .find(|(_, mantissa)| mantissa.is_integer())
            .ok_or("a balance has more than 12 fraction digits")?;
        let mantissa = mantissa.to_integer().to_i128().ok_or("a balance is out of range")?;
        self.0.extend(mantissa.to_le_bytes());
        self.0.push(scale);
        Ok(())
    }

    fn per_party(&mut self, amounts: &PerParty) -> Check<()> {
        self.count(amounts.len());
        for (party, amount) in amounts {
            self.string(party);
            self.decimal(amount)?;
        }
        Ok(())
    }

    fn ids(&mut self, ids: &BTreeSet<String>) {
        self.count(ids.len());
        for id in ids {
            self.string(id);
        }
    }
}

impl Ledger {
    /// The state root after the records that count so far, in the version of the ledger's level.
    fn state_root(&self) -> Check<Hash> {
        match self.level() {
            1 => self.state_root_1(),
            _ => self.state_root_2(),
        }
    }

    /// Proposals that wait for an acceptance, the opening among them, with those who accepted.
    /// One that is only too old still waits: the next event that names it finds out.
    fn waiting(&self) -> BTreeMap<Hash, &BTreeSet<String>> {
        let mut waiting = BTreeMap::new();
        if !self.all_accepted() {
            waiting.insert(self.facts.versions[0].event, &self.accepted);
        }
        for (event, proposal) in &self.proposals {
            if proposal.status == Status::Pending {
                waiting.insert(*event, &proposal.accepted);
            }
        }
        waiting
    }

    /// The keys of all parties of the ledger.
    fn write_keys(&self, out: &mut Bytes) {
        let parties = self.facts.parties();
        out.count(parties.len());
        for (id, party) in parties {
            out.string(id);
            out.hash(&party.key);
        }
    }

    /// Periods with a report or a recorded absence.
    fn periods_with_usage(&self) -> BTreeSet<Period> {
        let mut periods = self.missing.clone();
        periods.extend(self.facts.reports.values().map(|report| report.period));
        periods
    }

    /// What both versions say about the reports of a period.
    fn write_reports(&self, out: &mut Bytes, period: Period) {
        let reports: BTreeMap<&Hash, &UsageReport> =
            self.facts.reports.iter().filter(|(_, report)| report.period == period).collect();
        out.period(period);
        out.bool(self.missing.contains(&period));
        out.count(reports.len());
        for event in reports.keys() {
            out.hash(event);
        }
        out.number(reports.values().map(|report| report.lines).sum());
    }

    fn write_stated(&self, out: &mut Bytes) -> Check<()> {
        out.count(self.stated.len());
        for (period, stated) in &self.stated {
            out.period(*period);
            out.hash(&stated.statement);
            out.decimal(&stated.base)?;
            out.per_party(&self.booked(stated))?;
            out.ids(&stated.accepted);
        }
        Ok(())
    }

    /// Version 1: one version of the terms, and one group per rule and period.
    fn state_root_1(&self) -> Check<Hash> {
        let mut out = Bytes::default();
        // 1 to 5: ledger id, terms in force, pending, accepted, keys
        out.hash(&self.id);
        out.hash(&self.facts.versions[0].digest);
        let waiting = self.waiting();
        out.count(waiting.len());
        for event in waiting.keys() {
            out.hash(event);
        }
        out.ids(&self.accepted);
        self.write_keys(&mut out);
        // 6: periods
        let periods = self.periods_with_usage();
        out.count(periods.len());
        for period in periods {
            self.write_reports(&mut out, period);
            let groups = self.facts.groups(period)?;
            let terms = self.facts.opening();
            out.count(terms.rules.len());
            for (number, rule) in terms.rules.iter().enumerate() {
                let group = groups.iter().find(|group| group.rule == number);
                let base = group.map(|group| group.base.clone()).unwrap_or_default();
                let counted = match &rule.pay {
                    Pay::Tiered(Tiers { meter: Some(meter), .. }) => {
                        group.and_then(|group| group.sums.meters.get(meter).cloned())
                    }
                    _ => Some(base.clone()),
                };
                out.string(&rule.id);
                out.fraction(&base);
                out.fraction(&counted.unwrap_or_default());
            }
        }
        // 7: stated
        self.write_stated(&mut out)?;
        // 8: accounts
        let parties = self.facts.beneficiaries();
        out.count(parties.len());
        for party in &parties {
            let balance = self.balance(party);
            out.string(party);
            out.decimal(&balance.booked)?;
            out.decimal(&balance.paid)?;
            out.decimal(&balance.on_account)?;
        }
        // 9: in transit
        out.count(self.in_transit.len());
        for (event, transit) in &self.in_transit {
            if let Transit::Payout(payout) = transit {
                out.hash(event);
                out.string(&payout.to);
                out.decimal(&payout.amount)?;
                out.decimal(&payout.on_account)?;
            }
        }
        Ok(derive("revshare 2026-11-23 state root v1", &[&out.0]))
    }

    /// Version 2.
    fn state_root_2(&self) -> Check<Hash> {
        let mut out = Bytes::default();
        // 1 to 5: ledger id, versions, pending, accepted, keys
        out.hash(&self.id);
        out.count(self.facts.versions.len());
        for version in &self.facts.versions {
            out.hash(&version.event);
            out.day(version.effective_from);
            out.hash(&version.digest);
        }
        let waiting = self.waiting();
        out.count(waiting.len());
        for (event, accepted) in waiting {
            out.hash(&event);
            out.ids(accepted);
        }
        out.ids(&self.accepted);
        self.write_keys(&mut out);
        // 6: conversion rates
        out.count(self.facts.rates.len());
        for ((period, currency), (rate, event)) in &self.facts.rates {
            out.period(*period);
            out.bytes(currency);
            out.decimal(rate)?;
            out.hash(event);
        }
        // 7: contributions
        out.count(self.facts.claims.len());
        for (event, claim) in &self.facts.claims {
            out.hash(event);
            out.string(&claim.clause);
            out.day(claim.from);
            out.option_day(claim.to);
        }
        // 8: periods
        let periods = self.periods_with_usage();
        out.count(periods.len());
        for period in periods {
            self.write_reports(&mut out, period);
            self.write_groups(&mut out, period)?;
        }
        // 9: stated
        self.write_stated(&mut out)?;
        // 10: accounts
        let parties = self.facts.beneficiaries();
        out.count(parties.len());
        for party in &parties {
            let balance = self.balance(party);
            out.string(party);
            out.decimal(&balance.booked)?;
            out.decimal(&balance.interest)?;
            out.decimal(&balance.recouped)?;
            out.decimal(&balance.advanced)?;
            out.decimal(&balance.paid)?;
            out.decimal(&balance.on_account)?;
            out.decimal(&balance.withheld)?;
            out.decimal(&balance.held)?;
        }
        // 11: open items
        out.count(parties.len());
        for party in &parties {
            let queue = self.accounts.get(party).cloned().unwrap_or_default().queue;
            out.string(party);
            out.decimal(&queue.credit)?;
            out.count(queue.items.len());
            for item in &queue.items {
                out.period(item.period);
                out.bool(item.is_interest); // 0 a share, 1 interest
                out.day(item.due);
                out.option_day(item.interest_from);
                out.decimal(&item.open)?;
            }
        }
        // 12: late interest to be posted
        out.count(self.pending_interest.len());
        for line in &self.pending_interest {
            out.string(&line.to);
            out.hash(&line.payout);
            out.period(line.period);
            out.decimal(&line.principal)?;
            out.day(line.due);
            out.day(line.received);
            out.decimal(&line.rate)?;
            out.decimal(&line.amount)?;
        }
        // 13: in transit
        out.count(self.in_transit.len());
        for (event, transit) in &self.in_transit {
            out.hash(event);
            out.bool(matches!(transit, Transit::Advance { .. })); // 0 a payout, 1 an advance
            out.string(transit.to());
            let zero = Exact::zero();
            let (amount, on_account, withheld) = match transit {
                Transit::Payout(payout) => (&payout.amount, &payout.on_account, &payout.withheld),
                Transit::Advance { amount, .. } => (amount, &zero, &zero),
            };
            out.decimal(amount)?;
            out.decimal(on_account)?;
            out.decimal(withheld)?;
        }
        // 14: disputes
        out.count(self.disputes.len());
        for (id, dispute) in &self.disputes {
            out.hash(id);
            out.string(&dispute.claimant);
            let period = dispute.about.period();
            out.bool(period.is_some());
            if let Some(period) = period {
                out.period(period);
            }
            out.bytes(&[dispute.status as u8]);
            out.count(dispute.respondents.len());
            for (party, respondent) in &dispute.respondents {
                out.string(party);
                out.bytes(&[respondent.stance as u8]);
                out.option_time(respondent.seen);
            }
            out.per_party(&dispute.figures)?;
        }
        Ok(derive("revshare 2026-11-23 state root v2", &[&out.0]))
    }

    /// The groups of a period, as they are processed.
    fn write_groups(&self, out: &mut Bytes, period: Period) -> Check<()> {
        let stretches = self.facts.stretches(period);
        let groups = self.facts.groups(period)?;
        out.count(groups.len());
        for group in &groups {
            let terms = &self.facts.versions[stretches[group.stretch].version].terms;
            out.bytes(&(group.stretch as u32).to_le_bytes());
            out.string(&terms.rules[group.rule].id);
            out.bytes(&group.currency);
            out.count(group.modifiers.len());
            for modifier in &group.modifiers {
                out.string(modifier);
            }
            out.fraction(&group.base);
            let meters = group.sums.meters.iter().filter(|(_, quantity)| !quantity.is_zero());
            let meters: Vec<(&String, &Exact)> = meters.collect();
            out.count(meters.len());
            for (meter, quantity) in meters {
                out.string(meter);
                out.fraction(quantity);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod worked;
#[cfg(test)]
mod worked_accounts;
#[cfg(test)]
mod worked_dispute_histories;
#[cfg(test)]
mod worked_dispute_limits;
#[cfg(test)]
mod worked_dispute_payouts;
#[cfg(test)]
mod worked_disputes;
#[cfg(test)]
mod worked_logs;
#[cfg(test)]
mod worked_rating;
#[cfg(test)]
mod writing;
