//! The contract in machine-readable form.
//!
//! [`DraftTerms`](draft::DraftTerms) is what a file or a log says; [`check`](check::check) judges
//! it and yields [`Terms`], the only type that rating and the ledger accept.

pub mod glob;
mod patterns;
pub mod body;
mod clause_index;
pub mod by_day;
pub mod versions;
pub mod draft;
pub mod judge;
mod points;
mod rules;
mod payment;
mod clauses;
mod lookup;
mod marker;
pub mod admission;
pub mod diff;
mod warnings;
pub mod check;

pub use admission::Admission;
pub use body::*;
pub use by_day::TermsByDay;
pub use check::Checked;
pub use check::check;
pub(crate) use clause_index::Clauses;
pub(crate) use clause_index::ValueMemo;
pub use diff::Change;
pub use diff::diff;
pub use judge::TermsProblem;
pub use marker::marker;
pub use versions::Stretch;
pub use versions::TermsVersion;
pub use versions::Version;
pub use versions::Versions;

#[cfg(test)]
mod diff_tests;
#[cfg(test)]
mod patterns_tests;
