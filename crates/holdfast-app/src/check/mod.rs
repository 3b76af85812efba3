//! Checks of an application: what its database refers to must be there, numbers must have no gaps,
//! chains must hold.

mod passing;
mod references;
mod sql;

pub use passing::{NameOf, PassingSource, SharedReferences};
pub use references::{Fault, Findings, NAMED_MAX, Reference, References, SourceOrder};
pub use sql::{chain_query, sequence_query};
