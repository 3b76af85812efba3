//! The client for S3, and how it signs requests.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use http::Method;
use http::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue};

use super::action;
use super::credentials::S3Credentials;
use super::endpoint::Endpoint;
use super::sign::{self, Signed, UNSIGNED_PAYLOAD, canonical_query};
use crate::bucket::http::client::{Authority, Client};
use crate::bucket::http::encode;
use crate::bucket::http::request::{BucketNames, HttpRequest, ServiceRequest};
use crate::bucket::{BucketError, BucketOptions};

/// The default region.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Declares who pays for a request.
const REQUEST_PAYER: HeaderName = HeaderName::from_static("x-amz-request-payer");

/// A connection to one bucket of S3.
#[derive(Debug)]
pub struct S3 {
    pub http: Client,
    pub bucket: String,
    pub region: String,
    /// True once a listing was not in key order.
    pub is_disordered: AtomicBool,
}

impl S3 {
    /// Creates a client; asks Amazon for the bucket's region if none is given.
    ///
    /// # Errors
    /// If the options are invalid, or there is no response.
    pub async fn connect(options: &BucketOptions) -> Result<Self, BucketError> {
        let given = options.region.as_deref().unwrap_or(DEFAULT_REGION);
        let endpoint = Endpoint::new(options, given)?;
        let transport = options.transport(endpoint.is_encrypted())?;
        let provider =
            S3Credentials::new(&options.credentials, options.region.as_deref(), &transport)?;
        let mut amazon = Amazon {
            bucket: options.bucket.clone(),
            region: given.to_owned(),
            endpoint,
            provider,
            requester_pays: options.requester_pays,
            clock: options.clock,
        };
        let mut http = Client::new(options, transport.clone(), Arc::new(amazon.clone()));
        if options.region.is_none()
            && options.endpoint.is_none()
            && let Some(region) = find_region(&http).await?
        {
            amazon.endpoint = Endpoint::new(options, &region)?;
            amazon.region = region;
            let counters = http.counters;
            http = Client::new(options, transport, Arc::new(amazon.clone()));
            http.counters = counters;
        }
        Ok(Self {
            http,
            bucket: amazon.bucket,
            region: amazon.region,
            is_disordered: AtomicBool::new(false),
        })
    }
}

/// Amazon names the region of a bucket in every response, including refusals.
async fn find_region(http: &Client) -> Result<Option<String>, BucketError> {
    let mut request = ServiceRequest::new(action::FIND_BUCKET, Method::HEAD, None);
    let answer = http.attempt(&mut request).await?;
    let header = answer.headers().get("x-amz-bucket-region");
    Ok(header.and_then(|region| region.to_str().ok()).map(str::to_owned))
}

/// Signs as Amazon and compatible servers require.
#[derive(Debug, Clone)]
struct Amazon {
    bucket: String,
    region: String,
    endpoint: Endpoint,
    provider: S3Credentials,
    requester_pays: bool,
    clock: fn() -> jiff::Timestamp,
}

#[async_trait]
impl Authority for Amazon {
    async fn ready(&self, request: &ServiceRequest<'_>) -> Result<HttpRequest, BucketError> {
        let path =
            self.endpoint.path(&self.bucket, &request.key.map(encode::path).unwrap_or_default());
        let query = canonical_query(&request.query);
        let separator = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{path}{separator}{query}", self.endpoint.origin);
        let mut headers = request.headers.clone();
        if self.requester_pays {
            headers.insert(REQUEST_PAYER, HeaderValue::from_static("requester"));
        }
        let payload = self.describe_payload(request, &mut headers)?;
        if let Some(credential) = self.provider.credential().await? {
            let (method, host) = (request.method.as_str(), self.endpoint.host());
            let signed =
                Signed { method, host, path: &path, query: &request.query, payload: &payload };
            sign::sign(&signed, &mut headers, &credential, &self.region, (self.clock)())
                .ok_or_else(|| BucketError::WrongKey {
                    code: "it has invalid characters".to_owned(),
                })?;
        }
        request.to_http(&url, headers)
    }

    fn names(&self) -> BucketNames<'_> {
        let (bucket, endpoint) = (self.bucket.as_str(), self.endpoint.origin.as_str());
        BucketNames { bucket, endpoint, region: &self.region }
    }
}

impl Amazon {
    /// Adds headers that describe the body; returns its hash as it is signed.
    fn describe_payload(
        &self,
        request: &ServiceRequest<'_>,
        headers: &mut HeaderMap,
    ) -> Result<String, BucketError> {
        if let Ok(host) = HeaderValue::from_str(self.endpoint.host()) {
            headers.insert(HOST, host);
        }
        if !matches!(request.method, Method::PUT | Method::POST) {
            return Ok(sign::sha256_hex(b""));
        }
        headers.insert(CONTENT_LENGTH, request.payload.len().into());
        // Over TLS no one can change the body in transit; the server verifies it by its MD5 in any
        // case.
        let (md5, sha256) = request.payload.digests(!self.endpoint.is_encrypted())?;
        if let Ok(md5) = HeaderValue::from_str(&md5) {
            headers.insert("content-md5", md5);
        }
        Ok(sha256.unwrap_or_else(|| UNSIGNED_PAYLOAD.to_owned()))
    }
}
