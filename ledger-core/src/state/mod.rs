//! What the facts amount to. Fields are private: only [`crate::evolve`] changes a state, through
//! the methods marked "records", each of which assumes that the fact was admitted.

pub mod records;
pub mod root;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

pub use records::Account;
pub use records::Acknowledged;
pub use records::OpenPart;
pub use records::PayoutRecord;
pub use records::PayoutStatus;
pub use records::Report;
pub use records::StatementRecord;

use crate::event::Kind;
use crate::payout::Payout;
use crate::rating::PeriodFacts;
use crate::terms::Terms;
use crate::vocab::Amount;
use crate::vocab::ContentDigest;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::LedgerId;
use crate::vocab::Period;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;

/// The state of a ledger after some record. `State::default()` is the state before record 0.
#[derive(Clone, Debug, Default)]
pub struct State {
    next_seq: u64,
    head: RecordHash,
    recorded_at: Timestamp,
    events: FxHashMap<EventId, (u64, Kind, ContentDigest)>,
    contents: FxHashMap<ContentDigest, (u64, EventId)>,
    open_parts: Vec<OpenPart>,
    agreement: Option<Box<Agreement>>,
}

/// What the facts say about an opened ledger.
#[derive(Clone, Debug)]
pub struct Agreement {
    ledger: LedgerId,
    opening: EventId,
    opening_content: ContentDigest,
    terms: Terms,
    terms_digest: Digest,
    accepted: BTreeSet<Id>,
    reports: BTreeMap<EventId, Report>,
    in_effect: BTreeMap<Period, Vec<EventId>>,
    missing: BTreeMap<Period, EventId>,
    statements: BTreeMap<Period, StatementRecord>,
    payouts: BTreeMap<EventId, PayoutRecord>,
    acknowledged: BTreeMap<Id, Acknowledged>,
    /// Sums over the statements and payouts above.
    accounts: BTreeMap<Id, Account>,
    lines: u64,
    money: u128,
}

impl State {
    /// The sequence number that the next record gets.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Hash of the last record; all zero before record 0.
    pub fn head(&self) -> RecordHash {
        self.head
    }

    /// Recorded time of the last record.
    pub fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// Sequence number and kind of an event on the log.
    pub fn event(&self, id: &EventId) -> Option<(u64, Kind)> {
        self.events.get(id).map(|(seq, kind, _)| (*seq, *kind))
    }

    /// The first event with a content, if there is one.
    pub fn content(&self, content: &ContentDigest) -> Option<(u64, EventId)> {
        self.contents.get(content).copied()
    }

    /// Every event id on the log, in no order.
    pub fn event_ids(&self) -> impl Iterator<Item = (&EventId, u64)> {
        self.events.iter().map(|(id, (seq, ..))| (id, *seq))
    }

    /// Every event on the log with its number, kind and content digest, in no order.
    pub fn events_with_contents(
        &self,
    ) -> impl Iterator<Item = (&EventId, u64, Kind, &ContentDigest)> {
        self.events.iter().map(|(id, known)| (id, known.0, known.1, &known.2))
    }

    /// Parts of a report that no event has closed yet.
    pub fn open_parts(&self) -> &[OpenPart] {
        &self.open_parts
    }

    /// What is known of the agreement, once the ledger is opened.
    pub fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_deref()
    }

    /// Records: the ledger was opened.
    pub(crate) fn open(&mut self, agreement: Agreement) {
        self.agreement = Some(Box::new(agreement));
    }

    /// Records: a part of a report.
    pub(crate) fn add_part(&mut self, part: OpenPart) {
        self.open_parts.push(part);
    }

    /// Records: the open parts belong to a report now.
    pub(crate) fn close_parts(&mut self) {
        self.open_parts.clear();
    }

    /// Records: an event took its place on the log.
    pub(crate) fn advance(
        &mut self,
        (seq, hash, at): (u64, RecordHash, Timestamp),
        (id, content, kind): (EventId, ContentDigest, Kind),
    ) {
        self.next_seq = seq + 1;
        self.head = hash;
        self.recorded_at = at;
        self.events.insert(id, (seq, kind, content));
        self.contents.entry(content).or_insert((seq, id));
    }

    /// Records: changes to the agreement.
    pub(crate) fn agreement_mut(&mut self) -> Option<&mut Agreement> {
        self.agreement.as_deref_mut()
    }
}

