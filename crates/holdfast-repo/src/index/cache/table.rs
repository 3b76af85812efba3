//! The tables of a cache.

use redb::{MultimapTableDefinition, TableDefinition};

use crate::index::row::{BLOB_BYTES, FRAME_BYTES, PACK_BYTES};

/// Raised with every change of a table or a row.
pub(super) const SCHEMA: u64 = 2;

pub(super) type Id = &'static [u8; 32];
pub(super) const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
pub(super) const IDENTITY: TableDefinition<'_, &str, Id> = TableDefinition::new("identity");
/// Index object to the packs that it lists, as numbers.
pub(super) const INDEX_OBJECTS: TableDefinition<'_, Id, Vec<u32>> =
    TableDefinition::new("index objects");
pub(super) const PACKS: TableDefinition<'_, u32, &[u8; PACK_BYTES]> = TableDefinition::new("packs");
pub(super) const PACK_NUMBERS: TableDefinition<'_, Id, u32> = TableDefinition::new("pack numbers");
/// Derived data that is expensive to compute again; created when first needed.
pub(super) const NOTES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("notes");
/// Packs whose rows are being removed, and the progress; created when first needed.
pub(super) const CLEANED_PACKS: TableDefinition<'_, u32, ()> =
    TableDefinition::new("cleaned packs");
pub(super) const CLEANED_UP_TO: TableDefinition<'_, &str, Id> =
    TableDefinition::new("cleaned up to");
/// Chain and slot to the sealed record; created when first needed.
pub(super) const RECORDS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("records");
pub(super) const FRAMES: TableDefinition<'_, u32, &[u8; FRAME_BYTES]> =
    TableDefinition::new("frames");
pub(super) const BLOBS: TableDefinition<'_, Id, &[u8; BLOB_BYTES]> = TableDefinition::new("blobs");
/// Further locations of blobs that are stored more than once.
pub(super) const COPIES: MultimapTableDefinition<'_, Id, &[u8; BLOB_BYTES]> =
    MultimapTableDefinition::new("copies");
