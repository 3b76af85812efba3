//! Reading one file: where its values are, and the mistakes found so far.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Mistake, SourceText};

/// A value of the file with its position.
pub(crate) type TomlNode<'t> = Spanned<DeValue<'t>>;

/// A step in the path of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TomlStep<'a> {
    Key(&'a str),
    Index(usize),
}

/// The file, what it is relative to, and the mistakes found in it.
pub(crate) struct SettingReader<'t> {
    page: SourceText<'t>,
    /// What relative paths are relative to.
    folder: &'t Path,
    mistakes: Vec<Mistake>,
    warnings: Vec<Mistake>,
}

impl<'t> SettingReader<'t> {
    pub(crate) fn new(page: SourceText<'t>, folder: &'t Path) -> Self {
        Self { page, folder, mistakes: Vec::new(), warnings: Vec::new() }
    }

    /// Notes a mistake.
    pub(crate) fn mistake(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.mistakes.push(self.page.mistake(span, message.into(), help.into()));
    }

    /// Number of mistakes noted so far.
    pub(crate) fn mistakes_count(&self) -> usize {
        self.mistakes.len()
    }

    /// Notes that something is missing.
    pub(crate) fn absence(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let mistake = self.page.mistake(span, message.into(), help.into());
        self.mistakes.push(mistake.of_absence());
    }

    /// Notes a mistake whose value is not shown.
    pub(crate) fn mistake_hiding(
        &mut self,
        span: Range<usize>,
        hidden: Option<Range<usize>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let (message, help) = (message.into(), help.into());
        self.mistakes.push(self.page.mistake_hiding(span, hidden, message, help));
    }

    /// Notes a warning.
    pub(crate) fn warning(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.warnings.push(self.page.mistake(span, message.into(), help.into()));
    }

    /// The absolute form of a path in the file, without `.`, `..` and doubled slashes.
    pub(crate) fn absolute(&self, path: impl AsRef<Path>) -> PathBuf {
        normal(&self.folder.join(path))
    }

    /// Mistakes and warnings, each in the order of the file.
    ///
    /// A syntax error may make anything seem missing, so with one, absences are not reported.
    pub(crate) fn finish(mut self, syntax: Vec<Mistake>) -> (Vec<Mistake>, Vec<Mistake>) {
        if !syntax.is_empty() {
            let is_explained = |mistake: &Mistake| {
                mistake.is_absence || syntax.iter().any(|other| other.line == mistake.line)
            };
            self.mistakes.retain(|mistake| !is_explained(mistake));
            self.mistakes.extend(syntax);
        }
        for list in [&mut self.mistakes, &mut self.warnings] {
            list.sort_by_key(|mistake| (mistake.line, mistake.column));
            list.dedup();
        }
        (self.mistakes, self.warnings)
    }
}

/// The path without `.`, `..` and doubled slashes; only its text is used.
pub(crate) fn normal(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// Position of the value at the end of the steps, or of the last one that exists on the way.
pub(crate) fn place(root: &Spanned<DeTable<'_>>, steps: &[TomlStep<'_>]) -> Range<usize> {
    let nearest = (0..=steps.len()).rev().find_map(|length| find(root, &steps[..length]));
    nearest.map_or(0..0, Spanned::span)
}

/// The value at the end of the steps.
pub(crate) fn find<'r, 't>(
    root: &'r Spanned<DeTable<'t>>,
    steps: &[TomlStep<'_>],
) -> Option<&'r TomlNode<'t>> {
    let (first, rest) = steps.split_first()?;
    let TomlStep::Key(key) = first else { return None };
    let mut node = root.get_ref().get(*key)?;
    for step in rest {
        node = match step {
            TomlStep::Key(key) => node.get_ref().as_table()?.get(*key)?,
            TomlStep::Index(index) => node.get_ref().as_array()?.get(*index)?,
        };
    }
    Some(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_are_relative_to_the_folder() {
        let page = SourceText { file: Path::new("x"), text: "" };
        let reader = SettingReader::new(page, Path::new("/etc/holdfast"));
        for (text, absolute) in [
            ("/srv/x", "/srv/x"),
            ("/srv//x/./y/../z/", "/srv/x/z"),
            ("key", "/etc/holdfast/key"),
            ("../key", "/etc/key"),
            ("../../../../key", "/key"),
        ] {
            assert_eq!(reader.absolute(text), Path::new(absolute), "{text}");
        }
    }

    #[test]
    fn a_place_is_found_by_its_way() {
        let text = "[a]\nb = [1, { c = 22 }]\n";
        let root = DeTable::parse(text).unwrap();
        let at = |steps: &[TomlStep<'_>]| &text[place(&root, steps)];
        let (a, b, c) = (TomlStep::Key("a"), TomlStep::Key("b"), TomlStep::Key("c"));
        assert_eq!(at(&[a, b, TomlStep::Index(1), c]), "22");
        assert_eq!(at(&[a, b, TomlStep::Index(0)]), "1");
        assert_eq!(at(&[a, b, TomlStep::Index(7)]), "[1, { c = 22 }]");
        assert_eq!(at(&[a]), "[a]");
        assert_eq!(at(&[c]), "");
    }
}
