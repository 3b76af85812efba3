//! Frames: changed by somebody without keys, and made up by somebody who has them.

use std::cell::RefCell;
use std::sync::OnceLock;

use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305, XNonce};
use holdfast_format::frame::{Algorithm, BlobEntry, FrameContext};
use holdfast_format::limits::FRAME_RAW_BYTES_MAX;
use holdfast_format::{BlobId, BlobType, FrameId, SessionId};
use holdfast_seal::FrameOpener;
use serde_json::Value;

use super::input::Input;
use super::keys::{bytes, golden, keys};

thread_local! {
    /// One for all inputs: what a bad frame leaves behind must not change how the next one opens.
    static OPENER: RefCell<FrameOpener> = RefCell::default();
}

fn open(context: &FrameContext, sealed: Vec<u8>) -> Option<Vec<u8>> {
    OPENER.with_borrow_mut(|opener| opener.open(keys(), context, sealed)).ok()
}

/// A frame that opens.
struct Golden {
    context: FrameContext,
    sealed: Vec<u8>,
    plaintext: Vec<u8>,
}

fn frames() -> &'static [Golden] {
    static FRAMES: OnceLock<Vec<Golden>> = OnceLock::new();
    FRAMES.get_or_init(|| {
        let file = golden!("frames.json");
        file.as_array().expect("a list").iter().map(golden_frame).collect()
    })
}

fn golden_frame(frame: &Value) -> Golden {
    let number = |field: &str| frame[field].as_u64().expect("a number") as u8;
    let blob_type = BlobType::from_byte(number("type")).expect("a type");
    let blobs: Vec<_> = frame["blobs"].as_array().expect("a list").iter().map(bytes).collect();
    let entry = |blob: &Vec<u8>| {
        let id = keys().blob_id(blob_type, blob);
        BlobEntry { id, bytes: blob.len() as u32 }
    };
    let entries: Vec<_> = blobs.iter().map(entry).collect();
    let plaintext = blobs.concat();
    let context = FrameContext {
        blob_type,
        algorithm: Algorithm::from_byte(number("algorithm")).expect("an algorithm"),
        frame: keys().frame_id(blob_type, &entries),
        session: frame["session"].as_str().and_then(|id| id.parse().ok()).expect("an id"),
        raw_bytes: plaintext.len() as u32,
    };
    Golden { context, sealed: bytes(&frame["sealed"]), plaintext }
}

/// A golden frame, after the input changed its bytes or what it is bound to: it opens only if
/// nothing was changed.
pub fn frame_open(data: &[u8]) {
    let mut input = Input(data);
    let golden = &frames()[usize::from(input.byte()) % frames().len()];
    let context = changed_context(golden.context, &mut input);
    let sealed = changed_bytes(&golden.sealed, &mut input);
    let opened = open(&context, sealed.clone());
    if context == golden.context && sealed == golden.sealed {
        assert_eq!(opened.as_ref(), Some(&golden.plaintext));
    } else {
        assert_eq!(opened, None);
    }
}

/// The first byte says which fields change.
fn changed_context(mut context: FrameContext, input: &mut Input<'_>) -> FrameContext {
    let fields = input.byte();
    if fields & 1 != 0 {
        context.raw_bytes ^= input.u32();
    }
    if fields & 2 != 0 {
        context.session = SessionId::from_bytes(input.array());
    }
    if fields & 4 != 0 {
        context.frame = FrameId::from_bytes(input.array());
    }
    if fields & 8 != 0 {
        context.blob_type = BlobType::from_byte(input.byte() & 1).expect("0 and 1 are types");
    }
    if fields & 16 != 0 {
        context.algorithm = Algorithm::from_byte(input.byte() & 1).expect("0 and 1 are known");
    }
    context
}

/// Cuts off or lengthens the end, then changes bytes from a place on.
fn changed_bytes(sealed: &[u8], input: &mut Input<'_>) -> Vec<u8> {
    let mut sealed = sealed.to_vec();
    let length = i64::from(input.u16() as i16) + sealed.len() as i64;
    sealed.resize(length.clamp(0, 1 << 16) as usize, 0);
    let place = usize::from(input.u16()).min(sealed.len());
    for (byte, change) in sealed[place..].iter_mut().zip(input.0) {
        *byte ^= change;
    }
    sealed
}

/// A frame of an attacker who has the session's key: four bytes that say how long the plaintext is
/// claimed to be, then a body that is claimed to be compressed.
pub fn zstd_body(data: &[u8]) {
    let mut input = Input(data);
    let raw_bytes = input.u32();
    let blob = BlobEntry { id: BlobId::from_bytes([0; 32]), bytes: raw_bytes };
    let file = session();
    let context = FrameContext {
        blob_type: BlobType::Data,
        algorithm: Algorithm::Zstd,
        frame: keys().frame_id(BlobType::Data, &[blob]),
        session: file.id,
        raw_bytes,
    };
    if let Some(plaintext) = open(&context, seal(&file.key, &context, input.0)) {
        assert_eq!(plaintext.len(), raw_bytes as usize);
        assert!(plaintext.len() <= FRAME_RAW_BYTES_MAX);
    }
}

struct StolenSession {
    id: SessionId,
    key: [u8; 32],
}

/// The session of the golden vectors.
fn session() -> &'static StolenSession {
    static SESSION: OnceLock<StolenSession> = OnceLock::new();
    SESSION.get_or_init(|| {
        let file = golden!("keys.json");
        let key = bytes(&file["session_data_key"]).try_into().expect("32 bytes");
        let id = bytes(&file["session"]).try_into().expect("32 bytes");
        StolenSession { id: SessionId::from_bytes(id), key }
    })
}

/// A valid seal of any body, made without `holdfast-seal`, which seals only what it compressed.
fn seal(key: &[u8; 32], context: &FrameContext, body: &[u8]) -> Vec<u8> {
    let mut sealed = [&[0; 24], body].concat();
    let associated_data = context.associated_data(&keys().repository_id());
    let buffer = (&mut sealed[24..]).into();
    let tag = XChaCha20Poly1305::new(key.into())
        .encrypt_inout_detached(&XNonce::from([0; 24]), &associated_data, buffer)
        .expect("a short body");
    sealed.extend_from_slice(&tag);
    sealed
}
