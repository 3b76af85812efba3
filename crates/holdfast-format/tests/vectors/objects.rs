//! Configs, key slots, packs, index objects.

use holdfast_format::config::{ChunkSizes, Config, StoredConfig};
use holdfast_format::directory::{self, FrameEntry};
use holdfast_format::frame::{Algorithm, BlobEntry};
use holdfast_format::index::{self, PackEntry};
use holdfast_format::pack::{PackHeader, decode_trailer, encode_trailer};
use holdfast_format::slot::{KdfCost, KeySlot, SlotHeader, SlotKind};
use holdfast_format::{BlobType, FormatError, RepositoryId, SlotId};

use super::sample::{VectorSample, blob_id, object_id, sample, session_id, writer_id};

fn repository_id() -> RepositoryId {
    RepositoryId::from_bytes([0xee; 32])
}

/// Explicit parameters: vectors do not change with the defaults.
pub fn config() -> Config {
    let sizes = |bytes_min: u32, bytes_average: u32, bytes_max: u32| ChunkSizes {
        bytes_min: bytes_min << 10,
        bytes_average: bytes_average << 10,
        bytes_max: bytes_max << 10,
    };
    let mut config = Config::new(repository_id());
    config.chunks.dump = sizes(2, 8, 32);
    config.chunks.file = sizes(64, 256, 1024);
    config.chunks.media = sizes(1024, 4096, 8192);
    (config.frame_bytes, config.pack_bytes) = (1 << 20, 16 << 20);
    config
}

/// No default values, and as small as allowed.
fn small_config() -> Config {
    let mut config = config();
    let smallest = ChunkSizes { bytes_min: 64, bytes_average: 256, bytes_max: 1024 };
    config.chunks.dump = smallest;
    config.chunks.file = ChunkSizes { bytes_min: 1024, bytes_average: 1024, bytes_max: 1024 };
    config.chunks.media = ChunkSizes { bytes_average: 4 << 20, bytes_max: 8 << 20, ..smallest };
    (config.frame_bytes, config.pack_bytes) = (4096, 64 << 10);
    config
}

pub fn stored_config(config: Config) -> StoredConfig {
    StoredConfig { authenticated: config.encode_body(), config, mac: [0xaa; 32] }
}

/// The part before the MAC.
pub fn configs() -> Vec<VectorSample> {
    let decode = |body: &[u8]| {
        // The body is not a valid object: the rest is appended to it.
        let stored = StoredConfig { authenticated: body.to_vec(), ..stored_config(config()) };
        StoredConfig::decode(&stored.encode()).map(|stored| stored.config)
    };
    vec![
        sample("usual parameters", config(), Config::encode_body, decode),
        sample("smallest parameters", small_config(), Config::encode_body, decode),
    ]
}

pub fn config_objects() -> Vec<VectorSample> {
    let (encode, decode) = (StoredConfig::encode, StoredConfig::decode);
    vec![sample("usual parameters", stored_config(config()), encode, decode)]
}

pub fn slot(kind: SlotKind) -> KeySlot {
    let id = SlotId::from_bytes([0x11; 8]);
    let header = SlotHeader { kind, id, repository_id: repository_id(), salt: [0x22; 32] };
    KeySlot {
        header,
        commitment: [0x33; 32],
        nonce: [0x44; 24],
        sealed_master_key: [0x55; 48],
        label_nonce: [0x66; 24],
        sealed_label: vec![0x77; 20],
    }
}

pub fn key_slots() -> Vec<VectorSample> {
    let passphrase = |cost| slot(SlotKind::Passphrase(cost));
    let dearest = KdfCost { memory_kib: 4 << 20, passes: 64, lanes: 16 };
    let unlabelled = KeySlot { sealed_label: Vec::new(), ..slot(SlotKind::GeneratedKey) };
    [
        ("passphrase, default cost", passphrase(KdfCost::DEFAULT)),
        ("passphrase, least cost", passphrase(KdfCost::MIN)),
        ("passphrase, greatest cost", passphrase(dearest)),
        ("generated key", slot(SlotKind::GeneratedKey)),
        ("label of no bytes", unlabelled),
    ]
    .map(|(name, slot)| sample(name, slot, KeySlot::encode, KeySlot::decode))
    .into()
}

pub fn header(sessions: u8) -> PackHeader {
    PackHeader {
        salt: [0x5a; 16],
        writer: writer_id(0x77),
        start_slot: 258,
        sessions: (1..=sessions).map(session_id).collect(),
    }
}

pub fn pack_headers() -> Vec<VectorSample> {
    let decode = |bytes: &[u8]| {
        let (header, length) = PackHeader::decode(bytes)?;
        assert_eq!(length, bytes.len());
        Ok(header)
    };
    [("one session", header(1)), ("two sessions", header(2)), ("no session", header(0))]
        .map(|(name, header)| sample(name, header, PackHeader::encode, decode))
        .into()
}

pub fn pack_trailers() -> Vec<VectorSample> {
    [("smallest directory", 40), ("1,000 bytes", 1000), ("largest directory", 64 << 20)]
        .map(|(name, length)| {
            sample(name, length, |length| encode_trailer(*length).to_vec(), decode_trailer)
        })
        .into()
}

pub fn frames() -> Vec<FrameEntry> {
    let blob = |byte, bytes| BlobEntry { id: blob_id(byte), bytes };
    vec![
        FrameEntry {
            blob_type: BlobType::Data,
            algorithm: Algorithm::Zstd,
            session: 0,
            sealed_bytes: 127,
            blobs: vec![blob(1, 100), blob(2, 200)],
        },
        FrameEntry {
            blob_type: BlobType::Tree,
            algorithm: Algorithm::Stored,
            session: 1,
            sealed_bytes: 16 << 20,
            blobs: vec![blob(3, (16 << 20) - 40)],
        },
        FrameEntry {
            blob_type: BlobType::Data,
            algorithm: Algorithm::Stored,
            session: 0,
            sealed_bytes: 40,
            blobs: vec![blob(4, 0)],
        },
    ]
}

/// Directories of a pack with two sessions.
pub fn directories() -> Vec<VectorSample> {
    let decode = |bytes: &[u8]| directory::decode(bytes, 2);
    let encode = |frames: &Vec<FrameEntry>| directory::encode(frames);
    let padded = |frames: &Vec<FrameEntry>| [&directory::encode(frames)[..], &[0; 9]].concat();
    vec![
        sample("no frames", Vec::new(), encode, decode),
        sample("three frames", frames(), encode, decode),
        sample("three frames, padded", frames(), padded, decode),
    ]
}

pub fn packs() -> Vec<PackEntry> {
    let empty = PackEntry { id: object_id(0xa2), bytes: 0, header: header(0), frames: Vec::new() };
    let full =
        PackEntry { id: object_id(0xa1), bytes: 256 << 20, header: header(2), frames: frames() };
    vec![full, empty]
}

pub fn index_bodies() -> Vec<VectorSample> {
    let encode = |packs: &Vec<PackEntry>| index::encode(packs);
    let decode: fn(&[u8]) -> Result<Vec<PackEntry>, FormatError> = index::decode;
    vec![
        sample("no packs", Vec::new(), encode, decode),
        sample("two packs", packs(), encode, decode),
    ]
}
