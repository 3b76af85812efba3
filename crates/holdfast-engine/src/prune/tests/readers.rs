//! Readers that prunes overtake, between any two of their operations.

use std::sync::Arc;

use holdfast_backend::Backend;
use holdfast_connect::fs::target::{FsTarget, FsTargetOptions};
use holdfast_format::ObjectId;
use holdfast_format::record::Snapshot;
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{RepoError, Repository, SnapshotInfo};
use jiff::Timestamp;

use super::hooked::HookedBackend;
use super::world::{ALL, FileChunks, World, back_up, files};
use crate::check::{CheckOptions, ReadData, check};
use crate::forget::forget;
use crate::look::{
    ArchiveFormat, DiffOptions, FindOptions, SnapshotRoot, StatsMode, diff, dump_archive, find,
    stats,
};
use crate::prune::{PruneMutation, run};
use crate::repair::{RepairIndexOptions, RepairSnapshotsOptions, repair_index, repair_snapshots};
use crate::restore::{Overwrite, RestoreOptions, Selection, WINDOW_BYTES, restore};
use crate::{EngineError, Silent};

/// What one command reads from a snapshot; the text says what is wrong.
type ReaderCommand = fn(&World, &Repository, &SnapshotInfo) -> Result<(), WrongResult>;

#[derive(Debug)]
enum WrongResult {
    /// It ended, reporting that it was overtaken.
    Overtaken,
    Other(String),
}

impl From<EngineError> for WrongResult {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Repo(RepoError::Overtaken) => Self::Overtaken,
            error => Self::Other(error.to_string()),
        }
    }
}

impl From<RepoError> for WrongResult {
    fn from(error: RepoError) -> Self {
        EngineError::from(error).into()
    }
}

fn wrong_unless(is_right: bool, what: impl FnOnce() -> String) -> Result<(), WrongResult> {
    if is_right { Ok(()) } else { Err(WrongResult::Other(what())) }
}

fn checks(repository: &Repository, read: ReadData) -> Result<(), WrongResult> {
    let report = check(repository, &CheckOptions { read, ..CheckOptions::default() }, &Silent)?;
    wrong_unless(report.findings.is_empty(), || format!("{:?}", report.findings))
}

fn restores(
    world: &World,
    repository: &Repository,
    info: &SnapshotInfo,
) -> Result<(), WrongResult> {
    let folder = tempfile::tempdir().unwrap();
    let target = FsTarget::open(folder.path(), FsTargetOptions::default()).unwrap();
    let options = RestoreOptions {
        overwrite: Overwrite::Always,
        delete: None,
        dry_run: false,
        verify: true,
        window_bytes: WINDOW_BYTES,
    };
    let root = SnapshotRoot::of(&info.snapshot).folder().clone();
    let select = |_: &[u8], _: bool| Selection::Take;
    let report = restore(repository, root, &target, &select, &options, &Silent)?;
    let wanted = world.expected[&info.id].len() as u64;
    wrong_unless(report.errors == 0 && report.total_files == wanted, || format!("{report:?}"))
}

fn dumps(_: &World, repository: &Repository, info: &SnapshotInfo) -> Result<(), WrongResult> {
    let root = SnapshotRoot::of(&info.snapshot);
    let place = root.resolve(&mut holdfast_repo::read::BlobReader::new(repository), b"/")?;
    let mut out = Vec::new();
    dump_archive(repository, &place, ArchiveFormat::Tar, &mut out, &Silent)?;
    Ok(())
}

fn counts(_: &World, repository: &Repository, info: &SnapshotInfo) -> Result<(), WrongResult> {
    let root = SnapshotRoot::of(&info.snapshot);
    stats(repository, std::slice::from_ref(&root), StatsMode::RawData, &Silent)?;
    stats(repository, &[root], StatsMode::BlobsPerFile, &Silent)?;
    Ok(())
}

fn finds(_: &World, repository: &Repository, info: &SnapshotInfo) -> Result<(), WrongResult> {
    let root = SnapshotRoot::of(&info.snapshot);
    let mut reader = holdfast_repo::read::BlobReader::new(repository);
    find(&mut reader, &root, &FindOptions::default(), &Silent, &mut |_, _| Ok(()))?;
    let nothing = Snapshot::begun(Timestamp::UNIX_EPOCH, "a", Vec::new());
    let other = SnapshotRoot::of(&nothing);
    let statistics =
        diff(repository, &root, &other, DiffOptions::default(), &Silent, &mut |_| Ok(()))?;
    wrong_unless(statistics.missing_blobs == 0, || format!("{statistics:?}"))
}

