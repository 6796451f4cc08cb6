//! `revshare show`

use std::io::Write;

use revshare_core::ledger::reading::SignedAbove;
use revshare_core::state::Proposal;
use revshare_core::state::ProposalStatus;
use revshare_core::view::record::Record;
use revshare_core::view::record::Said;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Digest;

use crate::commands::Reading;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::point;
use crate::render::dispute;
use crate::render::json::RecordDocument;
use crate::render::record::record_of;
use crate::render::record::short;
use crate::render::table::wrap;
use crate::render::text::escape;

/// Show everything about one record, and who has signed above it
///
/// A record's hash covers every record before it, so whoever signed a later one has signed this one
/// too, and cannot take it back.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  revshare show 4\n  revshare show 1a2b3c4d")]
pub struct Args {
    /// The record: its number, or a prefix of its hash or event id
    event: String,
    #[command(flatten)]
    reading: Reading,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let standing = session.read(&args.reading)?;
    let (seq, id) = point::event(&standing.ledger, &args.event)?;
    revshare_core::view::place::by_number(standing.state(), seq)?;
    let Some((record, payload)) = standing.ledger.record(&id)? else {
        return Ok(Answer::Unreadable);
    };
    let currency = standing.agreement()?.terms().currency;
    let above = standing.ledger.signed_above(seq, standing.seq())?;
    let signature = standing.ledger.signature(seq)?.map(hex).unwrap_or_default();
    if session.globals.json {
        let document = RecordDocument::of(&record, Some(payload), currency);
        session.print_json(&document.with_signatures(signature, &above))?;
        return Ok(Answer::Yes);
    }
    let mut line = |mut name: &str, value: String| -> std::io::Result<()> {
        for part in wrap(&escape(&value), 67) {
            let line = format!("{:<12} {part}", std::mem::take(&mut name));
            writeln!(session.out, "{}", line.trim_end())?;
        }
        Ok(())
    };
    line("record", record.seq.to_string())?;
    line("kind", record.said.kind().as_str().to_owned())?;
    line("says", short(&record.said, currency))?;
    line("recorded", record.recorded_at.to_string())?;
    line("author", record.party.to_string())?;
    for (name, value) in details(&record, currency) {
        line(name, value)?;
    }
    if let Some(proposal) = standing.agreement()?.proposals().get(&record.id) {
        line("stands", stands(proposal))?;
    }
    let mut name = "signed above";
    for one in &above {
        line(std::mem::take(&mut name), signed_above(one))?;
    }
    line("key", record.key.fingerprint())?;
    line("id", record.id.to_string())?;
    line("hash", record.hash.to_string())?;
    line("previous", record.previous.to_string())?;
    line("content", record.content.to_string())?;
    line("payload", format!("{payload} bytes, {}", record.payload))?;
    let (first, second) = signature.split_at(signature.len() / 2);
    line("signature", format!("{first} {second}"))?;
    let next = match &record.said {
        Said::UsageReported { .. } | Said::UsageCorrected { .. } => format!("usage show {seq}"),
        Said::StatementIssued(statement) => format!("statement show {}", statement.period),
        Said::PayoutSent(_) | Said::AdvancePaid(_) => "payout list".to_owned(),
        Said::LedgerOpened { .. } => "terms show".to_owned(),
        Said::AmendmentProposed { .. } => "amend list".to_owned(),
        _ if record.dispute.is_some() => format!("dispute show {seq}"),
        Said::RateProposed(_) => "fx list".to_owned(),
        Said::ContributionClaimed(_) | Said::ContributionEnded { .. } => {
            "contribution list".to_owned()
        }
        _ => "history".to_owned(),
    };
    session.next(&next)?;
    Ok(Answer::Yes)
}

