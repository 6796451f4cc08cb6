//! Disputes: what each step does to what is owed, and who may not take it when. Amounts are worked
//! by hand in the comments.

use ledger_core::dispute::Settlement;
use ledger_core::vocab::Code;
use revshare_kit::Given;
use revshare_kit::TermsBuilder;
use revshare_kit::World;
use revshare_kit::booked;
use revshare_kit::caused_by;
use revshare_kit::disputes::Ending;
use revshare_kit::disputes::as_claimed;
use revshare_kit::disputes::at;
use revshare_kit::disputes::balance;
use revshare_kit::disputes::claimed_above;
use revshare_kit::disputes::divided;
use revshare_kit::disputes::held;
use revshare_kit::disputes::last_dispute;
use revshare_kit::disputes::offered;
use revshare_kit::disputes::stands;
use revshare_kit::disputes::status;
use revshare_kit::given::Party;
use revshare_kit::interest;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::payable;
use revshare_kit::posted;
use revshare_kit::signer;
use revshare_kit::two_parties;

use crate::reference::agree;

pub const PAYMENT: &str = "[payment]\ndue_days = 30\n\
                       late_interest = [{ from = 2026-01-01, rate = \"0.10\" }]\n";

pub fn windows(on_silence: &str) -> String {
    format!(
        "{PAYMENT}[windows]\nobjection_days = 60\ndispute = {{ response_days = 30, \
         on_silence = \"{on_silence}\", escalate_after_days = 60 }}"
    )
}

/// meta gets a tenth; 30 due days, 10 % a year; silence accepts after 30 days, the arbiter can be
/// asked after 60; so can a line be disputed.
fn terms() -> TermsBuilder {
    terms_with(&windows("accept"))
}

fn terms_with(clauses: &str) -> TermsBuilder {
    two_parties("share = { meta = \"0.10\" }").party("expert", "arbiter").clause(clauses)
}

pub fn host() -> Party {
    party("acme-cloud")
}

pub fn meta() -> Party {
    party("meta")
}

pub fn expert() -> Party {
    party("expert")
}

/// January: 10,000.00, so 1,000.00 for meta, due on 2 March.
pub fn january() -> Given {
    january_under(terms())
}

pub fn january_under(terms: TermsBuilder) -> Given {
    Given::ledger(terms).reported("2026-01", lines!["2026-01-05" => "10000"]).stated("2026-01")
}

/// A month of nothing, stated.
fn nil(given: Given, of: &str) -> Given {
    given.reported(of, vec![]).stated(of)
}

pub fn done(given: Given) {
    agree(&given.into_world());
}

/// Acme claims that January is 700: 300 are held, the rest stays payable and is paid on its day.
/// July's money goes to July. 900 are agreed: 100 are held until a statement takes them back, and
/// the 200 that were owed after all bear interest from 2 March.
#[test]
fn from_the_claim_to_what_was_owed_after_all() {
    let given = january()
        .when(host().disputes_statement("2026-01", &[("meta", "700")]))
        .then(held("meta", "300"))
        .then(payable("meta", "700"))
        .then(balance("meta", "1000"))
        .then(divided("meta", "0", "700", "300"))
        .then(status("open"))
        .given()
        .when(host().sends("meta", "700.01", "2026-03-02", "R0"))
        .refused(Code::AbovePayable)
        .when(meta().answers())
        .then(held("meta", "300"))
        .given()
        // Full amounts are in transit, and settle what is not disputed.
        .when(host().sends("meta", "700", "2026-03-02", "R1"))
        .then(held("meta", "300"))
        .then(payable("meta", "0"))
        .then(divided("meta", "700", "0", "300"))
        .given()
        .when(meta().confirms("R1", "2026-03-02"))
        .then(held("meta", "300"))
        .then(payable("meta", "0"))
        .given()
        .reported("2026-02", lines!["2026-02-05" => "5000"])
        .when(host().issues_statement("2026-02"))
        .then(held("meta", "300"))
        .then(payable("meta", "500"))
        .given()
        // February is due on 30 March: 500 × 0.10 × 30 / 365 = 4.11. January's 300 stay open.
        .and(host().sends("meta", "500", "2026-04-28", "R2"))
        .when(meta().confirms("R2", "2026-04-29"))
        .then(divided("meta", "700", "0", "300"))
        .given()
        .when(host().settles(at(&[("meta", "900")]), &["meta"]))
        .then(status("settled"))
        .then(held("meta", "100"))
        .then(payable("meta", "200"))
        .given()
        .reported("2026-03", vec![])
        .when(host().issues_statement("2026-03"))
        .then(posted("meta", "2026-01", "-100"))
        .then(caused_by("2026-01", &["dispute-settled"]))
        .then(interest("meta", "4.11"))
        .then(held("meta", "0"))
        .then(payable("meta", "204.11"))
        .given()
        // 60 days from 2 March to 1 May: 200 × 0.10 × 60 / 365 = 3.29.
        .and(host().sends("meta", "200", "2026-04-30", "R3"))
        .and(meta().confirms("R3", "2026-05-01"))
        .reported("2026-04", vec![])
        .when(meta().issues_statement("2026-04"))
        .then(interest("meta", "3.29"))
        .then(payable("meta", "7.40"))
        .given();
    done(given);
}

