//! Buckets on real servers: mainly moto, whose objects are written and inspected with Amazon's own
//! client; Azurite with Microsoft's; a server of our own with Google's.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "all of this is one test; the lints spare functions marked as tests only"
)]

mod azure;
mod boto;
mod cloud;
mod conformance;
mod failures;
mod fidelity;
mod google;
mod keys;
mod proxy;
mod races;
mod restore;
mod second;
mod server;
mod services;
mod serving;
mod tree;
mod versions;
