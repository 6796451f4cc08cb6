//! Payouts and advances are sent, confirmed and returned.

use crate::event::Author;
use crate::event::Fact;
use crate::event::PayoutReceipt;
use crate::event::PayoutReturn;
use crate::evolve::Violation;
use crate::evolve::entitled;
use crate::evolve::in_force;
use crate::evolve::unknown_event;
use crate::limits::LEDGER_PAYOUTS_MAX;
use crate::payout::Advance;
use crate::payout::Payout;
use crate::state::AdvanceRecord;
use crate::state::Agreement;
use crate::state::Change;
use crate::state::PayoutRecord;
use crate::state::PayoutStatus;
use crate::state::State;
use crate::terms::Role;
use crate::terms::Terms;
use crate::terms::Withholding;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Date;
use crate::vocab::EventId;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Problem;
use crate::vocab::Text;
use crate::vocab::Timestamp;
use crate::vocab::exact;

/// The part of a payout above what is payable to a party now.
pub fn excess(state: &State, to: &Id, amount: Amount) -> Result<Amount, Violation> {
    let payable = in_force(state)?.payable(to)?.at_least_zero();
    Ok(amount.minus(payable)?.at_least_zero())
}

/// The tax on a payout by the terms in force on a day: how much, and whether it comes on top.
/// `None` past the bounds of an amount.
fn tax(terms: &Terms, to: &Id, amount: Amount) -> Option<(Amount, bool)> {
    let Some(Withholding { rate, gross_up }) = terms.withholding_of(to) else {
        return Some((Amount::ZERO, false));
    };
    let (rate, exact) = (exact::of_rate(rate), exact::of_amount(&amount));
    let digits = terms.currency.minor_digits();
    let withheld = match gross_up {
        false => terms.rounding.round(&(exact * rate), digits)?,
        true => {
            let gross = terms.rounding.round(&(exact / (Exact::one() - rate)), digits)?;
            gross.checked_sub(amount)?
        }
    };
    Some((withheld, *gross_up))
}

/// The terms that a payout sent on a day follows.
fn terms_on(agreement: &Agreement, day: Date) -> &Terms {
    let versions = agreement.versions();
    versions.on(versions.clipped(day))
}

/// The payout of an amount, with what the log and the terms determine: tax, and the part on
/// account if the excess is to be a credit.
pub fn compose(
    state: &State,
    (to, amount, on_account): (Id, Amount, bool),
    (sent_on, reference): (Date, Text),
) -> Result<Payout, Violation> {
    let agreement = in_force(state)?;
    let on_account = if on_account { excess(state, &to, amount)? } else { Amount::ZERO };
    let (withheld, grossed_up) =
        tax(terms_on(agreement, sent_on), &to, amount).ok_or_else(too_much)?;
    let level = agreement.level();
    Ok(Payout { to, amount, on_account, withheld, grossed_up, sent_on, reference, level })
}

fn too_much() -> Problem {
    Problem::new(Code::AmountBounds, "the amount with its tax has more than 15 integer digits")
        .hint("send less")
}

/// Money goes from the collector to a beneficiary of the ledger, as a positive amount in minor
/// units.
fn admit_sending(
    agreement: &Agreement,
    author: &Author,
    (to, amount): (&Id, &Amount),
) -> Result<(), Violation> {
    entitled(agreement, author, |role| role == Role::Collector, "the collector")?;
    let currency = agreement.terms().currency;
    if !agreement.versions().party(to).is_some_and(|party| party.role.is_beneficiary()) {
        let known = agreement.versions().beneficiaries();
        let known: Vec<&str> = known.iter().map(|id| id.as_str()).collect();
        return Err(Problem::new(
            Code::NotAParty,
            format!("{to} is no beneficiary of the agreement"),
        )
        .hint(format!("payouts go to {}", known.join(", "))));
    }
    if amount.is_negative() || amount.is_zero() {
        return Err(Problem::new(Code::AmountNotPositive, format!("a payout of {amount} is none"))
            .hint("state what was sent, as a positive amount"));
    }
    if amount.scale() > currency.minor_digits() {
        return Err(Problem::new(
            Code::MinorUnit,
            format!("{amount} has more fraction digits than {currency} has"),
        )
        .hint(format!("{currency} has {} fraction digits", currency.minor_digits())));
    }
    Ok(())
}

