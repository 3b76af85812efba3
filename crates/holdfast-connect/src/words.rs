//! Text read from files, and text shown to users.

use std::borrow::Cow;
use std::io;
use std::path::Path;

/// A number and the word for it, as in `1 table` and `2 tables`.
pub fn count(number: u64, singular: &str, plural: &str) -> String {
    format!("{number} {}", if number == 1 { singular } else { plural })
}

/// The content of a text file without its byte order mark. Text that begins with a mark of UTF-16
/// is converted to UTF-8; all other content is kept as it is.
pub fn without_byte_order_mark(content: &[u8]) -> Cow<'_, [u8]> {
    let unit: fn([u8; 2]) -> u16 = match content {
        [0xef, 0xbb, 0xbf, text @ ..] => return text.into(),
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        _ => return content.into(),
    };
    let units: Vec<u16> =
        content[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units).into_bytes().into()
}

/// A text file of another program, such as its credentials, without a byte order mark.
///
/// # Errors
/// If it cannot be read or is not text.
pub fn read_text(path: &Path) -> io::Result<String> {
    let content = std::fs::read(path)?;
    String::from_utf8(without_byte_order_mark(&content).into_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_passed_over_and_other_bytes_stay() {
        let cases: [(&[u8], &[u8]); 6] = [
            (b"\xef\xbb\xbfa\n", b"a\n"),
            (b"a\xef\xbb\xbf", b"a\xef\xbb\xbf"),
            (b"\xff\xfea\0\n\0", b"a\n"),
            (b"\xfe\xff\0a\0\n", b"a\n"),
            (b"\xef\xbb", b"\xef\xbb"),
            (b"", b""),
        ];
        for (content, text) in cases {
            assert_eq!(*without_byte_order_mark(content), *text, "{content:?}");
        }
    }
}
