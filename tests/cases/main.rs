//! Bad input: a case for every error code. Each case says what is given, what is tried, and where
//! the refusal must point; the ledger is byte for byte as it was afterwards.

#![allow(clippy::restriction, reason = "a test that cannot go on fails")]

mod bench;
mod case;
mod hostile;
mod terms;
mod usage_rows;
mod rules;
mod proposals;
mod evidence;
mod disputes;
mod logs;
mod statement_size;
mod files;
mod command_line;
mod texts;
mod reference;

use std::collections::BTreeSet;

use revshare_core::vocab::Code;
use revshare_core::vocab::problem::Class;

use crate::case::Case;

fn all() -> Vec<Case> {
    [
        terms::cases(),
        usage_rows::cases(),
        rules::cases(),
        proposals::cases(),
        evidence::cases(),
        disputes::cases(),
        logs::cases(),
        files::cases(),
        command_line::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A case holds only if the binary shows its code, so the codes of the cases are those that can be
/// produced.
#[test]
fn every_code_has_a_case() {
    let shown: BTreeSet<Code> = all().iter().map(|case| case.code).collect();
    // A fault of the program has no input that leads to it.
    let can_be_shown = |code: &&Code| code.class() != Class::Internal;
    let missing = Code::ALL.iter().filter(can_be_shown).filter(|code| !shown.contains(code));
    let missing: Vec<&str> = missing.map(|code| code.as_str()).collect();
    assert!(missing.is_empty(), "no case shows: {}", missing.join(", "));
}

#[test]
fn bad_terms() {
    case::hold(terms::cases());
}

#[test]
fn bad_usage_files() {
    case::hold(usage_rows::cases());
}

#[test]
fn what_the_rules_refuse() {
    case::hold(rules::cases());
}

#[test]
fn what_proposals_may_not_say() {
    case::hold(proposals::cases());
}

#[test]
fn what_evidence_and_audits_may_not_say() {
    case::hold(evidence::cases());
}

#[test]
fn what_disputes_may_not_say() {
    case::hold(disputes::cases());
}

#[test]
fn logs_that_lie() {
    case::hold(logs::cases());
}

#[test]
fn bad_files_and_disks() {
    case::hold(files::cases());
}

#[test]
fn bad_command_lines() {
    case::hold(command_line::cases());
}
