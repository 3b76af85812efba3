//! Child processes are created in one place, which keeps secrets from them.

use super::finding::Finding;
use super::tree::Tree;

/// That place.
const MAKER: &str = "crates/holdfast-connect/src/child.rs";

/// Code that creates a child process.
const CALLS: [&str; 2] = ["Command::new(", "Command::from("];

/// No other file of the program creates child processes; tests may.
pub fn one_maker(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("rs").filter(|(path, _)| is_of_the_program(path)) {
        for (index, line) in text.lines().enumerate() {
            if line == "mod tests {" || line == "pub mod tests {" {
                break;
            }
            let is_call = |call: &&str| {
                let before = line.find(*call).map(|place| line[..place].chars().next_back());
                before.is_some_and(|it| !it.is_some_and(char::is_alphanumeric))
            };
            if CALLS.iter().any(is_call) {
                let rule = format!("a child process, which only {MAKER} may create");
                findings.push(Finding::new(path, index + 1, rule));
            }
        }
    }
    findings
}

fn is_of_the_program(path: &str) -> bool {
    let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
    path.starts_with("crates/") && path.contains("/src/") && !is_test && path != MAKER
}
