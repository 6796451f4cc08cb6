//! Payloads of format level 2 that break one rule of the format each, built byte by byte from its
//! document.

use ledger_core::event::Kind;
use ledger_core::vocab::Level;
use ledger_core::vocab::PeriodLength;
use ledger_core::wire::event::decode_payload;
use ledger_core::wire::terms::encode_terms;
use revshare_kit::TermsBuilder;

use crate::bad_payloads::Bad;
use crate::bad_payloads::Bytes;

/// Terms of level 1, without a last day, that the clauses follow: parties acme-cloud (collector),
/// meta (owner), a-lab (beneficiary) and expert (arbiter), a meter, a rule.
fn plain() -> TermsBuilder {
    TermsBuilder::new("USD", "2026-01-01")
        .meter("tokens")
        .party("acme-cloud", "collector")
        .party("meta", "owner")
        .party("a-lab", "beneficiary")
        .party("expert", "arbiter")
        .rule("everything", "share = { meta = \"0.5\", a-lab = \"0.25\" }")
}

/// A list: how many, and their bytes one after another.
fn list(entries: &[Bytes]) -> Bytes {
    let bytes = Bytes::default().u64(entries.len() as u64);
    entries.iter().fold(bytes, |bytes, entry| bytes.raw(&entry.0))
}

/// An option: whether it is there.
fn some(bytes: Bytes) -> Bytes {
    Bytes::default().u8(1).raw(&bytes.0)
}

fn none() -> Bytes {
    Bytes::default().u8(0)
}

/// The fields of level 2, each as bytes.
#[derive(Clone)]
struct Clauses {
    base_from: u8,
    tolerance: (i128, u8),
    prices: Bytes,
    exclusivities: Bytes,
    contributions: Bytes,
    minimums: Bytes,
    caps: Bytes,
    splits: Bytes,
    advances: Bytes,
    withholding: Bytes,
    interest: Bytes,
    deadlines: (u16, u16),
    dispute: Bytes,
    audit: Bytes,
    behind: &'static [u8],
}

impl Default for Clauses {
    fn default() -> Clauses {
        Clauses {
            base_from: 0,
            tolerance: (0, 0),
            prices: list(&[]),
            exclusivities: list(&[]),
            contributions: list(&[]),
            minimums: list(&[]),
            caps: list(&[]),
            splits: list(&[]),
            advances: list(&[]),
            withholding: list(&[]),
            interest: list(&[]),
            deadlines: (90, 90),
            dispute: none(),
            audit: none(),
            behind: &[],
        }
    }
}

impl Clauses {
    /// Terms of level 2: those of level 1, and then these fields.
    fn terms(&self) -> Vec<u8> {
        let plain = encode_terms(&plain().build(), Level::One).expect("terms have bytes");
        let lists = [
            &self.prices,
            &self.exclusivities,
            &self.contributions,
            &self.minimums,
            &self.caps,
            &self.splits,
            &self.advances,
            &self.withholding,
            &self.interest,
        ];
        let (mantissa, scale) = self.tolerance;
        let bytes = Bytes::default().raw(&plain).u8(self.base_from).decimal(mantissa, scale);
        let bytes = lists.into_iter().fold(bytes, |bytes, list| bytes.raw(&list.0));
        let bytes = bytes.u16(self.deadlines.0).u16(self.deadlines.1);
        bytes.raw(&self.dispute.0).raw(&self.audit.0).raw(self.behind).0
    }
}

/// Conditions: none, or one attribute with one pattern.
fn when(pattern: Option<&[u8]>) -> Bytes {
    match pattern {
        None => list(&[]),
        Some(pattern) => {
            let patterns = list(&[Bytes::default().text(pattern)]);
            list(&[Bytes::default().text(b"model").raw(&patterns.0)])
        }
    }
}

const DAY: i32 = 20_454;

fn price(meter: &[u8], unit: (i128, u8), price: (i128, u8), currency: &[u8; 3]) -> Bytes {
    Bytes::default()
        .text(meter)
        .raw(&when(None).0)
        .decimal(unit.0, unit.1)
        .decimal(price.0, price.1)
        .raw(currency)
        .raw(&DAY.to_le_bytes())
}

