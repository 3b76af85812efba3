//! Backups of made-up sources: what becomes of entries that a source gives with trouble.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod attributes;
mod capture;
mod checkpoint;
mod limits;
mod racy;
mod source;
mod support;
mod unchanged;
