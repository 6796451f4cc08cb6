//! What one party proposes and others accept: who may, when, and what an amendment may change. Every
//! refusal leaves the ledger as it was.

use ledger_core::command::Command;
use ledger_core::event::Amendment;
use ledger_core::evolve::amendment::warnings;
use ledger_core::vocab::Code;
use ledger_core::vocab::Date;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Level;
use ledger_core::vocab::Period;
use ledger_core::vocab::Text;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::booked;
use revshare_kit::caused_by;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::payable;
use revshare_kit::posted;
use revshare_kit::two_parties;
use revshare_kit::world::version;

use crate::reference::agree;

/// Terms under which meta gets a share of everything.
fn share(rate: &str) -> TermsBuilder {
    two_parties(&format!("share = {{ meta = \"{rate}\" }}"))
}

/// Likewise, with another beneficiary, a contribution by the lab, and an arbiter.
fn with_lab(rate: &str) -> TermsBuilder {
    share(rate)
        .party("a-lab", "beneficiary")
        .party("expert", "arbiter")
        .clause("[[contribution]]\nid = \"tuning\"\nby = \"a-lab\"\nadd = { meta = \"-0.05\" }")
}

fn stated() -> Given {
    Given::ledger(share("0.15"))
        .reported("2026-01", lines!["2026-01-20" => "1000"])
        .stated("2026-01")
}

/// An amendment counts once the last party whose money it touches has accepted it, and reaches into
/// stated periods: the next statement posts the difference and names it.
#[test]
fn an_amendment_is_in_force_when_everybody_accepted_it() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let given = stated()
        .and(host.proposes(share("0.20"), "2026-01-16"))
        .reported("2026-02", lines!["2026-02-05" => "100"])
        .when(host.issues_statement("2026-02"))
        .then(posted("meta", "2026-02", "15"))
        .then(posted("meta", "2026-01", "0"))
        .given()
        .when(host.accepts_proposal())
        .refused(Code::AlreadyAccepted)
        .and(meta.accepts_proposal())
        .reported("2026-03", vec![])
        .when(meta.issues_statement("2026-03"))
        .then(posted("meta", "2026-01", "50"))
        .then(posted("meta", "2026-02", "5"))
        .then(caused_by("2026-01", &["amendment-proposed"]))
        .then(caused_by("2026-02", &["amendment-proposed"]));
    agree(&given.given().into_world());
}

/// Of the versions that are effective on a day, the one that was accepted last is in force; the days
/// of a period under one version are rated apart.
#[test]
fn the_version_accepted_last_is_in_force() {
    let given = Given::ledger(share("0.10"))
        .amended(share("0.20"), "2026-06-16")
        .amended(share("0.30"), "2026-06-11")
        .reported("2026-01", vec![]);
    let mut given = given.stated("2026-01");
    for month in ["2026-02", "2026-03", "2026-04", "2026-05"] {
        given = given.reported(month, vec![]).stated(month);
    }
    let june = lines!["2026-06-10" => "100", "2026-06-11" => "100", "2026-06-16" => "100"];
    let given = given.reported("2026-06", june);
    let given =
        given.when(party("meta").issues_statement("2026-06")).then(posted("meta", "2026-06", "70"));
    agree(&given.given().into_world());
}

/// What an amendment cannot change: start, currency, length of periods, collector, and the key and
/// role of a party, whether it still stands in the terms or not.
#[test]
fn an_amendment_cannot_change_what_is_fixed() {
    let meta = party("meta");
    let rule = "share = { meta = \"0.15\" }";
    let fresh = |currency: &str, start: &str| {
        TermsBuilder::new(currency, start).party("meta", "owner").rule("everything", rule)
    };
    let collected = |terms: TermsBuilder| terms.party("acme-cloud", "collector");
    let given = stated()
        .amended(share("0.16").party("a-lab", "beneficiary"), "2026-02-01")
        .amended(share("0.17"), "2026-02-01")
        .when(meta.proposes(collected(fresh("USD", "2026-02-01")), "2026-02-01"))
        .refused(Code::AmendmentFixed)
        .when(meta.proposes(collected(fresh("EUR", "2026-01-01")), "2026-02-01"))
        .refused(Code::AmendmentFixed)
        .when(meta.proposes(collected(fresh("USD", "2026-01-01")).period("quarter"), "2026-04-01"))
        .refused(Code::AmendmentFixed)
        .when(meta.proposes(fresh("USD", "2026-01-01").party("other", "collector"), "2026-02-01"))
        .refused(Code::AmendmentFixed)
        // The lab was a beneficiary once, and stays one for ever.
        .when(meta.proposes(share("0.15").party("a-lab", "arbiter"), "2026-02-01"))
        .refused(Code::AmendmentFixed)
        .when(meta.proposes(share("0.18").party("a-lab", "beneficiary"), "2026-02-01"))
        .then(payable("meta", "150"));
    agree(&given.given().into_world());
}

