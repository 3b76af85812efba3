//! The local cache of the index: one redb file per repository. Anything wrong with it means making it anew.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use holdfast_format::index::PackEntry;
use holdfast_format::{BlobId, ObjectId, RepositoryId};
use holdfast_seal::Keys;
use redb::backends::InMemoryBackend;
use redb::{
    Database, MultimapTableDefinition, ReadOnlyMultimapTable, ReadOnlyTable, ReadableDatabase,
    ReadableTable, Table, TableDefinition, WriteTransaction,
};

use super::row::{BLOB_BYTES, BlobRow, FRAME_BYTES, FrameRow, PACK_BYTES, PackRow};
use crate::RepoError;
use crate::error::cached;

/// Raised with every change of a table or a row.
const SCHEMA: u64 = 1;

type Id = &'static [u8; 32];
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
const IDENTITY: TableDefinition<'_, &str, Id> = TableDefinition::new("identity");
/// Index object to the packs that it lists, as numbers.
const INDEX_OBJECTS: TableDefinition<'_, Id, Vec<u32>> = TableDefinition::new("index objects");
const PACKS: TableDefinition<'_, u32, &[u8; PACK_BYTES]> = TableDefinition::new("packs");
const PACK_NUMBERS: TableDefinition<'_, Id, u32> = TableDefinition::new("pack numbers");
/// What others derived and would rather not derive again; made when it is first needed.
const NOTES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("notes");
const FRAMES: TableDefinition<'_, u32, &[u8; FRAME_BYTES]> = TableDefinition::new("frames");
const BLOBS: TableDefinition<'_, Id, &[u8; BLOB_BYTES]> = TableDefinition::new("blobs");
/// Further places of blobs that are stored more than once.
const COPIES: MultimapTableDefinition<'_, Id, &[u8; BLOB_BYTES]> =
    MultimapTableDefinition::new("copies");

/// How many processes may have a cache of the same repository at once; each needs a file of its own.
const FILES_MAX: usize = 8;

#[derive(Debug)]
pub(super) struct Cache {
    database: Database,
}

/// A fixed state of the cache, for look-ups.
pub(super) struct View {
    blobs: ReadOnlyTable<Id, &'static [u8; BLOB_BYTES]>,
    copies: ReadOnlyMultimapTable<Id, &'static [u8; BLOB_BYTES]>,
    has_copies: bool,
    frames: ReadOnlyTable<u32, &'static [u8; FRAME_BYTES]>,
    packs: ReadOnlyTable<u32, &'static [u8; PACK_BYTES]>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("View")
    }
}

impl Cache {
    /// Opens the first file in `folder` that no other process uses; without a folder, a cache in memory.
    pub fn open(
        folder: Option<&Path>,
        repository: &RepositoryId,
        bytes_max: usize,
    ) -> Result<Self, RepoError> {
        let Some(folder) = folder else {
            let database = cached(builder(bytes_max).create_with_backend(InMemoryBackend::new()))?;
            return Self::prepare(database, repository);
        };
        fs::create_dir_all(folder).map_err(|error| RepoError::Cache(error.to_string()))?;
        for number in 0..FILES_MAX {
            let path = folder.join(format!("index-{number}.redb"));
            if let Some(cache) = Self::open_file(&path, repository, bytes_max)? {
                return Ok(cache);
            }
        }
        Err(RepoError::Cache(format!("{FILES_MAX} other processes use this repository")))
    }

    /// `None` if another process has the file open.
    fn open_file(
        path: &PathBuf,
        repository: &RepositoryId,
        bytes_max: usize,
    ) -> Result<Option<Self>, RepoError> {
        let opened = match builder(bytes_max).create(path) {
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => return Ok(None),
            Ok(database) => Self::prepare(database, repository),
            Err(error) => Err(RepoError::Cache(error.to_string())),
        };
        if let Ok(cache) = opened {
            return Ok(Some(cache));
        }
        fs::remove_file(path).map_err(|error| RepoError::Cache(error.to_string()))?;
        Self::prepare(cached(builder(bytes_max).create(path))?, repository).map(Some)
    }

    /// Makes the tables, or refuses a cache that was made for something else.
    fn prepare(database: Database, repository: &RepositoryId) -> Result<Self, RepoError> {
        let cache = Self { database };
        if cache.belongs_to(repository)? {
            return Ok(cache);
        }
        let write = cached(cache.database.begin_write())?;
        cached(cached(write.open_table(NUMBERS))?.insert("schema", SCHEMA))?;
        cached(cached(write.open_table(IDENTITY))?.insert("repository", repository.as_bytes()))?;
        cached(write.open_table(INDEX_OBJECTS))?;
        cached(write.open_table(PACKS))?;
        cached(write.open_table(PACK_NUMBERS))?;
        cached(write.open_table(FRAMES))?;
        cached(write.open_table(BLOBS))?;
        cached(write.open_multimap_table(COPIES))?;
        cached(write.commit())?;
        Ok(cache)
    }

    /// False for a new, empty file.
    fn belongs_to(&self, repository: &RepositoryId) -> Result<bool, RepoError> {
        let read = cached(self.database.begin_read())?;
        let numbers = match read.open_table(NUMBERS) {
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(false),
            opened => cached(opened)?,
        };
        let identity = cached(read.open_table(IDENTITY))?;
        let schema = cached(numbers.get("schema"))?.map(|value| value.value());
        let owner = cached(identity.get("repository"))?.map(|value| *value.value());
        match (schema, owner) {
            (Some(SCHEMA), Some(owner)) if owner == *repository.as_bytes() => Ok(true),
            _ => Err(RepoError::Cache("it belongs to something else".to_owned())),
        }
    }

    pub fn view(&self) -> Result<View, RepoError> {
        let read = cached(self.database.begin_read())?;
        let copies = cached(read.open_multimap_table(COPIES))?;
        let has_copies = !cached(redb::ReadableTableMetadata::is_empty(&copies))?;
        Ok(View {
            blobs: cached(read.open_table(BLOBS))?,
            copies,
            has_copies,
            frames: cached(read.open_table(FRAMES))?,
            packs: cached(read.open_table(PACKS))?,
        })
    }

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

    pub fn numbered_blobs(&self) -> Result<u64, RepoError> {
        self.number("blobs")
    }

    fn number(&self, name: &str) -> Result<u64, RepoError> {
        let read = cached(self.database.begin_read())?;
        let table = cached(read.open_table(NUMBERS))?;
        Ok(cached(table.get(name))?.map_or(0, |value| value.value()))
    }

    /// Removes index objects; their packs stay until they are dead or listed by another object.
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
        // In the order of the keys the tree is filled from left to right, which is several times faster.
        blobs.sort_unstable_by_key(|blob| blob.0);
        add_blobs(&write, &blobs, dead)?;
        cached(cached(write.open_table(INDEX_OBJECTS))?.insert(index.as_bytes(), numbers))?;
        cached(write.commit())
    }
}

fn builder(bytes_max: usize) -> redb::Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(bytes_max);
    builder
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

impl View {
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

    pub fn pack(&self, number: u32) -> Result<PackRow, RepoError> {
        let row = cached(self.packs.get(number))?
            .ok_or_else(|| RepoError::Cache("a pack is missing".to_owned()))?;
        PackRow::decode(number, row.value())
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
