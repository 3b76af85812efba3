//! One file per command: its arguments, its help and its implementation. Flags that several
//! commands share are in `shared`, so that they mean the same everywhere.

pub mod backup;
pub mod cache;
pub mod cat;
pub mod check;
pub mod completions;
pub mod config;
pub mod diff;
pub mod dump;
pub mod find;
pub mod forget;
pub mod init;
pub mod key;
pub mod list;
pub mod ls;
pub mod man;
pub mod prune;
pub mod repair;
pub mod restore;
pub mod restore_app;
pub mod retention;
pub mod run;
pub mod schedule;
pub mod shared;
pub mod snapshots;
pub mod stats;
pub mod tag;
pub mod unlock;
pub mod version;
