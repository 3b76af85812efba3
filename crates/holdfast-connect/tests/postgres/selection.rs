//! Archives with the data of only some tables: pg_restore takes what it is asked for, and never
//! passes off a selection as everything.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

use holdfast_connect::postgres::archive::{
    ArchiveError, ContentHasher, DataPlace, DataSelection, OffsetState,
};

use crate::cluster::{Cluster, Run, installations};
use crate::parts::{ArchiveParts, take_apart};
use crate::round_trip::filled;

/// Restores with these options from each form of the archive, each time into a new database.
fn restore_each(
    cluster: &Cluster,
    parts: &ArchiveParts,
    wanted: &DataSelection,
    options: &[&str],
    check: impl Fn(&str, Output),
) {
    for form in ["pipe", "file", "jobs", "folder"] {
        let count = cluster.sql("postgres", "SELECT count(*) FROM pg_database;");
        let database = format!("some_{}", String::from_utf8(count).unwrap().trim());
        cluster.client("createdb", [&database]).succeed();
        let path = cluster.folder().join(&database);
        let mut restore = cluster.client("pg_restore", ["--exit-on-error", "-d", &database]);
        restore.args(options);
        let mut input = Vec::new();
        match form {
            "pipe" => input = parts.stream(wanted),
            "folder" => parts.directory(wanted, &path),
            _ => fs::write(&path, parts.seekable(wanted)).unwrap(),
        }
        if form != "pipe" {
            restore.arg(&path);
        }
        if form == "jobs" || form == "folder" {
            restore.args(["-j", "2"]);
        }
        check(&database, restore.run_with(&input));
    }
}

fn rows(cluster: &Cluster, database: &str, table: &str) -> String {
    let count = cluster.sql(database, &format!("SELECT count(*) FROM {table};"));
    String::from_utf8(count).unwrap().trim().to_owned()
}

#[test]
fn one_table_is_restored_without_the_data_of_others() {
    for programs in installations() {
        let cluster = filled(&programs);
        let parts = take_apart(&cluster.dump("app", &["-Fc", "-Z0"])).unwrap();
        let number = parts.table("public", "many_rows");
        let wanted = DataSelection::Only(BTreeSet::from([number]));
        assert!(parts.stream(&wanted).len() < 400_000);
        let options = ["-n", "public", "-t", "many_rows"];
        restore_each(&cluster, &parts, &wanted, &options, |database, output| {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{database}: {errors}");
            let restored = cluster.sql(database, "COPY many_rows TO STDOUT;");
            let mut hasher = ContentHasher::of_copy_to_stdout();
            hasher.update(&restored).unwrap();
            assert_eq!(hasher.finish().unwrap(), parts.contents["table public.many_rows"]);
        });
    }
}

#[test]
fn one_schema_is_restored_without_the_data_of_others() {
    let cluster = filled(&installations()[0]);
    let parts = take_apart(&cluster.dump("app", &["-Fc", "-Z0"])).unwrap();
    let numbers = parts.toc.data_of(Some(b"Other schema"), None);
    assert_eq!(numbers.len(), 2);
    // pg_restore -n restores the contents of a schema, but not the schema itself.
    cluster.sql("template1", "CREATE SCHEMA \"Other schema\";");
    let options = ["-n", "Other schema"];
    restore_each(&cluster, &parts, &DataSelection::Only(numbers), &options, |database, output| {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{database}: {errors}");
        assert_eq!(rows(&cluster, database, "\"Other schema\".no_rows"), "1");
    });
}

#[test]
fn a_selection_cannot_be_restored_as_everything() {
    for programs in installations() {
        let cluster = filled(&programs);
        let parts = take_apart(&cluster.dump("app", &["-Fc", "-Z0"])).unwrap();
        let number = parts.table("public", "many_rows");
        let wanted = DataSelection::Only(BTreeSet::from([number]));
        restore_each(&cluster, &parts, &wanted, &[], |database, output| {
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{database}");
            let is_loud = errors.contains("could not find block ID")
                || errors.contains("could not open input file")
                || errors.contains("could not open large object TOC file");
            assert!(is_loud, "{database}: {errors}");
        });
        let error = take_apart(&parts.stream(&wanted)).unwrap_err();
        assert!(matches!(error, ArchiveError::Missing { .. }), "{error}");
    }
}

/// Why entries without their data are not marked as such: pg_restore would treat them as empty.
#[test]
fn an_entry_marked_as_without_data_is_restored_empty_and_in_silence() {
    let cluster = filled(&installations()[0]);
    let mut parts = take_apart(&cluster.dump("app", &["-Fc", "-Z0"])).unwrap();
    let number = parts.table("public", "many_rows");
    let mut archive = parts.stream(&DataSelection::All);
    let length = parts.toc.encode().len();
    for entry in &mut parts.toc.entries {
        if entry.dump_id == number {
            entry.data = DataPlace::Stream { state: OffsetState::NoData, offset: 0 };
        }
    }
    let marked = parts.toc.encode();
    assert_eq!(marked.len(), length);
    archive[..length].copy_from_slice(&marked);
    cluster.create("marked");
    cluster.client("pg_restore", ["--exit-on-error", "-d", "marked"]).succeed_with(&archive);
    assert_eq!(rows(&cluster, "marked", "many_rows"), "0");
    // So such an archive is rejected.
    let error = take_apart(&archive).unwrap_err();
    assert!(matches!(error, ArchiveError::Damaged { .. }), "{error}");
}
