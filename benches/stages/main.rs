//! What the stages of a backup cost, each alone: `cargo bench -p holdfast-benches`.
//!
//! Few samples of short runs: all of it takes about two minutes. Differences below ten percent mean
//! nothing on a machine that does other things too.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench that cannot run must stop")]

mod chunks;
mod frames;
mod index;
mod retention;
mod trees;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use holdfast_seal::{Keys, MasterKey};

fn keys() -> Keys {
    Keys::derive(&MasterKey::generate().unwrap())
}

fn quick() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = stages;
    config = quick();
    targets = chunks::cut, chunks::blob_ids, frames::seal, frames::open, trees::write,
        trees::read, index::insert, index::look_up, retention::apply
}
criterion_main!(stages);
