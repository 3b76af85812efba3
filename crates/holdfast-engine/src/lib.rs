//! The verbs: back up, restore, look, compare, forget, prune, check, repair.
//!
//! Each verb is a free function (or a folder of them) that takes a repository, an options struct
//! and an [`Observer`]. Nothing here prints, reads the clock or the environment.

pub mod backup;
mod bitmap;
pub mod check;
pub mod completeness;
pub mod error;
pub mod event;
pub mod forget;
pub mod look;
pub mod mark;
pub mod prune;
pub mod repair;
pub mod restore;
pub mod retention;
pub mod selection;

pub use error::EngineError;
pub use event::{Added, EngineEvent, EntryAction, Observer, Silent};
