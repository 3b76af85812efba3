//! What the environment supplies for connections to servers: passwords, settings, certificates.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast_connect::bucket::OnWait;
use holdfast_connect::web::Proxies;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::settings::Password;

/// Reads a password from its source in the app file; the error is one sentence.
pub type ReadPassword<'a> = dyn Fn(&Password) -> Result<Zeroizing<String>, String> + Sync + 'a;

/// What the environment supplies for connections to servers.
#[derive(Clone)]
pub struct Connections<'a> {
    /// Reads passwords.
    pub password: &'a ReadPassword<'a>,
    /// The password file of libpq.
    pub password_file: Option<PathBuf>,
    /// Settings for connections to buckets.
    pub buckets: BucketAccess,
    /// Set when the work should stop.
    pub stop: Arc<AtomicBool>,
}

impl Connections<'_> {
    /// True once the work should stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// Settings from the environment for connections to buckets, supplied by the caller.
#[derive(Debug, Clone)]
pub struct BucketAccess {
    /// Names and values of environment variables that begin with `AWS_`, `GOOGLE_` or `AZURE_`.
    pub variables: Vec<(String, Zeroizing<String>)>,
    /// The file with Amazon's profiles, usually `~/.aws/credentials`.
    pub profiles: PathBuf,
    /// Additional certificates to trust, in PEM; usually none.
    pub certificates: Vec<u8>,
    /// Proxies for the connections.
    pub proxies: Proxies,
    /// Longest time to keep trying an unreachable server; if absent, each bucket's setting applies.
    pub patience_max: Option<Duration>,
    /// Called when waiting for a server.
    pub on_wait: Option<OnWait>,
    /// The clock: requests are signed with the time.
    pub clock: fn() -> Timestamp,
    /// Once this is true, waiting for the server ends with an error.
    pub stop: Arc<AtomicBool>,
}
