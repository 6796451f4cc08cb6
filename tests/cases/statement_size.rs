//! Statements that would not fit in one record: writers and `pull` keep away from them, and a
//! hostile log that has got there stays valid.

use std::sync::OnceLock;

use revshare_core::command::Command;
use revshare_core::event::Event;
use revshare_core::event::Lines;
use revshare_core::event::UsageReport;
use revshare_kit::Line;

use crate::bench::Bench;
use crate::bench::Disk;
use crate::bench::Given;
use crate::bench::TERMS;
use crate::bench::words;
use crate::hostile::Log;
use crate::hostile::january;
use crate::hostile::lines;

/// Stated months, and supplements to the first of them of which one more would take more than half
/// of a record in the next statement: `32 * 300` bytes of causes each.
const MONTHS: usize = 300;
const SUPPLEMENTS: usize = 2616;

/// A ledger of many stated months with a tier over its lifetime, and as many supplements to the
/// first as a writer records.
pub fn full() -> &'static Log {
    static FULL: OnceLock<Log> = OnceLock::new();
    FULL.get_or_init(|| {
        let tiers = "tiers = { by = \"revenue\", over = \"lifetime\", kind = \"marginal\" }\n\
                     steps = [\n  { share = { meta = \"0.15\" } },\n]";
        let terms = TERMS.replace("share = { meta = \"0.15\" }", tiers);
        let mut commands = Vec::new();
        let mut next = Some(january());
        for _ in 0..MONTHS {
            let period = next.expect("a period");
            let report = Command::ReportUsage { period, supplement: false, blocks: vec![] };
            commands.push(("acme-cloud", report));
            commands.push(("acme-cloud", Command::IssueStatement(period)));
            next = period.next();
        }
        for number in 0..SUPPLEMENTS {
            let blocks = vec![lines(&[Line::new("2024-01-05", &format!("{number}.5"))])];
            let report = Command::ReportUsage { period: january(), supplement: true, blocks };
            commands.push(("acme-cloud", report));
        }
        Log::of(&terms, commands)
    })
}

/// A log with so many more supplements, as a program of the other party's own writes it.
fn with_more(count: usize) -> Log {
    (0..count).fold(full().clone(), |log, number| {
        let lines = Lines::Inline(lines(&[Line::new("2024-01-06", &format!("{number}.25"))]));
        let report = UsageReport { period: january(), supplement: true, lines };
        log.says("acme-cloud", Event::UsageReported(report))
    })
}

#[test]
fn a_statement_that_fits_is_written_and_frees_the_room() {
    let bench = Bench::new(Given::Files);
    full().save(&bench, "full");
    let next = format!("{}-01", 2024 + MONTHS / 12);
    bench.ok(&format!("-C full usage report --nil --period {next} --key acme-cloud.key"));
    bench.ok(&format!("-C full statement issue {next} --key acme-cloud.key"));
    bench.ok("-C full usage report january.csv --period 2024-01 --supplement --key acme-cloud.key");
    bench.ok("verify full");
}

#[test]
fn pull_refuses_what_leaves_no_room_unless_it_is_told() {
    let bench = Bench::new(Given::Files);
    // Past half of a record, which a writer may not use up, and a pull may.
    with_more(4).save(&bench, "half");
    bench.ok("-C ours pull half");
    with_more(SUPPLEMENTS + 100).save(&bench, "hostile");
    let run = |line: &str| bench.run(&words(line), Disk::Sound);
    let verified = run("verify hostile");
    assert_eq!(verified.code, 0, "the log stays valid: {}{}", verified.out, verified.err);
    let notice = "the next statement may be longer than a record can be";
    assert!(format!("{}{}", verified.out, verified.err).contains(notice), "{}", verified.out);
    assert!(!run("verify half").out.contains(notice), "a statement still fits");
    let before = bench.log("ours");
    let refused = run("-C ours pull hostile");
    assert_eq!(refused.code, 3, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("statement-size"), "{}", refused.err);
    assert_eq!(bench.log("ours"), before, "nothing was taken");
    bench.ok("-C ours pull hostile --allow-oversized-statement");
    assert_eq!(bench.log("ours"), bench.log("hostile"));
}
