//! Changes: what a judged event changes in the state. Every value was computed while the event was
//! judged, so that applying cannot fail.

use crate::rating::PeriodGroups;
use crate::rating::RatedPeriods;
use crate::rating::group::Grouping;
use crate::rating::group::OpenContribution;
use crate::rating::group::Unrated;
use crate::state::Acknowledged;
use crate::state::AdvanceRecord;
use crate::state::Agreement;
use crate::state::ContributionEnding;
use crate::state::Dispute;
use crate::state::DisputeStatus;
use crate::state::Effect;
use crate::state::EvidenceRecord;
use crate::state::Exposure;
use crate::state::OpenPart;
use crate::state::Proposal;
use crate::state::ProposalStatus;
use crate::state::Proposed;
use crate::state::Reach;
use crate::state::Report;
use crate::state::Stance;
use crate::state::State;
use crate::state::disputes::Resolving;
use crate::state::posting::AdvancePosting;
use crate::state::posting::PayoutPosting;
use crate::state::posting::StatementPosting;
use crate::terms::Version;
use crate::terms::Versions;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Text;

/// Change: what an event makes of the state, every value computed.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Nothing: the event only takes its place.
    Nothing,
    /// The ledger is opened.
    Open(Box<Agreement>),
    /// A party accepts the ledger.
    Accept(Id),
    /// A part of a report, with the sums of its lines.
    Part(Box<(OpenPart, UsageSums)>),
    /// A report or a correction.
    Report(Box<ReportChange>),
    /// A report is missing.
    Missing(Period, EventId),
    /// A statement.
    Statement(Box<StatementPosting>),
    /// A party accepts the statement of a period.
    AcceptStatement(Period, Id),
    /// A payout is sent, confirmed or returned.
    Payout(Box<PayoutPosting>),
    /// An advance is sent.
    AdvanceSent(Box<AdvanceRecord>),
    /// An advance is confirmed or returned.
    Advance(Box<AdvancePosting>),
    /// A party acknowledges the head.
    Acknowledge(Id, Acknowledged),
    /// A proposal, with its effect if nobody else has to accept it.
    Propose(Box<(Proposal, Option<Effective>)>),
    /// A party accepts a proposal, with its effect if it was the last.
    AcceptProposal(EventId, Id, Option<Box<Effective>>),
    /// A proposal is rejected or withdrawn.
    CloseProposal(EventId, ProposalStatus),
    /// A contribution ends.
    EndContribution(Box<EndedContribution>),
    /// A dispute is opened.
    OpenDispute(Box<Dispute>),
    /// A respondent says something.
    Stance(EventId, Id, Stance),
    /// A dispute goes to the arbiter, or is taken back.
    MoveDispute(EventId, DisputeStatus),
    /// A dispute is resolved.
    Resolve(Box<Resolving>),
    /// A file of evidence is erased.
    EraseEvidence(Digest, u64, Text),
}

/// A report, with what it makes of the groups of its period.
#[derive(Clone, Debug)]
pub(crate) struct ReportChange {
    /// The report; its sums are in `lines`.
    pub(crate) report: Report,
    /// The sums of its lines; `None` if they are those of the open parts.
    pub(crate) lines: Option<UsageSums>,
    /// What was ever reported, with it.
    pub(crate) exposure: Exposure,
    /// The groups of its lines, or those of its period.
    pub(crate) groups: GroupChange,
}

/// Groups that a report adds to those of its period, or puts in their place.
#[derive(Clone, Debug)]
pub(crate) enum GroupChange {
    /// The groups that it has lines in.
    Some(PeriodGroups),
    /// All groups of the period.
    All(PeriodGroups),
}

/// Groups of periods that are summed again.
pub(in crate::state) type Regrouped = Vec<(Period, PeriodGroups)>;

/// What takes effect with the last acceptance of a proposal.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    /// The record of the last acceptance.
    seq: u64,
    effect: Effect,
    what: InEffect,
    groups: Regrouped,
}

#[derive(Clone, Debug)]
enum InEffect {
    Version(Box<Version>),
    Rate((Period, Currency), Amount),
    Contributions(Vec<OpenContribution>),
}

/// The end of a contribution, with what holds from then on.
#[derive(Clone, Debug)]
pub(crate) struct EndedContribution {
    claim: EventId,
    ending: ContributionEnding,
    effect: Effect,
    contributions: Vec<OpenContribution>,
    groups: Regrouped,
}

