//! What parties agree on while a contract runs: who may propose, accept and reject what, and what
//! comes of it; windows over leap days and year ends.

use ledger_core::vocab::Code;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::caused_by;
use revshare_kit::interest;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::payable;
use revshare_kit::posted;
use revshare_kit::recouped;
use revshare_kit::two_parties;
use revshare_kit::withheld;

use crate::reference::agree;

fn share(share: &str) -> TermsBuilder {
    two_parties(&format!("share = {{ meta = \"{share}\" }}"))
}

fn january() -> Vec<Line> {
    lines!["2026-01-10" => "600.00", "2026-01-20" => "400.00"]
}

fn from(starts_on: &str) -> TermsBuilder {
    TermsBuilder::new("USD", starts_on).party("meta", "owner").party("acme-cloud", "collector")
}

/// Reports months or quarters one after another, the first with lines, and states them.
fn nil_until(mut given: Given, periods: &[&str]) -> Given {
    for period in periods {
        given = given.reported(period, vec![]).stated(period);
    }
    given
}

#[test]
fn an_amendment_counts_once_everybody_accepted_and_cuts_the_period_at_its_day() {
    let host = party("acme-cloud");
    let meta = party("meta");
    let mut ledger = Given::ledger(share("0.10"))
        .reported("2026-01", january())
        .and(meta.proposes(share("0.20"), "2026-01-15"))
        // Nobody but its proposer has accepted it: 1,000 × 0.10.
        .when(host.issues_statement("2026-01"))
        .then(posted("meta", "2026-01", "100"))
        .given()
        .and(host.accepts_proposal())
        .reported("2026-02", vec![])
        // 600 × 0.10 + 400 × 0.20 = 140, of which 100 are booked.
        .when(host.issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "40"))
        .then(caused_by("2026-01", &["amendment-proposed"]))
        .given();
    agree(ledger.world());
}

#[test]
fn a_proposal_is_decided_once_and_by_those_whose_money_it_touches() {
    let (host, meta, lab) = (party("acme-cloud"), party("meta"), party("a-lab"));
    let expert = party("expert");
    let terms = || share("0.10").party("a-lab", "beneficiary").party("expert", "arbiter");
    let other = || share("0.11").party("a-lab", "beneficiary").party("expert", "arbiter");
    Given::ledger(terms())
        .when(expert.proposes(other(), "2026-02-01"))
        .refused(Code::NotEntitled)
        .and(meta.proposes(other(), "2026-02-01"))
        .when(meta.rejects_proposal())
        .refused(Code::NotEntitled)
        .when(host.withdraws_proposal())
        .refused(Code::NotEntitled)
        .when(expert.accepts_proposal())
        .refused(Code::NotEntitled)
        .and(host.accepts_proposal())
        .and(lab.rejects_proposal())
        // One rejection ends it.
        .when(meta.withdraws_proposal())
        .refused(Code::ProposalClosed)
        .when(lab.accepts_proposal())
        .refused(Code::ProposalClosed)
        // What came to nothing can be proposed again, word for word.
        .and(meta.proposes(other(), "2026-02-01"))
        .when(meta.proposes(other(), "2026-02-01"))
        .refused(Code::Repeat)
        .and(meta.withdraws_proposal())
        .when(host.accepts_proposal())
        .refused(Code::ProposalClosed)
        .and(meta.proposes(other(), "2026-02-01"))
        .after_days(92)
        .when(host.accepts_proposal())
        .refused(Code::ProposalLapsed);
}

#[test]
fn terms_that_are_accepted_overtake_what_else_was_proposed() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let mut ledger = Given::ledger(share("0.10"))
        .and(meta.proposes(share("0.20"), "2026-02-01"))
        .and(host.proposes(share("0.15"), "2026-03-01"))
        .and(host.accepts_proposal_number(1))
        .when(meta.accepts_proposal_number(2))
        .refused(Code::ProposalClosed);
    agree(ledger.world());
}

#[test]
fn a_party_that_only_the_new_terms_name_accepts_them_too() {
    let (host, meta, lab) = (party("acme-cloud"), party("meta"), party("a-lab"));
    let with_lab = || {
        from("2026-01-01")
            .party("a-lab", "beneficiary")
            .rule("everything", "share = { meta = \"0.10\", a-lab = \"0.05\" }")
    };
    let mut ledger =
        Given::ledger(from("2026-01-01").rule("everything", "share = { meta = \"0.10\" }"))
            .reported("2026-01", january())
            .when(lab.proposes(with_lab(), "2026-01-01"))
            .refused(Code::NotAParty)
            .and(host.proposes(with_lab(), "2026-01-15"))
            .and(meta.accepts_proposal())
            .when(host.issues_statement("2026-01"))
            .then(posted("a-lab", "2026-01", "0"))
            .given()
            .and(lab.accepts_proposal())
            .reported("2026-02", vec![])
            .when(host.issues_statement("2026-02"))
            .then(posted("a-lab", "2026-01", "20"))
            .then(posted("meta", "2026-01", "0"))
            .given();
    agree(ledger.world());
}

