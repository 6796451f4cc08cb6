//! `revshare dispute list` and `dispute show`.

use std::io::Write;

use revshare_core::ledger::Lookup;
use revshare_core::state::Agreement;
use revshare_core::state::Dispute;
use revshare_core::state::DisputeStatus;
use revshare_core::terms::Role;
use revshare_core::view::dispute::DisputedLine;
use revshare_core::view::dispute::lines;
use revshare_core::view::record::Record;
use revshare_core::view::record::Said;
use revshare_core::view::said::ClaimTotal;
use revshare_core::view::said::DisputedTarget;
use revshare_core::view::turn::Turn;
use revshare_core::view::turn::turns;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;
use revshare_core::vocab::Digest;
use revshare_core::vocab::Id;

use crate::commands::Reading;
use crate::commands::dispute::as_it_stood;
use crate::commands::dispute::named;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::dispute;
use crate::render::json::RecordDocument;
use crate::render::json::dispute::DisputeDocument;
use crate::render::json::dispute::DisputeSummary;
use crate::render::json::dispute::DisputesDocument;
use crate::render::json::dispute::LineDocument;
use crate::render::json::dispute::TurnDocument;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::table::wrap;
use crate::render::text::escape;

/// The disputes, in the order of the log.
fn in_order(agreement: &Agreement) -> Vec<&Dispute> {
    let mut disputes: Vec<&Dispute> = agreement.disputes().values().collect();
    disputes.sort_by_key(|dispute| dispute.seq);
    disputes
}

/// The day that is looked at: the one that is asked for, otherwise that of the last record. What
/// both sides see is the same, whatever their clocks say.
fn day(standing: &Standing) -> Date {
    let recorded_on = standing.state().recorded_at().date();
    standing.asked.map_or(recorded_on, |asked| asked.date())
}

/// `revshare dispute list`
pub fn list(session: &mut Session, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let state = standing.state();
    let agreement = standing.agreement()?;
    let currency = agreement.terms().currency;
    let today = day(&standing);
    let disputes = in_order(agreement);
    if session.globals.json {
        let one = |dispute: &&Dispute| DisputeSummary::of(state, dispute, currency);
        session.print_json(&DisputesDocument {
            at: standing.at(),
            currency: currency.to_string(),
            disputes: disputes.iter().map(one).collect(),
        })?;
        return Ok(Answer::Yes);
    }
    if disputes.is_empty() {
        writeln!(session.out, "nothing is disputed{}", standing.as_of())?;
        return Ok(Answer::Yes);
    }
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("opened", Align::Left),
        ("by", Align::Break),
        ("disputed, and claimed", Align::Wrap),
        ("status", Align::Wrap),
    ]);
    for one in &disputes {
        let claim = dispute::claim(&ClaimTotal::of_facts(state, &one.claim), currency);
        let target = dispute::target(&DisputedTarget::of(state, &one.target));
        table.row([
            one.seq.to_string(),
            one.recorded_at.date().to_string(),
            one.claimant.to_string(),
            format!("{target}: {claim}"),
            status_and_turn(agreement, one, today),
        ]);
    }
    let color = session.world.color;
    session.page()?;
    session.out.write_all(table.text(color).as_bytes())?;
    let shown = disputes.iter().rev().find(|one| one.is_open()).or(disputes.last());
    if let Some(one) = shown {
        session.next(&format!("dispute show {}", one.seq))?;
    }
    Ok(Answer::Yes)
}

