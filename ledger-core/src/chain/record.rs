//! A record's bytes, and the checks over them.

#![expect(clippy::arithmetic_side_effects, reason = "lengths of parts of one record, in memory")]

use crate::chain::frame::FRAME_HEADER_LEN;
use crate::chain::frame::FRAME_TRAILER_LEN;
use crate::chain::frame::FrameHeader;
use crate::chain::sign;
use crate::chain::sign::Signer;
use crate::event::Author;
use crate::event::Fact;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::Id;
use crate::vocab::LedgerId;
use crate::vocab::Level;
use crate::vocab::PeriodLength;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::RecordHash;
use crate::vocab::Timestamp;
use crate::vocab::digest::Domain;
use crate::vocab::to_u64;
use crate::vocab::to_usize;
use crate::wire::event::Sealed;
use crate::wire::event::content_digest;
use crate::wire::event::decode_payload;
use crate::wire::event::event_id;

/// The format version of a record.
pub const RECORD_VERSION: u16 = 1;
/// Length of the fixed part of a body, before the party id.
const FIXED_LEN: usize = 137;

/// Where a record stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The ledger; all zero for record 0.
    pub ledger: LedgerId,
    /// Sequence number.
    pub seq: u64,
    /// Hash of the record before; all zero for record 0.
    pub previous: RecordHash,
    /// Recorded time.
    pub recorded_at: Timestamp,
    /// The format level that the ledger was opened with.
    pub level: Level,
}

/// A record as it is stored: well-formed, and not yet checked.
#[derive(Clone, Copy, Debug)]
pub struct StoredRecord<'a> {
    /// The whole frame.
    pub frame: &'a [u8],
    /// Where it says that it stands.
    pub place: Place,
    /// The key that it says signed it.
    pub key: &'a [u8; 32],
    /// The party that it says is its author.
    pub party: &'a str,
    /// Kind and version of the event.
    pub kind: (u16, u16),
    /// The event's nonce.
    pub nonce: &'a [u8; 16],
    /// The event's payload.
    pub payload: &'a [u8],
    /// The hash that is stored with it.
    pub hash: RecordHash,
    /// The signature that is stored with it.
    pub signature: &'a [u8; 64],
    /// The body up to the payload.
    envelope: &'a [u8],
}

/// A record whose stored hash is that of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct CheckedRecord<'a> {
    /// The record.
    pub stored: StoredRecord<'a>,
    /// Digest of its payload.
    pub payload_digest: Digest,
}

impl Place {
    /// Checks that a record here follows another one: same ledger, next number, its hash. Errors:
    /// [`Code::RecordLink`].
    pub fn check_follows(
        &self,
        ledger: LedgerId,
        seq: u64,
        previous: RecordHash,
    ) -> Result<(), Problem> {
        let what = if self.seq != seq {
            format!("record {seq} was expected, record {} is there", self.seq)
        } else if self.previous != previous {
            format!(
                "it names {} as the hash of the record before it, which has {previous}",
                self.previous
            )
        } else if self.ledger != ledger {
            format!("it belongs to ledger {}, not to {ledger}", self.ledger)
        } else {
            return Ok(());
        };
        Err(Problem::new(Code::RecordLink, what)
            .hint("a record was removed, inserted or replaced; compare with another copy")
            .at_record(seq))
    }
}

fn record_hash(body_len: usize, envelope: &[u8], payload: Digest) -> RecordHash {
    RecordHash(Domain::Record.digest_of(|hasher| {
        hasher.update(&to_u64(body_len).to_le_bytes());
        hasher.update(envelope);
        hasher.update(&payload.0);
    }))
}

/// What a frame holds behind its header.
fn behind_header(frame: &[u8]) -> &[u8] {
    frame.get(FRAME_HEADER_LEN..).unwrap_or_default()
}

/// A record that has its place and its hash, and is not signed yet.
#[derive(Debug)]
pub struct UnsignedRecord {
    /// The frame, without the signature at its end.
    frame: Vec<u8>,
    hash: RecordHash,
}

impl UnsignedRecord {
    /// Its hash: what is signed.
    pub fn hash(&self) -> RecordHash {
        self.hash
    }

    /// The bytes of the whole frame.
    pub fn sign(mut self, signer: &Signer) -> Vec<u8> {
        let signature = signer.sign(self.hash);
        self.frame.extend_from_slice(&signature);
        self.frame
    }
}

