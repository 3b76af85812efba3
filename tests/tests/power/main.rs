//! The order in which the binary writes, read from its system calls, so that a power cut at any
//! moment takes nothing that was acknowledged.
//!
//! A test cannot cut the power. But what a power cut can take is known: whatever was not synced. So
//! it is enough to show that everything is synced before something relies on it.

// The lints that spare test functions do not know that all of this crate is one test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod calls;
mod order;
mod order_tests;
mod runs;
