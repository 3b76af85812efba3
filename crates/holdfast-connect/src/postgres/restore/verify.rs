//! Whether restored tables hold what was captured.

use std::collections::{BTreeMap, HashMap};

use super::super::archive::{ContentHasher, ContentKind, DataSelection, MemberSummary, TocEntry};
use super::super::error::{ErrorKind, PostgresError};
use super::super::record::{MemberKind, MemberRecord};
use super::super::session::{PostgresSession, identifier, literal};
use super::extension::{ExtensionRows, Filtered};
use super::stored::ReadDatabase;

/// What `pg_dump` sets in its session, so that rows have the same form as in a dump.
const SETTINGS: &str = "SET DateStyle = ISO; SET IntervalStyle = postgres; \
    SET extra_float_digits = 3; SET synchronize_seqscans = off; SET row_security = off; \
    SET search_path = ''";
/// Bytes of a large object requested at once.
const PIECE_BYTES: u64 = 1 << 20;
/// Why a table whose name cannot be sent is not compared.
const NO_ENCODING: &str = "its name is not in a valid encoding";
/// Why a partition that was mixed with others is not compared.
const THROUGH_ROOT: &str = "it was dumped through the root of its partitions";
/// Why rows in a form other than `COPY` are not compared.
const AS_STATEMENTS: &str = "it was dumped as statements";
/// How many tables a message names.
const NAMED_MAX: usize = 5;

/// One table or large object after a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    /// What it is, as in `table public.users`.
    pub label: String,
    /// Number of captured rows.
    pub rows: u64,
    /// The result of the comparison.
    pub outcome: TableOutcome,
}

/// The result of comparing a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableOutcome {
    /// It holds what was captured, row by row.
    Same,
    /// It does not.
    Differs {
        /// Number of rows that it has.
        rows: u64,
    },
    /// It cannot be compared.
    NotCompared {
        /// Why not.
        reason: String,
    },
}

/// Compares every wanted member with the database.
pub(super) fn compare(
    session: &mut PostgresSession,
    stored: &ReadDatabase<'_>,
    wanted: &DataSelection,
) -> Result<Vec<TableReport>, PostgresError> {
    let mut reports = Vec::new();
    each(session, stored, wanted, &mut |report| {
        reports.push(report);
        true
    })?;
    Ok(reports)
}

/// Compares the wanted members one after another, as long as `on_report` returns true.
pub(super) fn each(
    session: &mut PostgresSession,
    stored: &ReadDatabase<'_>,
    wanted: &DataSelection,
    on_report: &mut dyn FnMut(TableReport) -> bool,
) -> Result<(), PostgresError> {
    session.run(SETTINGS)?;
    session.allow_any()?;
    let form = RowForm { encoding: encoding(stored), filtered: Filtered::ask(session)? };
    let extensions = stored.content.record.as_ref().map(|record| &record.extensions);
    let entries: HashMap<i32, &TocEntry> =
        stored.toc.with_data().map(|entry| (entry.dump_id, entry)).collect();
    let mut roots = Roots::default();
    if matches!(wanted, DataSelection::All) {
        roots.add_up(stored, &entries);
    }
    for record in &stored.content.members {
        let is_wanted = match wanted {
            DataSelection::All => true,
            DataSelection::Only(numbers) => numbers.contains(&record.dump_id),
        };
        if is_wanted {
            let entry = entries.get(&record.dump_id).copied();
            let outcome = match entry.and_then(|it| form.filtered.of(it)) {
                Some(filter) => filtered(session, record, entry, (filter, &form), extensions)?,
                None => outcome(session, record, entry, &form, &mut roots)?,
            };
            if !on_report(TableReport { label: record.label(), rows: record.rows, outcome }) {
                break;
            }
        }
    }
    Ok(())
}

/// Of the sequences with these entry numbers, those whose position differs. If only part of a
/// database is restored, sequences are not.
pub(super) fn sequences(
    session: &mut PostgresSession,
    stored: &ReadDatabase<'_>,
    wanted: &DataSelection,
    is_asked: &dyn Fn(i32) -> bool,
) -> Result<Vec<String>, PostgresError> {
    let mut differing = Vec::new();
    let all = stored.toc.entries.iter().filter(|entry| *entry.kind == *b"SEQUENCE SET");
    let all = all.filter(|entry| matches!(wanted, DataSelection::All) && is_asked(entry.dump_id));
    for entry in all {
        let text = |bytes: &Option<Box<[u8]>>| String::from_utf8(bytes.as_deref()?.to_vec()).ok();
        let names = text(&entry.namespace).zip(text(&entry.tag));
        // A name in another encoding cannot be queried.
        let Some(((schema, name), set)) = names.zip(text(&entry.definition)) else { continue };
        let query = format!(
            "SELECT format(', %s, %s);', last_value, is_called::text) FROM {}.{}",
            identifier(&schema),
            identifier(&name)
        );
        let found = session.value(&query)?.unwrap_or_default();
        if !set.trim_end().ends_with(&found) || found.is_empty() {
            differing.push(format!("sequence {schema}.{name}"));
        }
    }
    Ok(differing)
}

