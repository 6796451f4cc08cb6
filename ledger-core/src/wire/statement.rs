//! Statements on the wire, at both format levels.

use serde::Deserialize;
use serde::Serialize;

use crate::statement::Entry;
use crate::statement::InterestLine;
use crate::statement::RateUsed;
use crate::statement::Recoupment;
use crate::statement::Statement;
use crate::vocab::Amount;
use crate::vocab::Digest;
use crate::vocab::EventId;
use crate::vocab::Id;
use crate::vocab::Level;
use crate::vocab::PeriodLength;
use crate::vocab::Problem;
use crate::vocab::StateRoot;
use crate::wire::codec::decode;
use crate::wire::codec::encode;
use crate::wire::codec::malformed;
use crate::wire::words;
use crate::wire::words::DecimalWire;
use crate::wire::words::HashWire;
use crate::wire::words::PeriodWire;

#[derive(Serialize, Deserialize)]
struct EntryWire<'a> {
    period: PeriodWire,
    base: DecimalWire,
    #[serde(borrow)]
    shares: Vec<(&'a str, DecimalWire)>,
    causes: Vec<HashWire>,
}

#[derive(Serialize, Deserialize)]
struct StatementWire<'a> {
    period: PeriodWire,
    terms: HashWire,
    calculation: u16,
    #[serde(borrow)]
    entries: Vec<EntryWire<'a>>,
    root_version: u16,
    state_root: HashWire,
}

#[derive(Serialize, Deserialize)]
struct EntryWire2<'a> {
    #[serde(borrow)]
    entry: EntryWire<'a>,
    rates: Vec<([u8; 3], DecimalWire, HashWire)>,
}

/// Level 2: to, payout, period, principal, due, received, rate, amount.
#[derive(Serialize, Deserialize)]
struct InterestWire<'a>(
    &'a str,
    HashWire,
    PeriodWire,
    DecimalWire,
    i32,
    i32,
    DecimalWire,
    DecimalWire,
);

#[derive(Serialize, Deserialize)]
struct StatementWire2<'a> {
    period: PeriodWire,
    terms: HashWire,
    calculation: u16,
    #[serde(borrow)]
    entries: Vec<EntryWire2<'a>>,
    recoupments: Vec<(&'a str, DecimalWire)>,
    interest: Vec<InterestWire<'a>>,
    root_version: u16,
    state_root: HashWire,
}

/// The canonical payload of a statement, at its level. Errors:
/// [`crate::vocab::Code::ReportTooLarge`].
pub(in crate::wire) fn encode_statement(statement: &Statement) -> Result<Vec<u8>, Problem> {
    let period = statement.period.into();
    let (terms, state_root) = (statement.terms.0, *statement.state_root.bytes());
    let Statement { calculation, root_version, .. } = *statement;
    match statement.level {
        Level::One => encode(&StatementWire {
            period,
            terms,
            calculation,
            entries: statement.entries.iter().map(entry_wire).collect(),
            root_version,
            state_root,
        }),
        Level::Two => encode(&StatementWire2 {
            period,
            terms,
            calculation,
            entries: statement.entries.iter().map(entry_wire_2).collect(),
            recoupments: statement
                .recoupments
                .iter()
                .map(|one| (one.party.as_str(), (&one.amount).into()))
                .collect(),
            interest: statement.interest.iter().map(interest_wire).collect(),
            root_version,
            state_root,
        }),
    }
}

fn entry_wire_2(entry: &Entry) -> EntryWire2<'_> {
    let rate = |used: &RateUsed| (used.currency.bytes(), (&used.rate).into(), *used.source.bytes());
    EntryWire2 { entry: entry_wire(entry), rates: entry.rates.iter().map(rate).collect() }
}

fn interest_wire(line: &InterestLine) -> InterestWire<'_> {
    InterestWire(
        line.to.as_str(),
        *line.payout.bytes(),
        line.period.into(),
        (&line.principal).into(),
        line.due_on.days(),
        line.received_on.days(),
        (&line.rate).into(),
        (&line.amount).into(),
    )
}

fn entry_wire(entry: &Entry) -> EntryWire<'_> {
    EntryWire {
        period: entry.period.into(),
        base: (&entry.base).into(),
        shares: entry.shares.iter().map(|(id, amount)| (id.as_str(), amount.into())).collect(),
        causes: entry.causes.iter().map(|id| *id.bytes()).collect(),
    }
}

