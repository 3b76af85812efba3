//! How much of each pack is in use.

use std::collections::{HashMap, HashSet};

use holdfast_format::{BlobType, WriterId};
use holdfast_repo::index::{BlobLocation, IndexReader, PackRow};
use holdfast_repo::{RepoError, Repository};

use crate::mark::{FrameLive, LiveSet};

/// A frame of which less than one part in this many is needed is not worth moving whole.
const SPARSE: u64 = 4;

/// How much of one pack is in use.
#[derive(Debug, Clone, Copy)]
pub(super) struct PackUse {
    pub row: PackRow,
    pub blob_type: BlobType,
    /// True if the session that made it is over: decided, or abandoned.
    pub is_decided: bool,
    /// Blobs needed from this pack.
    pub blobs: u64,
    /// Sealed bytes that would have to be kept.
    pub used_bytes: u64,
    /// Sealed bytes that rewriting the pack would save.
    pub unused_bytes: u64,
}

/// How much of all packs is in use.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub packs: Vec<PackUse>,
    /// Locations whose blob is needed, but taken from another location.
    pub given_up: HashSet<u64>,
}

/// True if so little of a frame is needed that its blobs are resealed rather than moved with the
/// others.
pub(super) fn is_sparse(live_bytes: u64, raw_bytes: u64) -> bool {
    live_bytes * SPARSE < raw_bytes
}

/// Examines all packs; `is_over` says of a session whether it is over.
pub(super) fn take(
    repository: &Repository,
    live: &LiveSet,
    mut is_over: impl FnMut(&WriterId, u64) -> bool,
) -> Result<Census, RepoError> {
    let index = repository.index();
    let reader = index.reader();
    let mut packs = Vec::new();
    for row in index.packs()? {
        let is_decided = is_over(&row.writer, row.start_slot);
        packs.push(use_of(&reader, row, is_decided, |frame| live.frame(frame))?);
    }
    let mut census = Census { packs, given_up: HashSet::new() };
    let copies = index.copied_blobs()?;
    if !copies.is_empty() {
        let given_up = census.choose_copies(&reader, live, &copies)?;
        census.subtract(&reader, live, &given_up)?;
    }
    Ok(census)
}

fn use_of(
    reader: &IndexReader,
    row: PackRow,
    is_decided: bool,
    live: impl Fn(u32) -> FrameLive,
) -> Result<PackUse, RepoError> {
    let (blobs, used_bytes, unused_bytes) = (0, 0, 0);
    let blob_type = BlobType::Data;
    let mut pack = PackUse { row, blob_type, is_decided, blobs, used_bytes, unused_bytes };
    for part in reader.frames_of(&row)? {
        let (frame, live) = (part.frame, live(part.frame.number));
        let (sealed, raw) = (u64::from(frame.sealed_bytes), u64::from(frame.context.raw_bytes));
        let needed = match u64::from(live.bytes) {
            _ if live.blobs == 0 => 0,
            bytes if is_sparse(bytes, raw) => sealed * bytes / raw.max(1),
            _ => sealed,
        };
        pack.blob_type = frame.context.blob_type;
        pack.blobs += u64::from(live.blobs);
        pack.used_bytes += needed;
        pack.unused_bytes += sealed - needed;
    }
    Ok(pack)
}

impl Census {
    /// Chooses one location for each blob that is needed and stored more than once; returns the
    /// others.
    fn choose_copies(
        &self,
        reader: &IndexReader,
        live: &LiveSet,
        copies: &[holdfast_format::BlobId],
    ) -> Result<Vec<BlobLocation>, RepoError> {
        // Preferably in a pack that is kept anyway: one that cannot be deleted yet, or the most
        // used one.
        let rank: HashMap<_, _> = self
            .packs
            .iter()
            .map(|pack| {
                let share = pack.used_bytes * 1000 / (pack.used_bytes + pack.unused_bytes).max(1);
                (pack.row.id, (!pack.is_decided, share))
            })
            .collect();
        let mut given_up = Vec::new();
        for id in copies {
            let mut places = reader.locations(id)?;
            if !places.first().is_some_and(|place| live.is_live(place.number)) {
                continue;
            }
            places.sort_by_key(|place| {
                (rank.get(&place.frame.pack).copied(), place.frame.pack, place.number)
            });
            places.pop();
            given_up.extend(places);
        }
        Ok(given_up)
    }

    fn subtract(
        &mut self,
        reader: &IndexReader,
        live: &LiveSet,
        given_up: &[BlobLocation],
    ) -> Result<(), RepoError> {
        let mut lost: HashMap<u32, FrameLive> = HashMap::new();
        for place in given_up {
            let frame = lost.entry(place.frame.number).or_default();
            frame.blobs += 1;
            frame.bytes = frame.bytes.saturating_add(place.bytes);
        }
        let packs: HashSet<_> = given_up.iter().map(|place| place.frame.pack).collect();
        for pack in self.packs.iter_mut().filter(|pack| packs.contains(&pack.row.id)) {
            *pack = use_of(reader, pack.row, pack.is_decided, |frame| {
                let (live, lost) = (live.frame(frame), lost.get(&frame));
                let lost = lost.copied().unwrap_or_default();
                FrameLive {
                    blobs: live.blobs.saturating_sub(lost.blobs),
                    bytes: live.bytes.saturating_sub(lost.bytes),
                }
            })?;
        }
        self.given_up = given_up.iter().map(|place| place.number).collect();
        Ok(())
    }
}
