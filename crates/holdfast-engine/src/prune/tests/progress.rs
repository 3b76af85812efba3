//! However often prunes run, a backup finishes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_backend::Backend;
use holdfast_connect::{ContentPiece, ContentReader, Leaf, LeafKind, Opener, Source, SourceItem};
use holdfast_format::ObjectId;
use holdfast_format::config::ChunkProfile;
use holdfast_format::entry::{Metadata, Xattrs};
use holdfast_format::name::Chain;
use holdfast_format::record::Snapshot;
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{RepoError, Repository, SnapshotInfo};
use jiff::Timestamp;

use super::hooked::HookedBackend;
use super::world::{ALL, FileChunks, World, back_up, bytes_of, files};
use crate::backup::{ATTEMPTS_MAX, BackupOptions, CaptureOptions, Compare, SourceOptions, backup};
use crate::completeness::ShrinkLimit;
use crate::forget::forget;
use crate::prune::{Abandoned, PruneMutation, PruneOptions, PruneReport, run};
use crate::{EngineError, EngineEvent, Observer, Silent};

#[derive(Debug)]
struct ChunksOpener(Vec<u8>);

impl Opener for ChunksOpener {
    fn open(&self) -> io::Result<Box<dyn ContentReader>> {
        Ok(Box::new(ChunksContent(io::Cursor::new(self.0.clone()))))
    }

    fn xattrs(&self) -> io::Result<Xattrs> {
        Ok(Vec::new())
    }
}

struct ChunksContent(io::Cursor<Vec<u8>>);

impl ContentReader for ChunksContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<ContentPiece> {
        match io::Read::read(&mut self.0, buffer)? {
            0 => Ok(ContentPiece::End),
            count => Ok(ContentPiece::Data(count)),
        }
    }

    fn changed(&mut self) -> io::Result<Option<Metadata>> {
        Ok(None)
    }
}

struct ChunksSource(std::vec::IntoIter<(String, Vec<u64>)>);

impl Source for ChunksSource {
    fn next(&mut self) -> io::Result<Option<SourceItem>> {
        Ok(self.0.next().map(|(name, chunks)| {
            let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| bytes_of(*chunk)).collect();
            let kind = LeafKind::File { size: bytes.len() as u64 };
            let (name, metadata) = (name.into_bytes(), Metadata::default());
            SourceItem::Leaf(Leaf { name, metadata, kind, opener: Box::new(ChunksOpener(bytes)) })
        }))
    }
}

/// Counts attempts that a prune made useless, and interrupts at this many.
#[derive(Default)]
struct Attempts<const MAX: usize>(AtomicUsize);

