//! See `holdfast_fuzz::targets::patterns`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(patterns);
