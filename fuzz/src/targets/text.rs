//! What people type: secrets, patterns, times, sizes.

use std::fmt::Display;
use std::str::FromStr;

use holdfast_connect::fs::filter::{Filter, IncludeFilter, read_patterns};
use holdfast_engine::retention::{Count, GroupBy, Span};
use holdfast_engine::selection::{Base, SnapshotSelector, parse_time};
use holdfast_seal::{Secret, open_slot};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::keys;
use crate::parse::{
    Age, ExcludeIfPresent, MaxUnusedArgument, ReadDataSubset, Size, TagListArgument,
};

/// Passphrases and generated keys. Only the text of the golden key opens the golden slot.
pub fn secret(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(secret) = Secret::parse(&text) else { return };
    let kind = format!("{secret:?}");
    if kind == "Secret(generated key)" {
        let (slot, golden) = keys::slot();
        let opened = open_slot(slot, &secret).expect("no key damages a slot").is_some();
        assert_eq!(opened, compact(&text) == compact(golden));
    }
    if !text.ends_with(['\r', '\n']) {
        let line = Secret::parse(&format!("{text}\r\n")).expect("the same secret");
        assert_eq!(format!("{line:?}"), kind);
    }
}

/// A generated key as it is compared: case, spaces and dashes do not matter.
fn compact(text: &str) -> String {
    let letters = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
    letters.collect::<String>().to_ascii_uppercase()
}

/// Lines: a path, then patterns; those that begin with `i:` ignore case.
pub fn patterns(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let path = lines.next().unwrap_or_default();
    let (any_case, exact): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with(b"i:"));
    let any_case: Vec<_> = any_case.iter().map(|line| &line[2..]).collect();
    let filter = Filter::new(&exact, &any_case);
    let Ok(include) = IncludeFilter::new(&exact, &any_case) else {
        assert!(filter.is_err());
        return;
    };
    let filter = filter.expect("both kinds of filters take the same patterns");
    assert_eq!(filter.excludes(path), include.matches(path));
    let has_negation = exact.iter().chain(&any_case).any(|line| line.starts_with(b"!"));
    for parent in parents(path) {
        // Otherwise a restore would not find what was asked for.
        let is_looked_into = include.matches(parent) || include.may_match_below(parent);
        assert!(is_looked_into || !include.matches(path), "{parent:?} hides {path:?}");
        assert!(has_negation || !filter.excludes(parent) || filter.excludes(path));
    }
}

/// The directories above a path as the program makes paths: rooted, without empty components.
fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_plain = path.first() == Some(&b'/')
        && path[1..].split(|byte| *byte == b'/').all(|component| !component.is_empty());
    let slashes = (1..path.len()).filter(move |place| is_plain && path[*place] == b'/');
    slashes.map(|place| &path[..place])
}

/// Files of patterns. What was read once reads the same again, as long as nothing is replaced.
pub fn pattern_file(data: &[u8]) {
    let patterns = read_patterns(data, &|name| (name.len() % 2 == 0).then(|| name.to_vec()));
    let text = patterns.join(&b'\n');
    let marks: [&[u8]; 3] = [&[0xef, 0xbb, 0xbf], &[0xfe, 0xff], &[0xff, 0xfe]];
    let has_mark = marks.iter().any(|mark| text.starts_with(mark));
    // A dollar sign may have been replaced, by a comment for one.
    if !data.contains(&b'$') && !has_mark {
        assert_eq!(read_patterns(&text, &|_| None), patterns);
    }
}

/// A moment from which `3h ago` is counted: 2026-11-21 in the middle of the day.
const NOW: i64 = 1_795_262_400;
/// A rule for summer time, so that no time zone database is needed.
const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// Snapshot selectors, times, lengths of time, counts and sizes: all of them with the same text.
pub fn selection(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(SnapshotSelector { base: Base::Prefix(digits), .. }) = text.parse() {
        assert!(digits.len() <= 64 && digits == digits.to_ascii_lowercase());
    }
    moments(text);
    prints_what_it_reads::<Count>(text);
    prints_what_it_reads::<GroupBy>(text);
    prints_what_it_reads::<Span>(text);
    let _ = text.parse::<Size>();
    let _ = text.parse::<MaxUnusedArgument>();
    let _ = text.parse::<Age>();
    let _ = text.parse::<TagListArgument>();
    let _ = text.parse::<ExcludeIfPresent>().map(|rule| rule.bytes());
    if let Ok(ReadDataSubset::Part { number, total }) = text.parse() {
        assert!((1..=total).contains(&number));
    }
}

fn moments(text: &str) {
    let now = Timestamp::from_second(NOW).expect("a moment of this century");
    let berlin = TimeZone::posix(BERLIN).expect("a rule");
    for zone in [&TimeZone::UTC, &berlin] {
        if let Ok(moment) = parse_time(text, now, zone) {
            assert!(!text.trim().ends_with(" ago") || moment <= now);
            // As it is printed, the same moment is read.
            assert_eq!(parse_time(&moment.to_string(), now, zone), Ok(moment));
        }
        if let Ok(span) = text.parse::<Span>() {
            assert!(span.before(now, zone) <= now);
        }
    }
}

fn prints_what_it_reads<T: FromStr + Display + PartialEq + std::fmt::Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().ok(), Some(value));
    }
}
