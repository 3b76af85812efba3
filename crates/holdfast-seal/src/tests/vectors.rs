//! Golden vectors in `tests/vectors/seal`: what version 1 wrote must remain readable, and be
//! written the same way.
//!
//! All under the master key 00..1f; random bytes count up from a stated first byte. To regenerate
//! the files after a change of `docs/format.md`: `cargo test -p holdfast-seal -- --ignored
//! write_vectors`.

use std::path::PathBuf;

use holdfast_format::BlobType::{self, Data, Tree};
use holdfast_format::SessionId;
use holdfast_format::config::{Config, StoredConfig};
use holdfast_format::frame::FrameContext;
use holdfast_format::name::Chain;
use holdfast_format::slot::KeySlot;
use serde_json::{Value, json};

use super::refused_vectors::refused_vectors;
use super::{CountingNonces, context, keys, label, master, seal, session, slot};
use crate::object::{seal_directory_from, seal_index_from, seal_record_from};
use crate::{
    FrameCompression, FrameOpener, Secret, check_config, open_directory, open_index, open_label,
    open_record, open_slot, seal_config,
};

const HEADER: &[u8] = b"the pack's header";
const TEXT: &[u8] = b"to be or not to be, that is the question: to be or not to be. ";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/seal").join(name)
}

pub(super) fn stored(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap()
}

pub(super) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn key_vectors() -> Value {
    let keys = keys();
    let table: Vec<u8> = keys.gear().iter().flat_map(|value| value.to_le_bytes()).collect();
    let sealed = seal(&keys, &session(&keys), Tree, &[b"a", b"bc"], FrameCompression::Stored);
    json!({
        "master_key": hex::encode(master().as_bytes()),
        "repository_id": keys.repository_id(),
        "data_id_of_hello": keys.blob_id(Data, b"hello"),
        "tree_id_of_hello": keys.blob_id(Tree, b"hello"),
        "frame_id_of_tree_a_bc": sealed.frame,
        "split_hash_of_name": keys.split_hash(b"name"),
        "writer_id_of_alpha.example": keys.writer_id("alpha.example"),
        "gear_table_starts": hex::encode(&table[..32]),
        "gear_table_hash": blake3::hash(&table).to_hex().as_str(),
        "fingerprint_key": hex::encode(keys.fingerprint_key()),
        "session": session(&keys).id(),
        "session_data_key": hex::encode(session(&keys).key(Data).as_bytes()),
        "session_tree_key": hex::encode(session(&keys).key(Tree).as_bytes()),
    })
}

/// Frames, all with random bytes from 00.
pub(super) fn frame_vectors() -> Value {
    let keys = keys();
    let session = session(&keys);
    let text = TEXT.repeat(5);
    let frame = |name: &str, blob_type: BlobType, plaintexts: &[&[u8]], compression| {
        let sealed = seal(&keys, &session, blob_type, plaintexts, compression);
        json!({
            "name": name,
            "type": blob_type.byte(),
            "algorithm": sealed.algorithm.byte(),
            "session": session.id(),
            "blobs": plaintexts.iter().map(hex::encode).collect::<Vec<_>>(),
            "sealed": hex::encode(sealed.bytes),
        })
    };
    let zstd = FrameCompression::Zstd { level: 3 };
    Value::Array(vec![
        frame("one stored blob", Data, &[b"hello"], FrameCompression::Stored),
        frame("two stored tree blobs", Tree, &[b"a", b"bc"], FrameCompression::Stored),
        frame("compressed", Data, &[&text, b"end"], zstd),
        frame("an empty blob", Data, &[b""], zstd),
    ])
}

/// Objects, all with random bytes from 20.
pub(super) fn object_vectors() -> Value {
    let keys = keys();
    let random = || CountingNonces(0x20);
    let directory = seal_directory_from(&keys, HEADER, 1000, b"entries", &mut random()).unwrap();
    let index = seal_index_from(&keys, b"body", &mut random()).unwrap();
    let json = br#"{"previous":"00"}   "#;
    let chain = Chain::Writer(keys.writer_id("alpha.example"));
    let record = seal_record_from(&keys, &chain, 7, json, &mut random()).unwrap();
    let generation = seal_record_from(&keys, &Chain::Generations, 0, json, &mut random()).unwrap();
    // Pinned: the default for new repositories may change, this vector must not.
    let pinned = Config { frame_bytes: 1 << 20, ..Config::new(keys.repository_id()) };
    let config = seal_config(&keys, &pinned).encode();
    json!({
        "directory_header": hex::encode(HEADER),
        "directory_and_trailer_after_1000_bytes": hex::encode(directory),
        "index": hex::encode(index),
        "record_7_of_alpha.example": hex::encode(record),
        "generation_0": hex::encode(generation),
        "config": hex::encode(config),
    })
}

