//! Runs the binary in a scratch folder, with an environment that is the test's own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// A scratch folder for one test.
pub struct Bench {
    folder: TempDir,
}

/// What a command came to.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Bench {
    pub fn new() -> Bench {
        Bench { folder: tempfile::tempdir().expect("a scratch folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file in the scratch folder");
    }

    pub fn set_mode(&self, name: &str, mode: u32) {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(self.path(name), mode).expect("a file of this user");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file in the scratch folder")
    }

    /// The command, not yet run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_revshare"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("REVSHARE_STATE_DIR", self.path("state"))
            .env("REVSHARE_CACHE_DIR", self.path("cache"));
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().expect("the binary runs");
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// A command line as it is typed.
    pub fn type_in(&self, line: &str) -> Ran {
        let words = words(line);
        self.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A command line that must succeed.
    pub fn ok(&self, line: &str) -> Ran {
        let ran = self.type_in(line);
        assert_eq!(ran.code, 0, "revshare {line}\n{}{}", ran.out, ran.err);
        ran
    }

    /// Keys of two parties, terms and files for a month; see `tests/cli/data`.
    pub fn with_terms() -> Bench {
        let bench = Bench::new();
        bench.ok("keygen acme.key --comment acme-cloud");
        bench.ok("keygen meta.key --comment meta");
        bench.ok("keygen expert.key --comment expert");
        let key = |name: &str| bench.read(name).split(' ').take(2).collect::<Vec<_>>().join(" ");
        for entry in fs::read_dir(data()).expect("the test data") {
            let path = entry.expect("a file").path();
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
            let text = fs::read_to_string(&path).expect("a text");
            let text = text.replace("@HOST_KEY@", &key("acme.key.pub"));
            let text = text.replace("@EXPERT_KEY@", &key("expert.key.pub"));
            bench.write(&name, &text.replace("@OWNER_KEY@", &key("meta.key.pub")));
        }
        bench
    }

    /// A ledger with a stated, corrected and paid month and one that is only reported, in the
    /// copies `acme` and `meta`.
    pub fn with_ledger() -> Bench {
        let bench = Bench::with_terms();
        for line in LEDGER.lines().map(str::trim).filter(|line| !line.is_empty()) {
            bench.ok(line);
        }
        bench
    }
}

const LEDGER: &str = r#"
    -C acme init --terms terms.toml --key acme.key --recorded-time 2024-01-01T08:00:00Z
    -C meta pull acme
    -C meta accept 0 --key meta.key --recorded-time 2024-01-02T08:00:00Z
    -C acme pull meta
    -C acme usage report january.csv --period 2024-01 --key acme.key --recorded-time 2024-02-03T08:00:00Z
    -C acme statement issue 2024-01 --key acme.key --recorded-time 2024-02-04T08:00:00Z
    -C meta pull acme
    -C meta statement accept 2024-01 --key meta.key --recorded-time 2024-02-05T08:00:00Z
    -C meta acknowledge --key meta.key --recorded-time 2024-02-05T08:01:00Z
    -C acme pull meta
    -C acme payout send meta 100 --reference R1 --key acme.key --recorded-time 2024-02-20T08:00:00Z
    -C meta pull acme
    -C meta payout confirm 6 --key meta.key --recorded-time 2024-02-22T08:00:00Z
    -C acme pull meta
    -C acme usage correct 2 january-corrected.csv --reason "a refund was left out" --key acme.key --recorded-time 2024-03-01T08:00:00Z
    -C acme usage report february.jsonl --period 2024-02 --key acme.key --recorded-time 2024-03-02T08:00:00Z
    -C acme statement issue 2024-02 --key acme.key --recorded-time 2024-03-03T08:00:00Z
    -C acme payout send meta 50 --reference R2 --key acme.key --recorded-time 2024-03-04T08:00:00Z
"#;

/// The files that tests copy into their folder.
pub fn data() -> PathBuf {
    root().join("tests/cli/data")
}

/// The project's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// Whether expected files are to be written instead of compared.
pub fn updates() -> bool {
    std::env::var_os("REVSHARE_UPDATE").is_some()
}

/// Compares a generated file of the project, or writes it.
pub fn compare(path: &Path, generated: &str) {
    if updates() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, generated).expect("a file that can be written");
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(
        expected == generated,
        "{} is out of date: run the tests with REVSHARE_UPDATE=1 and review what changed",
        path.display()
    );
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

/// The day, as the binary's clock has it, and that of an hour ago: midnight may have passed since.
#[expect(clippy::disallowed_methods, reason = "what the binary prints of its own clock")]
fn today() -> [String; 2] {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let micros = since.ok().and_then(|since| i64::try_from(since.as_micros()).ok());
    let now = micros.expect("a clock");
    [now, now - 3_600_000_000].map(|micros| {
        let at = revshare_core::vocab::Timestamp::from_micros(micros);
        at.expect("a clock").date().to_string()
    })
}

/// Puts a name in the place of every hash, id, key and fingerprint, and of the day.
pub fn steady(text: &str) -> String {
    let text = today().iter().fold(text.to_owned(), |text, day| text.replace(day, "<today>"));
    let mut steady = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let is_hex = word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match word {
            "SHA256" if after.starts_with(':') => {
                let end = after.find([' ', '\n', '"']).unwrap_or(after.len());
                steady.push_str("SHA256:…");
                rest = &after[end..];
                continue;
            }
            _ if word.starts_with("AAAAC3NzaC1lZDI1NTE5") => {
                let end = after.find([' ', '\n', '"']).unwrap_or(after.len());
                steady.push_str("AAAA…");
                rest = &after[end..];
                continue;
            }
            _ if is_hex && word.len() == 64 => steady.push_str("<hash>"),
            _ if is_hex && word.len() == 12 => steady.push_str("<short-hash>"),
            _ if is_hex && word.len() == 8 => steady.push_str("<id>"),
            _ => steady.push_str(word),
        }
        let next = after.chars().next().map_or(0, char::len_utf8);
        steady.push_str(&after[..next]);
        rest = &after[next..];
    }
    steady
}
