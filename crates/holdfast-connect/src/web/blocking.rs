//! Small requests from a plain thread, each with a limit of time.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tokio::runtime::{Builder, Runtime};
use url::Url;

use super::{Broken, Proxies, Transport};
use crate::trust;

/// Most redirections that are followed.
const REDIRECTIONS_MAX: usize = 10;

/// Why there is no answer, in a few words without the address, which may be as good as a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// A client that blocks. Requests of one client come one after the other.
#[derive(Debug)]
pub struct BlockingClient {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    transport: Transport,
    timeout: Duration,
}

impl BlockingClient {
    /// A client whose requests take this long at most. It trusts the system's certificates, and
    /// these (PEM).
    ///
    /// # Errors
    /// [`Refusal`] if there are none, or the system gives no threads.
    pub fn new(timeout: Duration, certificates: &[u8], proxies: Proxies) -> Result<Self, Refusal> {
        let refusal = |error: &dyn std::error::Error| Refusal(error.to_string());
        let config = trust::client_config(certificates).map_err(|error| refusal(&error))?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| refusal(&error))?;
        // The limit on the whole request is reached first.
        let transport = Transport::new(config, proxies, timeout.saturating_mul(2));
        Ok(Self { runtime: Some(runtime), transport, timeout })
    }

    /// Sends a request, to where the server redirects it if it does, and gives the answer without
    /// its body.
    ///
    /// # Errors
    /// [`Refusal`] if there is no answer, or none in time.
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
            // What should be looked at elsewhere has arrived; else it is sent again.
            if answer.status() == StatusCode::SEE_OTHER {
                (method, body) = (Method::GET, String::new());
            }
            url = next;
        }
        Err(Refusal("too many redirects".to_owned()))
    }
}

/// Where the answer says that the request should go instead. Nothing that is sent over TLS goes
/// without it from there.
fn redirection(from: &Url, answer: &Response<()>) -> Option<Url> {
    let is_redirection = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let to = answer.headers().get(LOCATION).filter(|_| is_redirection)?;
    let to = from.join(to.to_str().ok()?).ok()?;
    let is_usable = to.scheme() == "https" || to.scheme() == "http" && from.scheme() == "http";
    is_usable.then_some(to)
}

impl Drop for BlockingClient {
    /// A name that is still being looked up keeps nobody waiting.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
