//! Layer 0 of holdfast: immutable objects, stored under a name and never changed.
//!
//! A backend knows bytes and names. It does not know what a snapshot, a key or a pack is, it never
//! prints, and it reads neither the environment nor the clock.
//!
//! Everything above relies on one primitive, [`Backend::put`]: for each name exactly one caller
//! succeeds in creating the object, and after that every reader gets those bytes. Nothing else is
//! trusted: [`Backend::list`] is a hint, and an object that was not found may still arrive.
//!
//! Every implementation and every decorator passes the suite in [`conformance`].

mod backend;
pub mod conformance;
mod error;
pub mod fault;
mod limit;
mod local;
mod memory;
mod name;
mod place;
mod reserve;
mod url;

pub use backend::{Backend, ListedObject};
pub use error::BackendError;
pub use fault::FaultBackend;
pub use limit::{RateLimit, Rates};
pub use local::{Local, is_own_temporary};
pub use memory::MemoryBackend;
pub use name::{InvalidName, ObjectName};
pub use place::StorageLocation;
pub use reserve::Reserve;
pub use url::{RepositoryUrl, RepositoryUrlError, STORAGE_KINDS};
