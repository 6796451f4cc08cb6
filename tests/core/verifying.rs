//! What the verifier says: each check with its layer and record, what it was given to compare with,
//! what does not count, and what it did not check.

use ledger_core::acknowledgement::SignedAcknowledgement;
use ledger_core::chain;
use ledger_core::chain::Place;
use ledger_core::chain::StoredRecord;
use ledger_core::event::Author;
use ledger_core::event::Event;
use ledger_core::evolve::acknowledgement::compose;
use ledger_core::limits::CLOCK_AHEAD_MICROS_MAX;
use ledger_core::machine::RememberedHead;
use ledger_core::store::MemoryLog;
use ledger_core::store::Segment;
use ledger_core::store::SegmentSource;
use ledger_core::verify::Layer;
use ledger_core::verify::Options;
use ledger_core::verify::Verdict;
use ledger_core::verify::verify;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Id;
use ledger_core::vocab::LedgerId;
use ledger_core::vocab::Problem;
use ledger_core::vocab::RecordHash;
use ledger_core::vocab::StateRoot;
use ledger_core::vocab::Timestamp;
use ledger_core::wire::event::seal;
use revshare_kit::Given;
use revshare_kit::World;
use revshare_kit::disk::in_memory;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::public_key;
use revshare_kit::random::facts;
use revshare_kit::signer;
use revshare_kit::two_parties;

use crate::damage::frames;
use crate::damage::in_segments;

fn id(text: &str) -> Id {
    Id::parse(text).expect("an id")
}

/// Records 0 and 1 open the ledger, 2 reports January.
fn reported() -> Given {
    let terms = two_parties("share = { meta = \"0.15\" }").party("expert", "arbiter");
    Given::ledger(terms).reported("2026-01", lines!["2026-01-05" => "600.00"])
}

/// Record 3 states January, 4 reports February, 5 states it, 6 acknowledges.
fn stated() -> World {
    reported()
        .stated("2026-01")
        .reported("2026-02", lines!["2026-02-05" => "100.00"])
        .stated("2026-02")
        .and(party("meta").acknowledges())
        .into_world()
}

/// Writes records behind those of a ledger, signed by whoever says them.
struct Stranger {
    log: Vec<Vec<u8>>,
    place: Place,
}

impl Stranger {
    fn behind(world: &World) -> Stranger {
        let place = Place {
            ledger: world.agreement().ledger(),
            seq: world.state().next_seq(),
            previous: world.state().head(),
            recorded_at: world.state().recorded_at(),
            level: world.agreement().opened_at(),
        };
        Stranger { log: world.segments(), place }
    }

    fn says(mut self, party: &str, event: Event) -> Stranger {
        let author = Author { party: id(party), key: public_key(party) };
        let nonce = [self.place.seq as u8; 16];
        let sealed = seal(self.place.ledger, &author, nonce, event).expect("it has bytes");
        let (frame, hash) = chain::write(self.place, &author, &sealed, &signer(party));
        self.log.last_mut().expect("a segment").extend(frame);
        self.place.seq += 1;
        self.place.previous = hash;
        self
    }

    fn at(mut self, micros: i64) -> Stranger {
        let moved = Timestamp::from_micros(self.place.recorded_at.micros() + micros);
        self.place.recorded_at = moved.expect("a time before the year 3000");
        self
    }

    fn verdict(&self) -> Verdict {
        judged(self.log.clone(), &Options::default())
    }
}

fn judged(log: Vec<Vec<u8>>, options: &Options) -> Verdict {
    verify(&in_memory(log), options)
}

fn found(verdict: &Verdict) -> Vec<(Option<u64>, Layer, Code)> {
    let findings = verdict.findings.iter();
    findings.map(|one| (one.seq, one.layer, one.problem.code)).collect()
}

/// The last record up to which each layer holds.
fn holds_to(verdict: &Verdict) -> [Option<u64>; 5] {
    Layer::ALL.map(|layer| verdict.holds_to(layer))
}

