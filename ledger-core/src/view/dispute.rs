//! Disputes as a reader sees them: what each line comes to now, and what follows from each outcome.

use std::collections::BTreeMap;

use crate::evolve;
use crate::evolve::statement::unassumable;
use crate::rating::PeriodRating;
use crate::state::Agreement;
use crate::state::ClaimFacts;
use crate::state::Dispute;
use crate::state::DisputeStatus;
use crate::state::Overlay;
use crate::state::State;
use crate::state::Unassumable;
use crate::usage::UsageSums;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::OutOfBounds;
use crate::vocab::Period;
use crate::vocab::Problem;

/// A disputed line as it stands. booked = settled + undisputed + held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DisputedLine {
    /// The party.
    pub party: Id,
    /// What is booked to it for the period, or what the payout counts.
    pub booked: Amount,
    /// What is claimed, or was adopted and is not posted yet; none if nothing is open any more.
    pub figure: Option<Amount>,
    /// The part of what is booked that has been settled, or is on its way.
    pub settled: Amount,
    /// The part that is open and not disputed: it stays payable, due as before.
    pub undisputed: Amount,
    /// The part that is held.
    pub held: Amount,
    /// What is claimed above what is booked; it is not held.
    pub above: Amount,
    /// The day on which the line is due; none for a payout.
    pub due_on: Option<Date>,
    /// The late interest that `above` would bear if it were paid on the day that is looked at.
    pub interest: Amount,
}

/// The lines of a dispute as they stand, with interest up to a day. Errors: [`Code::AmountBounds`]
/// for interest up to a day that is too far away.
pub fn lines(
    agreement: &Agreement,
    dispute: &Dispute,
    day: Date,
) -> Result<Vec<DisputedLine>, Problem> {
    let line = |party| {
        let line = line(agreement, dispute, party)?;
        let interest = match line.due_on {
            Some(due_on) => late_interest(agreement, line.above, (due_on, day))?,
            None => Amount::ZERO,
        };
        Ok(DisputedLine { interest, ..line })
    };
    dispute.lines.iter().map(line).collect()
}

fn late_interest(
    agreement: &Agreement,
    principal: Amount,
    (due_on, day): (Date, Date),
) -> Result<Amount, Problem> {
    agreement.interest_for(principal, (due_on, day)).map_err(|_| {
        Problem::new(
            Code::AmountBounds,
            format!("late interest from {due_on} to {day} has more than 15 integer digits"),
        )
        .hint("look at the dispute on an earlier day")
    })
}

/// A line of a dispute as it stands, without interest.
pub(in crate::view) fn line(
    agreement: &Agreement,
    dispute: &Dispute,
    party: &Id,
) -> Result<DisputedLine, OutOfBounds> {
    let figure = dispute.figure(party);
    let (by_period, all_held) = agreement.held(party)?;
    let Some(period) = dispute.period else {
        let record = dispute.payout().and_then(|id| agreement.payouts().get(&id));
        let counted = record.and_then(|record| record.counted()).unwrap_or(Amount::ZERO);
        let held = match dispute.is_open() {
            true => figure.unwrap_or(counted).minus(counted)?.at_least_zero(),
            false => Amount::ZERO,
        };
        return Ok(DisputedLine {
            party: party.clone(),
            booked: counted,
            figure,
            settled: counted,
            undisputed: Amount::ZERO,
            held: held.min(all_held),
            above: counted.minus(figure.unwrap_or(counted))?.at_least_zero(),
            due_on: None,
            interest: Amount::ZERO,
        });
    };
    let booked = agreement.booked_to(period, party);
    let held = match dispute.holds() {
        true => by_period.get(&period).copied().unwrap_or(Amount::ZERO),
        false => Amount::ZERO,
    };
    let open = agreement.open_of(period, party)?;
    let due_on = agreement.versions().of(period).due_on(period);
    let above = match figure {
        Some(figure) => figure.minus(booked)?.at_least_zero(),
        None => Amount::ZERO,
    };
    Ok(DisputedLine {
        party: party.clone(),
        booked,
        figure,
        settled: booked.minus(open)?,
        undisputed: open.minus(held)?,
        held,
        above,
        due_on: Some(due_on),
        interest: Amount::ZERO,
    })
}

/// A way in which a dispute can end, or has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The recorded figures stand: the ledger without the claim.
    Stands,
    /// The claim is right.
    AsClaimed,
    /// What was adopted.
    Adopted,
}

impl Side {
    /// The name that scripts see.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Stands => "stands",
            Side::AsClaimed => "as-claimed",
            Side::Adopted => "adopted",
        }
    }
}

