//! Small requests from an ordinary thread, each with a timeout.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::{Broken, Proxies, Transport};
use crate::trust;

/// Maximum number of redirects that are followed.
const REDIRECTIONS_MAX: usize = 10;

/// Why there is no response, in a few words without the URL, which may be as good as a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// A blocking client. It sends one request at a time.
#[derive(Debug)]
pub struct BlockingClient {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    transport: Transport,
    timeout: Duration,
}

impl BlockingClient {
    /// A client with this timeout for each request. It trusts the system's certificates, plus
    /// these (PEM).
    ///
    /// # Errors
    /// [`Refusal`] if there are no trusted certificates, or no runtime can be created.
    pub fn new(timeout: Duration, certificates: &[u8], proxies: Proxies) -> Result<Self, Refusal> {
        let refusal = |error: &dyn std::error::Error| Refusal(error.to_string());
        let config = trust::client_config(certificates).map_err(|error| refusal(&error))?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| refusal(&error))?;
        // The timeout of the whole request expires first.
        let transport = Transport::new(config, proxies, timeout.saturating_mul(2));
        Ok(Self { runtime: Some(runtime), transport, timeout })
    }

    /// Sends a request, follows redirects, and returns the response without its body.
    ///
    /// # Errors
    /// [`Refusal`] if there is no response, or none in time.
    pub fn send(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &str,
    ) -> Result<Response<()>, Refusal> {
        let Some(runtime) = &self.runtime else { return Err(Refusal("no runtime".to_owned())) };
        let follow = self.follow(method.clone(), url.clone(), headers.clone(), body.to_owned());
        let within = async { tokio::time::timeout(self.timeout, follow).await };
        match runtime.block_on(within) {
            Ok(answer) => answer,
            Err(_) => Err(Refusal("no answer in time".to_owned())),
        }
    }

    async fn follow(
        &self,
        mut method: Method,
        mut url: Url,
        mut headers: HeaderMap,
        mut body: String,
    ) -> Result<Response<()>, Refusal> {
        for _ in 0..=REDIRECTIONS_MAX {
            let mut request = Request::builder().method(method.clone()).uri(url.as_str());
            if let Some(own) = request.headers_mut() {
                own.clone_from(&headers);
            }
            let request = request.body(Full::new(Bytes::from(body.clone())));
            let request = request.map_err(|error| Refusal(error.to_string()))?;
            let answer = self.transport.send(request).await;
            let answer = answer.map_err(|Broken { cause, .. }| Refusal(cause))?.map(drop);
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
        Err(Refusal("too many redirects".to_owned()))
    }
}

/// The target of a redirect. A redirect from TLS to a plain connection is not followed.
fn redirection(from: &Url, answer: &Response<()>) -> Option<Url> {
    let is_redirection = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let to = answer.headers().get(LOCATION).filter(|_| is_redirection)?;
    let to = from.join(to.to_str().ok()?).ok()?;
    let is_usable = to.scheme() == "https" || to.scheme() == "http" && from.scheme() == "http";
    is_usable.then_some(to)
}

impl Drop for BlockingClient {
    /// Does not wait for a name that is still being resolved.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
