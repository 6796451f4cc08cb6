//! What a dispute is about, what is claimed and what it comes to, as the command line says it.

use std::path::Path;
use std::path::PathBuf;

use revshare_core::dispute::Claim;
use revshare_core::dispute::ClaimedTerms;
use revshare_core::dispute::Ground;
use revshare_core::dispute::Outcome;
use revshare_core::dispute::Target;
use revshare_core::event::Kind;
use revshare_core::ledger::Ledger;
use revshare_core::limits::BLOCK_LINES_MAX;
use revshare_core::state::Agreement;
use revshare_core::usage::LineBlock;
use revshare_core::usage::merged;
use revshare_core::view;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Code;
use revshare_core::vocab::Date;
use revshare_core::vocab::Id;
use revshare_core::vocab::Period;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;

use crate::commands::amend::about_file;
use crate::commands::argument;
use crate::commands::period;
use crate::commands::terms;
use crate::commands::usage::blocks;
use crate::context::Session;
use crate::error::Failure;
use crate::error::bad_argument;
use crate::point;
use crate::render::text::shown_path;

/// Refusals that are about what is disputed.
pub const OF_THE_TARGET: &[Code] = &[
    Code::DisputeTarget,
    Code::DisputeWindow,
    Code::DisputeNotAffected,
    Code::PeriodLength,
    Code::DisputeFinal,
];

/// Refusals that are about a figure.
const OF_THE_FIGURE: &[Code] = &[Code::DisputeClaim, Code::MinorUnit, Code::AmountBounds];

/// Grounds that outlast the window.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroundArg {
    /// Somebody was deceived
    Fraud,
    /// The figure is wrong on its face
    ManifestError,
}

impl GroundArg {
    /// As an event has it.
    pub fn ground(self) -> Ground {
        match self {
            GroundArg::Fraud => Ground::Fraud,
            GroundArg::ManifestError => Ground::ManifestError,
        }
    }
}

/// What should have been.
#[derive(clap::Args, Debug)]
pub struct ClaimArgs {
    /// A figure: what a party gets for the period, or what of a payout was received; may be given
    /// again for other parties
    #[arg(long, value_name = "PARTY=AMOUNT", help_heading = "Claim")]
    claimed: Vec<String>,
    /// The lines of a usage file in the place of a report's or correction's
    #[arg(long, value_name = "EVENT=FILE", conflicts_with = "claimed", help_heading = "Claim")]
    replace: Option<String>,
    /// The terms of this file, as if accepted after all others
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["claimed", "replace"],
        help_heading = "Claim"
    )]
    with_terms: Option<PathBuf>,
    /// The first usage day that those terms rate; otherwise the agreement's first day
    #[arg(long, value_name = "DAY", requires = "with_terms", help_heading = "Claim")]
    from: Option<String>,
}

/// What a dispute comes to.
#[derive(clap::Args, Debug)]
pub struct OutcomeArgs {
    /// The recorded figures stand
    #[arg(
        long,
        conflicts_with_all = ["as_claimed", "claimed", "replace", "with_terms"],
        help_heading = "Outcome"
    )]
    stands: bool,
    /// The claim is right
    #[arg(
        long,
        conflicts_with_all = ["claimed", "replace", "with_terms"],
        help_heading = "Outcome"
    )]
    as_claimed: bool,
    #[command(flatten)]
    claim: ClaimArgs,
}

impl ClaimArgs {
    fn is_none(&self) -> bool {
        self.claimed.is_empty() && self.replace.is_none() && self.with_terms.is_none()
    }

    /// Reads the claim, and the file that it names.
    pub fn read(&self, session: &mut Session, ledger: &Ledger) -> Result<Claim, Failure> {
        if self.is_none() {
            return Err(bad_argument(
                "command line",
                "it is not said what should have been",
                "give a figure (--claimed PARTY=AMOUNT), other lines (--replace EVENT=FILE) or other terms (--with-terms FILE)",
            ));
        }
        if let Some(text) = &self.replace {
            return replaced(session, ledger, text);
        }
        let Some(file) = &self.with_terms else { return figures(&self.claimed) };
        let version = terms::read(session, file)?;
        let starts_on = || {
            let agreement = ledger.state().agreement();
            agreement.map_or(version.terms.starts_on, |known| known.versions().starts_on())
        };
        let from = match &self.from {
            Some(text) => argument("--from", text, Date::parse)?,
            None => starts_on(),
        };
        Ok(Claim::Terms(Box::new(ClaimedTerms { version, from })))
    }

    /// Gives a refusal of the claim its place.
    pub fn about(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Problem(problem) if problem.code == Code::SettlementUnsigned => {
                Failure::Problem(problem)
            }
            Failure::Problem(problem) => match (&self.with_terms, &self.replace) {
                (Some(file), _) if problem.code != Code::DisputeClaim => {
                    about_file(*problem, file).into()
                }
                (Some(_), _) => Failure::Problem(problem).about("--with-terms", OF_THE_FIGURE),
                (_, Some(_)) => Failure::Problem(problem).about("--replace", OF_THE_FIGURE),
                _ => Failure::Problem(problem).about("--claimed", OF_THE_FIGURE),
            },
            other => other,
        }
    }
}

impl OutcomeArgs {
    /// Whether nothing is said.
    pub fn is_none(&self) -> bool {
        !self.stands && !self.as_claimed && self.claim.is_none()
    }

