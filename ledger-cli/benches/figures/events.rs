//! A million small signed events: `verify` beside Ed25519 strict verification alone, on all cores.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use ed25519_dalek::Signature;
use ed25519_dalek::VerifyingKey;
use rayon::prelude::*;
use revshare_core::chain;
use revshare_core::chain::Place;
use revshare_core::chain::StoredRecord;
use revshare_core::event::Acceptance;
use revshare_core::event::Event;
use revshare_core::event::Fact;
use revshare_core::event::PayoutReceipt;
use revshare_core::evolve::evolve;
use revshare_core::machine::Machine;
use revshare_core::payout::Payout;
use revshare_core::replay::ledger_id;
use revshare_core::state::State;
use revshare_core::store::Batch;
use revshare_core::store::DiskLog;
use revshare_core::store::Reader;
use revshare_core::vocab::Amount;
use revshare_core::vocab::ContentDigest;
use revshare_core::vocab::Date;
use revshare_core::vocab::EventId;
use revshare_core::vocab::Level;
use revshare_core::vocab::Text;
use revshare_core::vocab::Timestamp;
use revshare_core::wire::event::seal;

use crate::measure;
use crate::median;
use crate::rerating::Party;
use crate::rerating::party;
use crate::rerating::terms;
use crate::revshare_on;

/// Frames that are appended at once: a segment of 7 MB. The last has half of that, and more may
/// come to it one by one.
const GROUP: usize = 23_000;

/// Rounds in which two commands are timed in turn.
const ROUNDS: usize = 15;

/// A log under construction, without a sync for each record.
struct Writer {
    log: DiskLog,
    state: State,
    frames: Vec<Vec<u8>>,
    first_seq: u64,
    /// Frames that are appended at once.
    group: usize,
}

impl Writer {
    fn new(folder: &Path) -> Writer {
        let log = DiskLog::create(folder).expect("folder");
        let (state, frames) = (State::default(), Vec::new());
        Writer { log, state, frames, first_seq: 0, group: GROUP }
    }

