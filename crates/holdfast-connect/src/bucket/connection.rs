//! A connection to a bucket, from which sources and targets are made.

use std::sync::Arc;

use tokio::runtime::{Handle, Runtime};

use super::listing::After;
use super::s3::action::Requests;
use super::s3::client::S3;
use super::s3::configuration::SETTINGS;
use super::s3::xml::Element;
use super::source::{BucketSource, BucketSourceOptions};
use super::target::{BucketTarget, BucketTargetOptions};
use super::{BucketError, BucketOptions, Service};

/// Threads that drive connections: they wait more than they work.
const THREADS: usize = 2;

/// An open bucket. Clones share its connections.
#[derive(Clone)]
pub struct Bucket {
    client: Arc<S3>,
    runtime: Arc<Runtime>,
    options: Arc<BucketOptions>,
}

impl Bucket {
    /// Gets ready to speak with a bucket. Nothing is asked of it yet, but perhaps its region.
    ///
    /// # Errors
    /// If the options cannot be right.
    pub fn open(options: BucketOptions) -> Result<Self, BucketError> {
        if options.service != Service::S3 {
            let text = "only buckets of S3 and compatible servers can be opened so far: use the \
                        service's S3 interface, if it has one";
            return Err(BucketError::Options(text.to_owned()));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("holdfast-bucket")
            .enable_all()
            .build()
            .map_err(|source| BucketError::Local { action: "start threads", source })?;
        let client = Arc::new(runtime.block_on(S3::connect(&options))?);
        Ok(Self { client, runtime: Arc::new(runtime), options: Arc::new(options) })
    }

    /// Its objects as a source.
    ///
    /// # Errors
    /// As the server gives them.
    pub fn source(&self, options: BucketSourceOptions) -> Result<BucketSource, BucketError> {
        BucketSource::new(self, options)
    }

    /// A target in it.
    ///
    /// # Errors
    /// If there is no room for what must wait.
    pub fn target(&self, options: BucketTargetOptions) -> Result<BucketTarget, BucketError> {
        BucketTarget::new(self, options)
    }

    /// Requests that were sent so far.
    pub fn requests(&self) -> Requests {
        self.client.counters.requests()
    }

    /// Makes sure that the bucket is there and may be listed.
    ///
    /// # Errors
    /// As the server gives them.
    pub fn look(&self) -> Result<(), BucketError> {
        self.runtime.block_on(self.client.list("", &After::default(), 1)).map(drop)
    }

    /// True if there is an object of this key now.
    ///
    /// # Errors
    /// As the server gives them.
    pub fn has(&self, key: &str) -> Result<bool, BucketError> {
        // Of all keys that begin so, the key itself comes first.
        let page = self.runtime.block_on(self.client.list(key, &After::default(), 1))?;
        Ok(page.objects.first().is_some_and(|object| object.key == key))
    }

    /// True if the bucket keeps every version.
    ///
    /// # Errors
    /// As the server gives them.
    pub fn is_versioned(&self) -> Result<bool, BucketError> {
        let document = self.runtime.block_on(self.client.setting(&SETTINGS[0]))?;
        let root = document.and_then(|document| Element::parse(document.as_bytes()).ok());
        Ok(root.is_some_and(|root| root.text("Status") == Some("Enabled")))
    }

    pub(super) fn client(&self) -> &Arc<S3> {
        &self.client
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
