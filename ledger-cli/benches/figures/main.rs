//! The figures of docs/benchmarks.md, measured on whole processes of the real binary.
//!
//! `cargo bench -p ledger-cli --bench figures [-- LINES]` (default 10,000,000 usage lines; about
//! 1 GB of disk in the temporary folder). Everything is measured in one run, and ratios are what
//! counts: machines differ and are noisy.

mod disputes;
mod events;
mod known;
mod rerating;

use std::fs;
use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use revshare_core::chain::Signer;
use revshare_core::command;
use revshare_core::decide::Context;
use revshare_core::event::Author;
use revshare_core::ledger::Ledger;
use revshare_core::ledger::Mode;
use revshare_core::ledger::Signing;
use revshare_core::store::DiskLog;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Date;
use revshare_core::vocab::Id;
use revshare_core::vocab::Text;
use revshare_core::vocab::Timestamp;

const REVSHARE: &str = env!("CARGO_BIN_EXE_revshare");
const RUNS: usize = 5;

fn main() {
    let lines: u64 =
        std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(10_000_000);
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let asked = |part: &str| std::env::args().any(|arg| arg == part);
    if asked("events") || asked("known") {
        let folder = scratch.path().join("part");
        match asked("events") {
            true => events::run(&folder, lines / 10),
            false => known::run(&folder, lines),
        }
        if asked("keep") {
            println!("kept: {}", scratch.keep().display());
        }
        return;
    }
    let bench = Bench { folder: scratch.path().to_owned() };
    bench.open_ledger();
    bench.import(lines);
    bench.verify(lines);
    bench.start_up();
    bench.statement();
    bench.appends();
    rerating::run(&scratch.path().join("rerating"));
    disputes::run(&scratch.path().join("disputes"), lines);
    known::run(&scratch.path().join("known"), lines);
    events::run(&scratch.path().join("events"), lines / 10);
}

struct Bench {
    folder: PathBuf,
}

/// Wall-clock time and peak memory of a whole process.
struct Run {
    wall: Duration,
    peak_kib: u64,
}

impl Bench {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn revshare(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(REVSHARE);
        command
            .arg("-C")
            .arg(self.path("ledger"))
            .arg("-q")
            .args(arguments)
            .env("REVSHARE_STATE_DIR", self.path("state"))
            .current_dir(&self.folder)
            .stdout(Stdio::null());
        command
    }

    /// Runs a command of the author with this key at a time that fits the ledger.
    fn write(&self, key: &str, arguments: &[&str]) -> Run {
        let mut all = arguments.to_vec();
        all.extend(["--key", key, "--recorded-time", "2026-07-01T00:00:00Z"]);
        measure(&mut self.revshare(&all))
    }

    fn open_ledger(&self) {
        let mut terms = TERMS.to_owned();
        for party in ["owner", "host"] {
            let key = format!("{party}.key");
            measure(Command::new(REVSHARE).args(["keygen", &key]).current_dir(&self.folder));
            let public = fs::read_to_string(self.path(&format!("{key}.pub"))).expect("public key");
            terms = terms.replace(&format!("@{party}@"), public.trim());
        }
        fs::write(self.path("terms.toml"), terms).expect("terms");
        self.write("host.key", &["init", "--terms", "terms.toml"]);
        self.write("owner.key", &["accept", "0"]);
    }

    fn import(&self, lines: u64) {
        write_usage(&self.path("usage.csv"), lines);
        let bytes = fs::metadata(self.path("usage.csv")).map_or(0, |file| file.len());
        let run = self.write("host.key", &["usage", "report", "usage.csv", "--period", "2026-06"]);
        println!("report import: {lines} lines, {:.0} MB of CSV", bytes as f64 / 1e6);
        println!("  to durable records   {:>8.2} s", run.wall.as_secs_f64());
        println!(
            "  lines per second     {:>8.2} million",
            lines as f64 / 1e6 / run.wall.as_secs_f64()
        );
        println!("  peak memory          {:>8.0} MB", run.peak_kib as f64 / 1024.0);
        fs::remove_file(self.path("usage.csv")).expect("usage file");
    }

    fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("ledger/log")).expect("log");
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "seg"));
        paths.sort();
        paths
    }

    fn verify(&self, lines: u64) {
        let segments = self.segments();
        let bytes: u64 = segments.iter().flat_map(fs::metadata).map(|file| file.len()).sum();
        let verify = median(|| measure(&mut self.revshare(&["verify"])).wall);
        let one_core = median(|| {
            let mut command = self.revshare(&["verify"]);
            measure(command.env("RAYON_NUM_THREADS", "1")).wall
        });
        let cat =
            median(|| measure(Command::new("cat").args(&segments).stdout(Stdio::null())).wall);
        let hash = median(|| hash_on_one_thread(&segments));
        let seconds = |time: Duration| time.as_secs_f64();
        println!("verify: {lines} lines, {:.0} MB of log", bytes as f64 / 1e6);
        println!("  all cores            {:>8.3} s", seconds(verify));
        println!("  one core             {:>8.3} s", seconds(one_core));
        println!("  BLAKE3, one thread   {:>8.3} s  ({})", seconds(hash), hasher());
        println!("  cat                  {:>8.3} s", seconds(cat));
        println!("  verify / BLAKE3      {:>8.2}", seconds(verify) / seconds(hash));
        println!("  verify / cat         {:>8.2}", seconds(verify) / seconds(cat));
    }

    fn start_up(&self) {
        let version = median(|| measure(&mut self.revshare(&["--version"])).wall);
        measure(&mut self.revshare(&["balances"]));
        let warm = median(|| measure(&mut self.revshare(&["balances"])).wall);
        let cold = median(|| {
            let _ = fs::remove_dir_all(self.path("ledger/index"));
            measure(&mut self.revshare(&["balances"])).wall
        });
        // Opening sled by itself, on the index that balances uses.
        measure(&mut self.revshare(&["balances"]));
        let sled = median(|| {
            let started = Instant::now();
            drop(revshare_core::index::SledIndex::open(&self.path("ledger")));
            started.elapsed()
        });
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        println!("start-up of `revshare balances` on that ledger");
        println!("  --version            {:>8.1} ms", milliseconds(version));
        println!("  opening sled alone   {:>8.1} ms", milliseconds(sled));
        println!("  with a warm index    {:>8.1} ms", milliseconds(warm));
        println!("  index deleted        {:>8.1} ms", milliseconds(cold));
    }

    fn statement(&self) {
        let preview =
            median(|| measure(&mut self.revshare(&["statement", "preview", "2026-06"])).wall);
        let issue = self.write("host.key", &["statement", "issue", "2026-06"]);
        println!("statement of that period");
        println!("  preview              {:>8.3} s", preview.as_secs_f64());
        println!("  issue, durable       {:>8.3} s", issue.wall.as_secs_f64());
    }

    /// Small events through the library, one sync each; frames of the same size grouped under one
    /// sync; and the bare sync rate of the disk.
    fn appends(&self) {
        const EVENTS: u32 = 1_000;
        let (folder, secret) = (self.path("appends"), [7; 32]);
        let signer = Signer::from_secret(&secret).expect("key");
        let key = signer.public().expect("key");
        let other = Signer::from_secret(&[8; 32]).and_then(|other| other.public()).expect("key");
        let terms =
            TERMS.replace("@host@", &key.to_string()).replace("@owner@", &other.to_string());
        let read = revshare_core::intake::terms::read_terms("terms.toml", terms.as_bytes());
        let terms = read.terms.expect("terms");
        let now = Timestamp::parse("2026-07-01T00:00:00Z").expect("time");
        let host = Context {
            author: Author { party: Id::parse("host").expect("id"), key },
            recorded_at: now,
            now,
        };
        let owner_signer = Signer::from_secret(&[8; 32]).expect("key");
        let owner = Context {
            author: Author { party: Id::parse("owner").expect("id"), key: other },
            ..host.clone()
        };
        let mut ledger = Ledger::create(&folder, None).expect("folder");
        let version = revshare_core::view::terms::version(terms).expect("terms that fit");
        let open = command::Command::OpenLedger(Box::new(version));
        let signing = |signer| Signing { signer, nonce: [1; 16] };
        let opened = ledger.submit(open, &host, &signing(&signer), Mode::Record).expect("opened");
        let accept = command::Command::Accept(opened.fact.id);
        ledger.submit(accept, &owner, &signing(&owner_signer), Mode::Record).expect("accepted");
        let started = Instant::now();
        for number in 0..EVENTS {
            let payout = command::Command::SendPayout {
                to: owner.author.party.clone(),
                amount: Amount::parse("1.00").expect("amount"),
                on_account: true,
                sent_on: Date::parse("2026-07-01").expect("day"),
                reference: Text::parse(&format!("payout {number}")).expect("text"),
            };
            ledger.submit(payout, &host, &signing(&signer), Mode::Record).expect("recorded");
        }
        let single = started.elapsed();
        drop(ledger);
        let frames = vec![vec![0u8; 400]; EVENTS as usize];
        let mut log = DiskLog::create(&self.path("grouped")).expect("folder");
        let started = Instant::now();
        log.append(0, &frames, &mut || Ok(())).expect("appended");
        let grouped = started.elapsed();
        let mut file = File::create(self.path("bare")).expect("file");
        let started = Instant::now();
        for _ in 0..EVENTS {
            file.write_all(&[0; 400]).and_then(|()| file.sync_data()).expect("synced");
        }
        let bare = started.elapsed();
        let rate = |time: Duration| f64::from(EVENTS) / time.as_secs_f64();
        println!("durable appends of {EVENTS} small events (about 400 bytes)");
        println!("  decided, signed, one fdatasync each  {:>10.0} /s", rate(single));
        println!("  the same bytes under one fdatasync   {:>10.0} /s", rate(grouped));
        println!("  bare write and fdatasync             {:>10.0} /s", rate(bare));
        println!("  events / bare                        {:>10.2}", rate(single) / rate(bare));
    }
}

