//! After the fences: which condemned packs are needed after all.

use std::collections::{HashMap, HashSet};

use holdfast_format::{BlobId, ObjectId, name};
use holdfast_repo::history::OpenCondemn;
use holdfast_repo::index::{BlobLocation, IndexReader, PackRow};
use holdfast_repo::read::BlobReader;
use holdfast_repo::{RepoError, Repository};

use super::repack::Targets;
use super::{Prune, PruneMutation};
use crate::EngineError;
use crate::mark::LiveSet;

/// The fate of condemned packs.
#[derive(Debug, Default)]
pub(super) struct RescueVerdict {
    /// Those to delete.
    pub swept: Vec<ObjectId>,
    /// Those to keep.
    pub rescued: Vec<ObjectId>,
    /// Bytes of those to delete, as far as an index object lists them.
    pub bytes: u64,
}

impl Prune<'_> {
    /// Decides about each condemned pack. One may be deleted if each blob in it that a snapshot
    /// needs was found in a pack that is kept.
    pub(super) fn rescue(
        &mut self,
        condemn: &OpenCondemn,
        targets: &Targets,
        live: &LiveSet,
    ) -> Result<RescueVerdict, EngineError> {
        let condemned: HashSet<ObjectId> = condemn.packs.iter().copied().collect();
        let rows: HashMap<ObjectId, PackRow> = self
            .repository
            .index()
            .packs()?
            .into_iter()
            .filter(|pack| condemned.contains(&pack.id))
            .map(|pack| (pack.id, pack))
            .collect();
        let mut witness = Witness::new(self.repository, targets, self.mutation)?;
        let mut rescued = HashSet::new();
        let mut undecided = Vec::new();
        for pack in &condemn.packs {
            let Some(needed) = self.needed_of(pack, rows.get(pack), &witness.index, live)? else {
                // What would be lost with it is unknown.
                rescued.insert(*pack);
                continue;
            };
            for id in needed {
                let places = witness.index.locations(&id)?;
                let (going, staying): (Vec<_>, Vec<_>) = places
                    .into_iter()
                    .partition(|place| self.goes(&place.frame.pack, pack, &condemned));
                if witness.has_seen_one_of(&id, &staying)? {
                    continue;
                }
                match going.iter().any(|place| place.frame.pack == *pack) {
                    true => undecided.push((id, going)),
                    // The index does not know that the blob is here.
                    false => drop(rescued.insert(*pack)),
                }
            }
        }
        choose(undecided, &mut witness, &mut rescued)?;
        self.report.packs_rescued += rescued.len() as u64;
        let (rescued, swept) = condemn.packs.iter().partition(|pack| rescued.contains(*pack));
        let mut verdict = RescueVerdict { swept, rescued, bytes: 0 };
        verdict.bytes =
            verdict.swept.iter().filter_map(|pack| rows.get(pack)).map(|row| row.bytes).sum();
        Ok(verdict)
    }

    /// Blobs of a pack that are needed, wherever else they may be, according to its own directory.
    /// If that is unreadable or the pack is gone, the index decides, built from index objects as it
    /// is: `None` if it has anything needed there.
    fn needed_of(
        &self,
        pack: &ObjectId,
        row: Option<&PackRow>,
        index: &IndexReader,
        live: &LiveSet,
    ) -> Result<Option<Vec<BlobId>>, RepoError> {
        let frames = row.map(|row| index.frames_of(row)).transpose()?.unwrap_or_default();
        let is_unused = frames.iter().all(|part| live.frame(part.frame.number).blobs == 0);
        #[cfg(test)]
        if self.mutation == PruneMutation::IndexIsBelieved && is_unused {
            return Ok(Some(Vec::new()));
        }
        let directory = match self.repository.pack_directory(pack) {
            Ok(directory) => directory,
            Err(RepoError::Damaged { .. }) => return Ok(is_unused.then(Vec::new)),
            Err(error) => return Err(error),
        };
        let mut needed = Vec::new();
        for blob in directory.frames.iter().flat_map(|frame| &frame.blobs) {
            if index.locations(&blob.id)?.iter().any(|place| live.is_live(place.number)) {
                needed.push(blob.id);
            }
        }
        Ok(Some(needed))
    }

    /// True if no blob may depend on this pack alone while the fate of `looked_at` is open.
    #[cfg_attr(not(test), allow(clippy::unused_self, unused_variables, reason = "a mutation"))]
    fn goes(&self, pack: &ObjectId, looked_at: &ObjectId, condemned: &HashSet<ObjectId>) -> bool {
        #[cfg(test)]
        if self.mutation == PruneMutation::CopiesInCondemnedPacksCount {
            return pack == looked_at;
        }
        condemned.contains(pack)
    }
}

