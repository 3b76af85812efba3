//! Records of chains: those kept in the cache, and lost ones.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kept;
mod lost;
mod world;
