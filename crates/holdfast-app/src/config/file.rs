//! The whole file.

use std::ops::Range;

use serde_json::{Value as Json, json};
use toml::Spanned;
use toml::de::DeTable;

use super::app::{App, Run, SecretRules};
use super::check::Check;
use super::hook::{Hook, Restore};
use super::notify::Notify;
use super::reader::{Step, find, place};
use super::repository::{Repositories, Repository};
use super::retention::Retention;
use super::schedule::Schedule;
use super::section::{self, Placed, Section, Table};
use super::source::{Class, Globals, Source, SourceKind};

/// What a `holdfast.toml` says: all of an application, and what is to be done with it.
///
/// It holds no secret, only the names of the files and commands that give them.
#[derive(Debug, Clone, PartialEq)]
pub struct AppFile {
    /// Which application it is.
    pub app: App,
    /// Where snapshots go.
    pub repository: Repository,
    /// Where keys go.
    pub keys_repository: Option<Repository>,
    /// The parts, in the order in which they are captured; never empty.
    pub sources: Vec<Source>,
    /// What must hold between them.
    pub checks: Vec<Check>,
    /// Which snapshots stay; all without.
    pub retention: Option<Retention>,
    /// What a restore in place does around itself.
    pub restore: Restore,
    /// What happens to secrets met in ordinary sources.
    pub secrets: SecretRules,
    /// Commands around all this.
    pub hooks: Vec<Hook>,
    /// Who hears of a run.
    pub notify: Notify,
    /// How a run goes.
    pub run: Run,
    /// When runs begin.
    pub schedule: Schedule,
}

impl AppFile {
    /// The source of this name.
    pub fn source(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name.as_str() == name)
    }

    /// True if something goes to the repository of keys.
    pub fn has_keys(&self) -> bool {
        let mut sources = self.sources.iter();
        sources.any(|source| source.class == Class::Keys || source.kind.has_globals_apart())
    }

    /// The sources whose snapshot goes to the repository of this class. A database whose globals
    /// go with the keys is a source of both, which its kind tells.
    pub fn sources_of(&self, class: Class) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(move |source| source.class == class)
    }
}

/// The file as far as it could be read.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) app: Option<App>,
    pub(super) repository: Option<Repository>,
    pub(super) keys_repository: Option<Repository>,
    pub(super) sources: Vec<Placed<Source>>,
    pub(super) checks: Vec<Placed<Check>>,
    pub(super) retention: Option<Retention>,
    pub(super) restore: Option<Restore>,
    pub(super) secrets: Option<SecretRules>,
    pub(super) hooks: Vec<Placed<Hook>>,
    pub(super) notify: Option<Notify>,
    pub(super) run: Option<Run>,
    pub(super) schedule: Option<Schedule>,
}

impl Table for Draft {
    fn read(section: &mut Section<'_, '_>) -> Option<Self> {
        let app = section.required_table("app", "Which application this is.");
        let repositories: Option<Repositories> =
            section.required_table("repository", "Where snapshots go, and what opens the place.");
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
            retention: section
                .table("retention", "Which snapshots stay after a run. Without it all do."),
            restore: section.table("restore", "What a restore in place does around itself."),
            secrets: section.table(
                "secrets",
                "What happens to private keys and tokens that are met in ordinary sources.",
            ),
            hooks: section.tables("hook", "Commands around runs, sources and restores."),
            notify: section.table("notify", "Who hears of a run."),
            run: section.table("run", "How a run goes."),
            schedule: section.table("schedule", "When runs begin, for holdfast schedule."),
        })
    }
}

impl Draft {
    /// The file, if nothing that it needs is missing.
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

    /// Sends roles, with their verifiers of passwords, to the keys where there is a place for keys
    /// and the file does not say otherwise.
    pub(super) fn settle_globals(&mut self, tree: &Tree<'_, '_>) {
        if self.keys_repository.is_none() {
            return;
        }
        for Placed { index, value } in &mut self.sources {
            let says = tree.has("source", *index, "globals");
            if let SourceKind::Postgres(postgres) = &mut value.kind
                && !says
            {
                postgres.globals = Globals::WithKeys;
            }
        }
    }
}

fn values<T>(placed: Vec<Placed<T>>) -> Vec<T> {
    placed.into_iter().map(|placed| placed.value).collect()
}

/// The file as it is written, for the places of mistakes that concern several sections.
pub(super) struct Tree<'a, 't>(pub(super) &'a Spanned<DeTable<'t>>);

impl Tree<'_, '_> {
    /// The value of a key of a section.
    pub(super) fn key(&self, section: &str, key: &str) -> Range<usize> {
        place(self.0, &[Step::Key(section), Step::Key(key)])
    }

    /// The value of a key of a section within a section.
    pub(super) fn inner(&self, section: &str, inner: &str, key: &str) -> Range<usize> {
        place(self.0, &[Step::Key(section), Step::Key(inner), Step::Key(key)])
    }

    /// The value of a key of one of several sections of the same name.
    pub(super) fn of(&self, section: &str, index: usize, key: &str) -> Range<usize> {
        place(self.0, &[Step::Key(section), Step::Index(index), Step::Key(key)])
    }

    /// An item of a list that is such a value.
    pub(super) fn item(&self, section: &str, index: usize, key: &str, item: usize) -> Range<usize> {
        let steps = [Step::Key(section), Step::Index(index), Step::Key(key), Step::Index(item)];
        place(self.0, &steps)
    }

    /// All texts that a key has in sections of a name, also in those that could not be read.
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

    /// True if a section within a section is there.
    pub(super) fn has_section(&self, section: &str, inner: &str) -> bool {
        find(self.0, &[Step::Key(section), Step::Key(inner)]).is_some()
    }

    fn has(&self, section: &str, index: usize, key: &str) -> bool {
        find(self.0, &[Step::Key(section), Step::Index(index), Step::Key(key)]).is_some()
    }
}

/// The JSON schema of app files, for editors.
pub fn schema() -> Json {
    let mut schema = section::schema::<Draft>();
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("holdfast app file");
    schema["description"] =
        json!("What an application consists of, where its backups go, and when they are made.");
    schema["required"] = json!(["app", "repository", "source"]);
    schema["properties"]["source"]["minItems"] = json!(1);
    schema
}
