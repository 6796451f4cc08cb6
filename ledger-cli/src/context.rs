//! The outside of a command: clock, environment, folders, keys, and the two output streams.

use std::io;
use std::io::BufWriter;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use revshare_core::chain::KeyFile;
use revshare_core::chain::Signer;
use revshare_core::command::Command;
use revshare_core::decide::Context;
use revshare_core::event::Author;
use revshare_core::ledger::CheckpointUse;
use revshare_core::ledger::Ledger;
use revshare_core::ledger::Mode;
use revshare_core::ledger::Notice;
use revshare_core::ledger::Outcome;
use revshare_core::ledger::Signing;
use revshare_core::ledger::report::ReportDraft;
use revshare_core::machine::Machine;
use revshare_core::state::Agreement;
use revshare_core::state::ProposalStatus;
use revshare_core::state::Proposed;
use revshare_core::state::State;
use revshare_core::terms::Party;
use revshare_core::terms::Terms;
use revshare_core::view::place::Prefix;
use revshare_core::vocab::Code;
use revshare_core::vocab::Date;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;
use revshare_core::vocab::PublicKey;
use revshare_core::vocab::Timestamp;
use zeroize::Zeroizing;

use crate::app::Globals;
use crate::commands::Reading;
use crate::commands::Writing;
use crate::error::Failure;
use crate::error::bad_argument;
use crate::files::read_secret;
use crate::files::unreadable;
use crate::output::Output;
use crate::pager::Pager;
use crate::point::Point;
use crate::progress::Progress;
use crate::render::json;
use crate::render::table::wrap_tree;
use crate::render::text::shell_path;
use crate::render::text::shown_path;

/// What the machine gives.
#[derive(Clone, Debug)]
pub struct World {
    /// The clock.
    pub now: Timestamp,
    /// The folders of this user for local state and cache.
    pub machine: Machine,
    /// A file that holds the passphrase of the key.
    pub passphrase_file: Option<PathBuf>,
    /// Whether a person can be asked.
    pub is_interactive: bool,
    /// Whether output may be coloured.
    pub color: bool,
    /// The pager's command, word by word, if long lists go through one.
    pub pager: Option<Vec<String>>,
}

/// One run of a command.
pub struct Session<'o> {
    /// The options that every command has.
    pub globals: Globals,
    /// What the machine gives.
    pub world: World,
    /// Standard output.
    pub out: Box<dyn Write + 'o>,
    /// Standard error.
    pub err: Box<dyn Write + 'o>,
    /// What becomes of the two.
    pub output: Output,
}

/// A ledger, looked at as it stood at a record.
pub struct Standing {
    /// The ledger.
    pub ledger: Ledger,
    past: Option<State>,
    /// The time that was asked for, or that of the record that was asked for.
    pub asked: Option<Timestamp>,
}

/// A ledger that is about to be written.
pub struct Desk {
    /// The ledger.
    pub ledger: Ledger,
    /// The author's key.
    pub signer: Signer,
    /// Author and times.
    pub context: Context,
    /// Recorded, or only checked and shown.
    pub mode: Mode,
}

impl World {
    /// The machine that the binary runs on.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    pub fn here() -> World {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros());
        let now = i64::try_from(micros).ok().and_then(Timestamp::from_micros);
        World {
            now: now.unwrap_or_default(),
            machine: machine(),
            passphrase_file: path_of("REVSHARE_KEY_PASSPHRASE_FILE"),
            is_interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
            color: false,
            pager: None,
        }
    }
}

fn path_of(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// `REVSHARE_STATE_DIR`, else `$XDG_STATE_HOME/revshare`, else `~/.local/state/revshare`; and
/// likewise `REVSHARE_CACHE_DIR`, `$XDG_CACHE_HOME`, `~/.cache`.
fn machine() -> Machine {
    // The XDG specification says that a relative path there is to be ignored.
    let absolute = |name: &str| path_of(name).filter(|path| path.is_absolute());
    let folder = |own: &str, xdg: &str, below_home: &str| {
        let base = || absolute(xdg).or_else(|| Some(absolute("HOME")?.join(below_home)));
        path_of(own).or_else(|| Some(base()?.join("revshare")))
    };
    Machine {
        state: folder("REVSHARE_STATE_DIR", "XDG_STATE_HOME", ".local/state"),
        cache: folder("REVSHARE_CACHE_DIR", "XDG_CACHE_HOME", ".cache"),
    }
}

/// 32 random bytes from the operating system.
pub fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut bytes[..]).map_err(|error| {
        let what = format!("the operating system gives no random bytes: {error}");
        Problem::new(Code::NoRandomness, what)
            .at_field("getrandom")
            .hint("check what keeps this process from calling getrandom")
    })?;
    Ok(bytes)
}

