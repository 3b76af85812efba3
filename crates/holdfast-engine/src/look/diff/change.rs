//! How a difference of two entries is reported.

use std::mem::discriminant;

use holdfast_format::entry::{Entry, EntryKind, Metadata};

/// A path that differs.
#[derive(Debug)]
pub struct PathChange<'a> {
    /// Path below the compared roots; directories end with a slash.
    pub path: &'a [u8],
    /// As restic writes it: `+` added, `-` removed, `T` type, `M` content, `U` metadata only (`TU`
    /// type and metadata). `M?`: the content changed and nothing else did, not even times, which
    /// looks like silent corruption of the source.
    pub modifier: &'static str,
    /// The old entry.
    pub left: Option<&'a Entry>,
    /// The new entry.
    pub right: Option<&'a Entry>,
}

/// The modifier of a difference; `None` if it is not to be reported.
pub(super) fn modifier(
    left: Option<&Entry>,
    right: Option<&Entry>,
    tell_metadata: bool,
) -> Option<&'static str> {
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (None, Some(_)) => return Some("+"),
        (Some(_), None) => return Some("-"),
        (None, None) => return None,
    };
    let is_metadata_told = tell_metadata && left.metadata != right.metadata;
    if discriminant(&left.kind) != discriminant(&right.kind) {
        return Some(if is_metadata_told { "TU" } else { "T" });
    }
    let is_directory = matches!(left.kind, EntryKind::Directory(_));
    if left.kind != right.kind && !is_directory {
        return Some(if is_suspicious(left, right) { "M?" } else { "M" });
    }
    is_metadata_told.then_some("U")
}

/// True if a file's content changed although size, times and everything else did not.
fn is_suspicious(left: &Entry, right: &Entry) -> bool {
    let is_same_size = match (&left.kind, &right.kind) {
        (EntryKind::File { size: left, .. }, EntryKind::File { size: right, .. }) => left == right,
        _ => false,
    };
    // A file that changed while being read explains the difference.
    let without_mark = |metadata: &Metadata| Metadata { changed: false, ..metadata.clone() };
    is_same_size
        && !left.metadata.changed
        && without_mark(&left.metadata) == without_mark(&right.metadata)
}
