//! `stats`, `find_users` and `cat`.

use std::collections::BTreeSet;

use holdfast_engine::Silent;
use holdfast_engine::look::cat::StoredFolder;
use holdfast_engine::look::{
    IdPrefix, LookError, SnapshotRoot, StatsMode, WantedBlobs, cat, find_users, stats,
};
use holdfast_format::entry::{Content, EntryKind, Metadata};
use holdfast_format::node::Node;
use holdfast_format::slot::SlotKind;
use holdfast_format::{BlobId, BlobType};
use holdfast_repo::Repository;

use crate::support::*;

fn chunk(byte: u8) -> Vec<u8> {
    vec![byte; CHUNK_BYTES]
}

fn sample() -> ModelFolder {
    let linked = Metadata { links: 2, inode: 9, ..metadata(0o644) };
    folder([
        ("a", ModelEntry::file([chunk(1), chunk(2), chunk(1)].concat())),
        ("b", ModelEntry::file([chunk(1), chunk(2), chunk(1)].concat())),
        (
            "d",
            ModelEntry::directory([(
                "long",
                ModelEntry::file((0..=200).flat_map(chunk).collect::<Vec<_>>()),
            )]),
        ),
        ("l1", ModelEntry::File(chunk(3), linked.clone())),
        ("l2", ModelEntry::File(chunk(3), linked)),
    ])
}

fn prefix(text: &str) -> IdPrefix {
    IdPrefix::new(text).unwrap()
}

fn data_id(repository: &Repository, bytes: &[u8]) -> BlobId {
    repository.keys().blob_id(BlobType::Data, bytes)
}

#[test]
fn counts_in_four_ways() {
    let repository = repository();
    let (one, _) = commit(&repository, &sample());
    let mut changed = sample();
    changed.insert(b"new".to_vec(), ModelEntry::file(b"unseen"));
    let (two, _) = commit(&repository, &changed);
    let count = |roots: &[SnapshotRoot], mode| stats(&repository, roots, mode, &Silent).unwrap();
    let one = std::slice::from_ref(&one);
    let both = [one[0].clone(), two];
    let restored = count(one, StatsMode::RestoreSize);
    assert_eq!((restored.total_file_count, restored.snapshots_count), (6, 1));
    assert_eq!(restored.total_size, 300 + 300 + 20_100 + 100);
    assert_eq!(count(&both, StatsMode::RestoreSize).total_size, 2 * restored.total_size + 6);
    let unique = count(&both, StatsMode::FilesByContents);
    assert_eq!((unique.total_file_count, unique.total_size), (4, 300 + 20_100 + 100 + 6));
    // `b` and `l2` have no content of their own; the zeros at the start of `long` are a hole.
    let per_file = count(&both, StatsMode::BlobsPerFile);
    assert_eq!((per_file.total_file_count, per_file.total_blob_count), (4, 2 + 200 + 1 + 1));
    assert_eq!(per_file.total_size, 200 + 20_000 + 100 + 6);
    check_raw(&repository, &both);
}

/// Everything that the repository holds belongs to these snapshots.
fn check_raw(repository: &Repository, roots: &[SnapshotRoot]) {
    let raw = stats(repository, roots, StatsMode::RawData, &Silent).unwrap();
    let (mut blobs, mut frames, mut bytes, mut sealed) = (0, BTreeSet::new(), 0, 0);
    repository
        .index()
        .for_each_blob(|_, location| {
            blobs += 1;
            bytes += u64::from(location.bytes);
            if frames.insert(location.frame.number) {
                sealed += u64::from(location.frame.sealed_bytes);
            }
            Ok(())
        })
        .unwrap();
    assert_eq!((raw.total_blob_count, raw.total_uncompressed_size), (blobs, bytes));
    assert_eq!(raw.total_size, sealed);
    assert!(raw.compression_ratio > 1.0 && raw.snapshots_count == 2);
    assert_eq!(raw.total_file_count, 0, "raw data are not files");
}

