//! The contents of a capture, and that they are from a single moment.

use std::fs::{self, OpenOptions};
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use holdfast_connect::postgres::{
    Cut, DatabaseSelection, DumpFileSource, ErrorKind, GlobalsSelection, PostgresOptions,
    PostgresSource, RestorePoint, preflight,
};
use holdfast_connect::{ContentPiece, Source, SourceItem};

use crate::cluster::{Cluster, Run, installations};
use crate::round_trip::filled;
use crate::tree::{PostgresTree, capture, capture_cut, options, read, server};

#[test]
fn several_databases_and_the_roles_become_one_tree() {
    for programs in installations() {
        let cluster = filled(&programs);
        cluster.create("a second/one");
        cluster.sql("a second/one", "CREATE TABLE \"a.b/c%\" AS SELECT 1 AS x;");
        cluster.sql("postgres", "CREATE ROLE reader PASSWORD 'hunter2';");
        let mut options = PostgresOptions::new(server(&cluster, "demo", "app"));
        options.databases = DatabaseSelection::Named(vec!["app".into(), "a second/one".into()]);
        options.restore_point = Some("hf:test".into());
        assert!(preflight(&options).unwrap().warnings.is_empty());
        let tree = capture(options.clone()).unwrap();

        let paths = tree.paths();
        for path in [
            "databases/a second%2Fone/archive.head",
            "databases/a second%2Fone/content.json",
            "databases/a second%2Fone/tables/public.a.b%2Fc%25",
            "databases/app/tables/public.many_rows",
            "databases/app/blobs/4294967295",
            "globals.sql",
            "postgres.json",
        ] {
            assert!(paths.contains(&path), "{path}: {paths:?}");
        }
        assert_eq!(tree.0["databases/a second%2Fone/tables/public.a.b%2Fc%25"], b"1\n\\.\n\n\n");
        assert_eq!(tree.table("app", "many_rows").rows, 5000);
        assert!(String::from_utf8_lossy(&tree.0["globals.sql"]).contains("CREATE ROLE reader;"));
        assert!(String::from_utf8_lossy(&tree.0["globals.sql"]).contains("SCRAM-SHA-256$"));

        let json = tree.json("postgres.json");
        assert_eq!(json["restore-point"]["state"], "made");
        let identifier = cluster.sql("app", "SELECT system_identifier FROM pg_control_system();");
        let identifier = String::from_utf8(identifier).unwrap();
        assert_eq!(json["system-identifier"], identifier.trim());
        assert_eq!(json["databases"][1]["encoding"], "UTF8");
        assert!(json["databases"][1]["extensions"]["plpgsql"].is_string());
        assert!(json["databases"][1]["lsn"].as_str().unwrap().contains('/'));

        options.globals = GlobalsSelection::WithoutPasswords;
        options.databases = DatabaseSelection::All;
        let tree = capture(options).unwrap();
        assert!(!String::from_utf8_lossy(&tree.0["globals.sql"]).contains("SCRAM-SHA-256$"));
        assert!(tree.paths().contains(&"databases/postgres/content.json"));
    }
}

#[test]
fn a_dump_that_changed_nothing_gives_the_same_files() {
    let cluster = filled(&installations()[0]);
    let (one, two) = (capture(options(&cluster, "app")), capture(options(&cluster, "app")));
    let (mut one, mut two) = (one.unwrap().0, two.unwrap().0);
    for tree in [&mut one, &mut two] {
        // Only these contain the time of the dump.
        tree.remove("postgres.json").unwrap();
        tree.remove("databases/app/archive.head").unwrap();
        tree.remove("databases/app/content.json").unwrap();
    }
    assert!(one.len() > 10);
    assert_eq!(one, two);
}

#[test]
fn rows_that_come_after_the_cut_are_in_none_of_its_parts() {
    let cluster = filled(&installations()[0]);
    let cut = Arc::new(Cut::open(options(&cluster, "app")).unwrap());
    cluster.sql("app", "INSERT INTO many_rows SELECT * FROM generate_series(5001, 5500);");
    let mut keys = Vec::new();
    cut.query("app", "SELECT id, NULL FROM many_rows ORDER BY id -- all of them", &mut |row| {
        keys.push(row);
        Ok(())
    })
    .unwrap();
    assert_eq!((keys.len(), keys[4999].clone()), (5000, vec![Some("5000".into()), None]));
    let error = cut.query("other", "SELECT 1", &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoDatabase);
    let tree = capture_cut(cut).unwrap();
    assert_eq!(tree.table("app", "many_rows").rows, 5000);
    assert_eq!(cluster.sql("app", "SELECT count(*) FROM many_rows;"), b"5500\n");
}

