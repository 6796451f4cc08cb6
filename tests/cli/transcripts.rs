//! Whole stories, word for word: `tests/cli/transcripts/*.txt`. A line `$ revshare …` is run, what
//! follows is what it must print (first standard output, then standard error), `exit N` its exit
//! code if it is not 0. Hashes, ids and keys have names in their place.

use std::fs;

use crate::run::Bench;
use crate::run::compare;
use crate::run::root;
use crate::run::steady;

fn play(name: &str) {
    play_on(&Bench::with_terms(), name);
}

/// Likewise, on files or a ledger that are there already.
pub fn play_on(bench: &Bench, name: &str) {
    let path = root().join("tests/cli/transcripts").join(format!("{name}.txt"));
    let script = fs::read_to_string(&path).expect("a transcript");
    let mut played = String::new();
    let mut is_output = false;
    for line in script.lines() {
        if let Some(command) = line.strip_prefix("$ revshare ") {
            let ran = bench.type_in(command);
            played.push_str(&format!("{line}\n{}{}", steady(&ran.out), steady(&ran.err)));
            if ran.code != 0 {
                played.push_str(&format!("exit {}\n", ran.code));
            }
            is_output = true;
        } else if line.starts_with('#') || line.is_empty() && !is_output {
            played.push_str(&format!("{line}\n"));
            is_output = false;
        } else if line.is_empty() {
            // A blank line ends the output; blank lines that a command prints are played already.
            if !played.ends_with("\n\n") {
                played.push('\n');
            }
        }
    }
    compare(&path, &played);
}

#[test]
fn a_month_between_two_parties_in_two_folders() {
    play("month");
}

#[test]
fn what_this_machine_has_verified_before() {
    play("verified");
}

#[test]
fn corrections_supplements_and_what_they_do_to_stated_periods() {
    play("corrections");
}

#[test]
fn money_that_is_sent_too_early_too_much_or_to_nobody() {
    play("payouts");
}

#[test]
fn terms_that_change_and_what_they_would_have_made_of_the_past() {
    play("amendments");
}

#[test]
fn a_price_list_a_foreign_currency_and_the_rate_for_it() {
    play("rates");
}

#[test]
fn contributions_from_the_claim_to_the_end() {
    play("contributions");
}

#[test]
fn disputes_from_the_claim_to_the_end() {
    play("disputes");
}

#[test]
fn two_reports_line_by_line() {
    play("comparisons");
}

#[test]
fn the_ledgers_of_many_hosts() {
    play("portfolio");
}

#[test]
fn the_log_without_an_event_with_another_report_or_under_other_terms() {
    play_on(&Bench::with_ledger(), "what_if");
}

#[test]
fn files_about_events_and_what_becomes_of_them() {
    play("evidence");
}

#[test]
fn what_was_claimed_and_what_is_short() {
    play_on(&Bench::with_ledger(), "audits");
}

#[test]
fn who_changed_what_and_what_changed_since() {
    play_on(&Bench::with_ledger(), "inspection");
}

#[test]
fn where_the_amounts_of_a_whole_contract_come_from() {
    play_on(&Bench::with_contract(), "inspection-contract");
}
