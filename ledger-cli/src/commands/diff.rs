//! `revshare diff`

use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use revshare_core::diff::Diff;
use revshare_core::diff::Side;
use revshare_core::event::Kind;
use revshare_core::ledger::Ledger;
use revshare_core::machine::Machine;
use revshare_core::view::balances::Balances;
use revshare_core::view::balances::balances;
use revshare_core::vocab::Code;
use revshare_core::vocab::Place;
use revshare_core::vocab::Problem;

use crate::context::Session;
use crate::context::is_ledger;
use crate::error::Answer;
use crate::error::Failure;
use crate::render::json::lists::BalanceDifference;
use crate::render::json::lists::DiffDocument;
use crate::render::json::lists::SideDocument;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::text::count;
use crate::render::text::escape;
use crate::render::text::shell_path;
use crate::render::text::shown_path;

/// Compare two copies: the same, one ahead, or diverged, and what it does to balances
///
/// Exits with 0 if they are the same, 1 if not.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  revshare diff acme meta")]
pub struct Args {
    /// The folder of one copy
    first: PathBuf,
    /// The folder of the other copy
    second: PathBuf,
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    for path in [&args.first, &args.second] {
        if !is_ledger(path) {
            return Err(Problem::new(Code::NotALedger, "the folder is no ledger")
                .at(Place::Path(path.display().to_string()))
                .hint("name the folders of two copies")
                .into());
        }
    }
    let diff = revshare_core::ledger::diff_folders(&args.first, &args.second)?;
    let balances = match &diff {
        Diff::Same { .. } | Diff::OtherLedger => Vec::new(),
        _ => difference(load(&args.first), load(&args.second)),
    };
    let answer = if matches!(diff, Diff::Same { .. }) { Answer::Yes } else { Answer::No };
    if session.globals.json {
        session.print_json(&document(&diff, balances))?;
        return Ok(answer);
    }
    print(session, args, &diff)?;
    if !balances.is_empty() {
        let mut table = Table::new(&[
            ("party", Align::Left),
            ("booked, first", Align::Right),
            ("second", Align::Right),
            ("payable, first", Align::Right),
            ("second", Align::Right),
        ]);
        for one in balances {
            table.row([
                one.party,
                one.first_booked,
                one.second_booked,
                one.first_payable,
                one.second_payable,
            ]);
        }
        let color = session.world.color;
        session.out.write_all(table.text(color).as_bytes())?;
    }
    Ok(answer)
}

/// The balances of a copy, if it can be read.
fn load(folder: &Path) -> Option<Balances> {
    let ledger = Ledger::open(folder, &Machine::without_folders()).ok()?;
    ledger.state().agreement().and_then(|agreement| balances(agreement).ok())
}

/// Beneficiaries whose balances differ.
fn difference(first: Option<Balances>, second: Option<Balances>) -> Vec<BalanceDifference> {
    let (Some(first), Some(second)) = (first, second) else {
        return Vec::new();
    };
    let digits = first.currency.minor_digits();
    let pairs = first.beneficiaries.iter().filter_map(|one| {
        let other = second.beneficiaries.iter().find(|other| other.party == one.party)?;
        (one.account != other.account).then_some((one, other))
    });
    pairs
        .map(|(one, other)| BalanceDifference {
            party: one.party.to_string(),
            first_booked: one.account.booked.to_text(digits),
            second_booked: other.account.booked.to_text(digits),
            first_payable: one.payable.to_text(digits),
            second_payable: other.payable.to_text(digits),
        })
        .collect()
}

fn document(diff: &Diff, balances: Vec<BalanceDifference>) -> DiffDocument {
    let (relation, common, more, first, second) = match diff {
        Diff::Same { records } => ("same", *records, 0, None, None),
        Diff::Ahead { first: true, common, more } => ("first-ahead", *common, *more, None, None),
        Diff::Ahead { first: false, common, more } => ("second-ahead", *common, *more, None, None),
        Diff::OtherLedger => ("other-ledger", 0, 0, None, None),
        Diff::Diverged { common, first, second } => {
            ("diverged", *common, 0, Some(side(first, *common)), Some(side(second, *common)))
        }
    };
    DiffDocument {
        relation: relation.to_owned(),
        common,
        more,
        first,
        second,
        equivocation: diff.is_equivocation(),
        balances,
    }
}

fn side(side: &Side, seq: u64) -> SideDocument {
    SideDocument {
        seq,
        hash: side.hash.to_string(),
        recorded_at: side.recorded_at.to_string(),
        party: side.party.clone(),
        kind: kind(side),
        sound: side.sound,
    }
}

fn kind(side: &Side) -> String {
    let known = Kind::from_number(side.kind).map(|kind| kind.as_str().to_owned());
    known.unwrap_or_else(|| format!("kind {}", side.kind))
}

fn print(session: &mut Session, args: &Args, diff: &Diff) -> Result<(), Failure> {
    let (first, second) = (args.first.as_path(), args.second.as_path());
    match diff {
        Diff::Same { records } => writeln!(session.out, "same: {}", count(*records, "record"))?,
        Diff::OtherLedger => writeln!(session.out, "copies of different ledgers")?,
        Diff::Ahead { first: is_first, common, more } => {
            let (ahead, behind) = if *is_first { (first, second) } else { (second, first) };
            let more = count(*more, "record");
            writeln!(
                session.out,
                "{} is ahead by {more}; {} in common",
                shown_path(ahead),
                count(*common, "record")
            )?;
            let (behind, ahead) = (shell_path(behind), shell_path(ahead));
            session.say(&format!("next: revshare -C {behind} pull {ahead}"))?;
        }
        Diff::Diverged { common, first: one, second: other } => {
            writeln!(
                session.out,
                "diverged at record {common}; {} in common",
                count(*common, "record")
            )?;
            for (name, side) in [(first, one), (second, other)] {
                writeln!(
                    session.out,
                    "  {}: {} by {} on {}, hash {}{}",
                    shown_path(name),
                    kind(side),
                    escape(&side.party),
                    side.recorded_at.date(),
                    side.hash.0.short(),
                    if side.sound { "" } else { "; hash or signature is wrong" }
                )?;
            }
            if diff.is_equivocation() {
                writeln!(
                    session.out,
                    "one key signed both on the same previous record: proof of double dealing"
                )?;
            }
        }
    }
    Ok(())
}
