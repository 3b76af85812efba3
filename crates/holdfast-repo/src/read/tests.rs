//! Reading ahead, from frames that several generations of one file left.

use std::sync::Arc;

use bytes::Bytes;
use holdfast_backend::{Backend, MemoryBackend};
use holdfast_format::slot::KdfCost;
use holdfast_format::{BlobId, BlobType, name};
use holdfast_seal::{Secret, SlotLabel};
use jiff::Timestamp;

use super::ahead::Bounds;
use super::{BlobReader, ReadAhead};
use crate::write::{BlobWriter, COMPRESSION_DEFAULT, WriteOptions};
use crate::{OpenOptions, RepoError, Repository, object_name};

/// Generations of the file; each left the chunks whose number it is the last to divide.
const GENERATIONS: usize = 6;
const CHUNKS: usize = 1200;
const CHUNK_BYTES: usize = 180;
/// Chunks that fit into one frame.
const IN_FRAME: usize = 4096 / CHUNK_BYTES;
const WIDE: Bounds = Bounds { steps: 1 << 20, kept_bytes: 1 << 30, ahead_bytes: 8 << 10 };

fn chunk(number: usize) -> Vec<u8> {
    (0..CHUNK_BYTES).map(|place| (number * 31 + place * (number % 7 + 1)) as u8).collect()
}

/// A repository with the chunks of all generations, and their ids in the order of the file.
fn world() -> (Arc<MemoryBackend>, Repository, Vec<BlobId>) {
    let storage = Arc::new(MemoryBackend::new());
    let (secret, key) = Secret::generate_key().unwrap();
    let label = SlotLabel {
        label: "test".to_owned(),
        host: "host".to_owned(),
        user: "me".to_owned(),
        created: Timestamp::UNIX_EPOCH,
    };
    let small = |config: &mut holdfast_format::config::Config| config.frame_bytes = 4096;
    Repository::init(&*storage, &secret, KdfCost::MIN, &label, small).unwrap();
    let secret = Secret::parse(&key).unwrap_or(secret);
    let options = OpenOptions { threads: 2, ..OpenOptions::default() };
    let repository = Repository::open(Arc::clone(&storage) as _, &secret, &options).unwrap();
    let writer = repository.writer("host").unwrap();
    let mut ids = vec![BlobId::from_bytes([0; 32]); CHUNKS];
    for generation in 0..GENERATIONS {
        let mut blobs =
            BlobWriter::new(&repository, writer, 0, WriteOptions::new(COMPRESSION_DEFAULT))
                .unwrap();
        for number in (generation..CHUNKS).step_by(GENERATIONS) {
            let id = repository.keys().blob_id(BlobType::Data, &chunk(number));
            blobs.add(BlobType::Data, id, Bytes::from(chunk(number)), true).unwrap();
            ids[number] = id;
        }
        blobs.flush().unwrap();
    }
    (storage, repository, ids)
}

/// Reads these chunks in order; returns how often a frame was opened.
fn check(repository: &Repository, ids: &[BlobId], plan: &[usize], bounds: Bounds) -> u64 {
    let mut reader = ReadAhead::with_bounds(repository, bounds);
    let (mut planned, mut read) = (plan.iter(), Vec::new());
    loop {
        while !reader.is_full()
            && let Some(number) = planned.next()
        {
            reader.plan(&ids[*number]);
        }
        let Some(bytes) = reader.read_next().unwrap() else { break };
        read.push(bytes);
    }
    assert_eq!(read.len(), plan.len());
    for (number, bytes) in plan.iter().zip(&read) {
        assert!(*bytes == chunk(*number), "chunk {number} with {bounds:?}");
    }
    reader.asked_frames
}

