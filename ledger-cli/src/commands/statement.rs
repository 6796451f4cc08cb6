//! `revshare statement`

use std::io::Write;

use revshare_core::command::Command;
use revshare_core::view::statement;
use revshare_core::view::statement::Gain;
use revshare_core::view::statement::StatementView;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Problem;

use crate::commands::Reading;
use crate::commands::Writing;
use crate::commands::period;
use crate::commands::say_recorded;
use crate::context::Desk;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::OF_THE_PERIOD;
use crate::render::json::StatementBody;
use crate::render::json::statement::StatementDocument;
use crate::render::json::statement::StatementsDocument;
use crate::render::statement::has_more;
use crate::render::statement::text;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::money;

/// The distribution of a period: compute it, issue it, look at it, accept it
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Compute the statement that would be issued now; records nothing, needs no key
    #[command(after_help = "Example:\n  revshare statement preview 2026-06")]
    Preview {
        /// The period
        #[arg(value_name = "P")]
        of: String,
        #[command(flatten)]
        reading: Reading,
    },
    /// Issue the statement of the next period (any owner, collector or beneficiary)
    ///
    /// Its content follows from the terms and the log; nobody types an amount. Differences of
    /// earlier periods are posted as true-ups.
    #[command(after_help = "Example:\n  revshare statement issue 2026-06")]
    Issue {
        /// The period
        #[arg(value_name = "P")]
        of: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// Show an issued statement
    #[command(after_help = "Example:\n  revshare statement show 2026-06")]
    Show {
        /// The period
        #[arg(value_name = "P")]
        of: String,
        #[command(flatten)]
        reading: Reading,
    },
    /// Accept an issued statement (a beneficiary)
    #[command(after_help = "Example:\n  revshare statement accept 2026-06")]
    Accept {
        /// The period
        #[arg(value_name = "P")]
        of: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// List issued statements
    #[command(after_help = "Example:\n  revshare statement list")]
    List {
        #[command(flatten)]
        reading: Reading,
    },
}

/// A refusal that is about the period asked for.
fn of_period(problem: Problem) -> Problem {
    problem.at_field("P")
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    match args {
        Args::Preview { of, reading } => {
            let of = period("P", of)?;
            let standing = session.read(reading)?;
            let view = statement::preview(standing.state(), of).map_err(of_period)?;
            let currency = standing.agreement()?.terms().currency;
            if session.globals.json {
                let at = standing.at();
                let statement = StatementBody::of(&view, standing.state(), currency);
                session.print_json(&StatementDocument { at, statement })?;
                return Ok(Answer::Yes);
            }
            let shape = (&*standing.as_of(), session.world.color);
            let text = text(&view, standing.state(), currency, shape);
            session.out.write_all(text.as_bytes())?;
            session.next(&format!("statement issue {of}"))?;
            Ok(Answer::Yes)
        }
        Args::Show { of, reading } => {
            let of = period("P", of)?;
            let standing = session.read(reading)?;
            let view = statement::issued(standing.state(), of).map_err(of_period)?;
            let agreement = standing.agreement()?;
            let currency = agreement.terms().currency;
            if session.globals.json {
                let at = standing.at();
                let statement = StatementBody::of(&view, standing.state(), currency);
                session.print_json(&StatementDocument { at, statement })?;
                return Ok(Answer::Yes);
            }
            let shape = (&*standing.as_of(), session.world.color);
            let text = text(&view, standing.state(), currency, shape);
            session.out.write_all(text.as_bytes())?;
            if let Some((party, _)) = view.totals.first() {
                session.next(&format!("explain {of}/{party}"))?;
            }
            Ok(Answer::Yes)
        }
        Args::Issue { of, writing } => {
            let of = period("P", of)?;
            let mut desk = session.write(writing)?;
            desk.ledger.rate_stated();
            let outcome = desk.submit(Command::IssueStatement(of));
            let outcome = outcome.map_err(|failure| failure.about("P", OF_THE_PERIOD))?;
            let currency = said(session, &desk, &outcome)?;
            if let Some(currency) = currency.filter(|_| !session.globals.json) {
                // A dry run leaves the state without the statement: show it as a preview.
                let state = desk.ledger.state();
                let view =
                    statement::issued(state, of).or_else(|_| statement::preview(state, of))?;
                let text = text(&view, state, currency, ("", session.world.color));
                session.out.write_all(text.as_bytes())?;
            }
            session.next(&format!("statement accept {of} (by each beneficiary)"))?;
            Ok(Answer::Yes)
        }
        Args::Accept { of, writing } => {
            let of = period("P", of)?;
            let mut desk = session.write_verified(writing)?;
            let id = match statement::issued(desk.ledger.state(), of).map_err(of_period)?.issued {
                Some(issued) => issued.id,
                None => return Ok(Answer::No),
            };
            let outcome = desk.submit(Command::AcceptStatement(id))?;
            let currency = said(session, &desk, &outcome)?;
            if let Some(currency) = currency.filter(|_| !session.globals.json) {
                let view = statement::issued(desk.ledger.state(), of).map_err(of_period)?;
                let me = &desk.context.author.party;
                if let Some(gain) = view.gains.iter().find(|gain| gain.party == *me) {
                    writeln!(
                        session.out,
                        "{me} accepts {} for {of}, due {}{}",
                        money(gain.posted, currency),
                        view.due_on,
                        besides(gain, currency)
                    )?;
                }
            }
            session.next("acknowledge")?;
            Ok(Answer::Yes)
        }
        Args::List { reading } => list(session, reading),
    }
}

fn said(
    session: &mut Session,
    desk: &Desk,
    outcome: &revshare_core::ledger::Outcome,
) -> Result<Option<Currency>, Failure> {
    let Some(agreement) = desk.ledger.state().agreement() else {
        return Ok(None);
    };
    let currency = agreement.terms().currency;
    say_recorded(session, desk.ledger.state(), currency, outcome, desk.mode)?;
    Ok(Some(currency))
}

/// What a statement does for a party beside its entries.
fn besides(gain: &Gain, currency: Currency) -> String {
    let mut parts = String::new();
    for (amount, what) in [(gain.interest, "late interest"), (gain.recouped, "recouped")] {
        if !amount.is_zero() {
            parts.push_str(&format!("; {} {what}", money(amount, currency)));
        }
    }
    parts
}

fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let currency = standing.agreement()?.terms().currency;
    let statements = statement::all(standing.state())?;
    if session.globals.json {
        let body = |view: &StatementView| StatementBody::of(view, standing.state(), currency);
        let statements = statements.iter().map(body).collect();
        session.print_json(&StatementsDocument { at: standing.at(), statements })?;
        return Ok(Answer::Yes);
    }
    session.page()?;
    if statements.is_empty() {
        writeln!(session.out, "no statement is issued{}", standing.as_of())?;
        if let Some(next) = standing.agreement()?.next_to_state() {
            session.next(&format!("statement preview {next}"))?;
        }
        return Ok(Answer::Yes);
    }
    let table = match statements.iter().any(has_more) {
        true => {
            writeln!(session.out, "statements in {currency}{}", standing.as_of())?;
            full_table(&statements, currency)
        }
        false => table(&statements, currency),
    };
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    if let Some(last) = statements.last() {
        session.next(&format!("statement show {}", last.period))?;
    }
    Ok(Answer::Yes)
}

