//! Measures the index of a very large repository: time to fill, to open and to look up, memory,
//! size of the file. Each step runs in its own process, so that its peak memory is its own.
//!
//! ```text
//! cargo build --release -p holdfast-repo --example ten_million
//! ten_million fill /tmp/large 10000000   then   open /tmp/large 10000000   then   crash, open
//! ```
#![allow(clippy::print_stdout, missing_docs)]

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use holdfast_backend::{Backend, MemoryBackend, ObjectName};
use holdfast_format::directory::FrameEntry;
use holdfast_format::frame::{Algorithm, BlobEntry};
use holdfast_format::index::PackEntry;
use holdfast_format::pack::PackHeader;
use holdfast_format::slot::{KdfCost, KeySlot};
use holdfast_format::{BlobId, BlobType, ObjectId, SessionId, WriterId, name};
use holdfast_repo::history::History;
use holdfast_repo::index::{Index, IndexOptions};
use holdfast_seal::{Keys, MasterKey, Secret, SlotLabel, create_slot, open_slot};

const CACHE_BYTES_MAX: usize = 16 << 20;
const BLOBS_PER_FRAME: u64 = 100;
const FRAMES_PER_PACK: u64 = 16;
const PACKS_PER_INDEX_OBJECT: u64 = 312;
const BLOBS_PER_INDEX_OBJECT: u64 = BLOBS_PER_FRAME * FRAMES_PER_PACK * PACKS_PER_INDEX_OBJECT;
const LOOK_UPS: u64 = 200_000;

type ExampleResult<T> = Result<T, Box<dyn Error>>;

fn main() -> ExampleResult<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [step, folder, blobs] = &arguments[..] else {
        return Err("usage: ten_million fill|open|crash FOLDER BLOBS".into());
    };
    let (folder, objects) = (PathBuf::from(folder), blobs.parse::<u64>()? / BLOBS_PER_INDEX_OBJECT);
    match step.as_str() {
        "fill" => fill(&folder, objects)?,
        "open" => open(&folder, objects)?,
        "crash" => crash(&folder, objects)?,
        _ => return Err("the steps are fill, open and crash".into()),
    }
    println!("peak memory: {} MiB", peak_memory_kib()? >> 10);
    Ok(())
}

/// Adds all blobs, one index object after the other.
fn fill(folder: &Path, objects: u64) -> ExampleResult<()> {
    fs::create_dir_all(folder)?;
    let (keys, start) = (new_keys(folder)?, Instant::now());
    let index = open_index(folder, &keys, MemoryBackend::new())?;
    for number in 0..objects {
        let (packs, adding) = (packs(number), Instant::now());
        index.add(&keys, &index_object(number), &packs)?;
        println!(
            "{} blobs: {:.2} s for the last {BLOBS_PER_INDEX_OBJECT}",
            (number + 1) * BLOBS_PER_INDEX_OBJECT,
            adding.elapsed().as_secs_f64()
        );
    }
    drop(index);
    println!("filled in {:.1} s", start.elapsed().as_secs_f64());
    println!("file: {} MiB", fs::metadata(folder.join("cache/index-0.redb"))?.len() >> 20);
    Ok(())
}

