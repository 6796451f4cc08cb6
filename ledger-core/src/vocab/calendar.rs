//! Days, periods and recorded times. Days are UTC dates, intervals are half-open.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "years from 1970 to 2999: days fit 32 bits, and microseconds 64"
)]

use std::fmt;
use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil;

use crate::limits::YEAR_MAX;
use crate::limits::YEAR_MIN;
use crate::vocab::problem::Code;
use crate::vocab::problem::Problem;

/// A UTC date, from 1970-01-01 to 2999-12-31, as days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

/// The length of an accounting period.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PeriodLength {
    /// A calendar month: `2026-06`.
    Month,
    /// A calendar quarter: `2026-Q2`.
    Quarter,
}

/// An accounting period: one calendar month or quarter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    year: i16,
    /// Month 1 to 12 or quarter 1 to 4.
    number: u8,
    length: PeriodLength,
}

/// An instant in UTC, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The last date, as days since 1970-01-01.
static LAST_DAY: LazyLock<i32> =
    LazyLock::new(|| Date::from_civil(civil::date(YEAR_MAX, 12, 31)).map_or(0, |last| last.0));

fn day_zero() -> civil::Date {
    civil::date(1970, 1, 1)
}

impl Date {
    /// Reads `YYYY-MM-DD`. Errors: [`Code::Date`].
    pub fn parse(text: &str) -> Result<Date, Problem> {
        Date::parse_bytes(text.as_bytes()).ok_or_else(|| {
            Problem::new(Code::Date, format!("`{}` is not a day", text.escape_debug()))
                .hint("write days as YYYY-MM-DD, from 1970-01-01 to 2999-12-31")
        })
    }

    /// Reads `YYYY-MM-DD`; `None` if it is no such day.
    pub fn parse_bytes(text: &[u8]) -> Option<Date> {
        let [year @ .., b'-', m, n, b'-', d, e] = text else { return None };
        let digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
        if year.len() != 4 || !digits(year) || !digits(&[*m, *n, *d, *e]) {
            return None;
        }
        let year = year.iter().fold(0, |sum, byte| sum * 10 + i16::from(byte - b'0'));
        let number = |tens: &u8, ones: &u8| i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok();
        Date::from_ymd(year, number(m, n)?, number(d, e)?)
    }

    /// From year, month and day; `None` outside the calendar or the bounds.
    pub fn from_ymd(year: i16, month: i8, day: i8) -> Option<Date> {
        if !(YEAR_MIN..=YEAR_MAX).contains(&year) {
            return None;
        }
        Date::from_civil(civil::Date::new(year, month, day).ok()?)
    }

    /// From days since 1970-01-01; `None` outside the bounds.
    pub fn from_days(days: i32) -> Option<Date> {
        (0..=*LAST_DAY).contains(&days).then_some(Date(days))
    }

    fn from_civil(date: civil::Date) -> Option<Date> {
        Some(Date(day_zero().until(date).ok()?.get_days()))
    }

    fn civil(self) -> civil::Date {
        day_zero().saturating_add(self.0.days())
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i32 {
        self.0
    }

    /// The day `days` later (or earlier); held at the bounds of the calendar.
    pub fn plus_days(self, days: i32) -> Date {
        Date(self.0.saturating_add(days).clamp(0, *LAST_DAY))
    }

    /// The same day of the month so many months earlier, or the last day of that month if it is
    /// shorter; held at the bounds of the calendar.
    pub fn minus_months(self, months: u16) -> Date {
        let earlier = self.civil().saturating_sub(i32::from(months).months());
        Date::from_civil(earlier.max(day_zero())).unwrap_or(Date(0))
    }

    /// Year, month (1 to 12) and day of the month.
    pub fn ymd(self) -> (i16, i8, i8) {
        let civil = self.civil();
        (civil.year(), civil.month(), civil.day())
    }
}

impl PeriodLength {
    /// The word that terms use.
    pub fn as_str(self) -> &'static str {
        match self {
            PeriodLength::Month => "month",
            PeriodLength::Quarter => "quarter",
        }
    }

    /// Periods in a contract year.
    pub fn per_year(self) -> i32 {
        match self {
            PeriodLength::Month => 12,
            PeriodLength::Quarter => 4,
        }
    }
}

impl Period {
    /// From year and number; `None` outside the calendar or the bounds.
    pub fn new(length: PeriodLength, year: i16, number: u8) -> Option<Period> {
        let fits = (YEAR_MIN..=YEAR_MAX).contains(&year)
            && (1..=length.per_year()).contains(&i32::from(number));
        fits.then_some(Period { year, number, length })
    }