/// What has become of it, and whom it waits for.
fn status_and_turn(agreement: &Agreement, one: &Dispute, today: Date) -> String {
    let waits = turns(agreement, one, today);
    let mut names: Vec<&str> = waits.iter().map(|(who, _)| who.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    match names.is_empty() {
        true => dispute::status(one),
        false => format!("{}; waits for {}", dispute::status(one), names.join(", ")),
    }
}

/// `revshare dispute show`
pub fn show(session: &mut Session, text: &str, reading: &Reading) -> Result<Answer, Failure> {
    let standing = session.read(reading)?;
    let (seq, id) = named(&standing.ledger, text, "N")?;
    let one = as_it_stood(&standing, (seq, &id))?;
    let agreement = standing.agreement()?;
    let currency = agreement.terms().currency;
    let today = day(&standing);
    let records = records(&standing, one)?;
    let lines = lines(agreement, one, today)?;
    let turns = turns(agreement, one, today);
    if session.globals.json {
        let turn = |(who, turn): &(Id, Turn)| {
            let (kind, what, command) = dispute::turn(one, turn);
            let until = match turn {
                Turn::Answer { until, .. } => until.map(|until| until.to_string()),
                _ => None,
            };
            let command = session.command(&command);
            TurnDocument { who: who.to_string(), turn: kind.to_owned(), what, until, command }
        };
        let document = DisputeDocument {
            at: standing.at(),
            currency: currency.to_string(),
            today: today.to_string(),
            dispute: DisputeSummary::of(standing.state(), one, currency),
            lines: lines.iter().map(|line| LineDocument::of(line, currency)).collect(),
            turns: turns.iter().map(turn).collect(),
            records: records.iter().map(|one| RecordDocument::of(one, None, currency)).collect(),
        };
        session.print_json(&document)?;
        return Ok(Answer::Yes);
    }
    meaning(session, &standing, one, &turns)?;
    if one.figures.is_empty() {
        writeln!(session.out)?;
    } else {
        table_of_lines(session, one, &lines, (today, currency))?;
    }
    timeline(session, &records, currency)?;
    if let Some((who, turn)) = turns.first() {
        let (_, _, command) = dispute::turn(one, turn);
        session.next(&format!("{command} (by {who})"))?;
    }
    session.next(&format!("dispute replay {}", one.seq))?;
    Ok(Answer::Yes)
}

/// The records of a dispute up to where it is looked at, in order.
fn records(standing: &Standing, one: &Dispute) -> Result<Vec<Record>, Failure> {
    let mut records = Vec::new();
    let last = standing.seq();
    standing.ledger.find(&[Lookup::Dispute(one.id)], &mut |record| {
        if record.seq <= last {
            records.push(record);
        }
    })?;
    Ok(records)
}

/// Who claims what against what and why, and whose turn it is.
fn meaning(
    session: &mut Session,
    standing: &Standing,
    one: &Dispute,
    turns: &[(Id, Turn)],
) -> Result<(), Failure> {
    let state = standing.state();
    let agreement = standing.agreement()?;
    let currency = agreement.terms().currency;
    let target = dispute::target(&DisputedTarget::of(state, &one.target));
    let title = format!("{} disputes {target}{}", one.claimant, standing.as_of());
    for (at, line) in wrap(&escape(&title), 76).iter().enumerate() {
        writeln!(session.out, "{}{line}", if at == 0 { "" } else { "    " })?;
    }
    let mut rows: Vec<(&str, String)> = Vec::new();
    let claim = ClaimTotal::of_facts(state, &one.claim);
    rows.push(("claims", dispute::claim(&claim, currency)));
    rows.push(("because", one.basis.to_string()));
    if let Some(ground) = one.ground {
        rows.push(("ground", ground.as_str().replace('-', " ")));
    }
    if let Some(reopened) = one.reopens.and_then(|id| state.event(&id)) {
        rows.push(("reopens", format!("the dispute in record {}", reopened.0)));
    }
    let answers: Vec<String> =
        one.respondents.keys().map(|party| dispute::stance(one, party)).collect();
    rows.push(("answer", answers.join("; ")));
    rows.push(("status", dispute::status(one)));
    let reopening = in_order(agreement);
    for later in reopening.iter().filter(|later| later.reopens == Some(one.id)) {
        rows.push(("reopened", format!("by the dispute in record {}", later.seq)));
    }
    let mut name = "turn";
    let mut deadline = String::new();
    if let (DisputeStatus::Open, Some(windows)) = (&one.status, one.windows)
        && !turns.iter().any(|(_, turn)| *turn == Turn::Escalate)
        && agreement.versions().listed_parties().iter().any(|one| one.role == Role::Arbiter)
    {
        let from = one
            .recorded_at
            .date()
            .plus_days(i32::from(windows.escalate_after_days).saturating_add(1));
        deadline = format!("the arbiter can be asked from {from} on");
    }
    for (words, who) in by_turn(one, turns) {
        rows.push((std::mem::take(&mut name), format!("{who}: {words}")));
    }
    if !deadline.is_empty() {
        rows.push((std::mem::take(&mut name), deadline));
    }
    for (mut name, value) in rows {
        for part in wrap(&escape(&value), 69) {
            writeln!(session.out, "{:<10} {part}", std::mem::take(&mut name))?;
        }
    }
    Ok(())
}

/// What can be done, and by whom.
fn by_turn(one: &Dispute, turns: &[(Id, Turn)]) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> = Vec::new();
    for (who, turn) in turns {
        let (_, words, _) = dispute::turn(one, turn);
        match rows.last_mut().filter(|(known, _)| *known == words) {
            Some((_, names)) => names.push_str(&format!(", {who}")),
            None => rows.push((words, who.to_string())),
        }
    }
    rows
}

