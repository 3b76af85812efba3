//! The index: which frame holds a blob, and where that frame is.
//!
//! Its source of truth is the repository: index objects, and the packs' own directories as a
//! fallback. What is kept locally is a cache that is brought up to date each time a repository is
//! opened, and that can be deleted at any time. It is trusted for speed only: when it fails, or
//! lacks a requested blob, it is rebuilt from the objects ([`rebuild`]), and the command continues
//! with that.

mod baseline;
mod cache;
mod guard;
mod load;
mod presence;
mod rebuild;
mod row;
mod store;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};

use bytes::Bytes;
use holdfast_backend::Backend;
use holdfast_format::frame::FrameContext;
use holdfast_format::index::PackEntry;
use holdfast_format::name::Chain;
use holdfast_format::{BlobId, ObjectId};
use holdfast_seal::Keys;

pub use baseline::Baseline;
pub use guard::is_guarded;
pub use load::Missing;
pub(crate) use load::{read_index_object, read_pack_directory};
pub use presence::Presence;
pub use row::PackRow;
pub use store::{IndexOptions, Notice};

use crate::RepoError;
use cache::{Cache, CacheView, Inserted, Numbering};
use guard::guarded;
use row::BlobRow;
use store::CacheStore;

/// Where a blob's bytes are.
#[derive(Debug, Clone, Copy)]
pub struct BlobLocation {
    /// The frame that holds it.
    pub frame: FrameLocation,
    /// First byte of the blob in the frame's plaintext.
    pub offset: u32,
    /// Plaintext bytes of the blob.
    pub bytes: u32,
    /// Number of the blob among all blobs that the cache ever saw: its position in a bitmap.
    pub number: u64,
}

/// Where a frame is.
#[derive(Debug, Clone, Copy)]
pub struct FrameLocation {
    /// Number of the frame in this cache.
    pub number: u32,
    /// The pack.
    pub pack: ObjectId,
    /// First byte of the sealed frame in the pack.
    pub offset: u64,
    /// Bytes of the sealed frame.
    pub sealed_bytes: u32,
    /// What its seal is bound to.
    pub context: FrameContext,
}

/// A frame of a pack and its position among the numbered blobs.
#[derive(Debug, Clone, Copy)]
pub struct PackFrame {
    /// The frame.
    pub frame: FrameLocation,
    /// [`BlobLocation::number`] of its first blob; the others follow consecutively.
    pub first_blob: u64,
}

/// The index of one repository.
#[derive(Debug)]
pub struct Index(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: Arc<dyn Backend>,
    keys: Arc<Keys>,
    store: CacheStore,
    state: RwLock<Arc<IndexState>>,
    /// True once this process has read everything in the cache from the objects.
    is_rebuilt: AtomicBool,
    /// Held shared while the cache is in use, and exclusively while it is rebuilt.
    making: RwLock<()>,
}

#[derive(Debug, Clone)]
struct IndexState {
    cache: Arc<Cache>,
    view: Arc<CacheView>,
    /// All packs of the cache, by number.
    packs: Arc<Vec<PackRow>>,
    /// The index objects that count, with the numbers of their packs.
    objects: Arc<Vec<(ObjectId, Vec<u32>)>>,
    /// Packs of the cache that are deleted.
    dead: Arc<HashSet<u32>>,
    /// Packs that a prune intends to delete: nothing new may rely on them.
    hidden: Arc<HashSet<u32>>,
    /// Number of packs that prunes have deleted so far.
    swept: usize,
}

impl Index {
    /// Opens the cache of the repository with these keys. A cache of another repository or version,
    /// or a broken one, is rebuilt; if none works, the index is kept in memory.
    ///
    /// # Errors
    /// [`RepoError::Cache`] if not even memory works.
    pub fn open(
        backend: Arc<dyn Backend>,
        keys: Arc<Keys>,
        options: &IndexOptions,
    ) -> Result<Self, RepoError> {
        let store = CacheStore::new(options, &keys);
        let opened = store.open(options.is_rebuilt)?;
        let (cache, view) = match guarded(|| opened.view()) {
            Ok(view) => (opened, view),
            Err(_) => {
                let cache = store.replace(&opened)?;
                let view = cache.view()?;
                (cache, view)
            }
        };
        let is_rebuilt = AtomicBool::new(options.is_rebuilt || cache.path().is_none());
        let state = RwLock::new(Arc::new(IndexState::new(cache, view)));
        let making = RwLock::default();
        let inner = Inner { backend, keys, store, state, is_rebuilt, making };
        Ok(Self(Arc::new(inner)))
    }

    fn state(&self) -> Arc<IndexState> {
        self.0.state()
    }

    /// A reader of the current index; cheap to make, meant for many lookups.
    pub fn reader(&self) -> IndexReader {
        IndexReader { index: Arc::clone(&self.0), unusable: Arc::default() }
    }

