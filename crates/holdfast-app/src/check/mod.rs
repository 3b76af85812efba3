//! Checks of an application: what its database refers to must exist, numbers must have no gaps,
//! chains must be intact.
//!
//! A check queries a database at one moment ([`ask`]). What rows refer to is matched with a source
//! while that is read ([`watch`], [`pass`](mod@pass)). Then the answers are judged ([`judge`]) and
//! reported ([`report`]). A run does so with what it captures, a restore with what it has restored.

mod ask;
mod contents;
mod hashes;
mod judge;
mod memory;
mod names;
mod pass;
mod passing;
mod reading;
mod references;
mod report;
mod sample;
mod settings;
mod sql;
mod watch;

pub use ask::{CheckError, CheckScene, Queries, TakeRow};
pub(crate) use contents::{SnapshotContents, read_open};
pub use hashes::{Column, Digests, Hasher, Hashes, Kinds};
pub use judge::{CheckEvaluation, Lookups};
pub use memory::{Memory, SharedMemory};
pub use names::RowNames;
pub(crate) use pass::pass;
pub use passing::{NameOf, PassingSource, SharedReferences, identity};
pub use references::{Fault, Findings, NAMED_MAX, Open, Reference, References, SourceOrder, Thing};
pub use report::{CheckOutcome, Judgement};
pub use settings::{ChainRule, CheckKind, CheckRule, OnFailure, Rows, SequenceRule};
pub use watch::SourceWatch;
