//! Names of files and folders, as a stranger may choose them: on a terminal they are shown as
//! escapes, and a command that is proposed can be typed.

use std::process::Command;

use crate::run::Bench;

/// A folder whose name clears the screen, begins a line of its own, and turns what follows.
const HOSTILE: &str = "a \u{1b}[2J\nvalid to record 9\u{202e}x'y";

#[track_caller]
fn is_harmless(text: &str) {
    let bad = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
    assert_eq!(bad, None, "{text:?}");
    assert!(!text.lines().any(|line| line.starts_with("valid to record 9")), "{text}");
}

#[test]
fn a_hostile_name_is_shown_as_escapes() {
    let bench = Bench::with_ledger();
    let run = |args: &[&str]| {
        let ran = bench.run(args);
        is_harmless(&ran.out);
        is_harmless(&ran.err);
        ran
    };
    let (copy, key) = (format!("{HOSTILE}-copy"), format!("{HOSTILE}.key"));
    let (terms, ack) = (format!("{HOSTILE}.toml"), format!("{HOSTILE}.ack"));
    std::fs::copy(bench.path("terms.toml"), bench.path(&terms)).expect("a copy");
    std::fs::copy(bench.path("acme.key"), bench.path(&key)).expect("a copy");
    let ran = run(&["-C", &copy, "pull", "acme"]);
    assert!(ran.out.contains("12 new records"), "{}{}", ran.out, ran.err);
    run(&["-C", "meta", "pull", &copy, "--dry-run"]);
    run(&["-C", "meta", "pull", &copy]);
    run(&["-C", "meta", "pull", &copy]);
    run(&["diff", "acme", &copy]);
    run(&["-C", "acme", "acknowledge", "--key", &key]);
    run(&["diff", "acme", &copy]);
    run(&["verify", &copy]);
    run(&["verify", &copy, "--against", &ack]);
    run(&["-C", "acme", "acknowledge", "--key", &key, "--out", &ack]);
    run(&["verify", "acme", "--against", &ack]);
    for command in ["balances", "status", "history", "show 3", "evidence check", "payout list"] {
        let words: Vec<&str> = ["-C", &copy].into_iter().chain(command.split(' ')).collect();
        run(&words);
    }
    run(&["portfolio", "acme", &copy]);
    run(&["terms", "check", &terms]);
    run(&["terms", "diff", &terms, "priced.toml"]);
    run(&["-C", "acme", "terms", "preview", &terms, "--from", "2024-02-01"]);
    run(&["-C", "acme", "replay", "--with-terms", &terms]);
    run(&["-C", "acme", "audit", "2024-01", "2024-02", "--with-terms", &terms]);
    run(&["keygen", &format!("{HOSTILE}-new.key")]);
    run(&["-C", &format!("{HOSTILE}-new"), "init", "--terms", &terms, "--key", &key]);
    run(&["-C", "acme", "evidence", "attach", "2", &terms, "--key", &key]);
    run(&["-C", "acme", "usage", "report", &terms, "--period", "2024-03", "--key", &key]);
    run(&["-C", HOSTILE, "balances"]);
    run(&["verify", HOSTILE]);
    run(&["diff", "acme", HOSTILE]);
    run(&["terms", "check", HOSTILE]);
    run(&["demo", &format!("{HOSTILE}-demo")]);
    run(&["-C", "acme", HOSTILE]);
    run(&["-C", "acme", "payout", "send", HOSTILE, "1", "--key", &key]);
}

#[test]
fn a_proposed_command_can_be_typed() {
    let bench = Bench::with_ledger();
    let path = format!("{}:/usr/bin:/bin", binary_folder());
    for folder in ["a folder", "it's mine", "$(touch harm)", HOSTILE] {
        let made = bench.run(&["pull", "acme", "-C", folder]);
        assert_eq!(made.code, 0, "{folder:?}: {}", made.err);
        let ran = bench.run(&["-C", folder, "history"]);
        let next = ran.err.lines().find_map(|line| line.strip_prefix("next: "));
        let next = next.unwrap_or_else(|| panic!("no next command: {}", ran.err));
        let typed = Command::new("bash")
            .args(["-c", next])
            .current_dir(bench.path(""))
            .env("PATH", &path)
            .env("REVSHARE_STATE_DIR", bench.path("state"))
            .output()
            .expect("bash");
        let err = String::from_utf8_lossy(&typed.stderr);
        assert!(typed.status.success(), "{folder:?}: {next}: {err}");
    }
    assert!(!bench.path("harm").exists());
}

fn binary_folder() -> String {
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_revshare"));
    binary.parent().expect("a folder").display().to_string()
}
