//! The files of the tree and their text.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use holdfast_tests::project;

/// All text files by their path from the root.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

/// Generated files, and fuzz inputs, which can be anything.
const LEFT_OUT: [&str; 6] = [".git", "target", "corpus", "artifacts", "coverage", "seeds"];

impl Tree {
    /// The project that this test belongs to.
    pub fn of_the_project() -> Self {
        let mut tree = Self::default();
        tree.read(project::root(), "");
        tree
    }

    /// A made-up one.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self { files: files.iter().map(owned).collect() }
    }

    /// All files, in the order of their paths.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The files with this extension.
    pub fn with_extension(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(move |(path, _)| extension_of(path) == extension)
    }

    /// The text of one file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// True if there is a file, or a folder that is not empty.
    pub fn has(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.files.contains_key(path) || self.files.keys().any(|file| file.starts_with(&below))
    }

    fn read(&mut self, folder: &Path, prefix: &str) {
        for entry in fs::read_dir(folder).expect("folders of the tree can be read").flatten() {
            let name = entry.file_name().into_string().expect("names in the tree are UTF-8");
            let path = format!("{prefix}{name}");
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if LEFT_OUT.contains(&name.as_str()) {
                continue;
            } else if is_folder {
                self.read(&entry.path(), &format!("{path}/"));
            } else if let Ok(text) = fs::read_to_string(entry.path()) {
                self.files.insert(path, text);
            }
        }
    }
}

/// The part of the name after the last dot.
pub fn extension_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}
