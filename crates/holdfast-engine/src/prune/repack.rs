//! Moving what is needed out of packs to be deleted.

use bytes::Bytes;
use holdfast_format::directory::FrameEntry;
use holdfast_format::frame::{Algorithm, BlobEntry};
use holdfast_format::{ObjectId, name};
use holdfast_repo::RepoError;
use holdfast_repo::index::{FrameLocation, PackFrame, PackRow};
use holdfast_repo::write::{BlobWriter, WriteOptions};
use holdfast_seal::{FrameOpener, SealedFrame};

use super::census::is_sparse;
use super::plan::PrunePlan;
use super::{Prune, PruneReport};
use crate::mark::LiveSet;
use crate::{EngineError, EngineEvent};

/// What was written for the moved content.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub packs: Vec<ObjectId>,
}

impl Prune<'_> {
    /// Writes packs with the needed content of those to be repacked, and index objects that list
    /// them.
    pub(super) fn repack(
        &mut self,
        plan: &PrunePlan,
        live: &LiveSet,
    ) -> Result<Targets, EngineError> {
        // Everything in use is needed by a snapshot. With an earlier slot, the new packs count as
        // those of a finished session, so that the next prune handles them if this one ends here.
        let writer = self.repository.history().snapshots().first().map(|info| info.writer);
        let Some(writer) = writer.filter(|_| !plan.repack.is_empty()) else {
            return Ok(Targets::default());
        };
        // What was planned is written: only a dry run of the prune writes nothing.
        let write = WriteOptions { dry_run: false, ..self.options.write };
        let writer = BlobWriter::new(self.repository, writer, 0, write)?;
        let opener = FrameOpener::new();
        let report = PruneReport::default();
        let mut mover = Mover { prune: self, plan, live, writer, opener, report };
        for pack in &plan.repack {
            mover.prune.check_interrupt()?;
            mover.pack(pack)?;
        }
        let index = mover.writer.flush()?.to_vec();
        let moved = mover.report;
        self.report.frames_moved += moved.frames_moved;
        self.report.frames_resealed += moved.frames_resealed;
        let mut packs = Vec::new();
        for (id, listed) in self.repository.index().index_objects()? {
            if index.contains(&id) {
                packs.extend(listed);
            }
        }
        let written = self.repository.index().packs()?.into_iter();
        let bytes = written.filter(|pack| packs.contains(&pack.id)).map(|pack| pack.bytes);
        self.report.bytes_moved += bytes.sum::<u64>();
        Ok(Targets { packs })
    }
}

struct Mover<'a, 'b> {
    prune: &'b Prune<'a>,
    plan: &'b PrunePlan,
    live: &'b LiveSet,
    writer: BlobWriter<'a>,
    opener: FrameOpener,
    report: PruneReport,
}

impl Mover<'_, '_> {
    fn pack(&mut self, pack: &PackRow) -> Result<(), RepoError> {
        let repository = self.prune.repository;
        let keys = repository.keys();
        let directory = repository.pack_directory(&pack.id)?;
        let known = repository.index().reader().frames_of(pack)?;
        if known.len() != directory.frames.len() {
            return Err(differs(pack));
        }
        for (part, entry) in known.iter().zip(&directory.frames) {
            if part.frame.context.frame != keys.frame_id(entry.blob_type, &entry.blobs) {
                return Err(differs(pack));
            }
            let needed: Vec<bool> =
                (0..entry.blobs.len()).map(|place| self.is_needed(part, place)).collect();
            self.frame(&part.frame, entry, &needed)?;
        }
        Ok(())
    }

    fn is_needed(&self, part: &PackFrame, place: usize) -> bool {
        let number = part.first_blob + place as u64;
        self.live.is_live(number) && !self.plan.given_up.contains(&number)
    }

    fn frame(
        &mut self,
        frame: &FrameLocation,
        entry: &FrameEntry,
        needed: &[bool],
    ) -> Result<(), RepoError> {
        let blobs = || entry.blobs.iter().zip(needed).filter(|(_, needed)| **needed);
        if blobs().next().is_none() {
            return Ok(());
        }
        let sealed = self.read(frame)?;
        // Bytes damaged in transit must not replace intact ones in the storage.
        let plain = self
            .opener
            .open(self.prune.repository.keys(), &frame.context, sealed.clone())
            .map_err(|error| RepoError::damaged(name::pack(&frame.pack), error))?;
        let live_bytes = blobs().map(|(blob, _)| u64::from(blob.bytes)).sum();
        self.prune.observer.event(EngineEvent::Processed { bytes: sealed.len() as u64 });
        if is_sparse(live_bytes, u64::from(frame.context.raw_bytes)) {
            self.report.frames_resealed += 1;
            self.reseal(frame, entry, needed, &plain)
        } else {
            self.report.frames_moved += 1;
            self.writer.move_frame(moved(frame, entry, sealed), frame.context.session)
        }
    }

    fn read(&self, frame: &FrameLocation) -> Result<Vec<u8>, RepoError> {
        let pack = name::pack(&frame.pack);
        let (offset, bytes) = (frame.offset, frame.sealed_bytes as usize);
        let sealed = self.prune.repository.fetch_range(&pack, offset, bytes)?;
        sealed.map_err(|reason| RepoError::damaged(pack, reason))
    }

    fn reseal(
        &mut self,
        frame: &FrameLocation,
        entry: &FrameEntry,
        needed: &[bool],
        plain: &[u8],
    ) -> Result<(), RepoError> {
        let mut rest = plain;
        let is_compressible = entry.algorithm == Algorithm::Zstd;
        for (BlobEntry { id, bytes }, is_needed) in entry.blobs.iter().zip(needed) {
            let (blob, after) = rest.split_at_checked(*bytes as usize).ok_or_else(|| {
                RepoError::damaged(name::pack(&frame.pack), "a blob extends past its frame")
            })?;
            rest = after;
            if *is_needed {
                self.prune
                    .repository
                    .keys()
                    .check_blob(entry.blob_type, id, blob)
                    .map_err(|error| RepoError::damaged(name::pack(&frame.pack), error))?;
                let blob = Bytes::copy_from_slice(blob);
                self.writer.add_copy(entry.blob_type, *id, blob, is_compressible)?;
            }
        }
        Ok(())
    }
}

fn moved(frame: &FrameLocation, entry: &FrameEntry, bytes: Vec<u8>) -> SealedFrame {
    SealedFrame {
        bytes,
        blob_type: entry.blob_type,
        algorithm: entry.algorithm,
        frame: frame.context.frame,
        blobs: entry.blobs.clone(),
        raw_bytes: frame.context.raw_bytes,
    }
}

fn differs(pack: &PackRow) -> RepoError {
    let reason = "its directory differs from the index";
    RepoError::damaged(name::pack(&pack.id), reason)
}
