//! Which snapshot a command means: `latest`, `latest~2`, the first digits of an id, or a time.

mod error;
mod filter;
mod resolve;
mod selector;
mod time;

#[cfg(test)]
mod tests;

pub use error::SelectionError;
pub use filter::SnapshotFilter;
pub use resolve::resolve;
pub use selector::{Base, ParseSelectorError, SnapshotSelector};
pub use time::{ParseTimeError, parse_time};
