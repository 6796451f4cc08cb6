//! What the clauses of the terms come to for a line, a party or a day.

use crate::terms::body::BaseFrom;
use crate::terms::body::Bounded;
use crate::terms::body::ContributionClause;
use crate::terms::body::Exclusivity;
use crate::terms::body::Price;
use crate::terms::body::Split;
use crate::terms::body::TermsBody;
use crate::terms::body::Window;
use crate::terms::body::Withholding;
use crate::terms::body::all_hold;
use crate::terms::clauses::WINDOW_DAYS;
use crate::usage::LineKey;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Rate;
use crate::vocab::Value;

impl TermsBody {
    /// Whether any clause is there, or any value other than where it is left out, that format
    /// level 1 cannot say.
    pub fn needs_level_two(&self) -> bool {
        self.base_from != BaseFrom::Gross
            || self.price_tolerance != Rate::default()
            || !self.prices.is_empty()
            || !self.exclusivities.is_empty()
            || !self.contributions.is_empty()
            || !self.minimums.is_empty()
            || !self.caps.is_empty()
            || !self.splits.is_empty()
            || !self.advances.is_empty()
            || !self.withholding.is_empty()
            || !self.late_interest.is_empty()
            || self.objection_days != WINDOW_DAYS
            || self.proposal_lapse_days != WINDOW_DAYS
            || self.dispute.is_some()
            || self.audit.is_some()
    }

    /// Whether a share is a share of the price list, and not of the reported gross.
    pub fn is_priced_base(&self) -> bool {
        self.base_from == BaseFrom::Priced
    }

    /// Whether the price list has a price of a meter, for any line. What has none is not part of
    /// the priced gross.
    pub fn is_priced(&self, meter: &Name) -> bool {
        self.prices.iter().any(|price| price.meter == *meter)
    }

    /// The price of a meter for a line with these attributes (sorted by name): of the prices in
    /// the line's currency that began by its day and whose conditions hold, the one that began
    /// last; of several, the first listed. Says nothing about whether the base is priced.
    pub fn price_for(
        &self,
        meter: &Name,
        day: Date,
        currency: Currency,
        attributes: &[(Name, Value)],
    ) -> Option<&Price> {
        let mut best: Option<&Price> = None;
        for price in &self.prices {
            let begun = price.from <= day && best.is_none_or(|best| best.from < price.from);
            // The cheap questions first: lists are long, and conditions are patterns.
            if begun
                && price.currency == currency
                && price.meter == *meter
                && all_hold(&price.when, attributes)
            {
                best = Some(price);
            }
        }
        best
    }

    /// The cap of a party over a window.
    pub fn cap_of(&self, party: &Id, window: Window) -> Option<&Bounded> {
        self.caps.iter().find(|cap| cap.to == *party && cap.over == window)
    }

    /// The guarantee of a party over a window.
    pub fn minimum_of(&self, party: &Id, window: Window) -> Option<&Bounded> {
        self.minimums.iter().find(|minimum| minimum.to == *party && minimum.over == window)
    }

    /// How the amount of a party is divided again.
    pub fn split_of(&self, party: &Id) -> Option<&Split> {
        self.splits.iter().find(|split| split.of == *party)
    }

    /// Whether a party may get advances.
    pub fn permits_advance(&self, party: &Id) -> bool {
        self.advances.binary_search(party).is_ok()
    }

    /// The tax withheld from payouts to a party.
    pub fn withholding_of(&self, party: &Id) -> Option<&Withholding> {
        self.withholding.iter().find(|(id, _)| id == party).map(|(_, clause)| clause)
    }

    /// The yearly rate of late interest for what was due on a day; zero before the first row of
    /// the table.
    pub fn late_rate_on(&self, day: Date) -> Rate {
        let begun = self.late_interest.iter().rev().find(|(from, _)| *from <= day);
        begun.map_or_else(Rate::default, |(_, rate)| *rate)
    }

    /// The exclusivity with an id.
    pub fn exclusivity(&self, id: &Id) -> Option<&Exclusivity> {
        self.exclusivities.iter().find(|one| one.id == *id)
    }

    /// The contribution clause with an id.
    pub fn contribution(&self, id: &Id) -> Option<&ContributionClause> {
        self.contributions.iter().find(|one| one.id == *id)
    }
}

impl Exclusivity {
    /// Whether it gives points to a line: its interval covers the day, and its conditions hold.
    pub fn applies_to(&self, key: &LineKey) -> bool {
        self.from <= key.day
            && self.to.is_none_or(|to| key.day < to)
            && all_hold(&self.when, &key.attributes)
    }
}

impl ContributionClause {
    /// Whether its conditions hold for a line. Whether a contribution is open on the line's day
    /// is for the log to say.
    pub fn may_apply_to(&self, key: &LineKey) -> bool {
        all_hold(&self.when, &key.attributes)
    }
}
