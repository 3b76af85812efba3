//! The data of one member: chunks with their lengths, up to an empty one, compressed or not.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};
use lz4_flex::frame::FrameDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::error::{ArchiveFault, Decoded};
use super::fields::{Limits, int};
use super::head::DataCompression;
use super::input::ArchiveInput;

/// The plain bytes of a member, while its input is lent to it.
pub(super) struct MemberBody<R: Read> {
    coding: Coding<R>,
    has_ended: bool,
}

/// What is wrong, and how many bytes had been taken: the input that would know is gone.
pub(super) type Misread = (ArchiveFault, u64);

enum Coding<R: Read> {
    Plain(MemberChunks<R>),
    Zlib(Box<Inflate<R>>),
    Lz4(Box<FrameDecoder<MemberChunks<R>>>),
    Zstd(Box<ZstdDecoder<'static, MemberChunks<R>>>),
}

impl<R: Read> Coding<R> {
    fn new(
        chunks: MemberChunks<R>,
        compression: DataCompression,
        limits: &Limits,
    ) -> io::Result<Self> {
        // A compressor that was given nothing has written nothing, not even an empty frame.
        let compression = if chunks.has_ended { DataCompression::None } else { compression };
        Ok(match compression {
            DataCompression::None => Self::Plain(chunks),
            DataCompression::Gzip { .. } => Self::Zlib(Box::new(Inflate {
                chunks,
                decompress: Decompress::new(true),
                has_ended: false,
            })),
            DataCompression::Lz4 => Self::Lz4(Box::new(FrameDecoder::new(chunks))),
            DataCompression::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(chunks)?.single_frame();
                decoder.window_log_max(limits.zstd_window_log_max)?;
                Self::Zstd(Box::new(decoder))
            }
        })
    }
}

impl<R: Read> MemberBody<R> {
    /// Starts a member whose first chunk is next in the input.
    pub fn new(
        input: ArchiveInput<R>,
        int_bytes: u8,
        compression: DataCompression,
        limits: &Limits,
    ) -> Result<Self, Misread> {
        let mut chunks = MemberChunks { input, int_bytes, left: 0, has_ended: false, fault: None };
        chunks.begin_chunk().map_err(|fault| (fault, chunks.input.position()))?;
        let at = chunks.input.position();
        let coding = Coding::new(chunks, compression, limits);
        let coding = coding.map_err(|error| (ArchiveFault::Io(error), at))?;
        Ok(Self { coding, has_ended: false })
    }

    /// Fills `buffer` with plain bytes; fewer only at the end of the member.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Misread> {
        let mut filled = 0;
        while filled < buffer.len() && !self.has_ended {
            match self.read_some(&mut buffer[filled..]) {
                Ok(0) => self.has_ended = true,
                Ok(count) => filled += count,
                Err(error) => return Err((self.fault(error), self.position())),
            }
        }
        Ok(filled)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.coding {
            Coding::Plain(chunks) => chunks.read(buffer),
            Coding::Zlib(inflate) => inflate.read(buffer),
            Coding::Lz4(decoder) => match decoder.read(buffer)? {
                // The decoder accepts a stream that ends between two blocks as complete. It
                // requests nothing more once it has seen the mark at the end of the frame.
                0 if decoder.get_ref().has_ended => Err(ends_early()),
                count => Ok(count),
            },
            Coding::Zstd(decoder) => decoder.read(buffer),
        }
    }

    /// After [`MemberBody::fill`] returned nothing: returns the input, if the chunks also end here.
    pub fn finish(mut self) -> Result<ArchiveInput<R>, Misread> {
        let chunks = self.chunks();
        let ended = match chunks.left == 0 && !chunks.has_ended {
            true => chunks.begin_chunk(),
            false => Ok(()),
        };
        let ended = ended.and_then(|()| match chunks.has_ended {
            true => Ok(()),
            false => Err(ArchiveFault::damaged("bytes follow the end of the compressed data")),
        });
        match ended {
            Ok(()) => Ok(self.into_input()),
            Err(fault) => Err((fault, self.position())),
        }
    }

    /// Number of bytes of the stream that have been taken.
    fn position(&mut self) -> u64 {
        self.chunks().input.position()
    }

    /// Why reading failed: the fault found in the chunks, or else the decompressor's error.
    fn fault(&mut self, error: io::Error) -> ArchiveFault {
        let fault = self.chunks().fault.take();
        fault
            .unwrap_or_else(|| ArchiveFault::Damaged(format!("it cannot be decompressed: {error}")))
    }

    fn chunks(&mut self) -> &mut MemberChunks<R> {
        match &mut self.coding {
            Coding::Plain(chunks) => chunks,
            Coding::Zlib(inflate) => &mut inflate.chunks,
            Coding::Lz4(decoder) => decoder.get_mut(),
            Coding::Zstd(decoder) => decoder.get_mut(),
        }
    }

    fn into_input(self) -> ArchiveInput<R> {
        match self.coding {
            Coding::Plain(chunks) => chunks.input,
            Coding::Zlib(inflate) => inflate.chunks.input,
            Coding::Lz4(decoder) => decoder.into_inner().input,
            Coding::Zstd(decoder) => decoder.finish().input,
        }
    }
}

