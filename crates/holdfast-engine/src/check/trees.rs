//! The trees of all snapshots, each node once, held against what is known to be unreadable.

use holdfast_repo::history::History;

use super::finding::{REPAIR_PACKS, REPAIR_SNAPSHOTS};
use super::walk::{Cause, Hurt, Walker};
use super::{FindingKind, Run};
use crate::EngineError;

/// Reports nodes and blobs that are missing or do not fit, and names the files that each damage
/// hurts.
pub(super) fn check(run: &mut Run<'_>, history: &History) -> Result<(), EngineError> {
    let broken = std::mem::take(&mut run.broken);
    let mut walker = Walker::new(run.repository, &broken, run.observer)?;
    let (mut missing, mut last) = (0u64, None);
    for info in history.snapshots() {
        run.report.snapshots += 1;
        let snapshot = info.id.short();
        for source in &info.snapshot.sources {
            run.stop_if_interrupted()?;
            walker.walk(&source.tree, &mut |hurt: Hurt<'_>| {
                let finding = finding_of(run, &hurt.cause, &mut missing);
                // A file with many lost blobs counts once.
                let this = (finding, hurt.path.to_vec());
                if last.as_ref() != Some(&this) {
                    run.findings.hurts(finding, &snapshot, hurt.path);
                    last = Some(this);
                }
            })?;
            last = None;
        }
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

/// The finding that a cause belongs to.
fn finding_of(run: &mut Run<'_>, cause: &Cause, missing: &mut u64) -> usize {
    match cause {
        Cause::Known(finding) => *finding,
        Cause::Missing(_) => {
            *missing += 1;
            let (kind, next) = (FindingKind::MissingBlobs, REPAIR_SNAPSHOTS);
            let finding = run.findings.add(kind, "index", String::new(), next);
            let message = format!("{missing} references lead to blobs that no pack holds");
            run.findings.reword(finding, message);
            finding
        }
        Cause::Unreadable { object, reason } => {
            let message = format!("the pack is damaged: {reason}");
            run.findings.add(FindingKind::Pack, object, message, REPAIR_PACKS)
        }
        Cause::Unfit { object, reason } => {
            let message = format!("{object} does not fit into its tree: {reason}");
            run.findings.add(FindingKind::Tree, object, message, REPAIR_SNAPSHOTS)
        }
    }
}
