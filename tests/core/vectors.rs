//! Golden vectors (`schemas/vectors/`): payloads with what they say, and bytes that must be
//! refused, each with its code. The runner reads the folders; most vectors must fail.

use std::collections::BTreeSet;
use std::fs;

use ledger_core::chain;
use ledger_core::chain::Place;
use ledger_core::dispute::Claim;
use ledger_core::dispute::Outcome;
use ledger_core::event::Author;
use ledger_core::event::Event;
use ledger_core::event::Kind;
use ledger_core::event::Lines;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::statement::Statement;
use ledger_core::store::SegmentHeader;
use ledger_core::verify::Options;
use ledger_core::verify::verify;
use ledger_core::vocab::Id;
use ledger_core::vocab::LedgerId;
use ledger_core::vocab::Level;
use ledger_core::vocab::PeriodLength;
use ledger_core::vocab::Timestamp;
use ledger_core::vocab::digest::Domain;
use ledger_core::wire::event::Sealed;
use ledger_core::wire::event::decode_payload;
use ledger_core::wire::event::encode_payload;
use ledger_core::wire::terms::decode_terms;
use revshare_kit::World;
use revshare_kit::disk::in_memory;
use revshare_kit::random::facts;
use revshare_kit::signer;
use serde_json::Value;
use serde_json::json;

use crate::bad_dispute_payloads::bad_dispute_payloads;
use crate::bad_payloads::bad_payloads;
use crate::bad_texts::bad_texts;
use crate::bad_whole_payloads::bad_whole_payloads;
use crate::corner_cases::bad_reports;
use crate::damage::frames;
use crate::every_dispute::every_dispute;
use crate::golden::every_clause;
use crate::golden::every_kind;
use crate::golden::in_force;
use crate::log_ends::bad_ends;
use crate::says::says;
use crate::whole;
use crate::written::hex;
use crate::written::holds_bytes_for_ever;
use crate::written::json_text;
use crate::written::root;
use crate::written::unhex;

fn length_of(text: &Value) -> PeriodLength {
    match text.as_str() {
        Some("month") => PeriodLength::Month,
        Some("quarter") => PeriodLength::Quarter,
        other => panic!("no length of periods: {other:?}"),
    }
}

/// Every vector in a folder of `schemas/vectors/`: its name and its JSON.
pub fn vectors(folder: &str) -> Vec<(String, Value)> {
    let folder = root().join("schemas/vectors").join(folder);
    let entries = fs::read_dir(&folder).expect("the folder of the vectors");
    let mut vectors: Vec<(String, Value)> = entries
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let bytes = fs::read(&path).expect("a vector");
            let value = serde_json::from_slice(&bytes).expect("a vector is JSON");
            (path.display().to_string(), value)
        })
        .collect();
    vectors.sort_by(|a, b| a.0.cmp(&b.0));
    vectors
}

fn number(value: &Value) -> u16 {
    u16::try_from(value.as_u64().expect("a number")).expect("a small number")
}

/// Every payload vector decodes to what it says, encodes to the same bytes, and has its digest;
/// there is one of every kind.
#[test]
fn payloads_say_what_they_say() {
    let mut kinds = BTreeSet::new();
    for (name, vector) in vectors("payloads") {
        let payload = unhex(vector["payload"].as_str().expect("a payload"));
        let kind = (number(&vector["kind"]), number(&vector["version"]));
        let event = decode_payload(kind, length_of(&vector["period_length"]), &payload)
            .unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(says(&event), vector["says"], "{name}");
        assert_eq!(event.kind().as_str(), vector["name"], "{name}");
        assert_eq!(encode_payload(&event).expect("it has bytes"), payload, "{name}");
        let digest = Domain::Payload.digest(&payload).to_string();
        assert_eq!(vector["payload_digest"], digest, "{name}");
        kinds.insert(kind.0);
    }
    assert_eq!(kinds, Kind::ALL.iter().map(|kind| *kind as u16).collect());
}

