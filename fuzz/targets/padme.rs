//! See `holdfast_fuzz::targets::padme`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(padme);
