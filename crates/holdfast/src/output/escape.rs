//! Makes untrusted names safe to print on a terminal.
//!
//! Control characters could rewrite what the terminal shows, and Unicode's direction overrides
//! could make one name look like another. Each byte of them is printed as `\xNN`.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A name or path, safe to print. Backslashes are doubled, so that no two names look alike.
pub fn name(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(|c| c == '\\' || is_dangerous(c)) => Cow::Borrowed(text),
        _ => Cow::Owned(escaped(bytes, true)),
    }
}

/// [`name`] of a path.
pub fn path(path: &Path) -> Cow<'_, str> {
    name(path.as_os_str().as_bytes())
}

/// A sentence that contains names: like [`name`], but backslashes are not doubled.
pub fn text(text: &str) -> Cow<'_, str> {
    match text.chars().any(is_dangerous) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(escaped(text.as_bytes(), false)),
    }
}

fn escaped(bytes: &[u8], double_backslash: bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' if double_backslash => out.push_str("\\\\"),
                c if is_dangerous(c) => push_hex(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => out.push(c),
            }
        }
        push_hex(&mut out, chunk.invalid());
    }
    out
}

fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        out.push_str(&format!("\\x{byte:02x}"));
    }
}

/// Control characters (C0, DEL, C1), line separators, and invisible characters that change the
/// direction of writing.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let wide = "Gr\u{fc}\u{df}e/\u{65e5}\u{672c}\u{8a9e} \u{1f389}";
        let cases: [(&[u8], &str); 13] = [
            (b"", ""),
            (b"plain name.txt", "plain name.txt"),
            (wide.as_bytes(), wide),
            (b"a\nb\tc\rd\0", "a\\x0ab\\x09c\\x0dd\\x00"),
            (b"\x1b[2J\x1b]0;owned\x07", "\\x1b[2J\\x1b]0;owned\\x07"),
            (b"\x7f", "\\x7f"),
            ("\u{9b}31m".as_bytes(), "\\xc2\\x9b31m"),
            ("photo\u{202e}gpj.exe".as_bytes(), "photo\\xe2\\x80\\xaegpj.exe"),
            ("\u{2066}a\u{2069}".as_bytes(), "\\xe2\\x81\\xa6a\\xe2\\x81\\xa9"),
            (b"\xff\xfe", "\\xff\\xfe"),
            (b"caf\xe9", "caf\\xe9"),
            (b"cut \xf0\x9f\x8e", "cut \\xf0\\x9f\\x8e"),
            (b"C:\\x1b", "C:\\\\x1b"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(name(bytes), expected);
        }
    }

    #[test]
    fn no_two_names_look_alike() {
        assert_ne!(name(b"\x1b"), name(b"\\x1b"));
        assert_ne!(name(b"\xff"), name(b"\\xff"));
    }

    #[test]
    fn a_sentence_keeps_its_backslashes() {
        assert_eq!(text("cannot read C:\\\\x: \u{85}"), "cannot read C:\\\\x: \\xc2\\x85");
        assert!(matches!(text("fine"), Cow::Borrowed(_)));
    }
}
