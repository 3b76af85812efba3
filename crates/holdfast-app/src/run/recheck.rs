//! The checks of an app file, run again on restored data.

use std::collections::BTreeSet;

use super::cuts::Cuts;
use super::questions::{Asking, Questions};
use super::report::CheckReport;
use super::{RunContext, RunError};
use crate::check::SharedReferences;
use crate::config::{AppFile, CheckKind};

/// The answers of databases, and what rows refer to in other sources.
pub(crate) struct Recheck<'a> {
    file: &'a AppFile,
    questions: Questions,
}

impl<'a> Recheck<'a> {
    /// Runs all checks of `file`, whose databases are the restored ones.
    pub fn ask(file: &'a AppFile, context: &RunContext<'_>) -> Result<Self, RunError> {
        let cuts = Cuts::open(file, context)?;
        let (now, run) = ((context.now)(), context.run);
        let questions = Questions::ask(&Asking { file, now, run, memory: None }, &cuts)?;
        Ok(Self { file, questions })
    }

    /// The sources that rows refer to, each with the references to match against its contents, in
    /// the order of the source.
    pub fn sources(&mut self) -> Vec<(String, SharedReferences)> {
        let mut names = BTreeSet::new();
        for check in &self.file.checks {
            if let CheckKind::Objects { objects_in, .. } = &check.kind {
                names.insert(objects_in.as_str());
            }
        }
        let sources = names.into_iter().filter_map(|name| self.file.source(name));
        let watch = |source| {
            let watched = self.questions.watch(source, None, Vec::new());
            (source.name.to_string(), watched.references())
        };
        sources.map(watch).collect()
    }

    /// Judges the answers, after all sources have been walked.
    pub fn judge(mut self) -> Vec<CheckReport> {
        for source in &self.file.sources {
            self.questions.missing(source);
        }
        self.questions.judge()
    }
}
