//! Bringing the cache up to date: index objects, and where one is lost, the directories of the
//! packs themselves.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, PoisonError};

use holdfast_backend::Backend;
use holdfast_format::index::{self as index_object, PackEntry};
use holdfast_format::pack::{PackHeader, TRAILER_BYTES, decode_trailer};
use holdfast_format::{FormatError, ObjectId, directory, name};
use holdfast_seal::{Keys, open_directory, open_index};

use super::{Index, PackRow};
use crate::RepoError;
use crate::history::History;
use crate::names::object_name;
use crate::object::{fetch, lost};

/// Rows that are looked at each time a repository is opened, to find those of packs that are gone.
const CLEANED_ROWS_MAX: usize = 100_000;
/// Bytes read from the start of a pack to find its header.
const HEADER_READ_BYTES: usize = 4096;
/// Bytes of a header with the most sessions that it may name.
const HEADER_BYTES_MAX: usize = 256 << 10;

/// What bringing the index up to date had to do without.
#[derive(Debug, Default)]
pub struct Missing {
    /// Index objects that are lost or damaged; what they listed was read from the packs.
    pub index_objects: Vec<String>,
    /// Packs that could not be read while index objects were replaced by them.
    pub packs: Vec<String>,
}

impl Index {
    /// Makes the cache agree with the repository.
    ///
    /// # Errors
    /// Storage and cache failures. Lost or damaged index objects are no errors: they are in
    /// [`Missing`].
    pub fn sync(
        &self,
        backend: &dyn Backend,
        keys: &Keys,
        history: &History,
    ) -> Result<Missing, RepoError> {
        let wanted = wanted(backend, history)?;
        let cached = self.cache.index_objects()?;
        let gone: Vec<ObjectId> =
            cached.iter().map(|(id, _)| *id).filter(|id| !wanted.contains(id)).collect();
        if !gone.is_empty() {
            self.cache.remove_index_objects(&gone)?;
        }
        let known: HashSet<ObjectId> = cached.into_iter().map(|(id, _)| id).collect();
        let swept = self.swept(history)?;
        let mut missing = Missing::default();
        for id in wanted.iter().filter(|id| !known.contains(id)) {
            match read_index_object(backend, keys, id) {
                Ok(packs) => self.cache.insert(keys, id, &packs, &swept)?,
                Err(RepoError::Damaged { .. }) => missing.index_objects.push(name::index(id)),
                Err(error) => return Err(error),
            }
        }
        self.refresh_state(history)?;
        if !missing.index_objects.is_empty() {
            self.read_unlisted_packs(backend, keys, history, &mut missing)?;
            self.refresh_state(history)?;
        }
        Ok(missing)
    }

    /// Packs of the cache that a sweep deleted: a copy in one of them is never a blob's main one.
    fn swept(&self, history: &History) -> Result<HashSet<u32>, RepoError> {
        let packs = self.cache.packs()?.into_iter();
        Ok(packs.filter(|p| history.swept().contains(&p.id)).map(|p| p.number).collect())
    }

    /// Removes some rows of packs that were swept, if there are any. Only for one who opens a
    /// repository: what else is made of the index counts on the packs that were gone at its start.
    ///
    /// # Errors
    /// Cache failures.
    pub(crate) fn clean(&self, history: &History) -> Result<(), RepoError> {
        let listed: HashSet<u32> =
            self.cache.index_objects()?.into_iter().flat_map(|(_, packs)| packs).collect();
        let is_gone =
            |pack: &PackRow| history.swept().contains(&pack.id) && !listed.contains(&pack.number);
        let gone: Vec<PackRow> = self.cache.packs()?.into_iter().filter(is_gone).collect();
        if self.cache.clean(&gone, CLEANED_ROWS_MAX)? {
            self.refresh_state(history)
        } else {
            Ok(())
        }
    }

    /// Takes over what the cache holds now, and which packs are gone or condemned.
    pub fn refresh_state(&self, history: &History) -> Result<(), RepoError> {
        let listed: HashSet<u32> =
            self.cache.index_objects()?.into_iter().flat_map(|(_, packs)| packs).collect();
        let condemned: HashSet<ObjectId> = history
            .condemn()
            .map(|condemn| condemn.packs.iter().copied().collect())
            .unwrap_or_default();
        let (mut dead, mut hidden) = (HashSet::new(), HashSet::new());
        for pack in self.cache.packs()? {
            if !listed.contains(&pack.number) || history.swept().contains(&pack.id) {
                dead.insert(pack.number);
            } else if condemned.contains(&pack.id) {
                hidden.insert(pack.number);
            }
        }
        let view = Arc::new(self.cache.view()?);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = super::State { view, dead: Arc::new(dead), hidden: Arc::new(hidden) };
        Ok(())
    }