    /// Reads `2026-06` or `2026-Q2`. Errors: [`Code::Period`].
    pub fn parse(text: &str) -> Result<Period, Problem> {
        let read = || {
            let (year, rest) = text.split_once('-')?;
            let (length, number) = match rest.strip_prefix('Q') {
                Some(number) if number.len() == 1 => (PeriodLength::Quarter, number),
                None if rest.len() == 2 => (PeriodLength::Month, rest),
                _ => return None,
            };
            let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
            if year.len() != 4 || !digits(year) || !digits(number) {
                return None;
            }
            Period::new(length, year.parse().ok()?, number.parse().ok()?)
        };
        read().ok_or_else(|| {
            Problem::new(Code::Period, format!("`{}` is not a period", text.escape_debug()))
                .hint("write a month as 2026-06, a quarter as 2026-Q2")
        })
    }

    /// The period that holds a day.
    #[expect(clippy::as_conversions, reason = "a month is 1 to 12")]
    pub fn holding(length: PeriodLength, day: Date) -> Period {
        let (year, month, _) = day.ymd();
        let number = match length {
            PeriodLength::Month => month as u8,
            PeriodLength::Quarter => (month as u8 - 1) / 3 + 1,
        };
        Period { year, number, length }
    }

    /// The calendar year.
    pub fn year(self) -> i16 {
        self.year
    }

    /// Month 1 to 12 or quarter 1 to 4.
    pub fn number(self) -> u8 {
        self.number
    }

    /// Month or quarter.
    pub fn length(self) -> PeriodLength {
        self.length
    }

    /// Periods since the first of year 0: consecutive periods have consecutive ordinals.
    pub fn ordinal(self) -> i32 {
        i32::from(self.year) * self.length.per_year() + i32::from(self.number) - 1
    }

    #[expect(clippy::as_conversions, reason = "a remainder is at most 11")]
    fn from_ordinal(length: PeriodLength, ordinal: i32) -> Option<Period> {
        let year = i16::try_from(ordinal.div_euclid(length.per_year())).ok()?;
        Period::new(length, year, ordinal.rem_euclid(length.per_year()) as u8 + 1)
    }

    /// The period after this one; `None` at the end of the calendar.
    pub fn next(self) -> Option<Period> {
        Period::from_ordinal(self.length, self.ordinal() + 1)
    }

    /// The period before this one; `None` at the start of the calendar.
    pub fn previous(self) -> Option<Period> {
        Period::from_ordinal(self.length, self.ordinal() - 1)
    }

    /// The first day.
    #[expect(clippy::as_conversions, reason = "a month is 1 to 12")]
    pub fn first_day(self) -> Date {
        let month = match self.length {
            PeriodLength::Month => self.number,
            PeriodLength::Quarter => (self.number - 1) * 3 + 1,
        };
        // Year and number were checked when the period was made.
        Date::from_ymd(self.year, month as i8, 1).unwrap_or(Date(0))
    }

    /// The last day.
    pub fn last_day(self) -> Date {
        match self.next() {
            Some(next) => next.first_day().plus_days(-1),
            None => Date::from_ymd(YEAR_MAX, 12, 31).unwrap_or(Date(0)),
        }
    }

    /// Whether the period holds a day.
    pub fn holds(self, day: Date) -> bool {
        self.first_day() <= day && day <= self.last_day()
    }
}

impl Timestamp {
    /// From microseconds since 1970-01-01T00:00:00Z; `None` before it or after 2999-12-31.
    pub fn from_micros(micros: i64) -> Option<Timestamp> {
        let last = Date::from_ymd(YEAR_MAX, 12, 31)?;
        (micros >= 0 && micros < (i64::from(last.0) + 1) * 86_400_000_000)
            .then_some(Timestamp(micros))
    }

    /// Reads RFC 3339 (`2026-06-30T12:00:00Z`). Errors: [`Code::Time`].
    pub fn parse(text: &str) -> Result<Timestamp, Problem> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .and_then(|time| Timestamp::from_micros(time.as_microsecond()))
            .ok_or_else(|| {
                Problem::new(Code::Time, format!("`{}` is not a time", text.escape_debug()))
                    .hint("write times as in RFC 3339: 2026-06-30T12:00:00Z")
            })
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The UTC date.
    #[expect(clippy::as_conversions, reason = "the days up to 2999 fit 32 bits")]
    pub fn date(self) -> Date {
        Date((self.0 / 86_400_000_000) as i32)
    }

    /// The last instant of a UTC date.
    pub fn end_of(date: Date) -> Timestamp {
        Timestamp((i64::from(date.0) + 1) * 86_400_000_000 - 1)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        f.pad(&format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self.length {
            PeriodLength::Month => format!("{:04}-{:02}", self.year, self.number),
            PeriodLength::Quarter => format!("{:04}-Q{}", self.year, self.number),
        })
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(time) => f.pad(&time.to_string()),
            Err(_) => f.pad("?"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
