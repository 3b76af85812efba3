//! A fixed state of the cache.

use holdfast_format::BlobId;
use redb::{ReadOnlyMultimapTable, ReadOnlyTable, ReadableDatabase};

use super::Cache;
use super::table::{BLOBS, COPIES, FRAMES, Id};
use crate::RepoError;
use crate::error::cached;
use crate::index::row::{BLOB_BYTES, BlobRow, FRAME_BYTES, FrameRow};

/// A fixed state of the cache, for lookups.
pub(in crate::index) struct CacheView {
    blobs: ReadOnlyTable<Id, &'static [u8; BLOB_BYTES]>,
    copies: ReadOnlyMultimapTable<Id, &'static [u8; BLOB_BYTES]>,
    has_copies: bool,
    frames: ReadOnlyTable<u32, &'static [u8; FRAME_BYTES]>,
}

impl std::fmt::Debug for CacheView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CacheView")
    }
}

impl Cache {
    /// The current state of the cache.
    pub fn view(&self) -> Result<CacheView, RepoError> {
        let read = cached(self.database.begin_read())?;
        let copies = cached(read.open_multimap_table(COPIES))?;
        let has_copies = !cached(redb::ReadableTableMetadata::is_empty(&copies))?;
        Ok(CacheView {
            blobs: cached(read.open_table(BLOBS))?,
            copies,
            has_copies,
            frames: cached(read.open_table(FRAMES))?,
        })
    }
}

impl CacheView {
    pub fn blob(&self, id: &BlobId) -> Result<Option<BlobRow>, RepoError> {
        cached(self.blobs.get(id.as_bytes()))?.map(|row| BlobRow::decode(row.value())).transpose()
    }

    pub fn copies(&self, id: &BlobId) -> Result<Vec<BlobRow>, RepoError> {
        if !self.has_copies {
            return Ok(Vec::new());
        }
        cached(self.copies.get(id.as_bytes()))?
            .map(|row| BlobRow::decode(cached(row)?.value()))
            .collect()
    }

    pub fn copied_blobs(&self) -> Result<Vec<BlobId>, RepoError> {
        let rows = cached(self.copies.range::<Id>(..))?;
        rows.map(|row| Ok(BlobId::from_bytes(*cached(row)?.0.value()))).collect()
    }

    pub fn frame(&self, number: u32) -> Result<FrameRow, RepoError> {
        let row = cached(self.frames.get(number))?
            .ok_or_else(|| RepoError::Cache("a frame is missing".to_owned()))?;
        FrameRow::decode(row.value())
    }

    pub fn for_each(
        &self,
        mut each: impl FnMut(BlobId, BlobRow) -> Result<(), RepoError>,
    ) -> Result<(), RepoError> {
        for row in cached(self.blobs.range::<Id>(..))? {
            let (id, row) = cached(row)?;
            each(BlobId::from_bytes(*id.value()), BlobRow::decode(row.value())?)?;
        }
        for row in cached(self.copies.range::<Id>(..))? {
            let (id, rows) = cached(row)?;
            for row in rows {
                let row = BlobRow::decode(cached(row)?.value())?;
                each(BlobId::from_bytes(*id.value()), row)?;
            }
        }
        Ok(())
    }
}
