//! Content-defined chunking: where a stream is cut into blobs (`docs/format.md`, section 4).
//!
//! Pure: bytes in, lengths or chunks out. The secret table comes from `holdfast-seal`.

#![forbid(unsafe_code)]

mod cutter;
mod stream;
#[cfg(test)]
mod tests;

pub use cutter::Cutter;
pub use holdfast_format::config::ChunkSizes;
pub use stream::StreamCutter;
