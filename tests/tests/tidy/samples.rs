//! Every rule finds its violations, with their positions.

use super::finding::Finding;
use super::tree::Tree;
use super::{Rule, children, crates, markdown, names, rust, text, words};

/// Checks that a rule reports exactly this in a tree of these files.
#[track_caller]
fn check(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
    let found: Vec<String> = rule(&Tree::of(files)).iter().map(Finding::to_string).collect();
    assert_eq!(found, expected);
}

fn long_function(lines: usize) -> String {
    let body = "    call();\n".repeat(lines - 2);
    format!("//! Sample.\n\npub(crate) async fn long() {{\n{body}}}\n\nfn short() {{}}\n")
}

#[test]
fn long_files_are_found() {
    let line = "//! Sample.\n";
    let (good, bad) = (line.repeat(400), line.repeat(801));
    check(rust::files, &[("a.rs", &good)], &[]);
    let found = ["b.rs: 801 lines; at most 800", "b.rs: 801 lines; at most 400"];
    check(rust::files, &[("a.rs", &good), ("b.rs", &bad)], &found);
    check(rust::files, &[("c.rs", &line.repeat(401))], &["c.rs: 401 lines; at most 400"]);
}

#[test]
fn long_functions_are_found() {
    check(rust::functions, &[("a.rs", &long_function(70))], &[]);
    let found = ["a.rs:3: a function of 71 lines; at most 70"];
    check(rust::functions, &[("a.rs", &long_function(71))], &found);
    // A method whose signature takes several lines, after one without a body.
    let body = "        call();\n".repeat(70);
    let method = format!("trait T {{\n    fn a(\n    );\n    fn b(\n    ) {{\n{body}    }}\n}}\n");
    let found = ["a.rs:4: a function of 73 lines; at most 70"];
    check(rust::functions, &[("a.rs", &method)], &found);
}

#[test]
fn long_lines_and_silent_files_are_found() {
    let wide = format!("//! Sample.\n{}\n{}\n", "a".repeat(100), "b".repeat(101));
    check(rust::lines, &[("a.rs", &wide)], &["a.rs:3: 101 columns; at most 100"]);
    let files = [("a.rs", "//! Sample.\n"), ("b.rs", "use a;\n"), ("c.rs", "//!\n")];
    let rule = "begins with //! and what it is for";
    let found = [format!("b.rs:1: {rule}"), format!("c.rs:1: {rule}")];
    check(rust::first_lines, &files, &found.each_ref().map(String::as_str));
}

#[test]
fn text_that_must_not_be_is_found() {
    let files = [("a.rs", "fine\nna\u{ef}ve\n"), ("dev", "\u{2014}\n"), ("a.md", "\u{2014}\n")];
    let found = ["a.rs:2: ASCII only, not U+00EF", "dev:1: ASCII only, not U+2014"];
    check(text::ascii, &files, &found);
    let later = format!("fine\n// {}: later\nto{}s\n", concat!("TO", "DO"), "do");
    let found = [concat!("a.rs:2: TO", "DO: do it now, or say what is so")];
    check(text::leftovers, &[("a.rs", &later)], &found);
    check(
        text::line_ends,
        &[("a.md", "a \nb\r\nc\n")],
        &["a.md:1: ends with a blank", "a.md:2: ends with a blank"],
    );
}

#[test]
fn folders_of_a_machine_are_found() {
    let tree = Tree::of(&[("a.md", "x/build/me/y\n/build/men\nsee /build/me/y.\n")]);
    let found = text::names_none_of(&tree, &["/build/me".to_owned()]);
    assert_eq!(found, [Finding::new("a.md", 3, "/build/me is a folder of one machine")]);
}

#[test]
fn dependencies_on_higher_layers_are_found() {
    let layers = "# A\n\n## Layers\nText.\n```\n1 holdfast-b  text\n0 holdfast-a  text\n\
                  1 holdfast-c  text\n1 holdfast-d  text\n```\n";
    let files = [
        ("crates/holdfast-a/Cargo.toml", "[package]\nname = \"holdfast-a\"\n\n[dependencies]\n"),
        (
            "crates/holdfast-b/Cargo.toml",
            "[package]\nname = \"holdfast-b\"\n\n[dependencies]\nholdfast-a.workspace = true\n",
        ),
        (
            "crates/holdfast-c/Cargo.toml",
            "[package]\nname = \"other\"\n\n[dev-dependencies]\nholdfast-b = { path = \"x\" }\n",
        ),
        ("crates/holdfast-e/Cargo.toml", "[package]\nname = \"holdfast-e\"\n"),
        ("docs/architecture.md", layers),
    ];
    check(
        crates::layers,
        &files,
        &[
            "crates/holdfast-c/Cargo.toml: the package is named as its folder is",
            "crates/holdfast-c/Cargo.toml:5: holdfast-c (layer 1) does not stand above holdfast-b",
            "crates/holdfast-e/Cargo.toml: has no layer in docs/architecture.md",
            "docs/architecture.md: no crate holdfast-d",
        ],
    );
}

