//! Parsing a custom archive while it passes.

use std::collections::HashMap;
use std::io::{self, Read};
use std::mem;

use super::body::MemberBody;
use super::error::{ArchiveError, ArchiveFault, Decoded};
use super::fields::{Limits, int};
use super::head::ArchiveKind;
use super::input::ArchiveInput;
use super::looks::Looks;
use super::toc::{Toc, TocEntry};

/// Block of the data of one entry.
pub(super) const BLOCK_DATA: u8 = 1;
/// Block of a group of large objects.
pub(super) const BLOCK_LARGE_OBJECTS: u8 = 3;

/// Something with data of its own: a table, or one large object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArchiveMember {
    /// Number of its entry in the table of contents.
    pub dump_id: i32,
    /// OID, if it is one of the large objects of that entry.
    pub large_object: Option<u32>,
}

/// The parts of an archive, in the order in which they arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveEvent {
    /// The data of a member begins.
    Begins(ArchiveMember),
    /// This number of bytes of it was placed at the start of the buffer (at least one).
    Data(usize),
    /// The data of the member is complete.
    Ends(ArchiveMember),
    /// The archive is complete: the stream has ended, and every entry of the table of contents that
    /// has data occurred once.
    Complete,
}

/// Reads a custom archive from a stream, in memory that does not depend on the size of its data.
pub struct ArchiveReader<R: Read> {
    toc: Toc,
    limits: Limits,
    /// Entries whose data has not arrived yet, by number: positions in the table of contents.
    awaited: HashMap<i32, usize>,
    state: ArchiveReaderState<R>,
}

/// Where in the stream the reader is.
enum ArchiveReaderState<R: Read> {
    /// At a block, or at the end.
    Between(ArchiveInput<R>),
    /// In a group of large objects, at the next one's OID.
    Group(ArchiveInput<R>, usize),
    /// In the data of a member of the entry at this position.
    Inside(MemberBody<R>, usize, ArchiveMember),
    Complete,
    Failed,
}

impl<R: Read> ArchiveReader<R> {
    /// Reads the header and the table of contents.
    ///
    /// # Errors
    /// [`ArchiveError`]: the stream is something else, is damaged or ends too early.
    pub fn open(reader: R, limits: Limits) -> Result<Self, ArchiveError> {
        let mut input = ArchiveInput::new(reader);
        let toc = Toc::read(&mut input, &limits)?;
        if toc.head.format != ArchiveKind::Custom {
            return Err(ArchiveError::NotAnArchive(Looks::TocFile));
        }
        let entries = toc.entries.iter().enumerate();
        let with_data = entries.filter(|(_, entry)| entry.had_dumper);
        let awaited = with_data.map(|(place, entry)| (entry.dump_id, place)).collect();
        Ok(Self { toc, limits, awaited, state: ArchiveReaderState::Between(input) })
    }

    /// Header and table of contents.
    pub fn toc(&self) -> &Toc {
        &self.toc
    }

    /// Returns the header and table of contents, when no more data is wanted.
    pub fn into_toc(self) -> Toc {
        self.toc
    }