/// Puts a sealed event in its place, signed: the bytes of the whole frame, and the record's hash.
pub fn write(
    place: Place,
    author: &Author,
    sealed: &Sealed,
    signer: &Signer,
) -> (Vec<u8>, RecordHash) {
    let record = write_unsigned(place, author, sealed);
    let hash = record.hash;
    (record.sign(signer), hash)
}

/// Puts a sealed event in its place.
#[expect(clippy::as_conversions, reason = "ids and sealed payloads are far shorter")]
pub fn write_unsigned(place: Place, author: &Author, sealed: &Sealed) -> UnsignedRecord {
    let party = author.party.as_str().as_bytes();
    let body_len = FIXED_LEN + party.len() + 4 + sealed.payload.len();
    let mut frame = Vec::with_capacity(FRAME_HEADER_LEN + body_len + FRAME_TRAILER_LEN);
    frame.extend_from_slice(&FrameHeader { body_len, seq: place.seq }.bytes());
    frame.extend_from_slice(&RECORD_VERSION.to_le_bytes());
    frame.extend_from_slice(&place.level.number().to_le_bytes());
    frame.extend_from_slice(place.ledger.bytes());
    frame.extend_from_slice(&place.seq.to_le_bytes());
    frame.extend_from_slice(place.previous.bytes());
    frame.extend_from_slice(&place.recorded_at.micros().to_le_bytes());
    frame.extend_from_slice(author.key.bytes());
    frame.extend_from_slice(&sealed.event.kind().number().to_le_bytes());
    frame.extend_from_slice(&sealed.event.version().to_le_bytes());
    frame.extend_from_slice(&sealed.nonce);
    frame.push(party.len() as u8);
    frame.extend_from_slice(party);
    frame.extend_from_slice(&(sealed.payload.len() as u32).to_le_bytes());
    let hash = record_hash(body_len, behind_header(&frame), sealed.payload_digest);
    frame.extend_from_slice(&sealed.payload);
    frame.extend_from_slice(hash.bytes());
    UnsignedRecord { frame, hash }
}

fn broken(message: impl Into<String>) -> Problem {
    Problem::new(Code::FrameBroken, message)
        .hint("the file was damaged; compare it with another copy of the ledger")
}

fn newer(message: String) -> Problem {
    Problem::new(Code::FormatNewer, message)
        .hint("update revshare; everything before this record can be read with this release")
}

/// Takes the next bytes of a body.
fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], Problem> {
    let (taken, after) =
        rest.split_first_chunk().ok_or_else(|| broken("a record is shorter than its fields"))?;
    *rest = after;
    Ok(taken)
}

