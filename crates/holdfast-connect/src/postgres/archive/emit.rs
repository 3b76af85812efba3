//! Writing an archive from its table of contents and its members.
//!
//! The output is not compressed, whatever the archive was before. An entry whose data is left out
//! still announces data: `pg_restore` skips it if it is not requested, and fails otherwise. So a
//! selection can never be restored as if it were everything.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::fields::put_int;
use super::head::{ArchiveHead, ArchiveKind, DataCompression};
use super::stream::{ArchiveMember, BLOCK_DATA, BLOCK_LARGE_OBJECTS};
use super::toc::{DataPlace, OffsetState, Toc, TocEntry};

/// Bytes of data written per length.
const CHUNK_BYTES: usize = 64 << 10;

/// The large objects of each entry that has any, in the order in which they arrived.
pub type LargeObjects = BTreeMap<i32, Vec<u32>>;

/// Opens the plain bytes of a member.
type FetchMember<'f> = dyn FnMut(ArchiveMember) -> io::Result<Box<dyn Read + 'f>> + 'f;
/// Creates a file of a directory archive.
type Create<'c> = dyn FnMut(&str) -> io::Result<Box<dyn Write>> + 'c;

/// Which entries come with their data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSelection {
    /// All of them.
    All,
    /// Those with these numbers, as returned by [`Toc::data_of`].
    Only(BTreeSet<i32>),
}

/// Why an archive was not written.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// A member cannot be read.
    #[error("cannot read the data of {label}: {source}")]
    Fetch {
        /// The member, for messages.
        label: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The archive cannot be written.
    #[error("cannot write the archive: {0}")]
    Write(#[source] io::Error),
    /// A directory of this version has one list of large objects, but there are several.
    #[error("a directory archive of this version cannot have several groups of large objects")]
    SeveralGroups,
}

/// An archive to be written.
#[derive(Debug, Clone, Copy)]
pub struct Emission<'a> {
    toc: &'a Toc,
    large_objects: &'a LargeObjects,
    wanted: &'a DataSelection,
}

impl<'a> Emission<'a> {
    /// The archive that `toc` describes, with the data of `wanted` entries.
    pub fn new(toc: &'a Toc, large_objects: &'a LargeObjects, wanted: &'a DataSelection) -> Self {
        Self { toc, large_objects, wanted }
    }

    /// Writes a custom archive from start to end, for a pipe. `pg_restore` reads it from its
    /// standard input, though not with several jobs.
    ///
    /// # Errors
    /// [`EmitError`]; what has been written by then is not a valid archive.
    pub fn write_stream(
        &self,
        out: &mut dyn Write,
        fetch: &mut FetchMember<'_>,
    ) -> Result<(), EmitError> {
        let mut out = MemberByteCounter { out, written: 0 };
        let head = self.head(ArchiveKind::Custom);
        self.write_toc(&head, &mut out, &|entry| stream_place(entry, None))?;
        self.write_blocks(&head, &mut out, fetch)?;
        out.flush().map_err(EmitError::Write)
    }

    /// Writes a custom archive that records where the data of each entry is, from the current
    /// position of `out`. `pg_restore` can read it with several jobs, or extract one table
    /// directly.
    ///
    /// # Errors
    /// [`EmitError`]; what has been written by then is not a valid archive.
    pub fn write_seekable<W: Write + Seek>(
        &self,
        out: &mut W,
        fetch: &mut FetchMember<'_>,
    ) -> Result<(), EmitError> {
        let start = out.stream_position().map_err(EmitError::Write)?;
        let head = self.head(ArchiveKind::Custom);
        let mut counted = MemberByteCounter { out, written: 0 };
        self.write_toc(&head, &mut counted, &|entry| stream_place(entry, None))?;
        let offsets = self.write_blocks(&head, &mut counted, fetch)?;
        let end = counted.written;
        // Offsets have a fixed width, so the table has the same length as before.
        out.seek(SeekFrom::Start(start)).map_err(EmitError::Write)?;
        let mut counted = MemberByteCounter { out, written: 0 };
        let place = |entry: &TocEntry| stream_place(entry, offsets.get(&entry.dump_id).copied());
        self.write_toc(&head, &mut counted, &place)?;
        out.seek(SeekFrom::Start(start + end)).map_err(EmitError::Write)?;
        out.flush().map_err(EmitError::Write)
    }

