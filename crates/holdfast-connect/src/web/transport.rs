//! HTTP: one pool of connections, with or without TLS, and a limit on the server's silence.

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use super::Proxies;
use super::connector::WebConnector;

/// Longest wait for a connection.
const CONNECT_WAIT: Duration = Duration::from_secs(15);
/// Idle connections are closed after this time, before servers close them.
const IDLE_WAIT: Duration = Duration::from_secs(15);
/// Slowest upload that is not abandoned, in bytes per second.
const UPLOAD_RATE_MIN: u64 = 32 << 10;

/// A body of any kind.
type AnyBody = http_body_util::combinators::UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

/// Sends requests.
#[derive(Debug, Clone)]
pub struct Transport {
    client: Client<WebConnector, AnyBody>,
    proxies: Proxies,
    silence_max: Duration,
}

/// A request or its response was interrupted.
#[derive(Debug)]
pub struct BrokenTransfer {
    /// True if no connection could be made.
    pub is_connect: bool,
    /// True if retrying cannot help.
    pub is_final: bool,
    /// What happened, in words.
    pub cause: String,
}

impl Transport {
    /// Connections with the trust settings of `config`, through these proxies.
    pub fn new(config: ClientConfig, proxies: Proxies, silence_max: Duration) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT_WAIT));
        http.set_nodelay(true);
        let connector = WebConnector::new(http, config, proxies.clone());
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_WAIT)
            .build(connector);
        Self { client, proxies, silence_max }
    }

    /// Sends a request; returns when the head of the response has arrived.
    ///
    /// # Errors
    /// [`BrokenTransfer`].
    pub async fn send<B>(
        &self,
        request: Request<B>,
    ) -> Result<Response<ResponseBody>, BrokenTransfer>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let body_bytes = request.body().size_hint().exact().unwrap_or(0);
        let wait = self.silence_max + Duration::from_secs(body_bytes / UPLOAD_RATE_MIN);
        let mut request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        if let Some(authorization) = self.proxies.authorization(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization);
        }
        let response = match tokio::time::timeout(wait, self.client.request(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                let is_connect = error.is_connect();
                return Err(BrokenTransfer { is_connect, ..BrokenTransfer::from_error(&error) });
            }
            Err(_) => return Err(self.silent()),
        };
        let silence_max = self.silence_max;
        Ok(response.map(|body| ResponseBody { body, silence_max }))
    }

    fn silent(&self) -> BrokenTransfer {
        silent(self.silence_max)
    }
}

fn silent(wait: Duration) -> BrokenTransfer {
    let cause = format!("no data for {} seconds", wait.as_secs());
    BrokenTransfer { is_connect: false, is_final: false, cause }
}

impl BrokenTransfer {
    /// The innermost cause says most.
    fn from_error(error: &(dyn Error + 'static)) -> Self {
        let mut innermost: &(dyn Error + 'static) = error;
        let mut is_final = false;
        loop {
            is_final |= innermost.is::<rustls::Error>();
            let inner = match innermost.downcast_ref::<io::Error>() {
                // An error that wraps another has no source, but holds it.
                Some(error) => error.get_ref().map(|error| error as &(dyn Error + 'static)),
                None => innermost.source(),
            };
            match inner {
                Some(inner) => innermost = inner,
                None => break,
            }
        }
        Self { is_connect: false, is_final, cause: innermost.to_string() }
    }
}

/// The body of a response, as it arrives.
#[derive(Debug)]
pub struct ResponseBody {
    body: Incoming,
    silence_max: Duration,
}

impl ResponseBody {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// [`BrokenTransfer`] if the connection ended early, or nothing came for too long.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BrokenTransfer> {
        loop {
            match tokio::time::timeout(self.silence_max, self.body.frame()).await {
                Err(_) => return Err(silent(self.silence_max)),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(BrokenTransfer::from_error(&error)),
                Ok(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }

    /// The body as it comes from the connection, without the limit on silence.
    pub fn into_inner(self) -> Incoming {
        self.body
    }

    /// The whole body, if it is not longer than `bytes_max`; else `None`.
    ///
    /// # Errors
    /// [`BrokenTransfer`].
    pub async fn whole(&mut self, bytes_max: usize) -> Result<Option<Bytes>, BrokenTransfer> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.next().await? {
            if whole.is_empty() && self.body.is_end_stream() {
                return Ok((bytes.len() <= bytes_max).then_some(bytes));
            }
            if whole.len() + bytes.len() > bytes_max {
                return Ok(None);
            }
            whole.extend_from_slice(&bytes);
        }
        Ok(Some(whole.into()))
    }
}
