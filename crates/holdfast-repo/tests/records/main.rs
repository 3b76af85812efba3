//! Records of chains: those that are kept with the cache, and those that are lost.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kept;
mod lost;
mod world;
