//! Whose turn it is in a dispute.

use crate::evolve::dispute::admit_default;
use crate::evolve::dispute::admit_escalation;
use crate::state::Agreement;
use crate::state::Dispute;
use crate::state::DisputeStatus;
use crate::state::Stance;
use crate::terms::OnSilence;
use crate::terms::Role;
use crate::vocab::Date;
use crate::vocab::Id;

/// What somebody can do in a dispute that goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// A silent respondent can answer.
    Answer {
        /// The last day; none if the terms set no deadline, or if the party has signed nothing
        /// since the opening.
        until: Option<Date>,
        /// What its silence means after that day.
        on_silence: Option<OnSilence>,
    },
    /// The claimant can say that silence has accepted the claim.
    Default,
    /// Its parties can go to the arbiter.
    Escalate,
    /// Everybody has answered: the claimant settles, or takes it back.
    Settle,
    /// The arbiter has to decide.
    Determine,
}

/// Who can do what in a dispute on a day, in this order. Nobody can in one that is over.
pub fn turns(agreement: &Agreement, dispute: &Dispute, today: Date) -> Vec<(Id, Turn)> {
    match dispute.status {
        DisputeStatus::Resolved(_) | DisputeStatus::Withdrawn { .. } => return Vec::new(),
        DisputeStatus::Escalated { .. } => {
            let parties = agreement.versions().listed_parties().into_iter();
            let arbiters = parties.filter(|party| party.role == Role::Arbiter);
            return arbiters.map(|party| (party.id.clone(), Turn::Determine)).collect();
        }
        DisputeStatus::Open => {}
    }
    let mut turns = Vec::new();
    for (party, respondent) in &dispute.respondents {
        if respondent.stance == Stance::Silent && !dispute.is_past(party, today) {
            let until = dispute.answer_due_on(party);
            let on_silence = dispute.windows.map(|windows| windows.on_silence);
            turns.push((party.clone(), Turn::Answer { until, on_silence }));
        }
    }
    if admit_default(dispute, today).is_ok() {
        turns.push((dispute.claimant.clone(), Turn::Default));
    }
    if admit_escalation(agreement, dispute, today).is_ok() {
        turns.extend(dispute.parties().map(|party| (party.clone(), Turn::Escalate)));
    }
    if turns.is_empty() {
        turns.push((dispute.claimant.clone(), Turn::Settle));
    }
    turns
}