    /// Reads the outcome, and the file that it names.
    pub fn read(&self, session: &mut Session, ledger: &Ledger) -> Result<Outcome, Failure> {
        match (self.stands, self.as_claimed) {
            (true, _) => Ok(Outcome::Stands),
            (_, true) => Ok(Outcome::AsClaimed),
            _ if self.claim.is_none() => Err(bad_argument(
                "command line",
                "it is not said what is right",
                "give --stands, --as-claimed, figures (--claimed PARTY=AMOUNT), other lines (--replace EVENT=FILE) or other terms (--with-terms FILE)",
            )),
            _ => self.claim.read(session, ledger).map(Outcome::Other),
        }
    }

    /// Gives a refusal of the outcome its place.
    pub fn about(&self, failure: Failure) -> Failure {
        self.claim.about(failure)
    }
}

/// What TARGET and --period name. Errors: [`Code::DisputeTarget`], [`Code::UnknownEvent`].
pub fn target(
    ledger: &Ledger,
    (target, of): (Option<&str>, Option<&str>),
) -> Result<Target, Failure> {
    let of = of.map(|text| period("--period", text)).transpose()?;
    let Some(text) = target else {
        // One of both is there.
        let of = of.map(|of| statement(ledger, of, "--period"));
        return of.unwrap_or_else(|| {
            Err(bad_argument("TARGET", "nothing is disputed", "name a record or a period"))
        });
    };
    if let Some(clause) = text.strip_prefix("clause:") {
        let clause = argument("TARGET", clause, Id::parse)?;
        return match of {
            Some(period) => Ok(Target::Clause { clause, period }),
            None => Err(bad_argument(
                "--period",
                format!("clause {clause} comes to something in every period"),
                "say in which one: --period 2026-06",
            )),
        };
    }
    if of.is_some() {
        return Err(bad_argument(
            "--period",
            "a record has its period",
            "--period goes with clause:ID, or stands alone for the statement of a period",
        ));
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if let (false, Ok(period)) = (is_number, Period::parse(text)) {
        return statement(ledger, period, "TARGET");
    }
    let (seq, id) = point::event_as(ledger, text, "TARGET")?;
    match ledger.state().event(&id).map(|(_, kind)| kind) {
        Some(Kind::StatementIssued) => Ok(Target::Statement(id)),
        Some(Kind::UsageReported | Kind::UsageCorrected) => Ok(Target::Report(id)),
        Some(Kind::PayoutSent) => Ok(Target::Payout(id)),
        kind => {
            let kind = kind.map_or("nothing", Kind::as_str);
            Err(Problem::new(Code::DisputeTarget, format!("record {seq} is {kind}"))
                .at_field("TARGET")
                .hint("a statement, a report, a payout or clause:ID can be disputed")
                .into())
        }
    }
}

/// The statement of a period.
fn statement(ledger: &Ledger, period: Period, name: &str) -> Result<Target, Failure> {
    let agreement = ledger.state().agreement();
    let found = agreement.and_then(|known| known.statements().get(&period));
    found.map(|record| Target::Statement(record.id)).ok_or_else(|| {
        Problem::new(Code::DisputeTarget, format!("{period} is not stated yet"))
            .at_field(name)
            .hint(
                "what is not stated is not owed yet: correct the report, or state the period first",
            )
            .into()
    })
}

/// Figures, a party each.
fn figures(texts: &[String]) -> Result<Claim, Failure> {
    let mut figures: Vec<(Id, Amount)> = Vec::new();
    for text in texts {
        let Some((party, amount)) = text.split_once('=') else {
            return Err(bad_argument(
                "--claimed",
                format!("`{}` is not a party and an amount", text.escape_debug()),
                "write it like meta=1250.00",
            ));
        };
        let party = argument("--claimed", party, Id::parse)?;
        let amount = argument("--claimed", amount, Amount::parse)?;
        if figures.iter().any(|(known, _)| *known == party) {
            return Err(bad_argument(
                "--claimed",
                format!("{party} has two figures"),
                "name each party once",
            ));
        }
        figures.push((party, amount));
    }
    figures.sort();
    Ok(Claim::Figures(figures))
}

/// Other lines for a report.
fn replaced(session: &mut Session, ledger: &Ledger, text: &str) -> Result<Claim, Failure> {
    let Some((event, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) else {
        return Err(bad_argument(
            "--replace",
            format!("`{}` is not an event and a file", text.escape_debug()),
            "write it like 2=january.csv",
        ));
    };
    let (_, replaces) = point::event_as(ledger, event, "--replace")?;
    let report = view::usage::report(ledger.state(), &replaces);
    let of = report.map_err(|problem| problem.at_field("--replace"))?.period;
    let file = Path::new(file);
    let lines = match ledger.state().agreement() {
        Some(agreement) => one_block(session, agreement, (file, of))?,
        None => None,
    };
    Ok(Claim::Report { replaces, lines })
}

/// The lines of a file in one block: summed by day, attributes and currency if there are too many.
fn one_block(
    session: &mut Session,
    agreement: &Agreement,
    (file, of): (&Path, Period),
) -> Result<Option<LineBlock>, Failure> {
    let mut blocks = blocks(session, agreement, (Some(file), None), of)?;
    if blocks.len() <= 1 {
        return Ok(blocks.pop());
    }
    let lines: usize = blocks.iter().map(LineBlock::lines).sum();
    let Some(block) = merged(&blocks) else {
        return Err(Problem::new(
            Code::ReportTooLarge,
            format!(
                "a claim holds at most {BLOCK_LINES_MAX} lines, and these are more even when they are summed by day, attributes and currency"
            ),
        )
        .at(Place::Path(file.display().to_string()))
        .hint("claim figures instead (--claimed), and name the file with --evidence")
        .into());
    };
    session.note(&format!(
        "the {lines} lines of {} are summed by day, attributes and currency into {}: they come to \
         the same",
        shown_path(file),
        block.lines()
    ))?;
    Ok(Some(block))
}
