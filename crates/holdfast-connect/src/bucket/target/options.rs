//! How a bucket is restored.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Its key in the bucket that was restored to.
    pub key: String,
    /// The version that was kept, and the one that it is now. Ids of versions cannot be given back:
    /// whoever refers to them needs this map.
    pub version: (Option<String>, Option<String>),
    /// The ETag that was kept, and the one that it has now. They differ where the server makes
    /// ETags in another way, or the parts of an upload are not known.
    pub etag: (Option<String>, Option<String>),
}

/// Is told of every object that was restored, from any thread.
pub type OnRestored = Arc<dyn Fn(&Restored) + Send + Sync>;

/// How a bucket is restored.
#[derive(Clone)]
pub struct BucketTargetOptions {
    /// What kept keys begin with and lose, if `prefix` is to stand in its place.
    pub kept_prefix: String,
    /// What keys get in front of them; usually nothing.
    pub prefix: String,
    /// True to replace objects that are there already and differ. Without, they are left alone and
    /// reported.
    pub overwrite: bool,
    /// True to give objects their storage class.
    pub with_storage_class: bool,
    /// True to ask for the encryption that objects had; its key must exist. Without, the bucket's
    /// own setting decides.
    pub with_encryption: bool,
    /// True to give objects their tags.
    pub with_tags: bool,
    /// True to give objects their access control lists.
    pub with_acl: bool,
    /// True to lock objects that were locked, as long as they were to be; such a lock may be
    /// impossible to undo.
    pub with_lock: bool,
    /// A folder for content that arrives in pieces; a folder is made in it, and removed at the end.
    pub spool: PathBuf,
    /// Is told of every object.
    pub on_restored: Option<OnRestored>,
}

impl BucketTargetOptions {
    /// Everything that can be undone is given back; nothing is overwritten.
    pub fn new(spool: impl Into<PathBuf>) -> Self {
        Self {
            kept_prefix: String::new(),
            prefix: String::new(),
            overwrite: false,
            with_storage_class: true,
            with_encryption: false,
            with_tags: true,
            with_acl: true,
            with_lock: false,
            spool: spool.into(),
            on_restored: None,
        }
    }
}

impl fmt::Debug for BucketTargetOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BucketTargetOptions")
            .field("prefix", &self.prefix)
            .field("overwrite", &self.overwrite)
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}
