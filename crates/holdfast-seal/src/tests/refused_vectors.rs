//! Golden vectors that must be refused: `tests/vectors/seal/refused.json`.

use holdfast_format::BlobId;
use holdfast_format::BlobType::Data;
use holdfast_format::config::StoredConfig;
use holdfast_format::frame::{Algorithm, BlobEntry, FrameContext};
use holdfast_format::name::Chain;
use holdfast_format::slot::KeySlot;
use serde_json::{Value, json};

use super::vectors::{bytes, frame_vectors, object_vectors, slot_vectors, stored};
use super::{keys, session};
use crate::{FrameOpener, SealError, Secret, check_config, open_index, open_record, open_slot};

/// Objects that must be refused, with the reason; other programs that read the format can use them
/// too.
#[test]
fn refused_vectors_are_refused() {
    for case in stored("refused.json").as_array().unwrap() {
        let error = refusal(case, bytes(&case["object"]));
        assert_eq!(error.to_string(), case["error"].as_str().unwrap(), "{}", case["name"]);
    }
}

/// Opens the object as what it claims to be.
fn refusal(case: &Value, object: Vec<u8>) -> SealError {
    let keys = keys();
    match case["kind"].as_str().unwrap() {
        "generation 0" => open_record(&keys, &Chain::Generations, 0, &object).unwrap_err(),
        "index" => open_index(&keys, &object).unwrap_err(),
        "config" => match StoredConfig::decode(&object) {
            Ok(stored) => check_config(&keys, &stored).unwrap_err(),
            Err(error) => error.into(),
        },
        "stored data frame of one blob" => {
            let id: BlobId = case["blob"].as_str().unwrap().parse().unwrap();
            let raw_bytes = case["bytes"].as_u64().unwrap() as u32;
            let context = FrameContext {
                blob_type: Data,
                algorithm: Algorithm::Stored,
                frame: keys.frame_id(Data, &[BlobEntry { id, bytes: raw_bytes }]),
                session: session(&keys).id(),
                raw_bytes,
            };
            FrameOpener::new().open(&keys, &context, object).unwrap_err()
        }
        "slot for correct horse" => {
            let secret = Secret::parse("correct horse").unwrap();
            match KeySlot::decode(&object).map(|slot| open_slot(&slot, &secret)) {
                Ok(opened) => opened.unwrap_err(),
                Err(error) => error.into(),
            }
        }
        kind => panic!("{kind}"),
    }
}

/// Flips a bit, and makes the checksum of a small object fit again.
fn flipped(object: &[u8], place: usize, checksum: bool) -> String {
    let mut object = object.to_vec();
    object[place] ^= 1;
    if checksum {
        let end = object.len() - 16;
        let hash = *blake3::hash(&object[..end]).as_bytes();
        object[end..].copy_from_slice(&hash[..16]);
    }
    hex::encode(object)
}

pub(super) fn refused_vectors() -> Value {
    let (objects, slots) = (object_vectors(), slot_vectors());
    let (config, slot) = (bytes(&objects["config"]), bytes(&slots["passphrase_slot"]));
    let generation = bytes(&objects["generation_0"]);
    let index = bytes(&objects["index"]);
    let frame = bytes(&frame_vectors()[0]["sealed"]);
    let hello = keys().blob_id(Data, b"hello");
    let object = |kind: &str, name: &str, object: String, error: &str| json!({ "kind": kind, "name": name, "object": object, "error": error });
    let frame_case = |name: &str, sealed: String, blob_bytes: u32| {
        json!({
            "kind": "stored data frame of one blob", "name": name, "object": sealed,
            "error": "the frame is damaged or was tampered with",
            "blob": hello, "bytes": blob_bytes,
        })
    };
    let tampered = |what: &str| format!("the {what} is damaged or was tampered with");
    let (record, newer) = ("generation 0", "format version 0, this program reads up to 1");
    let moved = objects["record_7_of_alpha.example"].as_str().unwrap().to_owned();
    let slot_kind = "slot for correct horse";
    Value::Array(vec![
        frame_case("nonce flipped", flipped(&frame, 0, false), 5),
        frame_case("ciphertext flipped", flipped(&frame, 24, false), 5),
        frame_case("tag flipped", flipped(&frame, frame.len() - 1, false), 5),
        frame_case("raw length lied about", hex::encode(&frame), 6),
        object(record, "record of another chain", moved, &tampered("record")),
        object(record, "ciphertext flipped", flipped(&generation, 40, false), &tampered("record")),
        object(
            record,
            "unknown version",
            flipped(&generation, 8, false),
            &format!("the record has {newer}"),
        ),
        object("index", "tag flipped", flipped(&index, 50, false), &tampered("index object")),
        object(
            "config",
            "MAC flipped",
            flipped(&config, config.len() - 20, true),
            &tampered("config"),
        ),
        object(
            "config",
            "damaged",
            flipped(&config, 20, false),
            "the config is damaged: its checksum does not match",
        ),
        object(
            slot_kind,
            "damaged",
            flipped(&slot, 100, false),
            "the key slot is damaged: its checksum does not match",
        ),
        object(slot_kind, "master key flipped", flipped(&slot, 160, true), &tampered("key slot")),
        object(
            slot_kind,
            "label flipped",
            flipped(&slot, 230, true),
            &tampered("key slot's label"),
        ),
        object(
            slot_kind,
            "16 GiB of memory",
            flipped(&slot, 55, true),
            "the key slot is not valid: the cost it asks for is out of bounds",
        ),
    ])
}
