//! Payouts: money that the collector sent to a beneficiary.

use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Text;

/// Money that the collector sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payout {
    /// The beneficiary.
    pub to: Id,
    /// The amount, positive, in the settlement currency.
    pub amount: Amount,
    /// The part of the amount above what was payable: a credit against later statements.
    pub on_account: Amount,
    /// The day it was sent.
    pub sent_on: Date,
    /// How both sides find it at the bank.
    pub reference: Text,
}
