//! Files and directories.

pub mod filter;
pub mod source;
pub mod target;
