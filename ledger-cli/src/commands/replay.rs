//! `revshare replay`

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::usage::UsageSums;
use revshare_core::view;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Code;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Date;
use revshare_core::vocab::EventId;
use revshare_core::what_if::Answer as WhatIf;
use revshare_core::what_if::PeriodAnswer;
use revshare_core::what_if::Question;
use revshare_core::what_if::Refused;
use revshare_core::what_if::Sides;
use revshare_core::what_if::ask;

use crate::commands::amend::about_file;
use crate::commands::argument;
use crate::commands::terms;
use crate::commands::usage::blocks;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::bad_argument;
use crate::point;
use crate::render::json::replay::ReplacedDocument;
use crate::render::json::replay::ReplayDocument;
use crate::render::record::short;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::table::wrap;
use crate::render::text::count;
use crate::render::text::escape;
use crate::render::text::shell_path;
use crate::render::text::shown_path;

/// Ask what if: without an event, with another report, or under other terms; records nothing
///
/// The log is replayed with and without what is asked, side by side. Later events are judged again:
/// what would not have been admissible is left out and named. Statements are composed again; what
/// was acknowledged is left out. Several questions at once are one what-if.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  revshare replay --without 7\n  revshare replay --replace 2=january-as-i-count-it.csv\n  revshare replay --with-terms proposed.toml --from 2026-07-01 --until 2026-12-31"
)]
pub struct Args {
    /// Replay up to and including this record: a record number, at least 6 digits of a hash or
    /// event id, a date (its end, UTC) or an RFC 3339 time
    #[arg(long, value_name = "POINT", visible_alias = "at")]
    until: Option<String>,
    /// Under the terms of this file, as if accepted after all others
    #[arg(long, value_name = "FILE")]
    with_terms: Option<PathBuf>,
    /// The first usage day that those terms rate; otherwise the agreement's first day
    #[arg(long, value_name = "DAY", requires = "with_terms")]
    from: Option<String>,
    /// Without this event: a record number, or a prefix of its hash or id; may be given again
    #[arg(long, value_name = "EVENT")]
    without: Vec<String>,
    /// With the lines of a usage file in the place of a report's or correction's; may be given
    /// again
    #[arg(long, value_name = "EVENT=FILE")]
    replace: Vec<String>,
}

/// A question with what a person wants to read of it.
struct Asked {
    question: Question,
    words: Vec<String>,
    replaced: Vec<ReplacedDocument>,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let standing = session.read_until(args.until.as_deref(), "--until")?;
    let asked = asked(session, &standing, args)?;
    let answer = ask(standing.ledger.source(), &asked.question);
    let answer = answer.map_err(|problem| match (&args.with_terms, problem.code) {
        (Some(file), code) if code != Code::WhatIf => about_file(problem, file),
        // What is asked about is on the log, but not up to there.
        (_, Code::WhatIf) => problem.at_field("--until"),
        _ => problem,
    })?;
    if session.globals.json {
        let currency = standing.agreement()?.terms().currency;
        let asked = (&asked.question, asked.replaced);
        session.print_json(&ReplayDocument::of(standing.at(), asked, &answer, currency))?;
        return Ok(Answer::Yes);
    }
    session.page()?;
    print(session, &standing, &asked, &answer)?;
    let differs = answer.periods.iter().find_map(|period| {
        let share = period.shares.iter().find(|one| one.real != one.assumed)?;
        Some(format!("explain {}/{}", period.period, share.party))
    });
    match (&args.with_terms, differs) {
        (Some(file), Some(_)) if args.without.is_empty() && args.replace.is_empty() => {
            let from = asked.question.terms.as_ref().map(|(_, from)| *from);
            let from = from.map_or(String::new(), |from| format!(" --from {from}"));
            session.next(&format!("amend propose {}{from} --reason TEXT", shell_path(file)))?;
        }
        (_, Some(explain)) => session.next(&explain)?,
        _ => session.next("history")?,
    }
    Ok(Answer::Yes)
}

