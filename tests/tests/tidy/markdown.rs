//! Links between the documents.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::tree::{Tree, extension_of};

const DECISIONS: &str = "docs/decisions/";

/// Every relative link points to a file or folder of the tree, and its anchor to a heading.
pub fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("md") {
        for (line, target) in targets(text) {
            findings.extend(broken(tree, path, &target).map(|it| Finding::new(path, line, it)));
        }
    }
    findings
}

/// Decisions are numbered from 1 without gaps, start with their number, and are linked.
pub fn decisions(tree: &Tree) -> Vec<Finding> {
    let mut linked = BTreeSet::new();
    for (path, text) in tree.with_extension("md") {
        linked.extend(targets(text).filter_map(|(_, target)| resolve(path, &target)));
    }
    let is_one = |path: &str| path.starts_with(DECISIONS) && !path.ends_with("/README.md");
    let mut findings = Vec::new();
    for (index, (path, text)) in tree.with_extension("md").filter(|it| is_one(it.0)).enumerate() {
        let number = format!("{:04}", index + 1);
        if !path.starts_with(&format!("{DECISIONS}{number}-")) {
            findings.push(Finding::new(path, 0, format!("should be number {number}")));
        }
        let own = path[DECISIONS.len()..].split('-').next().unwrap_or_default();
        if !text.starts_with(&format!("# {own}: ")) {
            findings.push(Finding::new(path, 1, "the heading begins with the number"));
        }
        if !linked.contains(path) {
            findings.push(Finding::new(path, 0, "no document links here"));
        }
    }
    findings
}

/// Why a link is broken.
fn broken(tree: &Tree, from: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let Some(path) = resolve(from, file) else {
        return Some(format!("{target} leads out of the tree"));
    };
    if !path.is_empty() && !tree.has(&path) {
        return Some(format!("{target} does not exist"));
    }
    let has_anchor = || tree.text(&path).is_some_and(|text| anchors(text).contains(anchor));
    let is_checked = !anchor.is_empty() && extension_of(&path) == "md";
    (is_checked && !has_anchor()).then(|| format!("{target}: no such heading"))
}

/// The path from the root for the target of a relative link; `None` outside the tree.
fn resolve(from: &str, target: &str) -> Option<String> {
    let file = target.split('#').next().unwrap_or_default();
    if file.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The link targets of a text, with their lines; code contains no links.
fn targets(text: &str) -> impl Iterator<Item = (usize, String)> {
    prose(text).flat_map(|(line, text)| {
        let inline = text.split("](").skip(1).filter_map(|it| it.split(')').next());
        let reference = text.starts_with('[').then(|| text.split_once("]: ")).flatten();
        let all = inline.chain(reference.map(|(_, target)| target.trim()));
        let all: Vec<String> = all.map(str::to_owned).collect();
        all.into_iter().map(move |target| (line, target))
    })
}

/// Lines outside code blocks, without inline code.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut is_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        let without_code = || line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        (!is_code && !is_fence).then(|| (index + 1, without_code()))
    })
}

/// The anchors of a text's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let heading = line.trim_start_matches('#');
        if is_code || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let kept = |it: &char| it.is_alphanumeric() || [' ', '-', '_'].contains(it);
        let slug: String = heading.trim().to_lowercase().chars().filter(kept).collect();
        let slug = slug.replace(' ', "-");
        // A second heading with the same words gets a number.
        let numbered = (1..).map(|number| format!("{slug}-{number}"));
        let free = [slug.clone()].into_iter().chain(numbered).find(|it| !found.contains(it));
        found.extend(free);
    }
    found
}
