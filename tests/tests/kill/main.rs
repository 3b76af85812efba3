//! The real binary, killed at many moments of each command that writes.
//!
//! After each kill every snapshot that was acknowledged before comes back byte for byte on a
//! machine without a cache, a check that reads all data finds nothing, and the same command started
//! again runs to its end. That holds for an end by `kill -9` as well as for one by SIGINT, which
//! moreover has to be prompt and in good order.

// The lints that spare test functions do not know that all of this crate is one test. What is
// printed is seen when it fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout
)]

mod commands;
mod moment;
mod restore;
mod resume;
mod signals;
mod world;
