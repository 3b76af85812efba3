//! See `holdfast_fuzz::targets::selection`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(selection);
