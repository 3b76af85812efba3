//! The index: which frame holds a blob, and where that frame is.
//!
//! Its truth is the repository: index objects, and behind them the packs' own directories. What is
//! kept locally is a cache that is brought up to date each time a repository is opened, and that
//! can be deleted at any time.

mod cache;
mod load;
mod presence;
mod row;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use holdfast_format::frame::FrameContext;
use holdfast_format::index::PackEntry;
use holdfast_format::name::Chain;
use holdfast_format::{BlobId, ObjectId};
use holdfast_seal::Keys;

pub use load::{Missing, read_index_object, read_pack_directory};
pub use presence::Presence;
pub use row::PackRow;

use crate::RepoError;
use cache::{Cache, View};
use row::{BlobRow, FrameRow};

/// Where a blob's bytes are.
#[derive(Debug, Clone, Copy)]
pub struct Location {
    /// The frame that holds it.
    pub frame: FrameLocation,
    /// First byte of the blob in the frame's plaintext.
    pub offset: u32,
    /// Plaintext bytes of the blob.
    pub bytes: u32,
    /// Number of the blob among all blobs that the cache ever saw: a place in a bitmap.
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

/// A frame of a pack and its place among the numbered blobs.
#[derive(Debug, Clone, Copy)]
pub struct PackFrame {
    /// The frame.
    pub frame: FrameLocation,
    /// [`Location::number`] of its first blob; the others follow.
    pub first_blob: u64,
}

/// The index of one repository.
#[derive(Debug)]
pub struct Index {
    cache: Cache,
    state: RwLock<State>,
}

#[derive(Debug, Clone)]
struct State {
    view: Arc<View>,
    /// Packs of the cache that are gone.
    dead: Arc<HashSet<u32>>,
    /// Packs that a prune means to delete: nothing new may rely on them.
    hidden: Arc<HashSet<u32>>,
}

impl Index {
    /// Opens the cache in `folder`, or one in memory, for the repository of these keys. A cache of
    /// another repository or version, or one that is broken, is made anew.
    ///
    /// # Errors
    /// [`RepoError::Cache`] if even a new one does not work.
    pub fn open(folder: Option<&Path>, keys: &Keys, bytes_max: usize) -> Result<Self, RepoError> {
        let cache = Cache::open(folder, &keys.repository_id(), bytes_max)?;
        let state =
            State { view: Arc::new(cache.view()?), dead: Arc::default(), hidden: Arc::default() };
        Ok(Self { cache, state: RwLock::new(state) })
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A reader of the index as it is now; cheap to make, meant for many look-ups.
    pub fn reader(&self) -> IndexReader {
        IndexReader { state: self.state() }
    }

    /// Where a blob is.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn locate(&self, id: &BlobId) -> Result<Option<Location>, RepoError> {
        self.reader().locate(id)
    }

    /// Adds packs that were just stored; `index` is the object that lists them.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn add(&self, keys: &Keys, index: &ObjectId, packs: &[PackEntry]) -> Result<(), RepoError> {
        let dead = self.state().dead;
        self.cache.insert(keys, index, packs, &dead)?;
        let view = Arc::new(self.cache.view()?);
        self.state.write().unwrap_or_else(PoisonError::into_inner).view = view;
        Ok(())
    }

    /// All packs that are there, in no order.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn packs(&self) -> Result<Vec<PackRow>, RepoError> {
        let dead = self.state().dead;
        let packs = self.cache.packs()?;
        Ok(packs.into_iter().filter(|pack| !dead.contains(&pack.number)).collect())
    }

    /// Every blob of every pack that is there, copies included.
    ///
    /// # Errors
    /// [`RepoError::Cache`], or whatever `each` returns.
    pub fn for_each_blob(
        &self,
        mut each: impl FnMut(BlobId, Location) -> Result<(), RepoError>,
    ) -> Result<(), RepoError> {
        let reader = self.reader();
        reader.state.view.for_each(|id, row| match reader.resolve(&row)? {
            Some(location) => each(id, location),
            None => Ok(()),
        })
    }

    /// The index objects that count, with the packs that each lists.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn index_objects(&self) -> Result<Vec<(ObjectId, Vec<ObjectId>)>, RepoError> {
        let reader = self.reader();
        let named = |packs: Vec<u32>| -> Result<Vec<ObjectId>, RepoError> {
            packs.into_iter().map(|pack| Ok(reader.state.view.pack(pack)?.id)).collect()
        };
        let objects = self.cache.index_objects()?.into_iter();
        objects.map(|(id, packs)| Ok((id, named(packs)?))).collect()
    }

    /// A note that was left with the cache, and that is lost with it. Nothing that matters may
    /// depend on it.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn note(&self, name: &str) -> Result<Option<Vec<u8>>, RepoError> {
        self.cache.note(name)
    }

    /// Leaves a note with the cache.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn set_note(&self, name: &str, note: &[u8]) -> Result<(), RepoError> {
        self.cache.set_note(name, note)
    }

    /// Passes the sealed records of a chain that are kept with the cache to `each`, in order, until
    /// it returns false.
    pub(crate) fn kept_records(
        &self,
        chain: &Chain,
        each: impl FnMut(u64, &[u8]) -> bool,
    ) -> Result<(), RepoError> {
        self.cache.records(chain, each)
    }

    /// Keeps sealed records of a chain with the cache.
    pub(crate) fn keep_records(
        &self,
        chain: &Chain,
        records: &[(u64, Bytes)],
    ) -> Result<(), RepoError> {
        if records.is_empty() { Ok(()) } else { self.cache.keep_records(chain, records) }
    }

    /// Blobs that were ever stored in more than one place.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn copied_blobs(&self) -> Result<Vec<BlobId>, RepoError> {
        self.state().view.copied_blobs()
    }

    /// Answers for very many blobs whether a new snapshot may rely on them.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn presence(&self) -> Result<Presence, RepoError> {
        Ok(Presence::new(self.reader(), self.numbered_blobs()?))
    }

    /// How many blobs the cache ever numbered: the size of a bitmap over [`Location::number`].
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn numbered_blobs(&self) -> Result<u64, RepoError> {
        self.cache.numbered_blobs()
    }
}