/// The event of a record.
fn event(world: &World, seq: usize) -> Event {
    facts(world)[seq].event.clone()
}

#[test]
fn a_sound_log_is_valid_and_its_head_is_named() {
    let world = stated();
    let verdict = judged(world.segments(), &Options::default());
    assert!(verdict.is_valid());
    assert_eq!(verdict.ledger, Some(world.agreement().ledger()));
    assert_eq!((verdict.events, verdict.head), (7, Some((6, world.state().head()))));
    assert_eq!(verdict.state_root, Some(world.root()));
    assert_eq!(verdict.acknowledged, [(id("meta"), 5)]);
    assert_eq!((verdict.state_lost_at, &verdict.notices[..]), (None, &[][..]));
    assert_eq!(holds_to(&verdict), [Some(6); 5]);
    let words: Vec<&str> = Layer::ALL.iter().map(|layer| layer.as_str()).collect();
    assert_eq!(words, ["chain", "authors", "rules", "arithmetic", "agreement"]);
}

/// A record that may not be said is found with its layer, once; what stands behind it is judged as
/// if it had not been said.
#[test]
fn a_lie_is_found_and_what_follows_is_judged() {
    let honest = stated();
    let report = event(&honest, 4);
    let payout = event(
        &reported()
            .stated("2026-01")
            .and(party("acme-cloud").sends("meta", "90.00", "2026-02-20", "wire 1"))
            .into_world(),
        4,
    );
    let world = reported().stated("2026-01").into_world();
    // Nobody but the collector reports or sends; a report is made once; an acknowledgement is of
    // the head before it.
    for (who, lie, layer, code) in [
        ("meta", payout.clone(), Layer::Authors, Code::NotEntitled),
        ("stranger", payout.clone(), Layer::Authors, Code::NotAParty),
        ("acme-cloud", event(&honest, 2), Layer::Rules, Code::PeriodReported),
        ("meta", event(&honest, 6), Layer::Agreement, Code::HeadWrong),
        ("meta", event(&honest, 0), Layer::Rules, Code::NotOpened),
    ] {
        let log = Stranger::behind(&world).says(who, lie).says("acme-cloud", report.clone());
        let verdict = log.verdict();
        assert_eq!(found(&verdict), [(Some(4), layer, code)]);
        let expected = Layer::ALL.map(|one| Some(if one == layer { 3 } else { 5 }));
        assert_eq!(holds_to(&verdict), expected, "{code:?}");
        assert_eq!((verdict.events, verdict.state_lost_at), (6, None));
        assert_eq!(verdict.head, Some((5, log.place.previous)));
        assert!(verdict.state_root.is_some() && !verdict.is_valid());
    }
}

/// A false statement is found with every difference; what stands behind it is judged by what it
/// posted.
#[test]
fn a_false_statement_is_found_and_counts_as_it_was_issued() {
    let host = party("acme-cloud");
    let mut statement = event(&stated(), 3);
    let Event::StatementIssued(issued) = &mut statement else { panic!("a statement") };
    issued.entries[0].shares[0].1 = Amount::from_whole(91);
    let sends = reported().stated("2026-01").and(host.sends_on_account(
        "meta",
        "91.00",
        "2026-02-20",
        "wire 1",
    ));
    let mut payout = event(&sends.into_world(), 4);
    let Event::PayoutSent(sent) = &mut payout else { panic!("a payout") };
    // By the statement as it was issued, nothing of it is on account.
    sent.on_account = Amount::ZERO;
    let log = Stranger::behind(&reported().into_world())
        .says("acme-cloud", statement.clone())
        .says("acme-cloud", payout);
    let verdict = log.verdict();
    assert_eq!(found(&verdict), [(Some(3), Layer::Arithmetic, Code::StatementContent)]);
    let said = &verdict.findings[0].problem.message;
    assert_eq!(said, "posted to meta for 2026-01: expected 90, found 91");
    assert_eq!(verdict.state_lost_at, None);
    // So is the root that it names.
    let Event::StatementIssued(issued) = &mut statement else { panic!("a statement") };
    issued.entries[0].shares[0].1 = Amount::from_whole(90);
    issued.state_root = StateRoot::default();
    let log = Stranger::behind(&reported().into_world()).says("acme-cloud", statement);
    assert_eq!(found(&log.verdict()), [(Some(3), Layer::Arithmetic, Code::StateRootWrong)]);
}

