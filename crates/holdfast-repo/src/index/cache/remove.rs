//! Removing what the repository no longer has.

use holdfast_format::ObjectId;

use super::Cache;
use super::table::INDEX_OBJECTS;
use crate::RepoError;
use crate::error::cached;

impl Cache {
    /// Removes index objects; their packs are kept until they are dead or listed by another object.
    pub fn remove_index_objects(&self, gone: &[ObjectId]) -> Result<(), RepoError> {
        let write = cached(self.database.begin_write())?;
        {
            let mut table = cached(write.open_table(INDEX_OBJECTS))?;
            for id in gone {
                cached(table.remove(id.as_bytes()))?;
            }
        }
        cached(write.commit())
    }
}

#[cfg(test)]
impl Cache {
    /// Removes the row of a blob.
    pub fn forget_blob(&self, id: &holdfast_format::BlobId) {
        let write = self.database.begin_write().unwrap();
        write.open_table(super::table::BLOBS).unwrap().remove(id.as_bytes()).unwrap().unwrap();
        write.commit().unwrap();
    }
}
