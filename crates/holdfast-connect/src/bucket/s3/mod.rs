//! A client for the interface of S3 (docs/decisions/0009-bucket-client.md).

pub mod action;
pub mod checksum;
pub mod client;
pub mod configuration;
mod credentials;
mod endpoint;
pub mod grants;
pub mod list;
pub mod look;
pub mod multipart;
pub mod object;
mod profile;
mod sign;
mod store;
