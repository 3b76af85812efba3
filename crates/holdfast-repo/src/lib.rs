//! A repository: its history, its index, and the ways in and out for blobs.
//!
//! Data on its way in passes through [`mod@write`] (claim, frame, pack, upload) and becomes
//! reachable by a record in a chain ([`history`]); on its way out it passes through [`index`]
//! (where is it) and [`read`] (fetch, open, check). [`tree`] keeps long sequences, of entries or of
//! extents, in blobs.

pub mod chain;
pub mod commit;
pub mod error;
pub mod history;
pub mod index;
pub mod local;
mod names;
pub mod object;
mod objects;
pub mod ordered;
pub mod read;
mod remembered;
pub mod repository;
pub mod slots;
pub mod tree;
pub mod unlock;
pub mod write;

pub use error::RepoError;
pub use history::SnapshotInfo;
pub use names::object_name;
pub use repository::{IndexFrom, OpenOptions, Repository};
