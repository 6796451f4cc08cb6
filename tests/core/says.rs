//! What events say, field by field, as a reader of any language would list it.

use ledger_core::dispute::Claim;
use ledger_core::dispute::Outcome;
use ledger_core::dispute::PartySignature;
use ledger_core::dispute::Target;
use ledger_core::event::Event;
use ledger_core::event::Lines;
use ledger_core::intake::to_toml;
use ledger_core::payout::Payout;
use ledger_core::statement::Entry;
use ledger_core::statement::InterestLine;
use ledger_core::statement::RateUsed;
use ledger_core::statement::Recoupment;
use ledger_core::statement::Statement;
use ledger_core::usage::Column;
use ledger_core::usage::LineBlock;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Digest;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use ledger_core::vocab::Name;
use serde_json::Value;
use serde_json::json;

fn column(column: &Column) -> Value {
    let amount = |at: usize| {
        let integer = column.ints.get(at).expect("a line");
        Amount::normalised(integer, column.scale.into()).expect("an amount").to_string()
    };
    (0..column.ints.len()).map(amount).collect::<Vec<String>>().into()
}

/// The lines of a block, column by column, as a reader of any language would list them.
fn block_says(block: &LineBlock) -> Value {
    let parts = block.parts();
    let key_of = |line: usize| block.key(parts.key_of[line].into()).expect("every line has a key");
    let lines = 0..block.lines();
    let named = |names: &[Name], columns: &[Column]| -> Value {
        let columns = names.iter().zip(columns);
        columns.map(|(name, c)| (name.as_str().to_owned(), column(c))).collect()
    };
    let attributes = |line: usize| -> Value {
        let attributes = key_of(line).attributes;
        attributes.iter().map(|(n, v)| (n.to_string(), Value::from(v.as_str()))).collect()
    };
    json!({
        "day": lines.clone().map(|line| key_of(line).day.to_string()).collect::<Vec<_>>(),
        "currency": lines.clone().map(|line| key_of(line).currency.to_string()).collect::<Vec<_>>(),
        "attributes": lines.map(attributes).collect::<Vec<_>>(),
        "gross": column(&parts.gross),
        "meters": named(&parts.meters, &parts.meter_columns),
        "deductions": named(&parts.deductions, &parts.deduction_columns),
    })
}

fn lines_say(lines: &Lines) -> Value {
    match lines {
        Lines::Nil => json!("nil"),
        Lines::Inline(block) => json!({ "inline": block_says(block) }),
        Lines::Parts(index) => {
            let gross = index.gross.iter();
            let gross: serde_json::Map<String, Value> =
                gross.map(|(code, sum)| (code.to_string(), sum.to_string().into())).collect();
            json!({ "parts": {
                "ids": index.parts.iter().map(|id| id.to_string()).collect::<Vec<_>>(),
                "lines": index.lines,
                "digest": index.digest.to_string(),
                "gross": gross,
            } })
        }
    }
}

fn entry_says(entry: &Entry) -> Value {
    let shares = entry.shares.iter();
    let shares: serde_json::Map<String, Value> =
        shares.map(|(id, amount)| (id.to_string(), amount.to_string().into())).collect();
    json!({
        "period": entry.period.to_string(),
        "base": entry.base.to_string(),
        "shares": shares,
        "causes": entry.causes.iter().map(|id| id.to_string()).collect::<Vec<_>>(),
    })
}

/// An entry of version 2 names the conversion rates that it used.
fn whole_entry_says(entry: &Entry) -> Value {
    let rate = |used: &RateUsed| {
        json!({
            "currency": used.currency.to_string(),
            "rate": used.rate.to_string(),
            "event": used.source.to_string(),
        })
    };
    let mut says = entry_says(entry);
    says["rates"] = entry.rates.iter().map(rate).collect();
    says
}

