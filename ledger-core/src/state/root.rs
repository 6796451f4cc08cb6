//! The state root, version 1: one hash over all balances and open matters
//! (`schemas/state-root.md`, field by field).

use crate::rating::group::Group;
use crate::rating::group::merge;
use crate::state::Agreement;
use crate::state::PayoutStatus;
use crate::state::State;
use crate::terms::Pay;
use crate::vocab::Amount;
use crate::vocab::Period;
use crate::vocab::StateRoot;
use crate::vocab::digest::Domain;
use crate::vocab::exact::fraction_text;

/// The version of the state root that this release writes.
pub const ROOT_VERSION: u16 = 1;

/// The state root of a state; that of an unopened ledger is all zero.
pub fn state_root(state: &State) -> StateRoot {
    match state.agreement() {
        Some(agreement) => StateRoot(Domain::StateRoot.digest(&bytes(agreement))),
        None => StateRoot::default(),
    }
}

/// The bytes that are hashed.
pub fn bytes(agreement: &Agreement) -> Vec<u8> {
    let mut out = Writer(Vec::new());
    let terms = agreement.terms();
    out.hash(agreement.ledger().bytes());
    out.hash(&agreement.terms_digest().0);
    let pending: &[_] = if agreement.is_in_force() { &[] } else { &[agreement.opening().0] };
    out.list(pending, |out, id| out.hash(id.bytes()));
    let accepted: Vec<_> = agreement.accepted().iter().collect();
    out.list(&accepted, |out, id| out.text(id.as_str()));
    let mut parties: Vec<_> = terms.parties.iter().collect();
    parties.sort_by(|a, b| a.id.cmp(&b.id));
    out.list(&parties, |out, party| {
        out.text(party.id.as_str());
        out.hash(party.key.bytes());
    });
    let missing = agreement.missing().keys().copied();
    let mut periods: Vec<Period> = agreement.reported_periods().chain(missing).collect();
    periods.sort();
    periods.dedup();
    out.list(&periods, |out, period| usage(out, agreement, *period));
    let stated: Vec<_> = agreement.statements().values().collect();
    out.list(&stated, |out, record| {
        let period = record.statement.period;
        let booked = agreement.booked(period);
        out.period(period);
        out.hash(record.id.bytes());
        out.amount(booked.base);
        out.list(&booked.shares, |out, (id, amount)| {
            out.text(id.as_str());
            out.amount(*amount);
        });
        let accepted: Vec<_> = record.accepted_by.iter().collect();
        out.list(&accepted, |out, id| out.text(id.as_str()));
    });
    out.list(&terms.beneficiaries(), |out, id| {
        let account = agreement.account(id);
        out.text(id.as_str());
        for amount in [account.booked, account.paid, account.on_account] {
            out.amount(amount);
        }
    });
    let in_transit = agreement.payouts().values();
    let in_transit: Vec<_> =
        in_transit.filter(|record| record.status == PayoutStatus::InTransit).collect();
    out.list(&in_transit, |out, record| {
        out.hash(record.id.bytes());
        out.text(record.payout.to.as_str());
        out.amount(record.payout.amount);
        out.amount(record.payout.on_account);
    });
    out.0
}

fn usage(out: &mut Writer, agreement: &Agreement, period: Period) {
    let terms = agreement.terms();
    let reports = agreement.in_effect(period);
    out.period(period);
    out.0.push(u8::from(agreement.missing().contains_key(&period)));
    let mut ids: Vec<_> = reports.iter().map(|report| report.id).collect();
    ids.sort();
    out.list(&ids, |out, id| out.hash(id.bytes()));
    out.count(reports.iter().map(|report| report.lines).sum());
    let by_rule: Vec<_> = reports.iter().map(|report| &report.by_rule).collect();
    let sums = merge(&by_rule);
    let rules: Vec<_> = terms.rules.iter().enumerate().collect();
    out.list(&rules, |out, (at, rule)| {
        let group = Group::new(terms, sums.get(at));
        let measure = match &rule.pay {
            Pay::Flat(_) => group.base.clone(),
            Pay::Tiered(tiers) => group.measure(tiers),
        };
        out.text(rule.id.as_str());
        out.text(&fraction_text(&group.base));
        out.text(&fraction_text(&measure));
    });
}

/// Writes the encoding of `schemas/log-format.md`: fixed-width little-endian numbers, counts of
/// eight bytes.
struct Writer(Vec<u8>);

impl Writer {
    fn count(&mut self, count: u64) {
        self.0.extend_from_slice(&count.to_le_bytes());
    }

    fn hash(&mut self, hash: &[u8; 32]) {
        self.0.extend_from_slice(hash);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn amount(&mut self, amount: Amount) {
        self.0.extend_from_slice(&amount.mantissa().to_le_bytes());
        self.0.push(amount.scale() as u8);
    }

    fn period(&mut self, period: Period) {
        self.0.extend_from_slice(&period.year().to_le_bytes());
        self.0.push(period.number());
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.count(items.len() as u64);
        items.iter().for_each(|item| write(self, item));
    }
}
