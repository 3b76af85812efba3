//! Small dumps of every version, stored as they were written, so that decoding is tested without a
//! server and for formats whose server is not installed.

use std::fs;
use std::path::{Path, PathBuf};

use holdfast_connect::postgres::archive::{
    ArchiveVersion, DataCompression, DataPlace, DataSelection, OffsetState, Toc, TocEntry,
    TocSection,
};

use crate::cluster::{Cluster, Run, installations};
use crate::parts::{ArchiveParts, take_apart};

/// The name of each dump and its bytes.
pub fn all() -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().unwrap() == "dump").collect();
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgres/golden")
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.dump"))).unwrap()
}

/// The stored dumps, by major version and method of compression.
const KEPT: &[(u32, &[&str])] = &[
    (13, &["plain"]),
    (15, &["gzip", "plain"]),
    (16, &["gzip", "plain"]),
    (17, &["lz4", "zstd"]),
    (18, &["lz4", "plain", "zstd"]),
];

/// Writes the dumps: `HOLDFAST_TEST_POSTGRES=... cargo test ... write_golden -- --ignored`.
#[test]
#[ignore = "writes the golden dumps"]
fn write_golden() {
    for programs in installations() {
        let cluster = Cluster::start(&programs);
        cluster.create("golden");
        cluster.sql("golden", include_str!("golden.sql"));
        let kept = KEPT.iter().filter(|(major, _)| *major == cluster.major());
        for method in kept.flat_map(|(_, methods)| *methods) {
            let option = match *method {
                "plain" => "-Z0".to_owned(),
                "gzip" => "-Z6".to_owned(),
                method => format!("--compress={method}"),
            };
            let dump = cluster.dump("golden", &["-Fc", &option]);
            let name = format!("{}-{method}.dump", cluster.major());
            fs::write(folder().join(name), dump).unwrap();
        }
    }
}

#[test]
fn every_dump_has_the_same_rows_and_is_written_back_exactly() {
    let names: Vec<_> = all().into_iter().map(|(name, _)| name).collect();
    let kept = KEPT
        .iter()
        .flat_map(|(major, methods)| methods.iter().map(move |method| format!("{major}-{method}")));
    assert_eq!(names, kept.collect::<Vec<_>>());
    for (name, bytes) in all() {
        let parts = take_apart(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(bytes.starts_with(&parts.toc.encode()), "{name}");
        let contents: Vec<_> =
            parts.contents.iter().map(|(name, content)| format!("{name}: {content:?}")).collect();
        assert_eq!(contents, CONTENTS, "{name}");
        assert_eq!(parts.toc.head.version.minor, minor(&name), "{name}");
        assert_eq!(compression(&parts), name.split('-').nth(1).unwrap(), "{name}");
    }
}

/// Computed from `golden.sql` by a different program.
const CONTENTS: [&str; 5] = [
    "large object 17: Bytes(0 rows, 0 bytes, 99aa06d3014798d86001c324468d497f)",
    "large object 4000000000: Bytes(0 rows, 5 bytes, 4ba368eb1a7e6387e734b618a4f9e800)",
    "table app.log: Rows(20 rows, 611 bytes, da8fc1ce43804bb293e178571eb3f236)",
    "table public.odd \"name\": Rows(0 rows, 0 bytes, 00000000000000000000000000000000)",
    "table public.users: Rows(3 rows, 45 bytes, a53fc7ff9b656433b60652c261629d58)",
];

fn minor(name: &str) -> u8 {
    match name.split('-').next().unwrap() {
        "12" | "13" | "14" | "15" => 14,
        "16" => 15,
        _ => 16,
    }
}

fn compression(parts: &ArchiveParts) -> &'static str {
    match parts.toc.head.compression {
        DataCompression::None => "plain",
        DataCompression::Gzip { .. } => "gzip",
        DataCompression::Lz4 => "lz4",
        DataCompression::Zstd => "zstd",
    }
}