    /// Writes the files of a directory archive; `toc.dat` comes last, so that a directory without
    /// it is recognizably unfinished. Each file is flushed before the next one is created.
    ///
    /// # Errors
    /// [`EmitError`].
    pub fn write_directory(
        &self,
        create: &mut Create<'_>,
        fetch: &mut FetchMember<'_>,
    ) -> Result<(), EmitError> {
        let head = self.head(ArchiveKind::Files);
        let groups = self.entries().filter(|entry| entry.has_large_objects()).count();
        if groups > 1 && !head.version.has_relation_kind() {
            return Err(EmitError::SeveralGroups);
        }
        for entry in self.entries() {
            if entry.has_large_objects() {
                self.write_group_files(&head, entry, create, fetch)?;
            } else {
                write_member_file(&data_file(&head, entry), entry, None, create, fetch)?;
            }
        }
        let mut file = create("toc.dat").map_err(EmitError::Write)?;
        let place = |entry: &TocEntry| match entry.had_dumper {
            true => DataPlace::File(data_file(&head, entry).into_bytes().into_boxed_slice()),
            false => DataPlace::File(Box::default()),
        };
        self.write_toc(&head, &mut file, &place)?;
        file.flush().map_err(EmitError::Write)
    }

    /// The header, of an archive without compression.
    fn head(&self, format: ArchiveKind) -> ArchiveHead {
        ArchiveHead { format, compression: DataCompression::None, ..self.toc.head.clone() }
    }

    /// The entries whose data is written.
    fn entries(&self) -> impl Iterator<Item = &'a TocEntry> + use<'a> {
        let wanted = self.wanted;
        self.toc.with_data().filter(move |entry| match wanted {
            DataSelection::All => true,
            DataSelection::Only(numbers) => numbers.contains(&entry.dump_id),
        })
    }

    fn oids(&self, entry: &TocEntry) -> &'a [u32] {
        self.large_objects.get(&entry.dump_id).map(Vec::as_slice).unwrap_or_default()
    }

    fn write_toc(
        &self,
        head: &ArchiveHead,
        out: &mut dyn Write,
        place: &dyn Fn(&TocEntry) -> DataPlace,
    ) -> Result<(), EmitError> {
        let mut bytes = Vec::new();
        head.encode(&mut bytes);
        put_int(&mut bytes, head.int_bytes, self.toc.entry_count());
        for entry in &self.toc.entries {
            entry.encode(head, &place(entry), &mut bytes);
            if bytes.len() >= CHUNK_BYTES {
                out.write_all(&bytes).map_err(EmitError::Write)?;
                bytes.clear();
            }
        }
        out.write_all(&bytes).map_err(EmitError::Write)
    }

    /// Writes all data and returns where the block of each entry begins.
    fn write_blocks(
        &self,
        head: &ArchiveHead,
        out: &mut MemberByteCounter<'_>,
        fetch: &mut FetchMember<'_>,
    ) -> Result<BTreeMap<i32, u64>, EmitError> {
        let mut offsets = BTreeMap::new();
        for entry in self.entries() {
            offsets.insert(entry.dump_id, out.written);
            let kind = match entry.has_large_objects() {
                true => BLOCK_LARGE_OBJECTS,
                false => BLOCK_DATA,
            };
            out.write_all(&[kind]).map_err(EmitError::Write)?;
            write_int(out, head, entry.dump_id)?;
            if entry.has_large_objects() {
                for oid in self.oids(entry) {
                    write_int(out, head, oid.cast_signed())?;
                    write_chunks(out, head, entry, Some(*oid), fetch)?;
                }
                write_int(out, head, 0)?;
            } else {
                write_chunks(out, head, entry, None, fetch)?;
            }
        }
        Ok(offsets)
    }

    /// Writes the files of a group of large objects, and their list.
    fn write_group_files(
        &self,
        head: &ArchiveHead,
        entry: &TocEntry,
        create: &mut Create<'_>,
        fetch: &mut FetchMember<'_>,
    ) -> Result<(), EmitError> {
        let mut list = String::new();
        for oid in self.oids(entry) {
            let name = format!("blob_{oid}.dat");
            write_member_file(&name, entry, Some(*oid), create, fetch)?;
            list.push_str(&format!("{oid} {name}\n"));
        }
        let mut file = create(&data_file(head, entry)).map_err(EmitError::Write)?;
        file.write_all(list.as_bytes()).map_err(EmitError::Write)?;
        file.flush().map_err(EmitError::Write)
    }
}