/// What became of a proposal.
fn stands(proposal: &Proposal) -> String {
    match &proposal.status {
        ProposalStatus::Pending => {
            let missing = proposal.needed.difference(&proposal.accepted_by);
            let missing: Vec<&str> = missing.map(|id| id.as_str()).collect();
            format!("pending, waits for {}", missing.join(", "))
        }
        ProposalStatus::Accepted { seq } => format!("accepted by everybody with record {seq}"),
        ProposalStatus::Rejected { seq, by, .. } => format!("rejected by {by}, record {seq}"),
        ProposalStatus::Withdrawn { seq, .. } => format!("withdrawn, record {seq}"),
        ProposalStatus::Overtaken { seq } => format!("overtaken by other terms, record {seq}"),
    }
}

/// The first record that a party signed after this one: its signature covers this one, so the party
/// cannot take it back.
fn signed_above(above: &SignedAbove) -> String {
    match above.first {
        Some((seq, at)) => format!("{} in record {seq} ({})", above.party, at.date()),
        None => format!("{} not yet", above.party),
    }
}

fn hex(bytes: [u8; 64]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an event says beyond the short line.
fn details(record: &Record, currency: Currency) -> Vec<(&'static str, String)> {
    let money = |amount| crate::render::text::money(amount, currency);
    match &record.said {
        Said::LedgerOpened { terms, parties, .. } => {
            let parties =
                parties.iter().map(|(id, role)| ("party", format!("{id}, {}", role.as_str())));
            std::iter::once(("terms", terms.to_string())).chain(parties).collect()
        }
        Said::Accepted { what, content, .. } => {
            vec![("accepts", what.id.to_string()), ("with digest", content.to_string())]
        }
        Said::UsageCorrected { corrects, reason, .. } => {
            vec![("corrects", corrects.id.to_string()), ("reason", reason.to_string())]
        }
        Said::StatementIssued(statement) => {
            let mut details = vec![
                ("terms", statement.terms.to_string()),
                ("calculation", statement.calculation.to_string()),
                (
                    "state root",
                    format!("{} (version {})", statement.state_root, statement.root_version),
                ),
            ];
            for entry in &statement.entries {
                details.push(("base", format!("{}: {}", entry.period, money(entry.base))));
                for (party, amount) in &entry.shares {
                    details
                        .push(("posts", format!("{}: {party} {}", entry.period, money(*amount))));
                }
                for cause in &entry.causes {
                    details.push(("moved by", format!("{}: event {cause}", entry.period)));
                }
                for used in &entry.rates {
                    let rate = format!("1 {} is {} {currency}", used.currency, used.rate);
                    let source = used.source.0.short();
                    details.push(("rate", format!("{}: {rate}, event {source}", entry.period)));
                }
            }
            for one in &statement.recoupments {
                details.push(("recoups", format!("{} {}", one.party, money(one.amount))));
            }
            for line in &statement.interest {
                details.push((
                    "interest",
                    format!(
                        "{}: {} {} on {} due {}, received {}, at {}",
                        line.period,
                        line.to,
                        money(line.amount),
                        money(line.principal),
                        line.due_on,
                        line.received_on,
                        line.rate
                    ),
                ));
            }
            details
        }
        Said::StatementAccepted { statement, .. } => vec![("statement", statement.id.to_string())],
        Said::PayoutSent(payout) => {
            let mut details = vec![
                ("to", payout.to.to_string()),
                ("amount", money(payout.amount)),
                ("on account", money(payout.on_account)),
            ];
            if !payout.withheld.is_zero() {
                let on_top = if payout.grossed_up { ", on top of the amount" } else { "" };
                details.push(("withheld", format!("{}{on_top}", money(payout.withheld))));
                details.push(("in cash", payout.cash().map_or_else(|why| why.to_string(), money)));
            }
            details.push(("sent on", payout.sent_on.to_string()));
            details.push(("reference", payout.reference.to_string()));
            details
        }
        Said::PayoutConfirmed { payout, received_on, .. } => {
            vec![("payout", payout.id.to_string()), ("received on", received_on.to_string())]
        }
        Said::PayoutReturned { payout, reason, .. } => {
            vec![("payout", payout.id.to_string()), ("reason", reason.to_string())]
        }
        Said::Acknowledged { seq, head, root_version, state_root } => vec![
            ("head", format!("{seq} {head}")),
            ("state root", format!("{state_root} (version {root_version})")),
        ],
        Said::AmendmentProposed { terms, effective_from, reason } => vec![
            ("terms", terms.to_string()),
            ("from", effective_from.to_string()),
            ("reason", reason.to_string()),
        ],
        Said::ProposalClosed { proposal, reason, .. } => {
            vec![("proposal", proposal.id.to_string()), ("reason", reason.to_string())]
        }
        Said::RateProposed(rate) => vec![
            ("currency", rate.currency.to_string()),
            ("rate", rate.rate.to_string()),
            ("period", rate.period.to_string()),
            ("source", rate.source.to_string()),
        ],
        Said::ContributionClaimed(claim) => {
            let mut details =
                vec![("clause", claim.clause.to_string()), ("from", claim.from.to_string())];
            details.extend(claim.to.map(|to| ("to", to.to_string())));
            details.extend(claim.evidence.map(|digest| ("evidence", digest.to_string())));
            details.push(("note", claim.note.to_string()));
            details
        }
        Said::ContributionEnded { claim, on, reason } => vec![
            ("claim", claim.id.to_string()),
            ("on", on.to_string()),
            ("reason", reason.to_string()),
        ],
        Said::AdvancePaid(advance) => vec![
            ("to", advance.to.to_string()),
            ("amount", money(advance.amount)),
            ("paid on", advance.paid_on.to_string()),
            ("reference", advance.reference.to_string()),
        ],
        Said::UsagePart { .. } | Said::UsageReported { .. } | Said::UsageMissing { .. } => {
            Vec::new()
        }
        _ => of_dispute(&record.said, currency),
    }
}

/// Likewise, of the events of disputes and evidence.
fn of_dispute(said: &Said, currency: Currency) -> Vec<(&'static str, String)> {
    let files = |evidence: &[Digest]| {
        let file = |digest: &Digest| ("evidence", digest.to_string());
        evidence.iter().map(file).collect::<Vec<_>>()
    };
    let mut details = Vec::new();
    match said {
        Said::DisputeOpened { target, claim, basis, evidence, ground, reopens } => {
            details.push(("disputes", dispute::target(target)));
            details.push(("claims", dispute::claim(claim, currency)));
            details.push(("basis", basis.to_string()));
            details.extend(ground.map(|ground| ("ground", ground.as_str().to_owned())));
            details.extend(reopens.as_ref().map(|named| ("reopens", record_of(named))));
            details.extend(files(evidence));
        }
        Said::DisputeResponded { dispute, text, evidence } => {
            details.push(("dispute", dispute.id.to_string()));
            details.push(("answer", text.to_string()));
            details.extend(files(evidence));
        }
        Said::DisputeAccepted { dispute, .. } => {
            details.push(("dispute", dispute.id.to_string()));
        }
        Said::DisputeSettled { dispute, outcome, note, signed_by } => {
            details.push(("dispute", dispute.id.to_string()));
            details.push(("outcome", dispute::outcome(outcome, currency)));
            details.push(("note", note.to_string()));
            let signed_by: Vec<&str> = signed_by.iter().map(|party| party.as_str()).collect();
            details.push(("signed by", format!("{}, and the author", signed_by.join(", "))));
        }
        Said::DisputeDetermined { dispute, outcome, reasons, evidence } => {
            details.push(("dispute", dispute.id.to_string()));
            details.push(("outcome", dispute::outcome(outcome, currency)));
            details.push(("reasons", reasons.to_string()));
            details.extend(files(evidence));
        }
        Said::DisputeStep { dispute, reason, .. } => {
            details.push(("dispute", dispute.id.to_string()));
            details.push(("reason", reason.to_string()));
        }
        Said::EvidenceAttached { about, commitment, note } => {
            details.push(("about", about.id.to_string()));
            details.push(("evidence", commitment.to_string()));
            details.push(("note", note.to_string()));
        }
        Said::EvidenceErased { commitment, reason } => {
            details.push(("evidence", commitment.to_string()));
            details.push(("reason", reason.to_string()));
        }
        _ => {}
    }
    details
}
