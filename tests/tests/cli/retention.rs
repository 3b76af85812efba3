//! `retention report`: how long the data of a day is kept.

use holdfast_tests::sandbox::{Outcome, Sandbox};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

const APP: &str = r#"
[app]
name = "documenso"
host = "web"
[repository]
url = "repository"
password-file = "key"
[[source]]
name = "uploads"
type = "files"
paths = ["uploads"]
[retention]
daily = 3
monthly = 2
[schedule]
every = "day"
at = "02:00"
"#;

fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}

fn days_ago(days: i64) -> Date {
    today() - SignedDuration::from_hours(24 * days)
}

/// A snapshot of the application, as stored by a run, made this many days ago.
fn store(sandbox: &Sandbox, days: i64) -> String {
    let line = "backup --json --stdin --stdin-filename documenso --host web --time";
    let outcome = sandbox.run_with_input(&format!("{line} {}", days_ago(days)), b"data");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome.message("summary")["snapshot_id"].as_str().unwrap().to_owned()
}

fn of<'a>(report: &'a Value, id: &str) -> &'a Value {
    let groups = report["groups"].as_array().unwrap();
    let snapshots = groups.iter().flat_map(|group| group["snapshots"].as_array().unwrap());
    snapshots.into_iter().find(|it| it["id"] == id).unwrap()
}

/// The day on which a run removes a snapshot.
fn until(snapshot: &Value) -> Date {
    assert_eq!(snapshot["ends"], "goes", "{snapshot}");
    let moment: Timestamp = snapshot["until"].as_str().unwrap().parse().unwrap();
    TimeZone::UTC.to_datetime(moment).date()
}

fn first_of_next_month(date: Date) -> Date {
    date.last_of_month() + SignedDuration::from_hours(24)
}

/// An assertion that midnight during the test cannot break.
fn on_one_day(check: impl Fn()) {
    let before = today();
    check();
    if before != today() {
        check();
    }
}

#[test]
fn the_rules_of_the_app_file_are_played_through() {
    on_one_day(|| {
        let sandbox = Sandbox::new();
        sandbox.write("holdfast.toml", APP);
        let [old, yesterday, now] = [100, 1, 0].map(|days| store(&sandbox, days));
        let report = sandbox.ok("retention report --json").json();
        // The newest snapshot of each day counts: those of two more days follow today's.
        let ends = [&old, &yesterday].map(|id| until(of(&report, id)));
        let is_first = today().day() == 1;
        // The last of last month is kept until the month after this one starts.
        let after = first_of_next_month(today());
        assert!(
            ends[1] == today() + SignedDuration::from_hours(48) || (is_first && ends[1] == after)
        );
        assert!(ends[0] <= after, "{report:#}");
        assert_eq!(of(&report, &now)["of_day"], true);
        assert_eq!(of(&report, &old)["of_day"], false);
        let last = Timestamp::now().max(report["last"]["until"].as_str().unwrap().parse().unwrap());
        for id in [&old, &yesterday, &now] {
            let end: Timestamp = of(&report, id)["until"].as_str().unwrap().parse().unwrap();
            assert!(end <= last, "{report:#}");
        }
        let text = sandbox.ok("retention report");
        text.prints("documenso in ").prints(&format!("Data deleted on {} is gone", today()));
        text.prints("kept after each run: 3 daily, 2 monthly").prints("daily at 02:00");
        text.prints("prune --max-unused 0");
    });
}

#[test]
fn what_is_held_is_named_and_never_goes() {
    let sandbox = Sandbox::new();
    sandbox.write("holdfast.toml", APP);
    let [held, _] = [5, 0].map(|days| store(&sandbox, days));
    sandbox.ok(&format!("tag {held} --hold"));
    let report = sandbox.ok("retention report --json").json();
    assert_eq!(of(&report, &held)["ends"], "held");
    assert_eq!(report["last"]["id"], held.as_str());
    assert_eq!(report["last_to_go"]["ends"], "goes");
    let text = sandbox.ok("retention report");
    text.prints("is kept forever, by this snapshot (").prints(", held)");
    text.prints("is gone from all other snapshots after the run of ");
    let snapshot = sandbox.snapshots().into_iter().find(|it| it["hold"] == true).unwrap();
    text.prints(snapshot["short_id"].as_str().unwrap());
}

#[test]
fn rules_of_the_command_line_are_for_a_repository_or_in_place_of_those_of_the_file() {
    on_one_day(|| {
        let sandbox = Sandbox::new();
        sandbox.write("holdfast.toml", APP);
        let [older, newer] = [1, 0].map(|days| store(&sandbox, days));
        let check = |outcome: Outcome| {
            let report = outcome.json();
            let ends = [&older, &newer].map(|id| until(of(&report, id)));
            // Each run makes a new newest one.
            assert!(ends[0] <= ends[1] && ends[1] <= today() + SignedDuration::from_hours(48));
        };
        check(sandbox.ok("retention report -r @repository --keep-last 1 --json"));
        check(sandbox.ok("retention report -r @repository --keep-last 1 --every hour --json"));
        check(sandbox.ok("retention report --keep-last 1 --json"));
    });
    let sandbox = Sandbox::new();
    sandbox.fails(2, "retention report -r @repository").says("no rule says what to keep");
    sandbox.fails(2, "retention report x -r @repository --keep-last 1").says("give only one");
    sandbox.fails(2, "retention report").says("there is no holdfast.toml in this folder");
    let line = "retention report -r @repository --keep-last 1";
    sandbox.ok(line).prints("No snapshot can hold data deleted on");
    let ahead = format!("{line} --day {}", days_ago(-3));
    sandbox.fails(2, &ahead).says("is in the future");
}

#[test]
fn a_file_without_rules_keeps_everything() {
    let sandbox = Sandbox::new();
    let end = APP.find("[retention]").unwrap();
    sandbox.write("holdfast.toml", &APP[..end]);
    let id = store(&sandbox, 0);
    // Snapshots of another host are not the application's.
    sandbox.write("other/a", "a");
    sandbox.ok("backup @other");
    let report = sandbox.ok("retention report --json").json();
    assert_eq!(of(&report, &id)["ends"], "no-rules");
    assert_eq!(report["groups"].as_array().unwrap().len(), 1);
    let text = sandbox.ok("retention report");
    text.prints("never: no rules").prints("1 other snapshot of the repository is not considered");
}

#[test]
fn a_day_in_the_past_has_its_own_snapshots() {
    let sandbox = Sandbox::new();
    let ids = [9, 5, 2].map(|days| store(&sandbox, days));
    let line = "retention report -r @repository --keep-daily 30 --json";
    let report = sandbox.ok(&format!("{line} --day {}", days_ago(5))).json();
    assert_eq!(of(&report, &ids[1])["of_day"], true);
    assert_eq!(report["groups"][0]["snapshots"].as_array().unwrap().len(), 2);
    assert_eq!(report["last"]["id"], ids[1].as_str());
    let text = sandbox
        .ok(&format!("retention report -r @repository --keep-daily 30 --day {}", days_ago(4)));
    text.prints("itself; older ones hold earlier data");
}
