//! `revshare advance`

use revshare_core::command::Command;
use revshare_core::payout::Advance;
use revshare_core::vocab::Code;

use crate::commands::Writing;
use crate::commands::amount;
use crate::commands::day;
use crate::commands::free_text;
use crate::commands::party;
use crate::commands::payout::OF_THE_AMOUNT;
use crate::commands::payout::finish;
use crate::context::Session;
use crate::error::Answer;
use crate::error::Failure;

/// Recoupable advances: money that later statements keep back
#[derive(clap::Subcommand, Debug)]
pub enum Args {
    /// Record that an advance was sent to a beneficiary (the collector)
    ///
    /// The terms must permit advances to the party. It counts once the receiver has confirmed it
    /// (`payout confirm`); from then on statements recoup it from what the party earns.
    #[command(
        after_help = "Example:\n  revshare advance pay --to meta --amount 10000 --on 2026-01-05 --reference \"SEPA 4700\""
    )]
    Pay {
        /// The beneficiary
        #[arg(long, value_name = "PARTY")]
        to: String,
        /// How much, in the settlement currency: a plain decimal
        #[arg(long, allow_hyphen_values = true)]
        amount: String,
        /// The day it was sent; otherwise the date of the recorded time
        #[arg(long, value_name = "DAY")]
        on: Option<String>,
        /// How both sides find it at the bank
        #[arg(long, value_name = "TEXT", default_value = "")]
        reference: String,
        #[command(flatten)]
        writing: Writing,
    },
}

/// Runs the command.
pub fn run(session: &mut Session, args: &Args) -> Result<Answer, Failure> {
    let Args::Pay { to, amount: how_much, on, reference, writing } = args;
    let to = party("--to", to)?;
    let amount = amount("--amount", how_much)?;
    let reference = free_text("--reference", reference)?;
    let mut desk = session.write(writing)?;
    let paid_on = day("--on", on, desk.context.recorded_at)?;
    let command = Command::PayAdvance(Advance { to, amount, paid_on, reference });
    let seq = finish(session, &mut desk, command)
        .map_err(|failure| failure.about("--to", &[Code::NotAParty, Code::AdvanceNotPermitted]))
        .map_err(|failure| failure.about("--amount", OF_THE_AMOUNT))?;
    session.next(&format!("payout confirm {seq} (by the receiver)"))?;
    Ok(Answer::Yes)
}