/// A key that the ledger knows cannot come back under another name.
#[test]
fn an_amendment_cannot_give_a_known_key_to_another_party() {
    let key = revshare_kit::public_key("a-lab");
    let other = format!("[[party]]\nid = \"b-lab\"\nrole = \"beneficiary\"\nkey = \"{key}\"");
    Given::ledger(with_lab("0.15"))
        .when(party("meta").proposes(share("0.15").clause(&other), "2026-02-01"))
        .refused(Code::AmendmentFixed);
}

/// Amended terms take effect on a day of the agreement, or on the day on which it ends, and end after
/// that day.
#[test]
fn an_amendment_takes_effect_inside_the_agreement() {
    let meta = party("meta");
    let ends = |rate: &str, day: &str| share(rate).ends_on(day);
    let given = Given::ledger(ends("0.15", "2026-03-01"))
        .when(meta.proposes(ends("0.2", "2026-03-01"), "2025-12-31"))
        .refused(Code::AmendmentDates)
        .when(meta.proposes(share("0.2"), "2026-03-02"))
        .refused(Code::AmendmentDates)
        .when(meta.proposes(ends("0.2", "2026-02-10"), "2026-02-10"))
        .refused(Code::AmendmentDates)
        .reported("2026-01", vec![])
        .reported("2026-02", vec![])
        .when(party("acme-cloud").reports("2026-03", vec![]))
        .refused(Code::PeriodOutside)
        // On the day on which it would have ended it goes on.
        .amended(ends("0.2", "2026-05-01"), "2026-03-01")
        .reported("2026-03", lines!["2026-03-05" => "100"])
        .stated("2026-01")
        .stated("2026-02")
        .when(meta.issues_statement("2026-03"))
        .then(posted("meta", "2026-03", "20"));
    agree(&given.given().into_world());
}

/// Rounding belongs to a whole period: it changes on the first day of one.
#[test]
fn rounding_changes_with_a_period() {
    let meta = party("meta");
    let carried = || share("0.15").rounding("down", true);
    let given = stated()
        .when(meta.proposes(carried(), "2026-02-02"))
        .refused(Code::AmendmentOffPeriod)
        .when(meta.proposes(carried(), "2026-02-01"))
        .then(payable("meta", "150"))
        .given()
        // The first day of the agreement begins a period, stub or not.
        .when(meta.proposes(carried(), "2026-01-01"))
        .then(payable("meta", "150"));
    agree(&given.given().into_world());
}

/// The terms that are in force already are no amendment, unless they take effect earlier.
#[test]
fn an_amendment_changes_something() {
    let meta = party("meta");
    stated()
        .amended(share("0.2"), "2026-03-01")
        .when(meta.proposes(share("0.2"), "2026-03-01"))
        .refused(Code::AmendmentNoChange)
        .when(meta.proposes(share("0.2"), "2026-04-01"))
        .refused(Code::AmendmentNoChange)
        .when(meta.proposes(share("0.2"), "2026-02-01"))
        .then(payable("meta", "150"));
}

