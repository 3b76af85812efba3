//! Walking trees. A part of a tree that turned out to be whole is not walked again, in whichever snapshot it is met.

use holdfast_format::entry::{Entry, EntryKind};
use holdfast_format::limits::{NODE_LEVEL_MAX, TREE_DEPTH_MAX};
use holdfast_format::node::Node;
use holdfast_format::{BlobId, BlobType, name};
use holdfast_repo::index::{IndexReader, Location};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository};

use crate::{EngineError, Observer};

use super::bitmap::Bitmap;
use super::broken::Broken;

/// Why something in a tree cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A finding that was made before.
    Known(usize),
    /// No pack holds this blob.
    Missing(BlobId),
    /// A pack that was not known to be damaged.
    Unreadable { object: String, reason: String },
    /// A node that says what cannot be.
    Unfit { object: String, reason: String },
}

/// A file, or a directory of which a part is lost (its path then ends in `/`).
#[derive(Debug)]
pub(crate) struct Hurt<'a> {
    pub path: &'a [u8],
    pub cause: Cause,
}

/// Takes what a walk finds.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(Hurt<'_>);

/// What is still to be walked in one node.
enum Item {
    Node(Below),
    Entry(Box<Entry>),
}

/// A node and what its parent says of it.
struct Below {
    id: BlobId,
    level_max: u8,
    /// Last name and number of entries.
    promised: Option<(Vec<u8>, u64)>,
}

/// A node being walked.
struct Open {
    number: u64,
    items: std::vec::IntoIter<Item>,
    /// Length of the path to return to.
    path_bytes: usize,
    /// Directories above.
    depth: usize,
    is_hurt: bool,
}

/// Walks trees of one repository.
pub(crate) struct Walker<'a> {
    reader: BlobReader<'a>,
    index: IndexReader,
    broken: &'a Broken,
    observer: &'a dyn Observer,
    pub(super) clean: Bitmap,
    frames: Bitmap,
    bytes_used: u64,
    nodes: u64,
    files: u64,
}

impl<'a> Walker<'a> {
    /// A walker that has seen nothing; `broken` is what is known to be unreadable.
    pub fn new(
        repository: &'a Repository,
        broken: &'a Broken,
        observer: &'a dyn Observer,
    ) -> Result<Self, RepoError> {
        Ok(Self {
            reader: BlobReader::new(repository),
            index: repository.index().reader(),
            broken,
            observer,
            clean: Bitmap::with_bits(repository.index().numbered_blobs()?),
            frames: Bitmap::default(),
            bytes_used: 0,
            nodes: 0,
            files: 0,
        })
    }

    /// Tree nodes read.
    pub fn nodes(&self) -> u64 {
        self.nodes
    }

    /// Files seen.
    pub fn files(&self) -> u64 {
        self.files
    }

    /// Bytes of frames with a blob that was met.
    pub fn bytes_used(&self) -> u64 {
        self.bytes_used
    }

    /// True if all of the tree below this node was found to be whole.
    pub fn is_whole(&mut self, id: &BlobId) -> Result<bool, RepoError> {
        let place = self.place(id, BlobType::Tree, None)?;
        Ok(place.is_ok_and(|place| self.clean.contains(place.number)))
    }

    /// Walks a tree; true if all of it is whole.
    pub fn walk(&mut self, root: &BlobId, sink: Sink<'_>) -> Result<bool, EngineError> {
        let mut path = Vec::new();
        let mut stack: Vec<Open> = Vec::new();
        let top = Below { id: *root, level_max: NODE_LEVEL_MAX, promised: None };
        let mut is_whole = self.enter(top, 0, 0, &path, &mut stack, sink)?;
        while let Some(open) = stack.last_mut() {
            let depth = open.depth;
            let entered = match open.items.next() {
                Some(Item::Node(below)) => {
                    let path_bytes = path.len();
                    self.enter(below, path_bytes, depth, &path, &mut stack, sink)?
                }
                Some(Item::Entry(entry)) => {
                    let path_bytes = path.len();
                    path.push(b'/');
                    path.extend_from_slice(&entry.name);
                    match entry.kind {
                        EntryKind::Directory(id) => {
                            let below = Below { id, level_max: NODE_LEVEL_MAX, promised: None };
                            let before = stack.len();
                            let entered =
                                self.enter(below, path_bytes, depth + 1, &path, &mut stack, sink)?;
                            if stack.len() == before {
                                path.truncate(path_bytes);
                            }
                            entered
                        }
                        _ => {
                            let entered = self.leaf(&entry, &path, sink)?;
                            path.truncate(path_bytes);
                            entered
                        }
                    }
                }
                None => {
                    let (number, path_bytes, is_hurt) =
                        (open.number, open.path_bytes, open.is_hurt);
                    stack.pop();
                    path.truncate(path_bytes);
                    if !is_hurt {
                        self.clean.insert(number);
                    }
                    !is_hurt
                }
            };
            if !entered {
                is_whole = false;
                stack.iter_mut().rev().take(1).for_each(|open| open.is_hurt = true);
            }
        }
        Ok(is_whole)
    }