/// Today's code writes the payload vectors again, byte for byte.
#[test]
fn payload_vectors_are_written_again() {
    let mut seen = BTreeSet::new();
    let worlds = [
        (every_kind(), "month"),
        (every_clause(), "quarter"),
        (whole::every_kind_of_event(), "month"),
        (whole::every_clause(), "quarter"),
        (every_dispute(), "month"),
    ];
    for (world, length) in worlds {
        for fact in facts(&world) {
            let variant = match &fact.event {
                Event::UsageReported(report) => lines_kind(&report.lines),
                Event::UsageCorrected(correction) => lines_kind(&correction.lines),
                Event::StatementIssued(statement) if statement.level > Level::One => {
                    statement_kind(statement)
                }
                Event::PayoutSent(payout) if payout.grossed_up => "v2-grossed-up",
                Event::DisputeOpened(said) => claim_kind(&said.claim),
                Event::DisputeSettled(said) => outcome_kind(&said.outcome),
                Event::DisputeDetermined(said) => outcome_kind(&said.outcome),
                Event::DisputeAccepted(said) if said.by_default => "by-default",
                event if event.version() > 1 => "v2",
                _ => "",
            };
            let name = match variant {
                "" => fact.event.kind().as_str().to_owned(),
                variant => format!("{}-{variant}", fact.event.kind().as_str()),
            };
            if !seen.insert((name.clone(), length)) {
                continue;
            }
            let number = fact.event.kind() as u16;
            let payload = encode_payload(&fact.event).expect("it has bytes");
            let vector = json!({
                "name": fact.event.kind().as_str(),
                "kind": number,
                "version": fact.event.version(),
                "period_length": length,
                "payload": hex(&payload),
                "payload_digest": Domain::Payload.digest(&payload).to_string(),
                "says": says(&fact.event),
            });
            let path = format!("schemas/vectors/payloads/{number:02}-{name}-{length}.json");
            holds_bytes_for_ever(&path, &json_text(&vector));
        }
    }
}

fn claim_kind(claim: &Claim) -> &'static str {
    match claim {
        Claim::Figures(_) => "figures",
        Claim::Report { lines: None, .. } => "nil",
        Claim::Report { lines: Some(_), .. } => "report",
        Claim::Terms(_) => "terms",
    }
}

fn outcome_kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Stands => "stands",
        Outcome::AsClaimed => "as-claimed",
        Outcome::Other(claim) => claim_kind(claim),
    }
}

fn lines_kind(lines: &Lines) -> &'static str {
    match lines {
        Lines::Nil => "nil",
        Lines::Inline(_) => "inline",
        Lines::Parts(_) => "parts",
    }
}

fn statement_kind(statement: &Statement) -> &'static str {
    match (statement.entries.len(), statement.recoupments.len() + statement.interest.len()) {
        (1, 0) => "v2",
        (_, 0) => "v2-true-up",
        _ => "v2-interest-recoupment",
    }
}

/// A log whose last record has a payload, signed by its author: `None` for a bare ledger.
pub fn log_with(world: &World, kind: Kind, party: &str, payload: &[u8]) -> Vec<Vec<u8>> {
    let key = signer(party);
    let author = Author {
        party: Id::parse(party).expect("a party id"),
        key: key.public().expect("a key that is not weak"),
    };
    let sample = facts(world).into_iter().find(|fact| fact.event.kind() == kind);
    // The writer takes the kind from the event and everything else from the payload.
    let event = sample.expect("the sample ledger has every kind").event;
    let last = facts(world).pop().expect("the ledger has records");
    let sealed = Sealed {
        event,
        payload: payload.to_vec(),
        payload_digest: Domain::Payload.digest(payload),
        content: last.content,
        id: last.id,
        nonce: [7; 16],
    };
    let opens = kind == Kind::LedgerOpened;
    let agreement = world.agreement();
    let place = match opens {
        true => Place {
            ledger: LedgerId::default(),
            seq: 0,
            previous: ledger_core::vocab::RecordHash::default(),
            recorded_at: Timestamp::default(),
            level: agreement.opened_at(),
        },
        false => Place {
            ledger: agreement.ledger(),
            seq: world.state().next_seq(),
            previous: world.state().head(),
            recorded_at: world.state().recorded_at(),
            level: agreement.opened_at(),
        },
    };
    let (frame, _) = chain::write(place, &author, &sealed, &key);
    let mut log = match opens {
        true => vec![SegmentHeader { number: 0, first_seq: 0 }.bytes().to_vec()],
        false => world.segments(),
    };
    log[0].extend_from_slice(&frame);
    log
}

