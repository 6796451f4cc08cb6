pub mod limits;
pub mod vocab;
pub mod usage;
pub mod terms;
pub mod statement;
pub mod payout;
pub mod event;
pub mod command;