/// What is claimed above what is booked is not held. It bears interest from the day on which the
/// period was due, like everything else that is paid late.
#[test]
fn a_claim_above_the_booked_amount_is_not_held() {
    let given = january()
        .when(meta().disputes_statement("2026-01", &[("meta", "1200")]))
        .then(held("meta", "0"))
        .then(payable("meta", "1000"))
        .then(claimed_above("meta", "200", "0"))
        .given()
        .after_days(120)
        // 1 May: 60 days after 2 March: 200 × 0.10 × 60 / 365 = 3.29.
        .when(meta().acknowledges())
        .then(claimed_above("meta", "200", "3.29"))
        .given()
        .when(host().accepts_claim())
        .then(status("accepted"))
        .then(payable("meta", "1000"))
        .given()
        .reported("2026-02", vec![])
        .when(host().issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "200"))
        .then(caused_by("2026-01", &["dispute-accepted"]))
        .then(payable("meta", "1200"))
        .given()
        .and(host().sends("meta", "1200", "2026-04-30", "R1"))
        .and(meta().confirms("R1", "2026-05-01"))
        .reported("2026-03", vec![])
        // 16.44 on the 1,000 and 3.29 on the 200.
        .when(host().issues_statement("2026-03"))
        .then(interest("meta", "19.73"))
        .given();
    done(given);
}

/// What is paid beyond the undisputed part settles what is held; then less is held.
#[test]
fn money_on_account_settles_what_is_held_last() {
    let given = january()
        .and(host().disputes_statement("2026-01", &[("meta", "700")]))
        .when(host().sends_on_account("meta", "800", "2026-02-20", "R1"))
        // 100 of the 800 are on account; in transit they leave 200 of January open.
        .then(held("meta", "200"))
        .then(balance("meta", "200"))
        .then(payable("meta", "0"))
        .given()
        .when(meta().confirms("R1", "2026-02-21"))
        .then(held("meta", "200"))
        .then(payable("meta", "0"))
        .given()
        .when(host().withdraws())
        .then(status("withdrawn"))
        .then(held("meta", "0"))
        .then(payable("meta", "200"))
        .given();
    done(given);
}

/// A dispute that was taken back hinders nobody: it can be opened again, word for word.
#[test]
fn what_was_taken_back_can_be_disputed_again() {
    let claim = || host().disputes_statement("2026-01", &[("meta", "700")]);
    let given = january()
        .and(claim())
        .when(claim())
        .refused(Code::Repeat)
        .and(host().withdraws())
        .when(claim())
        .then(status("open"))
        .then(held("meta", "300"))
        .given();
    done(given);
}

#[test]
fn what_cannot_be_disputed() {
    let claims = |money: &str| host().disputes_statement("2026-01", &[("meta", money)]);
    let given = january()
        .when(claims("1000"))
        .refused(Code::DisputeClaim)
        .when(claims("700.001"))
        .refused(Code::MinorUnit)
        .when(host().disputes_statement("2026-01", &[("acme-cloud", "1")]))
        .refused(Code::DisputeClaim)
        .when(expert().disputes_statement("2026-01", &[("meta", "700")]))
        .refused(Code::NotEntitled)
        .reported("2026-02", lines!["2026-02-05" => "1"])
        .when(host().disputes_report("2026-02", vec![]))
        .refused(Code::DisputeTarget)
        .when(host().disputes_report("2026-01", lines!["2026-01-06" => "10000"]))
        .refused(Code::DisputeClaim)
        .when(host().disputes_report("2026-01", lines!["2026-02-01" => "1"]))
        .refused(Code::RowDay)
        .when(host().disputes_clause(("nothing", "2026-01"), terms(), "2026-01-01"))
        .refused(Code::DisputeTarget)
        .when(host().disputes_clause(("everything", "2026-01"), terms(), "2026-01-01"))
        .refused(Code::AmendmentNoChange)
        .when(claims("700").reopening_nothing())
        .refused(Code::DisputeFinal)
        .and(claims("700"))
        .when(meta().disputes_statement("2026-01", &[("meta", "1200")]))
        .refused(Code::DisputeTwice);
    done(given);
}