/// Every bad payload is refused with its code; and a log that ends with it, correctly signed, is
/// refused by the ledger, the verifier and the reference.
#[test]
fn bad_payloads_are_refused() {
    let worlds = [every_kind(), whole::every_kind_of_event(), every_dispute()];
    let vectors = vectors("bad-payloads");
    assert!(vectors.len() >= 120, "{} bad payloads", vectors.len());
    for (name, vector) in vectors {
        let payload = unhex(vector["payload"].as_str().expect("a payload"));
        let kind = number(&vector["kind"]);
        let length = length_of(&vector["period_length"]);
        // Those of level 2 name a version.
        let (version, world) = match vector.get("version") {
            None => (1, &worlds[0]),
            Some(version) if kind >= Kind::DisputeOpened as u16 => (number(version), &worlds[2]),
            Some(version) => (number(version), &worlds[1]),
        };
        let code = match decode_payload((kind, version), length, &payload) {
            Ok(event) => panic!("{name}: it decodes to {event:?}"),
            Err(problem) => problem.code.as_str(),
        };
        assert_eq!(vector["code"], code, "{name}");
        let Some(kind) = Kind::from_number(kind) else { continue };
        if kind == Kind::LedgerOpened {
            let level = Level::from_number(version).expect("a level");
            assert!(decode_terms(&payload, level).is_err(), "{name}");
        }
        let log = log_with(world, kind, "acme-cloud", &payload);
        let replayed =
            replay(&in_memory(log.clone()), None, Signatures::Checked, &mut |_, _, _| {});
        assert!(replayed.is_err(), "{name}: the ledger takes it");
        assert!(!verify(&in_memory(log.clone()), &Options::default()).is_valid(), "{name}");
        assert!(revshare_reference::replay(&log).is_err(), "{name}: the reference takes it");
    }
}

/// Today's code writes the bad payloads again, byte for byte.
#[test]
fn bad_payloads_are_written_again() {
    let mut names = BTreeSet::new();
    let of_level_one = bad_payloads().into_iter().map(|bad| (None, bad));
    let of_level_two = bad_whole_payloads().into_iter().map(|(v, bad)| (Some(v), bad));
    let of_disputes = bad_dispute_payloads().into_iter().map(|(v, bad)| (Some(v), bad));
    let all = of_level_one.chain(of_level_two).chain(of_disputes).chain(bad_texts());
    for (version, bad) in all {
        assert!(names.insert(bad.name), "there are two bad payloads {}", bad.name);
        let kind = bad.kind as u16;
        let read = decode_payload((kind, version.unwrap_or(1)), PeriodLength::Month, &bad.payload);
        let code = read.map_or_else(|problem| problem.code.as_str(), |_| "none");
        let mut vector = json!({
            "what": bad.what,
            "kind": kind,
            "period_length": "month",
            "payload": hex(&bad.payload),
            "code": code,
        });
        if let Some(version) = version {
            vector["version"] = version.into();
        }
        let path = format!("schemas/vectors/bad-payloads/{kind:02}-{}.json", bad.name);
        holds_bytes_for_ever(&path, &json_text(&vector));
    }
}

