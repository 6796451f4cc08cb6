//! The command line: its options, its commands, and how a run ends.

use std::ffi::OsString;
use std::io;
use std::io::BufWriter;
use std::io::IsTerminal;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;
use revshare_core::vocab::Code;

use crate::commands;
use crate::context::Session;
use crate::context::World;
use crate::context::random;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::command_line;
use crate::files::wipe_stack;
use crate::output::Output;
use crate::output::print_help;
use crate::pager;
use crate::render::problem;
use crate::render::text::escape;

/// A revenue-share ledger that both sides of a contract can check
///
/// A host reports usage under signed terms, the ledger computes who is owed what, and both parties
/// verify it from their own copy. Every fact is an immutable, signed record in a hash-chained log.
#[derive(Parser, Debug)]
#[command(
    name = "revshare",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 done, 1 the answer is no, 2 the command line is wrong, 3 refused, 4 the ledger's files are damaged, 5 the outside failed, 6 a fault of this program.\nStart with: revshare demo"
)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub command: Command,
}

/// The options that every command has.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Globals {
    /// The ledger's folder; otherwise the current folder or its nearest parent that is a ledger
    #[arg(
        short = 'C',
        long = "ledger",
        value_name = "DIR",
        env = "REVSHARE_LEDGER",
        hide_env_values = true,
        global = true,
        help_heading = "Global"
    )]
    pub ledger: Option<PathBuf>,
    /// Your OpenSSH Ed25519 private key: who it belongs to is the author
    #[arg(
        long,
        value_name = "FILE",
        env = "REVSHARE_KEY",
        hide_env_values = true,
        global = true,
        help_heading = "Global"
    )]
    pub key: Option<PathBuf>,
    /// Print JSON, amounts as decimal strings; errors as one object on standard error
    #[arg(long, global = true, help_heading = "Global")]
    pub json: bool,
    /// Print results only, no hints
    #[arg(short, long, global = true, help_heading = "Global")]
    pub quiet: bool,
    /// Print more
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Global")]
    pub verbose: u8,
    /// Print long lists without a pager (REVSHARE_PAGER, else PAGER, else less)
    #[arg(long, global = true, help_heading = "Global")]
    pub no_pager: bool,
    /// Colours
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        global = true,
        help_heading = "Global"
    )]
    pub color: Color,
}

/// When colours are used.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Every command.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    Demo(commands::demo::Args),
    Keygen(commands::keygen::Args),
    #[command(subcommand)]
    Terms(commands::terms::Args),
    Init(commands::init::Args),
    Accept(commands::accept::Args),
    #[command(subcommand)]
    Usage(commands::usage::Args),
    #[command(subcommand)]
    Amend(commands::amend::Args),
    #[command(subcommand)]
    Contribution(commands::contribution::Args),
    #[command(subcommand)]
    Evidence(commands::evidence::Args),
    #[command(subcommand)]
    Fx(commands::fx::Args),
    #[command(subcommand)]
    Statement(commands::statement::Args),
    #[command(subcommand)]
    Advance(commands::advance::Args),
    #[command(subcommand)]
    Payout(commands::payout::Args),
    #[command(subcommand)]
    Dispute(commands::dispute::Args),
    Balances(commands::balances::Args),
    Status(commands::status::Args),
    History(commands::history::Args),
    Show(commands::show::Args),
    Portfolio(commands::portfolio::Args),
    Explain(commands::explain::Args),
    Blame(commands::blame::Args),
    Replay(commands::replay::Args),
    Audit(commands::audit::Args),
    Acknowledge(commands::acknowledge::Args),
    Verify(commands::verify::Args),
    Diff(commands::diff::Args),
    Pull(commands::pull::Args),
    Completions(commands::completions::Args),
    #[command(subcommand, hide = true)]
    Debug(commands::debug::Args),
}

