//! Power cuts, killed processes, full disks, and two writers at once: what was said to be recorded
//! is there, and what was not said leaves no trace.

use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;
use std::process::Command as Process;
use std::process::Stdio;

use ledger_core::command::Command;
use ledger_core::decide::Context;
use ledger_core::event::Author;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Mode;
use ledger_core::ledger::Notice;
use ledger_core::ledger::Signing;
use ledger_core::machine::Machine;
use ledger_core::verify::Options;
use ledger_core::verify::verify;
use ledger_core::vocab::Code;
use ledger_core::vocab::Currency;
use ledger_core::vocab::Id;
use ledger_core::vocab::Period;
use ledger_core::vocab::Problem;
use ledger_core::vocab::Timestamp;
use revshare_kit::CrashingDisk;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::World;
use revshare_kit::another_machine;
use revshare_kit::blocks;
use revshare_kit::disk::place;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::signer;
use revshare_kit::two_parties;
use revshare_kit::world::segments;
use revshare_kit::world::state_root;

/// The ledger's folder, for the process that is to be killed or to run out of room.
const FOLDER: &str = "REVSHARE_TEST_FOLDER";

fn january() -> Period {
    Period::parse("2026-01").expect("a period")
}

/// Lines of one report: as many as it says, the first with an amount that tells it from others.
fn many_lines(count: usize, number: u64) -> Vec<Line> {
    let mut lines = vec![Line::new("2026-01-05", &format!("0.{number:012}"))];
    lines.resize(count, Line::new("2026-01-06", "0.123456789012"));
    lines
}

/// Appends a supplement to January.
pub fn supplement(ledger: &mut Ledger, number: u64, lines: usize) -> Result<u64, Problem> {
    let key = signer("acme-cloud");
    let author = Author {
        party: Id::parse("acme-cloud").expect("a party id"),
        key: key.public().expect("a key that is not weak"),
    };
    let at = Timestamp::parse("2026-02-01T00:00:00Z").expect("a time");
    let context = Context { author, recorded_at: at, now: at };
    let currency = Currency::parse("USD").expect("a currency");
    let command = Command::ReportUsage {
        period: january(),
        supplement: true,
        blocks: blocks(&many_lines(lines, number), currency, lines.div_ceil(3)),
    };
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&number.to_le_bytes());
    nonce[8..12].copy_from_slice(&std::process::id().to_le_bytes());
    let outcome =
        ledger.submit(command, &context, &Signing { signer: &key, nonce }, Mode::Record)?;
    Ok(outcome.records.last().expect("there is a record").seq)
}

/// Not a test of its own: the process that [`what_was_recorded_survives_a_kill`] kills. It appends
/// small and large reports for as long as it lives, and says what was recorded.
#[test]
#[ignore = "the child of another test"]
fn child_appends_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let mut ledger = Ledger::open_for_writing(&folder.join("ledger"), &Machine::in_folder(folder))
        .expect("what a killed process left can be opened");
    for number in ledger.state().next_seq().. {
        let lines = if number % 2 == 0 { 3 } else { 20_000 };
        let recorded = supplement(&mut ledger, number, lines).expect("it is recorded");
        println!("\nrecorded {recorded}");
    }
}

fn child(name: &str, folder: &Path) -> Process {
    let mut child = Process::new(std::env::current_exe().expect("this test"));
    child.args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    child.env(FOLDER, folder).stdout(Stdio::piped()).stderr(Stdio::null());
    child
}

/// A ledger with a report of January, in a folder whose writer has gone.
pub fn folder_with_ledger() -> tempfile::TempDir {
    let mut world = World::with_cache();
    world.open_and_accept(two_parties("share = { meta = \"0.15\" }").build());
    let report = Command::ReportUsage { period: january(), supplement: false, blocks: vec![] };
    world.must("acme-cloud", report);
    world.close()
}

