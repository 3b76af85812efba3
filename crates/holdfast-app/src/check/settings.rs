//! `[[check]]`: what must hold between the parts of an application.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::settings::SourceName;
use crate::settings::section::{SettingSection, SettingTable};
use crate::settings::value::{Choice, SettingField, SettingValue};

/// A condition that must hold, checked in a database in the state in which it is captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRule {
    /// Its name in reports.
    pub name: String,
    /// The database source to query.
    pub source: SourceName,
    /// Which of its databases; if absent, the only one.
    pub database: Option<String>,
    /// What must hold.
    pub kind: CheckKind,
    /// What happens if it does not hold.
    pub on_failure: OnFailure,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckKind {
    /// Every row refers to an object that exists.
    Objects {
        /// Query with a column `key`, optionally `size`, `etag` (of objects), `md5` and `sha256`,
        /// which must match the object, and `time`, which selects recent rows.
        sql: String,
        /// The source that must contain the keys.
        objects_in: SourceName,
        /// Which rows are checked.
        rows: Rows,
    },
    /// A query returns exactly this value.
    Value {
        /// The query.
        sql: String,
        /// Its value as text.
        expect: String,
    },
    /// The numbers in a column have no gaps.
    SequenceRule(SequenceRule),
    /// Each row carries the hash of the previous row.
    ChainRule(ChainRule),
}

/// A column of numbers without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceRule {
    /// The table, with its schema before a dot if needed, unquoted.
    pub table: String,
    /// The column.
    pub column: String,
}

/// Rows that are chained by hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainRule {
    /// The table, with its schema before a dot if needed, unquoted.
    pub table: String,
    /// The column that orders the rows.
    pub order: String,
    /// The column with the hash of a row.
    pub hash: String,
    /// The column with the hash of the previous row.
    pub previous: String,
}

/// Which rows of a query are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rows {
    /// All.
    #[default]
    All,
    /// This many, chosen at random.
    Sample(u32),
    /// Those whose column `time` is younger than this.
    Recent(Duration),
}

/// What happens if a check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// The snapshot is made and the run counts as incomplete.
    #[default]
    Warn,
    /// The run fails, and no snapshot is made.
    Fail,
}

impl Choice for OnFailure {
    const WORDS: &'static [(&'static str, Self)] = &[("warn", Self::Warn), ("fail", Self::Fail)];
}

impl SettingTable for CheckRule {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let name = section.required("name", "Name of the check in reports.");
        let source = section.required("source", "The postgres source to query.");
        let database = section
            .optional("database", "Which of its databases to query, if it has more than one.");
        let on_failure = section.optional(
            "on-failure",
            "warn (the default) makes the snapshot and reports the run as incomplete; fail makes \
             no snapshot.",
        );
        let sql: Option<String> = section.optional(
            "sql",
            "The query. With objects-in, it returns a column key, optionally size, etag (of \
             objects), md5 and sha256, which must match the object, and time for recent rows.",
        );
        let objects_in = section.optional(
            "objects-in",
            "The bucket or files source that must contain every key the query returns.",
        );
        let rows: Option<Rows> = section.optional(
            "rows",
            "Which rows to check: \"all\" (the default), { sample = 1000 } or { recent = \"30d\" \
             }, which needs a column time.",
        );
        let expect = section.optional("expect", "The value that the query must return, as text.");
        let sequence = section.table("sequence", "A column of numbers that must have no gaps.");
        let chain =
            section.table("chain", "Rows that must each carry the hash of the previous row.");
        if !section.exactly_one(&["objects-in", "expect", "sequence", "chain"]) {
            return None;
        }
        let needs_sql = section.has("objects-in") || section.has("expect");
        if needs_sql && !section.has("sql") {
            section.refuse("sql", "the check has no `sql`", "sql = \"select ...\"");
        }
        for (key, wanted) in [("sql", needs_sql), ("rows", section.has("objects-in"))] {
            if section.has(key) && !wanted {
                let message = format!("`{key}` does not apply to this kind of check");
                section.refuse(key, message, "leave it out");
            }
        }
        let kind = if let Some(objects_in) = objects_in {
            CheckKind::Objects { sql: sql?, objects_in, rows: rows.unwrap_or_default() }
        } else if let Some(Expected(expect)) = expect {
            CheckKind::Value { sql: sql?, expect }
        } else {
            sequence.map(CheckKind::SequenceRule).or(chain.map(CheckKind::ChainRule))?
        };
        let on_failure = on_failure.unwrap_or_default();
        Some(Self { name: name?, source: source?, database, kind, on_failure })
    }
}

impl SettingTable for SequenceRule {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let table = section.required("table", "The table, with its schema before a dot if needed.");
        let column = section.required("column", "The column.");
        Some(Self { table: table?, column: column? })
    }
}

impl SettingTable for ChainRule {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let table = section.required("table", "The table, with its schema before a dot if needed.");
        let order = section.required("order", "The column that orders the rows.");
        let hash = section.required("hash", "The column with the hash of a row.");
        let previous =
            section.required("previous", "The column with the hash of the previous row.");
        Some(Self { table: table?, order: order?, hash: hash?, previous: previous? })
    }
}

impl SettingValue for Rows {
    const EXPECTED: &'static str = "\"all\", { sample = ... } or { recent = ... }";
    const EXAMPLE: &'static str = "{ sample = 1000 }";

    fn schema() -> Json {
        let one = |key: &str, schema: Json| {
            json!({
                "type": "object",
                "properties": { key: schema },
                "required": [key],
                "additionalProperties": false,
            })
        };
        json!({ "oneOf": [
            { "const": "all" },
            one("sample", u32::schema()),
            one("recent", Duration::schema()),
        ] })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let node = field.node;
        if node.get_ref().as_str() == Some("all") {
            return Some(Self::All);
        }
        let mut entries = node.get_ref().as_table().into_iter().flatten();
        let (Some((key, node)), None) = (entries.next(), entries.next()) else {
            field.wrong_type::<Self>();
            return None;
        };
        let key = key.get_ref().as_ref();
        let mut inner = SettingField { key, node, reader: field.reader };
        match key {
            "sample" => u32::read(&mut inner).map(Self::Sample),
            "recent" => Duration::read(&mut inner).map(Self::Recent),
            _ => {
                field.not_a::<Self>("has neither sample nor recent");
                None
            }
        }
    }
}

/// A value as text; numbers and booleans may be written without quotes.
struct Expected(String);

impl SettingValue for Expected {
    const EXPECTED: &'static str = "a string in quotes";
    const EXAMPLE: &'static str = "\"0\"";

    fn schema() -> Json {
        json!({ "type": ["string", "integer", "boolean"] })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let value = field.node.get_ref();
        if let Some(integer) = value.as_integer().filter(|integer| integer.radix() == 10) {
            return Some(Self(integer.as_str().to_owned()));
        }
        if let Some(truth) = value.as_bool() {
            // As PostgreSQL writes it.
            return Some(Self(if truth { "t" } else { "f" }.to_owned()));
        }
        field.text::<Self>().map(Self)
    }
}
