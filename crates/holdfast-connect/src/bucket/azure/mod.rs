//! A client for Azure Blob Storage: a container is a bucket, a blob is an object.
//!
//! A listing tells all attributes of its blobs, so none is asked for by itself. Names are those of
//! [`attributes`](super::attributes), with `azure.` in front; besides them there are
//! `azure.storage-class` (the access tier, unless the account's usual one holds),
//! `azure.checksum.md5`, and `azure.type` for blobs that are no block blobs. Azure gives no access
//! control lists of blobs; snapshots, versions, leases, holds and the container's own settings are
//! not read (docs/decisions/0009-bucket-client.md).

mod action;
mod client;
mod credentials;
mod headers;
pub mod list;
mod store;

pub use client::Azure;
