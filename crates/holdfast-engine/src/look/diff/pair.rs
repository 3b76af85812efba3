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
enum NextPiece {
    /// A node that is not read yet, and its maximum level.
    Node(BlobId, u8),
    Entry(Box<Entry>),
}

/// A name that differs: its entry on each side that has it.
#[derive(Debug)]
pub(super) struct NameDifference {
    pub left: Option<Box<Entry>>,
    pub right: Option<Box<Entry>>,
}

/// The rest of two directories.
#[derive(Debug)]
pub(super) struct RemainingPair {
    left: RestOfDirectory,
    right: RestOfDirectory,
}

/// The rest of a directory.
#[derive(Debug)]
struct RestOfDirectory {
    /// Absent if this side does not have the directory.
    folder: Option<Folder>,
    /// The common prefix of its names, which is not part of them.
    prefix: Vec<u8>,
    /// The next one last.
    pieces: Vec<NextPiece>,
}

/// What to do with the next pieces.
enum PairStep {
    /// The same node comes next on both sides: nothing in it differs.
    Pass,
    /// Read the next node of these sides.
    Read(&'static [Side]),
    /// Take the next entries.
    Take(Ordering),
    End,
}

impl RemainingPair {
    /// Two directories before their first entries; one may be missing.
    pub fn new(left: Option<Folder>, right: Option<Folder>) -> Self {
        Self { left: RestOfDirectory::new(left), right: RestOfDirectory::new(right) }
    }

    /// How a difference of these directories is reported; for an object, its key.
    pub fn shown_name(&self, difference: &NameDifference) -> Vec<u8> {
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
        difference: &NameDifference,
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
    pub fn next(&mut self, tally: &mut Tally<'_>) -> Result<Option<NameDifference>, EngineError> {
        loop {
            match self.step() {
                PairStep::End => return Ok(None),
                PairStep::Pass => {
                    self.left.pieces.pop();
                    self.right.pieces.pop();
                }
                PairStep::Read(sides) => {
                    for side in sides {
                        self.read(tally, *side)?;
                    }
                }
                PairStep::Take(order) => {
                    if let Some(difference) = self.take(order) {
                        return Ok(Some(difference));
                    }
                }
            }
        }
    }

    fn step(&self) -> PairStep {
        use NextPiece::{Entry, Node};
        const BOTH: &[Side] = &[Side::Left, Side::Right];
        let is_same_part = self.left.prefix == self.right.prefix;
        match (self.left.pieces.last(), self.right.pieces.last()) {
            (None, None) => PairStep::End,
            (Some(Node(left, _)), Some(Node(right, _))) if left == right && is_same_part => {
                PairStep::Pass
            }
            // The higher one first: its children may come next on the other side.
            (Some(Node(_, left)), Some(Node(_, right))) => match left.cmp(right) {
                Ordering::Greater => PairStep::Read(&BOTH[..1]),
                Ordering::Less => PairStep::Read(&BOTH[1..]),
                Ordering::Equal => PairStep::Read(BOTH),
            },
            (Some(Node(..)), _) => PairStep::Read(&BOTH[..1]),
            (_, Some(Node(..))) => PairStep::Read(&BOTH[1..]),
            (Some(Entry(left)), Some(Entry(right))) => {
                PairStep::Take(self.left.name(left).cmp(self.right.name(right)))
            }
            (Some(Entry(_)), None) => PairStep::Take(Ordering::Less),
            (None, Some(Entry(_))) => PairStep::Take(Ordering::Greater),
        }
    }

    /// Replaces the next node of a side with its children.
    fn read(&mut self, tally: &mut Tally<'_>, side: Side) -> Result<(), EngineError> {
        let RestOfDirectory { pieces, prefix, .. } = match side {
            Side::Left => &mut self.left,
            Side::Right => &mut self.right,
        };
        let Some(NextPiece::Node(id, level_max)) = pieces.pop() else { return Ok(()) };
        match tally.node(side, &id)? {
            Node::DirectoryLeaf(entries) => {
                let wanted = entries.into_iter().filter(|entry| entry.name.starts_with(prefix));
                pieces.extend(wanted.rev().map(|entry| NextPiece::Entry(Box::new(entry))));
            }
            Node::DirectoryBranch(level, children) if level <= level_max => {
                let wanted = children_within(children, prefix).into_iter().rev();
                pieces.extend(wanted.map(|child| NextPiece::Node(child.id, level - 1)));
            }
            _ => return Err(misplaced(id).into()),
        }
        Ok(())
    }

    /// Takes the next entry of the left side (less), of the right side (greater), or of both;
    /// `None` if both are equal.
    fn take(&mut self, order: Ordering) -> Option<NameDifference> {
        let left = if order.is_le() { pop_entry(&mut self.left.pieces) } else { None };
        let right = if order.is_ge() { pop_entry(&mut self.right.pieces) } else { None };
        let is_same = match (&left, &right) {
            (Some(left), Some(right)) => left.kind == right.kind && left.metadata == right.metadata,
            _ => false,
        };
        (!is_same).then_some(NameDifference { left, right })
    }
}

impl RestOfDirectory {
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

fn pop_entry(pieces: &mut Vec<NextPiece>) -> Option<Box<Entry>> {
    match pieces.pop() {
        Some(NextPiece::Entry(entry)) => Some(entry),
        _ => None,
    }
}

fn pieces(folder: Option<&Folder>) -> Vec<NextPiece> {
    match folder {
        None => Vec::new(),
        // Directories that represent sources have no metadata of their own: they show the
        // snapshot's time.
        Some(Folder::Sources(sources)) => sources
            .iter()
            .rev()
            .map(|entry| Entry { metadata: Metadata::default(), ..entry.clone() })
            .map(|entry| NextPiece::Entry(Box::new(entry)))
            .collect(),
        Some(folder) => {
            folder.tree().map(|root| NextPiece::Node(root, NODE_LEVEL_MAX)).into_iter().collect()
        }
    }
}
