//! The order of the binary's writes, taken from its system calls, which ensures that a power
//! failure at any moment loses nothing that was acknowledged.
//!
//! A test cannot cut the power. But what a power failure can lose is known: everything that was not
//! synced. So it is enough to show that everything is synced before anything relies on it.

// The lints that exempt test functions do not know that this whole crate is a test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

mod calls;
mod order;
mod order_tests;
mod runs;
