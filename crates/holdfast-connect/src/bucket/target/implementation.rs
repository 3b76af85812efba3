//! [`BucketTarget`] as a [`Target`].

use std::io;
use std::sync::Arc;

use holdfast_format::bucket::{OBJECTS_NAME, name_of_key};
use holdfast_format::entry::{Entry, FileTime, Metadata};

use super::super::BucketError;
use super::super::attributes::{Carry, ObjectAttributes};
use super::super::object::{ListPosition, ObjectRef};
use super::commit::Destination;
use super::place::BucketPath;
use super::slot::ObjectSlot;
use super::{BucketTarget, BucketTargetShared, refused};
use crate::{Existing, FileSlot, Replace, Target, TargetError};

const FOLDER: Existing = Existing {
    is_file: false,
    is_directory: true,
    bytes: 0,
    mtime: FileTime { seconds: 0, nanoseconds: 0 },
    identity: None,
};

/// The error for entries that a bucket cannot hold.
fn unsupported<T>(action: &'static str) -> Result<T, TargetError> {
    let source = io::Error::new(io::ErrorKind::Unsupported, "a bucket can only hold objects");
    Err(TargetError::Io { action, source })
}

/// The key of an object's path.
fn object(path: &[u8], action: &'static str) -> Result<String, TargetError> {
    match BucketPath::of(path)? {
        Some(BucketPath::Object(key)) => Ok(key),
        _ => unsupported(action),
    }
}

impl Target for BucketTarget {
    fn existing(&self, path: &[u8]) -> Result<Option<Existing>, TargetError> {
        match BucketPath::of(path)? {
            Some(BucketPath::Folder | BucketPath::VersionsOf(_)) => Ok(Some(FOLDER)),
            Some(BucketPath::Object(key)) => {
                let standing = self.shared.standing(&self.shared.key(&key));
                let standing = standing.map_err(refused("examine the existing object"))?;
                Ok(standing.map(|object| Existing {
                    is_file: true,
                    is_directory: false,
                    bytes: object.bytes,
                    mtime: object.modified,
                    identity: None,
                }))
            }
            Some(BucketPath::Version(..)) | None => Ok(None),
        }
    }

    fn directory(&self, path: &[u8]) -> Result<bool, TargetError> {
        match BucketPath::of(path)? {
            // There may be objects in it.
            Some(BucketPath::Folder) => Ok(false),
            Some(BucketPath::VersionsOf(_)) => match self.shared.is_versioned() {
                Ok(true) => Ok(true),
                Ok(false) => {
                    let text =
                        "the bucket keeps no versions: enable versioning, or restore objects only";
                    let source = io::Error::new(io::ErrorKind::Unsupported, text);
                    Err(TargetError::Io { action: "restore versions", source })
                }
                Err(error) => Err(refused("restore versions")(error)),
            },
            _ => unsupported("create the directory"),
        }
    }

    fn finish_directory(&self, path: &[u8], _: &Metadata) -> Result<(), TargetError> {
        match BucketPath::existing(path)? {
            BucketPath::VersionsOf(key) => self.shared.commit_versions(&key),
            _ => Ok(()),
        }
    }

    fn file(
        &self,
        path: &[u8],
        bytes: u64,
        replace: Replace,
    ) -> Result<Box<dyn FileSlot>, TargetError> {
        self.file_with(path, bytes, &Metadata::default(), replace)
    }

    fn file_with(
        &self,
        path: &[u8],
        bytes: u64,
        metadata: &Metadata,
        _: Replace,
    ) -> Result<Box<dyn FileSlot>, TargetError> {
        let destination = match BucketPath::of(path)? {
            Some(BucketPath::Object(key)) => {
                self.shared.check_free(&key).map_err(refused("write the object"))?;
                Destination::Object(key)
            }
            Some(BucketPath::Version(key, name)) => Destination::Version(key, name),
            // An empty path escapes: it is not a valid name.
            Some(BucketPath::Folder) if path.is_empty() => return Err(TargetError::Escapes),
            _ => return unsupported("write something that is not an object"),
        };
        Ok(Box::new(ObjectSlot::new(&self.shared, destination, bytes, metadata)))
    }

    fn special(&self, path: &[u8], _: &Entry, _: Replace) -> Result<(), TargetError> {
        BucketPath::of(path)?;
        unsupported("create something that is not an object")
    }

