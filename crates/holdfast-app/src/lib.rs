//! An application as a whole: what it consists of, when it is kept, who hears of it.
//!
//! This layer stands between the verbs of the engine and the command line. It reads no
//! environment and no clock: whoever calls it says what the time is.

pub mod bucket;
pub mod check;
pub mod config;
pub mod fingerprint;
pub mod hooks;
pub mod lock;
pub mod notify;
pub mod restore;
pub mod run;
pub mod schedule;
pub mod secrets;
mod trail;
