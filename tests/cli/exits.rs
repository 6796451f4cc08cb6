//! Exit codes, and what a refused command leaves behind.

use std::fs;

use crate::documents::json;
use crate::run::Bench;

/// Everything in a copy's log, byte for byte.
fn log(bench: &Bench, copy: &str) -> Vec<u8> {
    fs::read(bench.path(copy).join("log/00000000.seg")).expect("a segment")
}

#[test]
fn exit_codes_are_those_of_the_design() {
    let bench = Bench::with_ledger();
    let cases = [
        (0, "-C acme verify", ""),
        (1, "diff acme meta", ""),
        (2, "balances", "not-a-ledger"),
        (2, "-C nowhere balances", "not-a-ledger"),
        (2, "verify nowhere", "not-a-ledger"),
        (2, "-C acme frobnicate", "command-line"),
        (2, "-C acme balances --at yesterday", "command-line"),
        (2, "-C acme acknowledge", "key-missing"),
        (3, "-C acme balances --at 99", "unknown-event"),
        (3, "-C acme balances --at 2023-01-01", "unknown-event"),
        (3, "-C acme usage report january.csv --period 2024-13 --key acme.key", "period"),
        (3, "-C acme payout send meta 1e3 --key acme.key", "decimal"),
        (3, "-C acme payout send meta 5 --key meta.key", "not-entitled"),
        (3, "-C acme acknowledge --key acme.key --if-head 000000", "head-moved"),
        (
            3,
            "-C acme acknowledge --key acme.key --recorded-time 2020-01-01T00:00:00Z",
            "time-backwards",
        ),
        (3, "keygen acme.key", "file-exists"),
        (3, "-C acme init --terms terms.toml --key acme.key", "already-a-ledger"),
        (5, "-C acme acknowledge --key nowhere.key", "key-file"),
        (5, "-C acme usage report nowhere.csv --period 2024-03 --key acme.key", "file-read"),
        // It never ends: only usage is read piece by piece.
        (5, "terms check /dev/zero", "file-read"),
    ];
    let before = log(&bench, "acme");
    for (code, command, error) in cases {
        let ran = bench.type_in(&format!("{command} --json"));
        assert_eq!(ran.code, code, "{command}: {}{}", ran.out, ran.err);
        if !error.is_empty() {
            assert_eq!(json(&ran.err)["code"], error, "{command}");
            let told = bench.type_in(command);
            assert_eq!(told.code, code, "{command}");
            assert!(told.err.contains(&format!("[{error}]")), "{command}: {}", told.err);
        }
    }
    assert!(before == log(&bench, "acme"), "a refused command changes nothing");
}

/// What `verify` prints to go on with can be typed as it stands, from where it was typed.
#[test]
fn a_verdict_names_a_next_command_that_works() {
    let bench = Bench::with_ledger();
    let next = |command: &str| {
        let told = bench.type_in(command).err;
        let next = told.lines().find_map(|line| line.strip_prefix("next: revshare "));
        next.unwrap_or_else(|| panic!("{command}: {told}")).to_owned()
    };
    assert_eq!(next("verify acme"), "-C acme status");
    assert_eq!(bench.type_in("-C acme status").code, 0);

    let path = bench.path("acme/log/00000000.seg");
    let mut bytes = fs::read(&path).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("a segment");
    for command in ["verify acme", "-C acme verify"] {
        assert_eq!(next(command), "diff acme ANOTHER-COPY", "{command}");
    }
    let compared = bench.type_in("diff acme meta");
    assert!(compared.code == 1 || compared.code == 4, "{}{}", compared.out, compared.err);
}

#[test]
fn a_damaged_log_is_named_and_left_alone() {
    let bench = Bench::with_ledger();
    let path = bench.path("acme/log/00000000.seg");
    let mut bytes = log(&bench, "acme");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&path, &bytes).expect("a damaged segment");
    for command in ["balances", "history --json", "acknowledge --key acme.key"] {
        assert_eq!(bench.type_in(&format!("-C acme {command}")).code, 4, "{command}");
    }
    let ran = bench.type_in("-C acme verify --json");
    assert_eq!(ran.code, 1);
    let verdict = json(&ran.out);
    assert_eq!(verdict["verdict"], "invalid");
    assert!(verdict["findings"][0]["seq"].is_u64());
    assert!(bytes == log(&bench, "acme"));
    fs::write(&path, "nothing of a log").expect("a broken segment");
    assert_eq!(bench.type_in("-C acme verify").code, 4);
}

/// A log without a record is not valid, and `verify` says what is there: nothing could be read.
#[test]
fn a_log_with_nothing_but_an_unfinished_append_is_said() {
    let bench = Bench::with_ledger();
    let whole = log(&bench, "acme");
    fs::create_dir_all(bench.path("cut/log")).expect("a folder");
    for (len, there) in [(300, "236 bytes"), (64, "no record"), (10, "10 bytes")] {
        fs::write(bench.path("cut/log/00000000.seg"), &whole[..len]).expect("a segment");
        let ran = bench.type_in("verify cut --json");
        assert_eq!(ran.code, 4, "{}", ran.out);
        let verdict = json(&ran.out);
        assert_eq!((&verdict["verdict"], &verdict["events"]), (&"invalid".into(), &0.into()));
        assert_eq!(verdict["findings"].as_array().map(Vec::len), Some(1), "{verdict}");
        assert_eq!(verdict["findings"][0]["code"], "truncated");
        assert_eq!(verdict["holds"][0]["to"], serde_json::Value::Null);
        let ran = bench.type_in("verify cut");
        assert_eq!(ran.code, 4);
        assert!(ran.out.contains("nothing is recorded here"), "{}", ran.out);
        assert!(ran.out.contains(there) && ran.out.contains("invalid: 1 finding;"), "{}", ran.out);
        assert_eq!(bench.type_in("-C cut balances").code, 4);
    }
}

