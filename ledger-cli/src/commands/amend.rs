//! `revshare amend`

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::command::Command;
use revshare_core::event::Amendment;
use revshare_core::event::Kind;
use revshare_core::evolve::amendment;
use revshare_core::state::Proposed;
use revshare_core::terms::diff::diff;
use revshare_core::view::proposals;
use revshare_core::view::proposals::ProposalView;
use revshare_core::vocab::Code;
use revshare_core::vocab::Date;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use revshare_core::vocab::to_u64;

use crate::commands::Reading;
use crate::commands::Writing;
use crate::commands::argument;
use crate::commands::free_text;
use crate::commands::proposals::Closing;
use crate::commands::proposals::End;
use crate::commands::proposals::close;
use crate::commands::proposals::next_of;
use crate::commands::proposals::proposed;
use crate::commands::proposals::status_text;
use crate::commands::proposals::waiting;
use crate::commands::proposals::warn;
use crate::commands::terms;
use crate::commands::terms_diff;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::files::read_file;
use crate::render::json::proposals::AmendmentDocument;
use crate::render::json::proposals::AmendmentsDocument;
use crate::render::json::proposals::ProposalDocument;
use crate::render::json::terms::ClauseDocument;
use crate::render::table::Align;
use crate::render::table::Table;

/// Amendments: whole new terms, from a day on, once all have accepted them
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Propose other terms from a day on
    ///
    /// The file holds the whole new terms: `terms show` prints those in force, to be edited. Run
    /// them over the history first (`terms preview`). They come into force once every party whose
    /// money they touch has accepted them; a day in the past is computed again and trued up.
    #[command(
        after_help = "Example:\n  revshare amend propose terms-2027.toml --from 2027-01-01 --reason \"renewal\""
    )]
    Propose {
        /// The terms file (TOML)
        file: PathBuf,
        /// The first usage day that the new terms rate
        #[arg(long, value_name = "DAY")]
        from: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// Reject an amendment that somebody else proposed
    #[command(after_help = "Example:\n  revshare amend reject 12 --reason \"not before 2028\"")]
    Reject(Closing),
    /// Take back an amendment that you proposed
    #[command(
        after_help = "Example:\n  revshare amend withdraw 12 --reason \"a better one comes\""
    )]
    Withdraw(Closing),
    /// List the amendments, and what became of them
    #[command(after_help = "Example:\n  revshare amend list")]
    List {
        #[command(flatten)]
        reading: Reading,
    },
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    match args {
        Args::Propose { file, from, reason, writing } => {
            propose(session, file, (from, reason), writing)
        }
        Args::Reject(closing) => close(session, closing, Kind::AmendmentProposed, End::Reject),
        Args::Withdraw(closing) => close(session, closing, Kind::AmendmentProposed, End::Withdraw),
        Args::List { reading } => list(session, reading),
    }
}

fn propose(
    session: &mut Session,
    file: &Path,
    (from, reason): (&str, &str),
    writing: &Writing,
) -> Result<Answer, Failure> {
    let effective_from = argument("--from", from, Date::parse)?;
    let reason = free_text("--reason", reason)?;
    let mut desk = session.write(writing)?;
    let (version, terms_warnings) = terms::read_for_json(session, file)?;
    // What it does is said by what holds before it is recorded.
    let amendment = Amendment { version, effective_from, reason };
    let mut waits = waiting(&desk, &Proposed::Amendment(Box::new(amendment.clone())));
    let agreement = desk.ledger.state().agreement();
    let (changes, warnings) = match agreement {
        Some(agreement) => (
            diff(agreement.terms(), &amendment.version.terms),
            amendment::warnings(agreement, &amendment),
        ),
        None => (Vec::new(), Vec::new()),
    };
    if let Some(waits) = &mut waits {
        waits.changes = changes.iter().map(ClauseDocument::of).collect();
        waits.warnings = warnings.clone();
        waits.terms_warnings = terms_warnings;
    }
    let Amendment { version, effective_from, reason } = amendment;
    let command = Command::ProposeAmendment { version: Box::new(version), effective_from, reason };
    let outcome = desk.submit(command).map_err(|failure| match failure {
        Failure::Problem(problem) => about_file(*problem, file).into(),
        other => other,
    })?;
    if !session.globals.json {
        match changes.is_empty() {
            true => writeln!(session.out, "the clauses stay; they hold from {effective_from}")?,
            false => terms_diff::print(session, &changes)?,
        }
        warn(session, &warnings)?;
    }
    proposed(session, &desk, &outcome, waits)
}

