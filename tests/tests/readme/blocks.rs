//! The console blocks of a Markdown text.

/// A command of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The text after the prompt.
    pub command: String,
    /// Its output, as far as it is shown.
    pub shown: Vec<String>,
}

/// The commands of all console blocks, in order.
pub fn of(markdown: &str) -> Vec<Vec<Shown>> {
    texts(markdown, "console").into_iter().map(commands).collect()
}

/// The text of all blocks in a language, in order.
pub fn texts<'a>(markdown: &'a str, language: &str) -> Vec<&'a str> {
    let mut blocks = Vec::new();
    let mut parts = markdown.split("\n```");
    // The text before the first fence, then alternately a block and the text after it.
    parts.next();
    while let Some(block) = parts.next() {
        if let Some((_, text)) = block.split_once('\n').filter(|(word, _)| *word == language) {
            blocks.push(text);
        }
        parts.next();
    }
    blocks
}

fn commands(text: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => {
                found.push(Shown { command: command.to_owned(), shown: Vec::new() });
            }
            (None, Some(last)) if last.command.ends_with('\\') => {
                last.command.push('\n');
                last.command.push_str(line);
            }
            (None, Some(last)) => last.shown.push(line.to_owned()),
            (None, None) => panic!("a console block must start with a command: {line}"),
        }
    }
    found
}

/// The first shown line that is not printed, in order. `...` matches anything, between lines or
/// within one, and any number matches any other: the output is an example.
pub fn missing<'a>(shown: &'a [String], printed: &str) -> Option<&'a str> {
    let mut lines = printed.lines();
    shown
        .iter()
        .filter(|line| line.trim() != "...")
        .find(|line| !lines.any(|printed| is_like(line, printed)))
        .map(String::as_str)
}

fn is_like(shown: &str, printed: &str) -> bool {
    let (shown, printed) = (without_numbers(shown), without_numbers(printed));
    let mut parts = shown.trim().split("...");
    let begin = parts.next().unwrap_or_default();
    let Some(mut rest) = printed.trim().strip_prefix(begin) else { return false };
    let mut last = None;
    for part in parts {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
        last = Some(part);
    }
    rest.is_empty() || last == Some("")
}

/// Replaces every number or id by `0`, and all white space by one blank.
fn without_numbers(line: &str) -> String {
    let is_number = |word: &str| {
        let digits = word.chars().filter(char::is_ascii_digit).count();
        // An id may happen to consist of letters only.
        (digits > 0 || word.len() == 8)
            && word.chars().all(|it| it.is_ascii_hexdigit() || "-:.,".contains(it))
    };
    let word = |word: &str| {
        let inner = word.trim_matches(['(', ')', ';', ',']);
        if is_number(inner) { word.replace(inner, "0") } else { word.to_owned() }
    };
    line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn commands_and_what_they_print_are_read() {
    let first = "text\n```console\n$ a \\\n    b\nprinted\n$ c\n```\n";
    let text = format!("{first}```\n$ no\n```\n\n```console\n$ d\n```\n");
    let shown = |command: &str, shown: &[&str]| Shown {
        command: command.to_owned(),
        shown: shown.iter().map(|line| (*line).to_owned()).collect(),
    };
    let expected =
        [vec![shown("a \\\n    b", &["printed"]), shown("c", &[])], vec![shown("d", &[])]];
    assert_eq!(of(&text), expected);
}

#[test]
fn what_is_shown_must_be_printed() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let printed = "files: 12 new\nsnapshot 251a54d6 saved\nread 2 packs (992 B); no more\n";
    for good in ["files: 3 new", "files: ...", "...\nsnapshot 0 saved", "... 2 packs ... more"] {
        assert_eq!(missing(&lines(good), printed), None, "{good}");
    }
    for bad in ["files: 3 old", "snapshot", "snapshot 0 saved\nfiles: 12 new", "... packs"] {
        assert!(missing(&lines(bad), printed).is_some(), "{bad}");
    }
}
