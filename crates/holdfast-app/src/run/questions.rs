//! The queries of checks, run at the cut of a database, and how the answers are judged.

use std::collections::{BTreeMap, BinaryHeap};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use holdfast_connect::postgres::Cut;
use jiff::Timestamp;
use serde::Deserialize;

use super::RunError;
use super::cuts::Cuts;
use super::report::{CheckReport, Judgement};
use super::source::{name_of, order_of};
use super::watch::{Found, Watched};
use crate::check::{
    Digests, Fault, Findings, Hashes, Reference, References, SharedMemory, Thing, chain_query,
    sequence_query,
};
use crate::config::{AppFile, Check, CheckKind, OnFailure, Rows, Source, SourceKind, SourceName};
use crate::secrets::Scanner;

/// Takes the path of a file, its size in bytes and its hashes.
type TellFile<'a> = dyn FnMut(&[u8], u64, &Digests) + 'a;

/// The answers of all checks so far.
pub(super) struct Questions {
    answers: Vec<Answer>,
    /// What rows refer to in each source.
    wanted: BTreeMap<SourceName, Vec<References>>,
    /// What to watch for.
    watched: BTreeMap<SourceName, Watched>,
    /// What was found in sources already captured.
    found: BTreeMap<SourceName, Vec<Findings>>,
}

/// The answer of one check.
struct Answer {
    name: String,
    on_failure: OnFailure,
    kind: Kind,
}

enum Kind {
    /// Judged once the source is captured: its index among those of the source.
    References(SourceName, usize),
    Known(Judgement, bool),
}

/// One row of a query with `objects-in`.
#[derive(Deserialize)]
struct Row {
    key: Option<String>,
    size: Option<u64>,
    etag: Option<String>,
    md5: Option<String>,
    sha256: Option<String>,
    time: Option<String>,
}

/// What all queries of a run share.
pub(super) struct Asking<'a> {
    pub file: &'a AppFile,
    /// What "recent" is relative to.
    pub now: Timestamp,
    /// Seeds samples.
    pub run: &'a str,
    /// What was compared before.
    pub memory: Option<&'a SharedMemory>,
}

/// The reply of a database to a check.
enum Reply {
    References(SourceName, References),
    Known(Judgement, bool),
}

impl Asking<'_> {
    fn ask(&self, check: &Check, cuts: &Cuts) -> Result<Reply, RunError> {
        let asker = Asker::new(check, cuts)?;
        match &check.kind {
            CheckKind::Objects { sql, objects_in, rows } => {
                let source = self.file.source(objects_in.as_str());
                let source = source.ok_or_else(|| asker.error("its source does not exist"))?;
                let named = asker.references(sql, source, *rows, self.now, self.run)?;
                let references = References::new(order_of(source), named);
                let references = match self.memory {
                    Some(memory) => references.with_memory(source.name.as_str(), memory),
                    None => references,
                };
                Ok(Reply::References(objects_in.clone(), references))
            }
            CheckKind::Value { sql, expect } => {
                let (found, expected) = (asker.value(sql)?, expect.clone());
                let passed = found == expected;
                Ok(Reply::Known(Judgement::Value { found, expected }, passed))
            }
            CheckKind::Sequence(sequence) => asker.breaks(&sequence_query(sequence)),
            CheckKind::Chain(chain) => asker.breaks(&chain_query(chain)),
        }
    }
}

impl Questions {
    /// Runs all queries.
    pub fn ask(asking: &Asking<'_>, cuts: &Cuts) -> Result<Self, RunError> {
        let (mut answers, mut wanted) = (Vec::new(), BTreeMap::<_, Vec<References>>::new());
        for check in &asking.file.checks {
            let kind = match asking.ask(check, cuts)? {
                Reply::References(source, references) => {
                    let all = wanted.entry(source.clone()).or_default();
                    all.push(references);
                    Kind::References(source, all.len() - 1)
                }
                Reply::Known(judgement, passed) => Kind::Known(judgement, passed),
            };
            let (name, on_failure) = (check.name.clone(), check.on_failure);
            answers.push(Answer { name, on_failure, kind });
        }
        Ok(Self { answers, wanted, watched: BTreeMap::new(), found: BTreeMap::new() })
    }

    /// Runs the queries of a source again, as of its new cut. Sources that their rows name are
    /// captured after it; keys, which are captured before, have to be looked up again.
    pub fn ask_again(
        &mut self,
        asking: &Asking<'_>,
        cuts: &Cuts,
        source: &SourceName,
    ) -> Result<(), RunError> {
        for (check, answer) in asking.file.checks.iter().zip(&mut self.answers) {
            if check.source != *source {
                continue;
            }
            match (asking.ask(check, cuts)?, &mut answer.kind) {
                (Reply::Known(judgement, passed), kind) => *kind = Kind::Known(judgement, passed),
                (Reply::References(name, references), Kind::References(_, place)) => {
                    let all = self.wanted.get_mut(&name).and_then(|all| all.get_mut(*place));
                    all.into_iter().for_each(|wanted| *wanted = references.clone());
                }
                // The kind of a check does not change.
                (Reply::References(..), Kind::Known(..)) => {}
            }
        }
        Ok(())
    }

