//! The checks of a run or a restore, from their queries to what was found.

use std::collections::BTreeMap;

use super::ask::{CheckAnswer, CheckError, CheckScene, ask};
use super::hashes::Digests;
use super::names::RowNames;
use super::references::{Fault, Findings, References, Thing};
use super::report::{CheckOutcome, Judgement};
use super::settings::{CheckRule, OnFailure};
use super::watch::SourceWatch;
use crate::settings::SourceName;

/// Takes the path of a file, its size in bytes and its hashes.
pub type Lookups<'a> = dyn FnMut(&[u8], u64, &Digests) + 'a;

/// The answers of all checks so far.
pub struct CheckEvaluation {
    answers: Vec<Answered>,
    /// What rows refer to in each source.
    wanted: BTreeMap<SourceName, Vec<References>>,
    /// What is watched for.
    watched: BTreeMap<SourceName, SourceWatch>,
    /// What was found in sources already read.
    found: BTreeMap<SourceName, Vec<Findings>>,
}

/// The answer of one check.
struct Answered {
    name: String,
    on_failure: OnFailure,
    state: AnswerState,
}

enum AnswerState {
    /// Judged once the source is read: its index among those of the source.
    Open(SourceName, usize),
    Known(Judgement, bool),
}

impl CheckEvaluation {
    /// Runs all queries.
    ///
    /// # Errors
    /// [`CheckError`].
    pub fn ask(checks: &[CheckRule], scene: &dyn CheckScene) -> Result<Self, CheckError> {
        let (mut answers, mut wanted) = (Vec::new(), BTreeMap::<_, Vec<References>>::new());
        for check in checks {
            let state = match ask(check, scene)? {
                CheckAnswer::References(source, references) => {
                    let all = wanted.entry(source.clone()).or_default();
                    all.push(references);
                    AnswerState::Open(source, all.len() - 1)
                }
                CheckAnswer::Known(judgement, passed) => AnswerState::Known(judgement, passed),
            };
            let (name, on_failure) = (check.name.clone(), check.on_failure);
            answers.push(Answered { name, on_failure, state });
        }
        Ok(Self { answers, wanted, watched: BTreeMap::new(), found: BTreeMap::new() })
    }

    /// Runs the queries of a source again, as of its new cut. Sources that their rows name are
    /// captured after it; keys, which are captured before, have to be looked up again.
    ///
    /// # Errors
    /// [`CheckError`].
    pub fn ask_again(
        &mut self,
        checks: &[CheckRule],
        scene: &dyn CheckScene,
        source: &SourceName,
    ) -> Result<(), CheckError> {
        for (check, answer) in checks.iter().zip(&mut self.answers) {
            if check.source != *source {
                continue;
            }
            match (ask(check, scene)?, &mut answer.state) {
                (CheckAnswer::Known(judgement, passed), state) => {
                    *state = AnswerState::Known(judgement, passed);
                }
                (CheckAnswer::References(name, references), AnswerState::Open(_, place)) => {
                    let all = self.wanted.get_mut(&name).and_then(|all| all.get_mut(*place));
                    all.into_iter().for_each(|wanted| *wanted = references.clone());
                }
                // The kind of a check does not change.
                (CheckAnswer::References(..), AnswerState::Known(..)) => {}
            }
        }
        Ok(())
    }

    /// The sources that rows refer to.
    pub fn sources(&self) -> Vec<SourceName> {
        self.wanted.keys().cloned().collect()
    }

    /// What to watch for while a source is read.
    pub fn watch(&mut self, source: &SourceName, names: Option<RowNames>) -> SourceWatch {
        let wanted = self.wanted.get(source).cloned().unwrap_or_default();
        let watch = SourceWatch::new(wanted, names);
        self.watched.insert(source.clone(), watch.clone());
        watch
    }

    /// Judges what was watched for in a source that has been read. Returns the first few keys that
    /// rows refer to and that were missing.
    pub fn missing(&mut self, source: &SourceName) -> Vec<Vec<u8>> {
        let watched = self.watched.remove(source);
        let found = watched.map(|watched| watched.finish()).unwrap_or_default();
        let named = found.iter().flat_map(|findings| &findings.named);
        let missing = named.filter(|(_, fault)| *fault == Fault::Missing);
        let missing = missing.map(|(key, _)| key.clone()).collect();
        self.found.insert(source.clone(), found);
        missing
    }

    /// Judges what rows refer to in a source that was captured before the rows were queried. `list`
    /// reports everything the source holds, in its order, with hashes if those are needed.
    ///
    /// # Errors
    /// Those of `list`.
    pub fn look_up<E>(
        &mut self,
        source: &SourceName,
        names: &RowNames,
        list: impl FnOnce(bool, &mut Lookups<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(mut wanted) = self.wanted.get(source).cloned() else { return Ok(()) };
        let wants_contents = wanted.iter().any(References::wants_contents);
        list(wants_contents, &mut |path, size_bytes, digests| {
            let Some(key) = names.name_of(path) else { return };
            for references in &mut wanted {
                references.holds(&Thing { key: &key, size_bytes, ..Thing::default() });
                references.has_content(&key, digests);
            }
        })?;
        let found = wanted.into_iter().map(References::finish).collect();
        self.found.insert(source.clone(), found);
        Ok(())
    }

    /// Judges the answers, after all sources are read.
    pub fn judge(self) -> Vec<CheckOutcome> {
        let (found, wanted) = (self.found, self.wanted);
        let judged = self.answers.into_iter().map(|answer| {
            let mut objects_in = String::new();
            let (judgement, passed) = match answer.state {
                AnswerState::Known(judgement, passed) => (judgement, passed),
                AnswerState::Open(source, place) => {
                    let findings = found.get(&source).and_then(|found| found.get(place)).cloned();
                    // A source that was not read holds nothing.
                    let unseen =
                        || wanted.get(&source)?.get(place).cloned().map(References::finish);
                    let findings = findings.or_else(unseen).unwrap_or_default();
                    let passed = findings.failed == 0;
                    objects_in = source.to_string();
                    (Judgement::References(findings), passed)
                }
            };
            let (name, on_failure) = (answer.name, answer.on_failure);
            CheckOutcome { name, passed, on_failure, objects_in, judgement }
        });
        judged.collect()
    }
}
