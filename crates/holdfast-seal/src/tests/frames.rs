//! Frames: what is sealed opens again, and nothing else does.

use holdfast_format::BlobType::{self, Data, Tree};
use holdfast_format::directory::FrameEntry;
use holdfast_format::frame::{Algorithm, FrameContext};
use holdfast_format::limits::FRAME_RAW_BYTES_MAX;
use proptest::prelude::*;

use super::{context, keys, noise, other_keys, seal, session};
use crate::aead::seal_in_place;
use crate::nonce::Nonce;
use crate::tests::CountingNonces;
use crate::{
    BlobInput, FrameCompression, FrameOpener, FrameSealer, Keys, SealError, SealedFrame, Session,
    looks_compressible,
};

const ZSTD: FrameCompression = FrameCompression::Zstd { level: 3 };
const TAMPERED: SealError = SealError::Tampered { what: "frame" };

fn open(keys: &Keys, context: &FrameContext, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    FrameOpener::new().open(keys, context, sealed.to_vec())
}

proptest! {
    #[test]
    fn what_is_sealed_opens_again(
        blobs in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..3000),
                prop::collection::vec(97u8..100, 0..3000),
            ],
            0..5,
        ),
        tree: bool, level in prop::option::of(-5i32..19),
    ) {
        let (keys, blob_type) = (keys(), if tree { Tree } else { Data });
        let session = session(&keys);
        let plaintexts: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
        let zstd = |level| FrameCompression::Zstd { level };
        let compression = level.map_or(FrameCompression::Stored, zstd);
        let sealed = seal(&keys, &session, blob_type, &plaintexts, compression);
        prop_assert!(sealed.bytes.len() <= sealed.raw_bytes as usize + 40);
        prop_assert_eq!(sealed.bytes.capacity(), sealed.bytes.len());
        let plaintext = open(&keys, &context(&sealed, session.id()), &sealed.bytes).unwrap();
        prop_assert_eq!(plaintext, blobs.concat());
    }
}

#[test]
fn a_frame_that_does_not_shrink_is_stored() {
    let (keys, bytes) = (keys(), noise(20_000));
    let session = session(&keys);
    let stored = seal(&keys, &session, Data, &[&bytes], ZSTD);
    assert_eq!(stored.algorithm, Algorithm::Stored);
    let smaller = seal(&keys, &session, Data, &[&bytes, &[0; 1000]], ZSTD);
    assert_eq!(smaller.algorithm, Algorithm::Zstd);
    // Less than 3 %: not worth every reader's time.
    let barely = seal(&keys, &session, Data, &[&bytes, &[0; 300]], ZSTD);
    assert_eq!(barely.algorithm, Algorithm::Stored);
    // Catches: the rule left to the size of a buffer, which is larger after a large frame.
    let mut sealer = FrameSealer::new();
    for (length, algorithm) in [(200_000, Algorithm::Zstd), (300, Algorithm::Stored)] {
        let plaintext = [&bytes[..], &vec![0; length]].concat();
        let blobs = [BlobInput { id: keys.blob_id(Data, &plaintext), bytes: &plaintext }];
        let sealed = sealer.seal(&keys, &session, Data, &blobs, ZSTD, true).unwrap();
        assert_eq!(sealed.algorithm, algorithm);
    }
}

#[test]
fn a_sealer_can_be_used_again_after_larger_and_stored_frames() {
    let keys = keys();
    let session = session(&keys);
    let mut sealer = FrameSealer::new();
    let mut opener = FrameOpener::new();
    for length in [100_000, 10, 0, 50_000, 200_000] {
        for (bytes, level) in [(vec![b'x'; length], 3), (noise(length), 1), (vec![b'y'; length], 9)]
        {
            let blobs = [BlobInput { id: keys.blob_id(Data, &bytes), bytes: &bytes }];
            let compression = FrameCompression::Zstd { level };
            let sealed = sealer.seal(&keys, &session, Data, &blobs, compression, true).unwrap();
            let context = context(&sealed, session.id());
            assert_eq!(opener.open(&keys, &context, sealed.bytes).unwrap(), bytes);
        }
    }
}

