//! Decoders of `holdfast-format`.

use std::fmt::Debug;

use holdfast_format::FormatError;
use holdfast_format::config::StoredConfig;
use holdfast_format::limits::SESSIONS_MAX;
use holdfast_format::node::{
    Node, NodeKind, assemble, encode_content_child, encode_directory_child,
};
use holdfast_format::pack::{PackHeader, decode_trailer, encode_trailer};
use holdfast_format::record::{GenerationBody, Record, WriterBody};
use holdfast_format::slot::KeySlot;
use holdfast_format::{directory as pack_directory, index, record as chain_record};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::input::Input;

/// The bytes, and the same with the checksum at their end made right, which no fuzzer guesses.
fn with_checksum(data: &[u8]) -> [Vec<u8>; 2] {
    let mut right = data.to_vec();
    if let Some((body, checksum)) = right.split_last_chunk_mut::<16>() {
        checksum.copy_from_slice(&blake3::hash(body).as_bytes()[..16]);
    }
    [data.to_vec(), right]
}

/// The config as it is stored: its own bytes again, and a body that reads as the same config.
pub fn config(data: &[u8]) {
    for object in with_checksum(data) {
        let Ok(stored) = StoredConfig::decode(&object) else { continue };
        assert_eq!(stored.encode(), object);
        let authenticated = stored.config.encode_body();
        let again = StoredConfig { authenticated, ..stored.clone() }.encode();
        assert_eq!(StoredConfig::decode(&again).map(|again| again.config), Ok(stored.config));
    }
}

/// Key slots.
pub fn key_slot(data: &[u8]) {
    for object in with_checksum(data) {
        if let Ok(slot) = KeySlot::decode(&object) {
            assert_eq!(slot.encode(), object);
        }
    }
}

/// The plain start of a pack, behind which anything may stand.
pub fn pack_header(data: &[u8]) {
    if let Ok((header, length)) = PackHeader::decode(data) {
        assert_eq!(header.encode(), data[..length]);
        assert!(header.sessions.len() <= SESSIONS_MAX);
    }
}

/// The plain end of a pack.
pub fn pack_trailer(data: &[u8]) {
    if let Ok(length) = decode_trailer(data) {
        assert_eq!(encode_trailer(length), data);
    }
}

/// A pack's directory of zero to three sessions, as the first byte says; zeros may follow it.
pub fn directory(data: &[u8]) {
    let mut input = Input(data);
    let sessions = usize::from(input.byte() % 4);
    let Ok(frames) = pack_directory::decode(input.0, sessions) else { return };
    let again = pack_directory::encode(&frames);
    let (entries, padding) = input.0.split_at(again.len());
    assert_eq!(again, entries);
    assert!(padding.iter().all(|byte| *byte == 0));
}

/// What an index object holds.
pub fn index_body(data: &[u8]) {
    if let Ok(packs) = index::decode(data) {
        assert_eq!(index::encode(&packs), data);
    }
    let _ = index::split(data);
}

/// Tree nodes with their entries, extents or children.
pub fn node(data: &[u8]) {
    if let Ok(node) = Node::decode(data) {
        assert_eq!(encode_node(&node), data);
    }
}

fn encode_node(node: &Node) -> Vec<u8> {
    let mut records = Vec::new();
    let (kind, level, count) = match node {
        Node::DirectoryLeaf(entries) => {
            entries.iter().for_each(|entry| entry.encode(&mut records));
            (NodeKind::DirectoryLeaf, 0, entries.len())
        }
        Node::DirectoryBranch(level, children) => {
            children.iter().for_each(|child| encode_directory_child(child, &mut records));
            (NodeKind::DirectoryBranch, *level, children.len())
        }
        Node::ContentLeaf(extents) => {
            extents.iter().for_each(|extent| extent.encode(&mut records));
            (NodeKind::ContentLeaf, 0, extents.len())
        }
        Node::ContentBranch(level, children) => {
            children.iter().for_each(|child| encode_content_child(child, &mut records));
            (NodeKind::ContentBranch, *level, children.len())
        }
    };
    assemble(kind, level, count, &records)
}

/// Records of both kinds of chains. JSON has many forms: what was read must read the same again.
pub fn record(data: &[u8]) {
    let _ = chain_record::split(data);
    reads_the_same_again::<WriterBody>(chain_record::decode(data));
    reads_the_same_again::<GenerationBody>(chain_record::decode(data));
}

fn reads_the_same_again<Body>(decoded: Result<Record<Body>, FormatError>)
where
    Body: Serialize + DeserializeOwned + PartialEq + Debug,
{
    if let Ok(record) = decoded {
        assert_eq!(chain_record::decode(&chain_record::encode(&record)), Ok(record));
    }
}
