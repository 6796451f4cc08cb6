//! Pattern sets: every pattern for one attribute, asked about a value at once.
//!
//! A pattern is cut at its stars into segments. A value has a pattern's segments in order if and
//! only if the leftmost search finds them, and where that search stands depends on the segments
//! before alone: patterns that begin alike share a node of a tree. All segments are found in a
//! value in one pass over it, so that a value costs its length, and the nodes that it reaches.
//! Memory is a constant times the bytes of the patterns: nothing is built while matching, unlike
//! in an automaton over many stars, whose states can be as many as the sets of its positions.

#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "places in lists that were made together; all patterns of terms fit a payload"
)]

use std::ops::Range;

use crate::vocab::Value;

/// The number of the empty segment, before the first star or behind the last.
const EMPTY: u32 = 0;
/// A segment that is not in the value, or a segment without a shorter one.
const NONE: u32 = u32::MAX;

/// Patterns, each with the number of the clause that it belongs to.
#[derive(Debug, Default)]
pub(in crate::terms) struct PatternSet {
    /// Patterns without a star, sorted, with their clauses.
    literals: Vec<(Value, Range<u32>)>,
    /// The text of all segments, one after another.
    text: Vec<u8>,
    /// The segments, sorted and distinct; the first is the empty one.
    segments: Vec<Segment>,
    /// Where the segments with a first byte begin, and where those with the last one end.
    by_byte: Vec<u32>,
    /// The tree: the root first, then each node's children side by side, sorted by segment.
    nodes: Vec<Node>,
    /// What follows the last star, by node, sorted by segment.
    ends: Vec<End>,
    /// The clauses of literals and ends, without repetition in either.
    clauses: Vec<u32>,
}

#[derive(Debug)]
struct Segment {
    from: u32,
    len: u32,
    /// The longest other segment that this one begins with, the empty one left out.
    shorter: u32,
}

/// Patterns that begin with the same segments.
#[derive(Debug)]
struct Node {
    segment: u32,
    children: Range<u32>,
    ends: Range<u32>,
}

#[derive(Debug)]
struct End {
    segment: u32,
    clauses: Range<u32>,
}

/// A pattern with a star: its segments but the last, and the last.
type Cut<'a> = (&'a [u32], u32, u32);

/// Memory that is used again for each value.
#[derive(Clone, Debug, Default)]
pub(in crate::terms) struct Scratch {
    /// Segments in the value, with where they begin; sorted.
    found: Vec<(u32, u32)>,
    /// The distinct ones, with their places in `found`.
    present: Vec<(u32, Range<usize>)>,
    /// The number in `present` of each segment.
    at: Vec<u32>,
    /// The segments that the value ends with, sorted.
    endings: Vec<u32>,
    /// Nodes to go to, with how far the value is used up.
    stack: Vec<(u32, u32)>,
    /// How many nodes and segments were gone through, over all values.
    steps: u64,
}

impl PatternSet {
    /// Of patterns, each with its clause.
    pub(in crate::terms) fn new<'a>(
        patterns: impl IntoIterator<Item = (&'a Value, u32)>,
    ) -> PatternSet {
        let mut set = PatternSet::default();
        let (mut literals, mut starred) = (Vec::new(), Vec::new());
        for (pattern, clause) in patterns {
            match pattern.as_str().contains('*') {
                true => starred.push((pattern.as_str(), clause)),
                false => literals.push((pattern, clause)),
            }
        }
        literals.sort_unstable();
        for same in literals.chunk_by(|(one, _), (next, _)| one == next) {
            let clauses = set.add_clauses(same.iter().map(|(_, clause)| *clause));
            set.literals.extend(same.first().map(|(pattern, _)| ((*pattern).clone(), clauses)));
        }
        if !starred.is_empty() {
            set.add_segments(&starred);
            set.add_starred(&starred);
        }
        set
    }

    /// Whether matching costs enough for its outcome to be worth keeping.
    pub(in crate::terms) fn is_large(&self) -> bool {
        self.nodes.len().max(self.ends.len()) > 16
    }

    fn add_clauses(&mut self, clauses: impl Iterator<Item = u32>) -> Range<u32> {
        let from = self.clauses.len();
        self.clauses.extend(clauses);
        let mut added = self.clauses.split_off(from);
        added.sort_unstable();
        added.dedup();
        self.clauses.append(&mut added);
        from as u32..self.clauses.len() as u32
    }

