//! What the state keeps of disputes: claims, who has said what, what was adopted, what is held.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::dispute::ClaimedTerms;
use crate::dispute::Ground;
use crate::dispute::Target;
use crate::state::Agreement;
use crate::state::Effect;
use crate::state::PayoutRecord;
use crate::state::PayoutStatus;
use crate::state::Reach;
use crate::statement::InterestLine;
use crate::terms::DisputeWindows;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Text;
use crate::vocab::Timestamp;

/// A dispute on the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dispute {
    /// The event that opened it.
    pub id: EventId,
    /// Its place on the log.
    pub seq: u64,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who opened it.
    pub claimant: Id,
    /// What it is about.
    pub target: Target,
    /// The period that it is about; none if it is about a payout.
    pub period: Option<Period>,
    /// What should have been.
    pub claim: ClaimFacts,
    /// Why.
    pub basis: Text,
    /// Commitments to evidence that its opening names.
    pub evidence: Vec<Digest>,
    /// Why it is heard although it is late, or its line was resolved.
    pub ground: Option<Ground>,
    /// The dispute that it reopens.
    pub reopens: Option<EventId>,
    /// The beneficiaries whose amounts are disputed, sorted: with the period or the payout, its
    /// lines.
    pub lines: Vec<Id>,
    /// Who answers, and what they have said.
    pub respondents: BTreeMap<Id, Respondent>,
    /// The deadlines, if the terms set any.
    pub windows: Option<DisputeWindows>,
    /// A figure per line, sorted by party: what is claimed or was adopted. None once a statement
    /// has posted what was adopted, or if nothing was.
    pub figures: Vec<(Id, Amount)>,
    /// What has become of it.
    pub status: DisputeStatus,
    /// What held for its lines before something was adopted.
    pub before: Before,
}

/// A claim as the state keeps it: lines as their sums.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ClaimFacts {
    /// A figure per party, sorted by party.
    Figures(Vec<(Id, Amount)>),
    /// Other lines in the place of a report's.
    Report {
        /// The report or correction that is replaced, or what corrects it.
        replaces: EventId,
        /// Their exact sums; empty for a nil report.
        usage: UsageSums,
    },
    /// Other terms.
    Terms(Box<ClaimedTerms>),
}

/// A party that answers a claim.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Respondent {
    /// What it has said.
    pub stance: Stance,
    /// When it signed its first record after the opening: its deadline runs from there.
    pub seen: Option<Timestamp>,
}

/// What a respondent has said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum Stance {
    /// Nothing.
    #[default]
    Silent,
    /// An answer.
    Responded,
    /// That the claim is right.
    Accepted,
}

/// What has become of a dispute.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DisputeStatus {
    /// It waits for the respondents.
    Open,
    /// It waits for the arbiter.
    Escalated {
        /// The escalation's place on the log.
        seq: u64,
    },
    /// It is over.
    Resolved(Resolved),
    /// The claimant took it back.
    Withdrawn {
        /// The withdrawal's place on the log.
        seq: u64,
        /// Why.
        reason: Text,
    },
}

/// How a dispute ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resolved {
    /// The place on the log of the event that resolved it.
    pub seq: u64,
    /// That event.
    pub event: EventId,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// How.
    pub how: Resolution,
    /// What was adopted.
    pub adopted: AdoptedKind,
    /// Whether a statement has posted since.
    pub posted: bool,
}

/// The ways in which a dispute is resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Resolution {
    /// Every respondent accepted the claim.
    Accepted,
    /// Silence accepted it.
    ByDefault,
    /// All parties of the dispute signed a settlement.
    Settled,
    /// The arbiter decided.
    Determined,
}

/// What a resolution adopted, in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AdoptedKind {
    /// Nothing: the recorded figures stand.
    Nothing,
    /// Figures for lines.
    Figures,
    /// Lines in the place of a report's.
    Lines,
    /// What a payout counts.
    Payout,
}

/// What a resolution adopts.
#[derive(Clone, Debug)]
pub enum Adopted {
    /// Nothing: the recorded figures stand.
    Nothing,
    /// Figures of the dispute's period, by party.
    Figures(Vec<(Id, Amount)>),
    /// Lines in the place of those of a report in effect.
    Lines {
        /// The report.
        report: EventId,
        /// The lines' exact sums.
        usage: UsageSums,
    },
    /// What a payout counts.
    Payout {
        /// The payout.
        payout: EventId,
        /// How much was received.
        figure: Amount,
        /// The late interest that this makes.
        interest: Vec<InterestLine>,
    },
}