    fn say(&mut self, party: &Party, event: Event) -> (EventId, ContentDigest) {
        let place = Place {
            ledger: ledger_id(&self.state),
            seq: self.state.next_seq(),
            previous: self.state.head(),
            recorded_at: Timestamp::parse("2026-07-01T00:00:00Z").expect("time"),
            level: Level::LATEST,
        };
        let author = party.author();
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&place.seq.to_le_bytes());
        let sealed = seal(place.ledger, &author, nonce, event).expect("an event");
        let (frame, hash) = chain::write(place, &author, &sealed, party.signer());
        let fact = Fact {
            seq: place.seq,
            previous: place.previous,
            hash,
            recorded_at: place.recorded_at,
            level: place.level,
            author,
            id: sealed.id,
            content: sealed.content,
            payload: sealed.payload_digest,
            event: sealed.event,
        };
        evolve(&mut self.state, &fact).expect("admissible");
        self.frames.push(frame);
        if self.frames.len() >= self.group {
            self.flush();
        }
        (fact.id, fact.content)
    }

    /// Payouts on account and their receipts, one after another.
    fn go_on(&mut self, numbers: Range<u64>) {
        let (host, owner) = (party("host", 7), party("owner", 8));
        let mut sent = EventId::default();
        for number in numbers {
            if number % 2 == 0 {
                (sent, _) = self.say(&host, payout(&owner, number));
            } else {
                let received_on = Date::parse("2026-07-02").expect("day");
                let receipt = PayoutReceipt { payout: sent, received_on };
                self.say(&owner, Event::PayoutConfirmed(receipt));
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        if self.frames.is_empty() {
            return;
        }
        self.log.append(self.first_seq, &self.frames, &mut || Ok(())).expect("appended");
        self.first_seq += self.frames.len() as u64;
        self.frames.clear();
    }
}

fn payout(to: &Party, number: u64) -> Event {
    Event::PayoutSent(Payout {
        to: to.author().party,
        amount: Amount::parse("1.00").expect("amount"),
        on_account: Amount::parse("1.00").expect("amount"),
        withheld: Amount::ZERO,
        grossed_up: false,
        sent_on: Date::parse("2026-07-01").expect("day"),
        reference: Text::parse(&format!("payout {number}")).expect("text"),
        level: Level::LATEST,
    })
}

/// A ledger of so many events.
fn write(folder: &Path, events: u64) -> Writer {
    let (host, owner) = (party("host", 7), party("owner", 8));
    let mut writer = Writer::new(folder);
    let version = terms(&[&host, &owner], "0.15", "900000000");
    let (event, content) = writer.say(&host, Event::LedgerOpened(Box::new(version)));
    writer.say(&owner, Event::Accepted(Acceptance { event, content }));
    writer.go_on(2..events);
    writer
}

/// Events that are new behind those.
const MORE: [u64; 3] = [100, 1_000, 10_000];

/// What is signed, by whom, and the signature.
type Signed = ([u8; 51], VerifyingKey, Signature);

/// Every signature of a log, ready to be checked and nothing else.
fn signatures(folder: &Path) -> Vec<Signed> {
    let log = DiskLog::open(folder);
    let mut reader = Reader::new(&log).expect("log");
    let mut batch = Batch::default();
    let mut signatures = Vec::new();
    let mut keys: Vec<VerifyingKey> = Vec::new();
    while reader.next_batch(&mut batch).expect("log") {
        for (_, frame) in batch.frames() {
            let record = StoredRecord::read(frame).expect("record");
            let known = keys.iter().find(|key| key.as_bytes() == record.key).copied();
            let key = known.unwrap_or_else(|| {
                let key = VerifyingKey::from_bytes(record.key).expect("key");
                keys.push(key);
                key
            });
            let mut message = [0; 51];
            message[..19].copy_from_slice(b"revshare record v1\0");
            message[19..].copy_from_slice(record.hash.bytes());
            signatures.push((message, key, Signature::from_bytes(record.signature)));
        }
    }
    signatures
}

/// The checkpoint of the only copy that a machine has verified.
fn checkpoint(machine: &Machine) -> PathBuf {
    let cache = machine.cache.as_ref().expect("a cache");
    let copy = fs::read_dir(cache).expect("a cache").flatten().next();
    copy.expect("a copy").path().join("checkpoint")
}

fn check(signatures: &[Signed]) -> Duration {
    let started = Instant::now();
    let all = signatures
        .par_iter()
        .all(|(message, key, signature)| key.verify_strict(message, signature).is_ok());
    assert!(all, "every signature holds");
    started.elapsed()
}

/// Times `verify` of so many events three times, each between two runs of the signatures alone.
pub fn run(folder: &Path, events: u64) {
    let mut writer = write(folder, events);
    let bytes: u64 = fs::read_dir(folder.join("log"))
        .expect("log")
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|file| file.len())
        .sum();
    let machine = |name: &str| Machine::in_folder(&folder.with_extension(name));
    let revshare = |name: &str, arguments: &[&str]| {
        let mut command = revshare_on(&machine(name));
        command.arg("-C").arg(folder).arg("-q").args(arguments).stdout(Stdio::null());
        command
    };
    let signatures = signatures(folder);
    let mut runs = Vec::new();
    for run in 0..3 {
        let before = check(&signatures);
        let verify = measure(&mut revshare(&format!("state-{run}"), &["verify"]));
        let after = check(&signatures);
        let alone = (before + after) / 2;
        runs.push((alone.as_secs_f64() / verify.wall.as_secs_f64(), alone, verify));
    }
    let known = measure(&mut revshare("state-2", &["verify", "--since-verified"])).wall;
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (ratio, alone, verify) = &runs[1];
    println!("verify: {events} small signed events, {:.0} MB of log", bytes as f64 / 1e6);
    println!("  Ed25519 strict alone, all cores      {:>8.2} s", alone.as_secs_f64());
    println!("  verify                               {:>8.2} s", verify.wall.as_secs_f64());
    println!("  rate of verify / Ed25519 alone       {ratio:>8.2}");
    println!("  its peak memory                      {:>8} MB", verify.peak_kib / 1024);
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    println!("  --since-verified, nothing new        {:>8.1} ms", milliseconds(known));
    // What comes after a million is as small as what comes after nothing. Events come one by one,
    // so that the last segment, with what it had before, is touched each time.
    writer.group = 1;
    let mut last = events;
    for more in MORE {
        let alone = folder.join(format!("alone-{more}"));
        write(&alone, more);
        let checkpoint = checkpoint(&machine("state-2"));
        let before = fs::read(&checkpoint).expect("a checkpoint");
        writer.go_on(last..last + more);
        last += more;
        // In turn: what else the machine does is in both.
        let rounds = (0..ROUNDS).map(|_| {
            fs::write(&checkpoint, &before).expect("a checkpoint");
            let new = measure(&mut revshare("state-2", &["verify", "--since-verified"])).wall;
            (new, measure(revshare("state-3", &["verify"]).arg(&alone)).wall)
        });
        let (mut new, mut alone): (Vec<Duration>, Vec<Duration>) = rounds.unzip();
        new.sort();
        alone.sort();
        let (new, alone) = (new[ROUNDS / 2], alone[ROUNDS / 2]);
        println!("  --since-verified, {more:>6} new         {:>8.1} ms", milliseconds(new));
        println!("  verify of a ledger of as many alone  {:>8.1} ms", milliseconds(alone));
        let ratio = new.as_secs_f64() / alone.as_secs_f64();
        println!("  the first / the second               {ratio:>8.2}");
    }
    let timed = |arguments: &[&str]| median(|| measure(&mut revshare("state-2", arguments)).wall);
    let cold = measure(&mut revshare("state-2", &["balances"])).wall;
    println!("  balances, no checkpoint              {:>8.2} s", cold.as_secs_f64());
    println!(
        "  balances, with a checkpoint               {:>8.1} ms",
        milliseconds(timed(&["balances"]))
    );
}
