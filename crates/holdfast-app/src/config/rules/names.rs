//! Names: each is used once, and refers to something that exists.

use crate::check::{CheckKind, CheckRule, Rows};
use crate::config::file::{AppFileDraft, AppFileTree};
use crate::kind::{AppSource, Class, DatabaseNames};
use crate::settings::SourceName;
use crate::settings::reader::SettingReader;
use crate::settings::section::Placed;

pub(super) fn check(
    draft: &AppFileDraft,
    tree: &AppFileTree<'_, '_>,
    reader: &mut SettingReader<'_>,
) {
    if tree.is_empty("source") {
        let help = "add a section that begins with [[source]], with a name and a type";
        reader.absence(0..0, "the file has no source", help);
    }
    let names = draft.sources.iter().map(|source| (source.index, source.value.name.as_str()));
    refuse_twice("source", names, tree, reader);
    let names = draft.checks.iter().map(|check| (check.index, check.value.name.as_str()));
    refuse_twice("check", names, tree, reader);
    let view = NameRules { draft, tree };
    for check in &draft.checks {
        view.check(check, reader);
    }
    for hook in &draft.hooks {
        if let Some(name) = &hook.value.source {
            view.source("hook", hook.index, "source", name, reader);
        }
    }
}

fn refuse_twice<'n>(
    section: &str,
    names: impl Iterator<Item = (usize, &'n str)>,
    tree: &AppFileTree<'_, '_>,
    reader: &mut SettingReader<'_>,
) {
    let mut seen: Vec<&str> = Vec::new();
    for (index, name) in names {
        if seen.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            let span = tree.of(section, index, "name");
            let message = format!("there is another {section} called \"{}\"", name.escape_debug());
            reader.mistake(span, message, "choose another name; case does not matter");
        }
        seen.push(name);
    }
}

struct NameRules<'a, 't> {
    draft: &'a AppFileDraft,
    tree: &'a AppFileTree<'a, 't>,
}

impl NameRules<'_, '_> {
    /// The source that a key names. If there is none, its absence has been noted, or the source
    /// exists but has mistakes of its own.
    fn source(
        &self,
        section: &str,
        index: usize,
        key: &str,
        name: &SourceName,
        reader: &mut SettingReader<'_>,
    ) -> Option<&Placed<AppSource>> {
        let found = self.draft.sources.iter().find(|source| source.value.name == *name);
        let names = self.tree.texts("source", "name");
        if found.is_none() && !names.contains(&name.as_str()) {
            let known = names.iter().map(|name| format!("\"{}\"", name.escape_debug()));
            let known: Vec<_> = known.collect();
            let help = match known.is_empty() {
                true => "add a [[source]] of this name".to_owned(),
                false => format!("{key} = {}", known.join(" or ")),
            };
            let message = format!("there is no source called \"{name}\"");
            reader.mistake(self.tree.of(section, index, key), message, help);
        }
        found
    }

    fn check(&self, check: &Placed<CheckRule>, reader: &mut SettingReader<'_>) {
        let Placed { index, value } = check;
        let asked = self.source("check", *index, "source", &value.source, reader);
        if let Some(asked) = asked {
            self.asked(*index, value, &asked.value, reader);
        }
        let CheckKind::Objects { objects_in, rows, sql } = &value.kind else { return };
        let holding = self.source("check", *index, "objects-in", objects_in, reader);
        if let (Some(asked), Some(holding)) = (asked, holding) {
            self.order(*index, asked, holding, reader);
        }
        if let Some(holding) = holding
            && holding.value.kind.row_names().is_none()
        {
            let message = format!("\"{objects_in}\" holds no objects that rows could refer to");
            let span = self.tree.of("check", *index, "objects-in");
            reader.mistake(span, message, "a source of type bucket or files");
        }
        if matches!(rows, Rows::Recent(_)) && !sql.to_ascii_lowercase().contains("time") {
            let span = self.tree.of("check", *index, "sql");
            let message = "recent rows are selected by a column time, which the query does not \
                           return";
            reader.mistake(span, message, "select ..., \"createdAt\" as time from ...");
        }
    }

    /// Checks that the source is a database that can be queried.
    fn asked(
        &self,
        index: usize,
        check: &CheckRule,
        source: &AppSource,
        reader: &mut SettingReader<'_>,
    ) {
        let Some(databases) = source.kind.queried() else {
            let message = format!("\"{}\" is not a database that can be queried", source.name);
            let span = self.tree.of("check", index, "source");
            reader.mistake(span, message, "a source of type postgres");
            return;
        };
        let DatabaseNames::Named(names) = databases else {
            if check.database.is_none() {
                let message = format!("\"{}\" has several databases", source.name);
                let span = self.tree.of("check", index, "source");
                reader.mistake(span, message, "add database = \"...\"");
            }
            return;
        };
        let listed: Vec<_> =
            names.iter().map(|name| format!("\"{}\"", name.escape_debug())).collect();
        let help = format!("database = {}", listed.join(" or "));
        match &check.database {
            Some(name) if !names.contains(name) => {
                let span = self.tree.of("check", index, "database");
                let message = format!("\"{}\" does not back up this database", source.name);
                reader.mistake(span, message, help);
            }
            None if names.len() > 1 => {
                let span = self.tree.of("check", index, "source");
                let message = format!("\"{}\" has several databases", source.name);
                reader.mistake(span, message, help);
            }
            _ => {}
        }
    }

    /// An application stores an object before the row that refers to it. So if the objects are
    /// captured after the rows, every captured row refers to an object that exists.
    fn order(
        &self,
        index: usize,
        asked: &Placed<AppSource>,
        holding: &Placed<AppSource>,
        reader: &mut SettingReader<'_>,
    ) {
        let (rows, objects) = (&asked.value, &holding.value);
        if holding.index < asked.index && rows.class == objects.class && rows.class == Class::Data {
            let message = format!(
                "\"{}\" is captured before \"{}\", so it would lack the objects of the newest \
                 rows",
                objects.name, rows.name,
            );
            let help = format!("move [[source]] \"{}\" below \"{}\"", objects.name, rows.name);
            reader.mistake(self.tree.of("check", index, "objects-in"), message, help);
        }
    }
}