fn statement_says(statement: &Statement) -> Value {
    let entry = match statement.level {
        Level::One => entry_says,
        Level::Two => whole_entry_says,
    };
    let mut says = json!({
        "period": statement.period.to_string(),
        "terms_digest": statement.terms.to_string(),
        "calculation": statement.calculation,
        "entries": statement.entries.iter().map(entry).collect::<Vec<_>>(),
        "root_version": statement.root_version,
        "state_root": statement.state_root.to_string(),
    });
    if statement.level == Level::Two {
        let recouped = |one: &Recoupment| json!({ "party": one.party.as_str(), "amount": one.amount.to_string() });
        says["recoupments"] = statement.recoupments.iter().map(recouped).collect();
        let interest = |line: &InterestLine| {
            json!({
                "to": line.to.as_str(),
                "payout": line.payout.to_string(),
                "period": line.period.to_string(),
                "principal": line.principal.to_string(),
                "due_on": line.due_on.to_string(),
                "received_on": line.received_on.to_string(),
                "rate": line.rate.to_string(),
                "amount": line.amount.to_string(),
            })
        };
        says["interest"] = statement.interest.iter().map(interest).collect();
    }
    says
}

fn payout_says(payout: &Payout) -> Value {
    let mut says = json!({
        "to": payout.to.as_str(),
        "amount": payout.amount.to_string(),
        "on_account": payout.on_account.to_string(),
        "sent_on": payout.sent_on.to_string(),
        "reference": payout.reference.as_str(),
    });
    if payout.level == Level::Two {
        says["withheld"] = payout.withheld.to_string().into();
        says["grossed_up"] = payout.grossed_up.into();
    }
    says
}

