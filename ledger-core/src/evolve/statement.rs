//! Statements: composed from the log, and held against it to the last unit.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::event::Author;
use crate::event::Fact;
use crate::evolve::Violation;
use crate::evolve::entitled;
use crate::evolve::in_force;
use crate::evolve::unknown_event;
use crate::rating;
use crate::rating::PeriodRating;
use crate::rating::RatedPeriods;
use crate::rating::Unratable;
use crate::state::Account;
use crate::state::Agreement;
use crate::state::Change;
use crate::state::Effect;
use crate::state::Reach;
use crate::state::State;
use crate::state::StatementRecord;
use crate::state::Unassumable;
use crate::state::root;
use crate::state::root::state_root;
use crate::statement::Entry;
use crate::statement::RateUsed;
use crate::statement::Recoupment;
use crate::statement::Statement;
use crate::terms::Role;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Period;
use crate::vocab::Problem;

/// Rates every period from the first to `last` from the facts on the log. Errors:
/// [`Code::AmountBounds`], [`Code::FxMissing`].
pub fn rate_until(agreement: &Agreement, last: Period) -> Result<Vec<PeriodRating>, Violation> {
    rating::rate(agreement.contract(), &agreement.facts_until(last)).map_err(unratable)
}

/// The refusal of periods that cannot be rated.
pub fn unratable(why: Unratable) -> Problem {
    match why {
        Unratable::OutOfBounds { period } => Problem::new(
            Code::AmountBounds,
            format!("an amount of {period} has more than 15 integer digits"),
        )
        .hint("the ledger cannot state such an amount; correct the report"),
        Unratable::NoRate { period, currency } => Problem::new(
            Code::FxMissing,
            format!("{period} has usage in {currency}, and no conversion rate was agreed for it"),
        )
        .hint(format!(
            "`revshare fx set {currency} RATE --period {period} --source TEXT`, and the others accept it"
        )),
    }
}

/// The refusal of periods that cannot be rated with other facts.
pub fn unassumable(why: Unassumable) -> Problem {
    match why {
        Unassumable::Rating(why) => unratable(why),
        Unassumable::Line(period, _) => Problem::new(
            Code::DisputeClaim,
            format!("a line of {period} has no rule or no price under what is claimed"),
        )
        .hint("claim something that every line on the log can be rated by"),
    }
}

/// Who may issue the statement of a period, and when.
pub fn admit(state: &State, author: &Author, period: Period) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, Role::is_money_party, "a money party")?;
    admit_period(agreement, period)
}

/// The period is the next in order, and reported if the agreement still runs.
pub fn admit_period(agreement: &Agreement, period: Period) -> Result<(), Violation> {
    let (terms, last) = (agreement.terms(), agreement.versions().last_period());
    if period.length() != terms.period_length {
        return Err(Problem::new(
            Code::PeriodLength,
            format!("{period} is not a {}", terms.period_length.as_str()),
        )
        .hint(format!("periods of this agreement look like {}", terms.first_period())));
    }
    if let Some(record) = agreement.statements().get(&period) {
        return Err(Problem::new(
            Code::StatementOrder,
            format!("{period} is stated already, by record {}", record.seq),
        )
        .hint("differences are posted as true-ups by the next statement")
        .at_record(record.seq));
    }
    let next = agreement.next_to_state();
    if next != Some(period) {
        let next = next.map_or("none".to_owned(), |next| next.to_string());
        return Err(Problem::new(
            Code::StatementOrder,
            format!("{period} is not the next period to state; {next} is"),
        )
        .hint(format!("statements go in order without gaps: `revshare statement issue {next}`")));
    }
    let runs = last.is_none_or(|last| period <= last);
    if runs && !agreement.is_reported(period) {
        return Err(Problem::new(Code::PeriodNotReported, format!("{period} has no usage report"))
            .hint("the collector reports it first, with --nil if there was no usage"));
    }
    Ok(())
}

/// The statement of a period, as the terms and the log determine it.
pub fn compose(state: &State, period: Period) -> Result<Statement, Violation> {
    composed(state, period).map(|(statement, _)| statement)
}

/// Likewise, with the ratings that it needed and the state did not have.
fn composed(state: &State, period: Period) -> Result<(Statement, RatedPeriods), Violation> {
    let agreement = in_force(state)?;
    // Most of them are rated already; the rest follows on these.
    let (rated, more) = agreement.rate_more(period).map_err(unratable)?;
    let ratings = || agreement.rated().ratings().take(rated).chain(more.ratings());
    debug_assert_eq!(Ok(ratings().cloned().collect()), rate_until(agreement, period));
    let mut entries = Vec::new();
    for rating in ratings() {
        let entry = difference(agreement, rating)?;
        let is_own = rating.period == period;
        if is_own {
            entries.push(entry);
        } else if !entry.is_zero() {
            let causes = causes(agreement, rating.period);
            entries.push(Entry { causes, ..entry });
        }
    }
    let versions = agreement.versions();
    let version = versions.get(versions.number_of(period));
    let level = agreement.level();
    let mut statement = Statement {
        period,
        terms: version.digest,
        calculation: version.terms.calculation,
        entries,
        recoupments: Vec::new(),
        interest: agreement.pending_interest().to_vec(),
        root_version: root::version(level),
        state_root: state_root(state)?,
        level,
    };
    for party in versions.beneficiaries() {
        let total = statement.total(party).ok_or_else(out_of_bounds)?;
        let amount = recoupment(&agreement.account(party), total).ok_or_else(out_of_bounds)?;
        if !amount.is_zero() {
            statement.recoupments.push(Recoupment { party: party.clone(), amount });
        }
    }
    Ok((statement, more))
}