    /// Reads the directories of all packs that no readable index object lists.
    fn read_unlisted_packs(
        &self,
        backend: &dyn Backend,
        keys: &Keys,
        history: &History,
        missing: &mut Missing,
    ) -> Result<(), RepoError> {
        let known: HashSet<ObjectId> = self.packs()?.into_iter().map(|pack| pack.id).collect();
        let mut found = Vec::new();
        for listed in backend.list(name::PACKS)? {
            let Some(id) = name::object_id(listed.name.as_ref()) else { continue };
            if known.contains(&id) || history.swept().contains(&id) {
                continue;
            }
            match read_pack_directory(backend, keys, &id) {
                Ok(pack) => found.push(pack),
                Err(RepoError::Damaged { .. }) => missing.packs.push(listed.name.to_string()),
                Err(error) => return Err(error),
            }
        }
        // Stands for the lost objects until `repair index` writes a real one.
        let dead = self.state().dead;
        self.cache.insert(keys, &ObjectId::NONE, &found, &dead)
    }
}

/// Index objects that count: those that records name and those that a listing shows besides.
fn wanted(backend: &dyn Backend, history: &History) -> Result<BTreeSet<ObjectId>, RepoError> {
    let mut wanted: BTreeSet<ObjectId> = history.index_objects().collect();
    for listed in backend.list(name::INDEX)? {
        if let Some(id) = name::object_id(listed.name.as_ref())
            && !history.is_replaced(&id)
        {
            wanted.insert(id);
        }
    }
    Ok(wanted)
}

/// Reads what an index object lists.
///
/// # Errors
/// [`RepoError::Damaged`] if it is missing or cannot be used; other storage failures as they are.
pub fn read_index_object(
    backend: &dyn Backend,
    keys: &Keys,
    id: &ObjectId,
) -> Result<Vec<PackEntry>, RepoError> {
    let text = name::index(id);
    let object = fetch(backend, text.clone())?
        .bytes()
        .map_err(|reason| RepoError::damaged(text.clone(), reason))?;
    let body =
        open_index(keys, &object).map_err(|error| RepoError::damaged(text.clone(), error))?;
    index_object::decode(&body).map_err(|error| RepoError::damaged(text, error))
}

/// Reads the directory at the end of a pack.
///
/// # Errors
/// [`RepoError::Damaged`] names the pack; storage failures as they are.
pub fn read_pack_directory(
    backend: &dyn Backend,
    keys: &Keys,
    id: &ObjectId,
) -> Result<PackEntry, RepoError> {
    let text = name::pack(id);
    let object = object_name(text.clone())?;
    let damaged = |error: FormatError| RepoError::damaged(text.clone(), error);
    let gone = |error| match lost(error) {
        Ok(reason) => RepoError::damaged(text.clone(), reason),
        Err(error) => error,
    };
    let read = |at, length| backend.get_range(&object, at, length).map_err(gone);
    let bytes = backend.size(&object).map_err(gone)?;
    let mut start = read(0, HEADER_READ_BYTES.min(bytes as usize))?;
    let mut decoded = PackHeader::decode(&start);
    if let Err(FormatError::Truncated { .. }) = decoded {
        // A header of very many sessions.
        start = read(0, HEADER_BYTES_MAX.min(bytes as usize))?;
        decoded = PackHeader::decode(&start);
    }
    let (header, header_bytes) = decoded.map_err(damaged)?;
    let trailer_at = bytes
        .checked_sub(TRAILER_BYTES as u64)
        .ok_or_else(|| damaged(FormatError::Truncated { what: "pack" }))?;
    let trailer = read(trailer_at, TRAILER_BYTES)?;
    let directory_bytes = decode_trailer(&trailer).map_err(damaged)?;
    let directory_at = trailer_at
        .checked_sub(u64::from(directory_bytes))
        .filter(|at| *at >= header_bytes as u64)
        .ok_or_else(|| damaged(FormatError::Truncated { what: "pack" }))?;
    let sealed = read(directory_at, directory_bytes as usize)?;
    let plain = open_directory(keys, &start[..header_bytes], &sealed)
        .map_err(|error| RepoError::damaged(text.clone(), error))?;
    let frames = directory::decode(&plain, header.sessions.len()).map_err(damaged)?;
    Ok(PackEntry { id: *id, bytes, header, frames })
}
