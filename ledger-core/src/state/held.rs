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
use crate::vocab::OutOfBounds;
use crate::vocab::Period;

impl Agreement {
    /// What disputes would keep of what is booked to a party, by period: max(0, booked − figure),
    /// of the dispute with the highest number. Errors: [`OutOfBounds`].
    pub(in crate::state) fn holds(&self, party: &Id) -> Result<Holds, OutOfBounds> {
        let holding = self.disputes.values().filter(|dispute| dispute.holds());
        let figures = holding.map(|dispute| (dispute, &dispute.figures[..]));
        holds(figures, party, |period| self.booked_to(period, party))
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
    /// positive. Errors: [`OutOfBounds`].
    fn payouts_held(&self, party: &Id) -> Result<Amount, OutOfBounds> {
        let open = self.disputes.values().filter(|dispute| dispute.is_open());
        let mut total = Amount::ZERO;
        for dispute in open {
            let record = dispute.payout().and_then(|id| self.payouts.get(&id));
            if let (Some(record), Some(figure)) = (record, dispute.figure(party)) {
                let counted = record.counted().unwrap_or(record.payout.amount);
                total = total.plus(figure.minus(counted)?.at_least_zero())?;
            }
        }
        Ok(total)
    }

    /// What is open to a party of the shares of a period, payouts in transit taken as received.
    /// Errors: [`OutOfBounds`].
    pub fn open_of(&self, period: Period, party: &Id) -> Result<Amount, OutOfBounds> {
        self.open_queue(party)?.open_shares(period)
    }

    /// What is open to a party, oldest due date first, payouts in transit taken as received: what is
    /// held is settled last. Errors: [`OutOfBounds`].
    pub fn open_queue(&self, party: &Id) -> Result<Queue, OutOfBounds> {
        let mut queue = self.queues.get(party).cloned().unwrap_or_default();
        queue.settle(self.account(party).in_transit, &self.holds(party)?)?;
        Ok(queue)
    }

    /// What is held of every period of a party, and all that is held. Errors: [`OutOfBounds`].
    pub fn held(&self, party: &Id) -> Result<(BTreeMap<Period, Amount>, Amount), OutOfBounds> {
        let mut by_period = BTreeMap::new();
        if self.disputes.is_empty() {
            return Ok((by_period, Amount::ZERO));
        }
        let holds = self.holds(party)?;
        let payouts = self.payouts_held(party)?;
        if holds.is_empty() && payouts.is_zero() {
            return Ok((by_period, Amount::ZERO));
        }
        let queue = self.open_queue(party)?;
        let unpaid = Amount::total(queue.items().iter().map(|item| item.open))?;
        let mut total = Amount::ZERO;
        let open = queue.shares_by_period()?;
        for (period, most) in &holds {
            let held = open.get(period).copied().unwrap_or_default().min(*most);
            total = total.plus(held)?;
            by_period.insert(*period, held);
        }
        let rest = unpaid.minus(total)?.at_least_zero();
        let total = total.plus(payouts.min(rest))?;
        Ok((by_period, total))
    }

    /// payable = balance − held: what may be paid out to a party now. Errors: [`OutOfBounds`].
    pub fn payable(&self, party: &Id) -> Result<Amount, OutOfBounds> {
        self.account(party).balance().minus(self.held(party)?.1)
    }
}

/// max(0, booked − figure) by period, of disputes with a figure for a party; of several the one with
/// the highest number counts. Errors: [`OutOfBounds`].
pub(in crate::state) fn holds<'d>(
    figures: impl Iterator<Item = (&'d Dispute, &'d [(Id, Amount)])>,
    party: &Id,
    booked_to: impl Fn(Period) -> Amount,
) -> Result<Holds, OutOfBounds> {
    let figure = |figures: &[(Id, Amount)]| {
        let own = figures.iter().find(|(id, _)| id == party);
        own.map(|(_, figure)| *figure)
    };
    let of_party =
        figures.filter_map(|(dispute, all)| Some((dispute.seq, dispute.period?, figure(all)?)));
    let mut of_party: Vec<(u64, Period, Amount)> = of_party.collect();
    of_party.sort_by_key(|(seq, ..)| *seq);
    let mut holds = Holds::new();
    for (_, period, figure) in of_party {
        holds.insert(period, booked_to(period).minus(figure)?.at_least_zero());
    }
    Ok(holds)
}

impl Queue {
    /// What is open of shares, by period. Errors: [`OutOfBounds`].
    pub(in crate::state) fn shares_by_period(
        &self,
    ) -> Result<BTreeMap<Period, Amount>, OutOfBounds> {
        let mut open: BTreeMap<Period, Amount> = BTreeMap::new();
        for item in self.items().iter().filter(|item| item.kind == ItemKind::Share) {
            let sum = open.entry(item.period).or_default();
            *sum = sum.plus(item.open)?;
        }
        Ok(open)
    }

    /// What is open of the shares of a period. Errors: [`OutOfBounds`].
    pub fn open_shares(&self, period: Period) -> Result<Amount, OutOfBounds> {
        let shares = self.items().iter();
        let shares = shares.filter(|item| item.period == period && item.kind == ItemKind::Share);
        Amount::total(shares.map(|item| item.open))
    }
}
