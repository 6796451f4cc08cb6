//! Whether a claim fits what is disputed, and what it would make of it.

use crate::dispute::Claim;
use crate::dispute::ClaimedTerms;
use crate::dispute::Target;
use crate::event::Amendment;
use crate::evolve::Violation;
use crate::evolve::amendment;
use crate::evolve::bounds;
use crate::evolve::statement::rate_until;
use crate::evolve::statement::unassumable;
use crate::evolve::unknown_event;
use crate::evolve::usage::admit_lines;
use crate::limits::LEDGER_PAYOUTS_MAX;
use crate::rating::PeriodRating;
use crate::state::Adopted;
use crate::state::Agreement;
use crate::state::ClaimFacts;
use crate::state::Dispute;
use crate::state::PayoutRecord;
use crate::state::State;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Problem;
use crate::vocab::Text;

/// What a dispute is about, found on the log.
#[derive(Clone, Debug)]
pub enum Subject<'a> {
    /// A stated period, and the report that a claim has to replace, if it is about a report.
    Period(Period, Option<EventId>),
    /// A payout.
    Payout(&'a PayoutRecord),
}

impl Subject<'_> {
    /// The period, and the payout.
    pub(super) fn line(&self) -> (Option<Period>, Option<EventId>) {
        match self {
            Subject::Period(period, _) => (Some(*period), None),
            Subject::Payout(record) => (None, Some(record.id)),
        }
    }
}

fn no_target(message: String, hint: &str) -> Problem {
    Problem::new(Code::DisputeTarget, message).hint(hint)
}

/// Finds what a dispute is about. Errors: [`Code::UnknownEvent`], [`Code::DisputeTarget`].
pub(super) fn subject<'a>(
    state: &'a State,
    agreement: &'a Agreement,
    target: &Target,
) -> Result<Subject<'a>, Violation> {
    let subject = match target {
        Target::Statement(id) => match agreement.statement_of(id) {
            Some(record) => Subject::Period(record.statement.period, None),
            None => return Err(unknown_event(state, id, "a statement")),
        },
        Target::Report(id) => {
            let Some(report) = agreement.report(id) else {
                return Err(unknown_event(state, id, "a usage report or correction"));
            };
            if report.corrected_by.is_some() {
                let now = agreement.report(&agreement.current(id)).map_or(0, |now| now.seq);
                return Err(no_target(
                    format!("record {} was corrected; record {now} holds now", report.seq),
                    "dispute the report that is in effect",
                )
                .at_record(report.seq));
            }
            Subject::Period(report.period, Some(*id))
        }
        Target::Payout(id) => match agreement.payouts().get(id) {
            Some(record) => Subject::Payout(record),
            None => return Err(unknown_event(state, id, "a payout")),
        },
        Target::Clause { clause, period } => {
            let versions = agreement.versions();
            let length = agreement.terms().period_length;
            if period.length() != length {
                return Err(Problem::new(
                    Code::PeriodLength,
                    format!("{period} is not a {}", length.as_str()),
                )
                .hint(format!("periods of this agreement look like {}", versions.first_period())));
            }
            let stretches = versions.stretches(*period);
            let has = |version: usize| {
                let terms = &versions.get(version).terms;
                terms.rules.iter().any(|rule| rule.id == *clause)
                    || terms.exclusivity(clause).is_some()
                    || terms.contribution(clause).is_some()
            };
            if !stretches.iter().any(|stretch| has(stretch.version)) {
                return Err(no_target(
                    format!("the terms in force in {period} have no clause {clause}"),
                    "name a rule, an exclusivity or a contribution: `revshare terms show`",
                ));
            }
            Subject::Period(*period, None)
        }
    };
    if let Subject::Period(period, _) = subject
        && !agreement.statements().contains_key(&period)
    {
        return Err(no_target(
            format!("{period} is not stated yet"),
            "what is not stated is not owed yet: correct the report, or state the period first",
        ));
    }
    Ok(subject)
}

/// What an admitted dispute is about.
pub(super) fn subject_of<'a>(agreement: &'a Agreement, dispute: &Dispute) -> Option<Subject<'a>> {
    match (dispute.period, dispute.payout()) {
        (Some(period), _) => {
            let report = match dispute.target {
                Target::Report(report) => Some(agreement.current(&report)),
                _ => None,
            };
            Some(Subject::Period(period, report))
        }
        (None, Some(payout)) => agreement.payouts().get(&payout).map(Subject::Payout),
        (None, None) => None,
    }
}

/// A claim as the state keeps it: lines as their sums.
pub fn facts(claim: &Claim) -> ClaimFacts {
    match claim {
        Claim::Figures(figures) => ClaimFacts::Figures(figures.clone()),
        Claim::Report { replaces, lines } => {
            let mut usage = UsageSums::default();
            lines.iter().for_each(|block| block.add_to(&mut usage));
            ClaimFacts::Report { replaces: *replaces, usage }
        }
        Claim::Terms(terms) => ClaimFacts::Terms(terms.clone()),
    }
}