/// Booked, claimed, held and undisputed, per line.
fn table_of_lines(
    session: &mut Session,
    one: &Dispute,
    lines: &[DisputedLine],
    (today, currency): (Date, Currency),
) -> Result<(), Failure> {
    let digits = currency.minor_digits();
    let figure = match one.status {
        DisputeStatus::Resolved(_) => "adopted",
        _ => "claimed",
    };
    let of_period = one.period.is_some();
    type Column<'a> = (&'a str, Align, Box<dyn Fn(&DisputedLine) -> String>);
    let money = move |amount: Amount| amount.to_text(digits);
    let mut columns: Vec<Column<'_>> = vec![
        (
            if of_period { "booked" } else { "counts" },
            Align::Right,
            Box::new(move |line| money(line.booked)),
        ),
        (figure, Align::Right, Box::new(move |line| line.figure.map_or(String::new(), money))),
        ("held", Align::Right, Box::new(move |line| money(line.held))),
    ];
    if of_period {
        columns.push(("settled", Align::Right, Box::new(move |line| money(line.settled))));
        columns.push(("undisputed", Align::Right, Box::new(move |line| money(line.undisputed))));
        let due = |line: &DisputedLine| line.due_on.map_or(String::new(), |day| day.to_string());
        columns.push(("due", Align::Left, Box::new(due)));
    }
    if lines.iter().any(|line| !line.above.is_zero()) {
        let title = if of_period { "above" } else { "missing" };
        columns.push((title, Align::Right, Box::new(move |line| money(line.above))));
    }
    if lines.iter().any(|line| !line.interest.is_zero()) {
        columns.push(("interest", Align::Right, Box::new(move |line| money(line.interest))));
    }
    let mut wide = Table::new(&[("party", Align::Break)]);
    for (title, align, _) in &columns {
        wide = wide.column(title, *align);
    }
    let mut narrow = Table::new(&[("party", Align::Break), ("", Align::Left), ("", Align::Right)]);
    for line in lines {
        let cells: Vec<String> = columns.iter().map(|(.., text)| text(line)).collect();
        let mut party = line.party.to_string();
        for ((title, ..), cell) in columns.iter().zip(&cells) {
            narrow.row([std::mem::take(&mut party), (*title).to_owned(), cell.clone()]);
        }
        let mut row = vec![line.party.to_string()];
        row.extend(cells);
        wide.row(row);
    }
    let color = session.world.color;
    // What was settled follows from the others.
    let mut shorter = Table::new(&[("party", Align::Break)]);
    let kept = || columns.iter().filter(|(title, ..)| *title != "settled");
    for (title, align, _) in kept() {
        shorter = shorter.column(title, *align);
    }
    for line in lines {
        let mut row = vec![line.party.to_string()];
        row.extend(kept().map(|(.., text)| text(line)));
        shorter.row(row);
    }
    writeln!(session.out, "\nits lines on {today}, in {currency}")?;
    let fitting = [wide, shorter].into_iter().find(Table::fits);
    session.out.write_all(fitting.unwrap_or(narrow).text(color).as_bytes())?;
    for words in said_of(one, lines, currency) {
        for part in wrap(&words, 80) {
            writeln!(session.out, "{part}")?;
        }
    }
    writeln!(session.out)?;
    Ok(())
}

