//! Reports that are written line by line, and events that become durable together.

use std::fs;

use ledger_core::command::Command;
use ledger_core::decide::Context;
use ledger_core::event::Kind;
use ledger_core::intake::Blocks;
use ledger_core::intake::read_csv;
use ledger_core::intake::read_csv_blocks;
use ledger_core::ledger::CheckpointUse;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Lookup;
use ledger_core::ledger::Mode;
use ledger_core::ledger::Signing;
use ledger_core::ledger::report::PreparedBlock;
use ledger_core::machine::Machine;
use ledger_core::state::State;
use ledger_core::terms::TermsByDay;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Code;
use ledger_core::vocab::Date;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use ledger_core::vocab::Period;
use ledger_core::vocab::Problem;
use ledger_core::vocab::Text;
use ledger_core::wire::codec::decode_cache;
use ledger_core::wire::codec::encode_cache;
use revshare_kit::World;
use revshare_kit::keys::signer;
use revshare_kit::two_parties;
use revshare_kit::world::state_root;

const HOST: &str = "acme-cloud";

fn world() -> World {
    World::in_force(two_parties("share = { meta = \"0.15\" }").build())
}

fn january() -> Period {
    Period::parse("2026-01").expect("a period")
}

fn report() -> Command {
    Command::ReportUsage { period: january(), supplement: false, blocks: Vec::new() }
}

/// A file that takes three blocks.
fn file() -> String {
    let mut file = "day,gross\n".to_owned();
    for line in 0..150_000 {
        file.push_str(&format!("2026-01-{:02},{}.25\n", 1 + line % 31, line % 997));
    }
    file
}

fn payout(number: usize) -> Command {
    Command::SendPayout {
        to: Id::parse("meta").expect("an id"),
        amount: Amount::parse("1.00").expect("an amount"),
        on_account: true,
        sent_on: Date::parse("2026-01-01").expect("a day"),
        reference: Text::parse(&format!("wire {number}")).expect("a text"),
    }
}

fn wishes(
    context: &Context,
    numbers: impl Iterator<Item = usize>,
) -> Vec<(Command, Context, [u8; 16])> {
    let nonce = |number: usize| {
        let mut nonce = [7; 16];
        nonce[..8].copy_from_slice(&(number as u64).to_le_bytes());
        nonce
    };
    numbers.map(|number| (payout(number), context.clone(), nonce(number))).collect()
}

#[test]
fn a_report_written_line_by_line_has_the_bytes_of_one_that_was_read_first() {
    let (mut streamed, mut whole) = (world(), world());
    let (key, text) = (signer(HOST), file());
    let context = streamed.context(HOST, &key);
    let signing = Signing { signer: &key, nonce: [3; 16] };
    let terms = streamed.agreement().terms().clone();
    let terms = TermsByDay::one(&terms, Level::LATEST);
    {
        let ledger = streamed.ledger_mut();
        let mut draft =
            ledger.begin_report(report(), &context, &signing, Mode::Record).expect("it may begin");
        let mut take = |block| draft.add(block);
        let blocks = Blocks { prepare: &PreparedBlock::new, take: &mut take };
        let read = read_csv_blocks("january.csv", text.as_bytes(), (&terms, january()), blocks);
        assert_eq!(read.expect("all is taken").lines, 150_000);
        assert_eq!(draft.sums().lines(), 150_000);
        assert_eq!(draft.finish().expect("recorded").records.len(), 4);
    }
    let blocks = read_csv("january.csv", text.as_bytes(), &terms, january()).blocks;
    let command = Command::ReportUsage { period: january(), supplement: false, blocks };
    whole.ledger_mut().submit(command, &context, &signing, Mode::Record).expect("recorded");
    assert_eq!(streamed.segments(), whole.segments());
    assert_eq!(streamed.root(), whole.root());
    assert_eq!(streamed.reopened().expect("opens").state().head(), whole.state().head());
}

/// A record signed with another key than its author's would be worth nothing, and so would be all
/// behind it: by itself, as a report or in a group, it is refused before anything is written.
#[test]
fn another_key_signs_nothing() {
    let mut world = world();
    let context = world.context(HOST, &signer(HOST));
    let other = signer("meta");
    let signing = Signing { signer: &other, nonce: [3; 16] };
    let before = (world.segments(), world.root());
    let ledger = world.ledger_mut();
    let refused = |problem: Problem| assert_eq!(problem.code, Code::NotAParty);
    refused(ledger.submit(payout(1), &context, &signing, Mode::Record).expect_err("refused"));
    refused(ledger.submit(report(), &context, &signing, Mode::Record).expect_err("refused"));
    let begun = ledger.begin_report(report(), &context, &signing, Mode::Record);
    refused(begun.err().expect("refused"));
    let group = wishes(&context, 0..3);
    let refusal = ledger.submit_all(group, &other, Mode::Record).expect_err("refused");
    assert_eq!(refusal.position, Some(0));
    refused(*refusal.problem);
    assert_eq!((world.segments(), world.root()), before);
}

