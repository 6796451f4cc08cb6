//! Small events made durable, one by one and in groups, beside what the disk and the signatures
//! take alone.

use std::fs;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use revshare_core::chain::Signer;
use revshare_core::command::Command;
use revshare_core::decide::Context;
use revshare_core::event::Author;
use revshare_core::intake::terms::read_terms;
use revshare_core::ledger::Ledger;
use revshare_core::ledger::Mode;
use revshare_core::ledger::Signing;
use revshare_core::view;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Date;
use revshare_core::vocab::Id;
use revshare_core::vocab::RecordHash;
use revshare_core::vocab::Text;
use revshare_core::vocab::Timestamp;

use crate::generate;
use crate::machine;

/// Small events, one sync each: in rounds, each between those of the bare disk, which is not the
/// same from one second to the next.
const SINGLE: u32 = 200;
const ROUNDS: usize = 15;
/// Small events in groups, and how many share a sync.
const GROUPED: u32 = 100_000;
const GROUP: u32 = 1_000;

pub fn run(folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    let mut small = Small::open(&folder.join("single"));
    let mut bare = Bare::new(folder);
    let mut number = 0..;
    let rounds: Vec<[Duration; 4]> = (0..ROUNDS)
        .map(|_| {
            [
                timed(|| small.one(number.next().expect("a number"))),
                timed(|| bare.append(4096)),
                timed(|| bare.append(400)),
                timed(|| bare.overwrite()),
            ]
        })
        .collect();
    let mut small = Small::open(&folder.join("groups"));
    let started = Instant::now();
    small.many(0..GROUPED, GROUP);
    let grouped = started.elapsed();
    let started = Instant::now();
    for number in 0..GROUPED {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_le_bytes());
        std::hint::black_box(small.host.0.sign(RecordHash::from_bytes(hash)));
    }
    let signing = started.elapsed();
    let rate = |count: u32, time: Duration| f64::from(count) / time.as_secs_f64();
    let median = |of: &dyn Fn(&[Duration; 4]) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[ROUNDS / 2]
    };
    let of = |what: usize| median(&|round| rate(SINGLE, round[what]));
    let to = |what: usize| median(&|round| round[what].as_secs_f64() / round[0].as_secs_f64());
    println!("small events (about 400 bytes), durable; medians of {ROUNDS} rounds");
    println!("  decided, judged, signed, one sync each  {:>9.0} /s", of(0));
    println!("  bare append of 4 KiB and fdatasync      {:>9.0} /s", of(1));
    println!("  bare append of 400 bytes and fdatasync  {:>9.0} /s", of(2));
    println!("  bare overwriting of zeros and fdatasync {:>9.0} /s", of(3));
    println!("  events / bare appends of 4 KiB          {:>9.2}", to(1));
    println!("  events / bare appends of 400 bytes      {:>9.2}", to(2));
    println!("  {GROUP} under one sync                  {:>9.0} /s", rate(GROUPED, grouped));
    println!("  Ed25519 signing alone, one thread       {:>9.0} /s", rate(GROUPED, signing));
}

fn timed(mut one: impl FnMut()) -> Duration {
    let started = Instant::now();
    (0..SINGLE).for_each(|_| one());
    started.elapsed()
}

/// The disk alone.
struct Bare {
    appended: [(usize, File); 2],
    zeroed: File,
    overwritten: u64,
}

impl Bare {
    fn new(folder: &Path) -> Bare {
        let file = |name: &str| File::create(folder.join(name)).expect("a file");
        let mut zeroed = file("zeroed");
        let zeros = vec![0; 400 * SINGLE as usize * ROUNDS];
        zeroed.write_all(&zeros).and_then(|()| zeroed.sync_all()).expect("zeros");
        let appended = [(4096, file("blocks")), (400, file("small"))];
        Bare { appended, zeroed, overwritten: 0 }
    }

