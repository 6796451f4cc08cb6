//! What becomes of an amount: guarantees, caps, splits, advances, tax and late interest, on the days
//! and at the bounds where they begin and end.

use ledger_core::command::Command;
use ledger_core::event::Event;
use ledger_core::payout::Payout;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::booked;
use revshare_kit::interest;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::payable;
use revshare_kit::posted;
use revshare_kit::recouped;
use revshare_kit::two_parties;
use revshare_kit::withheld;

use crate::reference::agree;

/// Terms under which meta gets all of it, with one more clause.
fn whole(clause: &str) -> TermsBuilder {
    two_parties("share = { meta = \"1\" }").clause(clause)
}

/// A month with this gross on its first day, stated.
fn month(given: Given, of: &str, gross: &str) -> Given {
    given.reported(of, vec![Line::new(&format!("{of}-01"), gross)]).stated(of)
}

/// A guarantee of a stub is for the days of the agreement in the window: the 29th of February is
/// one, and the year of an agreement that begins in April ends with March.
#[test]
fn guarantees_count_days_of_the_agreement() {
    let over = |window: &str, start: &str| {
        TermsBuilder::new("USD", start)
            .party("meta", "owner")
            .party("acme-cloud", "collector")
            .rule("everything", "share = { meta = \"1\" }")
            .clause(&format!("[[minimum]]\nto = \"meta\"\namount = \"1000\"\nover = \"{window}\""))
    };
    // 20 of the 29 days of February 2028: 689.655.
    let given = Given::ledger(over("period", "2028-02-10"))
        .reported("2028-02", vec![])
        .when(party("meta").issues_statement("2028-02"))
        .then(posted("meta", "2028-02", "689.66"));
    agree(&given.given().into_world());
    // 351 of 365 days: 961.64.
    let mut given = Given::ledger(over("year", "2026-04-15"));
    given = given.reported("2026-04", lines!["2026-04-15" => "900"]).stated("2026-04");
    for of in ["05", "06", "07", "08", "09", "10", "11", "12"] {
        given = month(given, &format!("2026-{of}"), "0");
    }
    let given = month(month(given, "2027-01", "0"), "2027-02", "0")
        .reported("2027-03", vec![])
        .when(party("meta").issues_statement("2027-03"))
        .then(posted("meta", "2027-03", "61.64"))
        .given()
        // A correction inside the window lowers the top-up again.
        .corrected("2027-01", lines!["2027-01-01" => "50"])
        .reported("2027-04", vec![])
        .when(party("meta").issues_statement("2027-04"))
        .then(posted("meta", "2027-01", "50"))
        .then(posted("meta", "2027-03", "-50"))
        .then(posted("meta", "2027-04", "0"));
    agree(&given.given().into_world());
}

/// A guarantee over a year is settled in the last period of the agreement if that comes first, for
/// the days until the agreement's end; one over the lifetime is not prorated.
#[test]
fn guarantees_are_settled_when_the_agreement_ends() {
    let ends = |over: &str| {
        whole(&format!("[[minimum]]\nto = \"meta\"\namount = \"730\"\nover = \"{over}\""))
            .ends_on("2026-02-15")
    };
    let settled = |over: &str, money: &str| {
        let given = month(Given::ledger(ends(over)), "2026-01", "10")
            .reported("2026-02", vec![])
            .when(party("meta").issues_statement("2026-02"))
            .then(posted("meta", "2026-02", money))
            .given();
        // Nothing is guaranteed after the end.
        let given = given.when(party("meta").issues_statement("2026-03"));
        agree(&given.then(posted("meta", "2026-03", "0")).given().into_world());
    };
    // 45 of 365 days: 90.
    settled("year", "80");
    settled("lifetime", "720");
}

