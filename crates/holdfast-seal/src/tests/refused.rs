//! Every single byte matters: no flipped and no truncated object opens.

use holdfast_format::BlobType::{Data, Tree};
use holdfast_format::config::{Config, StoredConfig};
use holdfast_format::name::Chain;
use holdfast_format::slot::KeySlot;

use super::{context, keys, seal, session, slot};
use crate::tests::CountingNonces;
use crate::{
    FrameCompression, FrameOpener, Secret, check_config, open_directory, open_index, open_record,
    open_slot, seal_config, seal_directory, seal_index, seal_record,
};

/// Asserts that `opens` accepts the object, and refuses anything truncated or with one bit flipped
/// in any byte.
fn refuses_all_damage(object: &[u8], opens: impl Fn(&[u8]) -> bool) {
    assert!(opens(object));
    for place in 0..object.len() {
        for bit in [0x01, 0x80] {
            let mut flipped = object.to_vec();
            flipped[place] ^= bit;
            assert!(!opens(&flipped), "byte {place} of {} flipped", object.len());
        }
        assert!(!opens(&object[..place]), "cut to {place}");
    }
    assert!(!opens(&[object, &[0]].concat()), "one byte more");
}

#[test]
fn damaged_frames() {
    let keys = keys();
    let session = session(&keys);
    for (blob_type, compression) in
        [(Data, FrameCompression::Stored), (Tree, FrameCompression::Zstd { level: 3 })]
    {
        let sealed = seal(&keys, &session, blob_type, &[&[b'a'; 90], b"b"], compression);
        let context = context(&sealed, session.id());
        refuses_all_damage(&sealed.bytes, |bytes| {
            FrameOpener::new().open(&keys, &context, bytes.to_vec()).is_ok()
        });
    }
}

#[test]
fn damaged_objects() {
    let keys = keys();
    let directory = seal_directory(&keys, b"header", 100, b"entries").unwrap();
    let sealed = &directory[..directory.len() - 12];
    refuses_all_damage(sealed, |bytes| open_directory(&keys, b"header", bytes).is_ok());
    let index = seal_index(&keys, b"body").unwrap();
    refuses_all_damage(&index, |bytes| open_index(&keys, bytes).is_ok());
    let record = seal_record(&keys, &Chain::Generations, 3, b"{ }").unwrap();
    refuses_all_damage(&record, |bytes| open_record(&keys, &Chain::Generations, 3, bytes).is_ok());
}

#[test]
fn damaged_configs() {
    let keys = keys();
    let stored = seal_config(&keys, &Config::new(keys.repository_id()));
    refuses_all_damage(&stored.encode(), |bytes| {
        StoredConfig::decode(bytes).is_ok_and(|stored| check_config(&keys, &stored).is_ok())
    });
}

/// The checksum detects damage; here it is forged to match, and then the seals must refuse.
#[test]
fn damaged_slots() {
    let (secret, _) = Secret::generate_key_from(&mut CountingNonces(7)).unwrap();
    let object = slot(&secret).encode();
    let opens = |bytes: &[u8]| {
        KeySlot::decode(bytes).is_ok_and(|slot| matches!(open_slot(&slot, &secret), Ok(Some(_))))
    };
    refuses_all_damage(&object, opens);
    refuses_all_damage(&object[..object.len() - 16], |bytes| {
        let checksum = blake3::hash(bytes);
        opens(&[bytes, &checksum.as_bytes()[..16]].concat())
    });
}