/// A fixed state of the index.
#[derive(Debug, Clone)]
pub struct IndexReader {
    state: State,
}

impl IndexReader {
    /// True if the blob is in a pack that a new snapshot may rely on.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn contains(&self, id: &BlobId) -> Result<bool, RepoError> {
        let Some(row) = self.state.view.blob(id)? else { return Ok(false) };
        if self.state.dead.is_empty() && self.state.hidden.is_empty() {
            return Ok(true);
        }
        if self.is_visible(&row)? {
            return Ok(true);
        }
        for copy in self.state.view.copies(id)? {
            if self.is_visible(&copy)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The beginnings of all blobs for which [`IndexReader::contains`] is true, in no order.
    fn visible_blobs(&self) -> Result<Vec<u64>, RepoError> {
        let is_whole = self.state.dead.is_empty() && self.state.hidden.is_empty();
        // Frames hold many blobs: each is looked up once.
        let mut frames: Vec<Option<bool>> = Vec::new();
        let mut blobs = Vec::new();
        self.state.view.for_each(|id, row| {
            let place = row.frame as usize;
            if !is_whole && place >= frames.len() {
                frames.resize(place + 1, None);
            }
            let is_visible = match frames.get(place) {
                _ if is_whole => true,
                Some(Some(known)) => *known,
                _ => *frames[place].insert(self.is_visible(&row)?),
            };
            if is_visible {
                blobs.push(presence::beginning(&id));
            }
            Ok(())
        })?;
        Ok(blobs)
    }

    /// True if a pack that new snapshots could rely on in the `earlier` state is condemned or gone
    /// in this one.
    pub fn has_lost_packs_since(&self, earlier: &Self) -> bool {
        let (now, then) = (&self.state, &earlier.state);
        now.dead
            .iter()
            .chain(now.hidden.iter())
            .any(|pack| !then.dead.contains(pack) && !then.hidden.contains(pack))
    }

    fn is_visible(&self, row: &BlobRow) -> Result<bool, RepoError> {
        let frame = self.frame_row(row.frame)?;
        Ok(!self.state.dead.contains(&frame.pack) && !self.state.hidden.contains(&frame.pack))
    }

    /// Where a blob is; among copies, the first that is there.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn locate(&self, id: &BlobId) -> Result<Option<Location>, RepoError> {
        Ok(self.locations(id)?.into_iter().next())
    }

    /// All places where a blob is.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn locations(&self, id: &BlobId) -> Result<Vec<Location>, RepoError> {
        let Some(row) = self.state.view.blob(id)? else { return Ok(Vec::new()) };
        let mut found = Vec::with_capacity(1);
        found.extend(self.resolve(&row)?);
        for copy in self.state.view.copies(id)? {
            found.extend(self.resolve(&copy)?);
        }
        Ok(found)
    }

    /// The frames of a pack, in order.
    ///
    /// # Errors
    /// [`RepoError::Cache`].
    pub fn frames_of(&self, pack: &PackRow) -> Result<Vec<PackFrame>, RepoError> {
        (pack.first_frame..pack.first_frame + pack.frames)
            .map(|number| {
                let row = self.frame_row(number)?;
                let (frame, first_blob) = (row.location(number, pack.id), row.first_blob);
                Ok(PackFrame { frame, first_blob })
            })
            .collect()
    }

    fn resolve(&self, row: &BlobRow) -> Result<Option<Location>, RepoError> {
        let frame = self.frame_row(row.frame)?;
        if self.state.dead.contains(&frame.pack) {
            return Ok(None);
        }
        let pack = self.state.view.pack(frame.pack)?;
        Ok(Some(Location {
            frame: frame.location(row.frame, pack.id),
            offset: row.offset,
            bytes: row.bytes,
            number: frame.first_blob + u64::from(row.place),
        }))
    }

    fn frame_row(&self, number: u32) -> Result<FrameRow, RepoError> {
        self.state.view.frame(number)
    }
}