/// Lines that a dispute adopted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AdoptedLines {
    /// Their exact sums.
    pub usage: UsageSums,
    /// The dispute.
    pub dispute: EventId,
}

/// A figure that a dispute adopted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AdoptedFigure {
    /// What the party gets.
    pub amount: Amount,
    /// The dispute.
    pub dispute: EventId,
}

/// What held for a dispute's lines before something was adopted: what a view without it needs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Before {
    /// Adopted figures of the period, of every party.
    pub figures: BTreeMap<Id, AdoptedFigure>,
    /// The report whose lines were replaced, with lines that were adopted for it before.
    pub lines: Option<(EventId, Option<AdoptedLines>)>,
    /// What the payout counted.
    pub payout: Option<Amount>,
}

/// A file of evidence, by its commitment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// The event that named it first, and its place on the log.
    pub named_by: (EventId, u64),
    /// The party that named it first.
    pub party: Id,
    /// The event that it is about: the one that named it, unless that only attached it.
    pub about: EventId,
    /// What it is, if that was said.
    pub note: Option<Text>,
    /// The record that says that it was erased, and why.
    pub erased: Option<(u64, Text)>,
}

impl Dispute {
    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        matches!(self.status, DisputeStatus::Open | DisputeStatus::Escalated { .. })
    }

    /// Whether it holds something back: while it goes on, and until what it adopted is posted.
    pub fn holds(&self) -> bool {
        match &self.status {
            DisputeStatus::Resolved(resolved) => !resolved.posted,
            DisputeStatus::Withdrawn { .. } => false,
            DisputeStatus::Open | DisputeStatus::Escalated { .. } => true,
        }
    }

    /// The payout that it is about.
    pub fn payout(&self) -> Option<EventId> {
        match self.target {
            Target::Payout(payout) => Some(payout),
            _ => None,
        }
    }

    /// The parties of the dispute, the claimant first.
    pub fn parties(&self) -> impl Iterator<Item = &Id> {
        std::iter::once(&self.claimant).chain(self.respondents.keys())
    }

    /// Whether a party is one of the dispute.
    pub fn is_party(&self, party: &Id) -> bool {
        self.claimant == *party || self.respondents.contains_key(party)
    }

    /// The last day on which a respondent is in time; none while it has signed nothing since, or
    /// if the terms set no deadline.
    pub fn answer_due_on(&self, party: &Id) -> Option<Date> {
        let seen = self.respondents.get(party)?.seen?;
        Some(seen.date().plus_days(i32::from(self.windows?.response_days)))
    }

    /// Whether a respondent was silent on a day, and past its deadline.
    pub fn is_past(&self, party: &Id, day: Date) -> bool {
        let silent = self.respondents.get(party).is_some_and(|one| one.stance == Stance::Silent);
        silent && self.answer_due_on(party).is_some_and(|due| day > due)
    }

    /// The figure of a party.
    pub fn figure(&self, party: &Id) -> Option<Amount> {
        self.figures.iter().find(|(id, _)| id == party).map(|(_, amount)| *amount)
    }

    /// Whether it has a line in common with a period, or a payout, and parties.
    pub fn shares_line(
        &self,
        (period, payout): (Option<Period>, Option<EventId>),
        parties: &[Id],
    ) -> bool {
        (self.period, self.payout()) == (period, payout)
            && self.lines.iter().any(|party| parties.contains(party))
    }
}

impl AdoptedKind {
    /// Of what is adopted.
    pub fn of(adopted: &Adopted) -> AdoptedKind {
        match adopted {
            Adopted::Nothing => AdoptedKind::Nothing,
            Adopted::Figures(_) => AdoptedKind::Figures,
            Adopted::Lines { .. } => AdoptedKind::Lines,
            Adopted::Payout { .. } => AdoptedKind::Payout,
        }
    }
}