/// Catches: additional data that omits one of its parts. Every change of context must be refused.
#[test]
fn a_frame_opens_only_in_its_context() {
    let keys = keys();
    let session = session(&keys);
    for compression in [FrameCompression::Stored, ZSTD] {
        let sealed = seal(&keys, &session, Data, &[&[b'a'; 500], b"b"], compression);
        let right = context(&sealed, session.id());
        let mut frame = *right.frame.as_bytes();
        frame[31] ^= 1;
        let other_algorithm = match right.algorithm {
            Algorithm::Stored => Algorithm::Zstd,
            Algorithm::Zstd => Algorithm::Stored,
        };
        let wrong = [
            FrameContext { blob_type: Tree, ..right },
            FrameContext { algorithm: other_algorithm, ..right },
            FrameContext { frame: holdfast_format::FrameId::from_bytes(frame), ..right },
            FrameContext { session: Session::start(&keys).unwrap().id(), ..right },
            FrameContext { raw_bytes: right.raw_bytes - 1, ..right },
            FrameContext { raw_bytes: right.raw_bytes + 1, ..right },
        ];
        for context in wrong {
            assert_eq!(open(&keys, &context, &sealed.bytes), Err(TAMPERED), "{context:?}");
        }
        assert_eq!(open(&other_keys(), &right, &sealed.bytes), Err(TAMPERED));
        assert!(open(&keys, &right, &sealed.bytes).is_ok());
    }
}

/// Catches: data and tree frames of a session under one key.
#[test]
fn types_and_sessions_have_their_own_keys() {
    let keys = keys();
    let (one, two) = (session(&keys), Session::start(&keys).unwrap());
    let all = [one.key(Data), one.key(Tree), two.key(Data), two.key(Tree)].map(|k| *k.as_bytes());
    for (number, key) in all.iter().enumerate() {
        assert!(!all[..number].contains(key));
        assert_eq!(all.iter().filter(|other| *other == key).count(), 1);
    }
}

/// Catches: the list of blobs hashed without lengths or order.
#[test]
fn a_frame_id_depends_on_type_order_and_lengths() {
    let keys = keys();
    let session = session(&keys);
    let id = |blob_type, plaintexts: &[&[u8]]| {
        seal(&keys, &session, blob_type, plaintexts, FrameCompression::Stored).frame
    };
    let first = id(Data, &[b"a", b"b"]);
    assert_ne!(first, id(Data, &[b"b", b"a"]));
    assert_ne!(first, id(Tree, &[b"a", b"b"]));
    let sealed = seal(&keys, &session, Data, &[b"a", b"b"], FrameCompression::Stored);
    let mut longer = sealed.blobs.clone();
    longer[0].bytes += 1;
    assert_ne!(first, keys.frame_id(Data, &longer));
}

#[test]
fn a_directory_entry_gives_the_context() {
    let keys = keys();
    let session = session(&keys);
    let sealed = seal(&keys, &session, Tree, &[&[1; 400], &[2; 3]], ZSTD);
    let entry = FrameEntry {
        blob_type: Tree,
        algorithm: sealed.algorithm,
        session: 0,
        sealed_bytes: sealed.bytes.len() as u32,
        blobs: sealed.blobs.clone(),
    };
    assert_eq!(keys.frame_context(&entry, session.id()), context(&sealed, session.id()));
}

/// Catches: `verify` that compares with something computed from the damaged bytes themselves.
#[test]
fn verify_notices_bytes_that_are_not_what_was_hashed() {
    let keys = keys();
    let session = session(&keys);
    let bytes = vec![b'x'; 5000];
    let id = keys.blob_id(Data, &bytes);
    let mut flipped = bytes.clone();
    flipped[2500] ^= 4;
    for compression in [FrameCompression::Stored, ZSTD] {
        let blobs = [BlobInput { id, bytes: &flipped }];
        let mut sealer = FrameSealer::new();
        let result = sealer.seal(&keys, &session, Data, &blobs, compression, true);
        assert_eq!(result, Err(SealError::Verify { what: "frame" }));
    }
    assert_eq!(keys.check_blob(Data, &id, &flipped), Err(SealError::WrongId));
    assert_eq!(keys.check_blob(Tree, &id, &bytes), Err(SealError::WrongId));
    assert_eq!(keys.check_blob(Data, &id, &bytes), Ok(()));
}

