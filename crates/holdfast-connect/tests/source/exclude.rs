//! What rules exclude.

use std::fs;
use std::path::Path;

use holdfast_connect::fs::source::FsOptions;

use crate::{directory, scan_with};

const SIGNATURE: &str = "Signature: 8a477f597d28d172789f06886806bc55\n# made by a test";

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// Scans the files with these options; checks what is kept and what is excluded.
fn check(
    files: &[(&str, &str)],
    options: &FsOptions,
    patterns: &[&str],
    (left, excluded): (&[&str], &[&str]),
) {
    let directory = directory();
    write(directory.path(), files);
    let scan = scan_with(&[directory.path()], options.clone(), patterns);
    assert_eq!(scan.below(directory.path()), left);
    assert_eq!(scan.excluded(directory.path()), excluded);
    assert!(scan.unread().is_empty());
}

#[test]
fn patterns_leave_out_files_and_directories() {
    let files = [("a.o", ""), ("a.c", ""), ("sub/b.o", ""), ("tmp/x/y", ""), ("tmp/z", "")];
    let expected: (&[&str], &[&str]) = (&["a.c", "sub"], &["a.o", "sub/b.o", "tmp"]);
    check(&files, &FsOptions::default(), &["*.o", "*/tmp/"], expected);
    let files = [("keep/a.o", ""), ("keep/b.o", "")];
    let expected: (&[&str], &[&str]) = (&["keep", "keep/a.o"], &["keep/b.o"]);
    check(&files, &FsOptions::default(), &["*.o", "!a.o"], expected);
}

#[test]
fn a_named_path_can_be_excluded() {
    let directory = directory();
    write(directory.path(), &[("a/b", "")]);
    let named = directory.path().join("a/b");
    let scan = scan_with(&[&named], FsOptions::default(), &["b"]);
    assert_eq!(scan.excluded(directory.path()), ["a/b"]);
    assert_eq!(scan.below(directory.path()), ["a"]);
}

#[test]
fn caches_keep_their_tag_only() {
    let files = [
        ("cache/CACHEDIR.TAG", SIGNATURE),
        ("cache/big", ""),
        ("cache/sub/file", ""),
        ("fake/CACHEDIR.TAG", "Signature: something else"),
        ("fake/big", ""),
        ("short/CACHEDIR.TAG", "Sig"),
        ("short/big", ""),
    ];
    let options = FsOptions { exclude_caches: true, ..Default::default() };
    let left: &[&str] = &[
        "cache",
        "cache/CACHEDIR.TAG",
        "fake",
        "fake/CACHEDIR.TAG",
        "fake/big",
        "short",
        "short/CACHEDIR.TAG",
        "short/big",
    ];
    check(&files, &options, &[], (left, &["cache/big", "cache/sub"]));
}

#[test]
fn marked_directories_keep_their_mark_only() {
    let files = [
        ("any/.nobackup", "whatever"),
        ("any/x", ""),
        ("with/.skip", "yes, please"),
        ("with/x", ""),
        ("without/.skip", "no"),
        ("without/x", ""),
    ];
    let marks = vec![(b".nobackup".to_vec(), None), (b".skip".to_vec(), Some(b"yes".to_vec()))];
    let options = FsOptions { exclude_if_present: marks, ..Default::default() };
    let left: &[&str] =
        &["any", "any/.nobackup", "with", "with/.skip", "without", "without/.skip", "without/x"];
    check(&files, &options, &[], (left, &["any/x", "with/x"]));
}

#[test]
fn marks_that_cannot_be_read_leave_nothing_out() {
    let directory = directory();
    write(directory.path(), &[("x", "")]);
    fs::create_dir(directory.path().join("CACHEDIR.TAG")).unwrap();
    let options = FsOptions { exclude_caches: true, ..Default::default() };
    let scan = scan_with(&[directory.path()], options, &[]);
    assert_eq!(scan.below(directory.path()), ["CACHEDIR.TAG", "x"]);
}

#[test]
fn large_files_are_left_out() {
    let files = [("exact", "12345"), ("large", "123456"), ("small", "")];
    let options = FsOptions { exclude_larger_than: Some(5), ..Default::default() };
    check(&files, &options, &[], (&["exact", "small"], &["large"]));
}

#[test]
fn gitignore_files_are_honoured_on_request() {
    let files = [
        (".gitignore", "*.log\n/build/\n# comment\n"),
        ("a.log", ""),
        ("build/x", ""),
        ("sub/.gitignore", "!keep.log\nbuild\n"),
        ("sub/b.log", ""),
        ("sub/build/x", ""),
        ("sub/keep.log", ""),
        ("sub/x/build", ""),
        ("sub/x/keep.log", ""),
    ];
    let left: &[&str] =
        &[".gitignore", "sub", "sub/.gitignore", "sub/keep.log", "sub/x", "sub/x/keep.log"];
    let excluded: &[&str] = &["a.log", "build", "sub/b.log", "sub/build", "sub/x/build"];
    let options = FsOptions { gitignore: true, ..Default::default() };
    check(&files, &options, &[], (left, excluded));

    let directory = directory();
    write(directory.path(), &files);
    let scan = scan_with(&[directory.path()], FsOptions::default(), &[]);
    assert!(scan.excluded(directory.path()).is_empty(), "not unless asked for");
}
