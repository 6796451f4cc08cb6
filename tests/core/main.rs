//! What must hold of the ledger, tried through its front door.
//!
//! `REVSHARE_CASES` sets how many random ledgers each property tries, `REVSHARE_SEED` where the
//! random numbers begin (`docs/contributing.md` says what to run before a release).

#![allow(clippy::restriction, reason = "a test that cannot go on fails")]

mod runs;
mod written;
mod reference;
mod damage;
mod checkpoints;
mod prefixes;
mod received_folders;
mod kept;
mod verifying;
mod examples;
mod onrr;
mod exactness;
mod signatures;
mod rationals;
mod whole;
mod every_dispute;
mod golden;
mod calculations;
mod derivations;
mod properties;
mod dispute_properties;
mod promises;
mod histories;
mod dispute_histories;
mod tidy;
mod bad_payloads;
mod bad_whole_payloads;
mod bad_dispute_payloads;
mod bad_texts;
mod payload_mutations;
mod closed_lists;
mod corner_cases;
mod roots;
mod says;
mod vectors;
mod log_ends;
mod endings;
mod wire;
mod rules;
mod strangers;
mod agreements;
mod what_if;
mod inspection;
mod audits;
mod proposals;
mod money;
mod growth;
mod statement_sizes;
mod disputes;
mod dispute_claims;
mod dispute_outcomes;
mod dispute_model;
mod settlement_files;
mod smoke;
mod groups;
