//! `revshare contribution`

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::command::Command;
use revshare_core::event::ContributionClaim;
use revshare_core::event::ContributionEnd;
use revshare_core::event::Kind;
use revshare_core::state::Proposed;
use revshare_core::view::proposals;
use revshare_core::view::proposals::ProposalView;
use revshare_core::vocab::Code;
use revshare_core::vocab::Date;
use revshare_core::vocab::Id;

use crate::commands::Reading;
use crate::commands::Writing;
use crate::commands::argument;
use crate::commands::free_text;
use crate::commands::proposals::Closing;
use crate::commands::proposals::End;
use crate::commands::proposals::close;
use crate::commands::proposals::finish;
use crate::commands::proposals::named;
use crate::commands::proposals::next_of;
use crate::commands::proposals::proposed;
use crate::commands::proposals::status_text;
use crate::commands::proposals::waiting;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::evidence;
use crate::point;
use crate::render::json::proposals::ContributionDocument;
use crate::render::json::proposals::ContributionsDocument;
use crate::render::json::proposals::EndingDocument;
use crate::render::json::proposals::ProposalDocument;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::shown_path;

/// Ongoing contributions: points on the rate while one is open
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Claim that you contribute, under a clause of the terms
    ///
    /// It counts for usage from its first day on, once every party whose money it touches has
    /// accepted it. What was stated before is trued up.
    #[command(
        after_help = "Examples:\n  revshare contribution claim safety-tuning --from 2026-03-01 --note \"weekly updates\"\n  revshare contribution claim safety-tuning --from 2026-03-01 --to 2026-09-01 --evidence report.pdf"
    )]
    Claim {
        /// The clause of the terms: the id of a `[[contribution]]`
        #[arg(value_name = "ID")]
        clause: String,
        /// The first usage day on which it counts
        #[arg(long, value_name = "DAY")]
        from: String,
        /// The first day on which it does not count any more; otherwise it has no end
        #[arg(long, value_name = "DAY")]
        to: Option<String>,
        /// What is contributed
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
        /// A file that shows it: the log gets a commitment to it, a copy is kept in the ledger's
        /// folder (`evidence`)
        #[arg(long, value_name = "FILE")]
        evidence: Option<PathBuf>,
        #[command(flatten)]
        writing: Writing,
    },
    /// Say that your contribution ends, or ended
    #[command(
        after_help = "Example:\n  revshare contribution end 9 --on 2026-08-01 --reason \"the team moved on\""
    )]
    End {
        /// The claim: a record number, or a prefix of its hash or id
        event: String,
        /// The first day on which it does not count
        #[arg(long, value_name = "DAY")]
        on: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// Reject a contribution that somebody else claimed
    #[command(
        after_help = "Example:\n  revshare contribution reject 9 --reason \"no update since May\""
    )]
    Reject(Closing),
    /// Take back a claim that the others have not accepted
    #[command(
        after_help = "Example:\n  revshare contribution withdraw 9 --reason \"the wrong clause\""
    )]
    Withdraw(Closing),
    /// List the claims, and what became of them
    #[command(after_help = "Example:\n  revshare contribution list")]
    List {
        #[command(flatten)]
        reading: Reading,
    },
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    match args {
        Args::Claim { clause, from, to, note, evidence, writing } => {
            let day = |name: &str, text: &String| argument(name, text, Date::parse);
            let claim = ContributionClaim {
                clause: argument("ID", clause, Id::parse)?,
                from: day("--from", from)?,
                to: to.as_ref().map(|to| day("--to", to)).transpose()?,
                evidence: None,
                note: free_text("--note", note)?,
            };
            self::claim(session, claim, evidence.as_deref(), writing)
        }
        Args::End { event, on, reason, writing } => {
            let on = argument("--on", on, Date::parse)?;
            let reason = free_text("--reason", reason)?;
            let mut desk = session.write(writing)?;
            let (seq, claim) = point::event(&desk.ledger, event)?;
            named(desk.ledger.state(), (seq, &claim), Kind::ContributionClaimed)?;
            let end = ContributionEnd { claim, on, reason };
            let outcome = desk.submit(Command::EndContribution(end))?;
            finish(session, &desk, &outcome, "contribution list")
        }
        Args::Reject(closing) => close(session, closing, Kind::ContributionClaimed, End::Reject),
        Args::Withdraw(closing) => {
            close(session, closing, Kind::ContributionClaimed, End::Withdraw)
        }
        Args::List { reading } => list(session, reading),
    }
}

