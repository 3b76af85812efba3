//! The whole file.

use std::ops::Range;

use serde_json::{Value as Json, json};
use toml::Spanned;
use toml::de::DeTable;

use super::app::{App, RunRules, SecretRules};
use super::hook::{Hook, Restore};
use super::notify::Notify;
use super::retention::Retention;
use super::schedule::ScheduleRules;
use crate::check::CheckRule;
use crate::kind::{AppSource, Class};
use crate::settings::RepositorySettings;
use crate::settings::reader::{TomlStep, find, place};
use crate::settings::repository::Repositories;
use crate::settings::section::{self, Placed, SettingSection, SettingTable};

/// The contents of a `holdfast.toml`: an application and what to do with it.
///
/// It holds no secrets, only the names of the files and commands that provide them.
#[derive(Debug, Clone, PartialEq)]
pub struct AppFile {
    /// Which application it is.
    pub app: App,
    /// Where snapshots go.
    pub repository: RepositorySettings,
    /// Where keys go.
    pub keys_repository: Option<RepositorySettings>,
    /// The parts, in the order in which they are captured; never empty.
    pub sources: Vec<AppSource>,
    /// What must hold between the parts.
    pub checks: Vec<CheckRule>,
    /// Which snapshots to keep; all if absent.
    pub retention: Option<Retention>,
    /// What to do around a restore in place.
    pub restore: Restore,
    /// What to do about secrets found in ordinary sources.
    pub secrets: SecretRules,
    /// Commands around runs, sources and restores.
    pub hooks: Vec<Hook>,
    /// Where runs are reported.
    pub notify: Notify,
    /// How runs behave.
    pub run: RunRules,
    /// When runs start.
    pub schedule: ScheduleRules,
}

impl AppFile {
    /// The source of this name.
    pub fn source(&self, name: &str) -> Option<&AppSource> {
        self.sources.iter().find(|source| source.name.as_str() == name)
    }

    /// True if anything is stored in the repository of keys.
    pub fn has_keys(&self) -> bool {
        let mut sources = self.sources.iter();
        sources.any(|source| source.class == Class::Keys || source.kind.has_globals_apart())
    }

    /// The sources whose snapshot goes to the repository of this class. A database whose globals go
    /// with the keys belongs to both; its kind says so.
    pub fn sources_of(&self, class: Class) -> impl Iterator<Item = &AppSource> {
        self.sources.iter().filter(move |source| source.class == class)
    }
}

/// The parts of the file that could be read.
#[derive(Debug)]
pub(super) struct AppFileDraft {
    pub(super) app: Option<App>,
    pub(super) repository: Option<RepositorySettings>,
    pub(super) keys_repository: Option<RepositorySettings>,
    pub(super) sources: Vec<Placed<AppSource>>,
    pub(super) checks: Vec<Placed<CheckRule>>,
    pub(super) retention: Option<Retention>,
    pub(super) restore: Option<Restore>,
    pub(super) secrets: Option<SecretRules>,
    pub(super) hooks: Vec<Placed<Hook>>,
    pub(super) notify: Option<Notify>,
    pub(super) run: Option<RunRules>,
    pub(super) schedule: Option<ScheduleRules>,
}

impl SettingTable for AppFileDraft {
    fn read(section: &mut SettingSection<'_, '_>) -> Option<Self> {
        let app = section.required_table("app", "Which application this is.");
        let repositories: Option<Repositories> = section.required_table(
            "repository",
            "Where snapshots are stored, and what opens the repository.",
        );
        let (repository, keys_repository) =
            repositories.map_or((None, None), |both| (both.main, both.keys));
        let sources = section.tables(
            "source",
            "The parts of the application, in the order in which they are captured: databases \
             before the buckets that their rows name.",
        );
        Some(Self {
            app,
            repository,
            keys_repository,
            sources,
            checks: section.tables("check", "What must hold between the parts."),
            retention: section.table(
                "retention",
                "Which snapshots to keep after a run. Without it, all are kept.",
            ),
            restore: section.table("restore", "What to do around a restore in place."),
            secrets: section.table(
                "secrets",
                "What to do about private keys and tokens found in ordinary sources.",
            ),
            hooks: section.tables("hook", "Commands around runs, sources and restores."),
            notify: section.table("notify", "Where runs are reported."),
            run: section.table("run", "How runs behave."),
            schedule: section.table(
                "schedule",
                "When runs start, for the timers of systemd, cron and Kubernetes.",
            ),
        })
    }
}

