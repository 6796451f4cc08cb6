//! Every command on a folder that somebody has planted with what a command might take for its own
//! (caches, checkpoints, locks, links to the user's files), and every path that it opens, recorded.
//! Of a ledger's folder, only the log and the evidence are opened; commands that read change nothing
//! there; and nothing is written elsewhere but in this user's state and cache folders.
//!
//! The recording is strace's. Where there is none, the test says that it is skipped, and fails if
//! `CI` is set.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use crate::run::Bench;
use crate::run::words;

/// What a command may do in a ledger's folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// Opens segments.
    Read,
    /// And the lock, drafts and segments, to write.
    Write,
    /// Reads segments and evidence.
    ReadEvidence,
    /// Writes both.
    WriteEvidence,
}

/// Every command with what it does, and what it is told to write elsewhere.
const COMMANDS: &[(&str, Does, &[&str])] = &[
    ("demo", Does::Write, &["revshare-demo"]),
    ("keygen new.key", Does::Read, &["new.key", "new.key.pub"]),
    ("terms check terms.toml", Does::Read, &[]),
    ("terms diff terms.toml terms-2.toml", Does::Read, &[]),
    ("-C acme terms diff terms-2.toml", Does::Read, &[]),
    ("-C acme terms preview terms-2.toml --from 2024-03-01", Does::Read, &[]),
    ("-C acme terms show", Does::Read, &[]),
    ("-C new init --terms terms.toml --key acme.key", Does::Write, &[]),
    ("-C acme init --terms terms.toml --key acme.key", Does::Write, &[]),
    ("-C acme accept", Does::Read, &[]),
    ("-C acme accept 12 --key meta.key", Does::Write, &[]),
    ("-C acme usage report january.csv --period 2024-03 --key acme.key", Does::Write, &[]),
    ("-C acme usage correct 9 january.csv --reason x --key acme.key", Does::Write, &[]),
    ("-C acme usage missing 2024-03 --key meta.key", Does::Write, &[]),
    ("-C acme usage list", Does::Read, &[]),
    ("-C acme usage diff 2 8", Does::Read, &[]),
    ("-C acme usage show 2", Does::Read, &[]),
    (
        "-C acme amend propose terms-2.toml --from 2024-04-01 --reason x --key acme.key",
        Does::Write,
        &[],
    ),
    ("-C acme amend reject 12 --reason x --key meta.key", Does::Write, &[]),
    ("-C acme amend withdraw 12 --reason x --key meta.key", Does::Write, &[]),
    ("-C acme amend list", Does::Read, &[]),
    (
        "-C acme contribution claim tuning --from 2024-03-01 --evidence report.pdf --key meta.key",
        Does::WriteEvidence,
        &[],
    ),
    ("-C acme contribution end 9 --on 2024-08-01 --reason x --key meta.key", Does::Write, &[]),
    ("-C acme contribution reject 9 --reason x --key meta.key", Does::Write, &[]),
    ("-C acme contribution withdraw 9 --reason x --key meta.key", Does::Write, &[]),
    ("-C acme contribution list", Does::Read, &[]),
    ("-C acme evidence attach 0 report.pdf --key acme.key", Does::WriteEvidence, &[]),
    ("-C acme evidence check", Does::ReadEvidence, &[]),
    ("-C acme evidence erase 12 --reason x --key meta.key", Does::WriteEvidence, &[]),
    ("-C acme evidence erase 12 --local", Does::WriteEvidence, &[]),
    ("-C acme fx set EUR 1.08 --period 2024-03 --source x --key acme.key", Does::Write, &[]),
    ("-C acme fx reject 9 --reason x --key meta.key", Does::Write, &[]),
    ("-C acme fx withdraw 9 --reason x --key meta.key", Does::Write, &[]),
    ("-C acme fx list", Does::Read, &[]),
    ("-C acme statement preview 2024-02", Does::Read, &[]),
    ("-C acme statement issue 2024-03 --key acme.key", Does::Write, &[]),
    ("-C acme statement show 2024-01", Does::Read, &[]),
    ("-C acme statement accept 2024-02 --key meta.key", Does::Write, &[]),
    ("-C acme statement list", Does::Read, &[]),
    ("-C acme advance pay --to meta --amount 10 --reference x --key acme.key", Does::Write, &[]),
    ("-C acme payout send meta 1 --reference x --key acme.key", Does::Write, &[]),
    ("-C acme payout confirm 11 --key meta.key", Does::Write, &[]),
    ("-C acme payout return 11 --reason x --key meta.key", Does::Write, &[]),
    ("-C acme payout list", Does::Read, &[]),
    (
        "-C acme dispute open 2024-02 --claimed meta=999 --basis x --evidence report.pdf --key meta.key",
        Does::WriteEvidence,
        &[],
    ),
    (
        "-C acme dispute respond 13 --text x --evidence report.pdf --key acme.key",
        Does::WriteEvidence,
        &[],
    ),
    ("-C acme dispute accept 13 --key acme.key", Does::Write, &[]),
    (
        "-C acme dispute settle 13 --claimed meta=120 --note x --out settlement.txt --key acme.key",
        Does::Read,
        &["settlement.txt"],
    ),
    ("-C acme dispute escalate 13 --reason x --key meta.key", Does::Write, &[]),
    ("-C acme dispute determine 13 --stands --reasons x --key expert.key", Does::Write, &[]),
    ("-C acme dispute withdraw 13 --reason x --key meta.key", Does::Write, &[]),
    ("-C acme dispute list", Does::Read, &[]),
    ("-C acme dispute show 13", Does::Read, &[]),
    ("-C acme dispute replay 13", Does::Read, &[]),
    ("-C acme balances", Does::Read, &[]),
    ("-C acme status", Does::Read, &[]),
    ("-C acme history --party meta", Does::Read, &[]),
    ("-C acme show 3", Does::Read, &[]),
    ("portfolio acme meta", Does::Read, &[]),
    ("-C acme explain 2024-01/meta", Does::Read, &[]),
    ("-C acme blame 2024-01/meta", Does::Read, &[]),
    ("-C acme replay --without 8", Does::Read, &[]),
    ("-C acme audit 2024-01 2024-02", Does::Read, &[]),
    ("-C acme acknowledge --key acme.key", Does::Write, &[]),
    ("-C acme acknowledge --out a.ack --key acme.key", Does::Read, &["a.ack"]),
    ("verify acme", Does::Read, &[]),
    ("verify acme --since-verified", Does::Read, &[]),
    ("diff acme meta", Does::Read, &[]),
    ("-C meta pull acme", Does::WriteEvidence, &[]),
    ("-C third pull acme", Does::WriteEvidence, &[]),
    ("-C meta pull acme --dry-run", Does::ReadEvidence, &[]),
    ("completions bash", Does::Read, &[]),
];

