//! [`Azure`] as a [`BucketStore`].

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use data_encoding::{BASE64, HEXLOWER};
use http::Method;
use http::header::{ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, RANGE};

use super::action;
use super::client::Azure;
use super::headers;
use super::list;
use crate::bucket::BucketError;
use crate::bucket::attributes::{AttributeOrigin, Carry, MD5, ObjectAttributes, without_quotes};
use crate::bucket::http::action::RequestAction;
use crate::bucket::http::client::{Client, ServiceResponse, malformed_response};
use crate::bucket::http::payload::Payload;
use crate::bucket::http::request::ServiceRequest;
use crate::bucket::http::xml::escaped;
use crate::bucket::object::{
    AttributeQuery, ListPage, ListPosition, ListedKey, ObjectRef, PutMode, WrittenObject,
};
use crate::bucket::store::{
    BucketObjects, BucketStore, Creation, Upload, UploadLimits, UploadedPart, Uploads,
    written_before,
};

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const HIERARCHY: HeaderName = HeaderName::from_static("x-ms-is-hns-enabled");
const BLOB_TYPE: HeaderName = HeaderName::from_static("x-ms-blob-type");

impl BucketStore for Azure {
    fn http(&self) -> &Client {
        &self.http
    }

    fn origin(&self) -> AttributeOrigin {
        AttributeOrigin::Azure
    }

    fn bucket(&self) -> (&str, &str) {
        (&self.container, "")
    }

    fn uploads(&self) -> Option<&dyn Uploads> {
        Some(self)
    }

    fn creation(&self) -> Option<&dyn Creation> {
        Some(self)
    }
}

#[async_trait]
impl BucketObjects for Azure {
    fn lists_from_any_key(&self) -> bool {
        false
    }

    async fn list(
        &self,
        prefix: &str,
        after: &ListPosition,
        count_max: usize,
    ) -> Result<ListPage, BucketError> {
        let (action, include) = match self.with_tags {
            true => (action::LIST_WITH_TAGS, "metadata,tags"),
            false => (action::LIST, "metadata"),
        };
        let mut request = ServiceRequest::new(action, Method::GET, None)
            .query("restype", "container")
            .query("comp", "list")
            .query("include", include)
            .query("maxresults", count_max.to_string());
        if !prefix.is_empty() {
            request = request.query("prefix", prefix);
        }
        request = request.maybe_query("marker", after.token.as_deref());
        let root = self.http.document(&mut request).await?.unwrap_or_default();
        list::page(&root, after).map_err(|detail| malformed_response(action.what, detail))
    }

    fn note_disorder(&self) {
        self.is_disordered.store(true, Ordering::Relaxed);
    }

    async fn lists_in_order(&self) -> Result<bool, BucketError> {
        if self.is_disordered.load(Ordering::Relaxed) {
            return Ok(false);
        }
        if let Some(is_in_order) = self.is_in_order.get() {
            return Ok(*is_in_order);
        }
        let mut request = ServiceRequest::new(action::LOOK_AT_ACCOUNT, Method::GET, None)
            .query("restype", "account")
            .query("comp", "properties");
        let is_in_order = match self.http.send(&mut request).await {
            // Accounts with real folders list the contents of a folder before the folder's
            // neighbours.
            Ok(answer) => answer.headers().get(HIERARCHY).is_none_or(|value| value != "true"),
            Err(error @ (BucketError::Stopped | BucketError::Unreachable { .. })) => {
                return Err(error);
            }
            // Not every user may ask; most accounts have no folders.
            Err(_) => true,
        };
        Ok(*self.is_in_order.get_or_init(|| is_in_order))
    }

    async fn get(
        &self,
        which: ObjectRef<'_>,
        range: Option<(u64, u64)>,
    ) -> Result<ServiceResponse, BucketError> {
        let mut request = about(action::GET, Method::GET, which);
        if let Some((first, last)) = range {
            request = request.header(RANGE, &format!("bytes={first}-{last}"));
        }
        self.http.send(&mut request).await
    }

