//! The queries of checks, run in a database at one moment.

use jiff::Timestamp;
use serde::Deserialize;

use super::hashes::Hashes;
use super::memory::SharedMemory;
use super::names::RowNames;
use super::references::{Reference, References};
use super::report::Judgement;
use super::sample::RowSample;
use super::settings::{CheckKind, CheckRule, Rows};
use super::sql::{chain_query, sequence_query};
use crate::settings::SourceName;

/// Takes a row: the text of each column.
pub type TakeRow<'a> = dyn FnMut(Vec<Option<String>>) + 'a;

/// Databases that answer queries, all as of one moment.
pub trait Queries {
    /// Their names.
    fn databases(&self) -> Vec<String>;

    /// Runs a query and returns its rows as they arrive.
    ///
    /// # Errors
    /// Why it failed, in one sentence.
    fn query(&self, database: &str, sql: &str, on_row: &mut TakeRow<'_>) -> Result<(), String>;
}

/// Where checks find the sources that they name.
pub trait CheckScene {
    /// The databases of a source, at their moment.
    fn queries(&self, source: &SourceName) -> Option<&dyn Queries>;

    /// How rows refer to what a source holds.
    fn row_names(&self, source: &SourceName) -> Option<RowNames>;

    /// What "recent" is relative to.
    fn now(&self) -> Timestamp;

    /// The run, which seeds samples.
    fn run(&self) -> &str;

    /// What was compared before.
    fn memory(&self) -> Option<&SharedMemory>;
}

/// A check that could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[error("check {check:?} could not be evaluated: {why}")]
pub struct CheckError {
    /// The check.
    pub check: String,
    /// Why.
    pub why: String,
}

/// The answer of a database to a check.
pub(super) enum CheckAnswer {
    /// What rows refer to in a source, which is matched while that is read.
    References(SourceName, References),
    /// What was found, and whether that is right.
    Known(Judgement, bool),
}

/// One row of a query with `objects-in`.
#[derive(Deserialize)]
struct ReferenceRow {
    key: Option<String>,
    size: Option<u64>,
    etag: Option<String>,
    md5: Option<String>,
    sha256: Option<String>,
    time: Option<String>,
}

/// Runs the queries of a check.
pub(super) fn ask(check: &CheckRule, scene: &dyn CheckScene) -> Result<CheckAnswer, CheckError> {
    let asking = Asking::new(check, scene)?;
    match &check.kind {
        CheckKind::Objects { sql, objects_in, rows } => {
            let names = scene.row_names(objects_in);
            let names = names.ok_or_else(|| asking.error("its source does not exist"))?;
            let named = asking.references(sql, objects_in, &names, *rows)?;
            let references = References::new(names.order(), named);
            let references = match scene.memory() {
                Some(memory) => references.with_memory(objects_in.as_str(), memory),
                None => references,
            };
            Ok(CheckAnswer::References(objects_in.clone(), references))
        }
        CheckKind::Value { sql, expect } => {
            let (found, expected) = (asking.value(sql)?, expect.clone());
            let passed = found == expected;
            Ok(CheckAnswer::Known(Judgement::Value { found, expected }, passed))
        }
        CheckKind::SequenceRule(sequence) => asking.breaks(&sequence_query(sequence)),
        CheckKind::ChainRule(chain) => asking.breaks(&chain_query(chain)),
    }
}

/// One check, and the database that it queries.
struct Asking<'a> {
    check: &'a CheckRule,
    scene: &'a dyn CheckScene,
    queries: &'a dyn Queries,
    database: String,
}

impl<'a> Asking<'a> {
    fn new(check: &'a CheckRule, scene: &'a dyn CheckScene) -> Result<Self, CheckError> {
        let error = |why: &str| CheckError { check: check.name.clone(), why: why.to_owned() };
        let queries = scene.queries(&check.source);
        let queries = queries.ok_or_else(|| error("its source is not a database"))?;
        let database = match (&check.database, queries.databases().as_slice()) {
            (Some(name), _) => name.clone(),
            (None, [only]) => only.clone(),
            (None, _) => {
                return Err(error(
                    "its source has several databases; name one with database = ...",
                ));
            }
        };
        Ok(Self { check, scene, queries, database })
    }

    fn error(&self, why: impl Into<String>) -> CheckError {
        CheckError { check: self.check.name.clone(), why: why.into() }
    }

    fn rows(
        &self,
        sql: &str,
        each: &mut dyn FnMut(Vec<Option<String>>) -> Result<(), String>,
    ) -> Result<(), CheckError> {
        let mut refused = None;
        let outcome = self.queries.query(&self.database, sql, &mut |row| {
            if refused.is_none() {
                refused = each(row).err();
            }
        });
        match refused {
            Some(why) => Err(self.error(why)),
            None => outcome.map_err(|why| self.error(why)),
        }
    }

    /// The only value of a query.
    fn value(&self, sql: &str) -> Result<String, CheckError> {
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
    fn breaks(&self, sql: &str) -> Result<CheckAnswer, CheckError> {
        let mut counts = (0, 0);
        self.rows(sql, &mut |row| {
            let mut numbers = row.into_iter().map(|it| it.and_then(|it| it.parse().ok()));
            let mut next = || numbers.next().flatten().ok_or("the server did not return a number");
            counts = (next()?, next()?);
            Ok(())
        })?;
        let (broken, rows) = counts;
        Ok(CheckAnswer::Known(Judgement::Rows { rows, broken, fewer: 0 }, broken == 0))
    }

    /// What the rows of a query refer to in a source.
    fn references(
        &self,
        sql: &str,
        source: &SourceName,
        names: &RowNames,
        rows: Rows,
    ) -> Result<Vec<Reference>, CheckError> {
        let since = match rows {
            Rows::Recent(length) => {
                let since = self.scene.now().saturating_sub(length);
                Some(since.map_err(|error| self.error(error.to_string()))?)
            }
            Rows::All | Rows::Sample(_) => None,
        };
        let mut sample = RowSample::new(rows, self.scene.run());
        // As JSON, so that columns are found by name.
        let sql = format!("select to_jsonb(it)::text from ({}) as it", statement(sql));
        self.rows(&sql, &mut |mut row| {
            let json = row.pop().flatten().unwrap_or_default();
            let row: ReferenceRow = serde_json::from_str(&json).map_err(|error| {
                format!(
                    "its query must return a text column key, and optionally size (a number) and \
                     etag, md5, sha256 and time (text): {error}"
                )
            })?;
            if !row.is_since(since)? {
                return Ok(());
            }
            // A row without a key refers to nothing.
            let Some(key) = row.key else { return Ok(()) };
            let hashes =
                Hashes::read(row.etag.as_deref(), row.md5.as_deref(), row.sha256.as_deref());
            if hashes.etag.is_some() && !names.has_etags() {
                return Err(format!(
                    "its query returns a column etag, but source {source} holds files, which have \
                     no ETag; use md5 or sha256"
                ));
            }
            let key = names.of_row(key.into_bytes());
            sample.take(Reference { key, size_bytes: row.size, hashes });
            Ok(())
        })?;
        Ok(sample.taken())
    }
}

impl ReferenceRow {
    /// True if it is not older than that. A row without a key is not asked.
    fn is_since(&self, since: Option<Timestamp>) -> Result<bool, String> {
        let (Some(since), Some(_)) = (since, &self.key) else { return Ok(true) };
        let time = self.time.as_deref().ok_or("rows = { recent = ... } needs a column time")?;
        Ok(moment(time).ok_or_else(|| format!("{time:?} is not a time"))? >= since)
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
