//! From outside text to nouns: terms files and usage files, with everything that is wrong in them.
//!
//! Pure: bytes in, values and problems out. A file with a problem yields nothing to record.

pub mod nearest;
pub mod place;
mod toml;
mod terms_clauses;
pub mod terms;
pub mod terms_show;
mod lines;
mod columns;
pub mod findings;
mod rows;
pub mod reading;
pub mod csv;
pub mod jsonl;
pub mod signers;

#[cfg(test)]
pub mod testing;
#[cfg(test)]
pub mod testing_clauses;
#[cfg(test)]
mod terms_tests;
#[cfg(test)]
mod clauses_tests;
#[cfg(test)]
mod usage_tests;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod whole_usage_tests;

pub use csv::read_csv;
pub use csv::read_csv_blocks;
pub use findings::Usage;
pub use findings::UsageRead;
pub use jsonl::read_jsonl;
pub use jsonl::read_jsonl_blocks;
pub use reading::Blocks;
pub use signers::read_signers;
pub use terms::TermsFile;
pub use terms::read_terms;
pub use terms_show::to_toml;
