//! `revshare dispute`

mod asked;
mod replay;
mod settle;
mod show;

use std::path::PathBuf;

use revshare_core::command::Command;
use revshare_core::dispute::ClaimAcceptance;
use revshare_core::dispute::Determination;
use revshare_core::dispute::DisputeStep;
use revshare_core::dispute::Opening;
use revshare_core::dispute::Response;
use revshare_core::ledger::Ledger;
use revshare_core::state::Agreement;
use revshare_core::state::Dispute;
use revshare_core::view::record::Said;
use revshare_core::vocab::Code;
use revshare_core::vocab::Digest;
use revshare_core::vocab::EventId;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;

use crate::commands::Reading;
use crate::commands::Writing;
use crate::commands::free_text;
use crate::commands::say_recorded;
use crate::context::Desk;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::evidence;
use crate::evidence::Evidence;
use crate::point;
use crate::render::text::shown_path;

use asked::ClaimArgs;
use asked::OutcomeArgs;

/// Disputes: what is claimed to be wrong, its answer, and how it ends
///
/// A dispute is about a stated period or a payout, and says what should have been. What it would
/// take away is held back until it ends; what it would add is not paid yet. N is the record that
/// opened it, or any later record of it.
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Dispute a statement, a report, a clause or a payout, and say what should have been
    ///
    /// The claim is other lines for a report, other terms, or a figure per party: what it gets for
    /// the period, or what of a payout was received.
    #[command(
        after_help = "Examples:\n  revshare dispute open 2026-06 --claimed meta=1250 --basis \"refunds were deducted twice\"\n  revshare dispute open 7 --replace 7=june.csv --basis \"two days are missing\" --evidence meter.csv\n  revshare dispute open clause:big-customers --period 2026-06 --with-terms as-agreed.toml --basis \"step 2 begins at 100000\"\n  revshare dispute open 12 --claimed meta=900 --basis \"the bank kept 100\""
    )]
    Open(Box<OpenArgs>),
    /// Answer a claim (a respondent)
    #[command(
        after_help = "Example:\n  revshare dispute respond 14 --text \"the refunds are of two customers\" --evidence refunds.csv"
    )]
    Respond {
        /// The dispute: its record number, or a prefix of its hash or id
        #[arg(value_name = "N")]
        dispute: String,
        /// The answer
        #[arg(long)]
        text: String,
        /// A file that shows it; may be given again
        #[arg(long, value_name = "FILE")]
        evidence: Vec<PathBuf>,
        #[command(flatten)]
        writing: Writing,
    },
    /// Accept a claim (a respondent), or say that silence accepted it (the claimant)
    ///
    /// With the last respondent's acceptance, what is claimed is adopted.
    #[command(
        after_help = "Examples:\n  revshare dispute accept 14\n  revshare dispute accept 14 --by-default"
    )]
    Accept {
        /// The dispute: its record number, or a prefix of its hash or id
        #[arg(value_name = "N")]
        dispute: String,
        /// Nobody answered in time, and by the terms silence accepts
        #[arg(long)]
        by_default: bool,
        #[command(flatten)]
        writing: Writing,
    },
    /// End a dispute with what its parties agree on
    ///
    /// One party writes what they agree on to a file and signs it with --out. Every other one looks
    /// at it with --offer and adds its signature with --out; the last one records it.
    #[command(
        after_help = "Examples:\n  revshare dispute settle 14 --claimed meta=1200 --note \"half of it\" --out settlement.txt\n  revshare dispute settle 14 --offer settlement.txt --dry-run\n  revshare dispute settle 14 --offer settlement.txt"
    )]
    Settle(Box<settle::SettleArgs>),
    /// Bring a dispute before the arbiter (a party of it)
    #[command(
        after_help = "Example:\n  revshare dispute escalate 14 --reason \"no answer since March\""
    )]
    Escalate(StepArgs),
    /// Decide a dispute (the arbiter)
    #[command(
        after_help = "Examples:\n  revshare dispute determine 14 --stands --reasons \"the report shows both refunds\"\n  revshare dispute determine 14 --claimed meta=1200 --reasons \"one refund was deducted twice\""
    )]
    Determine {
        /// The dispute: its record number, or a prefix of its hash or id
        #[arg(value_name = "N")]
        dispute: String,
        #[command(flatten)]
        outcome: OutcomeArgs,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reasons: String,
        /// A file that shows it; may be given again
        #[arg(long, value_name = "FILE")]
        evidence: Vec<PathBuf>,
        #[command(flatten)]
        writing: Writing,
    },
    /// Take a dispute back (the claimant)
    #[command(
        after_help = "Example:\n  revshare dispute withdraw 14 --reason \"the refunds are right\""
    )]
    Withdraw(StepArgs),
    /// List the disputes, and what became of them
    #[command(after_help = "Example:\n  revshare dispute list")]
    List {
        #[command(flatten)]
        reading: Reading,
    },
    /// Show who claims what, what is held, what was said, and whose turn it is
    #[command(after_help = "Example:\n  revshare dispute show 14")]
    Show {
        /// The dispute: its record number, or a prefix of its hash or id
        #[arg(value_name = "N")]
        dispute: String,
        #[command(flatten)]
        reading: Reading,
    },
    /// Compute the ledger without the claim, with it, and with what was adopted, side by side
    ///
    /// It follows from the log alone, so both sides print the same. With -v every period is shown.
    #[command(after_help = "Example:\n  revshare dispute replay 14")]
    Replay {
        /// The dispute: its record number, or a prefix of its hash or id
        #[arg(value_name = "N")]
        dispute: String,
        #[command(flatten)]
        reading: Reading,
    },
}

