//! Ledger folders that somebody made to do harm: links to the reader's own files, FIFOs, devices,
//! sockets and folders where files belong, files of terabytes without a byte in them. Whatever
//! lies there, nothing outside is read, changed or made, every command comes to an end, and its
//! refusal says what it met.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::documents::json;
use crate::evidence::attached;
use crate::run::Bench;
use crate::run::Ran;
use crate::run::words;

/// No command takes nearly as long; one that hangs does.
const HANGS: Duration = Duration::from_secs(120);
const ACKNOWLEDGE: &str = "-C acme acknowledge --key acme.key --recorded-time 2024-02-01T08:00:00Z";
const BALANCES: &str = "-C acme balances";
const CHECK: &str = "-C acme evidence check";
const PULL: &str = "-C meta pull acme";
const VERIFY: &str = "verify acme";

/// The copies `acme`, with a file of evidence, and `meta`, and the files of the user that a hostile
/// `acme` is after; with the commitment.
fn received() -> (Bench, String) {
    static BUILT: OnceLock<(Bench, String)> = OnceLock::new();
    let (built, commitment) = BUILT.get_or_init(|| {
        let (bench, commitment) = attached();
        fs::create_dir(bench.path("own")).expect("a folder");
        for name in ["log", "evidence"] {
            let copied = Command::new("cp")
                .args(["-a"])
                .arg(bench.path("acme").join(name))
                .arg(bench.path("own").join(name))
                .status();
            assert!(copied.expect("cp").success());
        }
        bench.write("own/authorized_keys", "a key\n");
        fs::remove_dir_all(bench.path("state")).expect("what this machine remembers");
        (bench, commitment)
    });
    let bench = Bench::new();
    let copied = Command::new("cp").arg("-a").arg(built.path(".")).arg(bench.path(".")).status();
    assert!(copied.expect("cp").success());
    let _ = fs::remove_dir_all(bench.path("acme/index"));
    (bench, commitment.clone())
}

/// Everything in a folder: what it is, its mode, length, times of change and bytes.
fn picture(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut seen = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let found = fs::symlink_metadata(&path).expect("an entry");
        let bytes = if found.is_file() { fs::read(&path).expect("a file") } else { Vec::new() };
        let hash = blake3::hash(&bytes).to_hex();
        let (mode, len, nlink) = (found.mode(), found.len(), found.nlink());
        let changed = (found.mtime(), found.mtime_nsec());
        if found.is_dir() {
            seen.extend(picture(&path));
            seen.insert(path, format!("{mode:o}"));
        } else {
            seen.insert(path, format!("{mode:o} {len} {nlink} {changed:?} {hash}"));
        }
    }
    seen
}

/// Runs a command that must come to an end.
fn run(bench: &Bench, line: &str) -> Ran {
    let words = words(line);
    let mut command = bench.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let (out, err) = (bench.path("told.out"), bench.path("told.err"));
    let file = |path: &Path| fs::File::create(path).expect("a file");
    command.stdin(Stdio::null()).stdout(file(&out)).stderr(file(&err));
    let mut child = command.spawn().expect("the binary runs");
    let step = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    let code = loop {
        match child.try_wait().expect("a process") {
            Some(status) => break status.code().unwrap_or(-1),
            None if waited > HANGS => {
                child.kill().expect("a process");
                panic!("`revshare {line}` hangs");
            }
            None => std::thread::sleep(step),
        }
        waited += step;
    };
    let text = |path: &Path| fs::read_to_string(path).expect("UTF-8");
    Ran { code, out: text(&out), err: text(&err) }
}

/// An attack: what is planted in `acme`, and what commands then say.
struct Attack {
    what: &'static str,
    plant: fn(&Bench, &str),
    commands: &'static [(&'static str, i32, &'static str)],
}

fn attack(
    what: &'static str,
    plant: fn(&Bench, &str),
    commands: &'static [(&'static str, i32, &'static str)],
) -> Attack {
    Attack { what, plant, commands }
}

