//! `revshare usage`: reports are recorded here and looked at in [`crate::commands::usage_read`].

use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::command::Command;
use revshare_core::decide::decide;
use revshare_core::intake::Blocks;
use revshare_core::intake::UsageRead;
use revshare_core::intake::read_csv_blocks;
use revshare_core::intake::read_jsonl_blocks;
use revshare_core::ledger::Outcome;
use revshare_core::ledger::report::PreparedBlock;
use revshare_core::state::Agreement;
use revshare_core::terms::TermsByDay;
use revshare_core::usage::LineBlock;
use revshare_core::view;
use revshare_core::view::usage::PriceFinding;
use revshare_core::vocab::Code;
use revshare_core::vocab::Period;

use crate::commands::Beside;
use crate::commands::Reading;
use crate::commands::Writing;
use crate::commands::free_text;
use crate::commands::period;
use crate::commands::say_recorded_with;
use crate::commands::terms::several_of;
use crate::commands::usage_diff;
use crate::commands::usage_findings;
use crate::commands::usage_read;
use crate::context::Desk;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::OF_THE_PERIOD;
use crate::files;
use crate::files::unreadable;
use crate::point;
use crate::render::json::usage::PriceFindingDocument;

/// Report a period's usage, correct a report, look at reports
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Report a period's usage from a file
    ///
    /// Every row is checked against the terms; with a single bad row nothing is recorded, and all
    /// bad rows are listed.
    #[command(
        after_help = "Examples:\n  revshare usage report june.csv --period 2026-06\n  revshare usage report --nil --period 2026-07"
    )]
    Report {
        /// The usage file; `-` reads standard input
        #[arg(required_unless_present = "nil", conflicts_with = "nil")]
        file: Option<PathBuf>,
        /// The period: 2026-06 or 2026-Q2
        #[arg(long = "period", value_name = "P")]
        of: String,
        /// The file's format; otherwise its name decides (`.jsonl` and `.ndjson`, anything else
        /// is CSV)
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Add to the period's earlier reports
        #[arg(long)]
        supplement: bool,
        /// Say that there was no usage
        #[arg(long)]
        nil: bool,
        #[command(flatten)]
        writing: Writing,
    },
    /// Replace all lines of an earlier report or correction
    #[command(
        after_help = "Example:\n  revshare usage correct 3 june-corrected.csv --reason \"refunds were left out\""
    )]
    Correct {
        /// The report or correction to replace: a record number, or a prefix of its hash or id
        event: String,
        /// The usage file; `-` reads standard input
        #[arg(required_unless_present = "nil", conflicts_with = "nil")]
        file: Option<PathBuf>,
        /// Why
        #[arg(long)]
        reason: String,
        /// The file's format; otherwise its name decides
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Say that there was no usage after all
        #[arg(long)]
        nil: bool,
        #[command(flatten)]
        writing: Writing,
    },
    /// Record that a period's report is missing after its due day (the owner)
    #[command(after_help = "Example:\n  revshare usage missing 2026-06")]
    Missing {
        /// The period
        #[arg(value_name = "P")]
        of: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// List reports and corrections by period
    #[command(after_help = "Example:\n  revshare usage list")]
    List {
        #[command(flatten)]
        reading: Reading,
    },
    /// Compare two reports or corrections of one period, line by line
    ///
    /// Exits with 0 if they say the same, 1 if not.
    #[command(after_help = "Example:\n  revshare usage diff 3 7")]
    Diff {
        /// A report or correction: a record number, or a prefix of its hash or id
        a: String,
        /// Another one of the same period
        b: String,
        #[command(flatten)]
        reading: Reading,
    },
    /// Show a report's exact sums by day and attributes
    #[command(after_help = "Example:\n  revshare usage show 3")]
    Show {
        /// The report or correction: a record number, or a prefix of its hash or id
        event: String,
        #[command(flatten)]
        reading: Reading,
    },
}

/// The format of a usage file.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// CSV with a header
    Csv,
    /// JSON Lines, every value a string
    Jsonl,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    match args {
        Args::Report { file, of, format, supplement, nil: _, writing } => {
            let of = period("--period", of)?;
            let desk = session.write(writing)?;
            report(session, desk, file.as_deref(), *format, of, *supplement)
                .map_err(|failure| failure.about("--period", OF_THE_PERIOD))
        }
        Args::Correct { event, file, reason, format, nil: _, writing } => {
            let reason = free_text("--reason", reason)?;
            let desk = session.write(writing)?;
            correct(session, desk, event, file.as_deref(), *format, reason)
        }
        Args::Missing { of, writing } => {
            let of = period("P", of)?;
            let mut desk = session.write(writing)?;
            let outcome = desk.submit(Command::NoteMissing(of));
            let outcome = outcome.map_err(|failure| failure.about("P", OF_THE_PERIOD))?;
            finish(session, &desk, (outcome, Vec::new()), "status")
        }
        Args::List { reading } => usage_read::list(session, reading),
        Args::Diff { a, b, reading } => usage_diff::run(session, (a, b), reading),
        Args::Show { event, reading } => usage_read::show(session, event, reading),
    }
}

