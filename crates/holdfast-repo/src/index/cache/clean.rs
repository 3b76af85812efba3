//! Removing the rows of packs that a sweep deleted, a bounded number at a time, so that the cache
//! does not grow forever.
//!
//! No row says which blobs were in a pack, so all rows of blobs must be scanned. That is done in
//! passes. A pass takes some packs that are no longer referenced; each run scans the next rows,
//! first those of blobs, then those of their copies; finally the frames and the packs themselves
//! are removed. Every step is one transaction and changes nothing for readers.

#[cfg(test)]
mod tests;

use std::ops::{Bound, Range};

use holdfast_format::BlobId;
use redb::{ReadableDatabase, ReadableMultimapTable, ReadableTable, WriteTransaction};

use super::Cache;
use super::table::{BLOBS, CLEANED_PACKS, CLEANED_UP_TO, COPIES, FRAMES, PACK_NUMBERS, PACKS};
use crate::RepoError;
use crate::error::cached;
use crate::index::row::{BLOB_BYTES, BlobRow, PackRow};

/// The two slow parts of a pass. They start after the all-zero id, which no blob has.
const OF_BLOBS: &str = "blobs";
const OF_COPIES: &str = "copies";

/// Numbers of the frames that a pass removes.
struct FrameRanges(Vec<Range<u32>>);

impl FrameRanges {
    fn contains(&self, row: &[u8; BLOB_BYTES]) -> Result<bool, RepoError> {
        let frame = BlobRow::decode(row)?.frame;
        let after = self.0.partition_point(|range| range.start <= frame);
        Ok(after.checked_sub(1).is_some_and(|place| self.0[place].contains(&frame)))
    }
}

impl Cache {
    /// Continues a pass, or starts one for these packs: they were swept, and no index object of the
    /// cache lists them. Scans at most `rows_max` rows of blobs. True if anything was done.
    pub fn clean(&self, gone: &[PackRow], rows_max: usize) -> Result<bool, RepoError> {
        let under_way = self.cleaned_packs()?;
        if under_way.is_empty() && gone.is_empty() {
            return Ok(false);
        }
        let write = cached(self.database.begin_write())?;
        let packs = match under_way.is_empty() {
            true => begin(&write, gone, rows_max)?,
            false => under_way,
        };
        let mut frames: Vec<Range<u32>> =
            packs.iter().map(|pack| pack.first_frame..pack.first_frame + pack.frames).collect();
        frames.sort_unstable_by_key(|range| range.start);
        let frames = FrameRanges(frames);
        let mut rows_left = rows_max;
        let is_done = clean_blobs(&write, &frames, &mut rows_left)?
            && clean_copies(&write, &frames, &mut rows_left)?;
        if is_done {
            finish(&write, &packs)?;
        }
        cached(write.commit())?;
        Ok(true)
    }

    /// The packs of the pass in progress.
    fn cleaned_packs(&self) -> Result<Vec<PackRow>, RepoError> {
        let read = cached(self.database.begin_read())?;
        let table = match read.open_table(CLEANED_PACKS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            opened => cached(opened)?,
        };
        let packs = cached(read.open_table(PACKS))?;
        let mut found = Vec::new();
        for row in cached(table.iter())? {
            let number = cached(row)?.0.value();
            if let Some(row) = cached(packs.get(number))? {
                found.push(PackRow::decode(number, row.value())?);
            }
        }
        Ok(found)
    }
}

/// Starts a pass over packs with about this number of frames in all. If one of them is ever listed
/// again, after the repository was restored from a copy, it gets new rows.
fn begin(
    write: &WriteTransaction,
    gone: &[PackRow],
    frames_max: usize,
) -> Result<Vec<PackRow>, RepoError> {
    let mut chosen = cached(write.open_table(CLEANED_PACKS))?;
    let mut numbers = cached(write.open_table(PACK_NUMBERS))?;
    let mut packs = Vec::new();
    let mut frames = 0;
    for pack in gone {
        if frames >= frames_max {
            break;
        }
        frames += pack.frames as usize;
        cached(chosen.insert(pack.number, ()))?;
        cached(numbers.remove(pack.id.as_bytes()))?;
        packs.push(*pack);
    }
    let mut cursors = cached(write.open_table(CLEANED_UP_TO))?;
    cached(cursors.insert(OF_BLOBS, &[0; BlobId::BYTES]))?;
    Ok(packs)
}

