//! [`Google`] as a [`BucketStore`].

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::Method;
use http::header::{
    ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RANGE,
};

use super::action;
use super::client::{Google, UPLOAD_TYPE};
use super::resource;
use crate::bucket::BucketError;
use crate::bucket::attributes::{AttributeOrigin, Carry, MD5, ObjectAttributes};
use crate::bucket::http::action::RequestAction;
use crate::bucket::http::client::{Client, ServiceResponse, malformed_response};
use crate::bucket::http::payload::Payload;
use crate::bucket::http::request::ServiceRequest;
use crate::bucket::object::{
    AttributeQuery, ListPage, ListPosition, ListedKey, ObjectRef, PutMode, WrittenObject,
};
use crate::bucket::store::{BucketObjects, BucketStore, written_before};

/// Part of queries: the generation that the existing object must have; 0 for no object.
const GENERATION_MATCH: &str = "ifGenerationMatch";

// Content of any length is sent in a single conditional request: the parts of an upload could not
// be combined conditionally. A Google bucket belongs to a project, which its name does not tell.
impl BucketStore for Google {
    fn http(&self) -> &Client {
        &self.http
    }

    fn origin(&self) -> AttributeOrigin {
        AttributeOrigin::Google
    }

    fn bucket(&self) -> (&str, &str) {
        (&self.bucket, "")
    }
}

#[async_trait]
impl BucketObjects for Google {
    fn lists_from_any_key(&self) -> bool {
        true
    }

    async fn list(
        &self,
        prefix: &str,
        after: &ListPosition,
        count_max: usize,
    ) -> Result<ListPage, BucketError> {
        let mut request = ServiceRequest::new(action::LIST, Method::GET, None)
            .query("fields", resource::LISTED_FIELDS)
            .query("maxResults", count_max.to_string());
        if !prefix.is_empty() {
            request = request.query("prefix", prefix);
        }
        request = match &after.token {
            Some(token) => request.query("pageToken", token.as_str()),
            None => request.maybe_query("startOffset", after.key.as_deref()),
        };
        let document = self.http.body(&mut request).await?;
        resource::page(&document, after)
            .map_err(|detail| malformed_response(action::LIST.what, detail))
    }

    async fn get(
        &self,
        which: ObjectRef<'_>,
        range: Option<(u64, u64)>,
    ) -> Result<ServiceResponse, BucketError> {
        // Without this, content that is stored compressed arrives in a different form.
        let mut request =
            about(action::GET, which).query("alt", "media").header(ACCEPT_ENCODING, "gzip");
        if let Some((first, last)) = range {
            request = request.header(RANGE, &format!("bytes={first}-{last}"));
        }
        self.http.send(&mut request).await
    }

    async fn head(&self, which: ObjectRef<'_>) -> Result<HeaderMap, BucketError> {
        let mut request = about(action::LOOK, which).query("fields", "generation");
        Ok(self.http.send(&mut request).await?.into_parts().0.headers)
    }

    async fn attributes(
        &self,
        listed: &ListedKey,
        _: Option<&HeaderMap>,
        _: AttributeQuery,
    ) -> Result<ObjectAttributes, BucketError> {
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
        let mut described = attributes.clone();
        if attributes.checksums().next().is_none() {
            described.set(MD5, payload.md5()?);
        }
        let resource = resource::wanted(key, &described, carry);
        let description = serde_json::Value::from(resource).to_string();
        let key_of_encryption = attributes.text("encryption-key").filter(|_| carry.encryption);
        let content_type = content_type(&described);
        let upload = NewObject { key, description, content_type, key_of_encryption, replace };
        let outcome = match payload {
            Payload::Bytes(content) => self.put_at_once(&upload, &content).await,
            file => self.put_file(&upload, file).await,
        };
        match outcome {
            // An earlier attempt whose response was lost may have written it.
            (Err(BucketError::Exists), 2..) => written_before(self, key, &described).await,
            (outcome, _) => outcome,
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
        _: Carry,
    ) -> Result<bool, BucketError> {
        let standing = self.find(key).await?.ok_or(BucketError::Vanished)?;
        let found = self.glance(&standing).await?;
        let Some(change) = resource::change(wanted, &found) else { return Ok(false) };
        let document = serde_json::Value::from(change).to_string();
        let mut request = ServiceRequest::new(action::UPDATE, Method::PATCH, Some(key))
            .query(GENERATION_MATCH, standing.etag.as_str())
            .header(CONTENT_TYPE, "application/json")
            .payload(Payload::Bytes(document.into()));
        self.http.send(&mut request).await?;
        Ok(true)
    }
}

/// An object to be written.
struct NewObject<'a> {
    key: &'a str,
    /// The resource, as a document.
    description: String,
    /// The type of the content. A server takes that of the request if the resource has none.
    content_type: &'a str,
    key_of_encryption: Option<&'a str>,
    replace: PutMode,
}

