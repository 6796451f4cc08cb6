//! The versions of an agreement's terms, and which of them is in force when.

#![expect(clippy::arithmetic_side_effects, reason = "numbers of versions in memory")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::terms::body::Party;
use crate::terms::body::Terms;
use crate::terms::body::Window;
use crate::terms::by_day::TermsByDay;
use crate::vocab::Date;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Level;
use crate::vocab::Period;
use crate::vocab::PublicKey;

/// The terms as an event carries them, with their digest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TermsVersion {
    /// The terms.
    pub terms: Terms,
    /// Digest of their canonical bytes (`Domain::Terms`).
    pub digest: Digest,
    /// The format level of those bytes.
    pub level: Level,
}

/// A version of the terms that every money party has accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// The event that brought it: the opening, or an amendment.
    pub event: EventId,
    /// Its place on the log.
    pub seq: u64,
    /// The first usage day that it rates.
    pub effective_from: Date,
    /// The terms.
    pub terms: Terms,
    /// Digest of their canonical bytes.
    pub digest: Digest,
    /// The format level of those bytes.
    pub level: Level,
}

/// Every version, in the order in which they were accepted; there is at least the first. A
/// version's position in this list is its number.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Versions {
    first: Version,
    later: Vec<Version>,
}

/// A run of days of one period under one version of the terms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// The number of the version.
    pub version: usize,
    /// First day.
    pub from: Date,
    /// First day after it.
    pub to: Date,
}

impl Versions {
    /// The version that a ledger is opened with.
    pub fn new(first: Version) -> Versions {
        Versions { first, later: Vec::new() }
    }

    /// With one more version, if there is one.
    pub(crate) fn push_all(&mut self, more: &Option<Version>) {
        self.later.extend(more.clone());
    }

    /// With one more version, accepted after all others.
    pub fn push(&mut self, version: Version) {
        self.later.push(version);
    }

    /// The first version.
    pub fn first(&self) -> &Version {
        &self.first
    }

    /// The version accepted last.
    pub fn last(&self) -> &Version {
        self.later.last().unwrap_or(&self.first)
    }

    /// The version with a number; the last one for a number that is too large.
    pub fn get(&self, number: usize) -> &Version {
        match number.checked_sub(1) {
            None => &self.first,
            Some(at) => self.later.get(at).unwrap_or(self.last()),
        }
    }

