//! Derivations for people: an indented tree, one operation a line.

use revshare_core::rating::RuleRating;
use revshare_core::rating::derivation::Operand;
use revshare_core::rating::derivation::Operation;
use revshare_core::rating::derivation::PointedRate;
use revshare_core::rating::group::Deducted;
use revshare_core::terms::Measure;
use revshare_core::terms::Pay;
use revshare_core::terms::Terms;
use revshare_core::view::explain::Explanation;
use revshare_core::view::record::Named;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Exact;
use revshare_core::vocab::Id;
use revshare_core::vocab::exact::Sum;
use revshare_core::vocab::exact::of_amount;
use revshare_core::vocab::exact::of_rate;

use crate::render::text::count;
use crate::render::text::exact_money;
use crate::render::text::exact_text;
use crate::render::text::money;

/// A rate with at least two fraction digits.
fn rate_text(rate: &Exact) -> String {
    let text = exact_text(rate);
    match text.split_once('.') {
        Some((_, fraction)) if fraction.len() == 1 => format!("{text}0"),
        _ => text,
    }
}

/// The terms that settle the period, and the beginning of their digest.
fn settling(explanation: &Explanation) -> (&Terms, String) {
    let (_, version) = &explanation.versions[explanation.versions.len() - 1];
    (&version.terms, version.digest.short())
}

/// The lines of the tree.
pub fn lines(explanation: &Explanation, as_of: &str) -> Vec<String> {
    let Explanation { rating, period, party, .. } = explanation;
    let (terms, digest) = settling(explanation);
    let currency = terms.currency;
    let mut lines = vec![format!("{period}/{party}{as_of}, due {}", explanation.due_on)];
    let digits = match currency.minor_digits() {
        0 => "whole units".to_owned(),
        1 => "1 digit".to_owned(),
        digits => format!("{digits} digits"),
    };
    lines.push(format!(
        "= {}  rounded {} to {digits}",
        money(rating.rounded, currency),
        terms.rounding.as_str()
    ));
    if terms.carry {
        lines.push(format!(
            "  {}  = carried in, earned before and not yet rounded to a unit",
            exact_money(&rating.carry_in, currency)
        ));
    }
    lines.push(format!("  {}  = Σ rules", exact_money(&rating.earned, currency)));
    for rule in &explanation.rules {
        rule_lines(&mut lines, rule, explanation);
    }
    report_lines(&mut lines, explanation);
    lines.push(format!("  by terms {}, calculation {}", digest, terms.calculation));
    posting_lines(&mut lines, explanation);
    lines
}

fn rule_lines(lines: &mut Vec<String>, rule: &RuleRating, explanation: &Explanation) {
    let currency = settling(explanation).0.currency;
    let earned = rule.earned(&explanation.party);
    lines.push(format!("    {}  = {}", exact_money(&earned, currency), rule.rule));
    let versions = explanation.versions.iter();
    let version = versions.clone().find(|(number, _)| *number == rule.version);
    let clauses = version.into_iter().flat_map(|(_, version)| &version.terms.rules);
    let clause = clauses.into_iter().find(|clause| clause.id == rule.rule);
    let tiers = clause.and_then(|clause| match &clause.pay {
        Pay::Tiered(tiers) => Some(tiers),
        Pay::Flat(_) => None,
    });
    if let (Some(tier), Some(tiers)) = (&rule.tier, tiers) {
        let by = match &tiers.by {
            Measure::Revenue => "revenue".to_owned(),
            Measure::Meter(meter) => meter.to_string(),
        };
        lines.push(format!(
            "      {} tiers by {by} over a {}: position {} → {}",
            tier.kind.as_str(),
            tiers.over.as_str(),
            exact_text(&tier.before),
            exact_text(&tier.after)
        ));
    }
    let own = rule.operands.iter().filter(|operand| operand.party == explanation.party);
    for operand in own {
        lines.push(format!("      {}", operation(operand, &rule.rule, currency)));
    }
    for group in &rule.groups {
        lines.push(format!(
            "      base {} = gross {}{}  ({})",
            exact_money(&group.base, currency),
            exact_money(&group.gross, currency),
            group.deductions.iter().map(|one| deduction(one, currency)).collect::<String>(),
            count(group.lines, "line")
        ));
    }
}

