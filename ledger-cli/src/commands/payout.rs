//! `revshare payout`

use std::io::Write;

use revshare_core::command::Command;
use revshare_core::state::PayoutRecord;
use revshare_core::state::PayoutStatus;
use revshare_core::vocab::Code;

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
use crate::render::table::Table;
use crate::render::text::money;

/// Money that moved: sent, confirmed, returned
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Record that money was sent to a beneficiary (the collector)
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
    /// Confirm that a payout arrived (its receiver)
    #[command(after_help = "Example:\n  revshare payout confirm 7 --received-on 2026-07-31")]
    Confirm {
        /// The payout: a record number, or a prefix of its hash or id
        event: String,
        /// The day it arrived; otherwise the date of the recorded time
        #[arg(long, value_name = "DAY")]
        received_on: Option<String>,
        #[command(flatten)]
        writing: Writing,
    },
    /// Say that a payout did not arrive or was sent back (its receiver)
    #[command(after_help = "Example:\n  revshare payout return 7 --reason \"wrong account\"")]
    Return {
        /// The payout: a record number, or a prefix of its hash or id
        event: String,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        writing: Writing,
    },
    /// List payouts
    #[command(after_help = "Example:\n  revshare payout list")]
    List {
        #[command(flatten)]
        reading: Reading,
    },
}

/// Refusals that are about the amount of a payout.
const OF_THE_AMOUNT: &[Code] = &[
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
            let seq = finish(session, &mut desk, command)
                .map_err(|failure| failure.about("PARTY", &[Code::NotAParty]))
                .map_err(|failure| failure.about("AMOUNT", OF_THE_AMOUNT))?;
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

fn finish(session: &mut Session, desk: &mut Desk, command: Command) -> Result<u64, Failure> {
    let outcome = desk.submit(command)?;
    if let Some(agreement) = desk.ledger.state().agreement() {
        let currency = agreement.terms().currency;
        say_recorded(session, desk.ledger.state(), currency, &outcome, desk.mode)?;
    }
    Ok(outcome.records.last().map_or(0, |record| record.seq))
}

fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let agreement = standing.agreement()?;
    let currency = agreement.terms().currency;
    let mut payouts: Vec<&PayoutRecord> = agreement.payouts().values().collect();
    payouts.sort_by_key(|record| record.seq);
    let document = |record: &&PayoutRecord| {
        let (status, settled_by, received_on, reason) = match &record.status {
            PayoutStatus::InTransit => ("in-transit", None, None, None),
            PayoutStatus::Confirmed { seq, received_on } => {
                ("confirmed", Some(*seq), Some(received_on.to_string()), None)
            }
            PayoutStatus::Returned { seq, reason } => {
                ("returned", Some(*seq), None, Some(reason.to_string()))
            }
        };
        let payout = &record.payout;
        PayoutDocument {
            seq: record.seq,
            event: record.id.to_string(),
            to: payout.to.to_string(),
            amount: json::money(payout.amount, currency),
            on_account: json::money(payout.on_account, currency),
            sent_on: payout.sent_on.to_string(),
            reference: payout.reference.to_string(),
            status: status.to_owned(),
            settled_by,
            received_on,
            reason,
        }
    };
    let documents: Vec<PayoutDocument> = payouts.iter().map(document).collect();
    if session.globals.json {
        session.print_json(&PayoutsDocument {
            at: standing.at(),
            currency: currency.to_string(),
            payouts: documents,
        })?;
        return Ok(Answer::Yes);
    }
    if documents.is_empty() {
        writeln!(session.out, "no payout is recorded{}", standing.as_of())?;
        return Ok(Answer::Yes);
    }
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("to", Align::Left),
        ("amount", Align::Right),
        ("on account", Align::Right),
        ("sent on", Align::Left),
        ("status", Align::Wrap),
        ("reference", Align::Wrap),
    ]);
    for (record, document) in payouts.iter().zip(documents) {
        let by = document.settled_by.map_or(String::new(), |seq| format!(", record {seq}"));
        let on = document.received_on.map_or(String::new(), |day| format!(" {day}"));
        let why = document.reason.map_or(String::new(), |reason| format!(": {reason}"));
        table.row([
            document.seq.to_string(),
            document.to,
            money(record.payout.amount, currency),
            document.on_account,
            document.sent_on,
            format!("{}{on}{by}{why}", document.status),
            document.reference,
        ]);
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    let open = payouts.iter().find(|record| record.status == PayoutStatus::InTransit);
    if let Some(open) = open {
        session.next(&format!("payout confirm {} (by {})", open.seq, open.payout.to))?;
    }
    Ok(Answer::Yes)
}
