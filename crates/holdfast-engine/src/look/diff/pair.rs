//! Two directories read in step.

use std::cmp::Ordering;

use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, Metadata};
use holdfast_format::limits::NODE_LEVEL_MAX;
use holdfast_format::node::Node;

use super::tally::{Side, Tally};
use crate::EngineError;
use crate::look::nodes::{children_within, misplaced};
use crate::look::root::Folder;
use crate::look::walk::check_depth;

/// The next piece of one side.
#[derive(Debug)]
enum Piece {
    /// A node that is not read yet, and its maximum level.
    Node(BlobId, u8),
    Entry(Box<Entry>),
}

/// A name that differs: its entry on each side that has it.
#[derive(Debug)]
pub(super) struct Difference {
    pub left: Option<Box<Entry>>,
    pub right: Option<Box<Entry>>,
}

/// The rest of two directories.
#[derive(Debug)]
pub(super) struct Pair {
    left: Rest,
    right: Rest,
}

/// The rest of a directory.
#[derive(Debug)]
struct Rest {
    /// Absent if this side does not have the directory.
    folder: Option<Folder>,
    /// The common prefix of its names, which is not part of them.
    prefix: Vec<u8>,
    /// The next one last.
    pieces: Vec<Piece>,
}

/// What to do with the next pieces.
enum Step {
    /// The same node comes next on both sides: nothing in it differs.
    Pass,
    /// Read the next node of these sides.
    Read(&'static [Side]),
    /// Take the next entries.
    Take(Ordering),
    End,
}

impl Pair {
    /// Two directories before their first entries; one may be missing.
    pub fn new(left: Option<Folder>, right: Option<Folder>) -> Self {
        Self { left: Rest::new(left), right: Rest::new(right) }
    }

    /// How a difference of these directories is reported; for an object, its key.
    pub fn shown_name(&self, difference: &Difference) -> Vec<u8> {
        let (entry, rest) = match (&difference.left, &difference.right) {
            (_, Some(entry)) => (entry, &self.right),
            (Some(entry), None) => (entry, &self.left),
            (None, None) => return Vec::new(),
        };
        match &rest.folder {
            Some(Folder::Keys(keys)) => keys.shown(&entry.name),
            _ => entry.name.clone(),
        }
    }

    /// What is to be compared below a difference, `depth` directories below the root of its tree.
    ///
    /// # Errors
    /// Only if that is too deep.
    pub fn below(
        &self,
        difference: &Difference,
        depth: usize,
    ) -> Result<Option<Self>, EngineError> {
        let left = self.left.child(difference.left.as_deref());
        let right = self.right.child(difference.right.as_deref());
        let roots = [&left, &right].map(|side| side.as_ref().and_then(Folder::tree));
        if roots[0] == roots[1] {
            return Ok(None);
        }
        roots.iter().flatten().try_for_each(|root| check_depth(depth, root))?;
        Ok(Some(Self::new(left, right)))
    }

    /// The next name that differs; `None` at the end.
    pub fn next(&mut self, tally: &mut Tally<'_>) -> Result<Option<Difference>, EngineError> {
        loop {
            match self.step() {
                Step::End => return Ok(None),
                Step::Pass => {
                    self.left.pieces.pop();
                    self.right.pieces.pop();
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
        let is_same_part = self.left.prefix == self.right.prefix;
        match (self.left.pieces.last(), self.right.pieces.last()) {
            (None, None) => Step::End,
            (Some(Node(left, _)), Some(Node(right, _))) if left == right && is_same_part => {
                Step::Pass
            }
            // The higher one first: its children may come next on the other side.
            (Some(Node(_, left)), Some(Node(_, right))) => match left.cmp(right) {
                Ordering::Greater => Step::Read(&BOTH[..1]),
                Ordering::Less => Step::Read(&BOTH[1..]),
                Ordering::Equal => Step::Read(BOTH),
            },
            (Some(Node(..)), _) => Step::Read(&BOTH[..1]),
            (_, Some(Node(..))) => Step::Read(&BOTH[1..]),
            (Some(Entry(left)), Some(Entry(right))) => {
                Step::Take(self.left.name(left).cmp(self.right.name(right)))
            }
            (Some(Entry(_)), None) => Step::Take(Ordering::Less),
            (None, Some(Entry(_))) => Step::Take(Ordering::Greater),
        }
    }

    /// Replaces the next node of a side with its children.
    fn read(&mut self, tally: &mut Tally<'_>, side: Side) -> Result<(), EngineError> {
        let Rest { pieces, prefix, .. } = match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        };
        let Some(Piece::Node(id, level_max)) = pieces.pop() else { return Ok(()) };
        match tally.node(side, &id)? {
            Node::DirectoryLeaf(entries) => {
                let wanted = entries.into_iter().filter(|entry| entry.name.starts_with(prefix));
                pieces.extend(wanted.rev().map(|entry| Piece::Entry(Box::new(entry))));
            }
            Node::DirectoryBranch(level, children) if level <= level_max => {
                let wanted = children_within(children, prefix).into_iter().rev();
                pieces.extend(wanted.map(|child| Piece::Node(child.id, level - 1)));
            }
            _ => return Err(misplaced(id).into()),
        }
        Ok(())
    }

    /// Takes the next entry of the left side (less), of the right side (greater), or of both;
    /// `None` if both are equal.
    fn take(&mut self, order: Ordering) -> Option<Difference> {
        let left = if order.is_le() { pop_entry(&mut self.left.pieces) } else { None };
        let right = if order.is_ge() { pop_entry(&mut self.right.pieces) } else { None };
        let is_same = match (&left, &right) {
            (Some(left), Some(right)) => left.kind == right.kind && left.metadata == right.metadata,
            _ => false,
        };
        (!is_same).then_some(Difference { left, right })
    }
}

impl Rest {
    fn new(folder: Option<Folder>) -> Self {
        let prefix = match &folder {
            Some(Folder::Keys(keys)) => keys.stored_prefix(),
            _ => Vec::new(),
        };
        let pieces = pieces(folder.as_ref());
        Self { folder, prefix, pieces }
    }

    /// The name of an entry in this directory.
    fn name<'a>(&self, entry: &'a Entry) -> &'a [u8] {
        entry.name.get(self.prefix.len()..).unwrap_or_default()
    }

    fn child(&self, entry: Option<&Entry>) -> Option<Folder> {
        self.folder.as_ref()?.child(entry?)
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
        // Directories that represent sources have no metadata of their own: they show the
        // snapshot's time.
        Some(Folder::Sources(sources)) => sources
            .iter()
            .rev()
            .map(|entry| Entry { metadata: Metadata::default(), ..entry.clone() })
            .map(|entry| Piece::Entry(Box::new(entry)))
            .collect(),
        Some(folder) => {
            folder.tree().map(|root| Piece::Node(root, NODE_LEVEL_MAX)).into_iter().collect()
        }
    }
}
