//! The part of a derivation that rules have: by stretch, rule and group, down to sums of lines.

#![expect(clippy::arithmetic_side_effects, reason = "places on a terminal")]

use revshare_core::rating::RuleRating;
use revshare_core::rating::derivation::Operand;
use revshare_core::rating::derivation::Operation;
use revshare_core::rating::derivation::PointedRate;
use revshare_core::rating::group::Deducted;
use revshare_core::rating::group::Group;
use revshare_core::terms::Measure;
use revshare_core::terms::Pay;
use revshare_core::terms::Terms;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Exact;
use revshare_core::vocab::Id;
use revshare_core::vocab::exact::of_amount;
use revshare_core::vocab::exact::of_rate;

use crate::render::explain::Chain;
use crate::render::explain::number;
use crate::render::text::count;
use crate::render::text::exact_money;
use crate::render::text::exact_text;
use crate::render::text::zero;

/// Longest id that is repeated on the line of an operation.
const ID_SHOWN_MAX: usize = 28;

impl Chain<'_> {
    /// The rules, under their stretches where the period has several or amended terms.
    pub(in crate::render::explain) fn rules(&self, lines: &mut Vec<String>) {
        let rules: Vec<&RuleRating> =
            self.explanation.rules.iter().filter(|rule| self.has_part(rule)).collect();
        let is_cut = rules.iter().any(|rule| rule.stretch > 0 || rule.version > 0);
        let mut shown = None;
        for rule in rules {
            if is_cut && shown != Some(rule.stretch) {
                shown = Some(rule.stretch);
                self.stretch(lines, rule);
            }
            self.rule(lines, rule, if is_cut { 4 } else { 2 });
        }
    }

    /// Of a pool, only what filled it; of the party asked for, also lines that earn it nothing. A
    /// rule without lines may still enter a step, or leave one.
    fn has_part(&self, rule: &RuleRating) -> bool {
        let asked = &self.derivation.explanation.party;
        let party = &self.explanation.party;
        let is_paid = rule.operands.iter().any(|operand| operand.party == *party);
        match rule.lines() {
            0 => is_paid && rule.earned(party) != zero(),
            _ => is_paid || party == asked,
        }
    }

    fn stretch(&self, lines: &mut Vec<String>, rule: &RuleRating) {
        let versions = self.explanation.versions.iter();
        let found = versions.clone().find(|(number, _)| *number == rule.version);
        let record =
            found.map_or(String::new(), |(_, version)| format!(" (record {})", version.seq));
        let (from, after) = rule.days;
        self.push(
            lines,
            2,
            &format!("{from} to {} by version {}{record}:", after.plus_days(-1), rule.version),
        );
    }

    fn rule(&self, lines: &mut Vec<String>, rule: &RuleRating, further: usize) {
        let currency = self.terms().currency;
        let earned = rule.earned(&self.explanation.party);
        self.push(lines, further, &format!("{}  = {}", exact_money(&earned, currency), rule.rule));
        let terms = self.terms_of(rule.version);
        self.tier(lines, rule, terms, further + 2);
        let own = |group: Option<usize>| {
            let operands = rule.operands.iter();
            let own = operands.filter(|operand| operand.party == self.explanation.party);
            own.filter(move |operand| operand.group == group)
        };
        for operand in own(None) {
            self.operand(lines, operand, rule, further + 2);
        }
        let is_nested = rule.groups.len() > 1;
        let has_foreign = rule.groups.iter().any(|group| group.currency != currency);
        for (at, group) in rule.groups.iter().enumerate() {
            let further = if is_nested { further + 4 } else { further + 2 };
            if is_nested {
                self.push(lines, further - 2, &format!("{}:", title(group, has_foreign)));
            }
            for operand in own(Some(at)) {
                self.operand(lines, operand, rule, further);
            }
            self.group(lines, group, further);
        }
        if rule.groups.is_empty() {
            self.push(lines, further + 2, "no lines");
        }
    }

    fn terms_of(&self, version: usize) -> Option<&Terms> {
        let versions = self.explanation.versions.iter();
        let found = versions.clone().find(|(number, _)| *number == version);
        found.map(|(_, version)| &version.terms)
    }

    fn tier(
        &self,
        lines: &mut Vec<String>,
        rule: &RuleRating,
        terms: Option<&Terms>,
        further: usize,
    ) {
        let clauses = terms.into_iter().flat_map(|terms| &terms.rules);
        let clause = clauses.into_iter().find(|clause| clause.id == rule.rule);
        let tiers = clause.and_then(|clause| match &clause.pay {
            Pay::Tiered(tiers) => Some(tiers),
            Pay::Flat(_) => None,
        });
        let (Some(tier), Some(tiers)) = (&rule.tier, tiers) else { return };
        let by = match &tiers.by {
            Measure::Revenue => "revenue",
            Measure::Meter(meter) => meter.as_str(),
        };
        self.push(
            lines,
            further,
            &format!(
                "{} tiers by {by} over a {}: position {} → {}",
                tier.kind.as_str(),
                tiers.over.as_str(),
                exact_text(&tier.before),
                exact_text(&tier.after)
            ),
        );
    }

    fn operand(
        &self,
        lines: &mut Vec<String>,
        operand: &Operand,
        rule: &RuleRating,
        further: usize,
    ) {
        let currency = self.terms().currency;
        let id = short_id(&rule.rule);
        let place = match operand.step {
            0 => id,
            step => format!("{id}, step {step}"),
        };
        let (what, rate) = match &operand.what {
            Operation::Share { base, rate, stretch } => {
                let stretch = stretch.as_ref().map_or(String::new(), |(from, to)| {
                    format!("  (position {} → {})", exact_text(from), exact_text(to))
                });
                let base = exact_money(base, currency);
                let text = format!("{base} × {}{}{stretch}", rate_text(&rate.rate), held(rate));
                (text, Some((rate, rule.version)))
            }
            Operation::WindowShare { version, modifiers, base, rate } => {
                let with = match &modifiers[..] {
                    [] => String::new(),
                    ids => format!(" with {}", ids_text(ids)),
                };
                let base = exact_money(base, currency);
                let rated = format!("{base} × {}{}", rate_text(&rate.rate), held(rate));
                (format!("{rated}  (the whole window{with})"), Some((rate, *version)))
            }
            Operation::PerUnit { units, price } => {
                (format!("{} units × {price}", exact_text(units)), None)
            }
            Operation::Flat { amount, back } => {
                let back = if *back { ", given back" } else { "" };
                (format!("flat {}{back}", exact_money(&of_amount(amount), currency)), None)
            }
            Operation::WindowBefore => {
                ("the window up to the period before, taken off".to_owned(), None)
            }
        };
        let earned = exact_money(&operand.earned, currency);
        self.push(lines, further, &format!("{earned}  = {place}: {what}"));
        if let Some((rate, version)) = rate.filter(|(rate, _)| !rate.points.is_empty()) {
            let points = self.points(rate, version);
            self.push(lines, further + 2, &points);
        }
    }

    /// `rate 0.32 = 0.30 + eu-search 0.03, at most 0.32`.
    fn points(&self, rate: &PointedRate, version: usize) -> String {
        let mut sum = of_rate(&rate.share);
        let mut text = format!("rate {} = {}", rate_text(&rate.rate), rate_text(&sum));
        for (id, points) in &rate.points {
            sum += points;
            let (sign, points) = match *points < zero() {
                true => ('−', -points.clone()),
                false => ('+', points.clone()),
            };
            text.push_str(&format!(" {sign} {} {}", short_id(id), rate_text(&points)));
        }
        let terms = self.terms_of(version);
        if rate.rate < sum {
            let most = terms.and_then(|terms| terms.rate_ceiling);
            text.push_str(&most.map_or(String::new(), |most| format!(", at most {most}")));
        } else if rate.rate > sum {
            let least = terms.and_then(|terms| terms.rate_floor);
            text.push_str(&least.map_or(String::new(), |least| format!(", at least {least}")));
        }
        text
    }

    fn group(&self, lines: &mut Vec<String>, group: &Group, further: usize) {
        let settlement = self.terms().currency;
        let currency = group.currency;
        let unit = match currency == settlement {
            true => String::new(),
            false => format!(" {currency}"),
        };
        if let Some(rate) = &group.rate {
            let source = self.derivation.rates.iter().find(|(of, ..)| *of == currency);
            let source =
                source.map_or(String::new(), |(.., named)| format!("  ({})", number(named)));
            self.push(
                lines,
                further,
                &format!(
                    "base {} = {}{unit} × {rate}{source}",
                    exact_money(&group.converted, settlement),
                    exact_money(&group.base, currency)
                ),
            );
        }
        let deductions = group.deductions.iter().map(|one| deduction(one, currency));
        let priced = match &group.reported {
            Some(reported) if *reported == zero() || *reported == group.gross => {
                " by the price list".to_owned()
            }
            Some(reported) => {
                format!(" by the price list (reported {})", exact_money(reported, currency))
            }
            None => String::new(),
        };
        self.push(
            lines,
            further,
            &format!(
                "base {}{unit} = gross {}{priced}{}  ({})",
                exact_money(&group.base, currency),
                exact_money(&group.gross, currency),
                deductions.collect::<String>(),
                count(group.lines, "line")
            ),
        );
    }
}