/// Amended terms rate every line on the log from the day from which they are effective: they have a
/// rule, a meter, a deduction, an allowed value and a price for it. It is asked when they are
/// proposed, and again when the last party accepts them.
#[test]
fn an_amendment_rates_everything_that_was_reported() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let rule = "when = { territory = [\"EU\"] }\nshare = { meta = \"0.15\" }";
    let metered = || share("0.15").meter("tokens").deduction("taxes", None);
    let narrow = || two_parties(rule).meter("tokens").deduction("taxes", None);
    let line = |day: &str| Line::new(day, "100");
    let priced = metered().priced(None).clause(
        "[[price]]\nmeter = \"tokens\"\nmodel = [\"llama*\"]\nunit = \"1\"\nprice = \"2\"\n\
         from = 2026-01-01",
    );
    let given = Given::ledger(metered())
        .reported("2026-01", vec![line("2026-01-05").with("territory", "US").meter("tokens", "2")])
        .reported(
            "2026-02",
            vec![line("2026-02-05").with("territory", "EU").deduction("taxes", "1")],
        )
        .when(meta.proposes(narrow(), "2026-01-05"))
        .refused(Code::AmendmentIncomplete)
        .when(meta.proposes(share("0.2").deduction("taxes", None), "2026-01-01"))
        .refused(Code::AmendmentIncomplete)
        .when(meta.proposes(share("0.2").meter("tokens"), "2026-02-01"))
        .refused(Code::AmendmentIncomplete)
        .when(meta.proposes(metered().clause("[attributes]\nterritory = [\"EU\"]"), "2026-01-01"))
        .refused(Code::AmendmentIncomplete)
        .when(meta.proposes(priced, "2026-01-01"))
        .refused(Code::AmendmentIncomplete)
        .when(meta.proposes(metered().ends_on("2026-02-05"), "2026-02-01"))
        .refused(Code::AmendmentIncomplete)
        .and(meta.proposes(narrow(), "2026-01-06"))
        .reported("2026-03", vec![line("2026-03-05").with("territory", "US")])
        .when(host.accepts_proposal())
        .refused(Code::AmendmentIncomplete)
        .corrected("2026-03", vec![line("2026-03-05").with("territory", "EU")])
        .and(host.accepts_proposal())
        .when(host.supplements("2026-02", vec![line("2026-02-06").with("territory", "US")]))
        .refused(Code::RowRule);
    agree(&given.into_world());
}

/// A party that only the new terms name signs with its key from them, and its acceptance is needed;
/// so is that of a party that they leave out. Afterwards that one can still confirm and state, and
/// proposes nothing any more.
#[test]
fn parties_join_and_leave_with_their_own_consent() {
    let (host, lab) = (party("acme-cloud"), party("a-lab"));
    let joined = || share("0.10").party("a-lab", "beneficiary");
    let given = stated()
        .and(host.proposes(joined(), "2026-02-01"))
        .and(party("meta").accepts_proposal())
        .when(party("stranger").accepts_proposal())
        .refused(Code::NotAParty)
        .when(lab.acknowledges())
        .refused(Code::NotAParty)
        .and(lab.accepts_proposal())
        .and(lab.acknowledges())
        .and(host.proposes(share("0.12"), "2026-03-01"))
        .and(party("meta").accepts_proposal())
        .when(lab.rejects_proposal())
        .then(payable("a-lab", "0"))
        .given()
        .amended(share("0.13"), "2026-03-01")
        .when(lab.proposes(joined(), "2026-03-01"))
        .refused(Code::NotEntitled)
        .reported("2026-02", lines!["2026-02-05" => "100"])
        .when(lab.issues_statement("2026-02"))
        .then(posted("meta", "2026-02", "10"))
        .then(booked("a-lab", "2026-02", "0"));
    agree(&given.given().into_world());
}

