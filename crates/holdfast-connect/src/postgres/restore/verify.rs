//! Whether restored tables hold what was captured.

use super::super::archive::{Content, ContentHasher, Entry, Wanted};
use super::super::error::{ErrorKind, PostgresError};
use super::super::record::{MemberKind, MemberRecord};
use super::super::session::Session;
use super::stored::Stored;

/// What `pg_dump` sets in its session, so that rows are written as it writes them.
const SETTINGS: &str = "SET DateStyle = ISO; SET IntervalStyle = postgres; \
    SET extra_float_digits = 3; SET synchronize_seqscans = off; SET row_security = off; \
    SET search_path = ''";
/// Bytes of a large object that are asked for at once.
const PIECE_BYTES: u64 = 1 << 20;
/// How many tables a message names.
const NAMED_MAX: usize = 5;

/// One table or large object after a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// What it is, as in `table public.users`.
    pub label: String,
    /// Rows that were captured.
    pub rows: u64,
    /// What the comparison said.
    pub outcome: TableOutcome,
}

/// What the comparison of a table said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableOutcome {
    /// It holds what was captured, row by row.
    Same,
    /// It does not.
    Differs {
        /// Rows that it has.
        rows: u64,
    },
    /// It cannot be compared.
    NotCompared {
        /// Why not.
        reason: String,
    },
}

/// Compares every wanted member with what the database has.
pub(super) fn compare(
    session: &mut Session,
    stored: &Stored<'_>,
    wanted: &Wanted,
) -> Result<Vec<TableReport>, PostgresError> {
    let mut reports = Vec::new();
    each(session, stored, wanted, &mut |report| {
        reports.push(report);
        true
    })?;
    Ok(reports)
}

/// Compares one wanted member after the other, as long as `go_on` says so.
pub(super) fn each(
    session: &mut Session,
    stored: &Stored<'_>,
    wanted: &Wanted,
    go_on: &mut dyn FnMut(TableReport) -> bool,
) -> Result<(), PostgresError> {
    session.run(SETTINGS)?;
    // Rows are hashed in the encoding of the dump.
    let encoding = stored.toc.entries.iter().find(|entry| *entry.kind == *b"ENCODING");
    if let Some(definition) = encoding.and_then(|entry| entry.definition.as_deref()) {
        session.run(&String::from_utf8_lossy(definition))?;
    }
    let entries: std::collections::HashMap<i32, &Entry> =
        stored.toc.with_data().map(|entry| (entry.dump_id, entry)).collect();
    for record in &stored.content.members {
        let is_wanted = match wanted {
            Wanted::All => true,
            Wanted::Only(numbers) => numbers.contains(&record.dump_id),
        };
        if is_wanted {
            let outcome = outcome(session, record, entries.get(&record.dump_id).copied())?;
            if !go_on(TableReport { label: record.label(), rows: record.rows, outcome }) {
                break;
            }
        }
    }
    Ok(())
}

/// Refuses what differs.
pub(super) fn judge(reports: &[TableReport], database: &str) -> Result<(), PostgresError> {
    let differing = reports.iter().filter_map(|report| match report.outcome {
        TableOutcome::Differs { rows } => {
            Some(format!("{} ({rows} rows, {} were captured)", report.label, report.rows))
        }
        _ => None,
    });
    let differing: Vec<String> = differing.collect();
    if differing.is_empty() {
        return Ok(());
    }
    let named = differing.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let text = format!(
        "{} of {} tables do not hold what was captured: {named}; the restored database is left as \
         {database:?} and nothing else was changed",
        differing.len(),
        reports.len()
    );
    Err(PostgresError::new(ErrorKind::Differs, text))
}

fn outcome(
    session: &mut Session,
    record: &MemberRecord,
    entry: Option<&Entry>,
) -> Result<TableOutcome, PostgresError> {
    let not_compared = |reason: &str| Ok(TableOutcome::NotCompared { reason: reason.to_owned() });
    let found = match (record.kind, record.large_object) {
        (_, Some(oid)) => large_object(session, oid, record.bytes)?,
        (MemberKind::Rows, None) => {
            let Some(statement) = entry.and_then(Entry::copy_to_stdout) else {
                return not_compared("it was dumped through the root of its partitions");
            };
            let Ok(statement) = String::from_utf8(statement) else {
                return not_compared("its name is not UTF-8");
            };
            table(session, &statement)?
        }
        _ => return not_compared("it was dumped as statements"),
    };
    Ok(match record.is(&found) {
        true => TableOutcome::Same,
        false => TableOutcome::Differs { rows: found.rows },
    })
}

fn table(session: &mut Session, statement: &str) -> Result<Content, PostgresError> {
    let mut hasher = ContentHasher::of_copy_to_stdout();
    let cannot = |error: &dyn std::error::Error| {
        PostgresError::new(ErrorKind::Incomplete, format!("cannot read a table back: {error}"))
    };
    session.copy(statement, &mut |bytes| hasher.update(bytes).map_err(|error| cannot(&error)))?;
    hasher.finish().map_err(|error| cannot(&error))
}

/// The content of a large object, which should have so many bytes.
fn large_object(session: &mut Session, oid: u32, bytes: u64) -> Result<Content, PostgresError> {
    let mut hasher = ContentHasher::of_large_object();
    // One piece more than there should be, so that too long a one is seen.
    let query = format!(
        "SELECT encode(lo_get({oid}, o, {PIECE_BYTES}), 'hex') \
         FROM generate_series(0::bigint, {bytes}, {PIECE_BYTES}) o ORDER BY o"
    );
    let damaged = || PostgresError::new(ErrorKind::Incomplete, "a large object is no hexadecimal");
    session.query(&query, &mut |row| {
        let text = row.into_iter().flatten().next().unwrap_or_default();
        let digits = text.as_bytes().chunks(2);
        let piece: Option<Vec<u8>> = digits
            .map(|pair| {
                std::str::from_utf8(pair).ok().and_then(|it| u8::from_str_radix(it, 16).ok())
            })
            .collect();
        // The bytes of a large object have no end that could be missed.
        hasher.update(&piece.ok_or_else(damaged)?).map_err(|_| damaged())
    })?;
    hasher.finish().map_err(|_| damaged())
}
