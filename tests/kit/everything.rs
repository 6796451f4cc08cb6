//! A small ledger that has every kind of event.

use crate::disputes::as_claimed;
use crate::disputes::at;
use crate::given::Given;
use crate::given::party;
use crate::lines;
use crate::terms::TermsBuilder;
use crate::terms::two_parties;
use crate::world::World;

/// Terms with an arbiter, a contribution, advances and deadlines for disputes.
fn terms(share: &str) -> TermsBuilder {
    two_parties(&format!("share = {{ meta = \"{share}\" }}"))
        .party("expert", "arbiter")
        .clause("[[contribution]]\nid = \"tuning\"\nby = \"meta\"\nadd = { meta = \"0.05\" }")
        .clause("[[advance]]\nto = \"meta\"")
        .clause(
            "[windows]\ndispute = { response_days = 10, on_silence = \"escalate\", \
             escalate_after_days = 20 }",
        )
}

/// A ledger with every kind of event, with memories of its machine.
pub fn everything() -> World {
    let (host, meta, expert) = (party("acme-cloud"), party("meta"), party("expert"));
    let mut world = World::with_cache();
    world.open_and_accept(terms("0.15").build());
    let several = lines!["2026-02-05" => "1.00", "2026-02-06" => "2.00", "2026-02-07" => "3.00"];
    Given::from(world)
        .reported("2026-01", lines!["2026-01-05" => "600.00"])
        .and(host.issues_statement("2026-01"))
        .and(meta.accepts_statement("2026-01"))
        .and(host.sends("meta", "90.00", "2026-02-20", "wire 1"))
        .and(meta.confirms("wire 1", "2026-02-22"))
        .corrected("2026-01", lines!["2026-01-05" => "500.00"])
        .and(host.reports_in_blocks("2026-02", several, 2, false))
        .and(host.issues_statement("2026-02"))
        .and(host.sends_on_account("meta", "1.00", "2026-03-20", "wire 2"))
        .and(meta.returns("wire 2", "the account was closed"))
        .and(meta.acknowledges())
        .and(host.advances("meta", "10.00", "2026-02-01", "advance 1"))
        .and(host.proposes_rate("EUR", "1.1", "2026-03"))
        .and(host.withdraws_proposal())
        .and(meta.proposes(terms("0.3"), "2026-03-01"))
        .and(host.rejects_proposal())
        .and(meta.proposes(terms("0.2"), "2026-03-01"))
        .and(host.accepts_proposal())
        .and(meta.claims("tuning", "2026-02-01", None))
        .and(host.accepts_proposal())
        .and(meta.ends_contribution("2026-02-06"))
        .and(meta.disputes_statement("2026-01", &[("meta", "120.00")]).with_evidence(&["a"]))
        .and(host.answers())
        .and(meta.withdraws())
        .and(meta.attaches("b"))
        .and(meta.erases("b"))
        .and(meta.disputes_statement("2026-01", &[("meta", "110.00")]))
        .and(host.accepts_claim())
        .and(meta.disputes_statement("2026-02", &[("meta", "5.00")]))
        .and(host.settles(at(&[("meta", "3.00")]), &["meta"]))
        .and(meta.disputes_payout("wire 1", "meta", "80.00"))
        .after_days(25)
        .and(meta.escalates())
        .and(expert.determines(as_claimed()))
        .after_days(110)
        .and(meta.notes_missing("2026-03"))
        .into_world()
}
