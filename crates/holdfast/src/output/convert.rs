//! Converts the engine's records to the messages of `--json`.

use holdfast_engine::completeness::{self, Lack};
use holdfast_format::record::{
    Captured, Snapshot as SnapshotRecord, SnapshotSummary as Record, SourceRecord, Text,
};
use holdfast_repo::SnapshotInfo;

use super::json::backup::BackupCounts;
use super::json::snapshot::{
    LackDocument as JsonLack, SnapshotDocument, SnapshotSource, SnapshotSummaryDocument,
};

/// The counts of a backup.
pub fn counts(summary: &Record) -> BackupCounts {
    BackupCounts {
        files_new: summary.files_new,
        files_changed: summary.files_changed,
        files_unmodified: summary.files_unmodified,
        dirs_new: summary.dirs_new,
        dirs_changed: summary.dirs_changed,
        dirs_unmodified: summary.dirs_unmodified,
        data_blobs: summary.data_blobs,
        tree_blobs: summary.tree_blobs,
        data_added: summary.data_added,
        data_added_packed: Some(summary.data_added_packed),
        total_files_processed: summary.total_files_processed,
        total_bytes_processed: summary.total_bytes_processed,
    }
}

/// Text that may not be UTF-8, for display and for JSON.
pub fn lossy(text: &Text) -> String {
    String::from_utf8_lossy(&text.0).into_owned()
}

/// A snapshot.
pub fn snapshot(info: &SnapshotInfo) -> SnapshotDocument {
    let it = &info.snapshot;
    let summary = it.summary.backup_start.map(|backup_start| SnapshotSummaryDocument {
        backup_start,
        backup_end: it.summary.backup_end,
        counts: counts(&it.summary),
    });
    SnapshotDocument {
        time: it.time,
        parent: it.parent.map(|id| id.to_hex()),
        tree: it.sources.first().map(|source| source.tree.to_hex()).unwrap_or_default(),
        sources: sources(it),
        paths: it.paths.iter().map(lossy).collect(),
        hostname: it.host.clone(),
        username: it.user.clone(),
        uid: it.uid,
        gid: it.gid,
        excludes: it.excludes.iter().map(lossy).collect(),
        tags: it.tags.clone(),
        hold: info.hold,
        partial: info.snapshot.partial,
        lacks: completeness::lacks(it, None).iter().map(lack).collect(),
        program_version: it.program.clone(),
        summary,
        id: info.id.to_hex(),
        short_id: info.id.short(),
    }
}

/// One defect of a snapshot.
fn lack(it: &Lack) -> JsonLack {
    let (kind, source, captured) = match it {
        Lack::Unfinished => ("unfinished", None, None),
        Lack::Entries { source, captured } => ("entries", source.clone(), Some(captured)),
        Lack::Shrunk { source, .. } => ("shrunk", source.clone(), None),
        Lack::Check { .. } => ("check", None, None),
    };
    let missed = captured.map(|captured| captured.missed.iter().map(lossy).collect());
    JsonLack {
        kind,
        incomplete: it.is_incomplete(),
        source,
        entries: captured.map(Captured::incomplete).unwrap_or_default(),
        paths: missed.unwrap_or_default(),
        message: it.to_string(),
    }
}

/// The trees of a snapshot with several sources.
fn sources(snapshot: &SnapshotRecord) -> Vec<SnapshotSource> {
    if snapshot.sources.len() < 2 {
        return Vec::new();
    }
    let source = |it: &SourceRecord| SnapshotSource {
        name: it.name.clone(),
        connector: it.connector.clone(),
        tree: it.tree.to_hex(),
    };
    snapshot.sources.iter().map(source).collect()
}