fn claim(
    session: &mut Session,
    mut claim: ContributionClaim,
    file: Option<&Path>,
    writing: &Writing,
) -> Result<Answer, Failure> {
    let mut desk = session.write(writing)?;
    let evidence = match file {
        Some(file) => Some(evidence::attach(desk.ledger.folder(), file, desk.mode)?),
        None => None,
    };
    claim.evidence = evidence.as_ref().map(|evidence| evidence.commitment);
    let waits = waiting(&desk, &Proposed::Contribution(claim.clone()));
    let outcome = match desk.submit(Command::ClaimContribution(claim)) {
        Ok(outcome) => outcome,
        Err(failure) => {
            if let Some(evidence) = &evidence {
                evidence.withdraw();
            }
            return Err(failure
                .about("ID", &[Code::ContributionUnknown])
                .about("--from", &[Code::ContributionDates]));
        }
    };
    let kept = evidence.and_then(|evidence| evidence.folder);
    let answer = proposed(session, &desk, &outcome, waits)?;
    if let Some(folder) = kept {
        session.note(&format!(
            "a copy of the evidence and the salt of its commitment lie in {}; the log tells \
             nothing of what it says",
            shown_path(&folder)
        ))?;
    }
    Ok(answer)
}

fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let agreement = standing.agreement()?;
    let today = standing.today(&session.world);
    let views = proposals::proposals(agreement, Kind::ContributionClaimed, today);
    let claims: Vec<(&ProposalView<'_>, &ContributionClaim)> = views
        .iter()
        .filter_map(|view| match &view.proposal.what {
            Proposed::Contribution(claim) => Some((view, claim)),
            Proposed::Amendment(_) | Proposed::Rate(_) => None,
        })
        .collect();
    if session.globals.json {
        let contributions = claims.iter().map(|(view, claim)| ContributionDocument {
            proposal: ProposalDocument::of(view),
            clause: claim.clause.to_string(),
            from: claim.from.to_string(),
            to: claim.to.map(|to| to.to_string()),
            evidence: claim.evidence.map(|digest| digest.to_string()),
            note: claim.note.to_string(),
            ended: view.ending.map(|ending| EndingDocument {
                seq: ending.seq,
                on: ending.on.to_string(),
                reason: ending.reason.to_string(),
            }),
        });
        session.print_json(&ContributionsDocument {
            at: standing.at(),
            contributions: contributions.collect(),
        })?;
        return Ok(Answer::Yes);
    }
    if claims.is_empty() {
        writeln!(session.out, "no contribution is claimed{}", standing.as_of())?;
        return Ok(Answer::Yes);
    }
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("clause", Align::Wrap),
        ("from", Align::Left),
        ("to", Align::Left),
        ("status", Align::Wrap),
        ("note", Align::Wrap),
    ]);
    for (view, claim) in claims {
        let to = view.ending.map(|ending| ending.on).or(claim.to);
        let ended = view.ending.map_or(String::new(), |ending| {
            format!("; ended on {}, record {}: {}", ending.on, ending.seq, ending.reason)
        });
        let mut note = claim.note.to_string();
        if let Some(digest) = claim.evidence {
            let comma = if note.is_empty() { "" } else { "; " };
            note.push_str(&format!("{comma}evidence {}", digest.short()));
        }
        table.row([
            view.proposal.seq.to_string(),
            claim.clause.to_string(),
            claim.from.to_string(),
            to.map_or(String::new(), |to| to.to_string()),
            format!("{}{ended}", status_text(view)),
            note,
        ]);
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    next_of(session, &views)?;
    Ok(Answer::Yes)
}
