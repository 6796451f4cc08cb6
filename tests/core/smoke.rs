//! The main job, once: from terms to an acknowledged statement, on two implementations.

use revshare_kit::Given;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::payable;
use revshare_kit::posted;
use revshare_kit::two_parties;

use crate::reference::agree;

#[test]
fn a_month_from_terms_to_acknowledgement() {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let given = Given::ledger(two_parties("share = { meta = \"0.15\" }"))
        .reported("2026-01", lines!["2026-01-05" => "600.00", "2026-01-06" => "400.00"])
        .when(host.issues_statement("2026-01"))
        .then(posted("meta", "2026-01", "150.00"))
        .then(payable("meta", "150.00"))
        .given()
        .and(meta.accepts_statement("2026-01"))
        .when(host.sends("meta", "150.00", "2026-02-20", "wire 1"))
        .then(payable("meta", "0"))
        .given()
        .and(meta.confirms("wire 1", "2026-02-22"))
        .and(meta.acknowledges());
    agree(&given.into_world());
}

#[test]
fn a_correction_is_trued_up_by_the_next_statement() {
    let host = party("acme-cloud");
    let given = Given::ledger(two_parties("share = { meta = \"0.15\" }"))
        .reported("2026-01", lines!["2026-01-05" => "1000.00"])
        .stated("2026-01")
        .corrected("2026-01", lines!["2026-01-05" => "900.00"])
        .reported("2026-02", vec![])
        .when(host.issues_statement("2026-02"))
        .then(posted("meta", "2026-01", "-15.00"))
        .then(posted("meta", "2026-02", "0"))
        .then(payable("meta", "135.00"));
    agree(&given.given().into_world());
}
