//! See `holdfast_fuzz::targets::node`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(node);
