//! The rules of CONTRIBUTING.md that a program can check, applied to every file of the tree.
//!
//! Each rule is a function of a path and a text that returns its violations; `samples` shows that
//! each rule can fail.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "all of this is a test")]

mod children;
mod crates;
mod finding;
mod markdown;
mod names;
mod rust;
mod samples;
mod text;
mod tree;
mod words;

use finding::Finding;
use tree::Tree;

type Rule = fn(&Tree) -> Vec<Finding>;

#[track_caller]
fn holds(rules: &[Rule]) {
    let tree = Tree::of_the_project();
    let findings: Vec<String> =
        rules.iter().flat_map(|rule| rule(&tree)).map(|finding| finding.to_string()).collect();
    assert!(findings.is_empty(), "{} times:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn the_tree_is_read() {
    let tree = Tree::of_the_project();
    assert!(tree.with_extension("rs").count() > 300);
    for path in ["README.md", "crates/holdfast/src/main.rs", "fuzz/Cargo.toml", "dev", ".ci/run"] {
        assert!(tree.text(path).is_some(), "{path}");
    }
}

#[test]
fn crates_use_only_what_stands_below_them() {
    holds(&[crates::layers]);
}

#[test]
fn sources_keep_their_size_and_form() {
    holds(&[rust::files, rust::functions, rust::lines, rust::first_lines, rust::roots]);
}

#[test]
fn sources_are_ascii_and_finished() {
    holds(&[text::ascii, text::leftovers, text::machine_paths, text::line_ends]);
}

#[test]
fn links_and_decisions_resolve() {
    holds(&[markdown::links, markdown::decisions]);
}

#[test]
fn the_command_line_is_known_to_the_binary_alone() {
    holds(&[words::command_line]);
}

#[test]
fn each_type_name_has_one_meaning() {
    holds(&[names::types]);
}

#[test]
fn children_are_made_in_one_place() {
    holds(&[children::one_maker]);
}
