//! A source that is watched while it is read: the references of checks are compared with what it
//! yields, and contents that rows have hashes of are hashed as they are read.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use holdfast_connect::{Leaf, LeafKind, Source, SourceItem};
use holdfast_format::entry::Metadata;

use super::hashes::Kinds;
use super::reading::HashedOpener;
use super::references::{References, SourceOrder, Thing};
use crate::trail::Trail;

/// The references of all checks that concern one source.
pub type SharedReferences = Arc<Mutex<Vec<References>>>;

/// Turns the path of an entry into the key or path used in rows; `None` for entries that no row can
/// refer to.
pub type NameOf = dyn Fn(&[u8]) -> Option<Vec<u8>> + Send;

/// Forwards everything unchanged.
pub struct PassingSource {
    source: Box<dyn Source>,
    references: SharedReferences,
    name_of: Box<NameOf>,
    trail: Trail,
}

impl PassingSource {
    /// Watches `source` for `references`; `name_of` gets paths with a slash before each name.
    pub fn new(
        source: Box<dyn Source>,
        references: SharedReferences,
        name_of: Box<NameOf>,
    ) -> Self {
        Self { source, references, name_of, trail: Trail::default() }
    }

    /// The next item, and whether its content must be read because a row has a hash of it.
    ///
    /// # Errors
    /// Those of the source.
    pub fn pass(&mut self) -> io::Result<Option<(SourceItem, bool)>> {
        let Some(item) = self.source.next()? else { return Ok(None) };
        self.trail.follow(&item);
        Ok(Some(match item {
            SourceItem::Leaf(leaf) => self.leaf(leaf),
            SourceItem::Unread(trouble) => {
                if let Some(key) = (self.name_of)(&trouble.path) {
                    let mut all = self.references.lock().unwrap_or_else(PoisonError::into_inner);
                    all.iter_mut().for_each(|references| references.is_unreadable(&key));
                }
                (SourceItem::Unread(trouble), false)
            }
            item => (item, false),
        }))
    }

    fn leaf(&mut self, mut leaf: Leaf) -> (SourceItem, bool) {
        let LeafKind::File { size } = leaf.kind else { return (SourceItem::Leaf(leaf), false) };
        let Some(key) = (self.name_of)(&self.trail.of(&leaf.name)) else {
            return (SourceItem::Leaf(leaf), false);
        };
        let kinds = self.compare(&key, size, &leaf);
        if kinds.is_empty() {
            return (SourceItem::Leaf(leaf), false);
        }
        let references = Arc::clone(&self.references);
        leaf.opener = Box::new(HashedOpener { opener: leaf.opener, references, key, kinds });
        (SourceItem::Leaf(leaf), true)
    }

    /// Compares a file with the references; returns the hashes to compute from it.
    fn compare(&self, key: &[u8], size_bytes: u64, leaf: &Leaf) -> Kinds {
        let mut all = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |references: &mut References| {
            let identity = identity(&leaf.metadata, size_bytes, references.order());
            let (etag, identity) = (leaf.opener.etag(), Some(&identity[..]));
            // The identity of an object comes from its store.
            let is_file = references.order() == SourceOrder::Paths;
            let changed = is_file.then_some(leaf.metadata.ctime);
            references.holds(&Thing { key, size_bytes, etag, identity, changed })
        };
        all.iter_mut().map(one).fold(Kinds::default(), Kinds::and)
    }
}

impl Source for PassingSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        Ok(self.pass()?.map(|(item, _)| item))
    }
}

/// A value that changes whenever a content may have changed, from the same signs by which a capture
/// recognizes unchanged files.
pub fn identity(metadata: &Metadata, size_bytes: u64, order: SourceOrder) -> Vec<u8> {
    let mut identity = size_bytes.to_le_bytes().to_vec();
    identity.extend(metadata.inode.to_le_bytes());
    // The ctime of an object says when its attributes were read.
    let times = [Some(metadata.mtime), (order == SourceOrder::Paths).then_some(metadata.ctime)];
    for time in times.into_iter().flatten() {
        identity.extend(time.seconds.to_le_bytes());
        identity.extend(time.nanoseconds.to_le_bytes());
    }
    identity
}
