//! `restore-app` from outside, with a real PostgreSQL and real files: what is restored, what is
//! refused, and what is reported.

// The lints that exempt test functions do not know that this whole crate is a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod across;
mod agreed;
mod amazon;
mod clouds;
mod drill;
mod dumps;
mod dumps_taken;
mod hooks;
mod keys;
mod killed;
mod missing;
mod owners;
mod parts;
mod scene;
mod terminal;
mod unmade;
mod vaultwarden;
mod whole;
mod world;
mod wrong;
