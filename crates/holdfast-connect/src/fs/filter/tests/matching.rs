//! Single patterns, compared with what restic documents and does.

use super::super::{Filter, IncludeFilter, PatternError};

fn filter(pattern: &[u8]) -> Filter {
    Filter::new(&[pattern], &[]).unwrap()
}

/// Pattern, path, does it match.
const MATCHES: &[(&str, &str, bool)] = &[
    ("*.go", "/foo/bar/test.go", true),
    ("*.c", "/foo/bar/test.go", false),
    ("*", "/foo/bar/test.go", true),
    ("**", "/foo/bar/test.go", true),
    ("/", "/foo/bar/test.go", true),
    ("/**", "/foo", true),
    ("/foo/**", "/foo", true),
    ("/foo/**", "/bar", false),
    ("foo*", "/foo/bar/test.go", true),
    ("bar*", "/foo/bar/test.go", true),
    ("/bar*", "/foo/bar/test.go", false),
    ("bar/*", "/foo/bar/test.go", true),
    ("baz/*", "/foo/bar/test.go", false),
    ("bar/test.go", "/foo/bar/test.go", true),
    ("bar/*.go", "/foo/bar/test.go", true),
    ("ba*/*.go", "/foo/bar/test.go", true),
    ("bb*/*.go", "/foo/bar/test.go", false),
    ("test.*", "/foo/bar/test.go", true),
    ("tesT.*", "/foo/bar/test.go", false),
    ("bar/*", "/foo/bar/baz", true),
    ("bar", "/foo/bar", true),
    ("/foo/bar", "/foo/bar", true),
    ("/foo/bar/", "/foo/bar", true),
    ("/foo/bar", "/foo/baz", false),
    ("/foo/bar", "/foo/baz/", false),
    ("/foo///bar", "/foo/bar", true),
    ("/foo/../bar", "/foo/bar", false),
    ("/foo/../bar", "/bar", true),
    ("/../bar", "/bar", true),
    ("./bar", "/foo/bar", true),
    ("../bar", "/foo/bar", false),
    ("foo/..", "/foo", false),
    ("/foo", "/foo/baz", true),
    ("/foo/", "/foo/baz", true),
    ("/foo/*", "/foo", false),
    ("/foo/*", "/foo/baz", true),
    ("bar", "/foo/bar/baz", true),
    ("/foo/*test.*", "/foo/bar/test.go", false),
    ("/foo/*/test.*", "/foo/bar/test.go", true),
    ("/foo/*/bar/test.*", "/foo/bar/test.go", false),
    ("/*/*/bar/test.*", "/foo/bar/test.go", false),
    ("/*/*/bar/test.*", "/foo/bar/baz/test.go", false),
    ("/*/*/baz/test.*", "/foo/bar/baz/test.go", true),
    ("/*/foo/bar/test.*", "/foo/bar/baz/test.go", false),
    ("/foo/bar/test.*", "bar/baz/test.go", false),
    ("/x/y/bar/baz/test.*", "bar/baz/test.go", false),
    ("baz/test.*", "bar/baz/test.go", true),
    ("baz/tesT.*", "bar/baz/test.go", false),
    ("test.go", "bar/baz/test.go", true),
    ("sdk", "/foo/bar/sdk/test/sdk_foo.go", true),
    ("sdk/*/cpp/*/*vars*.html", "/usr/share/sdk/docs/cpp/ref/a00517.html", false),
    ("foo/**/bar/*.go", "/home/user/foo/work/special/project/bar/test.go", true),
    ("foo/**/bar/*.go", "/home/user/foo/bar/test.go", true),
    ("foo/**/bar/*.go", "x/foo/bar/test.go", true),
    ("foo/**/bar/*.go", "foo/bar/baz/bar/test.go", true),
    ("foo/**/bar/*.go", "/home/user/foo/test.c", false),
    ("foo/**/bar/*.go", "bar/foo/main.go", false),
    ("foo/**/bar/*.go", "/foo/bar/main.go", true),
    ("foo/**/bar/*.go", "bar/main.go", false),
    ("foo/**/bar", "/home/user/foo/x/y/bar", true),
    ("foo/**/bar", "/home/user/foo/x/y/bar/main.go", true),
    ("foo/**/bar/**/x", "/home/user/foo/bar/x", true),
    ("foo/**/bar/**/x", "/home/user/foo/blaaa/blaz/bar/shared/work/x", true),
    ("user/**/important*", "/home/user/work/x/y/hidden/x", false),
    ("user/**/hidden*/**/c", "/home/user/work/x/y/hidden/z/a/b/c", true),
    ("/home/[uU]ser/?.go", "/home/user/F.go", true),
    ("a**c", "/abc", true),
    ("c:/foo/*/test.*", "c:/foo/bar/test.go", true),
    ("c:/foo/*test.*", "c:/foo/bar/test.go", false),
];

