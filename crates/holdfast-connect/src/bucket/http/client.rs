//! What all services need: a request is prepared by its [`Authority`], sent, retried, and a refusal
//! turned into the situation it means.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicBool};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::HeaderMap;
use http::{Response, StatusCode};

use super::action::RequestCounters;
use super::failure::{RefusedRequest, ServiceRefusal};
use super::optional::Optional;
use super::outage::Outage;
use super::request::{BucketNames, HttpRequest, ServiceRequest};
use super::xml::Element;
use crate::bucket::{BucketError, BucketOptions};
use crate::web::{BrokenTransfer, ResponseBody, Transport};

/// Longest document accepted from a server: a page of 1,000 keys takes at most a third of it.
const DOCUMENT_BYTES_MAX: usize = 16 << 20;
/// Longest refusal that is read.
const REFUSAL_BYTES_MAX: usize = 64 << 10;
/// How long a request to stop may go unnoticed.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// A response that is not a refusal.
pub type ServiceResponse = Response<ResponseBody>;

/// Addresses and signs the requests for a bucket.
#[async_trait]
pub trait Authority: Debug + Send + Sync {
    /// A request in the form in which it is sent.
    ///
    /// # Errors
    /// If it cannot be signed.
    async fn ready(&self, request: &ServiceRequest<'_>) -> Result<HttpRequest, BucketError>;

    /// Names for the errors made of refusals.
    fn names(&self) -> BucketNames<'_>;
}

/// A connection to one bucket.
#[derive(Debug)]
pub struct Client {
    pub counters: Arc<RequestCounters>,
    authority: Arc<dyn Authority>,
    transport: Transport,
    outage: Outage,
    optional: Optional,
    stop: Arc<AtomicBool>,
}

impl Client {
    /// A client that sends what the authority prepares.
    pub fn new(
        options: &BucketOptions,
        transport: Transport,
        authority: Arc<dyn Authority>,
    ) -> Self {
        Self {
            counters: Arc::default(),
            authority,
            transport,
            outage: Outage::new(options.retries, options.on_wait.clone()),
            optional: Optional::new(options.checksums),
            stop: Arc::clone(&options.stop),
        }
    }

    /// Sends a request until it succeeds, is finally refused, or has failed too often.
    ///
    /// # Errors
    /// The last failure.
    pub async fn send(
        &self,
        request: &mut ServiceRequest<'_>,
    ) -> Result<ServiceResponse, BucketError> {
        if request.is_tidying {
            return self.send_repeatedly(request).await;
        }
        self.unless_stopped(self.send_repeatedly(request)).await
    }

    /// Does some work, unless asked to stop before it is done.
    ///
    /// # Errors
    /// [`BucketError::Stopped`], and those of the work.
    pub async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, BucketError>>,
    ) -> Result<T, BucketError> {
        let stopped = async {
            while !self.stop.load(atomic::Ordering::SeqCst) {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        tokio::select! {
            biased;
            () = stopped => Err(BucketError::Stopped),
            outcome = work => outcome,
        }
    }

    async fn send_repeatedly(
        &self,
        request: &mut ServiceRequest<'_>,
    ) -> Result<ServiceResponse, BucketError> {
        loop {
            self.optional.prepare(request);
            let (error, is_away, retry_after) = match self.attempt(request).await {
                Err(error @ BucketError::Unreachable { .. }) => (error, true, None),
                Err(error) => return Err(error),
                Ok(answer) if answer.status().is_success() => {
                    self.outage.is_over();
                    self.optional.succeeded(request);
                    return Ok(answer);
                }
                Ok(answer) => {
                    let refusal = refusal(answer).await;
                    if !refusal.may_pass() {
                        self.outage.is_over();
                        if self.optional.can_do_without(request, &refusal) {
                            continue;
                        }
                        return Err(refusal.into_error(&self.refused_request(request)));
                    }
                    let (is_away, retry_after) = (refusal.is_away(), refusal.retry_after);
                    (refusal.into_error(&self.refused_request(request)), is_away, retry_after)
                }
            };
            match self.outage.wait(request.attempts, &error, is_away, retry_after) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(error),
            }
        }
    }

    /// Sends a request whose response is a document; `None` if its body is empty.
    ///
    /// # Errors
    /// As [`Client::send`]; a response that is not XML.
    pub async fn document(
        &self,
        request: &mut ServiceRequest<'_>,
    ) -> Result<Option<Element>, BucketError> {
        let body = self.body(request).await?;
        self.parse(request, &body)
    }

    /// The document in a response that has already arrived. If it breaks off, the request is not
    /// repeated.
    ///
    /// # Errors
    /// As [`Client::document`].
    pub async fn answered_document(
        &self,
        request: &ServiceRequest<'_>,
        answer: ServiceResponse,
    ) -> Result<Option<Element>, BucketError> {
        match answer.into_body().whole(DOCUMENT_BYTES_MAX).await {
            Ok(Some(body)) => self.parse(request, &body),
            Ok(None) => Err(malformed_response(request.action.what, "it is too long".to_owned())),
            Err(broken) => Err(self.unreachable(&broken)),
        }
    }

    fn parse(
        &self,
        request: &ServiceRequest<'_>,
        body: &[u8],
    ) -> Result<Option<Element>, BucketError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let root = Element::parse(body)
            .map_err(|detail| malformed_response(request.action.what, detail))?;
        if root.name == "Error" {
            // A refusal that was only known after the status had been sent.
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let refusal = ServiceRefusal::parse(status, &HeaderMap::new(), body);
            return Err(refusal.into_error(&self.refused_request(request)));
        }
        Ok(Some(root))
    }

