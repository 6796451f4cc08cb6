//! Derivations for people: an indented tree, one operation a line, from what a party gets down to
//! the reports.

#![expect(clippy::arithmetic_side_effects, reason = "places on a terminal")]

mod rules;

use revshare_core::rating::PartyRating;
use revshare_core::rating::derivation::Capped;
use revshare_core::rating::derivation::Part;
use revshare_core::rating::derivation::TopUp;
use revshare_core::state::Resolution;
use revshare_core::terms::Terms;
use revshare_core::terms::Version;
use revshare_core::view::explain::AdoptedBy;
use revshare_core::view::explain::Explanation;
use revshare_core::view::record::Named;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::exact::to_text;

use crate::render::text::count;
use crate::render::text::exact_money;
use crate::render::text::money;

/// A derivation with what it refers to.
pub struct Derivation {
    /// The party's own.
    pub explanation: Explanation,
    /// The version of the terms that settles the period: rounding, caps, guarantees, splits.
    pub settling: Version,
    /// Those of other parties whose amounts are divided, and go to the party in part.
    pub pools: Vec<Explanation>,
    /// Where the conversion rates of the period come from.
    pub rates: Vec<(Currency, Amount, Named)>,
}

/// A party's own way from rules to an amount, before pools are divided.
pub struct Chain<'a> {
    derivation: &'a Derivation,
    explanation: &'a Explanation,
    indent: usize,
}

impl Derivation {
    /// The terms that settle the period.
    pub fn terms(&self) -> &Terms {
        &self.settling.terms
    }

    /// The derivation of another party's pool.
    pub fn pool(&self, of: &Part) -> Option<&Explanation> {
        self.pools.iter().find(|pool| pool.party == of.of)
    }

    /// Whether the party earned something itself that is not divided.
    pub fn has_own(&self) -> bool {
        let rating = &self.explanation.rating;
        let is_paid = |rule: &revshare_core::rating::RuleRating| {
            rule.operands.iter().any(|operand| operand.party == rating.party)
        };
        rating.split.is_empty()
            && (rating.parts.is_empty()
                || !rating.own.is_zero()
                || self.explanation.rules.iter().any(is_paid))
    }

    /// The versions of the terms that had a part in it, each once, by number.
    pub fn versions(&self) -> Vec<&(usize, Version)> {
        let mut versions: Vec<&(usize, Version)> = self.explanation.versions.iter().collect();
        versions.sort_by_key(|(number, _)| *number);
        versions.dedup_by_key(|(number, _)| *number);
        versions
    }

    /// Whether other terms than the first had a part in it.
    pub fn is_amended(&self) -> bool {
        self.explanation.versions.iter().any(|(number, _)| *number > 0)
    }

    fn text(&self, amount: Amount) -> String {
        amount.to_text(self.terms().currency.minor_digits())
    }

    /// The lines of the tree.
    pub fn lines(&self, as_of: &str) -> Vec<String> {
        let Explanation { rating, period, party, .. } = &self.explanation;
        let currency = self.terms().currency;
        let mut lines = vec![format!("{period}/{party}{as_of}, due {}", self.explanation.due_on)];
        if let (Some(_), Some(adopted)) = (rating.computed, &self.explanation.adopted) {
            let amount = money(rating.amount, currency);
            lines.push(format!("= {amount}  adopted by {}", adopted_by(adopted)));
            lines.push("in the place of what the calculation comes to:".to_owned());
        }
        let amount = money(rating.computed.unwrap_or(rating.amount), currency);
        lines.push(format!("= {amount}"));
        let own = Chain { derivation: self, explanation: &self.explanation, indent: 2 };
        match (&rating.parts[..], self.has_own()) {
            ([], _) if rating.split.is_empty() && own.is_plain() => {
                // Nothing happens behind the rounding: one line says both.
                lines.pop();
                lines.push(format!("= {amount}  {}", own.rounding()));
                own.earned(&mut lines);
            }
            ([], _) if rating.split.is_empty() => own.lines(&mut lines),
            ([], _) => {
                lines.push(format!("  {}  = {}", self.text(Amount::ZERO), self.divided(rating)));
                own.lines(&mut lines);
            }
            ([part], false) if part.of == *party => {
                lines.push(format!("  {}  = {}", self.text(part.amount), self.divided(rating)));
                own.lines(&mut lines);
            }
            (parts, has_own) => {
                for part in parts {
                    self.part(&mut lines, part);
                }
                if has_own {
                    lines.push(format!("  {}  = its own", self.text(rating.own)));
                    Chain { indent: 4, ..own }.lines(&mut lines);
                }
            }
        }
        self.sources(&mut lines);
        self.postings(&mut lines);
        lines
    }

