//! `revshare portfolio`

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use rayon::prelude::*;
use revshare_core::ledger::not_a_ledger;
use revshare_core::ledger::verify_folder;
use revshare_core::state::Agreement;
use revshare_core::verify::Options;
use revshare_core::verify::Verdict;
use revshare_core::view::balances::balances;
use revshare_core::vocab::Amount;
use revshare_core::vocab::Currency;
use revshare_core::vocab::Id;
use revshare_core::vocab::OutOfBounds;
use revshare_core::vocab::Problem;
use revshare_core::vocab::PublicKey;
use revshare_core::vocab::exact::Sum;
use revshare_core::vocab::to_u64;

use crate::commands::Reading;
use crate::commands::party;
use crate::commands::status;
use crate::context::Session;
use crate::context::is_ledger;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::json::ErrorDocument;
use crate::render::json::lists::MatterDocument;
use crate::render::json::portfolio::LedgerDocument;
use crate::render::json::portfolio::LedgerSays;
use crate::render::json::portfolio::PortfolioDocument;
use crate::render::json::portfolio::TotalDocument;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::count;
use crate::render::text::escape;
use crate::render::text::exact_money;
use crate::render::text::shell_path;

/// Show many ledgers at once: what each earned, owes and waits for, verified
///
/// An owner's view over the ledgers of many hosts. Every log is verified. Amounts are those of
/// one party (--party, or whose key is given) if it is a beneficiary, otherwise of all
/// beneficiaries together; amounts of different currencies are never added. Exits with 1 if a
/// folder is no ledger, or a ledger is not valid.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  revshare portfolio hosts/*\n  revshare portfolio acme oci --party meta"
)]
pub struct Args {
    /// The folders of the ledgers
    #[arg(value_name = "DIR", required = true)]
    folders: Vec<PathBuf>,
    /// Whose amounts are shown
    #[arg(long, value_name = "ID")]
    party: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Whose amounts are shown.
enum Viewer {
    Everybody,
    Party(Id),
    Key(PublicKey),
}

/// Amounts of one ledger, or of several of one currency: earned, payable, paid, held.
#[derive(Clone, Copy, Default)]
struct Money([Sum; 4]);

impl Money {
    fn add(&mut self, other: Money) -> Result<(), OutOfBounds> {
        for (sum, amount) in self.0.iter_mut().zip(other.0) {
            *sum = sum.plus(amount)?;
        }
        Ok(())
    }

