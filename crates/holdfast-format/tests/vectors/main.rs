//! Golden vectors in `tests/vectors/format`: what version 1 wrote must remain readable and be
//! written the same way, and what it refused must still be refused. Other programs can use the
//! files too.
//!
//! `bytes` are hexadecimal; `text` gives the bytes as text. To regenerate the files after a change
//! of `docs/format.md`: `cargo test -p holdfast-format --test vectors -- --ignored`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod nodes;
mod objects;
mod records;
mod refused;
mod sample;

use std::path::PathBuf;

use sample::VectorSample;
use serde_json::{Value, json};

/// All files except `refused.json`, with their samples.
fn files() -> Vec<(&'static str, Vec<VectorSample>)> {
    vec![
        ("config.json", objects::configs()),
        ("config_object.json", objects::config_objects()),
        ("key_slot.json", objects::key_slots()),
        ("pack_header.json", objects::pack_headers()),
        ("pack_trailer.json", objects::pack_trailers()),
        ("directory.json", objects::directories()),
        ("index_body.json", objects::index_bodies()),
        ("entry.json", nodes::entries()),
        ("node.json", nodes::nodes()),
        ("writer_record.json", records::writer_records()),
        ("generation_record.json", records::generation_records()),
    ]
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/format").join(name)
}

fn stored(name: &str) -> Vec<Value> {
    serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap()
}

/// The bytes of one vector.
fn bytes(vector: &Value) -> Vec<u8> {
    match vector["text"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => hex::decode(vector["bytes"].as_str().unwrap()).unwrap(),
    }
}

/// As text if the bytes are text, else hexadecimal.
fn vector(sample: &VectorSample) -> Value {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~');
    match std::str::from_utf8(&sample.bytes) {
        Ok(text) if !text.is_empty() && text.bytes().all(|byte| is_plain(&byte)) => {
            json!({ "name": sample.name, "text": text })
        }
        _ => json!({ "name": sample.name, "bytes": hex::encode(&sample.bytes) }),
    }
}

#[test]
fn values_are_encoded_as_in_version_1() {
    for (file, samples) in files() {
        let expected: Vec<_> = samples.iter().map(vector).collect();
        assert_eq!(stored(file), expected, "{file}");
    }
}

#[test]
fn bytes_are_decoded_as_in_version_1() {
    for (file, samples) in files() {
        let vectors = stored(file);
        assert_eq!(vectors.len(), samples.len(), "{file}");
        for (vector, sample) in vectors.iter().zip(samples) {
            (sample.check)(&bytes(vector));
        }
    }
}

#[test]
fn refused_bytes_are_refused_for_the_stated_reason() {
    let vectors = stored("refused.json");
    assert_eq!(vectors, refused::vectors());
    for vector in vectors {
        let decoder = vector["decoder"].as_str().unwrap();
        let error = refused::decode(decoder, &bytes(&vector)).unwrap_err();
        let found = (refused::variant(&error), error.to_string());
        let expected = [&vector["error"], &vector["message"]].map(|text| text.as_str().unwrap());
        assert_eq!((found.0.as_str(), found.1.as_str()), expected.into(), "{}", vector["name"]);
    }
}

/// See the top of this file.
#[test]
#[ignore = "writes the files that the other tests compare with"]
fn write_vectors() {
    let accepted = files().into_iter();
    let accepted = accepted.map(|(file, samples)| (file, samples.iter().map(vector).collect()));
    for (file, vectors) in accepted.chain([("refused.json", refused::vectors())]) {
        let text = serde_json::to_string_pretty(&Value::Array(vectors)).unwrap() + "\n";
        std::fs::write(path(file), text).unwrap();
    }
}
