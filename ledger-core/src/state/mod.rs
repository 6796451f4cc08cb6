//! What the facts amount to. Fields are private: only [`crate::evolve`] changes a state, through
//! a [`Change`] in which every value is computed.

pub mod records;
pub mod queue;
pub mod events;
pub mod payouts;
pub mod disputes;
mod held;
pub mod overlay;
mod exposure;
mod apply;
mod posting;
pub mod root;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

pub(crate) use apply::*;
pub use disputes::*;
pub use events::EventRow;
pub use events::Events;
pub use exposure::Exposure;
pub use overlay::Overlay;
pub use overlay::Unassumable;
pub use payouts::Payouts;
pub(crate) use posting::*;
pub use queue::ItemKind;
pub use queue::OpenItem;
pub use queue::Queue;
pub use records::*;

use serde::Deserialize;
use serde::Serialize;

use crate::event::Kind;
use crate::event::TermsVersion;
use crate::rating::Contract;
use crate::rating::ConversionRates;
use crate::rating::NOTHING_ADOPTED;
use crate::rating::PeriodFacts;
use crate::rating::PeriodGroups;
use crate::rating::Rated;
use crate::rating::group::OpenContribution;
use crate::rating::group::Unrated;
use crate::state::queue::PendingInterest;
use crate::state::root::RootMemo;
use crate::statement::InterestLine;
use crate::terms::Terms;
use crate::terms::Version;
use crate::terms::Versions;
use crate::usage::LineKey;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::ContentDigest;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::LedgerId;
use crate::vocab::Level;
use crate::vocab::Period;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;

/// The state of a ledger after some record. `State::default()` is the state before record 0.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    next_seq: u64,
    head: RecordHash,
    recorded_at: Timestamp,
    events: Events,
    // A state in the middle of a report is not written into a snapshot.
    #[serde(skip)]
    open_parts: Vec<OpenPart>,
    /// Exact sums of the lines of all open parts together.
    #[serde(skip)]
    open_usage: UsageSums,
    agreement: Option<Box<Agreement>>,
    #[serde(skip)]
    root: RootMemo,
}

/// What the facts say about an opened ledger.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agreement {
    ledger: LedgerId,
    opening: EventId,
    opening_content: ContentDigest,
    opened_at: Level,
    versions: Versions,
    accepted: BTreeSet<Id>,
    proposals: BTreeMap<EventId, Proposal>,
    endings: BTreeMap<EventId, ContributionEnding>,
    rates: ConversionRates,
    rate_sources: BTreeMap<(Period, Currency), EventId>,
    reports: BTreeMap<EventId, Report>,
    in_effect: BTreeMap<Period, Vec<EventId>>,
    missing: BTreeMap<Period, EventId>,
    statements: BTreeMap<Period, StatementRecord>,
    payouts: Payouts,
    advances: BTreeMap<EventId, AdvanceRecord>,
    acknowledged: BTreeMap<Id, Acknowledged>,
    disputes: BTreeMap<EventId, Dispute>,
    adopted_lines: BTreeMap<EventId, AdoptedLines>,
    figure_sources: BTreeMap<Period, BTreeMap<Id, AdoptedFigure>>,
    evidence: BTreeMap<Digest, EvidenceRecord>,
    exposure: Exposure,
    // What follows from the facts above, kept because it is asked for again and again.
    contributions: Vec<OpenContribution>,
    groups: BTreeMap<Period, PeriodGroups>,
    adopted_figures: BTreeMap<Period, BTreeMap<Id, Amount>>,
    booked: BTreeMap<Period, Booked>,
    accounts: BTreeMap<Id, Account>,
    queues: BTreeMap<Id, Queue>,
    pending_interest: PendingInterest,
    effects: Vec<Effect>,
    /// The periods that were stated, rated by the facts above.
    #[serde(skip)]
    rated: Rated,
}