/// A party disputes what it gets itself, the collector what it pays; the window is the objection
/// days after the last statement with an entry of the period, unless there is a ground.
#[test]
fn who_disputes_and_until_when() {
    let both = two_parties("share = { meta = \"0.10\", a-lab = \"0.05\" }")
        .party("a-lab", "beneficiary")
        .clause(&windows("accept"));
    let given = january_under(both)
        .when(meta().disputes_statement("2026-01", &[("a-lab", "600")]))
        .refused(Code::DisputeNotAffected)
        .when(meta().disputes_statement("2026-01", &[("a-lab", "600"), ("meta", "900")]))
        .refused(Code::DisputeNotAffected)
        // 60 days after 1 January are 2 March.
        .after_days(60)
        .and(meta().disputes_statement("2026-01", &[("meta", "1100")]))
        .after_days(1)
        .when(party("a-lab").disputes_statement("2026-01", &[("a-lab", "600")]))
        .refused(Code::DisputeWindow)
        .and(party("a-lab").disputes_statement("2026-01", &[("a-lab", "600")]).for_error())
        .when(meta().answers())
        .refused(Code::DisputeSide)
        .when(party("a-lab").answers())
        .refused(Code::DisputeSide);
    done(given);
    // A true-up opens the window again.
    let given = january().after_days(50).corrected("2026-01", lines!["2026-01-05" => "20000"]);
    let given = nil(given, "2026-02")
        .after_days(60)
        .and(meta().disputes_statement("2026-01", &[("meta", "2100")]));
    done(given);
}

/// A settlement of the last dispute whose signatures are made by hand.
fn forged(make: impl Fn(&World, &Ending) -> Settlement + 'static) -> impl Fn(&World) -> Settlement {
    move |world| make(world, &at(&[("meta", "900")]))
}

#[test]
fn nobody_settles_alone() {
    let id = |text: &str| ledger_core::vocab::Id::parse(text).expect("an id");
    let given = january()
        .and(host().disputes_statement("2026-01", &[("meta", "700")]))
        .when(host().settles(at(&[("meta", "900")]), &[]))
        .refused(Code::SettlementUnsigned)
        .when(host().settles(at(&[("meta", "900")]), &["acme-cloud", "meta"]))
        .refused(Code::SettlementUnsigned)
        .when(host().settles(at(&[("meta", "900")]), &["expert"]))
        .refused(Code::SettlementUnsigned)
        .when(expert().settles(at(&[("meta", "900")]), &["meta"]))
        .refused(Code::NotEntitled)
        // In the name of meta, by another key.
        .when(host().settles_as(forged(move |world, outcome| {
            let mut offer = offered(world, outcome, "agreed");
            offer.sign(&id("meta"), &signer("acme-cloud"));
            offer.settlement
        })))
        .refused(Code::SettlementUnsigned)
        // Signed was another note.
        .when(host().settles_as(forged(move |world, outcome| {
            let (mut signed, mut other) =
                (offered(world, outcome, "agreed"), offered(world, outcome, "agreed on"));
            signed.sign(&id("meta"), &signer("meta"));
            other.settlement.signatures = signed.settlement.signatures;
            other.settlement
        })))
        .refused(Code::SettlementUnsigned)
        // Signed was another outcome.
        .when(host().settles_as(forged(move |world, outcome| {
            let (mut signed, mut other) =
                (offered(world, outcome, "agreed"), offered(world, &as_claimed(), "agreed"));
            signed.sign(&id("meta"), &signer("meta"));
            other.settlement.signatures = signed.settlement.signatures;
            other.settlement
        })))
        .refused(Code::SettlementUnsigned)
        // A figure of somebody who has no line.
        .when(host().settles(at(&[("acme-cloud", "900")]), &["meta"]))
        .refused(Code::DisputeClaim)
        .when(host().settles(at(&[("meta", "900.001")]), &["meta"]))
        .refused(Code::MinorUnit);
    // Signed for a dispute, used in another one.
    let mut given = given;
    let first = last_dispute(given.world()).id;
    let given = nil(given.and(host().withdraws()), "2026-02")
        .and(host().disputes_statement("2026-01", &[("meta", "800")]))
        .when(host().settles_as(forged(move |world, outcome| {
            let mut signed = offered(world, outcome, "agreed");
            signed.settlement.dispute = first;
            signed.sign(&id("meta"), &signer("meta"));
            signed.settlement.dispute = last_dispute(world).id;
            signed.settlement
        })))
        .refused(Code::SettlementUnsigned)
        .when(meta().settles(stands(), &["acme-cloud"]))
        .then(status("settled"))
        .then(held("meta", "0"))
        .given();
    done(given);
}

