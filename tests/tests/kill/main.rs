//! The real binary, killed at many moments of each command that writes.
//!
//! After each kill, every previously acknowledged snapshot is restored byte for byte on a machine
//! without a cache, a check that reads all data finds nothing, and the same command, run again,
//! succeeds. This applies both to `kill -9` and to SIGINT, which also has to end the command
//! promptly and cleanly.

// The lints that exempt test functions do not know that this whole crate is a test. Its output is
// shown when it fails.
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
