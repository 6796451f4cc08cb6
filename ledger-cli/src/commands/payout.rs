//! `revshare payout`

use std::io::Write;

use revshare_core::command::Command;
use revshare_core::event::Event;
use revshare_core::ledger::Outcome;
use revshare_core::payout::Payout;
use revshare_core::state::AdvanceRecord;
use revshare_core::state::Agreement;
use revshare_core::state::PayoutRecord;
use revshare_core::state::PayoutStatus;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Code;
use revshare_core::vocab::Currency;

use crate::commands::Reading;
use crate::commands::Writing;
use crate::commands::amount;
use crate::commands::day;
use crate::commands::free_text;
use crate::commands::party;
use crate::commands::say_recorded;
use crate::context::Desk;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::point;
use crate::render::json;
use crate::render::json::lists::PayoutDocument;
use crate::render::json::lists::PayoutsDocument;
use crate::render::table::Align;
use crate::render::table::HELD;
use crate::render::table::Table;
use crate::render::text::money;

/// Money that moved: sent, confirmed, returned; also advances
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Record that money was sent to a beneficiary (the collector)
    ///
    /// Where the terms have tax withheld, it follows from them and from the day sent: what is
    /// withheld and what arrives in cash are shown and recorded.
    #[command(
        after_help = "Example:\n  revshare payout send meta 120.00 --sent-on 2026-07-30 --reference \"SEPA 4711\""
    )]
    Send {
        /// The beneficiary
        #[arg(value_name = "PARTY")]
        to: String,
        /// How much, in the settlement currency: a plain decimal
        #[arg(allow_hyphen_values = true)]
        amount: String,
        /// Let what is above the payable amount be a credit against later statements
        #[arg(long)]
        on_account: bool,
        /// The day it was sent; otherwise the date of the recorded time
        #[arg(long, value_name = "DAY")]
        sent_on: Option<String>,
        /// How both sides find it at the bank
        #[arg(long, value_name = "TEXT", default_value = "")]
        reference: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// Confirm that a payout or an advance arrived (its receiver)
    #[command(after_help = "Example:\n  revshare payout confirm 7 --received-on 2026-07-31")]
    Confirm {
        /// The payout or advance: a record number, or a prefix of its hash or id
        event: String,
        /// The day it arrived; otherwise the date of the recorded time
        #[arg(long, value_name = "DAY")]
        received_on: Option<String>,
        #[command(flatten)]
        writing: Writing,
    },
    /// Say that a payout or an advance did not arrive or was sent back (its receiver)
    #[command(after_help = "Example:\n  revshare payout return 7 --reason \"wrong account\"")]
    Return {
        /// The payout or advance: a record number, or a prefix of its hash or id
        event: String,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// List payouts and advances
    #[command(after_help = "Example:\n  revshare payout list")]
    List {
        #[command(flatten)]
        reading: Reading,
    },
}

/// Refusals that are about the amount of a payout.
pub const OF_THE_AMOUNT: &[Code] = &[
    Code::AmountNotPositive,
    Code::MinorUnit,
    Code::AmountBounds,
    Code::AbovePayable,
    Code::BelowMinimum,
];

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    match args {
        Args::Send { to, amount: how_much, on_account, sent_on, reference, writing } => {
            let to = party("PARTY", to)?;
            let amount = amount("AMOUNT", how_much)?;
            let reference = free_text("--reference", reference)?;
            let mut desk = session.write(writing)?;
            let sent_on = day("--sent-on", sent_on, desk.context.recorded_at)?;
            let on_account = *on_account;
            let command = Command::SendPayout { to, amount, on_account, sent_on, reference };
            let outcome = desk
                .submit(command)
                .map_err(|failure| failure.about("PARTY", &[Code::NotAParty]))
                .map_err(|failure| failure.about("AMOUNT", OF_THE_AMOUNT))?;
            let seq = told(session, &desk, &outcome)?;
            session.next(&format!("payout confirm {seq} (by the receiver)"))?;
        }
        Args::Confirm { event, received_on, writing } => {
            let mut desk = session.write(writing)?;
            let (_, payout) = point::event(&desk.ledger, event)?;
            let received_on = day("--received-on", received_on, desk.context.recorded_at)?;
            finish(session, &mut desk, Command::ConfirmPayout { payout, received_on })
                .map_err(|failure| failure.about("--received-on", &[Code::PayoutDate]))?;
            session.next("balances")?;
        }
        Args::Return { event, reason, writing } => {
            let reason = free_text("--reason", reason)?;
            let mut desk = session.write(writing)?;
            let (_, payout) = point::event(&desk.ledger, event)?;
            finish(session, &mut desk, Command::ReturnPayout { payout, reason })?;
            session.next("balances")?;
        }
        Args::List { reading } => return list(session, reading),
    }
    Ok(Answer::Yes)
}

