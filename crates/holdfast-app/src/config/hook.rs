//! `[[hook]]` and `[restore]`: commands around what holdfast does.

use std::time::Duration;

use crate::settings::Argv;
use crate::settings::SourceName;
use crate::settings::WebUrl;
use crate::settings::section::{SettingSection, SettingTable};
use crate::settings::value::Choice;

/// How long a hook may take if the file does not say.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(600);
/// How long an application may take to become healthy if the file does not say.
const HEALTH_TIMEOUT_DEFAULT: Duration = Duration::from_secs(300);

/// A command around a run, a source or a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// When it runs.
    pub moment: HookMoment,
    /// Around what.
    pub around: Around,
    /// Around this source only.
    pub source: Option<SourceName>,
    /// The command.
    pub command: Argv,
    /// Time limit, after which it is terminated.
    pub timeout: Duration,
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookMoment {
    /// Before; if it fails, what should follow does not start.
    Before,
    /// After success.
    After,
    /// After failure.
    Failed,
    /// After either, last.
    Finally,
}

/// What a hook runs around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// A whole run.
    Run,
    /// The capture of a source.
    Source,
    /// A restore.
    Restore,
}

impl HookMoment {
    /// The word for it in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
            Self::Failed => "failed",
            Self::Finally => "finally",
        }
    }
}

impl Around {
    /// The word for it in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Source => "source",
            Self::Restore => "restore",
        }
    }
}

impl Choice for Around {
    const WORDS: &'static [(&'static str, Self)] =
        &[("run", Self::Run), ("source", Self::Source), ("restore", Self::Restore)];
}

impl SettingTable for Hook {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let before = section.optional(
            "before",
            "Runs before a run, source or restore, which does not start if the hook fails.",
        );
        let after =
            section.optional("after", "Runs after a run, source or restore that succeeded.");
        let failed = section.optional("failed", "Runs after a run, source or restore that failed.");
        let finally = section.optional(
            "finally",
            "Runs after a run, source or restore, whether it succeeded or not.",
        );
        let source = section.optional("source", "Around this source only.");
        let command =
            section.required("command", "The command as a list of words; no shell is used.");
        let timeout = section.optional(
            "timeout",
            "Time limit, after which the command is terminated, as in 5min. Default: 10min.",
        );
        if !section.exactly_one(&["before", "after", "failed", "finally"]) {
            return None;
        }
        let moments = [
            (HookMoment::Before, before),
            (HookMoment::After, after),
            (HookMoment::Failed, failed),
            (HookMoment::Finally, finally),
        ];
        let mut moments = moments.into_iter();
        let (moment, around) = moments.find_map(|(moment, around)| Some((moment, around?)))?;
        if source.is_some() && around != Around::Source {
            let message = "`source` applies only to hooks around sources";
            section.refuse("source", message, format!("{} = \"source\"", moment.word()));
        }
        let timeout = timeout.unwrap_or(TIMEOUT_DEFAULT);
        Some(Self { moment, around, source, command: command?, timeout })
    }
}

/// `[restore]`: what to do around a restore in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// Stops the application.
    pub stop: Option<Argv>,
    /// Starts it again, unless data was only partly restored.
    pub start: Option<Argv>,
    /// Answers with 2xx once the application works.
    pub health: Option<WebUrl>,
    /// How long that may take.
    pub health_timeout: Duration,
}

impl Default for Restore {
    fn default() -> Self {
        Self { stop: None, start: None, health: None, health_timeout: HEALTH_TIMEOUT_DEFAULT }
    }
}

impl SettingTable for Restore {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let stop = section.optional("stop", "Stops the application before a restore in place.");
        let start = section.optional(
            "start",
            "Starts the application again, unless the restore failed after changing something.",
        );
        let health =
            section.optional("health", "URL that returns a 2xx status once the application works.");
        let health_timeout = section
            .optional("health-timeout", "How long to wait for that, as in 10min. Default: 5min.");
        let health_timeout = health_timeout.unwrap_or(HEALTH_TIMEOUT_DEFAULT);
        Some(Self { stop, start, health, health_timeout })
    }
}
