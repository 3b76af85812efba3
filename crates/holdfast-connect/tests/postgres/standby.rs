//! A streaming standby, which can be captured but not restored to.

use std::thread;
use std::time::{Duration, Instant};

use holdfast_connect::postgres::{DatabaseRestoreOptions, preflight, restore};

use crate::cluster::{Cluster, installations};
use crate::tree::{capture, options, server};

fn replayed(primary: &Cluster, standby: &Cluster) {
    let written = primary.sql("postgres", "select pg_current_wal_lsn();");
    let written = String::from_utf8(written).unwrap();
    let query = format!("select pg_last_wal_replay_lsn() >= '{}';", written.trim());
    let begun = Instant::now();
    while standby.sql("postgres", &query) != b"t\n" {
        assert!(begun.elapsed() < Duration::from_secs(60), "the standby does not follow");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_standby_is_captured_at_one_moment() {
    let primary = Cluster::start(installations().last().unwrap());
    primary.create("app");
    primary.sql("app", "create table document as select i as id from generate_series(1, 100) i;");
    let standby = primary.standby();
    replayed(&primary, &standby);
    let mut wanted = options(&standby, "app");
    wanted.restore_point = Some("holdfast standby".to_owned());
    let ready = preflight(&wanted).unwrap();
    assert!(ready.is_standby);
    assert!(ready.warnings.iter().any(|it| it.contains("standby")), "{:?}", ready.warnings);

    let tree = capture(wanted).unwrap();
    let of_primary = capture(options(&primary, "app")).unwrap();
    assert_eq!(tree.content("app").members, of_primary.content("app").members);
    let record = String::from_utf8(tree.0["postgres.json"].clone()).unwrap();
    // A restore point is only written to the WAL of the primary: that is recorded, and not an
    // error.
    assert!(record.contains("recovery is in progress"), "{record}");
    let options = DatabaseRestoreOptions::new(server(&primary, "demo", "postgres"), "again", "t1");
    assert_eq!(restore(&tree.stored("app"), &options).unwrap().tables.len(), 1);

    let options = DatabaseRestoreOptions::new(server(&standby, "demo", "postgres"), "other", "t1");
    let error = restore(&tree.stored("app"), &options).unwrap_err().to_string();
    assert!(error.contains("is a standby") && error.contains("primary"), "{error}");
}
