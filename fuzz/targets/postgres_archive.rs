//! See `holdfast_fuzz::targets::postgres_archive`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(postgres_archive);