    /// Appends so many bytes and syncs.
    fn append(&mut self, len: usize) {
        let (_, file) = self.appended.iter_mut().find(|(of, _)| *of == len).expect("a file");
        file.write_all(&vec![1; len]).and_then(|()| file.sync_data()).expect("synced");
    }

    /// Writes 400 bytes over zeros that were synced before.
    fn overwrite(&mut self) {
        let written = self.zeroed.write_all_at(&[1; 400], self.overwritten * 400);
        written.and_then(|()| self.zeroed.sync_data()).expect("synced");
        self.overwritten += 1;
    }
}

/// A ledger in force that small events are added to.
pub struct Small {
    ledger: Ledger,
    host: (Signer, Context),
    owner: Id,
}

impl Small {
    /// Opens and accepts a ledger.
    pub fn open(folder: &Path) -> Small {
        let (host, owner) = (signer(7), signer(8));
        let key = |signer: &Signer| signer.public().expect("a key");
        let terms = generate::TERMS
            .replace("@host@", &key(&host).to_string())
            .replace("@owner@", &key(&owner).to_string());
        let terms = read_terms("terms.toml", terms.as_bytes()).terms.expect("terms");
        let now = Timestamp::parse("2026-07-01T00:00:00Z").expect("a time");
        let context = |party: &str, signer: &Signer| Context {
            author: Author { party: Id::parse(party).expect("an id"), key: key(signer) },
            recorded_at: now,
            now,
        };
        let mut ledger = Ledger::create(folder, &machine(folder)).expect("a folder");
        let version = view::terms::version(terms).expect("terms that fit");
        let (as_host, as_owner) = (context("host", &host), context("owner", &owner));
        let signing = Signing { signer: &host, nonce: [1; 16] };
        let open = Command::OpenLedger(Box::new(version));
        let opened = ledger.submit(open, &as_host, &signing, Mode::Record).expect("opened");
        let signing = Signing { signer: &owner, nonce: [1; 16] };
        let accept = Command::Accept(opened.fact.id);
        ledger.submit(accept, &as_owner, &signing, Mode::Record).expect("accepted");
        Small { ledger, host: (host, as_host), owner: as_owner.author.party }
    }

    /// Opens such a ledger again, on the same machine.
    pub fn reopen(folder: &Path) -> Small {
        let ledger = Ledger::open_for_writing(folder, &machine(folder)).expect("a ledger");
        let (host, now) = (signer(7), Timestamp::parse("2026-07-01T00:00:00Z").expect("a time"));
        let author =
            Author { party: Id::parse("host").expect("an id"), key: host.public().expect("a key") };
        let context = Context { author, recorded_at: now, now };
        Small { ledger, host: (host, context), owner: Id::parse("owner").expect("an id") }
    }

    fn payout(&self, number: u32) -> Command {
        Command::SendPayout {
            to: self.owner.clone(),
            amount: Amount::parse("1.00").expect("an amount"),
            on_account: true,
            sent_on: Date::parse("2026-07-01").expect("a day"),
            reference: Text::parse(&format!("payout {number}")).expect("a text"),
        }
    }

    /// Records one event by itself.
    pub fn one(&mut self, number: u32) {
        let command = self.payout(number);
        let (signer, context) = &self.host;
        let signing = Signing { signer, nonce: [2; 16] };
        self.ledger.submit(command, context, &signing, Mode::Record).expect("recorded");
    }

    /// Records events in groups that share a sync.
    pub fn many(&mut self, numbers: std::ops::Range<u32>, group: u32) {
        let mut from = numbers.start;
        while from < numbers.end {
            let to = numbers.end.min(from + group);
            let context = self.host.1.clone();
            let wishes: Vec<_> =
                (from..to).map(|number| (self.payout(number), context.clone(), [2; 16])).collect();
            self.ledger.submit_all(wishes, &self.host.0, Mode::Record).expect("recorded");
            from = to;
        }
    }
}

fn signer(secret: u8) -> Signer {
    Signer::from_secret(&[secret; 32]).expect("a key")
}
