//! An archive split into its parts in memory, and what can be done with them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use holdfast_connect::postgres::archive::{
    ArchiveError, ArchiveEvent, ArchiveMember, ArchiveReader, ContentHasher, DataSelection,
    Emission, LargeObjects, Limits, MemberSummary, Toc, TocEntry,
};

/// All of an archive.
#[derive(Debug, Clone)]
pub struct ArchiveParts {
    pub toc: Toc,
    pub members: BTreeMap<ArchiveMember, Vec<u8>>,
    pub large_objects: LargeObjects,
    pub contents: BTreeMap<String, MemberSummary>,
}

/// Splits an archive into its parts.
pub fn take_apart(archive: &[u8]) -> Result<ArchiveParts, ArchiveError> {
    take_apart_from(archive, 10_007)
}

/// The same from any stream, with a buffer of this many bytes.
pub fn take_apart_from(
    stream: impl Read,
    buffer_bytes: usize,
) -> Result<ArchiveParts, ArchiveError> {
    let mut reader = ArchiveReader::open(stream, Limits::DEFAULT)?;
    let mut buffer = vec![0; buffer_bytes];
    let mut members = BTreeMap::new();
    let mut large_objects = LargeObjects::new();
    let mut contents = BTreeMap::new();
    let mut open: Option<(ArchiveMember, Vec<u8>, ContentHasher)> = None;
    loop {
        match reader.next(&mut buffer)? {
            ArchiveEvent::Begins(member) => {
                assert!(open.is_none());
                if let Some(oid) = member.large_object {
                    large_objects.entry(member.dump_id).or_default().push(oid);
                }
                let hasher = match member.large_object {
                    Some(_) => ContentHasher::of_large_object(),
                    None => ContentHasher::of_entry(entry_of(reader.toc(), member)),
                };
                open = Some((member, Vec::new(), hasher));
            }
            ArchiveEvent::Data(count) => {
                let (_, bytes, hasher) = open.as_mut().unwrap();
                bytes.extend_from_slice(&buffer[..count]);
                hasher.update(&buffer[..count]).unwrap();
            }
            ArchiveEvent::Ends(member) => {
                let (begun, bytes, hasher) = open.take().unwrap();
                assert_eq!(begun, member);
                members.insert(member, bytes);
                let name = name(reader.toc(), member);
                assert_eq!(contents.insert(name, hasher.finish().unwrap()), None);
            }
            ArchiveEvent::Complete => break,
        }
    }
    assert!(open.is_none());
    Ok(ArchiveParts { toc: reader.into_toc(), members, large_objects, contents })
}

/// The entry that a member belongs to.
pub fn entry_of(toc: &Toc, member: ArchiveMember) -> &TocEntry {
    toc.entries.iter().find(|entry| entry.dump_id == member.dump_id).unwrap()
}

/// The name of a member in every dump of the same database.
fn name(toc: &Toc, member: ArchiveMember) -> String {
    match member.large_object {
        Some(oid) => format!("large object {oid}"),
        None => entry_of(toc, member).label(),
    }
}

impl ArchiveParts {
    /// The number of the entry with the rows of a table.
    pub fn table(&self, namespace: &str, name: &str) -> i32 {
        let wanted = self.toc.data_of(Some(namespace.as_bytes()), Some(name.as_bytes()));
        assert_eq!(wanted.len(), 1, "{namespace}.{name}");
        wanted.into_iter().next().unwrap()
    }

    /// The archive for a pipe.
    pub fn stream(&self, wanted: &DataSelection) -> Vec<u8> {
        let mut out = Vec::new();
        let emission = Emission::new(&self.toc, &self.large_objects, wanted);
        emission.write_stream(&mut out, &mut |member| self.open(member)).unwrap();
        out
    }

    /// The archive with offsets. Other bytes precede it, which do not count.
    pub fn seekable(&self, wanted: &DataSelection) -> Vec<u8> {
        let mut out = Cursor::new(b"before".to_vec());
        out.set_position(6);
        let emission = Emission::new(&self.toc, &self.large_objects, wanted);
        emission.write_seekable(&mut out, &mut |member| self.open(member)).unwrap();
        assert_eq!(out.position(), out.get_ref().len() as u64);
        out.into_inner().split_off(6)
    }

    /// The archive as a new directory.
    pub fn directory(&self, wanted: &DataSelection, folder: &Path) {
        std::fs::create_dir(folder).unwrap();
        let names = RefCell::new(Vec::new());
        let emission = Emission::new(&self.toc, &self.large_objects, wanted);
        let mut create = |name: &str| {
            names.borrow_mut().push(name.to_owned());
            let file = std::fs::File::create_new(folder.join(name))?;
            Ok(Box::new(file) as Box<dyn Write>)
        };
        emission.write_directory(&mut create, &mut |member| self.open(member)).unwrap();
        assert_eq!(names.borrow().last().unwrap(), "toc.dat");
    }

    fn open(&self, member: ArchiveMember) -> std::io::Result<Box<dyn Read>> {
        Ok(Box::new(Cursor::new(self.members[&member].clone())))
    }
}
