//! How cost grows with lines and with events.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use crate::appends::Small;
use crate::delete_cache;
use crate::generate;
use crate::machine;
use crate::measure;
use crate::median;
use crate::month::MONTH;
use crate::month::Month;
use crate::revshare_on;

pub fn run(folder: &Path, most: u64) {
    fs::create_dir(folder).expect("a folder");
    println!("growth with usage lines: seconds, and MiB at the peak");
    println!(
        "{:>10} {:>9} {:>7} {:>9} {:>7} {:>9} {:>9} {:>9}",
        "lines", "import", "MiB", "verify", "MiB", "balances", "no cache", "preview"
    );
    for lines in [10_000, 100_000, 1_000_000, 10_000_000].into_iter().filter(|one| *one <= most) {
        with_lines(&folder.join(format!("lines-{lines}")), lines);
    }
    println!("growth with small events: seconds; bytes a record on the log");
    println!(
        "{:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "events", "grouped", "verify", "balances", "no cache", "one more", "bytes"
    );
    for events in [100, 10_000, 1_000_000].into_iter().filter(|one| *one <= most) {
        with_events(&folder.join(format!("events-{events}")), events as u32);
    }
}

fn with_lines(folder: &Path, lines: u64) {
    let month = Month::open(folder);
    generate::write_month(&month.path("usage.csv"), lines);
    let import = month.report("usage.csv");
    let mut verify_kib = 0;
    let verify = median(|| {
        let run = measure(&mut month.revshare(&["verify"]));
        verify_kib = verify_kib.max(run.peak_kib);
        run.wall
    });
    let without = median(|| {
        delete_cache(&month.machine());
        measure(&mut month.revshare(&["balances"])).wall
    });
    let balances = median(|| measure(&mut month.revshare(&["balances"])).wall);
    let preview = median(|| measure(&mut month.revshare(&["statement", "preview", MONTH])).wall);
    let mib = |kib: u64| kib as f64 / 1024.0;
    println!(
        "{lines:>10} {:>9.3} {:>7.1} {:>9.3} {:>7.1} {:>9.4} {:>9.4} {:>9.4}",
        import.wall.as_secs_f64(),
        mib(import.peak_kib),
        verify.as_secs_f64(),
        mib(verify_kib),
        balances.as_secs_f64(),
        without.as_secs_f64(),
        preview.as_secs_f64()
    );
    let _ = fs::remove_dir_all(folder);
}

fn with_events(folder: &Path, events: u32) {
    let mut small = Small::open(folder);
    let started = Instant::now();
    small.many(0..events, 1_000);
    let grouped = started.elapsed();
    drop(small);
    let log = fs::read_dir(folder.join("log")).expect("a log").flatten();
    let bytes: u64 = log.filter_map(|file| file.metadata().ok()).map(|known| known.len()).sum();
    let revshare = |arguments: &[&str]| {
        let mut command = revshare_on(&machine(folder));
        command.arg("-C").arg(folder).arg("-q").args(arguments).stdout(Stdio::null());
        measure(&mut command).wall
    };
    let verify = revshare(&["verify"]);
    let without = revshare(&["balances"]);
    let balances = median(|| revshare(&["balances"]));
    let started = Instant::now();
    let mut more = Small::reopen(folder);
    more.one(events);
    let one_more = started.elapsed();
    let seconds = |time: Duration| time.as_secs_f64();
    println!(
        "{events:>10} {:>9.3} {:>9.3} {:>9.4} {:>9.4} {:>9.4} {:>7.0}",
        seconds(grouped),
        seconds(verify),
        seconds(balances),
        seconds(without),
        seconds(one_more),
        bytes as f64 / f64::from(events + 2)
    );
    let _ = fs::remove_dir_all(folder);
}
