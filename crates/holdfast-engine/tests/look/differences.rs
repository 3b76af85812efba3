//! `diff`.

use std::collections::{BTreeMap, BTreeSet};

use holdfast_engine::Silent;
use holdfast_engine::look::{DiffOptions, DiffStatistics, SnapshotRoot, diff};
use holdfast_format::BlobId;
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_repo::Repository;
use holdfast_repo::tree::DirectoryWriter;
use holdfast_repo::write::BlobWriter;
use proptest::prelude::*;

use crate::support::*;

type Changes = Vec<(Vec<u8>, String)>;

fn compared(
    repository: &Repository,
    left: &SnapshotRoot,
    right: &SnapshotRoot,
    metadata: bool,
) -> (Changes, DiffStatistics) {
    let mut changes = Vec::new();
    let options = DiffOptions { metadata };
    let statistics = diff(repository, left, right, options, &Silent, &mut |change| {
        changes.push((change.path.to_vec(), change.modifier.to_owned()));
        Ok(())
    });
    (changes, statistics.unwrap())
}

/// The differences of two models, found by plain comparison.
fn expected(left: &ModelFolder, right: &ModelFolder, metadata: bool) -> Changes {
    let left: BTreeMap<_, _> = flatten(left).into_iter().collect();
    let right: BTreeMap<_, _> = flatten(right).into_iter().collect();
    let paths: BTreeSet<_> = left.keys().chain(right.keys()).collect();
    let mut changes = Vec::new();
    for path in paths {
        let (old, new) = (left.get(path), right.get(path));
        let modifier = match (old, new) {
            (None, _) => "+",
            (_, None) => "-",
            (Some(old), Some(new)) => compare(old, new, metadata),
        };
        let mut shown = path.clone();
        if matches!(new.or(old), Some(ModelEntry::Directory(..))) {
            shown.push(b'/');
        }
        if !modifier.is_empty() {
            changes.push((shown, modifier.to_owned()));
        }
    }
    changes.sort();
    changes
}

fn compare(old: &ModelEntry, new: &ModelEntry, metadata: bool) -> &'static str {
    let is_same_metadata = old.metadata() == new.metadata();
    let told = metadata && !is_same_metadata;
    match (old, new) {
        (ModelEntry::File(old, _), ModelEntry::File(new, _)) if old != new => {
            if is_same_metadata && old.len() == new.len() { "M?" } else { "M" }
        }
        (ModelEntry::File(..), ModelEntry::File(..))
        | (ModelEntry::Directory(..), ModelEntry::Directory(..)) => {
            if told {
                "U"
            } else {
                ""
            }
        }
        (ModelEntry::Other(old, _), ModelEntry::Other(new, _))
            if std::mem::discriminant(old) == std::mem::discriminant(new) =>
        {
            if old != new {
                "M"
            } else if told {
                "U"
            } else {
                ""
            }
        }
        _ if told => "TU",
        _ => "T",
    }
}

