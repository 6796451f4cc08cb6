//! Records for people: one line each, or everything.

use revshare_core::event::ConversionRate;
use revshare_core::event::Kind;
use revshare_core::payout::Advance;
use revshare_core::payout::Payout;
use revshare_core::state::Proposed;
use revshare_core::view::record::LinesTotal;
use revshare_core::view::record::Named;
use revshare_core::view::record::Record;
use revshare_core::view::record::Said;
use revshare_core::view::record::Sent;
use revshare_core::vocab::Currency;
use revshare_core::vocab::OutOfBounds;
use revshare_core::vocab::Text;

use crate::render::dispute;
use crate::render::text::count;
use crate::render::text::money;
use crate::render::text::sum;

/// What an event says, in a few words.
pub fn short(said: &Said, currency: Currency) -> String {
    match said {
        Said::LedgerOpened { title, .. } => title.to_string(),
        Said::Accepted { what, kind, .. } => {
            format!("{}{}", proposal_word(*kind), record_of(what))
        }
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
                let total = statement.total(id).ok_or(OutOfBounds);
                let total = total.map_or_else(|why| why.to_string(), |sum| money(sum, currency));
                format!("{id} {total}")
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
        Said::AmendmentProposed { effective_from, reason, .. } => {
            format!("from {effective_from}{}", why(reason))
        }
        Said::ProposalClosed { proposal, proposed, reason, .. } => {
            format!("{}{}{}", proposal_word(*proposed), record_of(proposal), why(reason))
        }
        Said::RateProposed(rate) => format!("{}{}", rate_text(rate, currency), why(&rate.source)),
        Said::ContributionClaimed(claim) => {
            let until = claim.to.map_or(String::new(), |to| format!(" to {to}"));
            format!("{} from {}{until}{}", claim.clause, claim.from, why(&claim.note))
        }
        Said::ContributionEnded { claim, on, reason } => {
            format!("{} on {on}{}", record_of(claim), why(reason))
        }
        Said::AdvancePaid(advance) => advanced(advance, currency),
        _ => of_dispute(said, currency),
    }
}

/// Likewise, of the events of disputes and evidence.
fn of_dispute(said: &Said, currency: Currency) -> String {
    match said {
        Said::DisputeOpened { target, claim, basis, .. } => {
            let (target, claim) = (dispute::target(target), dispute::claim(claim, currency));
            format!("{target}, claimed {claim}{}", why(basis))
        }
        Said::DisputeResponded { dispute, text, .. } => {
            format!("{}{}", record_of(dispute), why(text))
        }
        Said::DisputeAccepted { dispute, by_default } => {
            let by_default = if *by_default { ", by default: nobody answered in time" } else { "" };
            format!("the claim in {}{by_default}", record_of(dispute))
        }
        Said::DisputeSettled { dispute, outcome, note, .. } => {
            let outcome = dispute::outcome(outcome, currency);
            format!("{}, {outcome}{}", record_of(dispute), why(note))
        }
        Said::DisputeDetermined { dispute, outcome, reasons, .. } => {
            let outcome = dispute::outcome(outcome, currency);
            format!("{}, {outcome}{}", record_of(dispute), why(reasons))
        }
        Said::DisputeStep { dispute, reason, .. } => {
            format!("{}{}", record_of(dispute), why(reason))
        }
        Said::EvidenceAttached { about, commitment, note } => {
            format!("{} for {}{}", commitment.short(), record_of(about), why(note))
        }
        Said::EvidenceErased { commitment, reason } => {
            format!("{}{}", commitment.short(), why(reason))
        }
        _ => String::new(),
    }
}

/// `2024-02: 1 EUR is 1.085 USD`.
pub fn rate_text(rate: &ConversionRate, settlement: Currency) -> String {
    format!("{}: 1 {} is {} {settlement}", rate.period, rate.currency, rate.rate)
}

/// What a proposal proposes, in a few words.
pub fn proposed(what: &Proposed, settlement: Currency) -> String {
    match what {
        Proposed::Amendment(amendment) => format!("amendment from {}", amendment.effective_from),
        Proposed::Rate(rate) => format!("conversion rate of {}", rate_text(rate, settlement)),
        Proposed::Contribution(claim) => {
            let until = claim.to.map_or(String::new(), |to| format!(" to {to}"));
            format!("contribution {} from {}{until}", claim.clause, claim.from)
        }
    }
}

/// A word for a kind of proposal, or for a dispute, with a blank behind it; empty for what is none.
pub fn proposal_word(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::AmendmentProposed) => "amendment, ",
        Some(Kind::RateProposed) => "conversion rate, ",
        Some(Kind::ContributionClaimed) => "contribution, ",
        Some(Kind::DisputeOpened) => "dispute, ",
        _ => "",
    }
}

fn why(text: &Text) -> String {
    match text.as_str() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

/// `record 4`; an event that is not on the log by the beginning of its id.
pub fn record_of(named: &Named) -> String {
    match named.seq {
        Some(seq) => format!("record {seq}"),
        None => format!("event {}", named.id.0.short()),
    }
}

/// `3 lines, 1000 USD gross`, or `nil`.
pub fn lines(total: &LinesTotal) -> String {
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
    let withheld = match (payout.withheld.is_zero(), payout.grossed_up) {
        (true, _) => String::new(),
        (false, false) => format!(", {} of it withheld", money(payout.withheld, currency)),
        (false, true) => format!(", {} withheld on top", money(payout.withheld, currency)),
    };
    let (amount, to) = (money(payout.amount, currency), &payout.to);
    format!("{amount} to {to}{on_account}{withheld}{}", referenced(&payout.reference))
}

fn advanced(advance: &Advance, currency: Currency) -> String {
    let amount = money(advance.amount, currency);
    format!("{amount} to {}{}", advance.to, referenced(&advance.reference))
}

fn referenced(reference: &Text) -> String {
    match reference.as_str() {
        "" => String::new(),
        reference => format!(", \"{reference}\""),
    }
}

fn of_payout(sent: &Option<Sent>, currency: Currency) -> String {
    sent.as_ref().map_or(String::new(), |sent| {
        let advance = if matches!(sent, Sent::Advance(_)) { "advance of " } else { "" };
        format!("{advance}{} to {}, ", money(sent.amount(), currency), sent.to())
    })
}

/// `4  usage-reported  2026-06 …`, as a writing command says it.
pub fn line(record: &Record, currency: Currency) -> String {
    let (kind, said) = (record.said.kind().as_str(), short(&record.said, currency));
    format!("{}  {kind}  {said}", record.seq)
}
