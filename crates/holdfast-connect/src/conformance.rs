//! The rules that every [`Source`] must follow, as checks for the tests of sources.

use std::collections::BTreeSet;
use std::io;

use holdfast_format::entry::is_valid_name;

use crate::{Source, SourceItem};

/// A rule of the stream that a source broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A name that is not valid for an entry.
    #[error("the name {0:?} is not valid")]
    Name(Vec<u8>),
    /// A name that does not sort after the previous one in its directory.
    #[error("{after:?} comes after {before:?}")]
    Order {
        /// The name that came first.
        before: Vec<u8>,
        /// The name that should have come earlier, or only once.
        after: Vec<u8>,
    },
    /// More directories end than begin.
    #[error("a directory ends that did not begin")]
    Leave,
    /// Directories that begin and never end.
    #[error("{0} directories never end")]
    Open(usize),
    /// Metadata that cannot be stored.
    #[error("the metadata of {0:?} cannot be stored")]
    Metadata(Vec<u8>),
    /// An item without a path.
    #[error("an unreadable or excluded entry has no path")]
    Path,
}

/// Reads a source to its end.
///
/// # Errors
/// Errors of the source.
pub fn drain(source: &mut dyn Source) -> io::Result<Vec<SourceItem>> {
    let mut items = Vec::new();
    while let Some(item) = source.next()? {
        items.push(item);
    }
    Ok(items)
}

/// Names met so far in an open directory.
enum NamesInDirectory {
    /// Sorted: the last one.
    Last(Vec<u8>),
    /// In any order: all.
    All(BTreeSet<Vec<u8>>),
}

/// Checks the whole stream of a source: names are valid and strictly ascending in each directory
/// (or unique, where the directory says that it is not sorted), every directory ends, and all
/// metadata can be stored.
///
/// # Errors
/// The first [`Violation`].
pub fn check_source<'a>(items: impl IntoIterator<Item = &'a SourceItem>) -> Result<(), Violation> {
    // The root is never left.
    let mut open: Vec<NamesInDirectory> = vec![NamesInDirectory::Last(Vec::new())];
    for item in items {
        match item {
            SourceItem::Enter { name, metadata, is_sorted, .. } => {
                check_entry(&mut open, name, metadata)?;
                open.push(match is_sorted {
                    true => NamesInDirectory::Last(Vec::new()),
                    false => NamesInDirectory::All(BTreeSet::new()),
                });
            }
            SourceItem::Leaf(leaf) => check_entry(&mut open, &leaf.name, &leaf.metadata)?,
            SourceItem::Leave if open.len() == 1 => return Err(Violation::Leave),
            SourceItem::Leave => drop(open.pop()),
            SourceItem::Unread(unread) if unread.path.is_empty() => return Err(Violation::Path),
            SourceItem::Excluded { path } | SourceItem::Own { path } if path.is_empty() => {
                return Err(Violation::Path);
            }
            SourceItem::Unread(_) | SourceItem::Excluded { .. } | SourceItem::Own { .. } => {}
        }
    }
    if open.len() == 1 { Ok(()) } else { Err(Violation::Open(open.len() - 1)) }
}

fn check_entry(
    open: &mut [NamesInDirectory],
    name: &[u8],
    metadata: &holdfast_format::entry::Metadata,
) -> Result<(), Violation> {
    if !is_valid_name(name) {
        return Err(Violation::Name(name.to_vec()));
    }
    let before = match open.last_mut() {
        Some(NamesInDirectory::Last(last)) if name <= last.as_slice() => Some(last.clone()),
        Some(NamesInDirectory::Last(last)) => {
            *last = name.to_vec();
            None
        }
        Some(NamesInDirectory::All(names)) => (!names.insert(name.to_vec())).then(|| name.to_vec()),
        None => None,
    };
    if let Some(before) = before {
        return Err(Violation::Order { before, after: name.to_vec() });
    }
    let times = [Some(metadata.mtime), Some(metadata.ctime), metadata.atime];
    let is_storable = metadata.mode <= 0o7777
        && metadata.xattrs.is_empty()
        && times.into_iter().flatten().all(|time| time.nanoseconds < 1_000_000_000);
    if is_storable { Ok(()) } else { Err(Violation::Metadata(name.to_vec())) }
}