/// A line on the log that cannot be rated, although every line was admitted because it can.
fn cannot_be_rated(why: Unrated) -> Problem {
    Problem::new(Code::Internal, format!("an admitted line cannot be rated: {why:?}"))
        .hint("nothing was recorded; please report this with the log")
}

impl Agreement {
    /// The groups of a period that a report has lines in, with these lines. Errors:
    /// [`Code::Internal`] for a line that was not admitted.
    pub(crate) fn groups_with_more(
        &self,
        period: Period,
        lines: &UsageSums,
    ) -> Result<PeriodGroups, Problem> {
        let mut groups = PeriodGroups::new();
        let grouping = Grouping::new(&self.versions, &self.contributions, period);
        grouping.add(&mut groups, lines).map_err(|(_, why)| cannot_be_rated(why))?;
        let before = self.groups(period);
        for (key, sums) in &mut groups {
            before.get(key).map_or(Ok(()), |before| sums.add(before))?;
        }
        Ok(groups)
    }

    /// The groups of a period with other lines in the place of a report's. Errors: those of
    /// [`Agreement::groups_with_more`].
    pub(crate) fn groups_with(
        &self,
        period: Period,
        (report, lines): (EventId, &UsageSums),
    ) -> Result<PeriodGroups, Problem> {
        let by = (&self.versions, &self.contributions[..]);
        let other = |id: &EventId| (*id == report).then_some(lines);
        self.group_over(by, &other, period).map_err(|(_, _, why)| cannot_be_rated(why))
    }

    /// The groups of the periods that reach a day or a later one, under other versions and
    /// contributions.
    fn regrouped(
        &self,
        by: (&Versions, &[OpenContribution]),
        day: Date,
    ) -> Result<Regrouped, Problem> {
        let touched = self.reported_periods().filter(|period| period.last_day() >= day);
        let regroup = |period| match self.group_over(by, &|_| None, period) {
            Ok(groups) => Ok((period, groups)),
            Err((_, _, why)) => Err(cannot_be_rated(why)),
        };
        touched.map(regroup).collect()
    }

    /// What takes effect when a proposal is accepted by everybody, with record `seq`.
    pub(crate) fn effective(&self, proposal: &Proposal, seq: u64) -> Result<Effective, Problem> {
        let (event, named) = (proposal.id, proposal.seq);
        let (reach, what, groups) = match &proposal.what {
            Proposed::Amendment(amendment) => {
                let version = Version {
                    event,
                    seq: named,
                    effective_from: amendment.effective_from,
                    terms: amendment.version.terms.clone(),
                    digest: amendment.version.digest,
                    level: amendment.version.level,
                };
                let from = version.effective_from;
                let moves_the_end = version.terms.ends_on != self.versions.ends_on();
                let reach = if moves_the_end { Reach::Everything } else { Reach::From(from) };
                let groups = self.regrouped_by(&version)?;
                (reach, InEffect::Version(Box::new(version)), groups)
            }
            Proposed::Rate(rate) => {
                let of = (rate.period, rate.currency);
                (Reach::Period(rate.period), InEffect::Rate(of, rate.rate), Vec::new())
            }
            Proposed::Contribution(claim) => {
                let open = self.contributions_with(Some(proposal), None);
                let groups = self.regrouped((&self.versions, &open), claim.from)?;
                (Reach::From(claim.from), InEffect::Contributions(open), groups)
            }
        };
        Ok(Effective { seq, effect: Effect { seq: named, event, reach }, what, groups })
    }

    fn regrouped_by(&self, version: &Version) -> Result<Regrouped, Problem> {
        let mut versions = self.versions.clone();
        versions.push(version.clone());
        self.regrouped((&versions, &self.contributions), version.effective_from)
    }

    /// What the end of a contribution changes.
    pub(crate) fn ended_contribution(
        &self,
        claim: EventId,
        ending: ContributionEnding,
    ) -> Result<EndedContribution, Problem> {
        let from = self.proposals.get(&claim).and_then(|proposal| match &proposal.what {
            Proposed::Contribution(claim) => Some(claim.from),
            Proposed::Amendment(_) | Proposed::Rate(_) => None,
        });
        let day = from.map_or(ending.on, |from| from.min(ending.on));
        let effect = Effect { seq: ending.seq, event: ending.id, reach: Reach::From(day) };
        let contributions = self.contributions_with(None, Some((claim, ending.on)));
        let groups = self.regrouped((&self.versions, &contributions), day)?;
        Ok(EndedContribution { claim, ending, effect, contributions, groups })
    }

