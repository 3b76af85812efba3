//! Data that the benches work on: the same in every run, made up, and quick to make.

use holdfast_engine::completeness::Quality;
use holdfast_engine::retention::Candidate;
use holdfast_format::directory::FrameEntry;
use holdfast_format::entry::{Content, Entry, EntryKind, FileTime, Metadata};
use holdfast_format::frame::{Algorithm, BlobEntry};
use holdfast_format::index::PackEntry;
use holdfast_format::node::Extent;
use holdfast_format::pack::PackHeader;
use holdfast_format::record::Text;
use holdfast_format::{BlobId, BlobType, ObjectId, SessionId, WriterId};
use jiff::{SignedDuration, Timestamp};

/// Blobs of one frame in [`packs`].
pub const BLOBS_PER_FRAME: u64 = 100;
/// Blobs of one pack in [`packs`].
pub const BLOBS_PER_PACK: u64 = 16 * BLOBS_PER_FRAME;

/// Bytes that cannot be compressed.
pub fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

/// Rows of a database dump, as far as they fit.
pub fn text(length: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(length + 100);
    let mut number = 0u64;
    while text.len() < length {
        let hash = blake3::hash(&number.to_le_bytes()).to_hex();
        let row =
            format!("INSERT INTO events VALUES ({number}, '{}', {});\n", &hash[..8], number * 37);
        text.extend_from_slice(row.as_bytes());
        number += 1;
    }
    text.truncate(length);
    text
}

/// The id that stands for a blob's number.
pub fn blob_id(number: u64) -> BlobId {
    BlobId::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes())
}

/// An entry of a directory, a small file; names ascend with the number.
pub fn entry(number: u64) -> Entry {
    let moment = FileTime { seconds: 1_790_000_000 + number as i64, nanoseconds: 123_456_789 };
    let metadata = Metadata {
        mode: 0o644,
        uid: 1000,
        gid: 1000,
        user: b"ada".to_vec(),
        group: b"ada".to_vec(),
        mtime: moment,
        ctime: moment,
        inode: 1_000_000 + number,
        device: 2049,
        links: 1,
        ..Metadata::default()
    };
    let extent = Extent::Data { id: blob_id(number), bytes: 10_000 };
    let main = Content::Inline(vec![extent]);
    let kind = EntryKind::File { size: 10_000, codec: 0, main, second: None };
    Entry { name: format!("{number:08}.txt").into_bytes(), metadata, kind }
}

/// What an index object says of so many packs, from pack number `first` on.
pub fn packs(first: u64, count: u64) -> Vec<PackEntry> {
    (first..first + count).map(pack).collect()
}

fn pack(number: u64) -> PackEntry {
    let frames = BLOBS_PER_PACK / BLOBS_PER_FRAME;
    PackEntry {
        id: ObjectId::of(&number.to_le_bytes()),
        bytes: 16 << 20,
        header: PackHeader {
            salt: [0; 16],
            writer: WriterId::from_bytes([1; 16]),
            start_slot: number,
            sessions: vec![SessionId::from_bytes([2; 32])],
        },
        frames: (number * frames..(number + 1) * frames).map(frame).collect(),
    }
}

fn frame(number: u64) -> FrameEntry {
    let blob = |number| BlobEntry { id: blob_id(number), bytes: 10_000 };
    let first = number * BLOBS_PER_FRAME;
    FrameEntry {
        blob_type: BlobType::Data,
        algorithm: Algorithm::Zstd,
        session: 0,
        sealed_bytes: 500_000,
        blobs: (first..first + BLOBS_PER_FRAME).map(blob).collect(),
    }
}

/// Hourly snapshots of four hosts, the last of them made at `now`.
pub fn snapshots(count: u64, now: Timestamp) -> Vec<Candidate> {
    let snapshot = |number: u64| Candidate {
        id: ObjectId::of(&number.to_le_bytes()),
        time: now - SignedDuration::from_hours((number / 4) as i64),
        sequence: count - number,
        host: format!("host {}", number % 4),
        paths: vec![Text::from("/srv"), Text::from("/home")],
        tags: Vec::new(),
        hold: false,
        partial: false,
        quality: Quality::default(),
    };
    (0..count).map(snapshot).collect()
}
