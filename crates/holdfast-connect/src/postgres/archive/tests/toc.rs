//! Any table of contents is written and read again, in every version.

use proptest::prelude::*;

use crate::postgres::archive::{
    ArchiveHead, ArchiveKind, ArchiveVersion, CreationTime, DataCompression, DataPlace, Limits,
    OffsetState, Toc, TocEntry, TocSection,
};

/// An entry with data.
pub fn entry(copy: Option<&[u8]>) -> TocEntry {
    TocEntry {
        dump_id: 1,
        had_dumper: true,
        catalog: 1259,
        object: 16384,
        tag: Some(b"t"[..].into()),
        kind: b"TABLE DATA"[..].into(),
        section: TocSection::Data,
        definition: None,
        drop: None,
        copy: copy.map(Into::into),
        namespace: Some(b"public"[..].into()),
        tablespace: None,
        access_method: None,
        relation_kind: 0,
        owner: Some(b"demo"[..].into()),
        with_oids: false,
        dependencies: vec![],
        data: DataPlace::Stream { state: OffsetState::Unknown, offset: 0 },
    }
}

fn text() -> impl Strategy<Value = Option<Box<[u8]>>> {
    prop::option::of(prop::collection::vec(any::<u8>(), 0..30).prop_map(Vec::into_boxed_slice))
}

prop_compose! {
    fn heads()(
        minor in 12..=16u8,
        (int_bytes, offset_bytes) in (4..=8u8, 4..=8u8),
        is_custom in any::<bool>(),
        method in 0..4u8,
        level in (-1..=9i32).prop_filter("0 is none", |level| *level != 0),
        (second, minute, hour, day) in (0..=60, 0..=59, 0..=23, 1..=31),
        (month_from_0, year_from_1900, is_summer_time) in (0..=11, 70..=300, -1..=1),
        (database, server_version, dump_version) in (text(), text(), text()),
    ) -> ArchiveHead {
        let version = ArchiveVersion { major: 1, minor, revision: 0 };
        let compression = match (version.has_compression_method(), method) {
            (_, 0) => DataCompression::None,
            (false, _) => DataCompression::Gzip { level },
            (true, 1) => DataCompression::Gzip { level: 0 },
            (true, 2) => DataCompression::Lz4,
            (true, _) => DataCompression::Zstd,
        };
        let format = if is_custom { ArchiveKind::Custom } else { ArchiveKind::Files };
        let created = CreationTime {
            second, minute, hour, day, month_from_0, year_from_1900, is_summer_time,
        };
        ArchiveHead {
            version, int_bytes, offset_bytes, format, compression, created, database,
            server_version, dump_version,
        }
    }
}

prop_compose! {
    fn entries()(
        had_dumper in any::<bool>(),
        (catalog, object) in any::<(u32, u32)>(),
        (tag, definition, drop, copy) in (text(), text(), text(), text()),
        (namespace, tablespace, access_method, owner) in (text(), text(), text(), text()),
        kind in text(),
        section in prop::sample::select(
            vec![TocSection::None, TocSection::PreData, TocSection::Data, TocSection::PostData]
        ),
        relation_kind in any::<i32>(),
        with_oids in any::<bool>(),
        dependencies in prop::collection::vec(any::<i32>(), 0..5),
        offset in any::<u32>(),
        is_known in any::<bool>(),
    ) -> TocEntry {
        let state = match (had_dumper, is_known) {
            (false, _) => OffsetState::NoData,
            (true, true) => OffsetState::Known,
            (true, false) => OffsetState::Unknown,
        };
        TocEntry {
            dump_id: 0, had_dumper, catalog, object, tag, kind: kind.unwrap_or_default(), section,
            definition, drop, copy, namespace, tablespace, access_method, relation_kind, owner,
            with_oids, dependencies, data: DataPlace::Stream { state, offset: offset.into() },
        }
    }
}

