//! Lost records of chains: announcements are repeated, others are written off.

use holdfast_format::WriterId;
use holdfast_format::name::Chain;
use holdfast_format::record::{GenerationBody, GivenUp};
use holdfast_repo::history::History;
use holdfast_repo::{RepoError, Repository};

/// Announces writers' chains again whose announcement is lost, before a prune takes their data for
/// unused.
pub(super) fn announce(
    repository: &Repository,
    history: &History,
) -> Result<Vec<WriterId>, RepoError> {
    let snapshots = history.snapshots();
    let mut announced = Vec::new();
    for writer in history.unannounced().iter().copied() {
        let of_writer = snapshots.iter().find(|info| info.writer == writer);
        let host = of_writer.map(|info| info.snapshot.host.clone()).unwrap_or_default();
        repository.append(|_| Some(GenerationBody::AddWriter { writer, host: host.clone() }))?;
        announced.push(writer);
    }
    Ok(announced)
}

/// The records that can be written off: not an announcement missing at the end of its chain, which
/// is repeated.
pub(super) fn lost(history: &History) -> Vec<GivenUp> {
    let end = Chain::Generations.record(history.next_generation());
    let lost = history.damaged().filter(|record| record.object != end);
    lost.map(|record| GivenUp { object: record.object, found: record.found }).collect()
}

/// Writes off records that cannot be used, as they are found now: each in its slot.
pub(super) fn give_up(repository: &Repository) -> Result<(), RepoError> {
    repository.append(|history| {
        let records = lost(history);
        (!records.is_empty()).then_some(GenerationBody::GiveUp { records })
    })?;
    Ok(())
}
