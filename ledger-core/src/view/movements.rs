//! What changed between two points of the log: balances before and after, and the events that did
//! it.

use std::collections::BTreeMap;

use crate::event::Fact;
use crate::event::Kind;
use crate::evolve;
use crate::replay::Signatures;
use crate::replay::replay;
use crate::state::Account;
use crate::state::Agreement;
use crate::store::SegmentSource;
use crate::view::balances::Balances;
use crate::view::balances::balances;
use crate::view::balances::pending_interest;
use crate::view::record::Named;
use crate::vocab::Amount;
use crate::vocab::Id;
use crate::vocab::OutOfBounds;
use crate::vocab::Problem;
use crate::vocab::Timestamp;

/// Balances at two points, and what happened between them.
#[derive(Clone, Debug)]
pub struct Movements {
    /// The balances after the first record.
    pub before: Balances,
    /// The balances after the last record.
    pub after: Balances,
    /// Every event after the first record, up to and including the last, that changed a balance.
    pub events: Vec<Movement>,
}

/// An event that changed balances.
#[derive(Clone, Debug)]
pub struct Movement {
    /// The event.
    pub event: Named,
    /// Its kind.
    pub kind: Kind,
    /// Who said it.
    pub author: Id,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The beneficiaries whose balances it changed, sorted, and by how much it changed what is
    /// payable to them, in the settlement currency; nothing if it moved columns that offset each
    /// other.
    pub payable: Vec<(Id, Amount)>,
}

/// What can change of a beneficiary.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Standing {
    account: Account,
    payable: Amount,
    /// Late interest that waits for the next statement.
    pending: Amount,
}

/// What changed after the record `first`, up to and including the record `last`. Errors: a log
/// that cannot be read.
pub fn movements(
    source: &dyn SegmentSource,
    (first, last): (u64, u64),
) -> Result<Movements, Problem> {
    let mut moved = Moved { first, before: None, standings: BTreeMap::new(), events: Vec::new() };
    let mut outcome = Ok(());
    let replayed = replay(source, Some(last), Signatures::Trusted, &mut |state, fact, _| {
        if let (Some(agreement), true) = (state.agreement(), outcome.is_ok()) {
            outcome = moved.see(agreement, fact);
        }
    })?;
    outcome?;
    let after = balances(evolve::opened(&replayed.state)?)?;
    let before = moved.before.unwrap_or_else(|| after.clone());
    Ok(Movements { before, after, events: moved.events })
}

/// What was seen on the way from record to record.
struct Moved {
    first: u64,
    before: Option<Balances>,
    standings: BTreeMap<Id, Standing>,
    events: Vec<Movement>,
}

impl Moved {
    fn see(&mut self, agreement: &Agreement, fact: &Fact) -> Result<(), OutOfBounds> {
        if fact.seq < self.first {
            return Ok(());
        }
        let now = standings_of(agreement)?;
        let payable = changed(&self.standings, &now)?;
        if fact.seq == self.first {
            self.before = Some(balances(agreement)?);
        } else if !payable.is_empty() {
            self.events.push(Movement {
                event: Named { id: fact.id, seq: Some(fact.seq) },
                kind: fact.event.kind(),
                author: fact.author.party.clone(),
                recorded_at: fact.recorded_at,
                payable,
            });
        }
        self.standings = now;
        Ok(())
    }
}

fn standings_of(agreement: &Agreement) -> Result<BTreeMap<Id, Standing>, OutOfBounds> {
    let beneficiaries = agreement.versions().beneficiaries().into_iter();
    let standing = |party: &Id| {
        let (account, payable) = (agreement.account(party), agreement.payable(party)?);
        let pending = pending_interest(agreement, party)?;
        Ok((party.clone(), Standing { account, payable, pending }))
    };
    beneficiaries.map(standing).collect()
}

fn changed(
    before: &BTreeMap<Id, Standing>,
    now: &BTreeMap<Id, Standing>,
) -> Result<Vec<(Id, Amount)>, OutOfBounds> {
    let was = |party: &Id| before.get(party).copied().unwrap_or_default();
    let moved = now.iter().filter(|(party, standing)| was(party) != **standing);
    moved.map(|(party, now)| Ok((party.clone(), now.payable.minus(was(party).payable)?))).collect()
}