/// A process is killed (`SIGKILL`) at random moments while it appends. Whatever it had said to be
/// recorded is there when the ledger is opened again; at most one unfinished append is cut; and the
/// same key goes on on the same head without being taken for a double signer.
#[test]
fn what_was_recorded_survives_a_kill() {
    let folder = folder_with_ledger();
    let (mut recorded, mut cuts) = (0, 0);
    let mut random = 20_261_123u64;
    for round in 0..24 {
        let mut running = child("crash::child_appends_until_it_is_killed", folder.path())
            .spawn()
            .expect("a process can be started");
        let mut said = BufReader::new(running.stdout.take().expect("it has an output")).lines();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut wanted = (random >> 33) % 6 + 1;
        while wanted > 0 {
            let line = said.next().expect("the process goes on").expect("its output is text");
            if let Some(number) = line.strip_prefix("recorded ") {
                recorded = number.parse().expect("a number");
                wanted -= 1;
            }
        }
        // Somewhere in the appends that follow.
        std::thread::sleep(std::time::Duration::from_micros((random >> 40) % 9_000));
        running.kill().expect("it can be killed");
        running.wait().expect("it has ended");
        // What it said before it died.
        for line in said.map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("recorded ") {
                recorded = number.parse().expect("a number");
            }
        }
        let (ledger, machine) = (folder.path().join("ledger"), Machine::in_folder(folder.path()));
        let read = Ledger::open(&ledger, &machine).expect("a reader opens it");
        assert!(read.state().next_seq() > recorded, "round {round}: record {recorded} is lost");
        let written = Ledger::open_for_writing(&ledger, &machine).expect("a writer opens it");
        assert_eq!(read.state().head(), written.state().head());
        assert!(written.notices().len() <= 1, "{:?}", written.notices());
        cuts += written.notices().len();
    }
    println!("{recorded} records, {cuts} unfinished appends cut");
    let end =
        Ledger::open(&folder.path().join("ledger"), &Machine::without_folders()).expect("it opens");
    assert_eq!(end.notices(), []);
    let reference = revshare_reference::replay(&segments(&folder.path().join("ledger")));
    let reference = reference.expect("the reference reads it");
    assert_eq!(reference.state_root, *state_root(end.state()).bytes());
}

/// Not a test of its own: the process of [`a_full_disk_changes_nothing`], which may write files of
/// a certain size only.
#[test]
#[ignore = "the child of another test"]
fn child_appends_until_the_disk_is_full() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder).join("ledger");
    let mut ledger =
        Ledger::open_for_writing(&folder, &another_machine(&folder)).expect("it can be opened");
    for number in 0.. {
        let before = (segments(&folder), ledger.state().head(), state_root(ledger.state()));
        let Err(problem) = supplement(&mut ledger, number, 400) else {
            continue;
        };
        assert_eq!(problem.code, Code::DiskFull, "{problem}");
        let after = (segments(&folder), ledger.state().head(), state_root(ledger.state()));
        assert!(before == after, "the refused append left something behind");
        // A smaller one may still fit.
        let small = supplement(&mut ledger, number + 1, 3);
        println!("\nrefused after {number}, then {:?}", small.map_err(|problem| problem.code));
        return;
    }
}

/// A disk without room (a limit on the size of files, which root feels, too): the append is refused
/// with `disk-full`, the log is byte for byte as it was, and goes on as soon as there is room.
#[test]
fn a_full_disk_changes_nothing() {
    let folder = folder_with_ledger();
    // The signal that the limit sends is ignored, as a shell does it: writes fail instead.
    let mut shell = Process::new("sh");
    shell.arg("-c").arg("trap '' 25; ulimit -f 96; exec \"$0\" \"$@\"");
    shell.arg(std::env::current_exe().expect("this test"));
    let name = "crash::child_appends_until_the_disk_is_full";
    shell.args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    let output = shell.env(FOLDER, folder.path()).output().expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("refused after"), "it never ran out of room: {said}");
    let mut ledger = Ledger::open_for_writing(
        &folder.path().join("ledger"),
        &another_machine(&folder.path().join("ledger")),
    )
    .expect("it opens when there is room again");
    assert_eq!(ledger.notices(), []);
    supplement(&mut ledger, 1_000, 400).expect("and goes on");
}