#[test]
fn what_an_amendment_cannot_change() {
    let meta = party("meta");
    let refuses = |terms: TermsBuilder, day: &str, code: Code| {
        Given::ledger(
            from("2026-01-10").ends_on("2027-01-10").rule("all", "share = { meta = \"0.1\" }"),
        )
        .reported("2026-01", lines!["2026-01-20" => "1000"])
        .when(meta.proposes(terms, day))
        .refused(code);
    };
    let rule = |terms: TermsBuilder| terms.rule("all", "share = { meta = \"0.2\" }");
    let same = || from("2026-01-10").ends_on("2027-01-10");
    refuses(rule(from("2026-01-11").ends_on("2027-01-10")), "2026-02-01", Code::AmendmentFixed);
    refuses(rule(same().period("quarter")), "2026-02-01", Code::AmendmentFixed);
    let euros = TermsBuilder::new("EUR", "2026-01-10");
    let euros = euros.party("meta", "owner").party("acme-cloud", "collector");
    refuses(rule(euros), "2026-02-01", Code::AmendmentFixed);
    let swapped = TermsBuilder::new("USD", "2026-01-10");
    let swapped = swapped.party("meta", "beneficiary").party("acme-cloud", "collector");
    refuses(rule(swapped), "2026-02-01", Code::AmendmentFixed);
    refuses(rule(same()), "2026-01-09", Code::AmendmentDates);
    refuses(rule(same()), "2027-01-11", Code::AmendmentDates);
    refuses(rule(from("2026-01-10").ends_on("2026-02-01")), "2026-02-01", Code::AmendmentDates);
    refuses(rule(same().rounding("half_up", false)), "2026-02-02", Code::AmendmentOffPeriod);
    let unchanged = same().rule("all", "share = { meta = \"0.1\" }");
    refuses(unchanged, "2026-02-01", Code::AmendmentNoChange);
    // A line of January 20 would have no rule.
    let narrow = "when = { territory = [\"EU\"] }\nshare = { meta = \"0.2\" }";
    refuses(same().rule("all", narrow), "2026-01-20", Code::AmendmentIncomplete);
    // The end of the agreement would leave it outside.
    let short = rule(from("2026-01-10").ends_on("2026-01-20"));
    refuses(short, "2026-01-15", Code::AmendmentIncomplete);
}

#[test]
fn completeness_is_asked_again_with_the_last_acceptance() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let narrow = two_parties("when = { territory = [\"EU\"] }\nshare = { meta = \"0.2\" }");
    Given::ledger(share("0.10"))
        .and(meta.proposes(narrow, "2026-02-01"))
        .reported("2026-02", lines!["2026-02-03" => "10"])
        .when(host.accepts_proposal())
        .refused(Code::AmendmentIncomplete);
}

/// Before that, it is not asked: the report may be corrected before everybody has accepted.
#[test]
fn completeness_is_not_asked_with_an_earlier_acceptance() {
    let (host, meta, lab) = (party("acme-cloud"), party("meta"), party("a-lab"));
    let with_lab = |terms: TermsBuilder| terms.party("a-lab", "beneficiary");
    let narrow = two_parties("when = { territory = [\"EU\"] }\nshare = { meta = \"0.2\" }");
    Given::ledger(with_lab(share("0.10")))
        .and(meta.proposes(with_lab(narrow), "2026-02-01"))
        .reported("2026-02", lines!["2026-02-03" => "10"])
        .and(host.accepts_proposal())
        .when(lab.accepts_proposal())
        .refused(Code::AmendmentIncomplete)
        .corrected("2026-02", vec![])
        .and(lab.accepts_proposal());
}

#[test]
fn usage_in_a_currency_without_a_rate_is_not_stated() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let euros = vec![Line::new("2026-01-10", "100").in_currency("EUR")];
    let mut ledger = Given::ledger(share("0.10"))
        .reported("2026-01", euros)
        .when(host.issues_statement("2026-01"))
        .refused(Code::FxMissing)
        .when(host.proposes_rate("USD", "1", "2026-01"))
        .refused(Code::FxCurrency)
        .when(host.proposes_rate("EUR", "0", "2026-01"))
        .refused(Code::FxRate)
        .when(host.proposes_rate("EUR", "-1.1", "2026-01"))
        .refused(Code::FxRate)
        .when(host.proposes_rate("EUR", "1000000.1", "2026-01"))
        .refused(Code::FxRate)
        .when(host.proposes_rate("EUR", "1.1", "2025-12"))
        .refused(Code::PeriodOutside)
        .and(host.proposes_rate("EUR", "1.1", "2026-01"))
        .when(host.issues_statement("2026-01"))
        .refused(Code::FxMissing)
        .and(meta.accepts_proposal())
        .when(host.issues_statement("2026-01"))
        .then(posted("meta", "2026-01", "11"))
        .given()
        // The last accepted rate holds: 100 × 1.2 × 0.10 = 12.
        .converted("EUR", "1.2", "2026-01")
        .reported("2026-02", vec![])
        .when(host.issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "1"))
        .then(caused_by("2026-01", &["rate-proposed"]))
        .given();
    agree(ledger.world());
}

