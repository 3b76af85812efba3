//! Looking into snapshots, against plain models of trees.

#![allow(clippy::unwrap_used, reason = "a failure here is what a test is for")]

mod archives;
mod differences;
mod keys;
mod listing;
mod random;
mod showing;
mod support;
mod tar_reader;
