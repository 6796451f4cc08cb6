//! What the state keeps of disputes: claims, who has said what, what was adopted, what is held.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::dispute::ClaimedTerms;
use crate::dispute::Ground;
use crate::dispute::Target;
use crate::rating;
use crate::rating::PeriodGroups;
use crate::state::Agreement;
use crate::state::Effect;
use crate::state::Exposure;
use crate::state::PayoutPosting;
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
use crate::vocab::Problem;
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

/// What resolving a dispute changes, every value computed.
#[derive(Clone, Debug)]
pub(crate) struct Resolving {
    dispute: EventId,
    /// The respondent whose acceptance resolves it.
    accepted_by: Option<Id>,
    resolved: Resolved,
    exposure: Exposure,
    effect: Option<Effect>,
    /// What it adopts for its period.
    period: Option<Box<AdoptedPeriod>>,
    /// What its payout counted before, and what it posts now.
    payout: Option<(Option<Amount>, PayoutPosting)>,
    /// A figure per line.
    figures: Vec<(Id, Amount)>,
}

/// What a period is with what a dispute adopted.
#[derive(Clone, Debug)]
struct AdoptedPeriod {
    period: Period,
    before: BTreeMap<Id, AdoptedFigure>,
    sources: BTreeMap<Id, AdoptedFigure>,
    figures: BTreeMap<Id, Amount>,
    lines: Option<(EventId, AdoptedLines, PeriodGroups)>,
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

    /// Records: a party signed a record, and with it has seen the disputes before it.
    /// Returns whether it had not seen all of them.
    pub(crate) fn note_signature(&mut self, party: &Id, at: Timestamp) -> bool {
        let mut is_new = false;
        for dispute in self.disputes.values_mut() {
            if let Some(respondent) = dispute.respondents.get_mut(party) {
                is_new |= respondent.seen.is_none();
                respondent.seen.get_or_insert(at);
            }
        }
        is_new
    }

    /// What a respondent says.
    pub(in crate::state) fn take_stance(&mut self, id: &EventId, party: &Id, stance: Stance) {
        let dispute = self.disputes.get_mut(id);
        if let Some(respondent) = dispute.and_then(|one| one.respondents.get_mut(party)) {
            respondent.stance = respondent.stance.max(stance);
        }
    }

    /// A dispute goes to the arbiter, or is taken back.
    pub(in crate::state) fn move_dispute(&mut self, id: &EventId, status: DisputeStatus) {
        if let Some(dispute) = self.disputes.get_mut(id) {
            if matches!(status, DisputeStatus::Withdrawn { .. }) {
                dispute.figures.clear();
            }
            dispute.status = status;
        }
    }

