//! `revshare demo`: the main job on the bundled data, by the commands that a user would type.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::rc::Rc;

use revshare_core::event::Kind;
use revshare_core::ledger::Ledger;
use revshare_core::ledger::Lookup;
use revshare_core::verify::Options;
use revshare_core::verify::Verdict;
use revshare_core::vocab::Code;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use revshare_core::vocab::RecordHash;
use revshare_core::vocab::Timestamp;

use crate::app;
use crate::app::Globals;
use crate::commands::verify::verify_folder;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::output::Output;
use crate::render::json::lists::DemoDocument;
use crate::render::text::shown_path;
use crate::render::text::styled;

const TERMS: &str = include_str!("../../demo/terms.toml.in");
const USAGE: &[u8] = include_bytes!("../../demo/usage-2023-11.csv");
const HOST: &str = "acme-cloud";
const OWNER: &str = "meta";
const TAMPERED: &str = "tampered";

/// Build a two-party ledger from a month of real usage, and run the main job on it
///
/// Two parties, two copies: terms, a usage report, a statement, a payout, and a verification on
/// either side; then a third copy in which one byte is changed. Every step is printed as the
/// command that does it. The usage is derived from a public trace; the terms' rates are invented.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  revshare demo")]
pub struct Args {
    /// A new folder to build it in
    #[arg(default_value = "revshare-demo")]
    dir: PathBuf,
}

/// Output that is kept.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs the steps and keeps the commands.
struct Stage<'s, 'o> {
    session: &'s mut Session<'o>,
    commands: Vec<String>,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let place = || Place::Path(args.dir.display().to_string());
    fs::create_dir(&args.dir).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Problem::new(Code::FileExists, "the folder exists")
            .at(place())
            .hint("name a new folder: `revshare demo DIR`"),
        _ => Problem::new(Code::DiskWrite, format!("the folder cannot be made: {error}"))
            .at(place())
            .hint("name a folder that you may write to"),
    })?;
    std::env::set_current_dir(&args.dir).map_err(|error| {
        Problem::new(Code::DiskWrite, format!("the folder cannot be entered: {error}")).at(place())
    })?;
    let mut stage = Stage { session, commands: Vec::new() };
    stage.play(args)
}

