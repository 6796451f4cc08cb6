//! What `docs/calculation.md` promises of amounts and accounts ("What must hold"), for every ledger,
//! whatever its terms and its history.

use std::collections::BTreeMap;

use ledger_core::evolve::statement::rate_until;
use ledger_core::intake::read_terms;
use ledger_core::intake::to_toml;
use ledger_core::rating::PartyRating;
use ledger_core::rating::PeriodRating;
use ledger_core::state::Agreement;
use ledger_core::state::PayoutStatus;
use ledger_core::state::Queue;
use ledger_core::terms::Terms;
use ledger_core::terms::Window;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Exact;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use ledger_core::vocab::Rounding;
use ledger_core::vocab::exact::of_amount;
use ledger_core::wire::terms::decode_terms;
use ledger_core::wire::terms::encode_terms;
use num_bigint::BigInt;
use revshare_kit::World;
use revshare_kit::random::Plan;
use revshare_kit::random::agree_on_rates;
use revshare_kit::random::opened;
use revshare_kit::random::plan;
use revshare_kit::random::play;
use revshare_kit::random::take;
use revshare_kit::random::terms_plan;

use crate::runs::holds;

const WINDOWS: [Window; 3] = [Window::Period, Window::Year, Window::Lifetime];

/// A random ledger and its stated periods, rated.
fn rated(plan: &Plan) -> (World, Vec<PeriodRating>) {
    with_ratings(play(plan))
}

/// A ledger and its stated periods, rated, with the conversion rates that corrections need; none if
/// nothing is stated.
pub fn with_ratings(mut world: World) -> (World, Vec<PeriodRating>) {
    let last = world.agreement().statements().last_key_value().map(|(period, _)| *period);
    let Some(last) = last else { return (world, Vec::new()) };
    agree_on_rates(&mut world, last, 9_000);
    let ratings = match rate_until(world.agreement(), last) {
        Ok(ratings) => ratings,
        // A rate that would lead past the bounds of the ledger.
        Err(problem) if problem.code == Code::FxMissing => Vec::new(),
        Err(problem) => panic!("{problem}"),
    };
    (world, ratings)
}

fn total<'a>(amounts: impl Iterator<Item = &'a Amount>) -> Exact {
    amounts.fold(Exact::zero(), |sum, amount| sum + of_amount(amount))
}

/// A minor unit of the ledger's currency.
fn unit(world: &World) -> Exact {
    let digits = world.agreement().terms().currency.minor_digits();
    Exact::new(1.into(), BigInt::from(10).pow(digits))
}

/// For every statement: the legs of each entry (the collector's and the shares) add up to zero, and
/// its base is what the collector keeps plus the shares, to the last digit. Amounts are in minor
/// units, true-ups post something and name their causes, and late interest and recoupments are
/// never zero.
#[test]
fn postings_add_up_to_zero() {
    holds(120, plan(6..24), |plan| {
        let world = play(&plan);
        let digits = world.agreement().terms().currency.minor_digits();
        for record in world.agreement().statements().values() {
            let statement = &record.statement;
            for entry in &statement.entries {
                let shares = || entry.shares.iter().map(|(_, amount)| amount);
                let leg = entry.collector_leg().expect("a leg within bounds");
                let keep = entry.keep().expect("a keep within bounds");
                assert!(total(shares().chain([&leg])).is_zero(), "legs of {}", entry.period);
                assert_eq!(total(shares().chain([&keep])), of_amount(&entry.base));
                let mut amounts = shares().chain([&entry.base]);
                assert!(amounts.all(|amount| amount.scale() <= digits), "minor units only");
                if entry.period != statement.period {
                    assert!(!entry.is_zero(), "a true-up of nothing");
                    assert!(!entry.causes.is_empty(), "a true-up without a cause");
                }
            }
            let interest = statement.interest.iter().map(|line| &line.amount);
            assert!({ interest }.all(|amount| *amount > Amount::ZERO));
            assert!(statement.recoupments.iter().all(|one| !one.amount.is_zero()));
        }
    });
}

/// For every ledger and beneficiary: its account is the sum of what all statements posted: entries,
/// late interest, recoupments.
#[test]
fn accounts_are_the_sum_of_the_statements() {
    holds(120, plan(6..24), |plan| {
        let world = play(&plan);
        let agreement = world.agreement();
        for id in agreement.versions().beneficiaries() {
            let account = agreement.account(id);
            let statements = || agreement.statements().values().map(|record| &record.statement);
            let booked = statements().map(|one| one.total(id).expect("within bounds"));
            let interest = statements().map(|one| one.interest_of(id).expect("within bounds"));
            let recouped = statements().map(|one| one.recouped_of(id));
            let sum = |amounts: Vec<Amount>| total(amounts.iter());
            assert_eq!(sum(booked.collect()), of_amount(&account.booked), "booked of {id}");
            assert_eq!(sum(interest.collect()), of_amount(&account.interest), "interest of {id}");
            assert_eq!(sum(recouped.collect()), of_amount(&account.recouped), "recouped of {id}");
        }
    });
}

