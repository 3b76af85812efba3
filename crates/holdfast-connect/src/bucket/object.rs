//! Objects as every service knows them: how they are listed, requested and written.

use std::sync::Arc;

use holdfast_format::entry::FileTime;

use super::attributes::ObjectAttributes;

/// Which object a request is about.
#[derive(Debug, Clone, Copy)]
pub struct ObjectRef<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its ETag without quotes; empty if the server provides none.
    pub etag: &'a str,
    /// The version to be read.
    pub version: Option<&'a str>,
}

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPosition {
    /// Keys up to this one are skipped.
    pub key: Option<String>,
    /// The server's marker for the position: a continuation token, or the last version listed of
    /// the key.
    pub token: Option<String>,
}

/// What a listing reports about an object or a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedKey {
    /// Key.
    pub key: String,
    /// Identifies the content in requests: the ETag without quotes, for Google the generation; may
    /// be empty.
    pub etag: String,
    /// Size in bytes.
    pub bytes: u64,
    /// When it was written.
    pub modified: FileTime,
    /// Storage class.
    pub storage_class: Option<String>,
    /// Id of the version, in listings of versions.
    pub version: Option<String>,
    /// True if no version is newer.
    pub is_latest: bool,
    /// True if this version records that the object was deleted.
    pub is_delete_marker: bool,
    /// When its attributes were changed, if that was after it was written and leaves no other
    /// trace.
    pub changed: Option<FileTime>,
    /// All of its attributes, if listings of this service include them.
    pub attributes: Option<Arc<ObjectAttributes>>,
}

impl ListedKey {
    /// How requests identify it.
    pub fn which(&self) -> ObjectRef<'_> {
        ObjectRef { key: &self.key, etag: &self.etag, version: self.version.as_deref() }
    }
}

/// A page of a listing.
#[derive(Debug, Clone, Default)]
pub struct ListPage {
    /// Keys ascend; versions of one key are adjacent, the newest first.
    pub objects: Vec<ListedKey>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<ListPosition>,
}

/// Whether tags are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tags {
    /// No.
    LeaveOut,
    /// For objects that have some according to the server, as Amazon reports it.
    WhereTold,
    /// Every object that is read is queried, for servers that do not report whether there are any.
    AskAlways,
}

/// Attributes to request of an object in addition to those that come by themselves.
#[derive(Debug, Clone, Copy)]
pub struct AttributeQuery {
    /// Which tags.
    pub tags: Tags,
    /// True for its access control list.
    pub with_acl: bool,
}

/// Whether an object may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutMode {
    /// Any existing object is replaced.
    Yes,
    /// No object may exist there.
    No,
}

/// What the server reports about an object that was written.
#[derive(Debug, Clone, Default)]
pub struct WrittenObject {
    /// ETag without quotes.
    pub etag: String,
    /// The version that was created.
    pub version: Option<String>,
}
