//! Which snapshot is selected, and the errors if none is.

use holdfast_format::ObjectId;
use jiff::Timestamp;

use crate::completeness::Quality;
use crate::retention::Candidate;
use crate::selection::*;

const OLD: usize = 0;
const NEW: usize = 1;
const UNFINISHED: usize = 2;
const MIDDLE: usize = 3;

/// The id is the digits, then zeros.
fn snapshot(digits: &str, time: &str, host: &str, partial: bool) -> Candidate {
    Candidate {
        id: format!("{digits:0<64}").parse().unwrap(),
        time: time.parse().unwrap(),
        sequence: 0,
        host: host.to_owned(),
        paths: Vec::new(),
        tags: Vec::new(),
        hold: false,
        partial,
        quality: Quality::default(),
    }
}

fn snapshots() -> Vec<Candidate> {
    vec![
        snapshot("aa01", "2026-11-18T12:00:00Z", "a", false),
        snapshot("aa02", "2026-11-20T12:00:00Z", "a", false),
        snapshot("b1", "2026-11-21T12:00:00Z", "a", true),
        snapshot("c1", "2026-11-19T12:00:00Z", "b", false),
    ]
}

fn host(name: &str) -> SnapshotFilter {
    SnapshotFilter { hosts: vec![name.to_owned()], ..SnapshotFilter::default() }
}

fn choose(
    text: &str,
    at: &str,
    filter: &SnapshotFilter,
    all: &[Candidate],
) -> Result<usize, String> {
    let at: Option<Timestamp> = (!at.is_empty()).then(|| at.parse().unwrap());
    resolve(&text.parse().unwrap(), at, filter, all).map_err(|error| error.to_string())
}

#[test]
fn of_one_time_the_one_that_was_stored_last_is_the_latest() {
    let of_noon = |digits, sequence| {
        let noon = snapshot(digits, "2026-11-18T12:00:00Z", "a", false);
        Candidate { sequence, ..noon }
    };
    let all = [of_noon("01", 7), of_noon("02", 9), of_noon("03", 8)];
    let filter = SnapshotFilter::default();
    for (text, expected) in [("latest", 1), ("latest~1", 2), ("latest~2", 0)] {
        assert_eq!(choose(text, "", &filter, &all), Ok(expected), "{text}");
    }
}

#[test]
fn choices() {
    let all = SnapshotFilter::default();
    for (text, at, filter, expected) in [
        ("latest", "", &all, NEW),
        ("latest:etc", "", &all, NEW),
        ("latest~1", "", &all, MIDDLE),
        ("latest~2", "", &all, OLD),
        ("latest~1", "", &host("a"), OLD),
        ("latest", "", &host("b"), MIDDLE),
        ("latest", "2030-01-01T00:00:00Z", &all, NEW),
        ("latest", "2026-11-20T12:00:00Z", &all, NEW),
        ("latest", "2026-11-20T11:59:59Z", &all, MIDDLE),
        ("latest~1", "2026-11-20T11:59:59Z", &all, OLD),
        ("latest", "2026-11-20T11:59:59Z", &host("a"), OLD),
        ("aa01", "", &all, OLD),
        ("AA02", "", &host("b"), NEW),
        ("b", "", &all, UNFINISHED),
        ("c", "", &host("a"), MIDDLE),
    ] {
        assert_eq!(choose(text, at, filter, &snapshots()), Ok(expected), "{text} {at} {filter:?}");
    }
}

#[test]
fn the_order_of_the_list_does_not_matter() {
    let same = |digits| snapshot(digits, "2026-11-18T12:00:00Z", "a", false);
    let [one, two] = [same("01"), same("02")];
    let filter = SnapshotFilter::default();
    assert_eq!(choose("latest", "", &filter, &[one.clone(), two.clone()]), Ok(0));
    assert_eq!(choose("latest", "", &filter, &[two, one]), Ok(1));
}

#[test]
fn errors_say_why() {
    let all = SnapshotFilter::default();
    for (text, at, filter, expected) in [
        ("latest", "", &host("web 1"), "no complete snapshot matches the filter"),
        ("latest~3", "", &all, "latest~3 needs 4 snapshots, but only 3 match"),
        (
            "latest",
            "2026-11-01T00:00:00Z",
            &host("b"),
            "no matching snapshot was made by 2026-11-01T00:00:00Z; \
             the oldest one is from 2026-11-19T12:00:00Z",
        ),
        ("aa01", "2026-11-20T00:00:00Z", &all, "a time and the id aa01 both select a snapshot"),
        ("ab", "", &all, "no snapshot id starts with ab"),
        (
            "a",
            "",
            &all,
            "2 snapshot ids start with a; give more digits of one of: aa010000, aa020000",
        ),
    ] {
        let error = choose(text, at, filter, &snapshots()).unwrap_err();
        assert_eq!(error, expected, "{text} {at} {filter:?}");
    }
}

#[test]
fn nothing_to_choose_from() {
    let expected = "there is no complete snapshot yet";
    let filter = host("a");
    for all in [&[][..], &snapshots()[UNFINISHED..=UNFINISHED]] {
        assert_eq!(choose("latest", "", &filter, all).unwrap_err(), expected);
    }
    assert_eq!(choose("b1", "", &filter, &snapshots()[UNFINISHED..=UNFINISHED]), Ok(0));
}

#[test]
fn long_lists_of_ids_are_cut_and_long_ids_are_told_apart() {
    let time = "2026-11-18T12:00:00Z";
    let many: Vec<_> = (0..12).map(|n| snapshot(&format!("{n:02x}"), time, "a", false)).collect();
    let error = choose("0", "", &SnapshotFilter::default(), &many).unwrap_err();
    assert!(
        error.starts_with("12 snapshot ids start with 0; give more digits of one of: 00000000, ")
    );
    assert!(error.ends_with(", 07000000 and 4 more"), "{error}");
    let alike = ["0123456789a", "0123456789b"].map(|digits| snapshot(digits, time, "a", false));
    let error = choose("0123456789", "", &SnapshotFilter::default(), &alike).unwrap_err();
    assert!(error.ends_with(" one of: 0123456789a, 0123456789b"), "{error}");
    let whole = "f".repeat(64);
    let error = choose(&whole, "", &SnapshotFilter::default(), &alike).unwrap_err();
    assert!(error.contains(&whole) && ObjectId::BYTES == 32);
}
