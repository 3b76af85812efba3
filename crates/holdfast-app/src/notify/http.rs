//! Sending notices to web servers, with a timeout and a few attempts.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use holdfast_connect::web::{BlockingClient, Proxies, RequestError};
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use url::Url;

use crate::settings::WebUrl;

/// Options of an HTTP client.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Timeout of one attempt.
    pub timeout: Duration,
    /// Number of further attempts after a failed one.
    pub retries_max: u32,
    /// The pause before the second attempt, doubled before each further one.
    pub pause: Duration,
    /// Proxies for the connections.
    pub proxies: Proxies,
}

impl Default for HttpOptions {
    /// As healthchecks.io advises: 10 seconds, and 5 more attempts.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            retries_max: 5,
            pause: Duration::from_secs(1),
            proxies: Proxies::default(),
        }
    }
}

/// A notice that was not delivered. It never shows a whole URL, which may be as good as a password.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// The client cannot be created.
    #[error("cannot send notices: {reason}")]
    Client {
        /// Why.
        reason: String,
    },
    /// A file with a URL or header cannot be read.
    #[error("cannot read {}, which {what}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why.
        error: io::Error,
    },
    /// A file does not contain a URL.
    #[error("{} does not contain a URL that begins with http:// or https://", path.display())]
    NotAnAddress {
        /// The file.
        path: PathBuf,
    },
    /// A value cannot be a header.
    #[error("{} does not contain a single line for the Authorization header", path.display())]
    NotAHeader {
        /// The file.
        path: PathBuf,
    },
    /// The server could not be reached, or did not answer in time.
    #[error("{to} was not notified: {reason} ({attempts} attempts)")]
    Unreachable {
        /// The recipient.
        to: String,
        /// Why.
        reason: String,
        /// Number of attempts.
        attempts: u32,
    },
    /// The server rejected it.
    #[error("{to} was not notified: it returned status {status} ({attempts} attempts)")]
    Refused {
        /// The recipient.
        to: String,
        /// The status.
        status: u16,
        /// Number of attempts.
        attempts: u32,
    },
    /// The textfile cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Textfile {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// An HTTP client. It blocks, so do not use it on an async thread.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Arc<BlockingClient>,
    retries_max: u32,
    pause: Duration,
}

/// Something to send.
pub(super) struct NoticeRequest<'a> {
    /// The recipient, for messages.
    pub(super) to: &'a str,
    pub(super) url: Url,
    pub(super) content_type: &'static str,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) body: &'a str,
    /// Number of further attempts after a failed one, if fewer than usual.
    pub(super) retries_max: u32,
}

impl HttpClient {
    /// Creates a client.
    ///
    /// # Errors
    /// [`NoticeError::Client`].
    pub fn new(options: &HttpOptions) -> Result<Self, NoticeError> {
        let client = BlockingClient::new(options.timeout, &[], options.proxies.clone());
        let client = client.map_err(|RequestError(reason)| NoticeError::Client { reason })?;
        let (retries_max, pause) = (options.retries_max, options.pause);
        Ok(Self { client: Arc::new(client), retries_max, pause })
    }

    /// Posts a letter and returns the response headers. Transient failures are retried: no
    /// response, status 408, 429, and 500 or above.
    pub(super) fn post(&self, letter: &NoticeRequest<'_>) -> Result<HeaderMap, NoticeError> {
        let retries_max = letter.retries_max.min(self.retries_max);
        let mut attempts = 1;
        loop {
            match self.attempt(letter, attempts) {
                Err(error) if attempts <= retries_max && may_pass(&error) => {
                    std::thread::sleep(self.pause * 2_u32.saturating_pow(attempts - 1));
                    attempts += 1;
                }
                result => return result,
            }
        }
    }

    /// The status of a GET request, sent once.
    ///
    /// # Errors
    /// Why there is no response, in a few words without the URL.
    pub fn status(&self, url: &WebUrl) -> Result<u16, String> {
        let answer = self.send(&Method::GET, &url.clone().into_url(), HeaderMap::new(), "");
        answer.map(|answer| answer.status().as_u16()).map_err(|RequestError(reason)| reason)
    }

    fn send(
        &self,
        method: &Method,
        url: &Url,
        mut headers: HeaderMap,
        body: &str,
    ) -> Result<Response<()>, RequestError> {
        let name = concat!("holdfast/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(name));
        self.client.send(method, url, &headers, body)
    }

    fn attempt(&self, letter: &NoticeRequest<'_>, attempts: u32) -> Result<HeaderMap, NoticeError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(letter.content_type));
        if let Some(authorization) = &letter.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let to = || format!("{} at {}", letter.to, letter.url.host_str().unwrap_or_default());
        let answer = self.send(&Method::POST, &letter.url, headers, letter.body);
        let answer = answer.map_err(|RequestError(reason)| NoticeError::Unreachable {
            to: to(),
            reason,
            attempts,
        })?;
        let status = answer.status();
        match status.is_success() {
            true => Ok(answer.into_parts().0.headers),
            false => Err(NoticeError::Refused { to: to(), status: status.as_u16(), attempts }),
        }
    }
}

fn may_pass(error: &NoticeError) -> bool {
    match error {
        NoticeError::Unreachable { .. } => true,
        NoticeError::Refused { status, .. } => {
            let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
            *status >= 500 || passing.iter().any(|passing| passing.as_u16() == *status)
        }
        _ => false,
    }
}
