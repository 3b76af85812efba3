//! Deep, many, large.

use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt;

use holdfast_connect::fs::target::{FsTargetOptions, Resolver};
use holdfast_connect::target_conformance::{get, put};
use holdfast_connect::{Replace, Target};
use holdfast_format::entry::{Entry, EntryKind};

use super::{TargetScene, described, names};

#[test]
fn three_thousand_directories_deep() {
    for resolver in [Resolver::Kernel, Resolver::Walk] {
        let scene = TargetScene::in_memory(resolver);
        let target = &scene.target;
        let mut path = b"deep".to_vec();
        target.directory(&path).unwrap();
        for _ in 0..3000 {
            path.extend_from_slice(b"/nested");
            assert!(target.directory(&path).unwrap());
        }
        assert!(path.len() > 4 * 4096);
        let below = |name: &[u8]| [&path[..], b"/", name].concat();
        put(target, &below(b"file"), b"content", &described(0o644)).unwrap();
        let slot = target.file(&below(b"file"), 7, Replace::Entry).unwrap();
        slot.keep(0, 7).unwrap();
        slot.finish(&described(0o644)).unwrap();
        let kind = EntryKind::Symlink(b"to".to_vec());
        let entry = Entry { name: b"link".to_vec(), metadata: described(0o777), kind };
        target.special(&below(b"link"), &entry, Replace::Entry).unwrap();
        target.hard_link(b"top", &below(b"file"), Replace::Entry).unwrap();
        target.hard_link(&below(b"hard"), b"top", Replace::Entry).unwrap();
        target.update_metadata(&below(b"hard"), &described(0o600)).unwrap();
        assert_eq!(get(target, &below(b"hard")).unwrap(), b"content");
        assert_eq!(target.list(&path).unwrap().len(), 3);
        target.finish_directory(&path, &described(0o755)).unwrap();
        // Closes every directory open on the way, so that the whole path is walked again.
        for number in 0..200 {
            target.directory(format!("other-{number}").as_bytes()).unwrap();
        }
        assert_eq!(get(target, &below(b"file")).unwrap(), b"content");
        // The standard library would open them all at once.
        let deep = scene.inside("deep");
        assert!(std::process::Command::new("rm").arg("-rf").arg(&deep).status().unwrap().success());
    }
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn thousands_of_unfinished_files_take_few_descriptors() {
    let open_files = NonZeroUsize::new(20).unwrap();
    let scene = TargetScene::new(FsTargetOptions { open_files, ..FsTargetOptions::default() });
    let target = &scene.target;
    let path = |number: usize| format!("{}/{number}", number % 100).into_bytes();
    for number in 0..100 {
        target.directory(number.to_string().as_bytes()).unwrap();
    }
    put(target, &path(0), b"old", &described(0o644)).unwrap();
    let slots: Vec<_> =
        (0..2000).map(|number| target.file(&path(number), 9, Replace::Entry).unwrap()).collect();
    for part in 0..2 {
        for slot in &slots {
            slot.write_at(part * 3, b"abc").unwrap();
        }
        // Other tests run at the same time.
        assert!(open_descriptors() < 900, "{}", open_descriptors());
    }
    slots[0].keep(0, 3).unwrap();
    for (number, slot) in slots.into_iter().enumerate() {
        if number % 2 == 0 {
            slot.finish(&described(0o644)).unwrap();
        }
    }
    assert_eq!(get(target, &path(0)).unwrap(), b"oldabc\0\0\0");
    for number in 1..2000 {
        match number % 2 {
            0 => assert_eq!(get(target, &path(number)).unwrap(), b"abcabc\0\0\0"),
            _ => assert!(target.existing(&path(number)).unwrap().is_none()),
        }
    }
    assert_eq!(names(&scene.inside("1")), [""; 0]);
}

#[test]
fn zeros_and_ranges_that_were_never_written_take_no_space() {
    let mut content = vec![0; 8 << 20];
    content[5 << 20] = 1;
    let blocks = |scene: &TargetScene, path| scene.inside(path).metadata().unwrap().blocks() * 512;
    for sparse in [false, true] {
        let scene = TargetScene::new(FsTargetOptions { sparse, ..FsTargetOptions::default() });
        let slot = scene.target.file(b"zeros", content.len() as u64, Replace::Entry).unwrap();
        for (part, start) in content.chunks(1_000_000).zip((0..).step_by(1_000_000)) {
            slot.write_at(start, part).unwrap();
        }
        slot.finish(&described(0o644)).unwrap();
        assert!(std::fs::read(scene.inside("zeros")).unwrap() == content);
        assert_eq!(sparse, blocks(&scene, "zeros") <= 64 << 10);

        let slot = scene.target.file(b"holes", 1 << 40, Replace::Entry).unwrap();
        slot.write_at(1 << 39, b"middle").unwrap();
        slot.finish(&described(0o644)).unwrap();
        let slot = scene.target.file(b"holes", 1 << 40, Replace::Entry).unwrap();
        slot.keep(0, 1 << 40).unwrap();
        slot.finish(&described(0o644)).unwrap();
        assert_eq!(scene.inside("holes").metadata().unwrap().len(), 1 << 40);
        assert!(blocks(&scene, "holes") <= 64 << 10);
        let mut middle = [0; 6];
        scene.target.read_at(b"holes", 1 << 39, &mut middle).unwrap();
        assert_eq!(&middle, b"middle");
    }
}
