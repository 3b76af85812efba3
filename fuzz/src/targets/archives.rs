//! What pg_dump writes.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use holdfast_connect::postgres::archive::{
    ArchiveError, ArchiveEvent, ArchiveMember, ArchiveReader, ContentHasher, DataSelection,
    Emission, LargeObjects, Limits, PlainCheck, Toc,
};

/// Smaller than usual, so that hostile lengths fail within the limits of the fuzzer.
const LIMITS: Limits = Limits {
    string_bytes_max: 1 << 20,
    toc_bytes_max: 4 << 20,
    entries_max: 1 << 12,
    zstd_window_log_max: 20,
};
/// Data of one archive that is kept to write it again; archives may expand to far more.
const KEPT_BYTES_MAX: usize = 1 << 20;
/// Data of one archive that is looked at.
const DATA_BYTES_MAX: usize = 16 << 20;

type Members = BTreeMap<ArchiveMember, Vec<u8>>;

/// Custom archives, and SQL scripts. A table of contents that is read is written back exactly; a
/// whole archive that is written again has the same data.
pub fn postgres_archive(data: &[u8]) {
    plain_script(data);
    if let Ok((toc, used)) = Toc::decode(data, &LIMITS) {
        assert!(toc.encode() == data[..used]);
    }
    let Ok(Some((toc, members))) = read(data) else { return };
    let mut large_objects = LargeObjects::new();
    for member in members.keys() {
        let group = large_objects.entry(member.dump_id).or_default();
        group.extend(member.large_object);
    }
    let mut written = Cursor::new(Vec::new());
    let mut open = |member: ArchiveMember| -> std::io::Result<Box<dyn Read>> {
        Ok(Box::new(Cursor::new(members[&member].clone())))
    };
    let emission = Emission::new(&toc, &large_objects, &DataSelection::All);
    emission.write_seekable(&mut written, &mut open).expect("memory can be written");
    let again = read(&written.into_inner()).expect("what is written is an archive");
    let (again, members_again) = again.expect("it is no larger than before");
    assert_eq!(again.entries.len(), toc.entries.len());
    assert!(members_again == members);
}

/// Reads a whole archive; `None` if it has too much data to be kept, or a large object twice.
fn read(data: &[u8]) -> Result<Option<(Toc, Members)>, ArchiveError> {
    let mut reader = ArchiveReader::open(data, LIMITS)?;
    let mut buffer = vec![0; 4096];
    let mut members = Members::new();
    let mut hasher = ContentHasher::of_large_object();
    let (mut bytes, mut total, mut is_odd) = (Vec::new(), 0, false);
    loop {
        match reader.next(&mut buffer)? {
            ArchiveEvent::Begins(member) => {
                let mut entries = reader.toc().with_data();
                let entry = entries.find(|entry| entry.dump_id == member.dump_id);
                let entry = entry.expect("a member has an entry");
                assert_eq!(entry.has_large_objects(), member.large_object.is_some());
                hasher = ContentHasher::of_entry(entry);
            }
            ArchiveEvent::Data(count) => {
                assert!(count > 0);
                // Whether the bytes are rows is another question than whether they are there.
                let _ = hasher.update(&buffer[..count]);
                total += count;
                if total <= KEPT_BYTES_MAX {
                    bytes.extend_from_slice(&buffer[..count]);
                }
                if total > DATA_BYTES_MAX {
                    return Ok(None);
                }
            }
            ArchiveEvent::Ends(member) => {
                let _ = hasher.clone().finish();
                is_odd |= members.insert(member, std::mem::take(&mut bytes)).is_some();
            }
            ArchiveEvent::Complete => break,
        }
    }
    let with_data = reader.toc().with_data().filter(|entry| !entry.has_large_objects());
    let tables = members.keys().filter(|member| member.large_object.is_none());
    assert_eq!(tables.count(), with_data.count());
    let is_kept = total <= KEPT_BYTES_MAX && !is_odd;
    Ok(is_kept.then(|| (reader.into_toc(), members)))
}

/// It does not matter in which pieces a script comes.
fn plain_script(data: &[u8]) {
    let mut whole = PlainCheck::new();
    whole.update(data);
    let mut pieces = PlainCheck::new();
    data.chunks(7).for_each(|piece| pieces.update(piece));
    assert_eq!(whole.finish(), pieces.finish());
}
