//! The records: how an admitted fact changes what the facts amount to.

use std::collections::BTreeMap;

use crate::payout::Payout;
use crate::rating::PeriodGroups;
use crate::rating::group::Grouping;
use crate::rating::group::OpenContribution;
use crate::rating::group::whole;
use crate::state::Account;
use crate::state::Acknowledged;
use crate::state::AdvanceRecord;
use crate::state::Agreement;
use crate::state::ContributionEnding;
use crate::state::Effect;
use crate::state::ItemKind;
use crate::state::OpenItem;
use crate::state::PayoutRecord;
use crate::state::PayoutStatus;
use crate::state::Proposal;
use crate::state::ProposalStatus;
use crate::state::Proposed;
use crate::state::Reach;
use crate::state::Report;
use crate::state::StatementRecord;
use crate::statement::Entry;
use crate::statement::InterestLine;
use crate::terms::Terms;
use crate::terms::Version;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Rate;
use crate::vocab::exact;

fn add(sum: &mut Amount, amount: Amount) {
    // Statements and payouts were admitted only with sums that stay in bounds.
    *sum = sum.checked_add(amount).unwrap_or(*sum);
}

fn sum(amounts: impl Iterator<Item = Amount>) -> Amount {
    let mut total = Amount::ZERO;
    amounts.for_each(|amount| add(&mut total, amount));
    total
}

impl Agreement {
    /// Records: a party accepted the ledger.
    pub(crate) fn accept(&mut self, party: Id) {
        self.accepted.insert(party);
    }

    /// Records: a report, or a correction that takes the place of what it corrects.
    pub(crate) fn add_report(&mut self, report: Report) {
        self.exposure.add(&report.usage);
        let (id, period, is_new) = (report.id, report.period, report.corrects.is_none());
        self.effects.push(Effect { seq: report.seq, event: id, reach: Reach::Period(period) });
        self.place_report(report);
        match is_new {
            true => self.group_more(period, id),
            false => self.group_again(period),
        }
    }

    fn place_report(&mut self, report: Report) {
        let (id, period) = (report.id, report.period);
        let in_effect = self.in_effect.entry(period).or_default();
        let replaced = report.corrects.and_then(|id| in_effect.iter().position(|r| *r == id));
        match replaced {
            Some(at) => in_effect[at] = id,
            None => in_effect.push(id),
        }
        if let Some(old) = report.corrects.and_then(|id| self.reports.get_mut(&id)) {
            old.corrected_by = Some(id);
        }
        self.reports.insert(id, report);
    }

    /// Keeps the ratings of the periods that are stated.
    pub(crate) fn rate_stated(&mut self) {
        if let Some(last) = self.statements.last_key_value().map(|(period, _)| *period) {
            self.keep_rated(last);
        }
    }

    /// Keeps the ratings of the periods up to one that was just stated: the next statement is
    /// composed from the first on, and nearly nothing of that has moved.
    pub(crate) fn keep_rated(&mut self, last: Period) {
        let mut rated = std::mem::take(&mut self.rated);
        let facts = self.facts_until(last);
        let more = facts.get(rated.periods()..).unwrap_or_default();
        if rated.extend(self.contract(), more).is_err() {
            rated.clear();
        }
        self.rated = rated;
    }

    /// Sums the lines of one more report of a period into its groups.
    fn group_more(&mut self, period: Period, id: EventId) {
        self.rated.forget_from(period);
        let Some(report) = self.reports.get(&id) else { return };
        let groups = self.groups.entry(period).or_default();
        let mut grouping = Grouping::new(&self.versions, &self.contributions, period);
        // Every line was admitted because it can be rated.
        // A report has adopted lines only later.
        let rated = grouping.add(groups, &report.usage);
        debug_assert!(rated.is_ok() || self.payouts.are_archived());
    }

    /// Sums the lines in effect of a period into groups from the beginning.
    pub(in crate::state) fn group_again(&mut self, period: Period) {
        let groups = self.group_under(&self.versions, &self.contributions, period);
        // Every line was admitted because it can be rated; what an archive has may be anything.
        debug_assert!(groups.is_ok() || self.payouts.are_archived());
        let groups: PeriodGroups = groups.unwrap_or_default();
        self.rated.forget_from(period);
        self.groups.insert(period, groups);
    }

    /// Sums again what lies on or after a day.
    fn group_from(&mut self, day: Date) {
        let touched = self.reported_periods().filter(|period| period.last_day() >= day);
        for period in touched.collect::<Vec<_>>() {
            self.group_again(period);
        }
    }

    /// Records: a report is missing.
    pub(crate) fn add_missing(&mut self, period: Period, id: EventId) {
        self.missing.insert(period, id);
    }

