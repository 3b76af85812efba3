//! Adding what index objects list.

use std::collections::{HashMap, HashSet};

use holdfast_format::index::PackEntry;
use holdfast_format::{BlobId, ObjectId};
use holdfast_seal::Keys;
use redb::{ReadableDatabase, ReadableTable, Table, WriteTransaction};

use super::Cache;
use super::table::{BLOBS, COPIES, FRAMES, INDEX_OBJECTS, NUMBERS, PACK_NUMBERS, PACKS};
use crate::RepoError;
use crate::error::cached;
use crate::index::row::{BlobRow, FrameRow, PackRow};

/// Numbers that packs already have, for a cache that is rebuilt while others rely on them.
#[derive(Debug, Default)]
pub(in crate::index) struct Numbering {
    packs: HashMap<ObjectId, PackRow>,
    /// The first free number of each kind.
    next: [u64; 3],
}

/// The kinds of numbers, by the names of their rows.
const KINDS: [&str; 3] = ["packs", "frames", "blobs"];

impl Numbering {
    /// The numbers of these packs.
    pub fn of(packs: &[PackRow]) -> Self {
        let mut next = [0; 3];
        for pack in packs {
            let ends = [
                u64::from(pack.number) + 1,
                u64::from(pack.first_frame) + u64::from(pack.frames),
                pack.first_blob + pack.blobs,
            ];
            next.iter_mut().zip(ends).for_each(|(next, end)| *next = end.max(*next));
        }
        Self { packs: packs.iter().map(|pack| (pack.id, *pack)).collect(), next }
    }

    /// New numbers, after those of these packs.
    pub fn after(packs: &[PackRow]) -> Self {
        Self { packs: HashMap::new(), ..Self::of(packs) }
    }

    /// Makes sure that the next numbers come after these: some parts of the cache may be older than
    /// others.
    pub fn check(&self, cache: &Cache) -> Result<(), RepoError> {
        let read = cached(cache.database.begin_read())?;
        let numbers = cached(read.open_table(NUMBERS))?;
        for (kind, end) in KINDS.into_iter().zip(self.next) {
            if cached(numbers.get(kind))?.map_or(0, |next| next.value()) < end {
                return Err(RepoError::Cache("its parts are inconsistent".to_owned()));
            }
        }
        Ok(())
    }

    /// The numbers of a pack with this number of frames and blobs.
    fn find(&self, id: &ObjectId, frames: u64, blobs: u64) -> Option<&PackRow> {
        let known = self.packs.get(id);
        known.filter(|known| u64::from(known.frames) == frames && known.blobs == blobs)
    }
}

/// What an index object added.
#[derive(Debug, Default)]
pub(in crate::index) struct Inserted {
    /// Packs that were not known before, in the order of their numbers unless these were already
    /// assigned.
    pub packs: Vec<PackRow>,
    /// Numbers of all packs that it lists.
    pub listed: Vec<u32>,
}

impl Cache {
    /// Adopts numbers that others rely on: they are given to the same packs, and to no others.
    pub fn reserve(&self, numbering: &Numbering) -> Result<(), RepoError> {
        let write = cached(self.database.begin_write())?;
        {
            let mut numbers = cached(write.open_table(NUMBERS))?;
            for (kind, next) in KINDS.into_iter().zip(numbering.next) {
                cached(numbers.insert(kind, next))?;
            }
        }
        cached(write.commit())
    }

    /// Adds what one index object lists. Packs that are already known are not added again: a pack
    /// that has a number has all its rows, until [`Cache::clean`] removes the number.
    pub fn insert(
        &self,
        keys: &Keys,
        index: &ObjectId,
        packs: &[PackEntry],
        dead: &HashSet<u32>,
        numbering: &Numbering,
    ) -> Result<Inserted, RepoError> {
        let write = cached(self.database.begin_write())?;
        let mut inserted = Inserted::default();
        let mut blobs = Vec::new();
        for pack in packs {
            let pack_numbers = cached(write.open_table(PACK_NUMBERS))?;
            let known = cached(pack_numbers.get(pack.id.as_bytes()))?.map(|it| it.value());
            drop(pack_numbers);
            let number = match known {
                Some(number) => number,
                None => {
                    let row = add_pack(&write, keys, pack, numbering, &mut blobs)?;
                    inserted.packs.push(row);
                    row.number
                }
            };
            inserted.listed.push(number);
        }
        // In key order the tree is filled from left to right, which is several times faster.
        blobs.sort_unstable_by_key(|blob| blob.0);
        add_blobs(&write, &blobs, dead)?;
        let listed = inserted.listed.clone();
        cached(cached(write.open_table(INDEX_OBJECTS))?.insert(index.as_bytes(), listed))?;
        cached(write.commit())?;
        Ok(inserted)
    }
}

