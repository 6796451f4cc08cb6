//! The ledger's folder: damage, other copies, and what the disk refuses.

use std::fs;
use std::fs::File;
use std::os::unix::fs::symlink;

use revshare_core::vocab::Code;

use crate::bench::Bench;
use crate::bench::Given;
use crate::case::Case;
use crate::case::case;
use crate::hostile::records;

const ACKNOWLEDGE: &str = "-C acme acknowledge --key acme-cloud.key";
const BY_HOST: &str =
    "-C acme acknowledge --key acme-cloud.key --recorded-time 2024-03-01T08:00:00Z";
const BY_OWNER: &str = "-C meta acknowledge --key meta.key --recorded-time 2024-03-01T08:00:00Z";

/// The log of `acme`, changed behind the back of the ledger.
fn changed(bench: &Bench, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = bench.log("acme");
    change(&mut bytes);
    fs::write(bench.segment("acme"), bytes).expect("a segment");
}

fn record(bytes: &[u8], seq: usize) -> std::ops::Range<usize> {
    records(bytes)[seq].clone()
}

/// `verify` finds damage.
fn damaged(
    code: Code,
    about: &'static str,
    place: &str,
    change: impl Fn(&mut Vec<u8>) + 'static,
) -> Case {
    case(code, about).after(move |bench| changed(bench, &change)).found_in("acme", place)
}

/// The host's key signs in two copies.
fn signed_in_both(bench: &Bench) {
    bench.ok(BY_HOST);
    fs::remove_dir_all(bench.path("state")).expect("the memory of this machine");
    bench.ok("-C meta acknowledge --key acme-cloud.key --recorded-time 2024-03-02T08:00:00Z");
}

fn lines_of_keys(bench: &Bench, lines: [(&str, &str); 2]) {
    let text = lines.map(|(party, of)| format!("{party} {}\n", revshare_kit::public_key(of)));
    bench.write("signers", text.concat());
}

/// An acknowledgement file with a character changed.
fn acknowledgement_with(bench: &Bench, from: &str, to: &str) {
    bench.ok("-C acme acknowledge --out a.ack --key acme-cloud.key");
    let text = fs::read_to_string(bench.path("a.ack")).expect("the file");
    assert!(text.contains(from));
    bench.write("a.ack", text.replacen(from, to, 1));
}

fn damage() -> Vec<Case> {
    vec![
        damaged(
            Code::FrameBroken,
            "a length that was changed",
            "acme/log/00000000.seg, byte 1250",
            |bytes| {
                let start = record(bytes, 2).start;
                bytes[start] ^= 1;
            },
        ),
        damaged(Code::RecordHash, "a byte that was changed", "record 2", |bytes| {
            let end = record(bytes, 2).end;
            bytes[end - 100] ^= 1;
        }),
        damaged(Code::RecordLink, "a record that was taken out", "record 2", |bytes| {
            bytes.drain(record(bytes, 2));
        }),
        damaged(Code::SignatureWrong, "a signature of nobody", "record 2", |bytes| {
            let end = record(bytes, 2).end;
            bytes[end - 1] ^= 1;
        }),
        damaged(
            Code::SegmentBroken,
            "a header that is none",
            "acme/log/00000000.seg, byte 0",
            |bytes| bytes[0] ^= 1,
        ),
        case(Code::RecordHash, "a damaged ledger is read")
            .after(|bench| {
                changed(bench, |bytes| {
                    let end = record(bytes, 2).end;
                    bytes[end - 100] ^= 1;
                });
            })
            .when("-C acme balances")
            .at("record 2"),
        case(Code::Truncated, "a recorded record that is cut")
            .ran(BY_HOST)
            .after(|bench| changed(bench, |bytes| bytes.truncate(bytes.len() - 10)))
            .when("-C acme balances")
            .at("record 5"),
        case(Code::Rollback, "an older copy in its place")
            .after(|bench| {
                let before = bench.log("acme");
                bench.ok(BY_HOST);
                fs::write(bench.segment("acme"), before).expect("a segment");
            })
            .when("-C acme balances")
            .at("acme"),
    ]
}