/// Carries a command out and says what was recorded; returns the record.
pub fn finish(session: &mut Session, desk: &mut Desk, command: Command) -> Result<u64, Failure> {
    let outcome = desk.submit(command)?;
    told(session, desk, &outcome)
}

fn told(session: &mut Session, desk: &Desk, outcome: &Outcome) -> Result<u64, Failure> {
    if let Some(agreement) = desk.ledger.state().agreement() {
        let currency = agreement.terms().currency;
        say_recorded(session, desk.ledger.state(), currency, outcome, desk.mode)?;
        if let Event::PayoutSent(payout) = &outcome.fact.event {
            tax(session, payout, currency)?;
        }
    }
    Ok(outcome.records.last().map_or(0, |record| record.seq))
}

/// What is withheld, and what arrives.
fn tax(session: &mut Session, payout: &Payout, currency: Currency) -> Result<(), Failure> {
    if session.globals.json || payout.withheld.is_zero() {
        return Ok(());
    }
    let place = if payout.grossed_up { "on top of" } else { "out of" };
    writeln!(
        session.out,
        "{} tax are withheld {place} {}: {} arrive in cash",
        money(payout.withheld, currency),
        money(payout.amount, currency),
        money(payout.cash()?, currency)
    )?;
    Ok(())
}

/// Payouts and advances, in the order of the log.
fn documents(agreement: &Agreement) -> Vec<PayoutDocument> {
    let currency = agreement.terms().currency;
    let settled = |status: &PayoutStatus| match status {
        PayoutStatus::InTransit => ("in-transit", None, None, None),
        PayoutStatus::Confirmed { seq, received_on, .. } => {
            ("confirmed", Some(*seq), Some(received_on.to_string()), None)
        }
        PayoutStatus::Returned { seq, reason, .. } => {
            ("returned", Some(*seq), None, Some(reason.to_string()))
        }
        PayoutStatus::Determined { seq, received_on, .. } => {
            ("determined", Some(*seq), Some(received_on.to_string()), None)
        }
    };
    let payout = |record: &PayoutRecord| {
        let (status, settled_by, received_on, reason) = settled(&record.status);
        let payout = &record.payout;
        let counts = record.counted().map(|counts| json::money(counts, currency));
        PayoutDocument {
            seq: record.seq,
            event: record.id.to_string(),
            kind: "payout".to_owned(),
            to: payout.to.to_string(),
            amount: json::money(payout.amount, currency),
            on_account: json::money(payout.on_account, currency),
            withheld: json::money(payout.withheld, currency),
            grossed_up: payout.grossed_up,
            cash: json::sum(payout.cash(), currency),
            sent_on: payout.sent_on.to_string(),
            reference: payout.reference.to_string(),
            counts,
            status: status.to_owned(),
            settled_by,
            received_on,
            reason,
        }
    };
    let advance = |record: &AdvanceRecord| {
        let (status, settled_by, received_on, reason) = settled(&record.status);
        let advance = &record.advance;
        PayoutDocument {
            seq: record.seq,
            event: record.id.to_string(),
            kind: "advance".to_owned(),
            to: advance.to.to_string(),
            amount: json::money(advance.amount, currency),
            on_account: json::money(Amount::ZERO, currency),
            withheld: json::money(Amount::ZERO, currency),
            grossed_up: false,
            cash: json::money(advance.amount, currency),
            sent_on: advance.paid_on.to_string(),
            reference: advance.reference.to_string(),
            counts: match record.status {
                PayoutStatus::InTransit => None,
                PayoutStatus::Returned { .. } => Some(json::money(Amount::ZERO, currency)),
                _ => Some(json::money(advance.amount, currency)),
            },
            status: status.to_owned(),
            settled_by,
            received_on,
            reason,
        }
    };
    let all = agreement.payouts().all();
    let payouts = all.values().map(payout);
    let advances = agreement.advances().values().map(advance);
    let mut documents: Vec<PayoutDocument> = payouts.chain(advances).collect();
    documents.sort_by_key(|document| document.seq);
    documents
}

fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let agreement = standing.agreement()?;
    let currency = agreement.terms().currency;
    let payouts = documents(agreement);
    if session.globals.json {
        session.print_json(&PayoutsDocument {
            at: standing.at(),
            currency: currency.to_string(),
            payouts,
        })?;
        return Ok(Answer::Yes);
    }
    session.page()?;
    if payouts.is_empty() {
        writeln!(session.out, "no payout is recorded{}", standing.as_of())?;
        return Ok(Answer::Yes);
    }
    let is_full = payouts.iter().any(|one| one.kind == "advance" || !is_zero(&one.withheld));
    let table = match is_full {
        true => {
            writeln!(session.out, "payouts and advances in {currency}{}", standing.as_of())?;
            full_table(&payouts)
        }
        false => table(&payouts, currency),
    };
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    let open = payouts.iter().find(|payout| payout.status == "in-transit");
    if let Some(open) = open {
        session.next(&format!("payout confirm {} (by {})", open.seq, open.to))?;
    }
    Ok(Answer::Yes)
}

/// Payouts alone, without tax.
fn table(payouts: &[PayoutDocument], currency: Currency) -> Table {
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("to", Align::Break),
        ("amount", Align::Right),
        ("on account", Align::Right),
        ("sent on", Align::Left),
        ("status", Align::Wrap),
        ("reference", Align::Wrap),
    ]);
    for payout in payouts {
        table.row([
            payout.seq.to_string(),
            payout.to.clone(),
            format!("{} {currency}", payout.amount),
            payout.on_account.clone(),
            payout.sent_on.clone(),
            status(payout),
            payout.reference.clone(),
        ]);
    }
    table
}

/// With advances and tax: what there is to say of a payout stands in one column.
fn full_table(payouts: &[PayoutDocument]) -> Table {
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("to", Align::Break),
        ("what", Align::Left),
        ("amount", Align::Right),
        ("sent", Align::Wrap),
        ("status", Align::Wrap),
        ("reference", Align::Wrap),
    ]);
    for payout in payouts {
        let mut sent = payout.sent_on.clone();
        if !is_zero(&payout.on_account) {
            sent.push_str(&format!(", {}{HELD}on{HELD}account", payout.on_account));
        }
        if !is_zero(&payout.withheld) {
            let place = if payout.grossed_up { " on top" } else { "" };
            sent.push_str(&format!(", {}{HELD}withheld{place}", payout.withheld));
        }
        table.row([
            payout.seq.to_string(),
            payout.to.clone(),
            payout.kind.clone(),
            payout.amount.clone(),
            sent,
            status(payout),
            payout.reference.clone(),
        ]);
    }
    table
}

fn status(payout: &PayoutDocument) -> String {
    let by = payout.settled_by.map_or(String::new(), |seq| format!(", record{HELD}{seq}"));
    let on = payout.received_on.as_ref().map_or(String::new(), |day| format!(" {day}"));
    let why = payout.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
    let status = match (payout.status.as_str(), &payout.counts) {
        ("determined", Some(counts)) => format!("determined:{HELD}{counts} received"),
        (status, _) => status.to_owned(),
    };
    format!("{status}{on}{by}{why}")
}

/// Whether an amount of these documents is zero.
fn is_zero(amount: &str) -> bool {
    amount.bytes().all(|byte| matches!(byte, b'0' | b'.'))
}
