//! Usage: the lines of a report, in columns, and their exact sums.

pub mod column;
pub mod texts;
pub(in crate::usage) mod table;
pub mod sums;
pub mod cells;
pub mod block;
pub mod builder;
pub mod merge;

pub use block::BlockKeys;
pub use block::LineBlock;
pub use builder::BlockBuilder;
pub use cells::Cell;
pub use cells::Marker;
pub use column::Column;
pub use column::Ints;
pub use merge::merged;
pub use sums::LineKey;
pub use sums::LineSums;
pub use sums::UsageSums;
pub use texts::Texts;

#[cfg(test)]
mod sums_tests;
