//! The table of contents: the parts of an archive, in restore order.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;

use super::error::{ArchiveError, ArchiveFault, Decoded};
use super::fields::{
    ArchiveText, FieldReader, Limits, Widths, decimal, put_int, put_offset, put_text,
};
use super::head::{ArchiveHead, ArchiveKind, ArchiveVersion};
use super::input::ArchiveInput;
use crate::postgres::sql::{copied, qualified_name, quoted};

/// How many bytes from the start of a stream are kept to find out what damaged it.
pub(super) const START_BYTES: usize = 16 << 10;
/// pg_dump's name for the entry of a table's rows.
const TABLE_DATA: &[u8] = b"TABLE DATA";
/// pg_dump's name for the entry of the content of large objects.
const LARGE_OBJECTS: &[u8] = b"BLOBS";

/// What an entry takes in memory besides its texts, including what is kept of it elsewhere: the
/// list grows by doubling.
const ENTRY_BYTES: u64 = 2 * size_of::<TocEntry>() as u64 + 64;

/// Header and table of contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toc {
    /// The header.
    pub head: ArchiveHead,
    /// The entries, in restore order.
    pub entries: Vec<TocEntry>,
}

/// The part of a restore that an entry belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TocSection {
    /// None of its own, as for comments and privileges.
    None = 1,
    /// Definitions.
    PreData = 2,
    /// Rows, large objects, positions of sequences.
    Data = 3,
    /// Indexes, constraints, triggers.
    PostData = 4,
}

/// Whether an entry has data in the stream, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetState {
    /// Somewhere after the table of contents.
    Unknown = 1,
    /// At the recorded offset.
    Known = 2,
    /// The entry has no data.
    NoData = 3,
}

/// Where the data of an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataPlace {
    /// In the stream of a custom archive.
    Stream {
        /// What is known of the offset.
        state: OffsetState,
        /// Offset of its block from the start of the archive in bytes, if it is known.
        offset: u64,
    },
    /// In the file of this name; empty if the entry has no data.
    File(Box<[u8]>),
}

/// One entry of the table of contents. Texts are as in the database, in its client encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TocEntry {
    /// Number of the entry within this dump.
    pub dump_id: i32,
    /// True if the entry has data of its own.
    pub had_dumper: bool,
    /// OID of the catalog that has the object.
    pub catalog: u32,
    /// OID of the object.
    pub object: u32,
    /// Name of the object.
    pub tag: ArchiveText,
    /// Kind of the object, as in `TABLE DATA`.
    pub kind: Box<[u8]>,
    /// Part of the restore.
    pub section: TocSection,
    /// SQL that creates it.
    pub definition: ArchiveText,
    /// SQL that removes it.
    pub drop: ArchiveText,
    /// `COPY ... FROM stdin;` if the data is rows for it.
    pub copy: ArchiveText,
    /// Schema.
    pub namespace: ArchiveText,
    /// Tablespace.
    pub tablespace: ArchiveText,
    /// Access method of a table; from version 1.14 on.
    pub access_method: ArchiveText,
    /// Kind of relation as a character's number, or 0; 0 before version 1.16.
    pub relation_kind: i32,
    /// Name of the owner.
    pub owner: ArchiveText,
    /// True for a table with OIDs, which PostgreSQL had until version 11.
    pub with_oids: bool,
    /// Numbers of the entries that must be restored first.
    pub dependencies: Vec<i32>,
    /// Where the data is.
    pub data: DataPlace,
}