/// net ≥ 0 recoups min(unrecouped, net, balance if positive); net < 0 first gives back what was
/// recouped. `None` past the bounds of an amount.
fn recoupment(account: &Account, net: Amount) -> Option<Amount> {
    if net.is_negative() {
        return Some(account.recouped.min(net.negated()).negated());
    }
    let balance = account.balance().checked_add(net)?.at_least_zero();
    Some(account.unrecouped().min(net).min(balance))
}

/// recompute(p) − Σ booked tagged p.
fn difference(agreement: &Agreement, rating: &PeriodRating) -> Result<Entry, Violation> {
    let booked = agreement.booked(rating.period);
    let minus = |now: Amount, was: Amount| now.checked_sub(was).ok_or_else(out_of_bounds);
    let mut shares = Vec::with_capacity(rating.shares.len());
    for (share, (_, was)) in rating.shares.iter().zip(&booked.shares) {
        shares.push((share.party.clone(), minus(share.amount, *was)?));
    }
    let base = minus(rating.base_rounded, booked.base)?;
    let period = rating.period;
    let groups = rating.rules.iter().flat_map(|rule| &rule.groups);
    let used: BTreeMap<Currency, Amount> =
        groups.filter_map(|group| Some((group.currency, group.rate?))).collect();
    let source = |currency| agreement.rate_source(period, currency).unwrap_or_default();
    let rates = used
        .into_iter()
        .map(|(currency, rate)| RateUsed { currency, rate, source: source(currency) })
        .collect();
    Ok(Entry { period, base, shares, causes: Vec::new(), rates })
}

fn out_of_bounds() -> Problem {
    Problem::new(Code::AmountBounds, "a posted amount has more than 15 integer digits")
        .hint("the ledger cannot state such an amount; correct the report")
}

/// The events that can have moved a stated period: what took effect since the last statement, for
/// the period itself or an earlier one in the widest window that holds it.
pub fn causes(agreement: &Agreement, period: Period) -> Vec<EventId> {
    let versions = agreement.versions();
    let from = versions.window_start(rating::widest_window(versions), period);
    let moves = |effect: &&Effect| match effect.reach {
        Reach::Period(moved) => from <= moved && moved <= period,
        Reach::From(day) => day <= period.last_day(),
        Reach::Everything => true,
    };
    let mut causes: Vec<&Effect> = agreement.effects().iter().filter(moves).collect();
    causes.sort_by_key(|effect| effect.seq);
    causes.into_iter().map(|effect| effect.event).collect()
}

/// Judges a statement: everything in which it differs from what the terms and the log determine
/// (empty if nothing), and what it changes as it was issued. `Err` if no statement of that period is
/// admissible here at all.
pub(crate) fn judge(
    state: &State,
    fact: &Fact,
    issued: &Statement,
) -> Result<(Vec<Problem>, Change), Violation> {
    admit(state, &fact.author, issued.period)?;
    let (expected, rated) = composed(state, issued.period)?;
    Ok((findings(&expected, issued), posting(state, fact, (issued, rated))?))
}

/// What a statement changes.
fn posting(
    state: &State,
    fact: &Fact,
    (issued, rated): (&Statement, RatedPeriods),
) -> Result<Change, Violation> {
    let record = StatementRecord {
        id: fact.id,
        seq: fact.seq,
        recorded_at: fact.recorded_at,
        statement: issued.clone(),
        accepted_by: BTreeSet::new(),
    };
    let posting = in_force(state)?.statement_posting(record, rated);
    Ok(Change::Statement(Box::new(posting.map_err(|_| out_of_bounds())?)))
}

/// Judges a statement that is composed here and now.
pub(crate) fn judge_composed(
    state: &State,
    fact: &Fact,
    period: Period,
) -> Result<Change, Violation> {
    admit(state, &fact.author, period)?;
    let (statement, rated) = composed(state, period)?;
    posting(state, fact, (&statement, rated))
}

