//! The checks of an app file, asked again of what was restored.

use std::collections::BTreeSet;

use super::cuts::Cuts;
use super::questions::Questions;
use super::report::CheckReport;
use super::{RunContext, RunError};
use crate::check::SharedReferences;
use crate::config::{AppFile, CheckKind};

/// The answers of databases, and what rows want of other sources.
pub(crate) struct Recheck<'a> {
    file: &'a AppFile,
    questions: Questions,
}

impl<'a> Recheck<'a> {
    /// Asks all checks of `file`, whose databases are those that were restored.
    pub fn ask(file: &'a AppFile, context: &RunContext<'_>) -> Result<Self, RunError> {
        let cuts = Cuts::open(file, context)?;
        let questions = Questions::ask(file, &cuts, (context.now)(), context.run, None)?;
        Ok(Self { file, questions })
    }

    /// The sources that rows want something of, each with what is to be told what it holds, in the
    /// order of the source.
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

    /// Judges the answers, once all sources have passed.
    pub fn judge(mut self) -> Vec<CheckReport> {
        for source in &self.file.sources {
            self.questions.missing(source);
        }
        self.questions.judge()
    }
}
