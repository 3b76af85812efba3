//! Records that cannot be used: which they are, what must wait for them, and which are written off.

use std::collections::BTreeSet;

use holdfast_backend::Backend;
use holdfast_format::WriterId;
use holdfast_format::name::Chain;
use holdfast_format::record::GenerationBody;
use holdfast_seal::Keys;

use super::History;
use crate::RepoError;
use crate::chain::{self, DamagedRecord};

/// Copies that one run completes at most, so that the first run on an old repository is not slow.
const COPIES_COMPLETED_MAX: usize = 256;

impl History {
    /// Records that cannot be used and are not written off. While there is one, it is not known
    /// what snapshots need, so nothing is deleted.
    pub fn damaged(&self) -> impl Iterator<Item = DamagedRecord> + '_ {
        let lost = move || self.damaged.iter().filter(move |record| !self.is_given_up(record));
        // One of the lost records may be the announcement.
        let is_of_generations = |record: &DamagedRecord| record.object.starts_with("gen/");
        let unannounced = self.unannounced.first().filter(|_| !lost().any(is_of_generations));
        let announcement = unannounced.map(|writer| {
            let reason =
                format!("it is missing: no record announces {}", Chain::Writer(*writer).folder());
            DamagedRecord::missing(&Chain::Generations, self.next_generation(), reason)
        });
        lost().cloned().chain(announcement)
    }

    fn is_given_up(&self, record: &DamagedRecord) -> bool {
        self.given_up.get(&record.object).is_some_and(|found| found.contains(&record.found))
    }

    /// The first slot of a chain that was ever written off.
    pub(super) fn first_given_up(&self, chain: &Chain) -> Option<u64> {
        let folder = format!("{}/", chain.folder());
        let (name, _) = self.given_up.range(folder..).next()?;
        let place = chain::record_place(name).filter(|(of, _)| of == chain);
        place.map(|(_, sequence)| sequence)
    }

    /// Chains with records that no generation record announces, because that one is lost.
    pub fn unannounced(&self) -> &BTreeSet<WriterId> {
        &self.unannounced
    }

    /// Refuses an operation that must know what is condemned: a fence names a generation that is
    /// missing, and no later step of a prune shows that it is over.
    pub(crate) fn refuse_unknown_condemnation(&self) -> Result<(), RepoError> {
        let newest = self.fences.keys().map(|(_, generation)| *generation).max();
        let Some(generation) = newest.filter(|newest| self.last_step < Some(*newest)) else {
            return Ok(());
        };
        let object = Chain::Generations.record(generation);
        match self.damaged().any(|record| record.is_missing && record.object == object) {
            true => Err(RepoError::damaged(object, "it is missing, but a fence names it")),
            false => Ok(()),
        }
    }

    /// What a damaged record refers to is unknown, so nothing can be called unused. And a sweep
    /// whose condemnation can no longer be read must not follow: processes that start now do not
    /// know what was condemned.
    pub(super) fn refuse_deletion(
        &self,
        backend: &dyn Backend,
        keys: &Keys,
        body: &GenerationBody,
    ) -> Result<(), RepoError> {
        let (GenerationBody::Condemn { packs, .. } | GenerationBody::Sweep { packs, .. }) = body
        else {
            return Ok(());
        };
        if packs.is_empty() {
            return Ok(());
        }
        if let Some(record) = self.damaged().next() {
            return Err(RepoError::damaged(record.object, record.reason));
        }
        let GenerationBody::Sweep { condemn, .. } = body else { return Ok(()) };
        let chain = Chain::Generations;
        match chain::record_at::<GenerationBody>(backend, keys, &chain, *condemn)? {
            Ok(_) => Ok(()),
            Err(reason) => Err(RepoError::damaged(chain.record(*condemn), reason)),
        }
    }

    /// Writes copies of generations that a listing did not show.
    ///
    /// # Errors
    /// Storage failures other than a full disk.
    pub(crate) fn complete_copies(
        &mut self,
        backend: &dyn Backend,
        keys: &Keys,
    ) -> Result<(), RepoError> {
        let single = std::mem::take(&mut self.single).into_iter().take(COPIES_COMPLETED_MAX);
        chain::complete::<GenerationBody>(backend, keys, &Chain::Generations, single)
    }
}