impl PayoutRecord {
    /// What it counts as received; none while it is in transit.
    pub fn counted(&self) -> Option<Amount> {
        match self.status {
            PayoutStatus::InTransit => None,
            PayoutStatus::Confirmed { .. } => Some(self.payout.amount),
            PayoutStatus::Returned { .. } => Some(Amount::ZERO),
            PayoutStatus::Determined { figure, .. } => Some(figure),
        }
    }

    /// The day from which it counts: that of its receipt, otherwise that on which it was sent.
    pub fn counted_on(&self) -> Date {
        match self.status {
            PayoutStatus::Confirmed { received_on, .. }
            | PayoutStatus::Determined { received_on, .. } => received_on,
            PayoutStatus::InTransit | PayoutStatus::Returned { .. } => self.payout.sent_on,
        }
    }
}

impl Agreement {
    /// Every dispute, by the event that opened it.
    pub fn disputes(&self) -> &BTreeMap<EventId, Dispute> {
        &self.disputes
    }

    /// Every commitment to evidence on the log.
    pub fn evidence(&self) -> &BTreeMap<Digest, EvidenceRecord> {
        &self.evidence
    }

    /// Lines that a dispute adopted for a report.
    pub fn adopted_lines(&self, report: &EventId) -> Option<&AdoptedLines> {
        self.adopted_lines.get(report)
    }

    /// The figure that a dispute adopted for a period and party.
    pub fn adopted_figure(&self, period: Period, party: &Id) -> Option<AdoptedFigure> {
        self.figure_sources.get(&period)?.get(party).copied()
    }

    /// Records: a dispute.
    pub(crate) fn add_dispute(&mut self, dispute: Dispute) {
        self.disputes.insert(dispute.id, dispute);
        self.refresh_held();
    }

    /// Records: a party signed a record, and with it has seen the disputes before it.
    pub(crate) fn note_signature(&mut self, party: &Id, at: Timestamp) {
        for dispute in self.disputes.values_mut() {
            if let Some(respondent) = dispute.respondents.get_mut(party) {
                respondent.seen.get_or_insert(at);
            }
        }
    }

    /// Records: what a respondent says.
    pub(crate) fn take_stance(&mut self, id: &EventId, party: &Id, stance: Stance) {
        let dispute = self.disputes.get_mut(id);
        if let Some(respondent) = dispute.and_then(|one| one.respondents.get_mut(party)) {
            respondent.stance = respondent.stance.max(stance);
        }
    }

    /// Records: a dispute goes to the arbiter, or is taken back.
    pub(crate) fn set_dispute(&mut self, id: &EventId, status: DisputeStatus) {
        if let Some(dispute) = self.disputes.get_mut(id) {
            if matches!(status, DisputeStatus::Withdrawn { .. }) {
                dispute.figures.clear();
            }
            dispute.status = status;
        }
        self.refresh_held();
    }

    /// Records: a dispute is resolved, and what it adopts is a fact from now on.
    pub(crate) fn resolve(&mut self, id: &EventId, resolved: Resolved, adopted: Adopted) {
        let Some(mut dispute) = self.disputes.remove(id) else { return };
        let currency = self.terms().currency;
        self.exposure.add_adopted(currency, &adopted);
        let is_adopted = !matches!(adopted, Adopted::Nothing);
        let (seq, event, at) = (resolved.seq, resolved.event, resolved.recorded_at);
        dispute.status = DisputeStatus::Resolved(resolved);
        dispute.figures.clear();
        if let (true, Some(period)) = (is_adopted, dispute.period) {
            let sources = self.figure_sources.entry(period).or_default();
            dispute.before.figures = sources.clone();
            sources.retain(|party, _| !dispute.lines.contains(party));
            self.effects.push(Effect { seq, event, reach: Reach::Period(period) });
        }
        match adopted {
            Adopted::Nothing => {}
            Adopted::Figures(figures) => {
                if let Some(period) = dispute.period {
                    let sources = self.figure_sources.entry(period).or_default();
                    for (party, amount) in figures {
                        sources.insert(party, AdoptedFigure { amount, dispute: *id });
                    }
                }
            }
            Adopted::Lines { report, usage } => {
                let lines = AdoptedLines { usage, dispute: *id };
                let before = self.adopted_lines.insert(report, lines);
                dispute.before.lines = Some((report, before));
                if let Some(period) = dispute.period {
                    self.group_again(period);
                }
            }
            Adopted::Payout { payout, figure, interest } => {
                dispute.before.payout = self.payouts.get(&payout).and_then(|one| one.counted());
                dispute.figures =
                    dispute.lines.iter().map(|party| (party.clone(), figure)).collect();
                self.count_payout(&payout, (seq, at, figure), interest);
            }
        }
        if let (true, Some(period)) = (is_adopted, dispute.period) {
            self.gather_figures(period);
            let adopted = |party: &Id| {
                Some((party.clone(), self.adopted_figures(period).get(party).copied()?))
            };
            // Where a later report waits for a conversion rate, only figures are known.
            dispute.figures = self
                .amounts(period, &dispute.lines)
                .unwrap_or_else(|| dispute.lines.iter().filter_map(adopted).collect());
        }
        self.disputes.insert(*id, dispute);
        self.refresh_held();
    }

