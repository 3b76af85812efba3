//! Rebuilding the cache from the objects that it describes.
//!
//! This happens when its file turns out to be broken or cannot be written, when a requested blob is
//! not in it, and before anything is deleted. Other threads may hold the numbers of its packs,
//! frames and blobs at the time; the new cache gives the same packs the same numbers.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use holdfast_format::ObjectId;

use super::cache::{Cache, CacheView, Numbering};
use super::guard::guarded;
use super::{
    Index, IndexReader, IndexState, Inner, Missing, read_index_object, read_pack_directory,
};
use crate::RepoError;
use crate::history::History;

/// Numbering of the packs of the new cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// Keeps the old numbers, which readers hold.
    Kept,
    /// New numbers, after all that were ever given: here, too, the old cache is not trusted.
    New,
}

impl Index {
    /// Rebuilds the index from the objects, unless that happened since it was opened. For callers
    /// that delete: a cache must not be the reason. No one may hold numbers of the old one.
    ///
    /// # Errors
    /// Storage and cache failures.
    pub(crate) fn rebuild(&self, history: &mut History) -> Result<Missing, RepoError> {
        if !self.0.is_rebuilt.load(Ordering::Acquire) {
            self.0.rebuild_cache(&self.0.state().cache, Numbers::New)?;
        }
        self.sync(history)
    }
}

impl IndexReader {
    /// Looks into the cache, or into a new one if it turns out to be broken.
    pub(super) fn look<T>(
        &self,
        look: impl Fn(&IndexState, &CacheView) -> Result<T, RepoError>,
    ) -> Result<T, RepoError> {
        let state = self.index.state();
        match guarded(|| look(&state, &state.view)) {
            Err(RepoError::Cache(_)) => {
                self.index.rebuild_cache(&state.cache, Numbers::Kept)?;
                let state = self.index.state();
                look(&state, &state.view)
            }
            outcome => outcome,
        }
    }

    /// The index as the objects say, if the cache was not rebuilt from them yet: before anything is
    /// reported missing.
    pub(super) fn second_look(&self) -> Result<Option<Arc<IndexState>>, RepoError> {
        if self.index.is_rebuilt.load(Ordering::Acquire) {
            return Ok(None);
        }
        self.index.rebuild_cache(&self.index.state().cache, Numbers::Kept)?;
        Ok(Some(self.index.state()))
    }
}

impl Inner {
    pub(super) fn state(&self) -> Arc<IndexState> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state.
    pub(super) fn update(&self, change: impl FnOnce(&mut IndexState)) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut state));
    }

    /// Works with the cache, or from the start with a new one if it fails. The work must not call
    /// this again.
    pub(super) fn with_cache<T>(
        &self,
        mut work: impl FnMut(&Cache) -> Result<T, RepoError>,
    ) -> Result<T, RepoError> {
        // The new file may fail too, as on a full disk; memory does not.
        let mut attempt = || {
            let _guard = self.making.read().unwrap_or_else(PoisonError::into_inner);
            let cache = Arc::clone(&self.state().cache);
            (guarded(|| work(&cache)), cache)
        };
        for _ in 0..2 {
            match attempt() {
                (Err(RepoError::Cache(_)), cache) => self.rebuild_cache(&cache, Numbers::Kept)?,
                (outcome, _) => return outcome,
            }
        }
        attempt().0
    }

    /// Replaces a cache that failed with a new one, unless another thread already did.
    fn rebuild_cache(&self, failed: &Arc<Cache>, numbers: Numbers) -> Result<(), RepoError> {
        let _guard = self.making.write().unwrap_or_else(PoisonError::into_inner);
        let state = self.state();
        if !Arc::ptr_eq(&state.cache, failed) {
            return Ok(());
        }
        let numbering = match numbers {
            Numbers::Kept => Numbering::of(&state.packs),
            Numbers::New => Numbering::after(&state.packs),
        };
        // A file that was rebuilt and failed again will not work the third time.
        if self.is_rebuilt.load(Ordering::Acquire) {
            self.store.give_up("it failed twice");
        }
        let filled =
            self.store.replace(failed).and_then(|cache| self.fill(cache, &state, &numbering));
        let new = match filled {
            Err(RepoError::Cache(reason)) => {
                self.store.give_up(&reason);
                self.fill(self.store.open(true)?, &state, &numbering)?
            }
            filled => filled?,
        };
        self.is_rebuilt.store(true, Ordering::Release);
        if numbers == Numbers::New {
            // An intact cache keeps what does not depend on its rows.
            let _lost = guarded(|| new.cache.take_from(failed));
        }
        // What failed once may fail again when it is closed.
        std::mem::forget(Arc::clone(failed));
        self.update(|state| *state = new);
        Ok(())
    }

    /// Adds to an empty cache what the index objects of the old state list.
    fn fill(
        &self,
        cache: Cache,
        old: &IndexState,
        numbering: &Numbering,
    ) -> Result<IndexState, RepoError> {
        cache.reserve(numbering)?;
        for (id, packs) in old.objects.iter() {
            let listed = match read_index_object(&*self.backend, &self.keys, id) {
                Ok(listed) => listed,
                Err(RepoError::Damaged { .. }) => self.read_directories(old, packs)?,
                Err(error) => return Err(error),
            };
            cache.insert(&self.keys, id, &listed, &old.dead, numbering)?;
        }
        let (view, packs, objects) = (cache.view()?, cache.packs()?, cache.index_objects()?);
        let (dead, hidden) = (Arc::clone(&old.dead), Arc::clone(&old.hidden));
        let (packs, objects) = (Arc::new(packs), Arc::new(objects));
        let (cache, view, swept) = (Arc::new(cache), Arc::new(view), old.swept);
        Ok(IndexState { cache, view, packs, objects, dead, hidden, swept })
    }

    /// The directories of packs whose index object is lost. A pack whose directory is unreadable is
    /// lost too.
    fn read_directories(
        &self,
        old: &IndexState,
        packs: &[u32],
    ) -> Result<Vec<holdfast_format::index::PackEntry>, RepoError> {
        let ids: Vec<ObjectId> =
            packs.iter().filter_map(|pack| Some(old.pack(*pack)?.id)).collect();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            match read_pack_directory(&*self.backend, &self.keys, &id) {
                Ok(pack) => found.push(pack),
                Err(
                    RepoError::Damaged { .. }
                    | RepoError::Backend(holdfast_backend::BackendError::NotFound { .. }),
                ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}