/// One rejection ends a proposal; its proposer withdraws it instead; what is over cannot be decided
/// any more, and can be proposed again.
#[test]
fn a_proposal_is_decided_once() {
    let (host, meta, lab) = (party("acme-cloud"), party("meta"), party("a-lab"));
    let given = Given::ledger(with_lab("0.15"))
        .and(host.proposes(with_lab("0.2"), "2026-02-01"))
        .when(host.rejects_proposal())
        .refused(Code::NotEntitled)
        .when(meta.withdraws_proposal())
        .refused(Code::NotEntitled)
        .when(party("expert").accepts_proposal())
        .refused(Code::NotEntitled)
        .when(party("expert").rejects_proposal())
        .refused(Code::NotEntitled)
        .and(meta.rejects_proposal())
        .when(lab.accepts_proposal())
        .refused(Code::ProposalClosed)
        .when(lab.rejects_proposal())
        .refused(Code::ProposalClosed)
        .when(host.withdraws_proposal())
        .refused(Code::ProposalClosed)
        .and(host.proposes(with_lab("0.21"), "2026-02-01"))
        .and(host.withdraws_proposal())
        .when(meta.accepts_proposal())
        .refused(Code::ProposalClosed)
        .and(host.proposes(with_lab("0.2"), "2026-02-01"))
        .accepted_by_all()
        .when(meta.accepts_proposal())
        .refused(Code::Repeat);
    agree(&given.into_world());
}

/// When an amendment comes into force, every other one that was pending is over; rates and
/// contributions are not.
#[test]
fn an_accepted_amendment_overtakes_the_others() {
    let (host, meta, lab) = (party("acme-cloud"), party("meta"), party("a-lab"));
    let given = Given::ledger(with_lab("0.15"))
        .and(lab.claims("tuning", "2026-01-01", None))
        .and(meta.proposes(with_lab("0.2"), "2026-02-01"))
        .and(host.proposes(with_lab("0.3"), "2026-02-01"))
        .accepted_by_all()
        .when(host.accepts_proposal_number(2))
        .refused(Code::ProposalClosed)
        .when(host.accepts_proposal_number(1))
        .then(payable("meta", "0"));
    agree(&given.given().into_world());
}

/// After the days that the terms allow, counted in whole days of recorded time, a proposal cannot be
/// decided any more.
#[test]
fn a_proposal_lapses() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let lapsing = |rate: &str| share(rate).clause("[windows]\nproposal_lapse_days = 10");
    let given = Given::ledger(lapsing("0.15"))
        .and(host.proposes(lapsing("0.2"), "2026-02-01"))
        .after_days(10)
        .and(host.proposes(lapsing("0.3"), "2026-02-01"))
        .when(meta.accepts_proposal_number(1))
        .then(payable("meta", "0"))
        .given()
        .and(host.proposes(lapsing("0.4"), "2026-02-01"))
        .after_days(11)
        .when(meta.accepts_proposal())
        .refused(Code::ProposalLapsed)
        .when(meta.rejects_proposal())
        .refused(Code::ProposalLapsed)
        .when(host.withdraws_proposal())
        .refused(Code::ProposalLapsed);
    agree(&given.into_world());
}

/// An id that is no proposal is named as such.
#[test]
fn only_proposals_are_rejected() {
    let mut world = stated().into_world();
    let statement = world.agreement().statements().values().next().expect("a statement").id;
    let reason = || Text::parse("it is too dear").expect("a text");
    for proposal in [statement, EventId::from_bytes([9; 32])] {
        let refused = [
            Command::RejectProposal { proposal, reason: reason() },
            Command::WithdrawProposal { proposal, reason: reason() },
        ];
        for command in refused {
            let problem = world.submit("meta", command).expect_err("it is no proposal");
            assert_eq!(problem.code, Code::UnknownEvent, "{problem}");
        }
    }
    let problem = world.submit("meta", Command::Accept(statement)).expect_err("it is no proposal");
    assert_eq!(problem.code, Code::NothingToAccept, "{problem}");
}

/// A period with usage in a foreign currency has no statement, nor has a later one, until everybody
/// agreed on a rate; the last one agreed holds, and another one is trued up.
#[test]
fn usage_in_a_foreign_currency_needs_an_agreed_rate() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let euros = vec![Line::new("2026-01-05", "1000").in_currency("EUR")];
    let given = Given::ledger(share("0.15"))
        .reported("2026-01", euros)
        .when(host.issues_statement("2026-01"))
        .refused(Code::FxMissing)
        .and(host.proposes_rate("EUR", "1.085", "2026-01"))
        .when(host.issues_statement("2026-01"))
        .refused(Code::FxMissing)
        .and(meta.accepts_proposal())
        .when(host.issues_statement("2026-01"))
        .then(posted("meta", "2026-01", "162.75"))
        .given()
        .converted("EUR", "1.1", "2026-01")
        .reported("2026-02", vec![])
        .when(host.issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "2.25"))
        .then(caused_by("2026-01", &["rate-proposed"]))
        .given()
        .corrected("2026-02", vec![Line::new("2026-02-01", "1").in_currency("GBP")])
        .reported("2026-03", vec![])
        .when(host.issues_statement("2026-03"))
        .refused(Code::FxMissing);
    agree(&given.into_world());
}