impl Session<'_> {
    /// The ledger's folder: the one named, otherwise the current folder or its nearest parent that
    /// is a ledger. Errors: [`Code::NotALedger`].
    pub fn folder(&self) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.globals.ledger {
            return Ok(folder.clone());
        }
        let here = std::env::current_dir().map_err(|error| unreadable(Path::new("."), &error))?;
        let found = here.ancestors().find(|folder| is_ledger(folder));
        if let Some(folder) = found {
            // The current folder itself keeps its short name.
            return Ok(if folder == here { PathBuf::from(".") } else { folder.to_owned() });
        }
        Err(Problem::new(
            Code::NotALedger,
            "neither this folder nor one of its parents is a ledger",
        )
        .at(Place::Path(here.display().to_string()))
        .hint("name the ledger's folder with -C, or open one with `revshare init --terms FILE`")
        .into())
    }

    /// The folder in which something new begins: the one named, otherwise the current folder.
    pub fn new_folder(&self) -> PathBuf {
        self.globals.ledger.clone().unwrap_or_else(|| PathBuf::from("."))
    }

    /// The party that the author's key belongs to. Errors: [`Code::NotAParty`] with the key file.
    pub fn author(&self, terms: &Terms, key: PublicKey) -> Result<Author, Problem> {
        self.known(terms.party_of_key(&key), key)
    }

    /// The party of an opened ledger that the author's key belongs to: of any version of the terms,
    /// or of terms that are proposed, so that a new party can accept them. Errors: as above.
    pub fn author_on(&self, agreement: &Agreement, key: PublicKey) -> Result<Author, Problem> {
        let proposed = || {
            let pending = agreement.proposals().values();
            let pending = pending.filter(|one| one.status == ProposalStatus::Pending);
            pending.into_iter().find_map(|one| match &one.what {
                Proposed::Amendment(amendment) => amendment.version.terms.party_of_key(&key),
                Proposed::Rate(_) | Proposed::Contribution(_) => None,
            })
        };
        self.known(agreement.versions().party_of_key(&key).or_else(proposed), key)
    }

    fn known(&self, party: Option<&Party>, key: PublicKey) -> Result<Author, Problem> {
        match party {
            Some(party) => Ok(Author { party: party.id.clone(), key }),
            None => Err(Problem::new(
                Code::NotAParty,
                format!("the key {} is not that of a party of the agreement", key.fingerprint()),
            )
            .at(self.place_of(Code::NotEntitled))
            .hint("`revshare terms show` lists the parties and their keys; another key is given with --key")),
        }
    }

    /// The place of a refusal that has no place of its own: the key or the argument that it is
    /// about, otherwise the ledger.
    pub fn place_of(&self, code: Code) -> Place {
        let path = |path: &Path| Place::Path(path.display().to_string());
        match (code, &self.globals.key) {
            (Code::NotEntitled, Some(key)) => path(key),
            (Code::TimeBackwards | Code::FromTheFuture, _) => {
                Place::Field("--recorded-time".to_owned())
            }
            _ => path(&self.folder().unwrap_or_else(|_| self.new_folder())),
        }
    }

    /// The folders of this user for local state and cache.
    pub fn machine(&self) -> &Machine {
        &self.world.machine
    }

    /// Opens the ledger to read, as it stood at `--at`.
    pub fn read(&mut self, reading: &Reading) -> Result<Standing, Failure> {
        self.read_until(reading.at.as_deref(), "--at")
    }

    /// Likewise, as it stood at a point that an argument of another name gives.
    pub fn read_until(&mut self, point: Option<&str>, what: &str) -> Result<Standing, Failure> {
        let ledger = Ledger::open(&self.folder()?, self.machine())?;
        self.say_notices(&ledger)?;
        let Some(text) = point else {
            return Ok(Standing { ledger, past: None, asked: None });
        };
        let point = Point::parse(text, what)?;
        let seq = point.resolve(&ledger).map_err(|problem| problem.at_field(what))?;
        let is_head = seq.checked_add(1) == Some(ledger.state().next_seq());
        let past = if is_head { None } else { Some(ledger.state_at(seq)?) };
        let recorded_at = past.as_ref().unwrap_or(ledger.state()).recorded_at();
        let asked = match point {
            Point::Time(at) => at,
            Point::Number(_) | Point::Prefix(_) => recorded_at,
        };
        Ok(Standing { ledger, past, asked: Some(asked) })
    }

    /// Opens the ledger to write, with the author's key, and holds `--if-head` against it.
    pub fn write(&mut self, writing: &Writing) -> Result<Desk, Failure> {
        let signer = self.signer()?;
        let folder = self.folder()?;
        let mode = writing.mode();
        let ledger = match mode {
            Mode::Record => Ledger::open_for_writing(&folder, self.machine())?,
            Mode::DryRun => Ledger::open_hashed(&folder, self.machine())?,
        };
        self.say_notices(&ledger)?;
        if let Some(expected) = &writing.if_head {
            admit_head(ledger.state(), expected)?;
        }
        let recorded_at = self.recorded_at(writing, ledger.state())?;
        let author = match ledger.state().agreement() {
            Some(agreement) => self.author_on(agreement, signer.public()?)?,
            None => return Err(Problem::new(Code::NotALedger, "the folder is no ledger").into()),
        };
        let context = Context { author, recorded_at, now: self.world.now };
        Ok(Desk { ledger, signer, context, mode })
    }

    /// Opens the ledger to sign something that vouches for all of it: everything is verified first.
    pub fn write_verified(&mut self, writing: &Writing) -> Result<Desk, Failure> {
        let mut desk = self.write(writing)?;
        desk.ledger.admit_verified(self.world.now)?;
        Ok(desk)
    }

    /// `--recorded-time` as it is given; otherwise the clock, but not before the last record.
    pub fn recorded_at(&self, writing: &Writing, state: &State) -> Result<Timestamp, Failure> {
        match &writing.recorded_time {
            Some(text) => Ok(Timestamp::parse(text).map_err(|p| p.at_field("--recorded-time"))?),
            None => Ok(self.world.now.max(state.recorded_at())),
        }
    }

    /// The author's private key. Errors: [`Code::KeyMissing`], [`Code::KeyFile`],
    /// [`Code::KeyLocked`].
    pub fn signer(&self) -> Result<Signer, Failure> {
        let (path, mut key) = self.key_file()?;
        let of_file = |problem: Problem| problem.at(Place::Path(path.display().to_string()));
        if key.is_locked() {
            key = key.unlocked(&self.passphrase(path)?).map_err(of_file)?;
        }
        Ok(key.signer().map_err(of_file)?)
    }

    /// The public half of the author's key; no passphrase is needed. Errors: as above.
    pub fn public_key(&self) -> Result<PublicKey, Failure> {
        let (path, key) = self.key_file()?;
        Ok(key.public().map_err(|problem| problem.at(Place::Path(path.display().to_string())))?)
    }

    fn key_file(&self) -> Result<(&Path, KeyFile), Failure> {
        let Some(path) = &self.globals.key else {
            return Err(Problem::new(Code::KeyMissing, "no key is given")
                .at_field("--key")
                .hint("give your private key with --key FILE or REVSHARE_KEY; `revshare keygen FILE` makes one")
                .into());
        };
        let place = || Place::Path(path.display().to_string());
        let secret = read_secret(path).map_err(|error| {
            Problem::new(Code::KeyFile, format!("the key cannot be read: {error}"))
                .at(place())
                .hint("check the path and its permissions")
        })?;
        let key = KeyFile::read(&secret.bytes).map_err(|problem| problem.at(place()))?;
        // A file that is no key (the public half, say) has nothing to hide.
        secret.exposed.map_or(Ok((path, key)), |problem| Err(problem.into()))
    }

    fn passphrase(&self, key: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let locked = |message: String| {
            Problem::new(Code::KeyLocked, message)
                .at(Place::Path(key.display().to_string()))
                .hint("put the passphrase into a file and name it in REVSHARE_KEY_PASSPHRASE_FILE")
        };
        if let Some(path) = &self.world.passphrase_file {
            let secret = read_secret(path)
                .map_err(|error| locked(format!("{} cannot be read: {error}", shown_path(path))))?;
            if let Some(problem) = secret.exposed {
                return Err(problem.into());
            }
            let mut text = secret.bytes;
            while text.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                text.pop();
            }
            return Ok(text);
        }
        if !self.world.is_interactive {
            return Err(
                locked("the key has a passphrase, and there is no terminal to ask".into()).into()
            );
        }
        let asked = rpassword::prompt_password(format!("Passphrase of {}: ", shown_path(key)));
        let text = asked.map_err(|error| locked(format!("no passphrase: {error}")))?;
        Ok(Zeroizing::new(Zeroizing::new(text).as_bytes().to_vec()))
    }

    /// What opening found worth saying.
    fn say_notices(&mut self, ledger: &Ledger) -> Result<(), Failure> {
        for notice in ledger.notices() {
            let text = match notice {
                Notice::Cut { bytes, records } => format!(
                    "an unfinished append of {bytes} bytes was cut off; it was never recorded, {records} records stand"
                ),
                Notice::Ignored { bytes, records } => format!(
                    "an unfinished append of {bytes} bytes is ignored; it was never recorded, {records} records stand"
                ),
                Notice::HeadNotRemembered(error) => {
                    format!("this machine could not remember the last record: {error}")
                }
            };
            self.note(&text)?;
        }
        if self.globals.verbose == 0 {
            return Ok(());
        }
        if self.machine().state.is_none() {
            self.note("no state folder: an older copy in its place would not be noticed")?;
        }
        if !ledger.has_cache() {
            self.note("no cache folder: every command reads the whole log")?;
        }
        match ledger.checkpoint_use() {
            CheckpointUse::Without => self.note("the whole log was read"),
            CheckpointUse::Resumed => self.note("what is behind the last checkpoint was read"),
            CheckpointUse::Current => Ok(()),
        }
    }

    /// A message to a person, beside the result.
    pub fn note(&mut self, text: &str) -> Result<(), Failure> {
        let lines = wrap_tree(&format!("note: {text}"), 80);
        self.say(&lines.join("\n"))
    }

    /// A result for a person, on standard error: also with `--quiet`, which keeps hints away.
    pub fn tell(&mut self, text: &str) -> Result<(), Failure> {
        if !self.globals.json {
            self.out.flush()?;
            for line in wrap_tree(text, 80) {
                writeln!(self.err, "{line}")?;
            }
        }
        Ok(())
    }

    /// A line for a person, on standard error, behind what was printed before.
    pub fn say(&mut self, text: &str) -> Result<(), Failure> {
        if !self.globals.quiet && !self.globals.json {
            self.out.flush()?;
            writeln!(self.err, "{text}")?;
        }
        Ok(())
    }

    /// Reads a file, and shows on a terminal how far it got once that takes half a second.
    pub fn progress(&self, source: Box<dyn io::Read>, len: Option<u64>) -> Box<dyn io::Read> {
        if !self.world.is_interactive || self.globals.quiet || self.globals.json {
            return source;
        }
        Box::new(Progress::new(source, len))
    }

    /// Sends what is printed from here on, messages included, through the pager if there is one.
    pub fn page(&mut self) -> Result<(), Failure> {
        let pager = self.world.pager.take().and_then(|words| Pager::start(&words));
        if let Some(pager) = pager {
            self.out.flush()?;
            self.err = Box::new(self.output.sink(pager.clone()));
            self.out = Box::new(BufWriter::new(self.output.sink(pager)));
        }
        Ok(())
    }

    /// What usually comes next.
    pub fn next(&mut self, command: &str) -> Result<(), Failure> {
        let command = self.command(command);
        self.say(&format!("next: {command}"))
    }

    /// A command as it can be typed here: with the folder, if it was named on the command line.
    pub fn command(&self, rest: &str) -> String {
        let from_environment = std::env::var_os("REVSHARE_LEDGER");
        let typed = self
            .globals
            .ledger
            .as_ref()
            .filter(|folder| from_environment.as_deref() != Some(folder.as_os_str()));
        match typed {
            Some(folder) => format!("revshare -C {} {rest}", shell_path(folder)),
            None => format!("revshare {rest}"),
        }
    }

    /// Prints a JSON document.
    pub fn print_json(&mut self, document: &impl serde::Serialize) -> Result<(), Failure> {
        serde_json::to_writer_pretty(&mut self.out, document)?;
        writeln!(self.out)?;
        Ok(())
    }

    /// Prints one JSON document on one line.
    pub fn print_json_line(&mut self, document: &impl serde::Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.out, document)?;
        writeln!(self.out)?;
        Ok(())
    }
}

