//! Tests of selection.

mod resolve;
mod selector;
mod time;
