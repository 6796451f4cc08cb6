//! A month of usage on a ledger of its own: imported, verified, shown and stated.

use revshare_core::machine::Machine;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use crate::REVSHARE;
use crate::Run;
use crate::delete_cache;
use crate::generate;
use crate::hash_on_one_thread;
use crate::hasher;
use crate::machine;
use crate::measure;
use crate::median;
use crate::revshare_on;

/// The month that is reported.
pub const MONTH: &str = "2026-06";

/// A ledger in a folder, in force, with the files beside it.
pub struct Month {
    folder: PathBuf,
}

impl Month {
    /// Opens and accepts a ledger, and agrees on the month's conversion rates.
    pub fn open(folder: &Path) -> Month {
        fs::create_dir(folder).expect("a folder");
        let month = Month { folder: folder.to_owned() };
        let mut terms = generate::TERMS.to_owned();
        for party in ["owner", "host"] {
            let key = format!("{party}.key");
            let mut keygen = Command::new(REVSHARE);
            keygen.args(["-q", "keygen", &key]).current_dir(folder).stdout(Stdio::null());
            measure(&mut keygen);
            let public = fs::read_to_string(month.path(&format!("{key}.pub"))).expect("a key");
            terms = terms.replace(&format!("@{party}@"), public.trim());
        }
        fs::write(month.path("terms.toml"), terms).expect("terms");
        month.write("host.key", &["init", "--terms", "terms.toml"]);
        month.write("owner.key", &["accept", "0"]);
        let rates = [("EUR", "1.08"), ("GBP", "1.27"), ("JPY", "0.0067")];
        for (at, (currency, rate)) in rates.iter().enumerate() {
            let set = ["fx", "set", currency, rate, "--period", MONTH, "--source", "invented"];
            month.write("host.key", &set);
            month.write("owner.key", &["accept", &(2 + 2 * at).to_string()]);
        }
        month
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn machine(&self) -> Machine {
        machine(&self.path("ledger"))
    }

    pub fn revshare(&self, arguments: &[&str]) -> Command {
        let mut command = revshare_on(&self.machine());
        command
            .arg("-C")
            .arg(self.path("ledger"))
            .arg("-q")
            .args(arguments)
            .current_dir(&self.folder)
            .stdout(Stdio::null());
        command
    }

    /// Runs a command of the author with this key at a time that fits the ledger.
    pub fn write(&self, key: &str, arguments: &[&str]) -> Run {
        let mut all = arguments.to_vec();
        all.extend(["--key", key, "--recorded-time", "2026-07-01T00:00:00Z"]);
        measure(&mut self.revshare(&all))
    }

    /// Reports a usage file.
    pub fn report(&self, file: &str) -> Run {
        self.write("host.key", &["usage", "report", file, "--period", MONTH])
    }

    pub fn import(&self, lines: u64) {
        generate::write_month(&self.path("usage.csv"), lines);
        self.import_file(lines);
    }

    /// Reports `usage.csv`, and removes it.
    pub fn import_file(&self, lines: u64) {
        let bytes = fs::metadata(self.path("usage.csv")).map_or(0, |file| file.len());
        let run = self.report("usage.csv");
        let seconds = run.wall.as_secs_f64();
        println!("report import: {lines} lines, {:.0} MB of CSV", bytes as f64 / 1e6);
        println!("  to durable records   {seconds:>8.2} s");
        println!("  lines per second     {:>8.2} million", lines as f64 / 1e6 / seconds);
        println!("  peak memory          {:>8.1} MiB", run.peak_kib as f64 / 1024.0);
        let log: u64 = self.segments().iter().flat_map(fs::metadata).map(|file| file.len()).sum();
        println!("  log / CSV            {:>8.2}", log as f64 / bytes as f64);
        match duckdb(&self.path("usage.csv")) {
            Some(duckdb) => {
                println!("  DuckDB, same groups  {duckdb:>8.2} s  (exact decimals, two threads)");
                println!("  import / DuckDB      {:>8.2}", seconds / duckdb);
            }
            None => println!("  DuckDB is not installed (pip install duckdb)"),
        }
        fs::remove_file(self.path("usage.csv")).expect("usage file");
    }

    pub fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("ledger/log")).expect("log");
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "seg"));
        paths.sort();
        paths
    }

    pub fn verify(&self, lines: u64) {
        let segments = self.segments();
        let bytes: u64 = segments.iter().flat_map(fs::metadata).map(|file| file.len()).sum();
        let mut peak_kib = 0;
        let verify = median(|| {
            let run = measure(&mut self.revshare(&["verify"]));
            peak_kib = peak_kib.max(run.peak_kib);
            run.wall
        });
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
        let rate = |time: Duration| lines as f64 / 1e6 / seconds(time);
        println!("  lines per second     {:>8.1} million on all cores", rate(verify));
        println!("                       {:>8.1} million on one", rate(one_core));
        println!("  bytes per line       {:>8.1}", bytes as f64 / lines as f64);
        println!("  peak memory          {:>8.1} MiB", peak_kib as f64 / 1024.0);
    }

    pub fn start_up(&self) {
        let version = median(|| measure(&mut self.revshare(&["--version"])).wall);
        measure(&mut self.revshare(&["balances"]));
        let warm = median(|| measure(&mut self.revshare(&["balances"])).wall);
        let cold = median(|| {
            delete_cache(&self.machine());
            measure(&mut self.revshare(&["balances"])).wall
        });
        // Opening sled by itself.
        measure(&mut self.revshare(&["balances"]));
        let sled = median(|| {
            let started = Instant::now();
            drop(revshare_core::index::SledIndex::open(&self.path("sled")));
            started.elapsed()
        });
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        println!("start-up of `revshare balances` on that ledger");
        println!("  --version            {:>8.1} ms", milliseconds(version));
        println!("  opening sled alone   {:>8.1} ms", milliseconds(sled));
        println!("  with a checkpoint         {:>8.1} ms", milliseconds(warm));
        println!("  cache deleted        {:>8.1} ms", milliseconds(cold));
    }

    pub fn statement(&self) {
        let preview = median(|| measure(&mut self.revshare(&["statement", "preview", MONTH])).wall);
        let issue = self.write("host.key", &["statement", "issue", MONTH]);
        println!("statement of that period");
        println!("  preview              {:>8.3} s", preview.as_secs_f64());
        println!("  issue, durable       {:>8.3} s", issue.wall.as_secs_f64());
    }
}

