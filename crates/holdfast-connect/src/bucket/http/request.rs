//! One request to a service.

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::action::RequestAction;
use super::payload::{Payload, PayloadBody};
use crate::bucket::BucketError;

/// Part of a query: name and value, not encoded.
pub type Query = Vec<(&'static str, String)>;

/// A request, to be sent as often as needed.
#[derive(Debug)]
pub struct ServiceRequest<'a> {
    pub action: RequestAction,
    pub method: Method,
    /// The object; `None` for the bucket.
    pub key: Option<&'a str>,
    pub query: Query,
    pub headers: HeaderMap,
    pub payload: Payload,
    /// Attempts so far. A refusal of the second one may be caused by the first, which took effect
    /// although its response was lost.
    pub attempts: u32,
    /// True if it may only be carried out where no object exists.
    pub must_be_absent: bool,
    /// True if optional headers were left out.
    pub is_reduced: bool,
    /// True if it cleans up: it is then sent even when the work is to stop.
    pub is_tidying: bool,
}

impl<'a> ServiceRequest<'a> {
    /// A request without headers and body.
    pub fn new(action: RequestAction, method: Method, key: Option<&'a str>) -> Self {
        let (query, headers, payload) = (Query::new(), HeaderMap::new(), Payload::EMPTY);
        Self {
            action,
            method,
            key,
            query,
            headers,
            payload,
            attempts: 0,
            must_be_absent: false,
            is_reduced: false,
            is_tidying: false,
        }
    }

    /// Adds a part to the query.
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a part to the query, if there is a value.
    pub fn maybe_query(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a header; a value that is not allowed in one is left out.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// The request in the form in which it is sent: with its body, to this address and with these
    /// headers.
    ///
    /// # Errors
    /// If the address is not valid.
    pub fn to_http(&self, url: &str, headers: HeaderMap) -> Result<HttpRequest, BucketError> {
        let mut ready = http::Request::builder().method(&self.method).uri(url);
        if let Some(all) = ready.headers_mut() {
            *all = headers;
        }
        ready.body(self.payload.body()).map_err(|error| {
            BucketError::Options(format!("the address of the bucket is not valid: {error}"))
        })
    }

    /// Sets the body.
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }
}

/// A request in the form in which it is sent.
pub type HttpRequest = http::Request<PayloadBody>;

/// The names of a bucket.
#[derive(Debug, Clone, Copy)]
pub struct BucketNames<'a> {
    pub bucket: &'a str,
    /// Where requests go: scheme, host and port.
    pub endpoint: &'a str,
    /// Empty where there are none.
    pub region: &'a str,
}
