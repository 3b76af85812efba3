//! Files with one pattern per line.

use crate::words::without_byte_order_mark;

/// Reads the patterns in the content of an exclude or include file.
///
/// Lines are trimmed; empty lines and those that begin with `#` are ignored. `$NAME` and `${NAME}`
/// are replaced by what `variable` returns for the name, or by nothing if that is `None`; `$$` is a
/// dollar sign. A byte order mark is removed, and UTF-16 is converted.
pub fn read_patterns(content: &[u8], variable: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<Vec<u8>> {
    let content = without_byte_order_mark(content);
    let lines = content.split(|byte| *byte == b'\n').map(trim);
    let patterns = lines.filter(|line| !line.is_empty() && !line.starts_with(b"#"));
    patterns.map(|line| expand(line, variable)).collect()
}

/// Strips white space from both ends.
fn trim(line: &[u8]) -> &[u8] {
    match std::str::from_utf8(line) {
        Ok(text) => text.trim().as_bytes(),
        Err(_) => line.trim_ascii(),
    }
}

/// Replaces variables as Go's `os.Expand` does.
fn expand(line: &[u8], variable: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'$' || rest.is_empty() {
            expanded.push(first);
            continue;
        }
        let (name, width) = variable_name(rest);
        match name {
            // `${}` and an unclosed brace mean nothing and are dropped.
            b"" if width > 0 => {}
            b"" | b"$" => expanded.push(b'$'),
            _ => expanded.extend(variable(name).unwrap_or_default()),
        }
        rest = &rest[width..];
    }
    expanded
}

/// The name at the start of `text`, which follows a dollar sign and is not empty, and the number of
/// bytes it takes up.
fn variable_name(text: &[u8]) -> (&[u8], usize) {
    let is_special = |byte: u8| b"*#$@!?-".contains(&byte) || byte.is_ascii_digit();
    match text {
        [b'{', special, b'}', ..] if is_special(*special) => (&text[1..2], 3),
        [b'{', ..] => match text.iter().position(|byte| *byte == b'}') {
            Some(end) => (&text[1..end], end + 1),
            None => (&[], 1),
        },
        [special, ..] if is_special(*special) => (&text[..1], 1),
        _ => {
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let end = text.iter().position(|byte| !is_name(byte)).unwrap_or(text.len());
            (&text[..end], end)
        }
    }
}
