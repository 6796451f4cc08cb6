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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::testing::terms_of;
    use crate::intake::testing_clauses::whole_file;
    use crate::intake::testing_clauses::whole_terms;

    fn day(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    fn id(text: &str) -> Id {
        Id::parse(text).expect("an id")
    }

    fn key(on: &str, currency: &str, attributes: &[(&str, &str)]) -> LineKey {
        let named = |(name, value): &(&str, &str)| {
            (Name::parse(name).expect("a name"), Value::parse(value).expect("a value"))
        };
        LineKey {
            day: day(on),
            currency: Currency::parse(currency).expect("a currency"),
            attributes: attributes.iter().map(named).collect(),
        }
    }

    #[test]
    fn the_latest_price_holds_and_of_several_the_first_listed() {
        let price = |model: &str, amount: &str, from: &str| {
            format!(
                "[[price]]\nmeter = \"requests\"\nmodel = \"{model}\"\nunit = \"1\"\n\
                 price = \"{amount}\"\nfrom = {from}\n\n"
            )
        };
        let list = [
            price("*", "1", "2026-02-01"),
            price("a*", "2", "2026-02-01"),
            price("a*", "3", "2026-03-01"),
            price("ab", "4", "2026-03-01"),
            price("a*", "5", "2026-01-01"),
        ];
        let file = whole_file().replacen("[[price]]", &format!("{}[[price]]", list.concat()), 1);
        let terms = terms_of(&file);
        let meter = Name::parse("requests").expect("a name");
        let found = |on: &str, currency: &str, model: &str| {
            let key = key(on, currency, &[("model", model)]);
            let price = terms.price_for(&meter, key.day, key.currency, &key.attributes);
            price.map(|price| price.price.to_string()).unwrap_or_default()
        };
        assert_eq!(found("2026-01-31", "USD", "ab"), "5");
        assert_eq!(found("2026-02-01", "USD", "ab"), "1");
        assert_eq!(found("2026-03-01", "USD", "ab"), "3");
        assert_eq!(found("2026-03-01", "USD", "b"), "1");
        assert_eq!(found("2026-01-31", "USD", "b"), "");
        assert_eq!(found("2026-03-01", "EUR", "ab"), "");
        assert!(terms.is_priced(&meter) && !whole_terms().is_priced(&meter));
        assert!(terms.is_priced_base());
    }

    #[test]
    fn an_exclusivity_covers_its_days_and_lines() {
        let terms = whole_terms();
        let one = terms.exclusivity(&id("eu-search")).expect("the exclusivity");
        let eu = [("application", "search"), ("territory", "EU")];
        let applies = |on: &str| one.applies_to(&key(on, "USD", &eu));
        let days = ["2026-02-28", "2026-03-01", "2027-02-28", "2027-03-01"];
        assert_eq!(days.map(applies), [false, true, true, false]);
        assert!(!one.applies_to(&key("2026-03-01", "USD", &[("territory", "EU")])));
        let open = terms.exclusivity(&id("for-ever")).expect("the exclusivity");
        assert!(open.applies_to(&key("2999-01-01", "USD", &[])));
        let clause = terms.contribution(&id("safety-tuning")).expect("the clause");
        assert!(clause.may_apply_to(&key("2026-03-01", "USD", &[("model", "llama-3")])));
        assert!(!clause.may_apply_to(&key("2026-03-01", "USD", &[])));
    }

    #[test]
    fn clauses_are_found_by_party_window_and_day() {
        let terms = whole_terms();
        let (meta, lab) = (id("meta"), id("lab"));
        assert!(terms.cap_of(&lab, Window::Lifetime).is_some());
        assert!(terms.cap_of(&lab, Window::Year).is_none());
        assert!(terms.minimum_of(&meta, Window::Year).is_some());
        assert!(terms.minimum_of(&lab, Window::Year).is_none());
        assert!(terms.split_of(&meta).is_some() && terms.split_of(&lab).is_none());
        assert!(terms.permits_advance(&meta) && !terms.permits_advance(&lab));
        assert!(terms.withholding_of(&meta).is_some_and(|tax| tax.gross_up));
        let rate = |on: &str| terms.late_rate_on(day(on)).to_string();
        let days = ["2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01"];
        assert_eq!(days.map(rate), ["0", "0.08", "0.08", "0.09"]);
    }
}
