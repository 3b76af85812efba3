//! Backups of made-up sources: how entries with errors are handled.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod attributes;
mod capture;
mod checkpoint;
mod limits;
mod racy;
mod source;
mod support;
mod unchanged;
