//! A month with a distinct key for every line: how cost grows with detail.

use std::path::Path;

use crate::generate;
use crate::measure;
use crate::month::Month;

/// Imports and verifies reports of 10^4 lines to `lines`, each with as many distinct keys.
pub fn run(folder: &Path, lines: u64) {
    std::fs::create_dir(folder).expect("a folder");
    println!("detail: every line has a key of its own");
    println!("  keys         import s      MiB  verify s      MiB  memory / log");
    let mut keys = 10_000;
    while keys <= lines {
        let month = Month::open(&folder.join(keys.to_string()));
        generate::write_detail(&month.path("usage.csv"), keys);
        let import = month.report("usage.csv");
        let verify = measure(&mut month.revshare(&["verify"]));
        let mib = |kib: u64| kib as f64 / 1024.0;
        let files = month.segments();
        let log: u64 = files.iter().flat_map(std::fs::metadata).map(|file| file.len()).sum();
        println!(
            "  {keys:<10} {:>10.3} {:>8.1} {:>9.3} {:>8.1} {:>13.1}",
            import.wall.as_secs_f64(),
            mib(import.peak_kib),
            verify.wall.as_secs_f64(),
            mib(verify.peak_kib),
            (verify.peak_kib * 1024) as f64 / log as f64
        );
        std::fs::remove_dir_all(folder.join(keys.to_string())).expect("a folder of its own");
        keys *= 10;
    }
}
