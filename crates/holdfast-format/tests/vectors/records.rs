//! Records of both kinds of chains.

use holdfast_format::record::{
    Application, Captured, CheckRecord, GenerationBody, GivenUp, KeyFingerprint, Marker, Record,
    Scope, Snapshot, SnapshotSummary, SourceExtent, SourceRecord, Text, Window, WriterBody, decode,
    encode,
};
use holdfast_format::{ObjectId, RepositoryId, SlotId};

use super::sample::{VectorSample, blob_id, object_id, sample, session_id, writer_id};

/// A snapshot without any optional field.
fn bare_snapshot() -> Snapshot {
    Snapshot {
        time: "2026-11-20T14:00:00Z".parse().unwrap(),
        host: "alpha.example".to_owned(),
        user: String::new(),
        uid: 0,
        gid: 0,
        paths: vec![Text::from("/srv")],
        tags: Vec::new(),
        excludes: Vec::new(),
        program: String::new(),
        parent: None,
        partial: false,
        sources: vec![source("files", 1)],
        application: None,
        session: session_id(2),
        index: Vec::new(),
        summary: SnapshotSummary::default(),
    }
}

fn source(connector: &str, tree: u8) -> SourceRecord {
    let (name, connector) = (connector.to_owned(), connector.to_owned());
    SourceRecord::new(name, connector, blob_id(tree))
}

/// A snapshot with every field.
fn full_snapshot() -> Snapshot {
    let summary = SnapshotSummary {
        backup_start: Some("2026-11-20T14:00:00.123456789Z".parse().unwrap()),
        backup_end: Some("2026-11-20T14:00:02Z".parse().unwrap()),
        files_new: 1,
        files_changed: 2,
        files_unmodified: 3,
        dirs_new: 4,
        dirs_changed: 5,
        dirs_unmodified: 6,
        data_blobs: 7,
        tree_blobs: 8,
        data_added: 9,
        data_added_packed: 10,
        total_files_processed: 11,
        total_bytes_processed: u64::MAX,
        errors: 12,
    };
    Snapshot {
        user: "ada".to_owned(),
        uid: 1000,
        gid: 100,
        paths: vec![Text::from("/srv"), Text(b"/\xff".to_vec())],
        tags: vec!["daily".to_owned(), "\u{fc}ber".to_owned()],
        excludes: vec![Text::from("*.tmp")],
        program: "holdfast 0.1.0".to_owned(),
        parent: Some(object_id(3)),
        partial: true,
        sources: vec![source("files", 1), source("stream", 4)],
        index: vec![object_id(5)],
        summary,
        ..bare_snapshot()
    }
}

/// A snapshot of an application.
fn application_snapshot() -> Snapshot {
    let window = Window {
        begin: "2026-11-20T14:00:00Z".parse().unwrap(),
        end: "2026-11-20T14:00:01.5Z".parse().unwrap(),
    };
    let token = [("lsn", "0/16B3748"), ("system", "7300000000000000000")];
    let token = token.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let database = SourceRecord {
        window: Some(window),
        token: token.collect(),
        ..SourceRecord::new("database", "postgres", blob_id(1))
    };
    let application = Application {
        name: "documenso".to_owned(),
        run: "0123456789abcdef".to_owned(),
        linked_repository: Some(RepositoryId::from_bytes([10; 32])),
        linked_snapshot: Some(object_id(11)),
        keys: vec![KeyFingerprint {
            source: "certificate".to_owned(),
            path: Text::from("/opt/documenso/cert.p12"),
            fingerprint: "00ff".to_owned(),
        }],
        checks: vec![CheckRecord {
            name: "every document has its object".to_owned(),
            passed: false,
            checked: 1000,
            failed: 1,
            orphans: 2,
        }],
    };
    Snapshot {
        sources: vec![database, source("bucket", 2)],
        application: Some(application),
        ..bare_snapshot()
    }
}