    /// Records: a proposal; it waits for the others.
    pub(crate) fn add_proposal(&mut self, proposal: Proposal) {
        if let Proposed::Rate(rate) = &proposal.what {
            self.exposure.add_rate(rate);
        }
        let (id, seq) = (proposal.id, proposal.seq);
        let complete = proposal.accepted_by.is_superset(&proposal.needed);
        self.proposals.insert(id, proposal);
        if complete {
            self.take_effect(&id, seq);
        }
    }

    /// Records: a party accepted a proposal. With the last acceptance it takes effect.
    pub(crate) fn accept_proposal(&mut self, id: &EventId, party: Id, seq: u64) {
        let Some(proposal) = self.proposals.get_mut(id) else { return };
        proposal.accepted_by.insert(party);
        if proposal.accepted_by.is_superset(&proposal.needed) {
            self.take_effect(id, seq);
        }
    }

    fn take_effect(&mut self, id: &EventId, seq: u64) {
        let Some(proposal) = self.proposals.get_mut(id) else { return };
        proposal.status = ProposalStatus::Accepted { seq };
        let (event, named) = (proposal.id, proposal.seq);
        let mut reach = |reach| self.effects.push(Effect { seq: named, event, reach });
        match &proposal.what {
            Proposed::Amendment(amendment) => {
                let from = amendment.effective_from;
                let version = &amendment.version;
                let moves_the_end = version.terms.ends_on != self.versions.ends_on();
                reach(if moves_the_end { Reach::Everything } else { Reach::From(from) });
                self.versions.push(Version {
                    event,
                    seq: named,
                    effective_from: from,
                    terms: version.terms.clone(),
                    digest: version.digest,
                    level: version.level,
                });
                for other in self.proposals.values_mut() {
                    let is_amendment = matches!(other.what, Proposed::Amendment(_));
                    if is_amendment && other.status == ProposalStatus::Pending {
                        other.status = ProposalStatus::Overtaken { seq };
                    }
                }
                self.rated.clear();
                self.group_from(from);
            }
            Proposed::Rate(rate) => {
                reach(Reach::Period(rate.period));
                let of = (rate.period, rate.currency);
                self.rated.forget_from(rate.period);
                self.rates.insert(of, rate.rate);
                self.rate_sources.insert(of, event);
            }
            Proposed::Contribution(claim) => {
                let from = claim.from;
                reach(Reach::From(from));
                self.open_contributions();
                self.group_from(from);
            }
        }
    }

    /// Assumes one more version of the terms, accepted after all others: for a what-if.
    pub(crate) fn assume(&mut self, version: Version) {
        let from = version.effective_from;
        self.versions.push(version);
        self.rated.clear();
        self.group_from(from);
    }

    /// Accepted contributions, in the order of the log.
    fn open_contributions(&mut self) {
        let mut open: Vec<(u64, OpenContribution)> = Vec::new();
        for proposal in self.proposals.values() {
            let accepted = matches!(proposal.status, ProposalStatus::Accepted { .. });
            if let (true, Proposed::Contribution(claim)) = (accepted, &proposal.what) {
                let ended = self.endings.get(&proposal.id).map(|ending| ending.on);
                let (clause, from) = (claim.clause.clone(), claim.from);
                open.push((
                    proposal.seq,
                    OpenContribution { clause, from, to: ended.or(claim.to) },
                ));
            }
        }
        open.sort_by_key(|(seq, _)| *seq);
        self.contributions = open.into_iter().map(|(_, open)| open).collect();
    }

    /// Records: a proposal was rejected or withdrawn.
    pub(crate) fn close_proposal(&mut self, id: &EventId, status: ProposalStatus) {
        if let Some(proposal) = self.proposals.get_mut(id) {
            proposal.status = status;
        }
    }

    /// Records: a contribution ended.
    pub(crate) fn end_contribution(&mut self, claim: EventId, ending: ContributionEnding) {
        let from = self.proposals.get(&claim).and_then(|proposal| match &proposal.what {
            Proposed::Contribution(claim) => Some(claim.from),
            Proposed::Amendment(_) | Proposed::Rate(_) => None,
        });
        let day = from.map_or(ending.on, |from| from.min(ending.on));
        let reach = Reach::From(day);
        self.effects.push(Effect { seq: ending.seq, event: ending.id, reach });
        self.endings.insert(claim, ending);
        self.open_contributions();
        self.group_from(day);
    }

