//! `verify --roots`: the state root after every record, as a script reads it.

use std::fs;

use crate::documents::json;
use crate::run::Bench;
use crate::run::root;
use crate::schema;

/// The state roots of the reference: record, record hash, version, root.
fn of_reference(log: &[Vec<u8>]) -> Vec<(u64, String, u64, String)> {
    let hex = |hash: [u8; 32]| hash.map(|byte| format!("{byte:02x}")).concat();
    let mut roots = Vec::new();
    let mut after =
        |seq, hash, version: u16, root| roots.push((seq, hex(hash), version.into(), hex(root)));
    let _ = revshare_reference::replay_roots(log, &mut after);
    roots
}

/// A line a record, then the verdict on a line of its own, also of a log that is wrong: then the
/// lines end before the record that is.
#[test]
fn roots_are_those_of_the_reference() {
    let bench = Bench::new();
    for log in ["v1/every-kind", "v2/every-kind", "v2/raised", "v2/corner-cases"] {
        let segment = root().join("tests/logs").join(log).join("log/00000000.seg");
        let good = fs::read(segment).expect("a segment");
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        for (bytes, word, code) in [(good, "valid", 0), (bad, "invalid", 1)] {
            let name = format!("{}-{word}", log.replace('/', "-"));
            let folder = bench.path(&name).join("log");
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("00000000.seg"), &bytes).expect("a segment");
            let ran = bench.type_in(&format!("verify {name} --json --roots"));
            assert_eq!((ran.code, ran.err.as_str()), (code, ""), "{name}");
            let mut lines: Vec<&str> = ran.out.lines().collect();
            let verdict = json(lines.pop().expect("a verdict"));
            schema::check("verdict", &verdict);
            assert_eq!(verdict["verdict"], word, "{name}");
            let mut printed = Vec::new();
            for line in lines {
                let line = json(line);
                schema::check("record-root", &line);
                let text = |key: &str| line[key].as_str().expect("a text").to_owned();
                let number = |key: &str| line[key].as_u64().expect("a number");
                let (seq, version) = (number("seq"), number("state_root_version"));
                printed.push((seq, text("hash"), version, text("state_root")));
            }
            let expected = of_reference(&[bytes]);
            assert!(expected.len() > 3, "{name}");
            assert_eq!(printed, expected, "{name}");
            if word == "valid" {
                assert_eq!(printed.last().map(|last| &*last.3), verdict["state_root"].as_str());
                let ran = bench.ok(&format!("verify {name} --roots"));
                let (seq, hash, version, state_root) = &printed[3];
                let line = format!("{seq} {hash} {version} {state_root}");
                assert_eq!(ran.out.lines().nth(3), Some(&*line), "{name}");
            }
        }
    }
}
