//! One meaning for each word: a type name is defined in one file.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::tree::Tree;

/// Names that several files define, each for a reason.
const SHARED: [(&str, &str); 2] = [
    ("Args", "the arguments of a command, one for each file of the binary's commands"),
    ("World", "what the tests of one test binary share"),
];

/// No type name is defined in two files of the workspace.
pub fn types(tree: &Tree) -> Vec<Finding> {
    let mut places = BTreeMap::<&str, Vec<(&str, usize)>>::new();
    for (path, text) in tree.with_extension("rs") {
        for (number, line) in text.lines().enumerate() {
            if let Some(name) = defined(line) {
                places.entry(name).or_default().push((path, number + 1));
            }
        }
    }
    let is_shared = |name: &str| SHARED.iter().any(|(shared, _)| *shared == name);
    let mut findings = Vec::new();
    for (name, places) in places.into_iter().filter(|(name, _)| !is_shared(name)) {
        let Some((first, _)) = places.first().copied() else { continue };
        for (path, line) in places.into_iter().filter(|(path, _)| *path != first) {
            let message = format!("type {name} is defined in {first} too; give it another name");
            findings.push(Finding::new(path, line, message));
        }
    }
    findings
}

/// The type that a line defines. Indented aliases are associated types.
fn defined(line: &str) -> Option<&str> {
    let is_indented = line.starts_with(' ');
    let mut words = line.split_whitespace().peekable();
    words.next_if(|word| word.starts_with("pub"));
    words.next_if(|word| word.ends_with(')'));
    let rest = match words.next()? {
        "struct" | "enum" | "trait" | "union" => words.next()?,
        "type" if !is_indented => words.next()?,
        _ => return None,
    };
    let name = rest.split(|it: char| !it.is_alphanumeric() && it != '_').next()?;
    name.starts_with(|it: char| it.is_ascii_uppercase()).then_some(name)
}
