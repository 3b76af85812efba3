//! Nothing outside the target is touched.

use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use holdfast_connect::target_conformance::put;
use holdfast_connect::{Replace, Target, TargetError};
use holdfast_format::entry::{Entry, EntryKind};

use super::{TargetScene, described, names};

fn entry(kind: EntryKind) -> Entry {
    Entry { name: b"entry".to_vec(), metadata: described(0o644), kind }
}

#[test]
fn a_linked_parent_is_never_followed() {
    for scene in TargetScene::both() {
        let (target, outside) = (&scene.target, scene.outside());
        std::fs::create_dir(outside.join("deep")).unwrap();
        std::fs::write(outside.join("file"), "precious").unwrap();
        symlink(&outside, scene.inside("link")).unwrap();
        for path in [&b"link/file"[..], b"link/new", b"link/deep/new"] {
            let outcomes = [
                target.file(path, 1, Replace::Entry).map(|_| ()),
                target.directory(path).map(|_| ()),
                target.finish_directory(path, &described(0o777)),
                target.special(path, &entry(EntryKind::Fifo), Replace::Entry),
                target.hard_link(path, b"link/file", Replace::Entry),
                target.hard_link(b"stolen", path, Replace::Entry),
                target.update_metadata(path, &described(0o777)),
                target.read_at(path, 0, &mut [0; 4]).map(|_| ()),
                target.remove(path),
                target.existing(path).map(|_| ()),
                target.list(path).map(|_| ()),
            ];
            for outcome in outcomes {
                assert!(matches!(outcome, Err(TargetError::Escapes)), "{outcome:?}");
            }
        }
        assert!(target.finish_directory(b"link", &described(0o777)).is_err());
        assert_eq!(names(&outside), ["deep", "file"]);
        assert_eq!(names(&outside.join("deep")), [""; 0]);
        assert_eq!(std::fs::read(outside.join("file")).unwrap(), b"precious");
    }
}

#[test]
fn a_link_in_the_place_of_a_directory_is_replaced() {
    for scene in TargetScene::both() {
        let outside = scene.outside();
        symlink(&outside, scene.inside("directory")).unwrap();
        assert!(scene.target.directory(b"directory").unwrap());
        put(&scene.target, b"directory/file", b"content", &described(0o644)).unwrap();
        assert_eq!(names(&outside), [""; 0]);
        assert_eq!(std::fs::read(scene.inside("directory/file")).unwrap(), b"content");
    }
}

#[test]
fn links_at_the_final_name_are_replaced_not_followed() {
    for scene in TargetScene::both() {
        let precious = scene.outside().join("file");
        std::fs::write(&precious, "precious").unwrap();
        symlink(&precious, scene.inside("link")).unwrap();
        assert!(scene.target.read_at(b"link", 0, &mut [0]).is_err());
        assert!(scene.target.update_metadata(b"link", &described(0o777)).is_err());
        let slot = scene.target.file(b"link", 4, Replace::Entry).unwrap();
        assert!(slot.keep(0, 4).is_err());
        drop(slot);
        put(&scene.target, b"link", b"mine", &described(0o644)).unwrap();
        assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
        assert_eq!(std::fs::read(scene.inside("link")).unwrap(), b"mine");
    }
}

#[test]
fn removing_does_not_follow_links() {
    for scene in TargetScene::both() {
        let outside = scene.outside();
        std::fs::write(outside.join("file"), "precious").unwrap();
        std::fs::create_dir_all(scene.inside("tree/below")).unwrap();
        symlink(&outside, scene.inside("tree/below/link")).unwrap();
        symlink(&outside, scene.inside("link")).unwrap();
        for path in [&b"link"[..], b"tree/below/link", b"tree/below", b"tree"] {
            scene.target.remove(path).unwrap();
        }
        assert_eq!(names(&scene.inside("")), [""; 0]);
        assert_eq!(names(&outside), ["file"]);
    }
}

#[test]
fn a_hard_link_to_a_link_is_one_to_the_link_itself() {
    let scene = TargetScene::new(Default::default());
    let precious = scene.outside().join("file");
    std::fs::write(&precious, "precious").unwrap();
    let to = precious.as_os_str().as_encoded_bytes().to_vec();
    scene.target.special(b"link", &entry(EntryKind::Symlink(to)), Replace::Entry).unwrap();
    scene.target.hard_link(b"again", b"link", Replace::Entry).unwrap();
    assert!(scene.inside("again").is_symlink());
    assert_eq!(
        std::fs::metadata(&precious).map(|m| std::os::unix::fs::MetadataExt::nlink(&m)).unwrap(),
        1
    );
    put(&scene.target, b"again", b"mine", &described(0o644)).unwrap();
    assert_eq!(std::fs::read(&precious).unwrap(), b"precious");
}

/// Swaps a directory for a link to the outside, over and over.
fn swap(scene: &TargetScene, until: Instant, is_over: &AtomicBool) {
    let (directory, link) = (scene.inside("raced"), scene.inside("link"));
    let aside = scene.inside("aside");
    while Instant::now() < until {
        if std::fs::rename(&directory, &aside).is_ok() {
            let _ = std::fs::rename(&link, &directory);
            std::hint::spin_loop();
            let _ = std::fs::rename(&directory, &link);
            let _ = std::fs::rename(&aside, &directory);
        }
        if !link.is_symlink() {
            let _ = std::fs::remove_dir_all(&link);
            let _ = symlink(scene.folder.path().join("outside"), &link);
        }
        let _ = std::fs::remove_dir_all(&aside);
    }
    is_over.store(true, Ordering::Relaxed);
}

#[test]
fn a_racing_swap_leads_nowhere() {
    for scene in TargetScene::both() {
        let outside = scene.outside();
        symlink(&outside, scene.inside("link")).unwrap();
        std::fs::create_dir_all(outside.join("below")).unwrap();
        std::fs::write(outside.join("file"), "precious").unwrap();
        let is_over = AtomicBool::new(false);
        let until = Instant::now() + Duration::from_secs(1);
        let mut written = 0;
        std::thread::scope(|scope| {
            scope.spawn(|| swap(&scene, until, &is_over));
            let target = &scene.target;
            while !is_over.load(Ordering::Relaxed) {
                let _ = target.directory(b"raced");
                let _ = target.directory(b"raced/below");
                let outcome = put(target, b"raced/below/file", b"x", &described(0o666));
                written += u32::from(outcome.is_ok());
                let _ = put(target, b"raced/file", b"x", &described(0o666));
                let _ = target.special(b"raced/fifo", &entry(EntryKind::Fifo), Replace::Entry);
                let _ = target.update_metadata(b"raced/file", &described(0o600));
                let _ = target.hard_link(b"raced/hard", b"raced/file", Replace::Entry);
                let _ = target.finish_directory(b"raced/below", &described(0o777));
                let _ = target.finish_directory(b"raced", &described(0o777));
                let _ = target.remove(b"raced");
            }
        });
        assert!(written > 0, "nothing was tried");
        assert_eq!(names(&outside), ["below", "file"]);
        assert_eq!(names(&outside.join("below")), [""; 0]);
        assert_eq!(std::fs::read(outside.join("file")).unwrap(), b"precious");
    }
}
