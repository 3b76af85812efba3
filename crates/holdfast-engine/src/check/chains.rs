//! The chains of records, read anew from their beginning.

use holdfast_format::name::Chain;
use holdfast_repo::history::History;

use super::finding::{FORGET_RECORD, REPAIR_INDEX, RESTORE_RECORD};
use super::listing::Listing;
use super::{FindingKind, Run};
use crate::EngineError;

/// Reads all chains and reports records that are damaged, missing, or do not continue the one
/// before.
pub(super) fn check(run: &mut Run<'_>, listing: &Listing) -> Result<History, EngineError> {
    let mut history = History::default();
    history.refresh(&**run.repository.backend(), run.repository.keys())?;
    let end = Chain::Generations.record(history.next_generation());
    for record in history.damaged() {
        let next = match record.object.starts_with("w/") {
            true => FORGET_RECORD,
            // Nothing but the announcement of a chain is known to be lost, and that can be
            // repeated.
            false if record.object == end => REPAIR_INDEX,
            false => RESTORE_RECORD,
        };
        let message = format!("record {} cannot be used: {}", record.object, record.reason);
        run.findings.add(FindingKind::Record, &record.object, message, next);
    }
    let known: Vec<String> =
        history.writers().into_iter().map(|writer| Chain::Writer(writer).folder()).collect();
    for folder in listing.chains.iter().filter(|folder| !known.contains(folder)) {
        run.note(format!("{folder} is the chain of no writer of this repository; it is not read"));
    }
    Ok(history)
}
