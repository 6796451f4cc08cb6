//! `revshare terms`

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::intake::read_terms;
use revshare_core::intake::to_toml;
use revshare_core::terms::Version;
use revshare_core::view::terms::TermsVersion;
use revshare_core::view::terms::version;
use revshare_core::vocab::Code;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use revshare_core::vocab::to_u64;

use crate::commands::Reading;
use crate::commands::terms_diff;
use crate::commands::terms_preview;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::Many;
use crate::files::read_file;
use crate::render::json::ErrorDocument;
use crate::render::json::lists::TermsCheckDocument;
use crate::render::json::lists::TermsShowDocument;
use crate::render::json::lists::TermsVersionDocument;
use crate::render::problem;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::count;
use crate::render::text::escape;
use crate::render::text::shell_path;

/// Look at terms: the contract in machine-readable form
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Check a terms file and report every problem with its place
    ///
    /// Also warns of what is legal and surprising. Exits with 3 if there is a problem.
    #[command(after_help = "Example:\n  revshare terms check terms.toml")]
    Check {
        /// The terms file (TOML)
        file: PathBuf,
    },
    /// Compare two versions of the terms, clause by clause
    ///
    /// Each is a terms file, or the number of the record that brought terms: 0 is the opening, an
    /// amendment may be one that is only proposed. A file alone is compared with the terms that
    /// were accepted last. Exits with 0 if they are equal, 1 if not.
    #[command(
        after_help = "Examples:\n  revshare terms diff terms-2027.toml\n  revshare terms diff 0 12\n  revshare terms diff old.toml new.toml"
    )]
    Diff {
        /// A terms file, or a record number
        a: String,
        /// Another one; otherwise A is compared with the terms accepted last
        b: Option<String>,
        #[command(flatten)]
        reading: Reading,
    },
    /// Run terms over the real history: who would get what, and what would change
    ///
    /// Nothing is recorded. Differences in periods that are stated would be trued up by the next
    /// statement.
    #[command(after_help = "Example:\n  revshare terms preview terms-2027.toml --from 2027-01-01")]
    Preview {
        /// The terms file (TOML)
        file: PathBuf,
        /// The first usage day that the terms would rate
        #[arg(long, value_name = "DAY")]
        from: String,
        #[command(flatten)]
        reading: Reading,
    },
    /// Print terms as a terms file: the ones accepted last, or another version
    ///
    /// Where terms were amended, comments at the top list the versions: number, record, first usage
    /// day that it rates, digest. In force on a day is, of the versions that begin on it or before,
    /// the one with the highest number.
    #[command(
        after_help = "Examples:\n  revshare terms show --at 2026-06-30\n  revshare terms show --version 0"
    )]
    Show {
        /// The number of the version; 0 is what the ledger was opened with
        #[arg(long, value_name = "N")]
        version: Option<usize>,
        #[command(flatten)]
        reading: Reading,
    },
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    match args {
        Args::Check { file } => check(session, file),
        Args::Diff { a, b, reading } => terms_diff::run(session, a, b.as_deref(), reading),
        Args::Preview { file, from, reading } => terms_preview::run(session, file, from, reading),
        Args::Show { version, reading } => show(session, *version, reading),
    }
}

/// Reads a terms file; warnings go to standard error. All problems are one failure.
pub fn read(session: &mut Session, file: &Path) -> Result<TermsVersion, Failure> {
    Ok(read_for_json(session, file)?.0)
}

/// Likewise, with the warnings as JSON has them, which does without standard error.
pub fn read_for_json(
    session: &mut Session,
    file: &Path,
) -> Result<(TermsVersion, Vec<ErrorDocument>), Failure> {
    let (version, warnings) = read_with_warnings(file)?;
    if !session.globals.json && !session.globals.quiet {
        let color = session.world.color;
        problem::each(&mut session.err, &warnings, color)?;
    }
    Ok((version, warnings.iter().map(ErrorDocument::of).collect()))
}

fn read_with_warnings(file: &Path) -> Result<(TermsVersion, Vec<Problem>), Failure> {
    let name = file.display().to_string();
    let checked = read_terms(&name, &read_file(file)?);
    match checked.terms {
        Some(terms) => {
            let version = version(terms).map_err(|problem| problem.at(Place::Path(name)))?;
            Ok((version, checked.warnings))
        }
        None => {
            let total = checked.problems_total;
            Err(several(checked.problems, total, &name, "in the terms"))
        }
    }
}