impl Agreement {
    /// Records: the opening, which counts as the opener's acceptance.
    pub(crate) fn new(
        ledger: LedgerId,
        (opening, opening_content): (EventId, ContentDigest),
        (terms, terms_digest): (Terms, Digest),
        opener: Id,
    ) -> Agreement {
        Agreement {
            ledger,
            opening,
            opening_content,
            terms,
            terms_digest,
            accepted: BTreeSet::from([opener]),
            reports: BTreeMap::new(),
            in_effect: BTreeMap::new(),
            missing: BTreeMap::new(),
            statements: BTreeMap::new(),
            payouts: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            accounts: BTreeMap::new(),
            lines: 0,
            money: 0,
        }
    }

    /// The ledger's id: the hash of record 0.
    pub fn ledger(&self) -> LedgerId {
        self.ledger
    }

    /// The opening event.
    pub fn opening(&self) -> (EventId, ContentDigest) {
        (self.opening, self.opening_content)
    }

    /// The terms in force.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Their digest.
    pub fn terms_digest(&self) -> Digest {
        self.terms_digest
    }

    /// The parties that accepted the ledger, sorted.
    pub fn accepted(&self) -> &BTreeSet<Id> {
        &self.accepted
    }

    /// The money parties whose acceptance of the ledger is still missing, as the terms list them.
    pub fn awaited(&self) -> Vec<&Id> {
        let money = self.terms.parties.iter().filter(|party| party.role.is_money_party());
        money.map(|party| &party.id).filter(|id| !self.accepted.contains(*id)).collect()
    }

    /// Whether every money party has accepted the ledger.
    pub fn is_in_force(&self) -> bool {
        self.awaited().is_empty()
    }

    /// A report or correction.
    pub fn report(&self, id: &EventId) -> Option<&Report> {
        self.reports.get(id)
    }

    /// Every report and correction, by event id.
    pub fn reports(&self) -> impl Iterator<Item = &Report> {
        self.reports.values()
    }

    /// The reports of a period that are in effect (the current end of each chain), in the order
    /// in which the chains began.
    pub fn in_effect(&self, period: Period) -> Vec<&Report> {
        let ids = self.in_effect.get(&period).into_iter().flatten();
        ids.filter_map(|id| self.reports.get(id)).collect()
    }

    /// The periods with a report, in order.
    pub fn reported_periods(&self) -> impl Iterator<Item = Period> {
        self.in_effect.keys().copied()
    }

    /// Whether a period has a report, a nil report included.
    pub fn is_reported(&self, period: Period) -> bool {
        self.in_effect.contains_key(&period)
    }

    /// The events that recorded a report as missing, by period.
    pub fn missing(&self) -> &BTreeMap<Period, EventId> {
        &self.missing
    }

    /// Statements by period.
    pub fn statements(&self) -> &BTreeMap<Period, StatementRecord> {
        &self.statements
    }

    /// The statement that an event issued.
    pub fn statement_of(&self, id: &EventId) -> Option<&StatementRecord> {
        self.statements.values().find(|statement| statement.id == *id)
    }

    /// The period that the next statement is for; `None` at the end of the calendar.
    pub fn next_to_state(&self) -> Option<Period> {
        match self.statements.last_key_value() {
            Some((last, _)) => last.next(),
            None => Some(self.terms.first_period()),
        }
    }

    /// Payouts by event id.
    pub fn payouts(&self) -> &BTreeMap<EventId, PayoutRecord> {
        &self.payouts
    }

    /// The last acknowledgement of each party.
    pub fn acknowledged(&self) -> &BTreeMap<Id, Acknowledged> {
        &self.acknowledged
    }

    /// The number of lines that were ever reported.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The sum of the absolute sums of money ever reported, in units of 10^-12.
    pub fn money(&self) -> u128 {
        self.money
    }

    /// What is booked for a period: base, and per beneficiary; all statements together.
    pub fn booked(&self, period: Period) -> Booked {
        let beneficiaries = self.terms.beneficiaries();
        let mut booked = Booked {
            base: Amount::ZERO,
            shares: beneficiaries.into_iter().map(|id| (id.clone(), Amount::ZERO)).collect(),
        };
        let entries = self.statements.values().flat_map(|record| &record.statement.entries);
        for entry in entries.filter(|entry| entry.period == period) {
            // Statements were admitted only with sums that stay in bounds.
            booked.base = booked.base.checked_add(entry.base).unwrap_or(booked.base);
            for (id, amount) in &entry.shares {
                if let Some((_, sum)) = booked.shares.iter_mut().find(|(party, _)| party == id) {
                    *sum = sum.checked_add(*amount).unwrap_or(*sum);
                }
            }
        }
        booked
    }