/// Points per party.
fn points(entries: &[(&[u8], i128, u8)]) -> Bytes {
    let entry = |(to, mantissa, scale): &(&[u8], i128, u8)| {
        Bytes::default().text(to).decimal(*mantissa, *scale)
    };
    list(&entries.iter().map(entry).collect::<Vec<_>>())
}

fn exclusivity(id: &[u8], to: Option<i32>, add: &Bytes) -> Bytes {
    let to = to.map_or_else(none, |day| some(Bytes::default().raw(&day.to_le_bytes())));
    let bytes = Bytes::default().text(id).raw(&when(Some(b"llama*")).0);
    bytes.raw(&DAY.to_le_bytes()).raw(&to.0).raw(&add.0)
}

fn contribution(id: &[u8], by: &[u8]) -> Bytes {
    let add = points(&[(b"meta", 1, 2)]);
    Bytes::default().text(id).text(by).raw(&when(None).0).raw(&add.0)
}

fn bound(to: &[u8], amount: (i128, u8), window: u8) -> Bytes {
    Bytes::default().text(to).decimal(amount.0, amount.1).u8(window)
}

fn split(of: &[u8], parts: &[(&[u8], i128)]) -> Bytes {
    let part = |(to, weight): &(&[u8], i128)| Bytes::default().text(to).decimal(*weight, 0);
    let parts = list(&parts.iter().map(part).collect::<Vec<_>>());
    Bytes::default().text(of).raw(&parts.0)
}

fn tax(to: &[u8], rate: (i128, u8), gross_up: u8) -> Bytes {
    Bytes::default().text(to).decimal(rate.0, rate.1).u8(gross_up)
}

fn interest(day: i32, rate: (i128, u8)) -> Bytes {
    Bytes::default().raw(&day.to_le_bytes()).decimal(rate.0, rate.1)
}

/// An event id.
fn event() -> Bytes {
    Bytes::default().raw(&[7; 32])
}

/// The well-formed samples that the bad ones differ from.
fn samples_are_good() {
    let good = Clauses {
        base_from: 1,
        tolerance: (1, 2),
        prices: list(&[price(b"tokens", (1, 0), (72, 2), b"USD")]),
        exclusivities: list(&[exclusivity(b"only", None, &points(&[(b"meta", 1, 2)]))]),
        contributions: list(&[contribution(b"tuning", b"meta")]),
        minimums: list(&[bound(b"meta", (100, 0), 1)]),
        caps: list(&[bound(b"meta", (1000, 0), 2)]),
        splits: list(&[split(b"meta", &[(b"meta", 80), (b"a-lab", 20)])]),
        advances: list(&[Bytes::default().text(b"meta")]),
        withholding: list(&[tax(b"meta", (15, 2), 1)]),
        interest: list(&[interest(DAY, (8, 2))]),
        dispute: some(Bytes::default().u16(30).u8(1).u16(60)),
        audit: some(Bytes::default().u16(24).decimal(5, 2).u8(1)),
        ..Clauses::default()
    };
    let decode = |kind: (Kind, u16), payload: &[u8]| {
        decode_payload((kind.0 as u16, kind.1), PeriodLength::Month, payload)
            .unwrap_or_else(|problem| panic!("{problem}"));
    };
    decode((Kind::LedgerOpened, 2), &good.terms());
    decode((Kind::AmendmentProposed, 1), &amendment(&good.terms(), 0));
    decode((Kind::PayoutSent, 2), &payout(1));
    decode((Kind::RateProposed, 1), &rate(b"EUR", (1085, 3), 6));
}

fn amendment(terms: &[u8], behind: usize) -> Vec<u8> {
    let bytes = Bytes::default().text(terms).raw(&DAY.to_le_bytes()).text(b"as agreed");
    bytes.raw(&[0; 2][..behind]).0
}

fn payout(grossed_up: u8) -> Vec<u8> {
    let bytes = Bytes::default().text(b"meta").decimal(125, 1).decimal(0, 0).decimal(1, 0);
    bytes.u8(grossed_up).raw(&DAY.to_le_bytes()).text(b"wire 1").0
}

