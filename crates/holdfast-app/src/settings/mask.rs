//! Masks secrets in the lines that are shown with mistakes.
//!
//! No secret belongs in an app file. One that was put there by mistake must not reach the logs too.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Replaces what is not shown.
const MASK: &str = "***";

/// Each has one group: what to hide.
const SECRETS: [&str; 5] = [
    // The value of a key whose name suggests a secret.
    r#"(?i)(?:passw|passphrase|secret|token|credential|api-?key)[a-z0-9_"'-]*\s*=\s*(\S.*)"#,
    // The arguments of a program.
    r#"^\s*(?:command|exec|stop|start)\s*=\s*\[?\s*["'][^"',\s]*["',\s]+([^\]\s].*)"#,
    // Passwords in URLs.
    r#"://[^/\s"'@:]*:([^\s"']*)@"#,
    // Long parts of URLs, which may grant access by themselves.
    r"://[^\s/]+/(?:[^\s/]*/)*?([A-Za-z0-9_-]{16,})",
    r#"[?&](?:password|sslpassword|token|key)=([^&\s"']*)"#,
];

/// A key whose value is the path of a file that holds a secret.
const FILE_KEY: &str = r#"(?i)^\s*[a-z0-9_.-]*-file["']?\s*="#;

/// The line with possible secrets and the bytes of `hidden` masked, and the new range of `span`.
pub(crate) fn line(
    line: &str,
    span: Range<usize>,
    hidden: Option<Range<usize>>,
) -> (String, Range<usize>) {
    let mut ranges = secrets(line);
    ranges.extend(hidden);
    ranges.sort_by_key(|range| range.start);
    let mut masked = String::new();
    let mut shown = 0;
    let (mut start, mut end) = (None, None);
    for range in ranges {
        if range.end <= shown {
            continue;
        }
        let from = range.start.max(shown);
        for (place, found) in [(span.start, &mut start), (span.end, &mut end)] {
            if found.is_none() && place < range.end {
                *found = Some(masked.len() + place.clamp(shown, from) - shown);
            }
        }
        masked.push_str(&line[shown..from]);
        // A range that continues the previous one needs no mask of its own.
        if from > shown || shown == 0 {
            masked.push_str(MASK);
        }
        shown = range.end;
    }
    let behind = |place: usize| masked.len() + place.max(shown) - shown;
    let span = start.unwrap_or_else(|| behind(span.start))..end.unwrap_or_else(|| behind(span.end));
    masked.push_str(&line[shown..]);
    (masked, span)
}

/// The patterns, compiled for the first mistake.
struct Compiled {
    file_key: Option<Regex>,
    secrets: Vec<Regex>,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| Compiled {
    file_key: Regex::new(FILE_KEY).ok(),
    secrets: SECRETS.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect(),
});

fn secrets(line: &str) -> Vec<Range<usize>> {
    if COMPILED.file_key.as_ref().is_some_and(|key| key.is_match(line)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for secret in &COMPILED.secrets {
        let groups = secret.captures_iter(line).filter_map(|groups| groups.get(1));
        found.extend(groups.map(|group| group.range()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        line(text, 0..0, None).0
    }

    #[test]
    fn the_patterns_are_sound() {
        for pattern in SECRETS.iter().chain([&FILE_KEY]) {
            Regex::new(pattern).unwrap();
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_not_shown() {
        for text in [
            r#"password = "hunter2""#,
            r#"db_password="hunter2""#,
            r#"API-KEY = 'hunter2'"#,
            r#"  credentials = { secret-access-key = "hunter2" }"#,
            r#"password-command = ["echo", "hunter2"]"#,
            r#"url = "postgres://app:hunter2@localhost/app""#,
            r#"url = "postgres://app:hunter2@pa:ss@localhost/app""#,
            r#"url = "postgres://localhost/app?user=app&password=hunter2&x=1""#,
            r#"command = ["mysqldump", "-phunter2"]"#,
            r#"stop = "service --token hunter2""#,
            r#"url = "https://hooks.example.com/services/T0/B0/hunter2hunter2hunter2""#,
        ] {
            let masked = masked(text);
            assert!(!masked.contains("hunter2") && masked.contains(MASK), "{masked}");
        }
    }

    #[test]
    fn the_rest_is_shown() {
        for text in [
            r#"password-file = "/etc/holdfast/key""#,
            r#"authorization-file = "/etc/holdfast/token""#,
            r#"url = "postgres://app@localhost/app""#,
            r#"health = "http://localhost:3000/api/health""#,
            r#"command = ["pg_dump"]"#,
            r#"paths = ["/etc/secrets"]"#,
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn places_move_with_the_text() {
        let text = r#"a = "x://u:secret@h" # here"#;
        let check = |what: &str, expected: &str| {
            let at = text.find(what).unwrap();
            let (masked, span) = line(text, at..at + what.len(), None);
            assert_eq!(masked, r#"a = "x://u:***@h" # here"#);
            assert_eq!(&masked[span], expected);
        };
        check("a =", "a =");
        check("here", "here");
        check("cre", "");
        check("\"x://u:secret@h\"", "\"x://u:***@h\"");
        check("u:sec", "u:");
        check("cret@h", "***@h");
    }

    #[test]
    fn a_place_can_be_hidden_by_name() {
        let text = "colour = \"blue\" # x";
        let at = text.find("\"blue\"").unwrap();
        let (masked, span) = line(text, 0..6, Some(at..at + 6));
        assert_eq!((masked.as_str(), &masked[span]), ("colour = *** # x", "colour"));
    }
}