impl<'a> StoredRecord<'a> {
    /// Reads the record in a whole frame. Errors: [`Code::FrameBroken`], [`Code::FormatNewer`].
    pub fn read(frame: &'a [u8]) -> Result<StoredRecord<'a>, Problem> {
        let header = FrameHeader::read(frame).ok_or_else(|| broken("a frame header is damaged"))?;
        StoredRecord::read_behind(header, frame)
    }

    /// Likewise, of a frame that was found by its header: the header was read, and is not again.
    pub fn read_found(frame: &'a [u8]) -> Result<StoredRecord<'a>, Problem> {
        let header = FrameHeader::found(frame);
        let header = header.ok_or_else(|| broken("a frame header is damaged"))?;
        StoredRecord::read_behind(header, frame)
    }

    fn read_behind(header: FrameHeader, frame: &'a [u8]) -> Result<StoredRecord<'a>, Problem> {
        if frame.len() != header.frame_len() {
            return Err(broken("a frame is cut off"));
        }
        let (body, trailer) = behind_header(frame)
            .split_at_checked(header.body_len)
            .ok_or_else(|| broken("a frame is cut off"))?;
        let mut rest = body;
        let version = u16::from_le_bytes(*take(&mut rest)?);
        let level = u16::from_le_bytes(*take(&mut rest)?);
        let known = Level::from_number(level).filter(|_| version == RECORD_VERSION);
        let Some(level) = known else {
            return Err(match version > RECORD_VERSION || level > Level::LATEST.number() {
                true => newer(format!("newer format (record version {version}, level {level})")),
                false => broken(format!("there is no record version {version}, level {level}")),
            });
        };
        let ledger = LedgerId::from_bytes(*take(&mut rest)?);
        let seq = u64::from_le_bytes(*take(&mut rest)?);
        let previous = RecordHash::from_bytes(*take(&mut rest)?);
        let micros = i64::from_le_bytes(*take(&mut rest)?);
        let recorded_at = Timestamp::from_micros(micros)
            .ok_or_else(|| broken(format!("{micros} is no time from 1970 to 2999")))?;
        let key = take(&mut rest)?;
        let kind = u16::from_le_bytes(*take(&mut rest)?);
        let kind_version = u16::from_le_bytes(*take(&mut rest)?);
        let nonce = take(&mut rest)?;
        let [party_len] = *take::<1>(&mut rest)?;
        let (party, after) = rest
            .split_at_checked(usize::from(party_len))
            .ok_or_else(|| broken("a record is shorter than its fields"))?;
        rest = after;
        let payload_len = to_usize(u32::from_le_bytes(*take(&mut rest)?));
        if payload_len != rest.len() {
            return Err(broken("a payload's length is not that of the rest of its record"));
        }
        if seq != header.seq {
            return Err(broken("the sequence numbers in a frame and its record differ"));
        }
        let party = std::str::from_utf8(party).map_err(|_| broken("a party id is not text"))?;
        let mut trailer = trailer;
        let hash = RecordHash::from_bytes(*take(&mut trailer)?);
        let signature = take(&mut trailer)?;
        let place = Place { ledger, seq, previous, recorded_at, level };
        let (envelope, _) = body.split_at(body.len() - payload_len);
        Ok(StoredRecord {
            frame,
            place,
            key,
            party,
            kind: (kind, kind_version),
            nonce,
            payload: rest,
            hash,
            signature,
            envelope,
        })
    }

    /// Computes the hash of the stored bytes and compares it with the stored hash. Errors:
    /// [`Code::RecordHash`].
    pub fn check_hash(self) -> Result<CheckedRecord<'a>, Problem> {
        let payload_digest = Domain::Payload.digest(self.payload);
        let body_len = self.envelope.len() + self.payload.len();
        let computed = record_hash(body_len, self.envelope, payload_digest);
        if computed != self.hash {
            return Err(Problem::new(
                Code::RecordHash,
                format!("the record's bytes hash to {computed}, its stored hash is {}", self.hash),
            )
            .hint("the record was changed or damaged after it was written; compare it with another copy")
            .at_record(self.place.seq));
        }
        Ok(CheckedRecord { stored: self, payload_digest })
    }
}

impl<'a> CheckedRecord<'a> {
    /// Checks the signature. Errors: [`Code::SignatureWrong`].
    pub fn check_signature(&self) -> Result<(), Problem> {
        let StoredRecord { key, hash, signature, place, party, .. } = self.stored;
        if sign::is_valid(key, hash, signature) {
            return Ok(());
        }
        Err(Problem::new(
            Code::SignatureWrong,
            format!(
                "the signature is not that of the key that the record names for {}",
                party.escape_debug()
            ),
        )
        .hint("the record was not written by the holder of the key; do not rely on it")
        .at_record(place.seq))
    }

    /// Decodes the event. `length` is that of the terms' periods (any for record 0). Errors:
    /// those of [`decode_payload`], [`Code::FrameBroken`] and [`Code::KeyWeak`] for the author.
    pub fn fact(&self, length: PeriodLength) -> Result<Fact, Problem> {
        let at = |problem: Problem| problem.at_record(self.stored.place.seq);
        let StoredRecord { place, key, party, kind, nonce, payload, hash, .. } = self.stored;
        let author = Author {
            party: Id::parse(party).map_err(at)?,
            key: PublicKey::from_bytes(*key).map_err(at)?,
        };
        let event = decode_payload(kind, length, payload).map_err(at)?;
        let content =
            content_digest(place.ledger, &author, &event, self.payload_digest).map_err(at)?;
        Ok(Fact {
            seq: place.seq,
            previous: place.previous,
            hash,
            recorded_at: place.recorded_at,
            level: place.level,
            id: event_id(
                place.ledger,
                &author,
                (event.kind(), event.version()),
                self.payload_digest,
                *nonce,
            ),
            content,
            payload: self.payload_digest,
            author,
            event,
        })
    }
}
