//! What is split and reassembled restores to the same rows.

use std::collections::BTreeMap;
use std::fs;

use holdfast_connect::postgres::archive::{
    ContentHasher, ContentKind, DataCompression, DataPlace, DataSelection, MemberSummary,
    OffsetState, Toc,
};

use crate::cluster::{Cluster, Run, installations};
use crate::parts::{ArchiveParts, take_apart, take_apart_from};

const SCHEMA: &str = include_str!("schema.sql");

/// A cluster with the database `app`.
pub fn filled(programs: &std::path::Path) -> Cluster {
    let cluster = Cluster::start(programs);
    cluster.create("app");
    cluster.sql("app", SCHEMA);
    cluster
}

/// The kinds of dumps that a version can make.
fn flavours(cluster: &Cluster) -> Vec<(Vec<&'static str>, DataCompression)> {
    let level = if cluster.major() < 16 { -1 } else { 0 };
    let mut flavours = vec![
        (vec!["-Z0"], DataCompression::None),
        (vec![], DataCompression::Gzip { level }),
        (vec!["-Z0", "--inserts"], DataCompression::None),
        (vec!["-Z0", "--load-via-partition-root"], DataCompression::None),
    ];
    for (option, compression) in
        [("--compress=lz4", DataCompression::Lz4), ("--compress=zstd:long", DataCompression::Zstd)]
    {
        let mut probe = cluster.client("pg_dump", ["-Fc", option, "-d", "postgres"]);
        // Not every build has every method, and versions before 16 take the name for a 0.
        if cluster.major() >= 16 && probe.run_with(b"").status.success() {
            flavours.push((vec![option], compression));
        }
    }
    flavours
}

#[test]
fn every_form_of_a_rewritten_archive_restores_the_same_rows() {
    for programs in installations() {
        let cluster = filled(&programs);
        let reference = take_apart(&cluster.dump("app", &["-Fc", "-Z0"])).unwrap().contents;
        check_reference(&reference);
        for (number, (options, compression)) in flavours(&cluster).into_iter().enumerate() {
            let archive = cluster.dump("app", &[&["-Fc"], &options[..]].concat());
            let parts = take_apart(&archive).unwrap();
            assert_eq!(parts.toc.head.compression, compression, "{options:?}");
            assert!(archive.starts_with(&parts.toc.encode()), "{options:?}");
            let is_inserts = options.contains(&"--inserts");
            let is_through_root = options.contains(&"--load-via-partition-root");
            if !is_inserts && !is_through_root {
                assert_eq!(parts.contents, reference, "{options:?}");
            }
            for form in TestedForm::ALL {
                let database = format!("restored_{number}_{form:?}").to_lowercase();
                form.restore(&cluster, &parts, &database);
                let again = take_apart(&cluster.dump(&database, &["-Fc", "-Z0"])).unwrap();
                assert_eq!(again.contents, reference, "{options:?} {form:?}");
                check_live_tables(&cluster, &database, &again);
            }
        }
    }
}

/// The reference itself matches the schema, so that equal hashes mean something.
fn check_reference(contents: &BTreeMap<String, MemberSummary>) {
    let rows = |name: &str| contents[name].rows;
    assert_eq!(rows("table public.types"), 3);
    assert_eq!(rows("table public.no_rows"), 0);
    assert_eq!(rows("table Other schema.no_rows"), 1);
    assert_eq!(rows("table public.no_columns"), 2);
    assert_eq!(rows("table public.one_text"), 6);
    assert_eq!(rows("table public.many_rows"), 5000);
    assert_eq!(rows("table Other schema.it's \"quoted\"; -- and\\n two lines"), 1);
    assert_eq!(rows("table public.Gr\u{fc}\u{df} \u{1f600}"), 2);
    let events: u64 = contents
        .iter()
        .filter(|(name, _)| name.starts_with("table public.events_"))
        .map(|(_, content)| content.rows)
        .sum();
    assert_eq!(events, 400);
    let large = |oid: u32| contents[&format!("large object {oid}")];
    assert_eq!(large(3_000_000_001).bytes, 6);
    assert_eq!(large(70_001).bytes, 0);
    assert_eq!(large(70_002).bytes, 100_000);
    assert_eq!(large(u32::MAX).bytes, 120_000);
}

/// `COPY` from the restored tables returns what their dump has.
fn check_live_tables(cluster: &Cluster, database: &str, parts: &ArchiveParts) {
    let mut tables = 0;
    for entry in parts.toc.with_data().filter(|entry| entry.has_copy_rows()) {
        let statement = String::from_utf8(entry.copy_to_stdout().unwrap()).unwrap();
        let rows = cluster.sql(database, &format!("{statement};\n"));
        let mut hasher = ContentHasher::of_copy_to_stdout();
        rows.chunks(1000).for_each(|chunk| hasher.update(chunk).unwrap());
        assert_eq!(hasher.finish().unwrap(), parts.contents[&entry.label()], "{statement}");
        tables += 1;
    }
    assert!(tables >= 15);
}

#[derive(Debug, Clone, Copy)]
enum TestedForm {
    Stream,
    Seekable,
    Directory,
}

impl TestedForm {
    const ALL: [Self; 3] = [Self::Stream, Self::Seekable, Self::Directory];

