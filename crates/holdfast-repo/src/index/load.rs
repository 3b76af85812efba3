//! Bringing the cache up to date: from index objects, and where one is lost, from the directories
//! of the packs themselves.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use holdfast_backend::Backend;
use holdfast_format::index::{self as index_object, PackEntry};
use holdfast_format::limits::INDEX_BYTES_MAX;
use holdfast_format::pack::{PackHeader, TRAILER_BYTES, decode_trailer};
use holdfast_format::{FormatError, ObjectId, directory, name};
use holdfast_seal::{Keys, open_directory, open_index};

use super::cache::{Cache, Numbering};
use super::{Index, IndexState, Inner, PackRow};
use crate::RepoError;
use crate::history::History;
use crate::names::object_name;
use crate::object::{fetch, lost};

/// Rows scanned each time a repository is opened, to find those of deleted packs.
const CLEANED_ROWS_MAX: usize = 100_000;
/// Bytes read from the start of a pack to find its header.
const HEADER_READ_BYTES: usize = 4096;
/// Size of a header with the maximum number of sessions.
const HEADER_BYTES_MAX: usize = 256 << 10;

/// What was missing when the index was brought up to date.
#[derive(Debug, Default)]
pub struct Missing {
    /// Index objects that are lost or damaged; the packs' own directories replaced them.
    pub index_objects: Vec<String>,
    /// Packs that could not be read when they had to replace index objects.
    pub packs: Vec<String>,
}

impl Index {
    /// Makes the cache agree with the repository. Index objects that a prune replaced since
    /// `history` was read are looked up in what it wrote instead; the history is brought up to date
    /// for that.
    ///
    /// # Errors
    /// Storage and cache failures. Lost or damaged index objects are not errors: they are in
    /// [`Missing`].
    pub fn sync(&self, history: &mut History) -> Result<Missing, RepoError> {
        let (backend, keys) = (&*self.0.backend, &*self.0.keys);
        // Once is enough: what prunes write later is named by their records.
        let listed = listed_index_objects(backend)?;
        loop {
            let generation = history.next_generation();
            let wanted = history.index_objects_with(&listed);
            let mut missing = self.0.with_cache(|cache| self.0.sync(cache, history, &wanted))?;
            if missing.index_objects.is_empty() {
                return Ok(missing);
            }
            history.refresh(backend, keys)?;
            if history.next_generation() != generation {
                continue;
            }
            missing.packs = self.0.with_cache(|cache| {
                let lost = self.0.read_unlisted_packs(cache, history)?;
                self.0.take_over(cache, history)?;
                Ok(lost)
            })?;
            if !missing.packs.is_empty() {
                history.refresh(backend, keys)?;
            }
            if history.next_generation() == generation {
                return Ok(missing);
            }
        }
    }

    /// Removes some rows of packs that were swept, if there are any. Only for opening a repository:
    /// whatever else uses the index relies on the packs that were gone when it started.
    ///
    /// # Errors
    /// Cache failures.
    pub(crate) fn clean(&self, history: &History) -> Result<(), RepoError> {
        self.0.with_cache(|cache| {
            let state = self.state();
            let listed: HashSet<u32> =
                state.objects.iter().flat_map(|(_, packs)| packs).copied().collect();
            let is_gone = |pack: &&PackRow| {
                history.swept().contains(&pack.id) && !listed.contains(&pack.number)
            };
            let gone: Vec<PackRow> = state.packs.iter().filter(is_gone).copied().collect();
            match cache.clean(&gone, CLEANED_ROWS_MAX)? {
                true => self.0.take_over(cache, history),
                false => Ok(()),
            }
        })
    }

    /// Loads the current contents of the cache, and which packs are gone or condemned.
    ///
    /// # Errors
    /// Cache failures.
    pub fn refresh_state(&self, history: &History) -> Result<(), RepoError> {
        self.0.with_cache(|cache| self.0.take_over(cache, history))
    }
}

impl Inner {
    fn sync(
        &self,
        cache: &Cache,
        history: &History,
        wanted: &BTreeSet<ObjectId>,
    ) -> Result<Missing, RepoError> {
        let (backend, keys) = (&*self.backend, &*self.keys);
        let cached = cache.index_objects()?;
        let gone: Vec<ObjectId> =
            cached.iter().map(|(id, _)| *id).filter(|id| !wanted.contains(id)).collect();
        if !gone.is_empty() {
            cache.remove_index_objects(&gone)?;
        }
        let known: HashSet<ObjectId> = cached.into_iter().map(|(id, _)| id).collect();
        // A copy in a pack that a sweep deleted is never a blob's main one.
        let packs = cache.packs()?.into_iter();
        let swept: HashSet<u32> =
            packs.filter(|p| history.swept().contains(&p.id)).map(|p| p.number).collect();
        let mut missing = Missing::default();
        for id in wanted.iter().filter(|id| !known.contains(id)) {
            match read_index_object(backend, keys, id) {
                Ok(packs) => {
                    cache.insert(keys, id, &packs, &swept, &Numbering::default())?;
                }
                Err(RepoError::Damaged { .. }) => missing.index_objects.push(name::index(id)),
                Err(error) => return Err(error),
            }
        }
        self.take_over(cache, history)?;
        Ok(missing)
    }