/// For every ledger, every head of it and every beneficiary: open items less credit are what is
/// booked and posted as interest, less what was recouped, paid and sent on account. There are never
/// open items and credit at once, and credit is below zero only where a payout counts less than it
/// had settled, every open item is positive, they stand in their order, and
/// recouped lies between zero and the advances that arrived.
#[test]
fn open_items_are_what_is_owed() {
    holds(120, plan(8..28), |plan| {
        let mut world = opened(&plan.terms);
        for step in &plan.moves {
            if !take(&mut world, step) {
                continue;
            }
            let agreement = world.agreement();
            for id in agreement.versions().beneficiaries() {
                let account = agreement.account(id);
                let queue = agreement.queue(id).cloned().unwrap_or_default();
                let open = total(queue.items().iter().map(|item| &item.open));
                let owed = of_amount(&account.booked) + of_amount(&account.interest)
                    - of_amount(&account.recouped)
                    - of_amount(&account.paid)
                    - of_amount(&account.on_account);
                assert_eq!(&open - of_amount(&queue.credit()), owed, "open to {id}");
                let credit = queue.credit();
                assert!(open.is_zero() || credit <= Amount::ZERO, "open items and credit: {id}");
                assert!(!credit.is_negative() || counts_less(agreement, id), "credit of {id}");
                items_stand_in_order(&queue);
                assert!(!account.recouped.is_negative(), "recouped from {id}");
                assert!(account.recouped <= account.advanced, "recouped more than advanced: {id}");
            }
        }
    });
}

/// Whether a payout to a party counts what a dispute adopted: then what it had settled may be missing.
fn counts_less(agreement: &Agreement, id: &Id) -> bool {
    let all = agreement.payouts().all();
    let mut own = all.values().filter(|record| record.payout.to == *id);
    own.any(|record| matches!(record.status, PayoutStatus::Determined { .. }))
}

fn items_stand_in_order(queue: &Queue) {
    let key = |at: usize| {
        let item = &queue.items()[at];
        (item.due_on, item.period, item.kind)
    };
    assert!((1..queue.items().len()).all(|at| key(at - 1) <= key(at)), "{queue:?}");
    assert!(queue.items().iter().all(|item| item.open > Amount::ZERO), "{queue:?}");
}

/// For every beneficiary and after every stated period whose terms carry: what was rounded so far
/// differs from what was earned so far by at most half a minor unit (less than one, where terms
/// round down). Terms that do not carry take nothing over.
#[test]
fn carried_rounding_stays_within_half_a_unit() {
    holds(200, plan(6..24), |plan| {
        let (world, ratings) = rated(&plan);
        let unit = unit(&world);
        let versions = world.agreement().versions();
        for id in versions.beneficiaries() {
            let mut difference = Exact::zero();
            for rating in &ratings {
                let terms = versions.of(rating.period);
                let share = rating.share(id).expect("every beneficiary is rated");
                let carried = if terms.carry { difference.clone() } else { Exact::zero() };
                assert_eq!(share.carry_in, carried, "carried into {}", rating.period);
                difference += &share.earned - of_amount(&share.rounded);
                let twice = difference.abs() * Exact::from(2);
                match terms.rounding {
                    _ if !terms.carry => {}
                    Rounding::Down => assert!(difference.abs() < unit, "{id} {}", rating.period),
                    _ => assert!(twice <= unit, "{id} {}", rating.period),
                }
            }
        }
    });
}

/// What a party has after caps and before top-ups.
fn after_caps(share: &PartyRating) -> Exact {
    of_amount(&share.own) - total(share.top_ups.iter().map(|top_up| &top_up.added))
}

fn bound(list: &[ledger_core::terms::Bounded], party: &Id, over: Window) -> Option<Amount> {
    list.iter().find(|one| one.to == *party && one.over == over).map(|one| one.amount)
}

/// For every period and every cap of its terms: what the cap's tracker kept is not above the cap,
/// not by a unit, unless it was before. While there is one version of the terms, what all trackers
/// pass on in a window is not above the window's cap either.
#[test]
fn caps_are_never_exceeded() {
    holds(200, plan(6..24), |plan| {
        let (world, ratings) = rated(&plan);
        let versions = world.agreement().versions();
        let mut passed: BTreeMap<(Id, Window), Exact> = BTreeMap::new();
        for rating in &ratings {
            let terms = versions.of(rating.period);
            for share in &rating.shares {
                for capped in &share.caps {
                    let Some(cap) = capped.cap else { continue };
                    let kept = of_amount(&capped.kept) + of_amount(&capped.after);
                    let bound = of_amount(&cap).max(of_amount(&capped.kept));
                    assert!(kept <= bound, "{} {}: {capped:?}", share.party, rating.period);
                }
                for over in WINDOWS {
                    let sum = passed.entry((share.party.clone(), over)).or_insert_with(Exact::zero);
                    if versions.window_start(over, rating.period) == rating.period {
                        *sum = Exact::zero();
                    }
                    *sum += after_caps(share);
                    let cap = bound(&terms.caps, &share.party, over);
                    if let Some(cap) = cap.filter(|_| versions.count() == 1) {
                        assert!(*sum <= of_amount(&cap), "{} {}", share.party, rating.period);
                        let shown = share.caps.iter().any(|c| c.over == over && c.cap == Some(cap));
                        assert!(shown, "the cap of {} in {}", share.party, rating.period);
                    }
                }
            }
        }
    });
}

