//! Long sequences kept in blobs: the entries of a directory, the extents of a file.

mod cursor;
mod writer;

pub use cursor::{DirectoryCursor, content_blobs, extents, extents_of};
pub use writer::{ContentWriter, DirectoryWriter, NodeSink};