/// What an event says, field by field.
pub fn says(event: &Event) -> Value {
    match event {
        Event::LedgerOpened(version) => json!({
            "terms_digest": version.digest.to_string(),
            "terms": to_toml(&version.terms),
        }),
        Event::Accepted(said) => {
            json!({ "event": said.event.to_string(), "content": said.content.to_string() })
        }
        Event::UsagePart(part) => json!({ "index": part.index, "block": block_says(&part.block) }),
        Event::UsageReported(report) => json!({
            "period": report.period.to_string(),
            "supplement": report.supplement,
            "lines": lines_say(&report.lines),
        }),
        Event::UsageCorrected(correction) => json!({
            "corrects": correction.corrects.to_string(),
            "reason": correction.reason.as_str(),
            "lines": lines_say(&correction.lines),
        }),
        Event::UsageMissing(period) => json!({ "period": period.to_string() }),
        Event::StatementIssued(statement) => statement_says(statement),
        Event::StatementAccepted(id) => json!({ "statement": id.to_string() }),
        Event::PayoutSent(payout) => payout_says(payout),
        Event::PayoutConfirmed(receipt) => json!({
            "payout": receipt.payout.to_string(),
            "received_on": receipt.received_on.to_string(),
        }),
        Event::PayoutReturned(returned) => json!({
            "payout": returned.payout.to_string(),
            "reason": returned.reason.as_str(),
        }),
        Event::Acknowledged(said) => json!({
            "seq": said.seq,
            "head": said.head.to_string(),
            "root_version": said.root_version,
            "state_root": said.state_root.to_string(),
        }),
        Event::AmendmentProposed(amendment) => json!({
            "terms_digest": amendment.version.digest.to_string(),
            "terms": to_toml(&amendment.version.terms),
            "effective_from": amendment.effective_from.to_string(),
            "reason": amendment.reason.as_str(),
        }),
        Event::ProposalRejected(closing) | Event::ProposalWithdrawn(closing) => json!({
            "proposal": closing.proposal.to_string(),
            "reason": closing.reason.as_str(),
        }),
        Event::RateProposed(rate) => json!({
            "currency": rate.currency.to_string(),
            "rate": rate.rate.to_string(),
            "period": rate.period.to_string(),
            "source": rate.source.as_str(),
        }),
        Event::ContributionClaimed(claim) => json!({
            "clause": claim.clause.as_str(),
            "from": claim.from.to_string(),
            "to": claim.to.map(|day| day.to_string()),
            "evidence": claim.evidence.map(|digest| digest.to_string()),
            "note": claim.note.as_str(),
        }),
        Event::ContributionEnded(end) => json!({
            "claim": end.claim.to_string(),
            "on": end.on.to_string(),
            "reason": end.reason.as_str(),
        }),
        Event::AdvancePaid(advance) => json!({
            "to": advance.to.as_str(),
            "amount": advance.amount.to_string(),
            "paid_on": advance.paid_on.to_string(),
            "reference": advance.reference.as_str(),
        }),
        Event::DisputeOpened(said) => json!({
            "target": target_says(&said.target),
            "claim": claim_says(&said.claim),
            "basis": said.basis.as_str(),
            "evidence": hashes(&said.evidence),
            "ground": said.ground.map(|ground| ground.as_str()),
            "reopens": said.reopens.map(|id| id.to_string()),
        }),
        Event::DisputeResponded(said) => json!({
            "dispute": said.dispute.to_string(),
            "text": said.text.as_str(),
            "evidence": hashes(&said.evidence),
        }),
        Event::DisputeAccepted(said) => {
            json!({ "dispute": said.dispute.to_string(), "by_default": said.by_default })
        }
        Event::DisputeSettled(said) => {
            let signature = |one: &PartySignature| json!({ "party": one.party.as_str(), "signature": hex(&one.signature) });
            json!({
                "dispute": said.dispute.to_string(),
                "outcome": outcome_says(&said.outcome),
                "note": said.note.as_str(),
                "outcome_digest": said.digest.to_string(),
                "signatures": said.signatures.iter().map(signature).collect::<Vec<_>>(),
            })
        }
        Event::DisputeEscalated(said) | Event::DisputeWithdrawn(said) => {
            json!({ "dispute": said.dispute.to_string(), "reason": said.reason.as_str() })
        }
        Event::DisputeDetermined(said) => json!({
            "dispute": said.dispute.to_string(),
            "outcome": outcome_says(&said.outcome),
            "reasons": said.reasons.as_str(),
            "evidence": hashes(&said.evidence),
        }),
        Event::EvidenceAttached(said) => json!({
            "about": said.about.to_string(),
            "commitment": said.commitment.to_string(),
            "note": said.note.as_str(),
        }),
        Event::EvidenceErased(said) => json!({
            "commitment": said.commitment.to_string(),
            "reason": said.reason.as_str(),
        }),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hashes(evidence: &[Digest]) -> Vec<String> {
    evidence.iter().map(|one| one.to_string()).collect()
}

fn target_says(target: &Target) -> Value {
    match target {
        Target::Statement(id) => json!({ "statement": id.to_string() }),
        Target::Report(id) => json!({ "report": id.to_string() }),
        Target::Payout(id) => json!({ "payout": id.to_string() }),
        Target::Clause { clause, period } => {
            json!({ "clause": clause.as_str(), "period": period.to_string() })
        }
    }
}

fn claim_says(claim: &Claim) -> Value {
    match claim {
        Claim::Figures(figures) => {
            let figure = |(party, amount): &(Id, Amount)| json!({ "party": party.as_str(), "amount": amount.to_string() });
            json!({ "figures": figures.iter().map(figure).collect::<Vec<_>>() })
        }
        Claim::Report { replaces, lines } => json!({ "report": {
            "replaces": replaces.to_string(),
            "lines": lines.as_ref().map(block_says),
        } }),
        Claim::Terms(claimed) => json!({ "terms": {
            "terms_digest": claimed.version.digest.to_string(),
            "terms": to_toml(&claimed.version.terms),
            "effective_from": claimed.from.to_string(),
        } }),
    }
}

fn outcome_says(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Stands => json!("stands"),
        Outcome::AsClaimed => json!("as claimed"),
        Outcome::Other(claim) => json!({ "other": claim_says(claim) }),
    }
}
