//! What an app file is made of: tables, their keys and values, and mistakes in them.
//!
//! Each type of table has one function that asks for its keys ([`section`]), each type of value one
//! that reads it ([`value`]); the schema for editors is made from the same functions.

pub(crate) mod argv;
pub(crate) mod length;
mod mask;
pub(crate) mod mistake;
pub(crate) mod name;
mod path;
pub(crate) mod reader;
pub(crate) mod repository;
pub(crate) mod section;
pub(crate) mod url;
pub(crate) mod value;

pub use argv::Argv;
pub use holdfast_backend::RepositoryUrl;
pub use length::Bytes;
pub use mistake::Mistake;
pub use name::{AppName, SourceName};
pub use repository::{AccessKeyId, Credentials, Password, RepositorySettings};
pub use url::{BucketService, BucketUrl, PostgresUrl, WebUrl};
