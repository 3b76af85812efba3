//! Names of applications and of sources.

use std::fmt;

use serde_json::{Value as Json, json};

use super::value::{SettingField, SettingValue};

/// Name of an application: it becomes part of the names of files, units, locks and metrics.
///
/// At most 40 lower-case letters, digits and dashes, which both Kubernetes and systemd accept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppName(String);

/// Name of a source: letters, digits, dots, dashes and underscores, at most 64.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(String);

impl AppName {
    const CHARS_MAX: usize = 40;

    /// The name, if it is valid.
    pub fn new(text: &str) -> Option<Self> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let valid = text.starts_with(inner)
            && text.ends_with(inner)
            && text.chars().all(|c| inner(c) || c == '-')
            && text.len() <= Self::CHARS_MAX;
        valid.then(|| Self(text.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SourceName {
    const CHARS_MAX: usize = 64;

    /// The name, if it is valid.
    pub fn new(text: &str) -> Option<Self> {
        let valid = text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
            && text.len() <= Self::CHARS_MAX;
        valid.then(|| Self(text.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SettingValue for AppName {
    const EXPECTED: &'static str = "a name";
    const EXAMPLE: &'static str = "\"documenso\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let name = Self::new(&field.text::<Self>()?);
        if name.is_none() {
            field.not_a::<Self>(
                "must be 1 to 40 lower-case letters, digits and dashes, without a dash at either \
                 end",
            );
        }
        name
    }
}

impl SettingValue for SourceName {
    const EXPECTED: &'static str = "a name";
    const EXAMPLE: &'static str = "\"database\"";

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let name = Self::new(&field.text::<Self>()?);
        if name.is_none() {
            field.not_a::<Self>(
                "must be 1 to 64 letters, digits, dots, dashes and underscores, \
                 beginning with a letter or digit",
            );
        }
        name
    }
}