/// The folders that are ledgers, or become one.
const LEDGERS: [&str; 4] = ["acme", "meta", "new", "third"];

/// The commands that the binary has, from its own help.
fn commands(bench: &Bench) -> BTreeSet<String> {
    let reference = bench.ok("debug reference").out;
    let headings = reference.lines().filter_map(|line| line.strip_prefix("## `revshare "));
    let all: BTreeSet<String> =
        headings.map(|rest| rest.trim_end_matches('`').to_owned()).collect();
    let is_leaf = |name: &&String| {
        let below = format!("{name} ");
        !all.iter().any(|other| other.starts_with(&below))
    };
    all.iter().filter(is_leaf).cloned().collect()
}

/// A ledger with a dispute (record 13), evidence (12), and everything that may have been planted.
fn planted() -> Bench {
    let bench = Bench::with_ledger();
    bench.ok(
        "-C acme evidence attach 3 report.pdf --key meta.key --recorded-time 2024-03-05T08:00:00Z",
    );
    bench.ok("-C acme dispute open 3 --claimed meta=200.00 --basis x --key meta.key --recorded-time 2024-03-05T08:00:00Z");
    bench.write("own", "the user's own file\n");
    for copy in ["acme", "meta"] {
        let folder = bench.path(copy);
        for below in ["index", "cache", ".revshare", "heads", "checkpoint"] {
            let _ = fs::remove_dir_all(folder.join(below));
            fs::create_dir(folder.join(below)).expect("a folder");
            symlink("../../own", folder.join(below).join("state")).expect("a link");
            symlink("../../own", folder.join(below).join("db")).expect("a link");
        }
        for file in
            ["verified", "replayed", "foo", "log/extra", "log/state", "log/00000001.seg.tmp"]
        {
            fs::write(folder.join(file), "planted").expect("a file");
        }
        symlink("../../own", folder.join("log/00000000.new")).expect("a link");
        symlink("../own", folder.join("lock")).expect("a link");
        fs::create_dir_all(folder.join("evidence/foo")).expect("a folder");
        fs::write(folder.join("evidence/index"), "planted").expect("a file");
    }
    bench
}

