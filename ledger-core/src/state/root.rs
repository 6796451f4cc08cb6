//! The state root: one hash over all balances and open matters (`schemas/state-root.md`, field by
//! field). Version 1 is that of ledgers of format level 1; later versions never replace it.

use std::fmt;
use std::sync::OnceLock;

use crate::rating::PeriodGroups;
use crate::rating::group::Group;
use crate::rating::group::GroupKey;
use crate::rating::group::GroupSums;
use crate::state::Agreement;
use crate::state::Dispute;
use crate::state::DisputeStatus;
use crate::state::ItemKind;
use crate::state::PayoutStatus;
use crate::state::ProposalStatus;
use crate::state::Proposed;
use crate::state::Stance;
use crate::state::State;
use crate::statement::InterestLine;
use crate::terms::Pay;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Level;
use crate::vocab::OutOfBounds;
use crate::vocab::Period;
use crate::vocab::StateRoot;
use crate::vocab::digest::Domain;
use crate::vocab::exact::Sum;
use crate::vocab::exact::fraction_text;
use crate::vocab::to_u64;

/// The version of the state root that statements and acknowledgements name at a format level.
pub fn version(level: Level) -> u16 {
    match level {
        Level::One => 1,
        Level::Two => 2,
    }
}

/// The version of the state root that a state has.
pub fn version_of(state: &State) -> u16 {
    version(state.agreement().map_or(Level::LATEST, Agreement::level))
}

/// The state root of a state, in the version of its format level; that of an unopened ledger is
/// all zero. Errors: [`OutOfBounds`] for a sum of what is held.
pub fn state_root(state: &State) -> Result<StateRoot, OutOfBounds> {
    let Some(agreement) = state.agreement() else { return Ok(StateRoot::default()) };
    if let Some(root) = state.root.0.get() {
        debug_assert!(
            agreement.payouts().in_transit().nth(20).is_some() || Ok(*root) == root_of(agreement)
        );
        return Ok(*root);
    }
    let root = root_of(agreement)?;
    Ok(*state.root.0.get_or_init(|| root))
}

fn root_of(agreement: &Agreement) -> Result<StateRoot, OutOfBounds> {
    Ok(StateRoot(match agreement.level() {
        Level::One => Domain::StateRoot.digest(&bytes_1(agreement)),
        Level::Two => Domain::StateRoot2.digest(&bytes_2(agreement)?),
    }))
}

/// The root of a state, once it was asked for; until something changes that it shows.
#[derive(Clone, Default)]
pub(in crate::state) struct RootMemo(OnceLock<StateRoot>);

/// Whether it was asked for is of no interest.
impl fmt::Debug for RootMemo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootMemo")
    }
}

/// The bytes that version 1 hashes.
fn bytes_1(agreement: &Agreement) -> Vec<u8> {
    let mut out = Writer(Vec::new());
    out.hash(agreement.ledger().bytes());
    out.hash(&agreement.terms_digest().0);
    out.list(&pending(agreement), |out, (id, _)| out.hash(id.bytes()));
    opening(&mut out, agreement);
    out.list(&periods(agreement), |out, period| usage_1(out, agreement, *period));
    stated(&mut out, agreement);
    out.list(&agreement.versions().beneficiaries(), |out, id| {
        let account = agreement.account(id);
        out.text(id.as_str());
        for amount in [account.booked, account.paid, account.on_account] {
            out.amount(amount);
        }
    });
    let in_transit: Vec<_> = agreement.payouts().in_transit().collect();
    out.list(&in_transit, |out, record| {
        out.hash(record.id.bytes());
        out.text(record.payout.to.as_str());
        out.amount(record.payout.amount);
        out.amount(record.payout.on_account);
    });
    out.0
}

