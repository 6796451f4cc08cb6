//! The vocabulary on the wire: one serialised form per word, each read back through the word's own
//! checks.

use serde::Deserialize;
use serde::Serialize;

use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Period;
use crate::vocab::PeriodLength;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::Rate;
use crate::vocab::Text;
use crate::vocab::Value;
use crate::wire::codec::malformed;

/// 32 bytes of a hash, an id or a key.
pub type HashWire = [u8; 32];

/// An amount, a quantity or a rate: mantissa and scale, normalised.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DecimalWire(i128, u8);

/// A text of any kind, borrowed from the payload.
pub type TextWire<'a> = &'a str;

/// A period: year and number. Its length is that of the terms.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PeriodWire(u16, u8);

impl From<&Amount> for DecimalWire {
    #[expect(clippy::as_conversions, reason = "a scale is at most 12")]
    fn from(amount: &Amount) -> DecimalWire {
        DecimalWire(amount.mantissa(), amount.scale() as u8)
    }
}

impl From<&Rate> for DecimalWire {
    #[expect(clippy::as_conversions, reason = "a scale is at most 12")]
    fn from(rate: &Rate) -> DecimalWire {
        DecimalWire(rate.mantissa(), rate.scale() as u8)
    }
}

impl DecimalWire {
    /// As an amount or quantity.
    pub fn amount(self) -> Result<Amount, Problem> {
        Amount::from_parts(self.0, u32::from(self.1))
            .ok_or_else(|| malformed("a decimal is not normalised, or out of bounds"))
    }

    /// As a rate.
    pub fn rate(self) -> Result<Rate, Problem> {
        Rate::from_parts(self.0, u32::from(self.1))
            .ok_or_else(|| malformed("a rate is not normalised, or not between -1 and 1"))
    }
}

impl From<Period> for PeriodWire {
    fn from(period: Period) -> PeriodWire {
        PeriodWire(period.year().unsigned_abs(), period.number())
    }
}

impl PeriodWire {
    /// As a period of the length that the terms set.
    pub fn period(self, length: PeriodLength) -> Result<Period, Problem> {
        let year = i16::try_from(self.0).ok();
        year.and_then(|year| Period::new(length, year, self.1))
            .ok_or_else(|| malformed(format!("there is no period {}/{}", self.0, self.1)))
    }
}

/// Reads an id.
pub fn id(text: &str) -> Result<Id, Problem> {
    Id::parse(text).map_err(|problem| malformed(problem.message))
}

/// Reads a name.
pub fn name(text: &str) -> Result<Name, Problem> {
    Name::parse(text).map_err(|problem| malformed(problem.message))
}

/// Reads a free text.
pub fn text(text: &str) -> Result<Text, Problem> {
    Text::parse(text).map_err(|problem| malformed(problem.message))
}

/// Checks an attribute value that is kept elsewhere.
pub fn check_value(text: &str) -> Result<(), Problem> {
    Value::check(text).map_err(|problem| malformed(problem.message))
}

/// Reads an attribute value or pattern.
pub fn value(text: &str) -> Result<Value, Problem> {
    Value::parse(text).map_err(|problem| malformed(problem.message))
}

/// Reads a currency.
pub fn currency(code: [u8; 3]) -> Result<Currency, Problem> {
    let text = std::str::from_utf8(&code).map_err(|_| malformed("a currency is not text"))?;
    Currency::parse(text).map_err(|problem| malformed(problem.message))
}

/// Reads a day.
pub fn day(days: i32) -> Result<Date, Problem> {
    Date::from_days(days).ok_or_else(|| malformed(format!("{days} is no day from 1970 to 2999")))
}

/// Reads a public key.
pub fn key(bytes: [u8; 32]) -> Result<PublicKey, Problem> {
    PublicKey::from_bytes(bytes)
}
