//! What is adopted, and what it does from then on: lines, figures, terms, payouts; and evidence.

use ledger_core::vocab::Code;
use revshare_kit::Given;
use revshare_kit::booked;
use revshare_kit::caused_by;
use revshare_kit::disputes::at;
use revshare_kit::disputes::balance;
use revshare_kit::disputes::claimed_above;
use revshare_kit::disputes::commitment;
use revshare_kit::disputes::divided;
use revshare_kit::disputes::held;
use revshare_kit::disputes::last_dispute;
use revshare_kit::disputes::stands;
use revshare_kit::disputes::status;
use revshare_kit::disputes::with_lines;
use revshare_kit::disputes::with_terms;
use revshare_kit::interest;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::payable;
use revshare_kit::posted;
use revshare_kit::two_parties;

use crate::disputes::done;
use crate::disputes::expert;
use crate::disputes::host;
use crate::disputes::january;
use crate::disputes::january_under;
use crate::disputes::meta;
use crate::disputes::windows;
use crate::reference::agree;

/// Lines that are adopted move the tiers of later periods; the report is corrected no more.
#[test]
fn adopted_lines_are_lines() {
    let tiers = "tiers = { by = \"revenue\", over = \"year\", kind = \"marginal\" }\n\
                 steps = [{ up_to = \"1000\", share = { meta = \"0.10\" } }, \
                 { share = { meta = \"0.20\" } }]";
    let given = Given::ledger(two_parties(tiers).clause(&windows("accept")))
        .reported("2026-01", lines!["2026-01-05" => "1000"])
        .stated("2026-01")
        .reported("2026-02", lines!["2026-02-05" => "500"])
        .stated("2026-02")
        // January is 100 and February, in the second step, 100. With 800, January is 80.
        .when(host().disputes_report("2026-01", lines!["2026-01-05" => "800"]))
        .then(held("meta", "20"))
        .then(payable("meta", "180"))
        .given()
        .and(meta().accepts_claim())
        .when(host().corrects("2026-01", "again", lines!["2026-01-05" => "900"]))
        .refused(Code::DisputeFinal)
        .reported("2026-03", vec![])
        .when(host().issues_statement("2026-03"))
        .then(posted("meta", "2026-01", "-20"))
        // 200 × 0.10 + 300 × 0.20 − 100.
        .then(posted("meta", "2026-02", "-20"))
        .then(caused_by("2026-01", &["dispute-accepted"]))
        .then(caused_by("2026-02", &["dispute-accepted"]))
        .given()
        // Other lines again, in the place of the adopted ones.
        .and(
            meta()
                .disputes_report("2026-01", lines!["2026-01-05" => "900"])
                .reopening(1)
                .for_error(),
        )
        .and(host().settles(with_lines("2026-01", lines!["2026-01-05" => "950"]), &["meta"]))
        .reported("2026-04", vec![])
        .when(host().issues_statement("2026-04"))
        .then(booked("meta", "2026-01", "95"))
        // 50 × 0.10 + 450 × 0.20.
        .then(booked("meta", "2026-02", "95"))
        .given();
    done(given);
}

/// An adopted figure stays, whatever is corrected or agreed later.
#[test]
fn adopted_figures_stay() {
    let given = january()
        .and(host().disputes_statement("2026-01", &[("meta", "700")]))
        .and(host().settles(at(&[("meta", "900")]), &["meta"]))
        .corrected("2026-01", lines!["2026-01-05" => "20000"])
        .amended(
            two_parties("share = { meta = \"0.20\" }").party("expert", "arbiter"),
            "2026-01-01",
        )
        .reported("2026-02", lines!["2026-02-05" => "100"])
        .when(host().issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "-100"))
        .then(posted("meta", "2026-02", "20"))
        .given()
        .corrected("2026-01", lines!["2026-01-05" => "1"])
        .reported("2026-03", vec![])
        .when(host().issues_statement("2026-03"))
        .then(booked("meta", "2026-01", "900"))
        .given();
    done(given);
}

/// Terms that are claimed say what the period comes to with them; they are no version afterwards.
#[test]
fn claimed_terms_are_figures_once_adopted() {
    let at_rate = |rate: &str| {
        two_parties(&format!("share = {{ meta = \"{rate}\" }}")).party("expert", "arbiter")
    };
    let given = january()
        .when(meta().disputes_clause(("everything", "2026-01"), at_rate("0.15"), "2026-01-01"))
        .then(claimed_above("meta", "500", "0"))
        .given()
        .after_days(61)
        .and(host().escalates())
        .and(expert().determines(with_terms(at_rate("0.12"), "2026-01-01")))
        .reported("2026-02", lines!["2026-02-05" => "100"])
        .when(host().issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "200"))
        .then(posted("meta", "2026-02", "10"))
        .given();
    done(given);
}