    fn texts(&self, currency: Currency) -> [String; 4] {
        self.0.map(|amount| exact_money(&amount.exact(), currency))
    }
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let viewer = match (&args.party, &session.globals.key) {
        (Some(id), _) => Viewer::Party(party("--party", id)?),
        (None, Some(_)) => Viewer::Key(session.public_key()?),
        (None, None) => Viewer::Everybody,
    };
    let (machine, now) = (session.machine().clone(), session.world.now);
    let verify = |folder: &PathBuf| {
        let options = Options { now: Some(now), ..Options::default() };
        is_ledger(folder).then(|| verify_folder(folder, &machine, options))
    };
    let verdicts: Vec<Option<Verdict>> = args.folders.par_iter().map(verify).collect();
    let mut answer = Answer::Yes;
    let mut totals: BTreeMap<Currency, (u64, Money)> = BTreeMap::new();
    let mut ledgers = Vec::new();
    for (folder, verdict) in args.folders.iter().zip(verdicts) {
        let (ledger, money) = look(session, (folder, verdict), &viewer, &args.reading)?;
        if ledger.verdict.as_deref() != Some("valid") || ledger.says.is_none() {
            answer = Answer::No;
        }
        if let Some((currency, money)) = money {
            let total = totals.entry(currency).or_default();
            total.0 = total.0.saturating_add(1);
            total.1.add(money).map_err(Problem::from)?;
        }
        ledgers.push(ledger);
    }
    if session.globals.json {
        let total = |(currency, (ledgers, money)): (&Currency, &(u64, Money))| {
            let [earned, payable, paid, held] = money.texts(*currency);
            let (currency, ledgers) = (currency.to_string(), *ledgers);
            TotalDocument { currency, ledgers, earned, payable, held, paid }
        };
        let totals = totals.iter().map(total).collect();
        session.print_json(&PortfolioDocument { ledgers, totals })?;
        return Ok(answer);
    }
    print(session, &ledgers, &totals)?;
    Ok(answer)
}

/// A ledger, and its money if it can be read.
fn look(
    session: &mut Session,
    (folder, verdict): (&Path, Option<Verdict>),
    viewer: &Viewer,
    reading: &Reading,
) -> Result<(LedgerDocument, Option<(Currency, Money)>), Failure> {
    let mut document = LedgerDocument {
        folder: folder.display().to_string(),
        verdict: None,
        findings: 0,
        problem: None,
        says: None,
    };
    let Some(verdict) = verdict else {
        document.problem = Some(ErrorDocument::of(&not_a_ledger(folder)));
        return Ok((document, None));
    };
    let word = if verdict.is_valid() { "valid" } else { "invalid" };
    document.verdict = Some(word.to_owned());
    document.findings = to_u64(verdict.findings.len());
    document.problem = verdict.findings.first().map(|finding| {
        let mut problem: Problem = finding.problem.clone();
        if let Some(seq) = finding.seq {
            problem = problem.at_record(seq);
        }
        ErrorDocument::of(&problem)
    });
    // Commands in the table name the folder that they are about.
    let named = session.globals.ledger.replace(folder.to_owned());
    let says = says(session, viewer, reading);
    session.globals.ledger = named;
    match says {
        Ok((says, money)) => {
            document.says = Some(says);
            Ok((document, Some(money)))
        }
        Err(Failure::Problem(problem)) => {
            document.problem.get_or_insert_with(|| ErrorDocument::of(&problem));
            Ok((document, None))
        }
        Err(other) => Err(other),
    }
}

/// What a ledger says, and its money.
fn says(
    session: &mut Session,
    viewer: &Viewer,
    reading: &Reading,
) -> Result<(LedgerSays, (Currency, Money)), Failure> {
    let standing = session.read(reading)?;
    let agreement = standing.agreement()?;
    let currency = agreement.terms().currency;
    let whose = match viewer {
        Viewer::Everybody => None,
        Viewer::Party(id) => Some(id.clone()),
        Viewer::Key(key) => agreement.versions().party_of_key(key).map(|party| party.id.clone()),
    };
    let (party, money) = money(agreement, whose)?;
    let [earned, payable, paid, held] = money.texts(currency);
    let mut waiting = status::matters(session, &standing)?;
    waiting.retain(|matter| !matter.command.is_empty());
    let urgent = |matter: &MatterDocument| {
        let due = matter.due_on.clone();
        let is_news = matter.kind == "acknowledge";
        // With a viewer, what it can do itself comes before what waits for others.
        let is_own = party.as_ref().is_none_or(|id| matter.who == id.as_str());
        (!is_own, !matter.overdue, is_news, due.is_none(), due, matter.since.clone())
    };
    let count = to_u64(waiting.len());
    let most_urgent = waiting.into_iter().min_by_key(urgent);
    let says = LedgerSays {
        at: standing.at(),
        ledger: agreement.ledger().to_string(),
        title: agreement.terms().title.to_string(),
        collector: agreement.versions().collector().map(Id::to_string).unwrap_or_default(),
        currency: currency.to_string(),
        last_reported: agreement.reported_periods().next_back().map(|last| last.to_string()),
        last_stated: agreement.statements().keys().next_back().map(|last| last.to_string()),
        party: party.map(|id| id.to_string()),
        earned,
        payable,
        held,
        paid,
        waiting: count,
        most_urgent,
    };
    Ok((says, (currency, money)))
}

/// The money of a party that is a beneficiary, or a stranger who has none; otherwise of all
/// beneficiaries.
fn money(agreement: &Agreement, whose: Option<Id>) -> Result<(Option<Id>, Money), Problem> {
    let versions = agreement.versions();
    let pays_or_judges =
        |id: &Id| versions.party(id).is_some_and(|party| !party.role.is_beneficiary());
    let whose = whose.filter(|id| !pays_or_judges(id));
    let sum = |amounts: &[Amount]| {
        amounts.iter().try_fold(Sum::default(), |sum, amount| sum.plus(Sum::of(amount)))
    };
    let mut money = Money::default();
    for balance in balances(agreement)?.beneficiaries {
        if whose.as_ref().is_none_or(|id| balance.party == *id) {
            let account = &balance.account;
            money.add(Money([
                sum(&[account.booked])?,
                sum(&[balance.payable])?,
                sum(&[account.paid, account.on_account])?,
                sum(&[balance.held])?,
            ]))?;
        }
    }
    Ok((whose, money))
}

fn print(
    session: &mut Session,
    ledgers: &[LedgerDocument],
    totals: &BTreeMap<Currency, (u64, Money)>,
) -> Result<(), Failure> {
    let color = session.world.color;
    let mut table = Table::new(&[
        ("ledger", Align::Wrap),
        ("verdict", Align::Left),
        ("reported", Align::Left),
        ("stated", Align::Left),
        ("earned", Align::Right),
        ("payable", Align::Right),
        ("paid", Align::Right),
        ("in", Align::Left),
    ]);
    let has_held = totals.values().any(|(_, money)| !money.0[3].is_zero());
    if has_held {
        table = table.column("held", Align::Right);
    }
    let dash = || "-".to_owned();
    for ledger in ledgers {
        let verdict = ledger.verdict.clone().unwrap_or_else(|| "none".to_owned());
        let mut cells = vec![ledger.folder.clone(), verdict];
        match &ledger.says {
            Some(says) => cells.extend([
                says.last_reported.clone().unwrap_or_else(dash),
                says.last_stated.clone().unwrap_or_else(dash),
                says.earned.clone(),
                says.payable.clone(),
                says.paid.clone(),
                says.currency.clone(),
            ]),
            None => cells.extend((0..6).map(|_| dash())),
        }
        if has_held {
            cells.push(ledger.says.as_ref().map_or_else(dash, |says| says.held.clone()));
        }
        table.row(cells);
    }
    for (currency, (ledgers, money)) in totals {
        let [earned, payable, paid, held] = money.texts(*currency);
        let what = format!("all {}", count(*ledgers, "ledger"));
        let none = String::new;
        let currency = currency.to_string();
        let mut cells = vec![what, none(), none(), none(), earned, payable, paid, currency];
        if has_held {
            cells.push(held);
        }
        table.row(cells);
    }
    session.out.write_all(table.text(color).as_bytes())?;
    if let Some(line) = whose(ledgers) {
        writeln!(session.out, "{line}")?;
    }
    let mut table = Table::new(&[
        ("ledger", Align::Wrap),
        ("collector", Align::Left),
        ("waits", Align::Right),
        ("most urgent", Align::Wrap),
        ("next command", Align::Wrap),
    ]);
    for (ledger, says) in ledgers.iter().filter_map(|one| Some((one, one.says.as_ref()?))) {
        let urgent = says.most_urgent.as_ref();
        table.row([
            format!("{}: {}", ledger.folder, says.title),
            says.collector.clone(),
            says.waiting.to_string(),
            urgent.map_or_else(dash, |matter| format!("{}: {}", matter.who, matter.what)),
            urgent.map_or_else(String::new, |matter| matter.command.clone()),
        ]);
    }
    if !table.is_empty() {
        writeln!(session.out)?;
        session.out.write_all(table.text(color).as_bytes())?;
    }
    for ledger in ledgers {
        if let Some(problem) = &ledger.problem {
            let folder = escape(&ledger.folder);
            let more = match ledger.findings {
                0 | 1 => String::new(),
                many => format!(" (1 of {many} findings)"),
            };
            let message = escape(&problem.message);
            writeln!(session.out, "{folder}: {message} [{}]{more}", problem.code)?;
        }
    }
    if let Some(first) = ledgers.iter().find(|ledger| ledger.says.is_some()) {
        session
            .say(&format!("next: revshare -C {} status", shell_path(Path::new(&first.folder))))?;
    }
    Ok(())
}

/// Whose the amounts are, in a line.
fn whose(ledgers: &[LedgerDocument]) -> Option<String> {
    let mut parties: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for ledger in ledgers {
        if let Some(says) = &ledger.says {
            parties.entry(says.party.as_deref()).or_default().push(&ledger.folder);
        }
    }
    let name = |party: Option<&str>| party.unwrap_or("all beneficiaries").to_owned();
    let texts: Vec<String> = match parties.len() {
        0 => return None,
        1 => parties.keys().map(|party| name(*party)).collect(),
        _ => parties
            .iter()
            .map(|(party, folders)| format!("{} ({})", name(*party), folders.join(", ")))
            .collect(),
    };
    Some(format!("amounts of {}", escape(&texts.join("; "))))
}
