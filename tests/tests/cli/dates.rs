//! Implausible dates: rules follow them, as in restic, but with a warning.

use holdfast_tests::sandbox::Sandbox;

#[test]
fn a_snapshot_of_the_future_is_named_wherever_it_counts() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "now");
    sandbox.backup("@source");
    sandbox.write("source/a", "then");
    let outcome = sandbox.ok("backup @source --time 2099-01-01");
    outcome.says("dated in the future");
    let quiet = sandbox.ok("backup --json @source --time 2099-01-02");
    assert_eq!(quiet.errors()[0]["message_type"], "warning");
    for line in ["restore latest -t @out", "ls latest", "stats latest", "diff latest~2 latest"] {
        sandbox.ok(line).says("dated 2099-01-02 00:00:00, in the future");
    }
    let honest = sandbox.ok("ls latest~2");
    assert_eq!(honest.stderr, "");
    // The rules ignore it: the present one is the newest that counts.
    let outcome = sandbox.ok("forget --keep-last 1");
    outcome.says("time-based rules neither count").prints("keep 3 snapshots");
    let json = sandbox.ok("forget --keep-last 1 --dry-run --json");
    assert_eq!(json.errors().len(), 2, "{json:?}");
}

#[test]
fn a_back_dated_snapshot_that_stays_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "first");
    sandbox.backup("@source --time 2020-05-01");
    sandbox.backup("@source --time 2020-06-01");
    // Stored last and dated as the newest of May: it replaces the one that was made then.
    sandbox.backup("@source --time 2020-05-31");
    let outcome = sandbox.ok("forget --keep-monthly 2 --dry-run");
    outcome.says("is dated 2020-05-31 00:00:00 but was stored after").says("2020-06-01 00:00:00");
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    assert_eq!(sandbox.ok("forget --keep-monthly 2 --keep-last 9").stderr, "");
}

#[test]
fn the_parent_is_what_was_backed_up_last_and_not_what_a_wrong_clock_dated() {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "first");
    sandbox.backup("@source --time 2099-01-01");
    let second = sandbox.backup("@source");
    let third = sandbox.backup("@source");
    let id = third["snapshot_id"].as_str().unwrap();
    let snapshots = sandbox.snapshots();
    let parent = &snapshots.iter().find(|it| it["id"] == id).unwrap()["parent"];
    assert_eq!(parent, &second["snapshot_id"]);
}
