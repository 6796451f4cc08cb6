//! What becomes of an answer that nobody reads: a closed pipe never improves it, and output that
//! cannot be written is not mistaken for a record that was not written.

use std::fs;
use std::fs::File;
use std::process::Command;
use std::process::Stdio;

use crate::documents::json;
use crate::run::Bench;
use crate::run::words;

/// A command whose standard output goes to a pipe that is closed already.
fn unread(bench: &Bench, line: &str, also_errors: bool) -> i32 {
    let words = words(line);
    let mut command = bench.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    match also_errors {
        true => command.stderr(writer.try_clone().expect("the pipe again")),
        false => command.stderr(Stdio::null()),
    };
    let status = command.stdout(writer).status().expect("the binary runs");
    status.code().unwrap_or(-1)
}

/// A command whose standard output goes to a device that is full: exit code and standard error.
fn to_full(bench: &Bench, line: &str) -> (i32, String) {
    let words = words(line);
    let mut command = bench.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
    command.stdout(File::create("/dev/full").expect("a full device")).stderr(Stdio::piped());
    let output = command.output().expect("the binary runs");
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).expect("UTF-8"))
}

/// A ledger, a damaged copy `bad` of it, a dispute, and evidence that was changed.
fn disagreeing() -> Bench {
    let bench = Bench::with_ledger();
    bench.ok("-C acme evidence attach 2 report.pdf --key acme.key");
    let all = fs::read_dir(bench.path("acme/evidence")).expect("the evidence");
    let folder = all.map(|entry| entry.expect("an entry").path()).next().expect("a folder");
    fs::write(folder.join("content"), "something else").expect("a change");
    let mut log = fs::read(bench.path("acme/log/00000000.seg")).expect("a segment");
    let middle = log.len() / 2;
    log[middle] ^= 1;
    fs::create_dir_all(bench.path("bad/log")).expect("a folder");
    fs::write(bench.path("bad/log/00000000.seg"), log).expect("a damaged copy");
    fs::create_dir_all(bench.path("none/log")).expect("a folder");
    fs::write(bench.path("none/log/00000000.seg"), "no log").expect("what is no log");
    bench
}

/// Commands whose exit code is the answer, with an answer that is not yes.
const ANSWERS: [(i32, &str); 17] = [
    (1, "verify bad"),
    (1, "verify bad --roots"),
    (1, "verify bad --json"),
    (4, "verify none"),
    (4, "-C bad balances"),
    (4, "-C bad history --json"),
    (1, "diff acme bad"),
    (1, "diff acme meta"),
    (1, "diff acme meta --json"),
    (1, "terms diff terms.toml priced.toml"),
    (1, "terms diff terms.toml priced.toml --json"),
    (3, "terms check february.jsonl"),
    (1, "-C acme usage diff 2 8"),
    (1, "-C acme usage diff 2 8 --json"),
    (1, "-C acme evidence check"),
    (1, "portfolio acme bad"),
    (3, "-C acme statement show 2024-09"),
];

/// Commands whose answer is yes.
const YES: [&str; 10] = [
    "verify acme",
    "diff acme acme",
    "terms diff terms.toml terms.toml",
    "-C acme usage diff 2 2",
    "-C acme balances --diff 3",
    "-C acme replay --without 8",
    "-C acme history",
    "-C acme status",
    "-C acme explain 2024-01/meta",
    "terms check terms.toml",
];

#[test]
fn a_closed_pipe_changes_no_answer() {
    let bench = disagreeing();
    for (code, line) in ANSWERS {
        assert_eq!(bench.type_in(line).code, code, "{line}");
        assert_eq!(unread(&bench, line, false), code, "{line} | true");
        assert_eq!(unread(&bench, line, true), code, "{line} 2>&1 | true");
    }
    for line in YES {
        assert_eq!(bench.type_in(line).code, 0, "{line}");
        assert_eq!(unread(&bench, line, false), 0, "{line} | true");
        assert_eq!(unread(&bench, line, true), 0, "{line} 2>&1 | true");
    }
}

#[test]
fn an_answer_that_did_not_arrive_is_not_yes() {
    let bench = disagreeing();
    for line in YES {
        let (code, err) = to_full(&bench, line);
        assert_eq!(code, 5, "{line}: {err}");
        assert!(err.contains("[output-failed]"), "{line}: {err}");
    }
    for (answer, line) in ANSWERS {
        let (code, err) = to_full(&bench, line);
        // What fails before anything is printed fails as it always does.
        assert!(code == 5 || code == answer, "{line}: exit {code}: {err}");
    }
    let (code, err) = to_full(&bench, "verify bad");
    assert_eq!(code, 5);
    assert!(err.contains("; the answer is no [output-failed]"), "{err}");
}

