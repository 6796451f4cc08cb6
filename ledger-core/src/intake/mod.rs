//! From outside text to nouns: terms files and usage files, with everything that is wrong in them.
//!
//! Pure: bytes in, values and problems out. A file with a problem yields nothing to record.

pub mod nearest;
pub mod place;
pub(in crate::intake) mod toml;
pub mod terms;

pub use terms::TermsFile;
pub use terms::read_terms;