/// A dispute, replayed: the ledger without the claim, with it, and with what was adopted. All of it
/// follows from the log alone.
#[derive(Clone, Debug)]
pub struct DisputeReplay {
    /// The sides, in order; what was adopted only if something was.
    pub sides: Vec<SideAnswer>,
    /// The periods that differ between sides, and the disputed one, in order.
    pub periods: Vec<PeriodSides>,
    /// The day up to which interest is computed: that of the last record.
    pub day: Date,
}

/// What follows on one side.
#[derive(Clone, Debug)]
pub struct SideAnswer {
    /// Which.
    pub side: Side,
    /// Per beneficiary, sorted.
    pub parties: Vec<PartyAnswer>,
    /// Why periods from one on cannot be rated on this side, if there are such.
    pub unrated: Option<Problem>,
}

/// What a beneficiary gets on one side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartyAnswer {
    /// The beneficiary.
    pub party: Id,
    /// What all periods together come to that every side can rate.
    pub total: Amount,
    /// That, less the same where the recorded figures stand.
    pub difference: Amount,
    /// What the next statement would post for stated periods.
    pub true_up: Amount,
    /// What would then be payable, with nothing held by this dispute.
    pub payable: Amount,
    /// The late interest on the disputed part that would then be owed, if it were paid on the day.
    pub interest: Amount,
}

/// A period on every side.
#[derive(Clone, Debug)]
pub struct PeriodSides {
    /// The period.
    pub period: Period,
    /// How it is rated, in the order of the sides; `None` where it cannot be.
    pub ratings: Vec<Option<PeriodRating>>,
}

impl PeriodSides {
    /// What a party gets, in the order of the sides.
    pub fn amounts(&self, party: &Id) -> Vec<Option<Amount>> {
        let amount =
            |rating: &PeriodRating| rating.share(party).map_or(Amount::ZERO, |share| share.amount);
        self.ratings.iter().map(|rating| rating.as_ref().map(amount)).collect()
    }
}

/// Facts, as they are on one side of a dispute.
fn overlay(agreement: &Agreement, dispute: &Dispute, side: Side) -> Overlay {
    let mut without = Overlay::default();
    let DisputeStatus::Resolved(_) = &dispute.status else {
        return match (side, dispute.period) {
            (Side::AsClaimed, Some(period)) => {
                agreement.overlay(&dispute.claim, (period, &dispute.lines))
            }
            _ => without,
        };
    };
    // What it adopted still counts, unless another dispute has replaced it since.
    if let Some((report, before)) = &dispute.before.lines
        && agreement.adopted_lines(report).is_some_and(|now| now.dispute == dispute.id)
    {
        let reported = agreement.report(report).map(|report| UsageSums::clone(&report.usage));
        let before = before.as_ref().map(|lines| lines.usage.clone());
        without.lines.extend(before.or(reported).map(|usage| (*report, usage)));
    }
    if let Some(period) = dispute.period {
        let mut figures: BTreeMap<Id, Amount> = agreement.adopted_figures(period).clone();
        for party in &dispute.lines {
            let now = agreement.adopted_figure(period, party);
            if now.is_none_or(|now| now.dispute == dispute.id) {
                figures.remove(party);
                let before = dispute.before.figures.get(party);
                figures.extend(before.map(|before| (party.clone(), before.amount)));
            }
        }
        without.figures.insert(period, figures);
    }
    match (side, dispute.period) {
        (Side::Adopted, _) => Overlay::default(),
        (Side::AsClaimed, Some(period)) => {
            let claimed = agreement.overlay(&dispute.claim, (period, &dispute.lines));
            without.lines.extend(claimed.lines);
            without.figures.extend(claimed.figures);
            Overlay { version: claimed.version, ..without }
        }
        _ => without,
    }
}

/// Every period up to one that can be rated on a side, and why the one after them cannot.
fn rate(
    agreement: &Agreement,
    overlay: &Overlay,
    last: Period,
) -> (Vec<PeriodRating>, Option<Problem>) {
    let (mut last, mut unrated) = (Some(last), None);
    while let Some(until) = last {
        match agreement.rate_over(overlay, until) {
            Ok(rated) => return (rated, unrated),
            Err(why) => {
                let at = match &why {
                    Unassumable::Rating(why) => why.period(),
                    Unassumable::Line(period, _) => *period,
                };
                // At least one less each time, whatever the period.
                last = at.min(until).previous();
                unrated = Some(unassumable(why));
            }
        }
    }
    (Vec::new(), unrated)
}