    /// The figures that rating reads, from those that were adopted.
    fn gather_figures(&mut self, period: Period) {
        let sources = self.figure_sources.get(&period);
        let figures = sources.into_iter().flatten().map(|(id, one)| (id.clone(), one.amount));
        self.rated.forget_from(period);
        self.adopted_figures.insert(period, figures.collect());
    }

    /// What parties get for a period, from the facts known now; `None` if it cannot be rated.
    fn amounts(&self, period: Period, parties: &[Id]) -> Option<Vec<(Id, Amount)>> {
        let rated = self.rate_over(&super::Overlay::default(), period).ok()?.pop()?;
        let amount = |party: &Id| Some((party.clone(), rated.share(party)?.amount));
        parties.iter().map(amount).collect()
    }

    /// Records: a payout counts another amount than what was sent.
    fn count_payout(
        &mut self,
        id: &EventId,
        (seq, at, figure): (u64, Timestamp, Amount),
        interest: Vec<InterestLine>,
    ) {
        let Some(mut record) = self.payouts.take(id) else { return };
        let counted = record.counted().unwrap_or_default();
        let received_on = record.counted_on();
        super::changes::unpost(&mut self.accounts, &record);
        record.status = PayoutStatus::Determined { seq, at, received_on, figure };
        super::changes::post_payout(&mut self.accounts, &record);
        let holds = self.holds(&record.payout.to);
        let queue = self.queues.entry(record.payout.to.clone()).or_default();
        let more = figure.checked_sub(counted).unwrap_or_default();
        if more.is_negative() {
            queue.reopen(more.negated(), &mut record.settled, received_on);
        } else {
            record.settled.extend(queue.settle(more, &holds));
        }
        self.pending_interest.extend(interest);
        self.payouts.put(record);
    }

    /// With a statement, after it has booked its entries: figures are computed again, and what was
    /// adopted is booked.
    pub(in crate::state) fn reassess_disputes(&mut self) {
        let holding: Vec<EventId> =
            self.disputes.values().filter(|one| one.holds()).map(|one| one.id).collect();
        for id in holding {
            let Some(mut dispute) = self.disputes.remove(&id) else { continue };
            if let DisputeStatus::Resolved(resolved) = &mut dispute.status {
                resolved.posted = true;
                dispute.figures.clear();
            } else if let (Some(period), ClaimFacts::Report { .. } | ClaimFacts::Terms(_)) =
                (dispute.period, &dispute.claim)
                && let overlay = self.overlay(&dispute.claim, (period, &dispute.lines))
                && let Ok(rated) = self.rate_over(&overlay, period)
                && let Some(rating) = rated.last()
            {
                for (party, figure) in &mut dispute.figures {
                    *figure = rating.share(party).map_or(*figure, |share| share.amount);
                }
            }
            self.disputes.insert(id, dispute);
        }
    }

    /// Records: commitments to evidence that an event names.
    pub(crate) fn name_evidence(&mut self, commitments: &[Digest], record: &EvidenceRecord) {
        for commitment in commitments {
            self.evidence.entry(*commitment).or_insert_with(|| record.clone());
        }
    }

    /// Records: a file of evidence was erased.
    pub(crate) fn erase_evidence(&mut self, commitment: &Digest, seq: u64, reason: Text) {
        if let Some(record) = self.evidence.get_mut(commitment) {
            record.erased = Some((seq, reason));
        }
    }
}
