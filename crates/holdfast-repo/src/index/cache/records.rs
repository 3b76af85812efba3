//! Records of chains, sealed as in the repository.

use holdfast_format::name::Chain;
use redb::ReadableDatabase;

use super::Cache;
use super::table::RECORDS;
use crate::RepoError;
use crate::error::cached;

/// Number of records read from the cache at once.
const RECORDS_MAX: usize = 256;

impl Cache {
    /// The next records of a chain, in order, from a slot on.
    pub fn records(&self, chain: &Chain, from: u64) -> Result<Vec<(u64, Vec<u8>)>, RepoError> {
        let read = cached(self.database.begin_read())?;
        let table = match read.open_table(RECORDS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            opened => cached(opened)?,
        };
        let folder = chain.folder();
        let rows = cached(table.range((folder.as_str(), from)..=(folder.as_str(), u64::MAX)))?;
        rows.take(RECORDS_MAX)
            .map(|row| {
                let (key, object) = cached(row)?;
                Ok((key.value().1, object.value().to_vec()))
            })
            .collect()
    }

    /// Stores records of a chain, replacing those kept for the same slots.
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