    async fn head(&self, which: ObjectRef<'_>) -> Result<HeaderMap, BucketError> {
        let mut request = about(action::HEAD, Method::HEAD, which);
        Ok(self.http.send(&mut request).await?.into_parts().0.headers)
    }

    async fn attributes(
        &self,
        listed: &ListedKey,
        _: Option<&HeaderMap>,
        query: AttributeQuery,
    ) -> Result<ObjectAttributes, BucketError> {
        debug_assert!(!query.with_acl, "blobs have no access control lists");
        self.glance(listed).await
    }

    async fn put(
        &self,
        key: &str,
        attributes: &ObjectAttributes,
        carry: Carry,
        payload: Payload,
        replace: PutMode,
    ) -> Result<WrittenObject, BucketError> {
        let md5 = match attributes.text(MD5) {
            Some(md5) => md5.to_owned(),
            None => payload.md5()?,
        };
        let mut request = ServiceRequest::new(action::PUT, Method::PUT, Some(key)).payload(payload);
        request.headers = headers::all(attributes, carry);
        request.headers.insert(BLOB_TYPE, HeaderValue::from_static("BlockBlob"));
        request = unless_there(request.header(CONTENT_MD5, &md5), replace);
        match self.http.send(&mut request).await {
            Ok(answer) => Ok(written(answer.headers())),
            // An earlier attempt whose response was lost may have written it.
            Err(BucketError::Exists) if request.attempts > 1 => {
                let mut described = ObjectAttributes::default();
                described.set(MD5, md5);
                written_before(self, key, &described).await
            }
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, key: &str) -> Result<Option<String>, BucketError> {
        let mut request = ServiceRequest::new(action::DELETE, Method::DELETE, Some(key));
        match self.http.send(&mut request).await {
            Ok(_) | Err(BucketError::Vanished) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn update(
        &self,
        key: &str,
        wanted: &ObjectAttributes,
        carry: Carry,
    ) -> Result<bool, BucketError> {
        let standing = self.find(key).await?.ok_or(BucketError::Vanished)?;
        let found = self.glance(&standing).await?;
        let mut properties = headers::properties(wanted);
        // The checksum belongs to the existing content.
        if let Some(md5) = found.text(MD5).and_then(|md5| HeaderValue::from_str(md5).ok()) {
            properties.insert("x-ms-blob-content-md5", md5);
        }
        let mut differs = false;
        if properties != headers::properties(&found) {
            self.change(key, "properties", properties, Payload::EMPTY).await?;
            differs = true;
        }
        let metadata = headers::metadata(wanted);
        if metadata != headers::metadata(&found) {
            self.change(key, "metadata", metadata, Payload::EMPTY).await?;
            differs = true;
        }
        if let Some(tier) = headers::tier(wanted, carry)
            && found.text("storage-class") != Some(tier)
        {
            let header = (HeaderName::from_static("x-ms-access-tier"), tier);
            let tier = HeaderMap::from_iter([(header.0, HeaderValue::from_static(header.1))]);
            self.change(key, "tier", tier, Payload::EMPTY).await?;
        }
        if carry.tags && self.with_tags {
            self.update_tags(key, wanted, &found).await?;
        }
        Ok(differs)
    }
}

#[async_trait]
impl Uploads for Azure {
    fn limits(&self) -> UploadLimits {
        UploadLimits {
            single_bytes_max: 64 << 20,
            unknown_single_bytes_max: 32 << 20,
            parts_max: 50_000,
        }
    }

    async fn begin_upload(
        &self,
        key: &str,
        _: &ObjectAttributes,
        _: Carry,
    ) -> Result<Upload, BucketError> {
        // The server is told nothing: blocks get ids that no one else uses.
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| BucketError::Local {
            action: "generate a random number",
            source: std::io::Error::other(error),
        })?;
        Ok(Upload { key: key.to_owned(), id: HEXLOWER.encode(&random) })
    }

    async fn upload_part(
        &self,
        upload: &Upload,
        _: &ObjectAttributes,
        number: u32,
        payload: Payload,
    ) -> Result<UploadedPart, BucketError> {
        let block = BASE64.encode(format!("{}-{number:05}", upload.id).as_bytes());
        let md5 = payload.md5()?;
        let mut request = ServiceRequest::new(action::PUT, Method::PUT, Some(&upload.key))
            .query("comp", "block")
            .query("blockid", block.as_str())
            .header(CONTENT_MD5, &md5)
            .payload(payload);
        self.http.send(&mut request).await?;
        Ok(UploadedPart { number, etag: block, checksum: None })
    }

    async fn complete_upload(
        &self,
        upload: &Upload,
        parts: &[UploadedPart],
        attributes: &ObjectAttributes,
        carry: Carry,
        replace: PutMode,
    ) -> Result<WrittenObject, BucketError> {
        let blocks = parts.iter().map(|part| format!("<Latest>{}</Latest>", escaped(&part.etag)));
        let blocks: String = blocks.collect();
        let document =
            format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{blocks}</BlockList>");
        let mut request = ServiceRequest::new(action::PUT, Method::PUT, Some(&upload.key))
            .query("comp", "blocklist")
            .payload(Payload::Bytes(document.into()));
        request.headers = headers::all(attributes, carry);
        let mut request = unless_there(request, replace);
        Ok(written(self.http.send(&mut request).await?.headers()))
    }

    async fn abort_upload(&self, _: &Upload) -> Result<(), BucketError> {
        // The server removes blocks that no list names after a week.
        Ok(())
    }
}

#[async_trait]
impl Creation for Azure {
    async fn create(&self, _: bool) -> Result<(), BucketError> {
        let mut request =
            ServiceRequest::new(action::MAKE, Method::PUT, None).query("restype", "container");
        match self.http.send(&mut request).await {
            // An earlier attempt whose response was lost may have created it.
            Err(BucketError::Refused { code, .. }) if code == "ContainerAlreadyExists" => Ok(()),
            outcome => outcome.map(drop),
        }
    }
}

impl Azure {
    /// Changes part of a blob's attributes.
    async fn change(
        &self,
        key: &str,
        part: &str,
        headers: HeaderMap,
        payload: Payload,
    ) -> Result<(), BucketError> {
        let action = if part == "tags" { action::PUT_TAGS } else { action::UPDATE };
        let mut request = ServiceRequest::new(action, Method::PUT, Some(key)).query("comp", part);
        request.headers = headers;
        self.http.send(&mut request.payload(payload)).await.map(drop)
    }

    async fn update_tags(
        &self,
        key: &str,
        wanted: &ObjectAttributes,
        found: &ObjectAttributes,
    ) -> Result<(), BucketError> {
        if wanted.tags() == found.tags() {
            return Ok(());
        }
        let tags = wanted.tags().into_iter().map(|(name, value)| {
            let (name, value) = (escaped(&name), escaped(&value));
            format!("<Tag><Key>{name}</Key><Value>{value}</Value></Tag>")
        });
        let tags: String = tags.collect();
        let document = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Tags><TagSet>{tags}</TagSet></Tags>"
        );
        self.change(key, "tags", HeaderMap::new(), Payload::Bytes(document.into())).await
    }
}

/// A request for a blob, provided it is still the one that was listed.
fn about(action: RequestAction, method: Method, which: ObjectRef<'_>) -> ServiceRequest<'_> {
    let request = ServiceRequest::new(action, method, Some(which.key));
    match which.etag {
        "" => request,
        etag => request.header(IF_MATCH, &format!("\"{etag}\"")),
    }
}

/// Makes the request conditional if nothing may be replaced.
fn unless_there(request: ServiceRequest<'_>, replace: PutMode) -> ServiceRequest<'_> {
    match replace {
        PutMode::Yes => request,
        PutMode::No => {
            ServiceRequest { must_be_absent: true, ..request }.header(IF_NONE_MATCH, "*")
        }
    }
}

/// What the headers of a response say about the blob that was written.
fn written(headers: &HeaderMap) -> WrittenObject {
    let etag = headers.get(ETAG).map(|etag| without_quotes(etag.as_bytes()));
    let etag = String::from_utf8_lossy(etag.unwrap_or_default()).into_owned();
    WrittenObject { etag, version: None }
}