impl Toc {
    /// Decodes the header and table of contents at the start of `bytes`, as [`Toc::encode`] or
    /// pg_dump wrote them, and returns their length in bytes.
    ///
    /// # Errors
    /// [`ArchiveError`]: the bytes are something else, damaged or incomplete.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<(Self, usize), ArchiveError> {
        let mut input = ArchiveInput::new(bytes);
        let toc = Self::read(&mut input, limits)?;
        let used = input.position();
        // What was taken from a slice is not longer than it.
        Ok((toc, usize::try_from(used).unwrap_or(bytes.len())))
    }

    /// Reads the header and table of contents from a stream and leaves the rest in it.
    pub(super) fn read<R: Read>(
        input: &mut ArchiveInput<R>,
        limits: &Limits,
    ) -> Result<Self, ArchiveError> {
        let start = input.look_ahead(START_BYTES)?.to_vec();
        Self::decode_start(input, limits, u32::MAX).map_err(|error| match error {
            // The stream is not an archive at all, or none of its bytes is to blame.
            ArchiveError::NotAnArchive(_) | ArchiveError::Io(_) => error,
            _ if went_through_terminal(&start) => ArchiveError::Terminal,
            _ => error,
        })
    }

    /// Decodes the header and at most this many entries.
    pub(super) fn decode_start<R: Read>(
        input: &mut ArchiveInput<R>,
        limits: &Limits,
        entries: u32,
    ) -> Result<Self, ArchiveError> {
        let head = ArchiveHead::decode(input, limits)
            .map_err(|fault| fault.within("the header", input.position()))?;
        let mut fields = FieldReader::new(input, limits, head.widths());
        let mut toc = Self { head, entries: Vec::new() };
        let mut with_data = HashSet::new();
        let count = decode_count(&mut fields, limits);
        let place = "the table of contents";
        let count = count.map_err(|fault| fault.within(place, fields.input.position()))?;
        for number in 0..count.min(entries) {
            let entry = TocEntry::decode(&mut fields, &toc.head).and_then(|entry| {
                match entry.had_dumper && !with_data.insert(entry.dump_id) {
                    true => Err(ArchiveFault::damaged("two entries have the same number")),
                    false => Ok(entry),
                }
            });
            let at = fields.input.position();
            toc.entries.push(entry.map_err(|fault| {
                fault.within(&format!("{place} (entry {} of {count})", number + 1), at)
            })?);
        }
        Ok(toc)
    }

    /// Header and table of contents as pg_dump writes them.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.head.encode(&mut out);
        put_int(&mut out, self.head.int_bytes, self.entry_count());
        for entry in &self.entries {
            entry.encode(&self.head, &entry.data, &mut out);
        }
        out
    }

    /// The number of entries, with which the table begins. A table with too many for it cannot have
    /// been read.
    pub(super) fn entry_count(&self) -> i32 {
        i32::try_from(self.entries.len()).unwrap_or(i32::MAX)
    }

    /// The entries that have data, in the order of the data.
    pub fn with_data(&self) -> impl Iterator<Item = &TocEntry> {
        self.entries.iter().filter(|entry| entry.had_dumper)
    }

    /// Numbers of the entries whose data `pg_restore` reads when it is asked for one schema (`-n`),
    /// one table (`-t`), or a table of a schema (both).
    pub fn data_of(&self, schema: Option<&[u8]>, table: Option<&[u8]>) -> BTreeSet<i32> {
        let is_wanted = |wanted: Option<&[u8]>, name: &ArchiveText| {
            wanted.is_none_or(|wanted| name.as_deref() == Some(wanted))
        };
        self.with_data()
            .filter(|entry| !entry.has_large_objects() || (schema.is_none() && table.is_none()))
            .filter(|entry| is_wanted(schema, &entry.namespace) && is_wanted(table, &entry.tag))
            .map(|entry| entry.dump_id)
            .collect()
    }
}

impl TocEntry {
    /// True if the data is a group of large objects rather than one member.
    pub fn has_large_objects(&self) -> bool {
        *self.kind == *LARGE_OBJECTS
    }

    /// True if the data is the rows of a table as lines for `COPY`, not SQL.
    pub fn has_copy_rows(&self) -> bool {
        self.copy.as_ref().is_some_and(|copy| !copy.is_empty())
    }

    /// The statement that reads back the data of this entry, for comparison. `None` if the data is
    /// not rows, or goes through the root of a partitioned table and so cannot be distinguished
    /// from that of other partitions; or if the dump has a statement other than `COPY` of this
    /// table there, from which only names are used.
    pub fn copy_to_stdout(&self) -> Option<Vec<u8>> {
        let (table, columns) = self.own_rows()?;
        let columns = columns.map(|columns| [b" (", &*columns, b")"].concat());
        Some([b"COPY ", &*table, &columns.unwrap_or_default(), b" TO STDOUT"].concat())
    }

    /// The query for the same rows, to which a condition can be added.
    pub fn select(&self) -> Option<Vec<u8>> {
        let (table, columns) = self.own_rows()?;
        let columns = columns.unwrap_or_else(|| b"*".to_vec());
        Some([b"SELECT ", &*columns, b" FROM ", &*table].concat())
    }

