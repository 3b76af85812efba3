//! The targets by what they read: plain layouts, sealed frames, text, lengths, dumps of databases.

mod answers;
mod archives;
mod input;
mod keys;
mod layouts;
mod lengths;
mod sealed;
mod text;

pub use answers::bucket_answers;
pub use archives::postgres_archive;
pub use layouts::{
    config, directory, index_body, key_slot, node, pack_header, pack_trailer, record,
};
pub use lengths::{cutter, padme};
pub use sealed::{frame_open, zstd_body};
pub use text::{pattern_file, patterns, secret, selection};