#[test]
fn a_frame_above_the_limit_is_refused() {
    let keys = keys();
    let session = session(&keys);
    let bytes = vec![0; FRAME_RAW_BYTES_MAX / 2 + 1];
    let blob = BlobInput { id: keys.blob_id(Data, &bytes), bytes: &bytes };
    let mut sealer = FrameSealer::new();
    let result = sealer.seal(&keys, &session, Data, &[blob, blob], ZSTD, false);
    assert_eq!(result, Err(SealError::Length { what: "frame" }));
    let one = sealer.seal(&keys, &session, Data, &[blob], ZSTD, false).unwrap();
    let mut context = context(&one, session.id());
    context.raw_bytes = FRAME_RAW_BYTES_MAX as u32 + 1;
    assert_eq!(open(&keys, &context, &one.bytes), Err(SealError::Length { what: "frame" }));
}

/// A frame with an arbitrary but authentic body, as a buggy or malicious writer could make.
fn forge(blob_type: BlobType, algorithm: Algorithm, body: &[u8], raw_bytes: u32) -> SealedFrame {
    let keys = keys();
    let session = session(&keys);
    let frame = keys.frame_id(blob_type, &[]);
    let context = FrameContext { blob_type, algorithm, frame, session: session.id(), raw_bytes };
    let nonce = Nonce::for_frame(&keys, &context, body, &mut CountingNonces(0)).unwrap();
    let mut bytes = [&nonce.as_bytes()[..], body].concat();
    let data = context.associated_data(&keys.repository_id());
    let tag = seal_in_place(session.key(blob_type), nonce, &data, &mut bytes[24..]).unwrap();
    bytes.extend_from_slice(&tag);
    SealedFrame { bytes, blob_type, algorithm, frame, blobs: Vec::new(), raw_bytes }
}

fn open_forged(algorithm: Algorithm, body: &[u8], raw_bytes: u32) -> Result<Vec<u8>, SealError> {
    let sealed = forge(Data, algorithm, body, raw_bytes);
    open(&keys(), &context(&sealed, session(&keys()).id()), &sealed.bytes)
}

/// Catches: a missing check that the body yields exactly the stated plaintext, and decompression
/// without a limit.
#[test]
fn bodies_of_another_length_are_refused() {
    let length = Err(SealError::Length { what: "frame" });
    assert_eq!(open_forged(Algorithm::Stored, b"abc", 3), Ok(b"abc".to_vec()));
    assert_eq!(open_forged(Algorithm::Stored, b"abc", 2), length);
    assert_eq!(open_forged(Algorithm::Stored, b"abc", 4), length);
    let bomb = zstd::bulk::compress(&vec![0; 8 << 20], 3).unwrap();
    assert!(bomb.len() < 2000);
    assert!(open_forged(Algorithm::Zstd, &bomb, 8 << 20).is_ok());
    for raw_bytes in [0, 10, (8 << 20) - 1, (8 << 20) + 1] {
        assert_eq!(open_forged(Algorithm::Zstd, &bomb, raw_bytes), Err(SealError::Decompress));
    }
}

#[test]
fn bodies_that_are_not_one_zstd_frame_are_refused() {
    let half = zstd::bulk::compress(b"half", 3).unwrap();
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9], &half[..]].concat();
    let trailing = [&half[..], &[0]].concat();
    let cut = half[..half.len() - 1].to_vec();
    for body in [half.repeat(2), skippable, trailing, cut, Vec::new(), b"plain".to_vec()] {
        for raw_bytes in [0, 4, 5, 8] {
            let found = open_forged(Algorithm::Zstd, &body, raw_bytes);
            assert_eq!(found, Err(SealError::Decompress), "{body:?}");
        }
    }
    assert_eq!(open_forged(Algorithm::Zstd, &half, 4), Ok(b"half".to_vec()));
}

#[test]
fn compressible_or_not() {
    let text = "INSERT INTO t VALUES (17, 'some words', 2026);\n".repeat(2000).into_bytes();
    for length in [1, 100, 1000, 4096, 5000, 20_000, 65_536] {
        assert!(length < 2 || looks_compressible(&text[..length]), "{length}");
        assert!(length < 2 || looks_compressible(&vec![0; length]), "{length}");
        assert!(length < 500 || !looks_compressible(&noise(length)), "{length}");
    }
    assert!(!looks_compressible(&[]));
    // One regular stretch is enough.
    assert!(looks_compressible(&[noise(100_000), text].concat()));
}
