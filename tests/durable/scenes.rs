//! What the tests let fail: every kind of command, on a disk in memory.

use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::sync::OnceLock;

use ledger_core::chain::frame_len;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Mode;
use ledger_core::ledger::verify_copy;
use ledger_core::machine::Machine;
use ledger_core::pull::pull_on;
use ledger_core::verify::Options;
use ledger_core::verify::Verdict;
use ledger_core::verify::verify;
use ledger_core::vocab::Problem;
use ledger_core::vocab::Timestamp;
use revshare_kit::SimulatedDisk;
use revshare_kit::disk::in_memory;
use revshare_kit::everything;
use revshare_kit::keys::signer;
use revshare_kit::world::Said;

/// The ledger's folder on the disk.
pub const LEDGER: &str = "/home/acme";
/// The folder of the local state.
pub const STATE: &str = "/home/.state";
/// The folder of the cache.
pub const CACHE: &str = "/home/.cache";
/// The other party's copy.
pub const THEIRS: &str = "/home/meta";

/// The only segment of a ledger.
pub fn segment_of(ledger: &str) -> std::path::PathBuf {
    Path::new(ledger).join("log/00000000.seg")
}

/// A ledger with every kind of event.
pub struct Everything {
    /// The bytes of its only segment.
    pub log: Vec<u8>,
    /// What was said.
    pub said: Vec<Said>,
    /// Where the record with a number ends; the first is the end of the header.
    ends: Vec<usize>,
}

impl Everything {
    /// The log with so many records; empty for none.
    pub fn until(&self, records: u64) -> Vec<u8> {
        match records {
            0 => Vec::new(),
            records => self.log[..self.ends[records as usize]].to_vec(),
        }
    }

    /// Where in the log a record stands.
    pub fn place(&self, record: u64) -> Range<usize> {
        self.ends[record as usize]..self.ends[record as usize + 1]
    }

    /// How many records.
    pub fn records(&self) -> u64 {
        self.ends.len() as u64 - 1
    }
}

/// It is made, and verified at every length, once.
pub fn all() -> &'static Everything {
    static ALL: OnceLock<Everything> = OnceLock::new();
    ALL.get_or_init(|| {
        let world = everything();
        let log = world.segments().remove(0);
        let mut ends = vec![64];
        while let Some(len) = frame_len(&log[ends[ends.len() - 1]..]) {
            ends.push(ends[ends.len() - 1] + len);
        }
        let all = Everything { log, said: world.said().to_vec(), ends };
        for said in &all.said {
            let verdict = verify(&in_memory(vec![all.until(said.after)]), &Options::default());
            assert!(verdict.is_valid() && verdict.notices.is_empty(), "{:?}", verdict.findings);
        }
        all
    })
}

/// The machine that has the disk.
pub fn machine() -> Machine {
    Machine { state: Some(PathBuf::from(STATE)), cache: Some(PathBuf::from(CACHE)) }
}

/// Verifies the ledger on a disk, or what is new of it.
pub fn check(disk: &SimulatedDisk, only_new: bool) -> Verdict {
    let now = Some(Timestamp::parse("2027-01-01T00:00:00Z").expect("a time"));
    let options = Options { now, ..Options::default() };
    verify_copy(&disk.files(), (Path::new(LEDGER), &machine()), options, only_new)
}

/// Opens the ledger on a disk to write, or makes its folder.
pub fn writer(disk: &SimulatedDisk, is_new: bool) -> Result<Ledger, Problem> {
    let folder = Path::new(LEDGER);
    match is_new {
        true => Ledger::create_on(&disk.files(), folder, &machine()),
        false => Ledger::open_for_writing_on(&disk.files(), folder, &machine()),
    }
}

/// Opens the ledger on a disk to read.
pub fn reader(disk: &SimulatedDisk) -> Result<Ledger, Problem> {
    Ledger::open_on(&disk.files(), Path::new(LEDGER), &machine())
}

/// Takes over what the other copy has, so many bytes at least at once.
pub fn pull(disk: &SimulatedDisk, group_len: usize) -> Result<(), Problem> {
    let machine = machine();
    let ours = (Path::new(LEDGER), &machine);
    let now = Timestamp::parse("2027-01-01T00:00:00Z").expect("a time");
    let files = (&disk.files(), group_len);
    pull_on(files, ours, Path::new(THEIRS), now, Mode::Record).map(|_| ())
}

/// What is done.
#[derive(Clone)]
pub enum Deed {
    /// A command.
    Says(Box<Said>),
    /// Several commands of one party, as a group.
    SaysTogether(Vec<Said>),
    /// A pull.
    Pulls,
    /// The ledger is opened to write, and an unfinished append cut.
    Cuts,
}

