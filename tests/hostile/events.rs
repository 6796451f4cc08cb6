//! What hostile events do to a state: they are refused and leave it as it was, or they change it
//! and everything that shows it still answers.

use ledger_core::evolve::evolve;
use ledger_core::index::RecordRow;
use ledger_core::state::State;
use ledger_core::state::root::state_root;
use ledger_core::view;
use ledger_core::view::record::Record;
use ledger_core::wire::codec::decode_cache;
use ledger_core::wire::codec::encode_cache;
use ledger_core::wire::event::encode_payload;

use crate::entries::ASKED;
use crate::entries::Entries;
use crate::entries::Made;
use crate::entries::RESTORED;
use crate::entries::WHOLE_BODY;
use crate::entries::fact;

/// Most entries of one input.
const ENTRIES_MAX: usize = 16;

/// See the module.
pub fn run(input: &[u8]) {
    play(input);
}

/// How many entries were admitted, of how many.
fn play(input: &[u8]) -> (usize, usize) {
    let mut entries = Entries::new(input);
    let mut state = entries.known.states[entries.records].clone();
    let mut made = Made::default();
    let (mut admitted, mut all) = (0, 0);
    for _ in 0..ENTRIES_MAX {
        let Some(entry) = entries.next(&made) else { break };
        all += 1;
        let frame = entry.frame(&state);
        let fact = fact(&frame, &state);
        made.note(fact.as_ref());
        let Some(fact) = fact else { continue };
        if entry.flags & WHOLE_BODY == 0 {
            let encoded = encode_payload(&fact.event).expect("what was decoded can be encoded");
            assert_eq!(encoded, entry.payload(), "a payload has one encoding");
        }
        let before = state.clone();
        match evolve(&mut state, &fact) {
            Ok(()) => {
                admitted += 1;
                assert_eq!(state.next_seq(), before.next_seq() + 1);
                assert_eq!(state.head(), fact.hash);
                let _ = Record::of(&state, &fact);
                let rows = RecordRow::of(&state, &fact, (0, 64));
                assert!(!rows.rows().is_empty());
            }
            Err(problem) => {
                assert!(!problem.message.is_empty());
                let same = state.next_seq() == before.next_seq()
                    && state.head() == before.head()
                    && state_root(&state) == state_root(&before);
                assert!(same, "a refused event has changed the state: {problem}");
            }
        }
    }
    if admitted > 0 && entries.asked & ASKED != 0 {
        seen(&state);
    }
    if admitted > 0 && entries.asked & RESTORED != 0 {
        restored(&state);
    }
    (admitted, all)
}

/// Whatever shows a state answers.
pub fn seen(state: &State) {
    let Some(agreement) = state.agreement() else { return };
    let today = state.recorded_at().date().plus_days(40);
    let _ = view::balances::balances(agreement);
    let _ = view::status::status(state, today, today);
    let _ = view::statement::all(state);
    let _ = view::usage::missing(state);
    for dispute in agreement.disputes().values() {
        let _ = view::dispute::lines(agreement, dispute, today);
        let _ = view::turn::turns(agreement, dispute, today);
        let _ = view::dispute::replay(state, &dispute.id);
    }
    let periods: Vec<_> = agreement.reported_periods().collect();
    for period in periods.iter().rev().take(2) {
        let _ = view::statement::preview(state, *period);
        for party in agreement.versions().listed_parties() {
            let _ = view::explain::explain(state, *period, &party.id);
        }
    }
}

/// A snapshot restores the state.
fn restored(state: &State) {
    // Parts of a report that nothing has closed are not in it.
    if !state.open_parts().is_empty() {
        return;
    }
    let bytes = encode_cache(state).expect("a state has bytes");
    let read: State = decode_cache(&bytes).expect("a snapshot of a sound state is read");
    assert_eq!(state_root(&read), state_root(state), "another state than that of the log");
    assert_eq!((read.next_seq(), read.head()), (state.next_seq(), state.head()));
}

#[cfg(test)]
mod tests {
    use crate::seeds;

    /// What is made of the known logs is a start from which a changed byte leads somewhere: nearly
    /// all of it is admitted.
    #[test]
    fn first_inputs_are_admitted() {
        let played = seeds::entries().into_iter().map(|seed| super::play(&seed));
        let (admitted, all) =
            played.fold((0, 0), |sum: (usize, usize), one| (sum.0 + one.0, sum.1 + one.1));
        assert!(all > 400, "{all} entries");
        assert!(admitted * 10 > all * 8, "{admitted} of {all} entries are admitted");
    }
}
