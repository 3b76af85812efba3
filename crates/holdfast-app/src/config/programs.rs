//! The programs that a run or a restore starts.

use super::file::AppFile;
use super::hook::Hook;
use crate::settings::{Argv, Password};

/// A program that a run or a restore starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededProgram {
    /// A name to look up in `PATH`, or a path.
    pub name: String,
    /// What starts it, as in `source "database"`.
    pub what: String,
}

impl AppFile {
    /// Every program that the file names or one of its sources needs, in the order of the file.
    pub fn programs(&self) -> Vec<NeededProgram> {
        let mut found = Vec::new();
        of_password(&mut found, "[repository]", Some(&self.repository.password));
        let keys = self.keys_repository.as_ref().map(|it| &it.password);
        of_password(&mut found, "[repository.keys]", keys);
        for source in &self.sources {
            let what = format!("source \"{}\"", source.name);
            let programs = source.kind.programs().into_iter();
            found.extend(programs.map(|name| NeededProgram { name, what: what.clone() }));
        }
        for (key, command) in [("stop", &self.restore.stop), ("start", &self.restore.start)] {
            let what = format!("`{key}` of [restore]");
            found.extend(command.as_ref().map(|argv| program(argv, &what)));
        }
        found.extend(self.hooks.iter().map(|hook| program(&hook.command, &described(hook))));
        found
    }
}

fn of_password(found: &mut Vec<NeededProgram>, what: &str, password: Option<&Password>) {
    if let Some(Password::Command(argv)) = password {
        found.push(program(argv, &format!("`password-command` of {what}")));
    }
}

fn described(hook: &Hook) -> String {
    format!("the hook `{} = \"{}\"`", hook.moment.word(), hook.around.word())
}

fn program(argv: &Argv, what: &str) -> NeededProgram {
    NeededProgram { name: argv.program().to_owned(), what: what.to_owned() }
}
