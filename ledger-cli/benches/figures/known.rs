//! Ten years, and what a machine that knows them does not do again: answers from a checkpoint,
//! verifying what is new, and opening to write.

use std::fs;
use std::fs::DirEntry;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use revshare_core::command::Command;
use revshare_core::decide::Context;
use revshare_core::ledger::Ledger;
use revshare_core::ledger::Mode;
use revshare_core::ledger::Signing;
use revshare_core::vocab::EventId;
use revshare_core::vocab::Period;
use revshare_core::vocab::Timestamp;
use ssh_key::private::Ed25519Keypair;

use crate::delete_cache;
use crate::machine;
use crate::measure;
use crate::median;
use crate::rerating::MONTHS;
use crate::rerating::Party;
use crate::rerating::party;
use crate::rerating::report;
use crate::rerating::terms_since;
use crate::revshare_on;

/// Distinct keys of a month, on average.
const KEYS: u64 = 274;

/// Rounds in which two commands are timed in turn.
const ROUNDS: usize = 15;

/// When everything is recorded.
const NOW: &str = "2026-07-01T00:00:00Z";

fn say(ledger: &mut Ledger, party: &Party, command: Command) -> EventId {
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&ledger.state().next_seq().to_le_bytes());
    let now = Timestamp::parse(NOW).expect("time");
    let context = Context { author: party.author(), recorded_at: now, now };
    let signing = Signing { signer: party.signer(), nonce };
    ledger.submit(command, &context, &signing, Mode::Record).expect("recorded").fact.id
}

/// A ledger of one month, like the last of the ten years.
fn month_alone(folder: &Path, [host, owner]: [&Party; 2], per_key: u32) {
    let mut ledger = Ledger::create(folder, &machine(folder)).expect("folder");
    let version = terms_since(&[host, owner], ("0.15", "9000000000000"), "2025");
    let opened = say(&mut ledger, host, Command::OpenLedger(Box::new(version)));
    say(&mut ledger, owner, Command::Accept(opened));
    let period = Period::parse("2025-01").expect("period");
    say(&mut ledger, host, report(period, per_key));
    say(&mut ledger, host, Command::IssueStatement(period));
}

/// A folder as it was. Files of the log are only cut or removed, and others only written where they
/// have changed, so that those that did not stay untouched.
struct Kept {
    folder: PathBuf,
    log: Vec<(PathBuf, u64)>,
    others: Vec<(PathBuf, Vec<u8>)>,
}

impl Kept {
    fn of(folder: &Path) -> Kept {
        let log = files(&folder.join("log"));
        let log = log.into_iter().map(|path| (path.clone(), length(&path))).collect();
        let others = files(&folder.with_extension("machine")).into_iter();
        let others = others.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect();
        Kept { folder: folder.to_owned(), log, others }
    }

    fn restore(&self) {
        for path in files(&self.folder.join("log")) {
            match self.log.iter().find(|(known, _)| *known == path) {
                Some((_, len)) if length(&path) == *len => {}
                Some((_, len)) => {
                    let file = OpenOptions::new().write(true).open(&path).expect("a file");
                    file.set_len(*len).expect("cut");
                }
                None => fs::remove_file(&path).expect("removed"),
            }
        }
        for path in files(&self.folder.with_extension("machine")) {
            if !self.others.iter().any(|(known, _)| *known == path) {
                fs::remove_file(path).expect("removed");
            }
        }
        for (path, bytes) in &self.others {
            if fs::read(path).ok().as_ref() != Some(bytes) {
                fs::write(path, bytes).expect("restored");
            }
        }
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).expect("a file").len()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let below = |entry: DirEntry| match entry.path().is_dir() {
        true => files(&entry.path()),
        false => vec![entry.path()],
    };
    entries.flat_map(below).collect()
}

