//! Power cuts at random moments of long histories, one after another.

use std::path::Path;
use std::sync::Mutex;

use ledger_core::vocab::Code;
use revshare_kit::SimulatedDisk;
use revshare_kit::simulated::Dice;
use revshare_kit::simulated::Fault;
use revshare_kit::simulated::Operation;

use crate::scenes::LEDGER;
use crate::scenes::THEIRS;
use crate::scenes::all;
use crate::scenes::pull;
use crate::scenes::reader;
use crate::scenes::segment_of;
use crate::scenes::writer;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not `{text}`")))
}

/// Operations that change something.
const CHANGES: [Operation; 5] = [
    Operation::Write,
    Operation::Sync,
    Operation::SyncFolder,
    Operation::Rename,
    Operation::SetLen,
];

/// What happened in a history.
#[derive(Clone, Copy, Default, Debug)]
struct Happened {
    crashes: u64,
    /// The writer was in the middle of something.
    interrupted: u64,
    /// The append that was under way was whole afterwards.
    whole: u64,
    /// A writer found something to cut.
    cut: u64,
}

/// A disk and what was said to be recorded on it.
struct History {
    disk: SimulatedDisk,
    dice: Dice,
    recorded: u64,
    happened: Happened,
    seed: u64,
}

impl History {
    fn new(seed: u64) -> History {
        let disk = SimulatedDisk::default();
        disk.put(Path::new("/home/readme"), b"a folder");
        let dice = Dice::new(seed);
        History { disk, dice, recorded: 0, happened: Happened::default(), seed }
    }

    fn is_there(&self) -> bool {
        self.disk.bytes(&segment_of(LEDGER)).is_some()
    }

    /// Mostly, the power is to fail at some operation of what follows: at any, or at one that
    /// changes something.
    fn plan(&mut self) {
        let number = 1 + self.dice.below(60);
        match self.dice.below(8) {
            0 => self.disk.plan(None),
            1 | 2 => self.disk.plan(Some((number, Fault::Gone))),
            3..=5 => self.disk.plan_of(Operation::Sync, (1 + number % 2, Fault::Gone)),
            _ => {
                let kind = CHANGES[self.dice.below(CHANGES.len())];
                self.disk.plan_of(kind, (1 + number % 4, Fault::Gone));
            }
        }
    }

    /// The power fails, perhaps again while the ledger is opened. What was said to be recorded is
    /// there, nothing half is, and at most the append that was under way besides.
    fn lose_power(&mut self, most: u64) {
        loop {
            self.happened.crashes += 1;
            self.happened.interrupted += u64::from(self.disk.met().is_some());
            self.disk.lose_power(&mut self.dice);
            if !self.is_there() {
                assert_eq!(self.recorded, 0, "seed {}: the ledger is gone", self.seed);
                return;
            }
            let read = reader(&self.disk);
            let read = read.unwrap_or_else(|problem| panic!("seed {}: {problem}", self.seed));
            let records = read.state().next_seq();
            let seed = self.seed;
            assert!(records >= self.recorded, "seed {seed}: {records} of {}", self.recorded);
            assert!(records <= most, "seed {seed}: {records} records, at most {most}");
            if self.dice.below(3) == 0 {
                self.plan();
                drop(writer(&self.disk, false));
                continue;
            }
            let opened = writer(&self.disk, false);
            let opened = opened.unwrap_or_else(|problem| panic!("seed {seed}: {problem}"));
            assert_eq!(opened.state().next_seq(), records, "seed {seed}");
            self.happened.cut += opened.notices().len() as u64;
            self.happened.whole += u64::from(records > self.recorded);
            let log = self.disk.bytes(&segment_of(LEDGER)).expect("it is there");
            assert!(log == all().until(records), "seed {seed}: the log is none that was there");
            // Now it is said to be recorded.
            self.recorded = records;
            return;
        }
    }

    /// Says everything; the power fails on the way, before or after.
    fn by_commands(mut self) -> Happened {
        for said in &all().said {
            while self.recorded < said.after {
                self.plan();
                let done = writer(&self.disk, !self.is_there())
                    .and_then(|mut ledger| said.again(&mut ledger).map(|_| ()));
                match done {
                    Ok(()) => self.recorded = said.after,
                    Err(problem) => assert!(
                        matches!(
                            problem.code,
                            Code::DiskRead | Code::DiskWrite | Code::DiskFull | Code::Reopen
                        ),
                        "seed {}: {problem}",
                        self.seed
                    ),
                }
                self.lose_power(said.after);
            }
        }
        self.happened
    }

    /// Pulls what another copy has, which grows by a few records at a time.
    fn by_pulls(mut self) -> Happened {
        let ends: Vec<u64> = all().said.iter().map(|said| said.after).collect();
        let mut at = 0;
        while at < ends.len() {
            at = (at + 1 + self.dice.below(6)).min(ends.len());
            let theirs = ends[at - 1];
            self.disk.put(&segment_of(THEIRS), &all().until(theirs));
            while self.recorded < theirs {
                self.plan();
                if pull(&self.disk, usize::MAX).is_ok() {
                    self.recorded = theirs;
                }
                self.lose_power(theirs);
            }
            if at == ends.len() {
                break;
            }
        }
        self.happened
    }
}

#[test]
fn power_cuts_lose_nothing_that_was_recorded() {
    let wanted = number("REVSHARE_CRASHES").unwrap_or(3_000);
    let first = number("REVSHARE_SEED").unwrap_or(20_261_125);
    let next = std::sync::atomic::AtomicU64::new(0);
    let total = Mutex::new((0u64, Happened::default()));
    let _ = all();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |count| count.get()) {
            scope.spawn(|| {
                while total.lock().expect("counts").1.crashes < wanted {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let history = History::new(first.wrapping_add(number));
                    let happened = match number % 4 {
                        3 => history.by_pulls(),
                        _ => history.by_commands(),
                    };
                    let mut total = total.lock().expect("counts");
                    total.0 += 1;
                    total.1.crashes += happened.crashes;
                    total.1.interrupted += happened.interrupted;
                    total.1.whole += happened.whole;
                    total.1.cut += happened.cut;
                }
            });
        }
    });
    let (histories, Happened { crashes, interrupted, whole, cut }) =
        total.into_inner().expect("counts");
    println!(
        "crashes: {crashes} power cuts in {histories} histories from seed {first}, {interrupted} of them in the middle of a command: {cut} unfinished appends cut, {whole} whole ones kept, none refused"
    );
    assert!(crashes >= wanted && (wanted < 1_000 || (cut > 0 && whole > 0)));
}
