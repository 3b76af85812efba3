//! A repair that dies at each of its operations: nothing is lost, and a rerun repairs the rest.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod check_support;

use std::sync::Arc;

use check_support::*;
use holdfast_backend::fault::{FaultEffect, FaultPlan};
use holdfast_backend::{Backend, FaultBackend, MemoryBackend};
use holdfast_engine::Silent;
use holdfast_engine::repair::{RepairIndexOptions, repair_index};
use holdfast_format::BlobType;
use holdfast_repo::write::{COMPRESSION_DEFAULT, WriteOptions};
use holdfast_repo::{OpenOptions, Repository};

/// A lost copy, a lost index object, and a damaged pack with intact frames.
fn damaged() -> (MemoryBackend, Fixture) {
    let memory = Arc::new(MemoryBackend::new());
    let fixture = Fixture::new(Arc::clone(&memory) as Arc<dyn Backend>);
    fill(&fixture);
    let pack = packs_of(&fixture, BlobType::Data)[0].clone();
    let length = fixture.get(&pack).len();
    fixture.flip(&pack, length - 30);
    fixture.delete(&fixture.names("index/")[0]);
    fixture.flip("config", 20);
    (memory.fork(), fixture)
}

#[test]
fn a_killed_repair_is_finished_by_the_next() {
    let (memory, fixture) = damaged();
    let options = OpenOptions { threads: 1, ..OpenOptions::default() };
    let all = RepairIndexOptions {
        read_all: true,
        packs: Vec::new(),
        write: WriteOptions::new(COMPRESSION_DEFAULT),
    };
    let mut finished = 0;
    for operation in 1.. {
        for applied in [false, true] {
            let inner: Arc<dyn Backend> = Arc::new(memory.fork());
            let plan = FaultPlan::at(operation, FaultEffect::Crash { applied });
            let fault = Arc::new(FaultBackend::new(Arc::clone(&inner), plan));
            let backend = Arc::clone(&fault) as Arc<dyn Backend>;
            let outcome = Repository::open(backend, &fixture.secret(), &options)
                .map_err(Into::into)
                .and_then(|repository| repair_index(&repository, &all, &Silent));
            assert_eq!(outcome.is_ok(), !fault.has_crashed());
            finished += u64::from(outcome.is_ok());
            let after = Fixture { backend: inner, key: fixture.key.clone() };
            let done = repair(&after, true);
            assert_eq!(done.blobs_lost, 0, "operation {operation}");
            // The index object may have been the only one that listed a pack without a directory.
            if !after.check().findings.is_empty() {
                fill(&after);
            }
            assert_clean(&after);
        }
        if finished == 2 {
            return;
        }
    }
}
