//! `revshare history`

use std::io::Write;

use revshare_core::event::Kind;
use revshare_core::ledger::Lookup;
use revshare_core::view::record::Record;
use revshare_core::vocab::Currency;
use revshare_core::vocab::EventId;
use revshare_core::vocab::Id;
use revshare_core::vocab::Period;

use crate::commands::Reading;
use crate::commands::dispute::named;
use crate::commands::party;
use crate::commands::period;
use crate::context::Session;
use crate::context::Standing;
use crate::error::Answer;
use crate::error::Failure;
use crate::error::bad_argument;
use crate::point::Point;
use crate::render::json::RecordDocument;
use crate::render::record::short;
use crate::render::table::Align;
use crate::render::table::Table;
use crate::render::table::wrap;
use crate::render::text::escape;

/// List the records, one a line
///
/// Parts of large reports are folded into the event that closes them, unless -v is given. With
/// --json, one document a line (JSON Lines).
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  revshare history\n  revshare history --kind payout-sent --party meta\n  revshare history --period 2026-06\n  revshare history --dispute 14 --wide\n  revshare history --between 2026-06-30 2026-07-31"
)]
pub struct Args {
    /// Only this kind of event, for example `usage-reported`
    #[arg(long)]
    kind: Option<String>,
    /// Only records by this party, and payouts to it
    #[arg(long)]
    party: Option<String>,
    /// Only records about this period
    #[arg(long, value_name = "P")]
    period: Option<String>,
    /// Only the records of this dispute: a record number, or a prefix of its hash or id
    #[arg(long, value_name = "N")]
    dispute: Option<String>,
    /// With hash, key and whole id of each
    #[arg(long)]
    wide: bool,
    /// Only records after A, up to and with B; each is a point as --at has it
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    between: Option<Vec<String>>,
    #[command(flatten)]
    reading: Reading,
}

/// Which records are wanted.
struct Filter {
    kind: Option<Kind>,
    party: Option<Id>,
    period: Option<Period>,
    dispute: Option<EventId>,
    parts: bool,
    after: Option<u64>,
    until: u64,
}

impl Filter {
    /// Shows the wanted records up to one, in order.
    fn each(&self, standing: &Standing, show: &mut dyn FnMut(Record)) -> Result<(), Failure> {
        let last = standing.seq().min(self.until);
        let mut see = |record: Record| {
            if record.seq <= last && self.fits(&record) {
                show(record);
            }
        };
        let lookups: Vec<Lookup> = [
            self.kind.map(Lookup::Kind),
            self.party.clone().map(Lookup::Party),
            self.period.map(Lookup::Period),
            self.dispute.map(Lookup::Dispute),
        ]
        .into_iter()
        .flatten()
        .collect();
        match lookups.is_empty() {
            true => standing.ledger.records(Some(last), &mut see)?,
            false => standing.ledger.find(&lookups, &mut see)?,
        }
        Ok(())
    }

