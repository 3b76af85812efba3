//! The contents of the cache, whole tables at a time.

use holdfast_format::ObjectId;
use redb::{ReadableDatabase, ReadableTable, ReadableTableMetadata};

use super::Cache;
use super::table::{BLOBS, FRAMES, INDEX_OBJECTS, NUMBERS, PACKS};
use crate::RepoError;
use crate::error::cached;
use crate::index::row::PackRow;

impl Cache {
    /// Index objects in the cache, with the numbers of their packs.
    pub fn index_objects(&self) -> Result<Vec<(ObjectId, Vec<u32>)>, RepoError> {
        let read = cached(self.database.begin_read())?;
        let table = cached(read.open_table(INDEX_OBJECTS))?;
        cached(table.iter())?
            .map(|row| {
                let (id, packs) = cached(row)?;
                Ok((ObjectId::from_bytes(*id.value()), packs.value()))
            })
            .collect()
    }

    pub fn packs(&self) -> Result<Vec<PackRow>, RepoError> {
        let read = cached(self.database.begin_read())?;
        let table = cached(read.open_table(PACKS))?;
        cached(table.iter())?
            .map(|row| {
                let (number, row) = cached(row)?;
                PackRow::decode(number.value(), row.value())
            })
            .collect()
    }

    /// Rows of packs, of frames and of blobs.
    pub fn row_counts(&self) -> Result<[u64; 3], RepoError> {
        let read = cached(self.database.begin_read())?;
        Ok([
            cached(cached(read.open_table(PACKS))?.len())?,
            cached(cached(read.open_table(FRAMES))?.len())?,
            cached(cached(read.open_table(BLOBS))?.len())?,
        ])
    }

    pub fn numbered_blobs(&self) -> Result<u64, RepoError> {
        let read = cached(self.database.begin_read())?;
        let table = cached(read.open_table(NUMBERS))?;
        Ok(cached(table.get("blobs"))?.map_or(0, |value| value.value()))
    }
}
