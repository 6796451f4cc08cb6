//! Logs for the worked examples: records as the format has them, each one judged as it is written.

use ed25519_dalek::{Signer, SigningKey};

use crate::worked::{day, exact};
use crate::*;

/// The key of a party, from its id.
fn signing_key(party: &str) -> SigningKey {
    SigningKey::from_bytes(&derive("revshare reference tests", &[party.as_bytes()]))
}

/// Public keys that fit the ids of the parties.
pub fn with_keys(mut terms: Terms) -> Terms {
    for party in &mut terms.parties {
        party.key = signing_key(&party.id).verifying_key().to_bytes();
    }
    terms
}

/// A party with its key.
pub fn party(id: &str, role: Role) -> Party {
    let key = signing_key(id).verifying_key().to_bytes();
    Party { id: id.into(), role, key, recovery_key: None }
}

/// A payload, field by field.
#[derive(Default)]
pub struct Payload(Bytes);

impl Payload {
    pub fn u8(mut self, number: u8) -> Payload {
        self.0.bytes(&[number]);
        self
    }

    pub fn u16(mut self, number: u16) -> Payload {
        self.0.bytes(&number.to_le_bytes());
        self
    }

    pub fn u32(self, number: u32) -> Payload {
        self.raw(&number.to_le_bytes())
    }

    pub fn hash(mut self, hash: Hash) -> Payload {
        self.0.hash(&hash);
        self
    }

    pub fn text(mut self, text: &str) -> Payload {
        self.0.string(text);
        self
    }

    pub fn blob(mut self, bytes: &[u8]) -> Payload {
        self.0.count(bytes.len());
        self.raw(bytes)
    }

    /// Bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Payload {
        self.0.bytes(bytes);
        self
    }

    pub fn currency(mut self, code: [u8; 3]) -> Payload {
        self.0.bytes(&code);
        self
    }

    pub fn period(mut self, period: Period) -> Payload {
        self.0.period(period);
        self
    }

    pub fn day(mut self, day: i32) -> Payload {
        self.0.day(day);
        self
    }

    pub fn on(self, text: &str) -> Payload {
        self.day(day(text))
    }

    pub fn decimal(mut self, number: &Exact) -> Payload {
        self.0.decimal(number).expect("a decimal");
        self
    }

    pub fn amount(self, text: &str) -> Payload {
        self.decimal(&exact(text))
    }

    pub fn option<T>(self, value: Option<T>, write: impl FnOnce(Payload, T) -> Payload) -> Payload {
        match value {
            None => self.u8(0),
            Some(value) => write(self.u8(1), value),
        }
    }

    pub fn list<T>(
        mut self,
        items: impl IntoIterator<Item = T>,
        write: impl Fn(Payload, T) -> Payload,
    ) -> Payload {
        let items: Vec<T> = items.into_iter().collect();
        self.0.count(items.len());
        items.into_iter().fold(self, write)
    }

    pub fn per_party(mut self, amounts: &PerParty) -> Payload {
        self.0.per_party(amounts).expect("decimals");
        self
    }

    fn conditions(self, conditions: &Conditions) -> Payload {
        self.list(conditions, |p, (name, patterns)| {
            p.text(name).list(patterns, |p, pattern| p.text(pattern))
        })
    }

    fn rule(self, rule: &Rule) -> Payload {
        let start = self.text(&rule.id).conditions(&rule.conditions);
        match &rule.pay {
            Pay::Flat(shares) => start.u32(0).per_party(shares),
            Pay::Tiered(tiers) => start
                .u32(1)
                .option(tiers.meter.as_ref(), |p, meter| p.text(meter))
                .u8(tiers.window as u8)
                .u8(u8::from(tiers.whole))
                .list(&tiers.steps, |p, step| {
                    let bound = step.bound.as_ref();
                    p.option(bound, |p, bound| p.decimal(&bound.at).u8(u8::from(bound.inclusive)))
                        .per_party(&step.share)
                        .per_party(&step.per_unit)
                        .per_party(&step.flat)
                }),
        }
    }

    fn terms(self, terms: &Terms) -> Payload {
        self.text("worked")
            .currency(terms.currency)
            .u8(terms.length as u8)
            .day(terms.starts_on)
            .option(terms.ends_on, Payload::day)
            .u16(1)
            .u8(terms.rounding as u8)
            .u8(u8::from(terms.carry))
            .list(&terms.meters, |p, meter| p.text(meter))
            .list(&terms.parties, |p, party| {
                p.text(&party.id)
                    .u8(party.role as u8)
                    .hash(party.key)
                    .option(party.recovery_key, Payload::hash)
            })
            .list(&terms.deductions, |p, (kind, cap)| {
                p.text(kind).option(cap.as_ref(), Payload::decimal)
            })
            .list(&terms.rules, Payload::rule)
            .option(terms.limits.floor.as_ref(), Payload::decimal)
            .option(terms.limits.ceiling.as_ref(), Payload::decimal)
            .u16(terms.due_days)
            .decimal(&terms.minimum_payout)
            .u16(terms.report_due_days)
            .list(&terms.attributes, |p, (name, values)| {
                p.text(name).list(values, |p, value| p.text(value))
            })
    }

    fn clauses(self, clauses: &Clauses) -> Payload {
        let clause =
            |p: Payload, one: &Clause| p.text(&one.to).decimal(&one.amount).u8(one.window as u8);
        self.u8(u8::from(clauses.priced))
            .decimal(&clauses.price_tolerance)
            .list(&clauses.prices, |p, price| {
                p.text(&price.meter)
                    .conditions(&price.conditions)
                    .decimal(&price.unit)
                    .decimal(&price.price)
                    .currency(price.currency)
                    .day(price.from)
            })
            .list(&clauses.exclusivities, |p, one| {
                p.text(&one.id)
                    .conditions(&one.conditions)
                    .day(one.from)
                    .option(one.to, Payload::day)
                    .per_party(&one.add)
            })
            .list(&clauses.contributions, |p, one| {
                p.text(&one.id).text(&one.by).conditions(&one.conditions).per_party(&one.add)
            })
            .list(&clauses.minimums, clause)
            .list(&clauses.caps, clause)
            .list(&clauses.splits, |p, split| {
                p.text(&split.of).list(&split.parts, |p, (to, weight)| p.text(to).decimal(weight))
            })
            .list(&clauses.advances, |p, to| p.text(to))
            .list(&clauses.withholding, |p, (to, (rate, gross_up))| {
                p.text(to).decimal(rate).u8(u8::from(*gross_up))
            })
            .list(&clauses.late_interest, |p, (from, rate)| p.day(*from).decimal(rate))
            .u16(clauses.objection_days)
            .u16(clauses.proposal_lapse_days)
            .option(clauses.dispute, |p, windows| {
                p.u16(windows.response_days)
                    .u8(u8::from(!windows.silence_accepts))
                    .u16(windows.escalate_after_days)
            })
            .option(Some(()), |p, ()| p.u16(24).amount("0.05").u8(0)) // audits
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0.0
    }
}

