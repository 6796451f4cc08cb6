//! A folder that another party handed over: nothing in it is believed but what its log says.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use ledger_core::checkpoint::CheckpointLevel;
use ledger_core::checkpoint::VerifiedAt;
use ledger_core::ledger::Ledger;
use ledger_core::ledger::Lookup;
use ledger_core::machine::CacheDir;
use ledger_core::machine::Machine;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::snapshot::Snapshot;
use ledger_core::store::DiskLog;
use ledger_core::store::SegmentSource;
use ledger_core::store::files::system;
use ledger_core::verify::Options;
use ledger_core::verify::verify;
use ledger_core::vocab::Code;
use ledger_core::vocab::Timestamp;
use revshare_kit::world::state_root;

use crate::checkpoints::Copy;
use crate::checkpoints::checkpoint_of;
use crate::checkpoints::options;

/// Whoever acknowledges has verified: a log with one forged signature is replayed by a reader, and not
/// vouched for.
#[test]
fn a_forged_signature_is_not_vouched_for() {
    let copy = Copy::small();
    let now = Timestamp::parse("2027-01-01T00:00:00Z").expect("a time");
    copy.has(copy.frames.len());
    let mut honest = Ledger::open_hashed(&copy.folder(), &copy.machine()).expect("it opens");
    honest.admit_verified(now).expect("it is valid");
    for (at, len) in &copy.frames[..copy.frames.len() - 1] {
        let mut log = copy.log.clone();
        log[at + len - 1] ^= 1;
        copy.is(&log);
        for with_checkpoint in [true, false] {
            if !with_checkpoint {
                let _ = fs::remove_dir_all(copy.cache());
            }
            let opened = Ledger::open_hashed(&copy.folder(), &copy.machine());
            let mut ledger = opened.expect("a reader does not check it");
            let refused = ledger.admit_verified(now).map_err(|problem| problem.code);
            assert_eq!(refused, Err(Code::SignatureWrong), "frame at {at}");
        }
    }
}

/// A folder that was handed over has, in every place where a release has ever looked, a snapshot of
/// another state than its log has, made by this release and bound to the files of the log: a reader
/// answers from the log, a writer goes on from it, and nothing is written beside it.
#[test]
fn forged_checkpoints_in_the_folder_are_not_read() {
    let copy = Copy::small();
    let all = copy.frames.len();
    copy.has(all);
    let log = DiskLog::open(&copy.folder());
    let honest = verify(&log, &Options::default());
    let half = replay(&log, Some(all as u64 / 2), Signatures::Trusted, &mut |_, _, _| {});
    let half = half.expect("a state").state;
    let mut forged = checkpoint_of(&log);
    (forged.records, forged.head) = (half.next_seq(), half.head());
    let verified = VerifiedAt {
        at: Timestamp::default(),
        complete_records: half.next_seq(),
        complete_at: Timestamp::default(),
    };
    forged.level = CheckpointLevel::Verified(verified);
    for (one, segment) in forged.segments.iter_mut().zip(log.segments().expect("segments")) {
        one.stamp = segment.stamp;
    }
    // As this machine would write it, for a copy in this folder.
    let planted = copy.scratch.path().join("planted");
    let cache = CacheDir::new(&system(), &Machine::in_folder(&planted), &copy.folder());
    let cache = cache.expect("a cache");
    assert!(Snapshot::write(&cache, &forged, &half).is_some());
    let name = fs::read_dir(planted.join("cache")).expect("a cache").flatten().next();
    let name = name.expect("a copy").file_name();
    let bytes = fs::read(planted.join("cache").join(&name).join("checkpoint")).expect("bytes");
    let name = name.to_str().expect("a name").to_owned();
    let mut places = vec!["index/state".to_owned(), "checkpoint".to_owned()];
    for folder in ["cache", "state", ".cache/revshare", "verified", "replayed", "index"] {
        places.push(format!("{folder}/{name}/checkpoint"));
    }
    for place in &places {
        let path = copy.folder().join(place);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, &bytes).expect("planted");
    }
    let names = || -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![copy.folder()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                match entry.path().is_dir() {
                    true => folders.push(entry.path()),
                    false => found.push(entry.path()),
                }
            }
        }
        found.retain(|path| !path.starts_with(copy.folder().join("log")));
        found.sort();
        found
    };
    let before = names();
    assert_eq!(before.len(), places.len());
    let root = honest.state_root.expect("a root");
    for machine in [Machine::without_folders(), copy.machine()] {
        for _ in 0..2 {
            let mut ledger = Ledger::open_hashed(&copy.folder(), &machine).expect("it opens");
            ledger.admit_verified(options().now.expect("a time")).expect("it is valid");
            assert_eq!(ledger.acknowledgement().expect("a root").state_root, root);
            let ledger = Ledger::open(&copy.folder(), &machine).expect("it opens");
            assert_eq!(ledger.acknowledgement().expect("a root").state_root, root);
            ledger.find(&[Lookup::Prefix("0".to_owned())], &mut |_| {}).expect("it can be read");
        }
    }
    let (state, _) = copy.write().expect("it opens");
    assert_eq!(state_root(&state), root);
    assert_eq!(names(), before, "nothing was made beside them");
    // Where this user's own cache holds it, it would have been taken: the forgery is a good one.
    let own = Machine { state: None, cache: Some(planted.join("cache")) };
    let taken = Ledger::open(&copy.folder(), &own).expect("it opens");
    assert_eq!(taken.state().head(), half.head());
}

/// State and cache folders are one's own, absolute, and outside the ledger; a writer needs one.
#[test]
fn folders_that_another_party_could_write_to_are_refused() {
    let copy = Copy::small();
    copy.has(copy.frames.len());
    let code = |machine: &Machine| {
        let read = Ledger::open(&copy.folder(), machine).map(|_| ());
        let written = Ledger::open_for_writing(&copy.folder(), machine).map(|_| ());
        [read, written].map(|opened| opened.map_err(|problem| problem.code))
    };
    let refused = Err(Code::LocalFolder);
    let inside = copy.folder().join("state");
    for folder in [inside.clone(), copy.folder(), PathBuf::from("here"), PathBuf::from("/proc/1")] {
        let state = Machine { state: Some(folder.clone()), cache: None };
        if folder == Path::new("/proc/1") && fs::metadata(&folder).is_ok() {
            continue;
        }
        assert_eq!(code(&state), [refused, refused], "{folder:?}");
        let cache = Machine { state: copy.machine().state, cache: Some(folder) };
        assert_eq!(code(&cache), [refused, refused]);
    }
    // Also where a link leads into it.
    let link = copy.scratch.path().join("link");
    std::os::unix::fs::symlink(copy.folder(), &link).expect("a link");
    let linked = Machine { state: Some(link.join("state")), cache: None };
    assert_eq!(code(&linked), [refused, refused]);
    assert_eq!(code(&Machine::without_folders()), [Ok(()), refused]);
    assert!(!inside.exists());
}
