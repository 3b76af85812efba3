//! See `holdfast_fuzz::targets::pack_header`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(pack_header);
