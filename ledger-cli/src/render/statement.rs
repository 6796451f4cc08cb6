//! Statements for people.

use revshare_core::state::State;
use revshare_core::statement::InterestLine;
use revshare_core::view::record::Named;
use revshare_core::view::statement::EntryView;
use revshare_core::view::statement::StatementView;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;

use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::table::wrap_tree;
use crate::render::text::money;

/// A statement: what it posts, late interest, what is recouped, and what that comes to.
pub fn text(
    view: &StatementView,
    state: &State,
    currency: Currency,
    (as_of, color): (&str, bool),
) -> String {
    let place = match &view.issued {
        Some(issued) => format!(
            "record {} (id {}), issued {}",
            issued.seq,
            issued.id.0.short(),
            issued.recorded_at.date()
        ),
        None => "preview, not issued".to_owned(),
    };
    let (period, due_on) = (view.period, view.due_on);
    let mut text = format!("statement of {period}{as_of}: {place}, due {due_on}\n");
    if text.chars().count() > 81 {
        text = format!("statement of {period}{as_of}, due {due_on}\n{place}\n");
    }
    text.push_str(&postings(view, currency).text(color));
    for entry in &view.entries {
        text.push_str(&rates(entry, currency));
    }
    if !view.interest.is_empty() {
        text.push_str("\nlate interest\n");
        text.push_str(&interest(&view.interest, state, currency).text(color));
    }
    if has_more(view) {
        text.push('\n');
        text.push_str(&totals(view, currency).text(color));
    }
    let computed = format!(
        "terms {}, calculation {}, state root before it {} (version {})",
        view.terms.short(),
        view.calculation,
        view.state_root.0.short(),
        view.root_version
    );
    text.push_str(&(wrap_tree(&computed, 80).join("\n") + "\n"));
    if let Some(issued) = &view.issued {
        let by: Vec<&str> = issued.accepted_by.iter().map(|id| id.as_str()).collect();
        let by = if by.is_empty() { "nobody yet".to_owned() } else { by.join(", ") };
        text.push_str(&format!("accepted by {by}\n"));
    }
    text
}

/// Whether it does more than to post entries.
pub fn has_more(view: &StatementView) -> bool {
    !view.interest.is_empty() || !view.recoupments.is_empty()
}

fn postings(view: &StatementView, currency: Currency) -> Table {
    let mut table = Table::new(&[
        ("for", Align::Left),
        ("party", Align::Break),
        ("amount", Align::Right),
        ("due", Align::Left),
        ("moved by", Align::Wrap),
    ]);
    let none = String::new;
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
            table.row([tag.clone(), format!("({what})"), amount, none(), none()]);
        }
    }
    // With interest or recoupments, a table of its own says what all entries come to.
    if view.entries.len() > 1 && !has_more(view) {
        for (party, amount) in &view.totals {
            let amount = money(*amount, currency);
            table.row(["all".into(), party.to_string(), amount, none(), none()]);
        }
    }
    table
}

fn rates(entry: &EntryView, currency: Currency) -> String {
    let line = |(used, source): &(revshare_core::statement::RateUsed, Named)| {
        let (foreign, rate) = (used.currency, used.rate);
        format!("{}: 1 {foreign} is {rate} {currency} ({})\n", entry.period, number(source))
    };
    entry.rates.iter().map(line).collect()
}

fn interest(lines: &[InterestLine], state: &State, currency: Currency) -> Table {
    let text = |amount: Amount| amount.to_text(currency.minor_digits());
    let mut table = Table::new(&[
        ("for", Align::Left),
        ("party", Align::Break),
        ("interest", Align::Right),
        ("on", Align::Right),
        ("due", Align::Left),
        ("received", Align::Left),
        ("rate", Align::Right),
        ("payout", Align::Right),
    ]);
    for line in lines {
        let payout = Named::of(state, line.payout);
        table.row([
            line.period.to_string(),
            line.to.to_string(),
            text(line.amount),
            text(line.principal),
            line.due_on.to_string(),
            line.received_on.to_string(),
            line.rate.to_string(),
            payout.seq.map_or(line.payout.0.short(), |seq| seq.to_string()),
        ]);
    }
    table
}

fn totals(view: &StatementView, currency: Currency) -> Table {
    let text = |amount: Amount| amount.to_text(currency.minor_digits());
    let mut table = Table::new(&[
        ("party", Align::Break),
        ("posted", Align::Right),
        ("interest", Align::Right),
        ("recouped", Align::Right),
        ("adds to payable", Align::Right),
    ]);
    for gain in &view.gains {
        table.row([
            gain.party.to_string(),
            text(gain.posted),
            text(gain.interest),
            text(gain.recouped),
            money(gain.total, currency),
        ]);
    }
    table
}

fn number(named: &Named) -> String {
    match named.seq {
        Some(seq) => format!("record {seq}"),
        None => format!("event {}", named.id.0.short()),
    }
}
