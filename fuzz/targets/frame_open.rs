//! See `holdfast_fuzz::targets::frame_open`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(frame_open);
