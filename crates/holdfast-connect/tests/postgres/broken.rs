//! Archives that are cut, changed, or not archives at all: always an error, the right one, no
//! panic.

use std::collections::BTreeSet;

use holdfast_connect::postgres::archive::{
    ArchiveError, ArchiveEvent, ArchiveReader, DataCompression, DataSelection, Limits, Looks,
};
use proptest::prelude::*;

use crate::cluster::{Cluster, Run, installations};
use crate::golden;
use crate::parts::{ArchiveParts, take_apart};

fn error(archive: &[u8]) -> ArchiveError {
    take_apart(archive).expect_err("this is not a complete archive")
}

fn named(name: &str) -> Vec<u8> {
    let (_, bytes) = golden::all().into_iter().find(|(found, _)| found == name).unwrap();
    bytes
}

#[test]
fn no_part_of_an_archive_is_accepted() {
    for (name, archive) in golden::all() {
        let parts = take_apart(&archive).unwrap();
        let toc_bytes = parts.toc.encode().len();
        let mut cut_in_tables = BTreeSet::new();
        for length in 0..archive.len() {
            match (error(&archive[..length]), length) {
                (ArchiveError::NotAnArchive(Looks::Empty), 0) => {}
                (ArchiveError::CutShort { within, bytes }, 1..) => {
                    assert_eq!(bytes, length as u64, "{name}");
                    let is_table = within.starts_with("table ") || within.contains("object");
                    let is_early = within.starts_with("the ");
                    assert!(if length < toc_bytes { is_early } else { is_table || is_early });
                    cut_in_tables.insert(within);
                }
                (ArchiveError::Missing { first, .. }, _) => {
                    assert!(length >= toc_bytes);
                    cut_in_tables.insert(format!("before {first}"));
                }
                (error, length) => panic!("{name} cut at {length}: {error}"),
            }
        }
        for place in
            ["table public.users", "before table public.users", "table app.log", "large object 17"]
        {
            assert!(cut_in_tables.contains(place), "{name}: {cut_in_tables:?}");
        }
    }
}

#[test]
fn what_is_missing_is_named() {
    let parts = take_apart(&named("15-plain")).unwrap();
    let without = |missing: &[i32]| {
        let all = parts.toc.with_data().map(|entry| entry.dump_id);
        let wanted = all.filter(|number| !missing.contains(number)).collect();
        error(&parts.stream(&DataSelection::Only(wanted))).to_string()
    };
    let (log, users) = (parts.table("app", "log"), parts.table("public", "users"));
    assert!(
        without(&[users]).starts_with("the archive ends before the data of table public.users:")
    );
    let several = without(&[users, log]);
    assert!(several.contains("before the data of table app.log and of 1 more:"), "{several}");
}

#[test]
fn what_follows_the_end_or_comes_twice_is_refused() {
    for (name, archive) in golden::all() {
        let toc_bytes = take_apart(&archive).unwrap().toc.encode().len();
        for more in
            [&b"pg_dump: error: lost the connection\n"[..], b"\0", b"\x01", &archive[toc_bytes..]]
        {
            let longer = [&archive[..], more].concat();
            let error = error(&longer);
            let is_right =
                matches!(error, ArchiveError::Damaged { .. } | ArchiveError::CutShort { .. });
            assert!(is_right, "{name}: {error}");
        }
    }
    let text = error(&[&named("15-plain")[..], b"text"].concat()).to_string();
    assert!(text.contains("bytes follow the end of the archive"), "{text}");
}

/// Every line feed as a pseudo-terminal outputs it.
fn through_terminal(bytes: &[u8]) -> Vec<u8> {
    let written = bytes.iter().flat_map(|byte| match byte {
        b'\n' => vec![b'\r', b'\n'],
        byte => vec![*byte],
    });
    written.collect()
}

