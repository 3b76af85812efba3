//! A bucket of 500,000 objects, of which 100 change: how many requests that takes, and how much
//! memory. It runs in a separate process, whose memory is shared only with the server, which needs
//! none for its objects.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "all of this is one test; the lints spare functions marked as tests only"
)]

#[path = "bucket/many.rs"]
mod many;
#[allow(dead_code, reason = "the other tests of buckets use all of it")]
#[path = "bucket/server.rs"]
mod server;
#[path = "bucket/serving.rs"]
mod serving;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use holdfast_connect::bucket::{Bucket, BucketOptions, BucketSourceOptions, Requests};
use holdfast_connect::{ContentPiece, Source, SourceItem};

use many::Many;
use server::options;
use serving::Serving;

const OBJECTS: usize = 500_000;
const CHANGED: usize = 100;
/// Bytes that a source may take, however large the bucket: a few pages of a listing.
const MEMORY_BYTES_MAX: u64 = 32 << 20;

/// How an entry is recognized, in few bytes.
type ScaleIdentities = HashMap<Vec<u8>, (u64, i64, u32, u64)>;

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Goes through a source, and reads what was not seen before. Returns the contents that were read,
/// and the peak memory that it took.
fn back_up(
    source: &mut dyn Source,
    seen: &mut ScaleIdentities,
    is_first: bool,
) -> (Vec<String>, u64) {
    let (mut read, mut count, mut begin, mut most) = (Vec::new(), 0, 0, 0);
    while let Some(item) = source.next().unwrap() {
        let SourceItem::Leaf(leaf) = item else { continue };
        count += 1;
        if count == 5_000 {
            begin = resident_bytes();
        } else if count % 5_000 == 0 {
            most = most.max(resident_bytes().saturating_sub(begin));
        }
        let metadata = &leaf.metadata;
        let size = match leaf.kind {
            holdfast_connect::LeafKind::File { size } => size,
            _ => 0,
        };
        let identity = (size, metadata.mtime.seconds, metadata.mtime.nanoseconds, metadata.inode);
        if is_first {
            seen.insert(leaf.name, identity);
        } else if seen.get(&leaf.name) != Some(&identity) {
            let (mut content, mut buffer) = (leaf.opener.open().unwrap(), [0; 100]);
            let ContentPiece::Data(length) = content.read(&mut buffer).unwrap() else {
                panic!("empty")
            };
            assert_eq!(content.read(&mut buffer[length..]).unwrap(), ContentPiece::End);
            assert!(content.changed().unwrap().is_none());
            assert!(!leaf.opener.xattrs().unwrap().is_empty());
            read.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
        }
    }
    (read, most)
}

fn open(server: &Serving, concurrency: usize) -> Bucket {
    let concurrency = NonZeroUsize::new(concurrency).unwrap();
    Bucket::open(BucketOptions { concurrency, ..options(&server.endpoint(), "big") }).unwrap()
}

fn source(bucket: &Bucket, split_keys: Vec<String>) -> impl Source {
    let options = BucketSourceOptions {
        with_configuration: false,
        split_keys,
        ..BucketSourceOptions::default()
    };
    bucket.source(options).unwrap()
}

#[test]
fn requests_are_pages_and_what_changed() {
    let many = Many::new(OBJECTS, Duration::ZERO);
    let server = Serving::start(many.clone(), ("AKIATEST", "hunter2-secret"));
    let mut seen = ScaleIdentities::with_capacity(OBJECTS);
    let bucket = open(&server, 1);
    let (read, _) = back_up(&mut source(&bucket, Vec::new()), &mut seen, true);
    assert_eq!((read.len(), seen.len()), (0, OBJECTS + 1));
    let pages = (OBJECTS / 1000) as u64;
    // Whether it keeps versions is queried once.
    let listed = Requests { list: pages, look: 1, ..Requests::default() };
    assert_eq!(bucket.requests(), listed);

    many.change(CHANGED);
    let bucket = open(&server, 1);
    let (read, memory) = back_up(&mut source(&bucket, Vec::new()), &mut seen, false);
    assert_eq!(read.len(), CHANGED);
    assert!(read.iter().all(|content| content.ends_with(" 001")), "{read:?}");
    let expected = Requests { get: CHANGED as u64, ..listed };
    assert_eq!(bucket.requests(), expected, "a page each, a changed object each, and no other");
    assert!(memory < MEMORY_BYTES_MAX, "{memory} bytes more");

    // Concurrently, at guessed keys and at known ones.
    let known: Vec<_> = (1..125).map(|part| many::key_of(part * 4000)).collect();
    for (split_keys, pages_max) in [(Vec::new(), pages * 5 / 4), (known, pages * 5 / 4 + 125)] {
        let bucket = open(&server, 8);
        let (read, memory) = back_up(&mut source(&bucket, split_keys), &mut seen, false);
        assert_eq!(read.len(), CHANGED, "the same objects");
        let requests = bucket.requests();
        assert!(requests.list <= pages_max, "{requests:?}");
        assert!(memory < MEMORY_BYTES_MAX, "{memory} bytes more");
    }
}
