//! Variables whose names and values look like secrets.

use super::random::{bits_per_char, is_placeholder};

/// Longest line that is scanned; generated code has longer ones.
const LINE_BYTES_MAX: usize = 4096;
/// Words in names that indicate a secret.
const SECRET_WORDS: [&str; 10] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "CREDENTIALS",
    "KEY",
];
/// Words in names that indicate something other than the secret itself.
const HARMLESS_WORDS: [&str; 23] = [
    "PUBLIC",
    "PUBLISHABLE",
    "FILE",
    "FILES",
    "PATH",
    "DIR",
    "URL",
    "URI",
    "ID",
    "NAME",
    "LENGTH",
    "SIZE",
    "TTL",
    "EXPIRY",
    "EXPIRES",
    "EXPIRATION",
    "LIFETIME",
    "HEADER",
    "ALGORITHM",
    "TYPE",
    "ENABLED",
    "ISSUER",
    "FIELD",
];
/// Endings of names of template files.
const TEMPLATES: [&str; 6] = ["example", "sample", "template", "dist", "tpl", "j2"];

/// The kind of file a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AssignmentPlace {
    /// A file of environment variables.
    Environment,
    /// Any other text file.
    Elsewhere,
}

impl AssignmentPlace {
    /// The kind of file; none for a template.
    pub(super) fn of(path: &[u8]) -> Option<Self> {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name).to_lowercase();
        let mut parts = name.split(['.', '-', '_']);
        if parts.any(|part| TEMPLATES.contains(&part)) {
            return None;
        }
        let is_environment = name.starts_with(".env") || name.ends_with(".env") || name == "env";
        Some(if is_environment { Self::Environment } else { Self::Elsewhere })
    }
}

/// True if the line assigns a secret to a variable.
pub(super) fn is_secret(line: &[u8], place: AssignmentPlace) -> bool {
    if line.len() > LINE_BYTES_MAX {
        return false;
    }
    let Ok(line) = std::str::from_utf8(line) else { return false };
    let Some((name, value)) = split(line) else { return false };
    if place == AssignmentPlace::Environment && url_password(value).is_some_and(is_password) {
        return true;
    }
    is_secret_name(name) && is_secret_value(value, place)
}

/// The variable and the value that a line assigns: `NAME=value`, with `export`, `-` or quotes as in
/// shells, Compose and JSON.
fn split(line: &str) -> Option<(&str, &str)> {
    let mut rest = line.trim();
    for start in ["export ", "- ", "ENV ", "-e "] {
        rest = rest.strip_prefix(start).map_or(rest, str::trim_start);
    }
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let end = rest.find(|c: char| !is_part(c))?;
    let (name, rest) = rest.split_at(end);
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest).trim_start();
    let value = rest.strip_prefix('=').or_else(|| rest.strip_prefix(": "))?.trim();
    (!name.is_empty()).then(|| (name, unquoted(value)))
}

/// The value without quotes, and without a trailing comment or comma.
fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split(quote).next().unwrap_or_default();
        }
    }
    let value = value.split(" #").next().unwrap_or_default().trim_end();
    value.trim_end_matches([',', ';', '"', '\''])
}

fn is_secret_name(name: &str) -> bool {
    let words: Vec<_> = name.split('_').collect();
    let tells = words.iter().any(|word| SECRET_WORDS.contains(word) || word.ends_with("PASSWORD"));
    // KEY alone may be the key of a map.
    tells
        && words.len() > usize::from(words == ["KEY"])
        && !words.iter().any(|word| HARMLESS_WORDS.contains(word))
}

fn is_secret_value(value: &str, place: AssignmentPlace) -> bool {
    const CHARS_MIN: usize = 8;
    const CHARS_LONG: usize = 16;
    let has = |test: fn(char) -> bool| value.chars().any(test);
    // References, calls, paths, prose and markup are not generated values.
    let is_reference = value.starts_with(['$', '/', '.', '<', '{', '%', '@', '&', '*', '!', '|'])
        || ["${", "$(", "{{", "://", "(", "[", "process.env"]
            .iter()
            .any(|part| value.contains(part))
        || value.contains(char::is_whitespace);
    if value.len() < CHARS_MIN || is_reference || is_placeholder(value.as_bytes()) {
        return false;
    }
    let bits = bits_per_char(value.as_bytes());
    let sorts = [
        has(|c| c.is_ascii_lowercase()),
        has(|c| c.is_ascii_uppercase()),
        has(|c| c.is_ascii_digit()),
        has(|c| c.is_ascii_punctuation()),
    ];
    let sorts = sorts.into_iter().filter(|sort| *sort).count();
    match place {
        AssignmentPlace::Environment => {
            is_password(value) && (sorts >= 2 || value.len() >= CHARS_LONG) && bits >= 2.5
        }
        // Code is full of names: a value less random than a generated one may be a name.
        AssignmentPlace::Elsewhere => {
            let is_long = value.len() >= CHARS_LONG && value.chars().all(is_digit_of_keys);
            let digits = value.bytes().filter(u8::is_ascii_digit).count();
            let is_cased = has(|c| c.is_ascii_lowercase()) && has(|c| c.is_ascii_uppercase());
            let is_mixed =
                has(|c| c.is_ascii_alphabetic()) && (digits >= 4 || digits > 0 && is_cased);
            is_long && is_mixed && bits >= 3.3
        }
    }
}

fn is_digit_of_keys(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=_-".contains(c)
}

/// True unless it is a common default.
fn is_password(value: &str) -> bool {
    const FIRST_CHOICES: [&str; 8] = [
        "password",
        "postgres",
        "secret",
        "default",
        "username",
        "localhost",
        "disabled",
        "required",
    ];
    let lower = value.to_lowercase();
    value.len() >= 6
        && !FIRST_CHOICES.contains(&lower.as_str())
        && !is_placeholder(value.as_bytes())
        && !value.starts_with(['$', '<', '{', '%'])
        && !value.bytes().all(|byte| byte.is_ascii_digit())
}

/// The password in a URL, unless it equals the user name.
fn url_password(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("://")?;
    let authority = rest.split(['/', '?']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let (name, password) = user.split_once(':')?;
    (name != password).then_some(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split() {
        for (line, expected) in [
            ("A=b", Some(("A", "b"))),
            ("  export A_B=\"c d\" # e", Some(("A_B", "c d"))),
            ("- A='b'", Some(("A", "b"))),
            ("      A: b # c", Some(("A", "b"))),
            ("\"A\": \"b\",", Some(("A", "b"))),
            ("- \"A=b\"", Some(("A", "b"))),
            ("A = b", Some(("A", "b"))),
            ("a=b", None),
            ("A", None),
            ("A:b", None),
            ("# A=b", None),
            ("", None),
        ] {
            assert_eq!(split(line), expected, "{line}");
        }
    }

    #[test]
    fn names_tell() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "PGPASSWORD",
            "AUTH_SECRET",
            "API_KEY",
            "NEXT_PRIVATE_ENCRYPTION_KEY",
            "GITHUB_TOKEN",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PASSWORD_FILE",
            "NEXT_PUBLIC_API_KEY",
            "KEY",
            "TOKEN_TTL",
            "KEYBOARD",
            "SECRET_NAME",
            "PATH",
            "ACCESS_KEY_ID",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
