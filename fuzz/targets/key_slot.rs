//! See `holdfast_fuzz::targets::key_slot`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(key_slot);
