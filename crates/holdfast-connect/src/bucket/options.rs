//! What a bucket is and how to reach it. Nothing here comes from the environment: the caller passes
//! in what it found there.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use rustls::RootCertStore;
use zeroize::Zeroizing;

use super::BucketError;
use crate::trust;
use crate::web::{Proxies, Transport};

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
pub enum CredentialSource {
    /// None: for public buckets.
    Anonymous,
    /// An access key of S3.
    Static {
        /// Id of the key; not a secret.
        key_id: String,
        /// The secret.
        secret_key: Zeroizing<String>,
        /// Token of a session.
        session_token: Option<Zeroizing<String>>,
    },
    /// A profile of a credentials file, as Amazon's command line uses them.
    Profile {
        /// The file, usually `~/.aws/credentials`.
        file: PathBuf,
        /// Name of the profile, usually `default`.
        name: String,
    },
    /// A key file from Google: of a service account, or of a user.
    KeyFile(PathBuf),
    /// A key of an Azure storage account.
    AccountKey(Zeroizing<String>),
    /// A shared access signature from Azure: `sv=...&sig=...`.
    Signature(Zeroizing<String>),
    /// An application that is registered with Microsoft Entra.
    ClientSecret {
        /// Id of the directory; not a secret.
        tenant_id: String,
        /// Id of the application; not a secret.
        client_id: String,
        /// Its secret.
        secret: Zeroizing<String>,
    },
    /// Names and values of environment variables (`AWS_...`, `GOOGLE_...`, `AZURE_...`): keys,
    /// roles of containers and of web identities; without any of them, the role of this machine.
    Variables(Vec<(String, Zeroizing<String>)>),
}

impl fmt::Debug for CredentialSource {
    /// Without any secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => formatter.write_str("Anonymous"),
            Self::Static { key_id, .. } => {
                formatter.debug_struct("Static").field("key_id", key_id).finish_non_exhaustive()
            }
            Self::Profile { file, name } => {
                formatter.debug_struct("Profile").field("file", file).field("name", name).finish()
            }
            Self::KeyFile(file) => formatter.debug_tuple("KeyFile").field(file).finish(),
            Self::AccountKey(_) => formatter.write_str("AccountKey"),
            Self::Signature(_) => formatter.write_str("Signature"),
            Self::ClientSecret { client_id, .. } => formatter
                .debug_struct("ClientSecret")
                .field("client_id", client_id)
                .finish_non_exhaustive(),
            Self::Variables(variables) => {
                let names = variables.iter().map(|(name, _)| name);
                formatter.write_str("Variables ")?;
                formatter.debug_list().entries(names).finish()
            }
        }
    }
}

/// How often a request is retried, and with which waits in between.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    /// Attempts in total; more while the server is unavailable, see `patience`.
    pub attempts: u32,
    /// How long to wait in total for a server that cannot be reached or is too busy to respond. It
    /// ends for all requests at once: later ones are tried only `attempts` times.
    pub patience: Duration,
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
            patience: Duration::from_secs(10 * 60),
            first_wait: Duration::from_millis(200),
            wait_max: Duration::from_secs(20),
        }
    }
}

/// Whether requests to S3 carry checksums, and ask for those that the server keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChecksumHeaders {
    /// Yes, unless the server rejects them: from then on, no.
    #[default]
    WhereTaken,
    /// Never. What is sent is still verified by its MD5.
    Never,
}

/// Called with why the server is waited for, and for how long at most.
type TellWait = dyn Fn(&str, Duration) + Send + Sync;

/// Called when a server is waited for.
#[derive(Clone)]
pub struct OnWait(pub Arc<TellWait>);

impl fmt::Debug for OnWait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OnWait")
    }
}

/// A bucket and how to reach it.
#[derive(Debug, Clone)]
pub struct BucketOptions {
    /// Which interface the server speaks.
    pub service: Service,
    /// Name of the bucket.
    pub bucket: String,
    /// URL of the server; `None` for that of Amazon, Google or Azure. For Azure it is the URL of
    /// the account: an emulator has the account's name in the path.
    pub endpoint: Option<String>,
    /// Region of the bucket; `None` to ask Amazon, or `us-east-1` with an endpoint.
    pub region: Option<String>,
    /// Credentials.
    pub credentials: CredentialSource,
    /// True for `https://endpoint/bucket/key`, false for `https://bucket.endpoint/key`; `None` for
    /// the first with a custom endpoint or a dot in the bucket's name, and for the second with
    /// Amazon.
    pub path_style: Option<bool>,
    /// Whether requests to S3 carry checksums.
    pub checksums: ChecksumHeaders,
    /// True to declare with every request to S3 that the requester pays for it.
    pub requester_pays: bool,
    /// Certificates to trust besides the system's, in PEM.
    pub certificates: Vec<u8>,
    /// Proxies between here and the server.
    pub proxies: Proxies,
    /// True to include tags in listings of Azure, which takes a separate permission.
    pub with_tags: bool,
    /// Concurrent requests for listings, and for the content of one large object.
    pub concurrency: NonZeroUsize,
    /// What to do after failures that may pass.
    pub retries: Retries,
    /// Called once each time the server becomes unavailable.
    pub on_wait: Option<OnWait>,
    /// Longest silence of the server before a request counts as failed.
    pub silence_max: Duration,
    /// The clock: signatures of requests include the time.
    pub clock: fn() -> Timestamp,
    /// Once this is true, anything that waits for the server fails with
    /// [`BucketError::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl BucketOptions {
    /// A bucket with this name and the usual settings.
    pub fn new(
        service: Service,
        bucket: impl Into<String>,
        credentials: CredentialSource,
        clock: fn() -> Timestamp,
    ) -> Self {
        Self {
            service,
            bucket: bucket.into(),
            endpoint: None,
            region: None,
            credentials,
            path_style: None,
            checksums: ChecksumHeaders::default(),
            requester_pays: false,
            certificates: Vec::new(),
            proxies: Proxies::default(),
            with_tags: false,
            concurrency: const { NonZeroUsize::new(8).unwrap() },
            retries: Retries::default(),
            on_wait: None,
            silence_max: Duration::from_secs(60),
            clock,
            stop: Arc::default(),
        }
    }

    /// Connections for requests of which some are encrypted, or none.
    pub(super) fn transport(&self, is_encrypted: bool) -> Result<Transport, BucketError> {
        let config = match is_encrypted {
            true => trust::client_config(&self.certificates),
            // A machine without certificates can do without encryption.
            false => trust::config_of(RootCertStore::empty()),
        };
        let config = config.map_err(|error| BucketError::Options(error.to_string()))?;
        Ok(Transport::new(config, self.proxies.clone(), self.silence_max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let secret = || Zeroizing::new("hunter2".to_owned());
        let (key_id, session_token) = ("AKIA".to_owned(), Some(secret()));
        for credentials in [
            CredentialSource::Static { key_id, secret_key: secret(), session_token },
            CredentialSource::Variables(vec![("AWS_SECRET_ACCESS_KEY".to_owned(), secret())]),
        ] {
            let options =
                BucketOptions::new(Service::S3, "b", credentials, || Timestamp::UNIX_EPOCH);
            let text = format!("{options:?}");
            assert!(!text.contains("hunter2") && text.contains('A'), "{text}");
        }
    }
}
