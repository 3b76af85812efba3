//! File names for the parts of a database.

use std::collections::HashSet;

use super::archive::TocEntry;

/// The longest name that is kept unchanged; the rest of the 255 bytes is for a number that makes it
/// unique.
const NAME_BYTES_MAX: usize = 230;
/// The name of rows of a table in the table of contents.
const TABLE_DATA: &[u8] = b"TABLE DATA";

/// Gives each table a unique file name, which depends on the table's name alone wherever possible,
/// so that the next backup finds the same table again.
#[derive(Debug, Default)]
pub(super) struct TableFileNames {
    taken: HashSet<String>,
}

impl TableFileNames {
    /// `SCHEMA.TABLE` for the rows of a table.
    pub fn of_entry(&mut self, entry: &TocEntry) -> String {
        let schema = escape(entry.namespace.as_deref().unwrap_or_default(), true);
        let table = escape(entry.tag.as_deref().unwrap_or_default(), false);
        let name = format!("{schema}.{table}");
        let is_plain = *entry.kind == *TABLE_DATA && name.len() <= NAME_BYTES_MAX;
        if is_plain && self.taken.insert(name.clone()) {
            return name;
        }
        // A percent sign in the table's own name is never followed by a tilde.
        let name = format!("{}%~{}", shorten(&name), entry.dump_id);
        self.taken.insert(name.clone());
        name
    }
}

/// The folder of a database.
pub(super) fn folder(database: &str) -> String {
    match database {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => escape(database.as_bytes(), false),
    }
}

/// Bytes that a file name cannot have, bytes that are not text, and the percent sign, as `%` and
/// two digits; on request also the dot, which precedes a table's name.
fn escape(name: &[u8], with_dot: bool) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    for chunk in name.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let is_special = matches!(letter, '/' | '%') || letter.is_control();
            match is_special || (with_dot && letter == '.') {
                // All of these except some control characters have one byte.
                true => letter.to_string().bytes().for_each(|byte| put(&mut out, byte)),
                false => out.push(letter),
            }
        }
        chunk.invalid().iter().for_each(|byte| put(&mut out, *byte));
    }
    out
}

/// The start of a name that is too long.
fn shorten(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES_MAX)]
}

fn put(out: &mut String, byte: u8) {
    out.push_str(&format!("%{byte:02X}"));
}

#[cfg(test)]
mod tests {
    use super::{escape, folder, shorten};

    #[test]
    fn names_are_escaped_where_they_must_be() {
        assert_eq!(escape(b"a.b/c%\n\xff\xc3\xa9", false), "a.b%2Fc%25%0A%FF\u{e9}");
        assert_eq!(escape(b"a.b", true), "a%2Eb");
        assert_eq!(folder(".."), "%2E%2E");
        assert_eq!(folder("a.b"), "a.b");
        assert_eq!(shorten(&"\u{1f600}".repeat(60)).len(), 228);
    }
}
