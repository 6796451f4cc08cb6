//! `revshare dispute replay`

use std::io::Write;

use revshare_core::rating::PeriodRating;
use revshare_core::rating::RuleRating;
use revshare_core::view::dispute::DisputeReplay;
use revshare_core::view::dispute::PeriodSides;
use revshare_core::view::dispute::Side;
use revshare_core::view::dispute::replay;
use revshare_core::view::said::ClaimTotal;
use revshare_core::view::said::DisputedTarget;
use revshare_core::view::turn::turns;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;
use revshare_core::vocab::Id;
use revshare_core::vocab::Period;

use crate::commands::Reading;
use crate::commands::dispute::as_it_stood;
use crate::commands::dispute::named;
use crate::commands::replay::signed;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::dispute;
use crate::render::json::dispute_replay::DisputeReplayDocument;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::table::wrap;
use crate::render::text::escape;
use crate::render::text::exact_money;
use crate::render::text::exact_text;

/// Periods that are shown without -v.
const SHOWN: usize = 6;

/// Runs the command.
pub fn run(session: &mut Session, text: &str, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let (seq, id) = named(&standing.ledger, text, "N")?;
    let one = as_it_stood(&standing, (seq, &id))?;
    let state = standing.state();
    let currency = standing.agreement()?.terms().currency;
    let answer = replay(state, &id)?;
    if session.globals.json {
        let of = (state, one);
        session.print_json(&DisputeReplayDocument::of(standing.at(), of, &answer, currency))?;
        return Ok(Answer::Yes);
    }
    session.page()?;
    writeln!(
        session.out,
        "the dispute in record {}, replayed up to record {} ({}), in {currency}",
        one.seq,
        standing.seq(),
        answer.day
    )?;
    let target = dispute::target(&DisputedTarget::of(state, &one.target));
    let claim = dispute::claim(&ClaimTotal::of_facts(state, &one.claim), currency);
    let rows = [
        ("disputed", format!("{target}, by {}", one.claimant)),
        ("claimed", claim),
        ("status", dispute::status(one)),
    ];
    for (mut name, value) in rows {
        for part in wrap(&escape(&value), 69) {
            writeln!(session.out, "{:<10} {part}", std::mem::take(&mut name))?;
        }
    }
    print(session, &answer, (one.period, currency))?;
    let turns = turns(standing.agreement()?, one, answer.day);
    session.next(&match turns.first() {
        Some((who, turn)) => format!("{} (by {who})", dispute::turn(one, turn).2),
        None => format!("dispute show {}", one.seq),
    })?;
    Ok(Answer::Yes)
}

/// What a side is called.
fn title(side: Side) -> &'static str {
    match side {
        Side::Stands => "as recorded",
        Side::AsClaimed => "as claimed",
        Side::Adopted => "as adopted",
    }
}

fn print(
    session: &mut Session,
    answer: &DisputeReplay,
    (disputed, currency): (Option<Period>, Currency),
) -> Result<(), Failure> {
    let all = session.globals.verbose > 0;
    let color = session.world.color;
    let shown = match all {
        true => answer.periods.len(),
        false => answer.periods.len().min(SHOWN),
    };
    writeln!(session.out)?;
    match shown {
        0 => writeln!(session.out, "no period comes to anything else")?,
        _ => {
            let table = amounts(answer, (shown, all), (disputed, currency));
            session.out.write_all(table.text(color).as_bytes())?;
        }
    }
    if shown < answer.periods.len() {
        let rest = answer.periods.len().saturating_sub(shown);
        writeln!(session.out, "{rest} more periods differ: -v shows all")?;
    }
    let table = rules(answer, shown, currency);
    if !table.is_empty() {
        writeln!(session.out, "\nwhere the rules differ")?;
        session.out.write_all(table.text(color).as_bytes())?;
    }
    let day = answer.day;
    writeln!(session.out, "\nwhat follows, with late interest up to {day}")?;
    session.out.write_all(outcomes(answer, currency, color).as_bytes())?;
    for side in &answer.sides {
        if let Some(why) = &side.unrated {
            let side = title(side.side);
            session.note(&format!("{side}, later periods cannot be rated: {}", why.message))?;
        }
    }
    Ok(())
}

