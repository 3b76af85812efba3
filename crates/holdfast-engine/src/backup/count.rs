//! Counting a source ahead of its backup, for progress.

use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_connect::{LeafKind, SourceItem};

use super::MakeSource;
use crate::{EngineEvent, Observer};

/// An event is sent after this many files.
const FILES_PER_EVENT: u64 = 1000;

/// Walks the source once without reading it. Errors are left for the backup itself to report.
pub(super) fn count(make_source: &MakeSource<'_>, observer: &dyn Observer, stop: &AtomicBool) {
    let Ok(mut source) = make_source() else { return };
    let (mut files, mut bytes) = (0, 0);
    while let Ok(Some(item)) = source.next() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        if let SourceItem::Leaf(leaf) = item {
            let LeafKind::File { size } = leaf.kind else { continue };
            files += 1;
            bytes += size;
            if files % FILES_PER_EVENT == 0 {
                observer.event(EngineEvent::Total { files, bytes, is_final: false });
            }
        }
    }
    observer.event(EngineEvent::Total { files, bytes, is_final: true });
}
