//! Buckets: Amazon S3 and compatible servers at full fidelity.
//!
//! [`options`] says how a bucket is reached, [`s3`] speaks with it, [`listing`] lists it in order
//! and in parallel, [`key`] makes names of keys, [`attributes`] turns what an object has besides
//! its content into extended attributes and back. Everything asynchronous stays in this folder: its
//! callers are ordinary threads that wait.

pub mod answers;
pub mod attributes;
mod connection;
mod error;
pub mod key;
pub mod listing;
pub mod options;
mod s3;
pub mod source;
pub mod target;

pub use connection::Bucket;
pub use error::BucketError;
pub use options::{BucketOptions, BucketUrl, Credentials, Retries, Service};
pub use s3::action::Requests;
pub use source::{BucketSource, BucketSourceOptions, Tags, Versions};
pub use target::{BucketTarget, BucketTargetOptions, Restored};