/// No usage at all.
static NO_GROUPS: PeriodGroups = PeriodGroups::new();

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
        self.events.by_id(id).map(|row| (row.seq, row.kind))
    }

    /// The last event with a content, if there is one.
    pub fn content(&self, content: &ContentDigest) -> Option<(u64, EventId)> {
        self.events.by_content(content).map(|row| (row.seq, row.id))
    }

    /// Every event on the log, in its order.
    pub fn events(&self) -> impl Iterator<Item = EventRow> {
        self.events.iter()
    }

    /// The event of a record.
    pub fn event_at(&self, seq: u64) -> Option<EventRow> {
        self.events.at(seq)
    }

    /// Parts of a report that no event has closed yet.
    pub fn open_parts(&self) -> &[OpenPart] {
        &self.open_parts
    }

    /// Exact sums of the lines of all open parts together.
    pub fn open_usage(&self) -> &UsageSums {
        &self.open_usage
    }

    /// What is known of the agreement, once the ledger is opened.
    pub fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_deref()
    }

    /// Takes a part of a report with these sums.
    fn add_part(&mut self, part: OpenPart, usage: UsageSums) {
        self.open_parts.push(part);
        self.open_usage.append(usage);
    }

    /// Closes the open parts; returns the sums of their lines.
    pub(crate) fn take_parts(&mut self) -> UsageSums {
        self.open_parts.clear();
        self.open_usage.merge();
        std::mem::take(&mut self.open_usage)
    }

    /// Takes an event's place on the log.
    pub(crate) fn advance(
        &mut self,
        (seq, hash, at): (u64, RecordHash, Timestamp),
        (id, content, kind): (EventId, ContentDigest, Kind),
    ) {
        self.next_seq = seq.saturating_add(1);
        self.head = hash;
        self.recorded_at = at;
        self.events.insert(EventRow { id, content, seq, kind });
    }

    /// Rates the periods that are stated, unless that was done: a restored state does not have the
    /// ratings, and the next statement follows on them.
    pub(crate) fn rate_stated(&mut self) {
        if let Some(agreement) = self.agreement_mut() {
            agreement.rate_stated();
        }
    }

    /// The agreement, to apply a change to it.
    pub(crate) fn agreement_mut(&mut self) -> Option<&mut Agreement> {
        self.root = RootMemo::default();
        self.agreement.as_deref_mut()
    }

    /// Applies what no state root shows, or shows seldom: an acknowledgement, names of evidence, and
    /// that a party has signed something.
    pub(crate) fn change_beside_root(&mut self, change: impl FnOnce(&mut Agreement) -> bool) {
        if self.agreement.as_deref_mut().is_some_and(change) {
            self.root = RootMemo::default();
        }
    }
}