    /// What resolving a dispute changes, with what it adopts. Errors: [`Code::Internal`].
    pub(crate) fn resolving(
        &self,
        (dispute, accepted_by): (&Dispute, Option<Id>),
        resolved: Resolved,
        (adopted, exposure): (Adopted, Exposure),
    ) -> Result<Resolving, Problem> {
        let (id, seq, event, at) = (dispute.id, resolved.seq, resolved.event, resolved.recorded_at);
        let mut resolving = Resolving {
            dispute: id,
            accepted_by,
            resolved,
            exposure,
            effect: None,
            period: None,
            payout: None,
            figures: Vec::new(),
        };
        if let Adopted::Nothing = adopted {
            return Ok(resolving);
        }
        if let Adopted::Payout { payout, figure, interest } = adopted {
            if let Some(record) = self.payouts.get(&payout) {
                let received_on = record.counted_on();
                let status = PayoutStatus::Determined { seq, at, received_on, figure };
                let posting = self.determined_posting(record, (status, figure), interest)?;
                resolving.payout = Some((record.counted(), posting));
            }
            resolving.figures = dispute.lines.iter().map(|party| (party.clone(), figure)).collect();
            return Ok(resolving);
        }
        let Some(period) = dispute.period else { return Ok(resolving) };
        resolving.effect = Some(Effect { seq, event, reach: Reach::Period(period) });
        let before = self.figure_sources.get(&period).cloned().unwrap_or_default();
        let mut sources = before.clone();
        sources.retain(|party, _| !dispute.lines.contains(party));
        let mut lines = None;
        match adopted {
            Adopted::Figures(figures) => {
                let adopted = |(party, amount)| (party, AdoptedFigure { amount, dispute: id });
                sources.extend(figures.into_iter().map(adopted));
            }
            Adopted::Lines { report, usage } => {
                let groups = self.groups_with(period, (report, &usage))?;
                lines = Some((report, AdoptedLines { usage, dispute: id }, groups));
            }
            Adopted::Nothing | Adopted::Payout { .. } => {}
        }
        let figures: BTreeMap<Id, Amount> =
            sources.iter().map(|(party, one)| (party.clone(), one.amount)).collect();
        let groups = lines.as_ref().map(|(.., groups)| groups);
        // Where a later report waits for a conversion rate, only figures are there.
        resolving.figures =
            self.amounts((period, &dispute.lines), (groups, &figures)).unwrap_or_else(|| {
                let adopted = |party: &Id| Some((party.clone(), figures.get(party).copied()?));
                dispute.lines.iter().filter_map(adopted).collect()
            });
        resolving.period =
            Some(Box::new(AdoptedPeriod { period, before, sources, figures, lines }));
        Ok(resolving)
    }

    /// What parties get for a period with these groups and adopted figures; `None` if it cannot be
    /// rated.
    fn amounts(
        &self,
        (period, parties): (Period, &[Id]),
        (groups, adopted): (Option<&PeriodGroups>, &BTreeMap<Id, Amount>),
    ) -> Option<Vec<(Id, Amount)>> {
        let mut facts = self.facts_until(period);
        let last = facts.last_mut()?;
        last.groups = groups.unwrap_or(last.groups);
        last.adopted = adopted;
        let rated = rating::rate(self.contract(), &facts).ok()?.pop()?;
        let amount = |party: &Id| Some((party.clone(), rated.share(party)?.amount));
        parties.iter().map(amount).collect()
    }

    /// A dispute is resolved, and what it adopts is a fact from now on.
    pub(in crate::state) fn resolve(&mut self, resolving: Resolving) {
        let Resolving { dispute: id, resolved, exposure, effect, figures, .. } = resolving;
        if let Some(party) = &resolving.accepted_by {
            self.take_stance(&id, party, Stance::Accepted);
        }
        self.exposure = exposure;
        self.effects.extend(effect);
        let mut before = Before::default();
        if let Some((counted, posting)) = resolving.payout {
            before.payout = counted;
            self.post_payout(posting);
        }
        if let Some(adopted) = resolving.period {
            let period = adopted.period;
            self.rated.forget_from(period);
            before.figures = adopted.before;
            self.figure_sources.insert(period, adopted.sources);
            self.adopted_figures.insert(period, adopted.figures);
            if let Some((report, lines, groups)) = adopted.lines {
                self.groups.insert(period, groups);
                before.lines = Some((report, self.adopted_lines.insert(report, lines)));
            }
        }
        if let Some(dispute) = self.disputes.get_mut(&id) {
            dispute.status = DisputeStatus::Resolved(resolved);
            dispute.figures = figures;
            dispute.before = before;
        }
    }

    /// With a statement: figures that were computed again take their place, and what was adopted is
    /// booked.
    pub(in crate::state) fn post_disputes(&mut self, figures: Vec<(EventId, Vec<(Id, Amount)>)>) {
        for (id, figures) in figures {
            if let Some(dispute) = self.disputes.get_mut(&id) {
                dispute.figures = figures;
            }
        }
        for dispute in self.disputes.values_mut() {
            if let DisputeStatus::Resolved(resolved) = &mut dispute.status
                && !resolved.posted
            {
                resolved.posted = true;
                dispute.figures.clear();
            }
        }
    }
}
