//! Terms with their digest.

use crate::terms::Terms;
use crate::vocab::Level;
use crate::vocab::Problem;
use crate::wire::terms::terms_digest;

pub use crate::event::TermsVersion;

/// Terms as a ledger is opened with them. Errors: terms that do not fit a payload.
pub fn version(terms: Terms) -> Result<TermsVersion, Problem> {
    let digest = terms_digest(&terms, Level::LATEST)?;
    Ok(TermsVersion { terms, digest, level: Level::LATEST })
}
