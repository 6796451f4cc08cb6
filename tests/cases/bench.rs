//! A scratch folder with keys, terms and a ledger in two copies, and the real binary.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;

use ssh_key::LineEnding;
use ssh_key::PrivateKey;
use ssh_key::private::Ed25519Keypair;
use ssh_key::private::KeypairData;
use tempfile::TempDir;

/// The parties of the tests. `lab` is a second beneficiary where there are three.
pub const PARTIES: [&str; 3] = ["acme-cloud", "meta", "lab"];

/// Sound terms; `@meta@` stands for the key of `meta`.
pub const TERMS: &str = r#"# Every rate here is invented.

[agreement]
title = "Llama hosting"
currency = "USD"
period = "month"
starts_on = 2024-01-01
calculation = 1
meters = ["input_tokens", "requests"]

[[party]]
id = "meta"
role = "owner"
key = "@meta@"

[[party]]
id = "acme-cloud"
role = "collector"
key = "@acme-cloud@"

[base]
deductions = [{ kind = "refunds" }]

[[rule]]
id = "moderation"
when = { application = "content_moderation" }
share = { meta = "0.12" }

[[rule]]
id = "everything-else"
share = { meta = "0.15" }

[payment]
due_days = 30
minimum_payout = "20"

[windows]
report_due_days = 15

[attributes]
application = ["search", "content_moderation"]
"#;

/// A month of usage: 300 USD for `meta`.
pub const JANUARY: &str = "day,application,gross,input_tokens\n\
                           2024-01-05,search,1500,1000000\n\
                           2024-01-20,search,500.00,400000\n";

/// What there is before something goes wrong. Each builds on the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Given {
    /// Keys, terms and a usage file.
    Files,
    /// And a ledger that `acme-cloud` opened, in the copy `acme`.
    Opened,
    /// And `meta` has accepted it, in a copy `meta`.
    InForce,
    /// And January is reported (record 2), stated (3), and 100 of its 300 USD are sent (4).
    Paid,
}

const OPENED: &[&str] =
    &["-C acme init --terms terms.toml --key acme-cloud.key --recorded-time 2024-01-01T08:00:00Z"];
const IN_FORCE: &[&str] = &[
    "-C meta pull acme",
    "-C meta accept 0 --key meta.key --recorded-time 2024-01-02T08:00:00Z",
    "-C acme pull meta",
];
const PAID: &[&str] = &[
    "-C acme usage report january.csv --period 2024-01 --key acme-cloud.key --recorded-time 2024-02-03T08:00:00Z",
    "-C acme statement issue 2024-01 --key acme-cloud.key --recorded-time 2024-02-04T08:00:00Z",
    "-C acme payout send meta 100 --reference R1 --key acme-cloud.key --recorded-time 2024-02-20T08:00:00Z",
    "-C meta pull acme",
];

/// What the disk is like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// It does what it is told.
    Sound,
    /// Files can only grow to so many blocks.
    Limited(u32),
    /// It takes what is written, and does not confirm it.
    Unsynced,
    /// Standard output goes to a device that is full.
    FullOutput,
    /// The system gives no random bytes.
    NoRandomness,
    /// The environment names no folder of the user's own.
    NoFolders,
    /// The environment names a state folder by a relative path.
    RelativeFolder,
}

/// What a command came to.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// A scratch folder.
pub struct Bench(TempDir);

