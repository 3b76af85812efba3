//! A listing of the whole repository, sorted by kind. It is a hint: objects missing here are
//! requested by name.

use std::collections::{BTreeSet, HashMap};

use holdfast_format::{ObjectId, name};
use holdfast_repo::{RepoError, Repository, chain};

/// The objects of a repository.
#[derive(Debug, Default)]
pub(crate) struct ObjectListing {
    /// Packs and their bytes.
    pub packs: HashMap<ObjectId, u64>,
    /// Index objects.
    pub index: BTreeSet<ObjectId>,
    /// Names of first copies of key slots, even if only the second exists.
    pub slots: BTreeSet<String>,
    /// Slots of generations with at least one copy.
    pub generations: BTreeSet<u64>,
    /// Folders of writers' chains.
    pub chains: BTreeSet<String>,
    /// Names that do not belong to a repository.
    pub foreign: Vec<String>,
    /// Number of objects in quarantine.
    pub quarantined: u64,
}

impl ObjectListing {
    /// Lists everything.
    pub fn take(repository: &Repository) -> Result<Self, RepoError> {
        let mut listing = Self::default();
        for listed in repository.list("")? {
            listing.sort(listed.name.as_ref(), listed.bytes);
        }
        Ok(listing)
    }

    fn sort(&mut self, text: &str, bytes: u64) {
        let id = name::object_id(text);
        match (text.split('/').next(), id) {
            (Some("quarantine"), _) => self.quarantined += 1,
            (Some(name::PACKS), Some(id)) if name::pack(&id) == text => {
                self.packs.insert(id, bytes);
            }
            (Some(name::INDEX), Some(id)) if name::index(&id) == text => {
                self.index.insert(id);
            }
            (Some(name::KEYS), _) if is_slot(text) => {
                self.slots.insert(name::first(text).to_owned());
            }
            (Some(name::GENERATIONS | name::WRITERS), _) => match chain::record_place(text) {
                Some((name::Chain::Generations, sequence)) => {
                    self.generations.insert(sequence);
                }
                Some((chain, _)) => {
                    self.chains.insert(chain.folder());
                }
                None => self.foreign.push(text.to_owned()),
            },
            _ if name::CONFIG_NAMES.contains(&text) => {}
            _ => self.foreign.push(text.to_owned()),
        }
    }

    /// The size of a pack, requested by name if the listing lacks it. `None` if it is missing.
    pub fn pack_bytes(
        &self,
        repository: &Repository,
        id: &ObjectId,
    ) -> Result<Option<u64>, RepoError> {
        match self.packs.get(id) {
            Some(bytes) => Ok(Some(*bytes)),
            None => repository.object_bytes(&name::pack(id)),
        }
    }
}

fn is_slot(text: &str) -> bool {
    let Some(slot) = text.strip_prefix("keys/") else { return false };
    name::first(slot).parse::<holdfast_format::SlotId>().is_ok()
}
