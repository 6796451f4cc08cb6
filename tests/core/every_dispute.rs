//! A small ledger with every kind of event of disputes: what golden vectors are made of.

use revshare_kit::Given;
use revshare_kit::TermsBuilder;
use revshare_kit::World;
use revshare_kit::disputes::as_claimed;
use revshare_kit::disputes::at;
use revshare_kit::disputes::stands;
use revshare_kit::disputes::with_lines;
use revshare_kit::disputes::with_terms;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::two_parties;

fn terms(share: &str) -> TermsBuilder {
    two_parties(&format!("share = {{ meta = \"{share}\", a-lab = \"0.05\" }}"))
        .party("a-lab", "beneficiary")
        .party("expert", "arbiter")
        .clause(
            "[payment]\nlate_interest = { rate = \"0.08\" }\n[windows]\nobjection_days = 60\n\
             dispute = { response_days = 30, on_silence = \"accept\", escalate_after_days = 60 }",
        )
}

/// Every kind of dispute: figures settled, lines accepted and replaced again, terms determined,
/// silence that accepts, a payout that counts less and comes to more, one that is withdrawn, and
/// two that go on and hold; with evidence, one file of it erased.
pub fn every_dispute() -> World {
    let (host, meta, lab, expert) =
        (party("acme-cloud"), party("meta"), party("a-lab"), party("expert"));
    let given = Given::ledger(terms("0.10"))
        .reported("2026-01", lines!["2026-01-05" => "10000"])
        .stated("2026-01")
        .reported("2026-02", lines!["2026-02-05" => "5000"])
        .stated("2026-02")
        .reported("2026-03", lines!["2026-03-05" => "1000.55"])
        .stated("2026-03")
        .and(
            host.disputes_statement("2026-01", &[("a-lab", "450"), ("meta", "700")])
                .with_evidence(&["a", "b"]),
        )
        .and(meta.answers())
        .and(host.settles(at(&[("a-lab", "480"), ("meta", "900.25")]), &["a-lab", "meta"]))
        .and(meta.disputes_report("2026-02", lines!["2026-02-05" => "6000"]))
        .and(host.accepts_claim())
        .and(lab.accepts_claim())
        .and(host.sends("meta", "500", "2026-04-10", "wire 1"))
        .and(meta.confirms("wire 1", "2026-04-12"))
        .and(meta.disputes_payout("wire 1", "meta", "350.5"))
        .and(host.settles(as_claimed(), &["meta"]))
        .and(meta.disputes_clause(("everything", "2026-03"), terms("0.15"), "2026-03-01"))
        .and(expert.attaches("c"))
        .after_days(61)
        .and(host.escalates())
        .and(expert.determines(with_terms(terms("0.12"), "2026-03-01")))
        .and(host.erases("a"))
        .reported("2026-04", lines!["2026-04-05" => "200"])
        .stated("2026-04")
        .and(host.disputes_statement("2026-04", &[("meta", "10")]))
        .and(meta.acknowledges())
        .after_days(31)
        .and(host.says_silence_accepted())
        .reported("2026-05", lines!["2026-05-05" => "3000"])
        .stated("2026-05");
    let given = given
        .and(host.disputes_statement("2026-05", &[("a-lab", "-10")]))
        .and(host.withdraws())
        .and(host.disputes_report("2026-02", vec![]).reopening(2).for_error())
        .and(lab.settles(
            with_lines("2026-02", lines!["2026-02-06" => "5500"]),
            &["acme-cloud", "meta"],
        ))
        .and(host.disputes_payout("wire 1", "meta", "500").reopening(3).for_fraud())
        .and(meta.settles(stands(), &["acme-cloud"]))
        .and(lab.disputes_statement("2026-05", &[("a-lab", "160")]))
        .after_days(61)
        .and(lab.escalates())
        .and(expert.determines(stands()))
        .and(host.disputes_payout("wire 1", "meta", "400").reopening(8).for_error());
    given.and(host.disputes_statement("2026-05", &[("meta", "100")]).for_fraud()).into_world()
}
