//! The way in for blobs: claim, frame, seal, pack, upload.
//!
//! [`BlobWriter::add`] claims a blob's id before anything expensive is done with its bytes. New
//! blobs are collected into frames ([`frame`]), sealed in parallel, put into packs in order
//! ([`pack`]), and uploaded by one thread ([`upload`]) that also writes the index objects
//! ([`index`]).

mod frame;
pub(crate) mod index;
mod pack;
mod upload;

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use holdfast_format::index::PackEntry;
use holdfast_format::{BlobId, BlobType, ObjectId, SessionId, WriterId};
use holdfast_seal::{FrameCompression, SealedFrame, Session};

use crate::index::IndexReader;
use crate::ordered::Ordered;
use crate::tree::NodeSink;
use crate::{RepoError, Repository};
use frame::{FrameClass, OpenFrame, Sealers};
pub use index::{BLOBS_PER_INDEX_OBJECT, IndexWriter};
use pack::OpenPack;
use upload::{Uploaded, Uploader};

/// Maximum number of frames in flight between the writer and the packs.
const FRAMES_UNDER_WAY: usize = 8;
/// Maximum plaintext bytes in flight there.
const BYTES_UNDER_WAY: usize = 8 << 20;

/// Compression of new frames by default (decision 0001).
pub const COMPRESSION_DEFAULT: FrameCompression = FrameCompression::Zstd { level: 2 };

/// How frames and packs are made: as the caller says, so there is no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteOptions {
    /// How compressible blobs are stored; others are not compressed.
    pub compression: FrameCompression,
    /// True to open each frame again before it is uploaded.
    pub verify: bool,
    /// Size at which a pack is closed; 0 for the repository's own setting.
    pub pack_bytes: u32,
    /// True to count what would be added, without adding anything.
    pub dry_run: bool,
}

impl WriteOptions {
    /// Verified frames in packs of the repository's own size.
    pub const fn new(compression: FrameCompression) -> Self {
        Self { compression, verify: true, pack_bytes: 0, dry_run: false }
    }
}

/// What a writer added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WriteStats {
    /// New blobs of file content.
    pub data_blobs: u64,
    /// New blobs of trees.
    pub tree_blobs: u64,
    /// Their plaintext bytes.
    pub raw_bytes: u64,
    /// Bytes of their sealed frames.
    pub sealed_bytes: u64,
}

/// Adds blobs to a repository. Nothing it adds is reachable before a record names it.
#[derive(Debug)]
pub struct BlobWriter<'a> {
    repository: &'a Repository,
    options: WriteOptions,
    session: Arc<Session>,
    index: IndexReader,
    /// Blobs of this run that the index does not list yet.
    pending: HashSet<BlobId>,
    /// The frame being filled of each class.
    open_frames: [OpenFrame; FrameClass::ALL.len()],
    sealers: Arc<Sealers>,
    sealing: Ordered<Result<SealedFrame, holdfast_seal::SealError>>,
    open_packs: [OpenPack; 2],
    uploader: Uploader,
    index_objects: Vec<ObjectId>,
    stats: WriteStats,
}

impl<'a> BlobWriter<'a> {
    /// Starts a session of `writer`, whose first free slot was `start_slot`.
    ///
    /// # Errors
    /// Sealing failures.
    pub fn new(
        repository: &'a Repository,
        writer: WriterId,
        start_slot: u64,
        options: WriteOptions,
    ) -> Result<Self, RepoError> {
        let session = Arc::new(Session::start(repository.keys())?);
        let open_pack = || OpenPack::new(writer, start_slot, &session);
        Ok(Self {
            repository,
            options,
            index: repository.index().reader().for_run_since(&repository.index().baseline()),
            pending: HashSet::new(),
            open_frames: std::array::from_fn(|_| OpenFrame::default()),
            sealers: Arc::default(),
            sealing: Ordered::new(Arc::clone(repository.pool()), FRAMES_UNDER_WAY, BYTES_UNDER_WAY),
            open_packs: [open_pack()?, open_pack()?],
            uploader: Uploader::start(repository)?,
            index_objects: Vec::new(),
            stats: WriteStats::default(),
            session,
        })
    }

    /// Records that this session has committed a snapshot in `slot` and continues: anything stored
    /// from now on can only be committed after that slot, and counts as belonging to a run in
    /// progress until then.
    pub fn continue_after_slot(&mut self, slot: u64) {
        for pack in &mut self.open_packs {
            pack.start_from(slot + 1);
        }
    }

    /// The session of this writer.
    pub fn session(&self) -> SessionId {
        self.session.id()
    }

    /// Totals so far.
    pub fn stats(&self) -> WriteStats {
        self.stats
    }

    /// True if a new snapshot may rely on this blob: the repository has it, or this run adds it.
    ///
    /// # Errors
    /// Cache failures.
    pub fn contains(&self, id: &BlobId) -> Result<bool, RepoError> {
        Ok(self.pending.contains(id) || self.index.contains(id)?)
    }

    /// Adds a blob unless it exists already; true if it is new. `compressible` says whether
    /// compression is worth trying.
    ///
    /// # Errors
    /// Any failure of the repository, including those of blobs added earlier.
    pub fn add(
        &mut self,
        blob_type: BlobType,
        id: BlobId,
        bytes: Bytes,
        compressible: bool,
    ) -> Result<bool, RepoError> {
        if self.contains(&id)? {
            return Ok(false);
        }
        self.add_copy(blob_type, id, bytes, compressible)?;
        Ok(true)
    }

