//! Folds for people: the same facts, arranged as a reader asks for them. A report never changes
//! the ledger.

pub mod said;
pub mod record;
pub mod dispute;
pub mod turn;
pub mod place;
pub mod terms;
pub mod usage;
pub mod statement;
pub mod balances;
pub mod movements;
pub mod explain;
pub mod blame;
pub mod proposals;
pub mod preview;
pub mod audit;
pub mod status;
