//! Credentials for requests: those of the options, or what `object_store` gets from roles, over our
//! own connections.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, AwsCredentialProvider};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::{ClientOptions, RetryConfig, StaticCredentialProvider};

use super::profile::Profile;
use super::transport::{Broken, Transport};
use crate::bucket::{BucketError, Credentials};

/// Where credentials come from.
#[derive(Clone)]
pub enum Provider {
    /// Requests are not signed.
    Anonymous,
    /// Asked before each request; it keeps what is still valid.
    Signing(AwsCredentialProvider),
}

impl fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Provider")
    }
}

impl Provider {
    /// What the options ask for.
    ///
    /// # Errors
    /// [`BucketError::NoCredentials`] if they cannot give any.
    pub fn new(
        credentials: &Credentials,
        region: Option<&str>,
        transport: &Transport,
    ) -> Result<Self, BucketError> {
        match credentials {
            Credentials::Anonymous => Ok(Self::Anonymous),
            Credentials::Static { key_id, secret_key, session_token } => Ok(fixed(AwsCredential {
                key_id: key_id.clone(),
                secret_key: secret_key.as_str().to_owned(),
                token: session_token.as_ref().map(|token| token.as_str().to_owned()),
            })),
            Credentials::Profile { file, name } => profile(file, name),
            Credentials::Variables(variables) => {
                let mut builder = AmazonS3Builder::new()
                    .with_bucket_name("any")
                    .with_http_connector(Connector(transport.clone()))
                    .with_retry(RetryConfig {
                        max_retries: 2,
                        retry_timeout: Duration::from_secs(15),
                        ..RetryConfig::default()
                    });
                for (name, value) in variables {
                    if let Ok(key) = AmazonS3ConfigKey::from_str(&name.to_ascii_lowercase()) {
                        builder = builder.with_config(key, value.as_str());
                    }
                }
                if let Some(region) = region {
                    builder = builder.with_region(region);
                }
                let store = builder.build().map_err(|error| missing(&error))?;
                Ok(Self::Signing(Arc::clone(store.credentials())))
            }
        }
    }

    /// The credential for a request; `None` if it is not to be signed.
    ///
    /// # Errors
    /// [`BucketError::NoCredentials`] if there is none.
    pub async fn credential(&self) -> Result<Option<Arc<AwsCredential>>, BucketError> {
        match self {
            Self::Anonymous => Ok(None),
            Self::Signing(provider) => {
                provider.get_credential().await.map(Some).map_err(|error| missing(&error))
            }
        }
    }
}

fn fixed(credential: AwsCredential) -> Provider {
    Provider::Signing(Arc::new(StaticCredentialProvider::new(credential)))
}

fn profile(file: &Path, name: &str) -> Result<Provider, BucketError> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        BucketError::NoCredentials(format!("{} cannot be read: {error}", file.display()))
    })?;
    let profile = Profile::parse(&text, name).ok_or_else(|| {
        BucketError::NoCredentials(format!("{} has no profile {name:?}", file.display()))
    })?;
    profile.credential().map(fixed).map_err(|what| {
        BucketError::NoCredentials(format!("profile {name:?} of {} {what}", file.display()))
    })
}

/// The innermost cause: what stands around it names types of a library.
fn missing(error: &object_store::Error) -> BucketError {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    BucketError::NoCredentials(innermost.to_string())
}

/// Lets `object_store` use our connections.
#[derive(Debug, Clone)]
pub struct Connector(pub Transport);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

fn http_error(broken: Broken) -> HttpError {
    let kind = if broken.is_connect { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
    HttpError::new(kind, std::io::Error::other(broken.cause))
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, answer) = self.0.send(request).await.map_err(http_error)?.into_parts();
        let body =
            answer.into_inner().map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error));
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}
