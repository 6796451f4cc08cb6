//! What is legal in terms, and surprising.

use crate::terms::body::AllowedValues;
use crate::terms::body::BaseFrom;
use crate::terms::body::Condition;
use crate::terms::body::Measure;
use crate::terms::body::Pay;
use crate::terms::body::Rule;
use crate::terms::body::Step;
use crate::terms::body::Terms;
use crate::terms::body::TierKind;
use crate::terms::body::Tiers;
use crate::terms::draft::At;
use crate::terms::draft::DraftRule;
use crate::terms::draft::DraftTerms;
use crate::terms::glob;
use crate::terms::judge::TermsProblem;
use crate::terms::points::Points;
use crate::terms::rules::scaled;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Problem;
use crate::vocab::Rate;
use crate::vocab::exact;

/// Most comparisons of patterns in the search for rules that never apply. It is given up beyond,
/// so that nobody can write terms that take for ever to look at.
const COMPARISONS_MAX: u32 = 4_000_000;

/// The warnings about terms that passed the checks.
pub(in crate::terms) fn of(draft: &DraftTerms, terms: &Terms) -> Vec<TermsProblem> {
    let mut warnings = Warnings(Vec::new());
    let drafts: &[DraftRule] = draft.rules.value().map_or(&[], Vec::as_slice);
    for (rule, draft) in terms.rules.iter().zip(drafts) {
        warnings.nothing_owed(rule, draft);
        warnings.whole_cheaper(terms, rule, draft);
    }
    warnings.unreachable(terms, drafts);
    if !terms.rules.iter().any(matches_everything) {
        let last = drafts.last().map(|rule| rule.at.clone());
        warnings.add(
            &last.unwrap_or_default(),
            Code::WarnNoCatchAll,
            "no rule matches everything, so usage that none matches will be refused",
            "add a last rule without `when`, if that is not what you want",
        );
    }
    warnings.negative_rates(draft, terms);
    warnings.caps_and_minimums(draft, terms);
    if let Some(at) = draft.prices.place()
        && terms.base_from == BaseFrom::Gross
        && !terms.prices.is_empty()
    {
        warnings.add(
            at,
            Code::WarnUnusedPrice,
            "the base is the reported gross, so the price list counts for nothing",
            "write `from = \"priced\"` in [base], or remove the prices",
        );
    }
    warnings.0
}

struct Warnings(Vec<TermsProblem>);

impl Warnings {
    fn add(&mut self, at: &At, code: Code, message: impl Into<String>, hint: impl Into<String>) {
        let problem = Problem::new(code, message).hint(hint);
        self.0.push(TermsProblem::new(at, problem));
    }

    fn nothing_owed(&mut self, rule: &Rule, draft: &DraftRule) {
        match &rule.pay {
            Pay::Flat(share) if share.is_empty() => self.add(
                draft.share.place().unwrap_or(&draft.at),
                Code::WarnNothingOwed,
                format!("the rule `{}` names nobody, so nothing is owed under it", rule.id),
                "name a party in `share`, with \"0\" if nothing is meant",
            ),
            Pay::Flat(_) => {}
            Pay::Tiered(tiers) => {
                let drafts = draft.steps.value().into_iter().flatten();
                for (step, draft) in tiers.steps.iter().zip(drafts) {
                    if step.share.is_empty() && step.per_unit.is_empty() && step.flat.is_empty() {
                        self.add(
                            &draft.at,
                            Code::WarnNothingOwed,
                            format!("a step of the rule `{}` names nobody", rule.id),
                            "nothing is owed in this step; give it `share = { … = \"0\" }` if so meant",
                        );
                    }
                }
            }
        }
    }

    fn whole_cheaper(&mut self, terms: &Terms, rule: &Rule, draft: &DraftRule) {
        let Pay::Tiered(tiers) = &rule.pay else {
            return;
        };
        if tiers.kind != TierKind::Whole {
            return;
        }
        let drafts = draft.steps.value().into_iter().flatten();
        let steps = tiers.steps.iter().zip(drafts);
        for ((step, draft), next) in steps.zip(tiers.steps.iter().skip(1)) {
            let Some(bound) = step.bound else { continue };
            let poorer: Vec<&str> = terms
                .beneficiaries()
                .into_iter()
                .filter(|party| falls(terms, tiers, step, next, &bound.at, party))
                .map(Id::as_str)
                .collect();
            if !poorer.is_empty() {
                let at = draft.up_to.place().or(draft.below.place());
                self.add(
                    at.unwrap_or(&draft.at),
                    Code::WarnWholeCheaper,
                    format!(
                        "under the rule `{}`, crossing {} takes money from {}: more usage costs less",
                        rule.id,
                        bound.at,
                        poorer.join(", ")
                    ),
                    "a whole tier applies one step to everything; `kind = \"marginal\"` never falls",
                );
            }
        }
    }

