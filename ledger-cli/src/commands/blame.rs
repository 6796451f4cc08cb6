//! `revshare blame`

use std::io::Write;

use revshare_core::view::blame::Blame;
use revshare_core::view::blame::Change;
use revshare_core::view::blame::blame;
use revshare_core::view::record::Named;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;

use crate::commands::Reading;
use crate::commands::party;
use crate::commands::period;
use crate::commands::replay::signed;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::bad_argument;
use crate::render::json::blame::BlameDocument;
use crate::render::record::proposal_word;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::money;

/// Show which event last changed an amount, and the chain of changes before it
///
/// Reports, corrections, what took effect with its last acceptance, and the ends of contributions
/// change amounts; statements only book them.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  revshare blame 2026-06/meta")]
pub struct Args {
    /// Whose amount of which period
    #[arg(value_name = "P/PARTY")]
    what: String,
    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let Some((of, who)) = args.what.split_once('/') else {
        return Err(bad_argument(
            "P/PARTY",
            format!("`{}` is not a period and a party", args.what.escape_debug()),
            "write it like 2026-06/meta",
        ));
    };
    let (of, who) = (period("P/PARTY", of)?, party("P/PARTY", who)?);
    let standing = session.read(&args.reading)?;
    let blame = blame(standing.ledger.source(), Some(standing.seq()), (of, &who))
        .map_err(|problem| problem.at_field("P/PARTY"))?;
    let currency = standing.agreement()?.terms().currency;
    if session.globals.json {
        session.print_json(&BlameDocument::of(&blame, standing.at(), currency))?;
        return Ok(Answer::Yes);
    }
    print(session, &standing, &blame, currency)?;
    match blame.changes.last().and_then(|change| change.event.seq) {
        Some(seq) => session.next(&format!("replay --without {seq}"))?,
        None => session.next(&format!("explain {of}/{who}"))?,
    }
    Ok(Answer::Yes)
}

fn print(
    session: &mut Session,
    standing: &Standing,
    blame: &Blame,
    currency: Currency,
) -> Result<(), Failure> {
    let (digits, color) = (currency.minor_digits(), session.world.color);
    let Blame { period, party, amount, .. } = blame;
    let last = match blame.changes.last() {
        Some(change) => format!("record {} changed it last", number(&change.event)),
        None => "nothing changed it".to_owned(),
    };
    let amount = money(*amount, currency);
    writeln!(session.out, "{period}/{party} is {amount}{}; {last}", standing.as_of())?;
    if !blame.changes.is_empty() {
        let mut table = Table::new(&[
            ("record", Align::Right),
            ("recorded", Align::Left),
            ("party", Align::Break),
            ("kind", Align::Wrap),
            ("before", Align::Right),
            ("after", Align::Right),
            ("change", Align::Right),
        ]);
        let text = |one: Option<Amount>| one.map_or("unknown".to_owned(), |a| a.to_text(digits));
        for change in &blame.changes {
            let both = change.before.zip(change.after);
            let by = both.and_then(|(before, after)| after.checked_sub(before));
            table.row([
                number(&change.event),
                change.recorded_at.date().to_string(),
                change.author.to_string(),
                kind(change),
                text(change.before),
                text(change.after),
                by.map_or(String::new(), |by| signed(by, currency)),
            ]);
        }
        session.out.write_all(table.text(color).as_bytes())?;
    }
    if blame.postings.is_empty() {
        writeln!(session.out, "no statement has booked it yet")?;
        return Ok(());
    }
    let mut table = Table::new(&[
        ("booked by", Align::Right),
        ("statement of", Align::Left),
        ("amount", Align::Right),
        ("moved by", Align::Wrap),
    ]);
    for posting in &blame.postings {
        let causes: Vec<String> = posting.causes.iter().map(number).collect();
        table.row([
            format!("record {}", number(&posting.statement)),
            posting.stated.to_string(),
            posting.amount.to_text(digits),
            causes.join(", "),
        ]);
    }
    table.row(["booked".to_owned(), String::new(), blame.booked.to_text(digits), String::new()]);
    if !blame.pending.is_zero() {
        let (next, amount) = ("still to be stated".to_owned(), signed(blame.pending, currency));
        table.row([String::new(), next, amount, String::new()]);
    }
    writeln!(session.out)?;
    session.out.write_all(table.text(color).as_bytes())?;
    Ok(())
}

/// A record's number, or the beginning of an id that is not on the log.
fn number(named: &Named) -> String {
    named.seq.map_or_else(|| named.id.0.short(), |seq| seq.to_string())
}

/// The kind of event; of an acceptance, what took effect with it.
fn kind(change: &Change) -> String {
    let kind = change.kind.as_str();
    match &change.of {
        Some((proposal, of)) => {
            format!("{kind} ({}record {})", proposal_word(Some(*of)), number(proposal))
        }
        None => kind.to_owned(),
    }
}