/// What differs, one line each.
pub(super) fn differing(
    reports: &[TableReport],
    sequences: &[String],
) -> impl Iterator<Item = String> {
    let tables = reports.iter().filter_map(|report| match report.outcome {
        TableOutcome::Differs { rows } => {
            Some(format!("{} ({rows} rows, {} were captured)", report.label, report.rows))
        }
        _ => None,
    });
    tables.chain(sequences.iter().cloned())
}

/// Rejects any difference.
pub(super) fn judge(
    reports: &[TableReport],
    sequences: &[String],
    database: &str,
) -> Result<(), PostgresError> {
    let differing: Vec<String> = differing(reports, sequences).collect();
    if differing.is_empty() {
        return Ok(());
    }
    let named = differing.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let text = format!(
        "{} tables or sequences do not hold what was captured: {named}; the restored database was \
         kept as {database:?} and nothing else was changed",
        differing.len(),
    );
    Err(PostgresError::new(ErrorKind::Differs, text))
}

/// The form of a dump's rows.
struct RowForm {
    /// The encoding, unless it is UTF-8, which sessions use.
    encoding: Option<String>,
    filtered: Filtered,
}

/// Compares a table of an extension by the rows that a dump would contain.
fn filtered(
    session: &mut PostgresSession,
    record: &MemberRecord,
    entry: Option<&TocEntry>,
    (filter, form): (&ExtensionRows, &RowForm),
    captured: Option<&BTreeMap<String, String>>,
) -> Result<TableOutcome, PostgresError> {
    let Some(select) = entry.and_then(TocEntry::select).filter(|_| record.kind == MemberKind::Rows)
    else {
        return not_compared(AS_STATEMENTS);
    };
    let encoding = form.encoding.as_deref();
    let Some(select) = in_utf8(session, select, encoding)? else {
        return not_compared(NO_ENCODING);
    };
    let statement = format!("COPY ({select} {}) TO STDOUT", filter.condition);
    let found = table(session, &(statement + &in_encoding(encoding)))?;
    Ok(match (record.is(&found), filter.other_version(captured)) {
        (true, _) => TableOutcome::Same,
        (false, Some(reason)) => TableOutcome::NotCompared { reason },
        (false, None) => TableOutcome::Differs { rows: found.rows },
    })
}

fn outcome(
    session: &mut PostgresSession,
    record: &MemberRecord,
    entry: Option<&TocEntry>,
    form: &RowForm,
    roots: &mut Roots,
) -> Result<TableOutcome, PostgresError> {
    let encoding = form.encoding.as_deref();
    let found = match (record.kind, record.large_object) {
        (_, Some(oid)) => large_object(session, oid, record.bytes)?,
        (MemberKind::Rows, None) => {
            let Some(statement) = entry.and_then(TocEntry::copy_to_stdout) else {
                return roots.outcome(session, entry, encoding);
            };
            match rows(session, statement, encoding)? {
                Some(found) => found,
                None => return not_compared(NO_ENCODING),
            }
        }
        _ => return not_compared(AS_STATEMENTS),
    };
    Ok(match record.is(&found) {
        true => TableOutcome::Same,
        false => TableOutcome::Differs { rows: found.rows },
    })
}

fn not_compared(reason: &str) -> Result<TableOutcome, PostgresError> {
    Ok(TableOutcome::NotCompared { reason: reason.to_owned() })
}

/// Partitioned tables whose rows were dumped through their root: any partition may have received
/// any of them, so only all of them together can be compared.
#[derive(Default)]
struct Roots {
    /// By the statement that reads the root: the number of partitions dumped that way, and all
    /// their rows.
    captured: HashMap<Vec<u8>, (u64, MemberSummary)>,
    /// What the database has of the roots that were read.
    found: HashMap<Vec<u8>, MemberSummary>,
}

impl Roots {
    /// Adds up what was captured of each root.
    fn add_up(&mut self, stored: &ReadDatabase<'_>, entries: &HashMap<i32, &TocEntry>) {
        for record in &stored.content.members {
            let statement = entries.get(&record.dump_id).and_then(|it| it.root_to_stdout());
            let hash = u128::from_str_radix(&record.hash, 16).ok();
            let Some((statement, hash)) = statement.zip(hash) else { continue };
            let none = MemberSummary { kind: ContentKind::Rows, rows: 0, bytes: 0, hash: 0 };
            let (count, sum) = self.captured.entry(statement).or_insert((0, none));
            *count += 1;
            (sum.rows, sum.bytes) = (sum.rows + record.rows, sum.bytes + record.bytes);
            sum.hash = sum.hash.wrapping_add(hash);
        }
    }