/// Period by period, who gets what with each outcome.
fn amounts(
    answer: &DisputeReplay,
    (shown, all): (usize, bool),
    (disputed, currency): (Option<Period>, Currency),
) -> Table {
    let digits = currency.minor_digits();
    let mut rows: Vec<(String, String, Vec<Option<Amount>>)> = Vec::new();
    for period in answer.periods.iter().take(shown) {
        let name = period.period.to_string();
        let parties = answer.sides.first().map(|side| &side.parties[..]).unwrap_or_default();
        for one in parties {
            let amounts = period.amounts(&one.party);
            if all || disputed == Some(period.period) || differ(&amounts) {
                rows.push((name.clone(), one.party.to_string(), amounts));
            }
        }
        let base = |rating: &Option<PeriodRating>| rating.as_ref().map(|one| one.base_rounded);
        let bases: Vec<Option<Amount>> = period.ratings.iter().map(base).collect();
        if all || differ(&bases) {
            rows.push((name, "(base)".to_owned(), bases));
        }
    }
    let parties = answer.sides.first().map(|side| side.parties.len()).unwrap_or_default();
    for at in 0..parties {
        let of = |side: &revshare_core::view::dispute::SideAnswer| side.parties.get(at).cloned();
        let totals: Vec<_> = answer.sides.iter().filter_map(of).collect();
        let name = totals.first().map_or(String::new(), |one| one.party.to_string());
        let totals = totals.iter().map(|one| Some(one.total)).collect();
        rows.push(("all".to_owned(), name, totals));
    }
    let text = |one: &Option<Amount>| one.map_or("unknown".to_owned(), |one| one.to_text(digits));
    let difference = |from: &Option<Amount>, to: &Option<Amount>| {
        let difference = from.zip(*to).and_then(|(from, to)| to.checked_sub(from));
        difference.map_or(String::new(), |one| signed(one, currency))
    };
    let mut wide = Table::new(&[("period", Align::Left), ("party", Align::Break)]);
    let mut narrow = Table::new(&[
        ("period", Align::Left),
        ("party", Align::Break),
        ("", Align::Left),
        ("", Align::Right),
        ("difference", Align::Right),
    ]);
    for (at, side) in answer.sides.iter().enumerate() {
        wide = wide.column(title(side.side), Align::Right);
        if at > 0 {
            wide = wide.column("difference", Align::Right);
        }
    }
    for (period, party, sides) in &rows {
        let mut cells = vec![period.clone(), party.clone()];
        let first = sides.first().copied().flatten();
        for (at, amount) in sides.iter().enumerate() {
            let more = if at > 0 { difference(&first, amount) } else { String::new() };
            cells.push(text(amount));
            if at > 0 {
                cells.push(more.clone());
            }
            let side = answer.sides.get(at).map_or("", |side| title(side.side));
            let (period, party) = match at {
                0 => (period.clone(), party.clone()),
                _ => (String::new(), String::new()),
            };
            narrow.row([period, party, side.to_owned(), text(amount), more]);
        }
        wide.row(cells);
    }
    if wide.fits() { wide } else { narrow }
}

fn differ<T: PartialEq>(values: &[T]) -> bool {
    !values.is_sorted_by(|a, b| a == b)
}

/// Where a rule comes to something else: its lines, base, position, steps, and what it earned.
fn rules(answer: &DisputeReplay, shown: usize, currency: Currency) -> Table {
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for period in answer.periods.iter().take(shown) {
        for (from, rule) in rules_of(period) {
            let of: Vec<Option<&RuleRating>> = period
                .ratings
                .iter()
                .map(|rating| {
                    let mut rules = rating.iter().flat_map(|rating| &rating.rules);
                    rules.find(|one| one.days.0 == from && one.rule == rule)
                })
                .collect();
            let mut numbers = numbers(&of, currency);
            numbers.retain(|(_, texts)| differ(texts));
            if numbers.is_empty() {
                continue;
            }
            let from = match from == period.period.first_day() {
                true => String::new(),
                false => format!(" from {from}"),
            };
            rows.push((format!("{}, rule {rule}{from}", period.period), Vec::new()));
            rows.extend(numbers.into_iter().map(|(what, texts)| (format!("  {what}"), texts)));
        }
    }
    let mut wide = Table::new(&[("", Align::Left)]);
    let mut narrow = Table::new(&[("", Align::Left), ("", Align::Left), ("", Align::Right)]);
    for side in &answer.sides {
        wide = wide.column(title(side.side), Align::Right);
    }
    for (name, texts) in rows {
        let mut cells = vec![name.clone()];
        cells.extend(answer.sides.iter().enumerate().map(|(at, side)| {
            let text = texts.get(at).cloned().unwrap_or_default();
            if !texts.is_empty() {
                let name = if at == 0 { name.clone() } else { String::new() };
                narrow.row([name, title(side.side).to_owned(), text.clone()]);
            }
            text
        }));
        if texts.is_empty() {
            narrow.row([name, String::new(), String::new()]);
        }
        wide.row(cells);
    }
    if wide.fits() { wide } else { narrow }
}

