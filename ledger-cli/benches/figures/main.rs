//! The figures of docs/benchmarks.md, measured on whole processes of the real binary.
//!
//! `cargo bench -p ledger-cli --bench figures [-- LINES] [PART…]` (default 10,000,000 usage lines;
//! about 1 GB of disk in the temporary folder). Everything is measured in one run, and ratios are
//! what counts: machines differ and are noisy. Without a part everything is measured but `growth`,
//! which takes longer than the rest; `windows FILE` measures the same on real windows of requests,
//! `generate FILE LINES` writes the usage that the others use.

#![allow(clippy::restriction, reason = "a measurement that cannot go on ends")]

mod appends;
mod detail;
mod disputes;
mod events;
mod generate;
mod growth;
mod known;
mod month;
mod rerating;
mod windows;

use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use month::Month;
use revshare_core::machine::Machine;

/// The machine that a ledger is written on: its folders lie beside the ledger's.
pub fn machine(ledger: &Path) -> Machine {
    Machine::in_folder(&ledger.with_extension("machine"))
}

/// The command on a machine.
pub fn revshare_on(machine: &Machine) -> Command {
    let mut command = Command::new(REVSHARE);
    for (name, folder) in
        [("REVSHARE_STATE_DIR", &machine.state), ("REVSHARE_CACHE_DIR", &machine.cache)]
    {
        command.env(name, folder.as_ref().expect("a folder"));
    }
    command
}

/// Deletes what a machine may do without.
pub fn delete_cache(machine: &Machine) {
    let _ = std::fs::remove_dir_all(machine.cache.as_ref().expect("a folder"));
}

pub const REVSHARE: &str = env!("CARGO_BIN_EXE_revshare");
const RUNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |text: &String| text.parse::<u64>().ok();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate", path, lines] => {
            let lines = lines.parse().expect("a number of lines");
            return generate::write_month(Path::new(path), lines);
        }
        ["windows", path] => return windows::run(Path::new(path)),
        _ => {}
    }
    let lines = arguments.iter().find_map(number).unwrap_or(10_000_000);
    let parts: Vec<&String> = arguments.iter().filter(|one| number(one).is_none()).collect();
    let asked = |part: &str| match part {
        "growth" => parts.iter().any(|one| *one == part),
        _ => parts.is_empty() || parts.iter().any(|one| *one == part),
    };
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = |part: &str| scratch.path().join(part);
    if asked("month") {
        let month = Month::open(&folder("month"));
        month.import(lines);
        month.verify(lines);
        month.start_up();
        month.statement();
    }
    if asked("detail") {
        detail::run(&folder("detail"), lines / 10);
    }
    if asked("appends") {
        appends::run(&folder("appends"));
    }
    if asked("rerating") {
        rerating::run(&folder("rerating"));
    }
    if asked("disputes") {
        disputes::run(&folder("disputes"), lines);
    }
    if asked("known") {
        known::run(&folder("known"), lines);
    }
    if asked("events") {
        events::run(&folder("events"), lines / 10);
    }
    if asked("growth") {
        growth::run(&scratch.path().join("growth"), lines);
    }
}

/// Wall-clock time and peak memory of a whole process.
pub struct Run {
    pub wall: Duration,
    pub peak_kib: u64,
}

pub fn median(mut run: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
    times.sort();
    times[RUNS / 2]
}

/// Runs a process to its end; its peak memory is sampled from /proc while it runs.
pub fn measure(command: &mut Command) -> Run {
    let started = Instant::now();
    let mut child = command.spawn().expect("the command starts");
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let status = loop {
        peak_kib = peak_kib.max(peak_memory(Path::new(&status_file)).unwrap_or(0));
        if let Some(status) = child.try_wait().expect("the command is waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_micros(if started.elapsed().as_millis() < 500 {
            100
        } else {
            2_000
        }));
    };
    assert!(status.success(), "{command:?} failed");
    Run { wall: started.elapsed(), peak_kib }
}

fn peak_memory(status: &Path) -> Option<u64> {
    let mut lines = BufReader::new(File::open(status).ok()?).lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.starts_with("VmHWM")))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// `b3sum --num-threads 1` where it is installed, the same crate in this process where not.
pub fn hash_on_one_thread(paths: &[PathBuf]) -> Duration {
    if has_b3sum() {
        let mut command = Command::new("b3sum");
        return measure(command.args(["--num-threads", "1"]).args(paths).stdout(Stdio::null()))
            .wall;
    }
    let started = Instant::now();
    let mut buffer = vec![0; 1 << 20];
    for path in paths {
        let (mut file, mut hasher) = (File::open(path).expect("segment"), blake3::Hasher::new());
        loop {
            let read = file.read(&mut buffer).expect("segment");
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
        }
        std::hint::black_box(hasher.finalize());
    }
    started.elapsed()
}

fn has_b3sum() -> bool {
    Command::new("b3sum").arg("--version").stdout(Stdio::null()).status().is_ok()
}

pub fn hasher() -> &'static str {
    if has_b3sum() { "b3sum --num-threads 1" } else { "in this process; b3sum is not installed" }
}