#[test]
fn a_contribution_counts_for_the_days_on_which_it_is_accepted_and_open() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let terms = share("0.10").clause(
        "[[contribution]]\nid = \"tuning\"\nby = \"acme-cloud\"\nadd = { meta = \"-0.05\" }",
    );
    let mut ledger = Given::ledger(terms)
        .reported("2026-01", january())
        .when(meta.claims("tuning", "2026-01-15", None))
        .refused(Code::NotEntitled)
        .when(host.claims("training", "2026-01-15", None))
        .refused(Code::ContributionUnknown)
        .when(host.claims("tuning", "2025-12-31", None))
        .refused(Code::ContributionDates)
        .when(host.claims("tuning", "2026-01-15", Some("2026-01-15")))
        .refused(Code::ContributionDates)
        .and(host.claims("tuning", "2026-01-15", None))
        .when(host.ends_contribution("2026-01-16"))
        .refused(Code::ContributionNotOpen)
        .when(host.issues_statement("2026-01"))
        .then(posted("meta", "2026-01", "100"))
        .given()
        // Accepted late, it trues up the past: 600 × 0.10 + 400 × 0.05 = 80.
        .and(meta.accepts_proposal())
        .reported("2026-02", vec![])
        .when(meta.issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "-20"))
        .given()
        .when(meta.ends_contribution("2026-01-18"))
        .refused(Code::NotEntitled)
        .when(host.ends_contribution("2026-01-14"))
        .refused(Code::ContributionDates)
        // Ended before January 20, it counts for no line: 100 again.
        .and(host.ends_contribution("2026-01-18"))
        .reported("2026-03", vec![])
        .when(host.issues_statement("2026-03"))
        .then(posted("meta", "2026-01", "20"))
        .then(caused_by("2026-01", &["contribution-ended"]))
        .given();
    agree(ledger.world());
}

#[test]
fn an_advance_is_recouped_once_it_is_confirmed_and_given_back_when_amounts_fall() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let terms = || share("0.10").clause("[[advance]]\nto = \"meta\"");
    Given::ledger(share("0.10"))
        .when(host.advances("meta", "50", "2026-01-02", "adv"))
        .refused(Code::AdvanceNotPermitted);
    let mut ledger = Given::ledger(terms())
        .when(meta.advances("meta", "50", "2026-01-02", "adv"))
        .refused(Code::NotEntitled)
        .when(host.advances("meta", "0", "2026-01-02", "adv"))
        .refused(Code::AmountNotPositive)
        .when(host.advances("meta", "0.001", "2026-01-02", "adv"))
        .refused(Code::MinorUnit)
        .and(host.advances("meta", "70", "2026-01-02", "adv"))
        .reported("2026-01", january())
        // Nobody has confirmed it.
        .when(host.issues_statement("2026-01"))
        .then(recouped("meta", "0"))
        .then(payable("meta", "100"))
        .given()
        .reported("2026-02", lines!["2026-02-01" => "300"])
        .into_world();
    let advance = *ledger.agreement().advances().keys().next().expect("an advance");
    ledger.must(
        "meta",
        ledger_core::command::Command::ConfirmPayout {
            payout: advance,
            received_on: ledger_core::vocab::Date::parse("2026-01-03").expect("a day"),
        },
    );
    let mut ledger = Given::from(ledger)
        // Net 30: all of it is recouped.
        .when(host.issues_statement("2026-02"))
        .then(recouped("meta", "30"))
        .then(payable("meta", "100"))
        .given()
        // January falls by 10: it is given back first.
        .corrected("2026-01", lines!["2026-01-10" => "900"])
        .reported("2026-03", vec![])
        .when(host.issues_statement("2026-03"))
        .then(recouped("meta", "-10"))
        .then(payable("meta", "100"))
        .given();
    agree(ledger.world());
}