#[test]
fn patterns_match_as_in_restic() {
    for (pattern, path, expected) in MATCHES {
        let found = filter(pattern.as_bytes()).excludes(path.as_bytes());
        assert_eq!(found, *expected, "pattern {pattern:?}, path {path:?}");
    }
}

/// Pattern for one component, name, does it match.
const COMPONENTS: &[(&[u8], &[u8], bool)] = &[
    (b"abc", b"abc", true),
    (b"*c", b"abc", true),
    (b"a*", b"a", true),
    (b"a*b*c*d*e*", b"axbxcxdxe", true),
    (b"a*b*c*d*e*x", b"axbxcxdxexxf", false),
    (b"a*b?c*x", b"abxbbxdbxebxczzx", true),
    (b"a*b?c*x", b"abxbbxdbxebxczzy", false),
    (b"ab[c]", b"abc", true),
    (b"ab[b-d]", b"abc", true),
    (b"ab[e-g]", b"abc", false),
    (b"ab[^c]", b"abc", false),
    (b"ab[^e-g]", b"abc", true),
    (b"a\\*b", b"a*b", true),
    (b"a\\*b", b"ab", false),
    ("a?b".as_bytes(), "a\u{263a}b".as_bytes(), true),
    ("a[^a]b".as_bytes(), "a\u{263a}b".as_bytes(), true),
    ("a???b".as_bytes(), "a\u{263a}b".as_bytes(), false),
    ("[a-\u{3b6}]*".as_bytes(), "\u{3b1}".as_bytes(), true),
    ("*[a-\u{3b6}]".as_bytes(), b"A", false),
    (b"[\\]a]", b"]", true),
    (b"[\\-]", b"-", true),
    (b"[x\\-]", b"x", true),
    (b"[x\\-]", b"z", false),
    (b"*x", b"xxx", true),
    (b"a]b", b"a]b", true),
    (b"\xff*", b"\xffabc", true),
    (b"?", b"\xff", true),
    (b"a[^x]", b"a\xff", true),
    (b"\xc3*", "\u{e9}".as_bytes(), true),
    (b"*\n*", b"a\nb", true),
];

#[test]
fn components_match_as_in_go() {
    for (pattern, name, expected) in COMPONENTS {
        let found = filter(pattern).excludes(&[b"/", *name].concat());
        assert_eq!(found, *expected, "pattern {pattern:?}, name {name:?}");
    }
}

#[test]
fn malformed_patterns_are_named() {
    let malformed: [&[u8]; 14] = [
        b"[]a]",
        b"[-]",
        b"[x-]",
        b"[-x]",
        b"[a-b-c]",
        b"[",
        b"[^",
        b"[^bc",
        b"a[",
        b"x/[",
        b"a\\",
        b"!a/[-]/b",
        b"[a/b]",
        b"[\xff]",
    ];
    for pattern in malformed {
        let name = String::from_utf8_lossy(pattern).into_owned();
        let expected = PatternError { pattern: name };
        assert_eq!(Filter::new(&[b"fine", pattern], &[]).unwrap_err(), expected);
        assert_eq!(IncludeFilter::new(&[], &[pattern]).unwrap_err(), expected);
    }
}