/// Seconds that DuckDB takes to read and group the file, from its own start to the result: the
/// median of three. `None` where it is not installed.
fn duckdb(file: &Path) -> Option<f64> {
    let script = format!("{DUCKDB}\nrun({:?})", file.display().to_string());
    let output = Command::new("python3").args(["-c", &script]).output().ok()?;
    // Its progress bar may stand before the figure.
    String::from_utf8(output.stdout).ok()?.split_whitespace().last()?.parse().ok()
}

const DUCKDB: &str = r#"
import time, duckdb
def run(path):
    number = 'DECIMAL(27,12)'
    columns = {
        'day': 'DATE', 'application': 'VARCHAR', 'model': 'VARCHAR', 'territory': 'VARCHAR',
        'currency': 'VARCHAR', 'gross': number, 'refunds': number, 'input': number,
        'output': number,
    }
    times = []
    for _ in range(3):
        connection = duckdb.connect()
        connection.execute('set threads = 2')
        connection.execute('set enable_progress_bar = false')
        begin = time.perf_counter()
        connection.execute(
            'select day, application, model, territory, currency, count(*), sum(gross),'
            ' sum(refunds), sum(input), sum(output)'
            ' from read_csv(?, header = true, columns = ' + repr(columns) + ') group by all',
            [path]).fetchall()
        times.append(time.perf_counter() - begin)
    print(sorted(times)[1])
"#;
