//! Given, when, then: disputes and evidence, in the words of the business.

use ledger_core::command::Command;
use ledger_core::dispute::Attachment;
use ledger_core::dispute::Claim;
use ledger_core::dispute::ClaimAcceptance;
use ledger_core::dispute::ClaimedTerms;
use ledger_core::dispute::Determination;
use ledger_core::dispute::DisputeStep;
use ledger_core::dispute::Erasure;
use ledger_core::dispute::Ground;
use ledger_core::dispute::Opening;
use ledger_core::dispute::Outcome;
use ledger_core::dispute::Response;
use ledger_core::dispute::Settlement;
use ledger_core::dispute::Target;
use ledger_core::settlement::Offer;
use ledger_core::state::Dispute;
use ledger_core::state::DisputeStatus;
use ledger_core::state::Resolution;
use ledger_core::view::dispute::DisputedLine;
use ledger_core::view::dispute::lines;
use ledger_core::vocab::Amount;
use ledger_core::vocab::Digest;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::Level;
use ledger_core::vocab::Text;
use ledger_core::vocab::digest::Domain;

use crate::given::Expectation;
use crate::given::Party;
use crate::given::When;
use crate::given::Wish;
use crate::given::amount;
use crate::given::day;
use crate::given::payout_of;
use crate::given::period;
use crate::given::statement_of;
use crate::given::text;
use crate::keys;
use crate::lines::Line;
use crate::lines::blocks;
use crate::terms::TermsBuilder;
use crate::world::World;
use crate::world::version_at;

/// Figures in words: party and amount.
pub type Figures<'a> = &'a [(&'a str, &'a str)];

/// What makes a claim, or what a dispute comes to, once the ledger is known.
type Later<T> = Box<dyn Fn(&World) -> T>;

/// Disputes of a ledger, in the order of its log.
pub fn disputes(world: &World) -> Vec<&Dispute> {
    let mut all: Vec<&Dispute> = world.agreement().disputes().values().collect();
    all.sort_by_key(|dispute| dispute.seq);
    all
}

/// The dispute that was opened last.
pub fn last_dispute(world: &World) -> &Dispute {
    disputes(world).pop().expect("something is disputed")
}

fn id(text: &str) -> Id {
    Id::parse(text).expect("a party id")
}

/// A commitment to a file, by its name.
pub fn commitment(file: &str) -> Digest {
    Domain::Index.digest(file.as_bytes())
}

fn figures(figures: Figures<'_>) -> Claim {
    let mut all: Vec<(Id, Amount)> =
        figures.iter().map(|(party, money)| (id(party), amount(money))).collect();
    all.sort();
    Claim::Figures(all)
}

fn report_claim(world: &World, of: &str, lines: &[Line]) -> Claim {
    let replaces = world.report_of(period(of)).expect("the period has a report");
    let lines = blocks(lines, world.agreement().terms().currency, usize::MAX).pop();
    Claim::Report { replaces, lines }
}

fn terms_claim(terms: &TermsBuilder, from: &str) -> Claim {
    let version = version_at(terms.build(), Level::LATEST);
    Claim::Terms(Box::new(ClaimedTerms { version, from: day(from) }))
}

/// A dispute that is about to be opened; more can be said of it.
pub struct Disputing {
    party: Party,
    target: Later<Target>,
    claim: Later<Claim>,
    evidence: Vec<Digest>,
    ground: Option<Ground>,
    reopens: Option<usize>,
}

impl Disputing {
    /// Of fraud.
    pub fn for_fraud(self) -> Disputing {
        Disputing { ground: Some(Ground::Fraud), ..self }
    }

    /// Of manifest error.
    pub fn for_error(self) -> Disputing {
        Disputing { ground: Some(Ground::ManifestError), ..self }
    }

    /// Reopening a dispute, by its number on the log, from 1.
    pub fn reopening(self, number: usize) -> Disputing {
        Disputing { reopens: Some(number), ..self }
    }

    /// Reopening the opening of the ledger, which is no dispute.
    pub fn reopening_nothing(self) -> Disputing {
        Disputing { reopens: Some(0), ..self }
    }

    /// With files.
    pub fn with_evidence(self, files: &[&str]) -> Disputing {
        let mut evidence: Vec<Digest> = files.iter().map(|file| commitment(file)).collect();
        evidence.sort();
        Disputing { evidence, ..self }
    }

    /// With commitments as they are.
    pub fn with_commitments(self, evidence: Vec<Digest>) -> Disputing {
        Disputing { evidence, ..self }
    }
}

