//! Fixed keys: those of the golden vectors in `tests/vectors/seal`.

use std::sync::OnceLock;

use holdfast_format::slot::KeySlot;
use holdfast_seal::{Keys, Secret, open_slot};
use serde_json::Value;

/// A file of golden vectors.
macro_rules! golden {
    ($name:literal) => {{
        let text = include_str!(concat!("../../../tests/vectors/seal/", $name));
        serde_json::from_str::<serde_json::Value>(text).expect("golden vectors are JSON")
    }};
}
pub(super) use golden;

/// Bytes in a golden vector.
pub(super) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("a string")).expect("hexadecimal digits")
}

/// A slot for a generated key and the text of that key.
pub(super) fn slot() -> &'static (KeySlot, String) {
    static SLOT: OnceLock<(KeySlot, String)> = OnceLock::new();
    SLOT.get_or_init(|| {
        let file = golden!("slots.json");
        let slot = KeySlot::decode(&bytes(&file["generated_key_slot"])).expect("a slot");
        (slot, file["generated_key"].as_str().expect("a string").to_owned())
    })
}

/// The keys that the golden slot gives.
pub(super) fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let (slot, text) = slot();
        let secret = Secret::parse(text).expect("a generated key");
        let master = open_slot(slot, &secret).expect("no damage").expect("the right key");
        Keys::derive(&master)
    })
}
