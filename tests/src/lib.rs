//! Shared parts of the end-to-end tests: the binary, a sandbox to run it in, pictures of folders.
//!
//! The tests themselves are in `tests/`: `cli` tests the binary from outside, `faults` replays a
//! script with a fault at every operation, `kill` and `power` do the same with real processes,
//! `readme` and `tidy` check the project itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "all of this crate is one test; the lints spare functions marked as tests only"
)]

pub mod binary;
pub mod clock;
pub mod cluster;
pub mod picture;
pub mod process;
pub mod project;
pub mod sandbox;
pub mod shared;
pub mod strace;
