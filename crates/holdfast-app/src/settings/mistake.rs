//! Mistakes: where they are, what is wrong, what to write instead.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::mask;

/// Longest excerpt of a line, in characters; a longer line is cut around the mistake.
const EXCERPT_CHARS_MAX: usize = 100;

/// An error in an app file, or a warning.
///
/// It prints as `FILE:LINE:COLUMN: message`, the line with carets under the mistake, and what to
/// write instead. Anything in the line that looks like a secret is masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The app file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// The line with its secrets masked, cut if it is long.
    excerpt: String,
    /// The characters of the excerpt to mark.
    caret: Range<usize>,
    /// True if it reports something missing, which a syntax error elsewhere may explain.
    pub(crate) is_absence: bool,
}

impl Mistake {
    /// The same mistake, marked as reporting something missing.
    pub(crate) fn of_absence(self) -> Self {
        Self { is_absence: true, ..self }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, message, help, excerpt, caret, .. } = self;
        writeln!(f, "{}:{line}:{column}: {message}", self.file.display())?;
        let number = line.to_string();
        writeln!(f, "  {number} | {excerpt}")?;
        let carets = "^".repeat(caret.len().max(1));
        writeln!(
            f,
            "  {:width$} | {:start$}{carets}",
            "",
            "",
            width = number.len(),
            start = caret.start
        )?;
        write!(f, "  try: {help}")
    }
}

/// The text of an app file, which locates mistakes in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceText<'t> {
    pub(crate) file: &'t Path,
    pub(crate) text: &'t str,
}

impl SourceText<'_> {
    /// A mistake at these bytes of the text.
    pub(crate) fn mistake(&self, span: Range<usize>, message: String, help: String) -> Mistake {
        self.mistake_hiding(span, None, message, help)
    }

    /// Like [`mistake`](Self::mistake), with the bytes in `hidden` masked.
    pub(crate) fn mistake_hiding(
        &self,
        span: Range<usize>,
        hidden: Option<Range<usize>>,
        message: String,
        help: String,
    ) -> Mistake {
        let start = self.boundary(span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let rest = &self.text[line_start..];
        let line = rest.lines().next().unwrap_or("");
        let end = self.boundary(span.end.max(start)).min(line_start + line.len()).max(start);
        let within = |at: usize| self.boundary(at).saturating_sub(line_start).min(line.len());
        let hidden = hidden.map(|hidden| within(hidden.start)..within(hidden.end));
        let (excerpt, caret) = excerpt(line, start - line_start..end - line_start, hidden);
        Mistake {
            file: self.file.to_owned(),
            line: self.text[..line_start].matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            message,
            help,
            excerpt,
            caret,
            is_absence: false,
        }
    }

    /// The offset itself, or the nearest one before it that is not inside a character.
    fn boundary(&self, at: usize) -> usize {
        self.text.floor_char_boundary(at)
    }
}

/// The line as shown, and the characters in it that `span` (in bytes of the line) covers.
fn excerpt(line: &str, span: Range<usize>, hidden: Option<Range<usize>>) -> (String, Range<usize>) {
    let span = span.start.min(line.len())..span.end.min(line.len());
    let (masked, span) = mask::line(line, span, hidden);
    let start = masked[..span.start].chars().count();
    let end = start + masked[span].chars().count();
    let skipped = if end < EXCERPT_CHARS_MAX { 0 } else { start.saturating_sub(10) };
    let shown = masked.chars().skip(skipped).take(EXCERPT_CHARS_MAX);
    let shown: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
    let length = shown.chars().count();
    (shown, start - skipped..(end - skipped).min(length.max(start - skipped)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, what: &str, expected: &str) {
        let at = text.find(what).unwrap();
        let page = SourceText { file: Path::new("app.toml"), text };
        let mistake = page.mistake(at..at + what.len(), "it is wrong".into(), "right".into());
        assert_eq!(mistake.to_string(), expected, "{text:?}");
    }

    #[test]
    fn a_mistake_shows_its_line_and_place() {
        check(
            "[app]\nname = \"x y\"\n",
            "\"x y\"",
            "app.toml:2:8: it is wrong\n  2 | name = \"x y\"\n    |        ^^^^^\n  try: right",
        );
        check(
            "a = 1\n\u{e4}\u{f6}\u{fc}\t= 2",
            "= 2",
            "app.toml:2:5: it is wrong\n  2 | \u{e4}\u{f6}\u{fc} = 2\n    |     ^^^\n  try: right",
        );
    }

    #[test]
    fn only_the_first_of_several_lines_is_marked() {
        check(
            "a = [\n1,\n2]\n",
            "[\n1,\n2]",
            "app.toml:1:5: it is wrong\n  1 | a = [\n    |     ^\n  try: right",
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_mistake() {
        let text = format!("a = \"{}HERE{}\"", "x".repeat(500), "y".repeat(500));
        let at = text.find("HERE").unwrap();
        let page = SourceText { file: Path::new("f"), text: &text };
        let mistake = page.mistake(at..at + 4, String::new(), String::new());
        assert_eq!(&mistake.excerpt[mistake.caret.clone()], "HERE");
        assert!(mistake.excerpt.len() <= EXCERPT_CHARS_MAX);
        assert_eq!(mistake.column, at + 1);
    }

    #[test]
    fn places_outside_the_text_are_tamed() {
        let page = SourceText { file: Path::new("f"), text: "a\u{e4}" };
        for (start, end) in [(0, 99), (2, 2), (99, 100), (3, 1)] {
            let text = page.mistake(start..end, "m".into(), "h".into()).to_string();
            assert!(text.contains('^'), "{text}");
        }
        let page = SourceText { file: Path::new("f"), text: "" };
        assert_eq!(page.mistake(0..0, "m".into(), "h".into()).line, 1);
    }
}
