//! The demo runs in its time, ends well, and leaves a ledger to go on with.

use std::time::Duration;
use std::time::Instant;

use crate::documents::json;
use crate::run::Bench;
use crate::schema;

#[test]
fn the_demo_ends_with_two_verified_copies_and_a_third_one_caught() {
    let bench = Bench::new();
    let started = Instant::now();
    let ran = bench.ok("demo");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(ran.out.contains("Both copies are valid"), "{}", ran.out);
    assert!(ran.out.contains("caught in record 2"), "{}", ran.out);
    let root = |copy: &str| {
        let verdict = json(&bench.ok(&format!("-C revshare-demo/{copy} verify --json")).out);
        verdict["state_root"].as_str().expect("a state root").to_owned()
    };
    assert_eq!(root("acme-cloud"), root("meta"));
    assert_eq!(bench.type_in("verify revshare-demo/tampered").code, 1);
    assert_eq!(bench.type_in("demo").code, 3, "a folder that exists is left alone");
    let ran = bench.ok("demo other --json");
    schema::check("demo", &json(&ran.out));
    assert_eq!(ran.err, "");
}