    fn restore(self, cluster: &Cluster, parts: &ArchiveParts, database: &str) {
        cluster.create(database);
        let path = cluster.folder().join(database);
        let mut restore = cluster.client("pg_restore", ["--exit-on-error", "-d", database]);
        match self {
            Self::Stream => {
                restore.succeed_with(&parts.stream(&DataSelection::All));
                return;
            }
            Self::Seekable => fs::write(&path, parts.seekable(&DataSelection::All)).unwrap(),
            Self::Directory => parts.directory(&DataSelection::All, &path),
        }
        restore.args(["-j", "3"]).arg(&path).succeed();
    }
}

#[test]
fn a_changed_row_changes_the_content_and_a_moved_one_does_not() {
    let cluster = filled(&installations()[0]);
    let before = take_apart(&cluster.dump("app", &["-Fc", "-Z0"])).unwrap().contents;
    // Every row moves elsewhere, and back in another order.
    cluster.sql("app", "CREATE TABLE moved AS SELECT * FROM many_rows ORDER BY body;");
    cluster.sql("app", "TRUNCATE many_rows; INSERT INTO many_rows SELECT * FROM moved;");
    cluster.sql("app", "DROP TABLE moved;");
    let moved = take_apart(&cluster.dump("app", &["-Fc", "-Z0"])).unwrap();
    assert_eq!(moved.contents, before);
    let first = moved.table("public", "many_rows");
    assert!(
        moved
            .members
            .iter()
            .any(|(member, bytes)| { member.dump_id == first && !bytes.starts_with(b"1\tc4ca") })
    );
    cluster.sql("app", "UPDATE many_rows SET body = body || '.' WHERE id = 77;");
    let changed = take_apart(&cluster.dump("app", &["-Fc", "-Z0"])).unwrap().contents;
    let differing: Vec<_> =
        before.iter().filter(|(name, content)| changed[*name] != **content).collect();
    assert_eq!(differing.len(), 1);
    assert_eq!(differing[0].0, "table public.many_rows");
}

#[test]
fn the_table_of_contents_of_every_kind_of_archive_is_written_back_exactly() {
    for programs in installations() {
        let cluster = filled(&programs);
        let folder = cluster.folder().join("directory");
        let file = cluster.folder().join("file");
        cluster.client("pg_dump", ["-Fd", "-d", "app", "-f"]).arg(&folder).succeed();
        cluster.client("pg_dump", ["-Fc", "-d", "app", "-f"]).arg(&file).succeed();
        let seekable = fs::read(&file).unwrap();
        for bytes in [fs::read(folder.join("toc.dat")).unwrap(), seekable.clone()] {
            let (toc, used) = Toc::decode(&bytes, &Default::default()).unwrap();
            assert!(toc.encode() == bytes[..used], "{programs:?}");
        }
        // Offsets filled in by pg_dump do not change what is read.
        let parts = take_apart(&seekable).unwrap();
        let is_known = |place: &DataPlace| {
            matches!(place, DataPlace::Stream { state: OffsetState::Known, .. })
        };
        assert!(parts.toc.with_data().all(|entry| is_known(&entry.data)));
        let piped = take_apart(&cluster.dump("app", &["-Fc"])).unwrap();
        assert_eq!(parts.contents, piped.contents);
        // What is written with offsets has them where pg_dump's reader looks for the blocks.
        let (again, _) =
            Toc::decode(&piped.seekable(&DataSelection::All), &Default::default()).unwrap();
        assert!(again.with_data().all(|entry| is_known(&entry.data)));
    }
}

#[test]
fn pieces_of_any_size_give_the_same() {
    let cluster = filled(&installations()[0]);
    let archive = cluster.dump("app", &["-Fc"]);
    let whole = take_apart(&archive).unwrap();
    for buffer_bytes in [1, 7, 1 << 20] {
        let parts = take_apart_from(Dribble(&archive, false), buffer_bytes).unwrap();
        assert_eq!(parts.members, whole.members);
        assert_eq!(parts.contents, whole.contents);
    }
}

/// A stream that yields little at a time, and is interrupted now and then.
struct Dribble<'a>(&'a [u8], bool);

impl std::io::Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let count = (self.0.len() % 1000 + 1).min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn inserts_are_marked_as_statements() {
    let cluster = filled(&installations()[0]);
    let parts = take_apart(&cluster.dump("app", &["-Fc", "-Z0", "--inserts"])).unwrap();
    let tables = parts.contents.iter().filter(|(name, _)| name.starts_with("table "));
    assert!(tables.clone().count() > 10);
    assert!(tables.clone().all(|(_, content)| content.kind == ContentKind::Statements));
    assert!(parts.toc.with_data().all(|entry| entry.copy_to_stdout().is_none()));
}

#[test]
fn a_dump_without_data_is_complete() {
    let cluster = filled(&installations()[0]);
    let parts = take_apart(&cluster.dump("app", &["-Fc", "--schema-only"])).unwrap();
    assert_eq!(parts.toc.with_data().count(), 0);
    assert!(parts.members.is_empty());
    cluster.create("empty");
    let stream = parts.stream(&DataSelection::All);
    cluster.client("pg_restore", ["--exit-on-error", "-d", "empty"]).succeed_with(&stream);
}
