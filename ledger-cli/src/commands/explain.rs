//! `revshare explain`

use std::io::Write;

use revshare_core::view;

use crate::commands::Reading;
use crate::commands::party;
use crate::commands::period;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::bad_argument;
use crate::render::explain::lines;
use crate::render::json::explain::ExplainDocument;
use crate::render::table::wrap;
use crate::render::text::escape;

/// Derive an amount, from what is booked down to the reports
///
/// One operation a line. With --json, every operand is an exact string, so that the amount can be
/// computed again by hand.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  revshare explain 2026-06/meta")]
pub struct Args {
    /// Whose amount of which period
    #[arg(value_name = "P/PARTY")]
    what: String,
    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let Some((of, who)) = args.what.split_once('/') else {
        return Err(bad_argument(
            "P/PARTY",
            format!("`{}` is not a period and a party", args.what.escape_debug()),
            "write it like 2026-06/meta",
        ));
    };
    let (of, who) = (period("P/PARTY", of)?, party("P/PARTY", who)?);
    let standing = session.read(&args.reading)?;
    let explanation = view::explain::explain(standing.state(), of, &who)
        .map_err(|problem| problem.at_field("P/PARTY"))?;
    if session.globals.json {
        session.print_json(&ExplainDocument::of(&explanation, standing.at()))?;
        return Ok(Answer::Yes);
    }
    for line in lines(&explanation, &standing.as_of()) {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        // What does not fit stands further in than any line below it.
        for (at, part) in wrap(&escape(text), 80 - indent - 8).iter().enumerate() {
            let indent = if at == 0 { indent } else { indent + 8 };
            writeln!(session.out, "{:indent$}{part}", "")?;
        }
    }
    if let Some(seq) = explanation.reports.first().and_then(|source| source.report.seq) {
        session.next(&format!("usage show {seq}"))?;
    }
    Ok(Answer::Yes)
}
