//! The bytes of a cache on disk: blocks, each followed by a keyed hash. A changed byte is an error
//! where it is read, and never a wrong answer.
//!
//! ```text
//! per block: content 4096, blake3(keyed, content, number u64)[0..16]
//! ```

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use redb::StorageBackend;
use zeroize::Zeroizing;

/// Bytes of content of a block.
const BLOCK: usize = 4096;
const TAG: usize = 16;
/// Bytes of a block in the file.
const STORED: usize = BLOCK + TAG;

/// A file in blocks, as the database sees it.
pub(super) struct Blocks {
    file: File,
    key: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocks").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Blocks {
    /// The file, which no other process may write. The key belongs to the copy that is cached.
    pub fn new(file: File, key: Zeroizing<[u8; 32]>) -> Self {
        Self { file, key }
    }

    fn tag(&self, number: u64, content: &[u8]) -> [u8; TAG] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(content).update(&number.to_le_bytes());
        let mut tag = [0; TAG];
        hasher.finalize_xof().fill(&mut tag);
        tag
    }

    /// The content of `count` blocks from `first` on.
    fn blocks(&self, first: u64, count: usize) -> io::Result<Vec<u8>> {
        let mut stored = vec![0; count * STORED];
        self.file.read_exact_at(&mut stored, first * STORED as u64)?;
        let mut content = Vec::with_capacity(count * BLOCK);
        for (number, block) in (first..).zip(stored.chunks_exact(STORED)) {
            let (bytes, tag) = block.split_at(BLOCK);
            if self.tag(number, bytes) != *tag {
                return Err(damaged());
            }
            content.extend_from_slice(bytes);
        }
        Ok(content)
    }

    /// The content of a block that is partly overwritten; one that was never written is empty.
    fn block_to_change(&self, number: u64) -> io::Result<Vec<u8>> {
        let mut stored = vec![0; STORED];
        self.file.read_exact_at(&mut stored, number * STORED as u64)?;
        match stored.iter().all(|byte| *byte == 0) {
            true => Ok(vec![0; BLOCK]),
            false => self.blocks(number, 1),
        }
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a block is damaged")
}

/// The blocks that a range touches: the first, their number, and where in the first the range
/// begins.
fn span(offset: u64, length: usize) -> (u64, usize, usize) {
    let (first, start) = (offset / BLOCK as u64, (offset % BLOCK as u64) as usize);
    (first, (start + length).div_ceil(BLOCK), start)
}

impl StorageBackend for Blocks {
    fn len(&self) -> io::Result<u64> {
        let bytes = self.file.metadata()?.len();
        match bytes % STORED as u64 {
            0 => Ok(bytes / STORED as u64 * BLOCK as u64),
            _ => Err(damaged()),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (first, count, start) = span(offset, out.len());
        let content = self.blocks(first, count)?;
        out.copy_from_slice(&content[start..start + out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len.div_ceil(BLOCK as u64) * STORED as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (first, count, start) = span(offset, data.len());
        let end = start + data.len();
        let mut content = vec![0; count * BLOCK];
        let last = count.saturating_sub(1);
        if start > 0 || (last == 0 && end < BLOCK) {
            content[..BLOCK].copy_from_slice(&self.block_to_change(first)?);
        }
        if last > 0 && end < count * BLOCK {
            let block = self.block_to_change(first + last as u64)?;
            content[last * BLOCK..].copy_from_slice(&block);
        }
        content[start..end].copy_from_slice(data);
        let mut stored = Vec::with_capacity(count * STORED);
        for (number, block) in (first..).zip(content.chunks_exact(BLOCK)) {
            stored.extend_from_slice(block);
            stored.extend_from_slice(&self.tag(number, block));
        }
        self.file.write_all_at(&stored, first * STORED as u64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocks() -> Blocks {
        Blocks::new(tempfile::tempfile().unwrap(), Zeroizing::new([7; 32]))
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            writes in prop::collection::vec((0..40_000u64, 1..20_000usize, any::<u8>()), 1..20)
        ) {
            let blocks = blocks();
            blocks.set_len(60_000).unwrap();
            let mut model = vec![0; 61_440];
            blocks.write(0, &model).unwrap();
            for (offset, length, byte) in writes {
                let at = offset as usize;
                blocks.write(offset, &vec![byte; length]).unwrap();
                model[at..at + length].fill(byte);
                let mut read = vec![0; length + 7];
                blocks.read(offset, &mut read).unwrap();
                prop_assert_eq!(&read, &model[at..at + length + 7]);
            }
            let mut all = vec![0; model.len()];
            blocks.read(0, &mut all).unwrap();
            prop_assert_eq!(all, model);
            prop_assert_eq!(blocks.len().unwrap(), 61_440);
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let blocks = blocks();
        blocks.set_len(2 * BLOCK as u64).unwrap();
        blocks.write(0, &[1; BLOCK]).unwrap();
        blocks.write(BLOCK as u64, &[2; BLOCK]).unwrap();
        let mut read = [0; 2 * BLOCK];
        for at in 0..2 * STORED as u64 {
            let mut byte = [0];
            blocks.file.read_exact_at(&mut byte, at).unwrap();
            blocks.file.write_all_at(&[byte[0] ^ 1], at).unwrap();
            assert!(blocks.read(0, &mut read).is_err(), "{at}");
            blocks.file.write_all_at(&byte, at).unwrap();
        }
        blocks.read(0, &mut read).unwrap();
        // A block in the position of another, and one that the disk lost.
        let mut stored = [0; STORED];
        blocks.file.read_exact_at(&mut stored, 0).unwrap();
        blocks.file.write_all_at(&stored, STORED as u64).unwrap();
        assert!(blocks.read(BLOCK as u64, &mut read[..BLOCK]).is_err());
        blocks.file.write_all_at(&[0; STORED], STORED as u64).unwrap();
        assert!(blocks.read(BLOCK as u64, &mut read[..BLOCK]).is_err());
        blocks.file.set_len(STORED as u64 + 100).unwrap();
        assert!(blocks.len().is_err());
    }

    #[test]
    fn another_key_reads_nothing() {
        let blocks = blocks();
        blocks.set_len(BLOCK as u64).unwrap();
        blocks.write(0, &[1; BLOCK]).unwrap();
        let other = Blocks::new(blocks.file.try_clone().unwrap(), Zeroizing::new([8; 32]));
        assert!(other.read(0, &mut [0; 10]).is_err());
    }
}
