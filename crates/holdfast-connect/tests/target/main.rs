//! The file system as a target.

#![allow(clippy::unwrap_used)]

mod escape;
mod limits;
mod metadata;
mod owner;
mod replace;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use holdfast_connect::fs::target::{FsTarget, FsTargetOptions, Ownership, Resolver};
use holdfast_connect::target_conformance::conformance;
use holdfast_format::entry::{FileTime, Metadata};
use tempfile::TempDir;

/// A target in a folder of its own, with space beside it for what must not be touched.
struct TargetScene {
    folder: TempDir,
    target: FsTarget,
}

impl TargetScene {
    fn new(options: FsTargetOptions) -> Self {
        Self::at(tempfile::tempdir().unwrap(), options)
    }

    /// In memory if possible, for what would take long on a disk.
    fn in_memory(resolver: Resolver) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self::at(folder, FsTargetOptions { resolver, ..FsTargetOptions::default() })
    }

    fn at(folder: TempDir, options: FsTargetOptions) -> Self {
        let target = FsTarget::open(&folder.path().join("target"), options).unwrap();
        Self { folder, target }
    }

    /// One scene for each way to resolve paths.
    fn both() -> [Self; 2] {
        [Resolver::Kernel, Resolver::Walk]
            .map(|resolver| Self::new(FsTargetOptions { resolver, ..FsTargetOptions::default() }))
    }

    fn inside(&self, path: &str) -> PathBuf {
        self.folder.path().join("target").join(path)
    }

    /// A directory beside the target.
    fn outside(&self) -> PathBuf {
        let outside = self.folder.path().join("outside");
        std::fs::create_dir_all(&outside).unwrap();
        outside
    }
}

/// Metadata of the user who runs the test.
fn described(mode: u32) -> Metadata {
    let mtime = FileTime { seconds: 1_234_567_890, nanoseconds: 987_654_321 };
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Metadata { mode, uid, gid, mtime, ..Metadata::default() }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The names in a folder, except for the journal of the target, which exists until it is dropped.
fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| !name.to_string_lossy().ends_with("-000000000000"));
    names.sort();
    names
}

#[test]
fn every_variant_conforms() {
    for resolver in [Resolver::Kernel, Resolver::Walk] {
        for sparse in [false, true] {
            for open_files in [1, 192] {
                let open_files = NonZeroUsize::new(open_files).unwrap();
                let ownership = Ownership::Leave;
                let options = FsTargetOptions {
                    ownership,
                    sparse,
                    resolver,
                    open_files,
                    ..FsTargetOptions::default()
                };
                conformance(&TargetScene::new(options).target);
            }
        }
    }
}

#[test]
fn the_root_is_made_and_may_be_reached_over_links() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", folder.path().join("link")).unwrap();
    let root = folder.path().join("link/a/b");
    for is_new in [true, false] {
        let target = FsTarget::open(&root, FsTargetOptions::default()).unwrap();
        assert_eq!(holdfast_connect::Target::directory(&target, b"").unwrap(), is_new);
    }
    assert!(folder.path().join("real/a/b").is_dir());
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert!(FsTarget::open(&folder.path().join("file"), FsTargetOptions::default()).is_err());
}