impl Stage<'_, '_> {
    fn play(&mut self, args: &Args) -> Result<Answer, Failure> {
        let folder = shown_path(&args.dir);
        self.tell(&format!(
            "A month between {HOST} (the host) and {OWNER} (the owner), in {folder}."
        ))?;
        self.tell(
            "The usage is derived from public traces of November 2023; all rates are invented.",
        )?;
        self.tell("The clock of this demo stands in 2023.")?;

        self.title("Each party makes a key; the public halves go into the terms")?;
        self.step("2023-10-30T09:00:00Z", &["keygen", "acme-cloud.key", "--comment", HOST])?;
        self.step("2023-10-30T09:00:00Z", &["keygen", "meta.key", "--comment", OWNER])?;
        write_file("usage-2023-11.csv", USAGE)?;
        let terms = TERMS
            .replace("@HOST_KEY@", &public_key("acme-cloud.key.pub")?)
            .replace("@OWNER_KEY@", &public_key("meta.key.pub")?);
        write_file("terms.toml", terms.as_bytes())?;
        self.step("2023-10-30T09:00:00Z", &["terms", "check", "terms.toml"])?;

        self.title("The host opens the ledger; the owner takes a copy and accepts")?;
        self.by(HOST, "2023-10-30T10:00:00Z", &["init", "--terms", "terms.toml"])?;
        self.by(OWNER, "2023-10-31T10:00:00Z", &["pull", HOST])?;
        self.by(OWNER, "2023-10-31T10:05:00Z", &["accept", "0"])?;

        self.title("December: the host reports November's usage and issues the statement")?;
        self.by(HOST, "2023-12-04T08:00:00Z", &["pull", OWNER])?;
        let report = ["usage", "report", "usage-2023-11.csv", "--period", "2023-11"];
        self.by(HOST, "2023-12-04T08:01:00Z", &report)?;
        self.by(HOST, "2023-12-04T08:02:00Z", &["statement", "issue", "2023-11"])?;

        self.title("The owner pulls, verifies from bytes, asks why, and accepts")?;
        self.by(OWNER, "2023-12-05T14:00:00Z", &["pull", HOST])?;
        self.by(OWNER, "2023-12-05T14:01:00Z", &["verify"])?;
        self.by(OWNER, "2023-12-05T14:02:00Z", &["explain", "2023-11/meta"])?;
        self.by(OWNER, "2023-12-05T14:03:00Z", &["statement", "accept", "2023-11"])?;
        self.by(OWNER, "2023-12-05T14:04:00Z", &["acknowledge"])?;

        self.title("The host pays, the owner confirms")?;
        self.by(HOST, "2023-12-28T09:00:00Z", &["pull", OWNER])?;
        let payable = payable(self.session, HOST)?;
        let send = ["payout", "send", OWNER, &payable, "--reference", "WIRE 2023-1228"];
        self.by(HOST, "2023-12-28T09:01:00Z", &send)?;
        self.by(OWNER, "2023-12-29T16:00:00Z", &["pull", HOST])?;
        let sent = last_of(self.session, OWNER, Kind::PayoutSent)?
            .map_or(0, |(seq, _, _)| seq)
            .to_string();
        self.by(OWNER, "2023-12-29T16:01:00Z", &["payout", "confirm", &sent])?;
        self.by(HOST, "2023-12-30T09:00:00Z", &["pull", OWNER])?;
        self.by(HOST, "2023-12-30T09:01:00Z", &["balances"])?;

        self.title("Both copies, verified: the same log, the same state root")?;
        self.by(HOST, "2023-12-30T09:02:00Z", &["verify"])?;
        self.by(OWNER, "2023-12-30T09:03:00Z", &["verify"])?;
        self.step("2023-12-30T09:04:00Z", &["diff", HOST, OWNER])?;
        let (host, owner) = (self.verdict(HOST), self.verdict(OWNER));

        self.title("A third copy, in which one byte of the usage report is changed")?;
        let changed = tamper(self.session)?;
        self.tell(&changed.0)?;
        self.step("2023-12-30T09:05:00Z", &["verify", TAMPERED])?;
        let tampered = self.verdict(TAMPERED);

        let bad_record = tampered.findings.first().and_then(|finding| finding.seq);
        let is_caught = !tampered.is_valid() && bad_record == Some(changed.1);
        let is_same = host.state_root.is_some() && host.state_root == owner.state_root;
        let is_well = host.is_valid() && owner.is_valid() && is_same && is_caught;
        let state_root = host.state_root.map(|root| root.to_string()).unwrap_or_default();
        if self.session.globals.json {
            let commands = std::mem::take(&mut self.commands);
            let folder = folder.to_string();
            self.session.print_json(&DemoDocument { folder, commands, state_root, bad_record })?;
        } else if is_well {
            self.title("What you saw")?;
            self.tell(&format!(
                "Both copies are valid and have the state root {}…; the changed byte was caught in record {}.",
                state_root.get(..12).unwrap_or_default(),
                changed.1
            ))?;
            self.tell(&format!("Go on by hand: cd {folder} && revshare -C {OWNER} status"))?;
        }
        Ok(if is_well { Answer::Yes } else { Answer::No })
    }

    /// A command by a party, on its own copy and with its own key where it signs.
    fn by(&mut self, party: &str, time: &str, command: &[&str]) -> Result<(), Failure> {
        let signs = !matches!(command.first(), Some(&("pull" | "verify" | "explain" | "balances")));
        let key = format!("{party}.key");
        let mut words = vec!["-C", party];
        words.extend_from_slice(command);
        if signs {
            words.extend(["--key", &key]);
        }
        self.step(time, &words)
    }

    /// Prints a command and runs it as if it had been typed at that time.
    fn step(&mut self, time: &str, words: &[&str]) -> Result<(), Failure> {
        let quoted = |word: &&str| match word.contains(' ') {
            true => format!("\"{word}\""),
            false => (*word).to_owned(),
        };
        let typed = format!("revshare {}", words.iter().map(quoted).collect::<Vec<_>>().join(" "));
        self.commands.push(typed.clone());
        let color = self.session.world.color;
        self.tell(&format!("\n{} {}", styled("$", "2", color), styled(&typed, "1", color)))?;
        let args = std::iter::once("revshare").chain(words.iter().copied()).map(OsString::from);
        let cli = app::parse(args).map_err(|error| {
            crate::error::command_line(error.to_string(), "this is a fault of the demo")
        })?;
        let kept = Kept::default();
        let mut world = self.session.world.clone();
        world.now = Timestamp::parse(time)?;
        let mut session = Session {
            world,
            globals: Globals { quiet: true, ..cli.globals.clone() },
            out: Box::new(kept.clone()),
            err: Box::new(io::sink()),
            output: Output::default(),
        };
        app::run(&mut session, &cli.command)?;
        drop(session);
        if !self.session.globals.json {
            for line in String::from_utf8_lossy(&kept.0.borrow()).lines() {
                writeln!(self.session.out, "  {line}")?;
            }
        }
        Ok(())
    }

