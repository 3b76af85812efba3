//! Requests about one object: reading, examining, writing, deleting; its tags, ACL and locks.

use std::sync::atomic::Ordering;

use http::Method;
use http::header::{
    CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
    LAST_MODIFIED, RANGE,
};
use jiff::fmt::rfc2822::DateTimeParser;

use super::action;
use super::client::S3;
use super::grants::Grants;
use crate::bucket::BucketError;
use crate::bucket::attributes::without_quotes;
use crate::bucket::http::client::{ServiceResponse, malformed_response};
use crate::bucket::http::encode;
use crate::bucket::http::payload::Payload;
use crate::bucket::http::request::ServiceRequest;
use crate::bucket::http::xml::{Element, escaped};
use crate::bucket::object::{ListPosition, ListedKey, ObjectRef, PutMode, WrittenObject};

const CHECKSUM_MODE: HeaderName = HeaderName::from_static("x-amz-checksum-mode");

impl S3 {
    /// Starts reading an object, or a range of it (first byte and last byte), provided it is still
    /// the one that was listed.
    ///
    /// # Errors
    /// [`BucketError::Changed`] and [`BucketError::Vanished`] among others.
    pub async fn get(
        &self,
        which: ObjectRef<'_>,
        range: Option<(u64, u64)>,
    ) -> Result<ServiceResponse, BucketError> {
        let action = if which.version.is_some() { action::GET_VERSION } else { action::GET };
        let mut request = about(ServiceRequest::new(action, Method::GET, Some(which.key)), which);
        if let Some((first, last)) = range {
            request = request.header(RANGE, &format!("bytes={first}-{last}"));
        } else {
            request = request.header(CHECKSUM_MODE, "ENABLED");
        }
        self.http.send(&mut request).await
    }

