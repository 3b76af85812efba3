//! See `holdfast_fuzz::targets::cutter`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(cutter);
