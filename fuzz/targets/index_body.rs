//! See `holdfast_fuzz::targets::index_body`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(index_body);
