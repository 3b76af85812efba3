//! The chains of records, read from the repository from their beginning.

use holdfast_format::name::Chain;
use holdfast_repo::history::History;

use super::finding::{FindingKind, Remedy};
use super::listing::ObjectListing;
use super::run::CheckRun;
use crate::EngineError;

/// Reads all chains and reports records that are damaged, missing, or do not continue the preceding
/// one.
pub(super) fn check(
    run: &mut CheckRun<'_>,
    listing: &ObjectListing,
) -> Result<History, EngineError> {
    let history = run.repository.read_history()?;
    let end = Chain::Generations.record(history.next_generation());
    for record in history.damaged() {
        let next = match record.object.starts_with("w/") {
            true => Remedy::WriteOffRecord,
            // Only the announcement of a chain is known to be lost, and it can be repeated.
            false if record.object == end => Remedy::RepairIndex,
            false => Remedy::WriteOffGeneration,
        };
        let mut message = format!("record {} cannot be used: {}", record.object, record.reason);
        if let Some(other) = record.found.and_then(|found| history.snapshot(&found)) {
            let place = Chain::Writer(other.writer).record(other.sequence);
            if place != record.object {
                message += &format!("; it contains the bytes of {place}");
            }
        }
        run.findings.add(FindingKind::Record, &record.object, message, next);
    }
    let known: Vec<String> =
        history.writers().into_iter().map(|writer| Chain::Writer(writer).folder()).collect();
    for folder in listing.chains.iter().filter(|folder| !known.contains(folder)) {
        run.note(format!("{folder} is not the chain of any known writer; it is ignored"));
    }
    Ok(history)
}
