//! What already exists there, and what others see during the restore.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_connect::fs::target::{FsTargetOptions, is_temporary_name};
use holdfast_connect::target_conformance::put;
use holdfast_connect::{Replace, Target};
use holdfast_format::entry::{Entry, EntryKind};

use super::{TargetScene, described, names};

#[test]
fn a_read_only_file_is_replaced_and_its_other_names_keep_the_old_content() {
    let scene = TargetScene::new(FsTargetOptions::default());
    std::fs::write(scene.inside("file"), "old").unwrap();
    std::fs::hard_link(scene.inside("file"), scene.inside("other")).unwrap();
    let read_only = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(scene.inside("file"), read_only).unwrap();
    put(&scene.target, b"file", b"new", &described(0o600)).unwrap();
    assert_eq!(std::fs::read(scene.inside("file")).unwrap(), b"new");
    assert_eq!(std::fs::read(scene.inside("other")).unwrap(), b"old");
    assert_eq!(scene.inside("file").metadata().unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_closed_directory_is_opened_and_filled() {
    let scene = TargetScene::new(FsTargetOptions::default());
    std::fs::create_dir(scene.inside("closed")).unwrap();
    let closed = std::fs::Permissions::from_mode(0o050);
    std::fs::set_permissions(scene.inside("closed"), closed).unwrap();
    assert!(!scene.target.directory(b"closed").unwrap());
    put(&scene.target, b"closed/file", b"new", &described(0o600)).unwrap();
    assert_eq!(scene.inside("closed").metadata().unwrap().mode() & 0o7777, 0o750);
    scene.target.finish_directory(b"closed", &described(0o500)).unwrap();
    assert_eq!(scene.inside("closed").metadata().unwrap().mode() & 0o7777, 0o500);
}

#[test]
fn new_directories_and_unfinished_files_are_private() {
    let scene = TargetScene::new(FsTargetOptions::default());
    scene.target.directory(b"new").unwrap();
    let slot = scene.target.file(b"new/file", 3, Replace::Entry).unwrap();
    let temporary = names(&scene.inside("new")).remove(0);
    assert!(is_temporary_name(temporary.as_encoded_bytes()));
    let mode = |path: &str| scene.inside(path).metadata().unwrap().mode() & 0o7777;
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode("new"), 0o700);
    assert_eq!(mode(&format!("new/{}", temporary.display())), 0o600);
    drop(slot);
    assert_eq!(names(&scene.inside("new")), [""; 0]);
}

#[test]
fn nothing_is_left_where_a_file_could_not_be_finished() {
    let scene = TargetScene::new(FsTargetOptions::default());
    let name = [b'x'; 256];
    let slot = scene.target.file(&name, 1, Replace::Entry).unwrap();
    slot.write_at(0, b"x").unwrap();
    assert!(slot.finish(&described(0o600)).is_err());
    let slot = scene.target.file(b"too-big", u64::MAX, Replace::Entry).unwrap();
    assert!(slot.write_at(u64::MAX, b"xx").is_err());
    assert!(slot.write_at(u64::MAX - 1, b"x").is_err());
    assert!(slot.finish(&described(0o600)).is_err());
    let entry = Entry {
        name: b"link".to_vec(),
        metadata: described(0o777),
        kind: EntryKind::Symlink(b"to".to_vec()),
    };
    assert!(scene.target.special(&name, &entry, Replace::Entry).is_err());
    assert!(scene.target.hard_link(&name, b"missing", Replace::Entry).is_err());
    assert_eq!(names(&scene.inside("")), [""; 0]);
}

#[test]
fn a_file_appears_complete_or_not_at_all() {
    let scene = TargetScene::new(FsTargetOptions::default());
    let is_over = AtomicBool::new(false);
    let (path, bytes) = (scene.inside("file"), 200_000);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut seen = 0;
            while !is_over.load(Ordering::Relaxed) {
                if let Ok(content) = std::fs::read(&path) {
                    assert_eq!(content.len(), bytes);
                    assert!(content.iter().all(|byte| *byte == content[0]));
                    seen += 1;
                }
            }
            assert!(seen > 0);
        });
        for round in 0..300u32 {
            let content = vec![b'a' + (round % 26) as u8; bytes];
            let slot = scene.target.file(b"file", bytes as u64, Replace::Entry).unwrap();
            for (part, start) in content.chunks(50_000).zip((0..).step_by(50_000)) {
                slot.write_at(start, part).unwrap();
            }
            slot.finish(&described(0o644)).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
}