    /// Reads up to the next event. Data is placed in `buffer`, which is filled unless the member
    /// ends; it is plain even if the archive is compressed.
    ///
    /// # Errors
    /// [`ArchiveError`]: the archive is then not valid, whatever was read before, and every further
    /// call fails.
    pub fn next(&mut self, buffer: &mut [u8]) -> Result<ArchiveEvent, ArchiveError> {
        if buffer.is_empty() {
            let text = "an archive cannot be read into an empty buffer";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text).into());
        }
        loop {
            match mem::replace(&mut self.state, ArchiveReaderState::Failed) {
                ArchiveReaderState::Between(input) => self.begin_block(input)?,
                ArchiveReaderState::Group(input, place) => self.begin_large_object(input, place)?,
                ArchiveReaderState::Inside(body, place, member) => {
                    return self.read_on(body, place, member, buffer);
                }
                ArchiveReaderState::Complete => self.state = ArchiveReaderState::Complete,
                ArchiveReaderState::Failed => return Err(ArchiveError::Failed),
            }
            match &self.state {
                ArchiveReaderState::Inside(_, _, member) => {
                    return Ok(ArchiveEvent::Begins(*member));
                }
                ArchiveReaderState::Complete => return Ok(ArchiveEvent::Complete),
                _ => {}
            }
        }
    }

    /// Starts the next block, if there is one.
    fn begin_block(&mut self, mut input: ArchiveInput<R>) -> Result<(), ArchiveError> {
        let Some(kind) = input.next_byte()? else {
            self.check_complete()?;
            self.state = ArchiveReaderState::Complete;
            return Ok(());
        };
        let place = self
            .awaited_block(kind, &mut input)
            .map_err(|fault| fault.within("the start of a table's data", input.position()))?;
        let entry = &self.toc.entries[place];
        if entry.has_large_objects() {
            self.state = ArchiveReaderState::Group(input, place);
            return Ok(());
        }
        let member = ArchiveMember { dump_id: entry.dump_id, large_object: None };
        self.begin_member(input, place, member)
    }

    /// The position of the entry whose block begins; it is no longer awaited.
    fn awaited_block(&mut self, kind: u8, input: &mut ArchiveInput<R>) -> Decoded<usize> {
        if !matches!(kind, BLOCK_DATA | BLOCK_LARGE_OBJECTS) {
            return Err(ArchiveFault::damaged(match self.awaited.is_empty() {
                true => "bytes follow the end of the archive",
                false => "neither rows nor large objects",
            }));
        }
        let dump_id = int(input, self.toc.head.int_bytes)?;
        let place = self.awaited.remove(&dump_id).ok_or_else(|| {
            ArchiveFault::Damaged(format!("entry {dump_id} should have no data, or has it twice"))
        })?;
        match self.toc.entries[place].has_large_objects() == (kind == BLOCK_LARGE_OBJECTS) {
            true => Ok(place),
            false => Err(ArchiveFault::damaged("rows in place of large objects, or the reverse")),
        }
    }

    /// Starts the next large object of a group, or ends the group.
    fn begin_large_object(
        &mut self,
        mut input: ArchiveInput<R>,
        place: usize,
    ) -> Result<(), ArchiveError> {
        let oid = int(&mut input, self.toc.head.int_bytes)
            .map_err(|fault| fault.within("the large objects", input.position()))?;
        if oid == 0 {
            self.state = ArchiveReaderState::Between(input);
            return Ok(());
        }
        // OIDs are unsigned, but pg_dump writes them as if they were signed.
        let large_object = Some(oid.cast_unsigned());
        let member = ArchiveMember { dump_id: self.toc.entries[place].dump_id, large_object };
        self.begin_member(input, place, member)
    }

    fn begin_member(
        &mut self,
        input: ArchiveInput<R>,
        place: usize,
        member: ArchiveMember,
    ) -> Result<(), ArchiveError> {
        let head = &self.toc.head;
        let body = MemberBody::new(input, head.int_bytes, head.compression, &self.limits)
            .map_err(|(fault, at)| fault.within(&self.label(member, place), at))?;
        self.state = ArchiveReaderState::Inside(body, place, member);
        Ok(())
    }

    /// Reads data of a member, or ends it.
    fn read_on(
        &mut self,
        mut body: MemberBody<R>,
        place: usize,
        member: ArchiveMember,
        buffer: &mut [u8],
    ) -> Result<ArchiveEvent, ArchiveError> {
        let filled = body.fill(buffer);
        if let Ok(count @ 1..) = filled {
            self.state = ArchiveReaderState::Inside(body, place, member);
            return Ok(ArchiveEvent::Data(count));
        }
        let input = filled
            .and_then(|_| body.finish())
            .map_err(|(fault, at)| fault.within(&self.label(member, place), at))?;
        self.state = match member.large_object {
            Some(_) => ArchiveReaderState::Group(input, place),
            None => ArchiveReaderState::Between(input),
        };
        Ok(ArchiveEvent::Ends(member))
    }

    /// At the end of the stream: whether all data has arrived.
    fn check_complete(&self) -> Result<(), ArchiveError> {
        let first = self.awaited.values().min().map(|place| self.toc.entries[*place].label());
        match first {
            None => Ok(()),
            Some(first) => Err(ArchiveError::Missing { first, more: self.awaited.len() - 1 }),
        }
    }

    /// The member, for messages.
    fn label(&self, member: ArchiveMember, place: usize) -> String {
        match member.large_object {
            Some(oid) => format!("large object {oid}"),
            None => self.toc.entries.get(place).map(TocEntry::label).unwrap_or_default(),
        }
    }
}
