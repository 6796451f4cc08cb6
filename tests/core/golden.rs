//! Logs that every release must open, for ever (`tests/logs/`), with what they amount to.

use std::fs;
use std::path::PathBuf;

use ledger_core::command::Command;
use ledger_core::ledger::Ledger;
use ledger_core::replay::Signatures;
use ledger_core::replay::replay;
use ledger_core::state::Agreement;
use ledger_core::state::Dispute;
use ledger_core::state::OpenItem;
use ledger_core::state::Queue;
use ledger_core::state::State;
use ledger_core::store::SegmentHeader;
use ledger_core::terms::Version;
use ledger_core::verify::Options;
use ledger_core::verify::verify;
use ledger_core::vocab::Level;
use ledger_core::vocab::Period;
use revshare_kit::Given;
use revshare_kit::Line;
use revshare_kit::TermsBuilder;
use revshare_kit::World;
use revshare_kit::another_machine;
use revshare_kit::disk::in_memory;
use revshare_kit::disputes::status_of;
use revshare_kit::lines;
use revshare_kit::party;
use revshare_kit::public_key;
use revshare_kit::scratch;
use revshare_kit::two_parties;
use revshare_kit::world::segments;
use revshare_kit::world::state_root;
use serde_json::Value;
use serde_json::json;

use crate::corner_cases::corner_cases;
use crate::damage::in_segments;
use crate::every_dispute::every_dispute;
use crate::whole;
use crate::written::holds_bytes_for_ever;
use crate::written::json_text;
use crate::written::root;

/// Two parties, a flat share, and every kind of event.
pub fn every_kind() -> World {
    let (host, meta) = (party("acme-cloud"), party("meta"));
    let several = lines!["2026-02-05" => "1.00", "2026-02-06" => "2.00", "2026-02-07" => "3.00"];
    Given::ledger_at(two_parties("share = { meta = \"0.15\" }"), Level::One)
        .after_days(50)
        .and(meta.notes_missing("2026-01"))
        .reported("2026-01", lines!["2026-01-05" => "600.00", "2026-01-06" => "-0.01"])
        .and(host.issues_statement("2026-01"))
        .and(meta.accepts_statement("2026-01"))
        .and(host.sends("meta", "89.99", "2026-02-20", "wire 1"))
        .and(meta.confirms("wire 1", "2026-02-22"))
        .corrected("2026-01", lines!["2026-01-05" => "500.00"])
        .and(host.reports_in_blocks("2026-02", several, 2, false))
        .and(host.supplements("2026-02", vec![]))
        .and(meta.issues_statement("2026-02"))
        .and(host.sends_on_account("meta", "1.00", "2026-03-20", "wire 2"))
        .and(meta.returns("wire 2", "the account was closed"))
        .and(meta.acknowledges())
        .and(host.acknowledges())
        .into_world()
}

/// Everything that terms can say, in quarters.
pub fn every_clause() -> World {
    let recovery = public_key("meta, recovery");
    let mut terms = TermsBuilder::new("KWD", "2026-02-10")
        .period("quarter")
        .ends_on("2026-11-20")
        .rounding("half_up", true)
        .meter("tokens")
        .meter("requests")
        .party("acme-cloud", "collector")
        .party("a-lab", "beneficiary")
        .party("expert", "arbiter")
        .party("reader", "auditor")
        .deduction("refunds", None)
        .deduction("infrastructure", Some("0.10"))
        .rule(
            "moderation",
            "when = { application = [\"content_moderation\"], model = [\"llama-3*\", \"*-70b\"] }\n\
             share = { meta = \"0.12\", a-lab = \"0.01\" }",
        )
        .rule(
            "by-revenue",
            "when = { territory = [\"EU\"] }\n\
             tiers = { by = \"revenue\", over = \"year\", kind = \"marginal\" }\n\
             steps = [ { up_to = \"1000\", share = { meta = \"0.15\" }, flat = { a-lab = \"5\" } }, \
             { below = \"2000\", share = { meta = \"0.333333333333\" } }, { flat = { meta = \"7.5\" } } ]",
        )
        .rule(
            "by-tokens",
            "tiers = { by = \"tokens\", over = \"lifetime\", kind = \"whole\" }\n\
             steps = [ { up_to = \"10.5\", per_unit = { meta = \"0.067\" } }, \
             { share = { meta = \"0.05\", a-lab = \"0.2\" }, per_unit = { meta = \"0.000000000001\" } } ]",
        );
    terms = terms.clause(&format!(
        "[limits]\nrate_floor = \"0.01\"\nrate_ceiling = \"0.40\"\n\
         [payment]\ndue_days = 45\nminimum_payout = \"12.345\"\n\
         [windows]\nreport_due_days = 20\n\
         [attributes]\napplication = [\"search\", \"content_moderation\"]\n\
         [[party]]\nid = \"meta\"\nrole = \"owner\"\nkey = \"{}\"\nrecovery_key = \"{recovery}\"",
        public_key("meta"),
    ));
    let line = |day: &str, gross: &str| Line::new(day, gross);
    let usage = vec![
        line("2026-02-10", "1500.123456789012").with("territory", "EU").deduction("refunds", "3"),
        line("2026-03-31", "-20").with("application", "content_moderation").with("model", "x-70b"),
        line("2026-03-31", "800").meter("tokens", "11").deduction("infrastructure", "100"),
        line("2026-03-31", "0").meter("requests", "3"),
    ];
    Given::ledger_at(terms, Level::One)
        .reported("2026-Q1", usage)
        .stated("2026-Q1")
        .reported("2026-Q2", vec![])
        .corrected("2026-Q1", vec![line("2026-02-28", "77.77").with("territory", "EU")])
        .stated("2026-Q2")
        .into_world()
}

