//! See `holdfast_fuzz::targets::record`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(record);