#[test]
fn finds_who_uses_a_blob() {
    let repository = repository();
    let (root, _) = commit(&repository, &sample());
    let users = |wanted: &WantedBlobs| {
        let mut found = Vec::new();
        find_users(&repository, &root, wanted, &Silent, &mut |usage| {
            let path = String::from_utf8(usage.path.to_vec()).unwrap();
            found.push((path, usage.blob_type, usage.file.is_some()));
            Ok(())
        })
        .unwrap();
        found
    };
    let id = data_id(&repository, &chunk(1)).to_hex();
    let wanted = |data: Vec<IdPrefix>, trees: Vec<IdPrefix>, packs: &[IdPrefix]| {
        WantedBlobs::new(&repository, data, trees, packs).unwrap()
    };
    let found = users(&wanted(vec![prefix(&id[..16])], Vec::new(), &[]));
    let paths: Vec<&str> = found.iter().map(|(path, ..)| path.as_str()).collect();
    assert_eq!(paths, ["/a", "/b", "/d/long"]);
    let below = SnapshotRoot::resolve(&root, &mut reader(&repository), b"/d").unwrap();
    let holdfast_engine::look::Folder::Tree(tree) = below.folder().unwrap() else { panic!() };
    let found = users(&wanted(Vec::new(), vec![prefix(&tree.to_hex())], &[]));
    assert_eq!(found, [("/d".to_owned(), BlobType::Tree, false)]);
    let pack = repository.index().locate(tree).unwrap().unwrap().frame.pack.to_hex();
    let found = users(&wanted(Vec::new(), Vec::new(), &[prefix(&pack)]));
    assert_eq!(found[0], (String::new(), BlobType::Tree, false));
    assert!(found.contains(&("/d/long".to_owned(), BlobType::Tree, true)));
    assert!(found.iter().all(|(_, blob_type, _)| *blob_type == BlobType::Tree));
}

fn reader(repository: &Repository) -> holdfast_repo::read::BlobReader<'_> {
    holdfast_repo::read::BlobReader::new(repository)
}

#[test]
fn shows_what_is_stored() {
    let repository = repository();
    let (root, id) = commit(&repository, &sample());
    let snapshots = repository.history().snapshots();
    let info = snapshots.iter().find(|info| info.id == id).unwrap();
    let listed = info.snapshot.index[0].to_hex();
    let (_, packs) = cat::index(&repository, &prefix(&listed[..12])).unwrap();
    assert_eq!(packs.len(), 2);
    for pack in packs {
        assert_eq!(cat::pack(&repository, &prefix(&pack.id.to_hex())).unwrap(), pack);
    }
    let (blob_type, bytes) =
        cat::blob(&repository, &prefix(&data_id(&repository, &chunk(5)).to_hex()[..20])).unwrap();
    assert_eq!((blob_type, bytes), (BlobType::Data, chunk(5)));
    let StoredFolder::Node(_, Node::DirectoryLeaf(top)) = cat::root(&repository, &root).unwrap()
    else {
        panic!("no leaf")
    };
    assert_eq!(top[0].name, b"a");
    let EntryKind::Directory(below) = top[2].kind else { panic!("no folder") };
    let (_, below) = cat::tree(&repository, &prefix(&below.to_hex())).unwrap();
    let Node::DirectoryLeaf(entries) = below else { panic!("no leaf") };
    let EntryKind::File { main: Content::Root(content), .. } = &entries[0].kind else {
        panic!("no long file")
    };
    let (_, content) = cat::tree(&repository, &prefix(&content.to_hex())).unwrap();
    assert!(matches!(content, Node::ContentBranch(..)));
    let slot = repository.slot().header.id.to_hex();
    let (header, label) = cat::key(&repository, &prefix(&slot[..4])).unwrap();
    assert_eq!((header.kind, label.unwrap().label.as_str()), (SlotKind::GeneratedKey, "test"));
}

#[test]
fn says_which_id_it_does_not_know() {
    let repository = repository();
    commit(&repository, &sample());
    let unknown = prefix(&"0".repeat(64));
    assert!(matches!(cat::pack(&repository, &unknown), Err(LookError::NotFound { .. })));
    assert!(matches!(cat::blob(&repository, &unknown), Err(LookError::NotFound { .. })));
    assert!(cat::tree(&repository, &unknown).is_err());
    let all = (0..16).map(|digit| prefix(&format!("{digit:x}")));
    let results: Vec<_> = all.map(|prefix| cat::blob(&repository, &prefix)).collect();
    assert!(results.iter().any(|result| matches!(result, Err(LookError::Ambiguous { .. }))));
}
