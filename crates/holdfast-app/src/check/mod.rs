//! Checks of an application: what its database refers to must exist, numbers must have no gaps,
//! chains must be intact.

mod hashes;
mod memory;
mod passing;
mod reading;
mod references;
mod sql;

pub use hashes::{Column, Digests, Hasher, Hashes, Kinds};
pub use memory::{Memory, SharedMemory};
pub use passing::{NameOf, PassingSource, SharedReferences, identity};
pub use references::{Fault, Findings, NAMED_MAX, Open, Reference, References, SourceOrder, Thing};
pub use sql::{chain_query, sequence_query};