/// Replaces, adds and removes some entries.
fn edit(model: &mut ModelFolder, other: &ModelFolder, choice: u64) {
    for (place, (name, new)) in other.iter().enumerate() {
        match (choice >> (2 * (place % 32))) & 3 {
            0 => {}
            1 => drop(model.insert(name.clone(), new.clone())),
            2 => drop(model.remove(name)),
            _ => {
                if let (Some(ModelEntry::Directory(old, _)), ModelEntry::Directory(new, _)) =
                    (model.get_mut(name), new)
                {
                    edit(old, new, choice.rotate_left(7));
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn differs_as_the_models_do(
        left in any_folder(),
        other in any_folder(),
        choice in any::<u64>(),
        metadata in any::<bool>(),
    ) {
        let repository = repository();
        let mut right = left.clone();
        edit(&mut right, &other, choice);
        let (left_root, _) = commit(&repository, &left);
        let (right_root, _) = commit(&repository, &right);
        let (mut changes, statistics) = compared(&repository, &left_root, &right_root, metadata);
        changes.sort();
        prop_assert_eq!(&changes, &expected(&left, &right, metadata));
        let count = |modifier: &str, is_directory: bool| changes
            .iter()
            .filter(|(path, found)| found == modifier && path.ends_with(b"/") == is_directory)
            .count() as u64;
        prop_assert_eq!(statistics.added.dirs, count("+", true));
        prop_assert_eq!(statistics.added.files + statistics.added.others, count("+", false));
        prop_assert_eq!(statistics.removed.dirs, count("-", true));
        prop_assert_eq!(statistics.removed.files + statistics.removed.others, count("-", false));
        let (back, reverse) = compared(&repository, &right_root, &left_root, metadata);
        prop_assert_eq!(back.len(), changes.len());
        prop_assert_eq!((reverse.added, reverse.removed), (statistics.removed, statistics.added));
    }
}

#[test]
fn counts_blobs_of_one_side_only() {
    let repository = repository();
    let chunk = |byte: u8| vec![byte; CHUNK_BYTES];
    let left = folder([
        ("same", ModelEntry::file(chunk(9))),
        ("f", ModelEntry::file([chunk(1), chunk(2), chunk(3)].concat())),
        ("gone", ModelEntry::file(chunk(4))),
    ]);
    let right = folder([
        ("same", ModelEntry::file(chunk(9))),
        ("f", ModelEntry::file([chunk(1), chunk(5), chunk(6)].concat())),
        ("moved", ModelEntry::file(chunk(4))),
    ]);
    let (left, _) = commit(&repository, &left);
    let (right, _) = commit(&repository, &right);
    let (changes, statistics) = compared(&repository, &left, &right, false);
    let text: Vec<_> = changes
        .iter()
        .map(|(path, modifier)| (std::str::from_utf8(path).unwrap(), modifier.as_str()))
        .collect();
    assert_eq!(text, [("/f", "M?"), ("/gone", "-"), ("/moved", "+")]);
    assert_eq!(statistics.changed_files, 1);
    assert_eq!((statistics.added.data_blobs, statistics.removed.data_blobs), (2, 2));
    assert_eq!((statistics.added.tree_blobs, statistics.removed.tree_blobs), (1, 1));
    assert_eq!(statistics.missing_blobs, 0);
    let (changes, statistics) = compared(&repository, &left, &left, true);
    assert!(changes.is_empty());
    assert_eq!(statistics, DiffStatistics::default());
}

/// A flat folder; `edited` numbers are omitted or get other metadata.
fn flat(writer: &mut BlobWriter<'_>, count: u32, edited: &[u32]) -> BlobId {
    let mut directory = DirectoryWriter::new();
    for number in 0..count {
        let mut entry = Entry {
            name: format!("{number:08}").into_bytes(),
            metadata: metadata(0o644),
            kind: EntryKind::Symlink(b"target".to_vec()),
        };
        if let Some(place) = edited.iter().position(|edited| *edited == number) {
            match place % 3 {
                0 => continue,
                1 => entry.metadata.mtime.seconds += 1,
                _ => entry.kind = EntryKind::Fifo,
            }
        }
        directory.push(writer, &entry).unwrap();
    }
    directory.finish(writer).unwrap()
}

fn flat_roots(repository: &Repository, count: u32, edited: &[u32]) -> [SnapshotRoot; 2] {
    let mut blobs = writer(repository);
    let left = flat(&mut blobs, count, &[]);
    let right = flat(&mut blobs, count, edited);
    let [left, right] =
        [("left", left), ("right", right)].map(|source| record(&mut blobs, &[source]));
    [SnapshotRoot::of(&left), SnapshotRoot::of(&right)]
}

#[test]
fn ten_changes_in_a_huge_folder_cost_a_few_nodes() {
    let repository = repository();
    let count = 1_000_000;
    let edited: Vec<u32> = (0..10).map(|number| number * 99_991 + 17).collect();
    let [left, right] = flat_roots(&repository, count, &edited);
    let (changes, statistics) = compared(&repository, &left, &right, true);
    assert_eq!(changes.len(), 10);
    assert_eq!((statistics.removed.others, statistics.added.others), (4, 0));
    // Some 42,000 leaves below 5 levels; each change has its own path from the root on both sides.
    assert!(statistics.nodes_read <= 160, "{} nodes read", statistics.nodes_read);
    // Neighbours share their path.
    let [left, right] = flat_roots(&repository, count, &(500..510).collect::<Vec<_>>());
    let (changes, statistics) = compared(&repository, &left, &right, true);
    assert_eq!(changes.len(), 10);
    assert!(statistics.nodes_read <= 40, "{} nodes read", statistics.nodes_read);
}

#[test]
fn a_change_in_a_long_file_costs_a_few_nodes() {
    let repository = repository();
    let mut bytes: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    let left = commit(&repository, &folder([("f", ModelEntry::file(&bytes))])).0;
    bytes[5_000_000] ^= 1;
    let inserted = [&bytes[..1_000_000], &[7; CHUNK_BYTES], &bytes[1_000_000..]].concat();
    let right = commit(&repository, &folder([("f", ModelEntry::file(&inserted))])).0;
    let (changes, statistics) = compared(&repository, &left, &right, false);
    assert_eq!(changes, [(b"/f".to_vec(), "M".to_owned())]);
    assert_eq!((statistics.added.data_blobs, statistics.removed.data_blobs), (2, 1));
    // 120,000 chunks: some 5,000 leaves under some 700 branches. After the insertion, the two sides
    // are a level apart for a while.
    assert!(statistics.nodes_read < 2500, "{} nodes read", statistics.nodes_read);
}
