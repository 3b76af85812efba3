//! What sources, targets and listings need from a service. Everything above this speaks of objects
//! and their attributes, everything below of requests.

use std::fmt::Debug;

use async_trait::async_trait;
use http::header::HeaderMap;
use jiff::Timestamp;

use super::BucketError;
use super::attributes::{AttributeOrigin, Carry, ObjectAttributes};
use super::http::action::RequestAction;
use super::http::client::{Client, ServiceResponse};
use super::http::payload::Payload;
use super::object::{
    AttributeQuery, ListPage, ListPosition, ListedKey, ObjectRef, PutMode, WrittenObject,
};

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// It has no versions, and never had any.
    Never,
    /// It has older versions, and keeps no new ones.
    Suspended,
    /// It keeps every version.
    Enabled,
}

/// An upload in progress.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The object that it will become.
    pub key: String,
    /// The server's name for it.
    pub id: String,
}

/// A part that was uploaded.
#[derive(Debug, Clone)]
pub struct UploadedPart {
    /// Counted from 1.
    pub number: u32,
    /// Its ETag as the server returned it.
    pub etag: String,
    /// Its checksum, if the upload has checksums: the element's name and the value.
    pub checksum: Option<(&'static str, String)>,
}

/// One part of a bucket's configuration.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in the interface, and in `bucket.json`.
    pub name: &'static str,
    /// Reading it.
    pub read: RequestAction,
    /// Setting it.
    pub write: RequestAction,
    /// When it is restored.
    pub when: SettingMoment,
}

/// When a part of a bucket's configuration is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingMoment {
    /// Objects need it as they are written.
    BeforeObjects,
    /// It would act on objects as they are written, or keep them out.
    AfterObjects,
}

/// Attributes of objects that may not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// Their tags; with the name of the permission.
    Tags(&'static str),
    /// Their access control lists.
    Acl(&'static str),
}

/// How objects are uploaded in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    /// Largest object that can be written in one piece, in bytes.
    pub single_bytes_max: u64,
    /// Objects with an unknown upload layout are written in one piece up to this size, in bytes.
    pub unknown_single_bytes_max: u64,
    /// Maximum number of parts in an upload.
    pub parts_max: u64,
}

/// A bucket of one service: its objects, and what else the service can do.
pub trait BucketStore: BucketObjects {
    /// The client that sends its requests.
    fn http(&self) -> &Client;

    /// Which service, as attributes and `bucket.json` name it.
    fn origin(&self) -> AttributeOrigin;

    /// Name of the bucket, and its region, which may be empty.
    fn bucket(&self) -> (&str, &str);

    /// Uploads in parts; `None` if an object of any size is written in one piece.
    fn uploads(&self) -> Option<&dyn Uploads> {
        None
    }

    /// Versions of objects; `None` if the service has none that can be read.
    fn versions(&self) -> Option<&dyn ObjectVersions> {
        None
    }

    /// The bucket's configuration; `None` if none of it is kept.
    fn settings(&self) -> Option<&dyn Settings> {
        None
    }

    /// Creation of the bucket; `None` if that takes more than its name.
    fn creation(&self) -> Option<&dyn Creation> {
        None
    }
}

/// The objects of a bucket.
#[async_trait]
pub trait BucketObjects: Debug + Send + Sync {
    /// True if a listing can begin after any key; otherwise only where a page ended.
    fn lists_from_any_key(&self) -> bool;

    /// A page of the objects whose keys begin with `prefix`, after a position.
    async fn list(
        &self,
        prefix: &str,
        after: &ListPosition,
        count_max: usize,
    ) -> Result<ListPage, BucketError>;

    /// True if listings are in the order of the keys' bytes, as far as is known.
    async fn lists_in_order(&self) -> Result<bool, BucketError> {
        Ok(true)
    }

    /// Notes that they are not.
    fn note_disorder(&self) {}

    /// What exists at a key; `None` if nothing does.
    async fn find(&self, key: &str) -> Result<Option<ListedKey>, BucketError> {
        // Of all keys with this prefix, the key itself comes first.
        let page = self.list(key, &ListPosition::default(), 1).await?;
        Ok(page.objects.into_iter().next().filter(|object| object.key == key))
    }

    /// Which of tags and access control lists may not be read at all, as far as one object shows.
    async fn try_attributes(
        &self,
        _: ObjectRef<'_>,
        _: AttributeQuery,
    ) -> Result<Vec<Denied>, BucketError> {
        Ok(Vec::new())
    }

    /// Starts reading an object, or a range of it (first byte and last byte), provided it is still
    /// the one that was listed.
    async fn get(
        &self,
        which: ObjectRef<'_>,
        range: Option<(u64, u64)>,
    ) -> Result<ServiceResponse, BucketError>;