/// What opens a dispute.
#[derive(clap::Args, Debug)]
pub struct OpenArgs {
    /// What is disputed: the record of a statement, report or payout (its number, or a prefix of
    /// its hash or id), a stated period, or `clause:ID` with --period
    #[arg(required_unless_present = "of")]
    target: Option<String>,
    /// The period of a clause; without TARGET, the statement of that period
    #[arg(long = "period", value_name = "P")]
    of: Option<String>,
    #[command(flatten)]
    claim: ClaimArgs,
    /// Why
    #[arg(long, value_name = "TEXT")]
    basis: String,
    /// Why it is heard after its window, or although it was resolved
    #[arg(long, value_enum)]
    ground: Option<asked::GroundArg>,
    /// The resolved dispute that it reopens
    #[arg(long, value_name = "N", requires = "ground")]
    reopens: Option<String>,
    /// A file that shows it: the log gets a commitment to it, a copy is kept in the ledger's
    /// folder (`evidence`); may be given again
    #[arg(long, value_name = "FILE")]
    evidence: Vec<PathBuf>,
    #[command(flatten)]
    writing: Writing,
}

/// A step with a reason.
#[derive(clap::Args, Debug)]
pub struct StepArgs {
    /// The dispute: its record number, or a prefix of its hash or id
    #[arg(value_name = "N")]
    dispute: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    writing: Writing,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    match args {
        Args::Open(args) => open(session, args),
        Args::Respond { dispute, text, evidence, writing } => {
            let text = free_text("--text", text)?;
            let mut desk = session.write(writing)?;
            let (_, dispute) = of(&desk, dispute)?;
            with_evidence(session, &mut desk, evidence, dispute, |evidence| {
                Command::RespondToDispute(Response { dispute, text, evidence })
            })
        }
        Args::Accept { dispute, by_default, writing } => {
            let mut desk = session.write_verified(writing)?;
            let (_, dispute) = of(&desk, dispute)?;
            let command =
                Command::AcceptClaim(ClaimAcceptance { dispute, by_default: *by_default });
            finish(session, &mut desk, command, dispute)
        }
        Args::Settle(args) => settle::run(session, args),
        Args::Escalate(args) => step(session, args, Command::EscalateDispute),
        Args::Withdraw(args) => step(session, args, Command::WithdrawDispute),
        Args::Determine { dispute, outcome, reasons, evidence, writing } => {
            let reasons = free_text("--reasons", reasons)?;
            let mut desk = session.write_verified(writing)?;
            let (_, dispute) = of(&desk, dispute)?;
            let outcome = outcome.read(session, &desk.ledger)?;
            with_evidence(session, &mut desk, evidence, dispute, |evidence| {
                let said = Determination { dispute, outcome, reasons, evidence };
                Command::DetermineDispute(Box::new(said))
            })
        }
        Args::List { reading } => show::list(session, reading),
        Args::Show { dispute, reading } => show::show(session, dispute, reading),
        Args::Replay { dispute, reading } => replay::run(session, dispute, reading),
    }
}