/// Reads the payload of a statement at a level. `length` is that of the terms' periods. Errors:
/// [`crate::vocab::Code::PayloadMalformed`].
pub(in crate::wire) fn decode_statement(
    payload: &[u8],
    level: Level,
    length: PeriodLength,
) -> Result<Statement, Problem> {
    match level {
        Level::One => read_1(decode(payload)?, length),
        Level::Two => read_2(decode(payload)?, length),
    }
}

pub(in crate::wire) fn strictly_sorted<T: Ord>(items: &[T]) -> bool {
    items.is_sorted_by(|a, b| a < b)
}

fn read_1(wire: StatementWire<'_>, length: PeriodLength) -> Result<Statement, Problem> {
    let entries = wire.entries.into_iter().map(|entry| read_entry(entry, length));
    checked(Statement {
        period: wire.period.period(length)?,
        terms: Digest(wire.terms),
        calculation: wire.calculation,
        entries: entries.collect::<Result<_, Problem>>()?,
        recoupments: Vec::new(),
        interest: Vec::new(),
        root_version: wire.root_version,
        state_root: StateRoot::from_bytes(wire.state_root),
        level: Level::One,
    })
}

fn read_2(wire: StatementWire2<'_>, length: PeriodLength) -> Result<Statement, Problem> {
    let mut entries = Vec::with_capacity(wire.entries.len());
    for entry in wire.entries {
        let rates = entry.rates.into_iter().map(|(currency, rate, source)| {
            Ok(RateUsed {
                currency: words::currency(currency)?,
                rate: rate.amount()?,
                source: EventId::from_bytes(source),
            })
        });
        let rates: Vec<RateUsed> = rates.collect::<Result<_, Problem>>()?;
        if !rates.is_sorted_by(|a, b| a.currency < b.currency) {
            return Err(malformed("the rates of a statement are not sorted by currency"));
        }
        entries.push(Entry { rates, ..read_entry(entry.entry, length)? });
    }
    let recoupments = wire.recoupments.into_iter().map(|(party, amount)| {
        Ok(Recoupment { party: words::id(party)?, amount: amount.amount()? })
    });
    let recoupments: Vec<Recoupment> = recoupments.collect::<Result<_, Problem>>()?;
    if !recoupments.is_sorted_by(|a, b| a.party < b.party) {
        return Err(malformed("the recoupments of a statement are not sorted by party"));
    }
    let interest = wire.interest.into_iter().map(|line| read_interest(line, length));
    checked(Statement {
        period: wire.period.period(length)?,
        terms: Digest(wire.terms),
        calculation: wire.calculation,
        entries,
        recoupments,
        interest: interest.collect::<Result<_, Problem>>()?,
        root_version: wire.root_version,
        state_root: StateRoot::from_bytes(wire.state_root),
        level: Level::Two,
    })
}

fn read_entry(entry: EntryWire<'_>, length: PeriodLength) -> Result<Entry, Problem> {
    let shares: Vec<(Id, Amount)> = entry
        .shares
        .into_iter()
        .map(|(id, amount)| Ok((words::id(id)?, amount.amount()?)))
        .collect::<Result<_, Problem>>()?;
    let parties: Vec<&Id> = shares.iter().map(|(id, _)| id).collect();
    if !strictly_sorted(&parties) {
        return Err(malformed("the shares of a statement are not sorted by party"));
    }
    Ok(Entry {
        period: entry.period.period(length)?,
        base: entry.base.amount()?,
        shares,
        causes: entry.causes.into_iter().map(EventId::from_bytes).collect(),
        rates: Vec::new(),
    })
}

fn read_interest(line: InterestWire<'_>, length: PeriodLength) -> Result<InterestLine, Problem> {
    let InterestWire(to, payout, period, principal, due_on, received_on, rate, amount) = line;
    Ok(InterestLine {
        to: words::id(to)?,
        payout: EventId::from_bytes(payout),
        period: period.period(length)?,
        principal: principal.amount()?,
        due_on: words::day(due_on)?,
        received_on: words::day(received_on)?,
        rate: rate.rate()?,
        amount: amount.amount()?,
    })
}

fn checked(statement: Statement) -> Result<Statement, Problem> {
    let periods: Vec<_> = statement.entries.iter().map(|entry| entry.period).collect();
    if !strictly_sorted(&periods) || periods.last() != Some(&statement.period) {
        return Err(malformed("the entries of a statement are not sorted, or its own is not last"));
    }
    Ok(statement)
}