    /// Accepted contributions in the order of the log, with one that is accepted now, and one that
    /// ends on a day.
    fn contributions_with(
        &self,
        accepted: Option<&Proposal>,
        ended: Option<(EventId, Date)>,
    ) -> Vec<OpenContribution> {
        let before = self.proposals.values().filter(|proposal| {
            matches!(proposal.status, ProposalStatus::Accepted { .. })
                && accepted.is_none_or(|accepted| accepted.id != proposal.id)
        });
        let mut open: Vec<(u64, OpenContribution)> = Vec::new();
        for proposal in before.chain(accepted) {
            let Proposed::Contribution(claim) = &proposal.what else { continue };
            let on = match ended.filter(|(id, _)| *id == proposal.id) {
                Some((_, on)) => Some(on),
                None => self.endings.get(&proposal.id).map(|ending| ending.on),
            };
            let (clause, from) = (claim.clause.clone(), claim.from);
            open.push((proposal.seq, OpenContribution { clause, from, to: on.or(claim.to) }));
        }
        open.sort_by_key(|(seq, _)| *seq);
        open.into_iter().map(|(_, open)| open).collect()
    }

    /// Assumes one more version of the terms, accepted after all others: for a what-if. Errors:
    /// lines that these terms cannot rate; then nothing is assumed.
    pub(crate) fn assume(&mut self, version: Version) -> Result<(), Problem> {
        let groups = self.regrouped_by(&version)?;
        self.versions.push(version);
        self.rated.clear();
        self.put_groups(groups);
        Ok(())
    }

    /// Keeps the ratings of the periods that are stated, which a restored state does not have.
    pub(crate) fn rate_stated(&mut self) {
        let Some(last) = self.statements.last_key_value().map(|(period, _)| *period) else {
            return;
        };
        let facts = self.facts_until(last);
        let more = facts.get(self.rated.periods()..).unwrap_or_default();
        // They can be rated, or they would not have been stated; if not, judging says why.
        if let Ok(more) = self.rated.rate_on(self.contract(), more) {
            self.rated.append(more);
        }
    }

    /// The ratings of the periods up to `last` that [`Agreement::rated`] does not have.
    pub(crate) fn rate_more(
        &self,
        last: Period,
    ) -> Result<(usize, RatedPeriods), crate::rating::Unratable> {
        let facts = self.facts_until(last);
        let rated = self.rated.periods().min(facts.len());
        let more = facts.get(rated..).unwrap_or_default();
        Ok((rated, self.rated.rate_on(self.contract(), more)?))
    }

    fn put_groups(&mut self, groups: Regrouped) {
        for (period, groups) in groups {
            self.rated.forget_from(period);
            self.groups.insert(period, groups);
        }
    }
}

impl State {
    /// Applies a change.
    pub(crate) fn change(&mut self, change: Change) {
        match change {
            Change::Nothing => {}
            Change::Open(agreement) => self.agreement = Some(agreement),
            Change::Part(part) => self.add_part(part.0, part.1),
            Change::Report(change) => {
                let ReportChange { report, lines, exposure, groups } = *change;
                let parts = self.take_parts();
                let report = Report { usage: lines.unwrap_or(parts), ..report };
                if let Some(agreement) = self.agreement_mut() {
                    agreement.exposure = exposure;
                    agreement.put_report(report, groups);
                }
            }
            Change::Acknowledge(party, acknowledged) => self.change_beside_root(|agreement| {
                agreement.acknowledged.insert(party, acknowledged);
                false
            }),
            // Everything else is about an agreement, which judging has found.
            change => {
                if let Some(agreement) = self.agreement_mut() {
                    agreement.change(change);
                }
            }
        }
    }
}