/// Where the data of an entry is in a custom archive.
fn stream_place(entry: &TocEntry, offset: Option<u64>) -> DataPlace {
    let state = match (entry.had_dumper, offset) {
        (false, _) => OffsetState::NoData,
        (true, None) => OffsetState::Unknown,
        (true, Some(_)) => OffsetState::Known,
    };
    DataPlace::Stream { state, offset: offset.unwrap_or(0) }
}

/// The file of an entry's data in a directory. Up to PostgreSQL 16 there was one group of large
/// objects, whose list has a fixed name.
fn data_file(head: &ArchiveHead, entry: &TocEntry) -> String {
    match (entry.has_large_objects(), head.version.has_relation_kind()) {
        (true, true) => format!("blobs_{}.toc", entry.dump_id),
        (true, false) => "blobs.toc".to_owned(),
        (false, _) => format!("{}.dat", entry.dump_id),
    }
}

fn write_member_file(
    name: &str,
    entry: &TocEntry,
    large_object: Option<u32>,
    create: &mut Create<'_>,
    fetch: &mut FetchMember<'_>,
) -> Result<(), EmitError> {
    let mut source = MemberReader::open(entry, large_object, fetch)?;
    let mut file = create(name).map_err(EmitError::Write)?;
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let count = source.fill(&mut buffer)?;
        if count == 0 {
            return file.flush().map_err(EmitError::Write);
        }
        file.write_all(&buffer[..count]).map_err(EmitError::Write)?;
    }
}

fn write_int(out: &mut dyn Write, head: &ArchiveHead, value: i32) -> Result<(), EmitError> {
    let mut bytes = Vec::new();
    put_int(&mut bytes, head.int_bytes, value);
    out.write_all(&bytes).map_err(EmitError::Write)
}

/// Writes a member as chunks, ending with an empty one.
fn write_chunks(
    out: &mut dyn Write,
    head: &ArchiveHead,
    entry: &TocEntry,
    large_object: Option<u32>,
    fetch: &mut FetchMember<'_>,
) -> Result<(), EmitError> {
    let mut source = MemberReader::open(entry, large_object, fetch)?;
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let count = source.fill(&mut buffer)?;
        // A chunk is far shorter than the largest integer.
        write_int(out, head, i32::try_from(count).unwrap_or(i32::MAX))?;
        if count == 0 {
            return Ok(());
        }
        out.write_all(&buffer[..count]).map_err(EmitError::Write)?;
    }
}

/// A member being read.
struct MemberReader<'a, 'f> {
    reader: Box<dyn Read + 'f>,
    entry: &'a TocEntry,
    large_object: Option<u32>,
}

impl<'a, 'f> MemberReader<'a, 'f> {
    fn open(
        entry: &'a TocEntry,
        large_object: Option<u32>,
        fetch: &mut FetchMember<'f>,
    ) -> Result<Self, EmitError> {
        let opened = fetch(ArchiveMember { dump_id: entry.dump_id, large_object });
        let reader = opened.map_err(|source| fetch_error(entry, large_object, source))?;
        Ok(Self { reader, entry, large_object })
    }

    /// Fills the buffer; less only at the end.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, EmitError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(fetch_error(self.entry, self.large_object, source)),
            }
        }
        Ok(filled)
    }
}

fn fetch_error(entry: &TocEntry, large_object: Option<u32>, source: io::Error) -> EmitError {
    let label = match large_object {
        Some(oid) => format!("large object {oid}"),
        None => entry.label(),
    };
    EmitError::Fetch { label, source }
}

/// Counts what is written.
struct MemberByteCounter<'w> {
    out: &'w mut dyn Write,
    written: u64,
}

impl Write for MemberByteCounter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