    /// The headers of an object, provided it is still the one that was listed.
    async fn head(&self, which: ObjectRef<'_>) -> Result<HeaderMap, BucketError>;

    /// All attributes of an object; those in `headers` already received are not requested again.
    async fn attributes(
        &self,
        listed: &ListedKey,
        headers: Option<&HeaderMap>,
        query: AttributeQuery,
    ) -> Result<ObjectAttributes, BucketError>;

    /// The attributes of a listed object that at most one request returns.
    async fn glance(&self, listed: &ListedKey) -> Result<ObjectAttributes, BucketError> {
        Ok(listed.attributes.as_deref().cloned().unwrap_or_default())
    }

    /// Writes an object in one piece.
    ///
    /// [`BucketError::Exists`] if an existing object may not be replaced.
    async fn put(
        &self,
        key: &str,
        attributes: &ObjectAttributes,
        carry: Carry,
        payload: Payload,
        replace: PutMode,
    ) -> Result<WrittenObject, BucketError>;

    /// Deletes an object if it exists; with versioning this adds a delete marker, whose version is
    /// returned.
    async fn delete(&self, key: &str) -> Result<Option<String>, BucketError>;

    /// Sets these attributes on an existing object, as far as they differ; true if that created a
    /// new object.
    async fn update(
        &self,
        key: &str,
        wanted: &ObjectAttributes,
        carry: Carry,
    ) -> Result<bool, BucketError>;

    /// Sets the access control list of an object, unless it only says what holds anyway.
    async fn give_acl(&self, _: &str, _: &ObjectAttributes) -> Result<(), BucketError> {
        Ok(())
    }
}

/// Uploads of an object in parts.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// When an upload is needed, and how many parts it may have.
    fn limits(&self) -> UploadLimits;

    /// Begins an upload in parts.
    async fn begin_upload(
        &self,
        key: &str,
        attributes: &ObjectAttributes,
        carry: Carry,
    ) -> Result<Upload, BucketError>;

    /// Uploads one part, counted from 1.
    async fn upload_part(
        &self,
        upload: &Upload,
        attributes: &ObjectAttributes,
        number: u32,
        payload: Payload,
    ) -> Result<UploadedPart, BucketError>;

    /// Combines the parts, which ascend by number, into the object.
    ///
    /// [`BucketError::Exists`] if an existing object may not be replaced.
    async fn complete_upload(
        &self,
        upload: &Upload,
        parts: &[UploadedPart],
        attributes: &ObjectAttributes,
        carry: Carry,
        replace: PutMode,
    ) -> Result<WrittenObject, BucketError>;

    /// Aborts an upload; its parts are removed.
    async fn abort_upload(&self, upload: &Upload) -> Result<(), BucketError>;
}

/// Versions of objects.
#[async_trait]
pub trait ObjectVersions: Send + Sync {
    /// Whether the bucket keeps versions that can be listed.
    async fn versioning(&self) -> Result<Versioning, BucketError>;

    /// A page of all versions and delete markers, newest first for each key, after a position.
    async fn list_versions(
        &self,
        prefix: &str,
        after: &ListPosition,
    ) -> Result<ListPage, BucketError>;

    /// The time by the server's clock, in whole seconds; `None` if it does not report it.
    async fn now(&self) -> Result<Option<Timestamp>, BucketError>;
}

/// The configuration of a bucket.
#[async_trait]
pub trait Settings: Send + Sync {
    /// Its parts, in the order in which they are restored.
    fn all(&self) -> &'static [Setting];

    /// The document of a setting; `None` if the bucket has none, or if the server does not know the
    /// setting.
    async fn setting(&self, setting: &Setting) -> Result<Option<String>, BucketError>;

    /// True if both documents of a setting mean the same.
    fn means_the_same(&self, setting: &Setting, one: &str, other: &str) -> bool;

    /// Sets a setting.
    async fn put_setting(&self, setting: &Setting, document: String) -> Result<(), BucketError>;
}

/// Creation of a bucket from its name alone.
#[async_trait]
pub trait Creation: Send + Sync {
    /// Creates the bucket if it does not exist; with `with_lock`, its objects can be locked.
    async fn create(&self, with_lock: bool) -> Result<(), BucketError>;
}

/// What exists at a key, if it has the content that the checksums in `described` stand for.
///
/// # Errors
/// [`BucketError::Exists`] if it is something else; errors of the server.
pub async fn written_before(
    objects: &dyn BucketObjects,
    key: &str,
    described: &ObjectAttributes,
) -> Result<WrittenObject, BucketError> {
    let found = objects.find(key).await?.ok_or(BucketError::Exists)?;
    let standing = objects.glance(&found).await?;
    let is_same = described.checksums().any(|sum| standing.checksums().any(|it| it == sum));
    if !is_same {
        return Err(BucketError::Exists);
    }
    Ok(WrittenObject { etag: found.etag, version: None })
}
