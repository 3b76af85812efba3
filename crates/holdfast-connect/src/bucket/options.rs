//! What a bucket is and how it is reached. Nothing here comes from the environment: the caller
//! passes in what it found there.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::BucketError;

/// Which interface the server speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3, or a server that is compatible with it.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage; the bucket is a container of this account.
    Azure {
        /// Name of the storage account.
        account: String,
    },
}

/// Where requests get their credentials from.
#[derive(Clone)]
pub enum Credentials {
    /// None: for buckets that anybody may read.
    Anonymous,
    /// An access key of S3.
    Static {
        /// Id of the key; no secret.
        key_id: String,
        /// The secret.
        secret_key: Zeroizing<String>,
        /// Token of a session.
        session_token: Option<Zeroizing<String>>,
    },
    /// A profile of a credentials file, as Amazon's command line has it.
    Profile {
        /// The file, usually `~/.aws/credentials`.
        file: PathBuf,
        /// Name of the profile, usually `default`.
        name: String,
    },
    /// Names and values of environment variables (`AWS_...`, `GOOGLE_...`, `AZURE_...`): keys,
    /// roles of containers and of web identities; without any of them the role of this machine.
    Variables(Vec<(String, Zeroizing<String>)>),
}

impl fmt::Debug for Credentials {
    /// Without anything secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => formatter.write_str("Anonymous"),
            Self::Static { key_id, .. } => {
                formatter.debug_struct("Static").field("key_id", key_id).finish_non_exhaustive()
            }
            Self::Profile { file, name } => {
                formatter.debug_struct("Profile").field("file", file).field("name", name).finish()
            }
            Self::Variables(variables) => {
                let names = variables.iter().map(|(name, _)| name);
                formatter.write_str("Variables ")?;
                formatter.debug_list().entries(names).finish()
            }
        }
    }
}

/// How often a request is made again, and with what waits in between.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    /// Attempts in all.
    pub attempts: u32,
    /// Wait before the second attempt; each further one is twice as long. About half of it is
    /// random.
    pub first_wait: Duration,
    /// Longest wait.
    pub wait_max: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 8,
            first_wait: Duration::from_millis(200),
            wait_max: Duration::from_secs(20),
        }
    }
}

/// A bucket and how to reach it.
#[derive(Debug, Clone)]
pub struct BucketOptions {
    /// Which interface the server speaks.
    pub service: Service,
    /// Name of the bucket.
    pub bucket: String,
    /// URL of the server; `None` for the one of Amazon, Google or Azure.
    pub endpoint: Option<String>,
    /// Region of the bucket; `None` to ask Amazon, or `us-east-1` with an endpoint.
    pub region: Option<String>,
    /// Credentials.
    pub credentials: Credentials,
    /// True for `https://endpoint/bucket/key`, false for `https://bucket.endpoint/key`; `None` for
    /// the first with an endpoint of one's own or a dot in the bucket's name, the second with
    /// Amazon.
    pub path_style: Option<bool>,
    /// Certificates to be trusted besides the system's, in PEM.
    pub certificates: Vec<u8>,
    /// Requests under way at once for listings, and for the content of one large object.
    pub concurrency: NonZeroUsize,
    /// What happens after failures that may pass.
    pub retries: Retries,
    /// Longest silence of the server before a request counts as failed.
    pub silence_max: Duration,
    /// The clock: requests are signed with the time.
    pub clock: fn() -> Timestamp,
    /// When this becomes true, whatever waits for the server fails with [`BucketError::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl BucketOptions {
    /// A bucket of this name with the usual settings.
    pub fn new(
        service: Service,
        bucket: impl Into<String>,
        credentials: Credentials,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self {
            service,
            bucket: bucket.into(),
            endpoint: None,
            region: None,
            credentials,
            path_style: None,
            certificates: Vec::new(),
            concurrency: const { NonZeroUsize::new(8).unwrap() },
            retries: Retries::default(),
            silence_max: Duration::from_secs(60),
            clock,
            stop: Arc::default(),
        }
    }
}

/// What a URL says of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketUrl {
    /// Which interface.
    pub service: Service,
    /// Name of the bucket or container.
    pub bucket: String,
    /// Only keys that begin so; may be empty.
    pub prefix: String,
}

impl BucketUrl {
    /// Takes `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` or `az://ACCOUNT/CONTAINER/PREFIX` apart.
    ///
    /// # Errors
    /// [`BucketError::Options`] if it is none of these.
    pub fn parse(url: &str) -> Result<Self, BucketError> {
        let wrong = || {
            let forms = "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://ACCOUNT/CONTAINER/PREFIX";
            BucketError::Options(format!("{url:?} names no bucket: write {forms}"))
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let (service, rest) = match scheme {
            "s3" => (Service::S3, rest),
            "gs" => (Service::Google, rest),
            "az" => {
                let (account, rest) = rest.split_once('/').ok_or_else(wrong)?;
                (Service::Azure { account: account.to_owned() }, rest)
            }
            _ => return Err(wrong()),
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_empty = matches!(&service, Service::Azure { account } if account.is_empty());
        if bucket.is_empty() || is_empty {
            return Err(wrong());
        }
        Ok(Self { service, bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_buckets() {
        let parsed = |url| {
            let url = BucketUrl::parse(url).unwrap();
            (url.service, url.bucket, url.prefix)
        };
        assert_eq!(parsed("s3://b"), (Service::S3, "b".into(), String::new()));
        assert_eq!(parsed("s3://b/x//y/"), (Service::S3, "b".into(), "x//y/".into()));
        assert_eq!(parsed("gs://b/p"), (Service::Google, "b".into(), "p".into()));
        let azure = Service::Azure { account: "acc".into() };
        assert_eq!(parsed("az://acc/box/p/q"), (azure, "box".into(), "p/q".into()));
        for bad in ["", "b", "s3:b", "s3://", "s3:///x", "az://acc", "az:///box", "http://b"] {
            assert!(BucketUrl::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = || Zeroizing::new("hunter2".to_owned());
        let (key_id, session_token) = ("AKIA".to_owned(), Some(secret()));
        for credentials in [
            Credentials::Static { key_id, secret_key: secret(), session_token },
            Credentials::Variables(vec![("AWS_SECRET_ACCESS_KEY".to_owned(), secret())]),
        ] {
            let options =
                BucketOptions::new(Service::S3, "b", credentials, || Timestamp::UNIX_EPOCH);
            let text = format!("{options:?}");
            assert!(!text.contains("hunter2") && text.contains('A'), "{text}");
        }
    }
}