fn report(
    session: &mut Session,
    mut desk: Desk,
    file: Option<&Path>,
    format: Option<Format>,
    of: Period,
    supplement: bool,
) -> Result<Answer, Failure> {
    // Before a large file is read: what no line of it could change.
    let nil = Command::ReportUsage { period: of, supplement, blocks: Vec::new() };
    if let Err(problem) = decide(desk.ledger.state(), nil, &desk.context) {
        let hopeless = [
            Code::NotAccepted,
            Code::NotEntitled,
            Code::PeriodLength,
            Code::PeriodOutside,
            Code::TimeBackwards,
            Code::FromTheFuture,
        ];
        if hopeless.contains(&problem.code) {
            return Err(problem.into());
        }
    }
    let command = Command::ReportUsage { period: of, supplement, blocks: Vec::new() };
    let written = written(session, &mut desk, command, (file, format), of)?;
    finish(session, &desk, written, &format!("statement preview {of}"))
}

fn correct(
    session: &mut Session,
    mut desk: Desk,
    event: &str,
    file: Option<&Path>,
    format: Option<Format>,
    reason: revshare_core::vocab::Text,
) -> Result<Answer, Failure> {
    let (_, corrects) = point::event(&desk.ledger, event)?;
    let of = view::usage::report(desk.ledger.state(), &corrects)
        .map_err(|problem| problem.at_field("EVENT"))?
        .period;
    let command = Command::CorrectUsage { corrects, reason, blocks: Vec::new() };
    let written = written(session, &mut desk, command, (file, format), of)?;
    let agreement = desk.ledger.state().agreement();
    let stated = agreement.is_some_and(|known| known.statements().contains_key(&of));
    let next = match (stated, agreement.and_then(|known| known.next_to_state())) {
        (true, Some(next)) => format!("statement preview {next}"),
        _ => format!("statement preview {of}"),
    };
    finish(session, &desk, written, &next)
}

fn finish(
    session: &mut Session,
    desk: &Desk,
    (outcome, findings): (Outcome, Vec<PriceFinding>),
    next: &str,
) -> Result<Answer, Failure> {
    if let Some(agreement) = desk.ledger.state().agreement() {
        let currency = agreement.terms().currency;
        let price_findings = findings.iter().map(PriceFindingDocument::of).collect();
        let beside = Beside { price_findings, ..Beside::default() };
        let state = (desk.ledger.state(), currency);
        say_recorded_with(session, state, (&outcome, desk.mode), beside)?;
        usage_findings::say(session, &findings)?;
        session.next(next)?;
    }
    Ok(Answer::Yes)
}

/// Records a report or correction while its file is read; what is found in its prices.
fn written(
    session: &mut Session,
    desk: &mut Desk,
    command: Command,
    file: (Option<&Path>, Option<Format>),
    of: Period,
) -> Result<(Outcome, Vec<PriceFinding>), Failure> {
    // The draft of the report holds the ledger while lines are judged by its terms.
    let terms =
        desk.ledger.state().agreement().map(|known| (known.versions().clone(), known.level()));
    desk.report(command, |report| {
        if let Some((versions, level)) = terms {
            let terms = &versions.by_day(of, level);
            let mut take = |block| report.add(block).map_err(Failure::from);
            let blocks = Blocks { prepare: &PreparedBlock::new, take: &mut take };
            lines(session, file, (terms, of), blocks)?;
        }
        Ok(usage_findings::of_draft(report, of))
    })
}

/// Reads the lines of a file and judges them by the terms; there are none for a nil report.
fn lines<T: Send>(
    session: &mut Session,
    (file, format): (Option<&Path>, Option<Format>),
    terms: (&TermsByDay, Period),
    blocks: Blocks<T, Failure>,
) -> Result<(), Failure> {
    let Some(file) = file else { return Ok(()) };
    let is_stdin = file == Path::new("-");
    let name = if is_stdin { "standard input".to_owned() } else { file.display().to_string() };
    let source: Box<dyn Read> = match is_stdin {
        true => Box::new(std::io::stdin().lock()),
        false => Box::new(files::open(file).map_err(|error| unreadable(file, &error))?),
    };
    let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
    let by_name = match extension {
        "jsonl" | "ndjson" => Format::Jsonl,
        _ => Format::Csv,
    };
    let size = if is_stdin { None } else { std::fs::metadata(file).map(|known| known.len()).ok() };
    let source = session.progress(source, size);
    let UsageRead { lines, problems, problems_total } = match format.unwrap_or(by_name) {
        Format::Csv => read_csv_blocks(&name, source, terms, blocks),
        Format::Jsonl => read_jsonl_blocks(&name, source, terms, blocks),
    }?;
    if problems_total == 1
        && let Some(problem) = problems.first()
    {
        return Err(problem.clone().into());
    }
    let what = match lines {
        _ if problems.is_empty() => return Ok(()),
        0 => "; nothing was recorded".to_owned(),
        lines => format!("in {}; nothing was recorded", crate::render::text::count(lines, "line")),
    };
    Err(several_of(problems, problems_total, &name, &what))
}

/// The lines of a file, judged against the terms; none for a nil report.
pub fn blocks(
    session: &mut Session,
    agreement: &Agreement,
    file: (Option<&Path>, Option<Format>),
    of: Period,
) -> Result<Vec<LineBlock>, Failure> {
    let terms = &agreement.versions().by_day(of, agreement.level());
    let mut kept = Vec::new();
    let mut keep = |block| {
        kept.push(block);
        Ok(())
    };
    let blocks = Blocks { prepare: &|block| block, take: &mut keep };
    lines(session, file, (terms, of), blocks)?;
    Ok(kept)
}