    /// The table and the columns that the data fills, as written in SQL.
    fn own_rows(&self) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        if self.root().is_some() {
            return None;
        }
        let copied = copied(self.copy.as_deref()?)?;
        let (name, schema) = copied.table.split_last()?;
        let namespace = self.namespace.as_deref().filter(|it| !it.is_empty());
        let is_own = self.tag.as_deref() == Some(&**name)
            && schema.iter().all(|schema| namespace == Some(&**schema));
        let table: Vec<&[u8]> = namespace.into_iter().chain([&**name]).collect();
        let columns = copied.columns.map(|columns| listed(&columns));
        is_own.then(|| (dotted(&table), columns))
    }

    /// The statement that reads back the root of the partitioned table through which this entry's
    /// data goes. `None` if it goes into its own table.
    pub fn root_to_stdout(&self) -> Option<Vec<u8>> {
        let root = qualified_name(self.root()?)?;
        let copied = copied(self.copy.as_deref()?).filter(|copied| copied.table == root)?;
        let root: Vec<&[u8]> = root.iter().map(Vec::as_slice).collect();
        let columns = listed(&copied.columns?);
        Some([b"COPY (SELECT ", &*columns, b" FROM ", &dotted(&root), b") TO STDOUT"].concat())
    }

    /// The root of the partitioned table through which the data goes, as written in SQL.
    pub fn root(&self) -> Option<&[u8]> {
        self.definition.as_deref()?.strip_prefix(b"-- load via partition root ")
    }

    /// The entry, for messages: `table public.users`.
    pub fn label(&self) -> String {
        let kind = match &*self.kind {
            LARGE_OBJECTS => return "the large objects".to_owned(),
            TABLE_DATA => "table".to_owned(),
            kind => printable(kind),
        };
        let tag = printable(self.tag.as_deref().unwrap_or_default());
        match self.namespace.as_deref() {
            None | Some(b"") => format!("{kind} {tag}"),
            Some(namespace) => format!("{kind} {}.{tag}", printable(namespace)),
        }
    }

    fn decode<R: Read>(fields: &mut FieldReader<'_, R>, head: &ArchiveHead) -> Decoded<Self> {
        fields.charge(ENTRY_BYTES)?;
        let version = head.version;
        let entry = Self {
            dump_id: decode_dump_id(fields)?,
            had_dumper: decode_flag(fields)?,
            catalog: fields.decimal()?,
            object: fields.decimal()?,
            tag: fields.text()?,
            kind: fields.required_text()?,
            section: decode_section(fields)?,
            definition: fields.text()?,
            drop: fields.text()?,
            copy: fields.text()?,
            namespace: fields.text()?,
            tablespace: fields.text()?,
            access_method: decode_since(version.has_access_method(), || fields.text())?,
            relation_kind: decode_since(version.has_relation_kind(), || fields.int())?,
            owner: fields.text()?,
            with_oids: decode_with_oids(fields)?,
            dependencies: decode_dependencies(fields)?,
            data: decode_place(fields, head.format)?,
        };
        let has_data = match &entry.data {
            DataPlace::Stream { state, .. } => *state != OffsetState::NoData,
            DataPlace::File(name) => !name.is_empty(),
        };
        match has_data == entry.had_dumper {
            true => Ok(entry),
            false => Err(ArchiveFault::damaged("an entry both has and lacks data")),
        }
    }

    /// Appends the entry as pg_dump writes it, with its data at `place`.
    pub(super) fn encode(&self, head: &ArchiveHead, place: &DataPlace, out: &mut Vec<u8>) {
        let Widths { int_bytes, offset_bytes } = head.widths();
        put_int(out, int_bytes, self.dump_id);
        put_int(out, int_bytes, self.had_dumper.into());
        put_text(out, int_bytes, Some(self.catalog.to_string().as_bytes()));
        put_text(out, int_bytes, Some(self.object.to_string().as_bytes()));
        put_text(out, int_bytes, self.tag.as_deref());
        put_text(out, int_bytes, Some(&self.kind));
        put_int(out, int_bytes, self.section as i32);
        for text in [&self.definition, &self.drop, &self.copy, &self.namespace, &self.tablespace] {
            put_text(out, int_bytes, text.as_deref());
        }
        self.encode_since(head.version, int_bytes, out);
        put_text(out, int_bytes, self.owner.as_deref());
        put_text(out, int_bytes, Some(if self.with_oids { b"true" } else { b"false" }));
        for dependency in &self.dependencies {
            put_text(out, int_bytes, Some(dependency.to_string().as_bytes()));
        }
        put_text(out, int_bytes, None);
        match place {
            DataPlace::Stream { state, offset } => {
                out.push(*state as u8);
                put_offset(out, offset_bytes, *offset);
            }
            DataPlace::File(name) => put_text(out, int_bytes, Some(name)),
        }
    }

    /// The fields that not every version has.
    fn encode_since(&self, version: ArchiveVersion, int_bytes: u8, out: &mut Vec<u8>) {
        if version.has_access_method() {
            put_text(out, int_bytes, self.access_method.as_deref());
        }
        if version.has_relation_kind() {
            put_int(out, int_bytes, self.relation_kind);
        }
    }
}