    /// Adds a blob even if it exists already, so that its old location can be abandoned.
    ///
    /// # Errors
    /// As [`BlobWriter::add`].
    pub fn add_copy(
        &mut self,
        blob_type: BlobType,
        id: BlobId,
        bytes: Bytes,
        compressible: bool,
    ) -> Result<(), RepoError> {
        self.pending.insert(id);
        self.stats.raw_bytes += bytes.len() as u64;
        let class = FrameClass::of(blob_type, compressible);
        match blob_type {
            BlobType::Data => self.stats.data_blobs += 1,
            BlobType::Tree => self.stats.tree_blobs += 1,
        }
        if self.options.dry_run {
            return Ok(());
        }
        let frame_bytes = self.repository.config().frame_bytes as usize;
        if self.open_frames[class as usize].is_full_with(bytes.len(), frame_bytes) {
            self.seal(class)?;
        }
        self.open_frames[class as usize].push(id, bytes);
        Ok(())
    }

    /// Hands the open frame of a class to the pool.
    fn seal(&mut self, class: FrameClass) -> Result<(), RepoError> {
        let frame = std::mem::take(&mut self.open_frames[class as usize]);
        if frame.is_empty() {
            return Ok(());
        }
        while let Some(sealed) = self.sealing.pop_ready() {
            self.pack(sealed?)?;
        }
        while self.sealing.is_full() {
            self.pack_oldest()?;
        }
        let (blob_type, compression) = (class.blob_type(), class.compression(&self.options));
        let keys = Arc::clone(self.repository.keys());
        let (session, sealers) = (Arc::clone(&self.session), Arc::clone(&self.sealers));
        let verify = self.options.verify;
        self.sealing.push(frame.bytes(), move || {
            sealers.seal(&keys, &session, blob_type, &frame, compression, verify)
        });
        Ok(())
    }

    fn pack_oldest(&mut self) -> Result<(), RepoError> {
        match self.sealing.pop() {
            Some(sealed) => self.pack(sealed?),
            None => Err(RepoError::Stopped("sealing")),
        }
    }

    /// Puts a sealed frame into the pack of its type, and uploads the pack when it is full.
    fn pack(&mut self, frame: SealedFrame) -> Result<(), RepoError> {
        let place = self.make_room(&frame)?;
        self.open_packs[place].push(frame);
        Ok(())
    }

    /// Uploads the pack that a frame belongs to if it is full; returns the place of that pack.
    fn make_room(&mut self, frame: &SealedFrame) -> Result<usize, RepoError> {
        let pack_bytes_max = match self.options.pack_bytes {
            0 => self.repository.config().pack_bytes,
            bytes => bytes,
        } as usize;
        let place = usize::from(frame.blob_type.byte());
        if self.open_packs[place].is_full_with(frame.bytes.len(), pack_bytes_max) {
            self.upload(place)?;
        }
        self.stats.sealed_bytes += frame.bytes.len() as u64;
        Ok(place)
    }

    fn upload(&mut self, place: usize) -> Result<(), RepoError> {
        let next = self.open_packs[place].next(&self.session)?;
        let full = std::mem::replace(&mut self.open_packs[place], next);
        if !full.is_empty() {
            self.uploader.upload(full)?;
        }
        while let Some(uploaded) = self.uploader.poll()? {
            self.listed(uploaded);
        }
        Ok(())
    }

    /// Records which packs an index object now lists.
    fn listed(&mut self, uploaded: Uploaded) {
        self.index_objects.push(uploaded.index);
        self.index.exclude(&self.repository.index().baseline());
        for blob in blobs_of(&uploaded.packs) {
            self.pending.remove(&blob);
        }
    }

    /// Makes everything added so far durable and listed by index objects. Returns the index objects
    /// of this session.
    ///
    /// # Errors
    /// Any failure of the repository.
    pub fn flush(&mut self) -> Result<&[ObjectId], RepoError> {
        for class in FrameClass::ALL {
            self.seal(class)?;
        }
        while !self.sealing.is_empty() {
            self.pack_oldest()?;
        }
        for place in 0..self.open_packs.len() {
            self.upload(place)?;
        }
        for uploaded in self.uploader.flush()? {
            self.listed(uploaded);
        }
        Ok(&self.index_objects)
    }

    /// Adds an already sealed frame of another session unchanged; for moving frames between packs.
    ///
    /// # Errors
    /// Any failure of the repository.
    pub fn move_frame(&mut self, frame: SealedFrame, session: SessionId) -> Result<(), RepoError> {
        let place = self.make_room(&frame)?;
        self.open_packs[place].push_from(frame, session);
        Ok(())
    }
}

fn blobs_of(packs: &[PackEntry]) -> impl Iterator<Item = BlobId> + '_ {
    packs.iter().flat_map(|pack| &pack.frames).flat_map(|frame| &frame.blobs).map(|blob| blob.id)
}

impl NodeSink for BlobWriter<'_> {
    fn add_node(&mut self, node: Vec<u8>) -> Result<BlobId, RepoError> {
        let id = self.repository.keys().blob_id(BlobType::Tree, &node);
        self.add(BlobType::Tree, id, node.into(), true)?;
        Ok(id)
    }

    fn split_hash(&self, key: &[u8]) -> u64 {
        self.repository.keys().split_hash(key)
    }
}