impl Agreement {
    /// The agreement that an opening makes, which counts as the opener's acceptance.
    pub(crate) fn new(
        ledger: LedgerId,
        (opening, opening_content): (EventId, ContentDigest),
        version: TermsVersion,
        opener: Id,
    ) -> Agreement {
        Agreement {
            ledger,
            opening,
            opening_content,
            opened_at: version.level,
            versions: Versions::new(Version {
                event: opening,
                seq: 0,
                effective_from: version.terms.starts_on,
                terms: version.terms,
                digest: version.digest,
                level: version.level,
            }),
            accepted: BTreeSet::from([opener]),
            proposals: BTreeMap::new(),
            endings: BTreeMap::new(),
            rates: ConversionRates::new(),
            rate_sources: BTreeMap::new(),
            reports: BTreeMap::new(),
            in_effect: BTreeMap::new(),
            missing: BTreeMap::new(),
            statements: BTreeMap::new(),
            payouts: Payouts::default(),
            advances: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            disputes: BTreeMap::new(),
            adopted_lines: BTreeMap::new(),
            figure_sources: BTreeMap::new(),
            evidence: BTreeMap::new(),
            exposure: Exposure::default(),
            contributions: Vec::new(),
            groups: BTreeMap::new(),
            adopted_figures: BTreeMap::new(),
            booked: BTreeMap::new(),
            accounts: BTreeMap::new(),
            queues: BTreeMap::new(),
            pending_interest: Vec::new(),
            effects: Vec::new(),
            rated: Rated::default(),
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

    /// The format level that the ledger was opened with: every record names it.
    pub fn opened_at(&self) -> Level {
        self.opened_at
    }

    /// The format level that holds now: that of the ledger, or of amended terms.
    pub fn level(&self) -> Level {
        self.versions.iter().map(|version| version.level).max().unwrap_or_default()
    }

    /// Every accepted version of the terms.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// The version of the terms that was accepted last.
    pub fn terms(&self) -> &Terms {
        &self.versions.last().terms
    }

    /// Its digest.
    pub fn terms_digest(&self) -> Digest {
        self.versions.last().digest
    }

    /// The parties that accepted the ledger, sorted.
    pub fn accepted(&self) -> &BTreeSet<Id> {
        &self.accepted
    }

    /// The money parties whose acceptance of the ledger is still missing, as the terms list them.
    pub fn awaited(&self) -> Vec<&Id> {
        let parties = self.versions.first().terms.parties.iter();
        let money = parties.filter(|party| party.role.is_money_party());
        money.map(|party| &party.id).filter(|id| !self.accepted.contains(*id)).collect()
    }

    /// Whether every money party has accepted the ledger.
    pub fn is_in_force(&self) -> bool {
        self.awaited().is_empty()
    }

    /// Amendments, conversion rates and contributions that were proposed, by event id.
    pub fn proposals(&self) -> &BTreeMap<EventId, Proposal> {
        &self.proposals
    }

    /// The ends of contributions, by their claim.
    pub fn endings(&self) -> &BTreeMap<EventId, ContributionEnding> {
        &self.endings
    }

    /// Accepted contributions as rating sees them, in the order in which they were accepted.
    pub fn contributions(&self) -> &[OpenContribution] {
        &self.contributions
    }

    /// Agreed conversion rates.
    pub fn rates(&self) -> &ConversionRates {
        &self.rates
    }

    /// The proposal that an agreed conversion rate comes from.
    pub fn rate_source(&self, period: Period, currency: Currency) -> Option<EventId> {
        self.rate_sources.get(&(period, currency)).copied()
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

    /// The first of them.
    pub fn first_in_effect(&self, period: Period) -> Option<&Report> {
        self.in_effect.get(&period).and_then(|ids| self.reports.get(ids.first()?))
    }

    /// The periods with a report, in order.
    pub fn reported_periods(&self) -> impl DoubleEndedIterator<Item = Period> {
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
            None => Some(self.versions.first_period()),
        }
    }

    /// Payouts.
    pub fn payouts(&self) -> &Payouts {
        &self.payouts
    }

    /// Advances by event id.
    pub fn advances(&self) -> &BTreeMap<EventId, AdvanceRecord> {
        &self.advances
    }

    /// The last acknowledgement of each party.
    pub fn acknowledged(&self) -> &BTreeMap<Id, Acknowledged> {
        &self.acknowledged
    }

    /// What was ever reported, in absolute sums.
    pub fn exposure(&self) -> &Exposure {
        &self.exposure
    }

    /// What is booked for a period: base, and per beneficiary of the ledger; all statements
    /// together.
    pub fn booked(&self, period: Period) -> Booked {
        let known = self.booked.get(&period);
        let share =
            |id: &Id| (id.clone(), known.map_or(Amount::ZERO, |booked| booked.share_of(id)));
        Booked {
            base: known.map_or(Amount::ZERO, |booked| booked.base),
            shares: self.versions.beneficiaries().into_iter().map(share).collect(),
        }
    }

    /// A beneficiary's account.
    pub fn account(&self, party: &Id) -> Account {
        self.accounts.get(party).copied().unwrap_or_default()
    }

    /// A beneficiary's open items, by due date; `None` if it never had one.
    pub fn queue(&self, party: &Id) -> Option<&Queue> {
        self.queues.get(party)
    }

    /// Late interest that the next statement posts.
    pub fn pending_interest(&self) -> &[InterestLine] {
        &self.pending_interest
    }

    /// What took effect since the last statement, in the order in which it did.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// What holds between the parties, for rating.
    pub fn contract(&self) -> Contract<'_> {
        Contract { versions: &self.versions, rates: &self.rates }
    }

    /// The groups that a period's lines in effect fall into.
    pub fn groups(&self, period: Period) -> &PeriodGroups {
        self.groups.get(&period).unwrap_or(&NO_GROUPS)
    }

    /// The groups of every period that has some.
    pub fn all_groups(&self) -> impl Iterator<Item = (Period, &PeriodGroups)> {
        self.groups.iter().map(|(period, groups)| (*period, groups))
    }

    /// Figures that disputes adopted for a period.
    pub fn adopted_figures(&self, period: Period) -> &BTreeMap<Id, Amount> {
        self.adopted_figures.get(&period).unwrap_or(&NOTHING_ADOPTED)
    }

    /// The periods that were stated, as far as nothing has moved them since; rated from the facts.
    pub fn rated(&self) -> &Rated {
        &self.rated
    }

    /// The facts of all periods from the first of the agreement to `last`, for rating.
    pub fn facts_until(&self, last: Period) -> Vec<PeriodFacts<'_>> {
        let mut facts = Vec::new();
        let mut next = Some(self.versions.first_period());
        while let Some(period) = next.filter(|period| *period <= last) {
            let (groups, adopted) = (self.groups(period), self.adopted_figures(period));
            facts.push(PeriodFacts { period, groups, adopted });
            next = period.next();
        }
        facts
    }

    /// The groups of a period under given versions and contributions, from the lines in effect.
    /// `Err` holds the report with a line that cannot be rated, the line, and why.
    pub fn group_under<'a>(
        &'a self,
        versions: &'a Versions,
        contributions: &'a [OpenContribution],
        period: Period,
    ) -> Result<PeriodGroups, (&'a Report, LineKey, Unrated)> {
        self.group_over((versions, contributions), &|_| None, period)
    }

    /// The day from which everything payable is paid, however small.
    pub fn ends_on(&self) -> Option<Date> {
        self.versions.ends_on()
    }
}

/// What is booked for a period.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Booked {
    /// The base.
    pub base: Amount,
    /// Per beneficiary, sorted.
    pub shares: Vec<(Id, Amount)>,
}
