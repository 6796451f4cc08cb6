//! POINT and EVENT: how people name a record.

use revshare_core::ledger::Ledger;
use revshare_core::ledger::Lookup;
use revshare_core::view::place;
use revshare_core::view::place::Located;
use revshare_core::view::place::Prefix;
use revshare_core::vocab::Date;
use revshare_core::vocab::EventId;
use revshare_core::vocab::Problem;
use revshare_core::vocab::Timestamp;

use crate::error::Failure;
use crate::error::bad_argument;

/// A point on a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Point {
    /// A record's number.
    Number(u64),
    /// The beginning of a hash or event id.
    Prefix(Prefix),
    /// The last record that is not later.
    Time(Timestamp),
}

impl Point {
    /// Reads a point: decimal digits, `id:` and a prefix, a prefix with a letter, a date or a
    /// time. `what` is how messages name the argument.
    pub fn parse(text: &str, what: &str) -> Result<Point, Failure> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let point = if digits {
            text.parse().ok().map(Point::Number)
        } else if let Some(prefix) = text.strip_prefix("id:") {
            Prefix::parse(prefix).map(Point::Prefix)
        } else if let Some(prefix) = Prefix::parse(text) {
            Some(Point::Prefix(prefix))
        } else if let Ok(day) = Date::parse(text) {
            Some(Point::Time(Timestamp::end_of(day)))
        } else {
            Timestamp::parse(text).ok().map(Point::Time)
        };
        point.ok_or_else(|| {
            bad_argument(
                what,
                format!("`{}` names no record ({what})", text.escape_debug()),
                "give a record number, at least 6 digits of a hash or event id (id:123456 if there is no letter), a date or an RFC 3339 time",
            )
        })
    }

    /// The number of the record that it names.
    pub fn resolve(&self, ledger: &Ledger) -> Result<u64, Problem> {
        match self {
            Point::Number(seq) => place::by_number(ledger.state(), *seq),
            Point::Prefix(prefix) => {
                let mut places = Vec::new();
                let lookup = Lookup::Prefix(prefix.as_str().to_owned());
                ledger.find(&[lookup], &mut |record| places.push(Located::of(&record)))?;
                place::by_prefix(&places, prefix)
            }
            Point::Time(at) => place::at_time(&ledger.places()?, *at),
        }
    }
}

/// The record and event that EVENT names: a number or a prefix, never a time.
pub fn event(ledger: &Ledger, text: &str) -> Result<(u64, EventId), Failure> {
    event_as(ledger, text, "EVENT")
}

/// Likewise, for an argument of another name.
pub fn event_as(ledger: &Ledger, text: &str, what: &str) -> Result<(u64, EventId), Failure> {
    let point = Point::parse(text, what)?;
    if let Point::Time(_) = point {
        return Err(bad_argument(
            what,
            format!("`{}` is a time, not an event", text.escape_debug()),
            "give a record number, or at least 6 digits of a hash or event id",
        ));
    }
    let of_event = |problem: Problem| problem.at_field(what);
    let seq = point.resolve(ledger).map_err(of_event)?;
    Ok((seq, place::event_of(ledger.state(), seq).map_err(of_event)?))
}