/// A time that runs backwards is found in the chain, and the record is judged all the same; the next
/// one is held against the latest time before it.
#[test]
fn a_time_that_runs_backwards_is_found_in_the_chain() {
    let given = || reported().stated("2026-01");
    let accepts = event(&given().and(party("meta").accepts_statement("2026-01")).into_world(), 4);
    let reports = given().reported("2026-02", vec![]).reported("2026-03", vec![]).into_world();
    let log = Stranger::behind(&given().into_world())
        .at(-2_000_000)
        .says("acme-cloud", event(&reports, 4))
        .at(1_000_000)
        .says("meta", accepts)
        .at(1_000_000)
        .says("acme-cloud", event(&reports, 5));
    let verdict = log.verdict();
    let late = |seq| (Some(seq), Layer::Chain, Code::TimeBackwards);
    assert_eq!(found(&verdict), [late(4), late(5)]);
    assert!(verdict.state_root.is_some());
}

/// Where a record is damaged, what depends on the state is lost from there on, and said to be.
#[test]
fn behind_damage_the_state_is_not_known() {
    let world = stated();
    let frames = frames(&world.segments()[0]);
    let damaged = |record: usize| {
        let mut log = world.segments();
        log[0][frames[record].0 + 40] ^= 1;
        judged(log, &Options::default())
    };
    let verdict = damaged(3);
    assert_eq!(
        found(&verdict).iter().map(|one| (one.0, one.1)).collect::<Vec<_>>(),
        [(Some(3), Layer::Chain)]
    );
    assert_eq!(verdict.state_lost_at, Some(3));
    assert_eq!(verdict.state_root, None);
    assert_eq!(holds_to(&verdict), [Some(2), Some(6), Some(2), Some(2), Some(2)]);
    assert!(verdict.unchecked[0].contains("from record 3 on"), "{:?}", verdict.unchecked);
    assert_eq!((verdict.events, verdict.head), (7, Some((6, world.state().head()))));
    assert_eq!(damaged(0).holds_to(Layer::Chain), None);
    // Without its first records, a log is of a ledger that is not known.
    let mut log = world.segments();
    log[0].drain(frames[0].0..frames[2].0);
    let verdict = judged(log, &Options::default());
    assert_eq!(verdict.findings.first().and_then(|one| one.seq), Some(0));
    assert_eq!((verdict.state_lost_at, verdict.state_root), (Some(0), None));
}

/// Where the first record cannot be read, the ledger is not known, and so no other record is known to
/// belong to it; the next record is not taken for the first one.
#[test]
fn without_its_first_record_a_ledger_has_no_name() {
    let world = stated();
    let mut log = world.segments();
    log[0][frames(&world.segments()[0])[0].0] ^= 1;
    let verdict = judged(log, &Options::default());
    assert_eq!(verdict.ledger, None);
    let seqs: Vec<Option<u64>> = verdict.findings.iter().map(|one| one.seq).collect();
    assert_eq!(seqs, [0, 1, 2, 3, 4, 5, 6].map(Some), "{:?}", verdict.findings);
}

/// A signature that is not the author's is found with the authors; the record counts for the state.
#[test]
fn a_wrong_signature_is_found_with_the_authors() {
    let world = stated();
    let frames = frames(&world.segments()[0]);
    let (start, len) = frames[4];
    let mut log = world.segments();
    log[0][start + len - 1] ^= 1;
    let verdict = judged(log, &Options::default());
    assert_eq!(found(&verdict), [(Some(4), Layer::Authors, Code::SignatureWrong)]);
    assert_eq!(verdict.state_root, Some(world.root()));
    assert_eq!(holds_to(&verdict), [Some(6), Some(3), Some(6), Some(6), Some(6)]);
}

