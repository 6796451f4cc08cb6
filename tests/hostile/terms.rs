//! Terms: as the bytes that are on a log, and as the files that people write.

use ledger_core::intake::read_terms;
use ledger_core::intake::to_toml;
use ledger_core::terms::Terms;
use ledger_core::terms::diff;
use ledger_core::vocab::Level;
use ledger_core::vocab::Place;
use ledger_core::vocab::Problem;
use ledger_core::wire::terms::decode_terms;
use ledger_core::wire::terms::encode_terms;

use crate::input::Input;

/// Canonical bytes of terms: `level u8, bytes`.
pub fn wire(input: &[u8]) {
    let mut input = Input(input);
    let level = level(input.u8());
    if let Ok(terms) = decode_terms(input.0, level) {
        let encoded = encode_terms(&terms, level).expect("what was decoded can be encoded");
        assert_eq!(encoded, input.0, "terms have one encoding");
        written(&terms);
    }
}

/// A terms file.
pub fn file(source: &[u8]) {
    let read = read_terms("terms.toml", source);
    assert_eq!(read.terms.is_none(), !read.problems.is_empty());
    for problem in read.problems.iter().chain(&read.warnings) {
        is_placed(problem, source);
    }
    let Some(terms) = read.terms else { return };
    written(&terms);
    let level = match terms.needs_level_two() {
        true => Level::Two,
        false => Level::One,
    };
    let bytes = encode_terms(&terms, level).expect("sound terms can be encoded");
    assert_eq!(decode_terms(&bytes, level).expect("and decoded"), terms);
}

fn level(number: u8) -> Level {
    match number % 2 {
        0 => Level::Two,
        _ => Level::One,
    }
}

/// Terms that are written as a file are read as the same terms.
fn written(terms: &Terms) {
    let text = to_toml(terms);
    let read = read_terms("shown.toml", text.as_bytes());
    let problems: Vec<String> = read.problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{problems:?} in\n{text}");
    assert_eq!(read.terms.as_ref(), Some(terms), "{text}");
    assert!(diff(terms, terms).is_empty());
}

/// A problem has a place in its file.
pub fn is_placed(problem: &Problem, source: &[u8]) {
    let lines = source.split(|byte| *byte == b'\n').count() as u64;
    match &problem.place {
        Some(Place::File { line, column, .. }) => {
            assert!((1..=lines).contains(line), "line {line} of {lines}: {problem}");
            let text = source.split(|byte| *byte == b'\n').nth(*line as usize - 1);
            let len = text.map_or(0, <[u8]>::len) as u64;
            assert!((1..=len + 1).contains(column), "column {column} of {len}: {problem}");
        }
        Some(Place::Path(_)) => {}
        other => panic!("no place in the file: {other:?}, {problem}"),
    }
}