    fn verdict(&self, folder: &str) -> Verdict {
        verify_folder(self.session, Path::new(folder), Options::default())
    }

    fn title(&mut self, text: &str) -> Result<(), Failure> {
        let title = styled(&format!("== {text}"), "1;36", self.session.world.color);
        self.tell(&format!("\n{title}"))
    }

    fn tell(&mut self, text: &str) -> Result<(), Failure> {
        if !self.session.globals.json {
            writeln!(self.session.out, "{text}")?;
        }
        Ok(())
    }
}

fn write_file(path: &str, bytes: &[u8]) -> Result<(), Problem> {
    fs::write(path, bytes).map_err(|error| {
        Problem::new(Code::DiskWrite, format!("the file cannot be written: {error}"))
            .at(Place::Path(path.to_owned()))
            .hint("free some space, or run the demo elsewhere")
    })
}

/// The key in a .pub file, without its comment.
fn public_key(path: &str) -> Result<String, Problem> {
    let bytes = crate::files::read_file(Path::new(path))?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.split(' ').take(2).collect::<Vec<_>>().join(" "))
}

fn payable(session: &Session, folder: &str) -> Result<String, Failure> {
    let ledger = Ledger::open(Path::new(folder), session.machine())?;
    let agreement = ledger.state().agreement();
    let balances = agreement.map(revshare_core::view::balances::balances).transpose();
    let balances = balances?;
    let digits = balances.as_ref().map_or(2, |balances| balances.currency.minor_digits());
    let first = balances.and_then(|balances| balances.beneficiaries.into_iter().next());
    Ok(first.map(|one| one.payable.to_text(digits)).unwrap_or_default())
}

/// Number, hash and payload length of the last record of a kind.
fn last_of(
    session: &Session,
    folder: &str,
    kind: Kind,
) -> Result<Option<(u64, RecordHash, usize)>, Problem> {
    let ledger = Ledger::open(Path::new(folder), session.machine())?;
    let mut id = None;
    ledger.find(&[Lookup::Kind(kind)], &mut |record| id = Some(record.id))?;
    let found = id.map(|id| ledger.record(&id)).transpose()?.flatten();
    Ok(found.map(|(record, payload_len)| (record.seq, record.hash, payload_len)))
}

/// Copies the owner's copy and changes one byte in the middle of the usage report: what was done,
/// and to which record. A record's payload ends where its hash begins.
fn tamper(session: &Session) -> Result<(String, u64), Failure> {
    let failed = |error: io::Error| {
        Problem::new(Code::DiskWrite, format!("the copy cannot be made: {error}"))
            .at(Place::Path(TAMPERED.to_owned()))
    };
    let (from, to) = (Path::new(OWNER).join("log"), Path::new(TAMPERED).join("log"));
    fs::create_dir_all(&to).map_err(failed)?;
    for entry in fs::read_dir(&from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        fs::copy(entry.path(), to.join(entry.file_name())).map_err(failed)?;
    }
    let missing = || Problem::new(Code::UnknownEvent, "the demo's report is not on its log");
    let reported = last_of(session, OWNER, Kind::UsageReported)?;
    let (seq, hash, payload_len) = reported.ok_or_else(missing)?;
    let segment = to.join("00000000.seg");
    let mut bytes = fs::read(&segment).map_err(failed)?;
    let end = bytes.windows(32).position(|window| window == hash.bytes()).ok_or_else(missing)?;
    let at = end.saturating_sub(payload_len / 2);
    let byte = bytes.get_mut(at).ok_or_else(missing)?;
    *byte ^= 1;
    fs::write(&segment, &bytes).map_err(failed)?;
    Ok((format!("{}, byte {at}: one bit turned", segment.display()), seq))
}
