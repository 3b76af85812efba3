//! Derived data that is expensive to compute again.

use redb::{ReadableDatabase, ReadableTable};

use super::Cache;
use super::table::{NOTES, RECORDS};
use crate::RepoError;
use crate::error::cached;

impl Cache {
    /// Copies the notes and the records of another cache: neither depends on its rows.
    pub fn take_from(&self, other: &Cache) -> Result<(), RepoError> {
        let read = cached(other.database.begin_read())?;
        let write = cached(self.database.begin_write())?;
        if let Ok(notes) = read.open_table(NOTES) {
            let mut table = cached(write.open_table(NOTES))?;
            for row in cached(notes.iter())? {
                let (name, note) = cached(row)?;
                cached(table.insert(name.value(), note.value()))?;
            }
        }
        if let Ok(records) = read.open_table(RECORDS) {
            let mut table = cached(write.open_table(RECORDS))?;
            for row in cached(records.iter())? {
                let (place, record) = cached(row)?;
                cached(table.insert(place.value(), record.value()))?;
            }
        }
        cached(write.commit())
    }

    pub fn note(&self, name: &str) -> Result<Option<Vec<u8>>, RepoError> {
        let read = cached(self.database.begin_read())?;
        let table = match read.open_table(NOTES) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
            opened => cached(opened)?,
        };
        Ok(cached(table.get(name))?.map(|note| note.value().to_vec()))
    }

    pub fn set_note(&self, name: &str, note: &[u8]) -> Result<(), RepoError> {
        let write = cached(self.database.begin_write())?;
        cached(cached(write.open_table(NOTES))?.insert(name, note))?;
        cached(write.commit())
    }
}