#[test]
fn help_that_did_not_arrive_is_a_failure() {
    let bench = Bench::new();
    for line in ["--help", "--version", "-V", "verify --help", "completions bash", "terms -h"] {
        bench.ok(line);
        assert_eq!(unread(&bench, line, false), 0, "{line} | true");
        let (code, err) = to_full(&bench, line);
        assert_eq!(code, 5, "{line}: {err}");
        assert!(err.contains("[output-failed]"), "{line}: {err}");
    }
}

/// Every kind of record, each recorded once in `acme`.
const RECORDING: [&str; 12] = [
    "-C acme acknowledge --key acme.key",
    "-C acme usage report --nil --period 2024-03 --key acme.key",
    "-C acme usage correct 8 january.csv --reason again --key acme.key",
    "-C acme statement accept 2024-02 --key meta.key",
    "-C acme statement issue 2024-03 --key acme.key",
    "-C acme payout send meta 30 --reference R3 --key acme.key",
    "-C acme payout confirm 11 --key meta.key",
    "-C acme payout return 17 --reason lost --key meta.key",
    "-C acme evidence attach 2 report.pdf --key acme.key",
    "-C acme amend propose priced.toml --from 2024-06-01 --reason prices --key meta.key",
    "-C acme amend reject 21 --reason no --key acme.key",
    "-C acme dispute open 2024-02 --claimed meta=1 --basis less --ground manifest-error --key acme.key",
];

#[test]
fn what_was_recorded_stands_when_its_output_is_lost() {
    let bench = Bench::with_ledger();
    for (seq, line) in (12..).zip(RECORDING) {
        let (code, err) = to_full(&bench, &format!("{line} --json"));
        assert_eq!(code, 5, "{line}: {err}");
        let failure = json(&err);
        assert_eq!(failure["code"], "output-failed", "{line}");
        let shown = bench.ok(&format!("-C acme show {seq} --json"));
        let hash = json(&shown.out)["hash"].as_str().expect("a hash").to_owned();
        let message = failure["message"].as_str().expect("a message");
        let stands = format!("; record {seq} {hash} is recorded");
        assert!(message.ends_with(&stands), "{line}: {message}");
        let hint = failure["hint"].as_str().expect("a hint");
        assert!(hint.contains("do not repeat the command"), "{line}: {hint}");
    }
    // Without JSON, and where what lasts is not a record.
    for (line, stands) in [
        ("-C new init --terms terms.toml --key acme.key", "record 0 "),
        ("-C third pull acme", "are recorded, to record 23 "),
        ("-C acme acknowledge --out a.ack --key acme.key", "its file written"),
        ("keygen new.key", "the key files are written"),
    ] {
        let (code, err) = to_full(&bench, line);
        assert_eq!(code, 5, "{line}: {err}");
        assert!(err.contains(stands) && err.contains("[output-failed]"), "{line}: {err}");
    }
    assert_eq!(bench.ok("diff acme third").out, "same: 24 records\n");
    let (code, err) = to_full(&bench, "-C acme acknowledge --dry-run --key meta.key");
    assert_eq!(code, 5);
    assert!(!err.contains("is recorded") && !err.contains("do not repeat"), "{err}");
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_not_the_end() {
    let bench = Bench::with_ledger();
    let script = "ulimit -f 0; exec \"$0\" -C acme history > out.txt";
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_revshare")]);
    shell.current_dir(bench.path("")).env("REVSHARE_STATE_DIR", bench.path("state"));
    let output = shell.output().expect("a shell");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{err}");
    assert!(err.contains("[output-failed]"), "{err}");
}

/// On a terminal, through a pager that reads nothing: `script` makes the terminal.
#[test]
fn a_pager_that_is_left_changes_no_answer() {
    let bench = disagreeing();
    let binary = env!("CARGO_BIN_EXE_revshare");
    for (code, line) in [(1, "-C acme evidence check"), (0, "-C acme history"), (1, "verify bad")] {
        for pager in ["true", "head -1", "cat -"] {
            let mut command = Command::new("script");
            command.args(["-qec", &format!("{binary} {line}"), "/dev/null"]);
            command.current_dir(bench.path("")).stdin(Stdio::null());
            command.env("REVSHARE_STATE_DIR", bench.path("state")).env("REVSHARE_PAGER", pager);
            let output = command.output().expect("script, of util-linux");
            let out = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(code), "{line}, {pager}: {out}");
        }
    }
}
