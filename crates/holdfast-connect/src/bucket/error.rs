//! Why an operation on a bucket failed: one sentence each, with what to do next.

use std::fmt;
use std::io;

/// An error with a bucket or with one of its objects. No text contains a secret.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The options are invalid.
    #[error("{0}")]
    Options(String),
    /// No credentials could be obtained.
    #[error(
        "no credentials for the bucket ({0}): set a key or a profile, or give this machine a role"
    )]
    NoCredentials(String),
    /// The server does not know the access key, or computed a different signature.
    #[error(
        "the server rejected the access key ({code}): check the key and its secret, and that they \
         belong to this endpoint"
    )]
    WrongKey {
        /// The server's error code.
        code: String,
    },
    /// The credentials of a session have expired.
    #[error("the credentials have expired: get new ones and try again")]
    ExpiredCredentials,
    /// This machine's clock differs too much from the server's.
    #[error(
        "the server rejects requests because this machine's clock is wrong: set the clock and try \
         again"
    )]
    ClockSkew,
    /// There is no such bucket.
    #[error("there is no bucket {bucket:?} at {endpoint}: check its name and the endpoint")]
    NoSuchBucket {
        /// Its name.
        bucket: String,
        /// Where it was searched for.
        endpoint: String,
    },
    /// The bucket is in another region.
    #[error(
        "the bucket is in another region than {tried}: set the region to {}",
        .region.as_deref().unwrap_or("the one it was created in")
    )]
    WrongRegion {
        /// The region that was tried.
        tried: String,
        /// The right one, if the server reported it.
        region: Option<String>,
    },
    /// The credentials do not allow it.
    #[error("access denied: the credentials must allow {permission} to {action}")]
    Denied {
        /// What was being done, as in "list the bucket".
        action: &'static str,
        /// The permission that the service requires.
        permission: &'static str,
    },
    /// The server does not respond.
    #[error("cannot reach {endpoint} ({cause}): check the endpoint and the network")]
    Unreachable {
        /// Where the request went.
        endpoint: String,
        /// What went wrong.
        cause: String,
    },
    /// The object, or this version of it, no longer exists.
    #[error("it is no longer in the bucket: it was deleted after it was listed")]
    Vanished,
    /// The object is no longer the one that was listed.
    #[error("it was replaced while it was being read: the next backup will read it again")]
    Changed,
    /// The key is taken, and nothing may be overwritten.
    #[error("another object already has this key: allow overwriting to replace it")]
    Exists,
    /// The object must be retrieved from an archive first.
    #[error(
        "it is in an archive storage class: make it readable first (S3: RestoreObject, Azure: \
         change its tier)"
    )]
    Archived,
    /// The server does not support the operation.
    #[error("the server cannot {action}: {code}")]
    Unsupported {
        /// What was being done.
        action: &'static str,
        /// The server's error code, or a reason.
        code: String,
    },
    /// The caller asked to stop.
    #[error("the work was interrupted")]
    Stopped,
    /// A limit of this program.
    #[error("{0}")]
    Limit(String),
    /// The server does not list in the order of the keys' bytes.
    #[error("the server lists {key:?} after {last:?}, which is not the order of the keys")]
    Disorder {
        /// A key.
        key: String,
        /// The key that was listed before it.
        last: String,
    },
    /// Something kept of a bucket besides its objects cannot be read.
    #[error(
        "access denied: the credentials must allow {permissions} to read {part}; to leave that \
         out, set {} in the app file", .part.left_out_by()
    )]
    PartDenied {
        /// Names of the permissions.
        permissions: String,
        /// What cannot be read.
        part: OptionalPart,
    },
    /// The server sent a malformed response.
    #[error("the server returned a malformed response to a request to {action}: {detail}")]
    MalformedResponse {
        /// What was being done.
        action: &'static str,
        /// What is wrong with the response.
        detail: String,
    },
    /// Any other refusal, after retries where they could help.
    #[error("the server refused to {action}: {status} {code}{}", in_brackets(.message))]
    Refused {
        /// What was being done.
        action: &'static str,
        /// HTTP status.
        status: u16,
        /// The server's error code; may be empty.
        code: String,
        /// The server's explanation.
        message: Option<String>,
    },
    /// A local file could not be read or written.
    #[error("cannot {action}: {source}")]
    Local {
        /// What was being done.
        action: &'static str,
        /// The system error.
        source: io::Error,
    },
}

/// What a source keeps of a bucket besides its objects, unless it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionalPart {
    /// Tags of objects.
    Tags,
    /// Access control lists of objects.
    Acl,
    /// The bucket's configuration.
    Configuration,
}

impl OptionalPart {
    /// The setting of a source that leaves it out.
    fn left_out_by(self) -> &'static str {
        match self {
            Self::Tags => "tags = false",
            Self::Acl => "acl = false",
            Self::Configuration => "configuration = false",
        }
    }
}

impl fmt::Display for OptionalPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tags => "the tags of objects",
            Self::Acl => "the access control lists of objects",
            Self::Configuration => "the bucket's configuration",
        })
    }
}

/// A server's explanation, to follow its code.
fn in_brackets(message: &Option<String>) -> String {
    message.as_ref().map(|text| format!(" ({text})")).unwrap_or_default()
}

impl BucketError {
    /// The kind of error for callers of the traits.
    fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Options(_) => io::ErrorKind::InvalidInput,
            Self::NoCredentials(_)
            | Self::WrongKey { .. }
            | Self::ExpiredCredentials
            | Self::ClockSkew
            | Self::Denied { .. }
            | Self::PartDenied { .. } => io::ErrorKind::PermissionDenied,
            Self::NoSuchBucket { .. } | Self::Vanished => io::ErrorKind::NotFound,
            Self::Exists => io::ErrorKind::AlreadyExists,
            Self::Unsupported { .. } => io::ErrorKind::Unsupported,
            Self::MalformedResponse { .. } | Self::Disorder { .. } => io::ErrorKind::InvalidData,
            Self::Local { source, .. } => source.kind(),
            _ => io::ErrorKind::Other,
        }
    }
}

impl From<BucketError> for io::Error {
    fn from(error: BucketError) -> Self {
        Self::new(error.kind(), error)
    }
}
