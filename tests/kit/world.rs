//! A ledger in a folder of its own, with a clock and everybody's keys.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use ledger_core::chain::Signer;
use ledger_core::command::Command;
use ledger_core::decide::Context;
use ledger_core::event::Author;
use ledger_core::event::TermsVersion;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Mode;
use ledger_core::ledger::Outcome;
use ledger_core::ledger::Signing;
use ledger_core::machine::Machine;
use ledger_core::state::Agreement;
use ledger_core::state::State;
use ledger_core::state::root;
use ledger_core::terms::Terms;
use ledger_core::vocab::Digest;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use ledger_core::vocab::Period;
use ledger_core::vocab::Problem;
use ledger_core::vocab::StateRoot;
use ledger_core::wire::terms::terms_digest;
use tempfile::TempDir;

use crate::clock::Clock;
use crate::keys;
use crate::plans::TermsPlan;

/// A scratch folder: in memory where the system has a place for that, since most tests ask what
/// the ledger does and not whether a disk keeps it.
pub fn scratch() -> TempDir {
    let shared_memory = Path::new("/dev/shm");
    if shared_memory.is_dir()
        && let Ok(folder) = TempDir::new_in(shared_memory)
    {
        return folder;
    }
    TempDir::new().expect("a scratch folder")
}

/// A ledger, its clock, and the keys of its parties.
#[derive(Debug)]
pub struct World {
    root: TempDir,
    ledger: Ledger,
    clock: Clock,
    nonces: u64,
    with_cache: bool,
    plans: BTreeMap<Digest, TermsPlan>,
    said: Vec<Said>,
}

/// What a party said that was recorded, with everything that makes the same records of it again.
#[derive(Clone, Debug)]
pub struct Said {
    /// The party.
    pub party: String,
    /// What it wished.
    pub command: Command,
    /// As whom, and when.
    pub context: Context,
    /// The nonce.
    pub nonce: [u8; 16],
    /// How many records were there before.
    pub before: u64,
    /// How many records were there after it.
    pub after: u64,
}

impl Said {
    /// As one of a group of commands.
    pub fn in_group(&self) -> (Command, Context, [u8; 16]) {
        (self.command.clone(), self.context.clone(), self.nonce)
    }

    /// Whether it can be one of a group.
    pub fn fits_group(&self) -> bool {
        !matches!(self.command, Command::ReportUsage { .. } | Command::CorrectUsage { .. })
    }

    /// Says it in a copy of the ledger.
    pub fn again(&self, ledger: &mut Ledger) -> Result<Outcome, Problem> {
        let key = keys::signer(&self.party);
        let signing = Signing { signer: &key, nonce: self.nonce };
        ledger.submit(self.command.clone(), &self.context, &signing, Mode::Record)
    }
}

/// Another machine than the one that a ledger was written on, with its folders beside the ledger's.
pub fn another_machine(ledger: &Path) -> Machine {
    Machine::in_folder(&ledger.with_file_name("another-machine"))
}

/// A machine with its folders in a scratch folder.
fn machine(scratch: &Path, with_cache: bool) -> Machine {
    let machine = Machine::in_folder(scratch);
    Machine { cache: machine.cache.filter(|_| with_cache), ..machine }
}

impl World {
    /// A ledger that nobody has opened yet, on a machine without a cache.
    pub fn new() -> World {
        World::with(false)
    }

    /// Likewise, on a machine with a cache.
    pub fn with_cache() -> World {
        World::with(true)
    }

    fn with(with_cache: bool) -> World {
        let root = scratch();
        let machine = machine(root.path(), with_cache);
        let ledger =
            Ledger::create(&root.path().join("ledger"), &machine).expect("a folder for a ledger");
        World {
            root,
            ledger,
            clock: Clock::at("2026-01-01T00:00:00Z"),
            nonces: 0,
            with_cache,
            plans: BTreeMap::new(),
            said: Vec::new(),
        }
    }

    /// A ledger that is opened by the collector and accepted by every other money party.
    pub fn in_force(terms: Terms) -> World {
        let mut world = World::new();
        world.open_and_accept(terms);
        world
    }

    /// Opens the ledger as its collector, and lets every other money party accept.
    pub fn open_and_accept(&mut self, terms: Terms) {
        self.open_and_accept_at(terms, Level::LATEST);
    }

