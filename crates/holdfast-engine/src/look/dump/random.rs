//! The bytes of a file at any offset, found in its tree of extents.

use holdfast_format::entry::Content;
use holdfast_format::limits::NODE_LEVEL_MAX;
use holdfast_format::node::{ContentChild, Extent, Node};
use holdfast_format::{BlobId, BlobType};
use holdfast_repo::read::BlobReader;

use crate::EngineError;
use crate::look::nodes::misplaced;

/// A range of extents and where it starts in the file.
type LeafExtents = (u64, Vec<Extent>);

/// Finds bytes of one file by their offset. Each search reads only the nodes on its way; the leaf
/// and the chunk that were needed last are kept, and frames are shared by all readers of the
/// repository.
#[derive(Debug)]
pub(super) struct OffsetReader {
    content: Content,
    leaf: Option<LeafExtents>,
    chunk: Option<(BlobId, Vec<u8>)>,
}

impl OffsetReader {
    pub fn new(content: Content) -> Self {
        Self { content, leaf: None, chunk: None }
    }

    /// Copies bytes from one extent and returns how many; 0 after the last extent, and where an
    /// extent has another length than its chunk.
    pub fn read_some(
        &mut self,
        nodes: &mut BlobReader<'_>,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<usize, EngineError> {
        let Some((start, extent)) = self.extent_at(nodes, offset)? else { return Ok(0) };
        let within = offset - start;
        let count = (extent.bytes() - within).min(buffer.len() as u64) as usize;
        let Extent::Data { id, .. } = extent else {
            buffer[..count].fill(0);
            return Ok(count);
        };
        let chunk = self.chunk(nodes, id)?;
        match chunk.get(within as usize..within as usize + count) {
            Some(bytes) if chunk.len() as u64 == extent.bytes() => {
                buffer[..count].copy_from_slice(bytes);
                Ok(count)
            }
            _ => Ok(0),
        }
    }

    fn chunk(&mut self, nodes: &mut BlobReader<'_>, id: BlobId) -> Result<&[u8], EngineError> {
        let kept = self.chunk.take().filter(|(kept, _)| *kept == id);
        let chunk = match kept {
            Some(chunk) => chunk,
            None => (id, nodes.blob(&id, BlobType::Data)?),
        };
        Ok(&self.chunk.insert(chunk).1)
    }

    /// The extent that holds the byte at `offset`, and where it starts.
    fn extent_at(
        &mut self,
        nodes: &mut BlobReader<'_>,
        offset: u64,
    ) -> Result<Option<(u64, Extent)>, EngineError> {
        let is_kept =
            self.leaf.as_ref().is_some_and(|leaf| leaf.0 <= offset && find(leaf, offset).is_some());
        if !is_kept {
            self.leaf = self.leaf_at(nodes, offset)?;
        }
        Ok(self.leaf.as_ref().and_then(|leaf| find(leaf, offset)))
    }

    fn leaf_at(
        &self,
        nodes: &mut BlobReader<'_>,
        offset: u64,
    ) -> Result<Option<LeafExtents>, EngineError> {
        let root = match &self.content {
            Content::Inline(extents) => return Ok(Some((0, extents.clone()))),
            Content::Root(root) => *root,
        };
        let (mut id, mut start, mut level_max) = (root, 0, NODE_LEVEL_MAX);
        loop {
            match nodes.node(&id)? {
                Node::ContentLeaf(extents) => return Ok(Some((start, extents))),
                Node::ContentBranch(level, children) if level <= level_max => {
                    let lengths = children.iter().map(|child: &ContentChild| child.bytes);
                    let Some((before, place)) = locate(lengths, offset - start) else {
                        return Ok(None);
                    };
                    (id, start, level_max) = (children[place].id, start + before, level - 1);
                }
                _ => return Err(misplaced(id).into()),
            }
        }
    }
}

fn find((start, extents): &LeafExtents, offset: u64) -> Option<(u64, Extent)> {
    let (before, place) = locate(extents.iter().map(Extent::bytes), offset - start)?;
    Some((start + before, extents[place]))
}

/// The part that holds the byte at `offset` of parts with these lengths, after that many bytes.
fn locate(lengths: impl Iterator<Item = u64>, offset: u64) -> Option<(u64, usize)> {
    let mut before = 0u64;
    for (place, bytes) in lengths.enumerate() {
        let after = before.saturating_add(bytes);
        if offset < after {
            return Some((before, place));
        }
        before = after;
    }
    None
}