/// Every rule of a period with the first day of its stretch, on any side, in order.
fn rules_of(period: &PeriodSides) -> Vec<(Date, Id)> {
    let mut rules: Vec<(Date, Id)> = Vec::new();
    for one in period.ratings.iter().flatten().flat_map(|rating| &rating.rules) {
        let key = (one.days.0, one.rule.clone());
        if !rules.contains(&key) {
            rules.push(key);
        }
    }
    rules.sort_by_key(|(from, _)| *from);
    rules
}

/// The numbers of a rule, a text for each side.
fn numbers(of: &[Option<&RuleRating>], currency: Currency) -> Vec<(String, Vec<String>)> {
    let texts = |text: &dyn Fn(&RuleRating) -> String| -> Vec<String> {
        of.iter().map(|one| one.map_or(String::new(), text)).collect()
    };
    let mut rows = vec![
        ("lines".to_owned(), texts(&|one| one.lines().to_string())),
        ("base".to_owned(), texts(&|one| exact_money(&one.base(), currency))),
        (
            "position before".to_owned(),
            texts(&|one| one.tier.as_ref().map_or(String::new(), |tier| exact_text(&tier.before))),
        ),
        (
            "position after".to_owned(),
            texts(&|one| one.tier.as_ref().map_or(String::new(), |tier| exact_text(&tier.after))),
        ),
        (
            "steps".to_owned(),
            texts(&|one| {
                let steps: Vec<String> = one.steps().iter().map(usize::to_string).collect();
                steps.join(", ")
            }),
        ),
    ];
    let mut parties: Vec<&Id> =
        of.iter().flatten().flat_map(|one| one.operands.iter().map(|two| &two.party)).collect();
    parties.sort();
    parties.dedup();
    for party in parties {
        let earned = texts(&|one| exact_money(&one.earned(party), currency));
        rows.push((format!("earned {party}"), earned));
    }
    rows
}

/// Per outcome and party: the total, the true-up, what is payable then, and late interest.
fn outcomes(answer: &DisputeReplay, currency: Currency, color: bool) -> String {
    const TITLES: [&str; 5] = ["total", "difference", "true-up", "payable then", "interest"];
    let digits = currency.minor_digits();
    let mut wide = Table::new(&[("", Align::Left), ("party", Align::Break)]);
    for name in TITLES {
        wide = wide.column(name, Align::Right);
    }
    let mut narrow = Table::new(&[
        ("", Align::Left),
        ("party", Align::Break),
        ("", Align::Left),
        ("", Align::Right),
    ]);
    for side in &answer.sides {
        let mut name = title(side.side).to_owned();
        for one in &side.parties {
            let cells = [
                one.total.to_text(digits),
                signed(one.difference, currency),
                signed(one.true_up, currency),
                one.payable.to_text(digits),
                one.interest.to_text(digits),
            ];
            let mut party = one.party.to_string();
            let first = std::mem::take(&mut name);
            let mut row = vec![first.clone(), party.clone()];
            row.extend(cells.iter().cloned());
            wide.row(row);
            let mut first = first;
            for (title, cell) in TITLES.iter().zip(cells) {
                let (first, party) = (std::mem::take(&mut first), std::mem::take(&mut party));
                narrow.row([first, party, (*title).to_owned(), cell]);
            }
        }
    }
    if wide.fits() { wide.text(color) } else { narrow.text(color) }
}
