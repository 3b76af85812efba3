//! The programs that a run or a restore starts.

use super::argv::Argv;
use super::file::AppFile;
use super::hook::Hook;
use super::repository::{Password, Repository};
use super::source::{Globals, Postgres, Source, SourceKind};

/// A program that a run or a restore starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// A name to look up in `PATH`, or a path.
    pub name: String,
    /// What starts it, as in `source "database"`.
    pub what: String,
}

impl AppFile {
    /// Every program that the file names or one of its sources needs, in the order of the file.
    pub fn programs(&self) -> Vec<Program> {
        let mut found = Vec::new();
        of_password(&mut found, "[repository]", Some(&self.repository.password));
        let keys = self.keys_repository.as_ref().map(|it: &Repository| &it.password);
        of_password(&mut found, "[repository.keys]", keys);
        self.sources.iter().for_each(|source| of_source(&mut found, source));
        for (key, command) in [("stop", &self.restore.stop), ("start", &self.restore.start)] {
            let what = format!("`{key}` of [restore]");
            found.extend(command.as_ref().map(|argv| program(argv, &what)));
        }
        found.extend(self.hooks.iter().map(|hook| program(&hook.command, &described(hook))));
        found
    }
}

fn of_password(found: &mut Vec<Program>, what: &str, password: Option<&Password>) {
    if let Some(Password::Command(argv)) = password {
        found.push(program(argv, &format!("`password-command` of {what}")));
    }
}

fn of_source(found: &mut Vec<Program>, source: &Source) {
    let what = format!("source \"{}\"", source.name);
    match &source.kind {
        SourceKind::Postgres(postgres) => of_postgres(found, &what, postgres),
        SourceKind::Command(output) => found.push(program(&output.command, &what)),
        SourceKind::Files(_) | SourceKind::Bucket(_) | SourceKind::Dump(_) => {}
    }
}

/// Programs that `exec` runs are not on this machine.
fn of_postgres(found: &mut Vec<Program>, what: &str, postgres: &Postgres) {
    of_password(found, what, postgres.password.as_ref());
    let mut add = |name: &str| found.push(Program { name: name.into(), what: what.into() });
    match &postgres.exec {
        Some(argv) => add(argv.program()),
        None => {
            add("pg_dump");
            if postgres.globals != Globals::Nowhere {
                add("pg_dumpall");
            }
        }
    }
}

fn described(hook: &Hook) -> String {
    format!("the hook `{} = \"{}\"`", hook.moment.word(), hook.around.word())
}

fn program(argv: &Argv, what: &str) -> Program {
    Program { name: argv.program().to_owned(), what: what.to_owned() }
}