    /// A part of a pool, with the way to the pool.
    fn part(&self, lines: &mut Vec<String>, part: &Part) {
        let of_itself = part.of == self.explanation.party;
        let pool = if of_itself { Some(&self.explanation) } else { self.pool(part) };
        let whole = pool.map_or(String::new(), |pool| format!(", {}", self.text(pool.rating.own)));
        lines.push(format!(
            "  {}  = {} of what {} came to{whole}",
            self.text(part.amount),
            weight(part),
            part.of
        ));
        if let Some(explanation) = pool {
            Chain { derivation: self, explanation, indent: 4 }.lines(lines);
        }
    }

    /// How the party's own pool is divided.
    fn divided(&self, rating: &PartyRating) -> String {
        let own = rating.split.iter().find(|part| part.to == rating.party);
        let others = rating.split.iter().filter(|part| part.to != rating.party);
        let others: Vec<String> =
            others.map(|part| format!("{} {}", part.to, self.text(part.amount))).collect();
        let mine = own.map_or("nothing".to_owned(), weight);
        let others = match others.is_empty() {
            true => String::new(),
            false => format!("; {}", others.join(", ")),
        };
        format!("{mine} of {}{others}", self.text(rating.own))
    }

    fn sources(&self, lines: &mut Vec<String>) {
        if self.explanation.reports.is_empty() {
            lines.push("  no report is in effect".to_owned());
        }
        for source in &self.explanation.reports {
            let corrects = source.corrects.as_ref();
            lines.push(format!(
                "  from {}{}{}: {}{}",
                named(&source.report),
                if source.supplement { ", a supplement" } else { "" },
                corrects.map_or(String::new(), |named| format!(", corrects {}", number(named))),
                match source.lines {
                    0 => "nil".to_owned(),
                    lines => count(lines, "line"),
                },
                source.adopted.as_ref().map_or(String::new(), |adopted| {
                    format!(", adopted by {}", adopted_by(adopted))
                })
            ));
        }
        for (at, version) in self.versions() {
            let digest = version.digest.short();
            let place = match self.is_amended() {
                true => format!(
                    ", version {at} (record {}) from {}",
                    version.seq, version.effective_from
                ),
                false => String::new(),
            };
            lines.push(format!(
                "  by terms {digest}{place}, calculation {}",
                version.terms.calculation
            ));
        }
    }

    fn postings(&self, lines: &mut Vec<String>) {
        let Explanation { period, party, postings, pending, .. } = &self.explanation;
        let currency = self.terms().currency;
        if postings.is_empty() {
            lines.push("not stated yet: nothing is booked".to_owned());
            return;
        }
        lines.push(format!("booked {}", money(self.explanation.booked, currency)));
        for posting in postings {
            let kind = match posting.stated == *period {
                true => String::new(),
                false => {
                    let causes: Vec<String> = posting.causes.iter().map(number).collect();
                    format!(", a true-up moved by {}", causes.join(", "))
                }
            };
            lines.push(format!(
                "  {}  by the statement of {}, {}{kind}",
                money(posting.amount, currency),
                posting.stated,
                named(&posting.statement)
            ));
        }
        if !pending.is_zero() {
            lines.push(format!(
                "  {}  to be posted by the next statement, as a true-up",
                money(*pending, currency)
            ));
            if let Some(first) = postings.first().and_then(|p| p.statement.seq) {
                lines.push(format!(
                    "  (`revshare explain {period}/{party} --at {first}` derives what was stated first)"
                ));
            }
        }
    }
}