    fn add_segments(&mut self, starred: &[(&str, u32)]) {
        let mut all: Vec<&[u8]> =
            starred.iter().flat_map(|(pattern, _)| cut(pattern)).chain([&[][..]]).collect();
        all.sort_unstable();
        all.dedup();
        // The segments that the last one begins with, shortest first.
        let mut open: Vec<(u32, &[u8])> = Vec::new();
        self.by_byte = vec![all.len() as u32; 257];
        for (number, segment) in all.iter().enumerate() {
            while open.last().is_some_and(|(_, shorter)| !segment.starts_with(shorter)) {
                open.pop();
            }
            let shorter = open.last().map_or(NONE, |(shorter, _)| *shorter);
            let (from, len) = (self.text.len() as u32, segment.len() as u32);
            self.text.extend_from_slice(segment);
            self.segments.push(Segment { from, len, shorter });
            if let Some(first) = segment.first() {
                open.push((number as u32, segment));
                let bound = self.by_byte.get_mut(usize::from(*first));
                bound.into_iter().for_each(|bound| *bound = (number as u32).min(*bound));
            }
        }
        for byte in (0..256).rev() {
            self.by_byte[byte] = self.by_byte[byte].min(self.by_byte[byte + 1]);
        }
    }

    fn add_starred(&mut self, starred: &[(&str, u32)]) {
        let mut numbers = Vec::new();
        let mut cuts = Vec::with_capacity(starred.len());
        for (pattern, clause) in starred {
            let from = numbers.len();
            let mut own: Vec<u32> = cut(pattern).map(|segment| self.number(segment)).collect();
            let last = own.pop().unwrap_or(EMPTY);
            // Stars side by side are one star.
            let between = own.iter().skip(1).filter(|segment| **segment != EMPTY);
            numbers.extend(own.iter().take(1).chain(between));
            cuts.push((from..numbers.len(), last, *clause));
        }
        let numbers = &numbers;
        let mut cuts: Vec<Cut> =
            cuts.into_iter().map(|(at, last, clause)| (&numbers[at], last, clause)).collect();
        cuts.sort_unstable();
        self.nodes.push(Node { segment: EMPTY, children: 0..0, ends: 0..0 });
        // The patterns of each node, and how many of their segments lead to it.
        let mut spans = vec![(0..cuts.len(), 0)];
        let mut next = 0;
        while let Some((span, depth)) = spans.get(next).cloned() {
            let mut rest = &cuts[span.clone()];
            let ending = rest.partition_point(|(segments, ..)| segments.len() == depth);
            let ends = self.ends.len() as u32;
            for same in rest[..ending].chunk_by(|one, next| one.1 == next.1) {
                let clauses = self.add_clauses(same.iter().map(|(.., clause)| *clause));
                self.ends
                    .extend(same.first().map(|(_, segment, _)| End { segment: *segment, clauses }));
            }
            rest = &rest[ending..];
            let children = self.nodes.len() as u32;
            let mut from = span.start + ending;
            for same in rest.chunk_by(|one, next| one.0.get(depth) == next.0.get(depth)) {
                let segment = same.first().and_then(|(segments, ..)| segments.get(depth));
                let segment = segment.copied().unwrap_or(EMPTY);
                self.nodes.push(Node { segment, children: 0..0, ends: 0..0 });
                spans.push((from..from + same.len(), depth + 1));
                from += same.len();
            }
            self.nodes[next].ends = ends..self.ends.len() as u32;
            self.nodes[next].children = children..self.nodes.len() as u32;
            next += 1;
        }
    }

    /// The number of a segment that is in the set.
    fn number(&self, segment: &[u8]) -> u32 {
        let Some(first) = segment.first().map(|first| usize::from(*first)) else { return EMPTY };
        let from = self.by_byte[first];
        let alike = &self.segments[from as usize..self.by_byte[first + 1] as usize];
        let found = alike.binary_search_by(|one| self.bytes(one).cmp(segment));
        found.map_or(EMPTY, |at| from + at as u32)
    }

    fn bytes(&self, segment: &Segment) -> &[u8] {
        &self.text[segment.from as usize..][..segment.len as usize]
    }

    fn len(&self, segment: u32) -> u32 {
        self.segments[segment as usize].len
    }

    /// The longest segment that a text begins with. The last one that does not sort behind the text
    /// begins with every one that the text begins with.
    fn longest(&self, text: &[u8]) -> u32 {
        let Some(first) = text.first().map(|first| usize::from(*first)) else { return NONE };
        let (from, to) = (self.by_byte[first] as usize, self.by_byte[first + 1] as usize);
        let begun = self.segments[from..to].partition_point(|one| self.bytes(one) <= text);
        let mut segment = match begun {
            0 => return NONE,
            begun => (from + begun - 1) as u32,
        };
        while segment != NONE && !text.starts_with(self.bytes(&self.segments[segment as usize])) {
            segment = self.segments[segment as usize].shorter;
        }
        segment
    }