    /// Puts a node on the stack unless it is known to be whole; false if it cannot be read.
    fn enter(
        &mut self,
        below: Below,
        path_bytes: usize,
        depth: usize,
        path: &[u8],
        stack: &mut Vec<Open>,
        sink: Sink<'_>,
    ) -> Result<bool, EngineError> {
        let opened = match self.place(&below.id, BlobType::Tree, None)? {
            Ok(place) if self.clean.contains(place.number) => return Ok(true),
            Ok(place) => self.items(&below, depth)?.map(|items| (place.number, items)),
            Err(cause) => Err(cause),
        };
        match opened {
            Ok((number, items)) => {
                let items = items.into_iter();
                stack.push(Open { number, items, path_bytes, depth, is_hurt: false });
                Ok(true)
            }
            Err(cause) => {
                sink(Hurt { path: &[path, b"/"].concat(), cause });
                Ok(false)
            }
        }
    }

    /// What is in a directory node.
    fn items(
        &mut self,
        below: &Below,
        depth: usize,
    ) -> Result<Result<Vec<Item>, Cause>, EngineError> {
        if self.observer.is_interrupted() {
            return Err(EngineError::Interrupted);
        }
        let unfit = |reason: &str| {
            Err(Cause::Unfit { object: below.id.to_hex(), reason: reason.to_owned() })
        };
        if depth > TREE_DEPTH_MAX {
            return Ok(unfit("directories are nested too deep"));
        }
        let node = match self.node(&below.id)? {
            Ok(node) => node,
            Err(cause) => return Ok(Err(cause)),
        };
        let (items, found): (Vec<Item>, (Vec<u8>, u64)) = match node {
            Node::DirectoryLeaf(entries) => {
                let last = entries.last().map(|entry| entry.name.clone()).unwrap_or_default();
                let count = entries.len() as u64;
                let items = entries.into_iter().map(|entry| Item::Entry(Box::new(entry)));
                (items.collect(), (last, count))
            }
            Node::DirectoryBranch(level, children) if level <= below.level_max => {
                let last = children.last().map(|child| child.last_name.clone());
                let count = children.iter().fold(0, |sum: u64, c| sum.saturating_add(c.entries));
                let items = children.into_iter().map(|child| {
                    let promised = Some((child.last_name, child.entries));
                    Item::Node(Below { id: child.id, level_max: level - 1, promised })
                });
                (items.collect(), (last.unwrap_or_default(), count))
            }
            _ => return Ok(unfit("a node's kind does not belong where it is")),
        };
        match &below.promised {
            Some(promised) if *promised != found => {
                Ok(unfit("a node's entries are not those that the node above says"))
            }
            _ => Ok(Ok(items)),
        }
    }

    /// An entry that is no directory; false if its content cannot be read.
    pub fn leaf(&mut self, entry: &Entry, path: &[u8], sink: Sink<'_>) -> Result<bool, EngineError> {
        let EntryKind::File { size, codec, main, second } = &entry.kind else { return Ok(true) };
        self.files += 1;
        let mut is_whole = true;
        let mut take = |cause| {
            is_whole = false;
            sink(Hurt { path, cause });
        };
        let bytes = self.content(main, &mut take)?;
        if let Some(second) = second {
            self.content(second, &mut take)?;
        }
        if *codec == 0 && bytes.is_some_and(|bytes| bytes != *size) {
            let object = format!("entry {}", String::from_utf8_lossy(path).escape_debug());
            let reason = "a file's size is not that of its content".to_owned();
            take(Cause::Unfit { object, reason });
        }
        Ok(is_whole)
    }

    /// Reads a node.
    pub fn node(&mut self, id: &BlobId) -> Result<Result<Node, Cause>, RepoError> {
        self.nodes += 1;
        match self.reader.node(id) {
            Ok(node) => Ok(Ok(node)),
            Err(RepoError::BlobMissing { id }) => Ok(Err(Cause::Missing(id))),
            Err(RepoError::Damaged { object, reason }) => {
                Ok(Err(Cause::Unreadable { object, reason }))
            }
            Err(RepoError::BadNode { id, source }) => {
                Ok(Err(Cause::Unfit { object: id.to_hex(), reason: source.to_string() }))
            }
            Err(error) => Err(error),
        }
    }

    /// Where a blob is, in a pack that is not known to be broken there.
    pub(super) fn place(
        &mut self,
        id: &BlobId,
        blob_type: BlobType,
        bytes: Option<u64>,
    ) -> Result<Result<Location, Cause>, RepoError> {
        let mut cause = Cause::Missing(*id);
        for place in self.index.locations(id)? {
            if place.frame.context.blob_type != blob_type {
                continue;
            }
            if bytes.is_some_and(|bytes| bytes != u64::from(place.bytes)) {
                let object = name::pack(&place.frame.pack);
                let reason = "a blob has another length than the file says".to_owned();
                cause = Cause::Unfit { object, reason };
                continue;
            }
            if let Some(finding) = self.broken.finding(id, &place) {
                cause = Cause::Known(finding);
                continue;
            }
            if self.frames.insert(u64::from(place.frame.number)) {
                self.bytes_used += u64::from(place.frame.sealed_bytes);
            }
            return Ok(Ok(place));
        }
        Ok(Err(cause))
    }
}
