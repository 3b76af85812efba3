//! Announcing which packs will be deleted, and making sure that every later backup learns of it.

use holdfast_format::record::{GenerationBody, WriterBody};
use holdfast_repo::RepoError;
use holdfast_repo::history::OpenCondemn;

use super::Prune;
#[cfg(test)]
use super::PruneMutation;
use super::plan::PrunePlan;
use super::repack::Targets;

impl Prune<'_> {
    /// Appends the record. `None` if another prune has done something since step number `steps`, so
    /// that this one's information is outdated, or if a backup to wait for has appeared since.
    pub(super) fn condemn(
        &self,
        plan: &PrunePlan,
        targets: &Targets,
        steps: u64,
    ) -> Result<Option<OpenCondemn>, RepoError> {
        let packs = plan.packs();
        let appended = self.repository.append(|history| {
            let is_free = history.prune_steps() == steps && self.may_condemn(history.pins());
            is_free.then(|| GenerationBody::Condemn {
                packs: packs.clone(),
                targets: targets.packs.clone(),
                writers: history.writers(),
                index: history.index_objects().collect(),
            })
        })?;
        let history = self.repository.history();
        self.repository.index().refresh_state(&history)?;
        Ok(appended.and_then(|_| history.condemn().cloned()))
    }

    /// Puts a fence into the chain of every known writer.
    ///
    /// A backup has either taken its slot earlier, and then its snapshot is visible from here on;
    /// or it finds the fence in its way.
    pub(super) fn fence(&self, condemn: &OpenCondemn) -> Result<(), RepoError> {
        #[cfg(test)]
        if self.mutation == PruneMutation::NoFences {
            return Ok(());
        }
        let generation = condemn.generation;
        for writer in &condemn.writers {
            // Anything else found in the first free slot is read on the way.
            while self.repository.history().fence(writer, generation).is_none() {
                let body = WriterBody::Fence { generation };
                self.repository.append_to(*writer, &body)?;
            }
        }
        Ok(())
    }
}
