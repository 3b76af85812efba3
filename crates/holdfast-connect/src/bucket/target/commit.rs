//! Making objects of what was gathered: content, metadata, tags, ACL and locks.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::super::BucketError;
use super::super::attributes::{Attributes, Carry};
use super::super::s3::checksum::{Algorithm, Sum};
use super::super::s3::grants::Grants;
use super::super::s3::multipart::{Upload, UploadedPart};
use super::super::s3::object::{Replace, Written, tagging_header};
use super::super::s3::payload::Payload;
use super::{Restored, Shared, refused};
use crate::TargetError;

/// Where an object is to stand.
#[derive(Debug, Clone)]
pub enum Destination {
    /// At a key.
    Object(String),
    /// At a key, as one of several versions; with the name of its entry.
    Version(String, Vec<u8>),
}

impl Destination {
    /// The key as it was kept.
    pub fn key(&self) -> &str {
        match self {
            Self::Object(key) | Self::Version(key, _) => key,
        }
    }
}

/// All content of an object.
#[derive(Debug)]
pub enum Body {
    /// To be written in one piece.
    Single(Payload),
    /// Uploaded already.
    Parts(Arc<Upload>, Vec<UploadedPart>),
}

/// An object that only has to be committed.
#[derive(Debug)]
pub struct Ready {
    pub body: Body,
    pub attributes: Attributes,
}

/// The versions of one key by the names of their entries.
pub type Versions = BTreeMap<Vec<u8>, Ready>;

/// Begins an upload for an object with these attributes.
pub async fn begin_upload(
    shared: &Shared,
    key: &str,
    attributes: &Attributes,
) -> Result<Upload, BucketError> {
    let mut headers = shared.headers(attributes);
    if let Some((algorithm, kind)) = part_checksums(attributes) {
        insert(&mut headers, "x-amz-checksum-algorithm", algorithm.name());
        insert(&mut headers, "x-amz-checksum-type", kind);
    }
    shared.client.begin_upload(key, headers).await
}

/// Sends one part.
pub async fn upload_part(
    shared: &Shared,
    upload: &Upload,
    attributes: &Attributes,
    number: u32,
    payload: Payload,
) -> Result<UploadedPart, BucketError> {
    let mut headers = HeaderMap::new();
    let mut checksum = None;
    if let Some((algorithm, _)) = part_checksums(attributes) {
        let mut sum = Sum::new(algorithm);
        payload
            .each(|bytes| sum.update(bytes))
            .map_err(|source| BucketError::Local { action: "read what is to be sent", source })?;
        let value = sum.finish();
        insert(&mut headers, algorithm.header(), &value);
        checksum = Some((algorithm.element(), value));
    }
    let etag = shared.client.upload_part(upload, number, headers, payload).await?;
    Ok(UploadedPart { number, etag, checksum })
}

