//! The header of an archive.

use std::io::Read;

use super::error::{ArchiveError, ArchiveFault, Decoded};
use super::fields::{ArchiveText, FieldReader, Limits, Widths, put_int, put_text};
use super::input::ArchiveInput;
use super::looks::{Looks, MAGIC};

/// The supported minor versions of version 1.
const MINORS: std::ops::RangeInclusive<u8> = 12..=16;

/// Version of the archive format, not of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArchiveVersion {
    /// 1 so far.
    pub major: u8,
    /// 14 for PostgreSQL 12 to 15, 15 for 16, 16 for 17 and 18.
    pub minor: u8,
    /// 0 so far.
    pub revision: u8,
}

impl ArchiveVersion {
    /// True if tables have an access method (PostgreSQL 12).
    pub fn has_access_method(self) -> bool {
        self.minor >= 14
    }

    /// True if the header has a compression method instead of a level (PostgreSQL 16).
    pub fn has_compression_method(self) -> bool {
        self.minor >= 15
    }

    /// True if entries have a kind of relation, and large objects come in several groups
    /// (PostgreSQL 17).
    pub fn has_relation_kind(self) -> bool {
        self.minor >= 16
    }
}

/// The form of archive that the header belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveKind {
    /// One stream with the data (`-Fc`).
    Custom = 1,
    /// `toc.dat` of a directory (`-Fd`) or of a tar file (`-Ft`): the data is in separate files.
    Files = 3,
}

/// How the data is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataCompression {
    /// Not at all (`-Z0`).
    None,
    /// As zlib streams.
    Gzip {
        /// Level, -1 for the default. Archives since version 1.15 do not record it, so it is 0.
        level: i32,
    },
    /// As LZ4 frames.
    Lz4,
    /// As zstd frames.
    Zstd,
}

/// Local time on the machine where the dump was made; its time zone is not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreationTime {
    /// 0 to 60.
    pub second: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 23.
    pub hour: i32,
    /// 1 to 31.
    pub day: i32,
    /// 0 to 11.
    pub month_from_0: i32,
    /// Since 1900.
    pub year_from_1900: i32,
    /// 1 in summer time, 0 outside it, -1 if unknown.
    pub is_summer_time: i32,
}

/// The header of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveHead {
    /// Version of the format.
    pub version: ArchiveVersion,
    /// Bytes of an integer's magnitude: 4 on all current machines.
    pub int_bytes: u8,
    /// Bytes of an offset: 8 on all current machines.
    pub offset_bytes: u8,
    /// Which form of archive this is.
    pub format: ArchiveKind,
    /// How the data is compressed.
    pub compression: DataCompression,
    /// When the dump was started.
    pub created: CreationTime,
    /// Name of the database.
    pub database: ArchiveText,
    /// Version of the server, as it reports it.
    pub server_version: ArchiveText,
    /// Version of pg_dump.
    pub dump_version: ArchiveText,
}

impl ArchiveHead {
    /// Decodes the header at the start of a stream.
    pub(super) fn decode<R: Read>(input: &mut ArchiveInput<R>, limits: &Limits) -> Decoded<Self> {
        take_magic(input)?;
        let version =
            ArchiveVersion { major: input.byte()?, minor: input.byte()?, revision: input.byte()? };
        check_version(version)?;
        let widths = Widths { int_bytes: input.byte()?, offset_bytes: input.byte()? };
        if !(4..=8).contains(&widths.int_bytes) || !(4..=8).contains(&widths.offset_bytes) {
            return Err(ArchiveFault::damaged("numbers have invalid sizes"));
        }
        let format = match input.byte()? {
            1 => ArchiveKind::Custom,
            3 => ArchiveKind::Files,
            _ => return Err(ArchiveFault::damaged("an unknown form of archive")),
        };
        let mut fields = FieldReader::new(input, limits, widths);
        Ok(Self {
            version,
            int_bytes: widths.int_bytes,
            offset_bytes: widths.offset_bytes,
            format,
            compression: decode_compression(&mut fields, version)?,
            created: decode_created(&mut fields)?,
            database: fields.text()?,
            server_version: fields.text()?,
            dump_version: fields.text()?,
        })
    }

