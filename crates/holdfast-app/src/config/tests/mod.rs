//! Whole files and their mistakes.

mod example;
mod mistakes;
mod random;
mod relations;
mod values;

use std::path::{Path, PathBuf};

use super::{AppFile, ConfigError, Loaded, Mistake, parse};

/// The smallest valid file.
pub(super) const SMALL: &str = r#"
[app]
name = "app"
[repository]
url = "/srv/backup"
password-file = "key"
[[source]]
name = "files"
type = "files"
paths = ["/srv/app"]
"#;

pub(super) fn read(text: &str) -> Result<Loaded, Vec<Mistake>> {
    let same = |path: &Path| path.to_owned();
    match parse(text, Path::new("app.toml"), Path::new("/etc/holdfast"), &same) {
        Ok(loaded) => Ok(loaded),
        Err(ConfigError::Mistakes(mistakes)) => {
            assert!(!mistakes.is_empty(), "no file and no mistake: {text}");
            Err(mistakes)
        }
        Err(other) => panic!("{other}"),
    }
}

/// A file without mistakes or warnings.
pub(super) fn file(text: &str) -> AppFile {
    let loaded = read(text).unwrap_or_else(|mistakes| panic!("{}", listed(&mistakes)));
    assert_eq!(loaded.warnings, []);
    loaded.file
}

/// The small file with some text added.
pub(super) fn small(more: &str) -> String {
    format!("{SMALL}{more}")
}

pub(super) fn listed(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|mistake| format!("{mistake}\n\n")).collect()
}

/// Checks that a file has exactly these mistakes: each expected text is part of one, in order.
pub(super) fn check(text: &str, expected: &[&str]) {
    let mistakes = read(text).expect_err("a mistake was expected");
    let as_expected = mistakes.len() == expected.len()
        && mistakes.iter().zip(expected).all(|(found, part)| found.to_string().contains(part));
    assert!(as_expected, "{}instead of {expected:#?}", listed(&mistakes));
}

/// The text with the first occurrence of `part` replaced.
pub(super) fn replaced(text: &str, part: &str, by: &str) -> String {
    assert!(text.contains(part), "{part}");
    text.replacen(part, by, 1)
}

pub(super) fn path(text: &str) -> PathBuf {
    text.into()
}