#[test]
fn a_report_that_is_given_up_leaves_nothing() {
    let mut world = world();
    let (key, text) = (signer(HOST), file());
    let context = world.context(HOST, &key);
    let signing = Signing { signer: &key, nonce: [3; 16] };
    let terms = world.agreement().terms().clone();
    let terms = TermsByDay::one(&terms, Level::LATEST);
    let blocks = read_csv("january.csv", text.as_bytes(), &terms, january()).blocks;
    let (root, segments, head) = (world.root(), world.segments(), world.state().head());
    for finished in [Mode::DryRun, Mode::Record] {
        let ledger = world.ledger_mut();
        let mut draft =
            ledger.begin_report(report(), &context, &signing, finished).expect("it may begin");
        for block in blocks.clone() {
            draft.add(PreparedBlock::new(block)).expect("a part");
        }
        match finished {
            Mode::DryRun => assert_eq!(draft.finish().expect("it would do").records.len(), 4),
            Mode::Record => drop(draft),
        }
        assert_eq!((world.root(), world.state().head()), (root, head));
        assert_eq!(world.segments(), segments);
        let names = fs::read_dir(world.folder().join("log")).expect("a log");
        let drafts =
            names.flatten().filter(|name| name.file_name().to_string_lossy().ends_with(".new"));
        assert_eq!(drafts.count(), 0);
    }
    // And it can be made after all.
    let command = Command::ReportUsage { period: january(), supplement: false, blocks };
    world.must(HOST, command);
}

#[test]
fn only_a_report_is_written_line_by_line() {
    let mut world = world();
    let key = signer(HOST);
    let context = world.context(HOST, &key);
    let signing = Signing { signer: &key, nonce: [3; 16] };
    let begun = world.ledger_mut().begin_report(payout(1), &context, &signing, Mode::Record);
    assert_eq!(begun.err().map(|problem| problem.code), Some(Code::PartsBroken));
}

#[test]
fn a_group_has_the_bytes_of_its_commands_one_by_one() {
    let (mut together, mut apart) = (world(), world());
    let key = signer(HOST);
    let context = together.context(HOST, &key);
    let wishes = wishes(&context, 0..1500);
    let ledger = together.ledger_mut();
    let records = ledger.submit_all(wishes.clone(), &key, Mode::Record).expect("recorded");
    assert_eq!(records.len(), 1500);
    for (command, context, nonce) in wishes {
        let signing = Signing { signer: &key, nonce };
        apart.ledger_mut().submit(command, &context, &signing, Mode::Record).expect("recorded");
    }
    assert_eq!(together.segments(), apart.segments());
    assert_eq!(together.root(), apart.root());
    let opened = together.reopened().expect("opens");
    assert_eq!(opened.state().head(), apart.state().head());
    assert_eq!(records.last().map(|record| record.hash), Some(apart.state().head()));
}

#[test]
fn a_group_with_one_command_that_is_refused_is_not_recorded() {
    let mut world = world();
    let key = signer(HOST);
    let context = world.context(HOST, &key);
    let before = (world.root(), world.segments());
    // The same payout twice, far enough apart that records before it were signed already.
    let commands = wishes(&context, (0..1400).chain([3]).chain(1400..1500));
    let refusal =
        world.ledger_mut().submit_all(commands, &key, Mode::Record).expect_err("a repeat");
    assert_eq!((refusal.position, refusal.problem.code), (Some(1400), Code::Repeat));
    assert_eq!((world.root(), world.segments()), before);
    // A report is a group of its own.
    let commands = vec![(report(), context.clone(), [0; 16])];
    let refusal =
        world.ledger_mut().submit_all(commands, &key, Mode::Record).expect_err("a report");
    assert_eq!((refusal.position, refusal.problem.code), (Some(0), Code::PartsBroken));
    assert_eq!((world.root(), world.segments()), before);
}

