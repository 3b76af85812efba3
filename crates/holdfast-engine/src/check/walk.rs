//! Walking trees. A part of a tree that proved intact is not walked again, in any snapshot.

use holdfast_format::entry::{Entry, EntryKind};
use holdfast_format::limits::TREE_DEPTH_MAX;
use holdfast_format::node::Node;
use holdfast_format::{BlobId, BlobType, name};
use holdfast_repo::index::BlobLocation;
use holdfast_repo::read::{BlobReader, LocationLookup};
use holdfast_repo::{RepoError, Repository};

use crate::bitmap::Bitmap;
use crate::{EngineError, Observer};

use super::broken::UnreadableParts;
use super::items::{DirectoryItem, DirectoryNode, items_of};

/// Why something in a tree cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A finding that was made earlier.
    Known(usize),
    /// No pack holds this blob.
    Missing(BlobId),
    /// A pack that was not known to be damaged.
    Unreadable { object: String, reason: String },
    /// A node with impossible contents.
    Unfit { object: String, reason: String },
}

/// A file, or a directory that is partly lost (its path then ends in `/`).
#[derive(Debug)]
pub(crate) struct Hurt<'a> {
    pub path: &'a [u8],
    pub cause: Cause,
}

/// Receives what a walk finds.
pub(crate) type HurtSink<'s> = &'s mut dyn FnMut(Hurt<'_>);

/// A node being walked.
struct OpenNode {
    number: u64,
    items: std::vec::IntoIter<DirectoryItem>,
    /// Length of the path to return to.
    path_bytes: usize,
    /// Directories above.
    depth: usize,
    is_hurt: bool,
}

/// Walks trees of one repository.
pub(crate) struct TreeChecker<'a> {
    reader: BlobReader<'a>,
    places: LocationLookup<'a>,
    broken: &'a UnreadableParts,
    observer: &'a dyn Observer,
    pub(super) clean: Bitmap,
    frames: Bitmap,
    bytes_used: u64,
    nodes: u64,
    files: u64,
}

