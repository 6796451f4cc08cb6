//! One file per command: its arguments (their comments are the help), one function, private
//! helpers.

pub mod keygen;
pub mod terms;
pub mod terms_diff;
pub mod terms_preview;
pub mod init;
pub mod accept;
pub mod usage;
pub mod usage_read;
pub mod usage_diff;
pub mod usage_findings;
pub mod proposals;
pub mod amend;
pub mod fx;
pub mod contribution;
pub mod evidence;
pub mod statement;
pub mod advance;
pub mod payout;
pub mod dispute;
pub mod balances;
pub mod balances_diff;
pub mod history;
pub mod show;
pub mod explain;
pub mod blame;
pub mod replay;
pub mod audit;
pub mod acknowledge;
pub mod verify;
pub mod diff;
pub mod portfolio;
pub mod pull;
pub mod status;
pub mod demo;
pub mod completions;
pub mod debug;

use std::io::Write;

use revshare_core::ledger::Mode;
use revshare_core::ledger::Outcome;
use revshare_core::state::State;
use revshare_core::view::record::Record;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;
use revshare_core::vocab::Id;
use revshare_core::vocab::Period;
use revshare_core::vocab::Problem;
use revshare_core::vocab::Text;
use revshare_core::vocab::Timestamp;

use crate::context::Session;
use crate::error::Failure;
use crate::render::json::RecordDocument;
use crate::render::json::proposals::ProposedDocument;
use crate::render::json::record::DecidedDocument;
use crate::render::json::record::RecordedDocument;
use crate::render::json::record::RecordedRef;
use crate::render::json::usage::PriceFindingDocument;
use crate::render::record::line;
use crate::render::table::wrap_tree;
use crate::render::text::escape;

/// Options of every reading command.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Reading {
    /// Show the ledger as it stood then: a record number, at least 6 digits of a hash or event id
    /// (`id:123456` if there is no letter), a date (its end, UTC) or an RFC 3339 time
    #[arg(long, value_name = "POINT", help_heading = "Reading")]
    pub at: Option<String>,
}

/// Options of every writing command.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Writing {
    /// Check and show everything, record nothing
    #[arg(long, help_heading = "Writing")]
    pub dry_run: bool,
    /// Refuse if the head is another one than this (a hash, or its first 6 or more digits)
    #[arg(long, value_name = "HASH", help_heading = "Writing")]
    pub if_head: Option<String>,
    /// The recorded time to claim (RFC 3339) instead of the present
    #[arg(long, value_name = "TIME", help_heading = "Writing")]
    pub recorded_time: Option<String>,
}

/// What a writing command says in JSON beside the record.
#[derive(Default)]
pub struct Beside {
    /// For a proposal: what it waits for.
    pub proposal: Option<ProposedDocument>,
    /// For the acceptance of a proposal: what it makes of it.
    pub decided: Option<DecidedDocument>,
    /// For a report: where it and the price list disagree.
    pub price_findings: Vec<PriceFindingDocument>,
}

impl Writing {
    /// Recorded, or only checked and shown.
    pub fn mode(&self) -> Mode {
        if self.dry_run { Mode::DryRun } else { Mode::Record }
    }
}

/// Says what was recorded: only called once it is durable, or with `--dry-run`.
pub fn say_recorded(
    session: &mut Session,
    state: &State,
    currency: Currency,
    outcome: &Outcome,
    mode: Mode,
) -> Result<(), Failure> {
    say_recorded_with(session, (state, currency), (outcome, mode), Beside::default())
}

/// Likewise, with what JSON says beside the record.
pub fn say_recorded_with(
    session: &mut Session,
    (state, currency): (&State, Currency),
    (outcome, mode): (&Outcome, Mode),
    beside: Beside,
) -> Result<(), Failure> {
    let record = Record::of(state, &outcome.fact);
    let is_recorded = mode == Mode::Record;
    if let Some(last) = outcome.records.last().filter(|_| is_recorded) {
        session.output.stands(format!("record {} {} is recorded", last.seq, last.hash));
    }
    if session.globals.json {
        let reference = |recorded: &revshare_core::ledger::Recorded| RecordedRef {
            seq: recorded.seq,
            hash: recorded.hash.to_string(),
            event: recorded.event.to_string(),
            kind: recorded.kind.as_str().to_owned(),
        };
        return session.print_json(&RecordedDocument {
            recorded: is_recorded,
            records: outcome.records.iter().map(reference).collect(),
            record: RecordDocument::of(&record, None, currency),
            proposal: beside.proposal,
            price_findings: beside.price_findings,
            decided: beside.decided,
        });
    }
    let word = if is_recorded { "recorded" } else { "would be recorded" };
    let said = escape(&line(&record, currency));
    let mut lines = wrap_tree(&format!("{word} {said}"), 80);
    // What is too long for one line has its id on a line of its own.
    let id = format!("id {}", record.id.0.short());
    match lines.last_mut() {
        Some(last) if last.chars().count().saturating_add(id.len()) <= 78 => {
            last.extend(["  ", &id])
        }
        _ => lines.push(format!("        {id}")),
    }
    for line in lines {
        writeln!(session.out, "{line}")?;
    }
    Ok(())
}

/// An argument that a word of the ledger's vocabulary reads; the problem names the argument.
fn argument<T>(
    name: &str,
    text: &str,
    read: impl Fn(&str) -> Result<T, Problem>,
) -> Result<T, Failure> {
    Ok(read(text).map_err(|problem| problem.at_field(name))?)
}

/// A period argument.
pub fn period(name: &str, text: &str) -> Result<Period, Failure> {
    argument(name, text, Period::parse)
}

/// A party argument.
pub fn party(name: &str, text: &str) -> Result<Id, Failure> {
    argument(name, text, Id::parse)
}

/// An amount argument.
pub fn amount(name: &str, text: &str) -> Result<Amount, Failure> {
    argument(name, text, Amount::parse)
}

/// A free text argument.
pub fn free_text(name: &str, text: &str) -> Result<Text, Failure> {
    argument(name, text, Text::typed)
}

/// A day argument; without one, the UTC date of the recorded time.
pub fn day(name: &str, text: &Option<String>, recorded_at: Timestamp) -> Result<Date, Failure> {
    match text {
        Some(text) => argument(name, text, Date::parse),
        None => Ok(recorded_at.date()),
    }
}
