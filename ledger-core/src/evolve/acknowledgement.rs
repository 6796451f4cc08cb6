//! A party signs the head and the state root that it got by its own replay.

use crate::event::Acknowledgement;
use crate::event::Author;
use crate::event::Fact;
use crate::evolve::Violation;
use crate::evolve::entitled;
use crate::evolve::in_force;
use crate::state::Acknowledged;
use crate::state::Change;
use crate::state::State;
use crate::state::root::state_root;
use crate::state::root::version_of;
use crate::vocab::Code;
use crate::vocab::Problem;

/// The acknowledgement of the present head.
pub fn compose(state: &State) -> Result<Acknowledgement, Violation> {
    Ok(Acknowledgement {
        seq: state.next_seq().saturating_sub(1),
        head: state.head(),
        root_version: version_of(state),
        state_root: state_root(state)?,
    })
}

/// Any party may acknowledge; what it names is the head before, and the state root there.
pub fn admit(state: &State, author: &Author, said: &Acknowledgement) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, |_| true, "a party")?;
    let expected = compose(state)?;
    if (said.seq, said.head) != (expected.seq, expected.head) {
        return Err(Problem::new(
            Code::HeadWrong,
            format!(
                "it acknowledges head {} {}, but stands after {} {}",
                said.seq,
                said.head.0.short(),
                expected.seq,
                expected.head.0.short()
            ),
        )
        .hint("an acknowledgement stands directly after the head that it names"));
    }
    if (said.root_version, said.state_root) != (expected.root_version, expected.state_root) {
        return Err(Problem::new(
            Code::StateRootWrong,
            format!(
                "it acknowledges state root {} (version {}), but this log gives {} (version {})",
                said.state_root, said.root_version, expected.state_root, expected.root_version
            ),
        )
        .hint("the two sides compute different balances: compare with `revshare diff`"));
    }
    Ok(())
}

/// Judges an acknowledgement.
pub(crate) fn judge(
    state: &State,
    fact: &Fact,
    said: &Acknowledgement,
) -> Result<Change, Violation> {
    admit(state, &fact.author, said)?;
    let acknowledged = Acknowledged {
        id: fact.id,
        seq: fact.seq,
        head_seq: said.seq,
        state_root: said.state_root,
    };
    Ok(Change::Acknowledge(fact.author.party.clone(), acknowledged))
}