/// Where a part of the pass continues; `None` if it is done.
fn cursor(write: &WriteTransaction, part: &str) -> Result<Option<[u8; 32]>, RepoError> {
    let cursors = cached(write.open_table(CLEANED_UP_TO))?;
    let cursor = cached(cursors.get(part))?;
    Ok(cursor.map(|id| *id.value()))
}

/// Advances to `last`, or without one to the next part.
fn move_cursor(
    write: &WriteTransaction,
    part: &str,
    next_part: Option<&str>,
    last: Option<[u8; 32]>,
) -> Result<(), RepoError> {
    let mut cursors = cached(write.open_table(CLEANED_UP_TO))?;
    match last {
        Some(last) => drop(cached(cursors.insert(part, &last))?),
        None => {
            cached(cursors.remove(part))?;
            if let Some(next) = next_part {
                cached(cursors.insert(next, &[0; BlobId::BYTES]))?;
            }
        }
    }
    Ok(())
}

/// Replaces each main row that is removed with a remaining copy. True once all rows were scanned.
fn clean_blobs(
    write: &WriteTransaction,
    frames: &FrameRanges,
    rows_left: &mut usize,
) -> Result<bool, RepoError> {
    let Some(from) = cursor(write, OF_BLOBS)? else { return Ok(true) };
    let mut table = cached(write.open_table(BLOBS))?;
    let mut copies = cached(write.open_multimap_table(COPIES))?;
    let (mut gone, mut last) = (Vec::new(), None);
    let after = (Bound::Excluded(&from), Bound::Unbounded);
    let mut rows = cached(table.range::<&[u8; 32]>(after))?;
    while *rows_left > 0 {
        let Some(row) = rows.next() else { break };
        let (id, row) = cached(row)?;
        *rows_left -= 1;
        last = Some(*id.value());
        if frames.contains(row.value())? {
            gone.push(*id.value());
        }
    }
    drop(rows);
    for id in gone {
        let mut staying = None;
        for row in cached(copies.get(&id))? {
            let row = *cached(row)?.value();
            if !frames.contains(&row)? {
                staying = Some(row);
                break;
            }
        }
        match staying {
            Some(row) => {
                cached(copies.remove(&id, &row))?;
                cached(table.insert(&id, &row))?;
            }
            None => drop(cached(table.remove(&id))?),
        }
    }
    let is_done = *rows_left > 0;
    move_cursor(write, OF_BLOBS, Some(OF_COPIES), last.filter(|_| !is_done))?;
    Ok(is_done)
}

/// Removes the copies in these frames. True once all were scanned.
fn clean_copies(
    write: &WriteTransaction,
    frames: &FrameRanges,
    rows_left: &mut usize,
) -> Result<bool, RepoError> {
    let Some(from) = cursor(write, OF_COPIES)? else { return Ok(true) };
    let mut copies = cached(write.open_multimap_table(COPIES))?;
    let (mut gone, mut last) = (Vec::new(), None);
    let after = (Bound::Excluded(&from), Bound::Unbounded);
    let mut blobs = cached(copies.range::<&[u8; 32]>(after))?;
    while *rows_left > 0 {
        let Some(blob) = blobs.next() else { break };
        let (id, rows) = cached(blob)?;
        last = Some(*id.value());
        for row in rows {
            *rows_left = rows_left.saturating_sub(1);
            let row = *cached(row)?.value();
            if frames.contains(&row)? {
                gone.push((*id.value(), row));
            }
        }
    }
    drop(blobs);
    for (id, row) in gone {
        cached(copies.remove(&id, &row))?;
    }
    let is_done = *rows_left > 0;
    move_cursor(write, OF_COPIES, None, last.filter(|_| !is_done))?;
    Ok(is_done)
}

/// Removes what no row of a blob refers to any more, and ends the pass.
fn finish(write: &WriteTransaction, packs: &[PackRow]) -> Result<(), RepoError> {
    let mut chosen = cached(write.open_table(CLEANED_PACKS))?;
    let mut rows = cached(write.open_table(PACKS))?;
    let mut frames = cached(write.open_table(FRAMES))?;
    for pack in packs {
        for frame in pack.first_frame..pack.first_frame + pack.frames {
            cached(frames.remove(frame))?;
        }
        cached(rows.remove(pack.number))?;
        cached(chosen.remove(pack.number))?;
    }
    Ok(())
}
