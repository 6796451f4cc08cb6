//! Steps: how a position turns a base and a quantity into what is earned.

#![expect(clippy::arithmetic_side_effects, reason = "numbers of steps; everything else is exact")]

use std::collections::BTreeMap;

use crate::rating::derivation::Operand;
use crate::rating::derivation::Operation;
use crate::rating::derivation::PointedRate;
use crate::rating::derivation::TierRating;
use crate::rating::group::Group;
use crate::rating::group::points;
use crate::terms::Measure;
use crate::terms::Rule;
use crate::terms::Step;
use crate::terms::Terms;
use crate::terms::TierKind;
use crate::terms::Tiers;
use crate::terms::Versions;
use crate::terms::Window;
use crate::vocab::Exact;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Period;
use crate::vocab::Rate;
use crate::vocab::exact;

/// What was rated under a rule's id in a window so far: a position, whatever the rule counts.
#[derive(Clone, Debug)]
struct Totals {
    start: Option<Period>,
    base: Exact,
    meters: BTreeMap<Name, Exact>,
}

impl Default for Totals {
    fn default() -> Totals {
        Totals { start: None, base: Exact::zero(), meters: BTreeMap::new() }
    }
}

impl Totals {
    fn enter(&mut self, start: Period) {
        if self.start != Some(start) {
            *self = Totals { start: Some(start), ..Totals::default() };
        }
    }

    fn add(&mut self, group: &Group) {
        self.base += &group.converted;
        for (meter, quantity) in &group.meters {
            match self.meters.get_mut(meter) {
                Some(sum) => *sum += quantity,
                None => {
                    self.meters.insert(meter.clone(), quantity.clone());
                }
            }
        }
    }

    fn position(&self, by: &Measure) -> Exact {
        match by {
            Measure::Revenue => self.base.clone(),
            Measure::Meter(meter) => self.meters.get(meter).cloned().unwrap_or_else(Exact::zero),
        }
    }
}

/// The lines of a whole tier since the rule's text last changed, in the present window.
#[derive(Clone, Debug)]
struct Segment {
    /// The rule as it reads.
    text: Rule,
    /// The first period of the window.
    start: Period,
    /// The step, from 0, in which the position stood when the text changed: its flat was never
    /// charged under this text and is taken off. `None` where the window began with this text.
    entered: Option<usize>,
    /// Bases of lines with the same points and limits: by version and modifiers.
    bases: BTreeMap<(usize, Vec<Id>), Exact>,
    /// What the tier counts, over these lines.
    units: Exact,
}

/// Where a rule id stands in its windows.
#[derive(Clone, Debug, Default)]
pub(in crate::rating) struct Standing {
    period: Totals,
    year: Totals,
    lifetime: Totals,
    last_in_force: Option<Period>,
    segment: Option<Segment>,
}

/// A stretch of a period in which a rule is in force.
pub(in crate::rating) struct Span<'a> {
    /// Every version of the terms.
    pub(in crate::rating) versions: &'a Versions,
    /// The number of the version in force.
    pub(in crate::rating) version: usize,
    /// The period.
    pub(in crate::rating) period: Period,
}

/// What a rule comes to in a stretch.
pub(in crate::rating) struct Rated {
    pub(in crate::rating) tier: Option<TierRating>,
    pub(in crate::rating) operands: Vec<Operand>,
}

impl Standing {
    /// Moves into a period: windows that begin with it begin at zero.
    fn enter(&mut self, versions: &Versions, period: Period) {
        self.period.enter(period);
        self.year.enter(versions.window_start(Window::Year, period));
        self.lifetime.enter(versions.window_start(Window::Lifetime, period));
    }

    fn totals(&self, over: Window) -> &Totals {
        match over {
            Window::Period => &self.period,
            Window::Year => &self.year,
            Window::Lifetime => &self.lifetime,
        }
    }

    fn add(&mut self, group: &Group) {
        for totals in [&mut self.period, &mut self.year, &mut self.lifetime] {
            totals.add(group);
        }
    }

    /// Rates the groups of a rule in a stretch, and moves on.
    pub(in crate::rating) fn rate(
        &mut self,
        span: &Span<'_>,
        rule: &Rule,
        groups: &[Group],
    ) -> Rated {
        self.enter(span.versions, span.period);
        let rated = match &rule.pay {
            crate::terms::Pay::Flat(shares) => self.flat_rule(span, shares, groups),
            crate::terms::Pay::Tiered(tiers) => match tiers.kind {
                TierKind::Marginal => self.marginal(span, tiers, groups),
                TierKind::Whole => self.whole(span, rule, tiers, groups),
            },
        };
        self.last_in_force = Some(span.period);
        rated
    }

