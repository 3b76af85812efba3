//! SQL as text: where a statement ends, and what it is about. Pure code.
//!
//! The statements of a dump are its author's. [`ScriptParser`] splits a script without obeying it,
//! and [`of_globals`] and its neighbours parse one statement, so that it is run only if it is one
//! that a tool writes, about what it should be about.

mod scan;
mod script;
mod statement;
mod token;

#[cfg(test)]
mod tests;

pub(super) use script::{ScriptError, ScriptParser, ScriptPiece, statements};
pub(super) use statement::{
    Grantees, OfGlobals, about_database, copied, is_setting_of_database, of_globals,
    qualified_name, roles_named,
};
pub(super) use token::quoted;