impl Bench {
    /// A copy of what is given; every state is built once.
    pub fn new(given: Given) -> Bench {
        static FILES: OnceLock<Bench> = OnceLock::new();
        static OPEN: OnceLock<Bench> = OnceLock::new();
        static FORCE: OnceLock<Bench> = OnceLock::new();
        static PAY: OnceLock<Bench> = OnceLock::new();
        let after = |before: Given, lines: &[&str]| {
            let bench = Bench::new(before);
            lines.iter().for_each(|line| bench.ok(line));
            bench
        };
        let built = match given {
            Given::Files => FILES.get_or_init(Bench::with_files),
            Given::Opened => OPEN.get_or_init(|| after(Given::Files, OPENED)),
            Given::InForce => FORCE.get_or_init(|| after(Given::Opened, IN_FORCE)),
            Given::Paid => PAY.get_or_init(|| after(Given::InForce, PAID)),
        };
        let bench = Bench(tempfile::tempdir().expect("a scratch folder"));
        copy(built.0.path(), bench.0.path());
        bench
    }

    fn with_files() -> Bench {
        let bench = Bench(tempfile::tempdir().expect("a scratch folder"));
        for party in PARTIES {
            bench.write_secret(&format!("{party}.key"), &key_file(party));
        }
        for name in ["stranger", "locked"] {
            bench.write_secret(&format!("{name}.key"), &key_file(name));
        }
        bench.write("terms.toml", with_keys(TERMS));
        bench.write("january.csv", JANUARY);
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).expect("a file in the scratch folder");
    }

    /// A file that its owner alone may read.
    fn write_secret(&self, name: &str, text: &str) {
        self.write(name, text);
        self.set_mode(name, 0o600);
    }

    pub fn set_mode(&self, name: &str, mode: u32) {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.path(name), mode).expect("a file of this user");
    }

    /// A pipe that nobody writes to.
    pub fn pipe(&self, name: &str) {
        let made = Command::new("mkfifo").arg(self.path(name)).status();
        assert!(made.expect("mkfifo").success());
    }

    /// A file of 8 TB that takes no room on the disk.
    pub fn sparse(&self, name: &str, begin: &[u8]) {
        self.write(name, begin);
        let file = fs::OpenOptions::new().write(true).open(self.path(name)).expect("the file");
        file.set_len(8 << 40).expect("a file system with sparse files");
    }

    /// The bytes of a copy's first segment.
    pub fn log(&self, copy: &str) -> Vec<u8> {
        fs::read(self.segment(copy)).expect("a segment")
    }

    /// Its path.
    pub fn segment(&self, copy: &str) -> PathBuf {
        self.path(copy).join("log/00000000.seg")
    }

    /// A library that lets a call fail: `fdatasync`, as a disk does that has lost a write, or
    /// `getrandom`.
    fn failing(&self, call: &str) -> PathBuf {
        let (source, library) = (self.path("fails.c"), self.path("fails.so"));
        let text = format!("#include <errno.h>\nlong {call}() {{ errno = EIO; return -1; }}\n");
        fs::write(&source, text).expect("a source file");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
        assert!(compiler.status().expect("a C compiler").success(), "the library compiles");
        library
    }

    /// The binary with its arguments, under a limit of a file's size in blocks if there is one.
    pub fn run(&self, args: &[String], disk: Disk) -> Ran {
        let binary = env!("CARGO_BIN_EXE_revshare");
        let mut command = match disk {
            Disk::Sound
            | Disk::Unsynced
            | Disk::FullOutput
            | Disk::NoRandomness
            | Disk::NoFolders
            | Disk::RelativeFolder => Command::new(binary),
            Disk::Limited(blocks) => {
                let mut shell = Command::new("/bin/sh");
                let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
                shell.args(["-c", &script, binary]);
                shell
            }
        };
        command.env_clear();
        match disk {
            Disk::Unsynced => drop(command.env("LD_PRELOAD", self.failing("fdatasync"))),
            Disk::NoRandomness => drop(command.env("LD_PRELOAD", self.failing("getrandom"))),
            Disk::FullOutput => {
                command.stdout(fs::File::create("/dev/full").expect("a device that is full"));
            }
            Disk::Sound | Disk::Limited(_) | Disk::NoFolders | Disk::RelativeFolder => {}
        }
        if disk != Disk::NoFolders {
            command.env("HOME", self.0.path());
            match disk {
                Disk::RelativeFolder => command.env("REVSHARE_STATE_DIR", "state"),
                _ => command.env("REVSHARE_STATE_DIR", self.path("state")),
            };
            command.env("REVSHARE_CACHE_DIR", self.path("cache"));
        }
        let output = command
            .args(args)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs");
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// A command line that must succeed.
    pub fn ok(&self, line: &str) {
        let ran = self.run(&words(line), Disk::Sound);
        assert_eq!(ran.code, 0, "revshare {line}\n{}{}", ran.out, ran.err);
    }

    /// The hash of every file of every log: of each ledger in the scratch folder.
    pub fn logs(&self) -> BTreeMap<PathBuf, blake3::Hash> {
        let mut found = BTreeMap::new();
        collect_logs(self.0.path(), &mut found);
        found
    }
}

