//! Five applications whose guides back them up with scripts, with real servers: PostgreSQL, S3,
//! files, openssl.
//!
//! Each lives for some hours, is backed up after each hour by `holdfast run` with the app file of
//! its page, loses everything, and is restored to one of the hours; then the list of its guide is
//! checked. Each also loses something deliberately, which the run or the restore must report.

// The lints that exempt test functions do not know that this whole crate is a test.
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