    /// All versions, in the order of their numbers.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Version> {
        std::iter::once(&self.first).chain(&self.later)
    }

    /// The number of the version accepted last.
    pub fn last_number(&self) -> usize {
        self.later.len()
    }

    /// How many versions there are.
    pub fn count(&self) -> usize {
        1 + self.later.len()
    }

    /// The number of the version in force on a day: of those that took effect, the one accepted
    /// last. Before the agreement it is the first.
    pub fn number_on(&self, day: Date) -> usize {
        let later = self.later.iter().enumerate().rev();
        let found =
            later.filter(|(_, version)| version.effective_from <= day).map(|(at, _)| at + 1);
        found.take(1).next().unwrap_or(0)
    }

    /// The terms in force on a day.
    pub fn on(&self, day: Date) -> &Terms {
        &self.get(self.number_on(day)).terms
    }

    /// First day of the agreement; no version changes it.
    pub fn starts_on(&self) -> Date {
        self.first.terms.starts_on
    }

    /// First day after the agreement, as the version accepted last has it: that version is in
    /// force from some day on for ever.
    pub fn ends_on(&self) -> Option<Date> {
        self.last().terms.ends_on
    }

    /// Whether the agreement covers a day.
    pub fn covers(&self, day: Date) -> bool {
        self.starts_on() <= day && self.ends_on().is_none_or(|end| day < end)
    }

    /// The first period of the agreement; it may be a stub.
    pub fn first_period(&self) -> Period {
        self.first.terms.first_period()
    }

    /// The last period of the agreement, if it ends.
    pub fn last_period(&self) -> Option<Period> {
        self.last().terms.last_period()
    }

    /// The first period of a window that holds `period`.
    pub fn window_start(&self, window: Window, period: Period) -> Period {
        self.first.terms.window_start(window, period)
    }

    /// A day, moved into the agreement.
    pub fn clipped(&self, day: Date) -> Date {
        let last = self.ends_on().map_or(day, |end| day.min(end.plus_days(-1)));
        last.max(self.starts_on())
    }

    /// The number of the version that settles a whole period (rounding, caps, minimums, splits,
    /// payment): the one in force on its last day.
    pub fn number_of(&self, period: Period) -> usize {
        match self.last_period() {
            Some(last) if period > last => self.last_number(),
            _ => self.number_on(self.clipped(period.last_day())),
        }
    }

    /// The terms that settle a whole period.
    pub fn of(&self, period: Period) -> &Terms {
        &self.get(self.number_of(period)).terms
    }

    /// The days of a period inside the agreement, cut where the version in force changes.
    pub fn stretches(&self, period: Period) -> Vec<Stretch> {
        let from = period.first_day().max(self.starts_on());
        let after = period.last_day().plus_days(1);
        let to = self.ends_on().map_or(after, |end| after.min(end));
        let mut cuts: Vec<Date> = self.iter().map(|version| version.effective_from).collect();
        cuts.retain(|day| from < *day && *day < to);
        cuts.extend([from, to]);
        cuts.sort();
        cuts.dedup();
        let mut stretches: Vec<Stretch> = Vec::new();
        let ends = cuts.iter().copied().skip(1);
        let pairs = cuts.iter().copied().zip(ends);
        for (first, after) in pairs.filter(|(first, after)| from <= *first && *after <= to) {
            let version = self.number_on(first);
            match stretches.last_mut() {
                Some(last) if last.version == version => last.to = after,
                _ => stretches.push(Stretch { version, from: first, to: after }),
            }
        }
        stretches
    }

    /// The terms in force on the days of a period, for reading its usage on a ledger of a format
    /// level.
    pub fn by_day(&self, period: Period, level: Level) -> TermsByDay<'_> {
        let stretches = self.stretches(period);
        let mut stretches = stretches.iter().map(|one| (one.from, &self.get(one.version).terms));
        let first = stretches.next().map_or(&self.last().terms, |(_, terms)| terms);
        TermsByDay::new(first, stretches, (self.starts_on(), self.ends_on()), level)
    }

    /// Every party that any version names, by id. A party keeps its key and role.
    pub fn parties(&self) -> BTreeMap<&Id, &Party> {
        let mut parties = BTreeMap::new();
        for party in self.iter().flat_map(|version| &version.terms.parties) {
            parties.entry(&party.id).or_insert(party);
        }
        parties
    }

    /// Every party that any version names, in the order in which they were first listed.
    pub fn listed_parties(&self) -> Vec<&Party> {
        let mut known = BTreeSet::new();
        let parties = self.iter().flat_map(|version| &version.terms.parties);
        parties.filter(|party| known.insert(&party.id)).collect()
    }

    /// The party with an id, in any version.
    pub fn party(&self, id: &Id) -> Option<&Party> {
        self.iter().find_map(|version| version.terms.party(id))
    }

    /// The party that a key belongs to, in any version.
    pub fn party_of_key(&self, key: &PublicKey) -> Option<&Party> {
        self.iter().find_map(|version| version.terms.party_of_key(key))
    }

    /// The owners and beneficiaries of any version, sorted.
    pub fn beneficiaries(&self) -> Vec<&Id> {
        let parties = self.parties().into_values();
        parties.filter(|party| party.role.is_beneficiary()).map(|party| &party.id).collect()
    }

    /// The collector's id; no version changes it.
    pub fn collector(&self) -> Option<&Id> {
        self.first.terms.collector()
    }
}