fn misfit(message: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem::new(Code::DisputeClaim, message).hint(hint)
}

/// Whether a claim fits what is disputed, without asking whether it says anything else than what
/// is recorded.
pub(super) fn admit_fit(
    state: &State,
    agreement: &Agreement,
    (subject, claim, reopens): (&Subject<'_>, &ClaimFacts, Option<EventId>),
) -> Result<(), Violation> {
    match (subject, claim) {
        (Subject::Period(period, _), ClaimFacts::Figures(figures)) => {
            figures_of_period(agreement, *period, figures)
        }
        (Subject::Payout(record), ClaimFacts::Figures(figures)) => {
            figure_of_payout(agreement, record, figures)
        }
        (Subject::Payout(record), _) => Err(not_a_figure(record)),
        (Subject::Period(period, of), ClaimFacts::Report { replaces, usage }) => {
            let Some(report) = agreement.report(replaces) else {
                return Err(unknown_event(state, replaces, "a usage report or correction"));
            };
            if report.period != *period || report.corrected_by.is_some() {
                return Err(misfit(
                    format!("record {} is no report in effect of {period}", report.seq),
                    "`revshare usage list` shows what is in effect",
                )
                .at_record(report.seq));
            }
            if of.is_some_and(|of| of != *replaces) {
                return Err(misfit(
                    format!(
                        "the claim replaces record {}, which is not what is disputed",
                        report.seq
                    ),
                    "claim other lines for the report that is disputed, or dispute the statement",
                )
                .at_record(report.seq));
            }
            if let Some(adopted) = agreement.adopted_lines(replaces)
                && !reopening(agreement, reopens, adopted.dispute)
            {
                let known = agreement.disputes().get(&adopted.dispute);
                let seq = known.map_or(0, |dispute| dispute.seq);
                return Err(Problem::new(
                    Code::DisputeFinal,
                    format!("the dispute in record {seq} adopted the lines of record {}", report.seq),
                )
                .hint(format!("claim figures, or reopen that dispute: --reopens {seq} --ground fraud, or manifest-error"))
                .at_record(report.seq));
            }
            admit_lines(agreement, *period, usage)?;
            let mut exposure = agreement.exposure().clone();
            exposure.add(usage).map_err(|_| bounds::exceeded())?;
            bounds::admit(agreement, &exposure, None)
        }
        (Subject::Period(..), ClaimFacts::Terms(terms)) => admit_terms(agreement, terms),
    }
}

/// Whether a dispute is the one that is reopened, or one that this one reopens, and so on.
fn reopening(agreement: &Agreement, reopens: Option<EventId>, dispute: EventId) -> bool {
    let mut next = reopens;
    // Each dispute reopens an earlier one.
    while let Some(id) = next {
        if id == dispute {
            return true;
        }
        next = agreement.disputes().get(&id).and_then(|one| one.reopens);
    }
    false
}

fn not_a_figure(record: &PayoutRecord) -> Problem {
    misfit(
        format!("what the payout in record {} counts is a figure", record.seq),
        "claim what arrived: --claimed PARTY=AMOUNT",
    )
}

/// Claimed terms are what an amendment could bring.
fn admit_terms(agreement: &Agreement, terms: &ClaimedTerms) -> Result<(), Violation> {
    let (version, effective_from) = (terms.version.clone(), terms.from);
    let amendment = Amendment { version, effective_from, reason: Text::default() };
    amendment::admit_content(agreement, &amendment)
}

fn admit_digits(agreement: &Agreement, party: &Id, figure: &Amount) -> Result<(), Violation> {
    let currency = agreement.terms().currency;
    if figure.scale() <= currency.minor_digits() {
        return Ok(());
    }
    Err(Problem::new(
        Code::MinorUnit,
        format!("{figure} for {party} has more fraction digits than {currency} has"),
    )
    .hint(format!("{currency} has {} fraction digits", currency.minor_digits())))
}

fn figures_of_period(
    agreement: &Agreement,
    period: Period,
    figures: &[(Id, Amount)],
) -> Result<(), Violation> {
    let known = agreement.versions().beneficiaries();
    for (party, figure) in figures {
        if !known.contains(&party) {
            let names: Vec<&str> = known.iter().map(|id| id.as_str()).collect();
            return Err(misfit(
                format!("{party} gets nothing for {period}: it is no beneficiary"),
                format!("figures are for {}", names.join(", ")),
            ));
        }
        admit_digits(agreement, party, figure)?;
    }
    admit_figures(agreement, figures)
}

/// Figures stay within the bound on the money of a ledger.
pub(super) fn admit_figures(
    agreement: &Agreement,
    figures: &[(Id, Amount)],
) -> Result<(), Violation> {
    let mut exposure = agreement.exposure().clone();
    exposure.add_figures(agreement.terms().currency, figures).map_err(|_| bounds::exceeded())?;
    bounds::admit(agreement, &exposure, None)
}

fn figure_of_payout(
    agreement: &Agreement,
    record: &PayoutRecord,
    figures: &[(Id, Amount)],
) -> Result<(), Violation> {
    let [(party, figure)] = figures else {
        return Err(misfit("a payout has one receiver", "claim what arrived there"));
    };
    if *party != record.payout.to {
        return Err(misfit(
            format!(
                "the payout in record {} went to {}, not to {party}",
                record.seq, record.payout.to
            ),
            format!("claim what {} received", record.payout.to),
        )
        .at_record(record.seq));
    }
    admit_digits(agreement, party, figure)?;
    if figure.is_negative() || *figure > record.payout.amount {
        return Err(misfit(
            format!("{figure} is not from 0 to the {} that were sent", record.payout.amount),
            "what was sent beyond that is a payout of its own",
        )
        .at_record(record.seq));
    }
    Ok(())
}

/// What a period comes to with a claim, without the figures that were adopted for these parties.
pub(super) fn rated(
    agreement: &Agreement,
    claim: &ClaimFacts,
    (period, parties): (Period, &[Id]),
) -> Result<PeriodRating, Violation> {
    let rated = agreement.rate_over(&agreement.overlay(claim, (period, parties)), period);
    let rated = rated.map_err(unassumable)?;
    rated.into_iter().last().ok_or_else(|| {
        misfit(format!("{period} is no period of the agreement"), "dispute a stated period")
    })
}

/// The beneficiaries that get another amount for a period with a claim than without, sorted, with
/// that amount.
pub(super) fn moved(
    agreement: &Agreement,
    claim: &ClaimFacts,
    (period, parties): (Period, &[Id]),
) -> Result<Vec<(Id, Amount)>, Violation> {
    let with = rated(agreement, claim, (period, parties))?;
    let without = rate_until(agreement, period)?;
    let known = without.last().map(|rating| &rating.shares[..]).unwrap_or_default();
    let mut moved = Vec::new();
    // Claimed terms may bring parties that are none of the ledger: they do not count.
    for share in known {
        let amount = with.share(&share.party).map_or(Amount::ZERO, |share| share.amount);
        if amount != share.amount {
            moved.push((share.party.clone(), amount));
        }
    }
    Ok(moved)
}

/// What adopting a claim comes to, for a dispute with these lines.
pub(super) fn adoption(
    agreement: &Agreement,
    (subject, claim): (&Subject<'_>, &ClaimFacts),
    lines: &[Id],
) -> Result<Adopted, Violation> {
    match (subject, claim) {
        (Subject::Payout(record), ClaimFacts::Figures(figures)) => {
            let figure = figures.first().map_or(Amount::ZERO, |(_, figure)| *figure);
            payout_adoption(agreement, record, figure)
        }
        (Subject::Period(..), ClaimFacts::Figures(figures)) => {
            Ok(Adopted::Figures(figures.clone()))
        }
        (Subject::Period(period, _), ClaimFacts::Report { replaces, usage }) => {
            admit_lines(agreement, *period, usage)?;
            let moved = moved(agreement, claim, (*period, lines))?;
            if let Some((party, _)) = moved.iter().find(|(party, _)| !lines.contains(party)) {
                return Err(misfit(
                    format!(
                        "this would move what {party} gets for {period}, who has no part in the dispute"
                    ),
                    "agree on figures, or let the dispute be opened anew with everybody whom it moves",
                ));
            }
            Ok(Adopted::Lines { report: agreement.current(replaces), usage: usage.clone() })
        }
        (Subject::Period(period, _), ClaimFacts::Terms(terms)) => {
            admit_terms(agreement, terms)?;
            let rated = rated(agreement, claim, (*period, lines))?;
            let figure = |party: &Id| rated.share(party).map(|one| (party.clone(), one.amount));
            Ok(Adopted::Figures(lines.iter().filter_map(figure).collect()))
        }
        (Subject::Payout(record), _) => Err(not_a_figure(record)),
    }
}

fn payout_adoption(
    agreement: &Agreement,
    record: &PayoutRecord,
    figure: Amount,
) -> Result<Adopted, Violation> {
    let to = &record.payout.to;
    let counted = record.counted().unwrap_or(Amount::ZERO);
    let more = figure.minus(counted)?.at_least_zero();
    let interest = agreement.interest_on(&record.id, more, record.counted_on()).ok();
    let account = agreement.account(to);
    let payouts = [account.paid, account.on_account, account.in_transit];
    let payouts = payouts.into_iter().try_fold(more, Amount::checked_add);
    let fits = payouts.is_some_and(|sum| sum <= Amount::from_whole(LEDGER_PAYOUTS_MAX));
    let Some(interest) = interest.filter(|_| fits) else {
        return Err(Problem::new(
            Code::AmountBounds,
            format!("with this, what {to} was paid, or its interest, would leave the bounds"),
        )
        .hint("payouts to one party may sum to 100 trillion"));
    };
    Ok(Adopted::Payout { payout: record.id, figure, interest })
}