#[test]
fn damage_by_a_terminal_is_recognised() {
    for (name, archive) in golden::all() {
        let damaged = through_terminal(&archive);
        assert!(matches!(error(&damaged), ArchiveError::Terminal), "{name}");
        assert!(matches!(error(&damaged[..2000]), ArchiveError::Terminal), "{name}");
        // Also in the header: created on the tenth of a month.
        let mut parts = take_apart(&archive).unwrap();
        let created = &mut parts.toc.head.created;
        (created.day, created.hour, created.minute, created.second) = (10, 10, 10, 10);
        let damaged = through_terminal(&parts.stream(&DataSelection::All));
        assert!(matches!(error(&damaged), ArchiveError::Terminal), "{name}");
        // In the other direction, it cannot be detected.
        let lost: Vec<_> = archive.iter().copied().filter(|byte| *byte != b'\n').collect();
        assert!(!matches!(error(&lost), ArchiveError::Terminal), "{name}");
    }
}

#[test]
fn a_real_terminal_is_recognised() {
    let cluster = Cluster::start(&installations()[0]);
    cluster.sql("postgres", include_str!("golden.sql"));
    let dump = cluster.client("pg_dump", ["-Fc", "-d", "postgres"]);
    let program = dump.get_program().to_str().unwrap();
    let line = format!("'{program}' -Fc -d postgres");
    // `script` runs a command in a pseudo-terminal and passes on its output.
    let mut script = std::process::Command::new("script");
    script.args(["-qec", &line, "/dev/null"]);
    for (name, value) in dump.get_envs() {
        value.map(|value| script.env(name, value));
    }
    let written = script.succeed();
    assert!(written.starts_with(b"PGDMP"));
    let error = error(&written);
    assert!(matches!(error, ArchiveError::Terminal), "{error}");
    assert!(error.to_string().contains("docker compose exec -T"));
}

#[test]
fn other_streams_are_named() {
    let cases: [(&[u8], Looks); 10] = [
        (b"", Looks::Empty),
        (b"--\n-- PostgreSQL database dump\n--\n", Looks::PlainSql),
        (b"--\r\n-- PostgreSQL database cluster dump\r\n", Looks::PlainSql),
        (b"\x1f\x8b\x08\0\0\0\0\0", Looks::Compressed("gzip")),
        (b"\x28\xb5\x2f\xfd\0\0", Looks::Compressed("zstd")),
        (b"age-encryption.org/v1\n-> X25519", Looks::Encrypted("age")),
        (b"Salted__\x01\x02", Looks::Encrypted("openssl")),
        (b"pg_dump: error: connection failed\n", Looks::Text),
        (b"Welcome!\nPGDMP\x01\x0e\0", Looks::Preceded),
        (b"\0\x01\x02\x03\x04\x05", Looks::Unknown),
    ];
    for (bytes, looks) in cases {
        match error(bytes) {
            ArchiveError::NotAnArchive(found) => assert_eq!(found, looks),
            error => panic!("{bytes:?}: {error}"),
        }
    }
    let cluster = Cluster::start(&installations()[0]);
    let tar = cluster.dump("postgres", &["-Ft"]);
    assert!(matches!(error(&tar), ArchiveError::NotAnArchive(Looks::Tar)));
    let folder = cluster.folder().join("folder");
    cluster.client("pg_dump", ["-Fd", "-f"]).arg(&folder).succeed();
    let toc = std::fs::read(folder.join("toc.dat")).unwrap();
    assert!(matches!(error(&toc), ArchiveError::NotAnArchive(Looks::TocFile)));
}

#[test]
fn unknown_versions_and_methods_are_named() {
    let archive = named("18-plain");
    let with = |place: usize, byte: u8| {
        let mut changed = archive.clone();
        changed[place] = byte;
        error(&changed)
    };
    assert!(matches!(with(6, 17), ArchiveError::TooNew { major: 1, minor: 17 }));
    assert!(matches!(with(5, 2), ArchiveError::TooNew { major: 2, minor: 16 }));
    assert!(matches!(with(6, 11), ArchiveError::TooOld { major: 1, minor: 11 }));
    assert!(matches!(with(11, 4), ArchiveError::UnknownCompression(4)));
    assert!(with(11, 1).to_string().contains("it cannot be decompressed"));
}

