//! Facts below, sentences at the edge: no crate below the binary speaks of its command line.

use super::finding::Finding;
use super::tree::Tree;

/// Crates whose errors and reports carry data; the binary adds what to do next.
const CRATES: [&str; 8] =
    ["app", "backend", "chunk", "connect", "engine", "format", "repo", "seal"];

/// The folder with one file or folder for each command.
const COMMANDS: &str = "crates/holdfast/src/cmd/";

/// Programs that a message may tell how to call.
const OTHER_PROGRAMS: [&str; 5] =
    ["pg_dump", "pg_dumpall", "{program}", "systemctl", "--from-file"];

/// No string literal names a flag or a command of the command line.
pub fn command_line(tree: &Tree) -> Vec<Finding> {
    let commands: Vec<String> = tree.files().filter_map(|(path, _)| command_of(path)).collect();
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs").filter(|(path, _)| is_below(path)) {
        for (line, literal) in literals(text) {
            let named = flag_in(&literal).or_else(|| command_in(&literal, &commands));
            findings.extend(named.map(|named| {
                Finding::new(path, line, format!("{named:?} belongs into the binary's hints"))
            }));
        }
    }
    findings
}

fn command_of(path: &str) -> Option<String> {
    let name = path.strip_prefix(COMMANDS)?.split('/').next()?;
    Some(name.trim_end_matches(".rs").replace('_', "-"))
}

fn is_below(path: &str) -> bool {
    let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
    let is_source = |name: &&str| path.starts_with(&format!("crates/holdfast-{name}/src/"));
    CRATES.iter().any(is_source) && !is_test
}

/// A flag in a sentence. A literal that begins with one is an argument of another program.
fn flag_in(literal: &str) -> Option<&str> {
    let names_other = OTHER_PROGRAMS.iter().any(|program| literal.contains(program));
    if literal.starts_with("--") || names_other {
        return None;
    }
    let start = literal.match_indices("--").map(|(place, _)| place).find(|place| {
        let is_begin = literal[..*place].ends_with([' ', '`', '(', '\n']);
        is_begin && literal[place + 2..].starts_with(|it: char| it.is_ascii_lowercase())
    })?;
    literal[start..].split([' ', '`', ')', ',']).next()
}

/// A command after the program's name, or in backquotes.
fn command_in<'a>(literal: &'a str, commands: &[String]) -> Option<&'a str> {
    let after = |before: &str, ends: &[char]| {
        literal.match_indices(before).find_map(|(place, _)| {
            let word = literal[place + before.len()..].split(ends).next()?;
            commands.iter().any(|it| it == word).then_some(word)
        })
    };
    after("run holdfast ", &[' ', '`', ','])
        .or_else(|| after("`holdfast ", &[' ', '`']))
        .or_else(|| after("`", &[' ', '`']))
}

/// The string literals outside comments and tests at the end, each with the line that it ends in.
fn literals(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        if line == "mod tests {" {
            break;
        }
        if open.is_none() && line.trim_start().starts_with("//") {
            continue;
        }
        let mut rest = line.chars().peekable();
        if open.is_some() {
            while rest.next_if(|it| *it == ' ').is_some() {}
        }
        while let Some(next) = rest.next() {
            match (&mut open, next) {
                (Some(literal), '\\') => literal.extend(rest.next()),
                (Some(_), '"') => found.extend(open.take().map(|literal| (index + 1, literal))),
                (Some(literal), other) => literal.push(other),
                (None, '"') => open = Some(String::new()),
                // The character of a quotation mark.
                (None, '\'') if rest.peek() == Some(&'"') => drop(rest.next()),
                (None, '/') if rest.peek() == Some(&'/') => break,
                _ => {}
            }
        }
    }
    found
}
