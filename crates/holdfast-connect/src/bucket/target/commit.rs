//! Creating objects from what was gathered: content, metadata, tags, ACL and locks.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use super::super::BucketError;
use super::super::attributes::{Carry, ObjectAttributes};
use super::super::http::payload::Payload;
use super::super::object::{ObjectRef, PutMode, WrittenObject};
use super::super::store::{Upload, UploadedPart};
use super::{BucketTargetShared, Restored, refused};
use crate::TargetError;

/// Where an object goes.
#[derive(Debug, Clone)]
pub enum Destination {
    /// At a key.
    Object(String),
    /// At a key, as one of several versions; with the name of its entry.
    Version(String, Vec<u8>),
}

impl Destination {
    /// The key at the time of the backup.
    pub fn key(&self) -> &str {
        match self {
            Self::Object(key) | Self::Version(key, _) => key,
        }
    }
}

/// The entire content of an object.
#[derive(Debug)]
pub enum ObjectBody {
    /// To be written in one piece.
    Single(Payload),
    /// Already uploaded.
    Parts(Arc<Upload>, Vec<UploadedPart>),
}

/// An object that only has to be committed.
#[derive(Debug)]
pub struct Ready {
    pub body: ObjectBody,
    pub attributes: ObjectAttributes,
}

/// The versions of one key by the names of their entries.
pub type PendingVersions = BTreeMap<Vec<u8>, Ready>;

impl BucketTargetShared {
    /// The attributes set on objects besides their content, as far as the options allow.
    pub fn carry(&self, attributes: &ObjectAttributes) -> Carry {
        let options = &self.options;
        Carry {
            storage_class: options.with_storage_class,
            encryption: options.with_encryption,
            lock: options.with_lock && self.is_lock_in_force(attributes),
            tags: options.with_tags,
        }
    }

    /// An expired lock cannot be restored, and need not be.
    fn is_lock_in_force(&self, attributes: &ObjectAttributes) -> bool {
        let until = attributes.text("lock-until").and_then(|until| until.parse().ok());
        let is_held = attributes.text("legal-hold") == Some("ON");
        until.is_some_and(|until: jiff::Timestamp| until > self.now()) || is_held
    }

    /// Creates the object gathered for a key.
    pub fn commit_object(&self, key: &str, ready: Ready) -> Result<(), TargetError> {
        let is_ours = self.is_restored_with_versions(key);
        let replace = if self.options.overwrite || is_ours { PutMode::Yes } else { PutMode::No };
        self.runtime.block_on(self.commit(key, ready, replace))
    }

    /// Keeps a version until all versions of its key have arrived: they must be written in order.
    pub fn keep_version(&self, key: &str, name: &[u8], ready: Ready) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(key.to_owned()).or_default().insert(name.to_vec(), ready);
    }

    /// Writes the versions of a key in order, the oldest first.
    pub fn commit_versions(&self, key: &str) -> Result<(), TargetError> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        let mut replace = if self.options.overwrite { PutMode::Yes } else { PutMode::No };
        for ready in waiting.unwrap_or_default().into_values() {
            if ready.attributes.text("delete-marker") == Some("true") {
                let target = self.key(key);
                let deleted = self.runtime.block_on(self.store.delete(&target));
                let version = deleted.map_err(refused("recreate the delete marker"))?;
                self.tell(
                    &target,
                    &ready.attributes,
                    &WrittenObject { etag: String::new(), version },
                );
            } else {
                self.runtime.block_on(self.commit(key, ready, replace))?;
            }
            // From here on the existing object is ours.
            replace = PutMode::Yes;
            self.remember_versions(key);
        }
        Ok(())
    }

    async fn commit(&self, key: &str, ready: Ready, replace: PutMode) -> Result<(), TargetError> {
        let key = self.key(key);
        let Ready { body, attributes } = ready;
        let written = match body {
            ObjectBody::Single(payload) => self.put(&key, &attributes, payload, replace).await,
            ObjectBody::Parts(upload, parts) => {
                self.complete(&upload, &parts, &attributes, replace).await
            }
        };
        let written = written.map_err(refused("write the object"))?;
        self.changed(&key);
        self.tell(&key, &attributes, &written);
        self.give_acl(&key, &attributes).await.map_err(|error| {
            let (action, source) = ("set its access control list", error.into());
            TargetError::Incomplete { action, source }
        })
    }

    async fn put(
        &self,
        key: &str,
        attributes: &ObjectAttributes,
        payload: Payload,
        replace: PutMode,
    ) -> Result<WrittenObject, BucketError> {
        let (store, carry) = (&self.store, self.carry(attributes));
        match store.put(key, attributes, carry, payload.clone(), replace).await {
            Err(BucketError::Unsupported { .. }) if replace == PutMode::No => {
                self.expect_nothing(key).await?;
                store.put(key, attributes, carry, payload, PutMode::Yes).await
            }
            outcome => outcome,
        }
    }

    async fn complete(
        &self,
        upload: &Upload,
        parts: &[UploadedPart],
        attributes: &ObjectAttributes,
        replace: PutMode,
    ) -> Result<WrittenObject, BucketError> {
        let (uploads, carry) = (self.uploads()?, self.carry(attributes));
        match uploads.complete_upload(upload, parts, attributes, carry, replace).await {
            Err(BucketError::Unsupported { .. }) if replace == PutMode::No => {
                self.expect_nothing(&upload.key).await?;
                uploads.complete_upload(upload, parts, attributes, carry, PutMode::Yes).await
            }
            outcome => outcome,
        }
    }

    /// For servers without conditional writes: checks just before writing.
    async fn expect_nothing(&self, key: &str) -> Result<(), BucketError> {
        match self.store.head(ObjectRef { key, etag: "", version: None }).await {
            Err(BucketError::Vanished) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(BucketError::Exists),
        }
    }

    /// Sets the access control list of an object, if that is wanted.
    pub async fn give_acl(
        &self,
        key: &str,
        attributes: &ObjectAttributes,
    ) -> Result<(), BucketError> {
        if self.options.with_acl { self.store.give_acl(key, attributes).await } else { Ok(()) }
    }

    fn tell(&self, key: &str, attributes: &ObjectAttributes, written: &WrittenObject) {
        let Some(on_restored) = &self.options.on_restored else { return };
        let kept = |name| attributes.text(name).map(str::to_owned);
        let new_etag = Some(written.etag.clone()).filter(|etag| !etag.is_empty());
        on_restored(&Restored {
            key: key.to_owned(),
            version: (kept("version"), written.version.clone()),
            etag: (kept("etag"), new_etag),
        });
    }
}
