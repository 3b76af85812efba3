//! The restore of roles and databases.
//!
//! The databases of all sources are restored together: one may read another, so they are finished
//! once all of them have their rows.

mod across;
mod database;
mod emit;
mod live;
mod roles;
mod step;
mod target;

pub use database::{DatabaseMove, DumpOrigin, SCRIPT};
pub use emit::{EmitTo, emit_database};
pub use live::{overlap, refuse_live};
pub use roles::{RolesMove, globals_script};
pub use step::into_steps;
pub use target::{moves, server, target_name};
