//! Rules for Rust files. All are formatted, so indentation shows where a function ends.

use super::finding::Finding;
use super::tree::Tree;

const FILE_LINES_MAX: usize = 800;
const FILE_LINES_USUAL: usize = 400;
/// One in this many files may be longer than usual.
const LONG_FILES: usize = 40;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

/// No file is too long, and only a few are longer than usual.
pub fn files(tree: &Tree) -> Vec<Finding> {
    let lengths: Vec<(&str, usize)> =
        tree.with_extension("rs").map(|(path, text)| (path, text.lines().count())).collect();
    let long = |limit| lengths.iter().filter(move |(_, lines)| *lines > limit);
    let found = |(path, lines): &(&str, usize), limit: usize| {
        Finding::new(path, 0, format!("{lines} lines; at most {limit}"))
    };
    let mut findings: Vec<Finding> =
        long(FILE_LINES_MAX).map(|file| found(file, FILE_LINES_MAX)).collect();
    if long(FILE_LINES_USUAL).count() > lengths.len() / LONG_FILES {
        findings.extend(long(FILE_LINES_USUAL).map(|file| found(file, FILE_LINES_USUAL)));
    }
    findings
}

/// No line is too long.
pub fn lines(tree: &Tree) -> Vec<Finding> {
    each_line(tree, |line| {
        let columns = line.chars().count();
        (columns > COLUMNS_MAX).then(|| format!("{columns} columns; at most {COLUMNS_MAX}"))
    })
}

/// Every file starts with a line that says what it is for.
pub fn first_lines(tree: &Tree) -> Vec<Finding> {
    let is_said = |text: &str| text.strip_prefix("//! ").is_some_and(|it| it.trim().len() > 3);
    let silent = tree.with_extension("rs").filter(|(_, text)| !is_said(text));
    silent.map(|(path, _)| Finding::new(path, 1, "begins with //! and what it is for")).collect()
}

/// The root of a crate contains only modules and re-exports.
pub fn roots(tree: &Tree) -> Vec<Finding> {
    let is_root = |path: &str| path.starts_with("crates/") && path.ends_with("/src/lib.rs");
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs").filter(|(path, _)| is_root(path)) {
        for (index, line) in text.lines().enumerate() {
            let item = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let is_allowed =
                [" ", "//", "#", "}", "mod ", "use "].iter().any(|it| item.starts_with(it));
            if !is_allowed && !item.is_empty() {
                findings.push(Finding::new(path, index + 1, "only modules and re-exports"));
            }
        }
    }
    findings
}

/// No function is too long.
pub fn functions(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs") {
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate().filter(|(_, line)| begins_function(line)) {
            let length = length_of(&lines[start..], line.len() - line.trim_start().len());
            if length > FUNCTION_LINES_MAX {
                let rule = format!("a function of {length} lines; at most {FUNCTION_LINES_MAX}");
                findings.push(Finding::new(path, start + 1, rule));
            }
        }
    }
    findings
}

/// True for the first line of a function, whatever precedes `fn`.
fn begins_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_before = |word: &str| {
        word.starts_with("pub") || ["const", "async", "unsafe", "extern", "\"C\""].contains(&word)
    };
    words.find(|word| !is_before(word) && *word != "super)" && *word != "crate)") == Some("fn")
}

/// Lines from the first one to the closing brace, or to the semicolon if there is no body.
fn length_of(lines: &[&str], indent: usize) -> usize {
    let is_last = |line: &&str| {
        let own = line.len() - line.trim_start().len() == indent && !line.trim().is_empty();
        own && (line.trim_start().starts_with('}') || line.ends_with(['}', ';']))
    };
    lines.iter().position(is_last).map_or(lines.len(), |last| last + 1)
}

fn each_line(tree: &Tree, rule: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs") {
        for (index, line) in text.lines().enumerate() {
            findings.extend(rule(line).map(|rule| Finding::new(path, index + 1, rule)));
        }
    }
    findings
}