    /// What to watch for while this source is captured.
    pub fn watch(
        &mut self,
        source: &Source,
        scanner: Option<&Arc<Scanner>>,
        previous: Vec<Found>,
    ) -> Watched {
        let wanted = self.wanted.get(&source.name).cloned().unwrap_or_default();
        // Secrets in a dump are in rows, which cannot be moved elsewhere.
        let scanner = scanner
            .filter(|_| !matches!(source.kind, SourceKind::Postgres(_) | SourceKind::Dump(_)));
        let watched = Watched::new(wanted, name_of(source), scanner, previous);
        self.watched.insert(source.name.clone(), watched.clone());
        watched
    }

    /// Judges what was watched for in a source that has been captured. Returns the first few keys
    /// that rows refer to and that were missing.
    pub fn missing(&mut self, source: &Source) -> Vec<Vec<u8>> {
        let watched = self.watched.remove(&source.name);
        let found = watched.map(|watched| watched.finish()).unwrap_or_default();
        let named = found.iter().flat_map(|findings| &findings.named);
        let missing = named.filter(|(_, fault)| *fault == Fault::Missing);
        let missing = missing.map(|(key, _)| key.clone()).collect();
        self.found.insert(source.name.clone(), found);
        missing
    }

    /// Judges what rows refer to in a source that was captured before the rows were queried. `list`
    /// reports everything the source holds, in its order, with hashes if those are needed.
    ///
    /// # Errors
    /// Those of `list`.
    pub fn look_up<E>(
        &mut self,
        source: &Source,
        list: impl FnOnce(bool, &mut TellFile<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(mut wanted) = self.wanted.get(&source.name).cloned() else { return Ok(()) };
        let name_of = name_of(source);
        let wants_contents = wanted.iter().any(References::wants_contents);
        list(wants_contents, &mut |path, size_bytes, digests| {
            let Some(key) = name_of(path) else { return };
            for references in &mut wanted {
                references.holds(&Thing { key: &key, size_bytes, ..Thing::default() });
                references.has_content(&key, digests);
            }
        })?;
        let found = wanted.into_iter().map(References::finish).collect();
        self.found.insert(source.name.clone(), found);
        Ok(())
    }

    /// Judges the answers, after all sources are captured.
    pub fn judge(self) -> Vec<CheckReport> {
        let (found, wanted) = (self.found, self.wanted);
        let judged = self.answers.into_iter().map(|answer| {
            let mut objects_in = String::new();
            let (judgement, passed) = match answer.kind {
                Kind::Known(judgement, passed) => (judgement, passed),
                Kind::References(source, place) => {
                    let findings = found.get(&source).and_then(|found| found.get(place)).cloned();
                    // A source that was not captured holds nothing.
                    let unseen =
                        || wanted.get(&source)?.get(place).cloned().map(References::finish);
                    let findings = findings.or_else(unseen).unwrap_or_default();
                    let passed = findings.failed == 0;
                    objects_in = source.to_string();
                    (Judgement::References(findings), passed)
                }
            };
            let (name, on_failure) = (answer.name, answer.on_failure);
            CheckReport { name, passed, on_failure, objects_in, judgement }
        });
        judged.collect()
    }
}

/// Runs the queries of one check.
struct Asker<'a> {
    check: &'a Check,
    cut: &'a Arc<Cut>,
    database: &'a str,
}

impl<'a> Asker<'a> {
    fn new(check: &'a Check, cuts: &'a Cuts) -> Result<Self, RunError> {
        let error =
            |why: &str| RunError::Question { check: check.name.clone(), why: why.to_owned() };
        let cut = cuts.get(&check.source).ok_or_else(|| error("its source is not a database"))?;
        let database = match (&check.database, cut.record().databases.as_slice()) {
            (Some(name), _) => name,
            (None, [only]) => &only.name,
            (None, _) => {
                return Err(error(
                    "its source has several databases; name one with database = ...",
                ));
            }
        };
        Ok(Self { check, cut, database })
    }

    fn error(&self, why: impl Into<String>) -> RunError {
        RunError::Question { check: self.check.name.clone(), why: why.into() }
    }

    fn rows(
        &self,
        sql: &str,
        each: &mut dyn FnMut(Vec<Option<String>>) -> Result<(), String>,
    ) -> Result<(), RunError> {
        let mut refused = None;
        let outcome = self.cut.query(self.database, sql, &mut |row| {
            if refused.is_none() {
                refused = each(row).err();
            }
            Ok(())
        });
        match (refused, outcome) {
            (Some(why), _) => Err(self.error(why)),
            (None, Err(error)) => Err(self.error(error.to_string())),
            (None, Ok(())) => Ok(()),
        }
    }