    /// A beneficiary's account.
    pub fn account(&self, party: &Id) -> Account {
        self.accounts.get(party).copied().unwrap_or_default()
    }

    /// The facts of all periods from the first of the agreement to `last`, for rating.
    pub fn facts_until(&self, last: Period) -> Vec<PeriodFacts<'_>> {
        let mut facts = Vec::new();
        let mut next = Some(self.terms.first_period());
        while let Some(period) = next.filter(|period| *period <= last) {
            let reports = self.in_effect(period).into_iter().map(|report| &report.by_rule);
            facts.push(PeriodFacts { period, reports: reports.collect() });
            next = period.next();
        }
        facts
    }

    /// Records: a party accepted the ledger.
    pub(crate) fn accept(&mut self, party: Id) {
        self.accepted.insert(party);
    }

    /// Records: a report, or a correction that takes the place of what it corrects.
    pub(crate) fn add_report(&mut self, report: Report, money: u128) {
        self.lines += report.lines;
        self.money += money;
        let in_effect = self.in_effect.entry(report.period).or_default();
        let replaced = report.corrects.and_then(|id| in_effect.iter().position(|r| *r == id));
        match replaced {
            Some(at) => in_effect[at] = report.id,
            None => in_effect.push(report.id),
        }
        if let Some(old) = report.corrects.and_then(|id| self.reports.get_mut(&id)) {
            old.corrected_by = Some(report.id);
        }
        self.reports.insert(report.id, report);
    }

    /// Records: a report is missing.
    pub(crate) fn add_missing(&mut self, period: Period, id: EventId) {
        self.missing.insert(period, id);
    }

    /// Records: a statement.
    pub(crate) fn add_statement(&mut self, record: StatementRecord) {
        for entry in &record.statement.entries {
            for (party, amount) in &entry.shares {
                let account = self.accounts.entry(party.clone()).or_default();
                add(&mut account.booked, *amount);
            }
        }
        self.statements.insert(record.statement.period, record);
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
        post(&mut self.accounts, &record, Amount::checked_add);
        self.payouts.insert(record.id, record);
    }

    /// Records: money arrived or came back.
    pub(crate) fn settle_payout(&mut self, id: &EventId, status: PayoutStatus) {
        if let Some(record) = self.payouts.get_mut(id) {
            post(&mut self.accounts, record, Amount::checked_sub);
            record.status = status;
            post(&mut self.accounts, record, Amount::checked_add);
        }
    }

    /// Records: an acknowledgement.
    pub(crate) fn acknowledge(&mut self, party: Id, acknowledged: Acknowledged) {
        self.acknowledged.insert(party, acknowledged);
    }

    /// The day from which everything payable is paid, however small.
    pub fn ends_on(&self) -> Option<Date> {
        self.terms.ends_on
    }
}

fn add(sum: &mut Amount, amount: Amount) {
    // Statements and payouts were admitted only with sums that stay in bounds.
    *sum = sum.checked_add(amount).unwrap_or(*sum);
}

/// Posts a payout to its receiver's account, or takes the posting back, by its status.
fn post(
    accounts: &mut BTreeMap<Id, Account>,
    record: &PayoutRecord,
    change: impl Fn(Amount, Amount) -> Option<Amount>,
) {
    let Payout { to, amount, on_account, .. } = &record.payout;
    let account = accounts.entry(to.clone()).or_default();
    let change = |sum: &mut Amount, by: Amount| *sum = change(*sum, by).unwrap_or(*sum);
    match record.status {
        PayoutStatus::InTransit => change(&mut account.in_transit, *amount),
        PayoutStatus::Confirmed { .. } => {
            change(&mut account.paid, amount.checked_sub(*on_account).unwrap_or(*amount));
            change(&mut account.on_account, *on_account);
        }
        PayoutStatus::Returned { .. } => {}
    }
}

/// What is booked for a period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Booked {
    /// The base.
    pub base: Amount,
    /// Per beneficiary, sorted.
    pub shares: Vec<(Id, Amount)>,
}
