//! Rules for all text files.

use std::env;

use holdfast_tests::project;

use super::finding::Finding;
use super::tree::{Tree, extension_of};

/// Words for unfinished work, in two parts so that this file contains none of them.
const LEFTOVERS: [(&str, &str); 4] = [("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK")];
/// Extensions of files that are programs or read by programs; scripts have none.
const SOURCES: [&str; 7] = ["rs", "toml", "py", "sh", "yml", "yaml", ""];

/// Sources contain no characters that an editor may show as others.
pub fn ascii(tree: &Tree) -> Vec<Finding> {
    let sources = |path: &str| SOURCES.contains(&extension_of(path));
    by_line(tree, sources, |line| {
        let other = line.chars().find(|it| !it.is_ascii())?;
        Some(format!("ASCII only, not U+{:04X}", u32::from(other)))
    })
}

/// Nothing is left unfinished.
pub fn leftovers(tree: &Tree) -> Vec<Finding> {
    by_line(
        tree,
        |_| true,
        |line| {
            let word =
                LEFTOVERS.iter().map(|(a, b)| format!("{a}{b}")).find(|it| has_word(line, it))?;
            Some(format!("{word}: do it now, or say what is so"))
        },
    )
}

/// Nothing mentions the machine where it was written.
pub fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let test = env::current_exe().expect("a test knows its path");
    let target = test.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    let places = [Some(project::root()), target];
    let places = places.iter().flatten().filter(|place| place.components().count() > 2);
    names_none_of(tree, &places.map(|place| place.display().to_string()).collect::<Vec<_>>())
}

/// Nothing mentions these folders.
pub fn names_none_of(tree: &Tree, folders: &[String]) -> Vec<Finding> {
    by_line(
        tree,
        |_| true,
        |line| {
            let folder = folders.iter().find(|folder| has_word(line, folder))?;
            Some(format!("{folder} is a folder of one machine"))
        },
    )
}

/// Lines end with a newline, without trailing blanks.
pub fn line_ends(tree: &Tree) -> Vec<Finding> {
    let sources = |path: &str| SOURCES.contains(&extension_of(path)) || extension_of(path) == "md";
    by_line(tree, sources, |line| {
        line.ends_with([' ', '\t', '\r']).then(|| "ends with a blank".to_owned())
    })
}

/// True if the text occurs other than as part of a longer word or path.
fn has_word(line: &str, wanted: &str) -> bool {
    let is_inner = |it: char| it.is_ascii_alphanumeric() || "_-.".contains(it);
    line.match_indices(wanted).any(|(start, _)| {
        let (before, behind) = (&line[..start], &line[start + wanted.len()..]);
        !before.ends_with(is_inner) && !behind.starts_with(is_inner)
    })
}

fn by_line(
    tree: &Tree,
    is_meant: impl Fn(&str) -> bool,
    rule: impl Fn(&str) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| is_meant(path)) {
        // `lines` would treat a carriage return as part of the line ending.
        for (index, line) in text.split('\n').enumerate() {
            findings.extend(rule(line).map(|rule| Finding::new(path, index + 1, rule)));
        }
    }
    findings
}
