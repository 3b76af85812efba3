//! Whether a snapshot has everything that its sources had, and what it lacks.
//!
//! A *source* of a snapshot is complete if all its entries could be read, none changed while being
//! read, and no repair left one out. It is shrunk if it has far less than when it was last complete
//! and not shrunk; this may be all that the source had, or an empty folder where a disk should be
//! mounted. A *snapshot* is complete if its backup finished and all its sources are complete. It is
//! sound if, in addition, none of them is shrunk and every check passed.
//!
//! Records of early versions without these fields are judged by the errors that they count.

mod lack;
mod quality;
mod series;
mod shrink;
#[cfg(test)]
mod tests;

use holdfast_format::record::{Captured, Snapshot, SourceExtent, SourceRecord};

pub use lack::{Lack, lacks, lacks_within};
pub use quality::{Grade, Quality, SourceQuality};
pub use series::{baseline, last_sound};
pub use shrink::{ShrinkLimit, ShrinkLimitError};

/// What a snapshot has of a source, and what it lacks.
pub fn captured(snapshot: &Snapshot, source: &SourceRecord) -> Captured {
    let early = || Captured {
        extent: extent(snapshot, source).unwrap_or_default(),
        // It is unknown which of its sources had them.
        unread: snapshot.summary.errors,
        ..Captured::default()
    };
    source.captured.clone().unwrap_or_else(early)
}

/// How much of a source is in a snapshot, as far as that is known.
fn extent(snapshot: &Snapshot, source: &SourceRecord) -> Option<SourceExtent> {
    match (&source.captured, snapshot.sources.len()) {
        (Some(captured), _) => Some(captured.extent),
        (None, 1) => Some(SourceExtent {
            entries: snapshot.summary.total_files_processed,
            bytes: snapshot.summary.total_bytes_processed,
        }),
        (None, _) => None,
    }
}

/// True if no check of the application failed; `None` if the snapshot is not of an application, or
/// there were no checks.
fn checks_passed(snapshot: &Snapshot) -> Option<bool> {
    let checks = &snapshot.application.as_ref()?.checks;
    (!checks.is_empty()).then(|| checks.iter().all(|check| check.passed))
}
