//! [`S3`] as a [`BucketStore`].

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use http::Method;
use http::header::{DATE, HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::action;
use super::checksum::{ChecksumAlgorithm, Sum};
use super::client::S3;
use super::configuration::{SETTINGS, mean_the_same};
use super::grants::Grants;
use super::object::tagging_header;
use crate::bucket::BucketError;
use crate::bucket::attributes::{AttributeOrigin, Carry, ObjectAttributes};
use crate::bucket::http::client::{Client, ServiceResponse};
use crate::bucket::http::payload::Payload;
use crate::bucket::http::request::ServiceRequest;
use crate::bucket::http::xml::Element;
use crate::bucket::object::{
    AttributeQuery, ListPage, ListPosition, ListedKey, ObjectRef, PutMode, Tags, WrittenObject,
};
use crate::bucket::store::{
    BucketObjects, BucketStore, Creation, Denied, ObjectVersions, Setting, Settings, Upload,
    UploadLimits, UploadedPart, Uploads, Versioning,
};

impl BucketStore for S3 {
    fn http(&self) -> &Client {
        &self.http
    }

    fn origin(&self) -> AttributeOrigin {
        AttributeOrigin::S3
    }

    fn bucket(&self) -> (&str, &str) {
        (&self.bucket, &self.region)
    }

    fn uploads(&self) -> Option<&dyn Uploads> {
        Some(self)
    }

    fn versions(&self) -> Option<&dyn ObjectVersions> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn Settings> {
        Some(self)
    }

    fn creation(&self) -> Option<&dyn Creation> {
        Some(self)
    }
}

#[async_trait]
impl BucketObjects for S3 {
    fn lists_from_any_key(&self) -> bool {
        true
    }

    async fn list(
        &self,
        prefix: &str,
        after: &ListPosition,
        count_max: usize,
    ) -> Result<ListPage, BucketError> {
        self.list(prefix, after, count_max).await
    }

    async fn lists_in_order(&self) -> Result<bool, BucketError> {
        Ok(!self.is_disordered.load(Ordering::Relaxed))
    }

    fn note_disorder(&self) {
        self.is_disordered.store(true, Ordering::Relaxed);
    }

    async fn find(&self, key: &str) -> Result<Option<ListedKey>, BucketError> {
        self.find(key).await
    }

    async fn try_attributes(
        &self,
        which: ObjectRef<'_>,
        query: AttributeQuery,
    ) -> Result<Vec<Denied>, BucketError> {
        let mut denied = Vec::new();
        if query.tags != Tags::LeaveOut {
            match self.tags(which).await {
                Err(BucketError::Denied { permission, .. }) => {
                    denied.push(Denied::Tags(permission))
                }
                outcome => drop(outcome?),
            }
        }
        if query.with_acl {
            match self.acl(which).await {
                Err(BucketError::Denied { permission, .. }) => denied.push(Denied::Acl(permission)),
                outcome => drop(outcome?),
            }
        }
        Ok(denied)
    }

    async fn get(
        &self,
        which: ObjectRef<'_>,
        range: Option<(u64, u64)>,
    ) -> Result<ServiceResponse, BucketError> {
        self.get(which, range).await
    }

    async fn head(&self, which: ObjectRef<'_>) -> Result<HeaderMap, BucketError> {
        self.head(which).await
    }

    async fn attributes(
        &self,
        listed: &ListedKey,
        headers: Option<&HeaderMap>,
        query: AttributeQuery,
    ) -> Result<ObjectAttributes, BucketError> {
        match headers {
            Some(headers) => self.complete(listed, headers, query).await,
            None => self.complete(listed, &self.head(listed.which()).await?, query).await,
        }
    }

    async fn glance(&self, listed: &ListedKey) -> Result<ObjectAttributes, BucketError> {
        Ok(ObjectAttributes::from_headers(&self.head(listed.which()).await?))
    }

    async fn put(
        &self,
        key: &str,
        attributes: &ObjectAttributes,
        carry: Carry,
        payload: Payload,
        replace: PutMode,
    ) -> Result<WrittenObject, BucketError> {
        let mut headers = headers(attributes, carry);
        // The server compares what it receives with the stored checksum, if that covers the whole
        // content.
        let checksum = attributes.checksum().filter(|(_, value)| !value.contains('-'));
        if let Some((header, value)) = checksum
            && attributes.text("checksum-type") != Some("COMPOSITE")
        {
            insert(&mut headers, header, value);
        }
        self.put(key, headers, payload, replace).await
    }

    async fn delete(&self, key: &str) -> Result<Option<String>, BucketError> {
        self.delete(key).await
    }

    async fn update(
        &self,
        key: &str,
        wanted: &ObjectAttributes,
        carry: Carry,
    ) -> Result<bool, BucketError> {
        let now = ObjectRef { key, etag: "", version: None };
        let found = ObjectAttributes::from_headers(&self.head(now).await?);
        let etag = found.text("etag").unwrap_or_default();
        let differs = !found.is_same_when_written(wanted, carry);
        if differs {
            let which = ObjectRef { key, etag, version: None };
            self.copy_onto_itself(which, wanted.to_headers(carry)).await?;
        }
        if carry.tags {
            let (mut tags, mut standing) = (wanted.tags(), self.tags(now).await?);
            tags.sort();
            standing.sort();
            if standing != tags {
                self.put_tags(key, &tags).await?;
            }
        }
        Ok(differs)
    }

    async fn give_acl(&self, key: &str, attributes: &ObjectAttributes) -> Result<(), BucketError> {
        let Some(document) = attributes.get("acl") else { return Ok(()) };
        let grants = Grants::parse(document).map_err(BucketError::Limit)?;
        if grants.is_private() { Ok(()) } else { self.put_acl(key, &grants).await }
    }
}

#[async_trait]
impl Uploads for S3 {
    fn limits(&self) -> UploadLimits {
        UploadLimits {
            single_bytes_max: 5 << 30,
            unknown_single_bytes_max: 32 << 20,
            parts_max: 10_000,
        }
    }

    async fn begin_upload(
        &self,
        key: &str,
        attributes: &ObjectAttributes,
        carry: Carry,
    ) -> Result<Upload, BucketError> {
        let mut headers = headers(attributes, carry);
        if let Some((algorithm, kind)) = self.part_checksums(attributes) {
            insert(&mut headers, "x-amz-checksum-algorithm", algorithm.name());
            insert(&mut headers, "x-amz-checksum-type", kind);
        }
        self.begin_upload(key, headers).await
    }

    async fn upload_part(
        &self,
        upload: &Upload,
        attributes: &ObjectAttributes,
        number: u32,
        payload: Payload,
    ) -> Result<UploadedPart, BucketError> {
        let mut headers = HeaderMap::new();
        let mut checksum = None;
        if let Some((algorithm, _)) = self.part_checksums(attributes) {
            let mut sum = Sum::new(algorithm);
            payload.each(|bytes| sum.update(bytes))?;
            let value = sum.finish();
            insert(&mut headers, algorithm.header(), &value);
            checksum = Some((algorithm.element(), value));
        }
        let etag = self.upload_part(upload, number, headers, payload).await?;
        Ok(UploadedPart { number, etag, checksum })
    }

    async fn complete_upload(
        &self,
        upload: &Upload,
        parts: &[UploadedPart],
        attributes: &ObjectAttributes,
        _: Carry,
        replace: PutMode,
    ) -> Result<WrittenObject, BucketError> {
        let mut headers = HeaderMap::new();
        if let Some((_, "FULL_OBJECT")) = self.part_checksums(attributes)
            && let Some((header, value)) = attributes.checksum()
        {
            insert(&mut headers, header, value);
            insert(&mut headers, "x-amz-checksum-type", "FULL_OBJECT");
        }
        self.complete_upload(upload, parts, headers, replace).await
    }

    async fn abort_upload(&self, upload: &Upload) -> Result<(), BucketError> {
        self.abort_upload(upload).await
    }
}

#[async_trait]
impl ObjectVersions for S3 {
    async fn versioning(&self) -> Result<Versioning, BucketError> {
        let document = self.setting(&SETTINGS[0]).await?;
        let root = document.and_then(|document| Element::parse(document.as_bytes()).ok());
        Ok(match root.as_ref().and_then(|root| root.text("Status")) {
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            _ => Versioning::Never,
        })
    }

    async fn list_versions(
        &self,
        prefix: &str,
        after: &ListPosition,
    ) -> Result<ListPage, BucketError> {
        self.list_versions(prefix, after).await
    }

    async fn now(&self) -> Result<Option<Timestamp>, BucketError> {
        let mut request = ServiceRequest::new(action::FIND_BUCKET, Method::HEAD, None);
        let answer = self.http.send(&mut request).await?;
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        Ok(date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok()))
    }
}

