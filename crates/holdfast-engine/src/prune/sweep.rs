//! The record that decides, and the index objects that count after it.

use std::collections::{HashMap, HashSet};

use holdfast_format::ObjectId;
use holdfast_format::record::GenerationBody;
use holdfast_repo::history::OpenCondemn;
use holdfast_repo::write::BLOBS_PER_INDEX_OBJECT;

use super::rescue::RescueVerdict;
use super::{Prune, is_out_of_space};
use crate::EngineError;

/// Index objects with fewer packs and fewer blobs are merged ...
const FEW_PACKS: usize = 16;
const FEW_BLOBS: u64 = BLOBS_PER_INDEX_OBJECT as u64 / 2;
/// ... when there are more of them than this.
const SMALL_OBJECTS_MAX: usize = 16;

/// Index objects before and after.
#[derive(Debug, Default)]
struct IndexChange {
    index: Vec<ObjectId>,
    replaced: Vec<ObjectId>,
}

impl Prune<'_> {
    /// Appends the record; returns the index objects that it replaces. `None` if another prune
    /// decided first.
    pub(super) fn sweep(
        &self,
        condemn: &OpenCondemn,
        verdict: &RescueVerdict,
    ) -> Result<Option<Vec<ObjectId>>, EngineError> {
        let swept: HashSet<ObjectId> = verdict.swept.iter().copied().collect();
        let change = match self.rewrite_index(&swept) {
            // The record overrules their entries for deleted packs.
            Err(error) if is_out_of_space(&error) => {
                self.note("the storage is full: index objects are left as they are");
                let index = self.repository.history().index_objects().collect();
                IndexChange { index, replaced: Vec::new() }
            }
            outcome => outcome?,
        };
        let named = self.named_in_record(&change);
        let generation = condemn.generation;
        let appended = self.repository.append(|history| {
            let is_open = history.condemn().is_some_and(|open| open.generation == generation);
            is_open.then(|| GenerationBody::Sweep {
                condemn: generation,
                packs: verdict.swept.clone(),
                rescued: verdict.rescued.clone(),
                index: named.clone(),
                replaced: change.replaced.clone(),
            })
        })?;
        Ok(appended.map(|_| change.replaced))
    }

    #[cfg_attr(not(test), allow(clippy::unused_self, reason = "a mutation"))]
    fn named_in_record(&self, change: &IndexChange) -> Vec<ObjectId> {
        #[cfg(test)]
        if self.mutation == super::PruneMutation::NewIndexIsNotNamed {
            return Vec::new();
        }
        change.index.clone()
    }

    /// Writes index objects for the kept packs of those objects that mention deleted packs, and of
    /// small ones.
    fn rewrite_index(&self, swept: &HashSet<ObjectId>) -> Result<IndexChange, EngineError> {
        let index = self.repository.index();
        let objects = index.index_objects()?;
        let blobs: HashMap<ObjectId, u64> =
            index.packs()?.into_iter().map(|pack| (pack.id, pack.blobs)).collect();
        let gone = self.repository.history().swept().clone();
        let goes = |pack: &ObjectId| swept.contains(pack) || gone.contains(pack);
        let is_small = |packs: &[ObjectId]| {
            let blobs: u64 = packs.iter().filter_map(|pack| blobs.get(pack)).sum();
            packs.len() < FEW_PACKS && blobs < FEW_BLOBS
        };
        let small = objects.iter().filter(|(_, packs)| is_small(packs)).count();
        let (replaced, kept): (Vec<_>, Vec<_>) = objects.into_iter().partition(|(_, packs)| {
            packs.iter().any(goes) || (small > SMALL_OBJECTS_MAX && is_small(packs))
        });
        let mut listed: HashSet<ObjectId> =
            kept.iter().flat_map(|(_, packs)| packs).copied().collect();
        let mut change = IndexChange::default();
        change.index.extend(kept.iter().map(|(id, _)| *id));
        let mut writer = self.repository.index_writer();
        for (id, _) in replaced {
            for entry in self.repository.index_object(&id)? {
                if !goes(&entry.id) && listed.insert(entry.id) {
                    writer.add(entry)?;
                }
            }
            change.replaced.push(id);
        }
        change.index.extend(writer.finish()?);
        Ok(change)
    }
}