/// While somebody writes, a second writer is told so, and readers read.
#[test]
fn one_writer_at_a_time() {
    let mut given = Given::ledger(two_parties("share = { meta = \"0.15\" }"));
    let folder = given.world().folder();
    let second = Ledger::open_for_writing(&folder, &another_machine(&folder));
    assert_eq!(second.map(|_| ()).map_err(|problem| problem.code), Err(Code::Locked));
    let reader =
        Ledger::open(&folder, &Machine::without_folders()).expect("readers are never blocked");
    assert_eq!(reader.state().next_seq(), 2);
    let folder_handle = given.into_world().close();
    let writer = Ledger::open_for_writing(
        &folder_handle.path().join("ledger"),
        &another_machine(&folder_handle.path().join("ledger")),
    );
    assert!(writer.is_ok(), "the lock goes with its writer");
}

/// The log before and after the last append of a ledger.
fn last_append(parts: bool) -> (World, CrashingDisk) {
    let mut world = World::with_cache();
    world.open_and_accept(two_parties("share = { meta = \"0.15\" }").build());
    let report = |blocks| Command::ReportUsage { period: january(), supplement: false, blocks };
    let before;
    let currency = Currency::parse("USD").expect("a currency");
    if parts {
        before = world.segments();
        world.must("acme-cloud", report(blocks(&many_lines(9, 1), currency, 3)));
    } else {
        world.must("acme-cloud", report(vec![]));
        before = world.segments();
        let supplement = Command::ReportUsage {
            period: january(),
            supplement: true,
            blocks: blocks(&many_lines(180, 1), currency, usize::MAX),
        };
        world.must("acme-cloud", supplement);
    }
    let after = world.segments();
    (world, CrashingDisk::new(before, after))
}

/// A log as a power cut left it is read up to the last record that was recorded: a reader says how
/// many bytes it ignored, a writer cuts them and can go on. On a machine that remembers that the
/// append was recorded, the same log is damaged, and nothing is cut.
#[track_caller]
fn left_by_a_power_cut(disk: &CrashingDisk, left: &[Vec<u8>], machine: &Machine, what: &str) {
    let scratch = revshare_kit::scratch();
    let folder = scratch.path().join("ledger");
    let whole = disk.torn_after(0);
    place(left, &folder);
    let is_clean = *left == whole;

    let reader = Ledger::open(&folder, &Machine::without_folders())
        .unwrap_or_else(|problem| panic!("{what}: {problem}"));
    let records = reader.state().next_seq();
    let ignored: u64 = left.iter().zip(&whole).map(|(l, w)| (l.len() - w.len()) as u64).sum();
    let expected = match is_clean {
        true => vec![],
        false => vec![Notice::Ignored { bytes: ignored, records }],
    };
    assert_eq!(reader.notices(), expected, "{what}");
    assert_eq!(segments(&folder), left, "{what}: a reader changes nothing");
    let verdict = verify(reader.source(), &Options::default());
    assert!(verdict.is_valid(), "{what}: the verifier finds {:?}", verdict.findings);
    assert_eq!(verdict.state_root, Some(state_root(reader.state())), "{what}");
    assert_eq!(verdict.head.map(|(seq, _)| seq + 1), Some(records), "{what}");

    let mut writer = Ledger::open_for_writing(&folder, &another_machine(&folder))
        .unwrap_or_else(|p| panic!("{what}: {p}"));
    assert_eq!(writer.state().head(), reader.state().head(), "{what}");
    assert_eq!(writer.notices().len(), expected.len(), "{what}");
    assert_eq!(segments(&folder), whole, "{what}: a writer cuts back to the last record");
    if is_reported(&writer) {
        supplement(&mut writer, 7, 3).unwrap_or_else(|problem| panic!("{what}: {problem}"));
    }
    drop(writer);

    // The machine that remembers the head remembers it by the path of the copy: put the log there.
    let state = machine.state.as_ref().expect("a state folder");
    let original = state.with_file_name("ledger");
    place(left, &original);
    for opened in [Ledger::open(&original, machine), Ledger::open_for_writing(&original, machine)] {
        let problem = opened.map(|_| ()).expect_err(what);
        let code = if is_clean { Code::Rollback } else { Code::Truncated };
        assert_eq!(problem.code, code, "{what}: {problem}");
        assert_eq!(segments(&original), left, "{what}: nothing is cut");
    }
}

/// Whether January has a report.
fn is_reported(ledger: &Ledger) -> bool {
    ledger.state().agreement().is_some_and(|agreement| agreement.is_reported(january()))
}

