//! Small ledgers with the whole contract, of format level 2: what golden vectors are made of.

use ledger_core::vocab::Level;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::World;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::public_key;
use revshare_kit::two_parties;

/// Terms of [`every_kind_of_event`], with another share of the lab.
fn kinds_terms(lab: &str) -> TermsBuilder {
    TermsBuilder::new("USD", "2026-01-01")
        .party("meta", "owner")
        .party("a-lab", "beneficiary")
        .party("acme-cloud", "collector")
        .rule("everything", &format!("share = {{ meta = \"0.15\", a-lab = \"{lab}\" }}"))
        .clause("[[contribution]]\nid = \"tuning\"\nby = \"a-lab\"\nadd = { a-lab = \"0.02\" }")
        .clause("[[advance]]\nto = \"meta\"")
        .clause(
            "[payment]\nlate_interest = { rate = \"0.08\" }\n\
             withholding = { meta = { rate = \"0.15\" }, \
             a-lab = { rate = \"0.1\", gross_up = true } }",
        )
}

/// Every kind of event on a ledger of level 2: a month in two currencies, a contribution that
/// begins and ends, an advance, a payout that arrives late, a correction, amendments that are
/// rejected, withdrawn and accepted (the last one brings a party), and a statement that posts all
/// of it.
pub fn every_kind_of_event() -> World {
    let (host, meta, lab) = (party("acme-cloud"), party("meta"), party("a-lab"));
    let january = vec![
        Line::new("2026-01-05", "600.00"),
        Line::new("2026-01-20", "400.00").in_currency("EUR"),
        Line::new("2026-01-21", "-0.01"),
    ];
    let several = lines!["2026-02-05" => "1000.00", "2026-02-16" => "2000.00", "2026-02-17" => "3"];
    Given::ledger(kinds_terms("0.05"))
        .after_days(50)
        .and(meta.notes_missing("2026-01"))
        .and(host.reports("2026-01", january))
        .and(host.proposes_rate("EUR", "1.085", "2026-01"))
        .accepted_by_all()
        .and(lab.claims("tuning", "2026-01-10", None))
        .accepted_by_all()
        .and(host.issues_statement("2026-01"))
        .and(meta.accepts_statement("2026-01"))
        .and(host.advances("meta", "100.00", "2026-02-20", "advance 1"))
        .and(meta.confirms("advance 1", "2026-02-22"))
        .and(host.advances("meta", "7.00", "2026-02-20", "advance 2"))
        .and(meta.returns("advance 2", "the account was closed"))
        .and(host.sends("meta", "155.10", "2026-03-20", "wire 1"))
        .and(meta.confirms("wire 1", "2026-04-01"))
        .and(host.sends("a-lab", "10.00", "2026-02-20", "wire 2"))
        .and(lab.confirms("wire 2", "2026-02-21"))
        .and(host.corrects("2026-01", "the export was wrong", lines!["2026-01-05" => "700.00"]))
        .and(lab.ends_contribution("2026-02-10"))
        .and(host.proposes(kinds_terms("0.04"), "2026-02-01"))
        .and(lab.rejects_proposal())
        .and(host.proposes(kinds_terms("0.06"), "2026-02-01"))
        .and(host.withdraws_proposal())
        .and(lab.proposes(kinds_terms("0.07").party("b-lab", "beneficiary"), "2026-02-16"))
        .accepted_by_all()
        .and(host.reports_in_blocks("2026-02", several, 2, false))
        .and(host.supplements("2026-02", vec![]))
        .and(meta.issues_statement("2026-02"))
        .and(host.sends_on_account("meta", "900.00", "2026-03-20", "wire 3"))
        .and(meta.returns("wire 3", "the account was closed"))
        .and(meta.acknowledges())
        .and(party("b-lab").acknowledges())
        .into_world()
}

