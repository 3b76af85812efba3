//! The client for Google, and how it authorizes requests.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue};

use super::credentials::GoogleCredentials;
use crate::bucket::http::address::ServiceAddress;
use crate::bucket::http::client::{Authority, Client};
use crate::bucket::http::encode;
use crate::bucket::http::request::{BucketNames, HttpRequest, ServiceRequest};
use crate::bucket::{BucketError, BucketOptions, CredentialSource};

/// Google's own address.
const ORIGIN: &str = "https://storage.googleapis.com";
/// Part of the queries of requests that send content.
pub const UPLOAD_TYPE: &str = "uploadType";

/// A connection to one bucket.
#[derive(Debug)]
pub struct Google {
    pub http: Client,
    pub bucket: String,
}

impl Google {
    /// Creates a client.
    ///
    /// # Errors
    /// If the options are invalid, or there are no credentials.
    pub fn connect(options: &BucketOptions) -> Result<Self, BucketError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if options.bucket.is_empty() || !options.bucket.bytes().all(is_plain) {
            let text = format!("{:?} is not a valid bucket name", options.bucket);
            return Err(BucketError::Options(text));
        }
        let address = ServiceAddress::parse(options.endpoint.as_deref().unwrap_or(ORIGIN))?;
        // Tokens are requested over TLS, wherever the bucket is.
        let needs_tokens = !matches!(options.credentials, CredentialSource::Anonymous);
        let is_encrypted = needs_tokens || address.is_encrypted();
        let transport = options.transport(is_encrypted)?;
        let provider = GoogleCredentials::new(&options.credentials, &transport)?;
        let authority = Bearer {
            bucket: options.bucket.clone(),
            origin: address.origin(),
            base: address.base,
            provider,
        };
        let http = Client::new(options, transport, Arc::new(authority));
        Ok(Self { http, bucket: options.bucket.clone() })
    }
}

/// Authorizes requests with tokens.
#[derive(Debug)]
struct Bearer {
    bucket: String,
    origin: String,
    base: String,
    provider: GoogleCredentials,
}

#[async_trait]
impl Authority for Bearer {
    async fn ready(&self, request: &ServiceRequest<'_>) -> Result<HttpRequest, BucketError> {
        let Self { origin, base, bucket, .. } = self;
        let is_upload = request.query.iter().any(|(name, _)| *name == UPLOAD_TYPE);
        let upload = if is_upload { "/upload" } else { "" };
        let mut url = format!("{origin}{base}{upload}/storage/v1/b/{bucket}/o");
        // An upload names its object in the query.
        if let Some(key) = request.key.filter(|_| !is_upload) {
            url = format!("{url}/{}", name_in_path(key));
        }
        if !request.query.is_empty() {
            url = format!("{url}?{}", encode::joined(&request.query));
        }
        let mut headers = request.headers.clone();
        if matches!(request.method, Method::PUT | Method::POST | Method::PATCH) {
            headers.insert(CONTENT_LENGTH, request.payload.len().into());
        }
        if let Some(credential) = self.provider.credential().await? {
            let bearer = format!("Bearer {}", credential.bearer);
            let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| {
                BucketError::NoCredentials("the token has invalid characters".to_owned())
            })?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        request.to_http(&url, headers)
    }

    fn names(&self) -> BucketNames<'_> {
        BucketNames { bucket: &self.bucket, endpoint: &self.origin, region: "" }
    }
}

/// A name as one part of a path. Names of only dots would be taken for steps in a path, so their
/// dots are encoded.
fn name_in_path(key: &str) -> String {
    match key {
        "." | ".." => key.replace('.', "%2E"),
        key => encode::query(key),
    }
}
