//! Sending notices to web servers, with a timeout and a few attempts.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use holdfast_connect::trust::{self, TrustError};
use reqwest::blocking::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{StatusCode, Url};

use crate::config::WebUrl;

/// Options of an HTTP client.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// Timeout of one attempt.
    pub timeout: Duration,
    /// Number of further attempts after a failed one.
    pub retries_max: u32,
    /// The pause before the second attempt, doubled before each further one.
    pub pause: Duration,
    /// True to honor the variables `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`.
    pub proxies_from_environment: bool,
}

impl Default for HttpOptions {
    /// As healthchecks.io advises: 10 seconds, and 5 more attempts.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            retries_max: 5,
            pause: Duration::from_secs(1),
            proxies_from_environment: true,
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
    client: Client,
    retries_max: u32,
    pause: Duration,
}

/// Something to send.
pub(super) struct Letter<'a> {
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
        let unusable = |error: TrustError| NoticeError::Client { reason: error.to_string() };
        let builder = Client::builder()
            .tls_backend_preconfigured(trust::client_config(&[]).map_err(unusable)?)
            .timeout(options.timeout)
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")));
        let builder = if options.proxies_from_environment { builder } else { builder.no_proxy() };
        let client = builder.build();
        let client = client.map_err(|error| NoticeError::Client { reason: root_cause(&error) })?;
        Ok(Self { client, retries_max: options.retries_max, pause: options.pause })
    }

    /// Posts a letter and returns the response headers. Transient failures are retried: no
    /// response, status 408, 429, and 500 or above.
    pub(super) fn post(&self, letter: &Letter<'_>) -> Result<HeaderMap, NoticeError> {
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
        let answer = self.client.get(url.clone().into_url()).send();
        answer.map(|answer| answer.status().as_u16()).map_err(|error| match error.is_timeout() {
            true => "no answer in time".to_owned(),
            false => root_cause(&error),
        })
    }

    fn attempt(&self, letter: &Letter<'_>, attempts: u32) -> Result<HeaderMap, NoticeError> {
        let mut request = self
            .client
            .post(letter.url.clone())
            .header(CONTENT_TYPE, letter.content_type)
            .body(letter.body.to_owned());
        if let Some(authorization) = &letter.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let to = || format!("{} at {}", letter.to, letter.url.host_str().unwrap_or_default());
        let response = request.send().map_err(|error| NoticeError::Unreachable {
            to: to(),
            reason: if error.is_timeout() {
                "no answer in time".into()
            } else {
                root_cause(&error)
            },
            attempts,
        })?;
        let status = response.status();
        match status.is_success() {
            true => Ok(response.headers().clone()),
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

/// The innermost error: the outer ones repeat the URL.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
