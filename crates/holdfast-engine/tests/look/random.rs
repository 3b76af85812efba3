//! Reading stored files at any offset, against their bytes.

use std::io::Read;

use holdfast_engine::EngineError;
use holdfast_engine::look::FileReader;
use holdfast_format::BlobType;
use holdfast_format::entry::{Entry, EntryKind};
use holdfast_format::node::Extent;
use holdfast_repo::tree::ContentWriter;
use holdfast_repo::{RepoError, Repository};
use proptest::prelude::*;

use super::support::{metadata, repository, writer};

/// A stretch of a file: a hole, or data of this many bytes.
type FileStretch = (bool, u16);

/// Stores a file of these stretches; returns its entry and its bytes.
fn store(repository: &Repository, stretches: &[FileStretch]) -> (Entry, Vec<u8>) {
    let mut blobs = writer(repository);
    let (mut content, mut bytes) = (ContentWriter::default(), Vec::new());
    for (number, (is_hole, length)) in stretches.iter().enumerate() {
        let length = usize::from(*length) + 1;
        let extent = if *is_hole {
            bytes.resize(bytes.len() + length, 0);
            Extent::Hole { bytes: length as u64 }
        } else {
            let mut chunk = vec![0; length];
            let mut noise = blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof();
            noise.fill(&mut chunk);
            bytes.extend_from_slice(&chunk);
            let id = repository.keys().blob_id(BlobType::Data, &chunk);
            blobs.add(BlobType::Data, id, chunk.into(), true).unwrap();
            Extent::Data { id, bytes: length as u64 }
        };
        content.push(&mut blobs, extent).unwrap();
    }
    let main = content.finish(&mut blobs).unwrap();
    blobs.flush().unwrap();
    let kind = EntryKind::File { size: bytes.len() as u64, codec: 0, main, second: None };
    (Entry { name: b"file".to_vec(), metadata: metadata(0o644), kind }, bytes)
}

/// From a few extents inside the entry to trees of several levels.
fn stretches() -> impl Strategy<Value = Vec<FileStretch>> {
    let stretch = (proptest::bool::weighted(0.2), 0..300u16);
    prop_oneof![
        prop::collection::vec(stretch.clone(), 0..8),
        prop::collection::vec(stretch, 1000..20_000),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_part_can_be_read_in_any_order(
        stretches in stretches(),
        reads in prop::collection::vec((any::<prop::sample::Index>(), 0..5_000usize), 1..200),
    ) {
        let repository = repository();
        let (entry, bytes) = store(&repository, &stretches);
        let mut reader = FileReader::new(&repository, b"/file", &entry).unwrap();
        prop_assert_eq!(reader.size(), bytes.len() as u64);
        for (offset, length) in &reads {
            // Some begin at the end of the file or after it.
            let offset = offset.index(bytes.len() + 10);
            let mut buffer = vec![0xAA; *length];
            let count = reader.read_at(offset as u64, &mut buffer).unwrap();
            let expected = &bytes[offset.min(bytes.len())..(offset + length).min(bytes.len())];
            prop_assert_eq!(&buffer[..count], expected);
        }
        // Reading from start to end is not affected.
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        prop_assert!(all == bytes);
    }
}

#[test]
fn a_file_that_is_shorter_than_its_entry_says_is_damaged() {
    let repository = repository();
    for stretches in [vec![(false, 10)], vec![(true, 0); 3000]] {
        let (mut entry, bytes) = store(&repository, &stretches);
        if let EntryKind::File { size, .. } = &mut entry.kind {
            *size += 1;
        }
        let mut reader = FileReader::new(&repository, b"/file", &entry).unwrap();
        let mut buffer = vec![0; bytes.len()];
        assert_eq!(reader.read_at(0, &mut buffer).unwrap(), bytes.len());
        assert_eq!(buffer, bytes);
        let outcome = reader.read_at(bytes.len() as u64, &mut buffer);
        let is_damage = matches!(outcome, Err(EngineError::Repo(RepoError::Damaged { .. })));
        assert!(is_damage, "{outcome:?}");
        assert_eq!(reader.read_at(u64::MAX, &mut buffer).unwrap(), 0);
    }
}

#[test]
fn a_chunk_of_another_length_is_damaged() {
    let repository = repository();
    let (entry, _) = store(&repository, &[(false, 99)]);
    let EntryKind::File { main, .. } = &entry.kind else { panic!("{entry:?}") };
    let holdfast_format::entry::Content::Inline(extents) = main else { panic!("{main:?}") };
    let Extent::Data { id, .. } = extents[0] else { panic!("{extents:?}") };
    for bytes in [99, 101] {
        let main = holdfast_format::entry::Content::Inline(vec![Extent::Data { id, bytes }]);
        let kind = EntryKind::File { size: bytes, codec: 0, main, second: None };
        let entry = Entry { kind, ..entry.clone() };
        let mut reader = FileReader::new(&repository, b"/file", &entry).unwrap();
        let outcome = reader.read_at(0, &mut [0; 10]);
        let is_damage = matches!(outcome, Err(EngineError::Repo(RepoError::Damaged { .. })));
        assert!(is_damage, "{outcome:?}");
    }
}
