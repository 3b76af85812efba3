//! The whole script - init, three backups, forget, prune, check - with a fault at every operation
//! of the storage.
//!
//! After each fault, the repository is reopened from the storage without a cache, as on a new
//! machine. Every acknowledged snapshot must be read back byte for byte, the rest of the script
//! must run to completion, and a check that reads all data must find nothing.

// The lints that exempt test functions do not know that this whole crate is a test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod full;
mod lost;
mod replay;
mod script;
mod source;
mod target;
mod torn;
