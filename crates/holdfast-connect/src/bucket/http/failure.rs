//! From a server's refusal to the situation it means.

use std::time::Duration;

use http::header::HeaderMap;
use http::{Method, StatusCode};
use serde::Deserialize;

use super::action::RequestAction;
use super::request::BucketNames;
use super::xml::Element;
use crate::bucket::BucketError;

/// Longest explanation of a server that is passed on, in characters.
const MESSAGE_CHARACTERS_MAX: usize = 200;

/// The request that was refused.
pub struct RefusedRequest<'a> {
    pub action: &'a RequestAction,
    pub method: &'a Method,
    pub names: BucketNames<'a>,
    /// True if it was for an object.
    pub has_key: bool,
    /// True if it was only to be carried out where no object exists.
    pub must_be_absent: bool,
}

/// A server's refusal.
pub struct ServiceRefusal {
    pub status: StatusCode,
    pub code: String,
    pub message: Option<String>,
    /// How long the server asks to be left alone, if it does.
    pub retry_after: Option<Duration>,
    region: Option<String>,
}

/// A refusal as Google writes it.
#[derive(Debug, Default, Deserialize)]
struct GoogleRefusal {
    error: GoogleError,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GoogleError {
    message: String,
    errors: Vec<GoogleReason>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GoogleReason {
    reason: String,
}

impl ServiceRefusal {
    /// Parses a response.
    pub fn parse(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let document = Element::parse(body).ok().filter(|root| root.name == "Error");
        let text = |name| {
            let text = document.as_ref().and_then(|root| root.text(name));
            text.map(printable).filter(|text| !text.is_empty())
        };
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let google = serde_json::from_slice::<GoogleRefusal>(body).unwrap_or_default().error;
        let code = text("Code")
            .or_else(|| header("x-ms-error-code").map(printable))
            .or_else(|| google.errors.first().map(|error| printable(&error.reason)));
        let message = text("Message").or_else(|| Some(printable(&google.message)));
        Self {
            status,
            code: code.unwrap_or_default(),
            message: message.filter(|text| !text.is_empty()),
            retry_after: header("retry-after")
                .and_then(|text| text.trim().parse().ok())
                .map(Duration::from_secs),
            region: header("x-amz-bucket-region").map(printable).or_else(|| text("Region")),
        }
    }

    /// True if the same request may succeed a little later.
    pub fn may_pass(&self) -> bool {
        let codes = [
            "RequestTimeout",
            "SlowDown",
            "OperationAborted",
            "ConditionalRequestConflict",
            "rateLimitExceeded",
            "userRateLimitExceeded",
        ];
        matches!(self.status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
            || codes.contains(&self.code.as_str())
    }

    /// True if the server, or one behind it, is too busy or unavailable at the moment.
    pub fn is_away(&self) -> bool {
        matches!(self.status.as_u16(), 429 | 502 | 503 | 504) || self.code == "SlowDown"
    }

    /// Google uses one code for a missing bucket and a missing object.
    fn is_about_bucket(&self) -> bool {
        self.message.as_ref().is_some_and(|text| text.contains("bucket does not exist"))
    }

    /// Azure has several codes for a wrong signature, but one sentence.
    fn is_about_signature(&self) -> bool {
        let sentence = "Server failed to authenticate the request";
        self.message.as_ref().is_some_and(|text| text.starts_with(sentence))
    }

    /// The error for the situation.
    pub fn into_error(self, request: &RefusedRequest<'_>) -> BucketError {
        let (action, status) = (request.action.what, self.status.as_u16());
        match (status, self.code.as_str()) {
            (403, _) if self.is_about_signature() => BucketError::WrongKey { code: self.code },
            (_, "RequestTimeTooSkewed") => BucketError::ClockSkew,
            (_, "ExpiredToken" | "TokenRefreshRequired") => BucketError::ExpiredCredentials,
            (
                _,
                "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "InvalidToken"
                | "InvalidSecurity"
                | "AuthenticationFailed"
                | "InvalidAuthenticationInfo"
                | "authError",
            ) => BucketError::WrongKey { code: self.code },
            (301 | 307, _)
            | (_, "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
                BucketError::WrongRegion {
                    tried: request.names.region.to_owned(),
                    region: self.region,
                }
            }
            (_, "NoSuchBucket" | "ContainerNotFound" | "ContainerBeingDeleted") => {
                request.no_such_bucket()
            }
            (404, "") if !request.has_key => request.no_such_bucket(),
            (404, "notFound") if !request.has_key || self.is_about_bucket() => {
                request.no_such_bucket()
            }
            (404, "notFound") => BucketError::Vanished,
            (404, "" | "NoSuchKey" | "NoSuchVersion" | "BlobNotFound") if request.has_key => {
                BucketError::Vanished
            }
            // A version that is a delete marker.
            (405, _)
                if request.has_key && matches!(*request.method, Method::GET | Method::HEAD) =>
            {
                BucketError::Vanished
            }
            (409, "BlobAlreadyExists") => BucketError::Exists,
            (_, "InvalidObjectState" | "BlobArchived") => BucketError::Archived,
            (412, _) if request.must_be_absent => BucketError::Exists,
            (412 | 416, _) => BucketError::Changed,
            (401 | 403, _) => BucketError::Denied { action, permission: request.action.permission },
            (405 | 501, _) => {
                let code = if self.code.is_empty() { status.to_string() } else { self.code };
                BucketError::Unsupported { action, code }
            }
            _ => BucketError::Refused { action, status, code: self.code, message: self.message },
        }
    }
}

impl RefusedRequest<'_> {
    fn no_such_bucket(&self) -> BucketError {
        let (bucket, endpoint) = (self.names.bucket.to_owned(), self.names.endpoint.to_owned());
        BucketError::NoSuchBucket { bucket, endpoint }
    }
}

/// A server's text, without characters that could affect a terminal.
fn printable(text: &str) -> String {
    let characters = text.trim().chars().take(MESSAGE_CHARACTERS_MAX);
    characters.map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::request::BucketNames;
    use super::*;
    use crate::bucket::s3::action;

    fn error(status: u16, code: &str, has_key: bool) -> BucketError {
        let body = format!("<Error><Code>{code}</Code><Message>no\x1b[31m</Message></Error>");
        let status = StatusCode::from_u16(status).unwrap();
        let refusal = ServiceRefusal::parse(status, &HeaderMap::new(), body.as_bytes());
        refusal.into_error(&RefusedRequest {
            action: &action::GET,
            method: &Method::GET,
            names: BucketNames { bucket: "b", endpoint: "http://h", region: "us-east-1" },
            has_key,
            must_be_absent: false,
        })
    }

    #[test]
    fn situations_are_distinguished() {
        assert!(matches!(error(404, "NoSuchKey", true), BucketError::Vanished));
        assert!(matches!(error(404, "", true), BucketError::Vanished));
        assert!(matches!(error(404, "", false), BucketError::NoSuchBucket { .. }));
        assert!(matches!(error(404, "NoSuchBucket", true), BucketError::NoSuchBucket { .. }));
        assert!(matches!(error(404, "NoSuchTagSet", true), BucketError::Refused { .. }));
        assert!(matches!(error(412, "PreconditionFailed", true), BucketError::Changed));
        assert!(matches!(error(403, "InvalidObjectState", true), BucketError::Archived));
        assert!(matches!(error(403, "RequestTimeTooSkewed", true), BucketError::ClockSkew));
        assert!(matches!(error(403, "AccessDenied", true), BucketError::Denied { .. }));
        assert!(matches!(error(501, "NotImplemented", true), BucketError::Unsupported { .. }));
    }

    #[test]
    fn text_of_a_server_cannot_control_a_terminal() {
        let text = error(400, "Strange", true).to_string();
        assert_eq!(text, "the server refused to read the object: 400 Strange (no [31m)");
    }
}