#[test]
fn the_arbiter_is_asked_and_decides() {
    let given = january()
        .and(host().disputes_statement("2026-01", &[("meta", "700")]))
        .when(expert().determines(as_claimed()))
        .refused(Code::DisputeEarly)
        .after_days(60)
        .when(meta().escalates())
        .refused(Code::DisputeEarly)
        .after_days(1)
        .when(expert().escalates())
        .refused(Code::NotEntitled)
        .when(meta().escalates())
        .then(status("escalated"))
        .then(held("meta", "300"))
        .given()
        .when(host().escalates())
        .refused(Code::DisputeClosed)
        .when(host().determines(as_claimed()))
        .refused(Code::NotEntitled)
        .when(host().says_silence_accepted())
        .refused(Code::DisputeEarly)
        .when(expert().determines(at(&[("meta", "850")])))
        .then(status("determined"))
        .then(held("meta", "150"))
        .then(payable("meta", "850"))
        .given()
        .when(meta().answers())
        .refused(Code::DisputeClosed)
        .when(host().withdraws())
        .refused(Code::DisputeClosed)
        .reported("2026-02", vec![])
        .when(host().issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "-150"))
        .then(caused_by("2026-01", &["dispute-determined"]))
        .given()
        // It is final, but for fraud and manifest error.
        .when(meta().disputes_statement("2026-01", &[("meta", "1000")]))
        .refused(Code::DisputeFinal)
        .when(meta().disputes_statement("2026-01", &[("meta", "1000")]).for_fraud())
        .refused(Code::DisputeFinal)
        .when(meta().disputes_statement("2026-01", &[("meta", "1000")]).reopening(1))
        .refused(Code::DisputeFinal)
        .and(meta().disputes_statement("2026-01", &[("meta", "1000")]).reopening(1).for_fraud())
        .and(host().accepts_claim())
        .reported("2026-03", vec![])
        .when(host().issues_statement("2026-03"))
        .then(posted("meta", "2026-01", "150"))
        .then(booked("meta", "2026-01", "1000"))
        .given();
    done(given);
    let alone = two_parties("share = { meta = \"0.10\" }").clause(&windows("accept"));
    let given = january_under(alone)
        .and(host().disputes_statement("2026-01", &[("meta", "700")]))
        .after_days(61)
        .when(host().escalates())
        .refused(Code::DisputeNoArbiter);
    done(given);
}

/// The deadline of a party runs from the first record that it signs after the opening, so nobody
/// can date the opening back and call the other side silent.
#[test]
fn silence_accepts_only_of_those_who_have_seen_it() {
    let given = january()
        .and(host().disputes_statement("2026-01", &[("meta", "700")]))
        .after_days(400)
        .when(host().says_silence_accepted())
        .refused(Code::DisputeEarly)
        .and(meta().acknowledges())
        .after_days(30)
        .when(host().says_silence_accepted())
        .refused(Code::DisputeEarly)
        .after_days(1)
        .when(meta().answers())
        .refused(Code::DisputeLate)
        .when(meta().says_silence_accepted())
        .refused(Code::DisputeSide)
        .when(host().says_silence_accepted())
        .then(status("by default"))
        .then(held("meta", "300"))
        .given()
        .reported("2026-02", vec![])
        .when(host().issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "-300"))
        .given();
    done(given);
    // Whoever has answered is not silent.
    let given = january()
        .and(host().disputes_statement("2026-01", &[("meta", "700")]))
        .and(meta().answers())
        .after_days(31)
        .when(host().says_silence_accepted())
        .refused(Code::DisputeEarly);
    done(given);
    // Where silence goes to the arbiter, it accepts nothing, and nobody has to wait any longer.
    let given = january_under(terms_with(&windows("escalate")))
        .and(host().disputes_statement("2026-01", &[("meta", "700")]))
        .and(meta().acknowledges())
        .after_days(31)
        .when(host().says_silence_accepted())
        .refused(Code::DisputeEarly)
        .and(host().escalates())
        .when(meta().answers())
        .then(status("escalated"))
        .given();
    done(given);
    // Without such a clause there are no deadlines at all.
    let given = january_under(terms_with(PAYMENT))
        .and(host().disputes_statement("2026-01", &[("meta", "700")]))
        .and(meta().acknowledges())
        .after_days(400)
        .when(host().says_silence_accepted())
        .refused(Code::DisputeEarly)
        .and(meta().answers())
        .when(host().escalates())
        .then(status("escalated"))
        .given();
    done(given);
}