#[async_trait]
impl Settings for S3 {
    fn all(&self) -> &'static [Setting] {
        &SETTINGS
    }

    async fn setting(&self, setting: &Setting) -> Result<Option<String>, BucketError> {
        self.setting(setting).await
    }

    fn means_the_same(&self, _: &Setting, one: &str, other: &str) -> bool {
        mean_the_same(one, other)
    }

    async fn put_setting(&self, setting: &Setting, document: String) -> Result<(), BucketError> {
        self.put_setting(setting, document).await
    }
}

#[async_trait]
impl Creation for S3 {
    async fn create(&self, with_lock: bool) -> Result<(), BucketError> {
        self.create(with_lock).await
    }
}

/// The headers that set these attributes on an object.
fn headers(attributes: &ObjectAttributes, carry: Carry) -> HeaderMap {
    let mut headers = attributes.to_headers(carry);
    let tags = attributes.tags();
    if carry.tags && !tags.is_empty() {
        insert(&mut headers, "x-amz-tagging", &tagging_header(&tags));
    }
    headers
}

impl S3 {
    /// The checksums of an object that had several parts: the algorithm, and whether they cover the
    /// parts or the whole. `None` for a server that accepts none.
    fn part_checksums(
        &self,
        attributes: &ObjectAttributes,
    ) -> Option<(ChecksumAlgorithm, &'static str)> {
        let (header, value) = attributes.checksum().filter(|_| self.http.has_checksums())?;
        let is_whole =
            !value.contains('-') && attributes.text("checksum-type") != Some("COMPOSITE");
        Some((
            ChecksumAlgorithm::of_header(header)?,
            if is_whole { "FULL_OBJECT" } else { "COMPOSITE" },
        ))
    }
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
