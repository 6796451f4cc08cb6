//! What terms can tell apart: the clauses that hold for a value, and whether it is allowed.

use crate::terms::body::Terms;
use crate::usage::Marker;
use crate::vocab::Name;
use crate::vocab::Value;

/// What any of these terms look at in the values of an attribute: which of their clauses hold, and
/// whether the value is allowed. `None` if they do not look at it.
pub fn marker<'a>(
    terms: impl IntoIterator<Item = &'a Terms>,
    attribute: &Name,
) -> Option<Marker<'a>> {
    let mut known: Vec<&Terms> = Vec::new();
    let (mut clauses, mut allowed) = (Vec::new(), Vec::<&[Value]>::new());
    for terms in terms {
        if known.iter().any(|one| std::ptr::eq(*one, terms)) {
            continue;
        }
        known.push(terms);
        clauses.extend(terms.clauses().marker(attribute));
        let lists = terms.attributes.iter().filter(|list| list.attribute == *attribute);
        allowed.extend(lists.map(|list| list.values.as_slice()));
    }
    if clauses.is_empty() && allowed.is_empty() {
        return None;
    }
    Some(Box::new(move |value, marks| {
        clauses.iter_mut().for_each(|mark| mark(value, marks));
        let is_allowed = |values: &&[Value]| {
            values.binary_search_by(|allowed| allowed.as_str().cmp(value)).is_ok()
        };
        marks.extend(allowed.iter().map(is_allowed).map(u64::from));
    }))
}