impl<const MAX: usize> Observer for Attempts<MAX> {
    fn event(&self, event: EngineEvent<'_>) {
        if let EngineEvent::Note { .. } = event {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn is_interrupted(&self) -> bool {
        self.0.load(Ordering::SeqCst) >= MAX
    }
}

/// A real backup of these files.
fn back_up_really(
    repository: &Repository,
    files: &FileChunks,
    is_stream: bool,
    observer: &dyn Observer,
) -> Result<SnapshotInfo, EngineError> {
    let snapshot = Snapshot::begun(Timestamp::UNIX_EPOCH, "c", vec!["/c".into()]);
    let write = WriteOptions { pack_bytes: 10_000, ..WriteOptions::new(COMPRESSION_DEFAULT) };
    let options = BackupOptions {
        capture: CaptureOptions { snapshot, parents: Vec::new(), write },
        source: SourceOptions {
            name: "files".to_owned(),
            connector: "files".to_owned(),
            profile: ChunkProfile::Dump,
            compare: Compare { ctime: true, inode: true },
            read_concurrency: 1,
            count_first: false,
            is_stream,
            shrink_limit: ShrinkLimit::default(),
            scope: None,
        },
        skip_if_unchanged: false,
        now: || Timestamp::UNIX_EPOCH,
    };
    let make =
        || Ok(Box::new(ChunksSource(Vec::from_iter(files.clone()).into_iter())) as Box<dyn Source>);
    Ok(backup(repository, &make, &options, observer)?.snapshot.unwrap())
}

/// A host that saves the same files and forgets them again, forever, with a prune each time:
/// whatever a backup finds of its files is unneeded a moment later, and deleted.
struct Adversary {
    world: World,
    files: FileChunks,
    mutation: PruneMutation,
}

impl Adversary {
    fn act(&self) {
        let repository = self.world.open();
        let snapshots = repository.history().snapshots();
        let of_b = snapshots.iter().filter(|info| info.snapshot.host == "b");
        let ids: Vec<ObjectId> = of_b.map(|info| info.id).collect();
        forget(&repository, &ids).unwrap();
        run(&repository, &ALL, &Silent, self.mutation).unwrap();
        back_up(&repository, "b", &self.files).unwrap();
    }
}

/// A backup in a storage on which the adversary acts before each commit, but not before the pin
/// that is left when that fails.
fn beset(mutation: PruneMutation) -> (World, Arc<HookedBackend>, FileChunks) {
    let mut world = World::new();
    world.back_up("c", &files(0..2));
    back_up(&world.open(), "b", &files(4..16)).unwrap();
    let wanted = files(0..60);
    let chain = Chain::Writer(world.open().keys().writer_id("c")).folder();
    let adversary = Adversary { world: world.clone(), files: files(4..16), mutation };
    let hooked = HookedBackend::putting(Arc::clone(&world.storage), chain, move || adversary.act());
    (world, hooked, wanted)
}

#[test]
fn a_backup_ends_however_often_there_is_a_prune() {
    let (mut world, hooked, wanted) = beset(PruneMutation::None);
    let repository = world.open_on(hooked as Arc<dyn Backend>).unwrap();
    let attempts = Attempts::<8>::default();
    let info = back_up_really(&repository, &wanted, false, &attempts).unwrap();
    assert_eq!(attempts.0.load(Ordering::SeqCst), 1, "it is fenced once and then waited for");
    world.expected.insert(info.id, wanted);
    world.check();
    // And nothing is waited for any longer.
    assert_eq!(world.open().history().pins().count(), 0);
    assert!(world.prune(&ALL).gave_way_to.is_empty());
    world.check();
}

#[test]
fn without_pins_it_never_ends() {
    let (world, hooked, wanted) = beset(PruneMutation::PinsAreIgnored);
    let repository = world.open_on(hooked as Arc<dyn Backend>).unwrap();
    let outcome = back_up_really(&repository, &wanted, false, &Attempts::<8>::default());
    assert!(matches!(outcome, Err(EngineError::Interrupted)), "{outcome:?}");
}

/// Prunes that ignore pins make a backup fail in the end; its pin is for the next run.
#[test]
fn attempts_are_bounded() {
    let (world, hooked, wanted) = beset(PruneMutation::PinsAreIgnored);
    let repository = world.open_on(hooked as Arc<dyn Backend>).unwrap();
    let attempts = Attempts::<100>::default();
    let outcome = back_up_really(&repository, &wanted, false, &attempts);
    assert!(matches!(outcome, Err(EngineError::Repo(RepoError::Fenced))), "{outcome:?}");
    assert_eq!(attempts.0.load(Ordering::SeqCst), ATTEMPTS_MAX as usize - 1);
    assert_eq!(world.open().history().pins().count(), 1);
}

/// A stream cannot be read again, so the run ends; the pin is for the next one.
#[test]
fn a_stream_ends_at_the_second_run() {
    let (mut world, hooked, wanted) = beset(PruneMutation::None);
    let run = || {
        let repository = world.open_on(Arc::clone(&hooked) as Arc<dyn Backend>)?;
        back_up_really(&repository, &wanted, true, &Silent)
    };
    let first = run();
    assert!(matches!(first, Err(EngineError::Repo(RepoError::Fenced))), "{first:?}");
    let info = run().unwrap();
    world.expected.insert(info.id, wanted);
    world.check();
}

/// Prunes beside a pin of a host that never returns, at times in seconds and with a persistent
/// cache.
fn prunes_beside_a_pin(mutation: PruneMutation) -> Vec<PruneReport> {
    let mut world = World::new();
    let first = world.back_up("a", &files(0..30));
    world.back_up("a", &files(20..40));
    world.forget(&[first]);
    let repository = world.open();
    let writer = repository.writer("lost").unwrap();
    holdfast_repo::commit::pin(&repository, writer, &["/x".into()]).unwrap();
    let cache = tempfile::tempdir().unwrap();
    let prune_at = |seconds| {
        let now = Timestamp::from_second(seconds).unwrap();
        let abandoned = Some(Abandoned { after_seconds: 30 * 86_400, now });
        let options = PruneOptions { abandoned, ..ALL };
        run(&world.open_with_cache(cache.path()), &options, &Silent, mutation).unwrap()
    };
    let reports = [1_000, 2_000, 1_000 + 86_399, 1_000 + 86_400].map(prune_at);
    world.check();
    reports.into()
}

/// True if a prune left everything to the host with the pin.
fn gave_way(report: &PruneReport) -> bool {
    report.gave_way_to == ["lost"] && report.packs_deleted == 0
}

/// A pin of a host that never returns holds prunes up for a day.
#[test]
fn a_pin_is_given_up_after_a_day() {
    let reports = prunes_beside_a_pin(PruneMutation::None);
    let [before @ .., after] = reports.as_slice() else { panic!("{reports:?}") };
    assert!(before.iter().all(gave_way), "{before:?}");
    assert!(after.gave_way_to.is_empty() && after.packs_deleted > 0, "{after:?}");
}

#[test]
fn a_pin_that_is_never_given_up_and_one_that_is_ignored() {
    assert!(prunes_beside_a_pin(PruneMutation::PinsAreNeverGivenUp).iter().all(gave_way));
    assert!(!gave_way(&prunes_beside_a_pin(PruneMutation::PinsAreIgnored)[0]));
}
