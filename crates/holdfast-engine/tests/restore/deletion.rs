//! What records and file systems must say before anything is deleted.

use holdfast_engine::EngineError;
use holdfast_format::BlobId;
use holdfast_format::entry::EntryKind;
use holdfast_format::record::{Captured, Scope, Snapshot};
use holdfast_repo::Repository;

use super::support::{ModelEntry, folder, record, repository, store_folder, writer};
use super::target::Lying;
use super::{open, restored_with_delete};

/// A snapshot of `/m` with a file, and with the empty folder `sub`.
fn stored(repository: &Repository) -> Snapshot {
    let below = [("file", ModelEntry::file("stored")), ("sub", ModelEntry::directory::<&str>([]))];
    let root = folder([("m", ModelEntry::directory(below))]);
    let mut blobs = writer(repository);
    let tree = store_folder(repository, &mut blobs, &root);
    let mut snapshot = record(&mut blobs, &[("files", tree)]);
    snapshot.paths = vec!["/m".into()];
    snapshot.sources[0].scope = Some(Scope::default());
    snapshot
}

fn target(scratch: &tempfile::TempDir) -> Lying {
    std::fs::create_dir_all(scratch.path().join("m/sub/deep")).unwrap();
    std::fs::write(scratch.path().join("m/sub/deep/other"), "other").unwrap();
    std::fs::write(scratch.path().join("m/extra"), "extra").unwrap();
    Lying::new(open(scratch.path()))
}

#[test]
fn other_file_systems_stay() {
    let repository = repository();
    let mut snapshot = stored(&repository);
    let scratch = tempfile::tempdir().unwrap();
    // A file system in a folder that the snapshot has.
    snapshot.sources[0].scope = Some(Scope { one_file_system: true, ..Scope::default() });
    let elsewhere = Lying { elsewhere: b"m/sub", ..target(&scratch) };
    let report = restored_with_delete(&repository, &snapshot, &elsewhere).unwrap();
    assert_eq!(report.files_deleted, 1);
    assert!(scratch.path().join("m/sub/deep/other").exists());
    assert!(!scratch.path().join("m/extra").exists());
    // One in a folder that the snapshot does not have is kept in any case.
    snapshot.sources[0].scope = Some(Scope::default());
    let elsewhere = Lying { elsewhere: b"m/sub/deep", ..target(&scratch) };
    let report = restored_with_delete(&repository, &snapshot, &elsewhere).unwrap();
    assert_eq!(report.files_deleted, 1);
    assert!(scratch.path().join("m/sub/deep/other").exists());
    // Where the backup entered it, entries that it lacks are deleted.
    let elsewhere = Lying { elsewhere: b"m/sub", ..target(&scratch) };
    let report = restored_with_delete(&repository, &snapshot, &elsewhere).unwrap();
    assert_eq!(report.files_deleted, 3);
    assert!(!scratch.path().join("m/sub/deep").exists());
}

#[test]
fn records_that_do_not_say_what_they_lack_delete_nothing() {
    let repository = repository();
    let whole = stored(&repository);
    let partial = Snapshot { partial: true, ..whole.clone() };
    let mut unread = whole.clone();
    let missed = vec!["/m/a".into()];
    unread.sources[0].captured = Some(Captured { unread: 2, missed, ..Captured::default() });
    let mut early = whole.clone();
    early.sources[0].scope = None;
    for snapshot in [partial, unread, early] {
        let scratch = tempfile::tempdir().unwrap();
        let outcome = restored_with_delete(&repository, &snapshot, &target(&scratch));
        assert!(matches!(outcome, Err(EngineError::DeleteRefused { .. })), "{outcome:?}");
        assert!(scratch.path().join("m/extra").exists());
        assert!(!scratch.path().join("m/file").exists(), "nothing was started");
    }
    let mut stream = whole;
    stream.sources[0].connector = "stream".to_owned();
    let scratch = tempfile::tempdir().unwrap();
    let report = restored_with_delete(&repository, &stream, &target(&scratch)).unwrap();
    assert_eq!((report.files_deleted, report.files_restored), (0, 3));
}

/// For a folder that cannot be read it is unknown what it lacks.
#[test]
fn in_a_folder_that_is_damaged_nothing_is_deleted() {
    let repository = repository();
    let lost = ModelEntry::Other(
        EntryKind::Directory(BlobId::from_bytes([7; 32])),
        super::support::metadata(0o755),
    );
    let root = folder([(
        "m",
        ModelEntry::directory([("lost", lost), ("file", ModelEntry::file("stored"))]),
    )]);
    let mut blobs = writer(&repository);
    let tree = store_folder(&repository, &mut blobs, &root);
    let mut snapshot = record(&mut blobs, &[("files", tree)]);
    snapshot.paths = vec!["/m".into()];
    snapshot.sources[0].scope = Some(Scope::default());
    let scratch = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(scratch.path().join("m/lost")).unwrap();
    std::fs::write(scratch.path().join("m/lost/last copy"), "x").unwrap();
    let report = restored_with_delete(&repository, &snapshot, &open(scratch.path())).unwrap();
    assert_eq!((report.errors, report.files_deleted), (1, 0));
    assert!(scratch.path().join("m/lost/last copy").exists());
    assert_eq!(std::fs::read(scratch.path().join("m/file")).unwrap(), b"stored");
}
