//! Nothing between input and posting rounds, and nothing leaves its bounds unnoticed.

use ledger_core::evolve::statement::rate_until;
use ledger_core::state::Account;
use ledger_core::state::AccountSums;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Exact;
use ledger_core::vocab::Id;
use ledger_core::vocab::OutOfBounds;
use ledger_core::vocab::Problem;
use ledger_core::vocab::exact;
use num_bigint::BigInt;
use proptest::prelude::any;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::booked;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::payable;
use revshare_kit::posted;
use revshare_kit::two_parties;

use crate::reference::agree;
use crate::runs::holds;

/// What a share of one line earns, exactly, as text.
fn earned(rule: &str, line: Line) -> String {
    let terms = two_parties(rule).meter("units");
    let given = Given::ledger(terms).reported("2026-01", vec![line]).stated("2026-01");
    let world = given.into_world();
    let period = world.agreement().terms().first_period();
    let ratings = rate_until(world.agreement(), period).expect("amounts within bounds");
    let meta = Id::parse("meta").expect("a party id");
    agree(&world);
    exact::to_text(&ratings[0].share(&meta).expect("meta is rated").earned)
}

/// 10^-12 times numbers of 26 digits: the product has 24 fraction digits and more digits than
/// `rust_decimal` holds, which would round it without a word. Not one digit is lost.
#[test]
fn the_smallest_rate_of_the_largest_base_is_exact() {
    let line = Line::new("2026-01-05", "99999999999999.999999999999");
    assert_eq!(
        earned("share = { meta = \"0.000000000001\" }", line.clone()),
        "99.999999999999999999999999"
    );
    assert_eq!(
        earned("share = { meta = \"0.333333333333\" }", line),
        "33333333333299.999999999999666666666667"
    );
    let tiers = |steps: &str| {
        format!(
            "tiers = {{ by = \"units\", over = \"period\", kind = \"marginal\" }}\n\
             steps = [ {steps} ]"
        )
    };
    let line = Line::new("2026-01-05", "0").meter("units", "99999999999999.999999999999");
    assert_eq!(
        earned(&tiers("{ per_unit = { meta = \"0.000000000001\" } }"), line.clone()),
        "99.999999999999999999999999"
    );
    let steps = "{ up_to = \"0.000000000001\", per_unit = { meta = \"0.999999999999\" } }, \
                 { per_unit = { meta = \"0.000000000001\" } }";
    // 10^-12 × 0.999999999999 + 99999999999999.999999999998 × 10^-12
    assert_eq!(earned(&tiers(steps), line), "100.000000000000999999999997");
}

/// A base split among steps by a quantity: a quotient without a finite decimal stays a fraction,
/// and its parts add up to the whole.
#[test]
fn thirds_stay_thirds() {
    let rule = "tiers = { by = \"units\", over = \"period\", kind = \"marginal\" }\n\
                steps = [ { up_to = \"1\", share = { meta = \"0.5\" } }, { share = {} } ]";
    let line = Line::new("2026-01-05", "1").meter("units", "3");
    assert_eq!(earned(rule, line), "1/6");
}

/// For all bases and rates within their bounds: what a share earns is the integer product of the
/// two, at 24 fraction digits.
#[test]
fn shares_are_integer_products() {
    let cases = (-99_999_999_999_999_999_999_999_999i128..1 << 86, 0..=1_000_000_000_000i64);
    holds(300, (cases, any::<bool>()), |((base, rate), negative)| {
        let base = base.clamp(-(10i128.pow(26) - 1), 10i128.pow(26) - 1);
        let base = Amount::normalised(if negative { -base } else { base }, 12).expect("an amount");
        let rate = Amount::normalised(rate.into(), 12).expect("an amount");
        let rule = format!("share = {{ meta = \"{rate}\" }}");
        let given = Given::ledger(two_parties(&rule))
            .reported("2026-01", vec![Line::new("2026-01-05", &base.to_string())]);
        let world = given.into_world();
        let period = world.agreement().terms().first_period();
        let ratings = rate_until(world.agreement(), period).expect("amounts within bounds");
        let digits = |amount: Amount| {
            BigInt::from(amount.mantissa()) * BigInt::from(10).pow(12 - amount.scale())
        };
        let product = Exact::new(digits(base) * digits(rate), BigInt::from(10).pow(24));
        assert_eq!(ratings[0].shares[0].earned, product);
    });
}

/// Amounts on one ledger may sum to 100 trillion: one unit more is refused, and the ledger states
/// what it has.
#[test]
fn the_money_of_a_ledger_has_a_bound() {
    let host = party("acme-cloud");
    let full = lines!["2026-01-05" => "100000000000000"];
    let given = Given::ledger(two_parties("share = { meta = \"1\" }"))
        .reported("2026-01", full)
        .when(host.supplements("2026-01", lines!["2026-01-05" => "0.000000000001"]))
        .refused(Code::AmountBounds)
        .when(host.issues_statement("2026-01"))
        .then(posted("meta", "2026-01", "100000000000000"))
        .given();
    agree(&given.into_world());
}