impl AppFileDraft {
    /// The file, if nothing required is missing.
    pub(super) fn finish(self) -> Option<AppFile> {
        Some(AppFile {
            app: self.app?,
            repository: self.repository?,
            keys_repository: self.keys_repository,
            sources: values(self.sources),
            checks: values(self.checks),
            retention: self.retention,
            restore: self.restore.unwrap_or_default(),
            secrets: self.secrets.unwrap_or_default(),
            hooks: values(self.hooks),
            notify: self.notify.unwrap_or_default(),
            run: self.run.unwrap_or_default(),
            schedule: self.schedule.unwrap_or_default(),
        })
    }

    /// Settles what each kind of source leaves to the rest of the file.
    pub(super) fn settle(&mut self, tree: &AppFileTree<'_, '_>) {
        let has_keys_repository = self.keys_repository.is_some();
        for Placed { index, value } in &mut self.sources {
            let has_key = |key: &str| tree.has("source", *index, key);
            value.kind.settle(has_keys_repository, &has_key);
        }
    }
}

fn values<T>(placed: Vec<Placed<T>>) -> Vec<T> {
    placed.into_iter().map(|placed| placed.value).collect()
}

/// The file as written, to locate mistakes that concern several sections.
pub(super) struct AppFileTree<'a, 't>(pub(super) &'a Spanned<DeTable<'t>>);

impl AppFileTree<'_, '_> {
    /// The value of a key of a section.
    pub(super) fn key(&self, section: &str, key: &str) -> Range<usize> {
        place(self.0, &[TomlStep::Key(section), TomlStep::Key(key)])
    }

    /// The value of a key of a section within a section.
    pub(super) fn inner(&self, section: &str, inner: &str, key: &str) -> Range<usize> {
        place(self.0, &[TomlStep::Key(section), TomlStep::Key(inner), TomlStep::Key(key)])
    }

    /// The value of a key of one of several sections of the same name.
    pub(super) fn of(&self, section: &str, index: usize, key: &str) -> Range<usize> {
        place(self.0, &[TomlStep::Key(section), TomlStep::Index(index), TomlStep::Key(key)])
    }

    /// An item of a list that is a key of one of several sections of the same name.
    pub(super) fn item(&self, section: &str, index: usize, key: &str, item: usize) -> Range<usize> {
        let steps = [
            TomlStep::Key(section),
            TomlStep::Index(index),
            TomlStep::Key(key),
            TomlStep::Index(item),
        ];
        place(self.0, &steps)
    }

    /// All strings that a key has in the sections of a name, including those that could not be
    /// read.
    pub(super) fn texts(&self, section: &str, key: &str) -> Vec<&str> {
        let items = self.0.get_ref().get(section).and_then(|node| node.get_ref().as_array());
        let tables = items.into_iter().flat_map(|items| items.iter());
        let values = tables.filter_map(|node| node.get_ref().as_table()?.get(key));
        values.filter_map(|node| node.get_ref().as_str()).collect()
    }

    /// True if there is no such section, or an empty list of them.
    pub(super) fn is_empty(&self, section: &str) -> bool {
        let node = self.0.get_ref().get(section);
        node.is_none_or(|node| node.get_ref().as_array().is_some_and(|items| items.is_empty()))
    }

    /// True if a section within a section exists.
    pub(super) fn has_section(&self, section: &str, inner: &str) -> bool {
        find(self.0, &[TomlStep::Key(section), TomlStep::Key(inner)]).is_some()
    }

    fn has(&self, section: &str, index: usize, key: &str) -> bool {
        find(self.0, &[TomlStep::Key(section), TomlStep::Index(index), TomlStep::Key(key)])
            .is_some()
    }
}

/// The JSON schema of app files, for editors.
pub fn schema() -> Json {
    let mut schema = section::schema::<AppFileDraft>();
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("holdfast app file");
    schema["description"] =
        json!("What an application consists of, where its backups go, and when they run.");
    schema["required"] = json!(["app", "repository", "source"]);
    schema["properties"]["source"]["minItems"] = json!(1);
    schema
}
