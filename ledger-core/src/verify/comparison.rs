//! Comparison: what a user or this machine has from elsewhere, held against a log that was read.

use crate::verify::Finding;
use crate::verify::Layer;
use crate::verify::Verifier;
use crate::vocab::Code;
use crate::vocab::Id;
use crate::vocab::Problem;

impl Verifier<'_> {
    /// The keys that the user gave against those of the parties.
    pub(super) fn compare_keys(&mut self) {
        let Some(agreement) = self.state.agreement() else { return };
        let mut findings = Vec::new();
        for (party, key) in &self.options.keys {
            let known = agreement.versions().party(party);
            let message = match known {
                Some(known) if known.key == *key => continue,
                Some(known) => format!(
                    "the ledger has key {} for {party}, you gave {}",
                    known.key.fingerprint(),
                    key.fingerprint()
                ),
                None => format!("you gave a key for {party}, who is not a party of the ledger"),
            };
            findings.push(
                Problem::new(Code::KeyMismatch, message)
                    .hint("get the key by another channel before you rely on this ledger"),
            );
        }
        let given = |id: &Id| self.options.keys.iter().any(|(party, _)| party == id);
        let parties = agreement.versions().listed_parties().into_iter();
        self.verdict.keys_not_given =
            parties.map(|party| party.id.clone()).filter(|id| !given(id)).collect();
        for problem in findings {
            self.find(Some(0), Layer::Authors, problem);
        }
    }

    /// Acknowledgements from elsewhere against the roots of this log.
    pub(super) fn compare_acknowledgements(&mut self) {
        for signed in &self.options.against {
            let said = &signed.said;
            let party = &signed.author.party;
            let mismatch = |message: String| {
                Problem::new(Code::AckMismatch, message)
                    .hint("the acknowledged history or balances differ from this log: compare the copies with `revshare diff`")
            };
            let agreement = self.state.agreement();
            let owns_key = agreement
                .and_then(|known| known.versions().party(party))
                .is_some_and(|known| known.key == signed.author.key);
            let found = self.roots.iter().find(|(seq, ..)| *seq == said.seq);
            let problem = if self.verdict.ledger != Some(signed.ledger) {
                mismatch(format!("{party} acknowledged another ledger, {}", signed.ledger))
            } else if !owns_key {
                mismatch(format!(
                    "the acknowledgement is signed by a key that is not that of {party}"
                ))
            } else {
                match found {
                    None if said.seq >= self.records => mismatch(format!(
                        "{party} acknowledged record {}, but this log ends before it",
                        said.seq
                    )),
                    None => {
                        self.verdict.against_unchecked.push(party.clone());
                        continue;
                    }
                    Some((_, hash, _)) if *hash != said.head => mismatch(format!(
                        "{party} acknowledged record {} with hash {}, here it has {hash}",
                        said.seq, said.head
                    )),
                    Some((_, _, (version, root)))
                        if said.root_version == *version && *root != said.state_root =>
                    {
                        mismatch(format!(
                            "{party} acknowledged state root {} after record {}, here it is {root}",
                            said.state_root, said.seq
                        ))
                    }
                    Some((_, _, (version, _))) if said.root_version != *version => {
                        self.verdict.against_unchecked.push(party.clone());
                        continue;
                    }
                    Some(_) => continue,
                }
            };
            self.verdict.findings.push(Finding {
                seq: Some(said.seq),
                layer: Layer::Agreement,
                problem,
            });
        }
    }

    /// The head that this machine remembers against the record of its number.
    pub(super) fn compare_memory(&mut self) {
        let Some(head) = self.options.remembered else { return };
        if self.verdict.ledger != Some(head.ledger) || self.remembered == Some(head.hash) {
            return;
        }
        if self.verdict.findings.iter().any(|finding| finding.problem.code == Code::Truncated) {
            return;
        }
        let message = match self.remembered {
            None => format!(
                "rollback: record {} was recorded here before, but the log ends before it",
                head.seq
            ),
            Some(found) => format!(
                "rollback: record {} had hash {} here before, now it has {found}",
                head.seq, head.hash
            ),
        };
        let problem = Problem::new(Code::Rollback, message)
            .hint("an older or another copy was put in its place");
        self.find(Some(head.seq), Layer::Chain, problem);
    }
}