#[test]
fn broken_links_are_found() {
    let files = [
        ("docs/a.md", "# A, b & c\n[up](../README.md#top) [self](#a-b--c) `[x](y)`\n"),
        ("README.md", "# Top\n[a](docs/a.md)\n[b](docs/b.md)\n[c](docs/a.md#x)\n[d](../x)\n"),
        ("c.md", "```\n[x](y)\n```\n[web](https://example.org/x)\n[x]: y.md\n[docs](docs/)\n"),
    ];
    check(
        markdown::links,
        &files,
        &[
            "README.md:3: docs/b.md does not exist",
            "README.md:4: docs/a.md#x: no such heading",
            "README.md:5: ../x leads out of the tree",
            "c.md:5: y.md does not exist",
        ],
    );
}

#[test]
fn decisions_out_of_order_are_found() {
    let files = [
        ("docs/decisions/0001-a.md", "# 0001: a\n"),
        ("docs/decisions/0003-b.md", "# 0002: b\n"),
        ("docs/decisions/README.md", "[a](0001-a.md)\n"),
    ];
    check(
        markdown::decisions,
        &files,
        &[
            "docs/decisions/0003-b.md: should be number 0002",
            "docs/decisions/0003-b.md:1: the heading begins with the number",
            "docs/decisions/0003-b.md: no document links here",
        ],
    );
}

#[test]
fn children_made_elsewhere_are_found() {
    let text = "#[cfg(test)]\nmod tests;\nfn a() {\n    Command::new(\"x\");\n}\nmod tests {\n    \
                Command::new(\"y\");\n}\n";
    let files = [
        ("crates/a/src/lib.rs", text),
        ("crates/a/tests/b.rs", text),
        ("crates/holdfast-connect/src/child.rs", text),
    ];
    let maker = "crates/holdfast-connect/src/child.rs";
    let found = format!("crates/a/src/lib.rs:4: a child process, which only {maker} may create");
    check(children::one_maker, &files, &[&found]);
}

#[test]
fn words_of_the_command_line_are_found() {
    let text = r#"// run holdfast prune
fn a() {
    f("it is lost: run holdfast prune, or");
    g("use \
       --no-cache", "--schema-only", '"', "see `repair index`");
    h("a holdfast repository", "pg_dump --create", "`x`", "--");
}
mod tests {
    f("run holdfast prune");
}
"#;
    let files = [
        ("crates/holdfast-repo/src/a.rs", text),
        ("crates/holdfast-repo/tests/a.rs", text),
        ("crates/holdfast/src/cmd/prune.rs", text),
        ("crates/holdfast/src/cmd/repair/index.rs", text),
    ];
    let found = [
        "crates/holdfast-repo/src/a.rs:3: \"prune\" belongs into the binary's hints",
        "crates/holdfast-repo/src/a.rs:5: \"--no-cache\" belongs into the binary's hints",
        "crates/holdfast-repo/src/a.rs:5: \"repair\" belongs into the binary's hints",
    ];
    check(words::command_line, &files, &found);
}

#[test]
fn items_in_the_root_of_a_crate_are_found() {
    let text =
        "//! Sample.\n#![x]\n\npub mod a;\npub(crate) use a::{\n    B,\n};\npub fn b() {\n}\n";
    let files = [("crates/a/src/lib.rs", text), ("tests/src/lib.rs", text)];
    check(rust::roots, &files, &["crates/a/src/lib.rs:8: only modules and re-exports"]);
}

#[test]
fn names_with_two_meanings_are_found() {
    let one = "pub struct Plan;\nstruct Args;\nimpl X {\n    type Target = u8;\n}\n";
    let other = "//! Other.\npub(crate) enum Plan<T> {}\nstruct Args;\n    type Target = u8;\n";
    let files = [("a.rs", one), ("b.rs", other), ("c.rs", "type Plan = u8;\nstruct Planned;\n")];
    let found = [
        "b.rs:2: type Plan is defined in a.rs too; give it another name",
        "c.rs:1: type Plan is defined in a.rs too; give it another name",
    ];
    check(names::types, &files, &found);
}
