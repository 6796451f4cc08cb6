//! What can be claimed for what is disputed, and what an outcome can be about.

use ledger_core::dispute::Claim;
use ledger_core::dispute::Outcome;
use ledger_core::dispute::Target;
use ledger_core::evolve::dispute::admit_outcome;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::World;
use revshare_kit::blocks;
use revshare_kit::disputes::last_dispute;
use revshare_kit::disputes::status;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::two_parties;

use crate::disputes::done;
use crate::disputes::host;
use crate::disputes::january;
use crate::disputes::january_under;
use crate::disputes::meta;
use crate::disputes::windows;

fn period(text: &str) -> Period {
    Period::parse(text).expect("a period")
}

fn share(rate: &str) -> TermsBuilder {
    two_parties(&format!("share = {{ meta = \"{rate}\" }}"))
        .party("expert", "arbiter")
        .clause(&windows("escalate"))
}

/// A rule, an exclusivity and a contribution are clauses that can be disputed; nothing else is.
#[test]
fn every_clause_with_an_id_can_be_disputed() {
    let terms = |rate: &str| {
        share(rate).clause(
            "[[exclusivity]]\nid = \"only-here\"\nfrom = 2026-03-01\nadd = { meta = \"0.05\" }\n\
             [[contribution]]\nid = \"tuning\"\nby = \"meta\"\nadd = { meta = \"0.05\" }",
        )
    };
    let disputed = |clause: &str| {
        let claim = host().disputes_clause((clause, "2026-01"), terms("0.08"), "2026-01-01");
        january_under(terms("0.10")).when(claim)
    };
    for clause in ["everything", "only-here", "tuning"] {
        done(disputed(clause).then(status("open")).given());
    }
    done(disputed("anything").refused(Code::DisputeTarget));
}

/// The lines of a report are claimed for its own period.
#[test]
fn lines_are_claimed_for_the_period_of_their_report() {
    let february = |world: &World| world.report_of(period("2026-02")).expect("a report");
    let claim = move |world: &World| {
        let other = [Line::new("2026-02-05", "8000")];
        let lines = blocks(&other, world.agreement().terms().currency, usize::MAX).pop();
        Claim::Report { replaces: february(world), lines }
    };
    let target =
        |world: &World| Target::Statement(world.agreement().statements()[&period("2026-01")].id);
    let given = january().reported("2026-02", lines!["2026-02-05" => "10"]);
    done(
        given.when(host().disputes(Box::new(target), Box::new(claim))).refused(Code::DisputeClaim),
    );
}

/// Figures are claimed within the bound on the money of a ledger.
#[test]
fn figures_are_claimed_within_the_bound_of_a_ledger() {
    let claims =
        |money: &str| january().when(meta().disputes_statement("2026-01", &[("meta", money)]));
    done(claims("100000000000000.01").refused(Code::AmountBounds));
    done(claims("10000000000000").then(status("open")).given());
}

/// Each of two beneficiaries has lines of its own in January's report.
fn two_beneficiaries() -> Given {
    let terms = TermsBuilder::new("USD", "2026-01-01")
        .party("meta", "owner")
        .party("acme-cloud", "collector")
        .party("a-lab", "beneficiary")
        .rule("large", "when = { model = [\"large\"] }\nshare = { meta = \"0.1\" }")
        .rule("small", "when = { model = [\"small\"] }\nshare = { a-lab = \"0.1\" }")
        .clause(&windows("accept"));
    Given::ledger(terms).reported("2026-01", of_both("1000", "1000"))
}

fn of_both(large: &str, small: &str) -> Vec<Line> {
    let line = |gross: &str, model: &str| Line::new("2026-01-05", gross).with("model", model);
    vec![line(large, "large"), line(small, "small")]
}

/// Lines that a dispute adopted are final for everybody: also for a party that had no part in it.
#[test]
fn adopted_lines_are_final_for_everybody() {
    let given = two_beneficiaries()
        .stated("2026-01")
        .and(host().disputes_report("2026-01", of_both("800", "1000")))
        .and(meta().accepts_claim())
        .when(party("a-lab").disputes_report("2026-01", of_both("800", "1200")))
        .refused(Code::DisputeFinal);
    done(given);
}

/// An outcome is about the report and about the parties that are in dispute.
#[test]
fn an_outcome_is_about_what_is_disputed() {
    let given = two_beneficiaries()
        .and(host().supplements("2026-01", of_both("10", "10")[..1].to_vec()))
        .stated("2026-01")
        .and(host().disputes_report("2026-01", of_both("800", "1000")));
    let world = given.into_world();
    let code = |outcome: &Outcome| {
        let dispute: EventId = last_dispute(&world).id;
        admit_outcome(world.state(), &dispute, outcome).err().map(|problem| problem.code)
    };
    let reports = world.agreement().in_effect(period("2026-01"));
    let other = reports.last().expect("a supplement").id;
    assert_eq!(code(&Outcome::AsClaimed), None);
    assert_eq!(code(&Outcome::Stands), None);
    let lines = Claim::Report { replaces: other, lines: None };
    assert_eq!(code(&Outcome::Other(lines)), Some(Code::DisputeClaim));
    let figure = |party: &str| {
        let party = Id::parse(party).expect("an id");
        Outcome::Other(Claim::Figures(vec![(party, Amount::from_whole(90))]))
    };
    assert_eq!(code(&figure("meta")), None);
    assert_eq!(code(&figure("a-lab")), Some(Code::DisputeClaim));
}

/// A dispute that reopens another one is held against what was recorded without it.
#[test]
fn what_is_reopened_does_not_count_beside_the_claim() {
    let given = january()
        .and(host().disputes_statement("2026-01", &[("meta", "700")]))
        .and(meta().accepts_claim())
        .when(meta().disputes_report("2026-01", lines!["2026-01-05" => "8000"]))
        .refused(Code::DisputeClaim)
        .when(
            meta()
                .disputes_report("2026-01", lines!["2026-01-05" => "8000"])
                .reopening(1)
                .for_error(),
        )
        .then(status("open"))
        .given();
    done(given);
}

/// Where silence brings a dispute before the arbiter, it does so once an answer is late, and not
/// before; where it accepts, the arbiter waits.
#[test]
fn the_arbiter_is_asked_when_an_answer_is_late() {
    let disputed = |silence: &str| {
        let terms = two_parties("share = { meta = \"0.10\" }").party("expert", "arbiter");
        january_under(terms.clause(&windows(silence)))
            .and(host().disputes_statement("2026-01", &[("meta", "700")]))
            .and(meta().acknowledges())
    };
    let given = disputed("escalate").after_days(29);
    let given = given.when(host().escalates()).refused(Code::DisputeEarly).after_days(2);
    done(given.when(host().escalates()).then(status("escalated")).given());
    let given = disputed("accept").after_days(31);
    done(given.when(host().escalates()).refused(Code::DisputeEarly));
}
