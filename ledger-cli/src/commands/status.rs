//! `revshare status`

use std::io::Write;

use revshare_core::event::Kind;
use revshare_core::state::Agreement;
use revshare_core::view::status;
use revshare_core::view::status::Matter;
use revshare_core::view::status::What;
use revshare_core::view::turn::Turn;
use revshare_core::vocab::EventId;

use crate::commands::Reading;
use crate::commands::accept::opened_on;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::render;
use crate::render::json;
use crate::render::json::lists::AcknowledgedDocument;
use crate::render::json::lists::MatterDocument;
use crate::render::json::lists::StatusDocument;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::table::wrap_tree;

/// Show whose turn it is: what is due, waiting, payable, unacknowledged
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  revshare status\n  revshare status --at 2026-07-31")]
pub struct Args {
    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let standing = session.read(&args.reading)?;
    let today = standing.today(&session.world);
    let agreement = standing.agreement()?;
    let status = status::status(standing.state(), opened_on(&standing)?, today)?;
    let matters = documents(session, agreement, &status.matters);
    if session.globals.json {
        let acknowledged = status.acknowledged.into_iter();
        session.print_json(&StatusDocument {
            at: standing.at(),
            today: today.to_string(),
            matters,
            acknowledged: acknowledged
                .map(|(party, seq)| AcknowledgedDocument { party: party.to_string(), seq })
                .collect(),
        })?;
        return Ok(Answer::Yes);
    }
    writeln!(
        session.out,
        "{}\non {today}, head is record {} {}",
        crate::render::text::escape(agreement.terms().title.as_str()),
        standing.seq(),
        standing.state().head().0.short()
    )?;
    let color = session.world.color;
    if matters.is_empty() {
        writeln!(session.out, "nothing waits for anybody")?;
    } else {
        let mut table = Table::new(&[
            ("who", Align::Break),
            ("what", Align::Wrap),
            ("since", Align::Left),
            ("next command", Align::Wrap),
        ]);
        for matter in &folded(matters) {
            table.row([
                matter.who.clone(),
                matter.what.clone(),
                matter.since.clone(),
                matter.command.clone(),
            ]);
        }
        session.out.write_all(table.text(color).as_bytes())?;
    }
    let acknowledged: Vec<String> = status
        .acknowledged
        .iter()
        .map(|(party, seq)| match seq {
            Some(seq) => format!("{party} to record {seq}"),
            None => format!("{party} nothing"),
        })
        .collect();
    for line in wrap_tree(&format!("acknowledged: {}", acknowledged.join(", ")), 80) {
        writeln!(session.out, "{line}")?;
    }
    Ok(Answer::Yes)
}

/// What waits for whom, with the commands that usually come next.
pub fn matters(session: &Session, standing: &Standing) -> Result<Vec<MatterDocument>, Failure> {
    let today = standing.today(&session.world);
    let status = status::status(standing.state(), opened_on(standing)?, today)?;
    Ok(documents(session, standing.agreement()?, &status.matters))
}

fn documents(session: &Session, agreement: &Agreement, matters: &[Matter]) -> Vec<MatterDocument> {
    matters.iter().map(|matter| document(session, agreement, matter)).collect()
}

/// Of many periods without a report, the first ones: the others are counted.
fn folded(matters: Vec<MatterDocument>) -> Vec<MatterDocument> {
    const SHOWN: usize = 3;
    let reports = matters.iter().filter(|matter| matter.kind == "report").count();
    let mut seen = 0usize;
    let mut rows = Vec::new();
    for mut matter in matters {
        if matter.kind == "report" {
            seen = seen.saturating_add(1);
            let rest = reports.saturating_sub(SHOWN);
            if seen > SHOWN && rest > 1 {
                if seen < reports {
                    continue;
                }
                let last = matter.period.unwrap_or_default();
                matter.what = format!("{rest} more periods to report, up to {last}");
                matter.command = String::new();
                matter.period = None;
            }
        }
        rows.push(matter);
    }
    rows
}

