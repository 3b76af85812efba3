//! Restoring to a bucket: nothing is overwritten unless that is allowed, and no half-written object
//! is ever visible.
//!
//! The paths are those of the source (docs/decisions/0008-applications.md). Folders exist in paths
//! only. The versions of a key are written in order when their folder is finished, so `versions/`
//! is restored before `objects/`, with the same target. `bucket.json` is not restored here:
//! [`Bucket::configure`] knows which parts of it come before the objects and which after.

mod commit;
mod implementation;
mod judge;
mod layout;
mod options;
mod place;
mod slot;
mod spool;
mod standing;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use tokio::runtime::Handle;

pub use self::options::{BucketTargetOptions, OnRestored, Restored};

use self::commit::PendingVersions;
use self::spool::Spool;
use self::standing::ListedStretch;
use super::BucketError;
use super::attributes::ObjectAttributes;
use super::connection::Bucket;
use super::object::{ListedKey, ObjectRef};
use super::store::{BucketStore, Uploads, Versioning};
use crate::TargetError;

/// A bucket to restore to.
pub struct BucketTarget {
    shared: Arc<BucketTargetShared>,
}

/// What unfinished objects need from their target.
struct BucketTargetShared {
    bucket: Bucket,
    store: Arc<dyn BucketStore>,
    runtime: Handle,
    options: BucketTargetOptions,
    spool: Arc<Spool>,
    /// Queried one at a time: lookups come from one thread, and share a listing.
    standing: Mutex<ListedStretch>,
    /// Versions by key that wait for the others of their key.
    waiting: Mutex<BTreeMap<String, PendingVersions>>,
    /// Hashes of the keys whose versions this target has restored.
    with_versions: Mutex<HashSet<u64>>,
    is_versioned: OnceLock<bool>,
}

impl Bucket {
    /// A target in the bucket.
    ///
    /// # Errors
    /// If there is no room to buffer content.
    pub fn target(&self, options: BucketTargetOptions) -> Result<BucketTarget, BucketError> {
        BucketTarget::new(self, options)
    }
}

impl BucketTarget {
    fn new(bucket: &Bucket, options: BucketTargetOptions) -> Result<Self, BucketError> {
        let spool = Spool::new(&options.spool)
            .map_err(|source| BucketError::Local { action: "create a spool folder", source })?;
        let shared = BucketTargetShared {
            bucket: bucket.clone(),
            store: Arc::clone(bucket.store()),
            runtime: bucket.runtime(),
            options,
            spool: Arc::new(spool),
            standing: Mutex::default(),
            waiting: Mutex::default(),
            with_versions: Mutex::default(),
            is_versioned: OnceLock::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl BucketTargetShared {
    /// The key in the target's bucket for a key in the backup.
    fn key(&self, key: &str) -> String {
        let rest = key.strip_prefix(&self.options.kept_prefix).unwrap_or(key);
        format!("{}{rest}", self.options.prefix)
    }

    /// How large objects are written.
    ///
    /// # Errors
    /// The service writes objects of any size in one piece.
    fn uploads(&self) -> Result<&dyn Uploads, BucketError> {
        let text = "objects of this service are not uploaded in parts";
        self.store.uploads().ok_or_else(|| BucketError::Limit(text.to_owned()))
    }

    fn now(&self) -> jiff::Timestamp {
        self.bucket.now()
    }

    /// What exists at a key of the target's bucket.
    fn standing(&self, key: &str) -> Result<Option<ListedKey>, BucketError> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        self.runtime.block_on(standing.find(&*self.store, key))
    }

    /// What was listed for a key is no longer valid.
    fn changed(&self, key: &str) {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).changed(key);
    }

    /// The attributes to restore from an entry's extended attributes.
    fn attributes(&self, xattrs: &[(Vec<u8>, Vec<u8>)]) -> ObjectAttributes {
        ObjectAttributes::from_xattrs(xattrs, self.store.origin())
    }

    /// Reads a range (first byte and last); the result is shorter at the object's end.
    async fn read_range(
        &self,
        which: ObjectRef<'_>,
        first: u64,
        last: u64,
    ) -> Result<Bytes, BucketError> {
        let mut answer = self.store.get(which, Some((first, last))).await?.into_body();
        match answer.whole((last - first + 1) as usize).await {
            Ok(Some(range)) => Ok(range),
            Ok(None) => {
                let code = "it returned more than requested".to_owned();
                Err(BucketError::Unsupported { action: "read a part of the object", code })
            }
            Err(broken) => Err(self.store.http().broke_off(&broken.cause)),
        }
    }

    fn is_versioned(&self) -> Result<bool, BucketError> {
        if let Some(is_versioned) = self.is_versioned.get() {
            return Ok(*is_versioned);
        }
        let is_versioned = self.bucket.versioning()? == Versioning::Enabled;
        Ok(*self.is_versioned.get_or_init(|| is_versioned))
    }

    fn remember_versions(&self, key: &str) {
        let mut keys = self.with_versions.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(hash(key));
    }

    fn is_restored_with_versions(&self, key: &str) -> bool {
        self.with_versions.lock().unwrap_or_else(PoisonError::into_inner).contains(&hash(key))
    }
}

fn hash(key: &str) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// Makes the error for an action that failed.
fn refused(action: &'static str) -> impl Fn(BucketError) -> TargetError {
    move |error| TargetError::Io { action, source: error.into() }
}
