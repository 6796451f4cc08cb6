//! Terms with every clause: a file, and terms at random.

use crate::intake::testing::random;
use crate::intake::testing::random::Random;
use crate::intake::testing::random::amount;
use crate::intake::testing::random::given;
use crate::intake::testing::random::maybe;
use crate::intake::testing::random::per_party;
use crate::intake::testing::random::texts;
use crate::intake::testing::sound_file;
use crate::intake::testing::terms_of;
use crate::terms::Terms;
use crate::terms::body::AuditBase;
use crate::terms::body::BaseFrom;
use crate::terms::body::OnSilence;
use crate::terms::body::Window;
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
use crate::terms::draft::Field;
use crate::vocab::Amount;
use crate::vocab::Currency;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Name;
use crate::vocab::Rate;

/// A sound terms file with every clause.
pub fn whole_file() -> String {
    sound_file()
        .replace("from = \"gross\"\n", "from = \"priced\"\nprice_tolerance = \"0.01\"\n")
        .replace("[[rule]]\nid = \"moderation\"", &format!("{PRICES}[[rule]]\nid = \"moderation\""))
        .replace("[limits]\n", &format!("{POINTS}[limits]\n"))
        .replace("[payment]\n", &format!("{BOUNDS}[payment]\n"))
        .replace("minimum_payout = \"50.25\"\n", &format!("minimum_payout = \"50.25\"\n{PAYMENT}"))
        .replace("report_due_days = 10\n", &format!("report_due_days = 10\n{WINDOWS}"))
}

/// The terms of [`whole_file`].
pub fn whole_terms() -> Terms {
    terms_of(&whole_file())
}

const PRICES: &str = r#"[[price]]
meter = "input_tokens"
model = ["llama-3*"]
unit = "1000000"
price = "0.72"
from = 2026-01-01

[[price]]
meter = "input_tokens"
when = { model = "llama-3*", territory = ["EU"] }
unit = "1000000"
price = "0.65"
currency = "EUR"
from = 2026-03-01

"#;

const POINTS: &str = r#"[[exclusivity]]
id = "eu-search"
when = { application = ["search"], territory = ["EU"] }
from = 2026-03-01
to = 2027-03-01
add = { meta = "0.03", lab = "0.01" }

[[exclusivity]]
id = "for-ever"
from = 2026-04-01
add = { meta = "0.005" }

[[contribution]]
id = "safety-tuning"
by = "acme-cloud"
when = { model = "llama-3*" }
add = { meta = "-0.01" }

"#;

const BOUNDS: &str = r#"[[minimum]]
to = "meta"
amount = "100000"
over = "year"

[[minimum]]
to = "meta"
amount = "1000000.50"
over = "lifetime"

[[cap]]
to = "lab"
amount = "5000000"
over = "lifetime"

[[split]]
of = "meta"
parts = [ { to = "meta", weight = "80" }, { to = "lab", weight = "20.5" } ]

[[advance]]
to = "meta"

"#;

const PAYMENT: &str = r#"late_interest = [
  { from = 2027-01-01, rate = "0.09" },
  { from = 2026-01-01, rate = "0.08", day_count = "act/365" },
]
withholding = { meta = { rate = "0.15", gross_up = true }, lab = { rate = "0" } }
"#;

const WINDOWS: &str = r#"objection_days = 60
proposal_lapse_days = 30
dispute = { response_days = 30, on_silence = "escalate", escalate_after_days = 61 }
audit = { lookback_months = 24, cost_shift = "0.05", of = "reported" }
"#;

fn id(text: &str) -> Id {
    Id::parse(text).expect("an id")
}

/// Points so small that the shares of all parties stay within everything.
fn points(random: &mut Random) -> Rate {
    let sign = if random.coin() { "-" } else { "" };
    let digit = random.below(10);
    Rate::parse(&format!("{sign}0.00{digit}")).expect("a rate")
}

/// Each item or not, in their order.
fn some<T>(random: &mut Random, items: impl IntoIterator<Item = T>) -> Vec<T> {
    items.into_iter().filter(|_| random.coin()).collect()
}