/// What a system call did with a path.
#[derive(Debug)]
struct Touched {
    path: PathBuf,
    opens: bool,
    writes: bool,
    call: String,
}

/// A path without `.` and `..`; links are left as they are.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for step in path.components() {
        match step {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            step => plain.push(step),
        }
    }
    plain
}

/// The paths of a recorded call, each with the folder that it is relative to.
fn paths(call: &str, here: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut folder = here.to_owned();
    let mut rest = call;
    while let Some(at) = rest.find(['<', '"']) {
        let end = if rest[at..].starts_with('<') { '>' } else { '"' };
        let Some(len) = rest[at + 1..].find(end) else { break };
        let text = &rest[at + 1..at + 1 + len];
        match end {
            '>' => folder = PathBuf::from(text),
            _ => paths.push(plain(&folder.join(text))),
        }
        rest = &rest[at + 1 + len + 1..];
    }
    paths
}

/// Runs a command, and tells what it touched that is done by name.
fn record(bench: &Bench, line: &str) -> Option<(i32, String, Vec<Touched>)> {
    let here = fs::canonicalize(bench.path(".")).expect("the scratch folder");
    let traces = tempfile::tempdir().expect("a folder");
    let words = words(line);
    let binary = bench.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let mut strace = Command::new("strace");
    strace.args(["-ff", "-y", "-qq", "-s", "4096", "-e", "trace=%file", "-o"]);
    strace.arg(traces.path().join("trace")).arg(binary.get_program()).args(binary.get_args());
    strace.current_dir(bench.path(".")).env_clear().stdin(Stdio::null());
    for (name, value) in binary.get_envs() {
        strace.env(name, value.unwrap_or_default());
    }
    strace.env("PATH", "/usr/bin:/bin").env("XDG_CACHE_HOME", bench.path("cache"));
    let ran = strace.output().ok()?;
    let mut touched = Vec::new();
    for entry in fs::read_dir(traces.path()).expect("the recordings") {
        let text = fs::read(entry.expect("a recording").path()).expect("a recording");
        let mut here = here.clone();
        for call in String::from_utf8_lossy(&text).lines() {
            let Some((name, arguments)) = call.split_once('(') else { continue };
            let (arguments, _) = arguments.rsplit_once(") = ").unwrap_or((arguments, ""));
            let opens = name.starts_with("open") || name == "creat";
            let changes = [
                "unlink", "rename", "mkdir", "rmdir", "link", "symlink", "mknod", "trunc", "chmod",
                "chown", "utime",
            ];
            let writes = changes
                .iter()
                .any(|change| name.contains(change) && name != "readlink" && name != "readlinkat")
                || name == "creat"
                || ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"]
                    .iter()
                    .any(|flag| arguments.contains(flag));
            if name == "chdir" {
                here = paths(arguments, &here).pop().unwrap_or(here);
            }
            if !opens && !writes {
                continue;
            }
            for path in paths(arguments, &here) {
                touched.push(Touched { path, opens, writes, call: call.to_owned() });
            }
        }
    }
    // Where strace may not trace, there is nothing.
    let err = String::from_utf8_lossy(&ran.stderr).into_owned();
    (!touched.is_empty()).then(|| (ran.status.code().unwrap_or(-1), err, touched))
}