/// A disk, what is done on it, and what the log is before and after.
#[derive(Clone)]
pub struct Scene {
    /// For messages.
    pub name: String,
    /// The disk before.
    pub disk: SimulatedDisk,
    /// What is done.
    pub deed: Deed,
    /// Records before.
    pub before: u64,
    /// Records after.
    pub after: u64,
    /// Whether this machine knows the ledger from before, and reads it only to see that it is the same.
    pub knows: bool,
}

impl Scene {
    /// Does it; a ledger that was opened is given back.
    pub fn run(&self, disk: &SimulatedDisk) -> (Result<(), Problem>, Option<Ledger>) {
        if let Deed::Pulls = self.deed {
            return (pull(disk, usize::MAX), None);
        }
        let mut ledger = match writer(disk, self.before == 0) {
            Ok(ledger) => ledger,
            Err(problem) => return (Err(problem), None),
        };
        let done = match &self.deed {
            Deed::Says(said) => said.again(&mut ledger).map(|_| ()),
            Deed::SaysTogether(group) => {
                let signer = signer(&group[0].party);
                let commands = group.iter().map(Said::in_group);
                let said = ledger.submit_all(commands, &signer, Mode::Record);
                said.map(|_| ()).map_err(|refusal| *refusal.problem)
            }
            _ => Ok(()),
        };
        (done, Some(ledger))
    }
}

/// What one party said several times in a row, as groups.
fn together(commands: &[Scene]) -> Vec<Scene> {
    let all = all();
    let same = |a: &Said, b: &Said| a.party == b.party && a.fits_group() && b.fits_group();
    let runs = all.said.chunk_by(same).filter(|run| run.len() > 1 && run[0].before > 0);
    let scene = |run: &[Said]| {
        let (before, after) = (run[0].before, run[run.len() - 1].after);
        let disk = commands.iter().find(|scene| scene.before == before)?.disk.copy();
        let name = format!("records {before} to {after} as a group");
        let deed = Deed::SaysTogether(run.to_vec());
        let scene = Scene { name, disk: disk.copy(), deed, before, after, knows: false };
        let (done, ledger) = scene.run(&disk);
        drop(ledger);
        done.unwrap_or_else(|problem| panic!("{}: {problem}", scene.name));
        assert_eq!(disk.bytes(&segment_of(LEDGER)), Some(all.until(after)), "{}", scene.name);
        Some(scene)
    };
    let scenes: Vec<Scene> = runs.filter_map(scene).collect();
    assert!(!scenes.is_empty(), "somebody says two things in a row");
    scenes
}

/// Every command of the ledger with every kind of event; what was said in a row, as groups; pulls of one record, of several, and into
/// a new folder; openings that cut what was left of each append; and commands on a ledger that this
/// machine knows.
pub fn scenes() -> Vec<Scene> {
    let all = all();
    let mut scenes = Vec::new();
    let disk = SimulatedDisk::default();
    disk.put(Path::new("/home/readme"), b"a folder");
    for said in &all.said {
        let (before, after) = (said.before, said.after);
        let name = format!("record {before}, {:.24}", format!("{:?}", said.command));
        let deed = Deed::Says(Box::new(said.clone()));
        let scene = Scene { name, disk: disk.copy(), deed, before, after, knows: false };
        let (done, ledger) = scene.run(&disk);
        drop(ledger);
        done.unwrap_or_else(|problem| panic!("{}: {problem}", scene.name));
        assert_eq!(disk.bytes(&segment_of(LEDGER)), Some(all.until(after)), "{}", scene.name);
        scenes.push(scene);
    }
    let commands = scenes.clone();
    for scene in together(&commands) {
        scenes.push(scene);
    }
    for ahead in [1, 3] {
        for scene in commands.iter().step_by(7) {
            let (before, after) = (scene.before, (scene.before + ahead).min(all.records()));
            let after = all.said.iter().map(|said| said.after).find(|end| *end >= after);
            let Some(after) = after else { continue };
            let disk = scene.disk.copy();
            disk.put(&segment_of(THEIRS), &all.until(after));
            let name = format!("pull of records {before} to {after}");
            scenes.push(Scene { name, disk, deed: Deed::Pulls, before, after, knows: false });
        }
    }
    for scene in commands.iter().filter(|scene| scene.before > 0) {
        let (before, after) = (all.until(scene.before), all.until(scene.after));
        let disk = scene.disk.copy();
        disk.put(&segment_of(LEDGER), &after[..(before.len() + after.len()) / 2]);
        let name = format!("cut of record {}", scene.before);
        scenes.push(Scene {
            name,
            disk,
            deed: Deed::Cuts,
            before: scene.before,
            after: scene.before,
            knows: false,
        });
    }
    for scene in commands.iter().filter(|scene| scene.before > 0).step_by(4) {
        let disk = scene.disk.copy();
        assert!(check(&disk, false).is_valid());
        let name = format!("{}, with a checkpoint", scene.name);
        scenes.push(Scene { name, disk, knows: true, ..scene.clone() });
    }
    scenes
}
