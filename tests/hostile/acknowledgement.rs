//! Acknowledgement files: any text, and signed ones with any byte changed.
//!
//! ```text
//! mode u8: 0: the text of a file. 1: what one says, and a byte of it to be changed
//! ```

use ledger_core::acknowledgement::read;
use ledger_core::acknowledgement::write;
use ledger_core::event::Acknowledgement;
use ledger_core::event::Author;
use ledger_core::vocab::Id;
use ledger_core::vocab::LedgerId;
use ledger_core::vocab::RecordHash;
use ledger_core::vocab::StateRoot;

use crate::entries::signer;
use crate::input::Input;

/// See the module.
pub fn run(input: &[u8]) {
    let mut input = Input(input);
    if input.u8().is_multiple_of(2) {
        let Ok(text) = std::str::from_utf8(input.0) else { return };
        match read(text) {
            Ok(signed) => assert!(text.contains(&signed.said.head.to_string())),
            Err(problem) => assert!(problem.hint.is_some(), "no hint: {problem}"),
        }
        return;
    }
    let ledger = LedgerId::from_bytes(input.array());
    let said = Acknowledgement {
        seq: u64::from_le_bytes(input.array()),
        head: RecordHash::from_bytes(input.array()),
        root_version: input.u16(),
        state_root: StateRoot::from_bytes(input.array()),
    };
    let (at, to) = (usize::from(input.u16()), input.u8());
    let Some(party) = std::str::from_utf8(input.0).ok().and_then(|id| Id::parse(id).ok()) else {
        return;
    };
    let signer = signer("meta");
    let author = Author { party, key: signer.public().expect("a sound key") };
    let text = write(ledger, &author, &said, &signer);
    let signed = read(&text).expect("what is written is read");
    assert_eq!((signed.ledger, &signed.author, &signed.said), (ledger, &author, &said));
    let mut bytes = text.clone().into_bytes();
    let at = at % bytes.len();
    bytes[at] = to;
    if let Ok(changed) = std::str::from_utf8(&bytes)
        && changed != text
    {
        assert!(read(changed).is_err(), "a changed acknowledgement is read:\n{changed}");
    }
}
