//! A connection to a bucket, from which sources and targets are created.

use std::sync::Arc;

use holdfast_format::entry::FileTime;
use tokio::runtime::{Handle, Runtime};

use super::azure::Azure;
use super::google::Google;
use super::http::action::Requests;
use super::object::ListPosition;
use super::s3::client::S3;
use super::store::{BucketStore, Versioning};
use super::{BucketError, BucketOptions, Service};

/// Threads that drive connections: they wait more than they work.
const THREADS: usize = 2;

/// An open bucket. Clones share its connections.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<dyn BucketStore>,
    runtime: Arc<Runtime>,
    options: Arc<BucketOptions>,
}

impl Bucket {
    /// Prepares a connection to a bucket. Nothing is requested yet, except perhaps its region.
    ///
    /// # Errors
    /// If the options are invalid.
    pub fn open(options: BucketOptions) -> Result<Self, BucketError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("holdfast-bucket")
            .enable_all()
            .build()
            .map_err(|source| BucketError::Local { action: "start threads", source })?;
        let store: Arc<dyn BucketStore> = match &options.service {
            Service::S3 => Arc::new(runtime.block_on(S3::connect(&options))?),
            Service::Google => Arc::new(Google::connect(&options)?),
            Service::Azure { account } => Arc::new(Azure::connect(&options, account)?),
        };
        Ok(Self { store, runtime: Arc::new(runtime), options: Arc::new(options) })
    }

    /// Number of requests sent so far.
    pub fn requests(&self) -> Requests {
        self.store.http().counters.requests()
    }

    /// Makes sure that the bucket exists and may be listed.
    ///
    /// # Errors
    /// Errors of the server.
    pub fn look(&self) -> Result<(), BucketError> {
        self.runtime.block_on(self.store.list("", &ListPosition::default(), 1)).map(drop)
    }

    /// True if there is an object with this key now.
    ///
    /// # Errors
    /// Errors of the server.
    pub fn has(&self, key: &str) -> Result<bool, BucketError> {
        self.runtime.block_on(self.store.find(key)).map(|found| found.is_some())
    }

    /// Whether the bucket keeps versions.
    ///
    /// # Errors
    /// Errors of the server.
    pub fn versioning(&self) -> Result<Versioning, BucketError> {
        match self.store.versions() {
            Some(versions) => self.runtime.block_on(versions.versioning()),
            None => Ok(Versioning::Never),
        }
    }

    /// Notes that the server does not list keys in order.
    pub fn note_disorder(&self) {
        self.store.note_disorder();
    }

    /// A time after everything that was written before this call, by the server's clock: it dates
    /// objects, and this machine's clock may be behind it.
    ///
    /// # Errors
    /// Errors of the server.
    pub(super) fn moment(&self) -> Result<FileTime, BucketError> {
        let reported = match self.store.versions() {
            Some(versions) => self.runtime.block_on(versions.now())?,
            None => None,
        };
        let now = FileTime::from(reported.unwrap_or_else(|| self.now()));
        // Anything written in the same second is dated at or after its beginning.
        Ok(FileTime { nanoseconds: 999_999_999, ..now })
    }

    pub(super) fn store(&self) -> &Arc<dyn BucketStore> {
        &self.store
    }

    pub(super) fn runtime(&self) -> Handle {
        self.runtime.handle().clone()
    }

    pub(super) fn concurrency(&self) -> usize {
        self.options.concurrency.get()
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        (self.options.clock)()
    }
}