fn document(session: &Session, agreement: &Agreement, matter: &Matter) -> MatterDocument {
    let currency = agreement.terms().currency;
    let opening = agreement.versions().first().seq;
    let is_advance = |id: &EventId| agreement.advances().contains_key(id);
    let mut document = MatterDocument {
        who: matter.who.to_string(),
        kind: String::new(),
        what: String::new(),
        since: matter.since.to_string(),
        due_on: None,
        overdue: false,
        period: None,
        seq: None,
        amount: None,
        command: String::new(),
    };
    let late = |overdue: &bool| if *overdue { ", overdue" } else { "" };
    let (kind, what, command) = match &matter.what {
        What::AcceptLedger { .. } => {
            document.seq = Some(opening);
            ("accept-ledger", "accept the ledger".to_owned(), format!("accept {opening}"))
        }
        What::AcceptProposal { proposal, kind, until } => {
            document.seq = proposal.seq;
            document.due_on = until.map(|until| until.to_string());
            let seq = proposal.seq.map_or(proposal.id.0.short(), |seq| seq.to_string());
            let until = until.map_or(String::new(), |until| format!(", until {until}"));
            let word = match kind {
                Kind::AmendmentProposed => "amendment",
                Kind::RateProposed => "conversion rate",
                Kind::ContributionClaimed => "contribution",
                other => other.as_str(),
            };
            let what = format!("accept or reject the {word} in record {seq}{until}");
            ("accept-proposal", what, format!("accept {seq}"))
        }
        What::AgreeRate { period, currency: foreign } => {
            document.period = Some(period.to_string());
            let what = format!("agree on a rate for {foreign} in {period}");
            let command = format!("fx set {foreign} RATE --period {period}");
            ("agree-rate", what, command)
        }
        What::Report { period, due_on, overdue, noted } => {
            document.period = Some(period.to_string());
            document.due_on = Some(due_on.to_string());
            document.overdue = *overdue;
            document.seq = *noted;
            let noted =
                noted.map_or(String::new(), |seq| format!(", noted as missing by record {seq}"));
            let what = format!("report {period}, due {due_on}{}{noted}", late(overdue));
            ("report", what, format!("usage report FILE --period {period}"))
        }
        What::State { period } => {
            document.period = Some(period.to_string());
            ("state", format!("state {period}"), format!("statement issue {period}"))
        }
        What::AcceptStatement { period, seq } => {
            document.period = Some(period.to_string());
            document.seq = Some(*seq);
            let what = format!("accept the statement of {period}, record {seq}");
            ("accept-statement", what, format!("statement accept {period}"))
        }
        What::Pay { to, amount, due_on, overdue, below_minimum } => {
            document.due_on = Some(due_on.to_string());
            document.overdue = *overdue && !*below_minimum;
            document.amount = Some(json::money(*amount, currency));
            let text = amount.to_text(currency.minor_digits());
            let what = match below_minimum {
                true => format!("{text} {currency} to {to}, carried: below the minimum payout"),
                false => format!("pay {text} {currency} to {to}, due {due_on}{}", late(overdue)),
            };
            let command = match below_minimum {
                true => String::new(),
                false => format!("payout send {to} {text}"),
            };
            ("pay", what, command)
        }
        What::ConfirmPayout { payout, amount, sent_on } => {
            document.seq = payout.seq;
            document.amount = Some(json::money(*amount, currency));
            let seq = payout.seq.map_or(payout.id.0.short(), |seq| seq.to_string());
            let text = amount.to_text(currency.minor_digits());
            let advance = if is_advance(&payout.id) { "an advance of " } else { "" };
            let what = format!("confirm {advance}{text} {currency} sent {sent_on}, record {seq}");
            ("confirm-payout", what, format!("payout confirm {seq}"))
        }
        What::Dispute { dispute, turn } => {
            document.seq = dispute.seq;
            let Some(one) = agreement.disputes().get(&dispute.id) else { return document };
            document.period = one.period.map(|period| period.to_string());
            if let Turn::Answer { until: Some(until), .. } = turn {
                document.due_on = Some(until.to_string());
            }
            let (_, what, command) = render::dispute::turn(one, turn);
            let kind = match turn {
                Turn::Answer { .. } => "answer-dispute",
                Turn::Default => "default-dispute",
                Turn::Escalate => "escalate-dispute",
                Turn::Settle => "settle-dispute",
                Turn::Determine => "determine-dispute",
            };
            (kind, what, command)
        }
        What::Acknowledge { acknowledged } => {
            document.seq = *acknowledged;
            let what = match acknowledged {
                Some(seq) => format!("acknowledge what came after record {seq}"),
                None => "acknowledge the ledger".to_owned(),
            };
            ("acknowledge", what, "acknowledge".to_owned())
        }
    };
    document.kind = kind.to_owned();
    document.what = what;
    if !command.is_empty() {
        document.command = session.command(&command);
    }
    document
}
