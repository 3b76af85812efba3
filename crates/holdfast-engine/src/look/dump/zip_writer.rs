//! The bytes of a zip archive (APPNOTE 6.3), written to a stream. The list at its end, which grows
//! with every member, is moved to a file once it is long.

use std::io::{self, Read, Seek, SeekFrom, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use tempfile::SpooledTempFile;

use crate::EngineError;

/// Maximum size of the list in memory.
const LIST_BYTES: usize = 1 << 20;
/// Files of at least this size have 64-bit lengths: deflating may enlarge them a little.
const LARGE_BYTES: u64 = 0xff00_0000;
/// Written by a Unix system, after version 4.5.
const MADE_BY: u16 = (3 << 8) | ZIP64_VERSION;
const ZIP64_VERSION: u16 = 45;
const VERSION: u16 = 20;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// Checksum and lengths follow the data.
const BEHIND: u16 = 1 << 3;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const LISTED: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const ZIP64_END: u32 = 0x0606_4b50;
const ZIP64_LOCATOR: u32 = 0x0706_4b50;
const ZIP64_EXTRA: u16 = 1;

/// The name and attributes of a member.
pub(super) struct ZipMember<'a> {
    pub name: &'a [u8],
    /// Permissions and type.
    pub mode: u32,
    /// Date and time of day.
    pub time: (u16, u16),
}

/// What is known about the data of a member once it was written.
#[derive(Clone, Copy, Default)]
struct MemberData {
    method: u16,
    crc: u32,
    /// Bytes in the archive.
    packed: u64,
    bytes: u64,
}

/// Writes an archive. Its end is written only by finishing it, so a partial one is never taken for
/// complete.
pub(super) struct ZipWriter<'a> {
    out: CountingWriter<'a>,
    list: SpooledTempFile,
    members: u64,
}

/// Counts bytes written.
struct CountingWriter<'a> {
    out: &'a mut dyn Write,
    bytes: u64,
}

impl Write for CountingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<'a> ZipWriter<'a> {
    pub fn new(out: &'a mut dyn Write) -> Self {
        let out = CountingWriter { out, bytes: 0 };
        Self { out, list: SpooledTempFile::new(LIST_BYTES), members: 0 }
    }

    /// Adds a member with the given bytes.
    pub fn add(&mut self, member: &ZipMember<'_>, bytes: &[u8]) -> io::Result<()> {
        let mut crc = Crc::new();
        crc.update(bytes);
        let length = bytes.len() as u64;
        let body = MemberData { method: STORED, crc: crc.sum(), packed: length, bytes: length };
        let start = self.out.bytes;
        self.local(member, UTF8, &body, false)?;
        self.out.write_all(bytes)?;
        self.listed(member, UTF8, &body, start)
    }

    /// Adds a member of this size, whose bytes `write` produces.
    pub fn stream(
        &mut self,
        member: &ZipMember<'_>,
        bytes: u64,
        deflate: bool,
        write: &mut dyn FnMut(&mut dyn Write) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let (start, is_large) = (self.out.bytes, bytes >= LARGE_BYTES);
        let method = if deflate { DEFLATED } else { STORED };
        let unknown = MemberData { method, ..MemberData::default() };
        self.local(member, UTF8 | BEHIND, &unknown, is_large).map_err(EngineError::Output)?;
        let body_start = self.out.bytes;
        let crc = match deflate {
            true => {
                let encoder = DeflateEncoder::new(&mut self.out, Compression::default());
                let mut summed = Summed { out: encoder, crc: Crc::new() };
                write(&mut summed)?;
                summed.out.finish().map_err(EngineError::Output)?;
                summed.crc
            }
            false => {
                let mut summed = Summed { out: &mut self.out, crc: Crc::new() };
                write(&mut summed)?;
                summed.crc
            }
        };
        let body =
            MemberData { method, crc: crc.sum(), packed: self.out.bytes - body_start, bytes };
        self.end_of_stream(member, &body, start, is_large).map_err(EngineError::Output)
    }

    fn end_of_stream(
        &mut self,
        member: &ZipMember<'_>,
        body: &MemberData,
        start: u64,
        is_large: bool,
    ) -> io::Result<()> {
        let mut record = ZipFields::default();
        record.u32(DESCRIPTOR).u32(body.crc);
        for length in [body.packed, body.bytes] {
            if is_large {
                record.u64(length)
            } else {
                record.u32(length as u32)
            };
        }
        self.out.write_all(&record.0)?;
        self.listed(member, UTF8 | BEHIND, body, start)
    }