#[test]
fn limits_hold_before_memory_is_taken() {
    let archive = named("15-plain");
    let open = |limits: Limits| ArchiveReader::open(&archive[..], limits).err().unwrap();
    let small = [
        Limits { string_bytes_max: 20, ..Limits::DEFAULT },
        Limits { toc_bytes_max: 1000, ..Limits::DEFAULT },
        Limits { entries_max: 5, ..Limits::DEFAULT },
    ];
    for limits in small {
        let error = open(limits);
        assert!(matches!(error, ArchiveError::TooLarge { .. }), "{error}");
    }
    let zstd = named("18-zstd");
    let limits = Limits { zstd_window_log_max: 10, ..Limits::DEFAULT };
    let mut reader = ArchiveReader::open(&zstd[..], limits).unwrap();
    let mut buffer = [0; 100];
    let error = loop {
        match reader.next(&mut buffer) {
            Ok(ArchiveEvent::Complete) => panic!("a window of 1 KiB is not enough"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(error, ArchiveError::Damaged { .. }), "{error}");
    assert!(matches!(reader.next(&mut buffer), Err(ArchiveError::Failed)));
}

/// The compressed data of an archive's first member without its framing, and where it begins and
/// ends in the archive.
fn compressed_member(archive: &[u8]) -> (Vec<u8>, usize, usize) {
    let toc_bytes = take_apart(archive).unwrap().toc.encode().len();
    // A block begins with its kind and number; chunks with their lengths follow, up to an empty
    // one.
    let start = toc_bytes + 1 + 5;
    let (mut data, mut at) = (Vec::new(), start);
    loop {
        let length = u32::from_le_bytes(archive[at + 1..at + 5].try_into().unwrap()) as usize;
        at += 5;
        if length == 0 {
            return (data, start, at);
        }
        data.extend_from_slice(&archive[at..at + length]);
        at += length;
    }
}

/// The framing of the archive is right, but the compressed data in it ends early or continues.
#[test]
fn compressed_data_must_come_to_its_own_end() {
    for name in ["15-gzip", "16-gzip", "17-lz4", "17-zstd", "18-lz4", "18-zstd"] {
        let archive = named(name);
        let (data, start, end) = compressed_member(&archive);
        let with = |data: &[u8]| {
            let head = [&[0][..], &(data.len() as u32).to_le_bytes()].concat();
            [&archive[..start], &head, data, &[0; 5], &archive[end..]].concat()
        };
        assert!(take_apart(&with(&data)).is_ok());
        for kept in 1..data.len() {
            let error = error(&with(&data[..kept]));
            assert!(matches!(error, ArchiveError::Damaged { .. }), "{name} {kept}: {error}");
        }
        for more in [&b"\0"[..], &data] {
            let error = error(&with(&[&data, more].concat())).to_string();
            assert!(error.contains("follow the end of the compressed data"), "{name}: {error}");
        }
    }
}

/// What a changed archive may yield: an error, or something that is written back as it was read.
fn check_changed(archive: &[u8]) {
    let limits = Limits { zstd_window_log_max: 20, ..Limits::DEFAULT };
    let Ok(mut reader) = ArchiveReader::open(archive, limits) else { return };
    assert!(archive.starts_with(&reader.toc().encode()));
    let mut buffer = [0; 4096];
    while !matches!(reader.next(&mut buffer), Ok(ArchiveEvent::Complete) | Err(_)) {}
}

#[test]
fn every_flipped_bit_of_the_structure_is_harmless() {
    for (_, archive) in golden::all() {
        for place in 0..archive.len() {
            for bit in [0, 3, 7] {
                let mut changed = archive.clone();
                changed[place] ^= 1 << bit;
                check_changed(&changed);
            }
        }
    }
}

#[test]
fn a_flag_that_hides_a_table_is_found() {
    // The bytes that say whether an entry has data, changed in both directions: either way
    // pg_restore would silently leave a table empty.
    let archive = named("15-plain");
    let plain = take_apart(&archive).unwrap();
    let entries = plain.toc.entries.len();
    let mut refused = 0;
    for number in 0..entries {
        let mut toc = plain.toc.clone();
        toc.entries[number].had_dumper ^= true;
        let changed = [&toc.encode(), &archive[plain.toc.encode().len()..]].concat();
        assert!(matches!(error(&changed), ArchiveError::Damaged { .. }));
        refused += 1;
    }
    assert_eq!(refused, entries);
}

/// Changes: positions as fractions of the length, with what happens there.
fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, ArchiveChange)>> {
    let change = prop_oneof![
        any::<u8>().prop_map(ArchiveChange::Set),
        prop::collection::vec(any::<u8>(), 1..20).prop_map(ArchiveChange::Insert),
        (1..2000usize).prop_map(ArchiveChange::Remove),
        any::<u32>().prop_map(ArchiveChange::Number),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), change), 1..6)
}

