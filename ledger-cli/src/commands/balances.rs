//! `revshare balances`

use std::io::Write;

use revshare_core::view::balances;
use revshare_core::view::balances::Balance;
use revshare_core::view::balances::Balances;
use revshare_core::vocab::Amount;

use crate::commands::Reading;
use crate::commands::balances_diff;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::json::BalancesDocument;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::money;

/// Show who is owed what
///
/// payable = booked + interest − recouped − paid − on account − in transit − held. Interest,
/// recouped, what disputes hold and what belongs to advances and tax are shown where there are any.
/// With -v also by period.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  revshare balances\n  revshare balances -v --at 2026-06-30\n  revshare balances --diff 2026-05-31 --at 2026-06-30"
)]
pub struct Args {
    /// Show what changed since this point (or until it, if it is the later one), and which events
    /// did it
    #[arg(long, value_name = "POINT")]
    diff: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let standing = session.read(&args.reading)?;
    if let Some(point) = &args.diff {
        return balances_diff::run(session, &standing, point);
    }
    let balances = of(&standing)?;
    if session.globals.json {
        session.print_json(&BalancesDocument::of(&balances, standing.at()))?;
        return Ok(Answer::Yes);
    }
    print(session, &balances, &standing)?;
    let (versions, today) = (standing.agreement()?.versions(), standing.today(&session.world));
    let ended = versions.ends_on().is_some_and(|end| today >= end);
    let minimum = versions.on(versions.clipped(today)).minimum_payout;
    let least = if ended { Amount::ZERO } else { minimum };
    let is_due = |one: &&Balance| {
        let payable = one.payable.at_least_zero();
        !payable.is_zero() && payable >= least
    };
    match balances.beneficiaries.iter().find(is_due) {
        Some(one) => {
            let amount = one.payable.to_text(balances.currency.minor_digits());
            session.next(&format!("payout send {} {amount}", one.party))?;
        }
        None => session.next("status")?,
    }
    Ok(Answer::Yes)
}

/// The balances of a ledger as it stood: the only place where this command takes them from.
fn of(standing: &Standing) -> Result<Balances, Failure> {
    Ok(balances::balances(standing.agreement()?)?)
}

fn print(session: &mut Session, balances: &Balances, standing: &Standing) -> Result<(), Failure> {
    let (currency, color) = (balances.currency, session.world.color);
    let digits = currency.minor_digits();
    writeln!(
        session.out,
        "balances in {currency} at record {} ({})",
        standing.seq(),
        standing.state().recorded_at().date()
    )?;
    session.out.write_all(payable(balances, color).as_bytes())?;
    let beside = beside(balances);
    if !beside.is_empty() {
        writeln!(session.out)?;
        session.out.write_all(beside.text(color).as_bytes())?;
    }
    if let Some(collector) = &balances.collector {
        writeln!(
            session.out,
            "{} earned a base of {} and keeps {}",
            collector.party,
            money(collector.base, currency),
            money(collector.keep, currency)
        )?;
    }
    if session.globals.verbose == 0 {
        return Ok(());
    }
    let mut table = Table::new(&[
        ("period", Align::Left),
        ("party", Align::Break),
        ("booked", Align::Right),
        ("open", Align::Right),
        ("due", Align::Left),
    ]);
    let is_held = |one: &Balance| one.periods.iter().any(|period| !period.held.is_zero());
    let has_held = balances.beneficiaries.iter().any(is_held);
    if has_held {
        table = table.column("held of it", Align::Right);
    }
    let mut row = |mut cells: Vec<String>, held: Option<Amount>| {
        if has_held {
            cells.push(held.map_or(String::new(), |held| held.to_text(digits)));
        }
        table.row(cells);
    };
    for one in &balances.beneficiaries {
        for period in &one.periods {
            let cells = vec![
                period.period.to_string(),
                one.party.to_string(),
                period.booked.to_text(digits),
                period.open.to_text(digits),
                period.due_on.to_string(),
            ];
            row(cells, Some(period.held));
        }
    }
    for one in balances.beneficiaries.iter().filter(|one| !one.account.interest.is_zero()) {
        let cells = vec![
            "interest".to_owned(),
            one.party.to_string(),
            one.account.interest.to_text(digits),
            one.open_interest.to_text(digits),
            String::new(),
        ];
        row(cells, None);
    }
    let collector = balances.collector.iter();
    for (collector, period) in collector.flat_map(|c| c.periods.iter().map(move |p| (c, p))) {
        let cells = vec![
            period.period.to_string(),
            format!("{} keeps", collector.party),
            period.keep.to_text(digits),
            String::new(),
            String::new(),
        ];
        row(cells, None);
    }
    if !table.is_empty() {
        writeln!(session.out)?;
        session.out.write_all(table.text(color).as_bytes())?;
    }
    Ok(())
}