/// Reads what is asked.
fn asked(session: &mut Session, standing: &Standing, args: &Args) -> Result<Asked, Failure> {
    let agreement = standing.agreement()?;
    let mut words = Vec::new();
    let mut without = BTreeSet::new();
    for text in &args.without {
        let (_, id) = point::event_as(&standing.ledger, text, "--without")?;
        if without.insert(id) {
            words.push(format!("without {}", described(standing, &id)?));
        }
    }
    let mut replaced = BTreeMap::new();
    let mut documents = Vec::new();
    for text in &args.replace {
        let one = replacement(session, standing, text)?;
        words.push(one.words);
        documents.push(one.document);
        if replaced.insert(one.id, one.sums).is_some() {
            return Err(twice(one.seq));
        }
    }
    let mut proposed = None;
    if let Some(file) = &args.with_terms {
        let from = match &args.from {
            Some(text) => argument("--from", text, Date::parse)?,
            None => agreement.versions().starts_on(),
        };
        let version = terms::read(session, file)?;
        let digest = version.digest.short();
        words.push(format!("under the terms {digest} of {} from {from}", shown_path(file)));
        proposed = Some((version, from));
    }
    let until = Some(standing.seq());
    let question = Question { until, without, replaced, terms: proposed };
    Ok(Asked { question, words, replaced: documents })
}

/// Lines in the place of a report's.
pub struct Replacement {
    /// The record of the report or correction.
    pub seq: u64,
    /// The report or correction.
    pub id: EventId,
    /// The lines' exact sums.
    pub sums: UsageSums,
    /// For scripts.
    pub document: ReplacedDocument,
    /// For people.
    pub words: String,
}

