//! Payouts: those that an archive has stay there until something becomes of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::state::PayoutRecord;
use crate::state::PayoutStatus;
use crate::state::archive::Archives;
use crate::vocab::EventId;

/// Every payout, by event id.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Payouts {
    /// What is found of those that are not in `changed`; the last archive that has one is right.
    #[serde(skip)]
    archives: Archives,
    /// Those that are new, or that something became of.
    #[serde(skip)]
    changed: BTreeMap<EventId, PayoutRecord>,
    /// Neither confirmed nor returned.
    in_transit: BTreeSet<EventId>,
}

/// Where they lie is of no interest.
impl fmt::Debug for Payouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.all()).entry(&"in transit", &self.in_transit).finish()
    }
}

impl Payouts {
    /// A payout.
    pub fn get(&self, id: &EventId) -> Option<Cow<'_, PayoutRecord>> {
        match self.changed.get(id) {
            Some(record) => Some(Cow::Borrowed(record)),
            None => self.archived(id).map(Cow::Owned),
        }
    }

    fn archived(&self, id: &EventId) -> Option<PayoutRecord> {
        self.archives.iter().rev().find_map(|archive| archive.payout(id))
    }

    /// Those that are neither confirmed nor returned, by id.
    pub fn in_transit(&self) -> impl Iterator<Item = Cow<'_, PayoutRecord>> {
        self.in_transit.iter().filter_map(|id| self.get(id))
    }

    /// Every payout, by id.
    pub fn all(&self) -> BTreeMap<EventId, PayoutRecord> {
        // Later archives are right about what became of a payout.
        let archived = self.archives.iter().flat_map(|archive| archive.payouts());
        let all = archived.map(|record| (record.id, record));
        all.chain(self.changed.iter().map(|(id, record)| (*id, record.clone()))).collect()
    }

    /// Those that no archive has as they are.
    pub(crate) fn changed(&self) -> &BTreeMap<EventId, PayoutRecord> {
        &self.changed
    }

    /// Where those are found that are not changed.
    pub(crate) fn set_archives(&mut self, archives: Archives) {
        self.archives = archives;
    }

    /// Puts a payout in, or in its place.
    pub(in crate::state) fn put(&mut self, record: PayoutRecord) {
        match record.status {
            PayoutStatus::InTransit => self.in_transit.insert(record.id),
            _ => self.in_transit.remove(&record.id),
        };
        self.changed.insert(record.id, record);
    }
}
