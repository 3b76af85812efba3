//! A source of type `command`.

use std::path::PathBuf;

use crate::settings::Argv;
use crate::settings::section::{SettingSection, SettingTable};

/// A source of type `command`: what a command prints, as one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandSettings {
    /// The command.
    pub command: Argv,
    /// Path of the file in the snapshot.
    pub file: String,
    /// What a restore does with it; nothing if absent.
    pub restore: Option<CommandRestore>,
}

/// What a restore does with what a command printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandRestore {
    /// Writes it to this file.
    File(PathBuf),
    /// Passes it to this command on standard input.
    Command(Argv),
}

impl SettingTable for CommandSettings {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let command = section.required(
            "command",
            "Command whose output is backed up, as a list of words. If the command fails, so \
             does the source.",
        );
        let file: Option<String> = section.required("file", "Path of the file in the snapshot.");
        if let Some(file) = &file
            && !is_inside(file)
        {
            let message = "`file` must be a plain path, without ., .. or empty names";
            section.refuse("file", message, "file = \"dump.sql\"");
            return None;
        }
        let restore =
            section.table("restore", "What a restore does with the output. Default: nothing.");
        Some(Self { command: command?, file: file?, restore })
    }
}

impl SettingTable for CommandRestore {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let file = section.optional("file", "File that a restore writes it to.");
        let command = section.optional(
            "command",
            "Command that receives it on standard input in a restore, as a list of words.",
        );
        if !section.exactly_one(&["file", "command"]) {
            return None;
        }
        file.map(Self::File).or(command.map(Self::Command))
    }
}

fn is_inside(path: &str) -> bool {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').all(|name| !matches!(name, "" | "." | ".."))
}
