//! Whether an existing database has the same objects as the captured one: functions, views,
//! triggers, policies, privileges and so on, besides the rows of tables.
//!
//! `pg_dump` prints both tables of contents, so equal objects have equal definitions, with one
//! exception: PostgreSQL writes casts and parentheses of an expression differently once it has been
//! restored. These are ignored where they make no difference.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::process::Stdio;

use super::super::archive::{ArchiveReader, Entry, Limits, Toc};
use super::super::error::{ErrorKind, PostgresError};
use super::super::tool::Tools;
use super::settings::is_of_database;
use super::stored::Stored;
use crate::command::StoppableReader;

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
    stored: &Stored<'_>,
    database: &str,
    with_owners: bool,
) -> Result<bool, PostgresError> {
    let standing = match contents(tools, database) {
        Ok(toc) => toc,
        Err(error) if error.kind == ErrorKind::Stopped => return Err(error),
        Err(_) => return Ok(false),
    };
    let to_letter = major(&standing) == major(&stored.toc);
    let (captured, found) = (objects(&stored.toc, with_owners), objects(&standing, with_owners));
    if !captured.keys().eq(found.keys()) {
        return Ok(false);
    }
    let mut pairs = captured.iter().zip(found.values());
    Ok(!to_letter || pairs.all(|((name, old), new)| is_same(name.0, old, new)))
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
    let mut output = StoppableReader::new(output.into(), tools.stop.clone());
    let read = ArchiveReader::open(&mut output as &mut dyn Read, Limits::DEFAULT);
    let toc = read.map(|reader| reader.toc().clone());
    let drained = io::copy(&mut output, &mut io::sink());
    running.succeed()?;
    drained.map_err(|error| PostgresError::io("read from pg_dump", &error))?;
    toc.map_err(|error| PostgresError::new(ErrorKind::Incomplete, error.to_string()))
}

/// Kind, schema and name of an object.
type Name<'t> = (&'t [u8], &'t [u8], &'t [u8]);

/// Owner and definition of an object; no owner where owners do not count.
type Object<'t> = (&'t [u8], &'t [u8]);

/// The objects by name; those that share a name are sorted.
fn objects(toc: &Toc, with_owners: bool) -> BTreeMap<Name<'_>, Vec<Object<'_>>> {
    let mut objects: BTreeMap<Name<'_>, Vec<Object<'_>>> = BTreeMap::new();
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

fn is_compared(entry: &Entry, with_owners: bool) -> bool {
    let is_privilege = matches!(&*entry.kind, b"ACL" | b"DEFAULT ACL");
    let is_large_object = entry.tag.as_deref().is_some_and(|tag| tag.starts_with(b"LARGE OBJECT"));
    !NOT_COMPARED.contains(&&*entry.kind)
        && !is_of_database(entry)
        && !is_large_object
        && (with_owners || !is_privilege)
}

/// Major version of the `pg_dump` that wrote it, which decides how it writes.
fn major(toc: &Toc) -> Option<&[u8]> {
    toc.head.dump_version.as_deref()?.split(|byte| !byte.is_ascii_digit()).next()
}

fn is_same(kind: &[u8], old: &[Object<'_>], new: &[Object<'_>]) -> bool {
    if old == new {
        return true;
    }
    let form = |(owner, text): &Object<'_>| (owner.to_vec(), in_form(kind, text));
    !AS_WRITTEN.contains(&kind) && old.iter().map(form).eq(new.iter().map(form))
}

/// A definition without anything that makes no difference.
fn in_form(kind: &[u8], text: &[u8]) -> Vec<u8> {
    match kind {
        b"ACL" | b"DEFAULT ACL" => {
            let mut lines: Vec<Vec<u8>> =
                text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            lines.sort_unstable();
            lines.concat()
        }
        _ => plain(text),
    }
}

/// The text without casts, and without parentheses around anything without an operator.
fn plain(text: &[u8]) -> Vec<u8> {
    let mut levels = vec![Vec::new()];
    let mut rest = text;
    while let Some((first, others)) = rest.split_first() {
        let mut taken = 1;
        match first {
            b'(' => levels.push(Vec::new()),
            b')' if levels.len() > 1 => close(&mut levels),
            b':' if others.first() == Some(&b':') => taken = 2 + type_bytes(&others[1..]),
            quote @ (b'\'' | b'"') => {
                let end = others.iter().position(|byte| byte == quote);
                taken += end.map_or(others.len(), |end| end + 1);
                push(&mut levels, &rest[..taken]);
            }
            _ => push(&mut levels, &rest[..1]),
        }
        rest = &rest[taken..];
    }
    levels.concat()
}

fn push(levels: &mut [Vec<u8>], bytes: &[u8]) {
    if let Some(level) = levels.last_mut() {
        level.extend_from_slice(bytes);
    }
}

fn close(levels: &mut Vec<Vec<u8>>) {
    let inner = levels.pop().unwrap_or_default();
    let has_operator = inner.iter().any(|byte| b"+-*/<>=~!@#%^&|`?".contains(byte));
    let has_word = [b" AND ".as_slice(), b" OR ", b"NOT ", b" IS ", b"SELECT "]
        .iter()
        .any(|word| inner.windows(word.len()).any(|part| part == *word));
    match has_operator || has_word {
        true => push(levels, &[b"(", inner.as_slice(), b")"].concat()),
        false => push(levels, &inner),
    }
}

/// The length of a type's name, as in `character varying[]`.
fn type_bytes(text: &[u8]) -> usize {
    let is_type =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.[]\" ".contains(byte);
    let bytes = text.iter().take_while(|byte| is_type(byte)).count();
    text[..bytes].trim_ascii_end().len()
}

#[cfg(test)]
mod tests {
    use super::plain;

    fn alike(one: &str, other: &str) -> bool {
        plain(one.as_bytes()) == plain(other.as_bytes())
    }

    /// What PostgreSQL 15 prints of `state in ('a', 'b')` before and after a restore.
    #[test]
    fn an_expression_that_was_restored_is_the_same() {
        assert!(alike(
            "CHECK (((state)::text = ANY ((ARRAY['a'::character varying, 'b'::character \
             varying])::text[])))",
            "CHECK (((state)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character \
             varying)::text])))"
        ));
    }

    #[test]
    fn another_expression_is_another() {
        assert!(!alike("((a OR b) AND c)", "(a OR (b AND c))"));
        assert!(!alike("((a + b) * c)", "(a + (b * c))"));
        assert!(!alike("(tenant = CURRENT_USER)", "(tenant = SESSION_USER)"));
        assert!(!alike("x = 'a(b'", "x = 'ab'"));
    }
}