    /// Likewise, at a format level.
    pub fn open_and_accept_at(&mut self, terms: Terms, level: Level) {
        let collector = terms.collector().expect("terms have a collector").clone();
        let others: Vec<Id> = terms
            .parties
            .iter()
            .filter(|party| party.role.is_money_party() && party.id != collector)
            .map(|party| party.id.clone())
            .collect();
        self.must(collector.as_str(), Command::OpenLedger(Box::new(version_at(terms, level))));
        let (opening, _) = self.agreement().opening();
        for party in others {
            self.must(party.as_str(), Command::Accept(opening));
        }
    }

    /// A party says something.
    pub fn submit(&mut self, party: &str, command: Command) -> Result<Outcome, Problem> {
        let key = keys::signer(party);
        self.submit_with_key(party, &key, command)
    }

    /// A party says something, with a key that may not be its own.
    pub fn submit_with_key(
        &mut self,
        party: &str,
        key: &Signer,
        command: Command,
    ) -> Result<Outcome, Problem> {
        self.clock.tick();
        self.nonces += 1;
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.nonces.to_le_bytes());
        let context = self.context(party, key);
        let before = self.state().next_seq();
        let signing = Signing { signer: key, nonce };
        let outcome = self.ledger.submit(command.clone(), &context, &signing, Mode::Record)?;
        let (party, after) = (party.to_owned(), self.state().next_seq());
        self.said.push(Said { party, command, context, nonce, before, after });
        Ok(outcome)
    }

    /// A party says something that must be admissible.
    #[track_caller]
    pub fn must(&mut self, party: &str, command: Command) -> Outcome {
        let shown = format!("{command:?}");
        self.submit(party, command)
            .unwrap_or_else(|problem| panic!("{party}: {problem}\n{:.400}", shown))
    }

    /// Author and time of what a party would say now.
    pub fn context(&self, party: &str, key: &Signer) -> Context {
        let party = Id::parse(party).expect("a party id");
        let author = Author { party, key: key.public().expect("a key that is not weak") };
        Context { author, recorded_at: self.clock.now(), now: self.clock.now() }
    }

    /// Everything that was recorded, in order.
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// The plan that wrote terms with a digest.
    pub(crate) fn plan_of(&self, terms: &Digest) -> Option<&TermsPlan> {
        self.plans.get(terms)
    }

    /// Keeps the plan that wrote terms with a digest.
    pub(crate) fn keep_plan(&mut self, terms: Digest, plan: TermsPlan) {
        self.plans.insert(terms, plan);
    }

    /// The clock.
    pub fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The ledger, to write in it by hand.
    pub fn ledger_mut(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// The state at the head.
    pub fn state(&self) -> &State {
        self.ledger.state()
    }

    /// What is known of the agreement.
    pub fn agreement(&self) -> &Agreement {
        self.state().agreement().expect("the ledger is opened")
    }

    /// The state root at the head.
    pub fn root(&self) -> StateRoot {
        state_root(self.state())
    }

    /// The ledger's folder.
    pub fn folder(&self) -> PathBuf {
        self.root.path().join("ledger")
    }

    /// The machine that it is written on.
    pub fn machine(&self) -> Machine {
        machine(self.root.path(), self.with_cache)
    }

    /// The bytes of the segment files, in order.
    pub fn segments(&self) -> Vec<Vec<u8>> {
        segments(&self.folder())
    }

    /// Opens the ledger's folder again, to read.
    pub fn reopened(&self) -> Result<Ledger, Problem> {
        Ledger::open(&self.folder(), &self.machine())
    }

    /// Lets go of the ledger; its folder stays until the returned handle is dropped.
    pub fn close(self) -> TempDir {
        self.root
    }

    /// The report in effect of a period whose chain began first.
    pub fn report_of(&self, period: Period) -> Option<EventId> {
        self.agreement().in_effect(period).first().map(|report| report.id)
    }
}

impl Default for World {
    fn default() -> World {
        World::new()
    }
}

/// The terms as the ledger is opened with.
pub fn version(terms: Terms) -> TermsVersion {
    version_at(terms, Level::LATEST)
}

/// The terms as a ledger of a format level is opened with.
pub fn version_at(terms: Terms, level: Level) -> TermsVersion {
    let digest = terms_digest(&terms, level).expect("terms have an encoding");
    TermsVersion { terms, digest, level }
}

/// The bytes of the segment files of a ledger's folder, in order.
pub fn segments(ledger: &Path) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = fs::read_dir(ledger.join("log"))
        .expect("the log's folder")
        .map(|entry| entry.expect("an entry of the log's folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    files.sort();
    files.iter().map(|path| fs::read(path).expect("a segment")).collect()
}

/// The state root of a state whose sums are in bounds.
pub fn state_root(state: &State) -> StateRoot {
    root::state_root(state).expect("sums in bounds")
}
