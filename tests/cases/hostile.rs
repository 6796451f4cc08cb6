//! Logs that lie: chained and signed as they should be, and saying what no guard would let pass.

use std::fs;

use revshare_core::chain;
use revshare_core::chain::FRAME_HEADER_LEN;
use revshare_core::chain::FRAME_TRAILER_LEN;
use revshare_core::chain::Place;
use revshare_core::command::Command;
use revshare_core::decide::Context;
use revshare_core::event::Author;
use revshare_core::event::Event;
use revshare_core::ledger::Ledger;
use revshare_core::ledger::Mode;
use revshare_core::ledger::Signing;
use revshare_core::state::Agreement;
use revshare_core::state::State;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;
use revshare_core::vocab::Id;
use revshare_core::vocab::LedgerId;
use revshare_core::vocab::Level;
use revshare_core::vocab::Period;
use revshare_core::vocab::RecordHash;
use revshare_core::vocab::Text;
use revshare_core::vocab::Timestamp;
use revshare_core::vocab::digest::Domain;
use revshare_core::wire::event::Sealed;
use revshare_core::wire::event::seal;
use revshare_kit::Line;
use revshare_kit::another_machine;
use revshare_kit::blocks;
use revshare_kit::read_terms;
use revshare_kit::signer;

use crate::bench::Bench;
use crate::bench::TERMS;
use crate::bench::with_keys;

/// Bytes of a segment's header.
const SEGMENT_HEADER_LEN: usize = 64;
/// Where a record's body says how long the party's id is.
const PARTY_LEN_AT: usize = 136;

/// A log whose author keeps to no rule.
#[derive(Clone)]
pub struct Log {
    bytes: Vec<u8>,
    state: State,
    next: Place,
    nonces: u64,
}

/// A time within 2024-03-01.
fn time(minute: i64) -> Timestamp {
    let start = Timestamp::parse("2024-03-01T08:00:00Z").expect("a time");
    Timestamp::from_micros(start.micros() + minute * 60_000_000).expect("a time")
}

fn author(party: &str) -> Author {
    Author { party: Id::parse(party).expect("a party"), key: revshare_kit::public_key(party) }
}

/// A nonce of a number.
pub fn nonce(number: u64) -> [u8; 16] {
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    nonce
}

/// January 2024.
pub fn january() -> Period {
    Period::parse("2024-01").expect("a period")
}

/// Lines of January as one block.
pub fn lines(lines: &[Line]) -> revshare_core::usage::LineBlock {
    let usd = Currency::parse("USD").expect("a currency");
    blocks(lines, usd, usize::MAX).pop().expect("a block")
}

impl Log {
    /// A ledger in force, with January reported (2), stated (3) and 100 USD sent (4).
    pub fn honest() -> Log {
        let report = Command::ReportUsage {
            period: january(),
            supplement: false,
            blocks: vec![lines(&[Line::new("2024-01-05", "2000")])],
        };
        let payout = Command::SendPayout {
            to: Id::parse("meta").expect("a party"),
            amount: Amount::parse("100").expect("an amount"),
            on_account: false,
            sent_on: Date::parse("2024-03-01").expect("a day"),
            reference: Text::parse("R1").expect("a text"),
        };
        Log::of(
            TERMS,
            vec![
                ("acme-cloud", report),
                ("acme-cloud", Command::IssueStatement(january())),
                ("acme-cloud", payout),
            ],
        )
    }

    /// A ledger under terms that all parties accepted, with commands that were carried out.
    pub fn of(terms: &str, commands: Vec<(&str, Command)>) -> Log {
        Log::at_level(Level::LATEST, terms, commands)
    }

