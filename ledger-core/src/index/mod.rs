//! The index: look-ups in sled, in this user's cache, from hash, event id, period, party, kind and
//! dispute to records.
//!
//! Only [`crate::ledger`] uses it. A look-up names records; each is read again from the log and
//! compared with what was looked up. Whatever goes wrong (another version, too few rows, a panic
//! inside sled, another process that has it open) means: read the log instead. Where the log has
//! only grown, what is new is added.

pub mod rows;
pub mod sled_index;

pub use rows::Lookup;
pub use rows::RecordRow;
pub use sled_index::SledIndex;

use crate::vocab::RecordHash;

/// Raised when the rows change: those of another version are made again.
pub const INDEX_VERSION: u32 = 7;

/// What an index is bound to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bound {
    /// Records that the index knows.
    pub records: u64,
    /// Hash of the last of them: it stands for all before it.
    pub head: RecordHash,
    /// Where the record behind it begins, or will: segment and offset.
    pub place: (u32, u64),
    /// How many rows there are, besides the one with these words.
    pub rows: u64,
}

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// What a cache of projections can do: keys to values, changed together with what they are bound
/// to, or not at all.
pub trait Index {
    /// What the rows are bound to; `None` if there is nothing sound.
    fn bound(&self) -> Option<Bound>;

    /// The value of a key.
    fn get(&self, key: &[u8]) -> Option<Vec<u8>>;

    /// How many rows there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every key that begins with a prefix, in order, without the prefix.
    fn range(&self, prefix: &[u8]) -> Vec<Vec<u8>>;

    /// Writes rows and what they are bound to, in one transaction. False if that failed.
    fn apply(&self, rows: Vec<Row>, bound: &Bound) -> bool;

    /// Forgets everything.
    fn clear(&self) -> bool;
}
