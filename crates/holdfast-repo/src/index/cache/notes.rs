//! What others derived and would rather not derive again.

use redb::ReadableDatabase;

use super::Cache;
use super::table::NOTES;
use crate::RepoError;
use crate::error::cached;

impl Cache {
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