/// A column of amounts: its title, and whether it stands also where all are zero.
type Column = (&'static str, bool, fn(&Balance) -> Amount);

/// What payable is made of.
const PAYABLE: [Column; 8] = [
    ("booked", true, |one| one.account.booked),
    ("interest", false, |one| one.account.interest),
    ("recouped", false, |one| one.account.recouped),
    ("paid", true, |one| one.account.paid),
    ("in transit", true, |one| one.account.in_transit),
    ("on account", true, |one| one.account.on_account),
    ("held", false, |one| one.held),
    ("payable", true, |one| one.payable),
];

/// What stands beside it.
const BESIDE: [Column; 5] = [
    ("claimed above", false, |one| one.claimed_above),
    ("advances", false, |one| one.account.advanced),
    ("unrecouped", false, |one| one.unrecouped),
    ("withheld", false, |one| one.account.withheld),
    ("interest to be stated", false, |one| one.pending_interest),
];

/// A row per beneficiary; without the columns that may go, if that is too wide; a block per
/// beneficiary if that is still too wide.
fn payable(balances: &Balances, color: bool) -> String {
    let wide = columns(balances, &PAYABLE, true);
    if wide.fits() {
        return wide.text(color);
    }
    let narrow = columns(balances, &PAYABLE, false);
    if narrow.fits() {
        return narrow.text(color);
    }
    let digits = balances.currency.minor_digits();
    let mut table = Table::new(&[("party", Align::Break), ("", Align::Left), ("", Align::Right)]);
    for one in &balances.beneficiaries {
        let amounts = PAYABLE.iter().map(|(title, _, amount)| (*title, amount(one)));
        let amounts = amounts.filter(|(title, amount)| !amount.is_zero() || *title == "payable");
        let mut party = one.party.to_string();
        for (title, amount) in amounts {
            table.row([std::mem::take(&mut party), title.to_owned(), amount.to_text(digits)]);
        }
    }
    table.text(color)
}

/// Advances, tax and interest that is not posted yet; no row if there are none.
fn beside(balances: &Balances) -> Table {
    columns(balances, &BESIDE, false)
}

fn columns(balances: &Balances, columns: &[Column], with_zeros: bool) -> Table {
    let digits = balances.currency.minor_digits();
    let shown = |(title, stands, amount): &&Column| {
        let some = balances.beneficiaries.iter().any(|one| !amount(one).is_zero());
        some || with_zeros && *stands || *title == "payable"
    };
    let shown: Vec<&Column> = columns.iter().filter(shown).collect();
    let mut table = Table::new(&[("party", Align::Break)]);
    for (title, ..) in &shown {
        table = table.column(title, Align::Right);
    }
    let says = |one: &&Balance| {
        columns.len() == PAYABLE.len() || shown.iter().any(|(.., of)| !of(one).is_zero())
    };
    for one in balances.beneficiaries.iter().filter(says) {
        let mut cells = vec![one.party.to_string()];
        cells.extend(shown.iter().map(|(_, _, amount)| amount(one).to_text(digits)));
        table.row(cells);
    }
    table
}