    /// Appends the header as pg_dump writes it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(MAGIC);
        out.extend([self.version.major, self.version.minor, self.version.revision]);
        out.extend([self.int_bytes, self.offset_bytes, self.format as u8]);
        self.encode_compression(out);
        let created = &self.created;
        for field in [
            created.second,
            created.minute,
            created.hour,
            created.day,
            created.month_from_0,
            created.year_from_1900,
            created.is_summer_time,
        ] {
            put_int(out, self.int_bytes, field);
        }
        for text in [&self.database, &self.server_version, &self.dump_version] {
            put_text(out, self.int_bytes, text.as_deref());
        }
    }

    fn encode_compression(&self, out: &mut Vec<u8>) {
        match (self.version.has_compression_method(), self.compression) {
            (true, DataCompression::None) => out.push(0),
            (true, DataCompression::Gzip { .. }) => out.push(1),
            (true, DataCompression::Lz4) => out.push(2),
            (true, DataCompression::Zstd) => out.push(3),
            (false, DataCompression::Gzip { level }) => put_int(out, self.int_bytes, level),
            // Older versions know no other method, so no other was read from them.
            (false, _) => put_int(out, self.int_bytes, 0),
        }
    }

    pub(super) fn widths(&self) -> Widths {
        Widths { int_bytes: self.int_bytes, offset_bytes: self.offset_bytes }
    }
}

fn take_magic<R: Read>(input: &mut ArchiveInput<R>) -> Decoded<()> {
    let start = input.look_ahead(Looks::BYTES)?;
    let length = start.len().min(MAGIC.len());
    if start.is_empty() || start[..length] != MAGIC[..length] {
        return Err(ArchiveFault::Whole(ArchiveError::NotAnArchive(Looks::of(start))));
    }
    MAGIC.iter().try_for_each(|_| input.byte().map(drop))
}

fn check_version(ArchiveVersion { major, minor, .. }: ArchiveVersion) -> Decoded<()> {
    if major == 1 && MINORS.contains(&minor) {
        return Ok(());
    }
    Err(ArchiveFault::Whole(match (major, minor) < (1, *MINORS.start()) {
        true => ArchiveError::TooOld { major, minor },
        false => ArchiveError::TooNew { major, minor },
    }))
}

fn decode_compression<R: Read>(
    fields: &mut FieldReader<'_, R>,
    version: ArchiveVersion,
) -> Decoded<DataCompression> {
    if !version.has_compression_method() {
        return Ok(match fields.int()? {
            0 => DataCompression::None,
            level => DataCompression::Gzip { level },
        });
    }
    match fields.byte()? {
        0 => Ok(DataCompression::None),
        1 => Ok(DataCompression::Gzip { level: 0 }),
        2 => Ok(DataCompression::Lz4),
        3 => Ok(DataCompression::Zstd),
        number => Err(ArchiveFault::Whole(ArchiveError::UnknownCompression(number))),
    }
}

fn decode_created<R: Read>(fields: &mut FieldReader<'_, R>) -> Decoded<CreationTime> {
    let mut between = |range: std::ops::RangeInclusive<i32>| {
        let value = fields.int()?;
        match range.contains(&value) {
            true => Ok(value),
            false => Err(ArchiveFault::damaged("the creation time is invalid")),
        }
    };
    Ok(CreationTime {
        second: between(0..=60)?,
        minute: between(0..=59)?,
        hour: between(0..=23)?,
        day: between(1..=31)?,
        month_from_0: between(0..=11)?,
        // From 1970 to the year 9999.
        year_from_1900: between(0..=8099)?,
        is_summer_time: between(-1..=1)?,
    })
}
