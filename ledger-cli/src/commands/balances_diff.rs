//! `revshare balances --diff`

use std::io::Write;

use revshare_core::view::balances::Balance;
use revshare_core::view::balances::Balances;
use revshare_core::view::movements::Movement;
use revshare_core::view::movements::Movements;
use revshare_core::view::movements::movements;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Id;

use crate::commands::replay::signed;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::point::Point;
use crate::render::json;
use crate::render::json::balances_diff::BalancesDiffDocument;
use crate::render::json::balances_diff::ChangedDocument;
use crate::render::json::money;
use crate::render::table::Align;
use crate::render::table::Table;

/// A column of amounts and its name in JSON.
type Column = (&'static str, &'static str, fn(&Balance) -> Amount);

/// Everything that a balance has.
const COLUMNS: [Column; 13] = [
    ("booked", "booked", |one| one.account.booked),
    ("interest", "interest", |one| one.account.interest),
    ("recouped", "recouped", |one| one.account.recouped),
    ("paid", "paid", |one| one.account.paid),
    ("in transit", "in_transit", |one| one.account.in_transit),
    ("on account", "on_account", |one| one.account.on_account),
    ("held", "held", |one| one.held),
    ("payable", "payable", |one| one.payable),
    ("claimed above", "claimed_above", |one| one.claimed_above),
    ("advances", "advanced", |one| one.account.advanced),
    ("unrecouped", "unrecouped", |one| one.unrecouped),
    ("withheld", "withheld", |one| one.account.withheld),
    ("interest to be stated", "pending_interest", |one| one.pending_interest),
];

/// A column of a party that is not the same at both points.
struct Changed {
    party: Id,
    column: Column,
    before: Amount,
    after: Amount,
}

/// Shows what changed between a point and the one that is looked at, whichever comes first.
pub fn run(session: &mut Session, standing: &Standing, point: &str) -> Result<Answer, Failure> {
    let other = Point::parse(point, "--diff")?;
    let other = other.resolve(&standing.ledger).map_err(|problem| problem.at_field("--diff"))?;
    let (first, last) = (other.min(standing.seq()), other.max(standing.seq()));
    let moved = movements(standing.ledger.source(), (first, last))?;
    let changed = changed(&moved);
    let currency = moved.after.currency;
    if session.globals.json {
        let changed = changed.iter().map(|one| ChangedDocument {
            party: one.party.to_string(),
            column: one.column.1.to_owned(),
            before: money(one.before, currency),
            after: money(one.after, currency),
            difference: json::sum(one.after.minus(one.before), currency),
        });
        let changed = changed.collect();
        session.print_json(&BalancesDiffDocument::of((first, last), changed, &moved))?;
        return Ok(Answer::Yes);
    }
    print(session, (first, last), &moved, &changed)?;
    match moved.events.last().and_then(|one| one.event.seq) {
        Some(seq) => session.next(&format!("show {seq}"))?,
        None => session.next("history")?,
    }
    Ok(Answer::Yes)
}

fn changed(moved: &Movements) -> Vec<Changed> {
    let of = |balances: &Balances, party: &Id, column: Column| {
        let found = balances.beneficiaries.iter().find(|one| one.party == *party);
        found.map_or(Amount::ZERO, column.2)
    };
    let mut changed = Vec::new();
    for party in moved.after.beneficiaries.iter().map(|one| &one.party) {
        for column in COLUMNS {
            let before = of(&moved.before, party, column);
            let after = of(&moved.after, party, column);
            if before != after {
                changed.push(Changed { party: party.clone(), column, before, after });
            }
        }
    }
    changed
}

fn print(
    session: &mut Session,
    (first, last): (u64, u64),
    moved: &Movements,
    changed: &[Changed],
) -> Result<(), Failure> {
    let (currency, color) = (moved.after.currency, session.world.color);
    let digits = currency.minor_digits();
    writeln!(session.out, "balances in {currency} at record {first}, and at record {last}")?;
    if changed.is_empty() {
        writeln!(session.out, "no balance is another one")?;
    } else {
        let mut table = Table::new(&[
            ("party", Align::Break),
            ("", Align::Left),
            ("before", Align::Right),
            ("after", Align::Right),
            ("difference", Align::Right),
        ]);
        for one in changed {
            table.row([
                one.party.to_string(),
                one.column.0.to_owned(),
                one.before.to_text(digits),
                one.after.to_text(digits),
                difference(one.before, one.after, currency),
            ]);
        }
        session.out.write_all(table.text(color).as_bytes())?;
    }
    if let (Some(before), Some(after)) = (&moved.before.collector, &moved.after.collector)
        && (before.base, before.keep) != (after.base, after.keep)
    {
        let by = |after: Amount, before| difference(before, after, currency);
        writeln!(
            session.out,
            "{}: base {}, keeps {}",
            after.party,
            by(after.base, before.base),
            by(after.keep, before.keep)
        )?;
    }
    if !moved.events.is_empty() {
        let mut table = Table::new(&[
            ("record", Align::Right),
            ("recorded", Align::Left),
            ("party", Align::Break),
            ("kind", Align::Left),
            ("payable by", Align::Wrap),
        ]);
        for one in &moved.events {
            table.row([
                one.event.seq.map_or(String::new(), |seq| seq.to_string()),
                one.recorded_at.date().to_string(),
                one.author.to_string(),
                one.kind.as_str().to_owned(),
                payable(one, moved),
            ]);
        }
        writeln!(session.out)?;
        session.out.write_all(table.text(color).as_bytes())?;
    }
    Ok(())
}

/// By how much an event changed what is payable, per party.
fn payable(movement: &Movement, moved: &Movements) -> String {
    let each = movement.payable.iter();
    let each = each.map(|(party, by)| format!("{party} {}", signed(*by, moved.after.currency)));
    each.collect::<Vec<String>>().join(", ")
}

/// How much an amount changed, with its sign.
fn difference(before: Amount, after: Amount, currency: Currency) -> String {
    let by = after.minus(before);
    by.map_or_else(|why| why.to_string(), |by| signed(by, currency))
}
