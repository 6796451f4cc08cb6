//! Versions of the calculation: terms and statements name one, a release keeps every one that there
//! ever was, and nothing else is taken for one.

use ledger_core::command::Command;
use ledger_core::event::Event;
use ledger_core::evolve::evolve;
use ledger_core::intake::read_terms;
use ledger_core::rating::Calculation;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::state::State;
use ledger_core::vocab::Code;
use ledger_core::vocab::Level;
use ledger_core::vocab::Period;
use ledger_core::wire::terms::decode_terms;
use ledger_core::wire::terms::encode_terms;
use revshare_kit::disk::in_memory;
use revshare_kit::random::facts;
use revshare_kit::two_parties;
use revshare_kit::world::segments;
use revshare_kit::world::state_root;

use crate::golden::released;
use crate::whole;

const SHARE: &str = "share = { meta = \"0.15\" }";

/// Released logs of both format levels, replayed by today's code, give the state root that was
/// written beside them after every record and in the end; every statement on them names the
/// calculation of the terms of its period, one that this release has, the state root of the record
/// before it, and the version of the root that its level has.
#[test]
fn released_logs_keep_their_calculation_and_state_roots() {
    let mut seen = Vec::new();
    for (folder, expected) in released() {
        let name = folder.display().to_string();
        let log = in_memory(segments(&folder));
        let mut roots: Vec<String> = Vec::new();
        let note = &mut |state: &State,
                         fact: &ledger_core::event::Fact,
                         _: ledger_core::store::reader::FrameAt| {
            if let Event::StatementIssued(statement) = &fact.event {
                let agreement = state.agreement().expect("the ledger is opened");
                let terms = agreement.versions().of(statement.period);
                assert_eq!(statement.calculation, terms.calculation, "{name}");
                assert!(Calculation::from_number(statement.calculation).is_some(), "{name}");
                assert_eq!(Some(&statement.state_root.to_string()), roots.last(), "{name}");
                assert_eq!(statement.root_version, statement.level.number(), "{name}");
                seen.push(statement.level);
            }
            roots.push(state_root(state).to_string());
        };
        let replayed = replay(&log, None, Signatures::Checked, note).expect(&name);
        let records = expected["records"].as_array().expect("records");
        let written = records.iter().map(|record| record["state_root_after"].as_str());
        assert!(written.eq(roots.iter().map(|root| Some(root.as_str()))), "{name}");
        assert_eq!(expected["state_root"], state_root(&replayed.state).to_string(), "{name}");
    }
    assert!(seen.contains(&Level::One) && seen.contains(&Level::Two), "{seen:?}");
}

/// Terms that name a calculation that there is not are refused: as a file, and as the bytes of an
/// opening or an amendment at either level.
#[test]
fn terms_of_an_unknown_calculation_are_refused() {
    for unknown in [0, 2, 65_535] {
        let terms = two_parties(SHARE);
        let text = terms.toml().replace("calculation = 1", &format!("calculation = {unknown}"));
        let file = read_terms("terms.toml", text.as_bytes());
        let codes: Vec<Code> = file.problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [Code::TermsCalculation], "{unknown}");
        assert!(file.terms.is_none());
        for level in [Level::One, Level::Two] {
            let terms = terms.build();
            let mut bytes = encode_terms(&terms, level).expect("terms have bytes");
            // Title, currency, length of periods, first day, no last day.
            let at = 8 + terms.title.as_str().len() + 3 + 1 + 4 + 1;
            assert_eq!(bytes[at..at + 2], 1u16.to_le_bytes());
            bytes[at..at + 2].copy_from_slice(&(unknown as u16).to_le_bytes());
            let code = decode_terms(&bytes, level).map(|_| ()).map_err(|problem| problem.code);
            assert_eq!(code, Err(Code::TermsCalculation), "{unknown} at {level:?}");
        }
    }
}

/// A statement that names another calculation than the terms of its period is not admissible.
#[test]
fn statements_of_another_calculation_are_refused() {
    let mut world = whole::raised();
    let period = Period::parse("2026-03").expect("a period");
    world.must("acme-cloud", Command::ReportUsage { period, supplement: false, blocks: vec![] });
    world.must("acme-cloud", Command::IssueStatement(period));
    let mut facts = facts(&world);
    let last = facts.pop().expect("the statement");
    let mut state = State::default();
    facts.iter().for_each(|fact| evolve(&mut state, fact).expect("a recorded fact is admissible"));
    let mut lie = last.clone();
    let Event::StatementIssued(statement) = &mut lie.event else { panic!("the statement") };
    statement.calculation = 2;
    let code = evolve(&mut state.clone(), &lie).map_err(|problem| problem.code);
    assert_eq!(code, Err(Code::StatementTerms));
    evolve(&mut state, &last).expect("as it was issued it is admissible");
}
