//! Usage: the lines of a report, in columns, and their exact sums.

pub mod block;
pub mod builder;
pub mod sums;
pub mod merge;

pub use block::BlockKey;
pub use block::Column;
pub use block::Ints;
pub use block::LineBlock;
pub use builder::BlockBuilder;
pub use merge::merged;
pub use sums::LineKey;
pub use sums::LineSums;
pub use sums::UsageSums;
