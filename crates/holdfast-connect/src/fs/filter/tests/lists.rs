//! Lists of patterns: order, negation, case, and what may lie below a directory.

use super::super::{Filter, IncludeFilter};

/// Patterns, path, does the list match, may it match below.
const LISTS: &[(&[&str], &str, bool, bool)] = &[
    (&[], "/foo/bar/test.go", false, false),
    (&["*.go"], "/foo/bar/test.go", true, true),
    (&["*.go"], "/foo/bar", false, true),
    (&["*.go", "*.c"], "/foo/bar/test.go", true, true),
    (&["?"], "/foo/bar/test.go", false, true),
    (&["?", "x"], "/foo/bar/x", true, true),
    (&["/*/*/bar/test.*"], "/foo/bar/test.go", false, false),
    (&["/*/*/bar/test.*"], "/foo/bar/bar", false, true),
    (&["/*/*/bar/test.*", "*.go"], "/foo/bar/test.go", true, true),
    (&["", "*.c"], "/foo/bar/test.go", false, true),
    (&["!**", "*.go"], "/foo/bar/test.go", true, true),
    (&["!**", "*.c"], "/foo/bar/test.go", false, true),
    (&["/foo/*/test.*", "!*.c"], "/foo/bar/test.c", false, false),
    (&["/foo/*/test.*", "!*.c"], "/foo/bar/test.go", true, true),
    (&["/foo/*/*", "!test.*", "*.c"], "/foo/bar/test.go", false, true),
    (&["/foo/*/*", "!test.*", "*.c"], "/foo/bar/test.c", true, true),
    (&["/foo/*/*", "!test.*", "*.c"], "/foo/bar/file.go", true, true),
    (&["/**/*", "!/foo", "/foo/*", "!/foo/bar"], "/foo/other/test.go", true, true),
    (&["/**/*", "!/foo", "/foo/*", "!/foo/bar"], "/foo/bar", false, false),
    (&["/**/*", "!/foo", "/foo/*", "!/foo/bar"], "/foo/bar/test.go", false, false),
    (&["/**/*", "!/foo", "/foo/*", "!/foo/bar", "/foo/bar/t*"], "/foo/bar/t/child", true, true),
    (&["/foo/bar/*"], "/foo", false, true),
    (&["/foo/bar/*", "!/foo/bar/[a-m]*"], "/foo", false, true),
    (&["/foo/**/test.c"], "/foo/bar/foo/bar/test.c", true, true),
    (&["/foo/*/test.c"], "/foo/bar/foo/bar/test.c", false, false),
];

#[test]
fn lists_decide_as_in_restic() {
    for (patterns, path, matches, below) in LISTS {
        let include = IncludeFilter::new(patterns, &[]).unwrap();
        let exclude = Filter::new(patterns, &[]).unwrap();
        let path = path.as_bytes();
        assert_eq!(include.matches(path), *matches, "{patterns:?}");
        assert_eq!(include.may_match_below(path), *below, "{patterns:?} below {path:?}");
        assert_eq!(exclude.excludes(path), *matches, "{patterns:?}");
    }
}

/// Pattern, directory, may it match below.
const BELOW: &[(&str, &str, bool)] = &[
    ("foo/bar", "/foo", true),
    ("baz/bar", "/foo", true),
    ("*", "/foo/bar", true),
    ("/foo/bar/baz", "/foo", true),
    ("/foo/bar/baz", "/foo/bar", true),
    ("/foo/bar/baz", "/foo/baz", false),
    ("/foo/**/baz", "/foo/bar/baz/blah", true),
    ("/foo/**/qux", "/foo/bar/baz", true),
    ("/foo/**/qux", "/bar", false),
    ("/foo/**", "/foo/bar", true),
    ("/foo/*/qux", "/foo/bar", true),
    ("/foo/*/qux", "/foo/bar/boo", false),
    ("/baz/bar", "/foo", false),
    ("/foo", "/foo/bar", true),
    ("/*", "/foo/bar", true),
    ("/*/bar", "/foo", true),
    ("/bar/*", "/foo", false),
    ("/foo/*/baz", "/bar/baz", false),
    ("/**/bar", "/foo/bar", true),
];

#[test]
fn directories_are_looked_into_as_in_restic() {
    for (pattern, path, expected) in BELOW {
        let filter = IncludeFilter::new(&[pattern], &[]).unwrap();
        assert_eq!(filter.may_match_below(path.as_bytes()), *expected, "{pattern:?}, {path:?}");
    }
}

#[test]
fn case_is_ignored_on_request() {
    let patterns = ["*.go", "README.md", "/home/user/foobar/*", "\u{c4}\u{d6}[\u{dc}]?"];
    let filter = Filter::new(&[], &patterns).unwrap();
    let wide = "/\u{e4}\u{d6}\u{fc}\u{df}";
    for path in ["/home/user/foo.GO", "/home/user/FOObar/x", "/home/user/readme.md", wide] {
        assert!(filter.excludes(path.as_bytes()), "{path}");
    }
    for path in ["/home/user/foo.c", "/home/user/README", "/\u{e4}\u{f6}u!"] {
        assert!(!filter.excludes(path.as_bytes()), "{path}");
    }
    assert!(Filter::new(&[], &[b"\xffA*"]).unwrap().excludes(b"/\xffab\xfe"));
}

#[test]
fn negation_acts_within_its_list() {
    let filter = Filter::new(&["*.log", "!keep.log"], &["KEEP.*"]).unwrap();
    assert!(filter.excludes(b"/keep.log"), "the other list still excludes it");
    let filter = Filter::new(&["*.log", "!keep.log"], &[]).unwrap();
    assert!(filter.excludes(b"/var/a.log") && !filter.excludes(b"/var/keep.log"));
}

#[test]
fn no_rules_exclude_nothing() {
    let filter = Filter::default();
    assert!(filter.is_empty() && !filter.excludes(b"/x"));
    assert!(Filter::new(&[""], &[]).unwrap().is_empty());
    assert!(IncludeFilter::default().is_empty());
}