    /// Likewise, opened at a format level.
    pub fn at_level(level: Level, terms: &str, commands: Vec<(&str, Command)>) -> Log {
        let root = revshare_kit::scratch();
        let folder = root.path().join("ledger");
        let mut ledger =
            Ledger::create(&folder, &another_machine(&folder)).expect("a folder for a ledger");
        let mut minute = 0;
        let mut submit = |party: &str, command: Command, ledger: &mut Ledger| {
            minute += 1;
            let context =
                Context { author: author(party), recorded_at: time(minute), now: time(minute) };
            let signer = signer(party);
            let signing = Signing { signer: &signer, nonce: nonce(minute as u64) };
            ledger.submit(command, &context, &signing, Mode::Record).expect("an honest record");
        };
        let terms = read_terms(&with_keys(terms));
        let others: Vec<Id> = terms.beneficiaries().into_iter().cloned().collect();
        let opening = Command::OpenLedger(Box::new(revshare_kit::world::version_at(terms, level)));
        submit("acme-cloud", opening, &mut ledger);
        let opening = ledger.state().agreement().expect("an agreement").opening().0;
        for party in others {
            submit(party.as_str(), Command::Accept(opening), &mut ledger);
        }
        for (party, command) in commands {
            submit(party, command, &mut ledger);
        }
        let state = ledger.state().clone();
        let next = Place {
            ledger: state.agreement().expect("an agreement").ledger(),
            seq: state.next_seq(),
            previous: state.head(),
            recorded_at: time(minute.max(99) + 1),
            level: state.agreement().expect("an agreement").opened_at(),
        };
        let bytes = revshare_kit::world::segments(&folder).remove(0);
        Log { bytes, state, next, nonces: 1000 }
    }

    /// A log without a record.
    pub fn empty() -> Log {
        let honest = Log::honest();
        let bytes = honest.bytes[..SEGMENT_HEADER_LEN].to_vec();
        let next = Place {
            ledger: LedgerId::default(),
            seq: 0,
            previous: RecordHash::default(),
            recorded_at: time(0),
            level: honest.next.level,
        };
        Log { bytes, next, ..honest }
    }

    /// What the honest part comes to.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Likewise.
    pub fn agreement(&self) -> &Agreement {
        self.state.agreement().expect("an agreement")
    }

    /// An event with its bytes; the nonce is a new one.
    pub fn sealed(&mut self, party: &str, event: Event) -> Sealed {
        self.nonces += 1;
        self.sealed_with(party, event, nonce(self.nonces))
    }

    /// An event with its bytes.
    pub fn sealed_with(&self, party: &str, event: Event, nonce: [u8; 16]) -> Sealed {
        seal(self.agreement().ledger(), &author(party), nonce, event).expect("an event")
    }

    /// A party says something, whatever it is.
    pub fn says(mut self, party: &str, event: Event) -> Log {
        let sealed = self.sealed(party, event);
        self.put(party, &sealed)
    }

    /// A party puts an event on the log.
    pub fn put(self, party: &str, sealed: &Sealed) -> Log {
        self.put_changed(party, sealed, |_| {})
    }

    /// A party puts an event on the log whose record it changes before it signs.
    pub fn put_changed(
        mut self,
        party: &str,
        sealed: &Sealed,
        change: impl FnOnce(&mut [u8]),
    ) -> Log {
        let key = signer(party);
        let (mut frame, _) = chain::write(self.next, &author(party), sealed, &key);
        let body_end = frame.len() - FRAME_TRAILER_LEN;
        change(&mut frame[FRAME_HEADER_LEN..body_end]);
        let body = &frame[FRAME_HEADER_LEN..body_end];
        let envelope_len = PARTY_LEN_AT + 1 + usize::from(body[PARTY_LEN_AT]) + 4;
        let (envelope, payload) = body.split_at(envelope_len);
        let mut hasher = Domain::Record.hasher();
        hasher.update(&(body.len() as u64).to_le_bytes());
        hasher.update(envelope);
        hasher.update(&Domain::Payload.digest(payload).0);
        let hash = RecordHash::from_bytes(*hasher.finalize().as_bytes());
        frame.truncate(body_end);
        frame.extend_from_slice(hash.bytes());
        frame.extend_from_slice(&key.sign(hash));
        self.bytes.extend_from_slice(&frame);
        if self.next.seq == 0 {
            self.next.ledger = LedgerId(hash.0);
        }
        let later = self.next.recorded_at.micros() + 1_000_000;
        self.next.recorded_at = Timestamp::from_micros(later).expect("a time");
        self.next.seq += 1;
        self.next.previous = hash;
        self
    }

    /// The next record claims another time.
    pub fn back_at(mut self, text: &str) -> Log {
        self.next.recorded_at = Timestamp::parse(text).expect("a time");
        self
    }

    /// The ledger's folder.
    pub fn save(&self, bench: &Bench, folder: &str) {
        fs::create_dir_all(bench.path(folder).join("log")).expect("the log's folder");
        fs::write(bench.segment(folder), &self.bytes).expect("a segment");
    }
}

/// Where the records of a segment begin and end.
pub fn records(segment: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut records = vec![];
    let mut at = SEGMENT_HEADER_LEN;
    while let Some(len) = chain::frame_len(&segment[at..]) {
        records.push(at..at + len);
        at += len;
    }
    records
}