/// The logs of this format: folder, what it shows, segments.
fn logs() -> [(&'static str, &'static str, Vec<Vec<u8>>); 8] {
    let (kinds, clauses) = (every_kind().segments(), every_clause().segments());
    let spread = in_segments(&kinds[0], 5);
    [
        ("v1/every-kind", "two parties, a flat share, every kind of event", kinds),
        ("v1/every-clause", "all that terms of this release can say, in quarters", clauses),
        ("v1/in-segments", "the records of every-kind in segments of five", spread),
        (
            "v2/every-kind",
            "three parties, every kind of event, an amendment that brings a fourth party",
            whole::every_kind_of_event().segments(),
        ),
        (
            "v2/every-clause",
            "all that terms of level 2 can say, in quarters, and an amendment inside one of them",
            whole::every_clause().segments(),
        ),
        (
            "v2/raised",
            "a ledger opened at level 1 and raised by an amendment",
            whole::raised().segments(),
        ),
        (
            "v2/every-dispute",
            "disputes of every kind, resolved in every way, withdrawn and open, with evidence",
            every_dispute().segments(),
        ),
        (
            "v2/corner-cases",
            "what a reader of the documents is likely to get wrong, each once",
            corner_cases().segments(),
        ),
    ]
}

/// What a log amounts to, for a reader of any language.
fn amounts_to(segments: &[Vec<u8>], shows: &str) -> Value {
    let log = in_memory(segments.to_vec());
    let mut records = Vec::new();
    let mut note = |state: &State, fact: &ledger_core::event::Fact| {
        records.push(json!({
            "seq": fact.seq,
            "kind": fact.event.kind().as_str(),
            "author": fact.author.party.as_str(),
            "recorded_at": fact.recorded_at.to_string(),
            "record_hash": fact.hash.to_string(),
            "event_id": fact.id.to_string(),
            "content_digest": fact.content.to_string(),
            "payload_digest": fact.payload.to_string(),
            "state_root_after": state_root(state).to_string(),
        }));
    };
    let replayed = replay(&log, None, Signatures::Checked, &mut |state, fact, _| note(state, fact));
    let state = replayed.expect("the log can be replayed").state;
    let agreement = state.agreement().expect("the ledger is opened");
    let balances: Vec<Value> = agreement
        .versions()
        .beneficiaries()
        .into_iter()
        .map(|id| {
            let account = agreement.account(id);
            let balance = json!({
                "party": id.as_str(),
                "booked": account.booked.to_string(),
                "paid": account.paid.to_string(),
                "on_account": account.on_account.to_string(),
                "in_transit": account.in_transit.to_string(),
                "payable": agreement.payable(id).expect("in bounds").to_string(),
            });
            with(balance, agreement.level(), || {
                json!({
                    "interest": account.interest.to_string(),
                    "recouped": account.recouped.to_string(),
                    "advanced": account.advanced.to_string(),
                    "withheld": account.withheld.to_string(),
                    "items": items_of(agreement.queue(id)),
                })
            })
        })
        .collect();
    let booked: Vec<Value> = agreement
        .statements()
        .keys()
        .map(|period| {
            let booked = agreement.booked(*period);
            let shares: serde_json::Map<String, Value> = booked
                .shares
                .iter()
                .map(|(id, amount)| (id.to_string(), Value::from(amount.to_string())))
                .collect();
            json!({
                "period": period.to_string(),
                "base": booked.base.to_string(),
                "shares": shares,
            })
        })
        .collect();
    let amounts = json!({
        "shows": shows,
        "ledger": agreement.ledger().to_string(),
        "head": { "seq": state.next_seq() - 1, "hash": state.head().to_string() },
        "state_root": state_root(&state).to_string(),
        "balances": balances,
        "booked": booked,
        "records": records,
    });
    let amounts = match agreement.disputes().is_empty() {
        true => amounts,
        false => with(amounts, agreement.level(), || disputes_say(agreement)),
    };
    with(amounts, agreement.level(), || {
        let versions = agreement.versions().iter();
        let version = |version: &Version| {
            json!({
                "event": version.event.to_string(),
                "effective_from": version.effective_from.to_string(),
                "terms_digest": version.digest.to_string(),
            })
        };
        json!({ "versions": versions.map(version).collect::<Vec<_>>() })
    })
}

