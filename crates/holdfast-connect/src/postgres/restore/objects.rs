//! Whether an existing database has the same objects as the captured one: functions, views,
//! triggers, policies, privileges and so on, besides the rows of tables.
//!
//! `pg_dump` prints both tables of contents, so equal objects have equal definitions, with one
//! exception: PostgreSQL reads the cast of an array as casts of its elements, and writes it so once
//! the expression has been restored. Any other difference counts, also one that only another
//! version of `pg_dump` makes: the answer decides whether a database may be replaced unasked.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::process::Stdio;

use super::super::archive::{ArchiveReader, Limits, Toc, TocEntry};
use super::super::error::{ErrorKind, PostgresError};
use super::super::tool::Tools;
use super::settings::is_of_database;
use super::stored::ReadDatabase;
use crate::command::StoppableInput;

/// How long to wait for another session that changes a table, in milliseconds.
const LOCK_WAIT_MS: u32 = 30_000;
/// Entries that say how to read data, or are data, or have no form in a dump of definitions.
const NOT_COMPARED: [&[u8]; 12] = [
    b"ENCODING",
    b"STDSTRINGS",
    b"SEARCHPATH",
    b"DATABASE",
    b"TABLE DATA",
    b"SEQUENCE SET",
    b"MATERIALIZED VIEW DATA",
    b"STATISTICS DATA",
    b"BLOB",
    b"BLOBS",
    b"BLOB METADATA",
    b"DATABASE PROPERTIES",
];
/// Kinds whose text is exactly as their author wrote it.
const AS_WRITTEN: [&[u8]; 2] = [b"FUNCTION", b"PROCEDURE"];

/// True if the database has the objects of the captured one, and no others.
///
/// # Errors
/// The caller asked to stop. What `pg_dump` cannot read counts as different.
pub(super) fn are_same(
    tools: &Tools,
    stored: &ReadDatabase<'_>,
    database: &str,
    with_owners: bool,
) -> Result<bool, PostgresError> {
    let standing = match contents(tools, database) {
        Ok(toc) => toc,
        Err(error) if error.kind == ErrorKind::Stopped => return Err(error),
        Err(_) => return Ok(false),
    };
    let (captured, found) = (objects(&stored.toc, with_owners), objects(&standing, with_owners));
    if !captured.keys().eq(found.keys()) {
        return Ok(false);
    }
    let mut pairs = captured.iter().zip(found.values());
    Ok(pairs.all(|((name, old), new)| is_same(name.0, old, new)))
}

/// The table of contents of a dump of the database.
fn contents(tools: &Tools, database: &str) -> Result<Toc, PostgresError> {
    let mut command = tools.command("pg_dump");
    command.args(["-Fc", "-Z0", "--schema-only", "--no-password"]);
    command.arg(format!("--lock-wait-timeout={LOCK_WAIT_MS}"));
    command.arg("-d").arg(tools.address.uri(database));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut running = tools.start("pg_dump", &mut command)?;
    let Some(output) = running.child.stdout.take() else {
        return Err(PostgresError::new(ErrorKind::Tool, "pg_dump has no output"));
    };
    let mut output = StoppableInput::new(output.into(), tools.stop.clone());
    let read = ArchiveReader::open(&mut output as &mut dyn Read, Limits::DEFAULT);
    let toc = read.map(|reader| reader.toc().clone());
    let drained = io::copy(&mut output, &mut io::sink());
    running.succeed()?;
    drained.map_err(|error| PostgresError::io("read from pg_dump", &error))?;
    toc.map_err(|error| PostgresError::new(ErrorKind::Incomplete, error.to_string()))
}

/// Kind, schema and name of an object.
type CatalogName<'t> = (&'t [u8], &'t [u8], &'t [u8]);

/// Owner and definition of an object; no owner where owners do not count.
type ObjectDefinition<'t> = (&'t [u8], &'t [u8]);