    fn take_over(&self, cache: &Cache, history: &History) -> Result<(), RepoError> {
        let (packs, objects) = (cache.packs()?, cache.index_objects()?);
        let listed: HashSet<u32> = objects.iter().flat_map(|(_, packs)| packs).copied().collect();
        Numbering::of(&packs).check(cache)?;
        let is_there = |number| packs.binary_search_by_key(number, |pack| pack.number).is_ok();
        if !listed.iter().all(is_there) {
            return Err(RepoError::Cache("a pack is missing".to_owned()));
        }
        let condemned: HashSet<ObjectId> = history
            .condemn()
            .map(|condemn| condemn.packs.iter().copied().collect())
            .unwrap_or_default();
        let (mut dead, mut hidden) = (HashSet::new(), HashSet::new());
        for pack in &packs {
            if !listed.contains(&pack.number) || history.swept().contains(&pack.id) {
                dead.insert(pack.number);
            } else if condemned.contains(&pack.id) {
                hidden.insert(pack.number);
            }
        }
        let view = Arc::new(cache.view()?);
        self.update(|state| {
            (state.view, state.packs, state.objects) = (view, Arc::new(packs), Arc::new(objects));
            (state.dead, state.hidden) = (Arc::new(dead), Arc::new(hidden));
            state.swept = history.swept().len();
        });
        Ok(())
    }

    /// Reads the directories of all packs that no readable index object lists; returns the names of
    /// packs without a readable one.
    fn read_unlisted_packs(
        &self,
        cache: &Cache,
        history: &History,
    ) -> Result<Vec<String>, RepoError> {
        let state = self.state();
        let IndexState { packs, dead, .. } = &*state;
        let known: HashSet<ObjectId> =
            packs.iter().filter(|pack| !dead.contains(&pack.number)).map(|pack| pack.id).collect();
        let (mut found, mut lost) = (Vec::new(), Vec::new());
        for listed in self.backend.list(name::PACKS)? {
            let Some(id) = name::object_id(listed.name.as_ref()) else { continue };
            if known.contains(&id) || history.swept().contains(&id) {
                continue;
            }
            match read_pack_directory(&*self.backend, &self.keys, &id) {
                Ok(pack) => found.push(pack),
                Err(RepoError::Damaged { .. }) => lost.push(listed.name.to_string()),
                Err(error) => return Err(error),
            }
        }
        // Stands in for the lost objects until `repair index` writes a real one.
        cache.insert(&self.keys, &ObjectId::NONE, &found, dead, &Numbering::default())?;
        Ok(lost)
    }
}

/// Index objects that a listing shows.
fn listed_index_objects(backend: &dyn Backend) -> Result<BTreeSet<ObjectId>, RepoError> {
    let listed = backend.list(name::INDEX)?.into_iter();
    Ok(listed.filter_map(|listed| name::object_id(listed.name.as_ref())).collect())
}

/// Reads the contents of an index object.
///
/// # Errors
/// [`RepoError::Damaged`] if it is missing or cannot be used; other storage failures unchanged.
pub(crate) fn read_index_object(
    backend: &dyn Backend,
    keys: &Keys,
    id: &ObjectId,
) -> Result<Vec<PackEntry>, RepoError> {
    let text = name::index(id);
    let object = fetch(backend, text.clone(), INDEX_BYTES_MAX)?
        .bytes()
        .map_err(|reason| RepoError::damaged(text.clone(), reason))?;
    if ObjectId::of(&object) != *id {
        return Err(RepoError::damaged(text, "its bytes do not match its name"));
    }
    let body =
        open_index(keys, &object).map_err(|error| RepoError::damaged(text.clone(), error))?;
    index_object::decode(&body).map_err(|error| RepoError::damaged(text, error))
}

/// Reads the directory at the end of a pack.
///
/// # Errors
/// [`RepoError::Damaged`] names the pack; storage failures unchanged.
pub(crate) fn read_pack_directory(
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
        // A header with a great many sessions.
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
