//! Terms files: TOML to a draft, and the draft's verdict with places in the file.

use toml_edit::Document;

use crate::intake::place::LineIndex;
use crate::intake::terms_clauses as clauses;
use crate::intake::toml::Reader;
use crate::intake::toml::Table;
use crate::limits::TERMS_ERRORS_MAX;
use crate::terms::Terms;
use crate::terms::TermsProblem;
use crate::terms::body::BaseFrom;
use crate::terms::body::Role;
use crate::terms::body::TierKind;
use crate::terms::body::Window;
use crate::terms::check;
use crate::terms::draft::At;
use crate::terms::draft::DraftDeduction;
use crate::terms::draft::DraftMeasure;
use crate::terms::draft::DraftParty;
use crate::terms::draft::DraftRule;
use crate::terms::draft::DraftStep;
use crate::terms::draft::DraftTerms;
use crate::terms::draft::DraftTiers;
use crate::terms::draft::Field;
use crate::terms::draft::PerAttribute;
use crate::vocab::Amount;
use crate::vocab::Code;
use crate::vocab::Currency;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::PeriodLength;
use crate::vocab::Place;
use crate::vocab::Problem;
use crate::vocab::PublicKey;
use crate::vocab::Rate;
use crate::vocab::Rounding;
use crate::vocab::Text;
use crate::vocab::Value;
use crate::vocab::to_u64;

/// What reading a terms file came to.
#[derive(Clone, Debug)]
pub struct TermsFile {
    /// The terms, if nothing is wrong with the file.
    pub terms: Option<Terms>,
    /// What is wrong, each with its place, in the order of the file; at most
    /// [`TERMS_ERRORS_MAX`].
    pub problems: Vec<Problem>,
    /// How many problems there are, those beyond the bound included.
    pub problems_total: u64,
    /// What is legal and surprising, likewise.
    pub warnings: Vec<Problem>,
}

/// Reads a terms file (TOML 1.0, UTF-8). Every problem is reported, with line and column, and those
/// beyond a bound are counted; only a syntax error hides what else is wrong. `path` is how messages name the file.
pub fn read_terms(path: &str, source: &[u8]) -> TermsFile {
    let index = LineIndex::new(source);
    let syntax = |offset: usize, message: String, hint: &str| TermsFile {
        terms: None,
        problems: vec![
            Problem::new(Code::TermsSyntax, message).hint(hint).at(index.place(path, offset)),
        ],
        problems_total: 1,
        warnings: Vec::new(),
    };
    let text = match std::str::from_utf8(source) {
        Ok(text) => text,
        Err(error) => {
            return syntax(
                error.valid_up_to(),
                "the file is not UTF-8".to_owned(),
                "save the file as UTF-8",
            );
        }
    };
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let offset = error.span().map_or(0, |span| span.start);
            let message = format!("this is not TOML: {}", error.message().escape_debug());
            return syntax(offset, message, "see https://toml.io/en/v1.0.0");
        }
    };
    let mut reader = Reader::new(text);
    let draft = draft(&mut reader, document.as_table());
    let checked = check(draft);
    let problems_total = reader.problems_total.saturating_add(to_u64(checked.problems.len()));
    let mut found = reader.problems;
    found.extend(checked.problems);
    TermsFile {
        // A key that nobody knows leaves no trace in the draft.
        terms: checked.terms.filter(|_| found.is_empty()),
        problems: placed(&index, path, found),
        problems_total,
        warnings: placed(&index, path, checked.warnings),
    }
}

/// Gives problems their place in the file, and the file's order.
fn placed(index: &LineIndex, path: &str, mut found: Vec<TermsProblem>) -> Vec<Problem> {
    let offset = |at: &At| at.span.as_ref().map_or(0, |span| span.start);
    found.sort_by_key(|found| offset(&found.at));
    found.truncate(TERMS_ERRORS_MAX);
    let place = |at: &At| -> Place { index.place(path, offset(at)) };
    found.into_iter().map(|found| found.problem.at(place(&found.at))).collect()
}