/// Sound terms with clauses of format level 2.
pub fn random_terms(seed: u64) -> Terms {
    let r = &mut Random(seed);
    let mut draft = random::draft(r);
    let parties = draft.parties.value().expect("parties");
    let ids: Vec<Id> = parties.iter().filter_map(|party| party.id.value().cloned()).collect();
    let payees: Vec<Id> = ids.iter().filter(|id| id.as_str() != "host").cloned().collect();
    let meters = draft.meters.value().into_iter().flatten();
    let meters: Vec<Name> = meters.filter_map(|meter| meter.value().cloned()).collect();
    let attributes: Vec<Name> =
        (0..3).map(|n| Name::parse(&format!("attribute_{n}")).expect("a name")).collect();
    let start = *draft.starts_on.value().expect("a start");
    prices(r, &mut draft, &meters, &attributes, start);
    draft.exclusivities = given(
        (0..r.below(3))
            .map(|n| DraftExclusivity {
                at: At::default(),
                id: given(id(&format!("exclusivity-{n}"))),
                when: texts(r, &attributes, false),
                from: given(start.plus_days(n as i32)),
                to: maybe(r, start.plus_days(100)),
                add: given_list(per_party(r, &payees, points)),
            })
            .collect(),
    );
    draft.contributions = given(
        (0..r.below(3))
            .map(|n| DraftContribution {
                at: At::default(),
                id: given(id(&format!("contribution-{n}"))),
                by: given(r.of(&ids)),
                when: texts(r, &attributes, false),
                add: given_list(per_party(r, &payees, points)),
            })
            .collect(),
    );
    let ends = !draft.ends_on.is_missing();
    draft.minimums = given(bounds(r, &payees, ends));
    draft.caps = given(bounds(r, &payees, true));
    draft.splits = splits(r, &payees);
    let advances = some(r, payees.iter().rev()).into_iter();
    draft.advances = given(
        advances.map(|to| DraftAdvance { at: At::default(), to: given(to.clone()) }).collect(),
    );
    payment(r, &mut draft, &payees, start);
    random::sound(&draft)
}

fn given_list<T>(list: Field<Vec<T>>) -> Field<Vec<T>> {
    if list.is_missing() { given(Vec::new()) } else { list }
}

fn prices(
    r: &mut Random,
    draft: &mut DraftTerms,
    meters: &[Name],
    attributes: &[Name],
    start: Date,
) {
    if meters.is_empty() {
        return;
    }
    let prices = (0..r.below(4)).map(|n| DraftPrice {
        at: At::default(),
        meter: given(r.of(meters)),
        when: texts(r, attributes, false),
        unit: given(amount(r).checked_add(Amount::parse("0.5").expect("half")).expect("bounded")),
        price: given(amount(r)),
        currency: maybe(r, Currency::parse("EUR").expect("a currency")),
        from: given(start.plus_days(n as i32)),
    });
    let prices: Vec<DraftPrice> = prices.collect();
    if !prices.is_empty() && r.coin() {
        draft.base_from = given(BaseFrom::Priced);
        draft.price_tolerance = maybe(r, Rate::parse("0.01").expect("a rate"));
    }
    draft.prices = given(prices);
}

fn bounds(r: &mut Random, payees: &[Id], lifetime: bool) -> Vec<DraftBounded> {
    let windows = match lifetime {
        true => vec![Window::Lifetime, Window::Year, Window::Period],
        false => vec![Window::Year, Window::Period],
    };
    let pairs = payees.iter().flat_map(|to| windows.iter().map(move |over| (to, over)));
    let bound = |(to, over): (&Id, &Window)| DraftBounded {
        at: At::default(),
        to: given(to.clone()),
        amount: given(Amount::from_whole(12_345)),
        over: given(*over),
    };
    some(r, pairs).into_iter().map(bound).collect()
}

/// One split, of the first party, or none.
fn splits(r: &mut Random, payees: &[Id]) -> Field<Vec<DraftSplit>> {
    let parts = some(r, payees.iter().rev()).into_iter().map(|to| DraftPart {
        at: At::default(),
        to: given(to.clone()),
        weight: given(Amount::parse("0.25").expect("an amount")),
    });
    let parts: Vec<DraftPart> = parts.collect();
    if parts.is_empty() {
        return Field::Missing;
    }
    let of = given(payees[0].clone());
    given(vec![DraftSplit { at: At::default(), of, parts: given(parts) }])
}

fn payment(r: &mut Random, draft: &mut DraftTerms, payees: &[Id], start: Date) {
    draft.withholding = per_party(r, payees, |r| DraftWithholding {
        at: At::default(),
        rate: given(Rate::parse(r.of(&["0", "0.15", "0.999"])).expect("a rate")),
        gross_up: maybe(r, true),
    });
    let rows = some(r, [7, 0, 3]).into_iter().map(|days| DraftInterest {
        at: At::default(),
        from: given(start.plus_days(days)),
        rate: given(Rate::parse(&format!("0.0{days}")).expect("a rate")),
    });
    draft.late_interest = given(rows.collect());
    draft.objection_days = maybe(r, 12);
    draft.proposal_lapse_days = maybe(r, 13);
    let dispute = DraftDispute {
        at: At::default(),
        response_days: given(1),
        on_silence: given(r.of(&[OnSilence::Accept, OnSilence::Escalate])),
        escalate_after_days: given(2),
    };
    draft.dispute = maybe(r, dispute);
    let audit = DraftAudit {
        at: At::default(),
        lookback_months: given(24),
        cost_shift: given(Rate::parse("0.05").expect("a rate")),
        of: given(r.of(&[AuditBase::Due, AuditBase::Reported])),
    };
    draft.audit = maybe(r, audit);
}
