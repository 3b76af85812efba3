//! Random patterns and paths against a slow reference that follows restic step by step.

use proptest::prelude::*;

use super::super::IncludeFilter;

/// Go's `filepath.Match` without classes, by recursion.
fn component(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            component(rest, name) || (!name.is_empty() && component(pattern, &name[1..]))
        }
        (Some((b'?', rest)), Some((_, behind))) => component(rest, behind),
        (Some((byte, rest)), Some((first, behind))) if byte == first => component(rest, behind),
        _ => false,
    }
}

/// Components as restic splits them: the root is a component of its own.
fn split(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    if parts[0].is_empty() {
        parts[0] = "/".to_owned();
    }
    parts
}

/// restic's match: `**` is replaced by zero, one, two... times `*`. restic stops too early where a
/// pattern has more than one `**` and the path is short; its manual does not mention this.
fn matches(pattern: &[String], path: &[String]) -> bool {
    if let Some(position) = pattern.iter().position(|part| part == "**") {
        return (0..=path.len()).any(|count| {
            let mut expanded = pattern[..position].to_vec();
            expanded.extend(vec!["*".to_owned(); count]);
            expanded.extend_from_slice(&pattern[position + 1..]);
            matches(&expanded, path)
        });
    }
    if pattern.is_empty() || pattern.len() > path.len() {
        return false;
    }
    let last = if pattern[0] == "/" { 0 } else { path.len() - pattern.len() };
    let first = usize::from(pattern[0] != "/" && path[0] == "/");
    (first..=last).any(|offset| {
        let mut pairs = pattern.iter().zip(&path[offset..]);
        pairs.all(|(part, name)| match (part.as_str(), name.as_str()) {
            ("/", "/") => true,
            ("/", _) | (_, "/") => false,
            (part, name) => component(part.as_bytes(), name.as_bytes()),
        })
    })
}

/// restic's `childMatch`.
fn may_match_below(pattern: &[String], path: &[String]) -> bool {
    if pattern[0] != "/" {
        return true;
    }
    let stop = pattern.iter().position(|part| part == "**").unwrap_or(pattern.len());
    let length = stop.min(path.len());
    let path = if stop < pattern.len() { &path[..length] } else { path };
    matches(&pattern[..length.min(pattern.len())], path)
}

/// restic's `ListWithChild`.
fn list(patterns: &[String], path: &str) -> (bool, bool) {
    let (mut is_match, mut below) = (false, false);
    for text in patterns {
        let (is_negated, text) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text.as_str()),
        };
        let (pattern, path) = (split(text), split(path));
        let found = matches(&pattern, &path);
        if is_negated {
            (is_match, below) = (is_match && !found, below && !found);
        } else {
            (is_match, below) = (is_match || found, below || may_match_below(&pattern, &path));
        }
    }
    (is_match, below)
}

/// Patterns of few letters, so that they match often.
const ANY_PATTERN: &str = "!?/?([ab*?]{1,3}|\\*\\*)(/([ab*?]{1,3}|\\*\\*)){0,4}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn lists_agree_with_the_reference(
        patterns in prop::collection::vec(ANY_PATTERN, 1..4),
        path in "/[ab]{1,3}(/[ab]{1,3}){0,5}",
    ) {
        let filter = IncludeFilter::new(&patterns, &[]).unwrap();
        let found = (filter.matches(path.as_bytes()), filter.may_match_below(path.as_bytes()));
        prop_assert_eq!(found, list(&patterns, &path));
        let ignoring_case = IncludeFilter::new(&[], &patterns).unwrap();
        let path = path.to_uppercase();
        prop_assert_eq!(ignoring_case.matches(path.as_bytes()), found.0);
    }

    #[test]
    fn any_bytes_are_a_pattern_or_refused(pattern: Vec<u8>, path: Vec<u8>, any_case: bool) {
        let (none, one) = (vec![], vec![pattern]);
        let (exact, folded) = if any_case { (none, one) } else { (one, none) };
        if let Ok(filter) = IncludeFilter::new(&exact, &folded) {
            filter.matches(&path);
            filter.may_match_below(&path);
        }
    }
}
