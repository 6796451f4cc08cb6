//! Ids and names: the short words by which terms, events and files refer to things.

use std::fmt;
use std::sync::Arc;

use crate::limits::ID_LEN_MAX;
use crate::limits::NAME_LEN_MAX;
use crate::vocab::problem::Code;
use crate::vocab::problem::Problem;

/// A party, rule or clause id: 1 to 64 bytes of `[a-z0-9-]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

/// The name of a meter, a deduction kind or an attribute: 1 to 64 bytes of `[a-z0-9_-]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// A party's id. Parties, rules and clauses share one alphabet.
pub type PartyId = Id;

impl Id {
    /// Reads an id. Errors: [`Code::Id`].
    pub fn parse(text: &str) -> Result<Id, Problem> {
        let fits = (1..=ID_LEN_MAX).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits {
            return Ok(Id(text.into()));
        }
        Err(Problem::new(Code::Id, format!("`{}` is not an id", text.escape_debug()))
            .hint("an id is 1 to 64 characters from a-z, 0-9 and `-`"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Name {
    /// Reads a name. Errors: [`Code::Name`].
    pub fn parse(text: &str) -> Result<Name, Problem> {
        let fits = (1..=NAME_LEN_MAX).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if fits {
            return Ok(Name(text.into()));
        }
        Err(Problem::new(Code::Name, format!("`{}` is not a name", text.escape_debug()))
            .hint("a name is 1 to 64 characters from a-z, 0-9, `_` and `-`"))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}