/// A cap lets pass what is left of it, and takes back first what it cut; a window that begins anew
/// begins at zero.
#[test]
fn a_cap_cuts_and_takes_back() {
    let capped = |amount: &str| {
        whole(&format!("[[cap]]\nto = \"meta\"\namount = \"{amount}\"\nover = \"year\""))
    };
    let mut given = Given::ledger(capped("100"));
    for (of, gross) in [("01", "70"), ("02", "50"), ("03", "-30"), ("04", "40"), ("05", "1")] {
        given = month(given, &format!("2026-{of}"), gross);
    }
    let expected = [("01", "70"), ("02", "30"), ("03", "-10"), ("04", "10"), ("05", "0")];
    let check = |mut given: Given| {
        for (of, money) in expected {
            let then = given.when(party("meta").acknowledges());
            given = then.then(booked("meta", &format!("2026-{of}"), money)).given();
        }
        given
    };
    given = check(given);
    // A higher cap revives nothing that was cut, and lets more pass from its first day on.
    given = given.amended(capped("1000"), "2026-06-01");
    given = month(given, "2026-06", "500");
    given = check(given);
    let given =
        given.when(party("meta").acknowledges()).then(booked("meta", "2026-06", "500")).given();
    agree(&given.into_world());
}

/// An amount is divided to the last unit, also a negative one, and a true-up moves only the units
/// that change.
#[test]
fn a_pool_is_divided_to_the_last_unit() {
    let terms = whole(
        "[[split]]\nof = \"meta\"\nparts = [ { to = \"meta\", weight = \"1\" }, \
         { to = \"a-lab\", weight = \"1\" }, { to = \"b-lab\", weight = \"1\" } ]",
    );
    let terms = terms.party("a-lab", "beneficiary").party("b-lab", "beneficiary");
    let given = month(Given::ledger(terms), "2026-01", "100")
        .reported("2026-02", lines!["2026-02-01" => "-100"])
        .when(party("a-lab").issues_statement("2026-02"))
        .then(booked("meta", "2026-01", "33.34"))
        .then(booked("a-lab", "2026-01", "33.33"))
        .then(booked("meta", "2026-02", "-33.34"))
        .then(booked("b-lab", "2026-02", "-33.33"))
        .given()
        .corrected("2026-01", lines!["2026-01-01" => "100.01"])
        .reported("2026-03", vec![])
        .when(party("a-lab").issues_statement("2026-03"))
        .then(posted("meta", "2026-01", "0"))
        .then(posted("a-lab", "2026-01", "0.01"))
        .then(posted("b-lab", "2026-01", "0"));
    agree(&given.given().into_world());
}

/// An advance goes to a party that the terms permit one to, counts once it arrived, and is recouped
/// from what statements post, never below what is payable; what is given back is open again.
#[test]
fn an_advance_is_recouped_once_it_arrived() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let terms = whole("[[advance]]\nto = \"meta\"").party("a-lab", "beneficiary");
    let given = Given::ledger(terms)
        .when(host.advances("a-lab", "10", "2026-01-02", "advance 0"))
        .refused(Code::AdvanceNotPermitted)
        .when(meta.advances("meta", "10", "2026-01-02", "advance 0"))
        .refused(Code::NotEntitled)
        .when(host.advances("meta", "0", "2026-01-02", "advance 0"))
        .refused(Code::AmountNotPositive)
        .when(host.advances("meta", "0.001", "2026-01-02", "advance 0"))
        .refused(Code::MinorUnit)
        .and(host.advances("meta", "1000", "2026-01-02", "advance 1"))
        .reported("2026-01", lines!["2026-01-05" => "100"])
        .when(host.issues_statement("2026-01"))
        .then(recouped("meta", "0"))
        .given()
        .when(meta.confirms("advance 1", "2026-01-01"))
        .refused(Code::PayoutDate)
        .when(party("a-lab").confirms("advance 1", "2026-01-03"))
        .refused(Code::NotEntitled)
        .and(meta.confirms("advance 1", "2026-01-03"))
        .when(meta.returns("advance 1", "too late"))
        .refused(Code::PayoutSettled)
        .reported("2026-02", lines!["2026-02-05" => "600"])
        .when(host.issues_statement("2026-02"))
        .then(recouped("meta", "600"))
        .then(payable("meta", "100"))
        .given()
        .reported("2026-03", lines!["2026-03-05" => "700"])
        .when(host.issues_statement("2026-03"))
        .then(recouped("meta", "400"))
        .then(payable("meta", "400"))
        .given()
        .reported("2026-04", lines!["2026-04-05" => "-300"])
        .when(host.issues_statement("2026-04"))
        .then(recouped("meta", "-300"))
        .then(payable("meta", "400"))
        .given()
        .reported("2026-05", lines!["2026-05-05" => "500"])
        .when(host.issues_statement("2026-05"))
        .then(recouped("meta", "300"))
        .then(payable("meta", "600"));
    agree(&given.given().into_world());
}

