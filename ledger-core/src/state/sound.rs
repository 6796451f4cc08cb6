//! What must hold of a state that is read back from a snapshot, so that every answer about it comes to
//! an end: who hands over a snapshot may have put anything into it. That what it says is right is not
//! asked here.

use std::collections::BTreeSet;

use crate::state::Agreement;

impl Agreement {
    /// Whether every chain of facts goes one way along the log, so that none is a circle; and every
    /// report counts once, so that what is read for a period is no more than there is.
    pub(in crate::state) fn is_sound(&self) -> bool {
        let corrections = self.reports.values().all(|report| {
            let next = report.corrected_by.and_then(|id| self.reports.get(&id));
            next.is_none_or(|next| report.seq < next.seq)
        });
        let reopenings = self.disputes.values().all(|dispute| {
            let earlier = dispute.reopens.and_then(|id| self.disputes.get(&id));
            earlier.is_none_or(|earlier| earlier.seq < dispute.seq)
        });
        let mut counted = BTreeSet::new();
        let in_effect = self.in_effect.iter().all(|(period, ids)| {
            ids.iter().all(|id| {
                let report = self.reports.get(id);
                report.is_some_and(|report| report.period == *period) && counted.insert(*id)
            })
        });
        corrections && reopenings && in_effect
    }
}