/// Everything in which an issued statement differs from the expected one.
fn findings(expected: &Statement, issued: &Statement) -> Vec<Problem> {
    let mut findings = Vec::new();
    let mut differ = |code: Code, what: String, expected: String, found: String| {
        if expected != found {
            let message = format!("{what}: expected {expected}, found {found}");
            findings.push(Problem::new(code, message).hint(
                "the statement was not computed from this log by these terms; do not pay by it",
            ));
        }
    };
    differ(
        Code::StatementTerms,
        "terms digest".into(),
        expected.terms.to_string(),
        issued.terms.to_string(),
    );
    differ(
        Code::StatementTerms,
        "calculation version".into(),
        expected.calculation.to_string(),
        issued.calculation.to_string(),
    );
    let root = |s: &Statement| format!("{} (version {})", s.state_root, s.root_version);
    differ(Code::StateRootWrong, "state root before it".into(), root(expected), root(issued));
    let periods: BTreeSet<Period> =
        expected.entries.iter().chain(&issued.entries).map(|entry| entry.period).collect();
    for period in periods {
        let of = |s: &Statement| s.entries.iter().find(|entry| entry.period == period).cloned();
        let (expected_entry, found_entry) = (of(expected), of(issued));
        let base = |e: &Option<Entry>| e.as_ref().map_or("none".into(), |e| e.base.to_string());
        differ(
            Code::StatementContent,
            format!("base posted for {period}"),
            base(&expected_entry),
            base(&found_entry),
        );
        let parties: BTreeSet<&Id> = [&expected_entry, &found_entry]
            .into_iter()
            .flatten()
            .flat_map(|entry| entry.shares.iter().map(|(id, _)| id))
            .collect();
        for party in parties {
            let share = |entry: &Option<Entry>| {
                let shares = entry.iter().flat_map(|entry| &entry.shares);
                let own = shares.filter(|(id, _)| id == party).map(|(_, a)| a.to_string());
                own.collect::<Vec<_>>().join(" and ")
            };
            differ(
                Code::StatementContent,
                format!("posted to {party} for {period}"),
                share(&expected_entry),
                share(&found_entry),
            );
        }
        let rates = |entry: &Option<Entry>| {
            let rates = entry.iter().flat_map(|entry| &entry.rates);
            let rates: Vec<String> = rates
                .map(|used| format!("{} {} of {}", used.rate, used.currency, used.source.0.short()))
                .collect();
            format!("[{}]", rates.join(", "))
        };
        differ(
            Code::StatementContent,
            format!("conversion rates of {period}"),
            rates(&expected_entry),
            rates(&found_entry),
        );
        let causes = |entry: &Option<Entry>| {
            let ids = entry.iter().flat_map(|entry| &entry.causes);
            let ids: Vec<String> = ids.map(|id| id.0.short()).collect();
            format!("[{}]", ids.join(", "))
        };
        differ(
            Code::StatementContent,
            format!("events that moved {period}"),
            causes(&expected_entry),
            causes(&found_entry),
        );
    }
    let recouped = |statement: &Statement| {
        let each = statement.recoupments.iter();
        let each: Vec<String> = each.map(|one| format!("{} {}", one.party, one.amount)).collect();
        format!("[{}]", each.join(", "))
    };
    let interest = |statement: &Statement| {
        let each = statement.interest.iter();
        let each: Vec<String> = each
            .map(|one| {
                let (to, amount, principal) = (&one.to, one.amount, one.principal);
                let (due, received) = (one.due_on, one.received_on);
                format!("{to} {amount} on {principal} due {due}, received {received}")
            })
            .collect();
        format!("[{}]", each.join(", "))
    };
    let content = Code::StatementContent;
    differ(content, "recouped".into(), recouped(expected), recouped(issued));
    differ(content, "late interest".into(), interest(expected), interest(issued));
    // Whatever the list above cannot tell apart (an order, say) is still a difference.
    if findings.is_empty() && expected != issued {
        findings.push(
            Problem::new(Code::StatementContent, "the statement is not what the log determines")
                .hint("entries are sorted by period, shares by party"),
        );
    }
    findings
}

/// A beneficiary accepts a statement, once.
pub fn admit_acceptance(state: &State, author: &Author, id: &EventId) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, Role::is_beneficiary, "a beneficiary")?;
    let Some(record) = agreement.statement_of(id) else {
        return Err(unknown_event(state, id, "a statement"));
    };
    if record.accepted_by.contains(&author.party) {
        return Err(Problem::new(
            Code::AlreadyAccepted,
            format!(
                "{} has accepted the statement of {} already",
                author.party, record.statement.period
            ),
        )
        .hint("nothing is to be done")
        .at_record(record.seq));
    }
    Ok(())
}

/// Judges the acceptance of a statement.
pub(crate) fn judge_acceptance(
    state: &State,
    author: &Author,
    id: &EventId,
) -> Result<Change, Violation> {
    admit_acceptance(state, author, id)?;
    match in_force(state)?.statement_of(id) {
        Some(record) => Ok(Change::AcceptStatement(record.statement.period, author.party.clone())),
        None => Err(unknown_event(state, id, "a statement")),
    }
}
