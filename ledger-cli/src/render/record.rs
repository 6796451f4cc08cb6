//! Records for people: one line each, or everything.

use revshare_core::payout::Payout;
use revshare_core::view::record::LinesTotal;
use revshare_core::view::record::Named;
use revshare_core::view::record::Record;
use revshare_core::view::record::Said;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;

use crate::render::text::count;
use crate::render::text::money;
use crate::render::text::sum;

/// What an event says, in a few words.
pub fn short(said: &Said, currency: Currency) -> String {
    match said {
        Said::LedgerOpened { title, .. } => title.to_string(),
        Said::Accepted { what, .. } => record_of(what),
        Said::UsagePart { index, total } => format!("part {index}, {}", lines(total)),
        Said::UsageReported { period, supplement, total } => {
            let supplement = if *supplement { " supplement" } else { "" };
            format!("{period}{supplement}  {}", lines(total))
        }
        Said::UsageCorrected { period, corrects, reason, total } => {
            let period = period.map_or(String::new(), |period| format!("{period}  "));
            format!("{period}{} for {}: {reason}", lines(total), record_of(corrects))
        }
        Said::UsageMissing { period } => format!("{period} is not reported"),
        Said::StatementIssued(statement) => {
            let shares = statement.own().map(|own| &own.shares[..]).unwrap_or_default();
            let totals = shares.iter().map(|(id, _)| {
                let total = statement.total(id).unwrap_or(Amount::ZERO);
                format!("{id} {}", money(total, currency))
            });
            let totals: Vec<String> = totals.collect();
            format!("{}  {}", statement.period, totals.join(", "))
        }
        Said::StatementAccepted { statement, period } => {
            let period = period.map_or(String::new(), |period| format!("{period}  "));
            format!("{period}{}", record_of(statement))
        }
        Said::PayoutSent(payout) => sent(payout, currency),
        Said::PayoutConfirmed { payout, sent, received_on } => {
            format!("{}{} on {received_on}", of_payout(sent, currency), record_of(payout))
        }
        Said::PayoutReturned { payout, sent, reason } => {
            format!("{}{}: {reason}", of_payout(sent, currency), record_of(payout))
        }
        Said::Acknowledged { seq, state_root, .. } => {
            format!("to record {seq}, state root {}", state_root.0.short())
        }
    }
}

fn record_of(named: &Named) -> String {
    match named.seq {
        Some(seq) => format!("record {seq}"),
        None => format!("event {}", named.id.0.short()),
    }
}

fn lines(total: &LinesTotal) -> String {
    if total.lines == 0 {
        return "nil".to_owned();
    }
    let gross = total.gross.iter().map(|(currency, gross)| format!("{} {currency}", sum(*gross)));
    let gross: Vec<String> = gross.collect();
    format!("{}, {} gross", count(total.lines, "line"), gross.join(", "))
}

fn sent(payout: &Payout, currency: Currency) -> String {
    let on_account = match payout.on_account.is_zero() {
        true => String::new(),
        false => format!(", {} of it on account", money(payout.on_account, currency)),
    };
    let reference = match payout.reference.as_str() {
        "" => String::new(),
        reference => format!(", \"{reference}\""),
    };
    format!("{} to {}{on_account}{reference}", money(payout.amount, currency), payout.to)
}

fn of_payout(sent: &Option<Payout>, currency: Currency) -> String {
    sent.as_ref().map_or(String::new(), |payout| {
        format!("{} to {}, ", money(payout.amount, currency), payout.to)
    })
}

/// `4  usage-reported  2026-06 …  id 1a2b3c…`, as a writing command says it.
pub fn line(record: &Record, currency: Currency) -> String {
    format!(
        "{}  {}  {}  id {}",
        record.seq,
        record.said.kind().as_str(),
        short(&record.said, currency),
        record.id.0.short()
    )
}
