//! What the cache holds, whole tables at a time.

use holdfast_format::ObjectId;
use redb::{ReadableDatabase, ReadableTable};

use super::Cache;
use super::table::{INDEX_OBJECTS, NUMBERS, PACKS};
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

    pub fn numbered_blobs(&self) -> Result<u64, RepoError> {
        self.number("blobs")
    }

    fn number(&self, name: &str) -> Result<u64, RepoError> {
        let read = cached(self.database.begin_read())?;
        let table = cached(read.open_table(NUMBERS))?;
        Ok(cached(table.get(name))?.map_or(0, |value| value.value()))
    }
}
