//! `holdfast run` from outside: an application as one snapshot, or none.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "all of this is one test; the lints spare functions marked as tests only"
)]

mod begin;
mod checks;
mod hashes;
mod hooks;
mod incomplete;
mod keys;
mod locking;
mod login;
mod metrics;
mod monitor;
mod objects;
mod retention;
mod secrets;
mod trust;
mod whole;
mod world;