/// Whether a folder is a ledger.
pub fn is_ledger(folder: &Path) -> bool {
    Ledger::exists(folder)
}

/// `--if-head` names the head. Errors: [`Code::HeadMoved`].
pub fn admit_head(state: &State, expected: &str) -> Result<(), Failure> {
    let Some(prefix) = Prefix::parse(expected) else {
        return Err(bad_argument(
            "--if-head",
            format!("`{}` is no hash (--if-head)", expected.escape_debug()),
            "give at least 6 hexadecimal digits of the head's hash",
        ));
    };
    if prefix.fits(&state.head().0) {
        return Ok(());
    }
    let last = state.next_seq().saturating_sub(1);
    Err(Problem::new(
        Code::HeadMoved,
        format!("the head is record {last} {}, not {}", state.head().0.short(), prefix.as_str()),
    )
    .at_field("--if-head")
    .hint("look at what was recorded since (`revshare history`), then decide again")
    .into())
}

impl Standing {
    /// The state as it stood.
    pub fn state(&self) -> &State {
        self.past.as_ref().unwrap_or(self.ledger.state())
    }

    /// The agreement as it stood. An opened ledger has one.
    pub fn agreement(&self) -> Result<&Agreement, Failure> {
        self.state()
            .agreement()
            .ok_or_else(|| Problem::new(Code::NotALedger, "the folder is no ledger").into())
    }

