//! What disputes hold back of what is booked.

use std::collections::BTreeMap;

use crate::state::Agreement;
use crate::state::Dispute;
use crate::state::DisputeStatus;
use crate::state::ItemKind;
use crate::state::Queue;
use crate::state::queue::Holds;
use crate::vocab::Amount;
use crate::vocab::Id;
use crate::vocab::Period;

impl Agreement {
    /// What disputes would keep of what is booked to a party, by period: max(0, booked − figure),
    /// of the dispute with the highest number.
    pub(in crate::state) fn holds(&self, party: &Id) -> Holds {
        let mut holding: Vec<&Dispute> =
            self.disputes.values().filter(|dispute| dispute.holds()).collect();
        holding.sort_by_key(|dispute| dispute.seq);
        let mut holds = Holds::new();
        for dispute in holding {
            if let (Some(period), Some(figure)) = (dispute.period, dispute.figure(party)) {
                let booked = self.booked_to(period, party);
                let above = booked.checked_sub(figure).unwrap_or_default().at_least_zero();
                holds.insert(period, above);
            }
        }
        holds
    }

    /// What is recorded for a party and a period: the figure of a dispute that is resolved and that
    /// no statement has posted yet, otherwise what is booked.
    pub fn recorded_for(&self, period: Period, party: &Id) -> Amount {
        let unposted = self.disputes.values().filter(|dispute| {
            let is_resolved = matches!(dispute.status, DisputeStatus::Resolved(_));
            is_resolved && dispute.holds() && dispute.period == Some(period)
        });
        let figures = unposted.filter_map(|one| Some((one.seq, one.figure(party)?)));
        let last = figures.max_by_key(|(seq, _)| *seq);
        last.map_or_else(|| self.booked_to(period, party), |(_, figure)| figure)
    }

    /// What is booked to a party for a period.
    pub fn booked_to(&self, period: Period, party: &Id) -> Amount {
        let shares = self.booked.get(&period).into_iter().flat_map(|booked| &booked.shares);
        let mut own = shares.filter(|(id, _)| id == party);
        own.next().map_or(Amount::ZERO, |(_, amount)| *amount)
    }

    /// Σ (figure − what it counts) over the open disputes about payouts to a party, where that is
    /// positive.
    fn payouts_held(&self, party: &Id) -> Amount {
        let open = self.disputes.values().filter(|dispute| dispute.is_open());
        let mut total = Amount::ZERO;
        for dispute in open {
            let record = dispute.payout().and_then(|id| self.payouts.get(&id));
            if let (Some(record), Some(figure)) = (record, dispute.figure(party)) {
                let counted = record.counted().unwrap_or(record.payout.amount);
                let more = figure.checked_sub(counted).unwrap_or_default().at_least_zero();
                total = total.checked_add(more).unwrap_or(total);
            }
        }
        total
    }

    /// What is open to a party of the shares of a period, payouts in transit taken as received.
    pub fn open_of(&self, period: Period, party: &Id) -> Amount {
        self.open_queue(party).open_shares(period)
    }

    /// What is open to a party, oldest due date first, payouts in transit taken as received: what is
    /// held is settled last.
    pub fn open_queue(&self, party: &Id) -> Queue {
        let mut queue = self.queues.get(party).cloned().unwrap_or_default();
        queue.settle(self.account(party).in_transit, &self.holds(party));
        queue
    }

    /// What is held of every period of a party, and all that is held.
    pub fn held(&self, party: &Id) -> (BTreeMap<Period, Amount>, Amount) {
        let holds = self.holds(party);
        let payouts = self.payouts_held(party);
        let mut by_period = BTreeMap::new();
        if holds.is_empty() && payouts.is_zero() {
            return (by_period, Amount::ZERO);
        }
        let queue = self.open_queue(party);
        let (mut unpaid, mut total) = (Amount::ZERO, Amount::ZERO);
        for item in queue.items() {
            unpaid = unpaid.checked_add(item.open).unwrap_or(unpaid);
        }
        for (period, most) in &holds {
            let held = queue.open_shares(*period).min(*most);
            total = total.checked_add(held).unwrap_or(total);
            by_period.insert(*period, held);
        }
        let rest = unpaid.checked_sub(total).unwrap_or_default().at_least_zero();
        let total = total.checked_add(payouts.min(rest)).unwrap_or(total);
        (by_period, total)
    }

    /// Keeps what is held with the accounts.
    pub(in crate::state) fn refresh_held(&mut self) {
        if self.disputes.is_empty() {
            return;
        }
        let parties: Vec<Id> = self.versions.beneficiaries().into_iter().cloned().collect();
        for party in parties {
            let (_, held) = self.held(&party);
            if held.is_zero() && !self.accounts.contains_key(&party) {
                continue;
            }
            self.accounts.entry(party).or_default().held = held;
        }
    }
}

impl Queue {
    /// What is open of the shares of a period.
    pub fn open_shares(&self, period: Period) -> Amount {
        let shares = self.items().iter();
        let shares = shares.filter(|item| item.period == period && item.kind == ItemKind::Share);
        shares.fold(Amount::ZERO, |sum, item| sum.checked_add(item.open).unwrap_or(sum))
    }
}