/// One problem is told alone, several with their count. `problems` is not empty.
fn several(mut problems: Vec<Problem>, total: u64, file: &str, what: &str) -> Failure {
    match problems.pop() {
        Some(only) if total == 1 => only.into(),
        last => {
            problems.extend(last);
            several_of(problems, total, file, what)
        }
    }
}

/// Several problems, of which some may only be counted.
pub fn several_of(problems: Vec<Problem>, total: u64, file: &str, what: &str) -> Failure {
    let Some(first) = problems.first() else {
        return crate::error::command_line("the input was refused", "run the command again");
    };
    let more = match total.saturating_sub(to_u64(problems.len())) {
        0 => String::new(),
        more => format!("; {more} more are not listed"),
    };
    let summary = Problem::new(first.code, format!("{} {what}{more}", count(total, "problem")))
        .at(Place::Path(file.to_owned()))
        .hint("correct them all, then run the command again");
    Failure::Many(Box::new(Many { summary, problems }))
}

fn check(session: &mut Session, file: &Path) -> Result<Answer, Failure> {
    let (TermsVersion { terms, digest, .. }, warnings) = read_with_warnings(file)?;
    if session.globals.json {
        session.print_json(&TermsCheckDocument {
            file: file.display().to_string(),
            ok: true,
            terms: digest.to_string(),
            title: terms.title.to_string(),
            parties: to_u64(terms.parties.len()),
            rules: to_u64(terms.rules.len()),
            warnings: warnings.iter().map(ErrorDocument::of).collect(),
        })?;
        return Ok(Answer::Yes);
    }
    let color = session.world.color;
    problem::each(&mut session.err, &warnings, color)?;
    writeln!(session.out, "ok: {}", escape(terms.title.as_str()))?;
    for party in &terms.parties {
        let fingerprint = party.key.fingerprint();
        writeln!(session.out, "  {}, {}, {fingerprint}", party.id, party.role.as_str())?;
    }
    writeln!(
        session.out,
        "  {}; {} {}s from {}; terms {}",
        count(to_u64(terms.rules.len()), "rule"),
        terms.currency,
        terms.period_length.as_str(),
        terms.first_period(),
        digest.short()
    )?;
    session.next(&format!("init --terms {} --key FILE", shell_path(file)))?;
    Ok(Answer::Yes)
}

fn show(
    session: &mut Session,
    wanted: Option<usize>,
    reading: &Reading,
) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let versions = standing.agreement()?.versions();
    let last = versions.last_number();
    let number = wanted.unwrap_or(last);
    let Some(version) = versions.iter().nth(number) else {
        return Err(Problem::new(
            Code::UnknownEvent,
            format!("there is no version {number} of the terms; the last one is {last}"),
        )
        .at_field("--version")
        .hint("`revshare terms show` lists the versions")
        .into());
    };
    let toml = to_toml(&version.terms);
    let digest = version.digest.to_string();
    if session.globals.json {
        let document = |(number, version): (usize, &Version)| TermsVersionDocument {
            version: to_u64(number),
            seq: version.seq,
            event: version.event.to_string(),
            effective_from: version.effective_from.to_string(),
            terms: version.digest.to_string(),
            level: version.level.number(),
        };
        session.print_json(&TermsShowDocument {
            at: standing.at(),
            version: to_u64(number),
            terms: digest,
            toml,
            versions: versions.iter().enumerate().map(document).collect(),
        })?;
        return Ok(Answer::Yes);
    }
    writeln!(session.out, "# terms {digest}")?;
    if last > 0 {
        writeln!(session.out, "# version {number}, of these:")?;
        let mut table = Table::new(&[
            ("version", Align::Right),
            ("record", Align::Right),
            ("from", Align::Left),
            ("terms", Align::Left),
            ("", Align::Left),
        ]);
        for (at, version) in versions.iter().enumerate() {
            table.row([
                at.to_string(),
                version.seq.to_string(),
                version.effective_from.to_string(),
                version.digest.short(),
                if at == number { "shown below" } else { "" }.to_owned(),
            ]);
        }
        // As comments, so that what is printed stays a terms file.
        for line in table.text(false).lines() {
            writeln!(session.out, "# {line}")?;
        }
    }
    session.out.write_all(toml.as_bytes())?;
    Ok(Answer::Yes)
}
