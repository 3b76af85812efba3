//! Filling a database with `pg_restore`, so that an object that cannot be created costs only
//! itself.
//!
//! Definitions and rows come first, then indexes, constraints, triggers and privileges. What fails
//! is tried again once the rest exists, with the search path that sessions of the database have: a
//! function without schemas in its body works nowhere else. What depends on the name of its
//! database is tried once more when the database has that name. Rows, privileges and policies that
//! cannot be restored are an error; other objects are only reported.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;

use super::super::archive::{DataSelection, EmitError, Toc, TocEntry, TocSection};
use super::super::error::{ErrorKind, PostgresError};
use super::super::session::{PostgresSession, identifier};
use super::super::tool::Tools;
use super::super::tool_command::ToolCommand;
use super::failures::{Failures, of_messages};
use super::stored::ReadDatabase;
use super::version::Filler;
use super::{DatabaseRestoreOptions, emit, path};

/// Entries that say how to read the rest, and so belong to every pass.
const PREAMBLE: [&[u8]; 3] = [b"ENCODING", b"STDSTRINGS", b"SEARCHPATH"];
/// The entry whose statement each connection of `pg_restore` runs first.
const SEARCH_PATH: &[u8] = b"SEARCHPATH";
/// The contents of materialized views.
const VIEW_DATA: &[u8] = b"MATERIALIZED VIEW DATA";

/// Entries that decide who may do what.
const ACCESS: [&[u8]; 4] = [b"ACL", b"DEFAULT ACL", b"POLICY", b"ROW SECURITY"];

/// A captured object that the restored database lacks, or has in a different form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmade {
    /// What it is, as in `index public.users_name`.
    pub label: String,
    /// Why it could not be created.
    pub reason: String,
    /// The number of its entry, if it can be tried again.
    pub(super) number: Option<i32>,
}

/// Fills a database.
pub(super) struct Fill<'a> {
    pub tools: &'a Tools,
    pub stored: &'a ReadDatabase<'a>,
    pub wanted: &'a DataSelection,
    pub options: &'a DatabaseRestoreOptions,
    pub filler: Filler,
    /// Tablespaces that the server does not have.
    pub lacking_spaces: BTreeSet<Vec<u8>>,
}

/// Whether objects are also looked up where sessions of the database look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SearchScope {
    /// Only in their stated schemas.
    Nowhere,
    /// Also where the sessions of the database look.
    AsSessions,
}

