//! Settlement files: any text, and any outcome with the right digest around it.
//!
//! ```text
//! mode u8: 0: the text of a file. 1: the bytes of an outcome
//! ```

use ledger_core::settlement::Offer;
use ledger_core::vocab::EventId;
use ledger_core::vocab::Id;
use ledger_core::vocab::LedgerId;
use ledger_core::wire::dispute::agreed_bytes;
use ledger_core::wire::dispute::read_agreed;

use crate::entries::signer;
use crate::input::Input;

/// See the module.
pub fn run(input: &[u8]) {
    let mut input = Input(input);
    if input.u8().is_multiple_of(2) {
        let Ok(text) = std::str::from_utf8(input.0) else { return };
        match Offer::read(text) {
            Ok(offer) => assert_eq!(offer.write().expect("it was read"), text),
            Err(problem) => assert!(problem.hint.is_some(), "no hint: {problem}"),
        }
        return;
    }
    let Ok(agreed) = read_agreed(input.0) else { return };
    let bytes = agreed_bytes(&agreed.0, &agreed.1).expect("what was decoded can be encoded");
    assert_eq!(bytes, input.0, "an outcome has one encoding");
    let (ledger, dispute) = (LedgerId::from_bytes([1; 32]), EventId::from_bytes([2; 32]));
    let mut offer = Offer::new(ledger, dispute, agreed).expect("it is small");
    for name in ["meta", "acme-cloud"] {
        offer.sign(&Id::parse(name).expect("an id"), &signer(name));
        let text = offer.write().expect("it is small");
        assert_eq!(Offer::read(&text).as_ref(), Ok(&offer));
    }
}