/// A snapshot that lacks something of its sources.
fn incomplete_snapshot() -> Snapshot {
    let holed = Captured {
        extent: SourceExtent { entries: 2, bytes: 300 },
        unread: 2,
        changed: 1,
        lost: 3,
        missed: vec![Text::from("/srv/a"), Text(b"/srv/\xff".to_vec())],
        shrunk_from: Some(SourceExtent { entries: 21, bytes: u64::MAX }),
    };
    let whole = Captured { extent: SourceExtent { entries: 1, bytes: 0 }, ..Captured::default() };
    Snapshot {
        sources: vec![
            SourceRecord { captured: Some(holed), ..source("files", 1) },
            SourceRecord { captured: Some(whole), ..source("bucket", 2) },
        ],
        ..bare_snapshot()
    }
}

/// A snapshot of files that records what was excluded.
fn scoped_snapshot() -> Snapshot {
    let marker = |name: &str, header: &[u8]| Marker {
        name: Text::from(name),
        header: Text(header.to_vec()),
    };
    let scope = Scope {
        paths: vec![Text::from("/srv"), Text(b"/\xff".to_vec())],
        excludes: vec![Text::from("*.tmp"), Text::from("!keep.tmp")],
        excludes_any_case: vec![Text::from("*.BAK")],
        one_file_system: true,
        exclude_caches: true,
        exclude_if_present: vec![marker(".nobackup", b""), marker("TAG", b"Signature")],
        exclude_larger_than: Some(1 << 33),
        gitignore: true,
    };
    let nothing = SourceRecord { scope: Some(Scope::default()), ..source("files", 2) };
    let files = SourceRecord { scope: Some(scope), ..source("files", 1) };
    Snapshot { sources: vec![files, nothing], ..bare_snapshot() }
}

pub fn writer_records() -> Vec<VectorSample> {
    [
        ("first snapshot of a chain", ObjectId::NONE, snapshot(bare_snapshot())),
        ("snapshot with everything in it", object_id(6), snapshot(full_snapshot())),
        ("snapshot of an application", object_id(6), snapshot(application_snapshot())),
        ("snapshot without all of its sources", object_id(6), snapshot(incomplete_snapshot())),
        ("snapshot that says what was left out", object_id(6), snapshot(scoped_snapshot())),
        ("fence", object_id(7), WriterBody::Fence { generation: 4_294_967_296 }),
        ("pin", object_id(8), WriterBody::Pin { snapshot: object_id(9), paths: Vec::new() }),
        (
            "pin of a backup",
            object_id(8),
            WriterBody::Pin { snapshot: ObjectId::NONE, paths: vec![Text::from("/srv/data")] },
        ),
    ]
    .map(|(name, previous, body)| sample(name, Record { previous, body }, encode, decode))
    .into()
}

fn snapshot(snapshot: Snapshot) -> WriterBody {
    WriterBody::Snapshot(Box::new(snapshot))
}

pub fn generation_records() -> Vec<VectorSample> {
    let sweep = GenerationBody::Sweep {
        condemn: 1,
        packs: vec![object_id(1)],
        rescued: vec![object_id(2)],
        index: vec![object_id(3)],
        replaced: vec![object_id(4)],
    };
    let condemn = GenerationBody::Condemn {
        packs: vec![object_id(1), object_id(2)],
        targets: vec![object_id(5)],
        writers: vec![writer_id(6)],
        index: vec![object_id(4)],
    };
    let damaged = "w/06060606060606060606060606060606/0000000003".to_owned();
    let missing = "gen/0000000004".to_owned();
    let given_up = vec![
        GivenUp { object: damaged, found: Some(object_id(10)) },
        GivenUp { object: missing, found: None },
    ];
    let host = "alpha.example".to_owned();
    let tags = vec!["kept".to_owned()];
    [
        ("add-writer", GenerationBody::AddWriter { writer: writer_id(6), host }),
        ("forget", GenerationBody::Forget { snapshots: vec![object_id(7), object_id(8)] }),
        ("amend", GenerationBody::Amend { snapshot: object_id(9), tags, hold: true }),
        ("condemn", condemn),
        ("sweep", sweep),
        ("give-up", GenerationBody::GiveUp { records: given_up }),
        ("remove-key", GenerationBody::RemoveKey { slot: SlotId::from_bytes([0x0a; 8]) }),
        ("checkpoint", GenerationBody::Checkpoint {}),
    ]
    .map(|(name, body)| sample(name, Record { previous: object_id(0xb0), body }, encode, decode))
    .into()
}
