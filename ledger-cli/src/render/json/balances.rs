//! Balances as JSON.

use revshare_core::view::balances;
use schemars::JsonSchema;
use serde::Serialize;

use crate::render::json::At;
use crate::render::json::money;

/// `balances`.
#[derive(Serialize, JsonSchema)]
pub struct BalancesDocument {
    /// The point of the log.
    pub at: At,
    /// Settlement currency of every amount.
    pub currency: String,
    /// Beneficiaries, sorted.
    pub beneficiaries: Vec<BalanceDocument>,
    /// The collector.
    pub collector: Option<CollectorDocument>,
}

/// A beneficiary's balance.
#[derive(Serialize, JsonSchema)]
pub struct BalanceDocument {
    /// The beneficiary.
    pub party: String,
    /// Posted by statements.
    pub booked: String,
    /// Late interest posted by statements.
    pub interest: String,
    /// Kept back by statements against advances, less what was given back.
    pub recouped: String,
    /// Received, without what was sent on account; withheld tax included.
    pub paid: String,
    /// Sent, neither confirmed nor returned.
    pub in_transit: String,
    /// Received on account: a credit against later statements.
    pub on_account: String,
    /// What disputes hold of it.
    pub held: String,
    /// What may be paid out now: booked + interest − recouped − paid − on account − in transit −
    /// held; negative when more was paid than is booked.
    pub payable: String,
    /// What open disputes claim above what is booked or counted; it is not owed.
    pub claimed_above: String,
    /// Advances received.
    pub advanced: String,
    /// Advances received and not yet recouped.
    pub unrecouped: String,
    /// Tax withheld from, or borne on top of, confirmed payouts.
    pub withheld: String,
    /// Late interest that the next statement posts.
    pub pending_interest: String,
    /// Late interest that statements posted and that is open, over all periods: neither credit nor
    /// payouts have settled it, and payouts in transit would not settle it either (see `open`).
    pub open_interest: String,
    /// By period.
    pub periods: Vec<PeriodBalanceDocument>,
}

/// A beneficiary's period.
#[derive(Serialize, JsonSchema)]
pub struct PeriodBalanceDocument {
    /// The period.
    pub period: String,
    /// The day on which it is due.
    pub due_on: String,
    /// Booked, all statements together.
    pub booked: String,
    /// What is open of the shares of the period, without interest, once the full amounts of all
    /// payouts in transit are taken as received: what neither credit, recoupments, negative entries
    /// nor payouts settle. A credit below zero is filled first, then the oldest due date is
    /// settled first, what is held last. Over all periods, with `open_interest` and less the credit
    /// that is left, it is `payable` + `held`.
    pub open: String,
    /// The part of what is open that disputes hold.
    pub held: String,
}

/// What the collector earned and keeps.
#[derive(Serialize, JsonSchema)]
pub struct CollectorDocument {
    /// The collector.
    pub party: String,
    /// The base of all stated periods.
    pub base: String,
    /// The base minus what is booked to the others.
    pub keep: String,
    /// By period.
    pub periods: Vec<CollectorPeriodDocument>,
}

/// The collector's period.
#[derive(Serialize, JsonSchema)]
pub struct CollectorPeriodDocument {
    /// The period.
    pub period: String,
    /// Its base.
    pub base: String,
    /// Its base minus what is booked to the others.
    pub keep: String,
}

impl BalancesDocument {
    /// Balances as JSON.
    pub fn of(balances: &balances::Balances, at: At) -> BalancesDocument {
        let text = |amount| money(amount, balances.currency);
        let beneficiary = |balance: &balances::Balance| BalanceDocument {
            party: balance.party.to_string(),
            booked: text(balance.account.booked),
            interest: text(balance.account.interest),
            recouped: text(balance.account.recouped),
            paid: text(balance.account.paid),
            in_transit: text(balance.account.in_transit),
            on_account: text(balance.account.on_account),
            held: text(balance.held),
            payable: text(balance.payable),
            claimed_above: text(balance.claimed_above),
            advanced: text(balance.account.advanced),
            unrecouped: text(balance.unrecouped),
            withheld: text(balance.account.withheld),
            pending_interest: text(balance.pending_interest),
            open_interest: text(balance.open_interest),
            periods: balance
                .periods
                .iter()
                .map(|period| PeriodBalanceDocument {
                    period: period.period.to_string(),
                    due_on: period.due_on.to_string(),
                    booked: text(period.booked),
                    open: text(period.open),
                    held: text(period.held),
                })
                .collect(),
        };
        let collector = |collector: &balances::CollectorBalance| CollectorDocument {
            party: collector.party.to_string(),
            base: text(collector.base),
            keep: text(collector.keep),
            periods: collector
                .periods
                .iter()
                .map(|period| CollectorPeriodDocument {
                    period: period.period.to_string(),
                    base: text(period.base),
                    keep: text(period.keep),
                })
                .collect(),
        };
        BalancesDocument {
            at,
            currency: balances.currency.to_string(),
            beneficiaries: balances.beneficiaries.iter().map(beneficiary).collect(),
            collector: balances.collector.as_ref().map(collector),
        }
    }
}
