//! Paths: relative to the folder of the file, and nothing is expanded.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::value::{SettingField, SettingValue};

impl SettingValue for PathBuf {
    const EXPECTED: &'static str = "a path in quotes";
    const EXAMPLE: &'static str = "\"/path/to/it\"";

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let text = field.text::<Self>()?;
        let reason = if text.trim().is_empty() {
            "is empty"
        } else if text.starts_with('~') || text.starts_with("$HOME") {
            "begins with a home folder, which is not expanded: write the full path"
        } else if mentions_variable(&text) {
            "contains a variable, and variables are not expanded: write the full path"
        } else {
            return Some(field.reader.absolute(&text));
        };
        field.not_a::<Self>(reason);
        None
    }
}

/// True if a value seems to use an environment variable.
pub(crate) fn mentions_variable(text: &str) -> bool {
    text.contains("${")
}
