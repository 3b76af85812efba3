//! How fast a check reads packs. Run it with `--release -- --ignored --nocapture`; it asserts no
//! times.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Instant;

use holdfast_backend::Local;
use holdfast_engine::Silent;
use holdfast_engine::check::{CheckOptions, ReadData, check};
use holdfast_format::BlobType;
use holdfast_format::slot::KdfCost;
use holdfast_repo::write::{BlobWriter, COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, Repository};
use holdfast_seal::{Secret, SlotLabel};

/// Never used: the secret is a generated key.
const COST: KdfCost = KdfCost { memory_kib: 19 << 10, passes: 1, lanes: 1 };

#[test]
#[ignore = "takes a while; prints a rate"]
fn rate_of_reading_packs() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let backend = Arc::new(Local::create(folder.path()).unwrap());
    let (secret, _) = Secret::generate_key().unwrap();
    let label = SlotLabel {
        label: String::new(),
        host: String::new(),
        user: String::new(),
        created: jiff::Timestamp::UNIX_EPOCH,
    };
    Repository::init(&*backend, &secret, COST, &label, |_| {}).unwrap();
    let repository = Repository::open(backend, &secret, &OpenOptions::default()).unwrap();
    let writer = repository.writer("host").unwrap();
    let options = WriteOptions { verify: false, ..WriteOptions::new(COMPRESSION_DEFAULT) };
    let mut blobs = BlobWriter::new(&repository, writer, 0, options).unwrap();
    let mut noise = vec![0; 256 << 10];
    for n in 0..5000u64 {
        blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut noise);
        let id = repository.keys().blob_id(BlobType::Data, &noise);
        blobs.add(BlobType::Data, id, noise.clone().into(), false).unwrap();
    }
    blobs.flush().unwrap();
    for _ in 0..4 {
        let (start, worked) = (Instant::now(), processor_seconds());
        let options = CheckOptions { read: ReadData::All, ..CheckOptions::default() };
        let report = check(&repository, &options, &Silent).unwrap();
        assert_eq!(report.findings, []);
        let seconds = start.elapsed().as_secs_f64();
        let (gigabytes, worked) = (report.bytes_read as f64 / 1e9, processor_seconds() - worked);
        println!(
            "{:.2} GB/s; {:.2} GB per processor second",
            gigabytes / seconds,
            gigabytes / worked
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap());
}

/// Processor time of this process; wall time means little on a busy machine.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}