/// Names of columns as written in SQL.
fn listed(names: &[Vec<u8>]) -> Vec<u8> {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(&b", "[..])
}

/// A name preceded by that of its schema.
fn dotted(names: &[&[u8]]) -> Vec<u8> {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(&b'.')
}

/// A name for messages: on one line, without control characters, not too long.
fn printable(name: &[u8]) -> String {
    const CHARS_MAX: usize = 100;
    let text = String::from_utf8_lossy(name);
    let mut line = String::new();
    for (place, letter) in text.chars().enumerate() {
        match letter {
            _ if place == CHARS_MAX => return line + "...",
            '"' | '\'' => line.push(letter),
            _ => line.extend(letter.escape_debug()),
        }
    }
    line
}

fn decode_count<R: Read>(fields: &mut FieldReader<'_, R>, limits: &Limits) -> Decoded<u32> {
    let count = u32::try_from(fields.int()?)
        .map_err(|_| ArchiveFault::damaged("a negative number of entries"))?;
    match count > limits.entries_max {
        true => Err(ArchiveFault::TooLarge { what: "entries", max: limits.entries_max.into() }),
        false => Ok(count),
    }
}

fn decode_dump_id<R: Read>(fields: &mut FieldReader<'_, R>) -> Decoded<i32> {
    match fields.int()? {
        dump_id @ 1.. => Ok(dump_id),
        _ => Err(ArchiveFault::damaged("an entry's number is not positive")),
    }
}

fn decode_flag<R: Read>(fields: &mut FieldReader<'_, R>) -> Decoded<bool> {
    match fields.int()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(ArchiveFault::damaged("expected 0 or 1")),
    }
}

fn decode_section<R: Read>(fields: &mut FieldReader<'_, R>) -> Decoded<TocSection> {
    match fields.int()? {
        1 => Ok(TocSection::None),
        2 => Ok(TocSection::PreData),
        3 => Ok(TocSection::Data),
        4 => Ok(TocSection::PostData),
        _ => Err(ArchiveFault::damaged("an unknown part of a restore")),
    }
}

fn decode_with_oids<R: Read>(fields: &mut FieldReader<'_, R>) -> Decoded<bool> {
    match &*fields.required_text()? {
        b"true" => Ok(true),
        b"false" => Ok(false),
        _ => Err(ArchiveFault::damaged("expected true or false")),
    }
}

fn decode_dependencies<R: Read>(fields: &mut FieldReader<'_, R>) -> Decoded<Vec<i32>> {
    let mut dependencies = Vec::new();
    while let Some(text) = fields.text()? {
        // The list grows by doubling.
        fields.charge(2 * size_of::<i32>() as u64)?;
        dependencies.push(decimal(&text)?);
    }
    Ok(dependencies)
}

fn decode_place<R: Read>(
    fields: &mut FieldReader<'_, R>,
    format: ArchiveKind,
) -> Decoded<DataPlace> {
    if format == ArchiveKind::Files {
        return fields.required_text().map(DataPlace::File);
    }
    let state = match fields.byte()? {
        1 => OffsetState::Unknown,
        2 => OffsetState::Known,
        3 => OffsetState::NoData,
        _ => return Err(ArchiveFault::damaged("an unknown kind of offset")),
    };
    Ok(DataPlace::Stream { state, offset: fields.offset()? })
}

/// A field that only some versions have.
fn decode_since<T: Default>(is_there: bool, decode: impl FnOnce() -> Decoded<T>) -> Decoded<T> {
    if is_there { decode() } else { Ok(T::default()) }
}

/// True if the start of a stream that could not be decoded is that of an archive with a carriage
/// return before every line feed: this is how a pseudo-terminal passes on its input.
fn went_through_terminal(start: &[u8]) -> bool {
    let mut undone = Vec::with_capacity(start.len());
    let mut pairs = 0;
    for (place, byte) in start.iter().enumerate() {
        match byte {
            b'\r' if start.get(place + 1) == Some(&b'\n') => pairs += 1,
            b'\n' if place == 0 || start[place - 1] != b'\r' => return false,
            byte => undone.push(*byte),
        }
    }
    // The first entry is the encoding, and contains a line feed in every archive.
    pairs > 0 && Toc::decode_start(&mut ArchiveInput::new(&undone[..]), &Limits::DEFAULT, 1).is_ok()
}