    /// A rule without steps: base × rate.
    fn flat_rule(&mut self, span: &Span<'_>, shares: &[(Id, Rate)], groups: &[Group]) -> Rated {
        let terms = &span.versions.get(span.version).terms;
        let mut operands = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            for (party, share) in shares {
                let rate = pointed(terms, &group.modifiers, party, share);
                let earned = &group.converted * &rate.rate;
                let what = Operation::Share { base: group.converted.clone(), rate, stretch: None };
                operands.push(Operand {
                    party: party.clone(),
                    step: 0,
                    group: Some(at),
                    what,
                    earned,
                });
            }
            self.add(group);
        }
        self.segment = None;
        Rated { tier: None, operands }
    }

    /// Whether the rule was in force before in the window that it counts over now, under any text.
    fn continues(&self, start: Period) -> bool {
        self.last_in_force.is_some_and(|last| last >= start)
    }

    /// Groups one after another, then the flats of the steps entered on the way.
    fn marginal(&mut self, span: &Span<'_>, tiers: &Tiers, groups: &[Group]) -> Rated {
        let terms = &span.versions.get(span.version).terms;
        let start = span.versions.window_start(tiers.over, span.period);
        let first = self.totals(tiers.over).position(&tiers.by);
        let mut operands = Vec::new();
        let mut position = first.clone();
        for (at, group) in groups.iter().enumerate() {
            marginal_group(terms, tiers, (at, group), &position, &mut operands);
            position += group.measure(tiers);
            self.add(group);
        }
        // A window begins outside all steps; the first one is entered whatever happens in it. A
        // rule that was in force before has entered the step it stands in, under whatever text.
        let before = if self.continues(start) { step_at(&tiers.steps, &first) + 1 } else { 0 };
        let after = step_at(&tiers.steps, &position) + 1;
        let back = after < before;
        let steps = tiers.steps.iter().enumerate();
        for (at, step) in steps.take(before.max(after)).skip(before.min(after)) {
            for (party, amount) in &step.flat {
                let value = exact::of_amount(amount);
                operands.push(Operand {
                    party: party.clone(),
                    step: at + 1,
                    group: None,
                    what: Operation::Flat { amount: *amount, back },
                    earned: if back { -value } else { value },
                });
            }
        }
        self.segment = None;
        let tier = TierRating { kind: tiers.kind, before: first, after: position };
        Rated { tier: Some(tier), operands }
    }

    /// W(after the stretch) − W(before it), where W applies the step that the position of the
    /// whole window stands in to the lines since the rule's text last changed.
    fn whole(&mut self, span: &Span<'_>, rule: &Rule, tiers: &Tiers, groups: &[Group]) -> Rated {
        let start = span.versions.window_start(tiers.over, span.period);
        let before = self.totals(tiers.over).position(&tiers.by);
        let kept = self.segment.take().filter(|known| known.start == start && known.text == *rule);
        let (mut segment, was) = match kept {
            Some(segment) => {
                let was = window_operands(span.versions, tiers, &segment, &before);
                (segment, was)
            }
            None => {
                let entered = self.continues(start).then(|| step_at(&tiers.steps, &before));
                let (bases, units) = (BTreeMap::new(), Exact::zero());
                (Segment { text: rule.clone(), start, entered, bases, units }, Vec::new())
            }
        };
        for group in groups {
            let key = (span.version, group.modifiers.clone());
            *segment.bases.entry(key).or_insert_with(Exact::zero) += &group.converted;
            segment.units += group.measure(tiers);
            self.add(group);
        }
        let after = self.totals(tiers.over).position(&tiers.by);
        let mut operands = window_operands(span.versions, tiers, &segment, &after);
        let taken_off = was.into_iter().map(|operand| Operand {
            earned: -operand.earned,
            what: Operation::WindowBefore,
            ..operand
        });
        operands.extend(taken_off);
        self.segment = Some(segment);
        Rated { tier: Some(TierRating { kind: tiers.kind, before, after }), operands }
    }
}

/// rate = clamp(share + Σ points, floor, ceiling).
pub fn pointed(terms: &Terms, modifiers: &[Id], party: &Id, share: &Rate) -> PointedRate {
    let points = points(terms, modifiers, party);
    let mut rate = points.iter().fold(exact::of_rate(share), |sum, (_, add)| sum + add);
    if let Some(floor) = &terms.rate_floor {
        rate = rate.max(exact::of_rate(floor));
    }
    if let Some(ceiling) = &terms.rate_ceiling {
        rate = rate.min(exact::of_rate(ceiling));
    }
    PointedRate { share: *share, points, rate }
}