impl Chain<'_> {
    fn terms(&self) -> &Terms {
        self.derivation.terms()
    }

    fn push(&self, lines: &mut Vec<String>, further: usize, text: &str) {
        lines.push(format!("{:1$}{text}", "", self.indent + further));
    }

    fn stage(&self, lines: &mut Vec<String>, value: Amount, text: &str) {
        self.push(lines, 0, &format!("{}  = {text}", self.derivation.text(value)));
    }

    /// Whether neither a cap nor a guarantee has a part in it.
    fn is_plain(&self) -> bool {
        self.explanation.rating.caps.is_empty() && self.explanation.rating.top_ups.is_empty()
    }

    /// From guarantees and caps down to the rules.
    fn lines(&self, lines: &mut Vec<String>) {
        let rating = &self.explanation.rating;
        let mut value = rating.own;
        for top_up in rating.top_ups.iter().rev() {
            self.stage(lines, value, &self.topped_up(top_up));
            value = top_up.before;
        }
        for capped in rating.caps.iter().rev() {
            self.stage(lines, capped.after, &self.capped(capped));
        }
        self.stage(lines, rating.rounded, &self.rounding());
        self.earned(lines);
    }

    fn topped_up(&self, top_up: &TopUp) -> String {
        let text = |amount| self.derivation.text(amount);
        let TopUp { over, amount, days: (days, of), guarantee, got, before, added } = top_up;
        let guaranteed = match days == of {
            true => text(*guarantee),
            false => format!("{} ({} × {days} / {of} days)", text(*guarantee), text(*amount)),
        };
        let over = over.as_str();
        match added.is_zero() {
            true => {
                format!("enough for the guarantee over a {over}: {guaranteed}, got {}", text(*got))
            }
            false => format!(
                "{} + {} up to the guarantee over a {over}: {guaranteed}, got {}",
                text(*before),
                text(*added),
                text(*got)
            ),
        }
    }

    fn capped(&self, capped: &Capped) -> String {
        let text = |amount| self.derivation.text(amount);
        let Capped { over, cap, kept, before, after } = capped;
        let over = over.as_str();
        match cap {
            _ if before.is_negative() && before != after => {
                format!("{}, first taken from what the cap over a {over} had cut", text(*before))
            }
            Some(cap) if before == after => {
                format!("within the cap over a {over}: {}, kept before {}", text(*cap), text(*kept))
            }
            Some(cap) => format!(
                "{} cut by the cap over a {over}: {}, kept before {}",
                text(*before),
                text(*cap),
                text(*kept)
            ),
            None => text(*before),
        }
    }

    fn rounding(&self) -> String {
        let digits = match self.terms().currency.minor_digits() {
            0 => "whole units".to_owned(),
            1 => "1 digit".to_owned(),
            digits => format!("{digits} digits"),
        };
        format!("rounded {} to {digits}", self.terms().rounding.as_str())
    }

    /// What was earned and carried in, and by which rules.
    fn earned(&self, lines: &mut Vec<String>) {
        let (rating, currency) = (&self.explanation.rating, self.terms().currency);
        if self.terms().carry {
            self.push(
                lines,
                0,
                &format!(
                    "{}  = carried in, earned before and not yet rounded to a unit",
                    exact_money(&rating.carry_in, currency)
                ),
            );
        }
        let earned = exact_money(&rating.earned, currency);
        self.push(lines, 0, &format!("{earned}  = Σ rules"));
        self.rules(lines);
    }
}

/// `80 / 100`.
fn weight(part: &Part) -> String {
    format!("{} / {}", part.weight, to_text(&part.weights))
}

/// `the settlement in record 9 of the dispute in record 5`.
fn adopted_by(adopted: &AdoptedBy) -> String {
    let how = match adopted.how {
        Resolution::Accepted | Resolution::ByDefault => "the acceptance",
        Resolution::Settled => "the settlement",
        Resolution::Determined => "the determination",
    };
    format!("{how} in {} of the dispute in {}", number(&adopted.by), number(&adopted.dispute))
}

fn number(named: &Named) -> String {
    match named.seq {
        Some(seq) => format!("record {seq}"),
        None => format!("event {}", named.id.0.short()),
    }
}

fn named(named: &Named) -> String {
    match named.seq {
        Some(seq) => format!("record {seq} (id {})", named.id.0.short()),
        None => number(named),
    }
}
