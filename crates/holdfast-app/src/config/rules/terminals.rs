//! No terminal between a dump and holdfast.

use std::ops::Range;

use crate::config::argv::{Argv, Terminal};
use crate::config::file::{Draft, Tree};
use crate::config::reader::Reader;
use crate::config::section::Placed;
use crate::config::source::SourceKind;

pub(super) fn check(draft: &Draft, tree: &Tree<'_, '_>, reader: &mut Reader<'_>) {
    for Placed { index, value } in &draft.sources {
        match &value.kind {
            SourceKind::Postgres(postgres) => {
                if let Some(exec) = &postgres.exec {
                    refuse(exec, tree.of("source", *index, "exec"), reader);
                }
            }
            SourceKind::Command(output) => {
                refuse(&output.command, tree.of("source", *index, "command"), reader);
            }
            SourceKind::Files(_) | SourceKind::Bucket(_) | SourceKind::Dump(_) => {}
        }
    }
}

fn refuse(command: &Argv, span: Range<usize>, reader: &mut Reader<'_>) {
    let broken = "which corrupts a dump: every line feed becomes two bytes";
    match command.terminal() {
        Some(Terminal::AskedFor(flag)) => {
            let message = format!("`{flag}` allocates a terminal, {broken}");
            reader.mistake(span, message, "remove it; -i alone is fine");
        }
        Some(Terminal::NotSwitchedOff) => {
            let message = format!("docker compose may allocate a terminal, {broken}");
            reader.mistake(span, message, "\"exec\", \"-T\", ...");
        }
        None => {}
    }
}
