//! How the words of this module are kept by this machine (in a snapshot of a state): as plain numbers
//! and texts, and read back through the checks that they were first read through. No part of a
//! format: payloads have layouts of their own.

use num_bigint::BigInt;
use num_bigint::Sign;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error;

use crate::vocab::calendar::Date;
use crate::vocab::calendar::Period;
use crate::vocab::calendar::PeriodLength;
use crate::vocab::calendar::Timestamp;
use crate::vocab::exact::Exact;
use crate::vocab::id::Id;
use crate::vocab::id::Name;
use crate::vocab::key::PublicKey;
use crate::vocab::level::Level;
use crate::vocab::money::Amount;
use crate::vocab::money::Currency;
use crate::vocab::money::Rate;
use crate::vocab::text::Text;
use crate::vocab::text::Value;

/// A type, what is kept of it, how that is taken from a value and how a value is made of it.
macro_rules! kept {
    ($($name:ty: $raw:ty, $take:expr, $make:expr;)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let take: fn(&$name) -> $raw = $take;
                take(self).serialize(serializer)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let make: fn($raw) -> Option<$name> = $make;
                let raw = <$raw>::deserialize(deserializer)?;
                make(raw).ok_or_else(|| D::Error::custom(concat!("no ", stringify!($name))))
            }
        }
    )*};
}

kept! {
    Amount: (i128, u32), |it| (it.mantissa(), it.scale()), |it| Amount::from_parts(it.0, it.1);
    Rate: (i128, u32), |it| (it.mantissa(), it.scale()), |it| Rate::from_parts(it.0, it.1);
    Currency: [u8; 3], |it| it.bytes(), |it| Currency::parse(str::from_utf8(&it).ok()?).ok();
    Date: i32, |it| it.days(), Date::from_days;
    Period: (bool, i16, u8),
        |it| (it.length() == PeriodLength::Quarter, it.year(), it.number()),
        |it| Period::new(if it.0 { PeriodLength::Quarter } else { PeriodLength::Month }, it.1, it.2);
    Timestamp: i64, |it| it.micros(), Timestamp::from_micros;
    Level: u16, |it| it.number(), Level::from_number;
    PublicKey: [u8; 32], |it| *it.bytes(), |it| PublicKey::from_bytes(it).ok();
    Exact: (Vec<u8>, Vec<u8>),
        |it| (it.numer().to_signed_bytes_le(), it.denom().to_signed_bytes_le()),
        |it| fraction(&it.0, &it.1);
}

/// Most bytes of the numbers above and below the line: quotients by each of as many different units as
/// terms have room for stay below it, and larger ones would take for ever to work with.
const FRACTION_LEN_MAX: usize = 64 << 10;

/// A fraction in lowest terms, as it was.
fn fraction(above: &[u8], below: &[u8]) -> Option<Exact> {
    if above.len().max(below.len()) > FRACTION_LEN_MAX {
        return None;
    }
    let (above, below) = (BigInt::from_signed_bytes_le(above), BigInt::from_signed_bytes_le(below));
    (below.sign() == Sign::Plus).then(|| Exact::reduced(above, below))
}

/// Likewise, of a text.
macro_rules! kept_texts {
    ($($name:ty;)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.as_str().serialize(serializer)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = <&'de str>::deserialize(deserializer)?;
                <$name>::parse(text).map_err(|problem| D::Error::custom(problem.message))
            }
        }
    )*};
}

kept_texts! {
    Id;
    Name;
    Text;
    Value;
}
