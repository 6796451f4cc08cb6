//! Evidence: files that lie beside the ledger, named on the log by commitments.

use crate::dispute::Attachment;
use crate::dispute::Erasure;
use crate::event::Author;
use crate::event::Event;
use crate::event::Fact;
use crate::evolve::Violation;
use crate::evolve::entitled;
use crate::evolve::in_force;
use crate::evolve::unknown_event;
use crate::state::EvidenceRecord;
use crate::state::State;
use crate::terms::Role;
use crate::vocab::Code;
use crate::vocab::Digest;
use crate::vocab::Problem;

/// A file is named about an event: by any party but an auditor, with a commitment that is new.
pub fn admit_attachment(
    state: &State,
    author: &Author,
    said: &Attachment,
) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, |role| role != Role::Auditor, "a party that is no auditor")?;
    if state.event(&said.about).is_none() {
        return Err(unknown_event(state, &said.about, "an event"));
    }
    match agreement.evidence().get(&said.commitment) {
        None => Ok(()),
        Some(known) => Err(Problem::new(
            Code::EvidenceTwice,
            format!("record {} names this commitment already", known.named_by.1),
        )
        .hint("a file that is attached again gets another commitment")
        .at_record(known.named_by.1)),
    }
}

/// A file is erased: by the party that named it first, once. The commitment stays.
pub fn admit_erasure(state: &State, author: &Author, said: &Erasure) -> Result<(), Violation> {
    let agreement = in_force(state)?;
    entitled(agreement, author, |role| role != Role::Auditor, "the party that named it")?;
    let unknown = |message: String| {
        Problem::new(Code::EvidenceUnknown, message)
            .hint("`revshare evidence check` lists the evidence and who named it")
    };
    let Some(known) = agreement.evidence().get(&said.commitment) else {
        return Err(unknown(format!("{} is no evidence on this ledger", said.commitment.short())));
    };
    if known.party != author.party {
        let (party, seq) = (&known.party, known.named_by.1);
        return Err(
            unknown(format!("{party} named it in record {seq}, and erases it")).at_record(seq)
        );
    }
    match &known.erased {
        None => Ok(()),
        Some((seq, _)) => {
            Err(unknown(format!("record {seq} says that it is erased")).at_record(*seq))
        }
    }
}

/// The commitments that an event names; `None` if it names none.
pub(crate) fn named(fact: &Fact) -> Option<(Vec<Digest>, EvidenceRecord)> {
    let commitments = fact.event.evidence();
    let (about, note) = match &fact.event {
        Event::EvidenceAttached(said) => (said.about, Some(said.note.clone())),
        _ => (fact.id, None),
    };
    let record = EvidenceRecord {
        named_by: (fact.id, fact.seq),
        party: fact.author.party.clone(),
        about,
        note,
        erased: None,
    };
    (!commitments.is_empty()).then(|| (commitments.to_vec(), record))
}
