//! Tests of the pattern rules.

mod lists;
mod matching;
mod reference;
mod text;
