//! Numbers and names that carry their unit: what the nouns of the business are made of.
//!
//! Nothing here knows an event, a file or a byte format. Order: a module may use those above it.

pub mod width;
pub mod problem;
pub mod level;
pub mod id;
pub mod text;
pub mod digest;
pub mod exact;
pub mod money;
pub mod rounding;
pub mod calendar;
pub mod key;
mod kept;

pub use calendar::{Date, Period, PeriodLength, Timestamp};
pub use digest::{ContentDigest, Digest, EventId, LedgerId, RecordHash, StateRoot};
pub use exact::Exact;
pub use id::{Id, Name};
pub use key::PublicKey;
pub use level::Level;
pub use money::{Amount, Currency, OutOfBounds, Rate};
pub use problem::{Code, Place, Problem};
pub use rounding::Rounding;
pub use text::{Text, Value};
pub use width::{to_u64, to_usize};