    /// Where a blob is.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn locate(&self, id: &BlobId) -> Result<Option<BlobLocation>, RepoError> {
        self.reader().locate(id)
    }

    /// Adds packs that were just stored; `index` is the object that lists them.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn add(&self, keys: &Keys, index: &ObjectId, packs: &[PackEntry]) -> Result<(), RepoError> {
        self.0.with_cache(|cache| {
            let dead = Arc::clone(&self.state().dead);
            let inserted = cache.insert(keys, index, packs, &dead, &Numbering::default())?;
            let view = Arc::new(cache.view()?);
            self.0.update(|state| state.add(view, *index, inserted));
            Ok(())
        })
    }

    /// All existing packs, in no order.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn packs(&self) -> Result<Vec<PackRow>, RepoError> {
        let state = self.state();
        let is_there = |pack: &&PackRow| !state.dead.contains(&pack.number);
        Ok(state.packs.iter().filter(is_there).copied().collect())
    }

    /// Every blob of every existing pack, copies included.
    ///
    /// # Errors
    /// [`RepoError::Cache`], or whatever `each` returns.
    pub fn for_each_blob(
        &self,
        mut each: impl FnMut(BlobId, BlobLocation) -> Result<(), RepoError>,
    ) -> Result<(), RepoError> {
        let reader = self.reader();
        // All rows are read once beforehand, so that a file that turns out to be broken half-way is
        // replaced before anything is passed on.
        reader.look(|_, view| view.for_each(|_, _| Ok(())))?;
        let state = self.state();
        state.view.for_each(|id, row| match state.resolve(&state.view, &row)? {
            Some(location) => each(id, location),
            None => Ok(()),
        })
    }

    /// The index objects that count, with the packs that each lists.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn index_objects(&self) -> Result<Vec<(ObjectId, Vec<ObjectId>)>, RepoError> {
        let state = self.state();
        let named = |packs: &Vec<u32>| -> Result<Vec<ObjectId>, RepoError> {
            packs.iter().map(|pack| state.known_pack(*pack).map(|row| row.id)).collect()
        };
        state.objects.iter().map(|(id, packs)| Ok((*id, named(packs)?))).collect()
    }

    /// A note kept in the cache, and lost with it. Nothing important may depend on it.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn note(&self, name: &str) -> Result<Option<Vec<u8>>, RepoError> {
        self.0.with_cache(|cache| cache.note(name))
    }

    /// Stores a note in the cache.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn set_note(&self, name: &str, note: &[u8]) -> Result<(), RepoError> {
        self.0.with_cache(|cache| cache.set_note(name, note))
    }

    /// The next sealed records of a chain kept in the cache, in order, from a slot on.
    pub(crate) fn kept_records(
        &self,
        chain: &Chain,
        from: u64,
    ) -> Result<Vec<(u64, Vec<u8>)>, RepoError> {
        self.0.with_cache(|cache| cache.records(chain, from))
    }

    /// Stores sealed records of a chain in the cache.
    pub(crate) fn keep_records(
        &self,
        chain: &Chain,
        records: &[(u64, Bytes)],
    ) -> Result<(), RepoError> {
        match records.is_empty() {
            true => Ok(()),
            false => self.0.with_cache(|cache| cache.keep_records(chain, records)),
        }
    }

    /// Blobs that were ever stored in more than one place.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn copied_blobs(&self) -> Result<Vec<BlobId>, RepoError> {
        self.reader().look(|_, view| view.copied_blobs())
    }

    /// Answers for a great many blobs whether a new snapshot may rely on them, if its run started
    /// with this state of the index.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn presence(&self, begun_with: &Baseline) -> Result<Presence, RepoError> {
        let reader = self.reader().for_run_since(begun_with);
        Ok(Presence::new(reader, self.numbered_blobs()?))
    }

    /// Number of blobs that the cache ever numbered: the size of a bitmap over
    /// [`BlobLocation::number`].
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn numbered_blobs(&self) -> Result<u64, RepoError> {
        self.0.with_cache(Cache::numbered_blobs)
    }

    /// Number of rows of packs, of frames and of blobs in the cache.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn row_counts(&self) -> Result<[u64; 3], RepoError> {
        self.0.with_cache(Cache::row_counts)
    }
}

impl IndexState {
    /// Nothing is known yet about the contents of the cache.
    fn new(cache: Cache, view: CacheView) -> Self {
        let (cache, view) = (Arc::new(cache), Arc::new(view));
        let (packs, objects) = (Arc::default(), Arc::default());
        let (dead, hidden) = (Arc::default(), Arc::default());
        Self { cache, view, packs, objects, dead, hidden, swept: 0 }
    }

    /// Records what an index object added to the cache.
    fn add(&mut self, view: Arc<CacheView>, index: ObjectId, inserted: Inserted) {
        self.view = view;
        let packs = Arc::make_mut(&mut self.packs);
        packs.extend(inserted.packs);
        packs.sort_unstable_by_key(|pack| pack.number);
        Arc::make_mut(&mut self.objects).push((index, inserted.listed));
    }

    /// The pack with this number.
    fn pack(&self, number: u32) -> Option<&PackRow> {
        let place = self.packs.binary_search_by_key(&number, |pack| pack.number).ok()?;
        self.packs.get(place)
    }

