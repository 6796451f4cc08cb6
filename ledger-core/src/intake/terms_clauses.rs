//! The clauses of a terms file beside the rules, from TOML to the draft.

use crate::intake::terms::over;
use crate::intake::terms::when;
use crate::intake::toml::Node;
use crate::intake::toml::Reader;
use crate::intake::toml::Table;
use crate::terms::body::AuditBase;
use crate::terms::body::OnSilence;
use crate::terms::draft::At;
use crate::terms::draft::DraftAdvance;
use crate::terms::draft::DraftAudit;
use crate::terms::draft::DraftBounded;
use crate::terms::draft::DraftContribution;
use crate::terms::draft::DraftDispute;
use crate::terms::draft::DraftExclusivity;
use crate::terms::draft::DraftInterest;
use crate::terms::draft::DraftPart;
use crate::terms::draft::DraftPrice;
use crate::terms::draft::DraftSplit;
use crate::terms::draft::DraftTerms;
use crate::terms::draft::DraftWithholding;
use crate::terms::draft::Entry;
use crate::terms::draft::Field;
use crate::terms::draft::PerAttribute;
use crate::terms::draft::PerParty;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Rate;

/// The only way of counting days for late interest.
pub(in crate::intake) const DAY_COUNT: &str = "act/365";

/// Reads all of them.
pub(in crate::intake) fn read(reader: &mut Reader, root: &Table, draft: &mut DraftTerms) {
    draft.prices = reader.tables(root, "price", price);
    draft.exclusivities = reader.tables(root, "exclusivity", exclusivity);
    draft.contributions = reader.tables(root, "contribution", contribution);
    draft.minimums = reader.tables(root, "minimum", bounded);
    draft.caps = reader.tables(root, "cap", bounded);
    draft.splits = reader.tables(root, "split", split);
    draft.advances = reader.tables(root, "advance", |reader, table| {
        reader.keys(&table, &["to"]);
        DraftAdvance { to: id(reader, &table, "to"), at: table.at }
    });
    payment(reader, root, draft);
    windows(reader, root, draft);
}

fn id(reader: &mut Reader, table: &Table, key: &str) -> Field<Id> {
    reader.field(table, key, |r, node| r.parsed(node, Id::parse))
}

fn amount(reader: &mut Reader, table: &Table, key: &str) -> Field<Amount> {
    reader.field(table, key, |r, node| r.decimal(node, Amount::parse))
}

fn rate(reader: &mut Reader, table: &Table, key: &str) -> Field<Rate> {
    reader.field(table, key, |r, node| r.decimal(node, Rate::parse))
}

fn count(reader: &mut Reader, table: &Table, key: &str) -> Field<u16> {
    reader.field(table, key, |r, node| r.number(node, Code::TermsLimits))
}

fn points(reader: &mut Reader, table: &Table) -> PerParty<Rate> {
    reader.field(table, "add", |reader, node| {
        reader.entries(node, Id::parse, |r, node| r.decimal(node, Rate::parse))
    })
}

fn price(reader: &mut Reader, table: Table) -> DraftPrice {
    reader.keys(&table, &["meter", "model", "when", "unit", "price", "currency", "from"]);
    DraftPrice {
        meter: reader.field(&table, "meter", |r, node| r.parsed(node, Name::parse)),
        when: price_conditions(reader, &table),
        unit: amount(reader, &table, "unit"),
        price: amount(reader, &table, "price"),
        currency: reader.field(&table, "currency", |r, node| r.parsed(node, Currency::parse)),
        from: reader.field(&table, "from", Reader::date),
        at: table.at,
    }
}

/// `when`, and `model`, which is short for a condition on it. Where both name the model, the
/// checks find two conditions on one attribute.
fn price_conditions(reader: &mut Reader, table: &Table) -> PerAttribute {
    let when = when(reader, table);
    let model = reader.field(table, "model", Reader::patterns);
    let (Some(at), Ok(name)) = (model.place().cloned(), Name::parse("model")) else {
        return if model.is_bad() { Field::Bad } else { when };
    };
    let entry = Entry { key: Field::Given(name, table.key_at("model")), value: model };
    match when {
        Field::Given(mut entries, at) => {
            entries.push(entry);
            Field::Given(entries, at)
        }
        Field::Missing => Field::Given(vec![entry], at),
        Field::Bad => Field::Bad,
    }
}

fn exclusivity(reader: &mut Reader, table: Table) -> DraftExclusivity {
    reader.keys(&table, &["id", "when", "from", "to", "add"]);
    DraftExclusivity {
        id: id(reader, &table, "id"),
        when: when(reader, &table),
        from: reader.field(&table, "from", Reader::date),
        to: reader.field(&table, "to", Reader::date),
        add: points(reader, &table),
        at: table.at,
    }
}