#[test]
fn the_fields_of_version_15_are_all_there() {
    let parts = take_apart(&golden("15-plain")).unwrap();
    let head = &parts.toc.head;
    assert_eq!(head.version, ArchiveVersion { major: 1, minor: 14, revision: 0 });
    assert_eq!((head.int_bytes, head.offset_bytes), (4, 8));
    assert_eq!(head.database.as_deref(), Some(&b"golden"[..]));
    assert!(head.dump_version.as_deref().unwrap().starts_with(b"15."));
    assert!(head.created.year_from_1900 >= 125);
    let users = |kind: &[u8]| -> &TocEntry {
        let is_it =
            |entry: &&TocEntry| *entry.kind == *kind && entry.tag.as_deref() == Some(&b"users"[..]);
        parts.toc.entries.iter().find(is_it).unwrap()
    };
    let (table, rows) = (users(b"TABLE"), users(b"TABLE DATA"));
    assert!(table.definition.as_deref().unwrap().starts_with(b"CREATE TABLE public.users ("));
    assert_eq!(table.drop.as_deref(), Some(&b"DROP TABLE public.users;\n"[..]));
    assert_eq!(table.access_method.as_deref(), Some(&b"heap"[..]));
    assert_eq!((table.section, rows.section), (TocSection::PreData, TocSection::Data));
    assert_eq!((table.had_dumper, rows.had_dumper), (false, true));
    assert_eq!(rows.namespace.as_deref(), Some(&b"public"[..]));
    assert_eq!(rows.owner.as_deref(), Some(&b"demo"[..]));
    assert_eq!(rows.dependencies, [table.dump_id]);
    assert_eq!(rows.object, table.object);
    assert_eq!(table.catalog, 1259);
    assert_eq!(
        rows.copy.as_deref(),
        Some(&b"COPY public.users (id, name, photo) FROM stdin;\n"[..])
    );
    let statement = br#"COPY "public"."users" ("id", "name", "photo") TO STDOUT"#;
    assert_eq!(rows.copy_to_stdout().unwrap(), statement);
    let state = |entry: &TocEntry| match entry.data {
        DataPlace::Stream { state, .. } => state,
        DataPlace::File(_) => panic!("this is a custom archive"),
    };
    assert_eq!((state(table), state(rows)), (OffsetState::NoData, OffsetState::Unknown));
}

/// Versions that no server here writes, derived from a known one: they lack fields.
#[test]
fn older_versions_are_read_and_their_pg_restore_would_read_what_is_written() {
    let mut parts = take_apart(&golden("13-plain")).unwrap();
    for minor in [12, 13] {
        parts.toc.head.version.minor = minor;
        for entry in &mut parts.toc.entries {
            entry.access_method = None;
        }
        let stream = parts.stream(&DataSelection::All);
        let again = take_apart(&stream).unwrap();
        assert_eq!(again.toc, parts.toc);
        assert_eq!(again.contents, parts.contents);
        let cluster = Cluster::start(&installations()[0]);
        cluster.client("pg_restore", ["--exit-on-error", "-d", "postgres"]).succeed_with(&stream);
        let count = cluster.sql("postgres", "SELECT count(*) FROM app.log");
        assert_eq!(count, b"20\n");
    }
}

/// Every version's archive in every form, restored by the newest pg_restore that is installed.
#[test]
fn dumps_of_all_versions_restore_again() {
    let installations = installations();
    let cluster = Cluster::start(installations.last().unwrap());
    for (name, bytes) in all() {
        if name.split('-').next().unwrap().parse::<u32>().unwrap() > cluster.major() {
            continue;
        }
        let parts = take_apart(&bytes).unwrap();
        let database = format!("from_{}", name.replace('-', "_"));
        cluster.create(&database);
        let folder = cluster.folder().join(&name);
        parts.directory(&DataSelection::All, &folder);
        let options = ["--exit-on-error", "-d", &database];
        cluster.client("pg_restore", options).args(["-j", "2"]).arg(&folder).succeed();
        let again = take_apart(&cluster.dump(&database, &["-Fc"])).unwrap();
        assert_eq!(again.contents, parts.contents, "{name}");
        let (toc, _) =
            Toc::decode(&fs::read(folder.join("toc.dat")).unwrap(), &Default::default()).unwrap();
        assert_eq!(toc.entries.len(), parts.toc.entries.len());
    }
}
