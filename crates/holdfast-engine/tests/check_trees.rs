//! Trees that are sealed properly but wrong: what a faulty writer, or a forger with the key, could
//! leave.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check_support;

use check_support::*;
use holdfast_engine::check::FindingKind;
use holdfast_format::entry::{Content, EntryKind};
use holdfast_format::node::{ContentChild, Extent, NodeKind, assemble, encode_content_child};
use holdfast_format::{BlobId, BlobType};
use holdfast_repo::tree::{DirectoryWriter, NodeSink};
use holdfast_repo::write::BlobWriter;
use jiff::Timestamp;

/// A file of this size and content.
fn file(size: u64, main: Content) -> EntryKind {
    EntryKind::File { size, codec: 0, main, second: None }
}

fn add(fixture_key: &holdfast_seal::Keys, blobs: &mut BlobWriter<'_>, bytes: &[u8]) -> BlobId {
    let id = fixture_key.blob_id(BlobType::Data, bytes);
    blobs.add(BlobType::Data, id, bytes.to_vec().into(), false).unwrap();
    id
}

/// Checks a snapshot with one entry called `it` that `make` makes, and one good one.
fn finding_of(
    make: impl FnOnce(&mut BlobWriter<'_>, BlobId) -> EntryKind,
) -> (FindingKind, String) {
    let fixture = Fixture::memory();
    let repository = fixture.open();
    commit_tree(&repository, Timestamp::UNIX_EPOCH, |blobs| {
        let id = add(repository.keys(), blobs, &[7; 100]);
        let good = Content::Inline(vec![Extent::Data { id, bytes: 100 }]);
        let mut top = DirectoryWriter::new();
        top.push(blobs, &entry("good", file(100, good))).unwrap();
        let kind = make(blobs, id);
        top.push(blobs, &entry("it", kind)).unwrap();
        top.finish(blobs).unwrap()
    });
    let report = fixture.check();
    assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
    let finding = &report.findings[0];
    assert_eq!(finding.files_count, 1);
    assert!(finding.files[0].1.starts_with(b"/it"), "{:?}", finding.files);
    (finding.kind, finding.message.clone())
}

#[test]
fn sizes_must_be_those_of_the_content() {
    let (kind, message) =
        finding_of(|_, id| file(101, Content::Inline(vec![Extent::Data { id, bytes: 100 }])));
    assert_eq!(kind, FindingKind::Tree);
    assert!(message.contains("size"), "{message}");
    let (kind, message) =
        finding_of(|_, id| file(99, Content::Inline(vec![Extent::Data { id, bytes: 99 }])));
    assert_eq!(kind, FindingKind::Tree);
    assert!(message.contains("length"), "{message}");
    finding_of(|_, _| file(1, Content::Inline(Vec::new())));
    finding_of(|_, _| file(u64::MAX, Content::Inline(vec![Extent::Hole { bytes: 1 << 40 }])));
}

#[test]
fn references_must_lead_to_blobs_of_the_right_type() {
    let nowhere = BlobId::from_bytes([9; 32]);
    let (kind, _) =
        finding_of(|_, _| file(5, Content::Inline(vec![Extent::Data { id: nowhere, bytes: 5 }])));
    assert_eq!(kind, FindingKind::MissingBlobs);
    assert_eq!(finding_of(|_, _| EntryKind::Directory(nowhere)).0, FindingKind::MissingBlobs);
    // Data must never pass for a node.
    assert_eq!(finding_of(|_, id| EntryKind::Directory(id)).0, FindingKind::MissingBlobs);
    assert_eq!(finding_of(|_, id| file(100, Content::Root(id))).0, FindingKind::MissingBlobs);
}

#[test]
fn nodes_must_be_what_is_above_them_says() {
    let leaf = |blobs: &mut BlobWriter<'_>, id, bytes| {
        let mut records = Vec::new();
        Extent::Data { id, bytes }.encode(&mut records);
        blobs.add_node(assemble(NodeKind::ContentLeaf, 0, 1, &records)).unwrap()
    };
    let branch = |blobs: &mut BlobWriter<'_>, level, bytes, id| {
        let mut records = Vec::new();
        encode_content_child(&ContentChild { bytes, id }, &mut records);
        blobs.add_node(assemble(NodeKind::ContentBranch, level, 1, &records)).unwrap()
    };
    // A content where a directory should be, and the reverse.
    assert_eq!(
        finding_of(|blobs, id| EntryKind::Directory(leaf(blobs, id, 100))).0,
        FindingKind::Tree
    );
    assert_eq!(
        finding_of(|blobs, _| {
            file(0, Content::Root(DirectoryWriter::new().finish(blobs).unwrap()))
        })
        .0,
        FindingKind::Tree
    );
    // A branch that claims more bytes than there are below it.
    finding_of(|blobs, id| {
        let below = leaf(blobs, id, 100);
        file(200, Content::Root(branch(blobs, 1, 200, below)))
    });
    // A branch as high as the one above it.
    finding_of(|blobs, id| {
        let below = leaf(blobs, id, 100);
        let low = branch(blobs, 3, 100, below);
        file(100, Content::Root(branch(blobs, 3, 100, low)))
    });
    // Not a node at all.
    let (kind, message) =
        finding_of(|blobs, _| EntryKind::Directory(blobs.add_node(b"no node".to_vec()).unwrap()));
    assert_eq!(kind, FindingKind::Tree);
    assert!(message.contains("node"), "{message}");
}

#[test]
fn directories_nested_too_deep_are_refused_in_little_stack() {
    let fixture = Fixture::memory();
    let repository = fixture.open();
    commit_tree(&repository, Timestamp::UNIX_EPOCH, |blobs| {
        let mut id = DirectoryWriter::new().finish(blobs).unwrap();
        for _ in 0..20_000 {
            let mut above = DirectoryWriter::new();
            above.push(blobs, &entry("d", EntryKind::Directory(id))).unwrap();
            id = above.finish(blobs).unwrap();
        }
        id
    });
    let report = fixture.check();
    assert_eq!(blamed(&report).0, FindingKind::Tree);
    assert_eq!(report.findings[0].files_count, 1);
}
