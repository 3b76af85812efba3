//! Small requests from an ordinary thread, each with a timeout.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use rustls::ClientConfig;
use tokio::runtime::Builder;
use url::Url;

use super::{BrokenTransfer, Proxies, Transport};
use crate::trust;

/// Maximum number of redirects that are followed.
const REDIRECTIONS_MAX: usize = 10;

/// Why there is no response, in a few words without the URL, which may be as good as a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RequestError(pub String);

/// A blocking client. Its requests are rare, so no connection outlives one.
#[derive(Debug)]
pub struct BlockingClient {
    config: ClientConfig,
    proxies: Proxies,
    timeout: Duration,
}

impl BlockingClient {
    /// A client with this timeout for each request. It trusts the system's certificates, plus
    /// these (PEM).
    ///
    /// # Errors
    /// [`RequestError`] if there are no trusted certificates.
    pub fn new(
        timeout: Duration,
        certificates: &[u8],
        proxies: Proxies,
    ) -> Result<Self, RequestError> {
        let config = trust::client_config(certificates);
        let config = config.map_err(|error| RequestError(error.to_string()))?;
        Ok(Self { config, proxies, timeout })
    }

    /// Sends a request, follows redirects, and returns the response without its body.
    ///
    /// # Errors
    /// [`RequestError`] if there is no response, or none in time.
    pub fn send(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &str,
    ) -> Result<Response<()>, RequestError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| RequestError(error.to_string()))?;
        let answer = runtime.block_on(async {
            // The timeout of the whole request expires first.
            let patience = self.timeout.saturating_mul(2);
            let transport = Transport::new(self.config.clone(), self.proxies.clone(), patience);
            let (method, url, headers) = (method.clone(), url.clone(), headers.clone());
            let follow = follow(&transport, method, url, headers, body.to_owned());
            tokio::time::timeout(self.timeout, follow).await
        });
        // Does not wait for a name that is still being resolved.
        runtime.shutdown_background();
        answer.unwrap_or_else(|_| Err(RequestError("no answer in time".to_owned())))
    }
}

async fn follow(
    transport: &Transport,
    mut method: Method,
    mut url: Url,
    mut headers: HeaderMap,
    mut body: String,
) -> Result<Response<()>, RequestError> {
    for _ in 0..=REDIRECTIONS_MAX {
        let mut request = Request::builder().method(method.clone()).uri(url.as_str());
        if let Some(own) = request.headers_mut() {
            own.clone_from(&headers);
        }
        let request = request.body(Full::new(Bytes::from(body.clone())));
        let request = request.map_err(|error| RequestError(error.to_string()))?;
        let answer = transport.send(request).await;
        let answer = answer.map_err(|BrokenTransfer { cause, .. }| RequestError(cause))?.map(drop);
        let Some(next) = redirection(&url, &answer) else { return Ok(answer) };
        if next.origin() != url.origin() {
            headers.remove(AUTHORIZATION);
        }
        // The request was accepted; only its result is elsewhere.
        if answer.status() == StatusCode::SEE_OTHER {
            (method, body) = (Method::GET, String::new());
        }
        url = next;
    }
    Err(RequestError("too many redirects".to_owned()))
}

/// The target of a redirect. A redirect from TLS to a plain connection is not followed.
fn redirection(from: &Url, answer: &Response<()>) -> Option<Url> {
    let is_redirection = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let to = answer.headers().get(LOCATION).filter(|_| is_redirection)?;
    let to = from.join(to.to_str().ok()?).ok()?;
    let is_usable = to.scheme() == "https" || to.scheme() == "http" && from.scheme() == "http";
    is_usable.then_some(to)
}