/// Ways in which a small log can be wrong, with the code that names each.
fn bad_logs() -> Vec<(&'static str, &'static str, Vec<Vec<u8>>)> {
    let world = in_force();
    let good = world.segments();
    let frames = frames(&good[0]);
    let (start, len) = frames[1];
    let (last_start, last_len) = frames[frames.len() - 1];
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut log = good.clone();
        change(&mut log[0]);
        log
    };
    let record = |at: usize| good[0][frames[at].0..frames[at].0 + frames[at].1].to_vec();
    let of = |order: &[usize]| {
        let mut bytes = good[0][..64].to_vec();
        order.iter().for_each(|at| bytes.extend(record(*at)));
        vec![bytes]
    };
    let other = every_kind();
    let acknowledged = facts(&other).into_iter().find(|f| f.event.kind() == Kind::Acknowledged);
    let foreign = encode_payload(&acknowledged.expect("it has every kind").event);
    let refused = |kind, party: &str, payload: &[u8]| {
        // In force without a report: the kinds come from the other ledger, the place from this one.
        let mut log = good.clone();
        let sample = facts(&other).into_iter().find(|fact| fact.event.kind() == kind);
        let key = signer(party);
        let author = Author {
            party: Id::parse(party).expect("a party id"),
            key: key.public().expect("a key that is not weak"),
        };
        let fact = sample.expect("it has every kind");
        let sealed = Sealed {
            event: fact.event,
            payload: payload.to_vec(),
            payload_digest: Domain::Payload.digest(payload),
            content: fact.content,
            id: fact.id,
            nonce: [7; 16],
        };
        let place = Place {
            ledger: world.agreement().ledger(),
            seq: world.state().next_seq(),
            previous: world.state().head(),
            recorded_at: world.state().recorded_at(),
            level: Level::One,
        };
        log[0].extend(chain::write(place, &author, &sealed, &key).0);
        log
    };
    let february = [0xea, 0x07, 2];
    vec![
        ("header-bit", "a bit of the segment header is flipped", changed(&|b| b[20] ^= 1)),
        ("header-magic", "the file is no segment", changed(&|b| b[0] = b'R')),
        ("frame-length-bit", "a bit of a frame's length is flipped", changed(&|b| b[start] ^= 1)),
        ("frame-checksum", "a frame header's checksum is wrong", changed(&|b| b[start + 12] ^= 1)),
        (
            "last-frame-header",
            "the last record's frame header is damaged",
            changed(&|b| b[last_start + 5] ^= 8),
        ),
        (
            "envelope-bit",
            "a bit of a record's time is flipped",
            changed(&|b| b[start + 16 + 76] ^= 1),
        ),
        ("payload-bit", "a bit of a payload is flipped", changed(&|b| b[start + len - 100] ^= 1)),
        (
            "hash-bit",
            "a bit of a stored record hash is flipped",
            changed(&|b| b[start + len - 96] ^= 1),
        ),
        (
            "signature-bit",
            "a bit of a signature is flipped",
            changed(&|b| b[start + len - 64] ^= 1),
        ),
        (
            "last-signature-bit",
            "a bit of the last signature is flipped",
            changed(&|b| b[last_start + last_len - 1] ^= 1),
        ),
        ("record-missing", "a record is missing", of(&[0, 2])),
        ("record-twice", "a record stands twice", of(&[0, 1, 1, 2])),
        ("records-exchanged", "two records are exchanged", of(&[0, 2, 1])),
        ("first-missing", "the first record is missing", of(&[1, 2])),
        (
            "bytes-inserted",
            "bytes stand between two records",
            changed(&|b| {
                b.splice(start..start, [0; 5]);
            }),
        ),
        ("other-ledger", "a record of another ledger", {
            let mut log = of(&[0]);
            let segment = every_clause().segments().remove(0);
            let (start, len) = crate::damage::frames(&segment)[1];
            log[0].extend_from_slice(&segment[start..start + len]);
            log
        }),
        (
            "segment-number",
            "the first segment says that it is the second",
            changed(&|b| {
                let header = SegmentHeader { number: 1, first_seq: 0 }.bytes();
                b[..64].copy_from_slice(&header);
            }),
        ),
        (
            "segment-first-record",
            "a segment says that it begins with another record",
            changed(&|b| {
                let header = SegmentHeader { number: 0, first_seq: 1 }.bytes();
                b[..64].copy_from_slice(&header);
            }),
        ),
        (
            "foreign-acknowledgement",
            "an acknowledgement of a head of another ledger, correctly signed",
            refused(Kind::Acknowledged, "meta", &foreign.expect("it has bytes")),
        ),
        (
            "missing-before-due",
            "a report is said to be missing before its due day, correctly signed",
            refused(Kind::UsageMissing, "meta", &february),
        ),
        (
            "missing-by-collector",
            "a report is said to be missing by the collector, correctly signed",
            refused(Kind::UsageMissing, "acme-cloud", &february),
        ),
        ("statement-not-due", "a statement of another ledger, correctly signed", {
            let statement =
                facts(&other).into_iter().find(|f| f.event.kind() == Kind::StatementIssued);
            let payload = encode_payload(&statement.expect("it has every kind").event);
            refused(Kind::StatementIssued, "meta", &payload.expect("it has bytes"))
        }),
    ]
}

/// Every bad log is refused: by the ledger with its code, by the verifier and by the reference.
#[test]
fn bad_logs_are_refused() {
    let vectors = vectors("bad-logs");
    assert!(vectors.len() >= 39, "{} bad logs", vectors.len());
    for (name, vector) in vectors {
        let segments = vector["segments"].as_array().expect("segments").iter();
        let segments: Vec<Vec<u8>> =
            segments.map(|text| unhex(text.as_str().expect("hexadecimal digits"))).collect();
        let log = in_memory(segments.clone());
        let problem = replay(&log, None, Signatures::Checked, &mut |_, _, _| {})
            .map(|_| ())
            .expect_err(&name);
        assert_eq!(vector["code"], problem.code.as_str(), "{name}: {problem}");
        assert!(!verify(&log, &Options::default()).is_valid(), "{name}");
        let fault = revshare_reference::replay(&segments).expect_err(&name);
        assert_eq!(vector["record"], fault.seq, "{name}: the reference says {fault}");
    }
}

/// Today's code writes the bad logs again, byte for byte.
#[test]
fn bad_logs_are_written_again() {
    let more = bad_reports().into_iter().chain(bad_ends());
    for (name, what, segments) in bad_logs().into_iter().chain(more) {
        let log = in_memory(segments.clone());
        let read = replay(&log, None, Signatures::Checked, &mut |_, _, _| {});
        let code = read.map_or_else(|problem| problem.code.as_str(), |_| "none");
        let record = revshare_reference::replay(&segments).map_or_else(|fault| fault.seq, |_| 0);
        let vector = json!({
            "what": what,
            "segments": segments.iter().map(|bytes| hex(bytes)).collect::<Vec<_>>(),
            "code": code,
            "record": record,
        });
        let path = format!("schemas/vectors/bad-logs/{name}.json");
        holds_bytes_for_ever(&path, &json_text(&vector));
    }
}
