//! Field names are stable: the output is compared with what restic's scripts expect.

use std::time::Duration;

use holdfast_app::hooks::EndState;
use holdfast_app::notify::{CheckNotice, RunNotice, SourceNotice};
use holdfast_engine::Added;
use insta::assert_snapshot;
use jiff::Timestamp;

use super::backup::{BackupCounts, BackupStatus, BackupSummary, BackupVerboseStatus, Initialized};
use super::listing::{
    DiffChange, DiffStat, DiffStatisticsDocument, LsNode, LsSnapshot, NodeDocument,
};
use super::maintenance::{CheckSummary, KeyEntry, StatsDocument};
use super::run::RunDocument;
use super::snapshot::{
    ForgetGroup, KeepReason, SnapshotDocument, SnapshotSummaryDocument, TagChanged, TagSummary,
};
use super::{EntryError, restore};

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn time() -> Timestamp {
    "2026-09-01T12:00:00.5Z".parse().unwrap()
}

fn snapshot() -> SnapshotDocument {
    SnapshotDocument {
        time: time(),
        tree: "aa".to_owned(),
        paths: vec!["/srv".to_owned()],
        hostname: "web".to_owned(),
        username: "root".to_owned(),
        tags: vec!["daily".to_owned()],
        program_version: "holdfast 0.1.0".to_owned(),
        summary: Some(SnapshotSummaryDocument {
            backup_start: time(),
            backup_end: Some(time()),
            counts: BackupCounts::default(),
        }),
        id: "1a2b3c4d5e".to_owned(),
        short_id: "1a2b3c4d".to_owned(),
        ..SnapshotDocument::default()
    }
}

#[test]
fn backup() {
    let status =
        BackupStatus { message_type: "status", percent_done: Some(0.5), ..BackupStatus::default() };
    let full = BackupStatus {
        seconds_elapsed: 2,
        seconds_remaining: Some(2),
        total_files: 4,
        files_done: 2,
        total_bytes: 8,
        bytes_done: 4,
        error_count: 1,
        current_files: vec!["/a".to_owned()],
        ..status.clone()
    };
    let added = Added { data: 7, metadata: 3, reading: Duration::from_millis(1500) };
    let end = "2026-09-01T12:00:02Z".parse().unwrap();
    let summary =
        BackupSummary::new(BackupCounts { files_new: 1, ..BackupCounts::default() }, time(), end);
    let stored =
        BackupSummary { snapshot_id: Some("1a".to_owned()), dry_run: true, ..summary.clone() };
    assert_snapshot!(
        [
            json(&Initialized::new("1a".to_owned(), "/srv/x".to_owned())),
            json(&status),
            json(&full),
            json(&BackupVerboseStatus::new("new", b"/caf\xe9", false, added)),
            json(&BackupVerboseStatus::scan_finished(Duration::from_secs(2), 4, 8)),
            json(&EntryError::new(b"/a", "archival", "permission denied")),
            json(&summary),
            json(&stored),
        ]
        .join("\n")
    );
}

#[test]
fn restores() {
    let counts = restore::RestoreCounts { total_files: 4, bytes_restored: 8, ..Default::default() };
    let status = restore::RestoreStatus {
        message_type: "status",
        seconds_elapsed: 0,
        seconds_remaining: None,
        percent_done: Some(0.25),
        counts,
    };
    assert_snapshot!(
        [
            json(&status),
            json(&restore::RestoreSummary::new(3, counts)),
            json(&restore::RestoreVerboseStatus::new("restored", b"/a", 5)),
        ]
        .join("\n")
    );
}

#[test]
fn snapshots() {
    let group = ForgetGroup {
        host: "web".to_owned(),
        keep: vec![snapshot()],
        reasons: vec![KeepReason { snapshot: snapshot(), matches: vec!["last snapshot".into()] }],
        ..ForgetGroup::default()
    };
    assert_snapshot!(
        [
            json(&snapshot()),
            json(&SnapshotDocument { summary: None, hold: true, ..snapshot() }),
            json(&group),
            json(&TagChanged::new("1a".to_owned())),
            json(&TagSummary::new(1)),
        ]
        .join("\n")
    );
}

#[test]
fn listings() {
    let (path, path_base64) = super::name(b"/caf\xe9");
    let node = NodeDocument {
        name: "x".to_owned(),
        kind: "file",
        path,
        path_base64,
        size: Some(0),
        mode: 0o644,
        permissions: "-rw-r--r--".to_owned(),
        mtime: Some(time()),
        ..NodeDocument::default()
    };
    let statistics = DiffStatisticsDocument {
        message_type: "statistics",
        source_snapshot: "1a".to_owned(),
        target_snapshot: "2b".to_owned(),
        changed_files: 1,
        added: DiffStat::default(),
        removed: DiffStat::default(),
    };
    assert_snapshot!(
        [
            json(&LsSnapshot::new(SnapshotDocument { summary: None, ..snapshot() })),
            json(&LsNode::new(node, 7)),
            json(&DiffChange::new(b"/a", "M")),
            json(&statistics),
        ]
        .join("\n")
    );
}

#[test]
fn maintenance() {
    let key = KeyEntry {
        current: true,
        id: "1a".to_owned(),
        user_name: "root".to_owned(),
        host_name: "web".to_owned(),
        created: Some(time()),
        label: String::new(),
        kind: "passphrase",
    };
    assert_snapshot!(
        [
            json(&CheckSummary { message_type: "summary", ..CheckSummary::default() }),
            json(&StatsDocument { total_size: 5, ..StatsDocument::default() }),
            json(&key),
        ]
        .join("\n")
    );
}

/// The document of `run`, which webhooks receive.
#[test]
fn the_document_of_a_run() {
    let time = |text: &str| text.parse().unwrap();
    let frame = RunNotice::new(
        "documenso",
        "0190a1b2-0000-7000-8000-000000000001",
        "web-1",
        time("2026-09-01T12:00:00Z"),
        time("2026-09-01T12:01:30.5Z"),
    );
    let source = |name: &str, kind: &str| SourceNotice {
        name: name.to_owned(),
        kind: kind.to_owned(),
        state: EndState::Ok,
        duration_seconds: 12.5,
        files: 10,
        total_bytes: 2000,
        added_bytes: 30,
        errors: 0,
        missing_objects: 0,
    };
    let notice = RunNotice {
        state: EndState::Incomplete,
        exit_code: 3,
        snapshot: Some("c0ffee".to_owned()),
        total_bytes: 4000,
        added_bytes: 60,
        sources: vec![
            source("database", "postgres"),
            SourceNotice { errors: 1, missing_objects: 2, ..source("documents", "bucket") },
        ],
        checks: vec![CheckNotice {
            name: "every document has its object".to_owned(),
            passed: false,
            message: "2 of 10 are missing".to_owned(),
        }],
        warnings: vec!["the certificate ends soon".to_owned()],
        ..frame
    };
    let document = serde_json::to_value(RunDocument::from(&notice)).unwrap();
    insta::assert_json_snapshot!(document);
}