fn open(session: &mut Session, args: &OpenArgs) -> Result<Answer, Failure> {
    let basis = free_text("--basis", &args.basis)?;
    let mut desk = session.write(&args.writing)?;
    let target = asked::target(&desk.ledger, (args.target.as_deref(), args.of.as_deref()))?;
    let claim = args.claim.read(session, &desk.ledger)?;
    let reopens = args.reopens.as_deref();
    let reopens = reopens.map(|text| named(&desk.ledger, text, "--reopens")).transpose()?;
    let reopens = reopens.map(|(_, id)| id);
    let ground = args.ground.map(asked::GroundArg::ground);
    let evidence = attach(&desk, &args.evidence)?;
    let evidence_of = commitments(&evidence);
    let opening = Opening { target, claim, basis, evidence: evidence_of, ground, reopens };
    let outcome = desk.submit(Command::OpenDispute(Box::new(opening))).map_err(|failure| {
        evidence.iter().for_each(Evidence::withdraw);
        let failure = args.claim.about(failure);
        failure.about("TARGET", asked::OF_THE_TARGET)
    })?;
    let id = outcome.fact.id;
    told(session, &desk, &outcome)?;
    kept(session, &evidence)?;
    next(session, &desk, &id)
}

fn step(
    session: &mut Session,
    args: &StepArgs,
    command: impl FnOnce(DisputeStep) -> Command,
) -> Result<Answer, Failure> {
    let reason = free_text("--reason", &args.reason)?;
    let mut desk = session.write(&args.writing)?;
    let (_, dispute) = of(&desk, &args.dispute)?;
    finish(session, &mut desk, command(DisputeStep { dispute, reason }), dispute)
}

/// Carries a command out, and says what comes next in its dispute.
fn finish(
    session: &mut Session,
    desk: &mut Desk,
    command: Command,
    dispute: EventId,
) -> Result<Answer, Failure> {
    let outcome = desk.submit(command)?;
    told(session, desk, &outcome)?;
    next(session, desk, &dispute)
}

/// Likewise, with files of evidence.
fn with_evidence(
    session: &mut Session,
    desk: &mut Desk,
    files: &[PathBuf],
    dispute: EventId,
    command: impl FnOnce(Vec<Digest>) -> Command,
) -> Result<Answer, Failure> {
    let evidence = attach(desk, files)?;
    let outcome = desk.submit(command(commitments(&evidence)));
    let outcome = outcome.inspect_err(|_| evidence.iter().for_each(Evidence::withdraw))?;
    told(session, desk, &outcome)?;
    kept(session, &evidence)?;
    next(session, desk, &dispute)
}

fn told(
    session: &mut Session,
    desk: &Desk,
    outcome: &revshare_core::ledger::Outcome,
) -> Result<(), Failure> {
    let state = desk.ledger.state();
    let Some(agreement) = state.agreement() else { return Ok(()) };
    say_recorded(session, state, agreement.terms().currency, outcome, desk.mode)
}

