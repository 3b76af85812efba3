//! Adding what index objects list.

use std::collections::HashSet;

use holdfast_format::index::PackEntry;
use holdfast_format::{BlobId, ObjectId};
use holdfast_seal::Keys;
use redb::{ReadableTable, Table, WriteTransaction};

use super::Cache;
use super::table::{BLOBS, COPIES, FRAMES, INDEX_OBJECTS, NUMBERS, PACK_NUMBERS, PACKS};
use crate::RepoError;
use crate::error::cached;
use crate::index::row::{BlobRow, FrameRow, PackRow};

impl Cache {
    /// Adds what one index object lists. Packs that are known already are not added again.
    pub fn insert(
        &self,
        keys: &Keys,
        index: &ObjectId,
        packs: &[PackEntry],
        dead: &HashSet<u32>,
    ) -> Result<(), RepoError> {
        let write = cached(self.database.begin_write())?;
        let mut numbers = Vec::with_capacity(packs.len());
        let mut blobs = Vec::new();
        for pack in packs {
            numbers.push(add_pack(&write, keys, pack, &mut blobs)?);
        }
        // In the order of the keys the tree is filled from left to right, which is several times
        // faster.
        blobs.sort_unstable_by_key(|blob| blob.0);
        add_blobs(&write, &blobs, dead)?;
        cached(cached(write.open_table(INDEX_OBJECTS))?.insert(index.as_bytes(), numbers))?;
        cached(write.commit())
    }
}

/// Takes the next `count` numbers of a sequence.
fn next_numbers(
    numbers: &mut Table<'_, &str, u64>,
    name: &str,
    count: u64,
) -> Result<u64, RepoError> {
    let next = cached(numbers.get(name))?.map_or(0, |value| value.value());
    cached(numbers.insert(name, next + count))?;
    Ok(next)
}

/// Adds a pack and its frames; its blobs are collected in `blobs`. Returns the pack's number.
fn add_pack(
    write: &WriteTransaction,
    keys: &Keys,
    pack: &PackEntry,
    blobs: &mut Vec<(BlobId, BlobRow)>,
) -> Result<u32, RepoError> {
    let mut pack_numbers = cached(write.open_table(PACK_NUMBERS))?;
    if let Some(number) = cached(pack_numbers.get(pack.id.as_bytes()))? {
        return Ok(number.value());
    }
    let mut numbers = cached(write.open_table(NUMBERS))?;
    let mut frames = cached(write.open_table(FRAMES))?;
    let number = next_numbers(&mut numbers, "packs", 1)? as u32;
    let first_frame = next_numbers(&mut numbers, "frames", pack.frames.len() as u64)? as u32;
    let count = pack.frames.iter().map(|frame| frame.blobs.len() as u64).sum();
    let mut first_blob = next_numbers(&mut numbers, "blobs", count)?;
    let mut offset = pack.header.encode().len() as u32;
    for (frame_number, frame) in (first_frame..).zip(&pack.frames) {
        let context = holdfast_format::frame::FrameContext {
            blob_type: frame.blob_type,
            algorithm: frame.algorithm,
            frame: keys.frame_id(frame.blob_type, &frame.blobs),
            session: pack.header.sessions[usize::from(frame.session)],
            raw_bytes: frame.raw_bytes(),
        };
        let sealed_bytes = frame.sealed_bytes;
        let row = FrameRow { pack: number, offset, sealed_bytes, first_blob, context };
        cached(frames.insert(frame_number, &row.encode()))?;
        let mut start = 0;
        for (place, blob) in (0..).zip(&frame.blobs) {
            let row = BlobRow { frame: frame_number, place, offset: start, bytes: blob.bytes };
            blobs.push((blob.id, row));
            start += blob.bytes;
        }
        offset = offset.saturating_add(sealed_bytes);
        first_blob += frame.blobs.len() as u64;
    }
    let row = PackRow {
        number,
        id: pack.id,
        bytes: pack.bytes,
        writer: pack.header.writer,
        start_slot: pack.header.start_slot,
        first_frame,
        frames: pack.frames.len() as u32,
    };
    cached(cached(write.open_table(PACKS))?.insert(number, &row.encode()))?;
    cached(pack_numbers.insert(pack.id.as_bytes(), number))?;
    Ok(number)
}

/// Adds places of blobs. The first that is alive stays the main one.
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
        let is_dead = match cached(frames.get(old.frame))? {
            Some(frame) => dead.contains(&FrameRow::decode(frame.value())?.pack),
            None => true,
        };
        if !is_dead {
            cached(table.insert(id.as_bytes(), &before))?;
            cached(copies.insert(id.as_bytes(), &row.encode()))?;
        }
    }
    Ok(())
}
