//! `revshare acknowledge`

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::acknowledgement;
use revshare_core::command::Command;
use revshare_core::ledger::Mode;
use revshare_core::store::disk::io_problem;
use revshare_core::vocab::Code;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;

use crate::commands::Writing;
use crate::commands::say_recorded;
use crate::context::Desk;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::json::At;
use crate::render::json::lists::AcknowledgementDocument;
use crate::render::text::shell_path;
use crate::render::text::shown_path;

/// Sign the head and the state root, after verifying everything up to there
///
/// On the log, or with --out into a file that you hand to the other party: they hold it against
/// their copy with `verify --against`. It concedes the history and the computation, not that the
/// reported usage is true.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  revshare acknowledge\n  revshare acknowledge --out meta.ack")]
pub struct Args {
    /// Write a signed file instead of a record
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    writing: Writing,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    if let Some(file) = &args.out {
        return write_file(session, file, &args.writing);
    }
    let mut desk = session.write_verified(&args.writing)?;
    let outcome = desk.submit(Command::Acknowledge)?;
    if let Some(agreement) = desk.ledger.state().agreement() {
        let currency = agreement.terms().currency;
        say_recorded(session, desk.ledger.state(), currency, &outcome, desk.mode)?;
    }
    session.next("status")?;
    Ok(Answer::Yes)
}

fn write_file(session: &mut Session, file: &Path, writing: &Writing) -> Result<Answer, Failure> {
    // Nothing is appended: no lock is taken.
    let desk: Desk = session.write_verified(&Writing { dry_run: true, ..writing.clone() })?;
    let state = desk.ledger.state();
    let Some(agreement) = state.agreement() else {
        return Ok(Answer::Unreadable);
    };
    let said = desk.ledger.acknowledgement()?;
    let author = &desk.context.author;
    let text = acknowledgement::write(agreement.ledger(), author, &said, &desk.signer);
    if writing.mode() == Mode::Record {
        let place = Place::Path(file.display().to_string());
        let created = OpenOptions::new().write(true).create_new(true).open(file);
        let written = created.and_then(|mut out| {
            out.write_all(text.as_bytes()).inspect_err(|_| {
                // Half an acknowledgement helps nobody, and stands in the way of a whole one.
                let _ = std::fs::remove_file(file);
            })
        });
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Problem::new(Code::FileExists, "the file exists")
                .at(place)
                .hint("choose another name"),
            _ => io_problem(Code::DiskWrite, "the file cannot be written", file, &error),
        })?;
        session.output.stands("the acknowledgement is signed and its file written");
    }
    if session.globals.json {
        session.print_json(&AcknowledgementDocument {
            file: file.display().to_string(),
            party: author.party.to_string(),
            at: At {
                seq: said.seq,
                head: said.head.to_string(),
                recorded_at: state.recorded_at().to_string(),
            },
            state_root: said.state_root.to_string(),
            root_version: said.root_version,
        })?;
        return Ok(Answer::Yes);
    }
    let word = if writing.dry_run { "would write" } else { "wrote" };
    writeln!(
        session.out,
        "{word} {}: {} acknowledges record {} {}, state root {}",
        shown_path(file),
        author.party,
        said.seq,
        said.head.0.short(),
        said.state_root.0.short()
    )?;
    session.say(&format!(
        "next: the other party runs `revshare verify --against {}` on its copy",
        shell_path(file)
    ))?;
    Ok(Answer::Yes)
}
