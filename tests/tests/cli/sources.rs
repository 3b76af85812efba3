//! A snapshot of several sources, as applications have: all next to each other, or one alone.

use std::process::Command;
use std::sync::Arc;

use holdfast_backend::Local;
use holdfast_format::record::SourceRecord;
use holdfast_repo::commit::commit_snapshot;
use holdfast_repo::{OpenOptions, Repository};
use holdfast_seal::Secret;
use holdfast_tests::sandbox::Sandbox;
use jiff::Timestamp;

/// A repository whose newest snapshot has a `database` and `files`, and whose other snapshots each
/// have one of them.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("source/a", "first");
    sandbox.write("source/folder/b", "second");
    // Both sources have the same file, one under two names: neither may be linked to the other
    // source.
    std::fs::hard_link(sandbox.path("source/a"), sandbox.path("source/link")).unwrap();
    sandbox.ok("backup @source");
    let outcome = sandbox.run_with_input("backup --stdin --stdin-filename dump.sql", b"select 1;");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    join(&sandbox, &[("database", 1), ("files", 0)]);
    sandbox
}

/// Commits a snapshot that has the trees of earlier ones as its sources.
fn join(sandbox: &Sandbox, sources: &[(&str, usize)]) {
    let storage = Arc::new(Local::open(sandbox.path("repository")).unwrap());
    let secret = Secret::parse(&sandbox.secrets()[0]).unwrap();
    let repository = Repository::open(storage, &secret, &OpenOptions::default()).unwrap();
    let snapshots = repository.history().snapshots();
    let mut record = snapshots.last().unwrap().snapshot.clone();
    record.time = Timestamp::now();
    record.sources.clear();
    record.paths.clear();
    for (name, number) in sources {
        let part = &snapshots[*number].snapshot;
        record.index.extend(&part.index);
        record.paths.extend(part.paths.iter().cloned());
        record.sources.push(SourceRecord { name: (*name).to_owned(), ..part.sources[0].clone() });
    }
    let (writer, index) = (snapshots[0].writer, repository.index().baseline());
    commit_snapshot(&repository, writer, &index, record).unwrap();
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn each_source_is_restored_into_a_folder_of_its_own() {
    let sandbox = sandbox();
    let outcome = sandbox.ok("restore latest -t @out --verify");
    outcome.prints("database, files").prints("verified");
    assert_eq!(sandbox.read("out/database/dump.sql"), b"select 1;");
    assert_eq!(std::fs::read(sandbox.within("out/files", "source/folder/b")).unwrap(), b"second");
    // The paths given to the backup are in the folder of its source.
    let named = sandbox.within("out/files", "source/surplus");
    std::fs::write(&named, "").unwrap();
    sandbox.write("out/files/surplus", "");
    sandbox.write("out/surplus", "");
    sandbox.ok("restore latest -t @out --delete").prints("1 deleted");
    assert!(
        !named.exists() && sandbox.exists("out/files/surplus") && sandbox.exists("out/surplus")
    );
    let summary = sandbox.ok("restore latest -t @dry -n --json").message("summary");
    assert!(summary["files_restored"].as_u64().unwrap() > 5 && !sandbox.exists("dry"));
}

#[test]
fn one_source_is_restored_by_its_name() {
    let sandbox = sandbox();
    sandbox.ok("restore latest --source database -t @one");
    assert_eq!(sandbox.read("one/dump.sql"), b"select 1;");
    sandbox.ok("restore latest:database -t @two");
    assert_eq!(sandbox.read("two/dump.sql"), b"select 1;");
    sandbox.ok("restore latest:files@source -t @three");
    assert_eq!(sandbox.read("three/folder/b"), b"second");
    sandbox.ok("restore latest:@source --source files -t @four");
    assert_eq!(sandbox.read("four/a"), b"first");
    sandbox.ok("restore latest -t @five -i /database/dump.sql");
    assert!(sandbox.exists("five/database/dump.sql") && !sandbox.exists("five/files"));
    // The name applies regardless of the number of sources.
    sandbox.ok("restore latest~1 --source stream -t @six");
    assert_eq!(sandbox.read("six/dump.sql"), b"select 1;");
    let refused = sandbox.fails(1, "restore latest --source mail -t @seven");
    refused.says("no source called \"mail\"; it has: database, files");
    assert!(!sandbox.exists("seven"));
}

#[test]
fn the_same_file_in_two_sources_is_linked_only_where_it_is_the_same() {
    let sandbox = sandbox();
    sandbox.write("source/a", "changed in place");
    sandbox.ok("backup @source");
    let count = sandbox.snapshots().len();
    join(&sandbox, &[("before", 0), ("now", count - 1)]);
    sandbox.ok("restore latest -t @out");
    for (source, expected) in [("before", "first"), ("now", "changed in place")] {
        for name in ["source/a", "source/link"] {
            let path = sandbox.within(&format!("out/{source}"), name);
            assert_eq!(std::fs::read_to_string(path).unwrap(), expected, "{source} {name}");
        }
    }
}

#[test]
fn looking_sees_all_sources_or_one() {
    let sandbox = sandbox();
    let all = sandbox.ok("ls -q latest").stdout;
    assert_eq!(lines(&all)[..2], ["/database", "/database/dump.sql"]);
    assert_eq!(lines(&sandbox.ok("ls -q latest --source database").stdout), ["/dump.sql"]);
    assert_eq!(lines(&sandbox.ok("ls -q latest:database").stdout), ["/dump.sql"]);
    let found = sandbox.ok("find --quiet --source files b").stdout;
    assert_eq!(lines(&found).len(), 2, "in both snapshots that have it: {found}");
    assert!(!found.contains("/files/"), "{found}");
    sandbox.fails(1, "find --source mail b").says("no source called");
    let size = |line: &str| sandbox.ok(line).json()["total_size"].as_u64().unwrap();
    assert_eq!(size("stats latest --json --source database"), 9);
    assert_eq!(size("stats latest --json"), 9 + 5 + 6);
    let same = sandbox.ok("diff latest~2 latest --source files --json").message("statistics");
    assert_eq!(same["changed_files"], 0);
    assert_eq!(sandbox.ok("dump latest /database/dump.sql").stdout, "select 1;");
    assert_eq!(sandbox.ok("dump latest --source database dump.sql").stdout, "select 1;");
    let sources = &sandbox.snapshots()[2]["sources"];
    assert_eq!((&sources[0]["name"], &sources[1]["name"]), (&"database".into(), &"files".into()));
}

#[test]
fn an_archive_has_a_folder_for_each_source() {
    let sandbox = sandbox();
    sandbox.ok("dump latest / -t @all.tar");
    let output = Command::new("tar").arg("-tf").arg(sandbox.path("all.tar")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let names = String::from_utf8(output.stdout).unwrap();
    assert!(names.contains("database/dump.sql\n") && names.contains("/folder/b\n"), "{names}");
}