/// A rate is positive, at most a million, of a foreign currency, and for a period of the agreement.
#[test]
fn a_rate_keeps_its_bounds() {
    let host = party("acme-cloud");
    let given = Given::ledger(share("0.15").ends_on("2026-06-01"))
        .when(host.proposes_rate("USD", "1", "2026-01"))
        .refused(Code::FxCurrency)
        .when(host.proposes_rate("EUR", "0", "2026-01"))
        .refused(Code::FxRate)
        .when(host.proposes_rate("EUR", "-1", "2026-01"))
        .refused(Code::FxRate)
        .when(host.proposes_rate("EUR", "1000000.000000000001", "2026-01"))
        .refused(Code::FxRate)
        .when(host.proposes_rate("EUR", "1", "2025-12"))
        .refused(Code::PeriodOutside)
        .when(host.proposes_rate("EUR", "1", "2026-06"))
        .refused(Code::PeriodOutside)
        .when(host.proposes_rate("EUR", "1", "2026-Q1"))
        .refused(Code::PeriodLength)
        .when(host.proposes_rate("EUR", "1000000", "2026-05"))
        .then(payable("meta", "0"));
    agree(&given.given().into_world());
}

/// A contribution is claimed by the party that the clause names, under the terms of its first day,
/// for days of the agreement; it adds its points from its first day to its last.
#[test]
fn a_contribution_counts_on_its_days() {
    let (host, lab) = (party("acme-cloud"), party("a-lab"));
    let line = |day: &str| Line::new(day, "100");
    let given = Given::ledger(with_lab("0.15"))
        .when(host.claims("tuning", "2026-01-10", None))
        .refused(Code::NotEntitled)
        .when(lab.claims("training", "2026-01-10", None))
        .refused(Code::ContributionUnknown)
        .when(lab.claims("tuning", "2025-12-31", None))
        .refused(Code::ContributionDates)
        .when(lab.claims("tuning", "2026-01-10", Some("2026-01-10")))
        .refused(Code::ContributionDates)
        .reported("2026-01", vec![line("2026-01-09"), line("2026-01-10"), line("2026-01-20")])
        .stated("2026-01")
        .and_all(lab.claims("tuning", "2026-01-10", Some("2026-02-01")))
        .reported("2026-02", vec![line("2026-02-01")])
        .when(host.issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "-10"))
        .then(posted("meta", "2026-02", "15"))
        .then(caused_by("2026-01", &["contribution-claimed"]));
    agree(&given.given().into_world());
}

/// A contribution ends by its contributor's word alone, inside its days, once it was accepted; one
/// that ends on its first day never counted.
#[test]
fn a_contribution_ends_inside_its_days() {
    let (host, lab) = (party("acme-cloud"), party("a-lab"));
    let given = Given::ledger(with_lab("0.15"))
        .reported("2026-01", lines!["2026-01-10" => "100", "2026-01-20" => "100"])
        .and(lab.claims("tuning", "2026-01-10", Some("2026-03-01")))
        .when(lab.ends_contribution("2026-01-15"))
        .refused(Code::ContributionNotOpen)
        .accepted_by_all()
        .stated("2026-01")
        .when(host.ends_contribution("2026-01-15"))
        .refused(Code::NotEntitled)
        .when(lab.ends_contribution("2026-01-09"))
        .refused(Code::ContributionDates)
        .when(lab.ends_contribution("2026-03-01"))
        .refused(Code::ContributionDates)
        .and(lab.ends_contribution("2026-01-15"))
        .reported("2026-02", vec![])
        .when(host.issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "5"))
        .then(caused_by("2026-01", &["contribution-ended"]))
        .given()
        .when(lab.ends_contribution("2026-01-15"))
        .refused(Code::Repeat)
        .and(lab.ends_contribution("2026-01-10"))
        .reported("2026-03", vec![])
        .when(host.issues_statement("2026-03"))
        .then(posted("meta", "2026-01", "5"))
        .then(booked("meta", "2026-01", "30"));
    agree(&given.given().into_world());
}