impl<'a> TreeChecker<'a> {
    /// A walker that has seen nothing; `broken` is what is known to be unreadable.
    pub fn new(
        repository: &'a Repository,
        broken: &'a UnreadableParts,
        observer: &'a dyn Observer,
    ) -> Result<Self, RepoError> {
        Ok(Self {
            reader: BlobReader::new(repository),
            places: LocationLookup::new(repository),
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

    /// Total size of the frames of blobs seen.
    pub fn bytes_used(&self) -> u64 {
        self.bytes_used
    }

    /// True if everything below this node was found intact.
    pub fn is_whole(&mut self, id: &BlobId) -> Result<bool, RepoError> {
        let place = self.place(id, BlobType::Tree, None)?;
        Ok(place.is_ok_and(|place| self.clean.contains(place.number)))
    }

    /// Walks a tree; true if all of it is intact.
    pub fn walk(&mut self, root: &BlobId, sink: HurtSink<'_>) -> Result<bool, EngineError> {
        let mut path = Vec::new();
        let mut stack: Vec<OpenNode> = Vec::new();
        let mut is_whole = self.enter(DirectoryNode::root(*root), 0, 0, &path, &mut stack, sink)?;
        while !stack.is_empty() {
            if !self.step(&mut path, &mut stack, sink)? {
                is_whole = false;
                if let Some(open) = stack.last_mut() {
                    open.is_hurt = true;
                }
            }
        }
        Ok(is_whole)
    }

    /// Takes one item from the node on top of the stack, or pops the node; false if something is
    /// lost there.
    fn step(
        &mut self,
        path: &mut Vec<u8>,
        stack: &mut Vec<OpenNode>,
        sink: HurtSink<'_>,
    ) -> Result<bool, EngineError> {
        let Some(open) = stack.last_mut() else { return Ok(true) };
        let (depth, path_bytes) = (open.depth, path.len());
        match open.items.next() {
            None => Ok(self.close(path, stack)),
            Some(DirectoryItem::Node(below)) => {
                self.enter(below, path_bytes, depth, path, stack, sink)
            }
            Some(DirectoryItem::Entry(entry)) => {
                path.push(b'/');
                path.extend_from_slice(&entry.name);
                let nodes = stack.len();
                let is_whole = match entry.kind {
                    EntryKind::Directory(id) => {
                        let below = DirectoryNode::root(id);
                        self.enter(below, path_bytes, depth + 1, path, stack, sink)?
                    }
                    _ => self.leaf(&entry, path, sink)?,
                };
                if stack.len() == nodes {
                    path.truncate(path_bytes);
                }
                Ok(is_whole)
            }
        }
    }

    /// Pops the top node after all of it was walked; false if something below it is lost.
    fn close(&mut self, path: &mut Vec<u8>, stack: &mut Vec<OpenNode>) -> bool {
        let Some(done) = stack.pop() else { return true };
        path.truncate(done.path_bytes);
        if !done.is_hurt {
            self.clean.insert(done.number);
        }
        !done.is_hurt
    }

    /// Pushes a node onto the stack unless it is known to be intact; false if it cannot be read.
    fn enter(
        &mut self,
        below: DirectoryNode,
        path_bytes: usize,
        depth: usize,
        path: &[u8],
        stack: &mut Vec<OpenNode>,
        sink: HurtSink<'_>,
    ) -> Result<bool, EngineError> {
        let opened = match self.place(&below.id, BlobType::Tree, None)? {
            Ok(place) if self.clean.contains(place.number) => return Ok(true),
            Ok(place) => self.items(&below, depth)?.map(|items| (place.number, items)),
            Err(cause) => Err(cause),
        };
        match opened {
            Ok((number, items)) => {
                let items = items.into_iter();
                stack.push(OpenNode { number, items, path_bytes, depth, is_hurt: false });
                Ok(true)
            }
            Err(cause) => {
                sink(Hurt { path: &[path, b"/"].concat(), cause });
                Ok(false)
            }
        }
    }

    /// The items of a directory node.
    fn items(
        &mut self,
        below: &DirectoryNode,
        depth: usize,
    ) -> Result<Result<Vec<DirectoryItem>, Cause>, EngineError> {
        if self.observer.is_interrupted() {
            return Err(EngineError::Interrupted);
        }
        let items = match self.node(&below.id)? {
            Ok(_) if depth > TREE_DEPTH_MAX => Err("directories are nested too deep"),
            Ok(node) => items_of(node, below),
            Err(cause) => return Ok(Err(cause)),
        };
        let unfit = |reason: &str| Cause::Unfit {
            object: format!("node {}", below.id),
            reason: reason.to_owned(),
        };
        Ok(items.map_err(unfit))
    }

    /// An entry that is not a directory; false if its content cannot be read.
    pub fn leaf(
        &mut self,
        entry: &Entry,
        path: &[u8],
        sink: HurtSink<'_>,
    ) -> Result<bool, EngineError> {
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
            let reason = "a file's size differs from that of its content".to_owned();
            take(Cause::Unfit { object, reason });
        }
        Ok(is_whole)
    }

    /// Reads a node.
    pub fn node(&mut self, id: &BlobId) -> Result<Result<Node, Cause>, RepoError> {
        self.nodes += 1;
        match self.reader.node(id) {
            Ok(node) => Ok(Ok(node)),
            Err(RepoError::BlobMissing { .. } | RepoError::Overtaken) => {
                Ok(Err(Cause::Missing(*id)))
            }
            Err(RepoError::Damaged { object, reason }) => {
                Ok(Err(Cause::Unreadable { object, reason }))
            }
            Err(RepoError::BadNode { id, source }) => {
                Ok(Err(Cause::Unfit { object: format!("node {id}"), reason: source.to_string() }))
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
    ) -> Result<Result<BlobLocation, Cause>, RepoError> {
        let places = match self.places.of(id, blob_type) {
            Ok(places) => places,
            Err(RepoError::BlobMissing { .. } | RepoError::Overtaken) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut cause = Cause::Missing(*id);
        for place in places {
            if bytes.is_some_and(|bytes| bytes != u64::from(place.bytes)) {
                let object = name::pack(&place.frame.pack);
                let reason = "a blob's length differs from what the file says".to_owned();
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