    /// Calls with the clauses of every pattern that a value matches as a whole; with some of them
    /// more than once.
    pub(in crate::terms) fn matching(
        &self,
        value: &str,
        scratch: &mut Scratch,
        mut clause: impl FnMut(u32),
    ) {
        let mut found = |clauses: &Range<u32>| {
            let clauses = self.clauses.get(clauses.start as usize..clauses.end as usize);
            clauses.into_iter().flatten().for_each(|one| clause(*one));
        };
        if let Ok(at) = self.literals.binary_search_by(|(one, _)| one.as_str().cmp(value)) {
            found(&self.literals[at].1);
        }
        let Some(root) = self.nodes.first() else { return };
        self.find_segments(value.as_bytes(), scratch);
        let (steps, len) = (&mut scratch.steps, value.len() as u32);
        // Before the first star stands what the value begins with.
        let children = &self.nodes[root.children.start as usize..root.children.end as usize];
        let mut segment = self.longest(value.as_bytes());
        loop {
            *steps += 1;
            let at = match segment {
                NONE => EMPTY,
                segment => segment,
            };
            if let Ok(child) = children.binary_search_by_key(&at, |child| child.segment) {
                scratch.stack.push((root.children.start + child as u32, self.len(at)));
            }
            if segment == NONE {
                break;
            }
            segment = self.segments[segment as usize].shorter;
        }
        while let Some((node, used)) = scratch.stack.pop() {
            *steps += 1;
            let Node { children, ends, .. } = &self.nodes[node as usize];
            // Whichever are fewer are gone through: what is asked for, or what is there.
            let ends = &self.ends[ends.start as usize..ends.end as usize];
            if ends.len() <= scratch.endings.len() {
                *steps += ends.len() as u64;
                for end in ends {
                    let is_there = scratch.endings.binary_search(&end.segment).is_ok();
                    if is_there && used + self.len(end.segment) <= len {
                        found(&end.clauses);
                    }
                }
            } else {
                *steps += scratch.endings.len() as u64;
                for segment in scratch.endings.iter().filter(|one| used + self.len(**one) <= len) {
                    if let Ok(at) = ends.binary_search_by_key(segment, |end| end.segment) {
                        found(&ends[at].clauses);
                    }
                }
            }
            let first = children.start;
            let children = &self.nodes[children.start as usize..children.end as usize];
            let mut go = |child: usize, segment: u32, places: &Range<usize>| {
                let places = &scratch.found[places.clone()];
                let next = places.partition_point(|(_, at)| *at < used);
                if let Some((_, at)) = places.get(next) {
                    scratch.stack.push((first + child as u32, at + self.len(segment)));
                }
            };
            if children.len() <= scratch.present.len() {
                *steps += children.len() as u64;
                for (child, node) in children.iter().enumerate() {
                    let present = scratch.at[node.segment as usize];
                    if let Some((segment, places)) = scratch.present.get(present as usize) {
                        go(child, *segment, places);
                    }
                }
            } else {
                *steps += scratch.present.len() as u64;
                for (segment, places) in &scratch.present {
                    if let Ok(child) = children.binary_search_by_key(segment, |node| node.segment) {
                        go(child, *segment, places);
                    }
                }
            }
        }
    }

    /// Finds every segment wherever it stands in a text.
    fn find_segments(&self, text: &[u8], scratch: &mut Scratch) {
        let Scratch { found, present, at, endings, stack, steps } = scratch;
        at.resize(self.segments.len(), NONE);
        present.drain(..).for_each(|(segment, _)| at[segment as usize] = NONE);
        found.clear();
        stack.clear();
        endings.clear();
        endings.push(EMPTY);
        for from in 0..text.len() {
            let mut segment = self.longest(&text[from..]);
            while segment != NONE {
                found.push((segment, from as u32));
                if from + self.len(segment) as usize == text.len() {
                    endings.push(segment);
                }
                segment = self.segments[segment as usize].shorter;
            }
        }
        *steps += (text.len() + found.len()) as u64;
        found.sort_unstable();
        endings.sort_unstable();
        let mut from = 0;
        for same in found.chunk_by(|one, next| one.0 == next.0) {
            if let Some((segment, _)) = same.first() {
                at[*segment as usize] = present.len() as u32;
                present.push((*segment, from..from + same.len()));
                from += same.len();
            }
        }
    }
}

impl Scratch {
    /// How many steps matching has taken, over all values.
    #[cfg(test)]
    pub(in crate::terms) fn steps(&self) -> u64 {
        self.steps
    }
}

/// What stands before, between and behind the stars of a pattern.
fn cut(pattern: &str) -> impl Iterator<Item = &[u8]> {
    pattern.as_bytes().split(|byte| *byte == b'*')
}