    /// Sends a request and returns the body of its response.
    ///
    /// # Errors
    /// As [`Client::send`]; a response that is too long.
    pub async fn body(&self, request: &mut ServiceRequest<'_>) -> Result<Bytes, BucketError> {
        self.unless_stopped(self.body_repeatedly(request)).await
    }

    async fn body_repeatedly(
        &self,
        request: &mut ServiceRequest<'_>,
    ) -> Result<Bytes, BucketError> {
        loop {
            let mut answer = self.send(request).await?.into_body();
            match answer.whole(DOCUMENT_BYTES_MAX).await {
                Ok(Some(body)) => return Ok(body),
                Ok(None) => {
                    return Err(malformed_response(
                        request.action.what,
                        "it is too long".to_owned(),
                    ));
                }
                Err(broken) if request.attempts >= self.attempts_max() => {
                    return Err(self.unreachable(&broken));
                }
                Err(_) => tokio::time::sleep(self.wait_after(request.attempts)).await,
            }
        }
    }

    /// Makes one attempt; refusals are responses.
    ///
    /// # Errors
    /// If there is no response, or the request cannot be prepared.
    pub async fn attempt(
        &self,
        request: &mut ServiceRequest<'_>,
    ) -> Result<ServiceResponse, BucketError> {
        request.attempts += 1;
        self.counters.count(request.action.kind);
        let ready = self.authority.ready(request).await?;
        match self.transport.send(ready).await {
            Ok(answer) => Ok(answer),
            Err(broken) if broken.is_final => {
                // Retrying will not help: usually it is a certificate.
                request.attempts = u32::MAX;
                Err(self.unreachable(&broken))
            }
            Err(broken) => Err(self.unreachable(&broken)),
        }
    }

    fn refused_request<'a>(&'a self, request: &'a ServiceRequest<'_>) -> RefusedRequest<'a> {
        RefusedRequest {
            action: &request.action,
            method: &request.method,
            names: self.authority.names(),
            has_key: request.key.is_some(),
            must_be_absent: request.must_be_absent,
        }
    }

    fn unreachable(&self, broken: &BrokenTransfer) -> BucketError {
        self.broke_off(&broken.cause)
    }

    /// The error for a transfer that was interrupted too often.
    pub fn broke_off(&self, cause: &str) -> BucketError {
        let (endpoint, cause) = (self.authority.names().endpoint.to_owned(), cause.to_owned());
        BucketError::Unreachable { endpoint, cause }
    }

    /// How long to wait before an interrupted transfer is resumed.
    pub fn wait_after(&self, attempts: u32) -> Duration {
        self.outage.wait_after(attempts)
    }

    /// Number of attempts that an interrupted transfer may take.
    pub fn attempts_max(&self) -> u32 {
        self.outage.attempts_max()
    }

    /// True if requests carry checksums, as far as the server is known to accept them.
    pub fn has_checksums(&self) -> bool {
        self.optional.is_sent()
    }
}

/// The error for a malformed response.
pub fn malformed_response(action: &'static str, detail: String) -> BucketError {
    BucketError::MalformedResponse { action, detail }
}

/// Parses a refusal; one whose body cannot be read has less detail.
async fn refusal(answer: ServiceResponse) -> ServiceRefusal {
    let (head, mut body) = answer.into_parts();
    let body = body.whole(REFUSAL_BYTES_MAX).await.ok().flatten().unwrap_or_default();
    ServiceRefusal::parse(head.status, &head.headers, &body)
}