/// What comes next once a step of a dispute is recorded: what it comes to.
fn next(session: &mut Session, desk: &Desk, id: &EventId) -> Result<Answer, Failure> {
    let found = desk.ledger.state().agreement().and_then(|known| known.disputes().get(id));
    match found {
        Some(dispute) => {
            session.next(&format!("dispute show {}", dispute.seq))?;
        }
        // Only checked: there is no such dispute yet.
        None => session.say("next: the same without --dry-run")?,
    }
    Ok(Answer::Yes)
}

/// Commits to files of evidence. None is kept if one cannot be read.
fn attach(desk: &Desk, files: &[PathBuf]) -> Result<Vec<Evidence>, Failure> {
    let mut evidence: Vec<Evidence> = Vec::new();
    for file in files {
        match evidence::attach(desk.ledger.folder(), file, desk.mode) {
            Ok(one) => evidence.push(one),
            Err(failure) => {
                evidence.iter().for_each(Evidence::withdraw);
                return Err(failure);
            }
        }
    }
    Ok(evidence)
}

/// The commitments, as an event has them.
fn commitments(evidence: &[Evidence]) -> Vec<Digest> {
    let mut commitments: Vec<Digest> = evidence.iter().map(|one| one.commitment).collect();
    commitments.sort();
    commitments
}

/// Says where copies lie.
fn kept(session: &mut Session, evidence: &[Evidence]) -> Result<(), Failure> {
    for folder in evidence.iter().filter_map(|one| one.folder.as_ref()) {
        session.note(&format!(
            "a copy of the evidence and the salt of its commitment lie in {}; the log tells \
             nothing of what it says",
            shown_path(folder)
        ))?;
    }
    Ok(())
}

/// The dispute that N names, on a ledger that is written.
fn of(desk: &Desk, text: &str) -> Result<(u64, EventId), Failure> {
    named(&desk.ledger, text, "N")
}

/// The dispute that an argument names: by its own record, or by one of its steps. Errors:
/// [`Code::UnknownEvent`].
pub fn named(ledger: &Ledger, text: &str, what: &str) -> Result<(u64, EventId), Failure> {
    let (seq, id) = point::event_as(ledger, text, what)?;
    let disputes = ledger.state().agreement().map(Agreement::disputes);
    let is_dispute = |id: &EventId| disputes.is_some_and(|known| known.contains_key(id));
    if is_dispute(&id) {
        return Ok((seq, id));
    }
    let said = ledger.record(&id)?.map(|(record, _)| record.said);
    let of = match &said {
        Some(Said::EvidenceAttached { about, .. }) => Some(*about),
        Some(said) => said.of_dispute(),
        None => None,
    };
    if let Some(of) = of.filter(|of| is_dispute(&of.id)) {
        return Ok((of.seq.unwrap_or(seq), of.id));
    }
    let kind = said.map_or("nothing", |said| said.kind().as_str());
    let hint = match disputes.is_some_and(|known| !known.is_empty()) {
        true => "`revshare dispute list` shows the disputes",
        false => "there is no dispute yet: `revshare dispute open` opens one",
    };
    Err(Problem::new(Code::UnknownEvent, format!("record {seq} is {kind}, no step of a dispute"))
        .at(Place::Field(what.to_owned()))
        .hint(hint)
        .into())
}

/// A dispute as it stood. Errors: [`Code::UnknownEvent`] if it was not opened by then.
fn as_it_stood<'a>(
    standing: &'a crate::context::Standing,
    (seq, id): (u64, &EventId),
) -> Result<&'a Dispute, Failure> {
    standing.agreement()?.disputes().get(id).ok_or_else(|| {
        Problem::new(
            Code::UnknownEvent,
            format!("the dispute in record {seq} was not opened by record {}", standing.seq()),
        )
        .at(Place::Field("--at".to_owned()))
        .hint(format!("look at record {seq} or a later one"))
        .into()
    })
}
