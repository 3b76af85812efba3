//! Two directories read in step.

use std::cmp::Ordering;

use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, Metadata};
use holdfast_format::limits::NODE_LEVEL_MAX;
use holdfast_format::node::Node;

use super::tally::{Side, Tally};
use crate::EngineError;
use crate::look::nodes::misplaced;
use crate::look::root::Folder;

/// What comes next on one side.
#[derive(Debug)]
enum Piece {
    /// A node that is not read yet, and the level that it may have at most.
    Node(BlobId, u8),
    Entry(Box<Entry>),
}

/// A name that differs: what it is on the sides that have it.
#[derive(Debug)]
pub(super) struct Difference {
    pub left: Option<Box<Entry>>,
    pub right: Option<Box<Entry>>,
}

/// What is left of two directories, the next piece last.
#[derive(Debug)]
pub(super) struct Pair {
    left: Vec<Piece>,
    right: Vec<Piece>,
}

/// What to do about the next pieces.
enum Step {
    /// The same node comes next on both sides: nothing in it differs.
    Pass,
    /// Read the next node of these sides.
    Read(&'static [Side]),
    /// Take the entries that come next.
    Take(Ordering),
    End,
}

impl Pair {
    /// Two directories before their first entries; one may be missing.
    pub fn new(left: Option<&Folder>, right: Option<&Folder>) -> Self {
        Self { left: pieces(left), right: pieces(right) }
    }

    /// The next name that differs; `None` at the end.
    pub fn next(&mut self, tally: &mut Tally<'_>) -> Result<Option<Difference>, EngineError> {
        loop {
            match self.step() {
                Step::End => return Ok(None),
                Step::Pass => {
                    self.left.pop();
                    self.right.pop();
                }
                Step::Read(sides) => {
                    for side in sides {
                        self.read(tally, *side)?;
                    }
                }
                Step::Take(order) => {
                    if let Some(difference) = self.take(order) {
                        return Ok(Some(difference));
                    }
                }
            }
        }
    }

    fn step(&self) -> Step {
        use Piece::{Entry, Node};
        const BOTH: &[Side] = &[Side::Left, Side::Right];
        match (self.left.last(), self.right.last()) {
            (None, None) => Step::End,
            (Some(Node(left, _)), Some(Node(right, _))) if left == right => Step::Pass,
            // The higher one first: its parts may be what comes next on the other side.
            (Some(Node(_, left)), Some(Node(_, right))) => match left.cmp(right) {
                Ordering::Greater => Step::Read(&BOTH[..1]),
                Ordering::Less => Step::Read(&BOTH[1..]),
                Ordering::Equal => Step::Read(BOTH),
            },
            (Some(Node(..)), _) => Step::Read(&BOTH[..1]),
            (_, Some(Node(..))) => Step::Read(&BOTH[1..]),
            (Some(Entry(left)), Some(Entry(right))) => Step::Take(left.name.cmp(&right.name)),
            (Some(Entry(_)), None) => Step::Take(Ordering::Less),
            (None, Some(Entry(_))) => Step::Take(Ordering::Greater),
        }
    }

    /// Puts the parts of the next node of a side in its place.
    fn read(&mut self, tally: &mut Tally<'_>, side: Side) -> Result<(), EngineError> {
        let pieces = match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        };
        let Some(Piece::Node(id, level_max)) = pieces.pop() else { return Ok(()) };
        match tally.node(side, &id)? {
            Node::DirectoryLeaf(entries) => {
                pieces.extend(entries.into_iter().rev().map(|entry| Piece::Entry(Box::new(entry))));
            }
            Node::DirectoryBranch(level, children) if level <= level_max => pieces
                .extend(children.into_iter().rev().map(|child| Piece::Node(child.id, level - 1))),
            _ => return Err(misplaced(id).into()),
        }
        Ok(())
    }

    /// Takes the next entry of the left side (less), of the right side (greater), or of both;
    /// `None` if both are equal.
    fn take(&mut self, order: Ordering) -> Option<Difference> {
        let left = if order.is_le() { pop_entry(&mut self.left) } else { None };
        let right = if order.is_ge() { pop_entry(&mut self.right) } else { None };
        (left != right).then_some(Difference { left, right })
    }
}

fn pop_entry(pieces: &mut Vec<Piece>) -> Option<Box<Entry>> {
    match pieces.pop() {
        Some(Piece::Entry(entry)) => Some(entry),
        _ => None,
    }
}

fn pieces(folder: Option<&Folder>) -> Vec<Piece> {
    match folder {
        None => Vec::new(),
        Some(Folder::Tree(root)) => vec![Piece::Node(*root, NODE_LEVEL_MAX)],
        // Directories that stand for sources have no metadata of their own: what they show is the
        // snapshot's time.
        Some(Folder::Sources(entries)) => entries
            .iter()
            .rev()
            .map(|entry| Entry { metadata: Metadata::default(), ..entry.clone() })
            .map(|entry| Piece::Entry(Box::new(entry)))
            .collect(),
    }
}