/// Where payable is negative, an advance is recouped from what lifts it above zero only.
#[test]
fn recoupment_leaves_payable_at_zero() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let given = Given::ledger(whole("[[advance]]\nto = \"meta\""))
        .and(host.advances("meta", "1000", "2026-01-02", "advance 1"))
        .and(meta.confirms("advance 1", "2026-01-03"))
        .and(host.sends_on_account("meta", "50", "2026-01-02", "wire 1"))
        .reported("2026-01", lines!["2026-01-05" => "200"])
        .when(host.issues_statement("2026-01"))
        .then(recouped("meta", "150"))
        .then(payable("meta", "0"));
    agree(&given.given().into_world());
}

/// Advances to one party that did not come back come to 100 trillion at most.
#[test]
fn advances_have_a_bound() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let sends =
        |money: &str, reference: &str| host.advances("meta", money, "2026-01-02", reference);
    let given = Given::ledger(whole("[[advance]]\nto = \"meta\""))
        .when(sends("100000000000000.01", "advance 0"))
        .refused(Code::AmountBounds)
        .and(sends("60000000000000", "advance 1"))
        .and(meta.confirms("advance 1", "2026-01-03"))
        .and(sends("40000000000000", "advance 2"))
        .when(sends("0.01", "advance 3"))
        .refused(Code::AmountBounds)
        .and(meta.returns("advance 2", "the account was closed"))
        .when(sends("40000000000000", "advance 4"))
        .then(payable("meta", "0"));
    agree(&given.given().into_world());
}

/// Tax is withheld by the terms in force on the day sent, moved into the agreement: out of the
/// payout, or on top of it; either way the payout settles its amount.
#[test]
fn tax_follows_the_terms_of_the_day_sent() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let taxed = |rate: &str, gross_up: bool| {
        let tax = format!("{{ meta = {{ rate = \"{rate}\", gross_up = {gross_up} }} }}");
        whole(&format!("[payment]\nwithholding = {tax}"))
    };
    let given = month(Given::ledger(taxed("0.15", false)), "2026-01", "4000")
        .amended(taxed("0.15", true), "2026-03-01")
        .and(host.sends("meta", "1000", "2026-02-28", "wire 1"))
        .when(meta.confirms("wire 1", "2026-03-02"))
        .then(withheld("meta", "150"))
        .then(payable("meta", "3000"))
        .given()
        .and(host.sends("meta", "1000", "2026-03-01", "wire 2"))
        .when(meta.confirms("wire 2", "2026-03-02"))
        .then(withheld("meta", "326.47"))
        .then(payable("meta", "2000"))
        .given()
        // Before the agreement, its first day counts.
        .and(host.sends("meta", "0.10", "2025-12-01", "wire 3"))
        .when(meta.confirms("wire 3", "2026-01-01"))
        .then(withheld("meta", "326.49"));
    agree(&given.given().into_world());
}