/// Chooses packs to keep so that each blob keeps a location. Packs that are the only location of
/// many blobs are chosen first, so that few are kept.
fn choose(
    undecided: Vec<(BlobId, Vec<BlobLocation>)>,
    witness: &mut Witness<'_>,
    rescued: &mut HashSet<ObjectId>,
) -> Result<(), RepoError> {
    let mut several = Vec::new();
    for (id, places) in undecided {
        match places.as_slice() {
            [only] => drop(rescued.insert(only.frame.pack)),
            _ => several.push((id, places)),
        }
    }
    for (id, places) in several {
        let mut found = None;
        let (stay, go): (Vec<_>, Vec<_>) =
            places.iter().partition(|place| rescued.contains(&place.frame.pack));
        for place in stay.into_iter().chain(go) {
            if witness.has_seen(&id, place)? {
                found = Some(place.frame.pack);
                break;
            }
        }
        match found {
            Some(pack) => drop(rescued.insert(pack)),
            None => rescued.extend(places.iter().map(|place| place.frame.pack)),
        }
    }
    Ok(())
}

/// Asks the storage whether a copy really exists. The index is not trusted: it lists what existed
/// once.
struct Witness<'a> {
    repository: &'a Repository,
    index: IndexReader,
    reader: BlobReader<'a>,
    /// Packs whose content this very prune verified while writing them.
    own: HashSet<ObjectId>,
    bytes: HashMap<ObjectId, u64>,
    packs: HashMap<ObjectId, bool>,
    #[cfg_attr(not(test), allow(dead_code, reason = "only tests have mutations"))]
    mutation: PruneMutation,
}

impl<'a> Witness<'a> {
    fn new(
        repository: &'a Repository,
        targets: &Targets,
        mutation: PruneMutation,
    ) -> Result<Self, RepoError> {
        let index = repository.index();
        let bytes = index.packs()?.into_iter().map(|pack| (pack.id, pack.bytes)).collect();
        Ok(Self {
            repository,
            index: index.reader(),
            reader: BlobReader::new(repository),
            own: targets.packs.iter().copied().collect(),
            bytes,
            packs: HashMap::new(),
            mutation,
        })
    }

    fn has_seen_one_of(&mut self, id: &BlobId, places: &[BlobLocation]) -> Result<bool, RepoError> {
        for place in places {
            if self.has_seen(id, place)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True if the pack has the right size and, if another process wrote it, the blob can be read
    /// from it.
    fn has_seen(&mut self, id: &BlobId, place: &BlobLocation) -> Result<bool, RepoError> {
        #[cfg(test)]
        if self.mutation == PruneMutation::CopiesAreBelieved {
            return Ok(true);
        }
        let pack = place.frame.pack;
        if !self.has_pack(&pack)? {
            return Ok(false);
        }
        if self.own.contains(&pack) {
            return Ok(true);
        }
        match self.reader.blob_at(id, place) {
            Ok(_) => Ok(true),
            Err(RepoError::Damaged { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn has_pack(&mut self, pack: &ObjectId) -> Result<bool, RepoError> {
        if let Some(known) = self.packs.get(pack) {
            return Ok(*known);
        }
        let bytes = self.repository.object_bytes(&name::pack(pack))?;
        let found = bytes.is_some() && bytes.as_ref() == self.bytes.get(pack);
        self.packs.insert(*pack, found);
        Ok(found)
    }
}
