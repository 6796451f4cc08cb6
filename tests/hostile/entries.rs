//! Records that are hashed and signed rightly, whatever they say: so that content is judged, and
//! not checksums.
//!
//! An input names a known log and how many of its records come first; then entry after entry, each
//! a record behind the one before:
//!
//! ```text
//! log u8 (and what is asked of the end: see ASKED), records u8, then: flags u8, author u8, days u8, kind u8, version u8, length u16, payload
//! ```
//!
//! In a payload, 31 times the byte 0xEE and a number stand for the id of the event of that entry,
//! 31 times 0xED for the digest of its content, and 31 times 0xEC for its record's hash: an entry can
//! name one before it, although the hashes change with every byte.

use ledger_core::chain::FRAME_TRAILER_LEN;
use ledger_core::chain::Place;
use ledger_core::chain::Signer;
use ledger_core::chain::StoredRecord;
use ledger_core::chain::frame::FrameHeader;
use ledger_core::event::Author;
use ledger_core::event::Fact;
use ledger_core::replay::ledger_id;
use ledger_core::replay::period_length;
use ledger_core::state::State;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use ledger_core::vocab::PublicKey;
use ledger_core::vocab::Timestamp;
use ledger_core::vocab::digest::Domain;

use crate::input::Input;
use crate::logs::KNOWN;
use crate::logs::Known;

const DAY_MICROS: i64 = 86_400_000_000;

/// Everything that shows a state is asked about the last one.
pub const ASKED: u8 = 64;
/// A snapshot of the last state is written and read.
pub const RESTORED: u8 = 128;

/// The signature is that of another key.
pub const FORGED: u8 = 1;
/// The payload is the whole body of the record, envelope and all.
pub const WHOLE_BODY: u8 = 2;
/// A segment ends behind the record.
pub const ENDS_SEGMENT: u8 = 4;
/// The record says the other format level.
pub const OTHER_LEVEL: u8 = 8;
/// The record has the time of the one before, and not a day later.
pub const SAME_TIME: u8 = 16;

/// A record to be made.
pub struct Entry {
    /// What is unusual about it.
    pub flags: u8,
    author: u8,
    days: u8,
    kind: (u16, u16),
    payload: Vec<u8>,
}

/// What an input says.
pub struct Entries<'a> {
    /// The log that comes first.
    pub known: &'static Known,
    /// How many of its records.
    pub records: usize,
    /// What is asked of the end.
    pub asked: u8,
    rest: Input<'a>,
}

/// What earlier entries came to: id, content, hash.
#[derive(Default)]
pub struct Made(Vec<[[u8; 32]; 3]>);

impl Made {
    /// Notes an entry; `None` if it says nothing.
    pub fn note(&mut self, fact: Option<&Fact>) {
        self.0.push(fact.map_or([[0; 32]; 3], |fact| {
            [*fact.id.bytes(), *fact.content.bytes(), *fact.hash.bytes()]
        }));
    }
}

/// How a payload names what an earlier entry came to: 0 its id, 1 its content, 2 its hash.
pub fn reference(what: usize, entry: u8) -> [u8; 32] {
    let mut bytes = [0xEE - what as u8; 32];
    bytes[31] = entry;
    bytes
}

impl<'a> Entries<'a> {
    /// Takes an input apart.
    pub fn new(input: &'a [u8]) -> Entries<'a> {
        let mut rest = Input(input);
        let first = rest.u8();
        let known = &KNOWN[usize::from(first & 31) % KNOWN.len()];
        let records = usize::from(rest.u8()) % (known.facts.len() + 1);
        Entries { known, records, asked: first, rest }
    }

    /// The next entry, which may name those that were made before.
    pub fn next(&mut self, made: &Made) -> Option<Entry> {
        if self.rest.is_empty() {
            return None;
        }
        let (flags, author, days) = (self.rest.u8(), self.rest.u8(), self.rest.u8());
        let kind = (u16::from(self.rest.u8()), u16::from(self.rest.u8()));
        let len = usize::from(self.rest.u16());
        let mut payload = self.rest.take(len).to_vec();
        let mut at = 0;
        while let Some(window) = payload.get(at..at + 32) {
            let entry = made.0.get(usize::from(window[31]));
            let named = (0..3).find(|what| window[..31] == reference(*what, 0)[..31]);
            match entry.zip(named) {
                Some((entry, what)) => {
                    payload[at..at + 32].copy_from_slice(&entry[what]);
                    at += 32;
                }
                None => at += 1,
            }
        }
        Some(Entry { flags, author, days, kind, payload })
    }
}

/// The key of a name in the test kit (`tests/kit/keys.rs`).
pub fn signer(name: &str) -> Signer {
    let secret = Domain::Index.digest(format!("the test key of {name}").as_bytes());
    Signer::from_secret(&secret.0).expect("a key from a digest is not weak")
}

impl Entry {
    /// The author: a party of the ledger, or a stranger.
    fn author(&self, state: &State) -> (Author, Signer) {
        let parties = state.agreement().map(|known| known.versions().listed_parties());
        let parties = parties.unwrap_or_default();
        let at = usize::from(self.author);
        let of = |name: &str| {
            let (signer, party) = (signer(name), Id::parse(name).expect("an id"));
            let key: PublicKey = signer.public().expect("a sound key");
            (Author { party, key }, signer)
        };
        match parties.get(at % (parties.len() + 1)) {
            Some(party) => of(party.id.as_str()),
            None => of(["acme-cloud", "meta", "stranger"][at % 3]),
        }
    }