/// Runs a command.
pub fn run(session: &mut Session, command: &Command) -> Result<Answer, Failure> {
    match command {
        Command::Demo(args) => commands::demo::run(session, args),
        Command::Keygen(args) => commands::keygen::run(session, args),
        Command::Terms(args) => commands::terms::run(session, args),
        Command::Init(args) => commands::init::run(session, args),
        Command::Accept(args) => commands::accept::run(session, args),
        Command::Usage(args) => commands::usage::run(session, args),
        Command::Amend(args) => commands::amend::run(session, args),
        Command::Contribution(args) => commands::contribution::run(session, args),
        Command::Evidence(args) => commands::evidence::run(session, args),
        Command::Fx(args) => commands::fx::run(session, args),
        Command::Statement(args) => commands::statement::run(session, args),
        Command::Advance(args) => commands::advance::run(session, args),
        Command::Payout(args) => commands::payout::run(session, args),
        Command::Dispute(args) => commands::dispute::run(session, args),
        Command::Balances(args) => commands::balances::run(session, args),
        Command::Status(args) => commands::status::run(session, args),
        Command::History(args) => commands::history::run(session, args),
        Command::Show(args) => commands::show::run(session, args),
        Command::Portfolio(args) => commands::portfolio::run(session, args),
        Command::Explain(args) => commands::explain::run(session, args),
        Command::Blame(args) => commands::blame::run(session, args),
        Command::Replay(args) => commands::replay::run(session, args),
        Command::Audit(args) => commands::audit::run(session, args),
        Command::Acknowledge(args) => commands::acknowledge::run(session, args),
        Command::Verify(args) => commands::verify::run(session, args),
        Command::Diff(args) => commands::diff::run(session, args),
        Command::Pull(args) => commands::pull::run(session, args),
        Command::Completions(args) => commands::completions::run(session, args),
        Command::Debug(args) => commands::debug::run(session, args),
    }
}

/// Reads a command line. An empty folder or key in the environment counts as none.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut cli = Cli::try_parse_from(args)?;
    let globals = &mut cli.globals;
    globals.ledger = globals.ledger.take().filter(|path| !path.as_os_str().is_empty());
    globals.key = globals.key.take().filter(|path| !path.as_os_str().is_empty());
    Ok(cli)
}

/// The whole run of the binary.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let stderr = io::stderr();
    limit_file_size_as_error();
    let cli = match parse(args.iter().cloned()) {
        Ok(cli) => cli,
        Err(error) => {
            let json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
            // What was typed is repeated in the message: it is parsed again as it can be shown.
            let shown = args.iter().map(|arg| OsString::from(escape(&arg.to_string_lossy())));
            let error = match error.use_stderr() {
                true => parse(shown).err().unwrap_or(error),
                false => error,
            };
            return end_of_parsing(&error, json);
        }
    };
    let wants_color = |is_terminal: bool| match cli.globals.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
    };
    // The standard library and others panic where this fails, so it is tried first.
    if let Err(failure) = random::<1>() {
        return ended(Err(failure), cli.globals.json, wants_color(stderr.is_terminal()));
    }
    let is_terminal = io::stdout().is_terminal();
    let pages = is_terminal && !cli.globals.no_pager && !cli.globals.json;
    let pager = if pages { pager::chosen() } else { None };
    let output = Output::default();
    let mut session = Session {
        world: World { color: wants_color(is_terminal), pager, ..World::here() },
        globals: cli.globals.clone(),
        out: Box::new(BufWriter::new(output.sink(io::stdout().lock()))),
        err: Box::new(output.sink(io::stderr())),
        output: output.clone(),
    };
    let answer = run(&mut session, &cli.command);
    let answer = answer.map_err(|failure| failure.or_at(|code| session.place_of(code)));
    let flushed = session.out.flush();
    // Secrets are wiped and a pager is waited for before anything else is said.
    drop(session);
    wipe_stack();
    let answer = output.end(flushed.map_err(Failure::from).and(answer));
    ended(answer, cli.globals.json, wants_color(stderr.is_terminal()))
}

/// Makes a write beyond the limit of a file's size an error, as on a full disk. Without a handler
/// the signal ends the process in the middle of what it does.
fn limit_file_size_as_error() {
    let noted = Arc::new(AtomicBool::new(false));
    // Where the system refuses, the process ends as it would have.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, noted);
}

/// The end of a run: its exit code, and why it failed.
fn ended(answer: Result<Answer, Failure>, json: bool, color: bool) -> ExitCode {
    match answer {
        Ok(answer) => ExitCode::from(answer.exit_code()),
        Err(failure) => {
            // Nobody is left to be told if this fails.
            let _ = problem::failure(&mut io::stderr().lock(), &failure, json, color);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Help and version are answers; anything else is a wrong command line.
fn end_of_parsing(error: &clap::Error, json: bool) -> ExitCode {
    if !error.use_stderr() {
        return ended(print_help(error), json, false);
    }
    if json {
        let text = error.render().to_string();
        let message = text.lines().find_map(|line| line.strip_prefix("error: "));
        let message = message.unwrap_or("a command is missing").to_owned();
        return ended(
            Err(command_line(message, "`revshare --help` shows the commands")),
            json,
            false,
        );
    }
    // clap's own text (with its tips and usage), and the code beside what is wrong.
    let text = error.render().to_string();
    let text: String = text.lines().map(|line| escape(line) + "\n").collect();
    let text = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("error:") => {
            format!("{first} [{}]\n{rest}", Code::CommandLine.as_str())
        }
        _ => text,
    };
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(2)
}