/// A ledger of level 1 knows neither rates, contributions nor advances, and no usage in a foreign
/// currency, until an amendment is in force.
#[test]
fn an_amendment_raises_a_ledger_of_level_one() {
    let (host, meta, lab) = (party("acme-cloud"), party("meta"), party("a-lab"));
    let plain = || share("0.15").party("a-lab", "beneficiary");
    let euros = || vec![Line::new("2026-01-05", "100").in_currency("EUR")];
    let given = Given::ledger_at(plain(), Level::One)
        .when(host.proposes_rate("EUR", "1.1", "2026-01"))
        .refused(Code::FormatLevel)
        .when(host.advances("meta", "10", "2026-01-02", "advance 1"))
        .refused(Code::FormatLevel)
        .when(lab.claims("tuning", "2026-01-02", None))
        .refused(Code::FormatLevel)
        .when(host.reports("2026-01", euros()))
        .refused(Code::RowCurrency)
        .and(meta.proposes(with_lab("0.15"), "2026-01-01"))
        .when(host.proposes_rate("EUR", "1.1", "2026-01"))
        .refused(Code::FormatLevel)
        .accepted_by_all()
        .reported("2026-01", euros())
        .converted("EUR", "1.1", "2026-01")
        .and_all(lab.claims("tuning", "2026-01-02", None))
        .when(host.issues_statement("2026-01"))
        .then(posted("meta", "2026-01", "11"));
    let world = given.given().into_world();
    assert_eq!(
        (world.agreement().opened_at(), world.agreement().level()),
        (Level::One, Level::Two)
    );
    let period = Period::parse("2026-01").expect("a period");
    assert_eq!(world.agreement().statements()[&period].statement.level, Level::Two);
    agree(&world);
}

/// What is legal about an amendment, and surprising, is said: that it overrides terms which were
/// accepted to take effect later, and that what settles a period changes for the whole of it.
#[test]
fn an_amendment_with_surprises_says_so() {
    let given = Given::ledger(share("0.15")).amended(share("0.16"), "2026-03-01");
    let world = given.into_world();
    let surprises = |terms: TermsBuilder, from: &str| {
        let amendment = Amendment {
            version: version(terms.build()),
            effective_from: Date::parse(from).expect("a day"),
            reason: Text::parse("as agreed").expect("a text"),
        };
        warnings(world.agreement(), &amendment)
    };
    // Records 0 and 1 open the ledger, 2 proposes and 3 accepts the terms of March.
    let overrides = "it overrides the terms that were accepted to take effect on 2026-03-01";
    let said = surprises(share("0.17"), "2026-02-28");
    assert!(matches!(&said[..], [one] if one.starts_with(overrides)), "{said:?}");
    assert_eq!(surprises(share("0.17"), "2026-03-01"), [""; 0]);
    assert_eq!(surprises(share("0.17"), "2026-03-02"), [""; 0]);
    for clause in [
        "[payment]\ndue_days = 10",
        "[payment]\nminimum_payout = \"5\"",
        "[[cap]]\nto = \"meta\"\namount = \"100\"\nover = \"year\"",
        "[[minimum]]\nto = \"meta\"\namount = \"100\"\nover = \"year\"",
        "[[split]]\nof = \"meta\"\nparts = [ { to = \"meta\", weight = \"1\" } ]",
    ] {
        let said = surprises(share("0.16").clause(clause), "2026-03-02");
        assert!(matches!(&said[..], [one] if one.contains("the whole of 2026-03")), "{said:?}");
        // From the first day of a period on, it is the whole of it anyway.
        assert_eq!(surprises(share("0.16").clause(clause), "2026-04-01"), [""; 0]);
    }
}
