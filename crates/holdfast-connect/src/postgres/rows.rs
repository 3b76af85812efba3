//! Rows as `COPY ... TO STDOUT` sends them.

use super::error::PostgresError;

/// Splits lines into columns, in pieces of any size.
#[derive(Default)]
pub(super) struct RowSplitter {
    /// The current line.
    line: Vec<u8>,
}

/// Called with the bytes of rows as they arrive.
pub(super) type OnBytes<'a> = dyn FnMut(&[u8]) -> Result<(), PostgresError> + 'a;

/// One row: each column as the server writes it, `None` for a null.
pub(super) type TextRow = Vec<Option<String>>;

impl RowSplitter {
    /// Adds the next bytes and passes on each complete row.
    pub fn update<E>(
        &mut self,
        bytes: &[u8],
        on_row: &mut dyn FnMut(TextRow) -> Result<(), E>,
    ) -> Result<(), E> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                None => self.line.extend_from_slice(part),
                Some(rest) if self.line.is_empty() => on_row(columns(rest))?,
                Some(rest) => {
                    self.line.extend_from_slice(rest);
                    on_row(columns(&self.line))?;
                    self.line.clear();
                }
            }
        }
        Ok(())
    }
}

fn columns(line: &[u8]) -> TextRow {
    line.split(|byte| *byte == b'\t').map(column).collect()
}

fn column(text: &[u8]) -> Option<String> {
    if text == b"\\N" {
        return None;
    }
    let (mut plain, mut bytes) = (Vec::with_capacity(text.len()), text.iter());
    while let Some(byte) = bytes.next() {
        plain.push(match (byte, byte == &b'\\') {
            (byte, false) => *byte,
            (_, true) => match bytes.next() {
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 11,
                Some(other) => *other,
                None => b'\\',
            },
        });
    }
    Some(String::from_utf8_lossy(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::{RowSplitter, TextRow};

    #[test]
    fn rows_are_taken_apart_wherever_the_pieces_end() {
        let bytes = b"a\\tb\t\\N\t\\\\N\n\n\xc3\xa9\\\\\t\n";
        for length in [1, 2, 5, bytes.len()] {
            let (mut rows, mut all) = (RowSplitter::default(), Vec::<TextRow>::new());
            for piece in bytes.chunks(length) {
                let mut keep = |row| {
                    all.push(row);
                    Ok::<_, Infallible>(())
                };
                rows.update(piece, &mut keep).unwrap();
            }
            let text = |text: &str| Some(text.to_owned());
            let first = vec![text("a\tb"), None, text("\\N")];
            assert_eq!(all, [first, vec![text("")], vec![text("\u{e9}\\"), text("")]]);
        }
    }
}
