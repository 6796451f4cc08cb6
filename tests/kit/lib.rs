//! The test kit: everything a test needs to speak of ledgers in the words of the business.
//!
//! ```
//! use revshare_kit::{Given, lines, party, payable, posted, two_parties};
//!
//! let host = party("acme-cloud");
//! Given::ledger(two_parties("share = { meta = \"0.15\" }"))
//!     .reported("2026-01", lines!["2026-01-05" => "1000.00"])
//!     .when(host.issues_statement("2026-01"))
//!     .then(posted("meta", "2026-01", "150.00"))
//!     .then(payable("meta", "150.00"));
//! ```
//!
//! Tests own time, keys and nonces: the same test writes the same bytes on every machine.

pub mod keys;
pub mod clock;
pub mod terms;
pub mod lines;
pub mod world;
pub mod given;
pub mod agreed;
pub mod plans;
pub mod clauses;
pub mod changes;
pub mod moves;
pub mod proposals;
pub mod disputes;
pub mod dispute_moves;
pub mod dispute_wishes;
pub mod random;
pub mod disk;
pub mod faults;
mod inodes;
pub mod simulated;
pub mod everything;

pub use agreed::caused_by;
pub use agreed::interest;
pub use agreed::recouped;
pub use agreed::withheld;
pub use clock::Clock;
pub use disk::CrashingDisk;
pub use everything::everything;
pub use given::Given;
pub use given::When;
pub use given::booked;
pub use given::party;
pub use given::payable;
pub use given::posted;
pub use keys::public_key;
pub use keys::signer;
pub use lines::Line;
pub use lines::blocks;
pub use simulated::SimulatedDisk;
pub use terms::TermsBuilder;
pub use terms::read_terms;
pub use terms::two_parties;
pub use world::World;
pub use world::another_machine;
pub use world::scratch;