/// A payout that withholds another amount than the terms say, or says otherwise who bears it, is not
/// admissible, whoever signed it.
#[test]
fn tax_that_the_terms_do_not_say_is_refused() {
    let given = month(
        Given::ledger(whole("[payment]\nwithholding = { meta = { rate = \"0.15\" } }")),
        "2026-01",
        "1000",
    );
    let mut world = given.into_world();
    let before = world.state().clone();
    let said = Command::SendPayout {
        to: ledger_core::vocab::Id::parse("meta").expect("a party id"),
        amount: Amount::parse("100").expect("an amount"),
        on_account: false,
        sent_on: ledger_core::vocab::Date::parse("2026-02-20").expect("a day"),
        reference: ledger_core::vocab::Text::parse("wire 1").expect("a text"),
    };
    let fact = world.must("acme-cloud", said).fact;
    let Event::PayoutSent(payout) = fact.event.clone() else { panic!("a payout") };
    let lies = [
        Payout { withheld: Amount::parse("15.01").expect("an amount"), ..payout.clone() },
        Payout { withheld: Amount::ZERO, ..payout.clone() },
        Payout { grossed_up: true, ..payout.clone() },
    ];
    for lie in lies {
        let mut state = before.clone();
        let lie = ledger_core::event::Fact { event: Event::PayoutSent(lie), ..fact.clone() };
        let code = ledger_core::evolve::evolve(&mut state, &lie).map_err(|problem| problem.code);
        assert_eq!(code, Err(Code::WithholdingWrong));
    }
    let mut state = before;
    ledger_core::evolve::evolve(&mut state, &fact).expect("as it was sent it is admissible");
}

/// What arrives after it was due bears interest for the days after the due day; what arrives on it
/// bears none. The rate is that of the due day, and the next statement posts it.
#[test]
fn late_payouts_bear_interest() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let terms = whole(
        "[payment]\nlate_interest = [ { from = 2026-01-01, rate = \"0.08\" }, \
         { from = 2026-03-30, rate = \"0.10\" } ]",
    );
    // January is due on the 2nd of March, February on the 30th.
    let given = month(month(Given::ledger(terms), "2026-01", "1000"), "2026-02", "1000")
        .and(host.sends("meta", "400", "2026-03-02", "wire 1"))
        .and(meta.confirms("wire 1", "2026-03-02"))
        .and(host.sends("meta", "1100", "2026-03-20", "wire 2"))
        .and(meta.confirms("wire 2", "2026-04-01"))
        .reported("2026-03", vec![])
        .when(host.issues_statement("2026-03"))
        // 600 for 30 days at 0.08 (3.945) and 500 for 2 days at 0.10 (0.274).
        .then(interest("meta", "4.22"))
        .then(payable("meta", "504.22"))
        .given()
        // Interest bears none: only the 500 that are left of February do, for 366 days.
        .and(host.sends("meta", "504.22", "2026-03-20", "wire 3"))
        .and(meta.confirms("wire 3", "2027-03-31"))
        .reported("2026-04", vec![])
        .when(host.issues_statement("2026-04"))
        .then(interest("meta", "50.14"));
    agree(&given.given().into_world());
}

/// While an amount is carried because it is below the minimum payout, it bears no interest; it falls
/// due with the statement that reaches the minimum.
#[test]
fn what_is_carried_falls_due_with_the_minimum() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let terms = whole("[payment]\nminimum_payout = \"5000\"\nlate_interest = { rate = \"0.08\" }");
    let given = month(Given::ledger(terms), "2026-01", "3000")
        .when(host.sends("meta", "3000", "2026-03-01", "wire 0"))
        .refused(Code::BelowMinimum);
    let given = month(given, "2026-02", "4000")
        .and(host.sends("meta", "7000", "2026-03-20", "wire 1"))
        .and(meta.confirms("wire 1", "2026-04-29"))
        .reported("2026-03", vec![])
        .when(host.issues_statement("2026-03"))
        .then(interest("meta", "46.03"));
    agree(&given.given().into_world());
}

