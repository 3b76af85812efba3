//! See `holdfast_fuzz::targets::bucket_answers`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(bucket_answers);