/// Slots, with random bytes from 40; the generated key is 00..1f too.
pub(super) fn slot_vectors() -> Value {
    let (secret, text) = Secret::generate_key_from(&mut CountingNonces(0)).unwrap();
    json!({
        "passphrase": "correct horse",
        "passphrase_slot": hex::encode(slot(&Secret::parse("correct horse").unwrap()).encode()),
        "generated_key": *text,
        "generated_key_slot": hex::encode(slot(&secret).encode()),
    })
}

#[test]
fn keys_and_ids_are_those_of_version_1() {
    assert_eq!(stored("keys.json"), key_vectors());
}

#[test]
fn objects_are_those_of_version_1() {
    let file = stored("objects.json");
    assert_eq!(file, object_vectors());
    let keys = keys();
    let end = bytes(&file["directory_and_trailer_after_1000_bytes"]);
    let directory = open_directory(&keys, HEADER, &end[..end.len() - 12]).unwrap();
    assert!(directory.starts_with(b"entries\0"));
    assert_eq!(open_index(&keys, &bytes(&file["index"])).unwrap(), b"body");
    let chain = Chain::Writer(keys.writer_id("alpha.example"));
    open_record(&keys, &chain, 7, &bytes(&file["record_7_of_alpha.example"])).unwrap();
    open_record(&keys, &Chain::Generations, 0, &bytes(&file["generation_0"])).unwrap();
    check_config(&keys, &StoredConfig::decode(&bytes(&file["config"])).unwrap()).unwrap();
}

#[test]
fn slots_are_those_of_version_1() {
    let file = stored("slots.json");
    assert_eq!(file, slot_vectors());
    for (secret, slot) in
        [("passphrase", "passphrase_slot"), ("generated_key", "generated_key_slot")]
    {
        let slot = KeySlot::decode(&bytes(&file[slot])).unwrap();
        let secret = Secret::parse(file[secret].as_str().unwrap()).unwrap();
        let opened = open_slot(&slot, &secret).unwrap().unwrap();
        assert_eq!(opened.as_bytes(), master().as_bytes());
        assert_eq!(open_label(&keys(), &slot).unwrap(), label());
    }
}

/// A newer zstd may compress differently: compressed frames need only open.
#[test]
fn frames_are_those_of_version_1() {
    let (file, now) = (stored("frames.json"), frame_vectors());
    let keys = keys();
    for (frame, now) in file.as_array().unwrap().iter().zip(now.as_array().unwrap()) {
        let blob_type = BlobType::from_byte(frame["type"].as_u64().unwrap() as u8).unwrap();
        let blobs: Vec<_> = frame["blobs"].as_array().unwrap().iter().map(bytes).collect();
        let plaintexts: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
        let sealed = seal(&keys, &session(&keys), blob_type, &plaintexts, FrameCompression::Stored);
        let session: SessionId = frame["session"].as_str().unwrap().parse().unwrap();
        let algorithm = frame["algorithm"].as_u64().unwrap() as u8;
        let algorithm = holdfast_format::frame::Algorithm::from_byte(algorithm).unwrap();
        let context = FrameContext { algorithm, ..context(&sealed, session) };
        let opened = FrameOpener::new().open(&keys, &context, bytes(&frame["sealed"])).unwrap();
        assert_eq!(opened, blobs.concat(), "{}", frame["name"]);
        if algorithm.byte() == 0 {
            assert_eq!(frame, now);
        }
    }
    assert_eq!(file.as_array().unwrap().len(), now.as_array().unwrap().len());
}

/// See the top of this file.
#[test]
#[ignore = "writes the files that the other tests compare with"]
fn write_vectors() {
    let files = [
        ("keys.json", key_vectors()),
        ("frames.json", frame_vectors()),
        ("objects.json", object_vectors()),
        ("slots.json", slot_vectors()),
        ("refused.json", refused_vectors()),
    ];
    for (name, value) in files {
        let text = serde_json::to_string_pretty(&value).unwrap() + "\n";
        std::fs::write(path(name), text).unwrap();
    }
}
