//! `[app]`, `[run]` and `[secrets]`: the application itself and how a run goes.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use super::name::AppName;
use super::section::{Section, Table};
use super::value::{Choice, Field, Value};

/// `[app]`: which application this is.
#[derive(Debug, Clone, PartialEq)]
pub struct App {
    /// Its name.
    pub name: AppName,
    /// Host that its snapshots are of, if not this machine: a pod has another name every time.
    pub host: Option<String>,
    /// Tags of its snapshots.
    pub tags: Vec<String>,
    /// The calendar of retention and schedule, if not this machine's.
    pub time_zone: Option<TimeZone>,
}

impl Table for App {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let name = section.required(
            "name",
            "Name of the application: lower-case letters, digits and dashes. Units, locks and \
             metrics carry it.",
        );
        let host = section.optional(
            "host",
            "Host that its snapshots are of. Default: the name of the machine. Needed where that \
             changes, as in Kubernetes.",
        );
        let tags = section.optional("tags", "Tags of its snapshots.");
        let time_zone: Option<ZoneName> = section.optional(
            "time-zone",
            "Time zone of the hours and days that retention and schedule count, as in \
             Europe/Berlin. Default: the machine's.",
        );
        let time_zone = time_zone.map(|ZoneName(zone)| zone);
        Some(Self { name: name?, host, tags: tags.unwrap_or_default(), time_zone })
    }
}

struct ZoneName(TimeZone);

impl Value for ZoneName {
    const EXPECTED: &'static str = "a time zone in quotes";
    const EXAMPLE: &'static str = "\"Europe/Berlin\"";

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }

    fn read(field: &mut Field<'_, '_>) -> Option<Self> {
        let zone = TimeZone::get(&field.text::<Self>()?).ok();
        if zone.is_none() {
            field.not_a::<Self>("is not a time zone that this machine knows");
        }
        zone.map(Self)
    }
}

/// `[run]`: how a run goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// What a run does while another one of the same application goes on.
    pub lock: WhenBusy,
    /// How long it waits at most; for ever without.
    pub lock_timeout: Option<Duration>,
}

/// What a run does while another one of the same application goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenBusy {
    /// It waits for the other one to end.
    #[default]
    Wait,
    /// It ends, having done nothing.
    Leave,
}

impl Choice for WhenBusy {
    const WORDS: &'static [(&'static str, Self)] = &[("wait", Self::Wait), ("leave", Self::Leave)];
}

impl Table for Run {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let lock = section.optional(
            "lock",
            "What a run does while another one of this application goes on: wait (the default), \
             or leave.",
        );
        let lock_timeout = section.optional(
            "lock-timeout",
            "How long it waits at most, as in 2h. Default: until the other one ends.",
        );
        Some(Self { lock: lock.unwrap_or_default(), lock_timeout })
    }
}

/// `[secrets]`: what happens to private keys and tokens met in ordinary sources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecretRules {
    /// What a finding does to a run.
    pub on_finding: OnFinding,
    /// Patterns of paths, as in `exclude`, whose files are not looked at.
    pub allow_paths: Vec<String>,
    /// A line that holds one of these texts is no finding.
    pub allow_text: Vec<String>,
    /// True if keys may be stored in the same repository as what they open.
    pub allow_keys_with_data: bool,
}

/// What a finding of the scanner for secrets does to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFinding {
    /// It is reported.
    #[default]
    Warn,
    /// The run fails, and no snapshot is made.
    Fail,
    /// Nothing is looked for.
    Ignore,
}

impl Choice for OnFinding {
    const WORDS: &'static [(&'static str, Self)] =
        &[("warn", Self::Warn), ("fail", Self::Fail), ("ignore", Self::Ignore)];
}

impl Table for SecretRules {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let on_finding = section.optional(
            "on-finding",
            "What a private key or token in an ordinary source does to a run: warn (the \
             default), fail, or ignore, which looks for none.",
        );
        let allow_paths = section.optional(
            "allow-paths",
            "Patterns of paths, as in exclude, whose files are not looked at.",
        );
        let allow_text = section.optional(
            "allow-text",
            "A line that holds one of these texts is no finding. Write the name of a variable, \
             not a secret.",
        );
        let allow_keys_with_data = section.optional(
            "allow-keys-with-data",
            "true if keys may be stored in the same repository as what they open. Default: false.",
        );
        Some(Self {
            on_finding: on_finding.unwrap_or_default(),
            allow_paths: allow_paths.unwrap_or_default(),
            allow_text: allow_text.unwrap_or_default(),
            allow_keys_with_data: allow_keys_with_data.unwrap_or_default(),
        })
    }
}