/// The objects by name; those that share a name are sorted.
fn objects(toc: &Toc, with_owners: bool) -> BTreeMap<CatalogName<'_>, Vec<ObjectDefinition<'_>>> {
    let mut objects: BTreeMap<CatalogName<'_>, Vec<ObjectDefinition<'_>>> = BTreeMap::new();
    for entry in toc.entries.iter().filter(|entry| is_compared(entry, with_owners)) {
        let name = (
            &*entry.kind,
            entry.namespace.as_deref().unwrap_or_default(),
            entry.tag.as_deref().unwrap_or_default(),
        );
        let owner = entry.owner.as_deref().filter(|_| with_owners).unwrap_or_default();
        let definition = entry.definition.as_deref().unwrap_or_default();
        objects.entry(name).or_default().push((owner, definition));
    }
    objects.values_mut().for_each(|of_name| of_name.sort_unstable());
    objects
}

fn is_compared(entry: &TocEntry, with_owners: bool) -> bool {
    let is_privilege = matches!(&*entry.kind, b"ACL" | b"DEFAULT ACL");
    let is_large_object = entry.tag.as_deref().is_some_and(|tag| tag.starts_with(b"LARGE OBJECT"));
    !NOT_COMPARED.contains(&&*entry.kind)
        && !is_of_database(entry)
        && !is_large_object
        && (with_owners || !is_privilege)
}

fn is_same(kind: &[u8], old: &[ObjectDefinition<'_>], new: &[ObjectDefinition<'_>]) -> bool {
    if old == new {
        return true;
    }
    let form = |(owner, text): &ObjectDefinition<'_>| (owner.to_vec(), in_form(kind, text));
    !AS_WRITTEN.contains(&kind) && old.iter().map(form).eq(new.iter().map(form))
}

/// A definition in the form in which equal ones are equal byte by byte.
fn in_form(kind: &[u8], text: &[u8]) -> Vec<u8> {
    match kind {
        b"ACL" | b"DEFAULT ACL" => {
            let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
            lines.sort_unstable();
            lines.join(&b'\n')
        }
        _ => with_cast_elements(text),
    }
}

/// The text with each `(ARRAY[a, b])::T[]` as `ARRAY[(a)::T, (b)::T]`.
fn with_cast_elements(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.first() {
        let taken = match CastArray::at(rest) {
            Some(array) => {
                array.write(&mut out);
                array.bytes
            }
            None if matches!(first, b'\'' | b'"') => {
                let quoted = quoted_bytes(rest);
                out.extend_from_slice(&rest[..quoted]);
                quoted
            }
            None => {
                out.push(*first);
                1
            }
        };
        rest = &rest[taken..];
    }
    out
}

/// The cast of an array of constants or expressions.
struct CastArray<'t> {
    elements: Vec<&'t [u8]>,
    /// The type of an element.
    to: &'t [u8],
    /// The length of the whole.
    bytes: usize,
}

