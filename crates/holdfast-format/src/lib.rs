//! Every stored byte of a holdfast repository: layouts, limits, encoding and decoding.
//!
//! `docs/format.md` is the specification; each module here implements one of its sections. This
//! crate does no I/O and holds no keys: everything that is sealed in storage passes through here as
//! plaintext.

pub mod bucket;
pub mod captured;
pub mod config;
pub mod directory;
pub mod entry;
pub mod error;
pub mod frame;
pub mod id;
pub mod index;
pub mod limits;
pub mod name;
pub mod node;
pub mod pack;
pub mod padding;
pub mod record;
pub mod scope;
pub mod slot;
pub mod wire;

pub use error::FormatError;
pub use id::{BlobId, BlobType, FrameId, ObjectId, RepositoryId, SessionId, SlotId, WriterId};