/// Quantities count with what they can earn per unit.
#[test]
fn the_money_of_a_ledger_counts_quantities() {
    let host = party("acme-cloud");
    let rule = "tiers = { by = \"units\", over = \"year\", kind = \"whole\" }\n\
                steps = [ { up_to = \"5\", per_unit = { meta = \"1\" } }, \
                          { per_unit = { meta = \"1000000000\" } } ]";
    let units = |quantity: &str| vec![Line::new("2026-01-05", "0").meter("units", quantity)];
    Given::ledger(two_parties(rule).meter("units"))
        .when(host.reports("2026-01", units("100000.1")))
        .refused(Code::AmountBounds)
        .when(host.reports("2026-01", units("100000")))
        .then(payable("meta", "0"))
        .given()
        .when(host.issues_statement("2026-01"))
        .then(booked("meta", "2026-01", "100000000000000"));
}

/// A quantity counts with what a step pays for one of its own meter, not of another.
#[test]
fn the_money_of_a_ledger_counts_each_meter_by_its_own_steps() {
    let rule = "tiers = { by = \"units\", over = \"year\", kind = \"whole\" }\n\
                steps = [ { per_unit = { meta = \"1000000000\" } } ]";
    let line = Line::new("2026-01-05", "0").meter("units", "1").meter("requests", "100001");
    Given::ledger(two_parties(rule).meter("units").meter("requests"))
        .when(party("acme-cloud").reports("2026-01", vec![line]))
        .then(payable("meta", "0"));
}

/// Payouts on account have no booked amount above them: those to one party that did not come back
/// come to 100 trillion at most.
#[test]
fn the_payouts_of_a_ledger_have_a_bound() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let sends = |money: &str, reference: &str| {
        host.sends_on_account("meta", money, "2026-02-01", reference)
    };
    let given = Given::ledger(two_parties("share = { meta = \"0.15\" }"))
        .when(sends("100000000000000.01", "wire 0"))
        .refused(Code::AmountBounds)
        .and(sends("60000000000000", "wire 1"))
        .and(meta.confirms("wire 1", "2026-02-02"))
        .and(sends("40000000000000", "wire 2"))
        .when(sends("0.01", "wire 3"))
        .refused(Code::AmountBounds)
        .and(meta.returns("wire 2", "the account was closed"))
        .when(sends("40000000000000", "wire 4"))
        .then(payable("meta", "-100000000000000"));
    agree(&given.given().into_world());
}

/// So do the taxes on them: where the payer bears them, they may be more than the payout.
#[test]
fn the_taxes_of_a_ledger_have_a_bound() {
    let bears = |rate: &str| {
        let tax = format!("withholding = {{ meta = {{ rate = \"{rate}\", gross_up = true }} }}");
        Given::ledger(
            two_parties("share = { meta = \"0.15\" }").clause(&format!("[payment]\n{tax}")),
        )
    };
    let sends =
        |money: &str| party("acme-cloud").sends_on_account("meta", money, "2026-02-01", "wire 1");
    // Half of it: the tax is as much as the payout; three quarters: three times as much.
    let given = bears("0.5").when(sends("100000000000000"));
    agree(&given.then(payable("meta", "-100000000000000")).given().into_world());
    bears("0.75").when(sends("33333333333333.34")).refused(Code::AmountBounds);
}

/// Amounts per unit and flat amounts have a bound, so that no statement can leave the bounds of an
/// amount in any plausible number of periods.
#[test]
fn the_amounts_of_a_step_have_a_bound() {
    let codes = |amount: &str| -> Vec<Code> {
        let rule = format!(
            "tiers = {{ by = \"units\", over = \"year\", kind = \"whole\" }}\n\
             steps = [ {{ per_unit = {{ meta = \"{amount}\" }}, flat = {{ meta = \"{amount}\" }} }} ]"
        );
        let text = two_parties(&rule).meter("units").toml();
        let file = ledger_core::intake::read_terms("terms.toml", text.as_bytes());
        file.problems.iter().map(|problem| problem.code).collect()
    };
    assert_eq!(codes("1000000000"), []);
    assert_eq!(codes("1000000000.000000000001"), [Code::TermsLimits, Code::TermsLimits]);
}

/// A sum past the bounds of an amount is neither the old sum nor 0: it is an error, and where no
/// rule refuses it, it is a fault of the program.
#[test]
fn a_sum_past_the_bounds_is_an_error() {
    let most = Amount::parse("999999999999999.999999999999").expect("an amount");
    let least = Amount::parse("0.000000000001").expect("an amount");
    assert_eq!(most.plus(least), Err(OutOfBounds));
    assert_eq!(most.negated().minus(least), Err(OutOfBounds));
    assert_eq!(Amount::total([most, least, least.negated()]), Err(OutOfBounds));
    assert_eq!(most.minus(least).and_then(|sum| sum.plus(least)), Ok(most));
    assert_eq!(Problem::from(OutOfBounds).code, Code::Internal);
}

/// There is no account whose balance is not an amount.
#[test]
fn an_account_has_a_balance_or_is_not_made() {
    let most = Amount::parse("999999999999999").expect("an amount");
    let one = Amount::parse("1").expect("an amount");
    let booked = AccountSums { booked: most, ..AccountSums::default() };
    assert_eq!(Account::new(booked).map(|account| account.balance()), Ok(most));
    let paid_more = AccountSums { paid: one, ..booked };
    let balance = Account::new(paid_more).map(|account| account.balance());
    assert_eq!(balance, most.minus(one));
    assert_eq!(Account::new(AccountSums { interest: one, ..booked }), Err(OutOfBounds));
    let recouped = AccountSums { recouped: most, advanced: most.negated(), ..booked };
    assert_eq!(Account::new(recouped), Err(OutOfBounds), "what is not recouped is out of bounds");
}