    /// The pack with a number taken from a row.
    fn known_pack(&self, number: u32) -> Result<&PackRow, RepoError> {
        self.pack(number).ok_or_else(|| RepoError::Cache("a pack is missing".to_owned()))
    }
}

/// Looks things up in the current index. Between lookups it holds no state of the cache's file,
/// because redb cannot reuse the pages of a state that is still held.
#[derive(Debug, Clone)]
pub struct IndexReader {
    index: Arc<Inner>,
    /// Packs that must not be relied on, even if they are rescued later.
    unusable: Arc<HashSet<ObjectId>>,
}

impl IndexReader {
    /// True if the blob is in a pack that a new snapshot may rely on.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn contains(&self, id: &BlobId) -> Result<bool, RepoError> {
        self.look(|state, view| {
            let Some(row) = view.blob(id)? else { return Ok(false) };
            if self.is_all_usable(state) || self.is_usable(state, view, &row)? {
                return Ok(true);
            }
            for copy in view.copies(id)? {
                if self.is_usable(state, view, &copy)? {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// The prefixes of all blobs for which [`IndexReader::contains`] is true, in no order.
    fn visible_blobs(&self) -> Result<Vec<u64>, RepoError> {
        self.look(|state, view| {
            let is_whole = self.is_all_usable(state);
            // Frames hold many blobs: each is looked up once.
            let mut frames: Vec<Option<bool>> = Vec::new();
            let mut blobs = Vec::new();
            view.for_each(|id, row| {
                let place = row.frame as usize;
                if !is_whole && place >= frames.len() {
                    frames.resize(place + 1, None);
                }
                let is_visible = match frames.get(place) {
                    _ if is_whole => true,
                    Some(Some(known)) => *known,
                    _ => *frames[place].insert(self.is_usable(state, view, &row)?),
                };
                if is_visible {
                    blobs.push(presence::beginning(&id));
                }
                Ok(())
            })?;
            Ok(blobs)
        })
    }

    fn is_all_usable(&self, state: &IndexState) -> bool {
        state.dead.is_empty() && state.hidden.is_empty() && self.unusable.is_empty()
    }

    /// True if a new snapshot may rely on the pack that holds this blob.
    fn is_usable(
        &self,
        state: &IndexState,
        view: &CacheView,
        row: &BlobRow,
    ) -> Result<bool, RepoError> {
        let pack = view.frame(row.frame)?.pack;
        if state.dead.contains(&pack) || state.hidden.contains(&pack) {
            return Ok(false);
        }
        Ok(self.unusable.is_empty() || !self.unusable.contains(&state.known_pack(pack)?.id))
    }

    /// Where a blob is; among copies, the first existing one.
    ///
    /// # Errors
    /// As [`IndexReader::locations`].
    pub fn locate(&self, id: &BlobId) -> Result<Option<BlobLocation>, RepoError> {
        Ok(self.locations(id)?.into_iter().next())
    }

    /// All locations of a blob, as the cache has them.
    pub(crate) fn known_locations(&self, id: &BlobId) -> Result<Vec<BlobLocation>, RepoError> {
        self.look(|state, view| state.locations(view, id))
    }

    /// All locations of a blob. Before one is reported missing, the index is rebuilt, once.
    ///
    /// # Errors
    /// [`RepoError::Cache`]; storage failures.
    pub fn locations(&self, id: &BlobId) -> Result<Vec<BlobLocation>, RepoError> {
        let found = self.known_locations(id)?;
        match found.is_empty() {
            true => match self.second_look()? {
                Some(state) => state.locations(&state.view, id),
                None => Ok(found),
            },
            false => Ok(found),
        }
    }

    /// The frames of a pack, in order.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn frames_of(&self, pack: &PackRow) -> Result<Vec<PackFrame>, RepoError> {
        self.look(|_, view| {
            let numbers = pack.first_frame..pack.first_frame + pack.frames;
            numbers
                .map(|number| {
                    let row = view.frame(number)?;
                    let (frame, first_blob) = (row.location(number, pack.id), row.first_blob);
                    Ok(PackFrame { frame, first_blob })
                })
                .collect()
        })
    }
}

impl IndexState {
    fn locations(&self, view: &CacheView, id: &BlobId) -> Result<Vec<BlobLocation>, RepoError> {
        let Some(row) = view.blob(id)? else { return Ok(Vec::new()) };
        let mut found = Vec::with_capacity(1);
        found.extend(self.resolve(view, &row)?);
        for copy in view.copies(id)? {
            found.extend(self.resolve(view, &copy)?);
        }
        Ok(found)
    }

    fn resolve(&self, view: &CacheView, row: &BlobRow) -> Result<Option<BlobLocation>, RepoError> {
        let frame = view.frame(row.frame)?;
        if self.dead.contains(&frame.pack) {
            return Ok(None);
        }
        let pack = self.known_pack(frame.pack)?;
        Ok(Some(BlobLocation {
            frame: frame.location(row.frame, pack.id),
            offset: row.offset,
            bytes: row.bytes,
            number: frame.first_blob + u64::from(row.place),
        }))
    }
}
