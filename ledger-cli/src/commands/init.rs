//! `revshare init`

use std::path::PathBuf;

use revshare_core::command::Command;
use revshare_core::decide::Context;
use revshare_core::ledger::Ledger;
use revshare_core::ledger::Mode;
use revshare_core::ledger::Signing;

use crate::commands::Writing;
use crate::commands::say_recorded;
use crate::commands::terms;
use crate::context::Session;
use crate::context::admit_head;
use crate::context::random;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::text::shell_path;

/// Open a ledger with these terms, in the folder of -C or the current one
///
/// Opening counts as the opener's acceptance. Until every other owner, collector and beneficiary
/// has accepted too, nothing else can be recorded.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  revshare -C acme init --terms terms.toml --key acme.key")]
pub struct Args {
    /// The terms file (TOML); look at it with `terms check` first
    #[arg(long, value_name = "FILE")]
    terms: PathBuf,
    #[command(flatten)]
    writing: Writing,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let signer = session.signer()?;
    let version = terms::read(session, &args.terms)?;
    let folder = session.new_folder();
    let mode = args.writing.mode();
    // Everything is tried without touching the disk first: a refused command leaves no folder.
    let mut tried_ledger = Ledger::dry_run_create(&folder)?;
    if let Some(expected) = &args.writing.if_head {
        admit_head(tried_ledger.state(), expected)?;
    }
    let context = Context {
        author: session.author(&version.terms, signer.public()?)?,
        recorded_at: session.recorded_at(&args.writing, tried_ledger.state())?,
        now: session.world.now,
    };
    let currency = version.terms.currency;
    let command = Command::OpenLedger(Box::new(version));
    let nonce = random()?;
    let signing = Signing { signer: &signer, nonce: *nonce };
    let tried = tried_ledger.submit(command.clone(), &context, &signing, Mode::DryRun)?;
    if mode == Mode::DryRun {
        say_recorded(session, tried_ledger.state(), currency, &tried, mode)?;
        return Ok(Answer::Yes);
    }
    let mut ledger = Ledger::create(&folder, session.machine())?;
    let outcome = ledger.submit(command, &context, &signing, mode)?;
    say_recorded(session, ledger.state(), currency, &outcome, mode)?;
    let awaited = ledger.state().agreement().map(|known| known.awaited()).unwrap_or_default();
    if let Some(first) = awaited.first() {
        let folder = shell_path(&folder);
        session.note(&format!("{first} pulls this copy and accepts: `revshare -C THEIRS pull {folder}`, then `revshare -C THEIRS accept 0`"))?;
    }
    Ok(Answer::Yes)
}
