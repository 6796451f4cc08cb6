//! A dispute over the last of ten years, replayed: beside a plain `verify` of the same ledger.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use revshare_core::command::Command;
use revshare_core::dispute::Claim;
use revshare_core::dispute::Opening;
use revshare_core::dispute::Target;
use revshare_core::ledger::Ledger;
use revshare_core::vocab::Period;
use revshare_core::vocab::Text;

use crate::delete_cache;
use crate::machine;
use crate::measure;
use crate::median;
use crate::rerating::Bench;
use crate::rerating::MONTHS;
use crate::rerating::blocks;
use crate::rerating::lines;
use crate::rerating::party;
use crate::rerating::report;
use crate::rerating::terms;
use crate::revshare_on;

/// Distinct keys of a month, on average.
const KEYS: u64 = 274;

/// Reports and states ten years with about so many lines, disputes the last report, and times the
/// replay of the dispute as a whole process.
pub fn run(folder: &Path, wanted: u64) {
    let (host, owner) = (party("host", 7), party("owner", 8));
    let ledger = Ledger::create(folder, &machine(folder)).expect("folder");
    let mut bench = Bench { ledger, nonce: 0 };
    let version = Box::new(terms(&[&host, &owner], "0.15", "9000000000000"));
    let opened = bench.say(&host, Command::OpenLedger(version)).fact.id;
    bench.say(&owner, Command::Accept(opened));
    let per_key = (wanted / (MONTHS as u64 * KEYS)).clamp(1, u64::from(u32::MAX));
    let mut period = Period::parse("2026-01").expect("period");
    let mut last = opened;
    for month in 1..=MONTHS {
        last = bench.say(&host, report(period, per_key as u32)).fact.id;
        bench.say(&host, Command::IssueStatement(period));
        if month < MONTHS {
            period = period.next().expect("period");
        }
    }
    // What the owner counts: a month whose lines are the first of each key, and nothing else.
    let mut claimed = blocks(period, 1);
    let opening = Opening {
        target: Target::Report(last),
        claim: Claim::Report { replaces: last, lines: claimed.pop() },
        basis: Text::parse("the export counts every line more than once").expect("text"),
        evidence: Vec::new(),
        ground: None,
        reopens: None,
    };
    let dispute = bench.say(&host, Command::OpenDispute(Box::new(opening))).fact.seq.to_string();
    let lines = lines(&bench);
    drop(bench);
    let revshare = |arguments: &[&str]| {
        let mut command = revshare_on(&machine(folder));
        command.arg("-C").arg(folder).arg("-q").args(arguments).stdout(Stdio::null());
        command
    };
    let replay = || measure(&mut revshare(&["dispute", "replay", &dispute])).wall;
    let verify = median(|| measure(&mut revshare(&["verify"])).wall);
    replay();
    let warm = median(replay);
    let cold = median(|| {
        delete_cache(&machine(folder));
        replay()
    });
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let ratio = |time: Duration| time.as_secs_f64() / verify.as_secs_f64();
    println!("a dispute on a ledger of {MONTHS} monthly periods, {lines} lines");
    println!("  verify                               {:>8.1} ms", milliseconds(verify));
    println!("  dispute replay, with a checkpoint         {:>8.1} ms", milliseconds(warm));
    println!("  dispute replay / verify              {:>8.2}", ratio(warm));
    println!("  dispute replay, cache deleted        {:>8.1} ms", milliseconds(cold));
    println!("  dispute replay / verify              {:>8.2}", ratio(cold));
}