    /// The only value of a query.
    fn value(&self, sql: &str) -> Result<String, RunError> {
        let mut found = Vec::new();
        self.rows(statement(sql), &mut |row| {
            found.push(row);
            match found.len() {
                1 => Ok(()),
                _ => Err("its query returns several rows; it must return one value".to_owned()),
            }
        })?;
        match found.pop().as_deref() {
            Some([value]) => Ok(value.clone().unwrap_or_else(|| "null".to_owned())),
            Some(_) => {
                Err(self.error("its query returns several columns; it must return one value"))
            }
            None => Err(self.error("its query returns no row; it must return one value")),
        }
    }

    /// Queries the number of breaks and of rows.
    fn breaks(&self, sql: &str) -> Result<Reply, RunError> {
        let mut counts = (0, 0);
        self.rows(sql, &mut |row| {
            let mut numbers = row.into_iter().map(|it| it.and_then(|it| it.parse().ok()));
            let mut next = || numbers.next().flatten().ok_or("the server did not return a number");
            counts = (next()?, next()?);
            Ok(())
        })?;
        let (broken, rows) = counts;
        Ok(Reply::Known(Judgement::Rows { rows, broken, fewer: 0 }, broken == 0))
    }

    /// What the rows of a query refer to in a source.
    fn references(
        &self,
        sql: &str,
        source: &Source,
        rows: Rows,
        now: Timestamp,
        run: &str,
    ) -> Result<Vec<Reference>, RunError> {
        let since = match rows {
            Rows::Recent(length) => {
                Some(now.saturating_sub(length).map_err(|error| self.error(error.to_string()))?)
            }
            Rows::All | Rows::Sample(_) => None,
        };
        let mut sample = Sample::new(rows, run);
        // As JSON, so that columns are found by name.
        let sql = format!("select to_jsonb(it)::text from ({}) as it", statement(sql));
        self.rows(&sql, &mut |mut row| {
            let json = row.pop().flatten().unwrap_or_default();
            let row: Row = serde_json::from_str(&json).map_err(|error| {
                format!(
                    "its query must return a text column key, and optionally size (a number) and \
                     etag, md5, sha256 and time (text): {error}"
                )
            })?;
            // A row without a key refers to nothing.
            let Some(key) = row.key else { return Ok(()) };
            if let Some(since) = since {
                let time =
                    row.time.as_deref().ok_or("rows = { recent = ... } needs a column time")?;
                if moment(time).ok_or_else(|| format!("{time:?} is not a time"))? < since {
                    return Ok(());
                }
            }
            let hashes =
                Hashes::read(row.etag.as_deref(), row.md5.as_deref(), row.sha256.as_deref());
            if hashes.etag.is_some() && !matches!(source.kind, SourceKind::Bucket(_)) {
                let name = &source.name;
                return Err(format!(
                    "its query returns a column etag, but source {name} holds files, which have \
                     no ETag; use md5 or sha256"
                ));
            }
            let key = source_path(source, key.into_bytes());
            sample.take(Reference { key, size_bytes: row.size, hashes });
            Ok(())
        })?;
        Ok(sample.taken())
    }
}

/// A query without the semicolon that often ends it.
fn statement(sql: &str) -> &str {
    sql.trim().trim_end_matches(';').trim_end()
}

/// A time as PostgreSQL writes it in JSON; without an offset it is in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let utc = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    text.parse().ok().or_else(|| Some(utc()?.timestamp()))
}

/// The key as the source yields it: rows may give the paths of files relative to the only path of
/// their source.
fn source_path(source: &Source, key: Vec<u8>) -> Vec<u8> {
    match &source.kind {
        SourceKind::Files(files) if !key.starts_with(b"/") => match files.paths.as_slice() {
            [path] => [path.as_os_str().as_bytes(), b"/", &key].concat(),
            _ => [b"/", key.as_slice()].concat(),
        },
        _ => key,
    }
}

/// All rows, or a sample: those with the smallest hash keyed by the ID of the run, so that every
/// run draws different ones.
struct Sample {
    count_max: usize,
    run: blake3::Hash,
    /// By hash, largest first.
    drawn: BinaryHeap<([u8; 32], Reference)>,
}

impl Sample {
    fn new(rows: Rows, run: &str) -> Self {
        let count_max = match rows {
            Rows::Sample(count) => count as usize,
            Rows::All | Rows::Recent(_) => usize::MAX,
        };
        Self { count_max, run: blake3::hash(run.as_bytes()), drawn: BinaryHeap::new() }
    }

    fn take(&mut self, reference: Reference) {
        let hash = match self.count_max {
            usize::MAX => [0; 32],
            _ => *blake3::keyed_hash(self.run.as_bytes(), &reference.key).as_bytes(),
        };
        self.drawn.push((hash, reference));
        if self.drawn.len() > self.count_max {
            self.drawn.pop();
        }
    }

    fn taken(self) -> Vec<Reference> {
        self.drawn.into_iter().map(|(_, reference)| reference).collect()
    }
}