    /// Compares the root of an entry, which is read only once.
    fn outcome(
        &mut self,
        session: &mut PostgresSession,
        entry: Option<&TocEntry>,
        encoding: Option<&str>,
    ) -> Result<TableOutcome, PostgresError> {
        let statement = entry.and_then(TocEntry::root_to_stdout);
        let pair = statement.and_then(|it| Some((*self.captured.get(&it)?, it)));
        let Some(((count, captured), statement)) = pair else {
            return not_compared(THROUGH_ROOT);
        };
        if !self.found.contains_key(&statement) {
            // Others of the same root may have been dumped as separate tables.
            if entry.and_then(|it| partitions(session, it)) != Some(count) {
                return not_compared(THROUGH_ROOT);
            }
            let Some(found) = rows(session, statement.clone(), encoding)? else {
                return not_compared(NO_ENCODING);
            };
            self.found.insert(statement.clone(), found);
        }
        Ok(match self.found.get(&statement) {
            Some(found) if *found != captured => TableOutcome::Differs { rows: found.rows },
            _ => TableOutcome::Same,
        })
    }
}

/// The number of partitions with rows under the root of an entry, if the server can tell.
fn partitions(session: &mut PostgresSession, entry: &TocEntry) -> Option<u64> {
    let root = std::str::from_utf8(entry.root()?).ok()?;
    let query =
        format!("SELECT count(*) FROM pg_partition_tree({}::regclass) WHERE isleaf", literal(root));
    session.value(&query).ok()??.parse().ok()
}

/// The rows that a statement of the dump reads, hashed in the encoding of the dump; `None` if the
/// statement cannot be sent.
fn rows(
    session: &mut PostgresSession,
    statement: Vec<u8>,
    encoding: Option<&str>,
) -> Result<Option<MemberSummary>, PostgresError> {
    let Some(statement) = in_utf8(session, statement, encoding)? else { return Ok(None) };
    table(session, &(statement + &in_encoding(encoding))).map(Some)
}

/// The option that requests an encoding from `COPY`.
fn in_encoding(encoding: Option<&str>) -> String {
    encoding.map(|name| format!(" WITH (ENCODING {})", literal(name))).unwrap_or_default()
}

/// The encoding of the dump, unless it is UTF-8, which sessions use.
fn encoding(stored: &ReadDatabase<'_>) -> Option<String> {
    let entry = stored.toc.entries.iter().find(|entry| *entry.kind == *b"ENCODING")?;
    let definition = String::from_utf8_lossy(entry.definition.as_deref()?).into_owned();
    let name = definition.split('\'').nth(1)?;
    (name != "UTF8").then(|| name.to_owned())
}

/// A statement of the dump in the encoding of sessions.
fn in_utf8(
    session: &mut PostgresSession,
    statement: Vec<u8>,
    encoding: Option<&str>,
) -> Result<Option<String>, PostgresError> {
    let Some(encoding) = encoding.filter(|_| !statement.is_ascii()) else {
        return Ok(String::from_utf8(statement).ok());
    };
    let digits = hex::encode(&statement);
    let query = format!("SELECT convert_from(decode('{digits}', 'hex'), {})", literal(encoding));
    match session.value(&query) {
        Err(error) if error.kind == ErrorKind::Statement => Ok(None),
        converted => converted,
    }
}

fn table(session: &mut PostgresSession, statement: &str) -> Result<MemberSummary, PostgresError> {
    let mut hasher = ContentHasher::of_copy_to_stdout();
    let cannot = |error: &dyn std::error::Error| {
        PostgresError::new(ErrorKind::Incomplete, format!("cannot read a table back: {error}"))
    };
    session.copy(statement, &mut |bytes| hasher.update(bytes).map_err(|error| cannot(&error)))?;
    hasher.finish().map_err(|error| cannot(&error))
}

/// The content of a large object, which should have this many bytes.
fn large_object(
    session: &mut PostgresSession,
    oid: u32,
    bytes: u64,
) -> Result<MemberSummary, PostgresError> {
    let mut hasher = ContentHasher::of_large_object();
    // One piece more than there should be, so that an object that is too long is noticed.
    let query = format!(
        "SELECT encode(lo_get({oid}, o, {PIECE_BYTES}), 'hex') \
         FROM generate_series(0::bigint, {bytes}, {PIECE_BYTES}) o ORDER BY o"
    );
    let damaged = || PostgresError::new(ErrorKind::Incomplete, "a large object is not hexadecimal");
    session.query(&query, &mut |row| {
        let text = row.into_iter().flatten().next().unwrap_or_default();
        let piece = hex::decode(text).map_err(|_| damaged())?;
        // The bytes of a large object have no end mark that could be missing.
        hasher.update(&piece).map_err(|_| damaged())
    })?;
    hasher.finish().map_err(|_| damaged())
}