#[test]
fn each_frame_is_opened_once_if_what_is_wanted_of_it_can_be_kept() {
    let (_, repository, ids) = world();
    let plan: Vec<usize> = (0..CHUNKS).collect();
    let frames = GENERATIONS * (CHUNKS / GENERATIONS).div_ceil(IN_FRAME);
    assert_eq!(check(&repository, &ids, &plan, WIDE), frames as u64);
    // All generations are traversed side by side: one frame of each is enough, plus what is read
    // ahead of the next ones.
    let kept_bytes = GENERATIONS * 4096 + WIDE.ahead_bytes;
    let bounds = Bounds { kept_bytes, ..WIDE };
    assert_eq!(check(&repository, &ids, &plan, bounds), frames as u64);
}

#[test]
fn what_is_wanted_last_is_let_go_first_and_read_again() {
    let (_, repository, ids) = world();
    let plan: Vec<usize> = (0..CHUNKS).collect();
    let frames = (GENERATIONS * (CHUNKS / GENERATIONS).div_ceil(IN_FRAME)) as u64;
    let kept_bytes = GENERATIONS * 4096 / 4;
    let bounds = Bounds { kept_bytes, ahead_bytes: 1 << 10, ..WIDE };
    let opened = check(&repository, &ids, &plan, bounds);
    assert!((frames + 1..=4 * frames).contains(&opened), "{opened} of {frames}");
}

#[test]
fn the_order_of_the_plan_is_kept_whatever_the_bounds() {
    let (_, repository, ids) = world();
    // Forwards, backwards, in leaps, and the same one over and over.
    let plan: Vec<usize> = (0..CHUNKS)
        .chain((0..CHUNKS).rev())
        .chain((0..CHUNKS).map(|n| n * 7919 % CHUNKS))
        .chain((0..CHUNKS).map(|n| n % 5))
        .collect();
    for steps in [1, 2, 100, 1 << 20] {
        for kept_bytes in [1, 10 << 10, 1 << 30] {
            for ahead_bytes in [1, 4 << 10] {
                check(&repository, &ids, &plan, Bounds { steps, kept_bytes, ahead_bytes });
            }
        }
    }
}

#[test]
fn damage_is_told_when_it_is_its_turn_and_costs_only_what_it_hit() {
    let (storage, repository, ids) = world();
    let reader = repository.index().reader();
    let hurt = reader.locate(&ids[300]).unwrap().unwrap().frame;
    let pack = object_name(name::pack(&hurt.pack)).unwrap();
    let mut bytes = storage.get(&pack, 1 << 30).unwrap().to_vec();
    bytes[hurt.offset as usize + 30] ^= 1;
    storage.delete(&pack).unwrap();
    storage.put(&pack, &[&bytes]).unwrap();
    let missing = BlobId::from_bytes([9; 32]);
    let mut reader = ReadAhead::with_bounds(&repository, WIDE);
    for id in ids.iter().chain([&missing, &ids[0]]) {
        reader.plan(id);
    }
    let index = repository.index().reader();
    for (number, id) in ids.iter().enumerate() {
        let place = index.locate(id).unwrap().unwrap().frame;
        let is_hurt = (place.pack, place.offset) == (hurt.pack, hurt.offset);
        match reader.read_next() {
            Ok(Some(bytes)) => assert!(!is_hurt && bytes == chunk(number), "chunk {number}"),
            Err(RepoError::Damaged { .. }) if is_hurt => {}
            other => panic!("chunk {number}: {other:?}"),
        }
    }
    assert!(matches!(reader.read_next(), Err(RepoError::BlobMissing { id }) if id == missing));
    assert!(reader.read_next().unwrap().unwrap() == chunk(0));
    assert!(reader.read_next().unwrap().is_none());
}

#[test]
fn readers_share_the_frames_that_are_kept() {
    let (storage, repository, ids) = world();
    let mut first = BlobReader::new(&repository);
    first.blob(&ids[0], BlobType::Data).unwrap();
    let frame = repository.index().reader().locate(&ids[0]).unwrap().unwrap().frame;
    storage.delete(&object_name(name::pack(&frame.pack)).unwrap()).unwrap();
    // A neighbour in the same frame, by another reader.
    let mut second = BlobReader::new(&repository);
    assert!(second.blob(&ids[GENERATIONS], BlobType::Data).unwrap() == chunk(GENERATIONS));
}