/// A payout: by the collector, to a beneficiary, positive, in minor units, at most what is payable
/// unless the excess is said to be on account, with the tax that the terms say, and not below the
/// minimum payout.
pub fn admit_payout(
    state: &State,
    author: &Author,
    at: Timestamp,
    payout: &Payout,
) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    let Payout { to, amount, on_account, .. } = payout;
    admit_sending(agreement, author, (to, amount))?;
    let terms = terms_on(agreement, payout.sent_on);
    let account = agreement.account(to);
    let payouts = [account.paid, account.on_account, account.in_transit];
    let payouts = payouts.into_iter().try_fold(*amount, Amount::checked_add);
    if payouts.is_none_or(|payouts| payouts > Amount::from_whole(LEDGER_PAYOUTS_MAX)) {
        return Err(Problem::new(
            Code::AmountBounds,
            format!("with this payout, those to {to} would come to more than 100 trillion"),
        )
        .hint("payouts to one party may sum to 100 trillion, those that came back left out"));
    }
    let (_, held) = agreement.held(to)?;
    let payable = account.balance().minus(held)?;
    let digits = terms.currency.minor_digits();
    if *on_account != amount.minus(payable.at_least_zero())?.at_least_zero() {
        return Err(Problem::new(
            Code::AbovePayable,
            format!(
                "{} {} is above what is payable to {to}, {} {}",
                terms.currency,
                amount.to_text(digits),
                terms.currency,
                payable.at_least_zero().to_text(digits)
            ),
        )
        .hint(match held.is_zero() {
            true => {
                "send at most what is payable, or say --on-account: the excess becomes a credit"
                    .to_owned()
            }
            false => format!(
                "{} are held by disputes (`revshare dispute list`); more can be sent --on-account",
                held.to_text(digits)
            ),
        }));
    }
    let tax = tax(terms, to, *amount).ok_or_else(too_much)?;
    if (payout.withheld, payout.grossed_up) != tax {
        return Err(Problem::new(
            Code::WithholdingWrong,
            format!(
                "the payout withholds {}, the terms in force on {} say {}",
                payout.withheld.to_text(digits),
                payout.sent_on,
                tax.0.to_text(digits)
            ),
        )
        .hint("the tax follows from the terms: `revshare payout send` computes it"));
    }
    let withheld = [account.withheld, account.tax_in_transit, payout.withheld];
    let withheld = withheld.into_iter().try_fold(Amount::ZERO, Amount::checked_add);
    if withheld.is_none_or(|withheld| withheld > Amount::from_whole(LEDGER_PAYOUTS_MAX)) {
        return Err(too_much());
    }
    let ended = agreement.ends_on().is_some_and(|end| at.date() >= end);
    if on_account.is_zero() && payable < terms.minimum_payout && !ended {
        return Err(Problem::new(
            Code::BelowMinimum,
            format!(
                "{} {} is payable to {to}, below the minimum payout of {}",
                terms.currency,
                payable.to_text(digits),
                terms.minimum_payout.to_text(digits)
            ),
        )
        .hint("it is carried until the minimum is reached or the agreement has ended"));
    }
    Ok(())
}

/// An advance: by the collector, to a party that the terms accepted last permit one to.
pub fn admit_advance(state: &State, author: &Author, advance: &Advance) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    let Advance { to, amount, .. } = advance;
    admit_sending(agreement, author, (to, amount))?;
    if !agreement.terms().permits_advance(to) {
        return Err(Problem::new(
            Code::AdvanceNotPermitted,
            format!("the terms permit no recoupable advance to {to}"),
        )
        .hint("agree on an [[advance]] clause, or pay on account: `payout send --on-account`"));
    }
    let all = agreement.advances_to(to)?.checked_add(*amount);
    if all.is_none_or(|all| all > Amount::from_whole(LEDGER_PAYOUTS_MAX)) {
        return Err(Problem::new(
            Code::AmountBounds,
            format!("with this advance, those to {to} would come to more than 100 trillion"),
        )
        .hint("advances to one party may sum to 100 trillion, those that came back left out"));
    }
    Ok(())
}

/// Judges an advance.
pub(crate) fn judge_advance(
    state: &State,
    fact: &Fact,
    advance: &Advance,
) -> Result<Change, Violation> {
    admit_advance(state, &fact.author, advance)?;
    Ok(Change::AdvanceSent(Box::new(AdvanceRecord {
        id: fact.id,
        seq: fact.seq,
        recorded_at: fact.recorded_at,
        advance: advance.clone(),
        status: PayoutStatus::InTransit,
    })))
}

/// Judges a payout.
pub(crate) fn judge_payout(
    state: &State,
    fact: &Fact,
    payout: &Payout,
) -> Result<Change, Violation> {
    admit_payout(state, &fact.author, fact.recorded_at, payout)?;
    let record = PayoutRecord {
        id: fact.id,
        seq: fact.seq,
        recorded_at: fact.recorded_at,
        payout: payout.clone(),
        status: PayoutStatus::InTransit,
        settled: Vec::new(),
    };
    Ok(Change::Payout(Box::new(in_force(state)?.payout_posting(record)?)))
}

