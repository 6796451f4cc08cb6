//! Payouts and advances: money that the collector sent to a beneficiary.

use serde::Deserialize;
use serde::Serialize;

use crate::vocab::Amount;
use crate::vocab::Date;
use crate::vocab::Id;
use crate::vocab::Level;
use crate::vocab::OutOfBounds;
use crate::vocab::Text;

/// Money that the collector sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payout {
    /// The beneficiary.
    pub to: Id,
    /// The amount, positive, in the settlement currency.
    pub amount: Amount,
    /// The part of the amount above what was payable: a credit against later statements.
    pub on_account: Amount,
    /// Tax that was withheld, in minor units: a part of the amount, or on top of it if grossed up.
    pub withheld: Amount,
    /// Whether the collector bears the tax on top of the amount.
    pub grossed_up: bool,
    /// The day it was sent.
    pub sent_on: Date,
    /// How both sides find it at the bank.
    pub reference: Text,
    /// The format level that it was written at: level 1 knows no tax.
    pub level: Level,
}

/// A recoupable advance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Advance {
    /// The beneficiary.
    pub to: Id,
    /// The amount, positive, in the settlement currency.
    pub amount: Amount,
    /// The day it was sent.
    pub paid_on: Date,
    /// How both sides find it at the bank.
    pub reference: Text,
}

impl Payout {
    /// What reached the receiver in cash: the amount, less tax that is not grossed up. Errors:
    /// [`OutOfBounds`].
    pub fn cash(&self) -> Result<Amount, OutOfBounds> {
        match self.grossed_up {
            true => Ok(self.amount),
            false => self.amount.minus(self.withheld),
        }
    }
}
