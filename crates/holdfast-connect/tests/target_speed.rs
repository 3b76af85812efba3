//! How much it costs to restore small files; run by hand:
//! `cargo test -p holdfast-connect --release --test target_speed -- --ignored --nocapture`.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::time::Instant;

use holdfast_connect::fs::target::{FsTarget, FsTargetOptions};
use holdfast_connect::{Replace, Target};
use holdfast_format::entry::{FileTime, Metadata};

const DIRECTORIES: usize = 1000;
const FILES: usize = 60;
const THREADS: usize = 2;

#[test]
#[ignore = "a measurement"]
fn sixty_thousand_small_files() {
    let folder = tempfile::tempdir_in(Path::new("/dev/shm")).unwrap();
    let target = FsTarget::open(folder.path(), FsTargetOptions::default()).unwrap();
    let content = vec![b'x'; 16 * 1024];
    let mtime = FileTime { seconds: 1_600_000_000, nanoseconds: 5 };
    let metadata = Metadata { mode: 0o644, mtime, ..Metadata::default() };
    let (before, started) = (used(), Instant::now());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (target, content, metadata) = (&target, &content, &metadata);
            scope.spawn(move || restore(target, thread, content, metadata));
        }
    });
    let (wall, after) = (started.elapsed(), used());
    let files = (DIRECTORIES * FILES) as f64;
    let each = |ticks: u64| ticks as f64 * 10_000.0 / files;
    println!(
        "per file: user {:.2} us, system {:.2} us, wall {:.2} us",
        each(after.0 - before.0),
        each(after.1 - before.1),
        wall.as_secs_f64() * 1e6 / files
    );
}

fn restore(target: &FsTarget, thread: usize, content: &[u8], metadata: &Metadata) {
    for directory in (thread..DIRECTORIES).step_by(THREADS) {
        let directory = format!("directory-{directory:04}");
        assert!(target.directory(directory.as_bytes()).unwrap());
        for file in 0..FILES {
            let path = format!("{directory}/file-{file:03}.txt");
            let bytes = &content[..1 + (file * 7919) % content.len()];
            let slot = target.file(path.as_bytes(), bytes.len() as u64, Replace::Entry).unwrap();
            slot.write_at(0, bytes).unwrap();
            slot.finish(metadata).unwrap();
        }
        target.finish_directory(directory.as_bytes(), metadata).unwrap();
    }
}

/// User and system time of this process, in hundredths of a second.
fn used() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse().unwrap(), fields[12].parse().unwrap())
}