impl Fill<'_> {
    /// Restores everything; returns what could not be created.
    pub fn all(&self, database: &str) -> Result<Failures, PostgresError> {
        if let Some(schema) = &self.options.selection.schema {
            // pg_restore restores what is in a schema, and not the schema itself.
            let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", identifier(schema));
            open(self.tools, database)?.run(&sql)?;
        }
        let (early, late) = self.halves();
        let mut failures = self.persist(database, &early)?;
        self.refuse_losses(&failures)?;
        failures.extend(self.persist(database, &late)?);
        self.refuse_losses(&failures)?;
        Ok(failures)
    }

    /// Tries again what could not be created, now that the database has its name, and refreshes
    /// `views`.
    pub fn named(
        &self,
        database: &str,
        failures: Failures,
        views: &BTreeSet<i32>,
    ) -> Result<Failures, PostgresError> {
        let again: BTreeSet<i32> = failures.keys().chain(views).copied().collect();
        if again.is_empty() {
            return Ok(failures);
        }
        self.retry(database, &again, failures)
    }

    /// Numbers of the rows that wait for an extension that does not exist yet.
    pub fn pending(&self, failures: &Failures) -> BTreeSet<i32> {
        let is_pending = |number: &i32| {
            self.entry(*number).is_some_and(|entry| entry.section == TocSection::Data)
        };
        failures.keys().copied().filter(is_pending).collect()
    }

    /// Failures for messages, in restore order.
    pub fn unmade(&self, failures: &Failures) -> Vec<Unmade> {
        let missing = self.stored.toc.entries.iter().filter_map(|entry| {
            let reason = failures.get(&entry.dump_id)?.clone();
            Some(Unmade { label: entry.label(), reason, number: Some(entry.dump_id) })
        });
        missing.collect()
    }

    fn entry(&self, number: i32) -> Option<&TocEntry> {
        self.stored.toc.entries.iter().find(|entry| entry.dump_id == number)
    }

    /// Numbers of definitions and rows, and of what comes after them. An entry that belongs to no
    /// section follows the one before it; privileges come last, because they may take from an owner
    /// what the rest needs.
    fn halves(&self) -> (BTreeSet<i32>, BTreeSet<i32>) {
        let (mut early, mut late) = (BTreeSet::new(), BTreeSet::new());
        let mut section = TocSection::PreData;
        for entry in &self.stored.toc.entries {
            if entry.section != TocSection::None {
                section = entry.section;
            }
            let is_late = section == TocSection::PostData || *entry.kind == *b"ACL";
            let half = if is_late { &mut late } else { &mut early };
            half.insert(entry.dump_id);
        }
        (early, late)
    }

    /// Restores entries, and repeats those that fail as long as that helps.
    fn persist(&self, database: &str, entries: &BTreeSet<i32>) -> Result<Failures, PostgresError> {
        let mut failures = self.pass(database, entries, SearchScope::Nowhere)?;
        while !failures.is_empty() && !self.has_partial_rows(&failures) {
            let before = failures.len();
            let again = failures.keys().copied().collect();
            failures = self.retry(database, &again, failures)?;
            if failures.len() == before {
                break;
            }
        }
        Ok(failures)
    }

    fn retry(
        &self,
        database: &str,
        entries: &BTreeSet<i32>,
        before: Failures,
    ) -> Result<Failures, PostgresError> {
        let mut failures = self.pass(database, entries, SearchScope::AsSessions)?;
        for (number, reason) in before {
            // What partly succeeded the first time cannot be created twice.
            let exists = |now: &&mut String| now.contains("already exists");
            if let Some(now) = failures.get_mut(&number).filter(exists) {
                *now = reason;
            }
        }
        Ok(failures)
    }

    /// True if rows that are statements failed: some of them exist already, and would be
    /// duplicated.
    fn has_partial_rows(&self, failures: &Failures) -> bool {
        let mut entries = failures.keys().filter_map(|number| self.entry(*number));
        entries.any(|entry| entry.had_dumper && !entry.has_copy_rows())
    }

    /// Rejects a database that lacks captured rows or a boundary that it had, except for those of
    /// an extension that may be created later.
    fn refuse_losses(&self, failures: &Failures) -> Result<(), PostgresError> {
        let failed = |kind: &[u8]| {
            failures.keys().any(|number| self.entry(*number).is_some_and(|it| *it.kind == *kind))
        };
        let of_extension = |entry: &TocEntry| {
            let is_table = |it: &&TocEntry| {
                it.namespace == entry.namespace
                    && it.tag == entry.tag
                    && it.section == TocSection::PreData
            };
            failed(b"EXTENSION")
                && *entry.kind != *b"POLICY"
                && !entry.has_large_objects()
                && !self.stored.toc.entries.iter().any(|it| is_table(&it))
        };
        let mut lost = failures.keys().filter_map(|number| self.entry(*number));
        let is_loss =
            |entry: &&TocEntry| entry.section == TocSection::Data || ACCESS.contains(&&*entry.kind);
        let lost = lost.find(|entry| is_loss(entry) && !of_extension(entry));
        let Some(lost) = lost else { return Ok(()) };
        // An earlier failure may be the cause.
        let first =
            self.stored.toc.entries.iter().find_map(|entry| {
                failures.get(&entry.dump_id).map(|reason| (entry.label(), reason))
            });
        let text = match first {
            Some((label, reason)) => format!("pg_restore could not restore {label}: {reason}"),
            None => format!("pg_restore could not restore {}", lost.label()),
        };
        Err(PostgresError::new(ErrorKind::Statement, text))
    }

    /// Materialized views that may show the name of the database, or what another database has.
    pub fn views_of_others(&self, database: &str) -> Result<BTreeSet<i32>, PostgresError> {
        let entries = &self.stored.toc.entries;
        if !entries.iter().any(|entry| *entry.kind == *VIEW_DATA) {
            return Ok(BTreeSet::new());
        }
        let names = path::views(&mut open(self.tools, database)?, path::Shows::NameOrOthers)?;
        let is_named = |entry: &&TocEntry| {
            let name = (entry.namespace.as_deref(), entry.tag.as_deref());
            names
                .iter()
                .any(|(schema, view)| name == (Some(schema.as_bytes()), Some(view.as_bytes())))
        };
        let views = entries.iter().filter(|entry| *entry.kind == *VIEW_DATA).filter(is_named);
        Ok(views.map(|entry| entry.dump_id).collect())
    }

    /// Runs `pg_restore` on some entries; returns those that failed.
    fn pass(
        &self,
        database: &str,
        entries: &BTreeSet<i32>,
        search: SearchScope,
    ) -> Result<Failures, PostgresError> {
        let toc = self.part(database, entries, search)?;
        if toc.entries.iter().all(|entry| PREAMBLE.contains(&&*entry.kind)) {
            return Ok(BTreeMap::new());
        }
        let mut command = self.command(database);
        match &self.options.jobs {
            Some((jobs, folder)) => {
                let folder = folder.join(format!("holdfast-{}", self.options.run));
                emit::create_folder(&folder)?;
                let files = FolderGuard(&folder);
                emit::write_directory(self.stored, &toc, self.wanted, &folder)?;
                command.arg("-j").arg(jobs.to_string()).arg(files.0).stdin(Stdio::null());
                let command = command.stdout(Stdio::null());
                of_messages(&mut self.tools.start("pg_restore", command)?, self.filler, true)
            }
            None => self.feed(&toc, command.stdout(Stdio::null())),
        }
    }

    fn command(&self, database: &str) -> ToolCommand {
        let mut command = self.tools.command("pg_restore");
        // Only then does it say which entries errors belong to.
        command.args(["--verbose", "--no-password", "-d"]).arg(self.tools.address.uri(database));
        if !self.options.keep_owners {
            command.args(["--no-owner", "--no-privileges"]);
        }
        if let Some(schema) = &self.options.selection.schema {
            command.arg("-n").arg(schema);
        }
        if let Some(table) = &self.options.selection.table {
            command.arg("-t").arg(table);
        }
        command
    }

    /// The table of contents with only some of its entries.
    fn part(
        &self,
        database: &str,
        entries: &BTreeSet<i32>,
        search: SearchScope,
    ) -> Result<Toc, PostgresError> {
        let is_in = |entry: &&TocEntry| {
            entries.contains(&entry.dump_id) || PREAMBLE.contains(&&*entry.kind)
        };
        let all = self.stored.toc.entries.iter().filter(is_in).cloned();
        let mut toc = Toc { head: self.stored.toc.head.clone(), entries: all.collect() };
        let begin = match search {
            SearchScope::Nowhere => path::beginning(""),
            SearchScope::AsSessions => {
                let owner = self.stored.content.record.as_ref().map(|it| it.owner.as_str());
                let path = path::of_sessions(&mut open(self.tools, database)?, owner)?;
                // The statement is in the encoding of the dump.
                path::beginning(if path.is_ascii() { &path } else { "public" })
            }
        };
        for entry in &mut toc.entries {
            if *entry.kind == *SEARCH_PATH {
                entry.definition = Some(begin.clone().into_bytes().into_boxed_slice());
            }
            if entry.tablespace.as_deref().is_some_and(|it| self.lacking_spaces.contains(it)) {
                entry.tablespace = Some(Box::default());
            }
        }
        Ok(toc)
    }

    /// Runs a `pg_restore` that reads the archive from its standard input.
    fn feed(&self, toc: &Toc, command: &mut ToolCommand) -> Result<Failures, PostgresError> {
        let mut running = self.tools.start("pg_restore", command.stdin(Stdio::piped()))?;
        let Some(input) = running.child.stdin.take() else {
            return Err(PostgresError::new(ErrorKind::Tool, "pg_restore has no input"));
        };
        let mut input = std::io::BufWriter::with_capacity(64 << 10, input);
        let emission = self.stored.emission(toc, self.wanted);
        let fed = emission.write_stream(&mut input, &mut |member| self.stored.open(member));
        // After an error, the rest of the buffer is of no use.
        let (input, _) = input.into_parts();
        drop(input);
        match fed {
            Ok(()) => of_messages(&mut running, self.filler, false),
            // The cause is why it stopped reading.
            Err(EmitError::Write(error)) => {
                running.succeed()?;
                Err(PostgresError::io("write to pg_restore", &error))
            }
            Err(error) => Err(PostgresError::new(ErrorKind::Io, error.to_string())),
        }
    }
}

/// A session with a database that is being filled: settings for all of its sessions must not
/// prevent filling and reading it.
pub(super) fn open(tools: &Tools, database: &str) -> Result<PostgresSession, PostgresError> {
    let mut session = PostgresSession::open(tools, database)?;
    session.run(path::UNDISTURBED)?;
    Ok(session)
}

/// Removes a folder of its own files when dropped.
struct FolderGuard<'a>(&'a Path);

impl Drop for FolderGuard<'_> {
    fn drop(&mut self) {
        // It may never have been created.
        let _ = std::fs::remove_dir_all(self.0);
    }
}
