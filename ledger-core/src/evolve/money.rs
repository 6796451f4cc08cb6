//! Payouts are sent, confirmed and returned.

use crate::event::Author;
use crate::event::Fact;
use crate::event::PayoutReceipt;
use crate::event::PayoutReturn;
use crate::evolve::Violation;
use crate::evolve::entitled;
use crate::evolve::in_force;
use crate::evolve::opened_mut;
use crate::evolve::unknown_event;
use crate::limits::LEDGER_PAYOUTS_MAX;
use crate::payout::Payout;
use crate::state::PayoutRecord;
use crate::state::PayoutStatus;
use crate::state::State;
use crate::terms::Role;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// The part of a payout above what is payable to a party now.
pub fn excess(state: &State, to: &Id, amount: Amount) -> Result<Amount, Violation> {
    let payable = in_force(state)?.account(to).payable().at_least_zero();
    Ok(amount.checked_sub(payable).unwrap_or_default().at_least_zero())
}

/// A payout: by the collector, to a beneficiary, positive, in minor units, at most what is payable
/// unless the excess is said to be on account, and not below the minimum payout.
pub fn admit_payout(
    state: &State,
    author: &Author,
    at: Timestamp,
    payout: &Payout,
) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, |role| role == Role::Collector, "the collector")?;
    let terms = agreement.terms();
    let Payout { to, amount, on_account, .. } = payout;
    if !terms.party(to).is_some_and(|party| party.role.is_beneficiary()) {
        let known: Vec<&str> = terms.beneficiaries().iter().map(|id| id.as_str()).collect();
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
    if amount.scale() > terms.currency.minor_digits() {
        return Err(Problem::new(
            Code::MinorUnit,
            format!("{amount} has more fraction digits than {} has", terms.currency),
        )
        .hint(format!(
            "{} has {} fraction digits",
            terms.currency,
            terms.currency.minor_digits()
        )));
    }
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
    let payable = account.payable();
    let digits = terms.currency.minor_digits();
    if *on_account != excess(state, to, *amount)? {
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
        .hint("send at most what is payable, or say --on-account: the excess becomes a credit"));
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

/// Applies a payout.
pub(crate) fn record(state: &mut State, fact: &Fact, payout: &Payout) -> Result<(), Violation> {
    opened_mut(state)?.add_payout(PayoutRecord {
        id: fact.id,
        seq: fact.seq,
        recorded_at: fact.recorded_at,
        payout: payout.clone(),
        status: PayoutStatus::InTransit,
    });
    Ok(())
}

/// The receiver of a payout in transit confirms it, no earlier than it was sent.
pub fn admit_receipt(
    state: &State,
    author: &Author,
    receipt: &PayoutReceipt,
) -> Result<(), Violation> {
    let record = in_transit(state, author, &receipt.payout)?;
    if receipt.received_on < record.payout.sent_on {
        return Err(Problem::new(
            Code::PayoutDate,
            format!(
                "received on {}, before it was sent on {}",
                receipt.received_on, record.payout.sent_on
            ),
        )
        .hint("give the day on which the money arrived"));
    }
    Ok(())
}

/// The receiver of a payout in transit says that it did not arrive or was sent back.
pub fn admit_return(
    state: &State,
    author: &Author,
    returned: &PayoutReturn,
) -> Result<(), Violation> {
    in_transit(state, author, &returned.payout).map(|_| ())
}

fn in_transit<'a>(
    state: &'a State,
    author: &Author,
    id: &EventId,
) -> Result<&'a PayoutRecord, Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, Role::is_beneficiary, "the receiving beneficiary")?;
    let Some(record) = agreement.payouts().get(id) else {
        return Err(unknown_event(state, id, "a payout"));
    };
    if record.payout.to != author.party {
        return Err(Problem::new(
            Code::NotEntitled,
            format!(
                "the payout went to {}; only {} may say this",
                record.payout.to, record.payout.to
            ),
        )
        .hint("use the key of the party that received it (--key)"));
    }
    let settled = match &record.status {
        PayoutStatus::InTransit => return Ok(record),
        PayoutStatus::Confirmed { seq, .. } => format!("confirmed by record {seq}"),
        PayoutStatus::Returned { seq, .. } => format!("returned by record {seq}"),
    };
    Err(Problem::new(
        Code::PayoutSettled,
        format!("the payout in record {} is {settled}", record.seq),
    )
    .hint("a payout is confirmed or returned once")
    .at_record(record.seq))
}

/// Applies a confirmation.
pub(crate) fn confirm(
    state: &mut State,
    fact: &Fact,
    receipt: &PayoutReceipt,
) -> Result<(), Violation> {
    let status = PayoutStatus::Confirmed { seq: fact.seq, received_on: receipt.received_on };
    opened_mut(state)?.settle_payout(&receipt.payout, status);
    Ok(())
}

/// Applies a return.
pub(crate) fn give_back(
    state: &mut State,
    fact: &Fact,
    returned: &PayoutReturn,
) -> Result<(), Violation> {
    let status = PayoutStatus::Returned { seq: fact.seq, reason: returned.reason.clone() };
    opened_mut(state)?.settle_payout(&returned.payout, status);
    Ok(())
}