/// What an append left behind does not count: bytes of a record, and parts that nothing closes.
#[test]
fn what_was_never_finished_does_not_count() {
    let host = party("acme-cloud");
    let three = lines!["2026-02-05" => "1.00", "2026-02-06" => "2.00", "2026-02-07" => "3.00"];
    let before = reported().stated("2026-01").into_world();
    let world = reported()
        .stated("2026-01")
        .and(host.reports_in_blocks("2026-02", three, 1, false))
        .into_world();
    let frames = frames(&world.segments()[0]);
    let cut = |len: usize| {
        let mut log = world.segments();
        log[0].truncate(len);
        judged(log, &Options::default())
    };
    let head = Some((3, before.state().head()));
    for len in [frames[4].0 + 1, frames[5].0 - 1, frames[5].0, frames[6].0 + 9, frames[7].0] {
        let verdict = cut(len);
        assert!(verdict.is_valid(), "{:?}", verdict.findings);
        assert_eq!((verdict.events, verdict.head), (4, head), "cut at {len}");
        assert_eq!(verdict.state_root, Some(before.root()), "cut at {len}");
        assert!(!verdict.notices.is_empty(), "it is said");
    }
    assert_eq!(cut(frames[4].0).notices, [""; 0], "a log that ends with a record ends cleanly");
    // Nothing was recorded at all.
    let verdict = cut(64);
    assert_eq!((verdict.is_valid(), verdict.events, verdict.head), (false, 0, None));
    assert_eq!((verdict.state_root, verdict.unreadable), (None, false));
}

/// A disk that cannot be read.
struct Failing(MemoryLog, Option<u32>);

impl SegmentSource for Failing {
    fn segments(&self) -> Result<Vec<Segment>, Problem> {
        match self.1 {
            None => Err(Problem::new(Code::DiskRead, "the disk is gone")),
            Some(_) => self.0.segments(),
        }
    }

    fn read_at(&self, segment: u32, offset: u64, buffer: &mut [u8]) -> Result<(), Problem> {
        if self.1.is_none_or(|last| segment > last) {
            return Err(Problem::new(Code::DiskRead, "the disk is gone"));
        }
        self.0.read_at(segment, offset, buffer)
    }
}

#[test]
fn a_disk_that_fails_is_told_from_one_that_cannot_be_read_at_all() {
    let world = stated();
    let log = in_memory(in_segments(&world.segments()[0], 3));
    for (last, unreadable, events) in [(None, true, 0), (Some(0), false, 3), (Some(1), false, 6)] {
        let verdict = verify(&Failing(log.clone(), last), &Options::default());
        assert_eq!(found(&verdict), [(None, Layer::Chain, Code::DiskRead)]);
        assert_eq!((verdict.unreadable, verdict.events), (unreadable, events));
    }
    assert!(verify(&Failing(log, Some(2)), &Options::default()).is_valid());
}

fn unchecked(verdict: &Verdict, word: &str) -> bool {
    verdict.unchecked.iter().any(|one| one.starts_with(word))
}

/// Keys from elsewhere are compared with those of the ledger; of the others it says so.
#[test]
fn keys_are_compared_with_those_that_were_given() {
    let world = stated();
    let with = |keys: &[(&str, &str)]| {
        let keys = keys.iter().map(|(of, key)| (id(of), public_key(key))).collect();
        judged(world.segments(), &Options { keys, ..Options::default() })
    };
    let none = with(&[]);
    assert!(unchecked(&none, "keys: taken from the ledger itself"));
    let some = with(&[("meta", "meta"), ("acme-cloud", "acme-cloud")]);
    assert!(some.is_valid());
    assert_eq!(some.keys_not_given, [id("expert")]);
    assert!(unchecked(&some, "keys of expert"), "{:?}", some.unchecked);
    let all = with(&[("meta", "meta"), ("acme-cloud", "acme-cloud"), ("expert", "expert")]);
    assert!(all.is_valid() && all.keys_not_given.is_empty());
    assert!(!unchecked(&all, "keys"), "{:?}", all.unchecked);
    for wrong in [("meta", "expert"), ("nobody", "meta")] {
        let verdict = with(&[("acme-cloud", "acme-cloud"), wrong]);
        assert_eq!(found(&verdict), [(Some(0), Layer::Authors, Code::KeyMismatch)], "{wrong:?}");
    }
}

