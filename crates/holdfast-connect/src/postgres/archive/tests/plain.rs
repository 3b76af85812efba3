//! The end of a script, wherever else its text may occur.

use crate::postgres::archive::{PlainCheck, PlainError, PlainKind};

fn check(script: &str, piece_bytes: usize) -> Result<PlainKind, PlainError> {
    let mut check = PlainCheck::new();
    script.as_bytes().chunks(piece_bytes).for_each(|piece| check.update(piece));
    check.finish()
}

const HEAD: &str = "--\n-- PostgreSQL database dump\n--\n\n";
const END: &str = "--\n-- PostgreSQL database dump complete\n--\n\n";
const CLUSTER_HEAD: &str = "--\n-- PostgreSQL database cluster dump\n--\n\n";
const CLUSTER_END: &str = "--\n-- PostgreSQL database cluster dump complete\n--\n\n";

/// It is complete as it is, and no shorter part of it is.
fn check_whole(script: &str, kind: PlainKind) {
    for piece_bytes in [1, 2, 7, script.len()] {
        assert_eq!(check(script, piece_bytes), Ok(kind), "{script:?}");
        for length in 0..script.len() {
            assert!(check(&script[..length], piece_bytes).is_err(), "{:?}", &script[..length]);
        }
    }
}

#[test]
fn only_the_whole_script_is_whole() {
    let body = "SET x = 1;\nCOPY t FROM stdin;\n1\n\\.\n\n\n";
    check_whole(&format!("{HEAD}{body}{END}"), PlainKind::Database);
    check_whole(&format!("{CLUSTER_HEAD}CREATE ROLE a;\n\n{CLUSTER_END}"), PlainKind::Cluster);
    let (restrict, release) = ("\\restrict Ab1\n\n", "\\unrestrict Ab1\n\n");
    let connect = "\\unrestrict Ab1\n\\connect app\n\\restrict Ab1\n\n";
    check_whole(&format!("{HEAD}{restrict}{body}{END}{release}"), PlainKind::Database);
    check_whole(
        &format!("{HEAD}-- Started on x\n\n{restrict}{connect}{body}{END}{release}"),
        PlainKind::Database,
    );
    check_whole(
        &format!("{CLUSTER_HEAD}{restrict}CREATE ROLE a;\n\n{release}{CLUSTER_END}"),
        PlainKind::Cluster,
    );
    // All databases: complete dumps within the dump.
    let database = format!("{restrict}{HEAD}{body}{END}{release}");
    check_whole(
        &format!("{CLUSTER_HEAD}{restrict}{release}{database}{database}{CLUSTER_END}"),
        PlainKind::Cluster,
    );
}

#[test]
fn the_text_in_the_data_is_not_the_end() {
    // A function whose body looks like the end, in a script that is cut right after it.
    let forged = format!("{HEAD}\\restrict Ab1\n\nCREATE FUNCTION f() AS '\n{END}");
    assert_eq!(check(&forged, 11), Err(PlainError::CutShort));
    let other_word = format!("{forged}\\unrestrict Cd2\n\n");
    assert_eq!(check(&other_word, 11), Err(PlainError::CutShort));
    let wrong_kind = format!("{CLUSTER_HEAD}\n{END}");
    assert_eq!(check(&wrong_kind, 11), Err(PlainError::CutShort));
    let still_restricted = format!("{CLUSTER_HEAD}\\restrict Ab1\n\nSELECT 1;\n{CLUSTER_END}");
    assert_eq!(check(&still_restricted, 11), Err(PlainError::CutShort));
    let continues = format!("{HEAD}{END}SELECT 1;\n");
    assert_eq!(check(&continues, 11), Err(PlainError::CutShort));
}

#[test]
fn other_text_is_no_script() {
    assert_eq!(check("", 1), Err(PlainError::Empty));
    assert_eq!(check("PGDMP\x01\x0e", 3), Err(PlainError::NotPlain));
    assert_eq!(check("pg_dump: error: no\n", 3), Err(PlainError::NotPlain));
    assert_eq!(check(&format!("--\n-- MySQL dump\n{END}"), 3), Err(PlainError::NotPlain));
    let script = format!("{HEAD}{END}").replace('\n', "\r\n");
    assert_eq!(check(&script, 3), Err(PlainError::Terminal));
    let long = format!("{HEAD}{}\n{END}", "x".repeat(100_000));
    assert_eq!(check(&long, 999), Ok(PlainKind::Database));
}