/// What belongs to a log: segments, finished or not, wherever they lie.
fn collect_logs(folder: &Path, found: &mut BTreeMap<PathBuf, blake3::Hash>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        if path.is_dir() {
            collect_logs(&path, found);
        } else if folder.ends_with("log") && !path.ends_with("lock") {
            found.insert(path.clone(), blake3::hash(&fs::read(&path).expect("a file of a log")));
        }
    }
}

/// Copies a folder, without what a ledger can build again and what belongs to one place only.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let (source, name) = (entry.path(), entry.file_name());
        let target = to.join(&name);
        if name == "state" || name == "cache" {
            continue;
        }
        if source.is_dir() {
            fs::create_dir(&target).expect("a folder");
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).expect("a copy");
        }
    }
}

/// The folder of the key files.
fn keys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/keys")
}

/// The OpenSSH file of a name's private key. Everybody knows it: it is for tests only.
fn key_file(name: &str) -> String {
    fs::read_to_string(keys().join(format!("{name}.key"))).expect("a key of the tests")
}

/// A text with keys in the place of `@meta@` and the like.
pub fn with_keys(text: &str) -> String {
    PARTIES.iter().fold(text.to_owned(), |text, party| {
        text.replace(&format!("@{party}@"), &revshare_kit::public_key(party).to_string())
    })
}

/// The key files hold the keys of the test kit, by which tests also sign without the binary.
#[test]
fn key_files_are_those_of_the_test_kit() {
    let private = |name: &str| {
        let pair = Ed25519Keypair::from_seed(&revshare_kit::keys::secret(name));
        PrivateKey::new(KeypairData::Ed25519(pair), format!("test key of {name}, known to all"))
            .expect("a key")
    };
    if updates() {
        for name in PARTIES.iter().copied().chain(["stranger"]) {
            let text = private(name).to_openssh(LineEnding::LF).expect("a key file");
            fs::write(keys().join(format!("{name}.key")), text).expect("a key file");
        }
        let kdf = ssh_key::Kdf::Bcrypt { salt: vec![7; 16], rounds: 4 };
        let cipher = ssh_key::Cipher::Aes256Ctr;
        let locked = private("acme-cloud").encrypt_with(cipher, kdf, 1, "open sesame");
        let text = locked.expect("a key").to_openssh(LineEnding::LF).expect("a key file");
        fs::write(keys().join("locked.key"), text).expect("a key file");
    }
    for name in PARTIES.iter().copied().chain(["stranger"]) {
        let key = PrivateKey::from_openssh(key_file(name)).expect("a key file");
        assert_eq!(key.key_data(), private(name).key_data(), "{name}");
    }
}

/// Whether generated files are to be written instead of compared.
pub fn updates() -> bool {
    std::env::var_os("REVSHARE_UPDATE").is_some()
}

/// Splits a command line at blanks, outside of double quotes.
pub fn words(line: &str) -> Vec<String> {
    let mut words = vec![];
    let (mut word, mut quoted, mut begun) = (String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => (quoted, begun) = (!quoted, true),
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}
