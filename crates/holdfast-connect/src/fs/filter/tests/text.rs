//! Files of patterns.

use super::super::read_patterns;

fn variable(name: &[u8]) -> Option<Vec<u8>> {
    match name {
        b"HOME" => Some(b"/root".to_vec()),
        b"1" => Some(b"one".to_vec()),
        _ => None,
    }
}

fn check(content: &[u8], expected: &[&str]) {
    let found = read_patterns(content, &variable);
    let found: Vec<_> = found.iter().map(|line| String::from_utf8_lossy(line)).collect();
    assert_eq!(found, expected);
}

#[test]
fn lines_are_trimmed_and_comments_left_out() {
    check(
        b"\n  *.o \r\n# comment\n\t#indented\n!keep # no comment\n\n",
        &["*.o", "!keep # no comment"],
    );
    check("\u{a0}wide\u{2003}".as_bytes(), &["wide"]);
    check(b"", &[]);
}

#[test]
fn variables_are_replaced() {
    check(b"$HOME/x\n${HOME}y\n$HOMEx/z", &["/root/x", "/rooty", "/z"]);
    check(
        b"a$$b\n$\n$/x\n$1$2\n${1}\n${}x\n${open",
        &["a$b", "$", "$/x", "one", "one", "x", "open"],
    );
    check(b"$$HOME", &["$HOME"]);
}

#[test]
fn byte_order_marks_are_understood() {
    check(b"\xef\xbb\xbf*.o", &["*.o"]);
    check(b"\xff\xfe*\0.\0o\0\n\0x\0", &["*.o", "x"]);
    check(b"\xfe\xff\0*\0.\0o", &["*.o"]);
}

#[test]
fn names_that_are_no_text_stay_exact() {
    assert_eq!(read_patterns(b" \xff\xfe \n", &variable), [b"\xff\xfe".to_vec()]);
}