/// Replays a dispute. Errors: [`Code::UnknownEvent`].
pub fn replay(state: &State, id: &EventId) -> Result<DisputeReplay, Problem> {
    let agreement = evolve::opened(state)?;
    let Some(dispute) = agreement.disputes().get(id) else {
        return Err(evolve::unknown_event(state, id, "a dispute"));
    };
    let mut names = vec![Side::Stands, Side::AsClaimed];
    if matches!(dispute.status, DisputeStatus::Resolved(_)) {
        names.push(Side::Adopted);
    }
    let reported = agreement.reported_periods().next_back();
    let last = reported.max(agreement.statements().keys().next_back().copied());
    let rated: Vec<(Vec<PeriodRating>, Option<Problem>)> = names
        .iter()
        .map(|side| match last {
            Some(last) => rate(agreement, &overlay(agreement, dispute, *side), last),
            None => (Vec::new(), None),
        })
        .collect();
    let day = state.recorded_at().date();
    let both = rated.iter().map(|(ratings, _)| ratings.len()).min().unwrap_or(0);
    let longest = rated.iter().map(|(ratings, _)| ratings.len()).max().unwrap_or(0);
    let mut periods = Vec::new();
    for at in 0..longest {
        let of: Vec<Option<PeriodRating>> =
            rated.iter().map(|(ratings, _)| ratings.get(at).cloned()).collect();
        let Some(period) = of.iter().flatten().next().map(|rating| rating.period) else { continue };
        let differ = !of.is_sorted_by(|a, b| a == b);
        if differ || dispute.period == Some(period) {
            periods.push(PeriodSides { period, ratings: of });
        }
    }
    let recorded = rated.first().map_or(&[][..], |(recorded, _)| recorded.as_slice());
    let sides = names.iter().zip(&rated).map(|(side, (ratings, unrated))| {
        let recorded = recorded.get(..both).unwrap_or(recorded);
        let parties = agreement.versions().beneficiaries().into_iter();
        let answer = |party: &Id| {
            let sides = (ratings.get(..both).unwrap_or(ratings), recorded);
            party_answer(agreement, (dispute, *side), party, (sides, day))
        };
        let parties = parties.map(answer).collect::<Result<_, Problem>>()?;
        Ok(SideAnswer { side: *side, parties, unrated: unrated.clone() })
    });
    Ok(DisputeReplay { sides: sides.collect::<Result<_, Problem>>()?, periods, day })
}

fn party_answer(
    agreement: &Agreement,
    (dispute, side): (&Dispute, Side),
    party: &Id,
    ((ratings, recorded), day): ((&[PeriodRating], &[PeriodRating]), Date),
) -> Result<PartyAnswer, Problem> {
    let amount =
        |rating: &PeriodRating| rating.share(party).map_or(Amount::ZERO, |share| share.amount);
    let (by_period, held) = agreement.held(party)?;
    let (mut true_up, mut interest) = (Amount::ZERO, Amount::ZERO);
    for rating in ratings.iter().filter(|one| agreement.statements().contains_key(&one.period)) {
        let period = rating.period;
        let booked = agreement.booked_to(period, party);
        true_up = true_up.plus(amount(rating).minus(booked)?)?;
        // What is owed beyond what was settled, or is undisputed anyway.
        let held = by_period.get(&period).copied().unwrap_or(Amount::ZERO);
        let settled = booked.minus(agreement.open_of(period, party)?)?;
        let owed = settled.max(booked.minus(held)?);
        let late = amount(rating).minus(owed)?.at_least_zero();
        let due_on = agreement.versions().of(period).due_on(period);
        interest = interest.plus(late_interest(agreement, late, (due_on, day))?)?;
    }
    let own = match dispute.lines.contains(party) {
        true => line(agreement, dispute, party)?.held,
        false => Amount::ZERO,
    };
    let received = received(agreement, (dispute, side), party)?;
    let balance = agreement.account(party).balance();
    let payable = balance.minus(received)?.plus(true_up)?.minus(held.minus(own)?)?;
    let total = Amount::total(ratings.iter().map(amount))?;
    Ok(PartyAnswer {
        party: party.clone(),
        total,
        difference: total
            .minus(Amount::total(recorded.iter().map(amount))?)?
            .plus(received.negated())?,
        true_up,
        payable,
        interest,
    })
}

/// How much more a disputed payout counts on a side than it does now.
fn received(
    agreement: &Agreement,
    (dispute, side): (&Dispute, Side),
    party: &Id,
) -> Result<Amount, OutOfBounds> {
    let record = dispute.payout().and_then(|id| agreement.payouts().get(&id));
    let Some(record) = record.filter(|record| record.payout.to == *party) else {
        return Ok(Amount::ZERO);
    };
    // In transit it lowers the balance by all of it already.
    let now = record.counted().unwrap_or(record.payout.amount);
    let then = match (side, &dispute.claim) {
        (Side::AsClaimed, ClaimFacts::Figures(figures)) => {
            figures.first().map_or(now, |(_, figure)| *figure)
        }
        (Side::Stands, _) => dispute.before.payout.unwrap_or(now),
        _ => now,
    };
    then.minus(now)
}
