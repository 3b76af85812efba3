//! See `holdfast_fuzz::targets::pattern_file`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(pattern_file);
