//! `revshare fx`

use std::io::Write;

use revshare_core::command::Command;
use revshare_core::event::ConversionRate;
use revshare_core::event::Kind;
use revshare_core::state::Proposed;
use revshare_core::view::proposals;
use revshare_core::view::proposals::ProposalView;
use revshare_core::vocab::Code;
use revshare_core::vocab::Currency;

use crate::commands::Reading;
use crate::commands::Writing;
use crate::commands::amount;
use crate::commands::argument;
use crate::commands::free_text;
use crate::commands::period;
use crate::commands::proposals::Closing;
use crate::commands::proposals::End;
use crate::commands::proposals::close;
use crate::commands::proposals::next_of;
use crate::commands::proposals::proposed;
use crate::commands::proposals::status_text;
use crate::commands::proposals::waiting;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::json::proposals::ProposalDocument;
use crate::render::json::proposals::RateDocument;
use crate::render::json::proposals::RatesDocument;
use crate::render::table::Align;
use crate::render::table::Table;

/// Conversion rates: one for each foreign currency and period, agreed by all
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Propose the rate that converts a period's lines in a foreign currency
    ///
    /// It counts once every party whose money it touches has accepted it. A later one that is
    /// accepted takes its place; what was stated before is trued up.
    #[command(
        after_help = "Example:\n  revshare fx set EUR 1.0842 --period 2026-06 --source \"ECB, average of June\""
    )]
    Set {
        /// The foreign currency
        #[arg(value_name = "CURRENCY")]
        currency: String,
        /// Units of the settlement currency for one unit of it: a plain decimal
        #[arg(value_name = "RATE", allow_hyphen_values = true)]
        rate: String,
        /// The period whose lines it converts
        #[arg(long = "period", value_name = "P")]
        of: String,
        /// Where it was published
        #[arg(long, value_name = "TEXT")]
        source: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// Reject a rate that somebody else proposed
    #[command(after_help = "Example:\n  revshare fx reject 7 --reason \"that is the rate of May\"")]
    Reject(Closing),
    /// Take back a rate that you proposed
    #[command(after_help = "Example:\n  revshare fx withdraw 7 --reason \"a digit was wrong\"")]
    Withdraw(Closing),
    /// List the rates, and what became of them
    #[command(after_help = "Example:\n  revshare fx list")]
    List {
        #[command(flatten)]
        reading: Reading,
    },
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    match args {
        Args::Set { currency, rate, of, source, writing } => {
            let rate = ConversionRate {
                currency: argument("CURRENCY", currency, Currency::parse)?,
                rate: amount("RATE", rate)?,
                period: period("--period", of)?,
                source: free_text("--source", source)?,
            };
            set(session, rate, writing)
        }
        Args::Reject(closing) => close(session, closing, Kind::RateProposed, End::Reject),
        Args::Withdraw(closing) => close(session, closing, Kind::RateProposed, End::Withdraw),
        Args::List { reading } => list(session, reading),
    }
}

fn set(session: &mut Session, rate: ConversionRate, writing: &Writing) -> Result<Answer, Failure> {
    let mut desk = session.write(writing)?;
    let waits = waiting(&desk, &Proposed::Rate(rate.clone()));
    let outcome = desk
        .submit(Command::ProposeRate(rate))
        .map_err(|failure| failure.about("CURRENCY", &[Code::FxCurrency]))
        .map_err(|failure| failure.about("RATE", &[Code::FxRate, Code::AmountBounds]))
        .map_err(|failure| failure.about("--period", &[Code::PeriodLength, Code::PeriodOutside]))?;
    proposed(session, &desk, &outcome, waits)
}

fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let agreement = standing.agreement()?;
    let settlement = agreement.terms().currency;
    let today = standing.today(&session.world);
    let views = proposals::proposals(agreement, Kind::RateProposed, today);
    let rates: Vec<(&ProposalView<'_>, &ConversionRate, bool)> = views
        .iter()
        .filter_map(|view| match &view.proposal.what {
            Proposed::Rate(rate) => {
                let source = agreement.rate_source(rate.period, rate.currency);
                Some((view, rate, source == Some(view.proposal.id)))
            }
            Proposed::Amendment(_) | Proposed::Contribution(_) => None,
        })
        .collect();
    if session.globals.json {
        let rates = rates.iter().map(|(view, rate, in_effect)| RateDocument {
            proposal: ProposalDocument::of(view),
            currency: rate.currency.to_string(),
            rate: rate.rate.to_string(),
            period: rate.period.to_string(),
            source: rate.source.to_string(),
            in_effect: *in_effect,
        });
        session.print_json(&RatesDocument {
            at: standing.at(),
            settlement: settlement.to_string(),
            rates: rates.collect(),
        })?;
        return Ok(Answer::Yes);
    }
    if rates.is_empty() {
        writeln!(session.out, "no conversion rate is proposed{}", standing.as_of())?;
        return Ok(Answer::Yes);
    }
    let mut table =
        Table::new(&[("record", Align::Right), ("period", Align::Left), ("one", Align::Left)])
            .column(&format!("in {settlement}"), Align::Right)
            .column("in effect", Align::Left)
            .column("status", Align::Wrap)
            .column("source", Align::Wrap);
    for (view, rate, in_effect) in rates {
        table.row([
            view.proposal.seq.to_string(),
            rate.period.to_string(),
            rate.currency.to_string(),
            rate.rate.to_string(),
            if in_effect { "yes" } else { "no" }.to_owned(),
            status_text(view),
            rate.source.to_string(),
        ]);
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    next_of(session, &views)?;
    Ok(Answer::Yes)
}
