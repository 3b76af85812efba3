//! See `holdfast_fuzz::targets::pack_trailer`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(pack_trailer);