/// The rule by tokens of [`every_clause_of_terms`], which an amendment makes marginal.
fn by_tokens(kind: &str) -> String {
    format!(
        "tiers = {{ by = \"tokens\", over = \"year\", kind = \"{kind}\" }}\n\
         steps = [ {{ up_to = \"10.5\", share = {{ meta = \"0.1\" }}, flat = {{ a-lab = \"5\" }} }}, \
         {{ share = {{ meta = \"0.05\", a-lab = \"0.2\" }}, per_unit = {{ meta = \"0.067\" }}, \
         flat = {{ a-lab = \"7.5\" }} }} ]"
    )
}

/// Everything that terms of level 2 can say.
pub fn every_clause_of_terms(kind: &str) -> TermsBuilder {
    let recovery = public_key("meta, recovery");
    TermsBuilder::new("KWD", "2026-02-10")
        .period("quarter")
        .ends_on("2026-11-20")
        .rounding("half_up", true)
        .meter("tokens")
        .meter("requests")
        .party("acme-cloud", "collector")
        .party("a-lab", "beneficiary")
        .party("expert", "arbiter")
        .party("reader", "auditor")
        .priced(Some("0.01"))
        .deduction("refunds", None)
        .deduction("infrastructure", Some("0.10"))
        .clause(
            "[[price]]\nmeter = \"tokens\"\nmodel = [\"llama-3*\"]\nunit = \"2\"\n\
             price = \"300.5\"\nfrom = 2026-03-01\n\
             [[price]]\nmeter = \"tokens\"\nunit = \"1\"\nprice = \"100\"\nfrom = 2026-01-01\n\
             [[price]]\nmeter = \"tokens\"\nwhen = { territory = [\"EU\"] }\nunit = \"1\"\n\
             price = \"250\"\ncurrency = \"EUR\"\nfrom = 2026-01-01",
        )
        .rule(
            "moderation",
            "when = { application = [\"content_moderation\"], model = [\"llama-3*\", \"*-70b\"] }\n\
             share = { meta = \"0.12\", a-lab = \"0.01\" }",
        )
        .rule("by-tokens", &by_tokens(kind))
        .clause(
            "[[exclusivity]]\nid = \"eu-only\"\nwhen = { territory = [\"EU\"] }\n\
             from = 2026-03-01\nto = 2026-09-01\nadd = { meta = \"0.03\", a-lab = \"-0.01\" }\n\
             [[contribution]]\nid = \"tuning\"\nby = \"meta\"\n\
             when = { model = [\"llama-3*\"] }\nadd = { meta = \"0.015\" }",
        )
        .clause("[limits]\nrate_floor = \"0.01\"\nrate_ceiling = \"0.40\"")
        .clause(
            "[[minimum]]\nto = \"meta\"\namount = \"700\"\nover = \"year\"\n\
             [[minimum]]\nto = \"a-lab\"\namount = \"12.345\"\nover = \"lifetime\"\n\
             [[cap]]\nto = \"meta\"\namount = \"333.333\"\nover = \"period\"\n\
             [[cap]]\nto = \"a-lab\"\namount = \"900\"\nover = \"lifetime\"",
        )
        .clause(
            "[[split]]\nof = \"meta\"\n\
             parts = [ { to = \"meta\", weight = \"80\" }, { to = \"a-lab\", weight = \"20.5\" } ]\n\
             [[advance]]\nto = \"meta\"\n[[advance]]\nto = \"a-lab\"",
        )
        .clause(
            "[payment]\ndue_days = 45\nminimum_payout = \"12.345\"\n\
             late_interest = [ { from = 2026-01-01, rate = \"0.08\" }, \
             { from = 2026-07-01, rate = \"0.07\", day_count = \"act/365\" } ]\n\
             withholding = { meta = { rate = \"0.15\", gross_up = false }, \
             a-lab = { rate = \"0.26375\", gross_up = true } }\n\
             [windows]\nreport_due_days = 20\nobjection_days = 60\nproposal_lapse_days = 30\n\
             dispute = { response_days = 30, on_silence = \"escalate\", \
             escalate_after_days = 60 }\n\
             audit = { lookback_months = 24, cost_shift = \"0.05\", of = \"reported\" }",
        )
        .clause(&format!(
            "[attributes]\napplication = [\"search\", \"content_moderation\"]\n\
             [[party]]\nid = \"meta\"\nrole = \"owner\"\nkey = \"{}\"\nrecovery_key = \"{recovery}\"",
            public_key("meta"),
        ))
}

