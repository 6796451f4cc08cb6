//! `revshare pull`

use std::io::Write;
use std::path::PathBuf;

use revshare_core::ledger::Mode;
use revshare_core::pull::pull;

use crate::context::Session;
use crate::context::is_ledger;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::json::lists::PullDocument;
use crate::render::text::count;

/// Take over what another copy on this machine has more, after checking all of it
///
/// Into a folder that is no ledger yet, takes a first full copy. Refused when the copies diverged.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  revshare -C meta pull ../acme")]
pub struct Args {
    /// The folder of the other copy
    dir: PathBuf,
    /// Check and show everything, take over nothing
    #[arg(long, help_heading = "Writing")]
    dry_run: bool,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    // A parent that is a ledger is meant only if the folder itself is not named.
    let folder = match &session.globals.ledger {
        Some(folder) => folder.clone(),
        None => session.folder().unwrap_or_else(|_| PathBuf::from(".")),
    };
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Record };
    let is_first = !is_ledger(&folder);
    let pulled = pull(&folder, session.state_folder(), &args.dir, session.world.now, mode)?;
    if session.globals.json {
        session.print_json(&PullDocument {
            recorded: mode == Mode::Record && pulled.new > 0,
            common: pulled.common,
            new: pulled.new,
            ahead: pulled.ahead,
            seq: pulled.head.0,
            head: pulled.head.1.to_string(),
        })?;
        return Ok(Answer::Yes);
    }
    let from = args.dir.display();
    let head = format!("head is record {} {}", pulled.head.0, pulled.head.1.0.short());
    let new = count(pulled.new, "new record");
    match (pulled.new, pulled.ahead, mode) {
        (0, 0, _) => writeln!(session.out, "nothing new in {from}; {head}")?,
        (0, ahead, _) => writeln!(
            session.out,
            "nothing new in {from}; this copy is ahead by {}; {head}",
            count(ahead, "record")
        )?,
        (_, _, Mode::DryRun) => writeln!(session.out, "would take {new} from {from}; {head}")?,
        _ => writeln!(session.out, "took {new} from {from}, all checked; {head}")?,
    }
    session.next(if is_first { "accept" } else { "status" })?;
    Ok(Answer::Yes)
}