    /// The header before the data of a member.
    fn local(
        &mut self,
        member: &ZipMember<'_>,
        flags: u16,
        body: &MemberData,
        is_large: bool,
    ) -> io::Result<()> {
        let mut extra = ZipFields::default();
        if is_large {
            extra.u16(ZIP64_EXTRA).u16(16).u64(0).u64(0);
        }
        let version = if is_large { ZIP64_VERSION } else { VERSION };
        let length = |bytes: u64| if is_large { u32::MAX } else { bytes as u32 };
        let mut record = ZipFields::default();
        record.u32(LOCAL).u16(version).u16(flags).u16(body.method);
        record.u16(member.time.1).u16(member.time.0).u32(body.crc);
        record.u32(length(body.packed)).u32(length(body.bytes));
        record.u16(name_length(member)?).u16(extra.0.len() as u16);
        self.out.write_all(&record.0)?;
        self.out.write_all(member.name)?;
        self.out.write_all(&extra.0)
    }

    /// Lists a member that is written.
    fn listed(
        &mut self,
        member: &ZipMember<'_>,
        flags: u16,
        body: &MemberData,
        start: u64,
    ) -> io::Result<()> {
        let mut large = ZipFields::default();
        let mut short = |value: u64| match u32::try_from(value) {
            Ok(value) if value < u32::MAX => value,
            _ => {
                large.u64(value);
                u32::MAX
            }
        };
        let (bytes, packed, start) = (short(body.bytes), short(body.packed), short(start));
        let mut extra = ZipFields::default();
        if !large.0.is_empty() {
            extra.u16(ZIP64_EXTRA).u16(large.0.len() as u16).0.extend(&large.0);
        }
        let version = if extra.0.is_empty() { VERSION } else { ZIP64_VERSION };
        let is_directory = u32::from(member.name.ends_with(b"/")) << 4;
        let mut record = ZipFields::default();
        record.u32(LISTED).u16(MADE_BY).u16(version).u16(flags).u16(body.method);
        record.u16(member.time.1).u16(member.time.0).u32(body.crc).u32(packed).u32(bytes);
        record.u16(name_length(member)?).u16(extra.0.len() as u16);
        // No comment, the first disk, no hint about the content.
        record.u16(0).u16(0).u16(0).u32((member.mode << 16) | is_directory).u32(start);
        record.0.extend(member.name);
        record.0.extend(&extra.0);
        self.members += 1;
        self.list.write_all(&record.0)
    }

    /// Writes the list and the end.
    pub fn finish(&mut self) -> io::Result<()> {
        let (start, bytes) = (self.out.bytes, self.list.stream_position()?);
        self.list.seek(SeekFrom::Start(0))?;
        let copied = io::copy(&mut Read::by_ref(&mut self.list).take(bytes), &mut self.out)?;
        if copied != bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut record = ZipFields::default();
        let is_large = self.members >= 0xffff || start.max(bytes) >= u64::from(u32::MAX);
        if is_large {
            let end = self.out.bytes;
            record.u32(ZIP64_END).u64(44).u16(MADE_BY).u16(ZIP64_VERSION).u32(0).u32(0);
            record.u64(self.members).u64(self.members).u64(bytes).u64(start);
            record.u32(ZIP64_LOCATOR).u32(0).u64(end).u32(1);
        }
        let members = self.members.min(0xffff) as u16;
        let short = |value: u64| value.min(u64::from(u32::MAX)) as u32;
        record.u32(END).u16(0).u16(0).u16(members).u16(members);
        record.u32(short(bytes)).u32(short(start)).u16(0);
        self.out.write_all(&record.0)?;
        self.out.flush()
    }
}

fn name_length(member: &ZipMember<'_>) -> io::Result<u16> {
    let too_long = |_| io::Error::other("a path is too long for a zip archive");
    u16::try_from(member.name.len()).map_err(too_long)
}

/// Counts and checksums data that passes through.
struct Summed<W> {
    out: W,
    crc: Crc,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.crc.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Little-endian fields, one after the other.
#[derive(Default)]
struct ZipFields(Vec<u8>);

impl ZipFields {
    fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn the_list_of_very_many_members_is_not_held_in_memory() {
        let count = 70_000;
        let mut out = Vec::new();
        let mut writer = ZipWriter::new(&mut out);
        for number in 0..count {
            let name = format!("folder/{number}");
            let member = ZipMember { name: name.as_bytes(), mode: 0o100_644, time: (0x21, 0) };
            writer.add(&member, &[b'x'; 3]).unwrap();
        }
        assert!(writer.list.is_rolled());
        writer.finish().unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(out)).unwrap();
        assert_eq!(archive.len(), count);
        let mut text = String::new();
        archive.by_name("folder/69999").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "xxx");
    }
}