/// Everything that terms can say, in quarters: priced usage in two currencies under points, a cap,
/// a split; a tier that an amendment makes marginal inside a quarter; guarantees in the last one.
pub fn every_clause() -> World {
    let host = party("acme-cloud");
    let line = |day: &str| Line::new(day, "0");
    let first = vec![
        line("2026-02-10").meter("tokens", "8").with("territory", "EU"),
        line("2026-03-31")
            .meter("tokens", "3.5")
            .with("model", "llama-3-8b")
            .deduction("refunds", "3"),
        line("2026-03-31")
            .in_currency("EUR")
            .meter("tokens", "2")
            .with("territory", "EU")
            .deduction("infrastructure", "100"),
        Line::new("2026-03-30", "-20")
            .with("application", "content_moderation")
            .with("model", "x-70b"),
        line("2026-03-31").meter("requests", "3"),
    ];
    let second = vec![
        line("2026-04-30").meter("tokens", "4"),
        line("2026-06-30").meter("tokens", "5").with("model", "llama-3-70b"),
    ];
    Given::ledger(every_clause_of_terms("whole"))
        .and_all(party("meta").claims("tuning", "2026-02-15", Some("2026-06-15")))
        .converted("EUR", "0.333333333333", "2026-Q1")
        .reported("2026-Q1", first)
        .stated("2026-Q1")
        .and(host.advances("a-lab", "20.125", "2026-05-01", "advance 1"))
        .and(party("a-lab").confirms("advance 1", "2026-05-02"))
        .amended(every_clause_of_terms("marginal"), "2026-05-20")
        .reported("2026-Q2", second)
        .corrected(
            "2026-Q1",
            vec![line("2026-02-28").meter("tokens", "77.7").with("territory", "EU")],
        )
        .stated("2026-Q2")
        .reported("2026-Q3", vec![])
        .stated("2026-Q3")
        .reported("2026-Q4", vec![])
        .stated("2026-Q4")
        .into_world()
}

/// A ledger that was opened at level 1, and that an amendment raises: statements and payouts before
/// and after it, each in the version of its time.
pub fn raised() -> World {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let terms = || two_parties("share = { meta = \"0.15\" }");
    let amended = terms()
        .clause("[[cap]]\nto = \"meta\"\namount = \"200\"\nover = \"year\"")
        .clause("[payment]\nwithholding = { meta = { rate = \"0.15\" } }");
    Given::ledger_at(terms(), Level::One)
        .reported("2026-01", lines!["2026-01-05" => "1000.00"])
        .stated("2026-01")
        .and(host.sends("meta", "150.00", "2026-02-20", "wire 1"))
        .and(meta.confirms("wire 1", "2026-02-21"))
        .and(meta.acknowledges())
        .and(meta.proposes(amended, "2026-02-01"))
        .and(meta.acknowledges())
        .and(host.accepts_proposal())
        .and(host.acknowledges())
        .and(host.proposes_rate("EUR", "1.1", "2026-02"))
        .accepted_by_all()
        .and(host.reports("2026-02", vec![Line::new("2026-02-03", "1000").in_currency("EUR")]))
        .and(host.issues_statement("2026-02"))
        .and(host.sends("meta", "50.00", "2026-03-20", "wire 2"))
        .and(meta.confirms("wire 2", "2026-03-21"))
        .and(meta.acknowledges())
        .into_world()
}