/// An append of one record, torn after any of its bytes, or whose file has its length already and
/// zeros where nothing was written yet, or that lacks any one of its sectors.
#[test]
fn a_record_that_lost_power_is_cut() {
    let (world, disk) = last_append(false);
    let machine = world.machine();
    let _folder = world.close();
    assert!(disk.sectors() >= 2, "the record spans whole sectors");
    for bytes in 0..disk.appended() {
        let torn = disk.torn_after(bytes);
        left_by_a_power_cut(&disk, &torn, &machine, &format!("torn after {bytes} bytes"));
    }
    let whole = disk.torn_after(disk.appended());
    for bytes in (0..disk.appended()).step_by(16) {
        let left = disk.unwritten_after(bytes);
        if left != whole {
            left_by_a_power_cut(&disk, &left, &machine, &format!("unwritten after {bytes} bytes"));
        }
    }
    for sector in 0..disk.sectors() {
        let left = disk.without_sector(sector);
        left_by_a_power_cut(&disk, &left, &machine, &format!("without sector {sector}"));
    }
}

/// The sector that a record begins in holds the end of the record before it, too. If it was not
/// written and the rest was, the record lacks its first bytes, and where these are no more than
/// its frame header, everything else of it is whole.
#[test]
fn a_record_that_lost_its_first_sector_is_cut() {
    let append = |reference: usize| {
        let (host, meta) = (party("acme-cloud"), party("meta"));
        let mut world = World::with_cache();
        world.open_and_accept(two_parties("share = { meta = \"0.15\" }").build());
        let reference = "x".repeat(reference);
        let mut given = Given::from(world)
            .reported("2026-01", lines!["2026-01-05" => "600.00"])
            .and(host.issues_statement("2026-01"))
            .and(host.sends_on_account("meta", "1.00", "2026-02-20", &reference));
        let before = given.world().segments();
        let mut given = given.and(meta.acknowledges());
        let after = given.world().segments();
        (given.into_world(), CrashingDisk::new(before, after))
    };
    let shortest = append(100).1.begins_at();
    // It begins at every place in the last bytes of a sector, and at some before.
    for wanted in (400..512).step_by(16).chain(490..512) {
        let (world, disk) = append(100 + (wanted + 512 - shortest) % 512);
        assert_eq!(disk.begins_at(), wanted);
        let machine = world.machine();
        let _folder = world.close();
        let what = format!("{} bytes of the record in its first sector", 512 - wanted);
        left_by_a_power_cut(&disk, &disk.without_first_sector(), &machine, &what);
    }
}

/// A report in parts is one append: torn anywhere, between its records as well, all of it goes.
#[test]
fn a_report_in_parts_that_lost_power_is_cut_whole() {
    let (world, disk) = last_append(true);
    let machine = world.machine();
    let _folder = world.close();
    for bytes in 0..disk.appended() {
        let torn = disk.torn_after(bytes);
        left_by_a_power_cut(&disk, &torn, &machine, &format!("torn after {bytes} bytes"));
    }
}

/// A segment that a power cut left empty, with half a header, or with zeros for a header, is no
/// segment yet.
#[test]
fn a_segment_without_a_header_is_cut() {
    let mut given = Given::ledger(two_parties("share = { meta = \"0.15\" }"))
        .reported("2026-01", lines!["2026-01-05" => "1.00"]);
    let whole = given.world().segments();
    let _folder = given.into_world().close();
    let scratch = revshare_kit::scratch();
    let folder = scratch.path().join("ledger");
    let header = &whole[0][..64];
    for left in [vec![], header[..63].to_vec(), vec![0; 64], vec![0; 4096]] {
        let mut log = whole.clone();
        log.push(left.clone());
        place(&log, &folder);
        let reader =
            Ledger::open(&folder, &Machine::without_folders()).expect("a reader ignores it");
        assert_eq!(reader.state().next_seq(), 3);
        let writer =
            Ledger::open_for_writing(&folder, &another_machine(&folder)).expect("a writer cuts it");
        assert_eq!(writer.state().next_seq(), 3);
        drop(writer);
        assert_eq!(segments(&folder), whole, "{} bytes", left.len());
    }
}