    fn negative_rates(&mut self, draft: &DraftTerms, terms: &Terms) {
        // A floor is never negative.
        if terms.rate_floor.is_some() {
            return;
        }
        let points = Points::of(draft);
        let drafts = draft.rules.value().into_iter().flatten();
        for (rule, draft) in terms.rules.iter().zip(drafts) {
            let points = points.on(&rule.when);
            let mut look = |shares: &[(Id, Rate)], at: Option<&At>| {
                let negative = shares
                    .iter()
                    .filter(|(party, share)| scaled(*share).saturating_add(points.down(party)) < 0)
                    .map(|(party, _)| party.as_str());
                let negative: Vec<&str> = negative.collect();
                if !negative.is_empty() {
                    self.add(
                        at.unwrap_or(&draft.at),
                        Code::WarnNegativeRate,
                        format!(
                            "under the rule `{}`, points can take the rate below zero, so that \
                             money is owed by {}",
                            rule.id,
                            negative.join(", ")
                        ),
                        "set `rate_floor = \"0\"` in [limits], if that is not what you want",
                    );
                }
            };
            match &rule.pay {
                Pay::Flat(share) => look(share, draft.share.place()),
                Pay::Tiered(tiers) => {
                    let drafts = draft.steps.value().into_iter().flatten();
                    for (step, draft) in tiers.steps.iter().zip(drafts) {
                        look(&step.share, draft.share.place());
                    }
                }
            }
        }
    }

    fn caps_and_minimums(&mut self, draft: &DraftTerms, terms: &Terms) {
        let drafts = draft.minimums.value().into_iter().flatten();
        let mut seen: Vec<&Id> = Vec::new();
        for (minimum, draft) in terms.minimums.iter().zip(drafts) {
            let capped = terms.caps.iter().any(|cap| cap.to == minimum.to);
            if capped && !seen.contains(&&minimum.to) {
                seen.push(&minimum.to);
                self.add(
                    &draft.at,
                    Code::WarnCapAndMinimum,
                    format!("`{}` has both a cap and a minimum", minimum.to),
                    "what a minimum adds is not capped; remove one of them if that is not meant",
                );
            }
        }
    }

    fn unreachable(&mut self, terms: &Terms, drafts: &[DraftRule]) {
        let mut left = COMPARISONS_MAX;
        for (place, (rule, draft)) in terms.rules.iter().zip(drafts).enumerate() {
            if self.impossible_patterns(terms, rule, draft, &mut left).is_none() {
                return;
            }
            for earlier in terms.rules.iter().take(place) {
                match covers(terms, earlier, rule, &mut left) {
                    None => return,
                    Some(false) => {}
                    Some(true) => {
                        self.add(
                            &draft.at,
                            Code::WarnRuleUnreachable,
                            format!(
                                "the rule `{}` never applies: `{}` stands before it and matches \
                                 everything that it matches",
                                rule.id, earlier.id
                            ),
                            "the first rule that matches wins: put the narrower rule first",
                        );
                        break;
                    }
                }
            }
        }
    }

    /// Patterns that match none of the values that the terms allow; `None` if given up.
    fn impossible_patterns(
        &mut self,
        terms: &Terms,
        rule: &Rule,
        draft: &DraftRule,
        left: &mut u32,
    ) -> Option<()> {
        for entry in draft.when.value().into_iter().flatten() {
            let Some(allowed) = entry.key.value().and_then(|name| allowed(terms, name)) else {
                continue;
            };
            for pattern in entry.value.value().into_iter().flatten() {
                let (Some(text), Some(at)) = (pattern.value(), pattern.place()) else {
                    continue;
                };
                *left = left.checked_sub(u32::try_from(allowed.values.len()).ok()?)?;
                if !possible(allowed).any(|value| glob::matches(text.as_str(), value)) {
                    self.add(
                        at,
                        Code::WarnRuleUnreachable,
                        format!(
                            "in the rule `{}`, \"{text}\" matches none of the values that \
                             [attributes] allows for `{}`",
                            rule.id, allowed.attribute
                        ),
                        "correct the pattern, or allow the value",
                    );
                }
            }
        }
        Some(())
    }
}

