//! Payouts by event id, and which of them are in transit.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::state::PayoutRecord;
use crate::state::PayoutStatus;
use crate::vocab::EventId;

/// Every payout, by event id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Payouts {
    all: BTreeMap<EventId, PayoutRecord>,
    /// Neither confirmed nor returned.
    in_transit: BTreeSet<EventId>,
}

impl Payouts {
    /// A payout.
    pub fn get(&self, id: &EventId) -> Option<&PayoutRecord> {
        self.all.get(id)
    }

    /// Those that are neither confirmed nor returned, by id.
    pub fn in_transit(&self) -> impl Iterator<Item = &PayoutRecord> {
        self.in_transit.iter().filter_map(|id| self.get(id))
    }

    /// Every payout, by id.
    pub fn all(&self) -> &BTreeMap<EventId, PayoutRecord> {
        &self.all
    }

    /// Puts a payout in, or in its place.
    pub(in crate::state) fn put(&mut self, record: PayoutRecord) {
        match record.status {
            PayoutStatus::InTransit => self.in_transit.insert(record.id),
            _ => self.in_transit.remove(&record.id),
        };
        self.all.insert(record.id, record);
    }
}
