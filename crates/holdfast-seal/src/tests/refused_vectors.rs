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

/// Flips a bit.
fn flipped(object: &[u8], place: usize) -> Vec<u8> {
    let mut object = object.to_vec();
    object[place] ^= 1;
    object
}

/// Flips a bit, and corrects the checksum of a small object.
fn forged(object: &[u8], place: usize) -> Vec<u8> {
    let mut object = flipped(object, place);
    let end = object.len() - 16;
    let hash = *blake3::hash(&object[..end]).as_bytes();
    object[end..].copy_from_slice(&hash[..16]);
    object
}

pub(super) fn refused_vectors() -> Value {
    let (objects, slots) = (object_vectors(), slot_vectors());
    let (config, slot) = (bytes(&objects["config"]), bytes(&slots["passphrase_slot"]));
    let (record, index) = (bytes(&objects["generation_0"]), bytes(&objects["index"]));
    let other_record = bytes(&objects["record_7_of_alpha.example"]);
    let slot_kind = "slot for correct horse";
    let cases = [
        ("generation 0", "record of another chain", other_record, TAMPERED_RECORD),
        ("generation 0", "ciphertext flipped", flipped(&record, 40), TAMPERED_RECORD),
        ("generation 0", "unknown version", flipped(&record, 8), VERSION),
        ("index", "tag flipped", flipped(&index, 50), TAMPERED_INDEX),
        ("config", "MAC flipped", forged(&config, config.len() - 20), TAMPERED_CONFIG),
        ("config", "damaged", flipped(&config, 20), DAMAGED_CONFIG),
        (slot_kind, "damaged", flipped(&slot, 100), DAMAGED_SLOT),
        (slot_kind, "master key flipped", forged(&slot, 160), TAMPERED_SLOT),
        (slot_kind, "label flipped", forged(&slot, 230), TAMPERED_LABEL),
        (slot_kind, "16 GiB of memory", forged(&slot, 55), COST),
    ];
    let cases = cases.into_iter().map(|(kind, name, object, error)| {
        let object = hex::encode(object);
        json!({ "kind": kind, "name": name, "object": object, "error": error })
    });
    Value::Array(refused_frames().into_iter().chain(cases).collect())
}

const TAMPERED_FRAME: &str = "the frame is damaged or was tampered with";
const TAMPERED_RECORD: &str = "the record is damaged or was tampered with";
const TAMPERED_INDEX: &str = "the index object is damaged or was tampered with";
const TAMPERED_CONFIG: &str = "the config is damaged or was tampered with";
const TAMPERED_SLOT: &str = "the key slot is damaged or was tampered with";
const TAMPERED_LABEL: &str = "the key slot's label is damaged or was tampered with";
const DAMAGED_CONFIG: &str = "the config is damaged: its checksum does not match";
const DAMAGED_SLOT: &str = "the key slot is damaged: its checksum does not match";
const VERSION: &str = "the record has format version 0, this program reads up to 1";
const COST: &str = "the key slot is not valid: the cost it asks for is out of bounds";

/// A frame of the one blob "hello", with its directory entry.
fn refused_frames() -> Vec<Value> {
    let frame = bytes(&frame_vectors()[0]["sealed"]);
    let cases = [
        ("nonce flipped", flipped(&frame, 0), 5),
        ("ciphertext flipped", flipped(&frame, 24), 5),
        ("tag flipped", flipped(&frame, frame.len() - 1), 5),
        ("raw length lied about", frame, 6),
    ];
    let case = |(name, sealed, raw_bytes): (&str, Vec<u8>, u32)| {
        json!({
            "kind": "stored data frame of one blob",
            "name": name,
            "object": hex::encode(sealed),
            "error": TAMPERED_FRAME,
            "blob": keys().blob_id(Data, b"hello"),
            "bytes": raw_bytes,
        })
    };
    cases.into_iter().map(case).collect()
}
