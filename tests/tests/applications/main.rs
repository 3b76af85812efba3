//! Five applications that guides back up with scripts, on real parts: PostgreSQL, an S3 server,
//! files, openssl.
//!
//! Each lives for some hours, is backed up after each by `holdfast run` with the app file that its
//! page shows, loses everything, and comes back as it was in one of the hours; then the list of its
//! guide is gone through. And each loses something on purpose, which the run or the restore must
//! tell.

// The lints that spare test functions do not know that all of this crate is one test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod buckets;
mod documenso;
mod firmflow;
mod guides;
mod losses;
mod obexal;
mod objects;
mod orthid;
mod pages;
mod places;
mod proof_platform;
mod servers;
mod tools;
mod web;
mod world;
