//! Uploads in parts.

use http::Method;
use http::header::{ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};

use super::action;
use super::client::S3;
use super::object::{NAME_SPACE, without};
use crate::bucket::BucketError;
use crate::bucket::attributes::without_quotes;
use crate::bucket::http::payload::Payload;
use crate::bucket::http::request::ServiceRequest;
use crate::bucket::http::xml::escaped;
use crate::bucket::object::{PutMode, WrittenObject};
use crate::bucket::store::{Upload, UploadedPart};

impl S3 {
    /// Begins an upload.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn begin_upload(&self, key: &str, headers: HeaderMap) -> Result<Upload, BucketError> {
        let mut request =
            ServiceRequest::new(action::PUT, Method::POST, Some(key)).query("uploads", "");
        request.headers = headers;
        let root = self.http.document(&mut request).await?.unwrap_or_default();
        let id = root.text("UploadId").ok_or_else(|| without(action::PUT.what, "UploadId"))?;
        Ok(Upload { key: key.to_owned(), id: id.to_owned() })
    }

    /// Uploads a part; returns its ETag.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn upload_part(
        &self,
        upload: &Upload,
        number: u32,
        headers: HeaderMap,
        payload: Payload,
    ) -> Result<String, BucketError> {
        let mut request = ServiceRequest::new(action::PUT, Method::PUT, Some(&upload.key))
            .query("partNumber", number.to_string())
            .query("uploadId", upload.id.as_str())
            .payload(payload);
        request.headers = headers;
        let answer = self.http.send(&mut request).await?;
        let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        etag.map(str::to_owned).ok_or_else(|| without(action::PUT.what, "ETag"))
    }

    /// Combines the parts, which ascend by number, into the object.
    ///
    /// # Errors
    /// [`BucketError::Exists`] if an existing object may not be replaced.
    pub async fn complete_upload(
        &self,
        upload: &Upload,
        parts: &[UploadedPart],
        mut headers: HeaderMap,
        replace: PutMode,
    ) -> Result<WrittenObject, BucketError> {
        if replace == PutMode::No {
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let mut request = ServiceRequest::new(action::PUT, Method::POST, Some(&upload.key))
            .query("uploadId", upload.id.as_str())
            .payload(Payload::Bytes(completion(parts).into()));
        request.headers = headers;
        request.must_be_absent = replace == PutMode::No;
        let version = HeaderName::from_static("x-amz-version-id");
        let answer = self.http.send(&mut request).await?;
        let version =
            answer.headers().get(version).and_then(|it| it.to_str().ok()).map(str::to_owned);
        let root = self.http.answered_document(&request, answer).await?.unwrap_or_default();
        let etag = root.text("ETag").ok_or_else(|| without(action::PUT.what, "ETag"))?;
        let etag = String::from_utf8_lossy(without_quotes(etag.as_bytes())).into_owned();
        Ok(WrittenObject { etag, version })
    }

    /// Aborts an upload; its parts are removed.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn abort_upload(&self, upload: &Upload) -> Result<(), BucketError> {
        let mut request = ServiceRequest::new(action::ABORT, Method::DELETE, Some(&upload.key))
            .query("uploadId", upload.id.as_str());
        request.is_tidying = true;
        self.http.send(&mut request).await.map(drop)
    }
}

/// The document that completes an upload.
fn completion(parts: &[UploadedPart]) -> String {
    let parts = parts.iter().map(|part| {
        let checksum = part
            .checksum
            .as_ref()
            .map(|(name, value)| format!("<{name}>{}</{name}>", escaped(value)));
        let (etag, checksum) = (escaped(&part.etag), checksum.unwrap_or_default());
        let number = part.number;
        format!("<Part>{checksum}<ETag>{etag}</ETag><PartNumber>{number}</PartNumber></Part>")
    });
    let parts: String = parts.collect();
    format!("<CompleteMultipartUpload xmlns=\"{NAME_SPACE}\">{parts}</CompleteMultipartUpload>")
}
