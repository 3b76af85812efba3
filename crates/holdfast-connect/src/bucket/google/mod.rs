//! A client for Google Cloud Storage, in its JSON interface.
//!
//! A listing includes all attributes of its objects, so none needs a request of its own. Names are
//! those of [`attributes`](super::attributes), prefixed with `google.`; in addition there are
//! `google.generation` and `google.metageneration`, `google.storage-class`, `google.custom-time`,
//! `google.checksum.crc32c` and `google.checksum.md5`, `google.encryption-key`,
//! `google.temporary-hold` and `google.event-based-hold`. Google has no tags of objects; access
//! control lists, older generations and the bucket's own settings are not read
//! (docs/decisions/0009-bucket-client.md).

mod action;
mod client;
mod credentials;
pub mod resource;
mod store;

pub use client::Google;
