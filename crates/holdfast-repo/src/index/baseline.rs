//! The state of the packs when a run began.

use std::collections::HashSet;
use std::sync::Arc;

use holdfast_format::ObjectId;

use super::cache::Cache;
use super::{Index, IndexReader, PackRow};

/// The packs that existed when a run began, and those of them that it must not rely on.
#[derive(Debug, Clone)]
pub struct Baseline {
    cache: Arc<Cache>,
    packs: Arc<Vec<PackRow>>,
    dead: Arc<HashSet<u32>>,
    hidden: Arc<HashSet<u32>>,
    swept: usize,
}

impl Index {
    /// The state of the packs for a run that begins now.
    pub fn baseline(&self) -> Baseline {
        let state = self.state();
        Baseline {
            cache: Arc::clone(&state.cache),
            packs: Arc::clone(&state.packs),
            dead: Arc::clone(&state.dead),
            hidden: Arc::clone(&state.hidden),
            swept: state.swept,
        }
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
    /// The same for a run that began with this state. Packs that were unusable then stay so: one
    /// that was condemned, then rescued, may be condemned again, and
    /// [`Baseline::has_lost_packs_since`] would not notice.
    #[must_use]
    pub fn for_run_since(mut self, begun_with: &Baseline) -> Self {
        self.exclude(begun_with);
        self
    }

    /// Never again relies on packs that were unusable in this state.
    pub(crate) fn exclude(&mut self, then: &Baseline) {
        let mut unusable = then.packs_usable(false).peekable();
        if unusable.peek().is_some() {
            Arc::make_mut(&mut self.unusable).extend(unusable);
        }
    }
}
