//! Records of chains, as the repository has them: sealed.

use holdfast_format::name::Chain;
use redb::ReadableDatabase;

use super::Cache;
use super::table::RECORDS;
use crate::RepoError;
use crate::error::cached;

impl Cache {
    /// Passes the records of a chain to `each`, in order, until it returns false.
    pub fn records(
        &self,
        chain: &Chain,
        mut each: impl FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), RepoError> {
        let read = cached(self.database.begin_read())?;
        let table = match read.open_table(RECORDS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
            opened => cached(opened)?,
        };
        let folder = chain.folder();
        for row in cached(table.range((folder.as_str(), 0)..=(folder.as_str(), u64::MAX)))? {
            let (key, object) = cached(row)?;
            if !each(key.value().1, object.value()) {
                break;
            }
        }
        Ok(())
    }

    /// Keeps records of a chain, in place of what was kept of these slots.
    pub fn keep_records<Object: AsRef<[u8]>>(
        &self,
        chain: &Chain,
        records: &[(u64, Object)],
    ) -> Result<(), RepoError> {
        let folder = chain.folder();
        let write = cached(self.database.begin_write())?;
        {
            let mut table = cached(write.open_table(RECORDS))?;
            for (sequence, object) in records {
                cached(table.insert((folder.as_str(), *sequence), object.as_ref()))?;
            }
        }
        cached(write.commit())
    }
}