    fn hard_link(&self, path: &[u8], original: &[u8], _: Replace) -> Result<(), TargetError> {
        BucketPath::of(path)?;
        BucketPath::of(original)?;
        unsupported("create a hard link")
    }

    fn update_metadata(&self, path: &[u8], metadata: &Metadata) -> Result<(), TargetError> {
        let key = object(path, "update something that is not an object")?;
        let attributes = self.shared.attributes(&metadata.xattrs);
        let update = self.shared.update(&key, &attributes);
        self.shared.runtime.block_on(update).map_err(refused("update the object's metadata"))
    }

    fn is_current(&self, path: &[u8], entry: &Entry) -> Result<Option<bool>, TargetError> {
        match BucketPath::of(path)? {
            Some(BucketPath::Object(key)) => {
                self.shared.judge(&key, entry).map_err(refused("examine the existing object"))
            }
            _ => Ok(Some(false)),
        }
    }

    fn read_at(&self, path: &[u8], offset: u64, buffer: &mut [u8]) -> Result<usize, TargetError> {
        let key = object(path, "read something that is not an object")?;
        let failed = refused("read the object");
        if buffer.is_empty() {
            return Ok(0);
        }
        let key = self.shared.key(&key);
        let which = ObjectRef { key: &key, etag: "", version: None };
        let last = offset.saturating_add(buffer.len() as u64 - 1);
        match self.shared.runtime.block_on(self.shared.read_range(which, offset, last)) {
            Ok(range) => {
                buffer[..range.len()].copy_from_slice(&range);
                Ok(range.len())
            }
            // Past the end of the object.
            Err(BucketError::Changed) => Ok(0),
            Err(error) => Err(failed(error)),
        }
    }

    fn list(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, TargetError> {
        match BucketPath::of(path)? {
            Some(BucketPath::Folder) if path == OBJECTS_NAME.as_bytes() => self
                .shared
                .runtime
                .block_on(self.shared.names())
                .map_err(refused("list the bucket")),
            Some(BucketPath::Folder) if path.is_empty() => Ok(vec![OBJECTS_NAME.into()]),
            Some(BucketPath::Folder | BucketPath::VersionsOf(_)) => Ok(Vec::new()),
            _ => unsupported("list something that is not a folder"),
        }
    }

    fn remove(&self, path: &[u8]) -> Result<(), TargetError> {
        match BucketPath::of(path)? {
            Some(BucketPath::Object(key)) => {
                let key = self.shared.key(&key);
                let deleted = self.shared.runtime.block_on(self.shared.store.delete(&key));
                self.shared.changed(&key);
                deleted.map(drop).map_err(refused("delete the object"))
            }
            Some(BucketPath::Folder) if path.is_empty() => Err(TargetError::Escapes),
            Some(BucketPath::Folder) => unsupported("remove all objects"),
            _ => Ok(()),
        }
    }

    /// What a bucket has accepted is durable.
    fn sync(&self) -> Result<(), TargetError> {
        Ok(())
    }
}

impl BucketTargetShared {
    /// Fails if an existing object may not be replaced, before anything is sent.
    fn check_free(self: &Arc<Self>, key: &str) -> Result<(), BucketError> {
        if self.options.overwrite || self.is_restored_with_versions(key) {
            return Ok(());
        }
        match self.standing(&self.key(key))? {
            Some(_) => Err(BucketError::Exists),
            None => Ok(()),
        }
    }

    /// Names of the entries of all objects.
    async fn names(&self) -> Result<Vec<Vec<u8>>, BucketError> {
        let (mut names, mut after) = (Vec::new(), ListPosition::default());
        loop {
            let page = self.store.list(&self.options.prefix, &after, 1000).await?;
            let (kept, prefix) = (&self.options.kept_prefix, &self.options.prefix);
            let rests = page.objects.iter().filter_map(|it| it.key.strip_prefix(prefix));
            names.extend(rests.filter_map(|rest| name_of_key(&format!("{kept}{rest}"))));
            match page.next {
                Some(next) => after = next,
                None => return Ok(names),
            }
        }
    }

    /// Sets the remaining attributes on an object that has the right content.
    async fn update(&self, key: &str, wanted: &ObjectAttributes) -> Result<(), BucketError> {
        if !self.options.overwrite {
            return Ok(());
        }
        let key = self.key(key);
        let carry = Carry { lock: false, ..self.carry(wanted) };
        if self.store.update(&key, wanted, carry).await? {
            self.changed(&key);
        }
        self.give_acl(&key, wanted).await
    }
}