prop_compose! {
    fn tocs()(head in heads(), mut entries in prop::collection::vec(entries(), 0..6)) -> Toc {
        for (entry, dump_id) in entries.iter_mut().zip(1..) {
            entry.dump_id = dump_id;
            if !head.version.has_access_method() {
                entry.access_method = None;
            }
            if !head.version.has_relation_kind() {
                entry.relation_kind = 0;
            }
            if head.format == ArchiveKind::Files {
                let name = if entry.had_dumper { &b"1.dat"[..] } else { b"" };
                entry.data = DataPlace::File(name.into());
            }
        }
        Toc { head, entries }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_is_decoded(
        toc in tocs(),
        after in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        let bytes = toc.encode();
        let (decoded, used) = Toc::decode(&[&bytes[..], &after].concat(), &Limits::DEFAULT)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(decoded, toc);
        prop_assert_eq!(used, bytes.len());
        for length in 0..bytes.len() {
            prop_assert!(Toc::decode(&bytes[..length], &Limits::DEFAULT).is_err());
        }
    }
}

#[test]
fn labels_fit_on_a_line() {
    let mut table = entry(None);
    table.tag = Some(b"a\nb\t\x1b[31m\xff\"'"[..].into());
    assert_eq!(table.label(), "table public.a\\nb\\t\\u{1b}[31m\u{fffd}\"'");
    table.tag = Some(vec![b'x'; 1000].into());
    table.namespace = None;
    assert_eq!(table.label(), format!("table {}...", "x".repeat(100)));
    table.kind = b"BLOBS"[..].into();
    assert_eq!(table.label(), "the large objects");
}

#[test]
fn the_statement_that_reads_rows_back_is_that_which_wrote_them() {
    let mut table = entry(Some(b"COPY \"a b\".\"x FROM stdin;\n\" (id, \"B\"\"\") FROM stdin;\n"));
    table.namespace = Some(b"a b"[..].into());
    table.tag = Some(b"x FROM stdin;\n"[..].into());
    let statement = b"COPY \"a b\".\"x FROM stdin;\n\" (\"id\", \"B\"\"\") TO STDOUT";
    assert_eq!(table.copy_to_stdout().unwrap(), statement);
    table.definition = Some(b"-- load via partition root public.root"[..].into());
    assert_eq!(table.copy_to_stdout(), None);
    assert_eq!(entry(None).copy_to_stdout(), None);
    // Old versions set the search path first.
    let table = entry(Some(b"COPY t (id) FROM stdin;\n"));
    assert_eq!(table.copy_to_stdout().unwrap(), b"COPY \"public\".\"t\" (\"id\") TO STDOUT");
}

/// Queries sent to an existing database must not be whatever a dump says.
#[test]
fn another_statement_than_copy_of_the_table_is_not_run() {
    for copy in [
        "COPY public.other (id) FROM stdin;\n",
        "COPY other.t (id) FROM stdin;\n",
        "COPY (DELETE FROM t RETURNING 1) TO STDOUT; COPY public.t (id) FROM stdin;\n",
        "COPY public.t (id) TO PROGRAM 'touch pwned'; COPY public.t (id) FROM stdin;\n",
        "COPY public.t (id) FROM PROGRAM 'touch pwned' WHERE 1 = 1 FROM stdin;\n",
        "COPY public.t (\"id\" || lo_unlink(1)::text) FROM stdin;\n",
        "COPY public.t (id) FROM stdin WITH (FORMAT csv);\n",
        "\\! touch pwned\nCOPY public.t (id) FROM stdin;\n",
        "COPY public.t /* */ (id) FROM stdin;\n",
    ] {
        assert_eq!(entry(Some(copy.as_bytes())).copy_to_stdout(), None, "{copy}");
    }
    let mut table = entry(Some(b"COPY public.root (id) FROM stdin;\n"));
    table.definition = Some(b"-- load via partition root public.root"[..].into());
    let statement = b"COPY (SELECT \"id\" FROM \"public\".\"root\") TO STDOUT";
    assert_eq!(table.root_to_stdout().unwrap(), statement);
    table.definition = Some(b"-- load via partition root public.root, lo_unlink(1)"[..].into());
    assert_eq!(table.root_to_stdout(), None);
}
