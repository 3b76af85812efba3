//! PostgreSQL: what its tools write and read.

pub mod archive;
