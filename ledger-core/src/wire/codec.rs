//! Strict encoding and decoding of payloads.
//!
//! The layout is bincode's with fixed-width little-endian integers. On reading, three things hold
//! that bincode alone does not promise: no byte is left over, no length outruns the bytes there
//! are, and encoding what was read gives the bytes that were read.

use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::Deserialize;
use serde::Serialize;

use crate::limits::PAYLOAD_LEN_MAX;
use crate::vocab::Code;
use crate::vocab::Problem;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_fixed_int_encoding().with_limit::<PAYLOAD_LEN_MAX>()
}

/// The canonical bytes of a value. Errors: [`Code::ReportTooLarge`] past the largest payload.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Problem> {
    let bytes = bincode::serde::encode_to_vec(value, config());
    bytes.ok().filter(|bytes| bytes.len() <= PAYLOAD_LEN_MAX).ok_or_else(|| {
        Problem::new(Code::ReportTooLarge, "the event is larger than a record may be")
            .hint(format!("a payload has at most {PAYLOAD_LEN_MAX} bytes; split the report"))
    })
}

/// Reads a value that fills `bytes` exactly. Errors: [`Code::PayloadMalformed`].
pub fn decode<'de, T>(bytes: &'de [u8]) -> Result<T, Problem>
where
    T: Deserialize<'de> + Serialize,
{
    let (value, used) = bincode::serde::borrow_decode_from_slice::<T, _>(bytes, config())
        .map_err(|error| malformed(format!("the payload cannot be decoded: {error}")))?;
    if used != bytes.len() {
        return Err(malformed(format!(
            "{} bytes follow the end of the payload",
            bytes.len().saturating_sub(used)
        )));
    }
    // Encoded again, and held against the bytes on the way.
    let mut same = Same { rest: bytes };
    let encoded = bincode::serde::encode_into_writer(&value, &mut same, config());
    if encoded.is_err() || !same.rest.is_empty() {
        return Err(malformed("the payload is not the canonical encoding of what it says"));
    }
    Ok(value)
}

/// The bytes of a value that this machine keeps for itself: no part of a format, of any size.
pub fn encode_cache<T: Serialize>(value: &T) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    encode_cache_behind(&mut bytes, value).then_some(bytes)
}

/// Writes them behind other bytes; `false` if the value has none.
pub fn encode_cache_behind<T: Serialize>(bytes: &mut Vec<u8>, value: &T) -> bool {
    bincode::serde::encode_into_std_write(value, bytes, bincode::config::standard()).is_ok()
}

/// Reads such a value. What is read must be bound by a digest.
pub fn decode_cache<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Option<T> {
    let config = bincode::config::standard();
    let (value, used) = bincode::serde::borrow_decode_from_slice(bytes, config).ok()?;
    (used == bytes.len()).then_some(value)
}

/// Takes bytes only if they are those that are expected next.
struct Same<'a> {
    rest: &'a [u8],
}

impl Writer for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.rest = self.rest.strip_prefix(bytes).ok_or(EncodeError::Other("another encoding"))?;
        Ok(())
    }
}

/// A payload that is not canonical.
pub fn malformed(message: impl Into<String>) -> Problem {
    Problem::new(Code::PayloadMalformed, message)
        .hint("the record was damaged, or written by software that does not keep to the format")
}
