//! A client for the interface of S3 (docs/decisions/0009-bucket-client.md).

pub mod action;
pub mod checksum;
pub mod client;
pub mod configuration;
mod credentials;
mod encode;
mod endpoint;
pub mod failure;
pub mod grants;
pub mod list;
pub mod multipart;
pub mod object;
pub mod payload;
mod profile;
mod sign;
pub mod transport;
pub mod xml;
