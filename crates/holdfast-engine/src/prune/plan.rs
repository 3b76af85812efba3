//! Choosing the packs to delete.

use std::collections::HashSet;

use holdfast_format::{BlobType, ObjectId};
use holdfast_repo::index::PackRow;

use super::census::{self, Census, PackUse};
use super::orphans::{self, Orphan};
use super::sessions::Sessions;
use super::{MaxUnused, Prune, PruneOptions, Waiting};
use crate::EngineError;
use crate::mark::LiveSet;

/// Packs smaller than this fraction of the usual size are small.
pub(super) const SMALL: u64 = 4;
/// Small packs of one type are merged when there are more than this.
const SMALL_PACKS_MAX: usize = 16;
/// Maximum number of packs in one condemnation, so that its records are far below their limit.
const PACKS_MAX: usize = 100_000;

/// Number of packs in one condemnation if there is no room for a record of all.
const FEW_PACKS: usize = 500;

/// Packs to delete.
#[derive(Debug, Default)]
pub(super) struct PrunePlan {
    /// Packs that hold nothing of use.
    pub dead: Vec<PackRow>,
    /// Packs whose used content must be moved first, in the order in which they were made.
    pub repack: Vec<PackRow>,
    /// Packs that no index object lists.
    pub orphans: Vec<Orphan>,
    /// Locations whose blob is needed, but taken from another location.
    pub given_up: HashSet<u64>,
    /// Unneeded packs that are kept because their session may be in progress.
    pub waiting: Vec<Waiting>,
    /// Bytes in packs that are kept.
    pub bytes_left: u64,
    /// Bytes among them that rewriting would save.
    pub unused_bytes_left: u64,
}

impl PrunePlan {
    pub fn is_empty(&self) -> bool {
        self.dead.is_empty() && self.repack.is_empty() && self.orphans.is_empty()
    }

    /// Leaves all but a few of the unused packs for later, so that the records which name them are
    /// small; false if there are few already.
    pub fn shorten(&mut self) -> bool {
        let is_long = self.dead.len() > FEW_PACKS || self.orphans.len() > FEW_PACKS;
        self.dead.truncate(FEW_PACKS);
        self.orphans.truncate(FEW_PACKS);
        is_long
    }

    /// All packs to delete.
    pub fn packs(&self) -> Vec<ObjectId> {
        let listed = self.dead.iter().chain(&self.repack).map(|pack| pack.id);
        listed.chain(self.orphans.iter().map(|orphan| orphan.id)).collect()
    }
}

impl Prune<'_> {
    /// Examines all packs and chooses.
    pub(super) fn plan(
        &self,
        live: &LiveSet,
        options: &PruneOptions,
    ) -> Result<PrunePlan, EngineError> {
        let repository = self.repository;
        let history = repository.history();
        let mut sessions = Sessions::new(repository, &history, options.abandoned)?;
        let census = census::take(repository, live, |writer, slot| sessions.is_over(writer, slot))?;
        for pack in census.packs.iter().filter(|pack| pack.blobs == 0 && !pack.is_decided) {
            sessions.wait(&pack.row.writer, pack.row.start_slot, pack.row.bytes);
        }
        let orphans = orphans::find(repository, &mut sessions, history.swept(), self.observer)?;
        let waiting = sessions.finish(repository, options.dry_run)?;
        drop(history);
        let pack_bytes = u64::from(repository.config().pack_bytes);
        let mut plan = choose(census, options, pack_bytes);
        let room = PACKS_MAX - plan.dead.len() - plan.repack.len();
        plan.orphans = orphans;
        plan.orphans.truncate(room);
        plan.waiting = waiting;
        Ok(plan)
    }

    pub(super) fn report_plan(&mut self, plan: &PrunePlan) {
        self.report.unused_bytes_left = plan.unused_bytes_left;
        self.report.bytes_left = plan.bytes_left;
        self.report.waiting.clone_from(&plan.waiting);
        if self.options.dry_run {
            self.report.packs_repacked = plan.repack.len() as u64;
            self.report.packs_adopted = plan.orphans.len() as u64;
            let listed = plan.dead.iter().chain(&plan.repack).map(|pack| pack.bytes);
            let orphans = plan.orphans.iter().map(|orphan| orphan.bytes);
            self.report.packs_deleted = plan.packs().len() as u64;
            self.report.bytes_deleted = listed.chain(orphans).sum();
        }
    }
}

