//! A second witness: from the bytes of a log to its balances and its state root.
//!
//! This file was written from the documents alone: `schemas/log-format.md` (every byte),
//! `schemas/state-root.md` (the one hash over all balances) and `docs/calculation.md` (the
//! arithmetic). It shares no code with `ledger-core`, and it is written to be held against those
//! documents, not to be fast: every number is an exact fraction, every statement is computed again
//! from all reports, and nothing is kept that could be derived.
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
//! 8. the arithmetic (`docs/calculation.md`);
//! 9. the ledger: which event is admissible when, and what it changes;
//! 10. the state root (`state-root.md`).
//!
//! One rule of the format is not checked here: whether a text is in Unicode normalization form C,
//! because that needs the tables of Unicode. All other rules for texts are.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

// ------------------------------------------------------------------------------------------------
// 1. What is returned
// ------------------------------------------------------------------------------------------------

/// What a log amounts to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The ledger's id: the record hash of record 0.
    pub ledger_id: [u8; 32],
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
}

/// Where one owner or beneficiary stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Balance {
    /// The party's id.
    pub party: String,
    /// What statements booked.
    pub booked: BigRational,
    /// Confirmed payouts, without their parts on account.
    pub paid: BigRational,
    /// Payouts sent and neither confirmed nor returned, with their parts on account.
    pub in_transit: BigRational,
    /// The parts on account of confirmed payouts.
    pub on_account: BigRational,
    /// Booked, less paid, less on account, less in transit.
    pub payable: BigRational,
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
/// the computation below. A log that ends with parts of a report and no closing event is read
/// without them; a log that ends inside a frame is at fault there.
pub fn replay(segments: &[Vec<u8>]) -> Result<Report, Fault> {
    let mut frames = Frames { segments, segment: 0, offset: 0 };
    let mut ledger: Option<Ledger> = None;
    let mut seq = 0;
    loop {
        match replay_next(&mut frames, &mut ledger, seq) {
            Ok(true) => seq += 1,
            Ok(false) => break,
            Err(what) => return Err(Fault { seq, what }),
        }
    }
    match ledger {
        Some(ledger) => ledger.report().map_err(|what| Fault { seq, what }),
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

/// A hash of 32 bytes.
type Hash = [u8; 32];
/// Every number between input and posting (`docs/calculation.md`, "Arithmetic").
type Exact = BigRational;
/// A number per party.
type PerParty = BTreeMap<String, Exact>;

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

/// The digits of the minor unit of a currency, or `None` for a code that is no money of ISO 4217
/// (codes without a minor unit, such as gold, cannot be settled in).
fn minor_digits(code: &[u8; 3]) -> Option<u32> {
    const NONE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
    const THREE: &str = "BHD IQD JOD KWD LYD OMR TND";
    const FOUR: &str = "CLF UYW";
    const TWO: &str = "\
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN \
        BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD \
        FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW \
        KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN \
        NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD \
        SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU \
        UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG ZWL";
    let code = std::str::from_utf8(code).ok()?;
    let listed = |codes: &str| codes.split(' ').any(|listed| listed == code);
    [(NONE, 0), (TWO, 2), (THREE, 3), (FOUR, 4)]
        .into_iter()
        .find(|(codes, _)| listed(codes))
        .map(|(_, digits)| digits)
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
        ensure(key.is_ok_and(|key| !key.is_weak()), "a key is no point of the curve, or weak")?;
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

/// The bounds of a text, but for its normalization form.
fn is_text(text: &str, longest: usize) -> bool {
    text.len() <= longest && !text.chars().any(is_forbidden)
}

/// Control, bidirectional, zero-width and separator characters.
fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
        || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
        || matches!(c, '\u{2028}' | '\u{2029}')
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
    minimum_payout: Exact,
    report_due_days: u16,
    /// Attributes whose values are listed, and those values.
    attributes: BTreeMap<String, BTreeSet<String>>,
}

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
struct Limits {
    floor: Option<Exact>,
    ceiling: Option<Exact>,
}

struct Rule {
    id: String,
    /// Attributes, and the patterns of which one must match.
    conditions: Vec<(String, Vec<String>)>,
    pay: Pay,
}

enum Pay {
    Flat(PerParty),
    Tiered(Tiers),
}

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

struct Step {
    /// The end of the step; the last has none.
    bound: Option<Bound>,
    share: PerParty,
    per_unit: PerParty,
    flat: PerParty,
}

struct Bound {
    at: Exact,
    /// Whether the bound itself still stands in the step (`up_to`) or not (`below`).
    inclusive: bool,
}

fn read_terms(payload: &[u8]) -> Check<Terms> {
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
    c.end()?;

    strictly_rising(attributes.iter().map(|(name, _)| name))?;
    for (_, values) in &attributes {
        strictly_rising(values.iter())?;
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
        minimum_payout,
        report_due_days,
        attributes: attributes
            .into_iter()
            .map(|(name, values)| (name, values.into_iter().collect()))
            .collect(),
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
    let conditions = c.list(|c| Ok((c.name()?, c.list(Cursor::value)?)))?;
    strictly_rising(conditions.iter().map(|(attribute, _)| attribute))?;
    let pay = match c.u32()? {
        0 => Pay::Flat(c.per_party(Cursor::rate)?),
        1 => Pay::Tiered(read_tiers(c)?),
        _ => return Err("an unknown alternative of a rule".into()),
    };
    Ok(Rule { id, conditions, pay })
}

fn read_tiers(c: &mut Cursor<'_>) -> Check<Tiers> {
    let meter = c.option(Cursor::name)?;
    let window = match c.u8()? {
        0 => Window::Period,
        1 => Window::Year,
        2 => Window::Lifetime,
        _ => return Err("an unknown tier window".into()),
    };
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

    ensure(terms.rules.len() <= RULES_MAX, "the terms have too many rules")?;
    unique(terms.rules.iter().map(|rule| &rule.id), "a rule id stands twice")?;
    for rule in &terms.rules {
        for (_, patterns) in &rule.conditions {
            ensure(patterns.len() <= PATTERNS_MAX, "a condition has too many patterns")?;
        }
        match &rule.pay {
            Pay::Flat(shares) => check_shares(terms, shares)?,
            Pay::Tiered(tiers) => check_tiers(terms, tiers)?,
        }
    }
    Ok(())
}

/// Shares are not negative, and together at most 1 after floor and ceiling.
fn check_shares(terms: &Terms, shares: &PerParty) -> Check<()> {
    check_amounts(terms, shares)?;
    let together: Exact = shares.values().map(|share| terms.limits.clamp(share)).sum();
    ensure(together <= Exact::one(), "shares are together above 1")
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
fn check_tiers(terms: &Terms, tiers: &Tiers) -> Check<()> {
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
        check_shares(terms, &step.share)?;
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

    /// The ids of all owners and beneficiaries, sorted.
    fn paid_parties(&self) -> BTreeSet<&String> {
        self.parties.iter().filter(|party| party.is_paid()).map(|party| &party.id).collect()
    }

    /// Every attribute that a line may have.
    fn known_attributes(&self) -> BTreeSet<&str> {
        let in_rules = self.rules.iter().flat_map(|rule| &rule.conditions).map(|(name, _)| name);
        let listed = self.attributes.keys();
        in_rules
            .chain(listed)
            .map(String::as_str)
            .chain(["application", "model", "territory"])
            .collect()
    }

    /// The first period: the one that holds the day on which the agreement starts.
    fn first_period(&self) -> Period {
        self.length.holding(self.starts_on)
    }

    /// Whether the agreement has at least a day in the period.
    fn covers(&self, period: Period) -> bool {
        let last = self.ends_on.map(|ends_on| self.length.holding(ends_on - 1));
        period >= self.first_period() && last.is_none_or(|last| period <= last)
    }

    /// Refuses a period that is none, or that lies outside the agreement.
    fn check_period(&self, period: Period) -> Check<()> {
        ensure(self.length.has(period), "a period does not have the length of the terms")?;
        ensure(self.covers(period), "a period lies outside the agreement")
    }

    /// The place of a period, from 0 for the first period of the agreement.
    fn place(&self, period: Period) -> i32 {
        self.length.distance(self.first_period(), period)
    }

    /// The place of the first period of the window that holds the period at `place`
    /// (`docs/calculation.md`, "Time": windows consist of whole periods, and contract years have
    /// 12 months from the first day of the first period).
    fn window_start(&self, window: Window, place: i32) -> i32 {
        match window {
            Window::Period => place,
            Window::Year => place - place % self.length.per_year(),
            Window::Lifetime => 0,
        }
    }

    /// The place of the first period whose facts can move an amount of the period at `place`.
    fn reach(&self, place: i32) -> i32 {
        let tiers = self.rules.iter().filter_map(|rule| match &rule.pay {
            Pay::Tiered(tiers) => Some(tiers.window),
            Pay::Flat(_) => None,
        });
        let widest = tiers.max().unwrap_or(Window::Period);
        self.window_start(if self.carry { Window::Lifetime } else { widest }, place)
    }

    /// The rule that rates a line: the first whose conditions all match (`docs/calculation.md`,
    /// "Terms"). An absent attribute is the empty string.
    fn rule_for(&self, value_of: impl Fn(&str) -> String) -> Option<usize> {
        self.rules.iter().position(|rule| {
            rule.conditions.iter().all(|(attribute, patterns)| {
                let value = value_of(attribute);
                patterns.iter().any(|pattern| pattern_matches(pattern, &value))
            })
        })
    }

    /// The largest amount per unit of a meter in any step that counts it, rounded up.
    fn largest_price(&self, counted: &str) -> Exact {
        let tiers = self.rules.iter().filter_map(|rule| match &rule.pay {
            Pay::Tiered(tiers) => {
                tiers.meter.as_ref().is_some_and(|m| m == counted).then_some(tiers)
            }
            Pay::Flat(_) => None,
        });
        let prices = tiers.flat_map(|tiers| &tiers.steps).flat_map(|step| step.per_unit.values());
        prices.max().map_or_else(Exact::zero, Exact::ceil)
    }

    /// What a report adds to the money on a ledger (`log-format.md`, "Bounds").
    fn money(&self, blocks: &[Block]) -> Exact {
        let mut sums = BTreeMap::new();
        blocks.iter().for_each(|block| block.add_per_key(&mut sums));
        let mut money = Exact::zero();
        for sums in sums.values() {
            money += sums.gross.abs();
            money += sums.deductions.values().map(Exact::abs).sum::<Exact>();
            for (meter, quantity) in &sums.meters {
                money += quantity.abs() * self.largest_price(meter);
            }
        }
        money
    }

    /// Rounds to the minor unit of the currency, symmetric about zero.
    fn round(&self, amount: &Exact) -> Exact {
        round(amount, self.minor_digits, self.rounding)
    }
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
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct LineKey {
    day: i32,
    currency: [u8; 3],
    /// Per attribute, the position of its value.
    positions: Vec<usize>,
}

/// One number per line: integer × 10^-scale.
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

/// What the lines that one rule rates add up to.
#[derive(Clone, Default)]
struct Sums {
    gross: Exact,
    meters: PerName,
    deductions: PerName,
}

/// Day, currency and the attributes that are not empty.
type CommonKey = (i32, [u8; 3], Vec<(String, String)>);

/// A number per meter or per kind of deduction; absent means zero.
type PerName = BTreeMap<String, Exact>;

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

impl Block {
    /// Checks the lines against the terms and the period (`docs/calculation.md`, step 1), and adds
    /// them up per rule, in the order of the terms.
    fn rate(&self, terms: &Terms, period: Period) -> Check<Vec<Sums>> {
        let known = terms.known_attributes();
        ensure(
            self.attributes.iter().all(|name| known.contains(name.as_str())),
            "a line has an attribute that the terms do not know",
        )?;
        ensure(
            self.meters.iter().all(|name| terms.meters.contains(name)),
            "a line has a meter that is not declared",
        )?;
        ensure(
            self.deductions
                .iter()
                .all(|name| terms.deductions.iter().any(|(kind, _)| kind == name)),
            "a line has a deduction that is not declared",
        )?;
        let rules: Check<Vec<usize>> =
            self.keys.iter().map(|key| self.rate_key(terms, period, key)).collect();
        let rules = rules?;

        let mut sums = vec![Sums::default(); terms.rules.len()];
        for (rule, sum) in self.add_up(&self.gross, &rules) {
            sums[rule].gross += sum;
        }
        for (name, column) in self.meters.iter().zip(&self.meter_columns) {
            for (rule, sum) in self.add_up(column, &rules) {
                *sums[rule].meters.entry(name.clone()).or_default() += sum;
            }
        }
        for (name, column) in self.deductions.iter().zip(&self.deduction_columns) {
            for (rule, sum) in self.add_up(column, &rules) {
                *sums[rule].deductions.entry(name.clone()).or_default() += sum;
            }
        }
        Ok(sums)
    }

    /// Checks one key, and finds the rule that rates its lines.
    fn rate_key(&self, terms: &Terms, period: Period, key: &LineKey) -> Check<usize> {
        let (first, last) = (terms.length.first_day(period), terms.length.last_day(period));
        ensure((first..=last).contains(&key.day), "a line's day lies outside its period")?;
        ensure(
            key.day >= terms.starts_on && terms.ends_on.is_none_or(|ends_on| key.day < ends_on),
            "a line's day lies outside the agreement",
        )?;
        ensure(key.currency == terms.currency, "a line is not in the settlement currency")?;
        let mut values = BTreeMap::new();
        for (name, position) in self.attributes.iter().zip(&key.positions) {
            let value = &self.values[*position];
            let allowed = terms.attributes.get(name);
            ensure(
                value.is_empty() || allowed.is_none_or(|allowed| allowed.contains(value)),
                "a line has a value that the terms do not allow",
            )?;
            values.insert(name.as_str(), value);
        }
        terms
            .rule_for(|name| values.get(name).map_or_else(String::new, ToString::to_string))
            .ok_or_else(|| "a line matches no rule".to_string())
    }

    /// The sum of one column per group, given the group (a rule, say) of each key.
    fn add_up(&self, column: &Column, groups: &[usize]) -> BTreeMap<usize, Exact> {
        let mut sums: BTreeMap<usize, BigInt> = BTreeMap::new();
        for (key, integer) in self.line_keys.iter().zip(&column.integers) {
            *sums.entry(groups[*key]).or_default() += *integer;
        }
        sums.into_iter()
            .map(|(group, sum)| (group, Exact::new(sum, ten_to(column.scale))))
            .collect()
    }

    /// Adds the lines up by what they have in common (`log-format.md`, "Bounds").
    fn add_per_key(&self, sums: &mut BTreeMap<CommonKey, Sums>) {
        let every_key: Vec<usize> = (0..self.keys.len()).collect();
        let common = |place: usize| {
            let key = &self.keys[place];
            let values = key.positions.iter().map(|position| self.values[*position].clone());
            let attributes = self.attributes.iter().cloned().zip(values);
            let attributes = attributes.filter(|(_, value)| !value.is_empty()).collect();
            (key.day, key.currency, attributes)
        };
        for (place, sum) in self.add_up(&self.gross, &every_key) {
            sums.entry(common(place)).or_default().gross += sum;
        }
        for (name, column) in self.meters.iter().zip(&self.meter_columns) {
            for (place, sum) in self.add_up(column, &every_key) {
                let sums = sums.entry(common(place)).or_default();
                *sums.meters.entry(name.clone()).or_default() += sum;
            }
        }
        for (name, column) in self.deductions.iter().zip(&self.deduction_columns) {
            for (place, sum) in self.add_up(column, &every_key) {
                let sums = sums.entry(common(place)).or_default();
                *sums.deductions.entry(name.clone()).or_default() += sum;
            }
        }
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
}

/// One frame, with its header checked.
struct Frame<'a> {
    seq: u64,
    body: &'a [u8],
    record_hash: Hash,
    signature: [u8; 64],
}

impl<'a> Frames<'a> {
    /// The frame of record `seq`, or `None` at the end of the last segment.
    fn next(&mut self, seq: u64) -> Check<Option<Frame<'a>>> {
        loop {
            let Some(segment) = self.segments.get(self.segment) else {
                return Ok(None);
            };
            let mut c = Cursor { left: segment };
            c.take(self.offset)?;
            if self.offset == 0 {
                read_segment_header(&mut c, self.segment, seq)?;
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
    kind: u16,
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
    ensure(c.u16()? == 1, "the ledger has an unknown format level")?;
    let ledger_id = c.hash()?;
    let seq = c.u64()?;
    ensure(seq == frame.seq, "a body has the wrong sequence number")?;
    let before = c.hash()?;
    let time = c.i64()?;
    let time_end = (i64::from(DAY_MAX) + 1) * DAY_MICROS;
    ensure((0..time_end).contains(&time), "a recorded time is outside 1970 to 2999")?;
    let key = c.array()?;
    let kind = c.u16()?;
    ensure((1..=12).contains(&kind), "an event has an unknown kind")?;
    let version = c.u16()?;
    ensure(version == 1, "an event has an unknown version")?;
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
        kind,
        payload,
        payload_digest,
        event_id,
        hash,
    })
}

fn check_signature(key: &[u8; 32], record_hash: &Hash, signature: &[u8; 64]) -> Check<()> {
    let message = [b"revshare record v1\0".as_slice(), record_hash].concat();
    VerifyingKey::from_bytes(key)
        .and_then(|key| key.verify_strict(&message, &Signature::from_bytes(signature)))
        .map_err(|_| "the signature is not one of the author's key over this record".to_string())
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
                &1u16.to_le_bytes(),
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
    PayoutSent { to: String, amount: Exact, on_account: Exact, sent: i32 },
    PayoutConfirmed { payout: Hash, received: i32 },
    PayoutReturned { payout: Hash },
    Acknowledged { seq: u64, head: Hash, root_version: u16, root: Hash },
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
}

fn read_event(kind: u16, payload: &[u8]) -> Check<Event> {
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
        7 => Event::StatementIssued(read_statement(&mut c)?),
        8 => Event::StatementAccepted { statement: c.hash()? },
        9 => {
            let (to, amount, on_account) = (c.id()?, c.decimal()?, c.decimal()?);
            let sent = c.day()?;
            c.text()?; // the reference
            Event::PayoutSent { to, amount, on_account, sent }
        }
        10 => Event::PayoutConfirmed { payout: c.hash()?, received: c.day()? },
        11 => {
            let payout = c.hash()?;
            c.text()?; // the reason
            Event::PayoutReturned { payout }
        }
        12 => Event::Acknowledged {
            seq: c.u64()?,
            head: c.hash()?,
            root_version: c.u16()?,
            root: c.hash()?,
        },
        _ => return Err("an event has an unknown kind".into()),
    };
    c.end()?;
    Ok(event)
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

fn read_statement(c: &mut Cursor<'_>) -> Check<Statement> {
    let statement = Statement {
        period: c.period()?,
        terms: c.hash()?,
        calculation: c.u16()?,
        entries: c.list(|c| {
            Ok(Entry {
                period: c.period()?,
                base: c.decimal()?,
                shares: c.per_party(Cursor::decimal)?,
                causes: c.list(Cursor::hash)?,
            })
        })?,
        root_version: c.u16()?,
        root: c.hash()?,
    };
    strictly_rising(statement.entries.iter().map(|entry| entry.period))?;
    ensure(
        statement.entries.last().is_some_and(|own| own.period == statement.period),
        "the last entry of a statement is not its own period",
    )?;
    Ok(statement)
}

// ------------------------------------------------------------------------------------------------
// 8. The arithmetic (`docs/calculation.md`)
// ------------------------------------------------------------------------------------------------

/// What one rule rates in one period (step 3).
#[derive(Clone, Debug)]
struct Group {
    /// Gross less clamped deductions.
    base: Exact,
    /// What the rule's tier counts: its meter, or the base.
    measure: Exact,
}

/// base = gross − Σ clamp(deduction, −cap × |gross|, +cap × |gross|), over the group's sums.
fn group_of(terms: &Terms, rule: &Rule, sums: &Sums) -> Group {
    let mut base = sums.gross.clone();
    for (kind, cap) in &terms.deductions {
        let mut deduction = sums.deductions.get(kind).cloned().unwrap_or_default();
        if let Some(cap) = cap {
            let most = cap * sums.gross.abs();
            deduction = deduction.max(-most.clone()).min(most);
        }
        base -= deduction;
    }
    let measure = match &rule.pay {
        Pay::Tiered(Tiers { meter: Some(meter), .. }) => {
            sums.meters.get(meter).cloned().unwrap_or_default()
        }
        _ => base.clone(),
    };
    Group { base, measure }
}

/// Adds an amount to what a party has.
fn add_to(amounts: &mut PerParty, party: &str, amount: Exact) {
    *amounts.entry(party.to_string()).or_default() += amount;
}

/// What one rule earns every party in one period, exactly (steps 5 to 7). `window` holds the
/// groups of the rule from the first period of the tier window up to this period, which is last.
fn earned(pay: &Pay, limits: &Limits, window: &[Group]) -> PerParty {
    let Some((now, before)) = window.split_last() else {
        return PerParty::new();
    };
    match pay {
        Pay::Flat(shares) => shares
            .iter()
            .map(|(party, share)| (party.clone(), limits.clamp(share) * &now.base))
            .collect(),
        Pay::Tiered(tiers) if tiers.whole => {
            let mut earned = whole_window(tiers, limits, window);
            for (party, amount) in whole_window(tiers, limits, before) {
                add_to(&mut earned, &party, -amount);
            }
            earned
        }
        Pay::Tiered(tiers) => marginal(tiers, limits, before, now),
    }
}

/// W: the step that the window's position stands in, applied to all groups of the window; nothing
/// before the window's first period.
fn whole_window(tiers: &Tiers, limits: &Limits, window: &[Group]) -> PerParty {
    let mut earned = PerParty::new();
    if window.is_empty() {
        return earned;
    }
    let base: Exact = window.iter().map(|group| &group.base).sum();
    let position: Exact = window.iter().map(|group| &group.measure).sum();
    let step = &tiers.steps[standing(&tiers.steps, &position)];
    for (party, share) in &step.share {
        add_to(&mut earned, party, limits.clamp(share) * &base);
    }
    for (party, per_unit) in &step.per_unit {
        add_to(&mut earned, party, per_unit * &position);
    }
    for (party, flat) in &step.flat {
        add_to(&mut earned, party, flat.clone());
    }
    earned
}

/// base/q × the integral of the step rates from the position to the position + q; for q = 0 the
/// base times the rate of the step that the position stands in; and the flats of the steps entered.
fn marginal(tiers: &Tiers, limits: &Limits, before: &[Group], now: &Group) -> PerParty {
    let from: Exact = before.iter().map(|group| &group.measure).sum();
    let to = &from + &now.measure;
    let stands_from = standing(&tiers.steps, &from);
    let stands_to = standing(&tiers.steps, &to);
    let mut earned = PerParty::new();
    let mut step_start: Option<&Exact> = None; // none: the first step reaches down without end
    for (index, step) in tiers.steps.iter().enumerate() {
        let step_end = step.bound.as_ref().map(|bound| &bound.at);
        let units = units_within(&from, &to, step_start, step_end);
        let base_here = if !now.measure.is_zero() {
            &now.base / &now.measure * &units
        } else if index == stands_from {
            now.base.clone()
        } else {
            Exact::zero()
        };
        for (party, share) in &step.share {
            add_to(&mut earned, party, limits.clamp(share) * &base_here);
        }
        for (party, per_unit) in &step.per_unit {
            add_to(&mut earned, party, per_unit * &units);
        }
        // Flats: every step from the first to the one that a position stands in is entered. Before
        // the first period of the window none is, so that period has the first step's flat.
        for (party, flat) in &step.flat {
            if index <= stands_to {
                add_to(&mut earned, party, flat.clone());
            }
            if index <= stands_from && !before.is_empty() {
                add_to(&mut earned, party, -flat.clone());
            }
        }
        step_start = step_end;
    }
    earned
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

/// What a period amounts to, from the facts known now: base and shares in minor units.
struct Computed {
    period: Period,
    base: Exact,
    /// Every owner and beneficiary.
    shares: PerParty,
}

// ------------------------------------------------------------------------------------------------
// 9. The ledger: which event is admissible when, and what it changes
// ------------------------------------------------------------------------------------------------

/// The state after the records read so far.
struct Ledger {
    id: Hash,
    terms: Terms,
    terms_digest: Hash,
    opening: Hash,
    opening_content: Hash,
    /// Parties that accepted the ledger, the opener included.
    accepted: BTreeSet<String>,

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

    /// The reports in effect: the current end of each chain of corrections.
    reports: BTreeMap<Hash, UsageReport>,
    /// Periods whose report was recorded as missing.
    missing: BTreeSet<Period>,
    /// Lines of all reports, replaced ones included.
    lines: u64,
    /// Money on the ledger, likewise.
    money: Exact,
    /// Reports and corrections since the last statement, in log order.
    since_statement: Vec<(Hash, Period)>,

    /// Every stated period. Its first is the first of the agreement, and there are no gaps.
    stated: BTreeMap<Period, Stated>,
    /// Payouts neither confirmed nor returned.
    in_transit: BTreeMap<Hash, Payout>,
    /// Confirmed payouts per party, without their parts on account.
    paid: PerParty,
    /// Parts on account of confirmed payouts per party.
    on_account: PerParty,
}

/// A part that waits for its closing event.
struct Part {
    event: Hash,
    payload_digest: Hash,
    author: String,
    block: Block,
}

/// A report or correction in effect.
struct UsageReport {
    period: Period,
    lines: u64,
    /// One per rule.
    sums: Vec<Sums>,
}

/// What all statements together say about a period.
struct Stated {
    /// The statement whose own period it is.
    statement: Hash,
    base: Exact,
    shares: PerParty,
    /// Parties that accepted that statement.
    accepted: BTreeSet<String>,
}

struct Payout {
    to: String,
    amount: Exact,
    on_account: Exact,
    sent: i32,
}

impl Ledger {
    /// Record 0.
    fn open(record: &Record<'_>) -> Check<Ledger> {
        ensure(record.ledger_id == [0; 32], "record 0 names a ledger id")?;
        ensure(record.before == [0; 32], "record 0 names a record before it")?;
        ensure(record.kind == 1, "the first record does not open the ledger")?;
        let terms = read_terms(record.payload)?;
        ensure(author(&terms, record)?.is_money_party(), "only a money party opens a ledger")?;
        Ok(Ledger {
            id: record.hash,
            terms_digest: derive("revshare 2026-11-23 terms v1", &[record.payload]),
            terms,
            opening: record.event_id,
            opening_content: record.content_digest(),
            accepted: BTreeSet::from([record.party.clone()]),
            records: 1,
            time: record.time,
            head: record.hash,
            events: BTreeSet::from([record.event_id]),
            group: Vec::new(),
            head_before_group: record.hash,
            reports: BTreeMap::new(),
            missing: BTreeSet::new(),
            lines: 0,
            money: Exact::zero(),
            since_statement: Vec::new(),
            stated: BTreeMap::new(),
            in_transit: BTreeMap::new(),
            paid: PerParty::new(),
            on_account: PerParty::new(),
        })
    }

    /// Any later record: its place on the log, its author, its event.
    fn append(&mut self, record: &Record<'_>) -> Check<()> {
        ensure(record.ledger_id == self.id, "a record belongs to another ledger")?;
        ensure(record.seq == self.records, "a record has the wrong sequence number")?;
        ensure(record.before == self.head, "a record does not name the record before it")?;
        ensure(record.time >= self.time, "recorded time runs backwards")?;
        let role = author(&self.terms, record)?.role;
        ensure(self.events.insert(record.event_id), "an event stands on the log twice")?;
        let event = read_event(record.kind, record.payload)?;
        self.admit(record, role, event)?;
        self.records += 1;
        self.time = record.time;
        self.head = record.hash;
        if self.group.is_empty() {
            self.head_before_group = record.hash;
        }
        Ok(())
    }

    /// Whether the event is admissible, and what it changes.
    fn admit(&mut self, record: &Record<'_>, role: Role, event: Event) -> Check<()> {
        let is_collector = role == Role::Collector;
        let is_paid = matches!(role, Role::Owner | Role::Beneficiary);
        ensure(
            self.group.is_empty() || matches!(record.kind, 3..=5),
            "between the parts of a report and their closing event stands something else",
        )?;
        ensure(
            self.all_accepted() || matches!(event, Event::Accepted { .. }),
            "before every money party has accepted, only acceptance is admissible",
        )?;
        match event {
            Event::Accepted { event, content } => {
                ensure(!self.all_accepted(), "nothing waits for an acceptance")?;
                ensure(is_collector || is_paid, "only a money party accepts a ledger")?;
                ensure(event == self.opening, "what is accepted is not the opening")?;
                ensure(content == self.opening_content, "what is accepted has another content")?;
                ensure(self.accepted.insert(record.party.clone()), "a party accepts twice")
            }
            Event::UsagePart { index, block } => {
                ensure(is_collector, "only the collector reports usage")?;
                ensure(index as usize == self.group.len(), "a part has the wrong index")?;
                self.group.push(Part {
                    event: record.event_id,
                    payload_digest: record.payload_digest,
                    author: record.party.clone(),
                    block,
                });
                Ok(())
            }
            Event::UsageReported { period, supplement, lines } => {
                ensure(is_collector, "only the collector reports usage")?;
                self.terms.check_period(period)?;
                match (self.has_report(period), supplement) {
                    (true, false) => Err("a period has a report already")?,
                    (false, true) => Err("a supplement without an earlier report")?,
                    _ => self.take_report(record, period, lines),
                }
            }
            Event::UsageCorrected { replaced, lines } => {
                ensure(is_collector, "only the collector corrects usage")?;
                let replaced = self
                    .reports
                    .remove(&replaced)
                    .ok_or("a correction does not name the current end of a report's chain")?;
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
            Event::PayoutSent { to, amount, on_account, sent } => {
                ensure(is_collector, "only the collector sends payouts")?;
                self.send(record, Payout { to, amount, on_account, sent })
            }
            Event::PayoutConfirmed { payout, received } => {
                let payout = self.settle(record, &payout)?;
                ensure(received >= payout.sent, "a payout is received before it was sent")?;
                add_to(&mut self.paid, &payout.to, &payout.amount - &payout.on_account);
                add_to(&mut self.on_account, &payout.to, payout.on_account);
                Ok(())
            }
            Event::PayoutReturned { payout } => self.settle(record, &payout).map(|_| ()),
            Event::Acknowledged { seq, head, root_version, root } => {
                ensure(
                    seq.checked_add(1) == Some(self.records) && head == self.head,
                    "an acknowledgement does not name the record before it",
                )?;
                self.check_root(root_version, &root)
            }
        }
    }

    /// Whether every money party has accepted the ledger.
    fn all_accepted(&self) -> bool {
        self.terms
            .parties
            .iter()
            .filter(|party| party.is_money_party())
            .all(|party| self.accepted.contains(&party.id))
    }

    fn has_report(&self, period: Period) -> bool {
        self.reports.values().any(|report| report.period == period)
    }

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
        let mut report =
            UsageReport { period, lines: 0, sums: vec![Sums::default(); self.terms.rules.len()] };
        for block in &blocks {
            report.lines += block.line_count();
            for (sums, more) in report.sums.iter_mut().zip(block.rate(&self.terms, period)?) {
                sums.add(&more);
            }
        }
        self.lines += report.lines;
        ensure(self.lines <= LEDGER_LINES_MAX, "the ledger has too many lines")?;
        self.money += self.terms.money(&blocks);
        let most = Exact::from(ten_to(LEDGER_MONEY_DIGITS));
        ensure(self.money <= most, "the ledger has too much money")?;
        self.reports.insert(record.event_id, report);
        self.since_statement.push((record.event_id, period));
        Ok(())
    }

    fn record_missing(&mut self, record: &Record<'_>, role: Role, period: Period) -> Check<()> {
        ensure(role == Role::Owner, "only an owner records that a report is missing")?;
        self.terms.check_period(period)?;
        ensure(!self.has_report(period), "a report that is there is not missing")?;
        let due = self.terms.length.last_day(period) + i32::from(self.terms.report_due_days);
        ensure(record.day() > i64::from(due), "a report is not missing before its due day")?;
        ensure(self.missing.insert(period), "a missing report is recorded twice")
    }

    /// A statement: its content must be, in full, what the terms and the log amount to.
    fn issue(&mut self, record: &Record<'_>, statement: &Statement) -> Check<()> {
        let terms = &self.terms;
        let next = match self.stated.last_key_value() {
            None => terms.first_period(),
            Some((last, _)) => terms.length.next(*last),
        };
        ensure(
            statement.period == next && terms.length.has(next),
            "a statement is not for the next period",
        )?;
        ensure(
            self.has_report(next) || !terms.covers(next),
            "a statement is for a period without a report",
        )?;
        ensure(statement.terms == self.terms_digest, "a statement names other terms")?;
        ensure(statement.calculation == 1, "a statement names another calculation")?;
        ensure(
            statement.entries == self.entries(next),
            "a statement does not say what the terms and the log amount to",
        )?;
        self.check_root(statement.root_version, &statement.root)?;

        for entry in &statement.entries {
            let stated = self.stated.entry(entry.period).or_insert_with(|| Stated {
                statement: record.event_id,
                base: Exact::zero(),
                shares: PerParty::new(),
                accepted: BTreeSet::new(),
            });
            stated.base += &entry.base;
            for (party, share) in &entry.shares {
                add_to(&mut stated.shares, party, share.clone());
            }
        }
        self.since_statement.clear();
        Ok(())
    }

    /// The entries of the statement for `own` (`docs/calculation.md`, step 10): every earlier
    /// stated period is computed again, and has an entry if an amount of it changed.
    fn entries(&self, own: Period) -> Vec<Entry> {
        let mut entries = Vec::new();
        for computed in self.compute(own) {
            let Computed { period, mut base, mut shares } = computed;
            if let Some(stated) = self.stated.get(&period) {
                base -= &stated.base;
                for (party, booked) in &stated.shares {
                    add_to(&mut shares, party, -booked.clone());
                }
            }
            let moved = !base.is_zero() || shares.values().any(|share| !share.is_zero());
            if period == own {
                entries.push(Entry { period, base, shares, causes: Vec::new() });
            } else if moved {
                entries.push(Entry { period, base, shares, causes: self.causes(period) });
            }
        }
        entries
    }

    /// The reports and corrections since the last statement that can have moved a period.
    fn causes(&self, period: Period) -> Vec<Hash> {
        let first = self.terms.reach(self.terms.place(period));
        self.since_statement
            .iter()
            .filter(|(_, moved)| self.terms.place(*moved) >= first && *moved <= period)
            .map(|(event, _)| *event)
            .collect()
    }

    /// Every period from the first of the agreement up to `last`, computed from scratch.
    ///
    /// Bases are rounded each for itself, also where shares are carried. In a period after the
    /// last of the agreement no rule is in force: it earns nothing, and no flat falls in it.
    fn compute(&self, last: Period) -> Vec<Computed> {
        let terms = &self.terms;
        let mut computed = Vec::new();
        let mut groups: Vec<Vec<Group>> = vec![Vec::new(); terms.rules.len()];
        let mut earned_before = PerParty::new();
        let mut period = terms.first_period();
        while period <= last {
            let mut base = Exact::zero();
            let mut earned_now = PerParty::new();
            let now = if terms.covers(period) { self.groups(period) } else { Vec::new() };
            for ((rule, group), groups) in terms.rules.iter().zip(now).zip(&mut groups) {
                base += &group.base;
                groups.push(group);
                let start = match &rule.pay {
                    Pay::Flat(_) => terms.window_start(Window::Period, terms.place(period)),
                    Pay::Tiered(tiers) => terms.window_start(tiers.window, terms.place(period)),
                };
                let window = groups.get(start as usize..).unwrap_or_default();
                for (party, amount) in earned(&rule.pay, &terms.limits, window) {
                    add_to(&mut earned_now, &party, amount);
                }
            }
            let mut shares = PerParty::new();
            for party in terms.paid_parties() {
                let now = earned_now.remove(party).unwrap_or_default();
                let before = earned_before.entry(party.clone()).or_default();
                let up_to_now = &*before + &now;
                let rounded = if terms.carry {
                    // R(Σ earned up to p) − Σ rounded(before p); the latter is R(Σ before p).
                    terms.round(&up_to_now) - terms.round(before)
                } else {
                    terms.round(&now)
                };
                *before = up_to_now;
                shares.insert(party.clone(), rounded);
            }
            computed.push(Computed { period, base: terms.round(&base), shares });
            period = terms.length.next(period);
        }
        computed
    }

    /// The groups of a period, one per rule: all lines in effect that the rule rates.
    fn groups(&self, period: Period) -> Vec<Group> {
        let rules = self.terms.rules.iter().enumerate();
        rules
            .map(|(index, rule)| {
                let mut sums = Sums::default();
                for report in self.reports.values().filter(|report| report.period == period) {
                    sums.add(&report.sums[index]);
                }
                group_of(&self.terms, rule, &sums)
            })
            .collect()
    }

    /// A payout: at most what is payable, but for the part that it says is on account.
    fn send(&mut self, record: &Record<'_>, payout: Payout) -> Check<()> {
        let terms = &self.terms;
        ensure(
            terms.party(&payout.to).is_some_and(Party::is_paid),
            "a payout goes to a party that is neither owner nor beneficiary",
        )?;
        ensure(payout.amount.is_positive(), "a payout is not a positive amount")?;
        ensure(
            (&payout.amount * ten_to(terms.minor_digits)).is_integer(),
            "a payout has a fraction of the minor unit",
        )?;
        let Balance { paid, on_account, in_transit, payable, .. } = self.balance(&payout.to);
        let most = Exact::from(ten_to(LEDGER_MONEY_DIGITS));
        ensure(
            paid + on_account + in_transit + &payout.amount <= most,
            "the payouts to a party come to too much",
        )?;
        let covered = payable.clone().max(Exact::zero());
        let excess = (&payout.amount - covered).max(Exact::zero());
        ensure(payout.on_account == excess, "the part of a payout on account is wrong")?;
        let ended = terms.ends_on.is_some_and(|ends_on| record.day() >= i64::from(ends_on));
        ensure(
            payable >= terms.minimum_payout || !excess.is_zero() || ended,
            "a payout is below the minimum payout",
        )?;
        self.in_transit.insert(record.event_id, payout);
        Ok(())
    }

    /// Takes a payout out of transit, for its receiver.
    fn settle(&mut self, record: &Record<'_>, payout: &Hash) -> Check<Payout> {
        let payout = self.in_transit.remove(payout).ok_or("a payout is not in transit")?;
        ensure(payout.to == record.party, "only the receiver confirms or returns a payout")?;
        Ok(payout)
    }

    fn balance(&self, party: &str) -> Balance {
        let of = |amounts: &PerParty| amounts.get(party).cloned().unwrap_or_default();
        let booked: Exact = self.stated.values().map(|stated| of(&stated.shares)).sum();
        let in_transit: Exact = self
            .in_transit
            .values()
            .filter(|payout| payout.to == party)
            .map(|payout| &payout.amount)
            .sum();
        let (paid, on_account) = (of(&self.paid), of(&self.on_account));
        let payable = &booked - &paid - &on_account - &in_transit;
        Balance { party: party.to_string(), booked, paid, in_transit, on_account, payable }
    }

    /// Refuses a state root that is not the own one. The event that names it has not had its
    /// effect yet, so this is the root after the record before it.
    fn check_root(&self, version: u16, root: &Hash) -> Check<()> {
        ensure(version == 1, "a state root has an unknown version")?;
        ensure(*root == self.state_root()?, "a state root is not that of the record before")
    }

    fn report(&self) -> Check<Report> {
        Ok(Report {
            ledger_id: self.id,
            records: self.records - self.group.len() as u64,
            head: self.head_before_group,
            state_root: self.state_root()?,
            balances: self.terms.paid_parties().into_iter().map(|id| self.balance(id)).collect(),
            stated: self
                .stated
                .iter()
                .map(|(period, stated)| StatedPeriod {
                    year: period.year,
                    number: period.number,
                    base: stated.base.clone(),
                    shares: stated.shares.clone().into_iter().collect(),
                })
                .collect(),
        })
    }
}

/// The author of a record: a party of the terms, signing with its key.
fn author<'t>(terms: &'t Terms, record: &Record<'_>) -> Check<&'t Party> {
    let party = terms.party(&record.party).ok_or("the author is no party of the agreement")?;
    ensure(party.key == record.key, "the author's key does not belong to its party")?;
    Ok(party)
}

// ------------------------------------------------------------------------------------------------
// 10. The state root (`state-root.md`)
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
    /// The state root, version 1, after the records that count so far.
    fn state_root(&self) -> Check<Hash> {
        let mut out = Bytes::default();
        // 1 to 5: ledger id, terms in force, pending, accepted, keys
        out.hash(&self.id);
        out.hash(&self.terms_digest);
        if self.all_accepted() {
            out.count(0);
        } else {
            out.count(1);
            out.hash(&self.opening);
        }
        out.ids(&self.accepted);
        let keys: BTreeMap<&String, &[u8; 32]> =
            self.terms.parties.iter().map(|party| (&party.id, &party.key)).collect();
        out.count(keys.len());
        for (id, key) in keys {
            out.string(id);
            out.hash(key);
        }
        // 6: periods
        let mut periods = self.missing.clone();
        periods.extend(self.reports.values().map(|report| report.period));
        out.count(periods.len());
        for period in periods {
            self.write_usage(&mut out, period);
        }
        // 7: stated
        out.count(self.stated.len());
        for (period, stated) in &self.stated {
            out.period(*period);
            out.hash(&stated.statement);
            out.decimal(&stated.base)?;
            out.per_party(&stated.shares)?;
            out.ids(&stated.accepted);
        }
        // 8: accounts
        let parties = self.terms.paid_parties();
        out.count(parties.len());
        for party in parties {
            let balance = self.balance(party);
            out.string(party);
            out.decimal(&balance.booked)?;
            out.decimal(&balance.paid)?;
            out.decimal(&balance.on_account)?;
        }
        // 9: in transit
        out.count(self.in_transit.len());
        for (event, payout) in &self.in_transit {
            out.hash(event);
            out.string(&payout.to);
            out.decimal(&payout.amount)?;
            out.decimal(&payout.on_account)?;
        }
        Ok(derive("revshare 2026-11-23 state root v1", &[&out.0]))
    }

    /// One `usage` of field 6.
    fn write_usage(&self, out: &mut Bytes, period: Period) {
        let reports: BTreeMap<&Hash, &UsageReport> =
            self.reports.iter().filter(|(_, report)| report.period == period).collect();
        out.period(period);
        out.bool(self.missing.contains(&period));
        out.count(reports.len());
        for event in reports.keys() {
            out.hash(event);
        }
        out.number(reports.values().map(|report| report.lines).sum());
        out.count(self.terms.rules.len());
        for (rule, group) in self.terms.rules.iter().zip(self.groups(period)) {
            out.string(&rule.id);
            out.fraction(&group.base);
            out.fraction(&group.measure);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits: BigInt = format!("{whole}{fraction}").parse().expect("digits");
        Exact::new(digits, ten_to(fraction.len() as u32))
    }

    fn to_owner(amount: &str) -> PerParty {
        PerParty::from([("owner".to_string(), exact(amount))])
    }

    /// `up_to` a bound (or without end): share, per unit and flat of the owner.
    fn step(up_to: Option<&str>, share: &str, per_unit: &str, flat: &str) -> Step {
        Step {
            bound: up_to.map(|at| Bound { at: exact(at), inclusive: true }),
            share: to_owner(share),
            per_unit: to_owner(per_unit),
            flat: to_owner(flat),
        }
    }

    /// The ladder of flat fees and unit prices: up to 5 units 100, up to 10 another 50, then 10
    /// per unit up to 15, then 5 per unit.
    fn ladder(whole: bool) -> Pay {
        Pay::Tiered(Tiers {
            meter: Some("units".into()),
            window: Window::Lifetime,
            whole,
            steps: vec![
                step(Some("5"), "0", "0", "100"),
                step(Some("10"), "0", "0", "50"),
                step(Some("15"), "0", "10", "0"),
                step(None, "0", "5", "0"),
            ],
        })
    }

    fn shares(whole: bool, kind: Option<&str>) -> Pay {
        Pay::Tiered(Tiers {
            meter: kind.map(String::from),
            window: Window::Lifetime,
            whole,
            steps: vec![step(Some("1000"), "0.1", "0", "0"), step(None, "0.2", "0", "0")],
        })
    }

    const NO_LIMITS: Limits = Limits { floor: None, ceiling: None };

    /// What the owner earns in the last of these periods, given as (base, measure).
    fn last_of(pay: &Pay, limits: &Limits, periods: &[(&str, &str)]) -> Exact {
        let window: Vec<Group> = periods
            .iter()
            .map(|(base, measure)| Group { base: exact(base), measure: exact(measure) })
            .collect();
        earned(pay, limits, &window).remove("owner").expect("the owner is named")
    }

    #[test]
    fn marginal_ladder() {
        let at = |units: &str| last_of(&ladder(false), &NO_LIMITS, &[("0", units)]);
        assert_eq!(at("0"), exact("100"));
        assert_eq!(at("5"), exact("100"));
        assert_eq!(at("5.001"), exact("150"));
        assert_eq!(at("12"), exact("170"));
        assert_eq!(at("20"), exact("225"));
        assert_eq!(at("-3"), exact("100"));
    }

    #[test]
    fn whole_ladder() {
        let at = |units: &str| last_of(&ladder(true), &NO_LIMITS, &[("0", units)]);
        assert_eq!(at("5"), exact("100"));
        assert_eq!(at("5.001"), exact("50"));
        assert_eq!(at("12"), exact("120"));
        assert_eq!(at("15"), exact("150"));
        assert_eq!(at("16"), exact("80"));
    }

    #[test]
    fn later_periods_go_on_from_the_position() {
        let later = |units: &str| last_of(&ladder(false), &NO_LIMITS, &[("0", "4"), ("0", units)]);
        assert_eq!(later("0"), exact("0"));
        assert_eq!(later("8"), exact("70"));
        // Falling back from 12 to 4 gives back 20 for two units and the flat of the second step.
        let back = [("0", "12"), ("0", "-8")];
        assert_eq!(last_of(&ladder(false), &NO_LIMITS, &back), exact("-70"));
        // Under whole tiers, 15 units were 150 and 16 are 80.
        let one_more = [("0", "15"), ("0", "1")];
        assert_eq!(last_of(&ladder(true), &NO_LIMITS, &one_more), exact("-70"));
    }

    #[test]
    fn shares_of_the_base_by_revenue_and_by_meter() {
        let crossing = [("800", "800"), ("400", "400")];
        assert_eq!(last_of(&shares(false, None), &NO_LIMITS, &crossing), exact("60"));
        assert_eq!(last_of(&shares(true, None), &NO_LIMITS, &crossing), exact("160"));
        // 30 of base over 400 units, half of them below the bound.
        let metered = [("0", "800"), ("30", "400")];
        assert_eq!(last_of(&shares(false, Some("units")), &NO_LIMITS, &metered), exact("4.5"));
        // No units: the rate of the step that the position stands in; 1000 is in the first.
        let at_bound = [("0", "1000"), ("30", "0")];
        assert_eq!(last_of(&shares(false, Some("units")), &NO_LIMITS, &at_bound), exact("3"));
    }

    #[test]
    fn rates_are_clamped_for_named_parties() {
        let limits = Limits { floor: Some(exact("0.05")), ceiling: Some(exact("0.15")) };
        assert_eq!(last_of(&Pay::Flat(to_owner("0")), &limits, &[("100", "100")]), exact("5"));
        assert_eq!(last_of(&Pay::Flat(to_owner("0.4")), &limits, &[("100", "100")]), exact("15"));
        let crossing = [("800", "800"), ("400", "400")];
        assert_eq!(last_of(&shares(false, None), &limits, &crossing), exact("50"));
    }

    #[test]
    fn rounding_is_symmetric() {
        use Rounding::{Down, HalfEven, HalfUp};
        let cases = [
            ("0.125", HalfEven, "0.12"),
            ("0.135", HalfEven, "0.14"),
            ("0.1251", HalfEven, "0.13"),
            ("0.125", HalfUp, "0.13"),
            ("0.1249", HalfUp, "0.12"),
            ("0.129", Down, "0.12"),
        ];
        for (amount, rounding, expected) in cases {
            assert_eq!(round(&exact(amount), 2, rounding), exact(expected));
            assert_eq!(round(&-exact(amount), 2, rounding), -exact(expected));
        }
        assert_eq!(round(&exact("0.5"), 0, HalfEven), exact("0"));
    }

    #[test]
    fn days_and_periods() {
        assert_eq!(first_of_month(3000, 1) - 1, DAY_MAX);
        assert_eq!(first_of_month(2000, 3), 11_017);
        let period = Length::Quarter.holding(11_016);
        assert_eq!(period, Period { year: 2000, number: 1 });
        assert_eq!(Length::Quarter.last_day(period), first_of_month(2000, 4) - 1);
        let december = Period { year: 2026, number: 12 };
        assert_eq!(Length::Month.next(december), Period { year: 2027, number: 1 });
    }

    #[test]
    fn patterns() {
        assert!(pattern_matches("llama-3*", "llama-3.1"));
        assert!(pattern_matches("*", ""));
        assert!(pattern_matches("a*b*c", "a-b-b-c"));
        assert!(!pattern_matches("a*ab", "ab"));
        assert!(!pattern_matches("EU", "eu"));
    }
}
