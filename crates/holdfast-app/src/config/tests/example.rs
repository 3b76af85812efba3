//! The example and the schema in docs/ match the code.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::*;
use crate::config::schema;

const EXAMPLE: &str = include_str!("../../../../../docs/holdfast.example.toml");
const SCHEMA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/holdfast.schema.json");

/// The example with its commented-out keys: lines that begin with `#` not followed by a space.
fn example_in_full() -> String {
    let line = |line: &'static str| {
        let is_comment = line.starts_with("# ") || line.starts_with("#:");
        line.strip_prefix('#').filter(|_| !is_comment).unwrap_or(line)
    };
    EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn as_json(text: &str) -> Json {
    fn json(value: &toml::de::DeValue<'_>) -> Json {
        use toml::de::DeValue;
        match value {
            DeValue::String(text) => Json::from(text.as_ref()),
            DeValue::Integer(number) => Json::from(number.as_str().parse::<i64>().unwrap()),
            DeValue::Boolean(value) => Json::from(*value),
            DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
            DeValue::Table(table) => table
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref())))
                .collect(),
            other => panic!("{other:?}"),
        }
    }
    json(&toml::de::DeValue::Table(toml::de::DeTable::parse(text).unwrap().into_inner()))
}

/// Every key that a schema has, anywhere.
fn keys(schema: &Json, found: &mut BTreeSet<String>) {
    match schema {
        Json::Object(members) => {
            if let Some(Json::Object(properties)) = members.get("properties") {
                found.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| keys(member, found));
        }
        Json::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// `HOLDFAST_WRITE_SCHEMA=1 cargo test -p holdfast-app schema` rewrites the file.
#[test]
#[allow(clippy::disallowed_methods, reason = "a switch of this test")]
fn the_schema_in_docs_is_that_of_the_code() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("HOLDFAST_WRITE_SCHEMA").is_some() {
        std::fs::write(SCHEMA_FILE, &text).unwrap();
    }
    let stored = std::fs::read_to_string(SCHEMA_FILE).unwrap_or_default();
    assert!(
        stored == text,
        "docs/holdfast.schema.json is not up to date: run this test with HOLDFAST_WRITE_SCHEMA=1"
    );
}

#[test]
fn the_example_is_read_without_a_word() {
    file(EXAMPLE);
    file(&example_in_full());
}

#[test]
fn the_example_shows_every_key() {
    let full = example_in_full();
    let mut known = BTreeSet::new();
    keys(&schema(), &mut known);
    assert!(known.len() > 80, "{}", known.len());
    let shown = |key: &String| {
        let is_set = |line: &str| {
            let places = line.match_indices(key.as_str()).map(|(at, key)| (at, at + key.len()));
            let mut places = places.map(|(from, to)| (&line[..from], &line[to..]));
            places.any(|(before, after)| {
                let begins = before.is_empty() || before.ends_with(['{', ' ']);
                begins && after.trim_start().starts_with('=')
            })
        };
        let heads = |line: &str| line.trim_matches(['[', ']']).rsplit('.').next() == Some(key);
        full.lines().any(|line| is_set(line) || (line.starts_with('[') && heads(line)))
    };
    let missing: Vec<_> = known.iter().filter(|key| !shown(key)).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn the_schema_takes_what_the_code_takes() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for text in [SMALL.to_owned(), EXAMPLE.to_owned(), example_in_full()] {
        let json = as_json(&text);
        let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_the_code_refuses() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for (part, by) in [
        ("name = \"app\"", "name = \"My App\""),
        ("name = \"app\"", "name = \"app\"\ncolour = 1"),
        ("name = \"app\"\n", ""),
        ("password-file = \"key\"\n", ""),
        ("password-file = \"key\"", "password-file = \"key\"\npassword-command = [\"x\"]"),
        ("password-file = \"key\"", "password-command = \"x\""),
        ("type = \"files\"", "type = \"file\""),
        ("type = \"files\"", "type = \"files\"\ndatabases = [\"x\"]"),
        ("paths = [\"/srv/app\"]", "paths = \"/srv/app\""),
        ("paths = [\"/srv/app\"]", ""),
        ("[[source]]", "[[hook]]\nbefore = \"run\"\n[[source]]"),
        ("[[source]]", "[retention]\nhourly = 0\n[[source]]"),
        ("[[source]]", "[run]\nlock = \"maybe\"\n[[source]]"),
        (
            "[[source]]",
            "[[check]]\nname = \"x\"\nsource = \"files\"\nrows = { sample = 1, recent = \"1d\" \
             }\nobjects-in = \"files\"\nsql = \"x\"\n[[source]]",
        ),
    ] {
        let text = replaced(SMALL, part, by);
        assert!(read(&text).is_err(), "{text}");
        assert!(!validator.is_valid(&as_json(&text)), "{text}");
    }
}