#[test]
fn a_group_that_is_only_tried_or_empty_records_nothing() -> Result<(), Problem> {
    let mut world = world();
    let key = signer(HOST);
    let context = world.context(HOST, &key);
    let before = (world.root(), world.segments());
    let commands = wishes(&context, 0..3);
    let tried = world.ledger_mut().submit_all(commands, &key, Mode::DryRun);
    assert_eq!(tried.map(|records| records.len()), Ok(3));
    let none = world.ledger_mut().submit_all(Vec::new(), &key, Mode::Record);
    assert_eq!(none.map(|records| records.len()), Ok(0));
    assert_eq!((world.root(), world.segments()), before);
    Ok(())
}

#[test]
fn a_writer_knows_again_what_it_has_just_written_and_nothing_else() {
    let mut world = World::with_cache();
    world.open_and_accept(two_parties("share = { meta = \"0.15\" }").build());
    let terms = world.agreement().terms().clone();
    let terms = TermsByDay::one(&terms, Level::LATEST);
    let blocks = read_csv("january.csv", file().as_bytes(), &terms, january()).blocks;
    let cache = world.machine().cache.expect("a cache");
    assert!(!cache.exists(), "little was written so far");
    world.must(HOST, Command::ReportUsage { period: january(), supplement: false, blocks });
    assert_eq!(fs::read_dir(&cache).expect("a checkpoint").count(), 1);
    let (root, folder, machine) = (world.root(), world.folder(), world.machine());
    let kept = world.close();
    let opened = Ledger::open_for_writing(&folder, &machine).expect("opens");
    assert_eq!(state_root(opened.state()), root);
    drop(opened);
    // One bit of a line.
    let segment = folder.join("log/00000000.seg");
    let mut bytes = fs::read(&segment).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).expect("a segment");
    let refused = Ledger::open_for_writing(&folder, &machine).map(|_| ());
    assert_eq!(refused.map_err(|problem| problem.code), Err(Code::RecordHash));
    drop(kept);
}

/// A ledger of very many records has no look-ups in sled, and every record is found all the same.
#[test]
fn records_of_a_long_ledger_are_found() {
    let mut world = world();
    let key = signer(HOST);
    let context = world.context(HOST, &key);
    let group = wishes(&context, 0..10_100);
    world.ledger_mut().submit_all(group, &key, Mode::Record).expect("recorded");
    let folder = world.folder();
    let machine = Machine { cache: Some(folder.with_file_name("cache")), ..world.machine() };
    drop(Ledger::open(&folder, &machine).expect("it opens"));
    let ledger = Ledger::open(&folder, &machine).expect("it opens");
    assert_eq!(ledger.checkpoint_use(), CheckpointUse::Current);
    let last = world.state().next_seq() - 1;
    for seq in [0, 1, 2, 5_000, last] {
        let event = world.state().event_at(seq).expect("an event");
        let (record, _) = ledger.record(&event.id).expect("readable").expect("a record");
        assert_eq!((record.seq, record.id), (seq, event.id));
    }
    assert!(ledger.record(&EventId::default()).expect("readable").is_none());
    let mut found = 0;
    let by_kind = [Lookup::Kind(Kind::PayoutSent)];
    ledger.find(&by_kind, &mut |_| found += 1).expect("readable");
    assert_eq!(found, 10_100);
    let cache = machine.cache.expect("a cache");
    let copies = fs::read_dir(cache).expect("a cache").flatten().map(|copy| copy.path());
    let files = copies.flat_map(|copy| fs::read_dir(copy).expect("a folder")).flatten();
    assert!(files.into_iter().all(|entry| entry.path().is_file()), "there is no database");
}

/// A state of so many events that all cores restore it is the one of its log.
#[test]
fn a_state_of_many_events_is_restored() {
    let mut world = world();
    let key = signer(HOST);
    let context = world.context(HOST, &key);
    let group = wishes(&context, 0..10_100);
    world.ledger_mut().submit_all(group, &key, Mode::Record).expect("recorded");
    let bytes = encode_cache(world.state()).expect("bytes");
    let read: State = decode_cache(&bytes).expect("it reads back");
    assert_eq!(state_root(&read), world.root());
    let place = |state: &State| (state.next_seq(), state.head(), state.recorded_at());
    assert_eq!(place(&read), place(world.state()));
    assert!(read.events().eq(world.state().events()));
    for event in world.state().events() {
        assert_eq!(read.event(&event.id), Some((event.seq, event.kind)));
        assert_eq!(read.content(&event.content), Some((event.seq, event.id)));
    }
    assert_eq!(encode_cache(&read), Some(bytes));
}