fn copies() -> Vec<Case> {
    vec![
        case(Code::OtherLedger, "a copy of another ledger")
            .ran("-C other init --terms terms.toml --key acme-cloud.key --recorded-time 2024-01-01T09:00:00Z")
            .when("-C acme pull other")
            .at("other"),
        case(Code::NotALedger, "a copy that is none").when("-C acme pull ../../x").at("../../x"),
        case(Code::Diverged, "both sides recorded something")
            .ran(BY_HOST)
            .ran(BY_OWNER)
            .when("-C acme pull meta")
            .at("record 5"),
        case(Code::Equivocation, "a key that signs in two copies")
            .ran(BY_HOST)
            .when("-C meta acknowledge --key acme-cloud.key --recorded-time 2024-03-02T08:00:00Z")
            .at("record 5"),
        case(Code::Equivocation, "a copy in which the same key says something else")
            .after(signed_in_both)
            .when("-C acme pull meta")
            .at("record 5"),
        case(Code::AckFile, "an acknowledgement that is none")
            .file("a.ack", "I agree.\n")
            .when("-C acme verify --against a.ack")
            .at("a.ack"),
        case(Code::SignatureWrong, "an acknowledgement that was changed")
            .after(|bench| acknowledgement_with(bench, "head 4 ", "head 3 "))
            .when("-C acme verify --against a.ack")
            .at("a.ack"),
        case(Code::AckMismatch, "an acknowledgement of records that are not there")
            .ran(BY_HOST)
            .ran("-C acme acknowledge --out a.ack --key acme-cloud.key")
            .when("verify meta --against a.ack")
            .found_in("meta", "record 5"),
        case(Code::KeyMismatch, "a ledger with other keys than those known")
            .after(|bench| lines_of_keys(bench, [("meta", "lab"), ("acme-cloud", "acme-cloud")]))
            .when("verify acme --keys signers")
            .found_in("acme", "record 0"),
    ]
}

fn disks() -> Vec<Case> {
    vec![
        case(Code::Locked, "another command is writing")
            .after(|bench| {
                let lock = File::create(bench.path("acme/log/lock")).expect("the lock");
                lock.lock().expect("nobody holds it");
                lock
            })
            .when(ACKNOWLEDGE)
            .at("acme/log/lock"),
        case(Code::DiskFull, "no room for a record")
            .with_file_limit(1)
            .when(ACKNOWLEDGE)
            .at("acme/log/00000000.seg"),
        case(Code::DiskFull, "no room for a ledger")
            .given(Given::Files)
            .with_file_limit(0)
            .when("-C new init --terms terms.toml --key acme-cloud.key")
            .at("new/log/00000000.seg"),
        case(Code::DiskFull, "no room for a first copy")
            .with_file_limit(0)
            .when("-C new pull acme")
            .at("new/log/00000000.seg"),
        case(Code::DiskFull, "no room for an acknowledgement")
            .with_file_limit(0)
            .when("-C acme acknowledge --out a.ack --key acme-cloud.key")
            .at("a.ack"),
        case(Code::DiskFull, "no room for a key")
            .with_file_limit(0)
            .when("keygen new.key")
            .at("new.key"),
        case(Code::Reopen, "a disk that does not confirm the record")
            .with_failing_sync()
            .when(ACKNOWLEDGE)
            .at("acme/log/00000000.seg")
            .saying("did not confirm"),
        case(Code::DiskWrite, "a key into no folder")
            .when("keygen nowhere/a.key")
            .at("nowhere/a.key"),
        case(Code::DiskWrite, "a folder in which nothing can be made")
            .given(Given::Files)
            .when("-C /proc/revshare init --terms terms.toml --key acme-cloud.key")
            .at("/proc/revshare/log"),
        case(Code::DiskWrite, "a file in the place of the ledger's folder")
            .given(Given::Files)
            .when("-C january.csv init --terms terms.toml --key acme-cloud.key")
            .at("january.csv/log"),
        case(Code::FolderEntry, "a folder in the place of the lock")
            .after(|bench| {
                fs::remove_file(bench.path("acme/log/lock")).expect("the lock");
                fs::create_dir(bench.path("acme/log/lock")).expect("a folder");
            })
            .when(ACKNOWLEDGE)
            .at("acme/log/lock"),
        case(Code::DiskWrite, "an acknowledgement into no folder")
            .when("-C acme acknowledge --out nowhere/a.ack --key acme-cloud.key")
            .at("nowhere/a.ack"),
        case(Code::DiskRead, "a folder whose name no file system has")
            .when(&format!("-C {} balances", "long".repeat(100)))
            .at(&format!("{}/log", "long".repeat(100))),
        case(Code::FolderEntry, "a folder in the place of a segment")
            .after(|bench| {
                fs::remove_file(bench.segment("acme")).expect("a segment");
                fs::create_dir(bench.segment("acme")).expect("a folder");
            })
            .when("-C acme balances")
            .at("acme/log/00000000.seg")
            .saying("this is a folder, not a regular file"),
        case(Code::FolderEntry, "a link in the place of the lock")
            .after(|bench| {
                fs::remove_file(bench.path("acme/log/lock")).expect("a lock");
                symlink("../../terms.toml", bench.path("acme/log/lock")).expect("a link");
            })
            .when(BY_HOST)
            .at("acme/log/lock")
            .saying("this is a symbolic link, not a regular file"),
        case(Code::FolderEntry, "a segment with a second name")
            .after(|bench| {
                fs::hard_link(bench.segment("acme"), bench.path("twin")).expect("a link")
            })
            .when(BY_HOST)
            .at("acme/log/00000000.seg")
            .saying("this file has 2 names"),
    ]
}

pub fn cases() -> Vec<Case> {
    damage().into_iter().chain(copies()).chain(disks()).collect()
}
