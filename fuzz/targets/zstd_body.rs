//! See `holdfast_fuzz::targets::zstd_body`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(zstd_body);