    /// Records: a statement.
    pub(crate) fn add_statement(&mut self, record: StatementRecord) {
        let statement = &record.statement;
        for entry in &statement.entries {
            self.book(entry);
        }
        self.reassess_disputes();
        let terms = self.versions.of(statement.period);
        let due_on = terms.due_on(statement.period);
        let ended = self.versions.last_period().is_some_and(|last| statement.period >= last);
        let minimum = if ended { Amount::ZERO } else { terms.minimum_payout };
        let parties: Vec<Id> = self.versions.beneficiaries().into_iter().cloned().collect();
        for party in parties {
            let interest = statement.interest_of(&party).unwrap_or_default();
            let recouped = statement.recouped_of(&party);
            let holds = self.holds(&party);
            let account = self.accounts.entry(party.clone()).or_default();
            add(&mut account.interest, interest);
            add(&mut account.recouped, recouped);
            let balance = account.balance();
            let of_party = |entry: &Entry| {
                let found = entry.shares.iter().find(|(id, _)| *id == party);
                found.map_or(Amount::ZERO, |(_, amount)| *amount)
            };
            let queue = self.queues.entry(party.clone()).or_default();
            let mut credit = recouped;
            let shares = statement.entries.iter().map(|entry| {
                let due_on = self.versions.of(entry.period).due_on(entry.period);
                (entry.period, ItemKind::Share, due_on, of_party(entry))
            });
            let interest = (statement.period, ItemKind::Interest, due_on, interest);
            for (period, kind, due_on, amount) in shares.chain([interest]) {
                if amount.is_negative() {
                    add(&mut credit, amount.negated());
                } else if !amount.is_zero() {
                    let (interest_from, booked_by) = (None, record.seq);
                    let item =
                        OpenItem { period, kind, due_on, interest_from, open: amount, booked_by };
                    queue.push(item);
                }
            }
            queue.settle(credit, &holds);
            if balance >= minimum {
                queue.fall_due(record.seq, due_on);
            }
        }
        self.pending_interest.clear();
        self.effects.clear();
        self.statements.insert(statement.period, record);
        self.refresh_held();
    }

    fn book(&mut self, entry: &Entry) {
        let booked = self.booked.entry(entry.period).or_default();
        add(&mut booked.base, entry.base);
        for (party, amount) in &entry.shares {
            match booked.shares.iter_mut().find(|(id, _)| id == party) {
                Some((_, sum)) => add(sum, *amount),
                None => booked.shares.push((party.clone(), *amount)),
            }
            add(&mut self.accounts.entry(party.clone()).or_default().booked, *amount);
        }
    }

    /// Records: a party accepted a statement.
    pub(crate) fn accept_statement(&mut self, id: &EventId, party: Id) {
        let found = self.statements.values_mut().find(|statement| statement.id == *id);
        if let Some(statement) = found {
            statement.accepted_by.insert(party);
        }
    }

    /// Records: money was sent.
    pub(crate) fn add_payout(&mut self, record: PayoutRecord) {
        post_payout(&mut self.accounts, &record);
        self.payouts.put(record);
        self.refresh_held();
    }

    /// Records: money arrived or came back.
    pub(crate) fn settle_payout(&mut self, id: &EventId, status: PayoutStatus) {
        let Some(mut record) = self.payouts.take(id) else { return };
        unpost(&mut self.accounts, &record);
        record.status = status;
        post_payout(&mut self.accounts, &record);
        if let PayoutStatus::Confirmed { received_on, .. } = record.status {
            let Payout { to, amount, .. } = &record.payout;
            // A receipt was admitted only with interest that stays in bounds.
            let interest = self.interest_of((id, to), *amount, received_on).unwrap_or_default();
            let holds = self.holds(to);
            record.settled = self.queues.entry(to.clone()).or_default().settle(*amount, &holds);
            self.pending_interest.extend(interest);
        }
        self.payouts.put(record);
        self.refresh_held();
    }

    /// The late interest that an amount of a payout causes if it is received on a day: on each open
    /// amount that it settles after its due day. `None` past the bounds of an amount.
    pub fn interest_on(
        &self,
        id: &EventId,
        amount: Amount,
        received_on: Date,
    ) -> Option<Vec<InterestLine>> {
        let Some(record) = self.payouts.get(id) else { return Some(Vec::new()) };
        self.interest_of((id, &record.payout.to), amount, received_on)
    }

