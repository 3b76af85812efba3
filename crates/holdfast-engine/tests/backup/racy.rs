//! Files that are changed so shortly after being read that a coarse clock gives them the same time:
//! the next backup has their latest content.

use holdfast_format::entry::{FileTime, Metadata};
use jiff::Timestamp;

use super::source::TestEntry;
use super::support::World;

const SECOND: i64 = 1_000_000_000;

/// A file and a folder on a file system with a coarse clock.
struct CoarseDisk {
    now: i64,
    step: i64,
    version: u32,
    changed: i64,
}

impl CoarseDisk {
    fn change(&mut self) {
        self.version += 1;
        self.changed = self.now.div_euclid(self.step) * self.step;
    }

    /// Both as a scan sees them; the content, and the attribute of each, identify the version.
    fn entries(&self) -> [TestEntry; 2] {
        let content = format!("{:08}", self.version);
        let file = TestEntry::file("f", content.as_bytes());
        [TestEntry::directory("d"), file].map(|it| self.stamped(it))
    }

    fn stamped(&self, made: TestEntry) -> TestEntry {
        let version = format!("{:08}", self.version);
        let time = FileTime {
            seconds: self.changed.div_euclid(SECOND),
            nanoseconds: self.changed.rem_euclid(SECOND) as u32,
        };
        let attributes = Ok(vec![(b"user.version".to_vec(), version.into_bytes())]);
        made.with(attributes).scanned_as(|it: &mut Metadata| {
            (it.mtime, it.ctime) = (time, time);
        })
    }
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.0 >> 33) as i64) % limit
    }
}

/// Changes, pauses, backups and clocks that are set back, in any order: each backup has the current
/// file and folder, and an unchanged file is not read over and over.
#[test]
fn a_change_within_one_step_of_the_clock_is_seen_by_the_next_backup() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let step = [1, SECOND / 250, SECOND, 2 * SECOND][seed as usize % 4];
        let mut disk = CoarseDisk { now: 1_700_000_000 * SECOND, step, version: 0, changed: 0 };
        disk.change();
        let world = World::new();
        let mut last_start = 0;
        for _ in 0..10 {
            match dice.below(4) {
                0 => disk.now += dice.below(4 * SECOND),
                1 => disk.now += 10 * SECOND,
                2 => disk.change(),
                // Set back, and written before the clock has caught up; then a backup.
                _ => {
                    disk.now -= dice.below(8 * SECOND);
                    disk.change();
                }
            }
            let start = Timestamp::from_nanosecond(i128::from(disk.now)).unwrap();
            let outcome = world.back_up_with(&disk.entries(), |options| {
                options.capture.snapshot.summary.backup_start = Some(start);
            });
            let entry = &outcome.entries["f"];
            let version = format!("{:08}", disk.version).into_bytes();
            assert_eq!(world.content(entry), version, "seed {seed}");
            assert_eq!(entry.metadata.xattrs[0].1, version, "seed {seed}");
            assert_eq!(outcome.entries["d"].metadata.xattrs[0].1, version, "seed {seed}");
            if disk.changed + 2 * SECOND < last_start.min(disk.now) {
                assert_eq!(outcome.summary.files_unmodified, 1, "seed {seed}");
            }
            last_start = disk.now;
            // Immediately after it was read.
            if dice.below(2) == 0 {
                disk.change();
            }
            disk.now += 1 + dice.below(SECOND / 50);
        }
    }
}

/// Without the start time of the parent, nothing proves that a file is as old as it looks.
#[test]
fn a_parent_that_does_not_say_when_it_began_is_not_relied_on() {
    let world = World::new();
    world.back_up_with(&[TestEntry::file("f", b"old")], |options| {
        options.capture.snapshot.summary.backup_start = None;
    });
    let outcome = world.back_up(&[TestEntry::file("f", b"new")]);
    assert_eq!(world.content(&outcome.entries["f"]), b"new");
    let outcome = world.back_up(&[TestEntry::file("f", b"not")]);
    assert_eq!(world.content(&outcome.entries["f"]), b"new", "now it is");
}

/// A file that had to be read again and is the same counts as unchanged.
#[test]
fn a_file_that_was_read_again_and_is_the_same_is_unmodified() {
    let world = World::new();
    let start = Timestamp::from_second(1_000_000).unwrap();
    let back_up = |bytes: &[u8]| {
        world.back_up_with(&[TestEntry::file("f", bytes)], |options| {
            options.capture.snapshot.summary.backup_start = Some(start);
        })
    };
    back_up(b"same");
    let summary = back_up(b"same").summary;
    assert_eq!((summary.files_unmodified, summary.files_changed), (1, 0));
    let summary = back_up(b"else").summary;
    assert_eq!((summary.files_unmodified, summary.files_changed), (0, 1));
}

/// The store of an object identifies its content: no clock matters, and nothing is requested again.
#[test]
fn an_object_is_known_by_its_identity_however_young_it_is() {
    let world = World::new();
    let start = Timestamp::from_second(1_000_000).unwrap();
    let back_up = |inode: u64, content: &[u8], attribute: &[u8]| {
        let object = TestEntry::file("f", content).scanned_as(|it: &mut Metadata| it.inode = inode);
        let attributes = Ok(vec![(b"user.a".to_vec(), attribute.to_vec())]);
        let object = TestEntry { etag: Some("etag"), ..object.with(attributes) };
        let outcome = world.back_up_with(&[object], |options| {
            options.capture.snapshot.summary.backup_start = Some(start);
        });
        let entry = &outcome.entries["f"];
        (world.content(entry), entry.metadata.xattrs[0].1.clone())
    };
    let first = (b"first".to_vec(), b"one".to_vec());
    assert_eq!(back_up(1, b"first", b"one"), first);
    assert_eq!(back_up(1, b"other", b"two"), first, "neither was requested");
    let other = (b"other".to_vec(), b"two".to_vec());
    assert_eq!(back_up(2, b"other", b"two"), other);
}