fn choose(census: Census, options: &PruneOptions, pack_bytes: u64) -> PrunePlan {
    let (mut dead, mut rest): (Vec<_>, Vec<_>) =
        census.packs.into_iter().partition(|pack| pack.blobs == 0 && pack.is_decided);
    dead.truncate(PACKS_MAX / 2);
    let mut repack = Vec::new();
    if options.max_unused != MaxUnused::Unlimited {
        let mut budget = options.max_repack_bytes.unwrap_or(u64::MAX);
        rest.sort_by_key(|pack| (share(pack), pack.row.number));
        repack = wasteful(&mut rest, options, &mut budget);
        for blob_type in [BlobType::Data, BlobType::Tree] {
            repack.extend(small(&mut rest, blob_type, options, pack_bytes, &mut budget));
        }
    }
    repack.sort_by_key(|pack| pack.row.number);
    let moved: u64 = repack.iter().map(|pack| pack.used_bytes).sum();
    PrunePlan {
        dead: dead.iter().map(|pack| pack.row).collect(),
        repack: repack.iter().map(|pack| pack.row).collect(),
        orphans: Vec::new(),
        waiting: Vec::new(),
        given_up: census.given_up,
        bytes_left: moved + rest.iter().map(|pack| pack.row.bytes).sum::<u64>(),
        unused_bytes_left: rest.iter().map(|pack| pack.unused_bytes).sum(),
    }
}

/// Used part of a pack, in thousandths.
fn share(pack: &PackUse) -> u64 {
    pack.used_bytes * 1000 / (pack.used_bytes + pack.unused_bytes).max(1)
}

/// Takes packs out of `rest`, the worst first, until little enough remains unused.
fn wasteful(rest: &mut Vec<PackUse>, options: &PruneOptions, budget: &mut u64) -> Vec<PackUse> {
    let used: u64 = rest.iter().map(|pack| pack.used_bytes).sum();
    let allowed = options.max_unused.bytes_beside(used);
    let mut unused: u64 = rest.iter().map(|pack| pack.unused_bytes).sum();
    take_within(rest, budget, |pack| {
        let is_wanted = unused > allowed && pack.unused_bytes > 0;
        if is_wanted {
            unused -= pack.unused_bytes;
        }
        is_wanted
    })
}

/// Takes small packs of one type out of `rest` if there are many, or if there are two and it was
/// requested.
fn small(
    rest: &mut Vec<PackUse>,
    blob_type: BlobType,
    options: &PruneOptions,
    pack_bytes: u64,
    budget: &mut u64,
) -> Vec<PackUse> {
    let (below_bytes, packs_max) = match options.repack_below_bytes {
        Some(bytes) => (bytes, 1),
        None => (pack_bytes / SMALL, SMALL_PACKS_MAX),
    };
    let is_small = |pack: &PackUse| {
        pack.blob_type == blob_type && pack.is_decided && pack.row.bytes < below_bytes
    };
    if rest.iter().filter(|pack| is_small(pack)).count() <= packs_max {
        return Vec::new();
    }
    take_within(rest, budget, |pack| is_small(pack))
}

/// Takes those packs out of `rest` that `is_wanted` selects and that fit into the budget.
fn take_within(
    rest: &mut Vec<PackUse>,
    budget: &mut u64,
    mut is_wanted: impl FnMut(&PackUse) -> bool,
) -> Vec<PackUse> {
    let mut taken = Vec::new();
    rest.retain(|pack| {
        let fits = pack.is_decided && pack.used_bytes <= *budget && taken.len() < PACKS_MAX / 4;
        if !fits || !is_wanted(pack) {
            return true;
        }
        *budget -= pack.used_bytes;
        taken.push(*pack);
        false
    });
    taken
}
