//! `[app]`, `[run]` and `[secrets]`: the application, how runs behave, and secrets.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use crate::settings::AppName;
use crate::settings::section::{SettingSection, SettingTable};
use crate::settings::value::{Choice, SettingField, SettingValue};

/// `[app]`: which application this is.
#[derive(Debug, Clone, PartialEq)]
pub struct App {
    /// Its name.
    pub name: AppName,
    /// Host name of its snapshots, if not this machine's: a pod gets a new name each time.
    pub host: Option<String>,
    /// Tags of its snapshots.
    pub tags: Vec<String>,
    /// Time zone of retention and schedule, if not this machine's.
    pub time_zone: Option<TimeZone>,
}

impl SettingTable for App {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let name = section.required(
            "name",
            "Name of the application: lower-case letters, digits and dashes. It appears in \
             units, locks and metrics.",
        );
        let host = section.optional(
            "host",
            "Host name recorded in its snapshots. Default: the name of the machine. Set it where \
             that name changes, as in Kubernetes.",
        );
        let tags = section.optional("tags", "Tags of its snapshots.");
        let time_zone: Option<ZoneName> = section.optional(
            "time-zone",
            "Time zone used by retention and schedule, as in Europe/Berlin. Default: the \
             machine's.",
        );
        let time_zone = time_zone.map(|ZoneName(zone)| zone);
        Some(Self { name: name?, host, tags: tags.unwrap_or_default(), time_zone })
    }
}

struct ZoneName(TimeZone);

impl SettingValue for ZoneName {
    const EXPECTED: &'static str = "a time zone in quotes";
    const EXAMPLE: &'static str = "\"Europe/Berlin\"";

    fn schema() -> Json {
        json!({ "type": "string", "minLength": 1 })
    }

    fn read(field: &mut SettingField<'_, '_>) -> Option<Self> {
        let zone = TimeZone::get(&field.text::<Self>()?).ok();
        if zone.is_none() {
            field.not_a::<Self>("is not a time zone known on this machine");
        }
        zone.map(Self)
    }
}

/// `[run]`: how runs behave.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunRules {
    /// What a run does while another run of the same application is in progress.
    pub lock: WhenBusy,
    /// Longest wait; no limit if absent.
    pub lock_timeout: Option<Duration>,
}

/// What a run does while another run of the same application is in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenBusy {
    /// Wait for the other run to end.
    #[default]
    Wait,
    /// Exit without doing anything.
    Leave,
}

impl Choice for WhenBusy {
    const WORDS: &'static [(&'static str, Self)] = &[("wait", Self::Wait), ("leave", Self::Leave)];
}

impl SettingTable for RunRules {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let lock = section.optional(
            "lock",
            "What a run does while another run of this application is in progress: wait (the \
             default), or leave, which exits without doing anything.",
        );
        let lock_timeout =
            section.optional("lock-timeout", "Longest time to wait, as in 2h. Default: no limit.");
        Some(Self { lock: lock.unwrap_or_default(), lock_timeout })
    }
}

/// `[secrets]`: what to do about private keys and tokens found in ordinary sources.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecretRules {
    /// What a finding does to a run.
    pub on_finding: OnFinding,
    /// Patterns of paths, as in `exclude`, that are not scanned.
    pub allow_paths: Vec<String>,
    /// Lines that contain one of these texts are not reported.
    pub allow_text: Vec<String>,
    /// True if keys may be stored in the same repository as the data they open.
    pub allow_keys_with_data: bool,
}

/// What a finding of the secret scanner does to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFinding {
    /// It is reported.
    #[default]
    Warn,
    /// The run fails, and no snapshot is made.
    Fail,
    /// Nothing is scanned.
    Ignore,
}

impl Choice for OnFinding {
    const WORDS: &'static [(&'static str, Self)] =
        &[("warn", Self::Warn), ("fail", Self::Fail), ("ignore", Self::Ignore)];
}

impl SettingTable for SecretRules {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let on_finding = section.optional(
            "on-finding",
            "What to do about a private key or token found in an ordinary source: warn (the \
             default), fail the run, or ignore, which does not scan.",
        );
        let allow_paths = section
            .optional("allow-paths", "Patterns of paths, as in exclude, that are not scanned.");
        let allow_text = section.optional(
            "allow-text",
            "Lines that contain one of these texts are not reported. Write the name of a \
             variable, not a secret.",
        );
        let allow_keys_with_data = section.optional(
            "allow-keys-with-data",
            "true allows keys in the same repository as the data they open. Default: false.",
        );
        Some(Self {
            on_finding: on_finding.unwrap_or_default(),
            allow_paths: allow_paths.unwrap_or_default(),
            allow_text: allow_text.unwrap_or_default(),
            allow_keys_with_data: allow_keys_with_data.unwrap_or_default(),
        })
    }
}