#[test]
fn a_cut_whose_session_is_gone_is_not_used() {
    let cluster = filled(&installations()[0]);
    let cut = Arc::new(Cut::open(options(&cluster, "app")).unwrap());
    cut.check().unwrap();
    let mut source = PostgresSource::new(Arc::clone(&cut));
    source.next().unwrap();
    end_sessions(&cluster);
    let error = loop {
        match source.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the capture continues without its cut"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("app"), "{error}");
    assert_eq!(cut.check().unwrap_err().kind, ErrorKind::CutLost);
}

fn end_sessions(cluster: &Cluster) {
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = 'holdfast';";
    assert_eq!(cluster.sql("postgres", sql), b"t\n");
}

#[test]
fn a_refused_restore_point_is_recorded_and_no_error() {
    let cluster = filled(&installations()[0]);
    cluster.sql("app", "CREATE ROLE plain LOGIN BYPASSRLS; GRANT pg_read_all_data TO plain;");
    let mut options = options(&cluster, "app");
    options.server = server(&cluster, "plain", "app");
    options.restore_point = Some("hf:refused".into());
    let cut = Cut::open(options).unwrap();
    let RestorePoint::Refused { reason } = &cut.record().restore_point else {
        panic!("{:?}", cut.record())
    };
    assert!(reason.contains("permission denied"), "{reason}");
}

#[test]
fn a_large_table_takes_no_memory() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.create("app");
    cluster.sql(
        "app",
        "CREATE TABLE large AS SELECT i, repeat(md5(i::text), 15) AS text \
         FROM generate_series(1, 300000) i;",
    );
    let mut source = PostgresSource::new(Arc::new(Cut::open(options(&cluster, "app")).unwrap()));
    let (before, mut most, mut bytes) = (resident_bytes(), 0, 0);
    let mut buffer = vec![0; 1 << 20];
    while let Some(item) = source.next().unwrap() {
        let SourceItem::Leaf(leaf) = item else { continue };
        let mut content = leaf.opener.open().unwrap();
        while let ContentPiece::Data(count) = content.read(&mut buffer).unwrap() {
            bytes += count;
            most = most.max(resident_bytes());
        }
    }
    assert!(bytes > 140_000_000, "{bytes}");
    let grown = most.saturating_sub(before);
    assert!(grown < 60_000_000, "{grown} bytes more");
}

fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn from_file(bytes: Vec<u8>) -> std::io::Result<PostgresTree> {
    read(&mut DumpFileSource::new(Box::new(std::io::Cursor::new(bytes)), 5))
}

#[test]
fn dumps_that_were_made_before_are_taken_as_files() {
    let cluster = filled(&installations()[0]);
    let live = capture(options(&cluster, "app")).unwrap();
    for form in [&["-Fc", "-Z0"][..], &["-Fc"]] {
        let dump = cluster.dump("app", form);
        let tree = from_file(dump.clone()).unwrap();
        assert_eq!(tree.content("app").members, live.content("app").members);
        let error = from_file(dump[..dump.len() - 9].to_vec()).unwrap_err().to_string();
        assert!(error.contains("incomplete"), "{error}");
    }
    let script = cluster.dump("app", &["-Fp"]);
    assert_eq!(from_file(script.clone()).unwrap().0["database.sql"], script);
    let error = from_file(script[..script.len() - 40].to_vec()).unwrap_err().to_string();
    assert!(error.contains("incomplete"), "{error}");
    let globals = cluster.client("pg_dumpall", ["--globals-only"]).succeed();
    assert_eq!(from_file(globals.clone()).unwrap().paths(), ["cluster.sql"]);
    let error = from_file(b"BZh91AY".to_vec()).unwrap_err().to_string();
    assert!(error.contains("compressed with bzip2"), "{error}");
}

#[test]
fn dumps_that_were_compressed_as_a_whole_are_kept_as_they_were_before() {
    let cluster = filled(&installations()[0]);
    let gzip = |bytes: &[u8]| Command::new("gzip").arg("-c").succeed_with(bytes);
    let script = cluster.dump("app", &["-Fp"]);
    assert_eq!(from_file(gzip(&script)).unwrap().0["database.sql"], script);
    let zstd = zstd::encode_all(&script[..], 1).unwrap();
    assert_eq!(from_file(zstd).unwrap().0["database.sql"], script);
    let archive = cluster.dump("app", &["-Fc", "-Z0"]);
    let whole = from_file(archive.clone()).unwrap();
    let packed = gzip(&archive);
    assert_eq!(from_file(packed.clone()).unwrap().0, whole.0);
    for end in [packed.len() / 2, packed.len() - 1] {
        let error = from_file(packed[..end].to_vec()).unwrap_err().to_string();
        assert!(error.contains("cannot be decompressed, so it is incomplete"), "{error}");
    }
}

#[test]
fn a_dump_that_is_written_while_it_is_read_is_refused() {
    let cluster = filled(&installations()[0]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.dump");
    fs::write(&path, cluster.dump("app", &["-Fc", "-Z0"])).unwrap();
    read(&mut DumpFileSource::open(&path).unwrap()).unwrap();
    let mut source = DumpFileSource::open(&path).unwrap();
    // The same content is written again by another process.
    let file = OpenOptions::new().append(true).open(&path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let error = read(&mut source).unwrap_err().to_string();
    assert!(error.contains("while it was being read"), "{error}");
    let missing = DumpFileSource::open(&folder.path().join("nothing")).err().unwrap();
    assert!(missing.to_string().contains("nothing cannot be read"), "{missing}");
}