    /// The last record that counts.
    pub fn seq(&self) -> u64 {
        self.state().next_seq().saturating_sub(1)
    }

    /// Whether an earlier state is looked at.
    pub fn is_past(&self) -> bool {
        self.past.is_some()
    }

    /// The day on which it is looked at: the one asked for, that of the record asked for, or that
    /// of the clock.
    pub fn today(&self, world: &World) -> Date {
        match self.asked {
            Some(asked) => asked.date(),
            None => world.now.max(self.state().recorded_at()).date(),
        }
    }

    /// The state's place, for JSON.
    pub fn at(&self) -> json::At {
        json::At {
            seq: self.seq(),
            head: self.state().head().to_string(),
            recorded_at: self.state().recorded_at().to_string(),
        }
    }

    /// The state's place, for a title: empty at the head.
    pub fn as_of(&self) -> String {
        match self.is_past() {
            true => format!(" as of record {} ({})", self.seq(), self.state().recorded_at().date()),
            false => String::new(),
        }
    }
}

impl Desk {
    /// Records a report or correction whose lines are added by `add`; what `add` gives back.
    pub fn report<T>(
        &mut self,
        command: Command,
        add: impl FnOnce(&mut ReportDraft) -> Result<T, Failure>,
    ) -> Result<(Outcome, T), Failure> {
        let nonce = random()?;
        let signing = Signing { signer: &self.signer, nonce: *nonce };
        let mut report = self.ledger.begin_report(command, &self.context, &signing, self.mode)?;
        let added = add(&mut report)?;
        Ok((report.finish()?, added))
    }

    /// Submits a command.
    pub fn submit(&mut self, command: Command) -> Result<Outcome, Failure> {
        let nonce = random()?;
        let signing = Signing { signer: &self.signer, nonce: *nonce };
        Ok(self.ledger.submit(command, &self.context, &signing, self.mode)?)
    }
}