    /// The frame of the record, behind a state; its hash and its checksum are right.
    pub fn frame(&self, state: &State) -> Vec<u8> {
        let (author, signer) = self.author(state);
        let days = match self.flags & SAME_TIME {
            0 => i64::from(self.days),
            _ => 0,
        };
        let micros = match state.recorded_at().micros() {
            0 => 1_767_225_600_000_000,
            last => last + days * DAY_MICROS,
        };
        let level = match (state.agreement().map(|known| known.opened_at()), self.kind.1) {
            (Some(level), _) => level,
            (None, 1) => Level::One,
            (None, _) => Level::Two,
        };
        let level = match (self.flags & OTHER_LEVEL, level) {
            (0, level) => level,
            (_, Level::One) => Level::Two,
            (_, Level::Two) => Level::One,
        };
        let place = Place {
            ledger: ledger_id(state),
            seq: state.next_seq(),
            previous: state.head(),
            recorded_at: Timestamp::from_micros(micros).unwrap_or(state.recorded_at()),
            level,
        };
        let forger = crate::entries::signer("forger");
        let signer = if self.flags & FORGED == 0 { signer } else { forger };
        let (body, payload_len) = match self.flags & WHOLE_BODY {
            0 => (body(place, &author, self.kind, &self.payload), self.payload.len()),
            _ => (self.payload.clone(), self.payload.len().saturating_sub(150)),
        };
        frame(place.seq, &body, payload_len, &signer)
    }

    /// The payload that the frame holds.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// A record's body (`schemas/log-format.md`, "Frames").
fn body(place: Place, author: &Author, kind: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let party = author.party.as_str().as_bytes();
    let mut body = Vec::new();
    body.extend_from_slice(&1u16.to_le_bytes());
    body.extend_from_slice(&place.level.number().to_le_bytes());
    body.extend_from_slice(place.ledger.bytes());
    body.extend_from_slice(&place.seq.to_le_bytes());
    body.extend_from_slice(place.previous.bytes());
    body.extend_from_slice(&place.recorded_at.micros().to_le_bytes());
    body.extend_from_slice(author.key.bytes());
    body.extend_from_slice(&kind.0.to_le_bytes());
    body.extend_from_slice(&kind.1.to_le_bytes());
    body.extend_from_slice(&[0x5A; 16]);
    body.push(party.len() as u8);
    body.extend_from_slice(party);
    body.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    body.extend_from_slice(payload);
    body
}

/// A frame around any body, with the right checksum and hash, signed.
pub fn frame(seq: u64, body: &[u8], payload_len: usize, signer: &Signer) -> Vec<u8> {
    let (envelope, payload) = body.split_at(body.len() - payload_len);
    let mut hasher = Domain::Record.hasher();
    hasher.update(&(body.len() as u64).to_le_bytes());
    hasher.update(envelope);
    hasher.update(&Domain::Payload.digest(payload).0);
    let hash = *hasher.finalize().as_bytes();
    let mut frame = FrameHeader { body_len: body.len(), seq }.bytes().to_vec();
    frame.extend_from_slice(body);
    frame.extend_from_slice(&hash);
    frame.extend_from_slice(&signer.sign(ledger_core::vocab::RecordHash::from_bytes(hash)));
    assert_eq!(frame.len(), 16 + body.len() + FRAME_TRAILER_LEN);
    frame
}

/// What a frame says, behind a state; `None` if it is no record with an event.
pub fn fact(frame: &[u8], state: &State) -> Option<Fact> {
    let record = StoredRecord::read(frame).ok()?.check_hash().ok()?;
    record.fact(period_length(state)).ok()
}
