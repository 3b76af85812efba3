//! Archives of the real pg_dump, the real pg_restore on what is written again, captures and
//! restores of real servers.
//!
//! The tests use the PostgreSQL that is installed; `HOLDFAST_TEST_POSTGRES` may name the folders of
//! other versions' programs, joined by colons, and then all of these are used.

// The lints that exempt test functions do not know that all of this crate is one test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr
)]

mod broken;
mod capture;
// Shared with the tests of the binary, in the folder above this crate.
#[path = "../../../../tests/src/cluster.rs"]
mod cluster;
mod empty;
mod extensions;
mod foreign;
mod golden;
mod hostile;
mod login;
mod memory;
mod needs;
mod parts;
mod plain;
mod pool;
mod refusal;
mod restore;
mod rights;
mod round_trip;
mod selection;
mod standby;
mod standing;
mod tls;
mod told;
mod transport;
mod tree;
mod unqualified;