fn draft(reader: &mut Reader, root: &toml_edit::Table) -> DraftTerms {
    let root = Table::root(root);
    reader.keys(
        &root,
        &[
            "agreement",
            "party",
            "base",
            "price",
            "rule",
            "exclusivity",
            "contribution",
            "limits",
            "minimum",
            "cap",
            "split",
            "advance",
            "payment",
            "windows",
            "attributes",
        ],
    );
    let mut draft = DraftTerms::default();
    agreement(reader, &root, &mut draft);
    draft.parties = reader.tables(&root, "party", party);
    base(reader, &root, &mut draft);
    draft.rules = reader.tables(&root, "rule", rule);
    limits(reader, &root, &mut draft);
    clauses::read(reader, &root, &mut draft);
    draft.attributes = reader.field(&root, "attributes", |reader, node| {
        reader.entries(node, Name::parse, |reader, node| {
            reader.list(node, |reader, node| reader.parsed(node, Value::typed))
        })
    });
    draft
}

fn agreement(reader: &mut Reader, root: &Table, draft: &mut DraftTerms) {
    let Some(table) = reader.table(root, "agreement") else {
        // One problem for the table, not one for each of its keys.
        if !root.has("agreement") {
            reader.refuse(
                &At::default(),
                Code::TermsMissing,
                "the terms have no [agreement]",
                "begin with [agreement]: title, currency, starts_on, calculation",
            );
        }
        draft.title = Field::Bad;
        draft.currency = Field::Bad;
        draft.starts_on = Field::Bad;
        draft.calculation = Field::Bad;
        return;
    };
    reader.keys(
        &table,
        &[
            "title",
            "currency",
            "period",
            "starts_on",
            "ends_on",
            "calculation",
            "rounding",
            "meters",
        ],
    );
    draft.title = reader.field(&table, "title", |r, node| r.parsed(node, Text::typed));
    draft.currency = reader.field(&table, "currency", |r, node| r.parsed(node, Currency::parse));
    draft.period_length = reader.field(&table, "period", |r, node| {
        let lengths = [PeriodLength::Month, PeriodLength::Quarter];
        r.choice(node, &lengths, |length| length.as_str())
    });
    draft.starts_on = reader.field(&table, "starts_on", Reader::date);
    draft.ends_on = reader.field(&table, "ends_on", Reader::date);
    draft.calculation =
        reader.field(&table, "calculation", |r, node| r.number(node, Code::TermsCalculation));
    if let Some(rounding) = reader.table(&table, "rounding") {
        reader.keys(&rounding, &["mode", "carry"]);
        draft.rounding = reader.field(&rounding, "mode", |r, node| {
            let modes = [Rounding::HalfEven, Rounding::HalfUp, Rounding::Down];
            r.choice(node, &modes, |mode| mode.as_str())
        });
        draft.carry = reader.field(&rounding, "carry", Reader::boolean);
    } else if table.has("rounding") {
        draft.rounding = Field::Bad;
    }
    draft.meters = reader.field(&table, "meters", |reader, node| {
        reader.list(node, |reader, node| reader.parsed(node, Name::parse))
    });
    draft.at = table.at;
}

fn party(reader: &mut Reader, table: Table) -> DraftParty {
    reader.keys(&table, &["id", "role", "key", "recovery_key"]);
    DraftParty {
        id: reader.field(&table, "id", |r, node| r.parsed(node, Id::parse)),
        role: reader.field(&table, "role", |r, node| {
            let roles =
                [Role::Owner, Role::Collector, Role::Beneficiary, Role::Arbiter, Role::Auditor];
            r.choice(node, &roles, |role| role.as_str())
        }),
        key: reader.field(&table, "key", |r, node| r.parsed(node, PublicKey::parse)),
        recovery_key: reader
            .field(&table, "recovery_key", |r, node| r.parsed(node, PublicKey::parse)),
        at: table.at,
    }
}