fn rate(currency: &[u8; 3], rate: (i128, u8), month: u8) -> Vec<u8> {
    let bytes = Bytes::default().raw(currency).decimal(rate.0, rate.1).u16(2026).u8(month);
    bytes.text(b"ECB").0
}

/// Every bad payload of level 2, with its version.
pub fn bad_whole_payloads() -> Vec<(u16, Bad)> {
    samples_are_good();
    let mut all = clauses();
    all.extend(bounds());
    all.extend(events());
    all
}

fn opened(name: &'static str, what: &'static str, clauses: Clauses) -> (u16, Bad) {
    (2, Bad { name, what, kind: Kind::LedgerOpened, payload: clauses.terms() })
}

fn default() -> Clauses {
    Clauses::default()
}

fn clauses() -> Vec<(u16, Bad)> {
    let sound = || price(b"tokens", (1, 0), (1, 0), b"USD");
    let priced = |prices: &[Bytes]| Clauses { base_from: 1, prices: list(prices), ..default() };
    let only = |one: &[Bytes]| Clauses { exclusivities: list(one), ..default() };
    let add = || points(&[(b"meta", 1, 2)]);
    let large = points(&[(b"a-lab", 3, 1), (b"meta", 3, 1)]);
    vec![
        opened(
            "clauses-cut",
            "the fields of level 2 are missing",
            Clauses { behind: &[], ..default() },
        )
        .cut(),
        opened(
            "clauses-bytes-behind",
            "a byte stands behind the terms",
            Clauses { behind: &[0], ..default() },
        ),
        opened(
            "base-unknown",
            "the base is from somewhere unknown",
            Clauses { base_from: 2, ..default() },
        ),
        opened("base-without-price", "the base is priced and there is no price", priced(&[])),
        opened(
            "tolerance-without-prices",
            "a price tolerance stands without a price list",
            Clauses { tolerance: (1, 2), ..default() },
        ),
        opened(
            "tolerance-negative",
            "the price tolerance is negative",
            Clauses { tolerance: (-1, 2), ..priced(&[sound()]) },
        ),
        opened(
            "price-meter",
            "a price is for no declared meter",
            priced(&[price(b"requests", (1, 0), (1, 0), b"USD")]),
        ),
        opened(
            "price-unit-zero",
            "a price is for no units",
            priced(&[price(b"tokens", (0, 0), (1, 0), b"USD")]),
        ),
        opened(
            "price-negative",
            "a price is negative",
            priced(&[price(b"tokens", (1, 0), (-1, 0), b"USD")]),
        ),
        opened(
            "price-currency",
            "a price is in a currency that ISO 4217 does not have",
            priced(&[price(b"tokens", (1, 0), (1, 0), b"XQQ")]),
        ),
        opened("price-twice", "a price is there twice", priced(&[sound(), sound()])),
        opened(
            "exclusivity-over",
            "an exclusivity ends on the day on which it begins",
            only(&[exclusivity(b"only", Some(DAY), &add())]),
        ),
        opened(
            "exclusivity-id-twice",
            "an exclusivity has the id of a rule",
            only(&[exclusivity(b"everything", None, &add())]),
        ),
        opened(
            "exclusivity-for-arbiter",
            "points are for a party that gets no share",
            only(&[exclusivity(b"only", None, &points(&[(b"expert", 1, 2)]))]),
        ),
        opened(
            "exclusivity-points-unsorted",
            "points are not sorted by party",
            only(&[exclusivity(b"only", None, &points(&[(b"meta", 1, 2), (b"a-lab", 1, 2)]))]),
        ),
        opened(
            "exclusivity-points-large",
            "points are more than 1",
            only(&[exclusivity(b"only", None, &points(&[(b"meta", 11, 1)]))]),
        ),
        opened(
            "points-above-one",
            "points take the shares of a rule past 1",
            only(&[exclusivity(b"only", None, &large)]),
        ),
        opened(
            "contribution-by-arbiter",
            "a contribution is by no money party",
            Clauses { contributions: list(&[contribution(b"tuning", b"expert")]), ..default() },
        ),
        opened(
            "contribution-id-twice",
            "two contributions have one id",
            Clauses {
                contributions: list(&[
                    contribution(b"tuning", b"meta"),
                    contribution(b"tuning", b"a-lab"),
                ]),
                ..default()
            },
        ),
    ]
}