/// The checksums that an object of several parts had: the algorithm and whether they are of the
/// parts or of the whole.
fn part_checksums(attributes: &Attributes) -> Option<(Algorithm, &'static str)> {
    let (header, value) = attributes.checksum()?;
    let is_whole = !value.contains('-') && attributes.text("checksum-type") != Some("COMPOSITE");
    Some((Algorithm::of_header(header)?, if is_whole { "FULL_OBJECT" } else { "COMPOSITE" }))
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

impl Shared {
    /// The headers that give an object these attributes, as far as the options want them.
    fn headers(&self, attributes: &Attributes) -> HeaderMap {
        let options = &self.options;
        let is_locked = options.with_lock && self.is_lock_in_force(attributes);
        let carry = Carry {
            storage_class: options.with_storage_class,
            encryption: options.with_encryption,
            lock: is_locked,
        };
        let mut headers = attributes.to_headers(carry);
        let tags = attributes.tags();
        if options.with_tags && !tags.is_empty() {
            insert(&mut headers, "x-amz-tagging", &tagging_header(&tags));
        }
        headers
    }

    /// A lock that has run out cannot be given back, and need not be.
    fn is_lock_in_force(&self, attributes: &Attributes) -> bool {
        let until = attributes.text("lock-until").and_then(|until| until.parse().ok());
        let is_held = attributes.text("legal-hold") == Some("ON");
        until.is_some_and(|until: jiff::Timestamp| until > self.now()) || is_held
    }

    /// Makes an object of what was gathered for a key.
    pub fn commit_object(&self, key: &str, ready: Ready) -> Result<(), TargetError> {
        let is_ours = self.is_restored_with_versions(key);
        let replace = if self.options.overwrite || is_ours { Replace::Yes } else { Replace::No };
        self.runtime.block_on(self.commit(key, ready, replace))
    }

    /// Keeps a version until all versions of its key are there: they must be written in their
    /// order.
    pub fn keep_version(&self, key: &str, name: &[u8], ready: Ready) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(key.to_owned()).or_default().insert(name.to_vec(), ready);
    }

    /// Writes the versions of a key in their order, the oldest first.
    pub fn commit_versions(&self, key: &str) -> Result<(), TargetError> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        let mut replace = if self.options.overwrite { Replace::Yes } else { Replace::No };
        for ready in waiting.unwrap_or_default().into_values() {
            if ready.attributes.text("delete-marker") == Some("true") {
                let target = self.key(key);
                let deleted = self.runtime.block_on(self.client.delete(&target));
                let version = deleted.map_err(refused("delete the object again"))?;
                self.tell(&target, &ready.attributes, &Written { etag: String::new(), version });
            } else {
                self.runtime.block_on(self.commit(key, ready, replace))?;
            }
            // What stands there now is ours.
            replace = Replace::Yes;
            self.remember_versions(key);
        }
        Ok(())
    }

    async fn commit(&self, key: &str, ready: Ready, replace: Replace) -> Result<(), TargetError> {
        let key = self.key(key);
        let Ready { body, attributes } = ready;
        let written = match body {
            Body::Single(payload) => self.put(&key, &attributes, payload, replace).await,
            Body::Parts(upload, parts) => {
                self.complete(&upload, &parts, &attributes, replace).await
            }
        };
        let written = written.map_err(refused("write the object"))?;
        self.changed(&key);
        self.tell(&key, &attributes, &written);
        self.give_acl(&key, &attributes).await.map_err(|error| {
            let (action, source) = ("give it its access control list", error.into());
            TargetError::Incomplete { action, source }
        })
    }

    async fn put(
        &self,
        key: &str,
        attributes: &Attributes,
        payload: Payload,
        replace: Replace,
    ) -> Result<Written, BucketError> {
        let mut headers = self.headers(attributes);
        // The server compares what it gets with the checksum that was kept, if that is of the whole
        // content.
        let checksum = attributes.checksum().filter(|(_, value)| !value.contains('-'));
        if let Some((header, value)) = checksum
            && attributes.text("checksum-type") != Some("COMPOSITE")
        {
            insert(&mut headers, header, value);
        }
        let outcome = self.client.put(key, headers.clone(), payload.clone(), replace).await;
        match outcome {
            Err(BucketError::Unsupported { .. }) if replace == Replace::No => {
                self.expect_nothing(key).await?;
                self.client.put(key, headers, payload, Replace::Yes).await
            }
            outcome => outcome,
        }
    }

    async fn complete(
        &self,
        upload: &Upload,
        parts: &[UploadedPart],
        attributes: &Attributes,
        replace: Replace,
    ) -> Result<Written, BucketError> {
        let mut headers = HeaderMap::new();
        if let Some((_, "FULL_OBJECT")) = part_checksums(attributes)
            && let Some((header, value)) = attributes.checksum()
        {
            insert(&mut headers, header, value);
            insert(&mut headers, "x-amz-checksum-type", "FULL_OBJECT");
        }
        let outcome = self.client.complete_upload(upload, parts, headers.clone(), replace).await;
        match outcome {
            Err(BucketError::Unsupported { .. }) if replace == Replace::No => {
                self.expect_nothing(&upload.key).await?;
                self.client.complete_upload(upload, parts, headers, Replace::Yes).await
            }
            outcome => outcome,
        }
    }

    /// For servers that cannot write on condition: looks right before it writes.
    async fn expect_nothing(&self, key: &str) -> Result<(), BucketError> {
        match self.client.standing(key).await {
            Err(BucketError::Vanished) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Err(BucketError::Exists),
        }
    }

    /// Gives an object its access control list, unless it says only what holds anyway.
    pub async fn give_acl(&self, key: &str, attributes: &Attributes) -> Result<(), BucketError> {
        let Some(document) = attributes.get("acl").filter(|_| self.options.with_acl) else {
            return Ok(());
        };
        let grants = Grants::parse(document).map_err(BucketError::Limit)?;
        if grants.is_private() { Ok(()) } else { self.client.put_acl(key, &grants).await }
    }

    fn tell(&self, key: &str, attributes: &Attributes, written: &Written) {
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
