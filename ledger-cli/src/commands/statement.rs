//! `revshare statement`

use std::io::Write;

use revshare_core::command::Command;
use revshare_core::view::record::Named;
use revshare_core::view::statement;
use revshare_core::view::statement::StatementView;
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
                let statement = StatementBody::of(&view, currency);
                session.print_json(&StatementDocument { at, statement })?;
                return Ok(Answer::Yes);
            }
            print(session, &view, currency, &standing.as_of())?;
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
                let statement = StatementBody::of(&view, currency);
                session.print_json(&StatementDocument { at, statement })?;
                return Ok(Answer::Yes);
            }
            print(session, &view, currency, &standing.as_of())?;
            if let Some((party, _)) = view.totals.first() {
                session.next(&format!("explain {of}/{party}"))?;
            }
            Ok(Answer::Yes)
        }
        Args::Issue { of, writing } => {
            let of = period("P", of)?;
            let mut desk = session.write(writing)?;
            let outcome = desk.submit(Command::IssueStatement(of));
            let outcome = outcome.map_err(|failure| failure.about("P", OF_THE_PERIOD))?;
            let currency = said(session, &desk, &outcome)?;
            if let Some(currency) = currency.filter(|_| !session.globals.json) {
                // A dry run leaves the state without the statement: show it as a preview.
                let state = desk.ledger.state();
                let view =
                    statement::issued(state, of).or_else(|_| statement::preview(state, of))?;
                print(session, &view, currency, "")?;
            }
            session.next(&format!("statement accept {of} (by each beneficiary)"))?;
            Ok(Answer::Yes)
        }
        Args::Accept { of, writing } => {
            let of = period("P", of)?;
            let mut desk = session.write(writing)?;
            let id = match statement::issued(desk.ledger.state(), of).map_err(of_period)?.issued {
                Some(issued) => issued.id,
                None => return Ok(Answer::No),
            };
            let outcome = desk.submit(Command::AcceptStatement(id))?;
            let currency = said(session, &desk, &outcome)?;
            if let Some(currency) = currency.filter(|_| !session.globals.json) {
                let view = statement::issued(desk.ledger.state(), of).map_err(of_period)?;
                let me = &desk.context.author.party;
                let total = view.totals.iter().find(|(party, _)| party == me);
                if let Some((party, amount)) = total {
                    writeln!(
                        session.out,
                        "{party} accepts {} for {of}, due {}",
                        money(*amount, currency),
                        view.due_on
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

/// Prints a statement for people.
fn print(
    session: &mut Session,
    view: &StatementView,
    currency: Currency,
    as_of: &str,
) -> Result<(), Failure> {
    let place = match &view.issued {
        Some(issued) => format!(
            "record {} (id {}), issued {}",
            issued.seq,
            issued.id.0.short(),
            issued.recorded_at.date()
        ),
        None => "preview, not issued".to_owned(),
    };
    writeln!(session.out, "statement of {}{as_of}: {place}, due {}", view.period, view.due_on)?;
    let mut table = Table::new(&[
        ("for", Align::Left),
        ("party", Align::Left),
        ("amount", Align::Right),
        ("due", Align::Left),
        ("moved by", Align::Wrap),
    ]);
    for entry in &view.entries {
        let tag = match entry.is_true_up {
            true => format!("{} true-up", entry.period),
            false => entry.period.to_string(),
        };
        let causes: Vec<String> = entry.causes.iter().map(number).collect();
        let mut first = Some(causes.join(", "));
        for (party, amount) in &entry.shares {
            table.row([
                tag.clone(),
                party.to_string(),
                money(*amount, currency),
                entry.due_on.to_string(),
                first.take().unwrap_or_default(),
            ]);
        }
        for (what, amount) in [("base", entry.base), ("collector keeps", entry.keep)] {
            let amount = money(amount, currency);
            table.row([tag.clone(), format!("({what})"), amount, String::new(), String::new()]);
        }
    }
    if view.entries.len() > 1 {
        for (party, amount) in &view.totals {
            let amount = money(*amount, currency);
            table.row(["all".into(), party.to_string(), amount, String::new(), String::new()]);
        }
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    writeln!(
        session.out,
        "terms {}, calculation {}, state root before it {} (version {})",
        view.terms.short(),
        view.calculation,
        view.state_root.0.short(),
        view.root_version
    )?;
    if let Some(issued) = &view.issued {
        let by: Vec<&str> = issued.accepted_by.iter().map(|id| id.as_str()).collect();
        let by = if by.is_empty() { "nobody yet".to_owned() } else { by.join(", ") };
        writeln!(session.out, "accepted by {by}")?;
    }
    Ok(())
}

fn number(named: &Named) -> String {
    match named.seq {
        Some(seq) => format!("record {seq}"),
        None => format!("event {}", named.id.0.short()),
    }
}

fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let currency = standing.agreement()?.terms().currency;
    let statements = statement::all(standing.state());
    if session.globals.json {
        let body = |view: &StatementView| StatementBody::of(view, currency);
        let statements = statements.iter().map(body).collect();
        session.print_json(&StatementsDocument { at: standing.at(), statements })?;
        return Ok(Answer::Yes);
    }
    if statements.is_empty() {
        writeln!(session.out, "no statement is issued{}", standing.as_of())?;
        if let Some(next) = standing.agreement()?.next_to_state() {
            session.next(&format!("statement preview {next}"))?;
        }
        return Ok(Answer::Yes);
    }
    let mut table = Table::new(&[
        ("period", Align::Left),
        ("record", Align::Right),
        ("party", Align::Left),
        ("amount", Align::Right),
        ("true-ups", Align::Right),
        ("issued", Align::Left),
        ("due", Align::Left),
        ("accepted", Align::Left),
    ]);
    for view in &statements {
        let Some(issued) = &view.issued else { continue };
        for (party, amount) in &view.totals {
            let true_ups = view.entries.iter().filter(|entry| entry.is_true_up).count();
            let accepted = issued.accepted_by.contains(party);
            table.row([
                view.period.to_string(),
                issued.seq.to_string(),
                party.to_string(),
                money(*amount, currency),
                true_ups.to_string(),
                issued.recorded_at.date().to_string(),
                view.due_on.to_string(),
                if accepted { "yes" } else { "no" }.to_owned(),
            ]);
        }
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    if let Some(last) = statements.last() {
        session.next(&format!("statement show {}", last.period))?;
    }
    Ok(Answer::Yes)
}