/// Whether a command may touch this path of a ledger's folder.
fn may_touch(does: Does, below: &Path, touched: &Touched) -> bool {
    let steps: Vec<&str> = below.iter().map(|step| step.to_str().unwrap_or_default()).collect();
    let is_number = |stem: &str| stem.len() == 8 && stem.bytes().all(|b| b.is_ascii_digit());
    let writes_log = matches!(does, Does::Write | Does::WriteEvidence);
    let evidence = matches!(does, Does::ReadEvidence | Does::WriteEvidence);
    match steps[..] {
        [] | ["log"] => !touched.writes || writes_log,
        ["log", "lock"] => writes_log,
        ["log", name] => match name.split_once('.') {
            Some((stem, "seg")) => is_number(stem) && (!touched.writes || writes_log),
            Some((stem, "new")) => is_number(stem) && writes_log,
            _ => false,
        },
        ["evidence"] => evidence && (!touched.writes || does == Does::WriteEvidence),
        ["evidence", folder, ..] => {
            let is_named = folder.len() == 64 && folder.bytes().all(|b| b.is_ascii_hexdigit());
            let is_draft = folder.starts_with("new-");
            let (is_file, writes) = (steps.len() < 4, does == Does::WriteEvidence);
            evidence && is_file && (is_named || is_draft && writes) && (!touched.writes || writes)
        }
        _ => false,
    }
}

#[test]
fn only_the_log_and_the_evidence_are_opened() {
    let built = planted();
    let named: BTreeSet<String> = commands(&built);
    let lines = COMMANDS.iter().map(|(line, ..)| {
        let words = words(line);
        let words = if words[0] == "-C" { &words[2..] } else { &words[..] };
        let names = [words[..words.len().min(2)].join(" "), words[0].clone()];
        names.into_iter().find(|name| named.contains(name)).unwrap_or_else(|| line.to_string())
    });
    let tried: BTreeSet<String> = lines.collect();
    assert_eq!(named, tried, "every command is tried: add a line to COMMANDS");
    let mut wrong = Vec::new();
    for (line, does, outputs) in COMMANDS {
        let bench = Bench::new();
        let copied =
            Command::new("cp").arg("-a").arg(built.path(".")).arg(bench.path(".")).status();
        assert!(copied.expect("cp").success());
        let here = fs::canonicalize(bench.path(".")).expect("the scratch folder");
        // A command that has run before may look at what it has kept of the log.
        for _ in 0..2 {
            let Some((code, err, touched)) = record(&bench, line) else {
                assert!(std::env::var_os("CI").is_none(), "CI needs strace");
                eprintln!("skipped: strace is missing, or may not trace");
                return;
            };
            if code == 2 || code < 0 {
                wrong.push(format!("`{line}`: exit {code}: {err}"));
            }
            for one in touched {
                let below = one.path.strip_prefix(&here).ok();
                let ledger = LEDGERS.iter().find_map(|name| below?.strip_prefix(name).ok());
                let is_output = |path: &Path| {
                    let own = ["state", "cache"].iter().chain(*outputs);
                    own.clone().any(|name| path.starts_with(name)) || {
                        // Written under another name first, beside the file.
                        let name = path.to_string_lossy();
                        outputs.iter().any(|output| name.starts_with(output))
                    }
                };
                let is_right = match (ledger, below) {
                    (Some(below), _) => may_touch(*does, below, &one),
                    (None, Some(below)) => !one.writes || is_output(below),
                    (None, None) => !one.writes || one.path.starts_with("/dev"),
                };
                if !is_right {
                    wrong.push(format!("`{line}`: {}", one.call));
                }
                assert!(one.opens || one.writes);
            }
        }
        let own = fs::read_to_string(bench.path("own")).expect("the user's file");
        if own != "the user's own file\n" {
            wrong.push(format!("`{line}` wrote to the user's own file"));
        }
    }
    assert!(wrong.is_empty(), "{} paths:\n{}", wrong.len(), wrong.join("\n"));
}
