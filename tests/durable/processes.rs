//! Two processes at a time: writers take turns, readers go on beside them and see whole records.

use std::path::Path;
use std::process::Command as Process;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use ledger_core::ledger::Ledger;
use ledger_core::ledger::Notice;
use ledger_core::machine::Machine;
use ledger_core::vocab::Code;
use revshare_kit::world::segments;

use crate::crash::folder_with_ledger;
use crate::crash::supplement;

/// The ledger's folder, for the processes that write.
const FOLDER: &str = "REVSHARE_TEST_FOLDER";
/// What each of them records.
const EACH: u64 = 60;

/// Not a test of its own: one of the two processes that write.
#[test]
#[ignore = "the child of another test"]
fn child_takes_turns() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let folder = Path::new(&folder);
    let until = Instant::now() + Duration::from_secs(60);
    let (mut recorded, mut locked) = (0, 0);
    while recorded < EACH {
        assert!(Instant::now() < until, "no turn in a minute");
        let opened = Ledger::open_for_writing(&folder.join("ledger"), &Machine::in_folder(folder));
        match opened {
            Ok(mut ledger) => {
                let number = ledger.state().next_seq();
                // A small one, or one in parts.
                let lines = if number % 3 == 0 { 900 } else { 3 };
                supplement(&mut ledger, number, lines).expect("its turn has come");
                recorded += 1;
            }
            Err(problem) => {
                assert_eq!(problem.code, Code::Locked, "{problem}");
                locked += 1;
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    }
    println!("\nlocked out {locked}");
}

#[test]
fn two_writers_take_turns_and_readers_go_on() {
    let folder = folder_with_ledger();
    let (ledger, machine) = (folder.path().join("ledger"), Machine::in_folder(folder.path()));
    let opened = Ledger::open(&ledger, &Machine::without_folders()).expect("it opens");
    let before = opened.state().next_seq();
    let child = || {
        let mut child = Process::new(std::env::current_exe().expect("this test"));
        let name = "processes::child_takes_turns";
        child.args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        child.env(FOLDER, folder.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        child.spawn().expect("a process can be started")
    };
    let mut writers = [child(), child()];
    let (mut reads, mut last, mut beside) = (0, before, 0);
    // One more round after both have ended.
    let mut running = true;
    while running {
        running = writers.iter_mut().any(|writer| writer.try_wait().expect("a child").is_none());
        let read = Ledger::open(&ledger, &machine).expect("readers are never blocked");
        let records = read.state().next_seq();
        assert!(records >= last, "a reader sees {records} records after {last}");
        let is_quiet = read.notices().iter().all(|one| matches!(one, Notice::Ignored { .. }));
        assert!(is_quiet, "{:?}", read.notices());
        beside += u64::from(records > last);
        (reads, last) = (reads + 1, records);
    }
    let mut locked = 0;
    for writer in writers {
        let output = writer.wait_with_output().expect("it has ended");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}");
        let number = said.lines().find_map(|line| line.strip_prefix("locked out "));
        locked += number.expect("it says so").parse::<u64>().expect("a number");
    }
    let end = Ledger::open(&ledger, &machine).expect("it opens");
    assert_eq!(end.notices(), []);
    assert!(end.state().next_seq() >= before + 2 * EACH);
    let reference = revshare_reference::replay(&segments(&ledger)).expect("it is sound");
    assert_eq!(reference.records, end.state().next_seq());
    println!(
        "processes: {} commands of two writers, {locked} times locked out, {reads} reads beside them, {beside} of which saw more than the last",
        2 * EACH
    );
    assert!(beside > 0);
}
