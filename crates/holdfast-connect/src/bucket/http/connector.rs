//! Our connections for `object_store`, which requests credentials from other services.

use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::{ClientOptions, RetryConfig};

use crate::bucket::BucketError;
use crate::web::{BrokenTransfer, Transport};

/// Lets `object_store` use our connections.
#[derive(Debug, Clone)]
pub struct ObjectStoreConnector(pub Transport);

impl HttpConnector for ObjectStoreConnector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

fn http_error(broken: BrokenTransfer) -> HttpError {
    let kind = if broken.is_connect { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
    HttpError::new(kind, std::io::Error::other(broken.cause))
}

#[async_trait]
impl HttpService for ObjectStoreConnector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, answer) = self.0.send(request).await.map_err(http_error)?.into_parts();
        let body =
            answer.into_inner().map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error));
        Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body)))
    }
}

/// Retries for services that provide credentials: one that is not there now will not appear.
pub fn few_retries() -> RetryConfig {
    RetryConfig { max_retries: 2, retry_timeout: Duration::from_secs(15), ..RetryConfig::default() }
}

/// The innermost cause: the errors around it name types of a library.
pub fn missing(error: &object_store::Error) -> BucketError {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    BucketError::NoCredentials(innermost.to_string())
}
