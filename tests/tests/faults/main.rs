//! The whole script - init, three backups, forget, prune, check - with a fault at every operation
//! of the storage.
//!
//! After each fault the repository is opened again on what the storage holds, without a cache, as
//! on a new machine. Every snapshot that was acknowledged must be read back byte for byte, the rest
//! of the script must run to its end, and a check that reads all data must find nothing.

// The lints that spare test functions do not know that all of this crate is one test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod full;
mod lost;
mod replay;
mod script;
mod source;
mod target;
mod torn;
