//! `revshare audit`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use revshare_core::state::State;
use revshare_core::terms::AuditBase;
use revshare_core::terms::AuditClause;
use revshare_core::view::audit::Audit;
use revshare_core::view::audit::AuditPeriod;
use revshare_core::view::audit::Finding;
use revshare_core::view::audit::Question;
use revshare_core::view::audit::Sums;
use revshare_core::view::audit::audit;
use revshare_core::view::record::Named;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Code;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;
use revshare_core::vocab::Exact;
use revshare_core::vocab::exact;

use crate::commands::Reading;
use crate::commands::amend::about_file;
use crate::commands::argument;
use crate::commands::period;
use crate::commands::replay::Replacement;
use crate::commands::replay::replacement;
use crate::commands::replay::twice;
use crate::commands::terms;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::bad_argument;
use crate::point::Point;
use crate::render::json;
use crate::render::json::audit::AuditDocument;
use crate::render::json::replay::AssumedTermsDocument;
use crate::render::json::replay::ReplacedDocument;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::table::wrap;
use crate::render::table::wrap_tree;
use crate::render::text::escape;
use crate::render::text::money;
use crate::render::text::shown_path;

/// Audit stated periods: what was claimed, what it comes to, what is short, and who bears the cost
///
/// Claimed is what each period's own statement posted; recomputed is what the facts make of it now,
/// corrections since and resolved disputes included, or what your own lines and terms would make of
/// it. Records nothing.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  revshare audit 2026-01 2026-06\n  revshare audit 2026-01 2026-06 --replace 2=january-as-i-count-it.csv\n  revshare audit 2026-01 2026-06 --with-terms as-signed.toml --from 2026-04-01"
)]
pub struct Args {
    /// The first period
    #[arg(value_name = "FROM")]
    first: String,
    /// The last period; it is audited, too
    #[arg(value_name = "TO")]
    last: String,
    /// Take what was booked at this point as claimed, instead of what each period's own statement
    /// posted
    #[arg(long, value_name = "POINT")]
    claimed_at: Option<String>,
    /// With the lines of a usage file in the place of a report's or correction's; may be given
    /// again
    #[arg(long, value_name = "EVENT=FILE")]
    replace: Vec<String>,
    /// Under the terms of this file, as if accepted after all others
    #[arg(long, value_name = "FILE")]
    with_terms: Option<PathBuf>,
    /// The first usage day that those terms rate; otherwise the agreement's first day
    #[arg(long, value_name = "DAY", requires = "with_terms")]
    from: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// What was claimed at a point: its number, and the state there.
struct Claimed {
    seq: u64,
    state: State,
}

/// What the auditor assumes, in words and for scripts.
#[derive(Default)]
struct Assumed {
    words: Vec<String>,
    replaced: Vec<ReplacedDocument>,
    terms: Option<AssumedTermsDocument>,
    /// The claim that says the same.
    dispute: Option<String>,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let (first, last) = (period("FROM", &args.first)?, period("TO", &args.last)?);
    if first.length() == last.length() && first > last {
        return Err(bad_argument(
            "FROM",
            format!("{first} is after {last}"),
            "name the earlier period first; both are audited",
        ));
    }
    let standing = session.read(&args.reading)?;
    let claimed = claimed(&standing, args.claimed_at.as_deref())?;
    let mut question = Question {
        first,
        last,
        claimed: claimed.as_ref().map(|claimed| &claimed.state),
        replaced: BTreeMap::new(),
        terms: None,
    };
    let assumed = assume(session, &standing, (args, &mut question))?;
    let stated = standing.agreement()?.statements();
    let is_wrong = |period| !stated.contains_key(&period);
    let audit = audit(standing.state(), &question);
    let audit = audit.map_err(|problem| match (&args.with_terms, problem.code) {
        (_, Code::WhatIf) => problem.at_field("--replace"),
        (_, Code::AuditClause | Code::PeriodLength) => {
            problem.at_field(if is_wrong(last) && !is_wrong(first) { "TO" } else { "FROM" })
        }
        (Some(file), _) => about_file(problem, file),
        _ => problem,
    })?;
    if session.globals.json {
        let at = claimed.as_ref().map(|claimed| json::At {
            seq: claimed.seq,
            head: claimed.state.head().to_string(),
            recorded_at: claimed.state.recorded_at().to_string(),
        });
        let assumed = (assumed.replaced, assumed.terms);
        session.print_json(&AuditDocument::of(&audit, (standing.at(), at), assumed))?;
        return Ok(Answer::Yes);
    }
    session.page()?;
    print(session, &standing, (&audit, &question), (claimed.as_ref(), &assumed))?;
    let is_short = |sums: &Sums| !sums.shortfall.is_zero();
    // Of what other terms make of it, a period that they rate.
    let from = question.terms.as_ref().map(|(_, from)| *from);
    let is_rated = |one: &&AuditPeriod| from.is_none_or(|from| one.period.last_day() >= from);
    let first_short = audit.periods.iter().filter(is_rated).find_map(|period| {
        let (party, _) = period.shares.iter().find(|(_, sums)| is_short(sums))?;
        Some((period.period, party))
    });
    match (assumed.dispute, first_short) {
        (Some(dispute), Some((period, _))) => session
            .next(&format!("dispute open {}", dispute.replace("PERIOD", &period.to_string()))),
        (None, Some((period, party))) => session.next(&format!("blame {period}/{party}")),
        (_, None) => session.next("status"),
    }?;
    Ok(Answer::Yes)
}

/// The state at `--claimed-at`.
fn claimed(standing: &Standing, point: Option<&str>) -> Result<Option<Claimed>, Failure> {
    const WHAT: &str = "--claimed-at";
    let Some(text) = point else { return Ok(None) };
    let seq = Point::parse(text, WHAT)?.resolve(&standing.ledger);
    let seq = seq.map_err(|problem| problem.at_field(WHAT))?;
    if seq > standing.seq() {
        return Err(bad_argument(
            WHAT,
            format!(
                "record {seq} is later than record {}, whose facts are looked at",
                standing.seq()
            ),
            "give an earlier point, or a later one with --at",
        ));
    }
    Ok(Some(Claimed { seq, state: standing.ledger.state_at(seq)? }))
}

/// Reads what the auditor assumes.
fn assume(
    session: &mut Session,
    standing: &Standing,
    (args, question): (&Args, &mut Question<'_>),
) -> Result<Assumed, Failure> {
    let mut assumed = Assumed::default();
    for text in &args.replace {
        let Replacement { seq, id, sums, document, words } = replacement(session, standing, text)?;
        assumed.words.push(words);
        assumed.replaced.push(document);
        assumed.dispute = Some(format!("{seq} --replace {} --basis TEXT", escape(text)));
        if question.replaced.insert(id, sums).is_some() {
            return Err(twice(seq));
        }
    }
    if let Some(file) = &args.with_terms {
        let from = match &args.from {
            Some(text) => argument("--from", text, Date::parse)?,
            None => standing.agreement()?.versions().starts_on(),
        };
        let version = terms::read(session, file)?;
        let digest = version.digest;
        let shown = shown_path(file);
        assumed.words.push(format!("under the terms {} of {shown} from {from}", digest.short()));
        assumed.terms = Some(AssumedTermsDocument {
            terms: digest.to_string(),
            effective_from: from.to_string(),
        });
        let claim = format!("PERIOD --with-terms {shown} --from {from} --basis TEXT");
        assumed.dispute.get_or_insert(claim);
        question.terms = Some((version, from));
    }
    Ok(assumed)
}

fn print(
    session: &mut Session,
    standing: &Standing,
    (audit, question): (&Audit, &Question<'_>),
    (claimed, assumed): (Option<&Claimed>, &Assumed),
) -> Result<(), Failure> {
    let Audit { currency, .. } = *audit;
    let Question { first, last, .. } = question;
    let of = match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    writeln!(session.out, "audit of {of}, in {currency}")?;
    let day = |state: &State| state.recorded_at().date();
    let claimed = match claimed {
        None => "what each period's own statement posted".to_owned(),
        Some(Claimed { seq, state }) => format!("booked at record {seq} ({})", day(state)),
    };
    let (seq, on) = (standing.seq(), day(standing.state()));
    let mut lines = vec![
        format!("claimed: {claimed}"),
        format!("recomputed: from the facts at record {seq} ({on})"),
    ];
    lines.extend(assumed.words.iter().map(|words| format!("  {words}")));
    for line in lines {
        let indent = line.len().saturating_sub(line.trim_start().len());
        for (at, part) in wrap(line.trim_start(), 74usize.saturating_sub(indent)).iter().enumerate()
        {
            let indent = " ".repeat(indent.saturating_add(if at == 0 { 2 } else { 6 }));
            writeln!(session.out, "{indent}{part}")?;
        }
    }
    writeln!(session.out)?;
    table(session, audit)?;
    for period in audit.periods.iter().filter(|period| !period.set_aside.is_empty()) {
        let parties: Vec<&str> = period.set_aside.iter().map(|party| party.as_str()).collect();
        session.note(&format!(
            "a dispute adopted the amount of {} for {}; it stands, and is set aside here",
            parties.join(", "),
            period.period
        ))?;
    }
    writeln!(session.out)?;
    conclude(session, standing, (audit, question))
}

fn table(session: &mut Session, audit: &Audit) -> Result<(), Failure> {
    let (digits, all) = (audit.currency.minor_digits(), session.globals.verbose > 0);
    let mut table = Table::new(&[
        ("period", Align::Left),
        ("party", Align::Break),
        ("claimed", Align::Right),
        ("recomputed", Align::Right),
        ("shortfall", Align::Right),
        ("moved by", Align::Wrap),
    ]);
    let mut row = |what: &str, party: &str, sums: Sums, moved: String| {
        let [claimed, recomputed, shortfall] =
            [sums.claimed, sums.recomputed, sums.shortfall].map(|amount| amount.to_text(digits));
        table.row([what.to_owned(), party.to_owned(), claimed, recomputed, shortfall, moved]);
    };
    for period in &audit.periods {
        let name = period.period.to_string();
        for (at, (party, sums)) in period.shares.iter().enumerate() {
            let moved = if at == 0 { moved_by(period) } else { String::new() };
            row(&name, party.as_str(), *sums, moved);
        }
        if all || !period.base.shortfall.is_zero() {
            row(&name, "(base)", period.base, String::new());
        }
    }
    for finding in &audit.parties {
        let party = finding.party.as_ref().map_or("", |party| party.as_str());
        row("all", party, finding.sums, String::new());
    }
    if audit.parties.len() > 1 {
        row("all", "(together)", audit.all.sums, String::new());
    }
    let color = session.world.color;
    session.out.write_all(table.text(color).as_bytes())?;
    Ok(())
}

fn moved_by(period: &AuditPeriod) -> String {
    let seq = |named: &Named| named.seq.map(|seq| seq.to_string());
    let seqs: Vec<String> = period.moved_by.iter().filter_map(seq).collect();
    match seqs.len() {
        0 => String::new(),
        1 => format!("record {}", seqs.join("")),
        _ => format!("records {}", seqs.join(", ")),
    }
}

/// Who bears the cost.
fn conclude(
    session: &mut Session,
    standing: &Standing,
    (audit, question): (&Audit, &Question<'_>),
) -> Result<(), Failure> {
    let last = question.last;
    let Some((clause, since)) = audit.clause.zip(audit.since) else {
        writeln!(
            session.out,
            "the terms of {last} set no threshold from which the collector bears the cost"
        )?;
        return Ok(());
    };
    let AuditClause { lookback_months, cost_shift, .. } = clause;
    let threshold = percent(&exact::of_rate(&cost_shift));
    let mut lines = vec![format!(
        "the terms of {last} let an audit look back {lookback_months} months, to {since}; the \
         collector bears its cost from a shortfall of {threshold} of what was {}",
        clause.of.as_str()
    )];
    let collector = standing.agreement()?.versions().collector();
    let collector = collector.map_or("the collector", |collector| collector.as_str());
    let mut say = |finding: &Finding, who: &str| {
        lines.push(format!("{who}: {}", sentence(finding, (clause, audit.currency), collector)));
    };
    for finding in &audit.parties {
        say(finding, finding.party.as_ref().map_or("", |party| party.as_str()));
    }
    if audit.parties.len() > 1 {
        say(&audit.all, "together");
    }
    for line in lines.iter().flat_map(|line| wrap_tree(&escape(line), 80)) {
        writeln!(session.out, "{line}")?;
    }
    Ok(())
}

fn sentence(
    finding: &Finding,
    (clause, currency): (AuditClause, Currency),
    collector: &str,
) -> String {
    let Finding { sums, part, shifts, .. } = finding;
    let shortfall = sums.shortfall;
    if shortfall.is_negative() {
        let much = money(shortfall.negated(), currency);
        return format!("{much} too much was claimed; whoever audits bears the cost");
    }
    if shortfall.is_zero() {
        return "nothing is short; whoever audits bears the cost".to_owned();
    }
    let of = match clause.of {
        AuditBase::Due => "what was due",
        AuditBase::Reported => "what was reported",
    };
    let threshold = percent(&exact::of_rate(&clause.cost_shift));
    let short = match part {
        Some(part) => format!("{} of {of}", rounded_down(part, clause)),
        None => format!("{}, where nothing is {of},", money(shortfall, currency)),
    };
    match shifts {
        Some(true) => format!(
            "the shortfall of {short} reaches the {threshold} of the terms: {collector} bears the \
             audit's cost"
        ),
        _ => format!(
            "the shortfall of {short} stays below the {threshold} of the terms: whoever audits bears \
             the cost"
        ),
    }
}

/// `5 %`.
fn percent(part: &Exact) -> String {
    format!("{} %", exact::to_text(&(part * exact::of_amount(&Amount::from_whole(100)))))
}

/// A part in percent, to as many digits as tell on which side of the threshold it is: never rounded
/// up, and said to be more if something was cut off.
fn rounded_down(part: &Exact, clause: AuditClause) -> String {
    let digits = clause.cost_shift.scale().max(4);
    let scale = exact::of_amount(&Amount::from_whole(10u64.pow(digits)));
    let cut = Exact::from((part * &scale).floor()) / scale;
    match cut == *part {
        true => percent(part),
        false => format!("more than {}", percent(&cut)),
    }
}