/// The step that a position stands in, from 0. `up_to` is inclusive, `below` is not; the first
/// step reaches down to minus infinity, the last up to infinity.
pub fn step_at(steps: &[Step], position: &Exact) -> usize {
    let ends_before = |step: &Step| match &step.bound {
        Some(bound) if bound.inclusive => *position > exact::of_amount(&bound.at),
        Some(bound) => *position >= exact::of_amount(&bound.at),
        None => false,
    };
    let passed = steps.iter().take_while(|step| ends_before(step)).count();
    passed.min(steps.len().saturating_sub(1))
}

/// base/q × the integral of the step rates from the position to the position + q, also for q < 0;
/// for q = 0, base × the rate of the step that the position stands in. `per_unit` is integrated
/// the same way.
fn marginal_group(
    terms: &Terms,
    tiers: &Tiers,
    (group_at, group): (usize, &Group),
    before: &Exact,
    operands: &mut Vec<Operand>,
) {
    let quantity = group.measure(tiers);
    let after = before + &quantity;
    let mut add = |party: &Id, step: usize, what: Operation, earned: Exact| {
        operands.push(Operand {
            party: party.clone(),
            step: step + 1,
            group: Some(group_at),
            what,
            earned,
        });
    };
    let standing = step_at(&tiers.steps, before);
    let falls = quantity < Exact::zero();
    let (low, high) = if falls { (&after, before) } else { (before, &after) };
    let mut lower_end: Option<Exact> = None;
    for (at, step) in tiers.steps.iter().enumerate() {
        let upper_end = step.bound.as_ref().map(|bound| exact::of_amount(&bound.at));
        let from = lower_end.as_ref().map_or(low.clone(), |end| end.clone().max(low.clone()));
        let to = upper_end.as_ref().map_or(high.clone(), |end| end.clone().min(high.clone()));
        lower_end = upper_end;
        let touched = if quantity.is_zero() { at == standing } else { from < to };
        if !touched {
            continue;
        }
        // Falling, the stretch is walked from its high end to its low one.
        let (from, to) = if falls { (to, from) } else { (from, to) };
        let (units, part) = if quantity.is_zero() {
            (Exact::zero(), group.converted.clone())
        } else {
            let units = &to - &from;
            let part = &group.converted * &units / &quantity;
            (units, part)
        };
        let stretch = (!quantity.is_zero()).then_some((from, to));
        for (party, share) in &step.share {
            let rate = pointed(terms, &group.modifiers, party, share);
            let earned = &part * &rate.rate;
            let stretch = stretch.clone();
            add(party, at, Operation::Share { base: part.clone(), rate, stretch }, earned);
        }
        for (party, price) in &step.per_unit {
            let what = Operation::PerUnit { units: units.clone(), price: *price };
            add(party, at, what, &units * exact::of_amount(price));
        }
    }
}

/// W of a segment at a position: the step that the position stands in, applied to all its lines.
fn window_operands(
    versions: &Versions,
    tiers: &Tiers,
    segment: &Segment,
    position: &Exact,
) -> Vec<Operand> {
    let at = step_at(&tiers.steps, position);
    let Some(step) = tiers.steps.get(at) else {
        return Vec::new();
    };
    let mut operands = Vec::new();
    let mut add = |party: &Id, step: usize, what: Operation, earned: Exact| {
        let party = party.clone();
        operands.push(Operand { party, step: step + 1, group: None, what, earned });
    };
    for ((version, modifiers), base) in &segment.bases {
        let terms = &versions.get(*version).terms;
        for (party, share) in &step.share {
            let rate = pointed(terms, modifiers, party, share);
            let earned = base * &rate.rate;
            let what = Operation::WindowShare {
                version: *version,
                modifiers: modifiers.clone(),
                base: base.clone(),
                rate,
            };
            add(party, at, what, earned);
        }
    }
    for (party, price) in &step.per_unit {
        let units = segment.units.clone();
        let earned = &units * exact::of_amount(price);
        add(party, at, Operation::PerUnit { units, price: *price }, earned);
    }
    for (party, amount) in &step.flat {
        add(party, at, Operation::Flat { amount: *amount, back: false }, exact::of_amount(amount));
    }
    for (entered, step) in segment.entered.iter().filter_map(|e| Some((*e, tiers.steps.get(*e)?))) {
        for (party, amount) in &step.flat {
            let what = Operation::Flat { amount: *amount, back: true };
            add(party, entered, what, -exact::of_amount(amount));
        }
    }
    operands
}
