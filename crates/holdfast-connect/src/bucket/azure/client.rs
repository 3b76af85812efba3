//! The client for Azure, and how it signs requests.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Method, Uri};
use object_store::azure::AzureAuthorizer;
use object_store::client::HttpRequestBody;
use url::Url;

use super::credentials::AzureCredentials;
use crate::bucket::http::address::ServiceAddress;
use crate::bucket::http::client::{Authority, Client};
use crate::bucket::http::connector::missing;
use crate::bucket::http::encode;
use crate::bucket::http::request::{BucketNames, HttpRequest, ServiceRequest};
use crate::bucket::{BucketError, BucketOptions, CredentialSource};

/// The version of the interface that responses are read as.
const INTERFACE_VERSION: HeaderValue = HeaderValue::from_static("2023-11-03");

/// A connection to one container.
#[derive(Debug)]
pub struct Azure {
    pub http: Client,
    pub container: String,
    /// True if listings also request tags, which takes a separate permission.
    pub with_tags: bool,
    /// Whether listings are in order, once known.
    pub is_in_order: OnceLock<bool>,
    /// True once a listing was out of order, whatever the account reports.
    pub is_disordered: AtomicBool,
}

impl Azure {
    /// Creates a client.
    ///
    /// # Errors
    /// If the options are invalid.
    pub fn connect(options: &BucketOptions, account: &str) -> Result<Self, BucketError> {
        let wrong = |what: String| BucketError::Options(what);
        let is_plain = |name: &str, more: &[u8]| {
            let is_good = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
            !name.is_empty() && name.bytes().all(is_good)
        };
        if !is_plain(account, b"") {
            return Err(wrong(format!("{account:?} is not a valid storage account name")));
        }
        if !is_plain(&options.bucket, b"-$") {
            return Err(wrong(format!("{:?} is not a valid container name", options.bucket)));
        }
        let address = match &options.endpoint {
            Some(endpoint) => ServiceAddress::parse(endpoint)?,
            None => ServiceAddress::parse(&format!("https://{account}.blob.core.windows.net"))?,
        };
        // The signer needs an address that browsers would also accept.
        Url::parse(&address.origin())
            .map_err(|error| wrong(format!("the endpoint is not a valid URL: {error}")))?;
        // Tokens are requested over TLS, wherever the container is.
        let needs_tokens = matches!(
            options.credentials,
            CredentialSource::Variables(_) | CredentialSource::ClientSecret { .. }
        );
        let is_encrypted = needs_tokens || address.is_encrypted();
        let transport = options.transport(is_encrypted)?;
        let provider = AzureCredentials::new(options, account, &transport)?;
        let authority = Microsoft {
            account: account.to_owned(),
            container: options.bucket.clone(),
            origin: address.origin(),
            base: address.base,
            provider,
        };
        Ok(Self {
            http: Client::new(options, transport, Arc::new(authority)),
            container: options.bucket.clone(),
            with_tags: options.with_tags,
            is_in_order: OnceLock::new(),
            is_disordered: AtomicBool::new(false),
        })
    }
}

/// Signs with Azure's keys, signatures and tokens.
#[derive(Debug)]
struct Microsoft {
    account: String,
    container: String,
    origin: String,
    base: String,
    provider: AzureCredentials,
}

#[async_trait]
impl Authority for Microsoft {
    async fn ready(&self, request: &ServiceRequest<'_>) -> Result<HttpRequest, BucketError> {
        let Self { origin, base, container, .. } = self;
        let mut url = format!("{origin}{base}/{container}");
        if let Some(key) = request.key {
            check_key(key)?;
            url = format!("{url}/{}", encode::path(key));
        }
        if !request.query.is_empty() {
            url = format!("{url}?{}", encode::joined(&request.query));
        }
        let uri: Uri = url.parse().map_err(|error| {
            BucketError::Options(format!("the address of the container is not valid: {error}"))
        })?;
        // Without its body: only the length of the body is signed.
        let mut signed = object_store::client::HttpRequest::new(HttpRequestBody::empty());
        *signed.method_mut() = request.method.clone();
        *signed.uri_mut() = uri;
        *signed.headers_mut() = request.headers.clone();
        signed.headers_mut().insert("x-ms-version", INTERFACE_VERSION);
        if request.method == Method::PUT {
            signed.headers_mut().insert(CONTENT_LENGTH, request.payload.len().into());
        }
        if let Some(credential) = self.provider.credential().await? {
            let authorizer = AzureAuthorizer::new(&credential, &self.account);
            authorizer.try_authorize(&mut signed).map_err(|error| missing(&error))?;
        }
        let (head, _) = signed.into_parts();
        request.to_http(&head.uri.to_string(), head.headers)
    }

    fn names(&self) -> BucketNames<'_> {
        BucketNames { bucket: &self.container, endpoint: &self.origin, region: "" }
    }
}

/// Servers and proxies remove `.` and `..` from addresses: a request for such a blob would address
/// a different one.
fn check_key(key: &str) -> Result<(), BucketError> {
    if key.split('/').any(|name| matches!(name, "." | "..")) {
        let text = "a name with \".\" or \"..\" between slashes cannot be used on Azure";
        return Err(BucketError::Limit(text.to_owned()));
    }
    Ok(())
}
