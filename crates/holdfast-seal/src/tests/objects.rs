//! Directories, index objects, records, the config.

use holdfast_format::config::{Config, StoredConfig};
use holdfast_format::name::Chain;
use holdfast_format::pack::decode_trailer;
use holdfast_format::padding::padme_capped;
use holdfast_format::{FormatError, WriterId};
use proptest::prelude::*;

use super::{keys, other_keys};
use crate::{
    SealError, check_config, open_directory, open_index, open_record, seal_config, seal_directory,
    seal_index, seal_record,
};

const WRITER: Chain = Chain::Writer(WriterId::from_bytes([7; 16]));

proptest! {
    #[test]
    fn a_directory_opens_again_and_pads_the_pack(
        entries in prop::collection::vec(any::<u8>(), 0..5000), before in 85u64..40_000_000,
    ) {
        let keys = keys();
        let end = seal_directory(&keys, b"header", before, &entries).unwrap();
        let pack_bytes = before + end.len() as u64;
        prop_assert_eq!(pack_bytes, padme_capped(pack_bytes));
        prop_assert_eq!(pack_bytes, padme_capped(before + entries.len() as u64 + 40 + 12));
        let (sealed, trailer) = end.split_at(end.len() - 12);
        prop_assert_eq!(decode_trailer(trailer).unwrap() as usize, sealed.len());
        let opened = open_directory(&keys, b"header", sealed).unwrap();
        prop_assert_eq!(&opened[..entries.len()], &entries[..]);
        prop_assert!(opened[entries.len()..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn index_objects_and_records_open_again(
        body in prop::collection::vec(any::<u8>(), 0..5000), sequence: u64,
    ) {
        let keys = keys();
        let index = seal_index(&keys, &body).unwrap();
        prop_assert_eq!(&open_index(&keys, &index).unwrap(), &body);
        for chain in [Chain::Generations, WRITER] {
            let record = seal_record(&keys, &chain, sequence, &body).unwrap();
            prop_assert_eq!(&open_record(&keys, &chain, sequence, &record).unwrap(), &body);
        }
    }
}

/// Catches: records that a server can move within a chain or between chains, directories between
/// packs.
#[test]
fn objects_open_only_where_they_belong() {
    let (keys, other) = (keys(), other_keys());
    let tampered = |what| Err(SealError::Tampered { what });
    let record = seal_record(&keys, &WRITER, 5, b"{}").unwrap();
    assert_eq!(open_record(&keys, &WRITER, 6, &record), tampered("record"));
    assert_eq!(open_record(&keys, &Chain::Generations, 5, &record), tampered("record"));
    let chain = Chain::Writer(WriterId::from_bytes([8; 16]));
    assert_eq!(open_record(&keys, &chain, 5, &record), tampered("record"));
    assert_eq!(open_record(&other, &WRITER, 5, &record), tampered("record"));

    let directory = seal_directory(&keys, b"header", 100, b"entries").unwrap();
    let sealed = &directory[..directory.len() - 12];
    assert_eq!(open_directory(&keys, b"headex", sealed), tampered("pack directory"));
    assert_eq!(open_directory(&other, b"header", sealed), tampered("pack directory"));

    let index = seal_index(&keys, b"body").unwrap();
    assert_eq!(open_index(&other, &index), tampered("index object"));
    // One key for both: only the additional data distinguishes them.
    assert_eq!(open_directory(&keys, b"header", &index[10..]), tampered("pack directory"));
    let disguised = [&index[..10], sealed].concat();
    assert_eq!(open_index(&keys, &disguised), tampered("index object"));
}

#[test]
fn objects_above_their_limits_are_refused() {
    let keys = keys();
    let length = |what| Err(SealError::Length { what });
    let large = vec![0; 64 << 20];
    assert_eq!(seal_index(&keys, &large), length("index object"));
    assert_eq!(seal_directory(&keys, b"", 0, &large), length("pack directory"));
    assert_eq!(seal_directory(&keys, b"", 256 << 20, b""), length("pack directory"));
    assert_eq!(seal_record(&keys, &WRITER, 0, &large[..16 << 20]), length("record"));
    assert_eq!(open_index(&keys, &[&large[..], b"x"].concat()), length("index object"));
    assert_eq!(open_record(&keys, &WRITER, 0, &large), length("record"));
}

#[test]
fn a_config_is_believed_only_with_its_mac() {
    let keys = keys();
    let stored = seal_config(&keys, &Config::new(keys.repository_id()));
    let read = StoredConfig::decode(&stored.encode()).unwrap();
    assert_eq!(check_config(&keys, &read), Ok(()));
    let other = SealError::OtherRepository { what: "config" };
    assert_eq!(check_config(&other_keys(), &read), Err(other));

    let mut forged = read.clone();
    forged.mac[0] ^= 1;
    assert_eq!(check_config(&keys, &forged), Err(SealError::Tampered { what: "config" }));
    // The checksum is no secret: a server can make it fit.
    let config = Config { pack_bytes: 1 << 20, ..read.config.clone() };
    let forged = StoredConfig { mac: read.mac, ..seal_config(&other_keys(), &config) };
    let forged = StoredConfig::decode(&forged.encode()).unwrap();
    assert_eq!(check_config(&keys, &forged), Err(SealError::Tampered { what: "config" }));
}

#[test]
fn newer_versions_are_named_as_such() {
    let keys = keys();
    for (object, what) in [
        (seal_index(&keys, b"body").unwrap(), "index object"),
        (seal_record(&keys, &WRITER, 0, b"{}").unwrap(), "record"),
    ] {
        let mut newer = object;
        newer[8] = 2;
        let error = match what {
            "record" => open_record(&keys, &WRITER, 0, &newer),
            _ => open_index(&keys, &newer),
        };
        let version = FormatError::Version { what, found: 2, known: 1 };
        assert_eq!(error, Err(SealError::Format(version)));
    }
}