#[derive(Debug, Clone)]
enum ArchiveChange {
    Set(u8),
    Insert(Vec<u8>),
    Remove(usize),
    Number(u32),
}

fn changed(archive: &[u8], changes: &[(prop::sample::Index, ArchiveChange)]) -> Vec<u8> {
    let mut bytes = archive.to_vec();
    for (place, change) in changes {
        let place = place.index(bytes.len().max(1));
        let end = |length: usize| (place + length).min(bytes.len());
        let (range, with) = match change {
            ArchiveChange::Set(byte) => (place..end(1), vec![*byte]),
            ArchiveChange::Insert(more) => (place..place, more.clone()),
            ArchiveChange::Remove(length) => (place..end(*length), vec![]),
            ArchiveChange::Number(number) => (place..end(4), number.to_le_bytes().to_vec()),
        };
        bytes.splice(range, with);
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_archives_never_panic(which in any::<prop::sample::Index>(), changes in changes()) {
        let all = golden::all();
        check_changed(&changed(&all[which.index(all.len())].1, &changes));
    }

    /// Any rows and large objects are restored as they were, whatever the version.
    #[test]
    fn any_data_is_written_and_read_again(
        which in any::<prop::sample::Index>(),
        data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200_000), 5),
        oids in prop::collection::btree_set(1u32.., 2),
    ) {
        let all = golden::all();
        let mut parts = take_apart(&all[which.index(all.len())].1).unwrap();
        replace_data(&mut parts, data, &oids);
        for archive in [parts.stream(&DataSelection::All), parts.seekable(&DataSelection::All)] {
            let (toc, members) = members_of(&archive);
            prop_assert_eq!(&members, &parts.members);
            prop_assert_eq!(toc.head.compression, DataCompression::None);
        }
    }
}

/// Replaces the contents of the members, which need not be rows.
fn replace_data(parts: &mut ArchiveParts, data: Vec<Vec<u8>>, oids: &BTreeSet<u32>) {
    let large: Vec<_> = parts.large_objects.keys().copied().collect();
    let mut oids = oids.iter().copied();
    parts.large_objects.clear();
    let members = std::mem::take(&mut parts.members);
    for (mut member, bytes) in members.into_keys().zip(data) {
        if large.contains(&member.dump_id) {
            member.large_object = oids.next();
            let group = parts.large_objects.entry(member.dump_id).or_default();
            group.extend(member.large_object);
        }
        parts.members.insert(member, bytes);
    }
}

type MemberNumbers =
    std::collections::BTreeMap<holdfast_connect::postgres::archive::ArchiveMember, Vec<u8>>;

/// The members of an archive, without interpreting their content.
fn members_of(archive: &[u8]) -> (holdfast_connect::postgres::archive::Toc, MemberNumbers) {
    let mut reader = ArchiveReader::open(archive, Limits::DEFAULT).unwrap();
    let mut buffer = vec![0; 50_000];
    let (mut members, mut bytes) = (MemberNumbers::new(), Vec::new());
    loop {
        match reader.next(&mut buffer).unwrap() {
            ArchiveEvent::Begins(_) => bytes.clear(),
            ArchiveEvent::Data(count) => bytes.extend_from_slice(&buffer[..count]),
            ArchiveEvent::Ends(member) => {
                members.insert(member, bytes.clone());
            }
            ArchiveEvent::Complete => return (reader.into_toc(), members),
        }
    }
}