/// What was sent and waits for its receiver: a payout or an advance.
struct Sent {
    seq: u64,
    to: Id,
    sent_on: Date,
}

/// The receiver of a payout or advance in transit confirms it, no earlier than it was sent.
pub fn admit_receipt(
    state: &State,
    author: &Author,
    receipt: &PayoutReceipt,
) -> Result<(), Violation> {
    let sent = in_transit(state, author, &receipt.payout)?;
    if receipt.received_on < sent.sent_on {
        return Err(Problem::new(
            Code::PayoutDate,
            format!("received on {}, before it was sent on {}", receipt.received_on, sent.sent_on),
        )
        .hint("give the day on which the money arrived"));
    }
    let agreement = in_force(state)?;
    if let Some(record) = agreement.payouts().get(&receipt.payout) {
        let (id, amount) = (&receipt.payout, record.payout.amount);
        agreement.interest_on(id, amount, receipt.received_on).map_err(|_| too_much_interest())?;
    }
    Ok(())
}

fn too_much_interest() -> Problem {
    Problem::new(
        Code::AmountBounds,
        "the late interest on this payout has more than 15 integer digits",
    )
    .hint("check the day of receipt")
}

/// The receiver of a payout or advance in transit says that it did not arrive or was sent back.
pub fn admit_return(
    state: &State,
    author: &Author,
    returned: &PayoutReturn,
) -> Result<(), Violation> {
    in_transit(state, author, &returned.payout).map(|_| ())
}

fn in_transit(state: &State, author: &Author, id: &EventId) -> Result<Sent, Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, |role| role.is_beneficiary(), "the receiving beneficiary")?;
    let payout = agreement.payouts().get(id).map(|record| {
        let Payout { to, sent_on, .. } = &record.payout;
        let sent = Sent { seq: record.seq, to: to.clone(), sent_on: *sent_on };
        (sent, record.status.clone())
    });
    let advance = agreement.advances().get(id).map(|record| {
        let Advance { to, paid_on, .. } = &record.advance;
        let sent = Sent { seq: record.seq, to: to.clone(), sent_on: *paid_on };
        (sent, record.status.clone())
    });
    let Some((sent, status)) = payout.or(advance) else {
        return Err(unknown_event(state, id, "a payout or an advance"));
    };
    if sent.to != author.party {
        return Err(Problem::new(
            Code::NotEntitled,
            format!("the payout went to {}; only {} may say this", sent.to, sent.to),
        )
        .hint("use the key of the party that received it (--key)"));
    }
    let settled = match status {
        PayoutStatus::InTransit => return Ok(sent),
        PayoutStatus::Confirmed { seq, .. } => format!("confirmed by record {seq}"),
        PayoutStatus::Returned { seq, .. } => format!("returned by record {seq}"),
        PayoutStatus::Determined { seq, .. } => format!("determined by record {seq}"),
    };
    Err(Problem::new(
        Code::PayoutSettled,
        format!("the payout in record {} is {settled}", sent.seq),
    )
    .hint("a payout is confirmed or returned once")
    .at_record(sent.seq))
}

/// Judges a confirmation.
pub(crate) fn judge_receipt(
    state: &State,
    fact: &Fact,
    receipt: &PayoutReceipt,
) -> Result<Change, Violation> {
    admit_receipt(state, &fact.author, receipt)?;
    let status = PayoutStatus::Confirmed {
        seq: fact.seq,
        at: fact.recorded_at,
        received_on: receipt.received_on,
    };
    arrival(state, &receipt.payout, status)
}

/// Judges a return.
pub(crate) fn judge_return(
    state: &State,
    fact: &Fact,
    returned: &PayoutReturn,
) -> Result<Change, Violation> {
    admit_return(state, &fact.author, returned)?;
    let status = PayoutStatus::Returned {
        seq: fact.seq,
        at: fact.recorded_at,
        reason: returned.reason.clone(),
    };
    arrival(state, &returned.payout, status)
}

/// What becomes of a payout or an advance.
fn arrival(state: &State, id: &EventId, status: PayoutStatus) -> Result<Change, Violation> {
    let agreement = in_force(state)?;
    if let Some(record) = agreement.advances().get(id) {
        return Ok(Change::Advance(Box::new(agreement.advance_posting(record, status)?)));
    }
    match agreement.payouts().get(id) {
        Some(record) => Ok(Change::Payout(Box::new(agreement.receipt_posting(record, status)?))),
        None => Err(unknown_event(state, id, "a payout or an advance")),
    }
}