/// What is held, and every dispute as it stands.
fn disputes_say(agreement: &Agreement) -> Value {
    let held = agreement
        .versions()
        .beneficiaries()
        .into_iter()
        .map(|id| (id, agreement.held(id).expect("in bounds").1))
        .map(|(id, held)| (id.to_string(), Value::from(held.to_string())));
    let held: serde_json::Map<String, Value> = held.collect();
    let dispute = |dispute: &Dispute| {
        let figures: serde_json::Map<String, Value> = dispute
            .figures
            .iter()
            .map(|(id, amount)| (id.to_string(), Value::from(amount.to_string())))
            .collect();
        let seen = dispute
            .respondents
            .iter()
            .map(|(id, one)| (id.to_string(), one.seen.map(|at| at.to_string()).into()));
        json!({
            "event": dispute.id.to_string(),
            "claimant": dispute.claimant.as_str(),
            "period": dispute.period.map(|period| period.to_string()),
            "status": status_of(dispute),
            "respondents": seen.collect::<serde_json::Map<String, Value>>(),
            "figures": figures,
        })
    };
    let disputes: Vec<Value> = agreement.disputes().values().map(dispute).collect();
    json!({ "held": held, "disputes": disputes })
}

/// What a ledger of level 2 says more; the vectors of level 1 stay as they are.
fn with(mut value: Value, level: Level, more: impl Fn() -> Value) -> Value {
    if let (true, Value::Object(all), Value::Object(more)) =
        (level > Level::One, &mut value, more())
    {
        all.extend(more);
    }
    value
}

fn items_of(queue: Option<&Queue>) -> Value {
    let item = |item: &OpenItem| {
        json!({
            "period": item.period.to_string(),
            "due_on": item.due_on.to_string(),
            "interest_from": item.interest_from.map(|day| day.to_string()),
            "open": item.open.to_string(),
        })
    };
    queue.into_iter().flat_map(|queue| queue.items()).map(item).collect()
}

/// Every released log: its folder, and what it amounts to.
pub fn released() -> Vec<(PathBuf, Value)> {
    let mut folders = Vec::new();
    for level in ["v1", "v2"] {
        let folder = root().join("tests/logs").join(level);
        let entries = fs::read_dir(&folder).expect("the released logs");
        folders.extend(entries.map(|entry| entry.expect("an entry of the folder").path()));
    }
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    let expected = |folder: PathBuf| {
        let expected = fs::read(folder.join("expected.json")).expect("what the log amounts to");
        let expected = serde_json::from_slice(&expected).expect("it is JSON");
        (folder, expected)
    };
    folders.into_iter().map(expected).collect()
}

/// The logs in `tests/logs/` open, verify, and amount to what lies beside them: for this
/// implementation and the reference. Every folder there is tried.
#[test]
fn released_logs_open_for_ever() {
    let released = released();
    assert!(released.len() >= 6, "{} released logs", released.len());
    for (folder, expected) in released {
        let stored = segments(&folder);
        let shows = expected["shows"].as_str().expect("it says what it shows");
        assert_eq!(amounts_to(&stored, shows), expected, "{}", folder.display());

        // A writer opens a copy of it, as it is.
        let scratch = scratch();
        let copy = scratch.path().join("ledger");
        revshare_kit::disk::place(&stored, &copy);
        let ledger = Ledger::open_for_writing(&copy, &another_machine(&copy)).expect("it opens");
        assert_eq!(ledger.notices(), []);
        assert_eq!(segments(&copy), stored);
        let verdict = verify(&in_memory(stored.clone()), &Options::default());
        assert!(verdict.is_valid(), "{:?}", verdict.findings);

        let reference = revshare_reference::replay(&stored).expect("the reference reads it");
        let root = reference.state_root.map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(expected["state_root"], root);
    }
}

/// Today's code writes the released logs again, byte for byte.
#[test]
fn released_logs_are_written_again() {
    for (name, shows, segments) in logs() {
        for (number, bytes) in segments.iter().enumerate() {
            let file = SegmentHeader::file_name(number as u32);
            holds_bytes_for_ever(&format!("tests/logs/{name}/log/{file}"), bytes);
        }
        let expected = json_text(&amounts_to(&segments, shows));
        holds_bytes_for_ever(&format!("tests/logs/{name}/expected.json"), &expected);
    }
}

/// A ledger that is in force, and nothing more: what other vectors append to.
pub fn in_force() -> World {
    let terms = two_parties("share = { meta = \"0.15\" }").build();
    let mut world = World::new();
    world.open_and_accept_at(terms, Level::One);
    let period = Period::parse("2026-01").expect("a period");
    let report = Command::ReportUsage { period, supplement: false, blocks: vec![] };
    world.must("acme-cloud", report);
    world
}