/// Writes ten years with about so many lines, a tenth of them in the last month, and times what
/// comes after them.
pub fn run(folder: &Path, wanted: u64) {
    let (host, owner) = (party("host", 7), party("owner", 8));
    let mut ledger = Ledger::create(folder, &machine(folder)).expect("folder");
    let version = terms_since(&[&host, &owner], ("0.15", "9000000000000"), "2016");
    let opened = say(&mut ledger, &host, Command::OpenLedger(Box::new(version)));
    say(&mut ledger, &owner, Command::Accept(opened));
    let last_lines = wanted / 10;
    let per_key = ((wanted - last_lines) / ((MONTHS as u64 - 1) * KEYS)).max(1) as u32;
    let mut period = Period::parse("2016-01").expect("period");
    for _ in 1..MONTHS {
        say(&mut ledger, &host, report(period, per_key));
        say(&mut ledger, &host, Command::IssueStatement(period));
        period = period.next().expect("period");
    }
    drop(ledger);
    let key = folder.join("host.key");
    let pair = ssh_key::private::KeypairData::from(Ed25519Keypair::from_seed(&[7; 32]));
    let text = ssh_key::PrivateKey::new(pair, "host").expect("key");
    let text = text.to_openssh(ssh_key::LineEnding::LF).expect("key");
    fs::write(&key, text.as_bytes()).expect("key");
    let revshare = |arguments: &[&str]| {
        let mut command = revshare_on(&machine(folder));
        command.arg("-C").arg(folder).arg("-q").args(arguments).stdout(Stdio::null());
        command
    };
    let write = |arguments: &[&str]| {
        let mut command = revshare(arguments);
        command.arg("--key").arg(&key).args(["--recorded-time", NOW]);
        measure(&mut command).wall
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let row = |what: &str, time: Duration| {
        println!("  {what:<44} {:>8.1} ms", milliseconds(time));
    };
    let timed = |arguments: &[&str]| median(|| measure(&mut revshare(arguments)).wall);
    println!("{MONTHS} monthly periods, about {wanted} lines, a tenth of them in the last");
    row("--version", timed(&["--version"]));
    timed(&["balances"]);
    row("balances, with a checkpoint", timed(&["balances"]));
    row("status, with a checkpoint", timed(&["status"]));
    row("verify, before the last month", timed(&["verify"]));
    row("verify --since-verified, nothing new", timed(&["verify", "--since-verified"]));
    // The last month is reported, and lies behind the checkpoint.
    let mut ledger = Ledger::open_for_writing(folder, &machine(folder)).expect("ledger");
    let last_per_key = (last_lines / KEYS).max(1) as u32;
    let lines = |ledger: &Ledger| ledger.state().agreement().map_or(0, |a| a.exposure().lines);
    let before = lines(&ledger);
    let started = Instant::now();
    say(&mut ledger, &host, report(period, last_per_key));
    row("report of the last month, in process", started.elapsed());
    let all = lines(&ledger);
    drop(ledger);
    println!("  of {all} lines, {} are new", all - before);
    let caught_up = measure(&mut revshare(&["balances"])).wall;
    row("balances, the month behind the checkpoint", caught_up);
    let period = period.to_string();
    let kept = Kept::of(folder);
    let issue = median(|| {
        kept.restore();
        write(&["statement", "issue", &period])
    });
    row("statement issue of the last month, durable", issue);
    let kept = Kept::of(folder);
    let alone = folder.join("alone");
    month_alone(&alone, [&host, &owner], last_per_key);
    // In turn: what else the machine does is in both.
    let rounds = (0..ROUNDS).map(|_| {
        kept.restore();
        let new = measure(&mut revshare(&["verify", "--since-verified"])).wall;
        (new, measure(revshare(&["verify"]).arg(&alone)).wall)
    });
    let (mut new, mut alone): (Vec<Duration>, Vec<Duration>) = rounds.unzip();
    new.sort();
    alone.sort();
    let (new, alone) = (new[ROUNDS / 2], alone[ROUNDS / 2]);
    row("verify --since-verified, the last month new", new);
    row("verify of a ledger of that month alone", alone);
    println!("  the first / the second                       {:>8.2}", ratio(new, alone));
    let verify = timed(&["verify"]);
    row("verify", verify);
    let cold = median(|| {
        delete_cache(&machine(folder));
        measure(&mut revshare(&["balances"])).wall
    });
    row("balances, cache deleted", cold);
    let share = verify.as_secs_f64() * (all - before) as f64 / all as f64;
    println!("  issue / verify's share of its lines          {:>8.2}", issue.as_secs_f64() / share);
}

fn ratio(time: Duration, other: Duration) -> f64 {
    time.as_secs_f64() / other.as_secs_f64()
}