fn bounds() -> Vec<(u16, Bad)> {
    let minimums = |all: &[Bytes]| Clauses { minimums: list(all), ..default() };
    let caps = |all: &[Bytes]| Clauses { caps: list(all), ..default() };
    let splits = |all: &[Bytes]| Clauses { splits: list(all), ..default() };
    let taxes = |all: &[Bytes]| Clauses { withholding: list(all), ..default() };
    let rows = |all: &[Bytes]| Clauses { interest: list(all), ..default() };
    let id = |id: &[u8]| Bytes::default().text(id);
    vec![
        opened(
            "minimum-lifetime",
            "a minimum over the lifetime stands without a last day",
            minimums(&[bound(b"meta", (1, 0), 2)]),
        ),
        opened(
            "minimum-large",
            "a minimum is above 10^10",
            minimums(&[bound(b"meta", (10_000_000_001, 0), 0)]),
        ),
        opened(
            "minimum-window",
            "a minimum is over an unknown window",
            minimums(&[bound(b"meta", (1, 0), 3)]),
        ),
        opened("cap-below-zero", "a cap is negative", caps(&[bound(b"meta", (-1, 0), 0)])),
        opened(
            "cap-fraction",
            "a cap has more fraction digits than the currency",
            caps(&[bound(b"meta", (1001, 3), 0)]),
        ),
        opened(
            "cap-twice",
            "a party has two caps over one window",
            caps(&[bound(b"meta", (1, 0), 1), bound(b"meta", (2, 0), 1)]),
        ),
        opened(
            "cap-for-collector",
            "a cap is for the collector",
            caps(&[bound(b"acme-cloud", (1, 0), 1)]),
        ),
        opened("split-empty", "an amount is divided into no parts", splits(&[split(b"meta", &[])])),
        opened(
            "split-part-twice",
            "a party gets two parts of an amount",
            splits(&[split(b"meta", &[(b"a-lab", 1), (b"a-lab", 2)])]),
        ),
        opened(
            "split-weight-zero",
            "a part has no weight",
            splits(&[split(b"meta", &[(b"meta", 0), (b"a-lab", 1)])]),
        ),
        opened(
            "split-twice",
            "an amount is divided twice",
            splits(&[split(b"meta", &[(b"a-lab", 1)]), split(b"meta", &[(b"meta", 1)])]),
        ),
        opened(
            "split-of-a-part",
            "a part goes to a party whose own amount is divided",
            splits(&[split(b"meta", &[(b"a-lab", 1)]), split(b"a-lab", &[(b"a-lab", 1)])]),
        ),
        opened(
            "advances-unsorted",
            "advances are not sorted",
            Clauses { advances: list(&[id(b"meta"), id(b"a-lab")]), ..default() },
        ),
        opened(
            "advance-to-arbiter",
            "advances are permitted to an arbiter",
            Clauses { advances: list(&[id(b"expert")]), ..default() },
        ),
        opened(
            "withholding-whole",
            "all of a payout is withheld",
            taxes(&[tax(b"meta", (1, 0), 0)]),
        ),
        opened("withholding-negative", "tax is negative", taxes(&[tax(b"meta", (-1, 2), 0)])),
        opened("withholding-bool", "a bool is 2", taxes(&[tax(b"meta", (1, 2), 2)])),
        opened("interest-negative", "late interest is negative", rows(&[interest(DAY, (-8, 2))])),
        opened(
            "interest-unsorted",
            "rows of late interest are not sorted by day",
            rows(&[interest(DAY, (8, 2)), interest(DAY - 1, (7, 2))]),
        ),
        opened(
            "interest-day-twice",
            "two rows of late interest begin on one day",
            rows(&[interest(DAY, (8, 2)), interest(DAY, (7, 2))]),
        ),
        opened(
            "objection-long",
            "a deadline is above 3,650 days",
            Clauses { deadlines: (3_651, 90), ..default() },
        ),
        opened(
            "silence-unknown",
            "silence means something unknown",
            Clauses { dispute: some(Bytes::default().u16(30).u8(2).u16(60)), ..default() },
        ),
        opened(
            "audit-long",
            "an audit may look back more than 1,200 months",
            Clauses { audit: some(Bytes::default().u16(1_201).decimal(5, 2).u8(0)), ..default() },
        ),
        opened(
            "audit-cost-large",
            "the cost of an audit shifts above 1",
            Clauses { audit: some(Bytes::default().u16(24).decimal(11, 1).u8(0)), ..default() },
        ),
    ]
}

