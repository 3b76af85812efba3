//! The layers of docs/architecture.md compared with the manifests.

use std::collections::BTreeMap;

use super::finding::Finding;
use super::tree::Tree;

const ARCHITECTURE: &str = "docs/architecture.md";

/// Every crate has a layer and depends only on lower ones, even in its tests.
pub fn layers(tree: &Tree) -> Vec<Finding> {
    let layers = documented(tree);
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for (path, text) in tree.with_extension("toml") {
        let Some(folder) =
            path.strip_prefix("crates/").and_then(|it| it.strip_suffix("/Cargo.toml"))
        else {
            continue;
        };
        seen.push(folder);
        let Some(own) = layers.get(folder) else {
            findings.push(Finding::new(path, 0, format!("has no layer in {ARCHITECTURE}")));
            continue;
        };
        if !text.contains(&format!("\nname = \"{folder}\"\n")) {
            findings.push(Finding::new(path, 0, "the package is named as its folder is"));
        }
        for (line, name) in dependencies(text) {
            if layers.get(name).is_none_or(|layer| layer >= own) {
                let rule = format!("{folder} (layer {own}) does not stand above {name}");
                findings.push(Finding::new(path, line, rule));
            }
        }
    }
    let gone = layers.keys().filter(|name| !seen.contains(name));
    findings.extend(gone.map(|name| Finding::new(ARCHITECTURE, 0, format!("no crate {name}"))));
    findings
}

/// The table of layers: lines of a digit and a name.
fn documented(tree: &Tree) -> BTreeMap<&str, u32> {
    let text = tree.text(ARCHITECTURE).unwrap_or_default();
    let section = text.split("\n## Layers\n").nth(1).unwrap_or_default();
    let block = section.split("```").nth(1).unwrap_or_default();
    let row = |line: &'_ str| -> Option<(usize, u32)> {
        let layer = line.split(' ').next()?.parse().ok()?;
        Some((line.find("holdfast")?, layer))
    };
    let rows =
        block.lines().filter_map(|line| row(line).map(|(start, layer)| (line, start, layer)));
    rows.filter_map(|(line, start, layer)| {
        line[start..].split(' ').next().map(|name| (name, layer))
    })
    .collect()
}

/// Crates of this project in dependency tables, with their lines.
fn dependencies(manifest: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_table = false;
    manifest.lines().enumerate().filter_map(move |(index, line)| {
        if line.starts_with('[') {
            is_table = line.ends_with("dependencies]");
        }
        let name = line.split(['.', ' ', '=']).next().filter(|name| name.starts_with("holdfast"));
        name.filter(|_| is_table).map(|name| (index + 1, name))
    })
}
