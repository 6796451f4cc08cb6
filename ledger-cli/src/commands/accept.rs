//! `revshare accept`

use std::io::Write;

use revshare_core::command::Command;
use revshare_core::view::place;
use revshare_core::view::status;
use revshare_core::view::status::Matter;
use revshare_core::view::status::What;

use crate::commands::Reading;
use crate::commands::Writing;
use crate::commands::say_recorded;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::point;
use crate::render::json::lists::WaitingDocument;
use crate::render::json::lists::WaitingRow;
use crate::render::table::Align;
use crate::render::table::Table;

/// Accept the ledger, or list what waits for an acceptance
///
/// Without EVENT, lists everything that waits: for you, if a key is given, otherwise for anybody.
/// Look at the terms (`terms show`) before you accept them: your acceptance carries their digest.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  revshare accept\n  revshare accept 0 --key meta.key")]
pub struct Args {
    /// What to accept: a record number, or a prefix of its hash or event id
    event: Option<String>,
    #[command(flatten)]
    writing: Writing,
    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let Some(event) = &args.event else {
        return list(session, &args.reading);
    };
    if args.reading.at.is_some() {
        return Err(crate::error::bad_argument(
            "--at",
            "--at belongs to the list of what waits, not to an acceptance",
            "leave --at out, or EVENT",
        ));
    }
    let mut desk = session.write(&args.writing)?;
    let (_, id) = point::event(&desk.ledger, event)?;
    let outcome = desk.submit(Command::Accept(id))?;
    let Some(agreement) = desk.ledger.state().agreement() else {
        return Ok(Answer::Yes);
    };
    let terms = agreement.terms();
    say_recorded(session, desk.ledger.state(), terms.currency, &outcome, desk.mode)?;
    if !session.globals.json {
        let digest = agreement.terms_digest().short();
        writeln!(
            session.out,
            "{} accepts \"{}\", terms {digest}",
            desk.context.author.party, terms.title
        )?;
    }
    if agreement.is_in_force() {
        match terms.collector() == Some(&desk.context.author.party) {
            true => {
                session.next(&format!("usage report FILE --period {}", terms.first_period()))?
            }
            false => session.next("status")?,
        }
    }
    Ok(Answer::Yes)
}

fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let agreement = standing.agreement()?;
    let me = match &session.globals.key {
        Some(_) => Some(session.author_on(agreement, session.public_key()?)?.party),
        None => None,
    };
    let opened_on = opened_on(&standing)?;
    let today = standing.today(&session.world);
    let matters = status::status(standing.state(), opened_on, today).matters;
    let mine = matters.iter().filter(|matter| me.as_ref().is_none_or(|me| matter.who == *me));
    let opening = standing.state().event(&agreement.opening().0).map_or(0, |(seq, _)| seq);
    let rows: Vec<WaitingRow> = mine.filter_map(|matter| row(session, matter, opening)).collect();
    if session.globals.json {
        session.print_json(&WaitingDocument { at: standing.at(), waiting: rows })?;
        return Ok(Answer::Yes);
    }
    if rows.is_empty() {
        writeln!(session.out, "nothing waits for an acceptance{}", standing.as_of())?;
        return Ok(Answer::Yes);
    }
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("party", Align::Left),
        ("what", Align::Left),
        ("since", Align::Left),
        ("command", Align::Left),
    ]);
    for row in rows {
        let what = match &row.period {
            Some(period) => format!("{} {period}", row.what),
            None => row.what.clone(),
        };
        table.row([row.seq.to_string(), row.party, what, row.since, row.command]);
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    Ok(Answer::Yes)
}

fn row(session: &Session, matter: &Matter, opening: u64) -> Option<WaitingRow> {
    let (what, period, seq, command) = match &matter.what {
        What::AcceptLedger { .. } => ("ledger", None, opening, format!("accept {opening}")),
        What::AcceptStatement { period, seq } => {
            ("statement", Some(period.to_string()), *seq, format!("statement accept {period}"))
        }
        _ => return None,
    };
    Some(WaitingRow {
        party: matter.who.to_string(),
        what: what.to_owned(),
        period,
        seq,
        since: matter.since.to_string(),
        command: session.command(&command),
    })
}

/// The recorded day of record 0.
pub fn opened_on(
    standing: &crate::context::Standing,
) -> Result<revshare_core::vocab::Date, Failure> {
    let mut opened_on = standing.state().recorded_at().date();
    standing.ledger.records(Some(0), &mut |record| {
        opened_on = place::Located::of(&record).recorded_at.date();
    })?;
    Ok(opened_on)
}
