//! Deleting the objects that a sweep record lists. All of it can be repeated.

use holdfast_format::{ObjectId, name};
use holdfast_repo::RepoError;

use super::Prune;
use super::rescue::RescueVerdict;

impl Prune<'_> {
    /// Deletes superseded index objects, then packs.
    pub(super) fn delete(
        &mut self,
        replaced: &[ObjectId],
        verdict: &RescueVerdict,
    ) -> Result<(), RepoError> {
        for index in replaced {
            self.repository.delete(&name::index(index))?;
        }
        self.delete_packs(&verdict.swept)?;
        self.report.packs_deleted += verdict.swept.len() as u64;
        self.report.bytes_deleted += verdict.bytes;
        Ok(())
    }

    pub(super) fn delete_packs(&self, packs: &[ObjectId]) -> Result<(), RepoError> {
        packs.iter().try_for_each(|pack| self.repository.delete(&name::pack(pack)))
    }

    /// Deletes objects that an earlier sweep lists and that still exist, or exist again.
    pub(super) fn delete_leftovers(&mut self) -> Result<(), RepoError> {
        let history = self.repository.history();
        let (mut left, mut bytes) = (Vec::new(), 0);
        for object in self.repository.list(name::INDEX)? {
            let id = name::object_id(object.name.as_ref());
            if id.is_some_and(|id| history.is_replaced(&id)) {
                left.push(object.name);
            }
        }
        let indexes = left.len();
        for object in self.repository.list(name::PACKS)? {
            let id = name::object_id(object.name.as_ref());
            if id.is_some_and(|id| history.swept().contains(&id)) {
                left.push(object.name);
                bytes += object.bytes;
            }
        }
        drop(history);
        for object in &left {
            self.repository.delete(object.as_ref())?;
        }
        self.report.resumed |= !left.is_empty();
        self.report.leftovers_deleted += left.len() as u64;
        self.report.packs_deleted += (left.len() - indexes) as u64;
        self.report.bytes_deleted += bytes;
        Ok(())
    }
}