#[test]
fn a_dry_run_records_nothing_and_says_what_it_would_record() {
    let bench = Bench::with_ledger();
    let before = log(&bench, "acme");
    let commands = [
        "acknowledge --key acme.key",
        "usage report --nil --period 2024-03 --key acme.key",
        "usage correct 8 january.csv --reason x --key acme.key",
        "statement accept 2024-02 --key meta.key",
        "payout send meta 30 --key acme.key",
        "payout confirm 11 --key meta.key",
        "payout return 11 --reason x --key meta.key",
        "usage missing 2024-03 --key meta.key --recorded-time 2024-04-20T00:00:00Z",
    ];
    for command in commands {
        let ran = bench.ok(&format!("-C acme {command} --dry-run"));
        assert!(ran.out.starts_with("would be recorded 12 "), "{command}: {}", ran.out);
    }
    assert!(before == log(&bench, "acme"));
    let ran = bench.ok("-C new init --terms terms.toml --key acme.key --dry-run");
    assert!(ran.out.starts_with("would be recorded 0 "));
    assert!(!bench.path("new").exists());
    let ran = bench.ok("-C new pull acme --dry-run");
    assert!(ran.out.starts_with("would take 12 new records"));
    assert!(!bench.path("new").exists());
}

#[test]
fn the_head_can_be_held_and_the_clock_is_never_before_the_last_record() {
    let bench = Bench::with_ledger();
    let shown = json(&bench.ok("-C acme show 11 --json").out);
    let head = shown["hash"].as_str().expect("a hash").to_owned();
    bench.ok(&format!("-C acme acknowledge --key acme.key --if-head {}", &head[..8]));
    let ran = bench.type_in(&format!("-C acme acknowledge --key meta.key --if-head {head}"));
    assert_eq!(ran.code, 3);
}

#[test]
fn a_key_with_a_passphrase() {
    let bench = Bench::with_terms();
    let text = bench.read("acme.key");
    let key = ssh_key::PrivateKey::from_openssh(text).expect("a key");
    let kdf = ssh_key::Kdf::Bcrypt { salt: vec![7; 16], rounds: 4 };
    let locked =
        key.encrypt_with(ssh_key::Cipher::Aes256Ctr, kdf, 1, "open sesame").expect("a locked key");
    let text = locked.to_openssh(ssh_key::LineEnding::LF).expect("a text");
    bench.write("locked.key", &text);
    bench.write("right", "open sesame\n");
    bench.write("wrong", "open barley\n");
    bench.write("open", "open sesame\n");
    for name in ["locked.key", "right", "wrong"] {
        bench.set_mode(name, 0o600);
    }
    let init = ["-C", "new", "init", "--terms", "terms.toml", "--key", "locked.key", "--dry-run"];
    let with = |file: Option<&str>| {
        let mut command = bench.command(&init);
        if let Some(file) = file {
            command.env("REVSHARE_KEY_PASSPHRASE_FILE", bench.path(file));
        }
        command.stdin(std::process::Stdio::null());
        let output = command.output().expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(with(Some("right")).0, Some(0));
    let (code, err) = with(Some("open"));
    assert_eq!(code, Some(5), "{err}");
    assert!(err.contains("[key-exposed]"), "{err}");
    for file in [Some("wrong"), Some("absent"), None] {
        let (code, err) = with(file);
        assert_eq!(code, Some(5), "{err}");
        assert!(err.contains("[key-locked]"), "{err}");
    }
}

#[test]
fn a_private_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::with_terms();
    let mode = fs::metadata(bench.path("acme.key")).expect("a key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    bench.write("only.key.pub", "taken");
    assert_eq!(bench.type_in("keygen only.key").code, 3);
    assert!(!bench.path("only.key").exists());
}

#[test]
fn keys_and_acknowledgements_from_elsewhere_are_held_against_the_log() {
    let bench = Bench::with_ledger();
    let line = |party: &str, file: &str| format!("{party} {}", bench.read(file));
    bench.write("signers", &(line("meta", "meta.key.pub") + &line("acme-cloud", "acme.key.pub")));
    bench.ok("-C acme acknowledge --out a.ack --key acme.key");
    let ran = bench.ok("-C acme verify --keys signers --against a.ack --json");
    let unchecked = json(&ran.out)["unchecked"].to_string();
    assert!(!unchecked.contains("keys") && !unchecked.contains("tail"), "{unchecked}");
    bench.write("swapped", &(line("meta", "acme.key.pub") + &line("acme-cloud", "meta.key.pub")));
    assert_eq!(bench.type_in("-C acme verify --keys swapped").code, 1);
    // The other copy does not have what was acknowledged.
    assert_eq!(bench.type_in("-C meta verify --against a.ack").code, 1);
}