fn table(statements: &[StatementView], currency: Currency) -> Table {
    let mut table = Table::new(&[
        ("period", Align::Left),
        ("record", Align::Right),
        ("party", Align::Break),
        ("amount", Align::Right),
        ("true-ups", Align::Right),
        ("issued", Align::Left),
        ("due", Align::Left),
        ("accepted", Align::Left),
    ]);
    for view in statements {
        let Some(issued) = &view.issued else { continue };
        let true_ups = view.entries.iter().filter(|entry| entry.is_true_up).count();
        for (party, amount) in &view.totals {
            table.row([
                view.period.to_string(),
                issued.seq.to_string(),
                party.to_string(),
                money(*amount, currency),
                true_ups.to_string(),
                issued.recorded_at.date().to_string(),
                view.due_on.to_string(),
                yes_or_no(issued.accepted_by.contains(party)),
            ]);
        }
    }
    table
}

/// With what statements do beside posting entries, and without what there is no room for then.
fn full_table(statements: &[StatementView], currency: Currency) -> Table {
    let text = |amount: Amount| amount.to_text(currency.minor_digits());
    let mut table = Table::new(&[
        ("period", Align::Left),
        ("record", Align::Right),
        ("party", Align::Break),
        ("amount", Align::Right),
        ("interest", Align::Right),
        ("recouped", Align::Right),
        ("due", Align::Left),
        ("accepted", Align::Left),
    ]);
    for view in statements {
        let Some(issued) = &view.issued else { continue };
        for gain in &view.gains {
            table.row([
                view.period.to_string(),
                issued.seq.to_string(),
                gain.party.to_string(),
                text(gain.posted),
                text(gain.interest),
                text(gain.recouped),
                view.due_on.to_string(),
                yes_or_no(issued.accepted_by.contains(&gain.party)),
            ]);
        }
    }
    table
}

fn yes_or_no(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}
