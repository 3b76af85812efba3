//! Locations: keys are stored apart from the data they open, and no repository backs up itself.

use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::config::file::{AppFileDraft, AppFileTree};
use crate::kind::{AppSource, Class, FilesSettings};
use crate::settings::reader::SettingReader;
use crate::settings::section::Placed;
use crate::settings::{Password, RepositoryUrl};

pub(super) fn check(
    draft: &AppFileDraft,
    tree: &AppFileTree<'_, '_>,
    real: &dyn Fn(&Path) -> PathBuf,
    reader: &mut SettingReader<'_>,
) {
    let view = PlaceRules { draft, tree, real };
    view.keys_have_a_place(reader);
    view.repositories_differ(reader);
    let allowed = draft.secrets.as_ref().is_some_and(|rules| rules.allow_keys_with_data);
    if !allowed {
        view.keys_are_apart(reader);
    }
    view.repositories_are_outside(reader);
}

struct PlaceRules<'a, 't> {
    draft: &'a AppFileDraft,
    tree: &'a AppFileTree<'a, 't>,
    real: &'a dyn Fn(&Path) -> PathBuf,
}

/// A path that a source of files backs up.
struct Kept<'a> {
    index: usize,
    item: usize,
    path: &'a Path,
    source: &'a AppSource,
    files: &'a FilesSettings,
}

impl PlaceRules<'_, '_> {
    fn keys_have_a_place(&self, reader: &mut SettingReader<'_>) {
        let mut any = false;
        for Placed { index, value } in &self.draft.sources {
            let key = if value.class == Class::Keys { "class" } else { "globals" };
            if value.class == Class::Data && !value.kind.has_globals_apart() {
                continue;
            }
            any = true;
            if !self.tree.has_section("repository", "keys") {
                let message = format!("there is no repository for the keys of \"{}\"", value.name);
                let help = "[repository.keys] with a url and a password-file";
                reader.absence(self.tree.of("source", *index, key), message, help);
            }
        }
        if self.draft.keys_repository.is_some() && !any {
            let span = self.tree.key("repository", "keys");
            let help = "class = \"keys\" in a [[source]], or leave [repository.keys] out";
            reader.warning(span, "nothing is stored in the repository of keys", help);
        }
    }

    fn repositories_differ(&self, reader: &mut SettingReader<'_>) {
        let (Some(main), Some(keys)) = (&self.draft.repository, &self.draft.keys_repository) else {
            return;
        };
        let same = match (&main.url, &keys.url) {
            (RepositoryUrl::Local(main), RepositoryUrl::Local(keys)) => {
                let (main, keys) = ((self.real)(main), (self.real)(keys));
                main.starts_with(&keys) || keys.starts_with(&main)
            }
            (main, keys) => {
                main.to_string().trim_end_matches('/') == keys.to_string().trim_end_matches('/')
            }
        };
        if same {
            let span = self.tree.inner("repository", "keys", "url");
            let message = "keys and data go to the same location, so anyone who obtains one has \
                           the other";
            reader.mistake(span, message, "choose another location, ideally on another machine");
        }
        if main.password == keys.password {
            let span = self.tree.inner("repository", "keys", "url");
            let message = "both repositories open with the same password";
            reader.warning(span, message, "use another password-file in [repository.keys]");
        }
    }

    /// Storing a dump together with its key would defeat the encryption.
    fn keys_are_apart(&self, reader: &mut SettingReader<'_>) {
        let kept = self.kept();
        let data = || kept.iter().filter(|kept| kept.source.class == Class::Data);
        for key in kept.iter().filter(|kept| kept.source.class == Class::Keys) {
            for data in data() {
                if self.holds(data, key.path) || self.holds(key, data.path) {
                    let message = format!(
                        "\"{}\" would store the keys of \"{}\" together with the data they open",
                        data.source.name, key.source.name,
                    );
                    reader.mistake(self.span(data), message, self.apart(key.path));
                }
            }
        }
        let password = self.draft.keys_repository.as_ref().map(|keys| &keys.password);
        let Some(Password::File(path)) = password else { return };
        for data in data().filter(|data| self.holds(data, path)) {
            let name = &data.source.name;
            let message =
                format!("\"{name}\" would back up the password of the repository of keys");
            reader.mistake(self.span(data), message, self.apart(path));
        }
    }

    fn apart(&self, path: &Path) -> String {
        format!(
            "exclude = [\"{}\"], or allow-keys-with-data = true in [secrets]",
            path.display().to_string().escape_debug()
        )
    }

    /// A repository that backs up itself grows with every run.
    fn repositories_are_outside(&self, reader: &mut SettingReader<'_>) {
        let repositories = [&self.draft.repository, &self.draft.keys_repository];
        for kept in self.kept() {
            for repository in repositories.into_iter().flatten() {
                if let RepositoryUrl::Local(path) = &repository.url
                    && self.holds(&kept, path)
                {
                    let message = format!("\"{}\" would back up a repository", kept.source.name);
                    let path = path.display().to_string();
                    let help = format!("exclude = [\"{}\"]", path.escape_debug());
                    reader.mistake(self.span(&kept), message, help);
                }
            }
        }
    }

    fn kept(&self) -> Vec<Kept<'_>> {
        let mut kept = Vec::new();
        for Placed { index, value: source } in &self.draft.sources {
            if let Some(files) = source.kind.files() {
                let paths = files.paths.iter().enumerate();
                kept.extend(paths.map(|(item, path)| Kept {
                    index: *index,
                    item,
                    path,
                    source,
                    files,
                }));
            }
        }
        kept
    }

    /// True if a source backs up `path`, under this name or under that of a link.
    fn holds(&self, kept: &Kept<'_>, path: &Path) -> bool {
        let real = (self.real)(path);
        let inner = real.strip_prefix((self.real)(kept.path)).ok();
        let as_walked = inner.map(|inner| kept.path.join(inner));
        let names = [Some(path.to_owned()), as_walked];
        let is_kept = |name: &PathBuf| name.starts_with(kept.path) && !leaves_out(kept, name);
        names.iter().flatten().any(is_kept)
    }

    fn span(&self, kept: &Kept<'_>) -> Range<usize> {
        self.tree.item("source", kept.index, "paths", kept.item)
    }
}

fn leaves_out(kept: &Kept<'_>, path: &Path) -> bool {
    kept.files.filter().excludes(path.as_os_str().as_bytes())
}