/// Opens the index as a repository does, and looks blobs up in random order.
fn open(folder: &Path, objects: u64) -> ExampleResult<()> {
    let (keys, backend) = (stored_keys(folder)?, MemoryBackend::new());
    for number in 0..objects {
        backend.put(&ObjectName::new(name::index(&index_object(number)))?, &[b""])?;
    }
    let start = Instant::now();
    let index = open_index(folder, &keys, backend)?;
    println!("opened in {:.3} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let missing = index.sync(&mut History::default())?;
    println!("brought up to date in {:.3} s", start.elapsed().as_secs_f64());
    if !missing.index_objects.is_empty() {
        return Err("index objects are missing: other BLOBS than it was filled with?".into());
    }
    println!("peak memory of opening: {} MiB", peak_memory_kib()? >> 10);
    let blobs = objects * BLOBS_PER_INDEX_OBJECT;
    let reader = index.reader();
    look_up("contains, hits", 0, blobs, |id| Ok(reader.contains(&id)?))?;
    look_up("contains, misses", blobs, blobs, |id| Ok(!reader.contains(&id)?))?;
    look_up("locate, hits", 0, blobs, |id| Ok(reader.locate(&id)?.is_some()))?;
    Ok(())
}

/// Looks up ids of `first..first + count`; each result must pass `check`.
fn look_up(
    what: &str,
    first: u64,
    count: u64,
    check: impl Fn(BlobId) -> ExampleResult<bool>,
) -> ExampleResult<()> {
    let start = Instant::now();
    for step in 0..LOOK_UPS {
        // A stride coprime to all counts used here visits blobs far apart.
        let number = first + step.wrapping_mul(0x9e37_79b9_7f4a_7c15) % count;
        if !black_box(check(blob_id(number))?) {
            return Err(format!("{what}: blob {number} gave a wrong result").into());
        }
    }
    println!("{what}: {:.0} per second", LOOK_UPS as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

/// Writes a little more and ends like a crash.
fn crash(folder: &Path, objects: u64) -> ExampleResult<()> {
    let keys = stored_keys(folder)?;
    let index = open_index(folder, &keys, MemoryBackend::new())?;
    index.add(&keys, &index_object(objects), &[])?;
    println!("ends without closing the cache");
    std::process::abort();
}

fn open_index(folder: &Path, keys: &Arc<Keys>, backend: MemoryBackend) -> ExampleResult<Index> {
    let options = IndexOptions {
        folder: Some(folder.join("cache")),
        bytes_max: CACHE_BYTES_MAX,
        ..IndexOptions::default()
    };
    Ok(Index::open(Arc::new(backend), Arc::clone(keys), &options)?)
}

fn index_object(number: u64) -> ObjectId {
    ObjectId::of(&number.to_le_bytes())
}

fn blob_id(number: u64) -> BlobId {
    BlobId::from_bytes(*blake3::hash(&number.to_be_bytes()).as_bytes())
}

/// What one index object lists.
fn packs(index_object: u64) -> Vec<PackEntry> {
    let first = index_object * PACKS_PER_INDEX_OBJECT;
    (first..first + PACKS_PER_INDEX_OBJECT).map(pack).collect()
}

fn pack(number: u64) -> PackEntry {
    let first = number * FRAMES_PER_PACK;
    PackEntry {
        id: ObjectId::of(format!("pack {number}").as_bytes()),
        bytes: 16 << 20,
        header: PackHeader {
            salt: [0; 16],
            writer: WriterId::from_bytes([1; 16]),
            start_slot: number,
            sessions: vec![SessionId::from_bytes([2; 32])],
        },
        frames: (first..first + FRAMES_PER_PACK).map(frame).collect(),
    }
}

fn frame(number: u64) -> FrameEntry {
    let first = number * BLOBS_PER_FRAME;
    let blob = |number| BlobEntry { id: blob_id(number), bytes: 10_000 };
    FrameEntry {
        blob_type: BlobType::Data,
        algorithm: Algorithm::Zstd,
        session: 0,
        sealed_bytes: 1 << 20,
        blobs: (first..first + BLOBS_PER_FRAME).map(blob).collect(),
    }
}

/// Creates keys and leaves them in the folder, in a slot with its secret next to it.
fn new_keys(folder: &Path) -> ExampleResult<Arc<Keys>> {
    let (master, (secret, text)) = (MasterKey::generate()?, Secret::generate_key()?);
    let (keys, nothing) = (Keys::derive(&master), String::new);
    let label = SlotLabel {
        label: nothing(),
        host: nothing(),
        user: nothing(),
        created: jiff::Timestamp::UNIX_EPOCH,
    };
    let slot = create_slot(&master, &keys, &secret, KdfCost::MIN, &label)?;
    fs::write(folder.join("slot"), slot.encode())?;
    fs::write(folder.join("secret"), text.as_bytes())?;
    Ok(Arc::new(keys))
}

fn stored_keys(folder: &Path) -> ExampleResult<Arc<Keys>> {
    let slot = KeySlot::decode(&fs::read(folder.join("slot"))?)?;
    let secret = Secret::parse(&fs::read_to_string(folder.join("secret"))?)?;
    let master = open_slot(&slot, &secret)?.ok_or("the secret is not that of the slot")?;
    Ok(Arc::new(Keys::derive(&master)))
}

/// The largest resident memory of this process so far.
fn peak_memory_kib() -> ExampleResult<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
