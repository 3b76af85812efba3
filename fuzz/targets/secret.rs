//! See `holdfast_fuzz::targets::secret`.
#![cfg_attr(fuzzing, no_main)]

holdfast_fuzz::target!(secret);
