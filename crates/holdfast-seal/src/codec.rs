//! zstd with reusable contexts: creating one costs more than compressing a small frame.

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, CompressionLevel, WriteBuf, find_frame_compressed_size};

use crate::SealError;

/// A compressed frame must be smaller by 1/32 of its plaintext (about 3 %), otherwise it is stored
/// uncompressed, which is faster to read.
const GAIN_MIN_DIVISOR: usize = 32;

/// The default level ...
const LEVEL_TUNED: CompressionLevel = 2;
/// ... with a window and a table that suit frames of 2 MiB: 2 to 4 % smaller at the same speed
/// (`docs/benchmarks.md`).
const TUNING: [CParameter; 3] =
    [CParameter::WindowLog(21), CParameter::HashLog(17), CParameter::MinMatch(6)];

/// Compresses frames; keeps its context between them.
pub(crate) struct Encoder {
    context: Option<(CompressionLevel, Compressor<'static>)>,
}

impl Encoder {
    pub(crate) fn new() -> Self {
        Self { context: None }
    }

    /// Replaces `out` with one zstd frame of `plaintext` (its size in the header, no checksum: the
    /// blobs' ids are stronger). False if that does not pay; `out` is then unusable.
    pub(crate) fn encode(&mut self, plaintext: &[u8], level: i32, out: &mut Vec<u8>) -> bool {
        let limit = plaintext.len() - plaintext.len().div_ceil(GAIN_MIN_DIVISOR);
        out.clear();
        out.reserve(limit);
        let Some(context) = self.context(level) else { return false };
        // An error means too little room, so too little gain, or no memory: the frame is stored.
        context.compress_to_buffer(plaintext, out).is_ok_and(|length| length <= limit)
    }

    fn context(&mut self, level: i32) -> Option<&mut Compressor<'static>> {
        if self.context.as_ref().is_none_or(|(current, _)| *current != level) {
            let mut context = Compressor::new(level).ok()?;
            if level == LEVEL_TUNED {
                TUNING.into_iter().try_for_each(|it| context.set_parameter(it)).ok()?;
            }
            self.context = Some((level, context));
        }
        self.context.as_mut().map(|(_, context)| context)
    }
}

/// Decompresses frames; keeps its context between them.
pub(crate) struct Decoder {
    context: Decompressor<'static>,
}

impl Decoder {
    pub(crate) fn new() -> Self {
        Self { context: Decompressor::default() }
    }

    /// Writes the plaintext of `body`, which must be one zstd frame of exactly `raw_bytes`, to
    /// `out`, whose capacity should be that. It limits memory and time: zstd needs no window
    /// besides its output.
    pub(crate) fn decode<Out: WriteBuf + ?Sized>(
        &mut self,
        body: &[u8],
        raw_bytes: usize,
        out: &mut Out,
    ) -> Result<(), SealError> {
        // zstd itself would continue with a second frame.
        if find_frame_compressed_size(body) != Ok(body.len()) {
            return Err(SealError::Decompress);
        }
        let length =
            self.context.decompress_to_buffer(body, out).map_err(|_| SealError::Decompress)?;
        if length == raw_bytes { Ok(()) } else { Err(SealError::Decompress) }
    }
}
