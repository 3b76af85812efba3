//! The file for Prometheus.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// Checks the rules of the text format, and returns the series.
fn series(text: &str) -> Vec<(String, f64)> {
    let mut series = Vec::new();
    let (mut current, mut seen) = (String::new(), BTreeSet::new());
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(seen.insert(name.to_owned()), "{name} twice");
            assert!(words.ends_with('.'), "{help}");
            name.clone_into(&mut current);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            assert_eq!(kind, format!("{current} gauge"));
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with(&format!("{current}{{")) && name.ends_with('}'), "{line}");
            assert!(seen.insert(name.to_owned()), "{line} twice");
            series.push((name.to_owned(), value.parse().unwrap()));
        }
    }
    series
}

fn value(text: &str, name: &str) -> Option<f64> {
    series(text).into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
}

#[test]
fn the_values_of_a_run() {
    let text = render(&notice(), "");
    insta::assert_snapshot!(text);
    assert_eq!(series(&text).len(), 8 + 2 * 6 + 1);
}

#[test]
fn names_are_escaped() {
    let mut odd = notice();
    odd.checks[0].name = "a \"b\" \\ c\nd".to_owned();
    let text = render(&odd, "");
    let name = "holdfast_check_failed{app=\"documenso\",check=\"a \\\"b\\\" \\\\ c\\nd\"}";
    assert_eq!(value(&text, name), Some(1.0));
}

#[test]
fn the_last_success_outlives_failures() {
    let run = "holdfast_last_success_timestamp_seconds{app=\"documenso\"}";
    let database =
        "holdfast_source_last_success_timestamp_seconds{app=\"documenso\",source=\"database\"}";
    let at = |hour: &str, state| RunNotice {
        state,
        ended: format!("2026-09-01T{hour}:00:00Z").parse().unwrap(),
        ..notice()
    };
    let time = |hour: f64| Some(1_788_220_800.0 + 3600.0 * hour);
    let first = render(&at("12", EndState::Incomplete), "");
    assert_eq!((value(&first, run), value(&first, database)), (time(12.0), time(12.0)));
    let failed = render(&at("13", EndState::Failed), &first);
    assert_eq!((value(&failed, run), value(&failed, database)), (time(12.0), time(12.0)));
    let failed = render(&at("14", EndState::Failed), &failed);
    assert_eq!(value(&failed, run), time(12.0));
    assert_eq!(
        value(&failed, "holdfast_last_run_timestamp_seconds{app=\"documenso\"}"),
        time(14.0)
    );
    let mut partly = at("15", EndState::Incomplete);
    partly.sources[0].state = EndState::Failed;
    let partly = render(&partly, &failed);
    assert_eq!((value(&partly, run), value(&partly, database)), (time(15.0), time(12.0)));
}

#[test]
fn what_never_succeeded_has_no_time_of_success() {
    let failed = RunNotice { state: EndState::Failed, ..notice() };
    for previous in
        ["", "nonsense", "holdfast_last_success_timestamp_seconds{app=\"documenso\"} NaN\n"]
    {
        let text = render(&failed, previous);
        assert_eq!(
            value(&text, "holdfast_last_success_timestamp_seconds{app=\"documenso\"}"),
            None
        );
    }
}

#[test]
fn the_file_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.prom");
    write_textfile(&path, &notice()).unwrap();
    let old = std::fs::File::open(&path).unwrap();
    write_textfile(&path, &RunNotice { state: EndState::Failed, ..notice() }).unwrap();
    // A reader that has the old file open still reads all of it.
    let before = std::io::read_to_string(old).unwrap();
    assert_eq!(before, render(&notice(), ""));
    let after = std::fs::read_to_string(&path).unwrap();
    let success = "holdfast_last_success_timestamp_seconds{app=\"documenso\"}";
    assert_eq!(value(&after, success), value(&before, success));
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
