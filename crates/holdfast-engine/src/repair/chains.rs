//! Writers' chains whose announcement is lost.

use holdfast_format::record::GenerationBody;
use holdfast_repo::Repository;
use holdfast_repo::history::History;

use super::IndexRepair;
use crate::EngineError;

/// Announces them again, before a prune takes what they need for unused.
pub(super) fn announce(
    repository: &Repository,
    history: &History,
    done: &mut IndexRepair,
) -> Result<(), EngineError> {
    let snapshots = history.snapshots();
    for writer in history.unannounced().iter().copied() {
        let of_writer = snapshots.iter().find(|info| info.writer == writer);
        let host = of_writer.map(|info| info.snapshot.host.clone()).unwrap_or_default();
        repository.history().append_generation(
            &**repository.backend(),
            repository.keys(),
            |_| Some(GenerationBody::AddWriter { writer, host: host.clone() }),
        )?;
        done.writers_announced.push(writer);
    }
    Ok(())
}
