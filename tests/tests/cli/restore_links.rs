//! Hard-linked files: each name follows the rule for existing files on its own, and either gets the
//! stored bytes or keeps the user's.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use holdfast_tests::sandbox::Sandbox;

const USER: &[u8] = b"of the user";
const NAMES: [&str; 2] = ["a", "b"];

/// A snapshot of one file with two names. Most of it is in a pack of its own.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut stored = vec![0; 50_000];
    blake3::Hasher::new().update(b"stored").finalize_xof().fill(&mut stored);
    let first = sandbox.write("source/a", stored);
    fs::hard_link(&first, sandbox.path("source/b")).unwrap();
    set_mtime(&first, -1);
    sandbox.backup("@source");
    sandbox
}

/// Changes a byte in the largest pack.
fn damage(sandbox: &Sandbox) {
    let size = |name: &String| sandbox.path("repository").join(name).metadata().unwrap().len();
    let pack = sandbox.objects("packs").into_iter().max_by_key(size).unwrap();
    let path = sandbox.path("repository").join(pack);
    let mut bytes = fs::read(&path).unwrap();
    bytes[20_000] ^= 1;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, bytes).unwrap();
}

/// Sets a time this many days away.
fn set_mtime(path: &Path, days: i64) {
    let distance = Duration::from_secs(days.unsigned_abs() * 86_400);
    let now = SystemTime::now();
    let time = if days > 0 { now + distance } else { now - distance };
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// One row of the table.
struct LinkRow {
    mode: &'static str,
    /// The names under which the user has own files, and whether those are newer than stored.
    users: [Option<bool>; 2],
    is_damaged: bool,
}

impl LinkRow {
    /// True if the rule leaves the user's file under a name alone.
    fn keeps(&self, place: usize) -> bool {
        match (self.mode, self.users[place]) {
            (_, None) => false,
            ("never", _) => true,
            ("if-newer", Some(is_newer)) => is_newer,
            _ => false,
        }
    }

    fn check(&self, sandbox: &Sandbox, stored: &[u8]) {
        let name = format!("{} users {:?} damaged {}", self.mode, self.users, self.is_damaged);
        let out = sandbox.path("out");
        let _ = fs::remove_dir_all(&out);
        fs::create_dir(&out).unwrap();
        for (file, user) in NAMES.iter().zip(self.users) {
            if let Some(is_newer) = user {
                let path = sandbox.write(format!("out/{file}"), USER);
                set_mtime(&path, if is_newer { 1 } else { -100 });
            }
        }
        let line = format!("restore latest:@source -t @out --overwrite {}", self.mode);
        let outcome = sandbox.run(&line);
        let wants_content = (0..2).any(|place| !self.keeps(place));
        let is_lost = self.is_damaged && wants_content;
        assert_eq!(outcome.code, Some(i32::from(is_lost)), "{name}: {outcome:?}");
        for (place, file) in NAMES.iter().enumerate() {
            let found = fs::read(out.join(file)).ok();
            let expected = match (self.keeps(place) || self.is_damaged, self.users[place]) {
                (true, Some(_)) => Some(USER),
                (true, None) => None,
                (false, _) => Some(stored),
            };
            assert!(found.as_deref() == expected, "{name}: {file} holds something else");
            if is_lost && !self.keeps(place) {
                outcome.says(&format!("/{file}: "));
            }
        }
        let both_stored = !self.is_damaged && (0..2).all(|place| !self.keeps(place));
        if both_stored {
            let [a, b] = NAMES.map(|file| fs::metadata(out.join(file)).unwrap().ino());
            assert_eq!(a, b, "{name}: the names are one file");
        }
    }
}

#[test]
fn every_name_follows_the_rule_in_every_mode() {
    let sandbox = sandbox();
    let stored = sandbox.read("source/a");
    for is_damaged in [false, true] {
        if is_damaged {
            damage(&sandbox);
        }
        for mode in ["always", "if-changed", "if-newer", "never"] {
            let is_newer = [None, Some(true), Some(false)];
            for first in is_newer {
                for second in is_newer {
                    let users = [first, second];
                    LinkRow { mode, users, is_damaged }.check(&sandbox, &stored);
                }
            }
        }
    }
}

#[test]
fn names_that_are_right_become_one_file_again() {
    let sandbox = sandbox();
    let inodes = || NAMES.map(|name| fs::metadata(sandbox.path("out").join(name)).unwrap().ino());
    for mode in ["always", "if-changed", "if-newer", "never"] {
        let _ = fs::remove_dir_all(sandbox.path("out"));
        sandbox.ok("restore latest:@source -t @out");
        let before = inodes();
        sandbox.ok(&format!("restore latest:@source -t @out --overwrite {mode} --verify"));
        assert_eq!(inodes(), before, "{mode}: nothing was to be done");
        fs::remove_file(sandbox.path("out/b")).unwrap();
        sandbox.ok(&format!("restore latest:@source -t @out --overwrite {mode}"));
        assert!(sandbox.read("out/b") == sandbox.read("source/b"), "{mode}");
        if matches!(mode, "always" | "if-changed") {
            assert_eq!(inodes(), before, "{mode}: the second name is made again");
        }
    }
}

/// A file that only looks unchanged is compared before another name becomes a link to it.
#[test]
fn nothing_is_linked_to_what_is_only_believed_to_be_right() {
    let sandbox = sandbox();
    sandbox.ok("restore latest:@source -t @out");
    let time = fs::metadata(sandbox.path("out/a")).unwrap().modified().unwrap();
    fs::remove_file(sandbox.path("out/b")).unwrap();
    let changed = sandbox.write("out/a", vec![7; 50_000]);
    fs::File::options().write(true).open(changed).unwrap().set_modified(time).unwrap();
    sandbox.ok("restore latest:@source -t @out --overwrite if-changed");
    assert!(sandbox.read("out/a") == vec![7; 50_000], "it is believed");
    assert!(sandbox.read("out/b") == sandbox.read("source/b"), "stored");
}