fn signed(world: &World, by: &str) -> SignedAcknowledgement {
    let author = Author { party: id(by), key: public_key(by) };
    let ledger = world.agreement().ledger();
    SignedAcknowledgement { ledger, author, said: compose(world.state()).expect("sums in bounds") }
}

/// Acknowledgements from elsewhere are held against the log: the ledger, the key, the record, its
/// hash and the state root behind it.
#[test]
fn acknowledgements_from_elsewhere_are_compared() {
    let world = stated();
    let good = || signed(&world, "meta");
    let against = |world: &World, against: Vec<SignedAcknowledgement>| {
        judged(world.segments(), &Options { against, ..Options::default() })
    };
    let earlier = signed(&reported().into_world(), "acme-cloud");
    let verdict = against(&world, vec![good(), earlier.clone()]);
    assert!(verdict.is_valid() && verdict.against_unchecked.is_empty(), "{:?}", verdict.findings);
    assert!(!unchecked(&verdict, "a cut-off tail") && !unchecked(&verdict, "the acknowledgement"));
    assert!(unchecked(&against(&world, vec![]), "a cut-off tail"));

    let changed = |change: &dyn Fn(&mut SignedAcknowledgement)| {
        let mut one = good();
        change(&mut one);
        found(&against(&world, vec![one]))
    };
    let differs = |seq| vec![(Some(seq), Layer::Agreement, Code::AckMismatch)];
    assert_eq!(changed(&|one| one.ledger = LedgerId::default()), differs(6));
    assert_eq!(changed(&|one| one.author.key = public_key("expert")), differs(6));
    assert_eq!(changed(&|one| one.author.party = id("nobody")), differs(6));
    assert_eq!(changed(&|one| one.said.head = RecordHash::default()), differs(6));
    assert_eq!(changed(&|one| one.said.state_root = StateRoot::default()), differs(6));
    assert_eq!(changed(&|one| one.said.seq = 5), differs(5));
    // A record behind the end of this log, the first one already.
    assert_eq!(changed(&|one| one.said.seq = 7), differs(7));
    let shorter = reported().stated("2026-01").into_world();
    assert_eq!(found(&against(&shorter, vec![good()])), differs(6));
    // A root of another version says nothing about this one.
    let mut other = good();
    other.said.root_version += 1;
    other.said.state_root = StateRoot::default();
    let verdict = against(&world, vec![other, earlier]);
    assert!(verdict.is_valid());
    assert_eq!(verdict.against_unchecked, [id("meta")]);
    assert!(unchecked(&verdict, "the acknowledgement of meta"), "{:?}", verdict.unchecked);
    // Behind damage, no root is known.
    let mut log = world.segments();
    log[0][frames(&world.segments()[0])[3].0 + 40] ^= 1;
    let verdict = judged(log, &Options { against: vec![good()], ..Options::default() });
    assert_eq!(verdict.against_unchecked, [id("meta")]);
    assert_eq!(verdict.findings.len(), 1, "{:?}", verdict.findings);
}

