//! What changed between two points of the log: balances before and after, and the events that did
//! it.

use std::collections::BTreeMap;

use crate::event::Kind;
use crate::evolve;
use crate::replay::Signatures;
use crate::replay::replay;
use crate::state::Account;
use crate::state::Agreement;
use crate::store::SegmentSource;
use crate::view::balances::Balances;
use crate::view::balances::balances;
use crate::view::record::Named;
use crate::vocab::Amount;
use crate::vocab::Id;
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

/// What can change of a beneficiary: its account, and the late interest that waits for the next
/// statement.
type Standing = (Account, Amount);

/// What changed after the record `first`, up to and including the record `last`. Errors: a log
/// that cannot be read.
pub fn movements(
    source: &dyn SegmentSource,
    (first, last): (u64, u64),
) -> Result<Movements, Problem> {
    let mut before = None;
    let mut standings = BTreeMap::new();
    let mut events = Vec::new();
    let replayed = replay(source, Some(last), Signatures::Trusted, &mut |state, fact, _| {
        let Some(agreement) = state.agreement().filter(|_| fact.seq >= first) else { return };
        let now = standings_of(agreement);
        let payable = changed(&standings, &now);
        if fact.seq == first {
            before = Some(balances(agreement));
        } else if !payable.is_empty() {
            events.push(Movement {
                event: Named { id: fact.id, seq: Some(fact.seq) },
                kind: fact.event.kind(),
                author: fact.author.party.clone(),
                recorded_at: fact.recorded_at,
                payable,
            });
        }
        standings = now;
    })?;
    let after = balances(evolve::opened(&replayed.state)?);
    Ok(Movements { before: before.unwrap_or_else(|| after.clone()), after, events })
}

fn standings_of(agreement: &Agreement) -> BTreeMap<Id, Standing> {
    let beneficiaries = agreement.versions().beneficiaries().into_iter();
    let standing = |party: &Id| {
        let pending = agreement.pending_interest().iter().filter(|line| line.to == *party);
        let pending = pending.fold(Amount::ZERO, |sum, line| {
            // Receipts were admitted only with sums that stay in bounds.
            sum.checked_add(line.amount).unwrap_or(sum)
        });
        (party.clone(), (agreement.account(party), pending))
    };
    beneficiaries.map(standing).collect()
}

fn changed(before: &BTreeMap<Id, Standing>, now: &BTreeMap<Id, Standing>) -> Vec<(Id, Amount)> {
    let was = |party: &Id| before.get(party).copied().unwrap_or_default();
    let moved = now.iter().filter(|(party, standing)| was(party) != **standing);
    moved
        .map(|(party, (account, _))| {
            let by = account.payable().checked_sub(was(party).0.payable());
            (party.clone(), by.unwrap_or_default())
        })
        .collect()
}
