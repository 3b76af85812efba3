//! Data that does not fit into the header of a tar entry: pax records and GNU's entries for long
//! names.
//!
//! `tar::Builder` can write both, but it also ends the archive, even when it is dropped because of
//! an error: half an archive would look like a complete one. Its headers are used without it.

use std::io::Write;

use holdfast_format::entry::{FileTime, Metadata};
use tar::{EntryType, Header};

/// Bytes of a tar block.
pub(super) const BLOCK_BYTES: u64 = 512;

/// Pax records of one entry.
#[derive(Default)]
pub(super) struct PaxRecords(Vec<u8>);

impl PaxRecords {
    /// The records that an entry's metadata needs. Also returns the names of extended attributes
    /// that cannot be represented.
    pub fn of(metadata: &Metadata) -> (Self, Vec<String>) {
        let mut records = Self::default();
        let mut untold = Vec::new();
        if metadata.mtime.seconds < 0 || metadata.mtime.nanoseconds > 0 {
            records.push("mtime", decimal(metadata.mtime).as_bytes());
        }
        if let Some(atime) = metadata.atime {
            records.push("atime", decimal(atime).as_bytes());
        }
        for (key, name) in [("uname", &metadata.user), ("gname", &metadata.group)] {
            // The header's field has 32 bytes and ends with a NUL.
            if name.len() > 31 {
                records.push(key, name);
            }
        }
        for (name, value) in &metadata.xattrs {
            match std::str::from_utf8(name) {
                // An equals sign would end the key; GNU tar escapes it like this.
                Ok(name) => {
                    let name = name.replace('%', "%25").replace('=', "%3D");
                    records.push(&format!("SCHILY.xattr.{name}"), value);
                }
                Err(_) => untold.push(String::from_utf8_lossy(name).into_owned()),
            }
        }
        (records, untold)
    }

    fn push(&mut self, key: &str, value: &[u8]) {
        // Each record starts with its own length, which includes its own digits.
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        self.0.extend_from_slice(format!("{length} {key}=").as_bytes());
        self.0.extend_from_slice(value);
        self.0.push(b'\n');
    }

    /// Writes the records, if there are any, as the entry that precedes the one they belong to.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        if self.0.is_empty() { Ok(()) } else { write_extension(out, EntryType::XHeader, &self.0) }
    }
}

/// Writes a name that does not fit into its header, as the entry that GNU tar puts before the one
/// that has the name.
pub(super) fn write_long_name(
    out: &mut dyn Write,
    entry_type: EntryType,
    name: &[u8],
) -> std::io::Result<()> {
    write_extension(out, entry_type, &[name, &[0]].concat())
}

fn write_extension(out: &mut dyn Write, entry_type: EntryType, data: &[u8]) -> std::io::Result<()> {
    let mut header = Header::new_gnu();
    let name = b"././@LongLink";
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(data.len() as u64);
    header.set_entry_type(entry_type);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(data)?;
    write_padding(out, data.len() as u64)
}

/// Pads the last block of `bytes` bytes.
pub(super) fn write_padding(out: &mut dyn Write, bytes: u64) -> std::io::Result<()> {
    let missing = (BLOCK_BYTES - bytes % BLOCK_BYTES) % BLOCK_BYTES;
    out.write_all(&[0; BLOCK_BYTES as usize][..missing as usize])
}

/// Seconds since 1970 with a fraction; negative before.
fn decimal(time: FileTime) -> String {
    let (seconds, nanoseconds) = (i128::from(time.seconds), i128::from(time.nanoseconds));
    let total = seconds * 1_000_000_000 + nanoseconds;
    let sign = if total < 0 { "-" } else { "" };
    let (whole, fraction) = (total.abs() / 1_000_000_000, total.abs() % 1_000_000_000);
    match fraction {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction:09}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_decimal() {
        let text = |seconds, nanoseconds| decimal(FileTime { seconds, nanoseconds });
        assert_eq!(text(0, 0), "0");
        assert_eq!(text(12, 5), "12.000000005");
        assert_eq!(text(-1, 500_000_000), "-0.500000000");
        assert_eq!(text(-2, 0), "-2");
    }

    #[test]
    fn values_may_hold_any_byte() {
        let xattrs =
            vec![(b"user.a=%".to_vec(), b"\n\0=\xff".to_vec()), (b"\xff".to_vec(), vec![1])];
        let (records, untold) = PaxRecords::of(&Metadata { xattrs, ..Metadata::default() });
        assert_eq!(records.0, b"34 SCHILY.xattr.user.a%3D%25=\n\0=\xff\n".to_vec());
        assert_eq!(untold, ["\u{fffd}"]);
    }

    #[test]
    fn records_count_their_own_digits() {
        for length in 0..2000 {
            let mut records = PaxRecords::default();
            records.push("key", &vec![b'x'; length]);
            let text = String::from_utf8(records.0).unwrap();
            let (digits, _) = text.split_once(' ').unwrap();
            assert_eq!(digits.parse::<usize>().unwrap(), text.len());
        }
    }
}
