//! `revshare completions`

use std::io::Write;

use clap::CommandFactory;

use crate::app::Cli;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;

/// Print a completion script for a shell
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Example:\n  revshare completions bash > ~/.local/share/bash-completion/completions/revshare"
)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    // Written to memory first: the generator panics when its output is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "revshare", &mut script);
    session.out.write_all(&script)?;
    Ok(Answer::Yes)
}
