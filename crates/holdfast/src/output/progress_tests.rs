//! When progress is shown, and its text.

use super::*;
use crate::output::Style;
use crate::output::tests::captured;

fn counters() -> Counters {
    Counters {
        total_files: 10,
        total_bytes: 4 << 20,
        scan_finished: true,
        files_done: 3,
        skipped_bytes: 1 << 20,
        processed_bytes: 1 << 20,
        errors: 2,
        counts_files: true,
        current: vec![b"/srv/\x1b[2J".to_vec()],
        ..Counters::default()
    }
}

#[test]
fn where_it_is_shown() {
    let cases = [
        // json, quiet, terminal, rate given
        ((false, false, true, false), Display::Bar),
        ((false, false, false, false), Display::Nothing),
        ((false, true, true, false), Display::Nothing),
        ((true, false, false, false), Display::Json),
        ((true, false, true, false), Display::Json),
        ((true, true, false, false), Display::Nothing),
        ((false, false, false, true), Display::Lines),
        ((true, true, false, true), Display::Json),
    ];
    for ((json, quiet, stderr_is_terminal, rate), expected) in cases {
        let updates_per_second = rate.then_some(1.0);
        let surroundings = Surroundings { stderr_is_terminal, updates_per_second };
        assert_eq!(choose_display(json, quiet, surroundings), expected);
    }
}

#[test]
fn the_line_says_all() {
    let (elapsed, remaining) = (Duration::from_secs(2), Some(Duration::from_secs(62)));
    assert_eq!(
        line(&counters(), elapsed, remaining, usize::MAX),
        "[0:02]  50.00%  2.000 MiB of 4.000 MiB  512.0 KiB/s  3 of 10 files  2 errors  ETA 1:02  \
         /srv/\\x1b[2J"
    );
    let scanning = Counters { scan_finished: false, errors: 0, current: vec![], ..counters() };
    assert_eq!(
        line(&scanning, elapsed, None, usize::MAX),
        "[0:02]  2.000 MiB  512.0 KiB/s  3 files"
    );
    let checking = Counters { counts_files: false, ..scanning };
    assert_eq!(line(&checking, elapsed, None, usize::MAX), "[0:02]  2.000 MiB  512.0 KiB/s");
}

#[test]
fn parts_of_the_line_are_whole_or_not_there() {
    let (elapsed, remaining) = (Duration::from_secs(2), Some(Duration::from_secs(62)));
    let whole = line(&counters(), elapsed, remaining, usize::MAX);
    let all: Vec<&str> = whole.split("  ").collect();
    for width in 0..120 {
        let line = line(&counters(), elapsed, remaining, width);
        let parts: Vec<&str> = line.split("  ").collect();
        assert!(parts.iter().all(|part| all.contains(part)), "{width}: {line}");
        assert!(line.len() <= width.max("ETA 1:02".len()), "{width}: {line}");
        assert!(parts.contains(&"ETA 1:02"), "{width}: {line}");
    }
    let shown = |width| line(&counters(), elapsed, remaining, width);
    assert_eq!(
        shown(80),
        "[0:02]  50.00%  2.000 MiB of 4.000 MiB  3 of 10 files  2 errors  ETA 1:02"
    );
    assert_eq!(shown(41), "50.00%  3 of 10 files  2 errors  ETA 1:02");
}

#[test]
fn an_empty_total_is_done_only_after_the_scan() {
    assert_eq!(fraction_done(&Counters::default()), Some(0.0));
    let counted = Counters { scan_finished: true, ..Counters::default() };
    assert_eq!(fraction_done(&counted), Some(1.0));
    assert_eq!(fraction_done(&Counters { is_uncounted: true, ..counted }), None);
}

#[test]
fn status_messages_come_and_end() {
    let (output, stdout, _) = captured(Style { json: true, ..Style::default() });
    let output = Arc::new(output);
    let surroundings = Surroundings { updates_per_second: Some(200.0), ..Default::default() };
    let progress = Progress::start(&output, surroundings, Activity::Backup, None);
    progress.update(|shown| *shown = counters());
    while !stdout.text().contains("\"files_done\":3") {
        thread::yield_now();
    }
    drop(progress);
    let first = stdout.text().lines().last().unwrap().to_owned();
    let status: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(status["message_type"], "status");
    assert_eq!(status["percent_done"], 0.5);
    assert_eq!(status["bytes_done"], 2 << 20);
}
