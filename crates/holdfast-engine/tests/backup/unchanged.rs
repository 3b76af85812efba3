//! What does not count as a change: other device and inode numbers of the same files, other times
//! of the directories above the named paths.

use holdfast_format::entry::{FileTime, Metadata};

use super::source::TestEntry;
use super::support::World;

fn on(device: u64, inode: u64) -> impl FnOnce(&mut Metadata) {
    move |metadata| (metadata.device, metadata.inode) = (device, inode)
}

/// Two file systems, with a file of two names on one of them.
fn disks(first: u64, second: u64) -> Vec<TestEntry> {
    let twice = |name| {
        let names = |metadata: &mut Metadata| metadata.links = 2;
        TestEntry::file(name, b"twice").scanned_as(on(first, 7)).scanned_as(names)
    };
    vec![
        TestEntry::directory("a")
            .scanned_as(on(first, 2))
            .containing([TestEntry::file("f", b"1").scanned_as(on(first, 3))]),
        TestEntry::directory("b")
            .scanned_as(on(second, 2))
            .containing([TestEntry::file("f", b"2").scanned_as(on(second, 3))]),
        twice("c"),
        twice("d"),
    ]
}

/// A volume mounted elsewhere, a snapshot of it, a reboot: nothing is stored.
#[test]
fn other_device_numbers_are_no_change() {
    let world = World::new();
    let first = world.back_up(&disks(50, 60));
    for (one, two) in [(50, 60), (51, 61), (60, 50), (7, 50)] {
        let again = world.back_up(&disks(one, two));
        assert_eq!(again.tree, first.tree, "{one} {two}");
        assert_eq!(again.summary.files_unmodified, 4);
        assert_eq!((again.summary.tree_blobs, again.summary.dirs_unmodified), (0, 2));
    }
    // A file that was read again gets the number of its device.
    let mut changed = disks(70, 80);
    changed[2].now = Some(Metadata { device: 70, inode: 8, ..TestEntry::metadata() });
    changed[2].scanned.mtime.seconds += 1;
    let outcome = world.back_up(&changed);
    assert_eq!(outcome.entries["c"].metadata.device, 50);
    assert_eq!(outcome.entries["d"].metadata.device, 50);
}

/// Two devices are never merged into one, whatever their numbers were before.
#[test]
fn devices_stay_apart() {
    let world = World::new();
    world.back_up(&disks(50, 50));
    let outcome = world.back_up(&disks(50, 60));
    let device = |name: &str| outcome.entries[name].metadata.device;
    assert_ne!(device("a"), device("b"));
    assert_eq!((device("a"), device("c")), (50, 50));
}

/// If inode numbers are not stable, a file is identified by its times, even one with several names.
#[test]
fn inode_numbers_that_do_not_last_are_no_change() {
    let world = World::new();
    let file = |name: &'static str, inode, links| TestEntry {
        has_lasting_inode: false,
        ..TestEntry::file(name, b"content").scanned_as(|it| (it.inode, it.links) = (inode, links))
    };
    // A snapshot of an earlier version has the numbers.
    world.back_up(&[file("a", 41, 1), file("b", 42, 2), file("c", 42, 2)]);
    let first = world.back_up(&[file("a", 0, 1), file("b", 52, 2), file("c", 52, 2)]);
    assert_eq!(first.summary.files_unmodified, 3);
    let again = world.back_up(&[file("a", 0, 1), file("b", 52, 2), file("c", 52, 2)]);
    assert_eq!((again.tree, again.summary.files_unmodified), (first.tree, 3));
    // If they are stable, another number means another file.
    let lasting = |made| TestEntry { has_lasting_inode: true, ..made };
    let other = world.back_up(&[lasting(file("a", 9, 1)), lasting(file("b", 9, 2))]);
    assert_eq!(other.summary.files_unmodified, 0);
}

/// `--skip-if-unchanged` considers the named paths, not the directories above.
#[test]
fn a_directory_above_is_no_change() {
    let world = World::new();
    let at = |seconds| FileTime { seconds, nanoseconds: 0 };
    let entries = |above: i64, named: i64, content: &[u8]| {
        let named = TestEntry::directory("named")
            .containing([TestEntry::file("f", content)])
            .scanned_as(|it| it.mtime = at(named));
        let above = |it: &mut Metadata| (it.mtime, it.ctime) = (at(above), at(above));
        [TestEntry::directory("above")
            .containing([TestEntry::directory("beside"), named, TestEntry::file("z", b"z")])
            .scanned_as(above)]
    };
    let back_up = |above, named, content: &[u8], paths: &[&str]| {
        let entries = entries(above, named, content);
        let outcome = world.back_up_with(&entries, |options| {
            options.skip_if_unchanged = true;
            options.capture.snapshot.paths = paths.iter().map(|path| (*path).into()).collect();
        });
        outcome.is_saved
    };
    let both = ["/above/named", "/above/z"];
    assert!(back_up(1, 1, b"1", &both), "the first");
    assert!(!back_up(2, 1, b"1", &both));
    assert!(back_up(2, 2, b"1", &both), "a time of what was named");
    assert!(back_up(2, 2, b"22", &both), "a file in it");
    assert!(back_up(3, 2, b"22", &["/above/named"]), "other paths");
    assert!(!back_up(4, 2, b"22", &["/above/named"]));
    assert!(back_up(5, 2, b"22", &["/"]), "the root was named: all of it counts");
    assert!(back_up(6, 2, b"22", &["/"]));
    assert!(!back_up(6, 2, b"22", &["/"]));
}
