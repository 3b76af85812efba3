//! Why something could not be done with a bucket: one sentence each, with what to do next.

use std::io;

/// Trouble with a bucket or with one of its objects. No text has a secret in it.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// The options cannot be right.
    #[error("{0}")]
    Options(String),
    /// No credentials could be had.
    #[error(
        "there are no credentials for the bucket ({0}): give it a key or a profile, or this \
         machine a role"
    )]
    NoCredentials(String),
    /// The server does not know the access key, or computed another signature.
    #[error(
        "the server refuses the access key ({code}): check that key and secret are right and \
         belong to this endpoint"
    )]
    WrongKey {
        /// The server's word for it.
        code: String,
    },
    /// A session's credentials have run out.
    #[error("the credentials have expired: get new ones and try again")]
    ExpiredCredentials,
    /// This machine's clock differs too much from the server's.
    #[error(
        "this machine's clock is wrong, so the server refuses its requests: set it and try again"
    )]
    ClockSkew,
    /// There is no such bucket.
    #[error("there is no bucket {bucket:?} at {endpoint}: check its name and the endpoint")]
    NoSuchBucket {
        /// Its name.
        bucket: String,
        /// Where it was looked for.
        endpoint: String,
    },
    /// The bucket lies elsewhere.
    #[error(
        "the bucket lies in another region than {asked}: set the region to {}",
        .region.as_deref().unwrap_or("the one in which it was made")
    )]
    WrongRegion {
        /// The region that was asked.
        asked: String,
        /// The right one, if the server told.
        region: Option<String>,
    },
    /// The credentials do not allow it.
    #[error("access denied: the credentials must allow {permission} to {action}")]
    Denied {
        /// What was being done, as in "list the bucket".
        action: &'static str,
        /// Name of the permission that S3 asks for.
        permission: &'static str,
    },
    /// Nobody answers.
    #[error("{endpoint} cannot be reached ({cause}): check the endpoint and the network")]
    Unreachable {
        /// Where the request went.
        endpoint: String,
        /// What went wrong on the way.
        cause: String,
    },
    /// The object, or this version of it, is not there.
    #[error("it is not in the bucket any more: it was deleted after it was listed")]
    Vanished,
    /// The object is not the one that was listed.
    #[error("it was replaced while it was being read: the next backup reads it anew")]
    Changed,
    /// Something stands at the key, and nothing may be overwritten.
    #[error("another object stands there: allow overwriting to replace it")]
    Exists,
    /// The object must be brought back from an archive first.
    #[error(
        "its storage class is an archive: restore it there (RestoreObject, of Azure a new tier) \
         before it can be read"
    )]
    Archived,
    /// The server does not know how.
    #[error("the server cannot {action}: it answers {code}")]
    Unsupported {
        /// What was being done.
        action: &'static str,
        /// The server's word for it.
        code: String,
    },
    /// Whoever waits for it wants no more.
    #[error("the work was interrupted")]
    Stopped,
    /// A limit of this program.
    #[error("{0}")]
    Limit(String),
    /// The server lists in another order than that of the keys' bytes.
    #[error("the server lists {key:?} behind {last:?}, which is not the order of the keys")]
    Disorder {
        /// A key.
        key: String,
        /// The one that was listed before it.
        last: String,
    },
    /// Something that is kept of a bucket besides its objects may not be read.
    #[error(
        "access denied: the credentials must allow {permissions} to read {what}; {leave} in \
             the app file leaves that out"
    )]
    PartDenied {
        /// Names of the permissions.
        permissions: String,
        /// What cannot be read, as in "the bucket's configuration".
        what: &'static str,
        /// What leaves it out.
        leave: &'static str,
    },
    /// The server said something that makes no sense.
    #[error("the server's answer makes no sense when asked to {action}: {detail}")]
    Nonsense {
        /// What was being done.
        action: &'static str,
        /// What is wrong with the answer.
        detail: String,
    },
    /// Any other refusal, after retries where they could help.
    #[error("the server refuses to {action}: {status} {code}{}", in_brackets(.message))]
    Refused {
        /// What was being done.
        action: &'static str,
        /// HTTP status.
        status: u16,
        /// The server's word for it; may be empty.
        code: String,
        /// The server's explanation.
        message: Option<String>,
    },
    /// A file of this machine could not be read or written.
    #[error("cannot {action}: {source}")]
    Local {
        /// What was being done.
        action: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}

/// A server's explanation behind its code.
fn in_brackets(message: &Option<String>) -> String {
    message.as_ref().map(|text| format!(" ({text})")).unwrap_or_default()
}

impl BucketError {
    /// The kind that tells callers of the traits what happened.
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
            Self::Nonsense { .. } | Self::Disorder { .. } => io::ErrorKind::InvalidData,
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
