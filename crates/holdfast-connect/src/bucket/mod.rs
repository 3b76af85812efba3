//! Buckets: Amazon S3 and compatible servers at full fidelity, Google Cloud Storage and Azure Blob
//! Storage.
//!
//! [`options`] says how a bucket is reached; [`s3`], [`google`] and [`azure`] are clients over
//! [`http`], all of them behind [`store`]; [`listing`] lists in order and in parallel,
//! [`object`] is what all of them know of an object, [`attributes`] turns the attributes of objects
//! into extended attributes and back. Everything asynchronous stays in this folder: its callers are
//! ordinary blocking threads.

pub mod answers;
pub mod attributes;
mod azure;
mod configuration;
mod connection;
mod error;
mod google;
mod http;
pub mod listing;
pub mod object;
pub mod options;
mod s3;
pub mod source;
mod store;
pub mod target;

pub use configuration::{RefusedSetting, SettingSelection};
pub use connection::Bucket;
pub use error::{BucketError, OptionalPart};
pub use http::action::Requests;
pub use object::Tags;
pub use options::{BucketOptions, ChecksumHeaders, CredentialSource, OnWait, Retries, Service};
pub use source::{BucketSource, BucketSourceOptions, VersionSelection};
pub use store::{SettingMoment, Versioning};
pub use target::{BucketTarget, BucketTargetOptions, Restored};