    /// Likewise, of a payout to a party.
    fn interest_of(
        &self,
        (id, to): (&EventId, &Id),
        amount: Amount,
        received_on: Date,
    ) -> Option<Vec<InterestLine>> {
        let holds = self.holds(to);
        let pieces = self.queues.get(to).cloned().unwrap_or_default().settle(amount, &holds);
        let (mut lines, mut total) = (Vec::new(), Amount::ZERO);
        for piece in pieces.into_iter().map(|piece| piece.item) {
            let late = piece.interest_from.filter(|due_on| *due_on < received_on);
            let Some(due_on) = late else { continue };
            let terms = self.versions.on(self.versions.clipped(due_on));
            let rate = terms.late_rate_on(due_on);
            let amount = interest(terms, rate, piece.open, (due_on, received_on))?;
            total = total.checked_add(amount)?;
            if !amount.is_zero() {
                lines.push(InterestLine {
                    to: to.clone(),
                    payout: *id,
                    period: piece.period,
                    principal: piece.open,
                    due_on,
                    received_on,
                    rate,
                    amount,
                });
            }
        }
        Some(lines)
    }

    /// Records: an advance was sent.
    pub(crate) fn add_advance(&mut self, record: AdvanceRecord) {
        self.advances.insert(record.id, record);
    }

    /// Records: an advance arrived, and can be recouped, or came back.
    pub(crate) fn settle_advance(&mut self, id: &EventId, status: PayoutStatus) {
        let Some(record) = self.advances.get_mut(id) else { return };
        record.status = status;
        if let PayoutStatus::Confirmed { .. } = record.status {
            let account = self.accounts.entry(record.advance.to.clone()).or_default();
            add(&mut account.advanced, record.advance.amount);
        }
    }

    /// Records: an acknowledgement.
    pub(crate) fn acknowledge(&mut self, party: Id, acknowledged: Acknowledged) {
        self.acknowledged.insert(party, acknowledged);
    }

    /// Advances sent to a party that did not come back, in transit ones included.
    pub fn advances_to(&self, party: &Id) -> Amount {
        let own = self.advances.values().filter(|record| record.advance.to == *party);
        let back = |record: &&AdvanceRecord| matches!(record.status, PayoutStatus::Returned { .. });
        sum(own.filter(|record| !back(record)).map(|record| record.advance.amount))
    }
}

impl Agreement {
    /// The late interest on a principal that was due on a day and is received on another one;
    /// zero if that is not later. `None` past the bounds of an amount.
    pub fn interest_for(
        &self,
        principal: Amount,
        (due_on, received_on): (Date, Date),
    ) -> Option<Amount> {
        if received_on <= due_on || principal.is_zero() {
            return Some(Amount::ZERO);
        }
        let terms = self.versions.on(self.versions.clipped(due_on));
        interest(terms, terms.late_rate_on(due_on), principal, (due_on, received_on))
    }
}

/// principal × rate × days / 365, from the day after the due day to the day of receipt, in minor
/// units. `None` past the bounds of an amount.
fn interest(
    terms: &Terms,
    rate: Rate,
    principal: Amount,
    (due_on, received_on): (Date, Date),
) -> Option<Amount> {
    let days = received_on.days() - due_on.days();
    let year = exact::of_amount(&principal) * exact::of_rate(&rate);
    terms.rounding.round(&(year * whole(days.into()) / whole(365)), terms.currency.minor_digits())
}

/// Posts a payout to its receiver's account, by its status.
pub(in crate::state) fn post_payout(accounts: &mut BTreeMap<Id, Account>, record: &PayoutRecord) {
    post(accounts, record, Amount::checked_add);
}

/// Takes that posting back.
pub(in crate::state) fn unpost(accounts: &mut BTreeMap<Id, Account>, record: &PayoutRecord) {
    post(accounts, record, Amount::checked_sub);
}

fn post(
    accounts: &mut BTreeMap<Id, Account>,
    record: &PayoutRecord,
    change: impl Fn(Amount, Amount) -> Option<Amount>,
) {
    let Payout { to, amount, on_account, withheld, .. } = &record.payout;
    let account = accounts.entry(to.clone()).or_default();
    let change = |sum: &mut Amount, by: Amount| *sum = change(*sum, by).unwrap_or(*sum);
    match record.status {
        PayoutStatus::InTransit => {
            change(&mut account.in_transit, *amount);
            change(&mut account.tax_in_transit, *withheld);
        }
        PayoutStatus::Confirmed { .. } => {
            change(&mut account.paid, amount.checked_sub(*on_account).unwrap_or(*amount));
            change(&mut account.on_account, *on_account);
            change(&mut account.withheld, *withheld);
        }
        PayoutStatus::Returned { .. } => {}
        PayoutStatus::Determined { figure, .. } => {
            // What did not arrive is missing from the part on account first.
            let missing = amount.checked_sub(figure).unwrap_or_default();
            let on_account = on_account.checked_sub(missing).unwrap_or_default().at_least_zero();
            change(&mut account.paid, figure.checked_sub(on_account).unwrap_or(figure));
            change(&mut account.on_account, on_account);
            if !figure.is_zero() {
                change(&mut account.withheld, *withheld);
            }
        }
    }
}
