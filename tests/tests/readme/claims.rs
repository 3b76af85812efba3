//! The table of docs/claims.md: the promises of README.md, and the tests that show them.

/// Errors in the table. `read` returns the text of a file of the tree.
pub fn troubles(readme: &str, claims: &str, read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let rows: Vec<(String, &str)> = claims.lines().filter_map(row).collect();
    let (text, mut found) = (joined(readme), Vec::new());
    for (claim, tests) in &rows {
        if !text.contains(claim.as_str()) {
            found.push(format!("README.md does not say: {claim}"));
        }
        found.extend(wrong_tests(tests, read).map(|trouble| format!("{claim}: {trouble}")));
    }
    let has_row = |bullet: &&String| !rows.iter().any(|(claim, _)| bullet.contains(claim.as_str()));
    let bare = bullets(readme);
    found.extend(bare.iter().filter(has_row).map(|bullet| format!("no row for: {bullet}")));
    found
}

/// A row of the table: the promise, and the tests.
fn row(line: &str) -> Option<(String, &str)> {
    let (claim, tests) = line.strip_prefix("| ")?.strip_suffix(" |")?.rsplit_once(" | ")?;
    let is_head = claim == "README.md says" || claim.starts_with("---");
    (!is_head).then(|| (joined(claim), tests))
}

/// All list items except links to other documents.
fn bullets(markdown: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_item = false;
    for line in markdown.lines() {
        let number = line.split(". ").next().filter(|it| it.parse::<u32>().is_ok());
        let item = line.strip_prefix("- ").or_else(|| line.strip_prefix(&format!("{}. ", number?)));
        match item {
            Some(text) => found.push(text.to_owned()),
            None if is_item && line.starts_with("  ") => {
                if let Some(last) = found.last_mut() {
                    last.push(' ');
                    last.push_str(line);
                }
            }
            None => {}
        }
        is_item = item.is_some() || (is_item && line.starts_with("  "));
    }
    found.iter().map(|item| joined(item)).filter(|item| !item.starts_with('[')).collect()
}

/// A cell of tests: paths of files, each followed by names of functions in it.
fn wrong_tests(cell: &str, read: &dyn Fn(&str) -> Option<String>) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    let (mut path, mut text, mut count) = ("", None, 0);
    for span in cell.split('`').skip(1).step_by(2) {
        if span.contains('/') {
            (path, text) = (span, read(span));
            if text.is_none() {
                found.push(format!("{span} does not exist"));
            }
            continue;
        }
        count += 1;
        let begin = format!("fn {span}(");
        let is_there = |text: &String| text.lines().any(|it| it.trim_start().starts_with(&begin));
        if text.as_ref().is_some_and(|text| !is_there(text)) || path.is_empty() {
            found.push(format!("{path} has no test {span}"));
        }
    }
    if count == 0 {
        found.push("no test is named".to_owned());
    }
    found.into_iter()
}

/// The text with single blanks between words.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_wrong_with_a_table_is_said() {
    let readme = "It keeps\nall.\n\n- One promise, over\n  two lines.\n- Another.\n1. A third.\n\n\
                  - [a](a.md): a link\n";
    let read = |path: &str| (path == "tests/a.rs").then(|| "\nfn one() {}\n".to_owned());
    let head = "| README.md says | shown by |\n| --- | --- |\n";
    let check = |rows: &str, expected: &[&str]| {
        assert_eq!(troubles(readme, &format!("{head}{rows}"), &read), expected, "{rows}");
    };
    let good = "| It keeps all. | `tests/a.rs`: `one` |\n| One promise, over two | `tests/a.rs`: \
                `one`, `one` |\n| Another. | `tests/a.rs`: `one` |\n";
    check(&format!("{good}| A third. | `tests/a.rs`: `one` |\n"), &[]);
    check(good, &["no row for: A third."]);
    check(
        &format!("{good}| A third. | `tests/a.rs`: `two` |\n"),
        &["A third.: tests/a.rs has no test two"],
    );
    check(
        &format!("{good}| A third. | `tests/b.rs`: `one` |\n"),
        &["A third.: tests/b.rs does not exist"],
    );
    check(&format!("{good}| A third. | soon |\n"), &["A third.: no test is named"]);
    check(&format!("{good}| A third. | `one` |\n"), &["A third.:  has no test one"]);
    check(
        &format!("{good}| A third. | `tests/a.rs`: `one` |\n| A fourth. | `tests/a.rs`: `one` |\n"),
        &["README.md does not say: A fourth."],
    );
}