/// Takes the next `count` numbers of a kind.
fn next_numbers(
    numbers: &mut Table<'_, &str, u64>,
    kind: &str,
    count: u64,
) -> Result<u64, RepoError> {
    let next = cached(numbers.get(kind))?.map_or(0, |value| value.value());
    cached(numbers.insert(kind, next + count))?;
    Ok(next)
}

/// The row of a pack that has none yet, with its known numbers or else the next ones.
fn number_pack(
    write: &WriteTransaction,
    pack: &PackEntry,
    numbering: &Numbering,
) -> Result<PackRow, RepoError> {
    let frames = pack.frames.len() as u64;
    let blobs = pack.frames.iter().map(|frame| frame.blobs.len() as u64).sum();
    let (number, first_frame, first_blob) = match numbering.find(&pack.id, frames, blobs) {
        Some(known) => (known.number, known.first_frame, known.first_blob),
        None => {
            let mut numbers = cached(write.open_table(NUMBERS))?;
            let [packs_kind, frames_kind, blobs_kind] = KINDS;
            (
                next_numbers(&mut numbers, packs_kind, 1)? as u32,
                next_numbers(&mut numbers, frames_kind, frames)? as u32,
                next_numbers(&mut numbers, blobs_kind, blobs)?,
            )
        }
    };
    Ok(PackRow {
        number,
        id: pack.id,
        bytes: pack.bytes,
        writer: pack.header.writer,
        start_slot: pack.header.start_slot,
        first_frame,
        frames: pack.frames.len() as u32,
        first_blob,
        blobs,
    })
}

/// Adds a pack and its frames; its blobs are collected in `blobs`.
fn add_pack(
    write: &WriteTransaction,
    keys: &Keys,
    pack: &PackEntry,
    numbering: &Numbering,
    blobs: &mut Vec<(BlobId, BlobRow)>,
) -> Result<PackRow, RepoError> {
    let row = number_pack(write, pack, numbering)?;
    let mut frames = cached(write.open_table(FRAMES))?;
    let mut first_blob = row.first_blob;
    let mut offset = pack.header.encode().len() as u32;
    for (frame_number, frame) in (row.first_frame..).zip(&pack.frames) {
        let context = holdfast_format::frame::FrameContext {
            blob_type: frame.blob_type,
            algorithm: frame.algorithm,
            frame: keys.frame_id(frame.blob_type, &frame.blobs),
            session: pack.header.sessions[usize::from(frame.session)],
            raw_bytes: frame.raw_bytes(),
        };
        let sealed_bytes = frame.sealed_bytes;
        let frame_row = FrameRow { pack: row.number, offset, sealed_bytes, first_blob, context };
        cached(frames.insert(frame_number, &frame_row.encode()))?;
        let mut start = 0;
        for (place, blob) in (0..).zip(&frame.blobs) {
            let row = BlobRow { frame: frame_number, place, offset: start, bytes: blob.bytes };
            blobs.push((blob.id, row));
            start += blob.bytes;
        }
        offset = offset.saturating_add(sealed_bytes);
        first_blob += frame.blobs.len() as u64;
    }
    cached(cached(write.open_table(PACKS))?.insert(row.number, &row.encode()))?;
    let mut pack_numbers = cached(write.open_table(PACK_NUMBERS))?;
    cached(pack_numbers.insert(pack.id.as_bytes(), row.number))?;
    Ok(row)
}

/// Adds locations of blobs. The first that is alive becomes the main one; the others are kept too,
/// including those in deleted packs: these may reappear when a copy of the repository is restored.
fn add_blobs(
    write: &WriteTransaction,
    blobs: &[(BlobId, BlobRow)],
    dead: &HashSet<u32>,
) -> Result<(), RepoError> {
    let mut table = cached(write.open_table(BLOBS))?;
    let mut copies = cached(write.open_multimap_table(COPIES))?;
    let frames = cached(write.open_table(FRAMES))?;
    for (id, row) in blobs {
        let before = cached(table.insert(id.as_bytes(), &row.encode()))?.map(|row| *row.value());
        let Some(before) = before else { continue };
        let old = BlobRow::decode(&before)?;
        let Some(frame) = cached(frames.get(old.frame))? else { continue };
        if dead.contains(&FrameRow::decode(frame.value())?.pack) {
            cached(copies.insert(id.as_bytes(), &before))?;
        } else {
            cached(table.insert(id.as_bytes(), &before))?;
            cached(copies.insert(id.as_bytes(), &row.encode()))?;
        }
    }
    Ok(())
}
