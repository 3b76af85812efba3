//! The binary from outside: input, output, messages and exit codes.

// The lints that exempt test functions do not know that this whole crate is a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod backup;
mod beside_restic;
mod config;
mod damage;
mod dates;
mod foreign;
mod forget;
mod from;
mod full;
mod json;
mod keys;
mod local_state;
mod locked;
mod names;
mod ncdu;
mod outside;
mod records;
mod restic;
mod restore;
mod restore_delete;
mod restore_leftovers;
mod restore_links;
mod restore_over;
mod restore_ways;
mod retention;
mod rewriting;
mod round_trip;
mod schedule;
mod selections;
mod snapshots;
mod sources;
mod stream;
mod trouble;
mod usage;
mod wrappers;
