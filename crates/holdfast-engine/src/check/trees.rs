//! The trees of all snapshots, each node once, matched against what is known to be unreadable.

use holdfast_format::ObjectId;
use holdfast_repo::history::History;

use super::finding::{FindingKind, Remedy};
use super::run::CheckRun;
use super::walk::{Cause, Hurt, TreeChecker};
use crate::EngineError;

/// Maximum number of affected files and directories held back.
const HURTS_WAITING_MAX: usize = 4096;

/// Reports nodes and blobs that are missing or inconsistent, and names the files that each damage
/// affects.
pub(super) fn check(run: &mut CheckRun<'_>, history: &History) -> Result<(), EngineError> {
    let broken = std::mem::take(&mut run.broken);
    let mut walker = TreeChecker::new(run.repository, &broken, run.observer)?;
    let mut hurts = Hurts::default();
    for info in history.snapshots() {
        let mut is_forgotten = false;
        for source in &info.snapshot.sources {
            run.stop_if_interrupted()?;
            walker.walk(&source.tree, &mut |hurt: Hurt<'_>| hurts.push(run, &info.id, hurt))?;
            is_forgotten |= hurts.settle(run, &info.id)?;
        }
        run.report.snapshots += u64::from(!is_forgotten);
    }
    run.report.nodes = walker.nodes();
    run.report.files = walker.files();
    run.report.bytes_used = walker.bytes_used();
    let index = run.repository.index();
    for pack in index.packs()? {
        let frames = index.reader().frames_of(&pack)?;
        run.report.bytes_stored +=
            frames.iter().map(|found| u64::from(found.frame.sealed_bytes)).sum::<u64>();
    }
    run.broken = broken;
    Ok(())
}

/// What is lost from a tree: held back until it is known that the snapshot still counts.
#[derive(Default)]
struct Hurts {
    waiting: Vec<(Vec<u8>, Cause)>,
    /// The finding and the file that were reported last.
    last: Option<(usize, Vec<u8>)>,
    /// References to blobs that no pack holds.
    missing: u64,
    is_forgotten: bool,
    failure: Option<EngineError>,
}

impl Hurts {
    fn push(&mut self, run: &mut CheckRun<'_>, snapshot: &ObjectId, hurt: Hurt<'_>) {
        self.waiting.push((hurt.path.to_vec(), hurt.cause));
        if self.waiting.len() >= HURTS_WAITING_MAX
            && let Err(error) = self.report(run, snapshot)
        {
            self.failure.get_or_insert(error);
        }
    }

    /// Ends a tree; true if its snapshot has since been forgotten.
    fn settle(&mut self, run: &mut CheckRun<'_>, snapshot: &ObjectId) -> Result<bool, EngineError> {
        self.report(run, snapshot)?;
        self.last = None;
        self.failure.take().map_or(Ok(std::mem::take(&mut self.is_forgotten)), Err)
    }

    /// Reports what was held back, unless the snapshot has been forgotten: its data may have been
    /// deleted legitimately.
    fn report(&mut self, run: &mut CheckRun<'_>, snapshot: &ObjectId) -> Result<(), EngineError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        run.repository.refresh()?;
        self.is_forgotten |= run.repository.history().is_forgotten(snapshot);
        let waiting = std::mem::take(&mut self.waiting);
        if self.is_forgotten {
            return Ok(());
        }
        for (path, cause) in waiting {
            let finding = finding_of(run, &cause, &mut self.missing);
            // A file with many lost blobs counts once.
            let this = (finding, path);
            if self.last.as_ref() != Some(&this) {
                run.findings.hurts(finding, &snapshot.short(), &this.1);
                self.last = Some(this);
            }
        }
        Ok(())
    }
}

/// The finding that a cause belongs to.
fn finding_of(run: &mut CheckRun<'_>, cause: &Cause, missing: &mut u64) -> usize {
    match cause {
        Cause::Known(finding) => *finding,
        Cause::Missing(_) => {
            *missing += 1;
            let (kind, remedy) = (FindingKind::MissingBlobs, Remedy::RepairSnapshots);
            let finding = run.findings.add(kind, "index", String::new(), remedy);
            let message = format!("{missing} references to blobs that are in no pack");
            run.findings.reword(finding, message);
            finding
        }
        Cause::Unreadable { object, reason } => {
            let message = format!("the pack is damaged: {reason}");
            run.findings.add(FindingKind::Pack, object, message, Remedy::ReadAllPacks)
        }
        Cause::Unfit { object, reason } => {
            let message = format!("{object} does not fit its tree: {reason}");
            run.findings.add(FindingKind::Tree, object, message, Remedy::RepairSnapshots)
        }
    }
}
