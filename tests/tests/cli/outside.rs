//! A restore writes nothing outside its target, whatever already exists there.

use std::fs;
use std::os::unix::fs::symlink;

use holdfast_tests::picture::picture;
use holdfast_tests::sandbox::Sandbox;

/// A sandbox with one snapshot, and a folder that nothing may touch.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("source/folder/a", "new");
    sandbox.write("source/b", "new");
    sandbox.write("elsewhere/a", "mine");
    sandbox.write("elsewhere/folder/a", "mine");
    sandbox.backup("@source");
    sandbox
}

#[test]
fn a_linked_folder_in_the_target_is_not_followed() {
    let sandbox = sandbox();
    let before = picture(&sandbox.path("elsewhere"));
    fs::create_dir(sandbox.path("out")).unwrap();
    symlink(sandbox.path("elsewhere"), sandbox.path("out/folder")).unwrap();
    sandbox.ok("restore latest:@source -t @out");
    assert_eq!(sandbox.read("out/folder/a"), b"new");
    assert!(sandbox.path("out/folder").symlink_metadata().unwrap().is_dir());
    assert_eq!(picture(&sandbox.path("elsewhere")), before);
}

#[test]
fn a_linked_file_in_the_target_is_replaced_and_not_written_through() {
    let sandbox = sandbox();
    let before = picture(&sandbox.path("elsewhere"));
    fs::create_dir_all(sandbox.path("out/folder")).unwrap();
    symlink(sandbox.path("elsewhere/a"), sandbox.path("out/folder/a")).unwrap();
    symlink("../elsewhere/made", sandbox.path("out/b")).unwrap();
    sandbox.ok("restore latest:@source -t @out");
    assert_eq!(sandbox.read("out/b"), b"new");
    assert!(sandbox.path("out/folder/a").symlink_metadata().unwrap().is_file());
    assert_eq!(picture(&sandbox.path("elsewhere")), before);
}

#[test]
fn what_is_deleted_is_not_deleted_behind_a_link() {
    let sandbox = sandbox();
    let before = picture(&sandbox.path("elsewhere"));
    fs::create_dir(sandbox.path("out")).unwrap();
    symlink(sandbox.path("elsewhere"), sandbox.path("out/surplus")).unwrap();
    sandbox.ok("restore latest:@source -t @out --delete");
    assert!(!sandbox.exists("out/surplus"));
    assert_eq!(picture(&sandbox.path("elsewhere")), before);
}