/// Reads an argument such as `2=january.csv`, and the file.
pub fn replacement(
    session: &mut Session,
    standing: &Standing,
    text: &str,
) -> Result<Replacement, Failure> {
    let Some((event, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) else {
        return Err(bad_argument(
            "--replace",
            format!("`{}` is not an event and a file", text.escape_debug()),
            "write it like 2=january.csv",
        ));
    };
    let (seq, id) = point::event_as(&standing.ledger, event, "--replace")?;
    let of = view::usage::report(standing.ledger.state(), &id)
        .map_err(|problem| problem.at_field("--replace"))?
        .period;
    let file = Path::new(file);
    let blocks = blocks(session, standing.agreement()?, (Some(file), None), of)?;
    let mut sums = UsageSums::default();
    blocks.iter().for_each(|block| block.add_to(&mut sums));
    let lines = sums.lines();
    let with = format!("{} of {}", count(lines, "line"), shown_path(file));
    let words = format!("{}: with the {with}", described(standing, &id)?);
    let document = ReplacedDocument { seq, event: id.to_string(), lines };
    Ok(Replacement { seq, id, sums, document, words })
}

/// The refusal of two replacements of one report.
pub fn twice(seq: u64) -> Failure {
    bad_argument("--replace", format!("record {seq} is replaced twice"), "name each event once")
}

/// An event in a few words.
fn described(standing: &Standing, id: &EventId) -> Result<String, Failure> {
    let currency = standing.agreement()?.terms().currency;
    let record = standing.ledger.record(id)?.map(|(record, _)| record);
    Ok(record.map_or(String::new(), |record| {
        let (seq, kind) = (record.seq, record.said.kind().as_str());
        format!("record {seq}, {kind} {}", short(&record.said, currency))
    }))
}

fn print(
    session: &mut Session,
    standing: &Standing,
    asked: &Asked,
    answer: &WhatIf,
) -> Result<(), Failure> {
    let currency = standing.agreement()?.terms().currency;
    let (color, all) = (session.world.color, session.globals.verbose > 0);
    let day = standing.state().recorded_at().date();
    writeln!(session.out, "what if, up to record {} ({day}), in {currency}", standing.seq())?;
    for words in &asked.words {
        for (at, part) in wrap(&escape(words), 74).iter().enumerate() {
            writeln!(session.out, "{}{part}", if at == 0 { "  " } else { "      " })?;
        }
    }
    writeln!(session.out)?;
    let shown: Vec<&PeriodAnswer> =
        answer.periods.iter().filter(|period| all || period.differs()).collect();
    if shown.is_empty() {
        writeln!(session.out, "no period would come to anything else")?;
    } else {
        let mut table = side_by_side("period");
        for period in shown {
            for share in period.shares.iter().filter(|one| all || one.real != one.assumed) {
                row(&mut table, (&period.period.to_string(), share), currency);
            }
            if all || period.base != period.base_assumed {
                amounts(
                    &mut table,
                    [period.period.to_string(), "(base)".to_owned()],
                    (period.base, period.base_assumed),
                    currency,
                );
            }
        }
        for share in answer.totals.iter().filter(|one| all || one.real != one.assumed) {
            row(&mut table, ("all", share), currency);
        }
        session.out.write_all(table.text(color).as_bytes())?;
    }
    let mut table = side_by_side("");
    for one in &answer.payable {
        row(&mut table, ("payable", one), currency);
    }
    for one in answer.unstated.iter().filter(|one| all || !is_nothing(one)) {
        row(&mut table, ("not stated yet", one), currency);
    }
    writeln!(session.out)?;
    session.out.write_all(table.text(color).as_bytes())?;
    refused(session, &answer.refused)?;
    for (why, when) in [(&answer.unrated, "is"), (&answer.unrated_assumed, "would be")] {
        if let Some(why) = why {
            session
                .note(&format!("as it {when}, later periods cannot be rated: {}", why.message))?;
        }
    }
    Ok(())
}

fn is_nothing(sides: &Sides) -> bool {
    [sides.real, sides.assumed].iter().all(|one| *one == Some(Amount::ZERO))
}

/// What would not have been admissible, and why.
fn refused(session: &mut Session, refused: &[Refused]) -> Result<(), Failure> {
    if refused.is_empty() {
        writeln!(session.out, "every later event would still have been admissible")?;
        return Ok(());
    }
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("kind", Align::Left),
        ("would not have been admissible, and is left out", Align::Wrap),
    ]);
    for one in refused {
        table.row([
            one.event.seq.map_or(String::new(), |seq| seq.to_string()),
            one.kind.as_str().to_owned(),
            format!("{} [{}]", one.why.message, one.why.code.as_str()),
        ]);
    }
    let color = session.world.color;
    writeln!(session.out)?;
    session.out.write_all(table.text(color).as_bytes())?;
    Ok(())
}

fn side_by_side(first: &'static str) -> Table {
    Table::new(&[
        (first, Align::Left),
        ("party", Align::Break),
        ("as it is", Align::Right),
        ("as it would be", Align::Right),
        ("difference", Align::Right),
    ])
}

fn row(table: &mut Table, (what, sides): (&str, &Sides), currency: Currency) {
    let Sides { party, real, assumed, .. } = sides;
    amounts(table, [what.to_owned(), party.to_string()], (*real, *assumed), currency);
}

fn amounts(
    table: &mut Table,
    [what, party]: [String; 2],
    (real, assumed): (Option<Amount>, Option<Amount>),
    currency: Currency,
) {
    let digits = currency.minor_digits();
    let text = |one: Option<Amount>| one.map_or("unknown".to_owned(), |one| one.to_text(digits));
    let difference = real.zip(assumed).and_then(|(is, then)| then.checked_sub(is));
    let difference = difference.map_or(String::new(), |one| signed(one, currency));
    table.row([what, party, text(real), text(assumed), difference]);
}

/// A difference, with its sign.
pub fn signed(amount: Amount, currency: Currency) -> String {
    let sign = if amount.is_zero() || amount.is_negative() { "" } else { "+" };
    format!("{sign}{}", amount.to_text(currency.minor_digits()))
}