/// The head that this machine remembers is held against the log, of the same ledger only.
#[test]
fn a_remembered_head_is_compared() {
    let world = stated();
    let (ledger, head) = (world.agreement().ledger(), world.state().head());
    let with = |log: Vec<Vec<u8>>, seq: u64, hash: RecordHash, ledger: LedgerId| {
        let remembered = Some(RememberedHead { ledger, seq, hash });
        judged(log, &Options { remembered, ..Options::default() })
    };
    let verdict = with(world.segments(), 6, head, ledger);
    assert!(verdict.is_valid() && !unchecked(&verdict, "a rollback"));
    assert!(unchecked(&judged(world.segments(), &Options::default()), "a rollback"));
    let third = facts(&world)[3].hash;
    assert!(with(world.segments(), 3, third, ledger).is_valid(), "it has grown since");
    let rollback = |seq| [(Some(seq), Layer::Chain, Code::Rollback)];
    assert_eq!(found(&with(world.segments(), 6, third, ledger)), rollback(6));
    assert_eq!(found(&with(world.segments(), 7, head, ledger)), rollback(7));
    assert!(with(world.segments(), 7, third, LedgerId::default()).is_valid(), "another ledger");
    // Cut inside the record that is remembered, or inside one behind it.
    let frames = frames(&world.segments()[0]);
    let cut = |record: usize| {
        let mut log = world.segments();
        log[0].truncate(frames[record].0 + 20);
        log
    };
    let truncated = [(Some(6), Layer::Chain, Code::Truncated)];
    assert_eq!(found(&with(cut(6), 6, head, ledger)), truncated);
    let fifth = facts(&world)[5].hash;
    assert!(with(cut(6), 5, fifth, ledger).is_valid());
}

/// A record from the future of a clock is said, from more than ten minutes on.
#[test]
fn a_record_ahead_of_the_clock_is_said() {
    let world = stated();
    let last = world.state().recorded_at().micros();
    let with = |now: Option<i64>| {
        let now = now.map(|micros| Timestamp::from_micros(micros).expect("a time"));
        let verdict = judged(world.segments(), &Options { now, ..Options::default() });
        assert!(verdict.is_valid(), "a clock proves nothing");
        verdict.notices.len()
    };
    assert_eq!(with(None), 0);
    assert_eq!(with(Some(last)), 0);
    assert_eq!(with(Some(last - CLOCK_AHEAD_MICROS_MAX)), 0);
    assert_eq!(with(Some(last - CLOCK_AHEAD_MICROS_MAX - 1)), 1);
}

/// A last record without its end was never finished, unless this machine remembers that it was.
#[test]
fn a_torn_record_that_is_remembered_is_a_finding() {
    let world = stated();
    let log = world.segments().remove(0);
    let frames = frames(&log);
    // The sector that a record ends in was never written: one that begins in an earlier sector.
    let torn = frames.iter().enumerate().skip(3).find(|(_, (at, len))| {
        let tail = (at + len) % 512;
        tail > 0 && tail + 100 < *len
    });
    let (number, (at, len)) = torn.expect("a record over two sectors");
    let end = at + len;
    let mut log = log[..end].to_vec();
    let record = StoredRecord::read(&log[*at..]).expect("a record");
    let (previous, hash) = (record.place.previous, record.hash);
    log[end - end % 512..].fill(0);
    let source = in_memory(vec![log]);
    let (ledger, seq) = (world.agreement().ledger(), number as u64);
    let options = |remembered| Options { remembered, ..Options::default() };
    let fresh = verify(&source, &options(None));
    assert!(fresh.is_valid() && fresh.events == seq, "{:?}", fresh.findings);
    assert_eq!(fresh.head, Some((seq - 1, previous)), "the record before it is the last");
    assert!(
        fresh.notices.iter().any(|notice| notice.contains("torn append")),
        "{:?}",
        fresh.notices
    );
    let known = RememberedHead { ledger, seq, hash };
    let verdict = verify(&source, &options(Some(known)));
    assert!(!verdict.is_valid());
    assert!(verdict.findings.iter().any(|finding| finding.seq == Some(seq)));
    let before = RememberedHead { seq: seq - 1, hash: previous, ..known };
    assert!(verify(&source, &options(Some(before))).is_valid(), "it was not recorded then");
}
