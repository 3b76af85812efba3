//! Tests of the parts that need no server.

mod content;
mod plain;
mod toc;