    fn fits(&self, record: &Record) -> bool {
        let kind = record.said.kind();
        let folded = kind == Kind::UsagePart && !self.parts && self.kind != Some(kind);
        !folded
            && self.after.is_none_or(|after| record.seq > after)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.party.as_ref().is_none_or(|party| record.concerns(party))
            && self.period.is_none_or(|period| record.is_about(period))
            && self.dispute.is_none_or(|dispute| {
                record.dispute.as_ref().is_some_and(|part| part.dispute.id == dispute)
            })
    }
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let standing = session.read(&args.reading)?;
    let between = args.between.as_deref().map(|points| between(&standing, points));
    let between = between.transpose()?;
    let dispute = args.dispute.as_deref();
    let dispute = dispute.map(|text| named(&standing.ledger, text, "--dispute")).transpose()?;
    let filter = Filter {
        kind: args.kind.as_deref().map(kind).transpose()?,
        party: args.party.as_deref().map(|text| party("--party", text)).transpose()?,
        period: args.period.as_deref().map(|text| period("--period", text)).transpose()?,
        dispute: dispute.map(|(_, id)| id),
        parts: session.globals.verbose > 0,
        after: between.map(|(after, _)| after),
        until: between.map_or(u64::MAX, |(_, until)| until),
    };
    let currency = standing.agreement()?.terms().currency;
    if session.globals.json {
        return stream(session, &standing, &filter, currency);
    }
    if args.wide {
        return wide(session, &standing, &filter, currency);
    }
    let mut table = Table::new(&[
        ("record", Align::Right),
        ("recorded", Align::Left),
        ("party", Align::Break),
        ("kind", Align::Break),
        ("what", Align::Wrap),
        ("id", Align::Left),
    ]);
    let mut last = None;
    filter.each(&standing, &mut |record| {
        last = Some(record.seq);
        table.row([
            record.seq.to_string(),
            record.recorded_at.date().to_string(),
            record.party.to_string(),
            record.said.kind().as_str().to_owned(),
            short(&record.said, currency),
            record.id.to_string().chars().take(8).collect(),
        ]);
    })?;
    let Some(last) = last else {
        writeln!(session.out, "no record fits")?;
        return Ok(Answer::Yes);
    };
    let color = session.world.color;
    session.page()?;
    session.out.write_all(table.text(color).as_bytes())?;
    session.next(&format!("show {last}"))?;
    Ok(Answer::Yes)
}

/// A few lines for each record, with everything that names it.
fn wide(
    session: &mut Session,
    standing: &Standing,
    filter: &Filter,
    currency: Currency,
) -> Result<Answer, Failure> {
    let mut last = None;
    let mut text = String::new();
    filter.each(standing, &mut |record| {
        last = Some(record.seq);
        let (kind, day) = (record.said.kind().as_str(), record.recorded_at);
        text.push_str(&format!("{}  {day}  {}  {kind}\n", record.seq, record.party));
        let says = short(&record.said, currency);
        let rows = [
            ("says", says),
            ("id", record.id.to_string()),
            ("hash", record.hash.to_string()),
            ("key", record.key.fingerprint()),
        ];
        for (mut name, value) in rows {
            for part in wrap(&escape(&value), 70) {
                text.push_str(&format!("    {:<5}{part}\n", std::mem::take(&mut name)));
            }
        }
    })?;
    let Some(last) = last else {
        writeln!(session.out, "no record fits")?;
        return Ok(Answer::Yes);
    };
    session.page()?;
    session.out.write_all(text.as_bytes())?;
    session.next(&format!("show {last}"))?;
    Ok(Answer::Yes)
}

fn stream(
    session: &mut Session,
    standing: &Standing,
    filter: &Filter,
    currency: Currency,
) -> Result<Answer, Failure> {
    let mut written = Ok(());
    filter.each(standing, &mut |record| {
        if written.is_ok() {
            written = session.print_json_line(&RecordDocument::of(&record, None, currency));
        }
    })?;
    written.map(|()| Answer::Yes)
}

/// The records that two points name, the earlier one first.
fn between(standing: &Standing, points: &[String]) -> Result<(u64, u64), Failure> {
    let mut seqs = Vec::new();
    for text in points {
        let point = Point::parse(text, "--between")?;
        seqs.push(point.resolve(&standing.ledger).map_err(|p| p.at_field("--between"))?);
    }
    match seqs[..] {
        [after, until] if after <= until => Ok((after, until)),
        _ => Err(bad_argument(
            "--between",
            format!("{} comes after {} (--between)", quoted(points, 0), quoted(points, 1)),
            "name the earlier point first",
        )),
    }
}

fn quoted(points: &[String], at: usize) -> String {
    points.get(at).map_or(String::new(), |text| format!("`{}`", text.escape_debug()))
}

fn kind(text: &str) -> Result<Kind, Failure> {
    let found = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        bad_argument(
            "--kind",
            format!("`{}` is no kind of event (--kind)", text.escape_debug()),
            format!("kinds are {}", known.join(", ")),
        )
    })
}