impl From<Disputing> for Wish {
    fn from(one: Disputing) -> Wish {
        let Disputing { party, target, claim, evidence, ground, reopens } = one;
        party.wishes(move |world| {
            Command::OpenDispute(Box::new(Opening {
                target: target(world),
                claim: claim(world),
                basis: text("it is wrong"),
                evidence: evidence.clone(),
                ground,
                reopens: reopens.map(|number| match number {
                    0 => world.agreement().opening().0,
                    number => disputes(world)[number - 1].id,
                }),
            }))
        })
    }
}

impl Party {
    /// A dispute of whatever.
    pub fn disputes(&self, target: Later<Target>, claim: Later<Claim>) -> Disputing {
        let party = self.clone();
        Disputing { party, target, claim, evidence: vec![], ground: None, reopens: None }
    }

    /// Disputes what the statement of a period books, with a figure per party.
    pub fn disputes_statement(&self, of: &str, claimed: Figures<'_>) -> Disputing {
        let (of, claim) = (of.to_owned(), figures(claimed));
        let target = move |world: &World| Target::Statement(statement_of(world, period(&of)));
        self.disputes(Box::new(target), Box::new(move |_| claim.clone()))
    }

    /// Disputes the report of a period that holds now, with other lines.
    pub fn disputes_report(&self, of: &str, lines: Vec<Line>) -> Disputing {
        let (of, same) = (of.to_owned(), of.to_owned());
        let target = move |world: &World| {
            Target::Report(world.report_of(period(&same)).expect("the period has a report"))
        };
        self.disputes(Box::new(target), Box::new(move |world| report_claim(world, &of, &lines)))
    }

    /// Disputes what a payout counts.
    pub fn disputes_payout(&self, reference: &str, to: &str, money: &str) -> Disputing {
        let (reference, claim) = (text(reference), figures(&[(to, money)]));
        let target = move |world: &World| Target::Payout(payout_of(world, &reference));
        self.disputes(Box::new(target), Box::new(move |_| claim.clone()))
    }

    /// Disputes what a clause comes to in a period, with other terms.
    pub fn disputes_clause(
        &self,
        (clause, of): (&str, &str),
        terms: TermsBuilder,
        from: &str,
    ) -> Disputing {
        let (clause, period, from) = (id(clause), period(of), from.to_owned());
        let target = move |_: &World| Target::Clause { clause: clause.clone(), period };
        self.disputes(Box::new(target), Box::new(move |_| terms_claim(&terms, &from)))
    }

    /// Answers the last dispute.
    pub fn answers(&self) -> Wish {
        self.wishes(|world| {
            Command::RespondToDispute(Response {
                dispute: last_dispute(world).id,
                text: text("it is right"),
                evidence: vec![],
            })
        })
    }

    /// Accepts the claim of the last dispute.
    pub fn accepts_claim(&self) -> Wish {
        self.accepts_claim_of(0)
    }

    /// Accepts the claim of a dispute, by its number on the log, from 1; 0 is the last.
    pub fn accepts_claim_of(&self, number: usize) -> Wish {
        self.wishes(move |world| {
            let dispute = numbered(world, number);
            Command::AcceptClaim(ClaimAcceptance { dispute, by_default: false })
        })
    }

    /// Says that silence has accepted the last claim.
    pub fn says_silence_accepted(&self) -> Wish {
        self.wishes(|world| {
            let dispute = last_dispute(world).id;
            Command::AcceptClaim(ClaimAcceptance { dispute, by_default: true })
        })
    }

    /// Records a settlement of the last dispute that these parties have signed.
    pub fn settles(&self, outcome: Ending, signed_by: &[&str]) -> Wish {
        let signed_by: Vec<String> = signed_by.iter().map(|one| (*one).to_owned()).collect();
        self.wishes(move |world| {
            let mut offer = offered(world, &outcome, "agreed");
            for party in &signed_by {
                offer.sign(&id(party), &keys::signer(party));
            }
            Command::SettleDispute(Box::new(offer.settlement))
        })
    }

    /// Records a settlement that was made otherwise.
    pub fn settles_as(&self, settlement: impl Fn(&World) -> Settlement + 'static) -> Wish {
        self.wishes(move |world| Command::SettleDispute(Box::new(settlement(world))))
    }

    /// Brings the last dispute before the arbiter.
    pub fn escalates(&self) -> Wish {
        self.wishes(|world| Command::EscalateDispute(step(world)))
    }

    /// Decides the last dispute.
    pub fn determines(&self, outcome: Ending) -> Wish {
        self.wishes(move |world| {
            Command::DetermineDispute(Box::new(Determination {
                dispute: last_dispute(world).id,
                outcome: (outcome.0)(world),
                reasons: text("for these reasons"),
                evidence: vec![],
            }))
        })
    }

    /// Takes the last dispute back.
    pub fn withdraws(&self) -> Wish {
        self.wishes(|world| Command::WithdrawDispute(step(world)))
    }