fn deduction(deducted: &Deducted, currency: Currency) -> String {
    if deducted.reported == Sum::default().exact() {
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

fn operation(operand: &Operand, rule: &Id, currency: Currency) -> String {
    let place = match operand.step {
        0 => rule.to_string(),
        step => format!("{rule}, step {step}"),
    };
    let clamped = |rate: &PointedRate| match of_rate(&rate.share) == rate.rate {
        true => String::new(),
        false => format!(" (share {}, held by the limits)", rate.share),
    };
    let what = match &operand.what {
        Operation::Share { base, rate, stretch } => {
            let stretch = stretch.as_ref().map_or(String::new(), |(from, to)| {
                format!("  (position {} → {})", exact_text(from), exact_text(to))
            });
            format!(
                "{} × {}{}{stretch}",
                exact_money(base, currency),
                rate_text(&rate.rate),
                clamped(rate)
            )
        }
        Operation::WindowShare { base, rate, .. } => format!(
            "{} × {}{}  (the whole window)",
            exact_money(base, currency),
            rate_text(&rate.rate),
            clamped(rate)
        ),
        Operation::PerUnit { units, price } => {
            format!("{} units × {price}", exact_text(units))
        }
        Operation::Flat { amount, back } => format!(
            "flat {}{}",
            exact_money(&of_amount(amount), currency),
            if *back { ", given back" } else { "" }
        ),
        Operation::WindowBefore => "the window up to the period before, taken off".to_owned(),
    };
    format!("{}  = {place}: {what}", exact_money(&operand.earned, currency))
}

fn report_lines(lines: &mut Vec<String>, explanation: &Explanation) {
    if explanation.reports.is_empty() {
        lines.push("  no report is in effect".to_owned());
    }
    for source in &explanation.reports {
        let corrects = source.corrects.as_ref();
        lines.push(format!(
            "  from {}{}{}: {}",
            named(&source.report),
            if source.supplement { ", a supplement" } else { "" },
            corrects.map_or(String::new(), |named| format!(", corrects {}", record_number(named))),
            match source.lines {
                0 => "nil".to_owned(),
                lines => count(lines, "line"),
            }
        ));
    }
}

fn posting_lines(lines: &mut Vec<String>, explanation: &Explanation) {
    let period = explanation.period;
    let currency = settling(explanation).0.currency;
    if explanation.postings.is_empty() {
        lines.push("not stated yet: nothing is booked".to_owned());
        return;
    }
    lines.push(format!("booked {}", money(explanation.booked, currency)));
    for posting in &explanation.postings {
        let kind = match posting.stated == period {
            true => String::new(),
            false => {
                let causes: Vec<String> = posting.causes.iter().map(record_number).collect();
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
    if !explanation.pending.is_zero() {
        lines.push(format!(
            "  {}  to be posted by the next statement, as a true-up",
            money(explanation.pending, currency)
        ));
        if let Some(first) = explanation.postings.first().and_then(|p| p.statement.seq) {
            lines.push(format!(
                "  (`revshare explain {period}/{} --at {first}` derives what was stated first)",
                explanation.party
            ));
        }
    }
}

fn record_number(named: &Named) -> String {
    match named.seq {
        Some(seq) => format!("record {seq}"),
        None => format!("event {}", named.id.0.short()),
    }
}

fn named(named: &Named) -> String {
    match named.seq {
        Some(seq) => format!("record {seq} (id {})", named.id.0.short()),
        None => record_number(named),
    }
}