fn contribution(reader: &mut Reader, table: Table) -> DraftContribution {
    reader.keys(&table, &["id", "by", "when", "add"]);
    DraftContribution {
        id: id(reader, &table, "id"),
        by: id(reader, &table, "by"),
        when: when(reader, &table),
        add: points(reader, &table),
        at: table.at,
    }
}

fn bounded(reader: &mut Reader, table: Table) -> DraftBounded {
    reader.keys(&table, &["to", "amount", "over"]);
    DraftBounded {
        to: id(reader, &table, "to"),
        amount: amount(reader, &table, "amount"),
        over: over(reader, &table),
        at: table.at,
    }
}

fn split(reader: &mut Reader, table: Table) -> DraftSplit {
    reader.keys(&table, &["of", "parts"]);
    DraftSplit {
        of: id(reader, &table, "of"),
        parts: reader.tables(&table, "parts", |reader, table| {
            reader.keys(&table, &["to", "weight"]);
            DraftPart {
                to: id(reader, &table, "to"),
                weight: amount(reader, &table, "weight"),
                at: table.at,
            }
        }),
        at: table.at,
    }
}

fn payment(reader: &mut Reader, root: &Table, draft: &mut DraftTerms) {
    let Some(table) = reader.table(root, "payment") else {
        return;
    };
    reader.keys(&table, &["due_days", "minimum_payout", "late_interest", "withholding"]);
    draft.due_days = count(reader, &table, "due_days");
    draft.minimum_payout = amount(reader, &table, "minimum_payout");
    draft.late_interest = late_interest(reader, &table);
    draft.withholding = reader.field(&table, "withholding", |reader, node| {
        reader.tables_by(node, Id::parse, |reader, table| {
            reader.keys(&table, &["rate", "gross_up"]);
            DraftWithholding {
                rate: rate(reader, &table, "rate"),
                gross_up: reader.field(&table, "gross_up", Reader::boolean),
                at: table.at,
            }
        })
    });
}

/// One table is one rate from the first day of the calendar; a list of tables is a rate by date.
fn late_interest(reader: &mut Reader, payment: &Table) -> Field<Vec<DraftInterest>> {
    let key = "late_interest";
    if !Reader::is_table(payment, key) {
        return reader.tables(payment, key, |reader, table| {
            reader.keys(&table, &["from", "rate", "day_count"]);
            interest(reader, &table, |reader, table| reader.field(table, "from", Reader::date))
        });
    }
    reader.said(payment, key, |reader, table| {
        reader.keys(&table, &["rate", "day_count"]);
        let row = interest(reader, &table, |_, table| match Date::from_days(0) {
            Some(day) => Field::Given(day, table.at.clone()),
            None => Field::Missing,
        });
        vec![row]
    })
}

fn interest(
    reader: &mut Reader,
    table: &Table,
    from: impl Fn(&mut Reader, &Table) -> Field<Date>,
) -> DraftInterest {
    let day_count =
        |reader: &mut Reader, node: &Node| reader.choice(node, &[DAY_COUNT], |day_count| day_count);
    // The one way is not kept. Where it is another, that is reported, and nothing is recorded.
    let _ = reader.field(table, "day_count", day_count);
    DraftInterest {
        from: from(reader, table),
        rate: rate(reader, table, "rate"),
        at: At::clone(&table.at),
    }
}

fn windows(reader: &mut Reader, root: &Table, draft: &mut DraftTerms) {
    let Some(table) = reader.table(root, "windows") else {
        return;
    };
    reader.keys(
        &table,
        &["report_due_days", "objection_days", "proposal_lapse_days", "dispute", "audit"],
    );
    draft.report_due_days = count(reader, &table, "report_due_days");
    draft.objection_days = count(reader, &table, "objection_days");
    draft.proposal_lapse_days = count(reader, &table, "proposal_lapse_days");
    draft.dispute = reader.said(&table, "dispute", |reader, table| {
        reader.keys(&table, &["response_days", "on_silence", "escalate_after_days"]);
        DraftDispute {
            response_days: count(reader, &table, "response_days"),
            on_silence: reader.field(&table, "on_silence", |r, node| {
                r.choice(node, &[OnSilence::Accept, OnSilence::Escalate], |word| word.as_str())
            }),
            escalate_after_days: count(reader, &table, "escalate_after_days"),
            at: table.at,
        }
    });
    draft.audit = reader.said(&table, "audit", |reader, table| {
        reader.keys(&table, &["lookback_months", "cost_shift", "of"]);
        DraftAudit {
            lookback_months: count(reader, &table, "lookback_months"),
            cost_shift: rate(reader, &table, "cost_shift"),
            of: reader.field(&table, "of", |r, node| {
                r.choice(node, &[AuditBase::Due, AuditBase::Reported], |word| word.as_str())
            }),
            at: table.at,
        }
    });
}