/// For every period that is the last of a window, or of the agreement, and every minimum of its
/// terms: what the party got in the window, top-ups included, is not below the guarantee; and the
/// guarantee is the amount, or the part of it for the days of the agreement in the window.
#[test]
fn guarantees_are_never_missed() {
    holds(200, plan(6..24), |plan| {
        let (world, ratings) = rated(&plan);
        let versions = world.agreement().versions();
        let unit = unit(&world);
        let mut got: BTreeMap<(Id, Window), Exact> = BTreeMap::new();
        for rating in &ratings {
            let terms = versions.of(rating.period);
            let last = versions.last_period();
            let next = rating.period.next().expect("a next period");
            for share in &rating.shares {
                for over in WINDOWS {
                    let sum = got.entry((share.party.clone(), over)).or_insert_with(Exact::zero);
                    let start = versions.window_start(over, rating.period);
                    if start == rating.period {
                        *sum = Exact::zero();
                    }
                    *sum += of_amount(&share.own);
                    let ends =
                        versions.window_start(over, next) != start || last == Some(rating.period);
                    let runs = last.is_none_or(|last| rating.period <= last);
                    let minimum = bound(&terms.minimums, &share.party, over);
                    let top_up = share.top_ups.iter().find(|top_up| top_up.over == over);
                    let Some(minimum) = minimum.filter(|_| ends && runs) else {
                        assert_eq!(top_up, None, "{} {}", share.party, rating.period);
                        continue;
                    };
                    let top_up = top_up.expect("the guarantee is settled");
                    let guarantee = of_amount(&top_up.guarantee);
                    assert!(*sum >= guarantee, "{} {}: {top_up:?}", share.party, rating.period);
                    let (days, of) = top_up.days;
                    assert!(0 < days && days <= of, "{top_up:?}");
                    let exact = of_amount(&minimum) * Exact::new(days.into(), of.into());
                    assert!((guarantee - exact).abs() < unit, "{top_up:?}");
                    assert!(!top_up.added.is_negative(), "{top_up:?}");
                }
            }
        }
    });
}

/// For every divided amount: the parts add up to it, each is less than a minor unit from its exact
/// share, and what all parties get is what all of them had before amounts were divided.
#[test]
fn parts_of_a_split_add_up() {
    holds(200, plan(6..24), |plan| {
        let (world, ratings) = rated(&plan);
        let unit = unit(&world);
        for rating in &ratings {
            for share in rating.shares.iter().filter(|share| !share.split.is_empty()) {
                let parts = total(share.split.iter().map(|part| &part.amount));
                assert_eq!(parts, of_amount(&share.own), "{} {}", share.party, rating.period);
                for part in &share.split {
                    let exact = of_amount(&share.own) * of_amount(&part.weight) / &part.weights;
                    let off = (of_amount(&part.amount) - exact).abs();
                    assert!(off < unit, "{} {}: {part:?}", share.party, rating.period);
                }
            }
            // An adopted figure says what one line comes to, whatever was computed.
            let computed = |share: &PartyRating| share.computed.unwrap_or(share.amount);
            let gets: Vec<Amount> = rating.shares.iter().map(computed).collect();
            let gets = total(gets.iter());
            let own = total(rating.shares.iter().map(|share| &share.own));
            assert_eq!(gets, own, "{}", rating.period);
        }
    });
}

/// Every terms file reads back from what is shown of it: the text and the bytes of terms with any
/// clauses say the same terms.
#[test]
fn terms_read_back_from_their_text_and_bytes() {
    holds(500, terms_plan(), |plan| {
        let terms: Terms = plan.terms();
        let text = to_toml(&terms);
        let again = read_terms("terms.toml", text.as_bytes());
        assert_eq!(again.problems, [], "{text}");
        assert_eq!(again.terms.as_ref(), Some(&terms), "{text}");
        let level = plan.level();
        let bytes = encode_terms(&terms, level).expect("terms have bytes");
        assert_eq!(decode_terms(&bytes, level).as_ref(), Ok(&terms), "{text}");
        if level == Level::One {
            // What level 1 can say, level 2 says too, in other bytes.
            let whole = encode_terms(&terms, Level::Two).expect("terms have bytes");
            assert_ne!(whole, bytes);
            assert_eq!(decode_terms(&whole, Level::Two).as_ref(), Ok(&terms), "{text}");
        }
    });
}