    /// What exists at a key; `None` if nothing does. If a server does not list in key order, the
    /// first key with this prefix may be a different one, so the object itself is queried.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn find(&self, key: &str) -> Result<Option<ListedKey>, BucketError> {
        if !self.is_disordered.load(Ordering::Relaxed) {
            let page = self.list(key, &ListPosition::default(), 1).await?;
            return Ok(page.objects.into_iter().next().filter(|object| object.key == key));
        }
        match self.head(ObjectRef { key, etag: "", version: None }).await {
            Ok(headers) => Ok(Some(listed(key, &headers))),
            Err(BucketError::Vanished) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The headers of an object.
    ///
    /// # Errors
    /// As [`S3::get`].
    pub async fn head(&self, which: ObjectRef<'_>) -> Result<HeaderMap, BucketError> {
        let request = ServiceRequest::new(action::HEAD, Method::HEAD, Some(which.key));
        let mut request = about(request, which).header(CHECKSUM_MODE, "ENABLED");
        Ok(self.http.send(&mut request).await?.into_parts().0.headers)
    }

    /// The size of one of the parts that an object was uploaded in, counted from 1; `None` if the
    /// server does not report it.
    ///
    /// # Errors
    /// As [`S3::get`].
    pub async fn part_bytes(
        &self,
        which: ObjectRef<'_>,
        number: u32,
    ) -> Result<Option<u64>, BucketError> {
        let request = ServiceRequest::new(action::HEAD, Method::HEAD, Some(which.key));
        // Without the ETag, which some servers compare with that of the part. If the object was
        // replaced, the sizes do not fit, or at worst it gets a different ETag when it is restored.
        let mut request =
            request.maybe_query("versionId", which.version).query("partNumber", number.to_string());
        let answer = match self.http.send(&mut request).await {
            Ok(answer) => answer,
            Err(BucketError::Unsupported { .. } | BucketError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        // A server without support for parts reports the length of the whole object, with another
        // status.
        let is_part = answer.status() == http::StatusCode::PARTIAL_CONTENT
            || answer.headers().contains_key("x-amz-mp-parts-count");
        let length = answer.headers().get("content-length").and_then(|it| it.to_str().ok());
        Ok(length.filter(|_| is_part).and_then(|length| length.parse().ok()))
    }

    /// The tags of an object.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn tags(&self, which: ObjectRef<'_>) -> Result<Vec<(String, String)>, BucketError> {
        let action = match which.version {
            Some(_) => action::GET_VERSION_TAGS,
            None => action::GET_TAGS,
        };
        let mut request = ServiceRequest::new(action, Method::GET, Some(which.key))
            .query("tagging", "")
            .maybe_query("versionId", which.version);
        match self.http.document(&mut request).await {
            Ok(root) => Ok(root.map(|root| tags_in(&root)).unwrap_or_default()),
            Err(BucketError::Refused { status: 404, .. } | BucketError::Unsupported { .. }) => {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    /// The access control list of an object, as the server's document.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn acl(&self, which: ObjectRef<'_>) -> Result<Vec<u8>, BucketError> {
        let action = match which.version {
            Some(_) => action::GET_VERSION_ACL,
            None => action::GET_ACL,
        };
        let mut request = ServiceRequest::new(action, Method::GET, Some(which.key))
            .query("acl", "")
            .maybe_query("versionId", which.version);
        Ok(self.http.body(&mut request).await?.to_vec())
    }

    /// Writes an object in one piece.
    ///
    /// # Errors
    /// [`BucketError::Exists`] if an existing object may not be replaced.
    pub async fn put(
        &self,
        key: &str,
        headers: HeaderMap,
        payload: Payload,
        replace: PutMode,
    ) -> Result<WrittenObject, BucketError> {
        let mut request = ServiceRequest::new(action::PUT, Method::PUT, Some(key)).payload(payload);
        request.headers = headers;
        if replace == PutMode::No {
            request.headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
            request.must_be_absent = true;
        }
        match self.http.send(&mut request).await {
            Ok(answer) => Ok(written(answer.headers())),
            // An earlier attempt whose response was lost may have written it.
            Err(BucketError::Exists) if request.attempts > 1 => {
                self.written_before(key, &request.payload).await
            }
            Err(error) => Err(error),
        }
    }

    /// What exists at a key, if it is this content in one piece.
    async fn written_before(
        &self,
        key: &str,
        payload: &Payload,
    ) -> Result<WrittenObject, BucketError> {
        let md5 = data_encoding::BASE64.decode(payload.md5()?.as_bytes()).unwrap_or_default();
        let found = written(&self.head(ObjectRef { key, etag: "", version: None }).await?);
        let is_same = found.etag == data_encoding::HEXLOWER.encode(&md5);
        if is_same { Ok(found) } else { Err(BucketError::Exists) }
    }

    /// Replaces the metadata of an object by copying it onto itself.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn copy_onto_itself(
        &self,
        which: ObjectRef<'_>,
        headers: HeaderMap,
    ) -> Result<(), BucketError> {
        let source = format!("/{}/{}", self.bucket, encode::path(which.key));
        let mut request = ServiceRequest::new(action::COPY, Method::PUT, Some(which.key));
        request.headers = headers;
        request = request
            .header(HeaderName::from_static("x-amz-copy-source"), &source)
            .header(HeaderName::from_static("x-amz-metadata-directive"), "REPLACE");
        if !which.etag.is_empty() {
            let name = HeaderName::from_static("x-amz-copy-source-if-match");
            request = request.header(name, &format!("\"{}\"", which.etag));
        }
        self.http.document(&mut request).await.map(drop)
    }

    /// Sets exactly these tags on an object.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn put_tags(&self, key: &str, tags: &[(String, String)]) -> Result<(), BucketError> {
        // Not every server accepts an empty set.
        if tags.is_empty() {
            let request = ServiceRequest::new(action::DELETE_TAGS, Method::DELETE, Some(key));
            return self.http.send(&mut request.query("tagging", "")).await.map(drop);
        }
        let request =
            ServiceRequest::new(action::PUT_TAGS, Method::PUT, Some(key)).query("tagging", "");
        let document = tagging(tags);
        self.http.send(&mut request.payload(Payload::Bytes(document.into()))).await.map(drop)
    }

    /// Sets exactly these grants on an object, whose owner does not change.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn put_acl(&self, key: &str, grants: &Grants) -> Result<(), BucketError> {
        let mut request =
            ServiceRequest::new(action::PUT_ACL, Method::PUT, Some(key)).query("acl", "");
        for (name, grantees) in grants.headers() {
            request = request.header(HeaderName::from_static(name), &grantees);
        }
        self.http.send(&mut request).await.map(drop)
    }

    /// Deletes an object; with versioning this adds a delete marker, whose version is returned.
    ///
    /// # Errors
    /// Errors of the server.
    pub async fn delete(&self, key: &str) -> Result<Option<String>, BucketError> {
        let answer = self
            .http
            .send(&mut ServiceRequest::new(action::DELETE, Method::DELETE, Some(key)))
            .await;
        match answer {
            Ok(answer) => Ok(written(answer.headers()).version),
            Err(BucketError::Vanished) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What headers report about an object, in the form of a listing.
fn listed(key: &str, headers: &HeaderMap) -> ListedKey {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let modified = text(LAST_MODIFIED);
    let modified = modified.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    ListedKey {
        key: key.to_owned(),
        etag: written(headers).etag,
        bytes: text(CONTENT_LENGTH).and_then(|length| length.parse().ok()).unwrap_or_default(),
        modified: modified.unwrap_or_default().into(),
        storage_class: text(HeaderName::from_static("x-amz-storage-class")).map(str::to_owned),
        is_latest: true,
        ..ListedKey::default()
    }
}

/// Makes the request for this version, provided it is still the one that was listed.
fn about<'a>(request: ServiceRequest<'a>, which: ObjectRef<'_>) -> ServiceRequest<'a> {
    let request = request.maybe_query("versionId", which.version);
    match which.etag {
        "" => request,
        etag => request.header(IF_MATCH, &format!("\"{etag}\"")),
    }
}

/// What the headers of a response say about the object that was written.
pub(super) fn written(headers: &HeaderMap) -> WrittenObject {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    WrittenObject {
        etag: text(ETAG)
            .and_then(|etag| std::str::from_utf8(without_quotes(etag.as_bytes())).ok())
            .unwrap_or_default()
            .to_owned(),
        version: text(HeaderName::from_static("x-amz-version-id")).map(str::to_owned),
    }
}

/// The tags in a document.
pub(in crate::bucket) fn tags_in(root: &Element) -> Vec<(String, String)> {
    let set = root.child("TagSet").into_iter().flat_map(|set| set.all("Tag"));
    set.filter_map(|tag| Some((tag.text("Key")?.to_owned(), tag.text("Value")?.to_owned())))
        .collect()
}

/// The document that sets tags.
fn tagging(tags: &[(String, String)]) -> String {
    let tags = tags.iter().map(|(name, value)| {
        format!("<Tag><Key>{}</Key><Value>{}</Value></Tag>", escaped(name), escaped(value))
    });
    let tags: String = tags.collect();
    format!("<Tagging xmlns=\"{NAME_SPACE}\"><TagSet>{tags}</TagSet></Tagging>")
}

/// Tags in the form of a header, for a request that writes an object.
pub fn tagging_header(tags: &[(String, String)]) -> String {
    let pairs = tags
        .iter()
        .map(|(name, value)| format!("{}={}", encode::query(name), encode::query(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Name space of S3's documents.
pub(super) const NAME_SPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The error for a response that lacks what was requested.
pub(super) fn without(what: &'static str, name: &str) -> BucketError {
    malformed_response(what, format!("it has no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_written_as_they_are_read() {
        let tags = vec![("a&<".to_owned(), String::new()), ("b".to_owned(), " c ".to_owned())];
        let root = Element::parse(tagging(&tags).as_bytes()).unwrap();
        assert_eq!(tags_in(&root), tags);
    }
}
