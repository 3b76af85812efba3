//! What a run began with.

use std::collections::HashSet;
use std::sync::Arc;

use holdfast_format::ObjectId;

use super::cache::Cache;
use super::{Index, IndexReader, PackRow, State};

/// The packs that were there when a run began, and those of them that it must not rely on. Unlike
/// an [`IndexReader`] it holds no state of the cache's file, whose pages could not be used again
/// for as long.
#[derive(Debug, Clone)]
pub struct Baseline {
    cache: Arc<Cache>,
    packs: Arc<Vec<PackRow>>,
    dead: Arc<HashSet<u32>>,
    hidden: Arc<HashSet<u32>>,
    swept: usize,
}

impl State {
    fn baseline(&self) -> Baseline {
        Baseline {
            cache: Arc::clone(&self.cache),
            packs: Arc::clone(&self.packs),
            dead: Arc::clone(&self.dead),
            hidden: Arc::clone(&self.hidden),
            swept: self.swept,
        }
    }
}

impl Index {
    /// What a run that begins now begins with.
    pub fn baseline(&self) -> Baseline {
        self.state().baseline()
    }
}

impl Baseline {
    /// The packs that a new snapshot may rely on, or those that it may not.
    fn packs_usable(&self, usable: bool) -> impl Iterator<Item = ObjectId> + '_ {
        let is_usable = |pack: &&PackRow| {
            !self.dead.contains(&pack.number) && !self.hidden.contains(&pack.number)
        };
        self.packs.iter().filter(move |pack| is_usable(pack) == usable).map(|pack| pack.id)
    }

    /// True if a pack that new snapshots could rely on in the `earlier` state is condemned or gone
    /// in this one.
    pub fn has_lost_packs_since(&self, earlier: &Self) -> bool {
        if Arc::ptr_eq(&self.cache, &earlier.cache) {
            let mut unusable = self.dead.iter().chain(self.hidden.iter());
            return unusable
                .any(|pack| !earlier.dead.contains(pack) && !earlier.hidden.contains(pack));
        }
        // The cache was rebuilt: its numbers are others, and it has no row of what is gone. That
        // may be a pack that came since, of the run itself or of another.
        let usable: HashSet<ObjectId> = self.packs_usable(true).collect();
        let unusable: HashSet<ObjectId> = earlier.packs_usable(false).collect();
        self.swept != earlier.swept
            || earlier.packs_usable(true).any(|pack| !usable.contains(&pack))
            || self.packs_usable(false).any(|pack| !unusable.contains(&pack))
    }
}

impl IndexReader {
    /// This state of the index for a run that began with the `earlier` one. What could not be
    /// relied on then stays so: a pack that was condemned, then rescued, may be condemned once
    /// more, and [`Baseline::has_lost_packs_since`] would not tell.
    #[must_use]
    pub fn for_run_since(mut self, earlier: &Baseline) -> Self {
        let unusable: HashSet<ObjectId> = earlier.packs_usable(false).collect();
        if !unusable.is_empty() {
            let packs = self.state.packs.iter().filter(|pack| unusable.contains(&pack.id));
            let numbers: Vec<u32> = packs.map(|pack| pack.number).collect();
            Arc::make_mut(&mut self.state.hidden).extend(numbers);
        }
        self
    }

    /// Goes over to the index as it is now, if it has changed. What this reader could not rely on
    /// stays so.
    pub fn catch_up(&mut self) {
        if self.index.has_changed_since(&self.state) {
            let now = Self { state: self.index.state(), index: Arc::clone(&self.index) };
            *self = now.for_run_since(&self.state.baseline());
        }
    }
}