/// What the table means.
fn said_of(one: &Dispute, lines: &[DisputedLine], currency: Currency) -> Vec<String> {
    let money = |amount| crate::render::text::money(amount, currency);
    let mut said = Vec::new();
    for line in lines {
        let party = &line.party;
        if let (false, Some(due)) = (line.undisputed.is_zero(), line.due_on) {
            let undisputed = money(line.undisputed);
            said.push(format!("{undisputed} to {party} stay payable, due {due}"));
        }
        if !line.above.is_zero() && one.period.is_none() {
            let missing = money(line.above);
            said.push(format!("by the claim, {missing} of it did not reach {party}"));
        } else if !line.above.is_zero() {
            let interest = match line.interest.is_zero() {
                true => String::new(),
                false => {
                    format!(
                        "; paid on that day, it would bear {} of interest",
                        money(line.interest)
                    )
                }
            };
            let above = money(line.above);
            let word = if one.is_open() { "is claimed" } else { "is adopted" };
            said.push(format!("{above} {word} for {party} above what is booked{interest}"));
        }
    }
    said
}

/// What was said, in order.
fn timeline(session: &mut Session, records: &[Record], currency: Currency) -> Result<(), Failure> {
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("day", Align::Left),
        ("party", Align::Break),
        ("step", Align::Left),
        ("says", Align::Wrap),
    ]);
    for record in records {
        let kind = record.said.kind().as_str();
        let (says, evidence) = says(&record.said, currency);
        let short: Vec<String> = evidence.iter().map(Digest::short).collect();
        let says = match (says.is_empty(), short.is_empty()) {
            (_, true) => says,
            (true, false) => format!("evidence {}", short.join(", ")),
            (false, false) => format!("{says} (evidence {})", short.join(", ")),
        };
        table.row([
            record.seq.to_string(),
            record.recorded_at.date().to_string(),
            record.party.to_string(),
            kind.strip_prefix("dispute-").unwrap_or(kind).to_owned(),
            says,
        ]);
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    Ok(())
}

/// What a step says, and the evidence that it names.
fn says(said: &Said, currency: Currency) -> (String, Vec<Digest>) {
    let with = |outcome: String, text: &str| match text {
        "" => outcome,
        text => format!("{outcome}: {text}"),
    };
    match said {
        Said::DisputeOpened { claim, evidence, .. } => {
            (dispute::claim(claim, currency), evidence.clone())
        }
        Said::DisputeResponded { text, evidence, .. } => (text.to_string(), evidence.clone()),
        Said::DisputeAccepted { by_default: true, .. } => {
            ("by default: nobody answered in time".to_owned(), Vec::new())
        }
        Said::DisputeAccepted { .. } => ("the claim is right".to_owned(), Vec::new()),
        Said::DisputeSettled { outcome, note, .. } => {
            (with(dispute::outcome(outcome, currency), note.as_str()), Vec::new())
        }
        Said::DisputeDetermined { outcome, reasons, evidence, .. } => {
            (with(dispute::outcome(outcome, currency), reasons.as_str()), evidence.clone())
        }
        Said::DisputeStep { reason, .. } => (reason.to_string(), Vec::new()),
        Said::EvidenceAttached { commitment, note, .. } => (note.to_string(), vec![*commitment]),
        _ => (String::new(), Vec::new()),
    }
}