fn median(mut run: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
    times.sort();
    times[RUNS / 2]
}

/// Runs a process to its end; its peak memory is sampled from /proc while it runs.
fn measure(command: &mut Command) -> Run {
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
fn hash_on_one_thread(paths: &[PathBuf]) -> Duration {
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

fn hasher() -> &'static str {
    if has_b3sum() { "b3sum --num-threads 1" } else { "in this process; b3sum is not installed" }
}

/// Lines over 30 days, 3 applications and 3 territories, with pseudo-random quantities.
fn write_usage(path: &Path, lines: u64) {
    let mut file = BufWriter::new(File::create(path).expect("usage file"));
    let header = "day,application,model,territory,gross,input_tokens,output_tokens,requests";
    writeln!(file, "{header}").expect("usage file");
    let mut random: u64 = 88_172_645_463_325_252;
    for line in 0..lines {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let day = 1 + line * 30 / lines;
        let application = ["search", "chat", "code"][(random % 3) as usize];
        let territory = ["US", "EU", "JP"][((random >> 8) % 3) as usize];
        let (input, output) = (100 + (random >> 16) % 400_000, (random >> 40) % 40_000);
        // At 0.72 per million tokens, exactly.
        let gross = (input + output) * 72;
        let (whole, fraction) = (gross / 100_000_000, gross % 100_000_000);
        let requests = 1 + random % 50;
        writeln!(
            file,
            "2026-06-{day:02},{application},llama-3.3-70b,{territory},{whole}.{fraction:08},{input},{output},{requests}"
        )
        .expect("usage file");
    }
}

const TERMS: &str = r#"
[agreement]
title = "Benchmark (all rates invented)"
currency = "USD"
period = "month"
starts_on = 2026-06-01
calculation = 1
meters = ["input_tokens", "output_tokens", "requests"]
[[party]]
id = "owner"
role = "owner"
key = "@owner@"
[[party]]
id = "host"
role = "collector"
key = "@host@"
[[rule]]
id = "code"
when = { application = "code" }
share = { owner = "0.12" }
[[rule]]
id = "rest"
tiers = { by = "revenue", over = "year", kind = "marginal" }
steps = [{ up_to = "1000000", share = { owner = "0.15" } }, { share = { owner = "0.30" } }]
"#;