/// The bytes of terms.
pub fn terms_bytes(terms: &Terms, level: u16) -> Vec<u8> {
    let start = Payload::default().terms(terms);
    match level {
        1 => start.bytes(),
        _ => start.clauses(&terms.clauses).bytes(),
    }
}

/// A usage line: day, currency, model, gross and units. Amounts are whole numbers.
pub type Line<'l> = (&'l str, &'l [u8; 3], &'l str, i8, i8);

/// A block of lines. Their keys are all different and sorted; some line has a model, and some one
/// units.
fn block(lines: &[Line<'_>]) -> Vec<u8> {
    let values: BTreeSet<&str> = lines.iter().map(|line| line.2).collect();
    let mut out = Bytes::default();
    let count = |out: &mut Bytes, count: usize| out.bytes(&(count as u32).to_le_bytes());
    count(&mut out, lines.len());
    for name in ["model", "units"] {
        out.bytes(&[1, name.len() as u8]);
        out.bytes(name.as_bytes());
    }
    out.bytes(&[0]); // deductions
    count(&mut out, values.len());
    for value in &values {
        out.bytes(&(value.len() as u16).to_le_bytes());
        out.bytes(value.as_bytes());
    }
    count(&mut out, lines.len());
    for (on, currency, model, _, _) in lines {
        out.day(day(on));
        out.bytes(*currency);
        count(&mut out, values.iter().position(|value| value == model).expect("a value"));
    }
    out.bytes(&(0..lines.len() as u8).collect::<Vec<u8>>());
    for column in [3, 4] {
        out.bytes(&[0, 1]); // scale and width
        for (_, _, _, gross, units) in lines {
            out.bytes(&(if column == 3 { gross } else { units }).to_le_bytes());
        }
    }
    out.0
}

/// What a dispute is about: a statement (0), a report (1) or a payout (2).
pub fn target(which: u32, event: Hash) -> Vec<u8> {
    Payload::default().u32(which).hash(event).bytes()
}

/// What a dispute is about: a clause in a period.
pub fn clause_in(id: &str, period: Period) -> Vec<u8> {
    Payload::default().u32(3).text(id).period(period).bytes()
}

/// A claim of figures.
pub fn figures(figures: &[(&str, &str)]) -> Vec<u8> {
    let write = |p: Payload, (to, amount): &(&str, &str)| p.text(to).amount(amount);
    Payload::default().u32(0).list(figures, write).bytes()
}

/// A claim of other lines in the place of a report's; none are nil.
pub fn lines_for(report: Hash, lines: &[Line<'_>]) -> Vec<u8> {
    let lines = (!lines.is_empty()).then(|| block(lines));
    Payload::default().u32(1).hash(report).option(lines, |p, lines| p.blob(&lines)).bytes()
}

/// A claim of other terms from a day on.
pub fn terms_from(terms: &Terms, from: &str) -> Vec<u8> {
    Payload::default().u32(2).blob(&terms_bytes(terms, 2)).on(from).bytes()
}

/// The outcome that a dispute stands as it was (0), or as claimed (1).
pub fn outcome(which: u32) -> Vec<u8> {
    Payload::default().u32(which).bytes()
}

/// The outcome that something else than what was claimed holds.
pub fn other(claim: &[u8]) -> Vec<u8> {
    Payload::default().u32(2).raw(claim).bytes()
}

/// A log in one segment that is written record by record.
pub struct Log {
    level: u16,
    bytes: Vec<u8>,
    /// Recorded times: the start of this day.
    pub today: i32,
}

impl Log {
    /// A ledger that the owner opens at a level and all others accept.
    pub fn open(level: u16, terms: &Terms) -> Log {
        let mut header = b"revshare segment".to_vec();
        header.extend(1u32.to_le_bytes());
        header.extend([0; 28]);
        let checksum = header_checksum(&header);
        header.extend(&checksum[..16]);
        let mut log = Log { level, bytes: header, today: terms.starts_on };
        let opening = log.says("owner", 1, level, terms_bytes(terms, level)).expect("opens");
        for party in terms.parties.iter().filter(|party| party.is_money_party()) {
            if party.id != "owner" {
                let content = log.ledger().opening_content;
                let payload = Payload::default().hash(opening).hash(content);
                log.says(&party.id, 2, 1, payload.bytes()).expect("accepts");
            }
        }
        log
    }

    /// The state after the records so far.
    pub fn ledger(&self) -> Ledger {
        read_log(std::slice::from_ref(&self.bytes)).expect("a sound log").0
    }

    pub fn report(&self) -> Report {
        replay(std::slice::from_ref(&self.bytes)).expect("a sound log")
    }

    /// A record by a party: its event id, or why it is refused. What is refused is not written.
    pub fn says(
        &mut self,
        party: &str,
        kind: u16,
        version: u16,
        payload: Vec<u8>,
    ) -> Result<Hash, String> {
        let (mut id, mut seq, mut before) = ([0; 32], 0, [0; 32]);
        if self.bytes.len() > 64 {
            let ledger = self.ledger();
            (id, seq, before) = (ledger.id, ledger.records, ledger.head);
        }
        let key = signing_key(party);
        let mut body = Bytes::default();
        body.bytes(&1u16.to_le_bytes());
        body.bytes(&self.level.to_le_bytes());
        body.hash(&id);
        body.number(seq);
        body.hash(&before);
        body.bytes(&(i64::from(self.today) * DAY_MICROS).to_le_bytes());
        body.bytes(&key.verifying_key().to_bytes());
        body.bytes(&kind.to_le_bytes());
        body.bytes(&version.to_le_bytes());
        body.bytes(&[seq as u8; 16]); // the nonce
        body.bytes(&[party.len() as u8]);
        body.bytes(party.as_bytes());
        body.bytes(&(payload.len() as u32).to_le_bytes());
        let envelope = body.0.clone();
        body.bytes(&payload);
        let len = (body.0.len() as u64).to_le_bytes();
        let digest = derive("revshare 2026-11-23 payload v1", &[&payload]);
        let hash = derive("revshare 2026-11-23 record v1", &[&len, &envelope, &digest]);
        let signature = key.sign(&[b"revshare record v1\0".as_slice(), &hash].concat());

        let mut frame = (body.0.len() as u32).to_le_bytes().to_vec();
        frame.extend(seq.to_le_bytes());
        let checksum = header_checksum(&frame);
        frame.extend(&checksum[..4]);
        frame.extend(&body.0);
        frame.extend(hash);
        frame.extend(signature.to_bytes());

        let mut bytes = self.bytes.clone();
        bytes.extend(&frame);
        let (ledger, _) = read_log(std::slice::from_ref(&bytes)).map_err(|fault| fault.what)?;
        // The state root can be written down in every state.
        ledger.state_root().expect("a state root");
        self.bytes = bytes;
        let mut c = Cursor { left: &frame };
        let frame = read_frame(&mut c, seq).expect("a frame");
        Ok(read_record(&frame).expect("a record").event_id)
    }

    /// A report of a period by the host; no lines are a nil report.
    pub fn reports(&mut self, period: Period, lines: &[Line<'_>]) -> Result<Hash, String> {
        let payload = Payload::default().period(period).u8(0);
        let payload = match lines {
            [] => payload.u32(0),
            _ => payload.u32(1).blob(&block(lines)),
        };
        self.says("host", 4, 1, payload.bytes())
    }

    /// A correction of a report by the host.
    pub fn corrects(&mut self, report: Hash, lines: &[Line<'_>]) -> Result<Hash, String> {
        let payload = Payload::default().hash(report).text("wrong").u32(1).blob(&block(lines));
        self.says("host", 5, 1, payload.bytes())
    }

    /// The statement of a period by the host, with the content that the log comes to.
    pub fn states(&mut self, period: Period) -> Result<Hash, String> {
        let version = self.ledger().level();
        self.states_in(period, version)
    }

    /// A statement in a version.
    pub fn states_in(&mut self, period: Period, version: u16) -> Result<Hash, String> {
        let ledger = self.ledger();
        let entries = ledger.entries(period)?;
        let recoupments = ledger.recoupments(&entries);
        let mut payload = Payload::default()
            .period(period)
            .hash(ledger.facts.version_of(period).digest)
            .u16(1)
            .list(&entries, |p, entry| {
                let p = p.period(entry.period).decimal(&entry.base).per_party(&entry.shares);
                let p = p.list(&entry.causes, |p, cause| p.hash(*cause));
                match version {
                    1 => p,
                    _ => p.list(&entry.rates, |p, (code, rate, event)| {
                        p.currency(*code).decimal(rate).hash(*event)
                    }),
                }
            });
        if version == 2 {
            payload = payload
                .list(&recoupments, |p, (to, amount)| p.text(to).decimal(amount))
                .list(&ledger.pending_interest, |p, line| {
                    p.text(&line.to)
                        .hash(line.payout)
                        .period(line.period)
                        .decimal(&line.principal)
                        .day(line.due)
                        .day(line.received)
                        .decimal(&line.rate)
                        .decimal(&line.amount)
                });
        }
        let root = ledger.state_root().expect("a state root");
        self.says("host", 7, version, payload.u16(version).hash(root).bytes())
    }

    /// A party proposes terms.
    pub fn amends(&mut self, party: &str, terms: &Terms, from: &str) -> Result<Hash, String> {
        let payload = Payload::default().blob(&terms_bytes(terms, 2)).on(from).text("why");
        self.says(party, 13, 1, payload.bytes())
    }

    /// A party proposes a conversion rate.
    pub fn converts(
        &mut self,
        party: &str,
        code: &[u8; 3],
        rate: &str,
        period: Period,
    ) -> Result<Hash, String> {
        let payload = Payload::default().currency(*code).amount(rate).period(period).text("bank");
        self.says(party, 16, 1, payload.bytes())
    }

    /// A party claims a contribution.
    pub fn claims(
        &mut self,
        party: &str,
        clause: &str,
        from: &str,
        to: Option<&str>,
    ) -> Result<Hash, String> {
        let payload = Payload::default().text(clause).on(from);
        let payload = payload.option(to, |p, to| p.on(to)).u8(0).text("work");
        self.says(party, 17, 1, payload.bytes())
    }

    /// A party accepts a proposal.
    pub fn accepts(&mut self, party: &str, proposal: Hash) -> Result<Hash, String> {
        let ledger = self.ledger();
        let content = ledger.proposals.get(&proposal).map_or([0; 32], |found| found.content);
        self.says(party, 2, 1, Payload::default().hash(proposal).hash(content).bytes())
    }

    /// A party rejects (14) or withdraws (15) a proposal.
    pub fn closes(&mut self, party: &str, kind: u16, proposal: Hash) -> Result<Hash, String> {
        self.says(party, kind, 1, Payload::default().hash(proposal).text("no").bytes())
    }

    /// The host sends a payout, with what it withheld and whether on top.
    pub fn pays(
        &mut self,
        to: &str,
        amount: &str,
        withheld: (&str, bool),
        sent: &str,
    ) -> Result<Hash, String> {
        let payload = Payload::default().text(to).amount(amount).amount("0").amount(withheld.0);
        let payload = payload.u8(u8::from(withheld.1)).on(sent).text("ref");
        self.says("host", 9, 2, payload.bytes())
    }

    /// The host pays an advance.
    pub fn advances(&mut self, to: &str, amount: &str, paid: &str) -> Result<Hash, String> {
        let payload = Payload::default().text(to).amount(amount).on(paid).text("ref");
        self.says("host", 19, 1, payload.bytes())
    }

    /// A party has received a payout or an advance.
    pub fn receives(&mut self, party: &str, payment: Hash, on: &str) -> Result<Hash, String> {
        self.says(party, 10, 1, Payload::default().hash(payment).on(on).bytes())
    }

    /// A party opens a dispute, on a ground (0 none) and perhaps to reopen another.
    pub fn disputes(
        &mut self,
        party: &str,
        target: &[u8],
        claim: &[u8],
        ground: u8,
        reopens: Option<Hash>,
    ) -> Result<Hash, String> {
        let payload =
            Payload::default().raw(target).raw(claim).text("basis").list([], Payload::hash);
        self.says(party, 20, 1, payload.u8(ground).option(reopens, Payload::hash).bytes())
    }

    /// A party responds to a dispute.
    pub fn responds(&mut self, party: &str, dispute: Hash) -> Result<Hash, String> {
        let payload = Payload::default().hash(dispute).text("no").list([[7; 32]], Payload::hash);
        self.says(party, 21, 1, payload.bytes())
    }

    /// A party accepts what is claimed, or says that silence has accepted it.
    pub fn concedes(
        &mut self,
        party: &str,
        dispute: Hash,
        by_default: bool,
    ) -> Result<Hash, String> {
        let payload = Payload::default().hash(dispute).u8(u8::from(by_default));
        self.says(party, 22, 1, payload.bytes())
    }

    /// A party settles a dispute, with the signatures of others over an outcome.
    pub fn settles_as(
        &mut self,
        party: &str,
        dispute: Hash,
        outcome: &[u8],
        (signers, signed): (&[&str], &[u8]),
    ) -> Result<Hash, String> {
        let signed = Payload::default().raw(signed).text("note").bytes();
        let digest = derive("revshare 2026-11-25 outcome v1", &[&signed]);
        let hex = |hash: Hash| hash.map(|byte| format!("{byte:02x}")).concat();
        let text = format!(
            "revshare settlement v1\nledger {}\ndispute {}\noutcome {}\n",
            hex(self.ledger().id),
            hex(dispute),
            hex(digest)
        );
        let write = |p: Payload, signer: &&str| {
            p.text(signer).raw(&signing_key(signer).sign(text.as_bytes()).to_bytes())
        };
        let payload = Payload::default().hash(dispute).raw(outcome).text("note");
        self.says(party, 23, 1, payload.list(signers, write).bytes())
    }

    /// A party settles a dispute, with the signatures of others.
    pub fn settles(
        &mut self,
        party: &str,
        dispute: Hash,
        outcome: &[u8],
        signers: &[&str],
    ) -> Result<Hash, String> {
        self.settles_as(party, dispute, outcome, (signers, outcome))
    }

    /// A party escalates (24) or withdraws (26) a dispute.
    pub fn ends(&mut self, party: &str, kind: u16, dispute: Hash) -> Result<Hash, String> {
        self.says(party, kind, 1, Payload::default().hash(dispute).text("why").bytes())
    }

    /// A party determines a dispute.
    pub fn determines(
        &mut self,
        party: &str,
        dispute: Hash,
        outcome: &[u8],
    ) -> Result<Hash, String> {
        let said = Payload::default().hash(dispute).raw(outcome).text("reasons");
        self.says(party, 25, 1, said.list([], Payload::hash).bytes())
    }
}