#[test]
fn late_interest_runs_from_the_due_day_and_not_on_what_was_carried() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let terms = share("0.10").clause(
        "[payment]\nminimum_payout = \"120\"\nlate_interest = { rate = \"0.365\", day_count = \"act/365\" }",
    );
    let mut ledger = Given::ledger(terms)
        .reported("2026-01", january())
        .stated("2026-01")
        // 100 is below 120: carried until February, which is due on March 30, brings 50 more.
        .reported("2026-02", lines!["2026-02-01" => "500"])
        .stated("2026-02")
        .and(host.sends("meta", "150", "2026-04-01", "late"))
        .and(meta.confirms("late", "2026-04-09"))
        .reported("2026-03", vec![])
        // 10 days at a thousandth a day: 1.00 on 100 and 0.50 on 50.
        .when(host.issues_statement("2026-03"))
        .then(interest("meta", "1.50"))
        .then(payable("meta", "1.50"))
        .given();
    agree(ledger.world());
}

#[test]
fn tax_is_withheld_from_a_payout_or_borne_on_top_of_it() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    for (gross_up, tax) in [("false", "15"), ("true", "17.65")] {
        let clause = format!(
            "[payment]\nwithholding = {{ meta = {{ rate = \"0.15\", gross_up = {gross_up} }} }}"
        );
        // 100 × 0.15 = 15; 100 / 0.85 − 100 = 17.647….
        let mut ledger = Given::ledger(share("0.10").clause(&clause))
            .reported("2026-01", january())
            .stated("2026-01")
            .and(host.sends("meta", "100", "2026-02-10", "one"))
            .when(meta.confirms("one", "2026-02-12"))
            .then(withheld("meta", tax))
            .then(payable("meta", "0"))
            .given();
        agree(ledger.world());
    }
}

const MONTHS: [&str; 12] = [
    "2024-02", "2024-03", "2024-04", "2024-05", "2024-06", "2024-07", "2024-08", "2024-09",
    "2024-10", "2024-11", "2024-12", "2025-01",
];

#[test]
fn a_contract_year_that_begins_on_a_leap_day_has_366_days() {
    let minimum = "[[minimum]]\nto = \"meta\"\namount = \"366\"\nover = \"year\"";
    let terms = from("2024-02-29").rule("all", "share = { meta = \"0.1\" }").clause(minimum);
    // February 2024 to January 2025: 366 days, 338 of them from February 29 on.
    let mut ledger = nil_until(Given::ledger(terms), &MONTHS[..11])
        .reported("2025-01", vec![])
        .when(party("acme-cloud").issues_statement("2025-01"))
        .then(posted("meta", "2025-01", "338"))
        .given();
    agree(ledger.world());
}

#[test]
fn a_year_of_quarters_ends_with_the_agreement_on_a_leap_day() {
    let minimum = "[[minimum]]\nto = \"meta\"\namount = \"1000\"\nover = \"year\"";
    let terms = from("2027-10-01")
        .ends_on("2028-02-29")
        .period("quarter")
        .rule("all", "share = { meta = \"0.1\" }")
        .clause(minimum);
    // 2027-Q4 to 2028-Q3 are 366 days; October 1 to February 28 are 151: 1,000 × 151 / 366.
    let mut ledger = nil_until(Given::ledger(terms), &["2027-Q4"])
        .reported("2028-Q1", lines!["2028-02-28" => "100"])
        .when(party("acme-cloud").issues_statement("2028-Q1"))
        .then(posted("meta", "2028-Q1", "412.57"))
        .given();
    agree(ledger.world());
}

#[test]
fn an_agreement_can_be_prolonged_on_the_day_on_which_it_ends() {
    let ends =
        |end: &str| from("2026-01-01").ends_on(end).rule("all", "share = { meta = \"0.1\" }");
    let mut ledger = Given::ledger(ends("2026-02-01"))
        .reported("2026-01", january())
        .when(party("acme-cloud").reports("2026-02", lines!["2026-02-01" => "10"]))
        .refused(Code::PeriodOutside)
        .amended(ends("2026-03-01"), "2026-02-01")
        .reported("2026-02", lines!["2026-02-28" => "10"])
        .stated("2026-01")
        .when(party("acme-cloud").issues_statement("2026-02"))
        .then(posted("meta", "2026-02", "1"))
        .given();
    agree(ledger.world());
}

#[test]
fn amounts_at_the_bounds_are_refused_before_they_are_recorded() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    // 10^14 of gross is the most that a ledger may hold; a rate of 2 doubles what was reported.
    let euros = vec![Line::new("2026-01-10", "60000000000000").in_currency("EUR")];
    Given::ledger(share("0.10"))
        .when(host.reports("2026-01", lines!["2026-01-10" => "100000000000001"]))
        .refused(Code::AmountBounds)
        .reported("2026-01", euros)
        .when(meta.proposes_rate("EUR", "2", "2026-01"))
        .refused(Code::AmountBounds)
        .and(meta.proposes_rate("EUR", "1", "2026-01"));
}