fn events() -> Vec<(u16, Bad)> {
    let bad = |name, what, kind, payload| (1, Bad { name, what, kind, payload });
    let plain = encode_terms(&plain().build(), Level::One).expect("terms have bytes");
    let clauses = default().terms();
    let claim = |clause: &[u8], option: u8| {
        let bytes = Bytes::default().text(clause).raw(&DAY.to_le_bytes()).u8(option);
        bytes.u8(0).text(b"tuned").0
    };
    let closing = |reason: &[u8]| event().text(reason).0;
    vec![
        (
            2,
            Bad {
                name: "payout-bool-two",
                what: "a payout is grossed up in an unknown way",
                kind: Kind::PayoutSent,
                payload: payout(2),
            },
        ),
        (
            2,
            Bad {
                name: "statement-of-level-one",
                what: "a statement of version 2 ends as one of version 1 does",
                kind: Kind::StatementIssued,
                payload: Bytes::default()
                    .u16(2026)
                    .u8(1)
                    .raw(&[7; 32])
                    .u16(1)
                    .u64(0)
                    .u16(2)
                    .raw(&[7; 32])
                    .0,
            },
        ),
        bad(
            "amendment-terms-of-level-one",
            "amended terms are of level 1",
            Kind::AmendmentProposed,
            amendment(&plain, 0),
        ),
        bad(
            "amendment-bytes-behind",
            "bytes stand behind an amendment",
            Kind::AmendmentProposed,
            amendment(&clauses, 2),
        ),
        bad(
            "amendment-terms-bad",
            "amended terms are none",
            Kind::AmendmentProposed,
            amendment(&clauses[..clauses.len() - 1], 0),
        ),
        bad(
            "rejection-newline",
            "a reason has two lines",
            Kind::ProposalRejected,
            closing(b"a\nb"),
        ),
        bad(
            "withdrawal-cut",
            "a withdrawal names no proposal",
            Kind::ProposalWithdrawn,
            Bytes::default().text(b"why").0,
        ),
        bad(
            "rate-currency",
            "a rate is for a currency that ISO 4217 does not have",
            Kind::RateProposed,
            rate(b"XQQ", (1, 0), 6),
        ),
        bad(
            "rate-month-zero",
            "a rate is for month 0",
            Kind::RateProposed,
            rate(b"EUR", (1, 0), 0),
        ),
        bad(
            "rate-scale",
            "a rate has 13 fraction digits",
            Kind::RateProposed,
            rate(b"EUR", (1, 13), 6),
        ),
        bad(
            "claim-clause-capital",
            "a clause id has a capital letter",
            Kind::ContributionClaimed,
            claim(b"Tuning", 0),
        ),
        bad(
            "claim-option-two",
            "an option is neither there nor not",
            Kind::ContributionClaimed,
            claim(b"tuning", 2),
        ),
        bad(
            "end-cut",
            "the end of a contribution has no reason",
            Kind::ContributionEnded,
            event().raw(&DAY.to_le_bytes()).0,
        ),
        bad(
            "advance-decimal-zeros",
            "an advance has a zero at the end of its fraction",
            Kind::AdvancePaid,
            Bytes::default()
                .text(b"meta")
                .decimal(1250, 2)
                .raw(&DAY.to_le_bytes())
                .text(b"advance 1")
                .0,
        ),
    ]
}

/// Cuts the terms off where level 1 ends.
trait Cut {
    fn cut(self) -> Self;
}

impl Cut for (u16, Bad) {
    fn cut(mut self) -> Self {
        let plain = encode_terms(&plain().build(), Level::One).expect("terms have bytes");
        self.1.payload.truncate(plain.len());
        self
    }
}
