//! How a bucket is restored.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// How one object was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Its key in the target bucket.
    pub key: String,
    /// The version in the backup, and the one it is now. Version ids cannot be restored: anything
    /// that refers to them needs this map.
    pub version: (Option<String>, Option<String>),
    /// The ETag in the backup, and the one it has now. They differ if the server computes ETags in
    /// another way, or if the parts of an upload are unknown.
    pub etag: (Option<String>, Option<String>),
}

/// Called for every object that was restored, from any thread.
pub type OnRestored = Arc<dyn Fn(&Restored) + Send + Sync>;

/// How a bucket is restored.
#[derive(Clone)]
pub struct BucketTargetOptions {
    /// The prefix of keys in the backup that `prefix` replaces.
    pub kept_prefix: String,
    /// A prefix for all keys; usually empty.
    pub prefix: String,
    /// True to replace existing objects that differ. Otherwise they are left alone and reported.
    pub overwrite: bool,
    /// True to restore the storage class of objects.
    pub with_storage_class: bool,
    /// True to request the encryption that objects had; its key must exist. Otherwise the bucket's
    /// own setting applies.
    pub with_encryption: bool,
    /// True to restore the tags of objects.
    pub with_tags: bool,
    /// True to restore the access control lists of objects.
    pub with_acl: bool,
    /// True to lock objects that were locked, for as long as intended; such a lock may be
    /// impossible to undo.
    pub with_lock: bool,
    /// A folder to buffer content that arrives in pieces; a subfolder is created in it, and removed
    /// at the end.
    pub spool: PathBuf,
    /// Called for every object.
    pub on_restored: Option<OnRestored>,
}

impl BucketTargetOptions {
    /// Restores everything that can be undone, and overwrites nothing.
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