/// Every respondent has to accept, and to sign.
#[test]
fn several_respondents_accept_and_sign() {
    let both = two_parties("share = { meta = \"0.10\", a-lab = \"0.05\" }")
        .party("a-lab", "beneficiary")
        .clause(&windows("accept"));
    let claim = || host().disputes_statement("2026-01", &[("a-lab", "400"), ("meta", "700")]);
    let given = january_under(both)
        .when(claim())
        .then(held("a-lab", "100"))
        .then(held("meta", "300"))
        .given()
        .when(host().settles(stands(), &["meta"]))
        .refused(Code::SettlementUnsigned)
        .when(meta().accepts_claim())
        .then(status("open"))
        .given()
        // meta has accepted; a-lab has seen nothing yet.
        .when(host().says_silence_accepted())
        .refused(Code::DisputeEarly)
        .when(party("a-lab").accepts_claim())
        .then(status("accepted"))
        .given()
        .reported("2026-02", vec![])
        .when(host().issues_statement("2026-02"))
        .then(posted("a-lab", "2026-01", "-100"))
        .then(posted("meta", "2026-01", "-300"))
        .given();
    done(given);
}

/// What a payout counts: less than was sent, more than came back, and reopened.
#[test]
fn payouts_count_what_was_adopted() {
    // Of 1,000 that were confirmed, 600 came: 400 of January are owed again from 2 March.
    let given = january()
        .and(host().sends("meta", "1000", "2026-03-01", "R1"))
        .and(meta().confirms("R1", "2026-03-02"))
        .when(meta().disputes_payout("R1", "meta", "600"))
        .then(held("meta", "0"))
        .then(balance("meta", "0"))
        .given()
        .when(host().accepts_claim())
        .then(payable("meta", "400"))
        .given()
        .and(host().sends("meta", "400", "2026-03-31", "R2"))
        .and(meta().confirms("R2", "2026-04-01"))
        .reported("2026-02", vec![])
        // 30 days: 400 × 0.10 × 30 / 365 = 3.29.
        .when(host().issues_statement("2026-02"))
        .then(interest("meta", "3.29"))
        .given();
    done(given);
    // Taken back twice, a part of the same piece each time: what was settled opens again, whole.
    let given = january()
        .and(host().sends("meta", "1000", "2026-03-01", "R1"))
        .and(meta().confirms("R1", "2026-03-02"))
        .and(meta().disputes_payout("R1", "meta", "600"))
        .and(host().accepts_claim())
        .and(meta().disputes_payout("R1", "meta", "100").reopening(1).for_error())
        .when(host().accepts_claim())
        .then(payable("meta", "900"))
        .given()
        .when(host().disputes_statement("2026-01", &[("meta", "0")]))
        .then(held("meta", "900"))
        .then(divided("meta", "100", "0", "900"))
        .given();
    done(given);
    // 1,000 that came back arrived after all, by what Acme claims: meanwhile they are held.
    let given = january()
        .and(host().sends("meta", "1000", "2026-03-01", "R1"))
        .and(meta().returns("R1", "the account was closed"))
        .when(host().disputes_payout("R1", "meta", "1000.01"))
        .refused(Code::DisputeClaim)
        .when(host().disputes_payout("R1", "meta", "0"))
        .refused(Code::DisputeClaim)
        .when(host().disputes_payout("R1", "meta", "1000"))
        .then(held("meta", "1000"))
        .then(payable("meta", "0"))
        .given()
        .when(meta().accepts_claim())
        .then(held("meta", "0"))
        .then(balance("meta", "0"))
        .given();
    done(given);
    // One in transit is no longer, whatever is adopted; and it is reopened like any other line.
    let given = january()
        .and(host().sends("meta", "1000", "2026-03-01", "R1"))
        .and(meta().disputes_payout("R1", "meta", "250"))
        .when(host().accepts_claim())
        .then(payable("meta", "750"))
        .given()
        .when(meta().confirms("R1", "2026-03-02"))
        .refused(Code::PayoutSettled)
        .when(host().disputes_payout("R1", "meta", "500").reopening(1).for_fraud())
        .then(held("meta", "250"))
        .then(payable("meta", "500"))
        .given()
        .when(meta().settles(at(&[("meta", "400")]), &["acme-cloud"]))
        .then(held("meta", "0"))
        .then(payable("meta", "600"))
        .given();
    done(given);
}

/// Evidence is named once, and erased by the party that named it.
#[test]
fn evidence_is_named_and_erased() {
    let given = january()
        .and(host().disputes_statement("2026-01", &[("meta", "700")]).with_evidence(&["a", "b"]))
        .when(meta().attaches("a"))
        .refused(Code::EvidenceTwice)
        .and(expert().attaches("c"))
        .when(meta().erases("a"))
        .refused(Code::EvidenceUnknown)
        .when(meta().erases("z"))
        .refused(Code::EvidenceUnknown)
        .and(host().erases("a"))
        .when(host().erases("a"))
        .refused(Code::Repeat)
        .and(expert().erases("c"));
    let world = given.into_world();
    let known = &world.agreement().evidence()[&commitment("c")];
    assert_eq!((known.about, known.party.as_str()), (last_dispute(&world).id, "expert"));
    assert!(known.note.is_some(), "it says what it is");
    assert!(known.erased.is_some(), "it says that it is erased");
    agree(&world);
    let twice = || vec![commitment("a"); 2];
    let given = january()
        .when(host().disputes_statement("2026-01", &[("meta", "700")]).with_commitments(twice()))
        .refused(Code::EvidenceTwice);
    done(given);
}
