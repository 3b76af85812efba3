//! Manifests as YAML.
//!
//! Written here and not by a library: serde_yaml is archived, and its successors are young. The
//! tests read everything back with another implementation.

use std::fmt::Write;

use serde_json::Value as Json;

/// Words that some YAML parsers do not read as text.
const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// The value as YAML, ending in a line break.
pub(super) fn document(value: &Json) -> String {
    let mut out = String::new();
    write_value(&mut out, value, 0);
    out
}

/// Writes a value after `key:` or `-` on the same line.
fn write_value(out: &mut String, value: &Json, indent: usize) {
    match value {
        Json::Object(members) if !members.is_empty() => {
            for (number, (key, value)) in members.iter().enumerate() {
                begin_line(out, indent, number == 0);
                let _ = write!(out, "{}:", scalar(key));
                write_member(out, value, indent + 2);
            }
        }
        Json::Array(items) if !items.is_empty() => {
            for (number, item) in items.iter().enumerate() {
                begin_line(out, indent, number == 0);
                out.push_str("- ");
                write_value(out, item, indent + 2);
            }
        }
        Json::Object(_) => out.push_str("{}\n"),
        Json::Array(_) => out.push_str("[]\n"),
        Json::String(text) => {
            let _ = writeln!(out, "{}", text_at(text, indent));
        }
        other => {
            let _ = writeln!(out, "{other}");
        }
    }
}

/// Writes the value of a key, below the key if it has several lines.
fn write_member(out: &mut String, value: &Json, indent: usize) {
    let is_nested = match value {
        Json::Object(members) => !members.is_empty(),
        Json::Array(items) => !items.is_empty(),
        _ => false,
    };
    out.push(if is_nested { '\n' } else { ' ' });
    write_value(out, value, indent);
}

/// Starts a line, unless it is the first after a dash, which stays on the line of the dash.
fn begin_line(out: &mut String, indent: usize, is_first: bool) {
    let is_behind_dash = is_first && out.ends_with("- ");
    if !is_behind_dash {
        let _ = write!(out, "{:indent$}", "");
    }
}

fn text_at(text: &str, indent: usize) -> String {
    block(text, indent).unwrap_or_else(|| scalar(text))
}

fn scalar(text: &str) -> String {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_inner)
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes, with the escapes that YAML requires.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(c),
            c if is_printable(c) => out.push(c),
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

/// A text of several lines as a block, if YAML can represent it so.
fn block(text: &str, indent: usize) -> Option<String> {
    let is_printable = |c: char| c == '\n' || matches!(c, ' '..='~') || is_printable(c);
    // A block that begins with a space or an empty line would need an indentation indicator.
    let begins_plainly = text.starts_with(|c: char| !c.is_whitespace());
    if !text.contains('\n') || !begins_plainly || !text.chars().all(is_printable) {
        return None;
    }
    let body = text.trim_end_matches('\n');
    let (chomp, breaks) = match text.len() - body.len() {
        0 => ("-", 0),
        1 => ("", 0),
        more => ("+", more - 1),
    };
    let mut out = format!("|{chomp}");
    for line in body.split('\n') {
        let indent = if line.is_empty() { 0 } else { indent };
        let _ = write!(out, "\n{:indent$}{line}", "");
    }
    out.push_str(&"\n".repeat(breaks));
    Some(out)
}

/// Non-ASCII characters that YAML accepts unescaped and that do not end a line.
fn is_printable(c: char) -> bool {
    let is_special = matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    !c.is_ascii() && !c.is_control() && !is_special
}
