//! `docs/reference/errors.md` is generated from the list of codes.

use std::fs;
use std::path::Path;

use revshare_core::vocab::Code;
use revshare_core::vocab::problem::Class;

const TITLE: &str = "# Error codes

Generated from `ledger-core/src/vocab/problem.rs`; do not edit. Codes never change their meaning,
messages may be improved. `tests/cases` has a case for every code.

With `--json` an error is one object on standard error, `{code, message, place, hint}`; several
problems of one input stand in its `errors`. `verify` lists codes as findings and exits with 1, or
with 4 if nothing could be read; elsewhere a code has the exit code of this table. A warning stops
nothing.

| code | exit | rule |
|---|---|---|
";

#[test]
fn the_reference_lists_every_code() {
    let mut text = TITLE.to_owned();
    for code in Code::ALL {
        let exit = match code.class() {
            Class::Warning => "0",
            Class::Usage => "2",
            Class::Refused => "3",
            Class::Damaged => "4",
            Class::Outside => "5",
            Class::Internal => "6",
        };
        text.push_str(&format!("| `{}` | {exit} | {} |\n", code.as_str(), code.rule()));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/errors.md");
    if crate::bench::updates() {
        fs::write(&path, &text).expect("a file that can be written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "{} is out of date: run the tests with REVSHARE_UPDATE=1",
        path.display()
    );
}