/// The bytes that version 2 hashes.
fn bytes_2(agreement: &Agreement) -> Result<Vec<u8>, OutOfBounds> {
    let mut out = Writer(Vec::new());
    out.hash(agreement.ledger().bytes());
    let versions: Vec<_> = agreement.versions().iter().collect();
    out.list(&versions, |out, version| {
        out.hash(version.event.bytes());
        out.day(version.effective_from);
        out.hash(&version.digest.0);
    });
    out.list(&pending(agreement), |out, (id, accepted)| {
        out.hash(id.bytes());
        out.list(accepted, |out, id| out.text(id.as_str()));
    });
    opening(&mut out, agreement);
    let rates: Vec<_> = agreement.rates().iter().collect();
    out.list(&rates, |out, ((period, currency), rate)| {
        out.period(*period);
        out.currency(*currency);
        out.amount(**rate);
        let source = agreement.rate_source(*period, *currency);
        out.hash(source.unwrap_or_default().bytes());
    });
    contributions(&mut out, agreement);
    out.list(&periods(agreement), |out, period| usage_2(out, agreement, *period));
    stated(&mut out, agreement);
    let beneficiaries = agreement.versions().beneficiaries();
    let held = |id: &Id| agreement.held(id).map(|(_, held)| held);
    let accounts = beneficiaries.iter().map(|id| Ok((*id, agreement.account(id), held(id)?)));
    out.list(&accounts.collect::<Result<Vec<_>, _>>()?, |out, (id, account, held)| {
        out.text(id.as_str());
        let sums = [account.booked, account.interest, account.recouped, account.advanced];
        let sums = sums.into_iter().chain([account.paid, account.on_account, account.withheld]);
        for amount in sums.chain([*held]) {
            out.amount(amount);
        }
    });
    out.list(&beneficiaries, |out, id| {
        out.text(id.as_str());
        let queue = agreement.queue(id);
        out.amount(queue.map_or(Amount::ZERO, |queue| queue.credit()));
        out.list(queue.map_or(&[], |queue| queue.items()), |out, item| {
            out.period(item.period);
            out.0.push(u8::from(item.kind == ItemKind::Interest));
            out.day(item.due_on);
            out.option(item.interest_from, Writer::day);
            out.amount(item.open);
        });
    });
    out.list(agreement.pending_interest(), interest);
    in_transit(&mut out, agreement);
    let disputes: Vec<&Dispute> = agreement.disputes().values().collect();
    out.list(&disputes, |out, dispute| write_dispute(out, dispute));
    Ok(out.0)
}

/// What waits for an acceptance, by event id: the opening, and proposals; with who accepted.
fn pending(agreement: &Agreement) -> Vec<(EventId, Vec<&Id>)> {
    let mut pending: Vec<(EventId, Vec<&Id>)> = agreement
        .proposals()
        .values()
        .filter(|proposal| proposal.status == ProposalStatus::Pending)
        .map(|proposal| (proposal.id, proposal.accepted_by.iter().collect()))
        .collect();
    if !agreement.is_in_force() {
        pending.push((agreement.opening().0, agreement.accepted().iter().collect()));
    }
    pending.sort();
    pending
}

/// The parties that accepted the opening, and everybody's key.
fn opening(out: &mut Writer, agreement: &Agreement) {
    let accepted: Vec<_> = agreement.accepted().iter().collect();
    out.list(&accepted, |out, id| out.text(id.as_str()));
    let parties: Vec<_> = agreement.versions().parties().into_values().collect();
    out.list(&parties, |out, party| {
        out.text(party.id.as_str());
        out.hash(party.key.bytes());
    });
}

/// Every period with a report or a recorded absence.
fn periods(agreement: &Agreement) -> Vec<Period> {
    let missing = agreement.missing().keys().copied();
    let mut periods: Vec<Period> = agreement.reported_periods().chain(missing).collect();
    periods.sort();
    periods.dedup();
    periods
}

/// What both versions say about the reports of a period.
fn reports(out: &mut Writer, agreement: &Agreement, period: Period) {
    let reports = agreement.in_effect(period);
    out.period(period);
    out.0.push(u8::from(agreement.missing().contains_key(&period)));
    let mut ids: Vec<_> = reports.iter().map(|report| report.id).collect();
    ids.sort();
    out.list(&ids, |out, id| out.hash(id.bytes()));
    let lines = reports.iter().map(|report| match agreement.adopted_lines(&report.id) {
        Some(adopted) => adopted.usage.lines(),
        None => report.lines,
    });
    out.count(lines.fold(0, u64::saturating_add));
}

fn usage_1(out: &mut Writer, agreement: &Agreement, period: Period) {
    let terms = agreement.terms();
    reports(out, agreement, period);
    let groups = agreement.groups(period);
    let none = GroupSums::default();
    let rules: Vec<_> = terms.rules.iter().enumerate().collect();
    out.list(&rules, |out, (rule, of)| {
        // At level 1 all lines of a rule are one group: one version, no modifiers, one currency.
        let (currency, modifiers) = (terms.currency, Vec::new());
        let key = GroupKey { stretch: 0, rule: *rule, currency, modifiers };
        let sums = groups.get(&key).unwrap_or(&none);
        let group = Group::new(terms, (currency, &[]), sums, None);
        let measure = match &of.pay {
            Pay::Flat(_) => group.base.clone(),
            Pay::Tiered(tiers) => group.measure(tiers),
        };
        out.text(of.id.as_str());
        out.text(&fraction_text(&group.base));
        out.text(&fraction_text(&measure));
    });
}