fn repairs(_: &World, repository: &Repository, _: &SnapshotInfo) -> Result<(), WrongResult> {
    let done = repair_index(
        repository,
        &RepairIndexOptions {
            read_all: false,
            packs: Vec::new(),
            write: WriteOptions::new(COMPRESSION_DEFAULT),
        },
        &Silent,
    )?;
    let is_right = done.packs_missing.is_empty() && done.packs_quarantined.is_empty();
    wrong_unless(is_right, || format!("{done:?}"))?;
    let options = RepairSnapshotsOptions {
        forget: true,
        dry_run: false,
        write: WriteOptions::new(COMPRESSION_DEFAULT),
    };
    let done = repair_snapshots(repository, &options, &Silent)?;
    wrong_unless(done.repaired.is_empty(), || format!("{done:?}"))
}

const COMMANDS: [(&str, ReaderCommand); 8] = [
    ("restore", restores),
    ("dump", dumps),
    ("stats", counts),
    ("find and diff", finds),
    ("check", |_, repository, _| checks(repository, ReadData::None)),
    ("check --read-data", |_, repository, _| checks(repository, ReadData::All)),
    ("mark", |_, repository, info| {
        crate::mark::mark(repository, std::slice::from_ref(info), &Silent)?;
        Ok(())
    }),
    ("repair", repairs),
];

/// Two snapshots that share packs; the second is the one to read.
fn world() -> (World, ObjectId, ObjectId) {
    let mut world = World::new();
    let mut long: FileChunks = files(20..40);
    long.insert("long".to_owned(), (100..160).collect());
    let first = world.back_up("a", &files(0..30));
    let second = world.back_up("a", &long);
    (world, first, second)
}

/// Runs a forget and a prune between any two operations of each command, including opening. Returns
/// how many there were, or the first trouble.
pub fn overtake(is_read_one_forgotten: bool, mutation: PruneMutation) -> Result<u64, String> {
    let (start, first, second) = world();
    let mut tried = 0;
    for (name, command) in COMMANDS {
        for operation in 1.. {
            let world = start.fork();
            let other = world.clone();
            let act = move || {
                let repository = other.open();
                let gone = if is_read_one_forgotten { second } else { first };
                forget(&repository, &[gone]).unwrap();
                run(&repository, &ALL, &Silent, mutation).unwrap();
            };
            let hooked = HookedBackend::new(Arc::clone(&world.storage), operation, act);
            let repository = world.open_on(Arc::clone(&hooked) as Arc<dyn Backend>).unwrap();
            let info = repository.history().snapshot(&second).unwrap();
            if repository.history().is_forgotten(&second) {
                // No one would read it.
                continue;
            }
            let outcome = command(&world, &repository, &info);
            if hooked.is_unused() {
                break;
            }
            tried += 1;
            match outcome {
                Ok(()) => {}
                Err(WrongResult::Overtaken) if is_read_one_forgotten => {}
                Err(WrongResult::Overtaken) => {
                    return Err(format!("{name}, at {operation}: overtaken"));
                }
                Err(WrongResult::Other(what)) => {
                    return Err(format!("{name}, at {operation}: {what}"));
                }
            }
        }
    }
    Ok(tried)
}

#[test]
fn what_was_moved_is_found_again() {
    let tried = overtake(false, PruneMutation::None).unwrap();
    println!("{tried} operations");
    assert!(tried > 200);
}

#[test]
fn what_was_forgotten_is_not_called_damaged() {
    let tried = overtake(true, PruneMutation::None).unwrap();
    println!("{tried} operations");
    assert!(tried > 200);
}

/// Operations between two prunes. Reading what one left takes about a dozen.
const EVERY: u64 = 40;

/// Prunes that run again and again, while other snapshots are made and forgotten: a reader still
/// finishes.
#[test]
fn prunes_that_come_again_and_again_do_not_stop_a_reader() {
    let (start, _, second) = world();
    for (name, command) in COMMANDS {
        let world = start.fork();
        let other = world.clone();
        let mut number = 0;
        let act = move || {
            number += 1;
            let repository = other.open();
            let chunks = files((number..number + 9).chain(20..30));
            back_up(&repository, "b", &chunks).unwrap();
            let snapshots = repository.history().snapshots();
            let of_others = snapshots.iter().filter(|info| info.id != second);
            let ids: Vec<ObjectId> = of_others.map(|info| info.id).collect();
            forget(&repository, &ids).unwrap();
            run(&repository, &ALL, &Silent, PruneMutation::None).unwrap();
        };
        let hooked = HookedBackend::again(Arc::clone(&world.storage), EVERY, act);
        let repository = world.open_on(hooked as Arc<dyn Backend>).unwrap();
        let info = repository.history().snapshot(&second).unwrap();
        match command(&world, &repository, &info) {
            Ok(()) => {}
            Err(WrongResult::Overtaken) => panic!("{name}: overtaken"),
            Err(WrongResult::Other(what)) => panic!("{name}: {what}"),
        }
    }
}
