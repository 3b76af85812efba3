//! Bodies of the fuzz targets, so that libFuzzer (`targets/`) and plain tests (`tests/replay.rs`)
//! run the same code.
//!
//! A target takes any bytes and panics if the program breaks a promise: a decoder that fails must
//! do so with an error, and what it accepts must encode to the same bytes again.

#![forbid(unsafe_code)]

#[path = "../../crates/holdfast/src/parse.rs"]
#[allow(dead_code, reason = "the targets need only what parses")]
mod parse;
pub mod targets;

/// A target's name, which is that of its folder in `seeds/`, and its body.
pub type FuzzTarget = (&'static str, fn(&[u8]));

macro_rules! all {
    ($($name:ident),* $(,)?) => {
        /// All targets.
        pub const ALL: &[FuzzTarget] = &[$((stringify!($name), targets::$name)),*];
    };
}

all![
    config,
    key_slot,
    pack_header,
    pack_trailer,
    directory,
    index_body,
    node,
    record,
    frame_open,
    zstd_body,
    secret,
    patterns,
    pattern_file,
    selection,
    cutter,
    padme,
    postgres_archive,
    bucket_answers,
];

/// The rest of a program in `targets/`. Without `cargo fuzz` it does nothing, but compiles.
#[macro_export]
macro_rules! target {
    ($name:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $crate::targets::$name(data));
        #[cfg(not(fuzzing))]
        fn main() {}
    };
}