fn base(reader: &mut Reader, root: &Table, draft: &mut DraftTerms) {
    let Some(table) = reader.table(root, "base") else {
        return;
    };
    reader.keys(&table, &["from", "deductions", "price_tolerance"]);
    draft.base_from = reader.field(&table, "from", |r, node| {
        r.choice(node, &[BaseFrom::Gross, BaseFrom::Priced], |from| from.as_str())
    });
    draft.price_tolerance =
        reader.field(&table, "price_tolerance", |r, node| r.decimal(node, Rate::parse));
    draft.deductions = reader.tables(&table, "deductions", |reader, table| {
        reader.keys(&table, &["kind", "cap"]);
        DraftDeduction {
            kind: reader.field(&table, "kind", |r, node| r.parsed(node, Name::parse)),
            cap: reader.field(&table, "cap", |r, node| r.decimal(node, Rate::parse)),
            at: table.at,
        }
    });
}

fn rule(reader: &mut Reader, table: Table) -> DraftRule {
    reader.keys(&table, &["id", "when", "share", "tiers", "steps"]);
    DraftRule {
        id: reader.field(&table, "id", |r, node| r.parsed(node, Id::parse)),
        when: when(reader, &table),
        share: reader.field(&table, "share", |reader, node| {
            reader.entries(node, Id::parse, |r, node| r.decimal(node, Rate::parse))
        }),
        tiers: reader.said(&table, "tiers", read_tiers),
        steps: reader.tables(&table, "steps", step),
        at: table.at,
    }
}

fn read_tiers(reader: &mut Reader, table: Table) -> DraftTiers {
    reader.keys(&table, &["by", "over", "kind"]);
    DraftTiers {
        by: reader.field(&table, "by", |reader, node| match reader.text(node)? {
            "revenue" => Some(DraftMeasure::Revenue),
            _ => reader.parsed(node, Name::parse).map(DraftMeasure::Meter),
        }),
        over: over(reader, &table),
        kind: reader.field(&table, "kind", |r, node| {
            r.choice(node, &[TierKind::Marginal, TierKind::Whole], |kind| kind.as_str())
        }),
        at: table.at,
    }
}

/// What a tier, a cap or a minimum counts over.
pub(in crate::intake) fn over(reader: &mut Reader, table: &Table) -> Field<Window> {
    reader.field(table, "over", |r, node| {
        let windows = [Window::Period, Window::Year, Window::Lifetime];
        r.choice(node, &windows, |window| window.as_str())
    })
}

/// The conditions of a clause.
pub(in crate::intake) fn when(reader: &mut Reader, table: &Table) -> PerAttribute {
    reader.field(table, "when", |reader, node| reader.entries(node, Name::parse, Reader::patterns))
}

fn step(reader: &mut Reader, table: Table) -> DraftStep {
    reader.keys(&table, &["up_to", "below", "share", "per_unit", "flat"]);
    let amounts = |reader: &mut Reader, key: &str| {
        reader.field(&table, key, |reader, node| {
            reader.entries(node, Id::parse, |r, node| r.decimal(node, Amount::parse))
        })
    };
    DraftStep {
        per_unit: amounts(reader, "per_unit"),
        flat: amounts(reader, "flat"),
        up_to: reader.field(&table, "up_to", |r, node| r.decimal(node, Amount::parse)),
        below: reader.field(&table, "below", |r, node| r.decimal(node, Amount::parse)),
        share: reader.field(&table, "share", |reader, node| {
            reader.entries(node, Id::parse, |r, node| r.decimal(node, Rate::parse))
        }),
        at: table.at.clone(),
    }
}

fn limits(reader: &mut Reader, root: &Table, draft: &mut DraftTerms) {
    let Some(table) = reader.table(root, "limits") else {
        return;
    };
    reader.keys(&table, &["rate_floor", "rate_ceiling"]);
    draft.rate_floor = reader.field(&table, "rate_floor", |r, node| r.decimal(node, Rate::parse));
    draft.rate_ceiling =
        reader.field(&table, "rate_ceiling", |r, node| r.decimal(node, Rate::parse));
}