impl<'t> CastArray<'t> {
    /// The one that a text begins with; `None` also for nested arrays, whose casts are written in
    /// another way.
    fn at(text: &'t [u8]) -> Option<Self> {
        let inner = text.strip_prefix(b"(ARRAY[")?;
        let (mut elements, mut start, mut at, mut depth) = (Vec::new(), 0, 0, 0u32);
        loop {
            match inner.get(at)? {
                b'\'' | b'"' => {
                    at += quoted_bytes(&inner[at..]);
                    continue;
                }
                b'[' | b'(' => depth += 1,
                b']' if depth == 0 => break,
                b']' | b')' => depth = depth.checked_sub(1)?,
                b',' if depth == 0 => {
                    elements.push(inner[start..at].trim_ascii());
                    start = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        elements.push(inner[start..at].trim_ascii());
        if elements.iter().any(|element| element.is_empty() || element.starts_with(b"ARRAY[")) {
            return None;
        }
        let to = inner[at..].strip_prefix(b"])::")?;
        let is_of_name =
            |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_. ".contains(byte);
        let to = &to[..to.iter().take_while(|byte| is_of_name(byte)).count()];
        let after = inner[at..].get(b"])::".len() + to.len()..)?;
        let is_array = after.starts_with(b"[]") && !to.is_empty();
        let bytes = text.len() - after.len() + b"[]".len();
        is_array.then_some(Self { elements, to, bytes })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"ARRAY[");
        for (place, element) in self.elements.iter().enumerate() {
            if place > 0 {
                out.extend_from_slice(b", ");
            }
            out.push(b'(');
            out.extend(with_cast_elements(element));
            out.extend_from_slice(b")::");
            out.extend_from_slice(self.to);
        }
        out.push(b']');
    }
}

/// The length of a quoted string or name at the start of a text. A doubled quote is the start of
/// the next one.
fn quoted_bytes(text: &[u8]) -> usize {
    let end = text.iter().skip(1).position(|byte| *byte == text[0]);
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, other: &str, is_same: bool) {
        let form = |text: &str| in_form(b"CONSTRAINT", text.as_bytes());
        assert_eq!(form(one) == form(other), is_same, "{one}\n{other}");
    }

    /// What PostgreSQL 15 prints of `state in ('a', 'b')` before and after a restore.
    #[test]
    fn an_expression_that_was_restored_is_the_same() {
        for types in [("character varying", "text"), ("public.code", "numeric"), ("bpchar", "a.b")]
        {
            let (of, to) = types;
            check(
                &format!("CHECK (((s)::{to} = ANY ((ARRAY['a'::{of}, 'b,]'::{of}])::{to}[])))"),
                &format!(
                    "CHECK (((s)::{to} = ANY (ARRAY[('a'::{of})::{to}, ('b,]'::{of})::{to}])))"
                ),
                true,
            );
        }
        check(
            "x <> ALL ((ARRAY[f(a, b), c])::text[])",
            "x <> ALL (ARRAY[(f(a, b))::text, (c)::text])",
            true,
        );
    }

    #[test]
    fn another_expression_is_another() {
        for (one, other) in [
            ("((a OR b) AND c)", "(a OR (b AND c))"),
            ("((a + b) * c)", "(a + (b * c))"),
            ("(tenant = CURRENT_USER)", "(tenant = SESSION_USER)"),
            ("x = 'a(b'", "x = 'ab'"),
            // Another type compares or rounds in another way.
            ("((a)::date > b)", "((a)::timestamp > b)"),
            ("SELECT (t.a)::integer AS a", "SELECT (t.a)::text AS a"),
            ("(a)::numeric(10,2)", "(a)::numeric(10,3)"),
            ("('1'::text = a)", "('1'::\"Text\" = a)"),
            ("ANY ((ARRAY['a'::x])::text[])", "ANY (ARRAY[('a'::x)::citext])"),
            ("ANY ((ARRAY['a'::x, 'b'::x])::text[])", "ANY ((ARRAY['b'::x, 'a'::x])::text[])"),
            ("ANY ((ARRAY['a'::x])::text[])", "ANY ((ARRAY['a'::x])::text)"),
            // Parentheses are arguments, rows or groups.
            ("USING btree (lower(a))", "USING btree (lowera)"),
            ("f((a, b))", "f(a, b)"),
            ("((a)::text COLLATE \"C\")", "(a)::text COLLATE \"C\""),
            ("x = '(ARRAY[a])::text[]'", "x = 'ARRAY[(a)::text]'"),
            ("\"(ARRAY[a])::text[]\"", "\"ARRAY[(a)::text]\""),
        ] {
            check(one, other, false);
        }
    }

    #[test]
    fn what_cannot_be_read_is_compared_as_it_is() {
        for text in [
            "(ARRAY[",
            "(ARRAY['a",
            "(ARRAY[])::text[]",
            "(ARRAY[a,])::text[]",
            "(ARRAY[a)])::text[]",
            "(ARRAY[a])::",
            "(ARRAY[a])::[]",
            "(ARRAY[a])::\"T\"[]",
            "(ARRAY[a])::numeric(4,2)[]",
            "(ARRAY[ARRAY[a], ARRAY[b]])::text[]",
        ] {
            assert_eq!(with_cast_elements(text.as_bytes()), text.as_bytes(), "{text}");
        }
    }

    #[test]
    fn privileges_are_the_same_in_any_order() {
        let form = |text: &str| in_form(b"ACL", text.as_bytes());
        assert_eq!(form("GRANT a;\nGRANT b;\n"), form("GRANT b;\nGRANT a;\n"));
        assert_ne!(form("GRANT a;\nGRANT b;\n"), form("GRANT a;\n"));
        assert_ne!(form("ab\nc"), form("a\nbc"));
    }
}