    /// Names a file about the last dispute.
    pub fn attaches(&self, file: &str) -> Wish {
        let commitment = commitment(file);
        self.wishes(move |world| {
            let about = last_dispute(world).id;
            Command::AttachEvidence(Attachment { about, commitment, note: text("a file") })
        })
    }

    /// Says that a file is erased.
    pub fn erases(&self, file: &str) -> Wish {
        let commitment = commitment(file);
        self.wishes(move |_| Command::EraseEvidence(Erasure { commitment, reason: text("by law") }))
    }
}

fn numbered(world: &World, number: usize) -> EventId {
    match number {
        0 => last_dispute(world).id,
        number => disputes(world)[number - 1].id,
    }
}

fn step(world: &World) -> DisputeStep {
    DisputeStep { dispute: last_dispute(world).id, reason: text("we do not agree") }
}

/// What a dispute comes to.
pub struct Ending(Later<Outcome>);

/// What is recorded stands.
pub fn stands() -> Ending {
    Ending(Box::new(|_| Outcome::Stands))
}

/// The claim is right.
pub fn as_claimed() -> Ending {
    Ending(Box::new(|_| Outcome::AsClaimed))
}

/// Other figures are right.
pub fn at(claimed: Figures<'_>) -> Ending {
    let claim = figures(claimed);
    Ending(Box::new(move |_| Outcome::Other(claim.clone())))
}

/// Other lines for a report are right.
pub fn with_lines(of: &str, lines: Vec<Line>) -> Ending {
    let of = of.to_owned();
    Ending(Box::new(move |world| Outcome::Other(report_claim(world, &of, &lines))))
}

/// Other terms are right.
pub fn with_terms(terms: TermsBuilder, from: &str) -> Ending {
    let claim = terms_claim(&terms, from);
    Ending(Box::new(move |_| Outcome::Other(claim.clone())))
}

/// A settlement of the last dispute that nobody has signed.
pub fn offered(world: &World, outcome: &Ending, note: &str) -> Offer {
    let agreed = ((outcome.0)(world), Text::parse(note).expect("a note"));
    Offer::new(world.agreement().ledger(), last_dispute(world).id, agreed)
        .expect("a settlement has bytes")
}

fn expects(what: impl Fn(&When) + 'static) -> Expectation {
    Expectation(Box::new(what))
}

/// What disputes hold back from a party.
pub fn held(from: &str, money: &str) -> Expectation {
    let (party, money) = (id(from), amount(money));
    expects(move |when| {
        let held = when.world.agreement().held(&party).map(|(_, held)| held);
        assert_eq!(held, Ok(money), "held from {party}");
    })
}

/// What a party has, held or not.
pub fn balance(of: &str, money: &str) -> Expectation {
    let (party, money) = (id(of), amount(money));
    expects(move |when| {
        assert_eq!(when.world.agreement().account(&party).balance(), money, "balance of {party}");
    })
}

fn line_of(when: &When, party: &Id) -> DisputedLine {
    let world = &when.world;
    let today = world.state().recorded_at().date();
    let all = lines(world.agreement(), last_dispute(world), today).expect("lines in bounds");
    all.into_iter().find(|line| line.party == *party).expect("the party has a line")
}

/// What the last dispute claims for a party above what is booked, with the interest of today.
pub fn claimed_above(to: &str, money: &str, interest: &str) -> Expectation {
    let (party, money, interest) = (id(to), amount(money), amount(interest));
    expects(move |when| {
        let line = line_of(when, &party);
        assert_eq!((line.above, line.interest), (money, interest), "claimed above by {party}");
    })
}

/// How a line of the last dispute is divided: settled, undisputed, held.
pub fn divided(of: &str, settled: &str, undisputed: &str, held: &str) -> Expectation {
    let (party, parts) = (id(of), [settled, undisputed, held].map(amount));
    expects(move |when| {
        let line = line_of(when, &party);
        assert_eq!([line.settled, line.undisputed, line.held], parts, "the line of {party}");
    })
}

/// A word for what has become of a dispute.
pub fn status_of(dispute: &Dispute) -> &'static str {
    match &dispute.status {
        DisputeStatus::Open => "open",
        DisputeStatus::Escalated { .. } => "escalated",
        DisputeStatus::Withdrawn { .. } => "withdrawn",
        DisputeStatus::Resolved(resolved) => match resolved.how {
            Resolution::Accepted => "accepted",
            Resolution::ByDefault => "by default",
            Resolution::Settled => "settled",
            Resolution::Determined => "determined",
        },
    }
}

/// What has become of the last dispute.
pub fn status(word: &'static str) -> Expectation {
    expects(move |when| assert_eq!(status_of(last_dispute(&when.world)), word))
}
