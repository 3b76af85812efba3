//! The formats of `pg_dump` as pure code: nothing here starts a program or opens a file.
//!
//! An archive is a header, a table of contents and the data of its members: one per table, and one
//! per large object. [`ArchiveReader`] parses a custom archive (`-Fc`) while it passes and proves
//! that it is complete; [`Emission`] writes one again from its parts, for a pipe, as a seekable
//! file, or as a directory (`-Fd`). [`ContentHasher`] tells whether two tables hold the same rows
//! in any order, and [`PlainCheck`] whether an SQL script of `pg_dump` or `pg_dumpall` is complete.
//!
//! Versions 1.12 to 1.16 of the format are supported, which PostgreSQL 9.0 to 18 write.

mod body;
mod content;
mod emit;
mod error;
mod fields;
mod head;
mod input;
mod looks;
mod plain;
mod stream;
mod toc;

#[cfg(test)]
mod tests;

pub use content::{ContentError, ContentHasher, ContentKind, MemberSummary};
pub use emit::{DataSelection, Emission, EmitError, LargeObjects};
pub use error::ArchiveError;
pub use fields::Limits;
pub use head::{ArchiveHead, ArchiveKind, ArchiveVersion, CreationTime, DataCompression};
pub use looks::Looks;
pub use plain::{PlainCheck, PlainError, PlainKind};
pub use stream::{ArchiveEvent, ArchiveMember, ArchiveReader};
pub use toc::{DataPlace, OffsetState, Toc, TocEntry, TocSection};
