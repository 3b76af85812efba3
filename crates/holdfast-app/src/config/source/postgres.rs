//! A source of type `postgres`.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::argv::Argv;
use crate::config::repository::{Password, optional_password};
use crate::config::section::{Section, Table};
use crate::config::url::PostgresUrl;
use crate::config::value::{Choice, Field, Value};

/// Databases of a PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// The server, as it is reached from where the programs run.
    pub url: PostgresUrl,
    /// The password; without, what libpq finds (`.pgpass`, peer).
    pub password: Option<Password>,
    /// Which databases.
    pub databases: Databases,
    /// Where roles and tablespaces go.
    pub globals: Globals,
    /// False if roles are kept without their passwords, which managed servers do not give out.
    pub role_passwords: bool,
    /// What stands before `pg_dump` and the like to run them elsewhere, such as in a container.
    pub exec: Option<Argv>,
    /// How long to wait for locks on tables.
    pub lock_timeout: Option<Duration>,
}

/// Which databases of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Databases {
    /// These, never none.
    Named(Vec<String>),
    /// All that are not templates.
    All,
}

/// Where roles and tablespaces go. They come with verifiers of passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Globals {
    /// To the repository of keys.
    WithKeys,
    /// To the databases.
    WithData,
    /// Nowhere.
    Nowhere,
}

impl Choice for Globals {
    const WORDS: &'static [(&'static str, Self)] =
        &[("with-keys", Self::WithKeys), ("with-data", Self::WithData), ("no", Self::Nowhere)];
}

impl Table for Postgres {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let url: Option<PostgresUrl> = section.required(
            "url",
            "Address of the server without a password, as in postgres://user@host/database, seen \
             from where pg_dump runs.",
        );
        let password = optional_password(section);
        let databases = section.optional(
            "databases",
            "A list of databases, or \"all\". Default: the one that the url names.",
        );
        let globals = section.optional(
            "globals",
            "Where roles and tablespaces go, with verifiers of passwords: with-data (the \
             default), with-keys, or no.",
        );
        let role_passwords = section.optional(
            "role-passwords",
            "false keeps roles without their passwords, which managed servers do not give out. \
             Default: true.",
        );
        let exec = section.optional(
            "exec",
            "Runs pg_dump elsewhere: what stands before it, as in [\"docker\", \"compose\", \
             \"exec\", \"-T\", \"database\"].",
        );
        let lock_timeout = section.optional(
            "lock-timeout",
            "How long to wait for locks on tables, as in 30s. Default: 30s.",
        );
        let named = url.as_ref().and_then(|url| url.database());
        let databases = databases.or(named.map(|name| Databases::Named(vec![name.to_owned()])));
        if databases.is_none() && url.is_some() && !section.has("databases") {
            section.refuse(
                "url",
                "neither `url` nor `databases` names a database",
                "databases = [\"documenso\"], or \"all\"",
            );
        }
        Some(Self {
            url: url?,
            password,
            databases: databases?,
            globals: globals.unwrap_or(Globals::WithData),
            role_passwords: role_passwords.unwrap_or(true),
            exec,
            lock_timeout,
        })
    }
}

impl Value for Databases {
    const EXPECTED: &'static str = "a list of names, or \"all\"";
    const EXAMPLE: &'static str = "[\"documenso\"]";

    fn schema() -> Json {
        json!({ "oneOf": [
            { "const": "all" },
            { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 },
        ] })
    }

    fn read(field: &mut Field<'_, '_>) -> Option<Self> {
        if field.node.get_ref().as_str() == Some("all") {
            return Some(Self::All);
        }
        let names = field.items::<Self, String>()?;
        if names.is_empty() {
            field.not_a::<Self>("is empty");
            return None;
        }
        Some(Self::Named(names))
    }
}
