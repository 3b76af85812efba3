//! A client for Azure Blob Storage: a container is a bucket, a blob is an object.
//!
//! A listing includes all attributes of its blobs, so none needs a request of its own. Names are
//! those of [`attributes`](super::attributes), prefixed with `azure.`; in addition there are
//! `azure.storage-class` (the access tier, unless it is the account's default),
//! `azure.checksum.md5`, and `azure.type` for blobs that are not block blobs. Azure provides no
//! access control lists of blobs; snapshots, versions, leases, holds and the container's own
//! settings are not read (docs/decisions/0009-bucket-client.md).

mod action;
mod client;
mod credentials;
mod headers;
pub mod list;
mod store;

pub use client::Azure;