fn ends_early() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it ends early")
}

/// The chunks of one member as one stream.
pub(super) struct MemberChunks<R> {
    input: ArchiveInput<R>,
    int_bytes: u8,
    /// Bytes of the current chunk that have not been taken.
    left: usize,
    /// True once more was requested than there is.
    has_ended: bool,
    /// The fault that was found; decompressors pass on less than this.
    fault: Option<ArchiveFault>,
}

impl<R: Read> MemberChunks<R> {
    /// Reads the length of the next chunk; the last one is empty.
    fn begin_chunk(&mut self) -> Decoded<()> {
        let length = int(&mut self.input, self.int_bytes)?;
        self.left = usize::try_from(length)
            .map_err(|_| ArchiveFault::damaged("a piece of data has a negative length"))?;
        self.has_ended = self.left == 0;
        Ok(())
    }

    fn available(&mut self) -> Decoded<()> {
        if self.left == 0 && !self.has_ended {
            self.begin_chunk()?;
        }
        match self.left > 0 && self.input.fill_buf()?.is_empty() {
            true => Err(ArchiveFault::End),
            false => Ok(()),
        }
    }
}

impl<R: Read> BufRead for MemberChunks<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Err(fault) = self.available() {
            self.fault = Some(fault);
            return Err(io::Error::other("the archive cannot be read"));
        }
        if self.left == 0 {
            return Ok(&[]);
        }
        let bytes = self.input.fill_buf()?;
        Ok(&bytes[..bytes.len().min(self.left)])
    }

    fn consume(&mut self, count: usize) {
        let count = count.min(self.left);
        self.left -= count;
        self.input.consume(count);
    }
}

impl<R: Read> Read for MemberChunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let available = self.fill_buf()?;
        let count = available.len().min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// A zlib stream, which must reach its end.
pub(super) struct Inflate<R> {
    chunks: MemberChunks<R>,
    decompress: Decompress,
    has_ended: bool,
}

impl<R: Read> Read for Inflate<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.has_ended && !buffer.is_empty() {
            let input = self.chunks.fill_buf()?;
            let is_last = input.is_empty();
            let (taken, given) = (self.decompress.total_in(), self.decompress.total_out());
            let status = self.decompress.decompress(input, buffer, FlushDecompress::None);
            let taken = self.decompress.total_in() - taken;
            let given = self.decompress.total_out() - given;
            // Neither is larger than what was passed in.
            self.chunks.consume(usize::try_from(taken).unwrap_or(usize::MAX));
            let given = usize::try_from(given).unwrap_or(usize::MAX);
            self.has_ended = status.map_err(io::Error::other)? == Status::StreamEnd;
            if given > 0 {
                return Ok(given);
            }
            if is_last && !self.has_ended {
                return Err(ends_early());
            }
        }
        Ok(0)
    }
}