/// Every attack, every command in a folder of its own.
fn hold(attacks: &[Attack]) {
    let mut wrong = Vec::new();
    for Attack { what, plant, commands } in attacks {
        for (line, code, says) in *commands {
            let (bench, commitment) = received();
            plant(&bench, &commitment);
            let before = picture(&bench.path("own"));
            let ran = run(&bench, line);
            if ran.code != *code || !format!("{}{}", ran.out, ran.err).contains(says) {
                wrong.push(format!("{what}: `{line}`: {} {}{}", ran.code, ran.out, ran.err));
            }
            if picture(&bench.path("own")) != before {
                wrong.push(format!("{what}: `{line}` reached the user's own files"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn segment(bench: &Bench) -> PathBuf {
    bench.path("acme/log/00000000.seg")
}

fn second(bench: &Bench) -> PathBuf {
    bench.path("acme/log/00000001.seg")
}

fn lock(bench: &Bench) -> PathBuf {
    let path = bench.path("acme/log/lock");
    fs::remove_file(&path).expect("the lock");
    path
}

fn in_place_of(path: PathBuf) -> PathBuf {
    match path.is_dir() {
        true => fs::remove_dir_all(&path).expect("a folder"),
        false => fs::remove_file(&path).expect("a file"),
    }
    path
}

fn evidence_of(bench: &Bench, commitment: &str) -> PathBuf {
    bench.path("acme/evidence").join(commitment)
}

fn link(to: &str, at: PathBuf) {
    symlink(to, at).expect("a link");
}

fn fifo(at: PathBuf) {
    assert!(Command::new("mkfifo").arg(at).status().expect("mkfifo").success());
}

fn socket(at: PathBuf) {
    // The name is too long for a socket's address but for its last step.
    let here = at.parent().expect("a folder").to_owned();
    let name = at.file_name().expect("a name").to_owned();
    let short = tempfile::tempdir().expect("a folder");
    drop(UnixListener::bind(short.path().join(&name)).expect("a socket"));
    assert!(
        Command::new("mv").arg(short.path().join(&name)).arg(here).status().expect("mv").success()
    );
}

fn folder(at: PathBuf) {
    fs::create_dir(at).expect("a folder");
}

/// A file that is as long as the file system allows, up to 8 TB, and holds nothing.
fn sparse(at: PathBuf) {
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(at);
    let file = file.expect("a file");
    assert!([43, 42, 41, 40].iter().any(|bits| file.set_len(1 << bits).is_ok()));
}

/// A segment header with the next number, and a sparse file behind it.
fn sparse_second(bench: &Bench) {
    let header = revshare_core::store::SegmentHeader { number: 1, first_seq: 3 };
    fs::write(second(bench), header.bytes()).expect("a segment");
    sparse(second(bench));
}

#[test]
fn logs() {
    const LINK: &str = "this is a symbolic link, not a regular file [folder-entry]";
    const FIFO: &str = "this is a FIFO, not a regular file [folder-entry]";
    hold(&[
        attack(
            "the log is a link",
            |bench, _| link("../own/log", in_place_of(bench.path("acme/log"))),
            &[
                (BALANCES, 4, "this is a symbolic link, not a folder [folder-entry]"),
                (VERIFY, 2, "[not-a-ledger]"),
                (PULL, 4, "this is a symbolic link, not a folder [folder-entry]"),
                (ACKNOWLEDGE, 4, "this is a symbolic link, not a folder [folder-entry]"),
                (ATTACH_AGAIN, 4, "this is a symbolic link, not a folder [folder-entry]"),
            ],
        ),
        attack(
            "a segment is a link",
            |bench, _| link("../../own/log/00000000.seg", in_place_of(segment(bench))),
            &[
                (BALANCES, 4, LINK),
                (VERIFY, 4, "folder-entry"),
                (PULL, 4, LINK),
                (ACKNOWLEDGE, 4, LINK),
                ("diff acme meta", 4, LINK),
                ("portfolio acme", 1, ""),
            ],
        ),
        attack(
            "the last segment is a link to nothing",
            |bench, _| link("../../own/new", second(bench)),
            &[(BALANCES, 4, LINK), (PULL, 4, LINK), (ACKNOWLEDGE, 4, LINK)],
        ),
        attack(
            "the last segment is a FIFO",
            |bench, _| fifo(second(bench)),
            &[
                (BALANCES, 4, FIFO),
                (VERIFY, 4, "folder-entry"),
                (PULL, 4, FIFO),
                (ACKNOWLEDGE, 4, FIFO),
                ("-C acme pull meta", 4, FIFO),
            ],
        ),
        attack(
            "the last segment is a socket",
            |bench, _| socket(second(bench)),
            &[(BALANCES, 4, "this is a socket, not"), (PULL, 4, "this is a socket, not")],
        ),
        attack(
            "the last segment is a folder",
            |bench, _| folder(second(bench)),
            &[(BALANCES, 4, "this is a folder, not"), (PULL, 4, "this is a folder, not")],
        ),
        attack(
            "the lock is a link",
            |bench, _| link("../../own/authorized_keys", lock(bench)),
            &[(ACKNOWLEDGE, 4, LINK), ("-C acme pull meta", 4, LINK), (BALANCES, 0, "")],
        ),
        attack(
            "the lock is a link to nothing",
            |bench, _| link("../../own/new", lock(bench)),
            &[(ACKNOWLEDGE, 4, LINK), (ATTACH_AGAIN, 4, LINK)],
        ),
        attack("the lock is a FIFO", |bench, _| fifo(lock(bench)), &[(ACKNOWLEDGE, 4, FIFO)]),
        attack(
            "the lock is a folder",
            |bench, _| folder(lock(bench)),
            &[(ACKNOWLEDGE, 4, "this is a folder, not a regular file [folder-entry]")],
        ),
        attack(
            "the lock is another name of a file",
            |bench, _| {
                fs::hard_link(bench.path("own/authorized_keys"), lock(bench)).expect("a link");
            },
            &[(ACKNOWLEDGE, 4, "2 names (hard links)"), (BALANCES, 0, "")],
        ),
        attack(
            "a segment is another name of a file",
            |bench, _| {
                let own = bench.path("own/log/00000000.seg");
                fs::hard_link(own, in_place_of(segment(bench))).expect("a link");
            },
            &[(ACKNOWLEDGE, 4, "2 names (hard links)"), (BALANCES, 0, ""), (PULL, 0, "took 1")],
        ),
    ]);
}

const ATTACH_AGAIN: &str = "-C acme evidence attach 0 report.pdf --key acme.key \
                            --recorded-time 2024-02-01T08:00:00Z";

/// A report in parts is the command that writes a draft, and everything that a writer left is
/// removed by the next one.
#[test]
fn drafts() {
    const INIT: &str = "-C acme init --terms terms.toml --key acme.key \
                        --recorded-time 2024-01-01T08:00:00Z";
    hold(&[
        attack(
            "a draft is a link",
            |bench, _| link("../../own/authorized_keys", bench.path("acme/log/00000000.new")),
            &[(ACKNOWLEDGE, 0, "recorded 3"), (BALANCES, 0, "")],
        ),
        attack(
            "a draft is a link to nothing, in a folder without a segment",
            |bench, _| {
                in_place_of(segment(bench));
                link("../../own/new", bench.path("acme/log/00000000.new"));
            },
            &[(INIT, 0, "recorded 0")],
        ),
        attack(
            "a draft is a link, in a folder without a segment",
            |bench, _| {
                in_place_of(segment(bench));
                link("../../own/authorized_keys", bench.path("acme/log/00000000.new"));
            },
            &[(INIT, 0, "recorded 0")],
        ),
        attack(
            "a draft is a FIFO",
            |bench, _| fifo(bench.path("acme/log/00000000.new")),
            &[(ACKNOWLEDGE, 0, "recorded 3")],
        ),
        attack(
            "a draft is a folder",
            |bench, _| folder(bench.path("acme/log/00000000.new")),
            &[(ACKNOWLEDGE, 4, "this is a folder, not a regular file [folder-entry]")],
        ),
    ]);
}

/// Anybody may make a device in a folder that he owns, on a disk that he hands over.
#[test]
fn devices() {
    let (bench, _) = received();
    let made = Command::new("mknod").arg(second(&bench)).args(["c", "1", "5"]).output();
    if !made.expect("mknod").status.success() {
        eprintln!("skipped: only root can make a device");
        return;
    }
    assert!(fs::symlink_metadata(second(&bench)).expect("a device").file_type().is_char_device());
    for line in [BALANCES, PULL, ACKNOWLEDGE] {
        let ran = run(&bench, line);
        assert_eq!(ran.code, 4, "{line}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains("this is a device, not a regular file"), "{}", ran.err);
    }
}

/// Nothing is found in terabytes of nothing, and nobody looks for it.
#[test]
fn sparse_logs() {
    hold(&[
        attack(
            "a last segment of nothing",
            |bench, _| sparse(second(bench)),
            &[(BALANCES, 4, "segment"), (VERIFY, 1, "segment"), (PULL, 4, "segment")],
        ),
        attack(
            "a last segment of nothing behind a header",
            |bench, _| sparse_second(bench),
            &[(BALANCES, 4, "frame"), (VERIFY, 1, "frame"), (PULL, 4, "frame")],
        ),
        attack(
            "a log that goes on with nothing",
            |bench, _| sparse(segment(bench)),
            &[(BALANCES, 4, "frame"), (VERIFY, 1, "frame"), (PULL, 4, "frame")],
        ),
        attack(
            "three hundred segments of nothing",
            |bench, _| {
                let path = |number: u32| bench.path(&format!("acme/log/{number:08}.seg"));
                (1..300).for_each(|number| sparse(path(number)));
            },
            &[(BALANCES, 4, "segment"), (VERIFY, 1, "segment"), (PULL, 4, "segment")],
        ),
    ]);
}

#[test]
fn evidence() {
    const NOT_TAKEN: &str = "is not taken from acme";
    hold(&[
        attack(
            "the folder of evidence is a link",
            |bench, _| link("../own/evidence", in_place_of(bench.path("acme/evidence"))),
            &[
                (CHECK, 4, "this is a symbolic link, not a folder [folder-entry]"),
                (ATTACH_AGAIN, 4, "this is a symbolic link, not a folder [folder-entry]"),
                (PULL, 0, NOT_TAKEN),
                (BALANCES, 0, ""),
            ],
        ),
        attack(
            "the folder of evidence is a FIFO",
            |bench, _| fifo(in_place_of(bench.path("acme/evidence"))),
            &[(CHECK, 4, "this is a FIFO, not a folder"), (PULL, 0, NOT_TAKEN)],
        ),
        attack(
            "a folder of evidence is a link",
            |bench, one| {
                link(&format!("../../own/evidence/{one}"), in_place_of(evidence_of(bench, one)))
            },
            &[(CHECK, 1, "CHANGED"), (PULL, 0, NOT_TAKEN), (ERASE, 0, "deleted here")],
        ),
        attack(
            "the content is a link",
            |bench, one| {
                let own = format!("../../../own/evidence/{one}/content");
                link(&own, in_place_of(evidence_of(bench, one).join("content")));
            },
            &[(CHECK, 1, "CHANGED"), (PULL, 0, NOT_TAKEN), (ERASE, 0, "deleted here")],
        ),
        attack(
            "the content is a FIFO",
            |bench, one| fifo(in_place_of(evidence_of(bench, one).join("content"))),
            &[(CHECK, 1, "CHANGED"), (PULL, 0, NOT_TAKEN), (ERASE, 0, "deleted here")],
        ),
        attack(
            "the salt is a link",
            |bench, one| {
                let own = format!("../../../own/evidence/{one}/salt");
                link(&own, in_place_of(evidence_of(bench, one).join("salt")));
            },
            &[(CHECK, 1, "CHANGED"), (PULL, 0, NOT_TAKEN), (ERASE, 0, "deleted here")],
        ),
        attack(
            "the salt is a FIFO",
            |bench, one| fifo(in_place_of(evidence_of(bench, one).join("salt"))),
            &[(CHECK, 1, "CHANGED"), (PULL, 0, NOT_TAKEN)],
        ),
        attack(
            "a draft of evidence is a link",
            |bench, _| link("../../own/evidence", bench.path("acme/evidence/new-0123456789ab")),
            &[(ATTACH_AGAIN, 0, "recorded 3"), (CHECK, 0, "new-0123456789ab")],
        ),
        attack(
            "a link lies beside the content",
            |bench, one| link("../../../own", evidence_of(bench, one).join("own")),
            &[(ERASE, 0, "deleted here"), (CHECK, 0, "matches")],
        ),
    ]);
}

const ERASE: &str = "-C acme evidence erase 2 --reason private --key acme.key \
                     --recorded-time 2024-02-01T08:00:00Z";

/// What a pull copied of the evidence that is offered.
fn pulled(bench: &Bench, more: &str) -> Value {
    let ran = run(bench, &format!("-C meta pull acme --json {more}"));
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    json(&ran.out)["evidence"].clone()
}

#[test]
fn much_evidence_is_asked_for() {
    let (bench, commitment) = received();
    // 101 MiB that nobody has written.
    let large = fs::File::create(bench.path("large")).expect("a file");
    large.set_len(101 << 20).expect("a sparse file");
    bench.ok("-C acme evidence attach 0 large --key acme.key --recorded-time 2024-02-01T08:00:00Z");
    let ran = run(&bench, "-C meta pull acme");
    assert_eq!(ran.code, 0, "{}", ran.err);
    let told = ran.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("2 files (101.00 MiB), above 100.00 MiB and 1000 files"), "{told}");
    assert!(told.contains("revshare -C meta pull acme --evidence all"), "{told}");
    assert!(!bench.path("meta/evidence").exists());
    let refused = pulled(&bench, "--dry-run");
    assert_eq!(refused["refused"].as_array().map(Vec::len), Some(2), "{refused}");
    let none = pulled(&bench, "--evidence none");
    assert_eq!(
        (none["bytes"].as_u64(), none["refused"].as_array().map(Vec::len)),
        (Some(0), Some(0))
    );
    assert!(!bench.path("meta/evidence").exists());
    let all = pulled(&bench, "--evidence all");
    assert_eq!(all["taken"].as_array().map(Vec::len), Some(2), "{all}");
    assert_eq!(all["bytes"], (101 << 20) + 40);
    // What is here is not asked for again, nor read: a file that was changed stays as it is.
    let here = bench.path("meta/evidence").join(&commitment).join("content");
    fs::write(&here, "changed").expect("a file");
    let again = pulled(&bench, "");
    assert_eq!(
        (again["bytes"].as_u64(), again["taken"].as_array().map(Vec::len)),
        (Some(0), Some(0))
    );
}

#[test]
fn evidence_is_for_its_owner_alone() {
    let (bench, commitment) = received();
    bench.ok(PULL);
    for copy in ["acme", "meta"] {
        let folder = bench.path(copy).join("evidence");
        let mode =
            |path: PathBuf| fs::metadata(path).expect("an entry").permissions().mode() & 0o777;
        assert_eq!(mode(folder.clone()), 0o700);
        assert_eq!(mode(folder.join(&commitment)), 0o700);
        for name in ["content", "salt"] {
            assert_eq!(mode(folder.join(&commitment).join(name)), 0o600, "{copy} {name}");
        }
    }
}

#[test]
fn what_a_killed_writer_left_of_evidence_is_removed_by_the_next() {
    for line in [ATTACH_AGAIN, "-C acme pull meta"] {
        let (bench, commitment) = received();
        let left = bench.path("acme/evidence/new-0123456789ab");
        fs::create_dir(&left).expect("a folder");
        fs::write(left.join("content"), "half").expect("a file");
        if line != ATTACH_AGAIN {
            // Only who writes evidence removes it.
            bench.ok(PULL);
            in_place_of(evidence_of(&bench, &commitment));
        }
        bench.ok(line);
        assert!(!left.exists(), "{line}");
        assert!(evidence_of(&bench, &commitment).exists(), "{line}");
    }
}
