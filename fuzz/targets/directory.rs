//! See `holdfast_fuzz::targets::directory`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(directory);
