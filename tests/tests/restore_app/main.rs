//! `restore-app` from outside, on a real PostgreSQL and real files: what comes back, what is
//! refused, and what is said when something is wrong.

// The lints that spare test functions do not know that all of this crate is one test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

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
