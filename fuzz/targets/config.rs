//! See `holdfast_fuzz::targets::config`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(config);
