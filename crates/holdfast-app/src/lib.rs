//! An application: what it consists of, when it is backed up, and where that is reported.
//!
//! This layer is between the verbs of the engine and the command line. It reads neither the
//! environment nor the clock: the caller supplies both.

pub mod check;
pub mod config;
pub mod connections;
pub mod fingerprint;
pub mod hooks;
pub mod kind;
pub mod lock;
pub mod notify;
pub mod restore;
pub mod run;
pub mod schedule;
pub mod secrets;
pub mod settings;
mod trail;
