//! No key ever seals two different plaintexts under one nonce, even with a broken random generator.

use std::collections::HashMap;

use holdfast_format::BlobType::{self, Data, Tree};
use holdfast_format::SessionId;
use holdfast_format::frame::{Algorithm, FrameContext};
use holdfast_format::name::Chain;

use super::{CountingNonces, Stuck, keys};
use crate::nonce::Nonce;
use crate::object::{seal_directory_from, seal_index_from, seal_record_from};
use crate::random::Random;
use crate::{BlobInput, FrameCompression, FrameSealer, Keys, Session};

/// Remembers what each (key, nonce) pair was used for.
#[derive(Default)]
struct Uses(HashMap<(String, Vec<u8>), Vec<u8>>);

impl Uses {
    /// Sealed bytes under a key: the same pair again must come with the same ciphertext and tag.
    fn note(&mut self, key: String, sealed: &[u8]) {
        let (nonce, rest) = sealed.split_at(24);
        let before = self.0.insert((key, nonce.to_vec()), rest.to_vec());
        assert!(before.is_none_or(|before| before == rest), "a nonce repeats for another body");
    }
}

/// Bodies of the same length that differ, as frames of one and of several blobs, stored and
/// compressed.
fn run(keys: &Keys, session: &Session, random: fn() -> Box<dyn Random + Send>, uses: &mut Uses) {
    let key = |blob_type: BlobType| format!("{} {blob_type:?}", session.id().to_hex());
    for number in 0..100u64 {
        let row = format!("row {number:04} ").repeat(40);
        let (first, second) = row.as_bytes().split_at(row.len() / 2);
        for blob_type in [Data, Tree] {
            let blob = |bytes| BlobInput { id: keys.blob_id(blob_type, bytes), bytes };
            for blobs in [vec![blob(row.as_bytes())], vec![blob(first), blob(second)]] {
                for level in [None, Some(1), Some(19)] {
                    let compression = level
                        .map_or(FrameCompression::Stored, |level| FrameCompression::Zstd { level });
                    let sealed = FrameSealer::with_random(random())
                        .seal(keys, session, blob_type, &blobs, compression, false)
                        .unwrap();
                    uses.note(key(blob_type), &sealed.bytes);
                }
            }
        }
    }
}

/// Catches: a nonce that is only random, or does not depend on body, level, or session.
#[test]
fn with_a_stuck_generator_nonces_repeat_only_for_the_same_body() {
    let keys = keys();
    let mut uses = Uses::default();
    // Cloned machines: the same session twice, and another one.
    for start in [0x80, 0x80, 0x81] {
        let session = Session::start_from(&keys, &mut CountingNonces(start)).unwrap();
        run(&keys, &session, || Box::new(Stuck), &mut uses);
    }
    for number in 0..100u64 {
        let body = number.to_le_bytes();
        let record =
            seal_record_from(&keys, &Chain::Generations, number % 7, &body, &mut Stuck).unwrap();
        uses.note("record".to_owned(), &record[10..]);
        let directory = seal_directory_from(&keys, &body[..1], 100, &body, &mut Stuck).unwrap();
        uses.note("directory".to_owned(), &directory[..directory.len() - 12]);
        let index = seal_index_from(&keys, &body, &mut Stuck).unwrap();
        uses.note("directory".to_owned(), &index[10..]);
    }
    // A second pass of the same session adds nothing; everything else differs.
    assert!(uses.0.len() > 2 * 2 * 2 * 100 + 250, "{}", uses.0.len());
}

/// Catches: a nonce that is a function of the plaintext alone, which would show that two frames are
/// the same.
#[test]
fn with_a_working_generator_the_same_body_gets_other_nonces() {
    let keys = keys();
    let session = Session::start(&keys).unwrap();
    let blobs = [BlobInput { id: keys.blob_id(Data, b"same"), bytes: b"same" }];
    let mut sealer = FrameSealer::new();
    let mut nonces = std::collections::HashSet::new();
    for _ in 0..1000 {
        let sealed =
            sealer.seal(&keys, &session, Data, &blobs, FrameCompression::Stored, false).unwrap();
        assert!(nonces.insert(sealed.bytes[..24].to_vec()));
    }
}

#[test]
fn the_place_of_an_object_changes_its_nonce() {
    let keys = keys();
    let nonce = |data: &[u8], text: &[u8]| {
        *Nonce::for_object(&keys, data, text, &mut Stuck).unwrap().as_bytes()
    };
    assert_eq!(nonce(b"a", b"b"), nonce(b"a", b"b"));
    assert_ne!(nonce(b"a", b"b"), nonce(b"ab", b""));
    assert_ne!(nonce(b"a", b"b"), nonce(b"b", b"a"));
}

/// Catches: compressed bodies distinguished only by their length, although a level or a newer zstd
/// can make another body of the same length from the same blobs.
#[test]
fn compressed_bodies_of_one_length_get_other_nonces() {
    let keys = keys();
    let context = FrameContext {
        blob_type: Data,
        algorithm: Algorithm::Zstd,
        frame: keys.frame_id(Data, &[]),
        session: SessionId::from_bytes([1; 32]),
        raw_bytes: 10,
    };
    let nonce = |context: &FrameContext, body: &[u8]| {
        *Nonce::for_frame(&keys, context, body, &mut Stuck).unwrap().as_bytes()
    };
    assert_eq!(nonce(&context, b"one"), nonce(&context, b"one"));
    assert_ne!(nonce(&context, b"one"), nonce(&context, b"two"));
    // A session's cloned twin keeps its nonces apart from those of other sessions and algorithms.
    let session = SessionId::from_bytes([2; 32]);
    assert_ne!(nonce(&context, b"one"), nonce(&FrameContext { session, ..context }, b"one"));
    let stored = FrameContext { algorithm: Algorithm::Stored, ..context };
    assert_ne!(nonce(&stored, b"one"), nonce(&stored, b"longer"));
}