#[expect(clippy::as_conversions, reason = "an agreement has far fewer versions than 2^32")]
fn usage_2(out: &mut Writer, agreement: &Agreement, period: Period) {
    reports(out, agreement, period);
    let stretches = agreement.versions().stretches(period);
    let groups: &PeriodGroups = agreement.groups(period);
    let groups: Vec<_> = groups.iter().collect();
    out.list(&groups, |out, (key, sums)| {
        let version = stretches.get(key.stretch).map_or(0, |stretch| stretch.version);
        let terms = &agreement.versions().get(version).terms;
        let group = Group::new(terms, (key.currency, &key.modifiers), sums, None);
        out.0.extend_from_slice(&(key.stretch as u32).to_le_bytes());
        out.text(terms.rules.get(key.rule).map_or("", |rule| rule.id.as_str()));
        out.currency(key.currency);
        out.list(&key.modifiers, |out, id| out.text(id.as_str()));
        out.text(&fraction_text(&group.base));
        let is_there = |(_, sum): &&(_, Sum)| !sum.is_zero();
        let meters: Vec<_> = sums.lines.meters.iter().filter(is_there).collect();
        out.list(&meters, |out, (name, sum)| {
            out.text(name.as_str());
            out.text(&fraction_text(&sum.exact()));
        });
    });
}

fn stated(out: &mut Writer, agreement: &Agreement) {
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
}

fn write_dispute(out: &mut Writer, dispute: &Dispute) {
    out.hash(dispute.id.bytes());
    out.text(dispute.claimant.as_str());
    out.option(dispute.period, Writer::period);
    out.0.push(match &dispute.status {
        DisputeStatus::Open => 0,
        DisputeStatus::Escalated { .. } => 1,
        DisputeStatus::Resolved(resolved) if !resolved.posted => 2,
        DisputeStatus::Resolved(_) => 3,
        DisputeStatus::Withdrawn { .. } => 4,
    });
    let respondents: Vec<_> = dispute.respondents.iter().collect();
    out.list(&respondents, |out, (party, respondent)| {
        out.text(party.as_str());
        out.0.push(match respondent.stance {
            Stance::Silent => 0,
            Stance::Responded => 1,
            Stance::Accepted => 2,
        });
        out.option(respondent.seen, |out, at| {
            out.0.extend_from_slice(&at.micros().to_le_bytes());
        });
    });
    out.list(&dispute.figures, |out, (party, figure)| {
        out.text(party.as_str());
        out.amount(*figure);
    });
}

fn contributions(out: &mut Writer, agreement: &Agreement) {
    let mut accepted = Vec::new();
    for proposal in agreement.proposals().values() {
        let is_accepted = matches!(proposal.status, ProposalStatus::Accepted { .. });
        if let (true, Proposed::Contribution(claim)) = (is_accepted, &proposal.what) {
            let ended = agreement.endings().get(&proposal.id).map(|ending| ending.on);
            accepted.push((proposal.id, claim, ended.or(claim.to)));
        }
    }
    out.list(&accepted, |out, (id, claim, to)| {
        out.hash(id.bytes());
        out.text(claim.clause.as_str());
        out.day(claim.from);
        out.option(*to, Writer::day);
    });
}

fn interest(out: &mut Writer, line: &InterestLine) {
    out.text(line.to.as_str());
    out.hash(line.payout.bytes());
    out.period(line.period);
    out.amount(line.principal);
    out.day(line.due_on);
    out.day(line.received_on);
    out.decimal(line.rate.mantissa(), line.rate.scale());
    out.amount(line.amount);
}

fn in_transit(out: &mut Writer, agreement: &Agreement) {
    let zero = Amount::ZERO;
    let mut open = Vec::new();
    for record in agreement.payouts().in_transit() {
        let payout = &record.payout;
        let amounts = [payout.amount, payout.on_account, payout.withheld];
        open.push((record.id, 0, payout.to.clone(), amounts));
    }
    let advances = agreement.advances().values();
    for record in advances.filter(|record| record.status == PayoutStatus::InTransit) {
        let amounts = [record.advance.amount, zero, zero];
        open.push((record.id, 1, record.advance.to.clone(), amounts));
    }
    open.sort_by_key(|(id, ..)| *id);
    out.list(&open, |out, (id, what, to, amounts)| {
        out.hash(id.bytes());
        out.0.push(*what);
        out.text(to.as_str());
        amounts.iter().for_each(|amount| out.amount(*amount));
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
        self.count(to_u64(text.len()));
        self.0.extend_from_slice(text.as_bytes());
    }

    #[expect(clippy::as_conversions, reason = "a scale is at most 12")]
    fn decimal(&mut self, mantissa: i128, scale: u32) {
        self.0.extend_from_slice(&mantissa.to_le_bytes());
        self.0.push(scale as u8);
    }

    fn amount(&mut self, amount: Amount) {
        self.decimal(amount.mantissa(), amount.scale());
    }

    fn currency(&mut self, currency: Currency) {
        self.0.extend_from_slice(&currency.bytes());
    }

    fn day(&mut self, day: Date) {
        self.0.extend_from_slice(&day.days().to_le_bytes());
    }

    fn period(&mut self, period: Period) {
        self.0.extend_from_slice(&period.year().to_le_bytes());
        self.0.push(period.number());
    }

    fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.count(to_u64(items.len()));
        items.iter().for_each(|item| write(self, item));
    }
}