impl Agreement {
    fn change(&mut self, change: Change) {
        match change {
            Change::Nothing | Change::Open(_) | Change::Part(_) | Change::Report(_) => {}
            Change::Acknowledge(..) => {}
            Change::Accept(party) => {
                self.accepted.insert(party);
            }
            Change::Missing(period, id) => {
                self.missing.insert(period, id);
            }
            Change::Statement(posting) => self.post_statement(*posting),
            Change::AcceptStatement(period, party) => {
                if let Some(statement) = self.statements.get_mut(&period) {
                    statement.accepted_by.insert(party);
                }
            }
            Change::Payout(posting) => self.post_payout(*posting),
            Change::AdvanceSent(record) => {
                self.advances.insert(record.id, *record);
            }
            Change::Advance(posting) => {
                let AdvancePosting { record, account } = *posting;
                self.accounts.extend(account.map(|account| (record.advance.to.clone(), account)));
                self.advances.insert(record.id, record);
            }
            Change::Propose(proposed) => {
                let (proposal, effective) = *proposed;
                if let Proposed::Rate(rate) = &proposal.what {
                    self.exposure.add_rate(rate);
                }
                let id = proposal.id;
                self.proposals.insert(id, proposal);
                self.take_effect(&id, effective);
            }
            Change::AcceptProposal(id, party, effective) => {
                if let Some(proposal) = self.proposals.get_mut(&id) {
                    proposal.accepted_by.insert(party);
                }
                self.take_effect(&id, effective.map(|effective| *effective));
            }
            Change::CloseProposal(id, status) => {
                if let Some(proposal) = self.proposals.get_mut(&id) {
                    proposal.status = status;
                }
            }
            Change::EndContribution(ended) => {
                let EndedContribution { claim, ending, effect, contributions, groups } = *ended;
                self.effects.push(effect);
                self.endings.insert(claim, ending);
                self.contributions = contributions;
                self.put_groups(groups);
            }
            Change::OpenDispute(dispute) => {
                self.disputes.insert(dispute.id, *dispute);
            }
            Change::Stance(id, party, stance) => self.take_stance(&id, &party, stance),
            Change::MoveDispute(id, status) => self.move_dispute(&id, status),
            Change::Resolve(resolving) => self.resolve(*resolving),
            Change::EraseEvidence(commitment, seq, reason) => {
                if let Some(record) = self.evidence.get_mut(&commitment) {
                    record.erased = Some((seq, reason));
                }
            }
        }
    }

    fn put_report(&mut self, report: Report, groups: GroupChange) {
        let (id, period) = (report.id, report.period);
        self.effects.push(Effect { seq: report.seq, event: id, reach: Reach::Period(period) });
        let in_effect = self.in_effect.entry(period).or_default();
        let mut replaced = in_effect.iter_mut().filter(|one| report.corrects == Some(**one));
        match replaced.next() {
            Some(replaced) => *replaced = id,
            None => in_effect.push(id),
        }
        if let Some(old) = report.corrects.and_then(|id| self.reports.get_mut(&id)) {
            old.corrected_by = Some(id);
        }
        self.reports.insert(id, report);
        self.rated.forget_from(period);
        match groups {
            GroupChange::Some(groups) => self.groups.entry(period).or_default().extend(groups),
            GroupChange::All(groups) => {
                self.groups.insert(period, groups);
            }
        }
    }

    fn take_effect(&mut self, id: &EventId, effective: Option<Effective>) {
        let Some(Effective { seq, effect, what, groups }) = effective else { return };
        if let Some(proposal) = self.proposals.get_mut(id) {
            proposal.status = ProposalStatus::Accepted { seq };
        }
        self.effects.push(effect);
        match what {
            InEffect::Version(version) => {
                self.versions.push(*version);
                for other in self.proposals.values_mut() {
                    let is_amendment = matches!(other.what, Proposed::Amendment(_));
                    if is_amendment && other.status == ProposalStatus::Pending {
                        other.status = ProposalStatus::Overtaken { seq };
                    }
                }
                self.rated.clear();
            }
            InEffect::Rate(of, rate) => {
                self.rated.forget_from(of.0);
                self.rates.insert(of, rate);
                self.rate_sources.insert(of, *id);
            }
            InEffect::Contributions(open) => self.contributions = open,
        }
        self.put_groups(groups);
    }

    fn post_statement(&mut self, posting: StatementPosting) {
        let StatementPosting { record, rated, booked, accounts, queues, figures } = posting;
        self.booked.extend(booked);
        self.accounts.extend(accounts);
        self.queues.extend(queues);
        self.post_disputes(figures);
        self.pending_interest.clear();
        self.effects.clear();
        self.rated.append(rated);
        self.statements.insert(record.statement.period, record);
    }

    pub(in crate::state) fn post_payout(&mut self, posting: PayoutPosting) {
        let PayoutPosting { record, account, queue, interest } = posting;
        let to = &record.payout.to;
        self.accounts.insert(to.clone(), account);
        self.queues.extend(queue.map(|queue| (to.clone(), queue)));
        self.pending_interest.extend(interest);
        self.payouts.put(record);
    }

    /// Keeps the commitments to evidence that an event names.
    pub(crate) fn name_evidence(&mut self, commitments: Vec<Digest>, record: &EvidenceRecord) {
        for commitment in commitments {
            self.evidence.entry(commitment).or_insert_with(|| record.clone());
        }
    }
}
