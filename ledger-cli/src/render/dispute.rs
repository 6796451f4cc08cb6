//! Disputes in words.

use revshare_core::state::AdoptedKind;
use revshare_core::state::Dispute;
use revshare_core::state::DisputeStatus;
use revshare_core::state::Resolution;
use revshare_core::state::Resolved;
use revshare_core::state::Stance;
use revshare_core::terms::OnSilence;
use revshare_core::view::said::ClaimTotal;
use revshare_core::view::said::DisputedTarget;
use revshare_core::view::said::Named;
use revshare_core::view::said::OutcomeTotal;
use revshare_core::view::turn::Turn;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Id;
use revshare_core::vocab::Period;

use crate::render::record::lines;
use crate::render::record::record_of;
use crate::render::text::count;
use crate::render::text::money;

/// What is disputed: `the statement of 2026-06 (record 9)`.
pub fn target(target: &DisputedTarget) -> String {
    let of = |what: &str, period: &Option<Period>, named: &Named| {
        let period = period.map_or(String::new(), |period| format!(" of {period}"));
        format!("the {what}{period} ({})", record_of(named))
    };
    match target {
        DisputedTarget::Statement(named, period) => of("statement", period, named),
        DisputedTarget::Report(named, period) => of("report", period, named),
        DisputedTarget::Payout(named) => of("payout", &None, named),
        DisputedTarget::Clause(clause, period) => format!("clause {clause} in {period}"),
    }
}

/// What is claimed: `globex 1250.00 USD`.
pub fn claim(claim: &ClaimTotal, currency: Currency) -> String {
    match claim {
        ClaimTotal::Figures(figures) => {
            let figures = figures.iter();
            let figures: Vec<String> =
                figures.map(|(id, figure)| format!("{id} {}", money(*figure, currency))).collect();
            figures.join(", ")
        }
        ClaimTotal::Report { replaces, total } => {
            format!("{} instead of those of {}", lines(total), record_of(replaces))
        }
        ClaimTotal::Terms { digest, from } => {
            format!("other terms from {from} on ({})", digest.short())
        }
    }
}

/// What a dispute comes to.
pub fn outcome(outcome: &OutcomeTotal, currency: Currency) -> String {
    match outcome {
        OutcomeTotal::Stands => "the recorded figures stand".to_owned(),
        OutcomeTotal::AsClaimed => "as claimed".to_owned(),
        OutcomeTotal::Other(other) => claim(other, currency),
    }
}

/// What has become of a dispute.
pub fn status(dispute: &Dispute) -> String {
    match &dispute.status {
        DisputeStatus::Open => format!("open since {}", dispute.recorded_at.date()),
        DisputeStatus::Escalated { seq } => format!("before the arbiter, record {seq}"),
        DisputeStatus::Withdrawn { seq, reason } => format!("withdrawn, record {seq}: {reason}"),
        DisputeStatus::Resolved(resolved) => {
            let how = match resolved.how {
                Resolution::Accepted => "accepted",
                Resolution::ByDefault => "accepted by default",
                Resolution::Settled => "settled",
                Resolution::Determined => "determined by the arbiter",
            };
            let (day, seq) = (resolved.recorded_at.date(), resolved.seq);
            format!("{how} on {day}, record {seq}; {}", adopted(dispute, resolved))
        }
    }
}

/// What a resolution adopted, and whether it is posted.
fn adopted(dispute: &Dispute, resolved: &Resolved) -> String {
    let what = match resolved.adopted {
        AdoptedKind::Nothing => return "the recorded figures stand".to_owned(),
        AdoptedKind::Figures => "the figures are adopted",
        AdoptedKind::Lines => "the lines are adopted",
        AdoptedKind::Payout => return "what the payout counts is adopted".to_owned(),
    };
    match (resolved.posted, dispute.period) {
        (true, _) | (_, None) => format!("{what} and posted"),
        (false, Some(_)) => format!("{what}, and posted with the next statement"),
    }
}

/// What a respondent has said, and until when it may say something.
pub fn stance(dispute: &Dispute, party: &Id) -> String {
    let stance = dispute.respondents.get(party).map(|one| one.stance).unwrap_or_default();
    match (stance, dispute.answer_due_on(party)) {
        (Stance::Accepted, _) => format!("{party} has accepted the claim"),
        (Stance::Responded, _) => format!("{party} has answered"),
        (Stance::Silent, Some(due)) if matches!(dispute.status, DisputeStatus::Open) => {
            format!("{party} has said nothing, due {due}")
        }
        (Stance::Silent, _) => format!("{party} has said nothing"),
    }
}

/// What somebody can do in a dispute, and the command for it.
pub fn turn(dispute: &Dispute, turn: &Turn) -> (&'static str, String, String) {
    let seq = dispute.seq;
    match turn {
        Turn::Answer { until, on_silence } => {
            let silence = match on_silence {
                Some(OnSilence::Accept) => "; after that, silence accepts the claim",
                Some(OnSilence::Escalate) => "; after that, the other side may ask the arbiter",
                None => "",
            };
            let until = match (until, dispute.windows) {
                (Some(until), _) => format!(" until {until}{silence}"),
                (None, Some(windows)) => format!(
                    " within {} of the next record that it signs{silence}",
                    count(u64::from(windows.response_days), "day")
                ),
                (None, None) => String::new(),
            };
            (
                "answer",
                format!("answer the claim of {} in record {seq}{until}", dispute.claimant),
                format!("dispute respond {seq} --text TEXT"),
            )
        }
        Turn::Default => (
            "default",
            format!("say that silence has accepted the claim in record {seq}"),
            format!("dispute accept {seq} --by-default"),
        ),
        Turn::Escalate => (
            "escalate",
            format!("settle the dispute in record {seq}, or ask the arbiter"),
            format!("dispute escalate {seq} --reason TEXT"),
        ),
        Turn::Settle => (
            "settle",
            format!("settle the dispute in record {seq}, or take it back"),
            format!("dispute settle {seq} --out FILE"),
        ),
        Turn::Determine => (
            "determine",
            format!("decide the dispute in record {seq}"),
            format!("dispute determine {seq} --reasons TEXT"),
        ),
    }
}
