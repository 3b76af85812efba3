//! Connectors: where data comes from ([`Source`]) and where it goes back to ([`Target`]).
//!
//! One folder per connector. A connector sees entries and bytes; it never sees a key, a chunk or a
//! snapshot.

pub mod bucket;
pub mod child;
pub mod command;
pub mod conformance;
pub mod fs;
pub mod postgres;
pub mod source;
pub mod target;
pub mod target_conformance;
pub mod trust;
pub mod web;
pub mod words;

pub use source::{
    ContentPiece, ContentReader, Leaf, LeafKind, Opener, Source, SourceItem, UnreadEntry,
};
pub use target::{Existing, FileSlot, Leftovers, Replace, Target, TargetError};
