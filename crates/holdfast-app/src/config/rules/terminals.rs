//! No terminal between a dump and holdfast.

use std::ops::Range;

use crate::config::file::{AppFileDraft, AppFileTree};
use crate::settings::argv::{Argv, Terminal};
use crate::settings::reader::SettingReader;
use crate::settings::section::Placed;

pub(super) fn check(
    draft: &AppFileDraft,
    tree: &AppFileTree<'_, '_>,
    reader: &mut SettingReader<'_>,
) {
    for Placed { index, value } in &draft.sources {
        for (key, command) in value.kind.commands() {
            refuse(command, tree.of("source", *index, key), reader);
        }
    }
}

fn refuse(command: &Argv, span: Range<usize>, reader: &mut SettingReader<'_>) {
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