/// What the lines of one of several groups have in common.
fn title(group: &Group, has_foreign: bool) -> String {
    let with = match &group.modifiers[..] {
        [] => "lines without points".to_owned(),
        ids => format!("lines with {}", ids_text(ids)),
    };
    match has_foreign {
        true => format!("{with}, in {}", group.currency),
        false => with,
    }
}

fn ids_text(ids: &[Id]) -> String {
    ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ")
}

/// An id that stands on a line with numbers; a long one is cut in its middle, its whole text stands
/// on the rule's own line and in the terms.
fn short_id(id: &Id) -> String {
    let text = id.as_str();
    if text.len() <= ID_SHOWN_MAX {
        return text.to_owned();
    }
    // Ids are ASCII.
    let (start, rest) = text.split_at(ID_SHOWN_MAX - 9);
    let (_, end) = rest.split_at(rest.len() - 8);
    format!("{start}…{end}")
}

/// A rate with at least two fraction digits.
fn rate_text(rate: &Exact) -> String {
    let text = exact_text(rate);
    match text.split_once('.') {
        Some((_, fraction)) if fraction.len() == 1 => format!("{text}0"),
        _ => text,
    }
}

/// Says that floor or ceiling moved a rate that has no points.
fn held(rate: &PointedRate) -> String {
    match rate.points.is_empty() && of_rate(&rate.share) != rate.rate {
        true => format!(" (share {}, held by the limits)", rate.share),
        false => String::new(),
    }
}

fn deduction(deducted: &Deducted, currency: Currency) -> String {
    if deducted.reported == zero() {
        return String::new();
    }
    let bounded = match &deducted.bound {
        Some(bound) if deducted.deducted != deducted.reported => format!(
            " (reported {}, at most {})",
            exact_money(&deducted.reported, currency),
            exact_money(bound, currency)
        ),
        _ => String::new(),
    };
    format!(" − {} {}{bounded}", deducted.kind, exact_money(&deducted.deducted, currency))
}