/// The minimum payout is the least that is paid.
#[test]
fn a_payout_of_the_minimum_is_one() {
    let host = party("acme-cloud");
    let terms = || whole("[payment]\nminimum_payout = \"100\"");
    let sends = || host.sends("meta", "1", "2026-03-01", "wire 1");
    month(Given::ledger(terms()), "2026-01", "99.99").when(sends()).refused(Code::BelowMinimum);
    let given = month(Given::ledger(terms()), "2026-01", "100").when(sends());
    agree(&given.then(payable("meta", "99")).given().into_world());
}

/// A period without usage still gives flat amounts where a window begins: the contract year of an
/// agreement that begins inside a month begins with that month.
#[test]
fn a_contract_year_begins_with_the_first_period() {
    let terms = TermsBuilder::new("USD", "2026-12-17")
        .party("meta", "owner")
        .party("acme-cloud", "collector")
        .rule(
            "everything",
            "tiers = { by = \"revenue\", over = \"year\", kind = \"marginal\" }\n\
             steps = [ { up_to = \"100\", share = { meta = \"0.1\" }, flat = { meta = \"5\" } }, \
             { share = { meta = \"0.2\" } } ]",
        );
    let mut given = Given::ledger(terms).reported("2026-12", lines!["2026-12-31" => "200"]);
    given = given.stated("2026-12");
    for of in 1..=11 {
        given = given.reported(&format!("2027-{of:02}"), vec![]).stated(&format!("2027-{of:02}"));
    }
    let given = given
        .reported("2027-12", lines!["2027-12-01" => "100"])
        .when(party("meta").issues_statement("2027-12"))
        .then(booked("meta", "2026-12", "35"))
        .then(booked("meta", "2027-01", "0"))
        .then(booked("meta", "2027-11", "0"))
        .then(posted("meta", "2027-12", "15"));
    agree(&given.given().into_world());
}

/// A price of zero and the smallest unit are prices; a quantity at the bound of a number is priced
/// exactly, and past the money of a ledger it is refused.
#[test]
fn prices_hold_at_the_bounds_of_numbers() {
    let host = party("acme-cloud");
    let price = |model: &str, unit: &str, price: &str| {
        format!(
            "[[price]]\nmeter = \"tokens\"\nmodel = [\"{model}\"]\nunit = \"{unit}\"\n\
             price = \"{price}\"\nfrom = 2026-02-28\n"
        )
    };
    let prices = price("free", "1", "0")
        + &price("fine", "999999999999999", "0.000000000001")
        + &price("dear", "0.000000000001", "1");
    let terms = whole(&prices).meter("tokens").priced(None);
    let line = |model: &str, quantity: &str| {
        vec![Line::new("2026-02-28", "0").with("model", model).meter("tokens", quantity)]
    };
    let early = vec![Line::new("2026-02-27", "0").with("model", "free").meter("tokens", "1")];
    let given = Given::ledger(terms)
        .when(host.reports("2026-02", early))
        .refused(Code::RowPrice)
        .when(host.reports("2026-02", line("other", "1")))
        .refused(Code::RowPrice)
        // A quantity counts with the dearest price that there is for its meter: 10^12 for one.
        .when(host.reports("2026-02", line("free", "101")))
        .refused(Code::AmountBounds)
        .reported("2026-02", line("dear", "99.000000000001"))
        .when(host.supplements("2026-02", line("fine", "1")))
        .refused(Code::AmountBounds)
        .when(host.supplements("2026-02", line("other", "0")))
        .then(payable("meta", "0"))
        .given()
        .reported("2026-01", vec![])
        .stated("2026-01")
        .when(host.issues_statement("2026-02"))
        .then(posted("meta", "2026-02", "99000000000001"));
    agree(&given.given().into_world());
}