fn allowed<'a>(terms: &'a Terms, attribute: &Name) -> Option<&'a AllowedValues> {
    terms.attributes.iter().find(|allowed| allowed.attribute == *attribute)
}

/// The values that a line may have: the allowed ones, and none.
fn possible(allowed: &AllowedValues) -> impl Iterator<Item = &str> {
    let values = allowed.values.iter().map(|value| value.as_str());
    std::iter::once("").chain(values)
}

fn any_value(condition: &Condition) -> bool {
    let star = |pattern: &str| !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*');
    condition.patterns.iter().any(|pattern| star(pattern.as_str()))
}

fn matches_everything(rule: &Rule) -> bool {
    rule.when.iter().all(any_value)
}

/// Whether `earlier` surely matches every line that `later` matches; `None` if the search was
/// given up.
fn covers(terms: &Terms, earlier: &Rule, later: &Rule, left: &mut u32) -> Option<bool> {
    for wide in &earlier.when {
        *left = left.checked_sub(1)?;
        if any_value(wide) {
            continue;
        }
        let narrow = later.when.iter().find(|condition| condition.attribute == wide.attribute);
        let by_pattern = match narrow {
            Some(narrow) => all_patterns_covered(wide, narrow, left)?,
            None => false,
        };
        if by_pattern {
            continue;
        }
        match allowed(terms, &wide.attribute) {
            Some(allowed) if all_values_covered(wide, narrow, allowed, left)? => {}
            _ => return Some(false),
        }
    }
    Some(true)
}

/// Whether each pattern of `narrow` is covered by one of `wide`. A star in the narrow pattern is
/// an ordinary character here: only a star of the wide pattern can stand for it, and that also
/// stands for whatever the narrow star stands for.
fn all_patterns_covered(wide: &Condition, narrow: &Condition, left: &mut u32) -> Option<bool> {
    for pattern in &narrow.patterns {
        let mut covered = false;
        for cover in &wide.patterns {
            *left = left.checked_sub(1)?;
            if glob::matches(cover.as_str(), pattern.as_str()) {
                covered = true;
                break;
            }
        }
        if !covered {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether `wide` matches each allowed value that `narrow` matches.
fn all_values_covered(
    wide: &Condition,
    narrow: Option<&Condition>,
    allowed: &AllowedValues,
    left: &mut u32,
) -> Option<bool> {
    for value in possible(allowed) {
        let matches = |condition: &Condition| {
            condition.patterns.iter().any(|pattern| glob::matches(pattern.as_str(), value))
        };
        let patterns =
            narrow.map_or(0, |narrow| narrow.patterns.len()).saturating_add(wide.patterns.len());
        *left = left.checked_sub(u32::try_from(patterns).ok()?)?;
        if narrow.is_none_or(matches) && !matches(wide) {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether a party surely gets less on the far side of a bound. What is owed per step is
/// share × base + per unit × position + flat; the base is the position where the tier counts
/// revenue, and not known (only taken as positive) where it counts a meter.
fn falls(
    terms: &Terms,
    tiers: &Tiers,
    step: &Step,
    next: &Step,
    position: &Amount,
    party: &Id,
) -> bool {
    let share = |step: &Step| exact::of_rate(&effective_share(terms, &step.share, party));
    let amount = |list: &[(Id, Amount)]| exact::of_amount(&of_party(list, party));
    let position = exact::of_amount(position);
    let certain =
        |step: &Step| -> Exact { amount(&step.per_unit) * &position + amount(&step.flat) };
    match tiers.by {
        Measure::Revenue => {
            let owed = |step: &Step| share(step) * &position + certain(step);
            owed(next) < owed(step)
        }
        Measure::Meter(_) => {
            let (share_before, share_after) = (share(step), share(next));
            let (before, after) = (certain(step), certain(next));
            share_after <= share_before
                && after <= before
                && (share_after < share_before || after < before)
        }
    }
}

fn of_party<T: Copy + Default>(list: &[(Id, T)], party: &Id) -> T {
    let found = list.iter().find(|(id, _)| id == party);
    found.map_or_else(T::default, |(_, value)| *value)
}

/// A party's share within floor and ceiling; nothing if the step does not name it.
fn effective_share(terms: &Terms, shares: &[(Id, Rate)], party: &Id) -> Rate {
    if !shares.iter().any(|(id, _)| id == party) {
        return Rate::default();
    }
    let share = of_party(shares, party);
    let raised = terms.rate_floor.map_or(share, |floor| share.max(floor));
    terms.rate_ceiling.map_or(raised, |ceiling| raised.min(ceiling))
}
