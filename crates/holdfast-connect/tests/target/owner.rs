//! Owners, as far as the user who runs the tests can give things away.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use holdfast_connect::fs::target::{FsTargetOptions, Ownership};
use holdfast_connect::target_conformance::put;
use holdfast_connect::{Replace, Target, TargetError};
use holdfast_format::entry::{Entry, EntryKind, Metadata};

use super::{TargetScene, described, is_root};

fn of_others(mode: u32) -> Metadata {
    let (user, group) = (b"daemon".to_vec(), b"no such group".to_vec());
    Metadata { uid: 12_345, gid: 54_321, user, group, ..described(mode) }
}

fn owner(scene: &TargetScene, path: &str) -> (u32, u32) {
    let found = scene.inside(path).symlink_metadata().unwrap();
    (found.uid(), found.gid())
}

fn restore(scene: &TargetScene) {
    let kind = EntryKind::Symlink(b"nowhere".to_vec());
    let link = Entry { name: b"link".to_vec(), metadata: of_others(0o777), kind };
    let target = &scene.target;
    put(target, b"file", b"content", &of_others(0o6755)).unwrap();
    target.special(b"link", &link, Replace::Entry).unwrap();
    target.directory(b"directory").unwrap();
    target.finish_directory(b"directory", &of_others(0o2755)).unwrap();
}

#[test]
fn by_id_by_name_or_not_at_all() {
    if !is_root() {
        return;
    }
    let cases = [
        (Ownership::ById, (12_345, 54_321), 0o6755),
        (Ownership::ByName, (1, 54_321), 0o6755),
        (Ownership::Leave, (0, 0), 0o755),
    ];
    for (ownership, wanted, mode) in cases {
        let scene = TargetScene::new(FsTargetOptions { ownership, ..FsTargetOptions::default() });
        restore(&scene);
        for path in ["file", "link", "directory"] {
            assert_eq!(owner(&scene, path), wanted, "{path} {ownership:?}");
        }
        let found = scene.inside("file").metadata().unwrap();
        assert_eq!(found.mode() & 0o7777, mode, "{ownership:?}");
    }
}

#[test]
fn a_group_that_a_directory_gives_is_corrected() {
    if !is_root() {
        return;
    }
    let scene = TargetScene::new(FsTargetOptions::default());
    std::fs::create_dir(scene.inside("group")).unwrap();
    std::os::unix::fs::chown(scene.inside("group"), None, Some(77)).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o2755);
    std::fs::set_permissions(scene.inside("group"), mode).unwrap();
    put(&scene.target, b"group/file", b"", &described(0o644)).unwrap();
    scene.target.directory(b"group/below").unwrap();
    put(&scene.target, b"group/below/file", b"", &described(0o644)).unwrap();
    scene.target.finish_directory(b"group/below", &described(0o755)).unwrap();
    for path in ["group/file", "group/below", "group/below/file"] {
        assert_eq!(owner(&scene, path), (0, 0), "{path}");
    }
}

#[test]
fn an_owner_that_cannot_be_set_is_reported() {
    let scene = TargetScene::new(FsTargetOptions::default());
    let metadata = Metadata { uid: u32::MAX, ..described(0o4755) };
    let error = put(&scene.target, b"file", b"content", &metadata).unwrap_err();
    assert!(matches!(error, TargetError::Incomplete { action: "set the owner", .. }));
    let found = scene.inside("file").metadata().unwrap();
    assert_eq!(found.mode() & 0o7777, 0o755, "set-id bits would lend our rights");
}

/// Runs this test again as another user, if `setpriv` and being root allow it.
#[test]
fn not_being_root() {
    if !is_root() {
        return as_other_user();
    }
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(folder.path(), Some(4321), Some(4321)).unwrap();
    let program = folder.path().join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let outcome = Command::new("setpriv")
        .args(["--reuid=4321", "--regid=4321", "--clear-groups", "--inh-caps=-all"])
        .arg(program)
        .args(["owner::not_being_root", "replace::", "metadata::"])
        .env("TMPDIR", folder.path())
        .current_dir(folder.path())
        .output();
    let Ok(outcome) = outcome else { return };
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stdout));
}

fn as_other_user() {
    let scene = TargetScene::new(FsTargetOptions::default());
    restore(&scene);
    let me = (described(0).uid, described(0).gid);
    for path in ["file", "link", "directory"] {
        assert_eq!(owner(&scene, path), me, "{path}");
    }
    let found = scene.inside("file").metadata().unwrap();
    assert_eq!(found.mode() & 0o7777, 0o755);
    scene.target.update_metadata(b"file", &of_others(0o6700)).unwrap();
    std::fs::create_dir(scene.inside("closed")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(scene.inside("closed"), mode).unwrap();
    scene.target.remove(b"closed").unwrap();
    assert!(!scene.inside("closed").exists());
}