/// Gives a refusal of terms its place: the day, or the file, with the line that it is about if the
/// refusal names a key of `[agreement]`.
pub fn about_file(mut problem: Problem, file: &Path) -> Problem {
    match problem.code {
        Code::AmendmentDates | Code::AmendmentOffPeriod => problem.at_field("--from"),
        Code::AmendmentFixed | Code::AmendmentNoChange | Code::AmountBounds => {
            let found = match problem.place.take() {
                Some(Place::Field(field)) => agreement_key(file, &field),
                _ => None,
            };
            let whole = || Place::Path(file.display().to_string());
            problem.at(found.unwrap_or_else(whole))
        }
        _ => problem,
    }
}

/// Where a terms file that was read without a problem says `agreement.<key>`.
fn agreement_key(file: &Path, field: &str) -> Option<Place> {
    let key = field.strip_prefix("agreement.")?;
    let text = String::from_utf8(read_file(file).ok()?).ok()?;
    let mut lines = text.lines().enumerate();
    lines.find(|(_, line)| line.trim() == "[agreement]")?;
    let mut lines = lines.take_while(|(_, line)| !line.trim_start().starts_with('['));
    let (at, line) = lines.find(|(_, line)| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    })?;
    let column = to_u64(line.chars().take_while(|c| c.is_whitespace()).count()).saturating_add(1);
    let path = file.display().to_string();
    Some(Place::File {
        path,
        line: to_u64(at).saturating_add(1),
        column,
        text: Some(line.to_owned()),
    })
}

fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let agreement = standing.agreement()?;
    let today = standing.today(&session.world);
    let views = proposals::proposals(agreement, Kind::AmendmentProposed, today);
    let version_of = |view: &ProposalView<'_>| {
        let mut versions = agreement.versions().iter();
        versions.position(|version| version.event == view.proposal.id).map(to_u64)
    };
    let amendments: Vec<(&ProposalView<'_>, &Amendment)> = views
        .iter()
        .filter_map(|view| match &view.proposal.what {
            Proposed::Amendment(amendment) => Some((view, &**amendment)),
            Proposed::Rate(_) | Proposed::Contribution(_) => None,
        })
        .collect();
    if session.globals.json {
        let amendments = amendments.iter().map(|(view, amendment)| AmendmentDocument {
            proposal: ProposalDocument::of(view),
            effective_from: amendment.effective_from.to_string(),
            terms: amendment.version.digest.to_string(),
            reason: amendment.reason.to_string(),
            version: version_of(view),
        });
        let amendments = amendments.collect();
        session.print_json(&AmendmentsDocument { at: standing.at(), amendments })?;
        return Ok(Answer::Yes);
    }
    if amendments.is_empty() {
        writeln!(session.out, "no amendment is proposed{}", standing.as_of())?;
        return Ok(Answer::Yes);
    }
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("from", Align::Left),
        ("terms", Align::Left),
        ("status", Align::Wrap),
        ("reason", Align::Wrap),
    ]);
    for (view, amendment) in amendments {
        let version = version_of(view).map_or(String::new(), |at| format!(", version {at}"));
        table.row([
            view.proposal.seq.to_string(),
            amendment.effective_from.to_string(),
            amendment.version.digest.short(),
            format!("{}{version}", status_text(view)),
            amendment.reason.to_string(),
        ]);
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    if let Some(view) = views.iter().find(|view| !view.waits_for.is_empty()) {
        let last = agreement.versions().last().seq;
        session.next(&format!("terms diff {last} {}", view.proposal.seq))?;
    }
    next_of(session, &views)?;
    Ok(Answer::Yes)
}
