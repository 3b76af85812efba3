//! A damaged tree without the parts that cannot be read.

use std::collections::VecDeque;

use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_format::limits::NODE_LEVEL_MAX;
use holdfast_format::node::Node;
use holdfast_repo::tree::DirectoryWriter;
use holdfast_repo::write::BlobWriter;

use crate::EngineError;
use crate::check::{Hurt, TreeChecker};
use crate::look::check_depth;

/// A directory being rewritten.
struct RewrittenFolder {
    writer: DirectoryWriter,
    /// Nodes still to be read, the next one last, each with its maximum level.
    nodes: Vec<(BlobId, u8)>,
    entries: VecDeque<Entry>,
    /// Number of entries written.
    kept: u64,
    /// Its entry in the parent directory, and the length of that one's path; `None` for the root.
    place: Option<(Entry, usize)>,
}

impl RewrittenFolder {
    fn open(root: BlobId, place: Option<(Entry, usize)>) -> Self {
        let (writer, entries) = (DirectoryWriter::new(), VecDeque::new());
        Self { writer, nodes: vec![(root, NODE_LEVEL_MAX)], entries, kept: 0, place }
    }
}

/// Rewrites what can be read of a tree and returns its root; `None` if that is nothing. Subtrees
/// that the walker found intact are kept unchanged. Lost files and directories are added to
/// `left_out`.
pub(super) fn mend(
    walker: &mut TreeChecker<'_>,
    blobs: &mut BlobWriter<'_>,
    root: BlobId,
    left_out: &mut Vec<Vec<u8>>,
) -> Result<Option<BlobId>, EngineError> {
    let mut path = Vec::new();
    let mut above = Vec::new();
    let mut folder = RewrittenFolder::open(root, None);
    loop {
        let Some(entry) = next(walker, &mut folder, &path, left_out)? else {
            let id = folder.writer.finish(blobs)?;
            let (Some((mut entry, path_bytes)), Some(parent)) = (folder.place, above.pop()) else {
                return Ok((folder.kept > 0).then_some(id));
            };
            folder = parent;
            entry.kind = EntryKind::Directory(id);
            folder.writer.push(blobs, &entry)?;
            folder.kept += 1;
            path.truncate(path_bytes);
            continue;
        };
        let path_bytes = path.len();
        path.push(b'/');
        path.extend_from_slice(&entry.name);
        match entry.kind {
            // Readers go no deeper: it is lost anyway.
            EntryKind::Directory(id) if check_depth(above.len() + 1, &id).is_err() => {
                left_out.push([&path, &b"/"[..]].concat());
            }
            EntryKind::Directory(id) if !walker.is_whole(&id)? => {
                let below = RewrittenFolder::open(id, Some((entry, path_bytes)));
                above.push(std::mem::replace(&mut folder, below));
                continue;
            }
            _ => {
                if walker.leaf(&entry, &path, &mut |_: Hurt<'_>| {})? {
                    folder.writer.push(blobs, &entry)?;
                    folder.kept += 1;
                } else {
                    left_out.push(path.clone());
                }
            }
        }
        path.truncate(path_bytes);
    }
}

/// The next entry of a directory; unreadable nodes are skipped.
fn next(
    walker: &mut TreeChecker<'_>,
    folder: &mut RewrittenFolder,
    path: &[u8],
    left_out: &mut Vec<Vec<u8>>,
) -> Result<Option<Entry>, EngineError> {
    while folder.entries.is_empty() {
        let Some((id, level_max)) = folder.nodes.pop() else { return Ok(None) };
        match walker.node(&id)? {
            Ok(Node::DirectoryLeaf(entries)) => folder.entries = entries.into(),
            Ok(Node::DirectoryBranch(level, children)) if level <= level_max => {
                folder.nodes.extend(children.iter().rev().map(|child| (child.id, level - 1)));
            }
            _ => left_out.push([path, b"/"].concat()),
        }
    }
    Ok(folder.entries.pop_front())
}