impl NewObject<'_> {
    fn action(&self) -> RequestAction {
        if self.replace == PutMode::Yes { action::REPLACE } else { action::PUT }
    }

    fn request(&self, upload_type: &str) -> ServiceRequest<'_> {
        let request = ServiceRequest::new(self.action(), Method::POST, Some(self.key))
            .query(UPLOAD_TYPE, upload_type)
            .query("name", self.key)
            .query("fields", "generation")
            .maybe_query("kmsKeyName", self.key_of_encryption);
        match self.replace {
            PutMode::Yes => request,
            PutMode::No => {
                ServiceRequest { must_be_absent: true, ..request }.query(GENERATION_MATCH, "0")
            }
        }
    }
}

/// The result, and how many attempts it took.
type PutAttempt = (Result<WrittenObject, BucketError>, u32);

impl Google {
    /// Sends description and content in one request.
    async fn put_at_once(&self, new: &NewObject<'_>, content: &Bytes) -> PutAttempt {
        let boundary = format!("holdfast-{}", HEXLOWER.encode(&boundary_bytes(content)));
        let kind = new.content_type;
        let mut body = format!(
            "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{}\r\n\
             --{boundary}\r\nContent-Type: {kind}\r\n\r\n",
            new.description
        )
        .into_bytes();
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let mut request = new
            .request("multipart")
            .header(CONTENT_TYPE, &format!("multipart/related; boundary={boundary}"))
            .payload(Payload::Bytes(body.into()));
        let written = self.written(&mut request).await;
        (written, request.attempts)
    }

    /// Opens a session with the description, then sends the content.
    async fn put_file(&self, new: &NewObject<'_>, file: Payload) -> PutAttempt {
        let mut begin = new
            .request("resumable")
            .header(CONTENT_TYPE, "application/json; charset=UTF-8")
            .header(HeaderName::from_static("x-upload-content-length"), &file.len().to_string())
            .header(HeaderName::from_static("x-upload-content-type"), new.content_type)
            .payload(Payload::Bytes(new.description.clone().into()));
        let session = match self.http.send(&mut begin).await {
            Ok(answer) => session(answer.headers()),
            Err(error) => return (Err(error), 1),
        };
        let Some(session) = session else {
            let text = "it does not say where to send the content".to_owned();
            return (Err(malformed_response(new.action().what, text)), 1);
        };
        let mut request = ServiceRequest { method: Method::PUT, ..new.request("resumable") }
            .query("upload_id", session)
            .payload(file);
        let written = self.written(&mut request).await;
        (written, request.attempts)
    }

    async fn written(
        &self,
        request: &mut ServiceRequest<'_>,
    ) -> Result<WrittenObject, BucketError> {
        let document = self.http.body(request).await?;
        let generation = resource::generation(&document)
            .map_err(|detail| malformed_response(request.action.what, detail))?;
        Ok(WrittenObject { etag: generation, version: None })
    }
}

/// A request for an object, provided it is still the one that was listed.
fn about<'a>(action: RequestAction, which: ObjectRef<'a>) -> ServiceRequest<'a> {
    let request = ServiceRequest::new(action, Method::GET, Some(which.key));
    match which.etag {
        "" => request,
        generation => request.query(GENERATION_MATCH, generation),
    }
}

/// Bytes that do not occur in the content by chance: the start of its hash.
fn boundary_bytes(content: &[u8]) -> [u8; 16] {
    let mut first = [0; 16];
    first.copy_from_slice(&blake3::hash(content).as_bytes()[..16]);
    first
}

fn content_type(attributes: &ObjectAttributes) -> &str {
    let kind = attributes.text("content-type");
    let kind = kind.filter(|kind| HeaderValue::from_str(kind).is_ok());
    kind.unwrap_or("application/octet-stream")
}

/// The id of a session, from the address for its content.
fn session(headers: &HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let (_, query) = location.split_once('?')?;
    let id = query.split('&').find_map(|part| part.strip_prefix("upload_id="))?;
    crate::bucket::http::encode::decoded_path(id)
}
