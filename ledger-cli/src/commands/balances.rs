//! `revshare balances`

use std::io::Write;

use revshare_core::view::balances;
use revshare_core::view::balances::Balance;
use revshare_core::view::balances::Balances;
use revshare_core::vocab::Amount;

use crate::commands::Reading;
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
/// payable = booked − paid − on account − in transit. With -v also by period.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  revshare balances\n  revshare balances -v --at 2026-06-30")]
pub struct Args {
    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let standing = session.read(&args.reading)?;
    let balances = of(&standing)?;
    if session.globals.json {
        session.print_json(&BalancesDocument::of(&balances, standing.at()))?;
        return Ok(Answer::Yes);
    }
    print(session, &balances, &standing)?;
    let terms = standing.agreement()?.terms();
    let ended = terms.ends_on.is_some_and(|end| standing.today(&session.world) >= end);
    let least = if ended { Amount::ZERO } else { terms.minimum_payout };
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
    Ok(balances::balances(standing.agreement()?))
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
    let mut table = Table::new(&[
        ("party", Align::Left),
        ("booked", Align::Right),
        ("paid", Align::Right),
        ("in transit", Align::Right),
        ("on account", Align::Right),
        ("payable", Align::Right),
    ]);
    for one in &balances.beneficiaries {
        let account = &one.account;
        let text = |amount: Amount| amount.to_text(digits);
        table.row([
            one.party.to_string(),
            text(account.booked),
            text(account.paid),
            text(account.in_transit),
            text(account.on_account),
            text(one.payable),
        ]);
    }
    session.out.write_all(table.text(color).as_bytes())?;
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
        ("party", Align::Left),
        ("booked", Align::Right),
        ("open", Align::Right),
        ("due", Align::Left),
    ]);
    for one in &balances.beneficiaries {
        for period in &one.periods {
            table.row([
                period.period.to_string(),
                one.party.to_string(),
                period.booked.to_text(digits),
                period.open.to_text(digits),
                period.due_on.to_string(),
            ]);
        }
    }
    let collector = balances.collector.iter();
    for (collector, period) in collector.flat_map(|c| c.periods.iter().map(move |p| (c, p))) {
        table.row([
            period.period.to_string(),
            format!("{} keeps", collector.party),
            period.keep.to_text(digits),
            String::new(),
            String::new(),
        ]);
    }
    if !table.is_empty() {
        writeln!(session.out)?;
        session.out.write_all(table.text(color).as_bytes())?;
    }
    Ok(())
}
