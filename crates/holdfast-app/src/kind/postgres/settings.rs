//! A source of type `postgres`.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::settings::repository::optional_password;
use crate::settings::section::{SettingSection, SettingTable};
use crate::settings::value::{Choice, SettingField, SettingValue};
use crate::settings::{Argv, Password, PostgresUrl};

/// Databases of a PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresSettings {
    /// The server, as seen from where the programs run.
    pub url: PostgresUrl,
    /// The password; if absent, libpq finds one (`.pgpass`) or needs none (peer).
    pub password: Option<Password>,
    /// Which databases.
    pub databases: DatabaseNames,
    /// Where roles and tablespaces go.
    pub globals: GlobalsPlace,
    /// False to back up roles without their passwords, which managed servers do not reveal.
    pub role_passwords: bool,
    /// Command that runs `pg_dump` and other clients elsewhere, such as in a container.
    pub exec: Option<Argv>,
    /// How long to wait for table locks.
    pub lock_timeout: Option<Duration>,
    /// Limit for each query.
    pub statement_timeout: Option<Duration>,
}

/// Which databases of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseNames {
    /// These; never empty.
    Named(Vec<String>),
    /// All except templates.
    All,
}

/// Where roles and tablespaces are stored. Roles include password verifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlobalsPlace {
    /// In the repository of keys.
    WithKeys,
    /// With the databases.
    WithData,
    /// Nowhere.
    Nowhere,
}

impl Choice for GlobalsPlace {
    const WORDS: &'static [(&'static str, Self)] =
        &[("with-keys", Self::WithKeys), ("with-data", Self::WithData), ("no", Self::Nowhere)];
}

impl SettingTable for PostgresSettings {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let url: Option<PostgresUrl> = section.required(
            "url",
            "URL of the server without a password, as in postgres://user@host/database, as seen \
             from where pg_dump runs.",
        );
        let password = optional_password(section);
        let databases = section.optional(
            "databases",
            "A list of databases, or \"all\". Default: the one named in the url.",
        );
        let globals = section.optional(
            "globals",
            "Where to store roles, with their password verifiers, and tablespaces: with-data \
             (the default without [repository.keys]), with-keys (the default with it), or no.",
        );
        let role_passwords = section.optional(
            "role-passwords",
            "false backs up roles without their passwords, which managed servers do not reveal. \
             Default: true.",
        );
        let exec = section.optional(
            "exec",
            "Command prefix that runs pg_dump elsewhere, as in [\"docker\", \"compose\", \
             \"exec\", \"-T\", \"database\"].",
        );
        let lock_timeout = section
            .optional("lock-timeout", "How long to wait for table locks, as in 30s. Default: 30s.");
        let statement_timeout = section.optional(
            "statement-timeout",
            "Limit for each query of the catalogs and of checks, as in 10min; dumps have none. \
             Default: 5min, 1h for checks.",
        );
        let named = url.as_ref().and_then(|url| url.database());
        let databases = databases.or(named.map(|name| DatabaseNames::Named(vec![name.to_owned()])));
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
            globals: globals.unwrap_or(GlobalsPlace::WithData),
            role_passwords: role_passwords.unwrap_or(true),
            exec,
            lock_timeout,
            statement_timeout,
        })
    }
}

impl SettingValue for DatabaseNames {
    const EXPECTED: &'static str = "a list of names, or \"all\"";
    const EXAMPLE: &'static str = "[\"documenso\"]";

    fn schema() -> Json {
        json!({ "oneOf": [
            { "const": "all" },
            { "type": "array", "items": { "type": "string", "minLength": 1 }, "minItems": 1 },
        ] })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
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
