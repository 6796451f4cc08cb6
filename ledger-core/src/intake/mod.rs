//! From outside text to nouns: terms files and usage files, with everything that is wrong in them.
//!
//! Pure: bytes in, values and problems out. A file with a problem yields nothing to record.

pub mod nearest;
pub mod place;
mod toml;
pub mod terms;
mod lines;
pub mod rows;
pub mod csv;

pub use csv::read_csv;
pub use rows::Usage;
pub use terms::TermsFile;
pub use terms::read_terms;
